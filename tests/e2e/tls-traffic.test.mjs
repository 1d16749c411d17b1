// What a TLS connection carries, for each way in which the broker may keep it: large messages, receivers that do not read, the
// end in order; and the limits of those who only begin one.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Broker, oursOnly } from './support/broker.mjs';
import { freshId } from './support/node.mjs';
import { closePayload, joinOn, joinRaw, Opcode, RawSocket, request } from './support/raw.mjs';
import { clientHello, TlsSocket } from './support/records.mjs';
import { delay, eventually, memoryIsMeasurable, scaled, within } from './support/time.mjs';
import { localPair, pairVariables, testAuthority } from './support/tls.mjs';

const ours = oursOnly('speaks no TLS');
const kMessage = 'SOCKET_MSG_EXCHANGE';
const kLargest = 1_000_000;
const usual = () => ({ ca: testAuthority().certificate });

const kModes = {
  'TLS 1.3': { secure: { minVersion: 'TLSv1.3' } },
  "TLS 1.3 by OpenSSL's records": { env: { TLS_RECORD_LAYER: 'openssl' }, secure: { minVersion: 'TLSv1.3' } },
  'TLS 1.2': { secure: { maxVersion: 'TLSv1.2' } },
};

/// A payload that makes an event of exactly so many bytes, as the broker sends it.
function payloadOfSize(to, size) {
  const empty = `42${JSON.stringify([kMessage, JSON.stringify({ to, x: '' })])}`;
  return JSON.stringify({ to, x: 'x'.repeat(size - empty.length) });
}
const payloadOf = (packet) => JSON.parse(packet.slice(2))[1];

for (const [mode, { env, secure }] of Object.entries(kModes)) {
  describe(mode, ours, () => {
    let broker;
    before(async () => {
      broker = await Broker.start({ ...pairVariables(localPair()), WORKERS: '2', ...env });
    });
    after(() => broker?.stop());

    const own = () => ({ ...usual(), ...secure });
    const join = () => joinRaw(broker.port, freshId(), { secure: own() });

    test('messages of the largest size pass, to a plain node and from one too', async () => {
      const nodes = [await join(), await join(), await joinRaw(broker.plainPort, freshId())];
      for (const from of nodes) {
        for (const to of nodes) {
          if (from === to) continue;
          // The packet of the sender has an acknowledgement id in addition, of a byte.
          const payload = payloadOfSize(to.id, kLargest - 2);
          const [answer, packet] = await Promise.all([from.emit(kMessage, payload), to.packet()]);
          assert.deepEqual(answer, ['OK']);
          assert.ok(payloadOf(packet) === payload, `${payload.length} bytes as they were`);
        }
      }
      for (const node of nodes) node.destroy();
    });

    test('small messages of many senders arrive whole and in order', async () => {
      const to = await join();
      const senders = await Promise.all(Array.from({ length: 8 }, join));
      const kEach = 300;
      for (let n = 0; n < kEach; ++n) {
        for (const from of senders) {
          const payload = JSON.stringify({ to: to.id, from: from.id, n, x: 'x'.repeat((n * 37) % 600) });
          from.sendText(`42${JSON.stringify([kMessage, payload])}`);
        }
      }
      const next = new Map(senders.map(({ id }) => [id, 0]));
      for (let i = 0; i < kEach * senders.length; ++i) {
        const { from, n, x } = JSON.parse(payloadOf(await to.packet()));
        assert.equal(n, next.get(from));
        assert.equal(x.length, (n * 37) % 600);
        next.set(from, n + 1);
      }
      for (const node of [to, ...senders]) node.destroy();
    });

    test('a receiver that does not read gets what was acknowledged, once it reads, and nothing else', async () => {
      const before = broker.memory();
      const [receiver, sender] = [await join(), await join()];
      receiver.pause();
      const payload = (n) => JSON.stringify({ to: receiver.id, n, x: 'x'.repeat(200_000) });
      const taken = [];
      for (let [n, refused] = [0, 0]; refused < 20; ++n) {
        assert.ok(n < 1000, 'an ERROR comes before 200 MB');
        const [answer] = await sender.emit(kMessage, payload(n));
        if (answer === 'OK') taken.push(n);
        else ++refused;
      }
      assert.ok(taken.length > 5, `only ${taken.length} were taken`);
      if (memoryIsMeasurable) assert.ok(broker.memory() - before < 30, `${broker.memory() - before} MiB more`);
      receiver.resume();
      for (const n of taken) assert.equal(JSON.parse(payloadOf(await receiver.packet())).n, n);
      assert.deepEqual(await sender.emit(kMessage, payload('after')), ['OK']);
      assert.equal(JSON.parse(payloadOf(await receiver.packet())).n, 'after');
      receiver.destroy();
      sender.destroy();
    });

    test('a closing handshake ends by close_notify', async () => {
      const node = await joinOn(await TlsSocket.open(broker.port, own()), freshId());
      node.sendText(closePayload(1000), { opcode: Opcode.close });
      assert.equal((await node.frame()).opcode, Opcode.close);
      await node.expectEnd();
      await node.expectTcpEnd();
      node.destroy();
    });

    test('an answer that closes ends by close_notify', async () => {
      const socket = await TlsSocket.open(broker.port, own());
      socket.send(request('GET', '/healthz', { Connection: 'close' }));
      assert.equal((await socket.response()).status, 200);
      await socket.expectEnd();
      await socket.expectTcpEnd();
      socket.destroy();
    });

    test('a client that says close_notify gets what is under way, then the same', async () => {
      const socket = await TlsSocket.open(broker.port, own());
      // In one segment, as small as they are.
      const { tcp } = socket;
      const [send, pieces] = [tcp.write.bind(tcp), []];
      tcp.write = (bytes, done) => {
        pieces.push(bytes);
        done?.();
      };
      tcp.end = (done) => {
        send(Buffer.concat(pieces));
        done?.();
      };
      socket.send(request('GET', '/healthz'));
      socket.end();
      assert.equal((await socket.response()).status, 200);
      await socket.expectEnd();
      await socket.expectTcpEnd();
      socket.destroy();
    });

    test('SIGTERM ends connections by close_notify, without a close frame', async (t) => {
      const other = await Broker.start({ ...pairVariables(localPair()), WORKERS: '2', ...env });
      t.after(() => other.kill());
      const nodes = [];
      for (let i = 0; i < 20; ++i) nodes.push(await joinOn(await TlsSocket.open(other.port, own()), freshId()));
      other.child.kill('SIGTERM');
      await Promise.all(
        nodes.map(async (node) => {
          assert.deepEqual(await node.sentBack(scaled(10_000)), []);
          await node.expectTcpEnd();
        }),
      );
      assert.equal((await within(scaled(10_000), 'it ends', other.exited)).code, 0);
    });
  });
}

async function metric(broker, name) {
  const page = await fetch(`${broker.url}/metrics`).then((response) => response.text());
  return Number(new RegExp(`^crolang_broker_${name} (\\d+)$`, 'm').exec(page)[1]);
}

describe('HANDSHAKE_TIMEOUT_MS', { ...ours, concurrency: true }, () => {
  const kTimeout = scaled(1000);
  let broker;
  let hello;
  before(async () => {
    hello = await clientHello();
    broker = await Broker.start({ ...pairVariables(localPair()), HANDSHAKE_TIMEOUT_MS: String(kTimeout) });
  });
  after(() => broker?.stop());

  const open = () => RawSocket.connect(broker.port, '127.0.0.1', undefined, null);
  const kSlow = {
    'says nothing': open,
    'sends half a ClientHello': async () => {
      const socket = await open();
      socket.send(hello.subarray(0, hello.length / 2));
      return socket;
    },
    'drips its ClientHello': async () => {
      const socket = await open();
      let at = 0;
      const drip = setInterval(() => socket.send(hello.subarray(at, ++at)), 20);
      socket.socket.once('close', () => clearInterval(drip));
      socket.socket.once('end', () => clearInterval(drip));
      return socket;
    },
    'sends a ClientHello and no more': async () => {
      const socket = await open();
      socket.send(hello);
      // A handshake record, and whatever else.
      assert.equal((await socket.bytes(1))[0], 22);
      return socket;
    },
    'makes a handshake and no request': () => RawSocket.connect(broker.port, '127.0.0.1', undefined, usual()),
    'makes a handshake and half a request': async () => {
      const socket = await RawSocket.connect(broker.port, '127.0.0.1', undefined, usual());
      socket.send('GET /socket.io/?EIO=4 HT');
      return socket;
    },
  };
  for (const [what, begin] of Object.entries(kSlow)) {
    test(`ends a connection that ${what}`, async () => {
      const since = performance.now();
      const socket = await begin();
      await socket.rest(kTimeout + scaled(5000));
      const waited = performance.now() - since;
      assert.ok(waited > kTimeout - 100, `after ${waited} ms`);
      socket.destroy();
    });
  }
});

describe('limits', ours, () => {
  const kNewcomer = '127.0.0.3';

  test('MAX_CONNECTIONS_PER_ADDRESS closes before a byte of TLS is answered', async (t) => {
    const env = { ...pairVariables(localPair()), MAX_CONNECTIONS_PER_ADDRESS: '3', METRICS_ENABLED: 'true' };
    const broker = await Broker.start(env);
    t.after(() => broker.kill());
    const from = '127.0.0.2';
    const nodes = [];
    for (let i = 0; i < 3; ++i) nodes.push(await joinRaw(broker.port, freshId(), { from, secure: usual() }));
    const hello = await clientHello();
    const late = await RawSocket.connect(broker.port, '127.0.0.1', from, null).catch(() => null);
    late?.send(hello);
    await late?.expectEnd();
    late?.destroy();
    assert.equal(await metric(broker, 'connections_refused_total\\{reason="address_connections"\\}'), 1);
    await joinRaw(broker.port, freshId(), { from: kNewcomer, secure: usual() });
    nodes.pop().destroy();
    await eventually('its place is free', () =>
      joinRaw(broker.port, freshId(), { from, secure: usual() }).then(
        () => true,
        () => false,
      ),
    );
    await broker.stop();
  });

  test('MAX_HANDSHAKES has half a ClientHello, and a whole one, make way for whoever comes', async (t) => {
    const kHandshakes = 100;
    const env = { ...pairVariables(localPair()), MAX_HANDSHAKES: String(kHandshakes), METRICS_ENABLED: 'true', WORKERS: '2' };
    const broker = await Broker.start(env);
    t.after(() => broker.kill());
    const node = await joinRaw(broker.port, freshId(), { secure: usual() });
    const hello = await clientHello();
    const sockets = new Set();
    let opened = 0;
    const attack = setInterval(() => {
      for (let i = 0; i < 5; ++i) {
        const n = opened++;
        const localAddress = `127.7.${(n >> 8) & 255}.${(n & 255) || 1}`;
        const socket = net.connect({ port: broker.port, host: '127.0.0.1', localAddress });
        sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => sockets.delete(socket));
        socket.on('data', () => {});
        socket.write(n % 4 === 0 ? hello : hello.subarray(0, 1 + (n % (hello.length - 1))));
      }
    }, 20);
    const until = performance.now() + 1000;
    try {
      while (performance.now() < until || opened < 5 * kHandshakes) {
        const since = performance.now();
        // This process has to make its handshake beside all the others: it may be the oldest of them once.
        const join = () => joinRaw(broker.port, freshId(), { from: kNewcomer, secure: usual() });
        const newcomer = await join().catch(join);
        const took = performance.now() - since;
        assert.ok(took < scaled(1000), `a newcomer took ${took} ms`);
        newcomer.destroy();
        const handshakes = await metric(broker, 'handshakes');
        assert.ok(handshakes <= kHandshakes + 1, `${handshakes} handshakes`);
        await delay(50);
      }
    } finally {
      clearInterval(attack);
      for (const socket of sockets) socket.destroy();
    }
    assert.ok((await metric(broker, 'closed_by_broker_total\\{reason="handshake"\\}')) > 0);
    assert.deepEqual(await node.emit(kMessage, JSON.stringify({ to: node.id })), ['OK']);
    await broker.stop();
  });
});
