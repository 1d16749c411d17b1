// Limits of one address: whatever it does, it gets its share, and others connect as if it were not there.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';
import { Broker, oursOnly } from './support/broker.mjs';
import { freshId, nodeQuery } from './support/node.mjs';
import {
  frame,
  joinRaw,
  kUpgradeQuery,
  RawSocket,
  request,
  upgradeRequest,
} from './support/raw.mjs';
import { clientHello } from './support/records.mjs';
import { delay, eventually, scaled } from './support/time.mjs';
import { isPlain, plainOnly, tlsOptions } from './support/tls.mjs';

const ours = oursOnly('has no limits of addresses');
const kMost = 40;
const kRate = 20;
const kHandshakes = 60;
const kAttacker = '127.0.0.2';
const kNewcomer = '127.0.0.3';
/// How long an attack lasts.
const kAttack = 1000;

const upgradeOf = (id, headers = {}) =>
  upgradeRequest({
    query: `${kUpgradeQuery}&${nodeQuery({ id, version: '1', runtime: 'raw' })}`,
    headers,
  });

async function metric(broker, name) {
  const page = await fetch(`${broker.url}/metrics`).then((r) => r.text());
  return Number(new RegExp(`^crolang_broker_${name} (\\d+)$`, 'm').exec(page)[1]);
}

/// Connections that are opened as fast as the machine can, until `stop`.
class Attack {
  sockets = new Set();
  opened = 0;
  #running = true;

  /// `from(n)`: the address of the nth connection; `speak(socket, port)`: what each does.
  constructor(port, { from = () => kAttacker, speak = () => {} }) {
    const open = () => {
      if (!this.#running) return;
      const socket = net.connect({ port, host: '127.0.0.1', localAddress: from(this.opened++) });
      this.sockets.add(socket);
      socket.on('error', () => {});
      socket.on('connect', () => speak(socket, port));
      socket.on('close', () => this.sockets.delete(socket));
    };
    this.timer = setInterval(() => {
      for (let i = 0; i < 20 && this.sockets.size < 2000; ++i) open();
    }, 10);
  }

  stop() {
    this.#running = false;
    clearInterval(this.timer);
    for (const socket of this.sockets) socket.destroy();
  }
}

/// What one address may try.
const kAttacks = {
  'opens connections and says nothing': {},
  'sends half a request': { speak: (socket) => socket.write('GET /socket.io/?EIO=4 HTTP/1.1\r\nHo') },
  'sends its request byte by byte': {
    speak: (socket) => {
      const bytes = upgradeOf(freshId());
      let at = 0;
      const timer = setInterval(() => {
        if (socket.destroyed || at === bytes.length) clearInterval(timer);
        else socket.write(bytes[at++]);
      }, 50);
    },
  },
  'connects nodes': {
    speak: (socket) => {
      socket.write(upgradeOf(freshId()));
      socket.once('data', () => socket.write(frame('40')));
      socket.on('data', (bytes) => {
        if (bytes.toString('latin1').endsWith('\x81\x012')) socket.write(frame('3'));
      });
    },
  },
  'connects, and goes again': { speak: (socket) => socket.end() },
  'asks for pages': { speak: (socket) => socket.write(request('GET', '/healthz').repeat(10)) },
};
const kHello = await clientHello();
const kTlsAttacks = {
  'opens connections and says nothing': {},
  'sends half a ClientHello': { speak: (socket) => socket.write(kHello.subarray(0, kHello.length / 2)) },
  'begins handshakes': { speak: (socket) => socket.write(kHello) },
  'makes handshakes, and asks for nothing': {
    speak: (socket, port) => tls.connect({ ...tlsOptions(port), socket, host: '127.0.0.1' }).on('error', () => {}),
  },
};

describe('one address that', ours, () => {
  let broker;
  before(async () => {
    broker = await Broker.start({
      MAX_CONNECTIONS_PER_ADDRESS: String(kMost),
      CONNECTION_RATE_PER_ADDRESS: String(kRate),
      MAX_HANDSHAKES: String(kHandshakes),
      WORKERS: '2',
      METRICS_ENABLED: 'true',
      LOG_LEVEL: '1',
    });
  });
  after(() => broker?.stop());

  for (const [what, speaking] of Object.entries(isPlain ? kAttacks : kTlsAttacks)) {
    test(`${what} keeps nobody else out, and gets no more than its share`, async () => {
      const attack = new Attack(broker.port, speaking);
      const until = performance.now() + kAttack;
      let most = 0;
      try {
        while (performance.now() < until || attack.opened <= 2 * kMost) {
          const since = performance.now();
          const node = await joinRaw(broker.port, freshId(), { from: kNewcomer });
          const took = performance.now() - since;
          assert.ok(took < scaled(1000), `a newcomer took ${took} ms`);
          node.destroy();
          most = Math.max(most, await metric(broker, 'connections'));
          await delay(100);
        }
      } finally {
        attack.stop();
      }
      // A newcomer or two that is being closed, and who asks for the metric.
      assert.ok(most <= kMost + 5, `${most} connections`);
      await eventually('all are gone', async () => (await metric(broker, 'connections')) <= 2);
    });
  }

  test('has its share may connect again once one of its connections has ended', async () => {
    const from = '127.0.0.4';
    const nodes = [];
    for (let i = 0; i < kMost; ++i) nodes.push(await joinRaw(broker.port, freshId(), { from }));
    const refused = await metric(broker, 'connections_refused_total\\{reason="address_connections"\\}');
    const late = await RawSocket.connect(broker.port, '127.0.0.1', from).catch(() => null);
    if (late) await late.expectEnd();
    assert.equal(
      await metric(broker, 'connections_refused_total\\{reason="address_connections"\\}'),
      refused + 1,
    );
    nodes.pop().destroy();
    await eventually('there is a place again', async () => {
      try {
        nodes.push(await joinRaw(broker.port, freshId(), { from }));
        return true;
      } catch {
        return false;
      }
    });
    for (const node of nodes) node.destroy();
    await broker.says(/request refused status=0 why="its address has MAX_CONNECTIONS_PER_ADDRESS connections"/);
  });

  test('connects too fast is slowed down, and counted', async () => {
    const from = '127.0.0.5';
    let refused = 0;
    const ask = async () => {
      const socket = await RawSocket.connect(broker.port, '127.0.0.1', from).catch(() => null);
      if (socket) socket.send(request('GET', '/healthz', { Connection: 'close' }));
      const answer = await socket?.response().catch(() => null);
      if (!answer) ++refused;
      socket?.destroy();
    };
    // Many at a time, since one after the other may be slow enough to be allowed.
    for (let sent = 0; sent < 30 * kRate; sent += kMost / 2) {
      await Promise.all(Array.from({ length: kMost / 2 }, ask));
    }
    assert.ok(refused > 0);
    assert.ok(
      (await metric(broker, 'connections_refused_total\\{reason="address_rate"\\}')) >= refused,
    );
  });

  test('claims to speak for others is one address all the same', async () => {
    const from = '127.0.0.6';
    const nodes = [];
    const join = async (n) => {
      const headers = { 'X-Forwarded-For': `198.51.100.${n}` };
      return joinRaw(broker.port, freshId(), { from, headers });
    };
    for (let n = 0; n < kMost; ++n) nodes.push(await join(n));
    await assert.rejects(join(kMost));
    await broker.says(/warning limits per address are set, .* add it to TRUSTED_PROXIES/);
    for (const node of nodes) node.destroy();
  });
});

describe('MAX_HANDSHAKES', ours, () => {
  let broker;
  before(async () => {
    broker = await Broker.start({
      MAX_HANDSHAKES: String(kHandshakes),
      WORKERS: '2',
      METRICS_ENABLED: 'true',
    });
  });
  after(() => broker?.stop());

  test('has half-open connections of many addresses make way for whoever comes', plainOnly('tls-traffic has it'), async () => {
    const node = await joinRaw(broker.port, freshId());
    const attack = new Attack(broker.port, {
      from: (n) => `127.7.${(n >> 8) & 255}.${(n & 255) || 1}`,
      speak: (socket) => socket.write('GET /socket.io/?EIO=4&transport'),
    });
    const until = performance.now() + kAttack;
    try {
      while (performance.now() < until || attack.opened <= 5 * kHandshakes) {
        const since = performance.now();
        const other = await joinRaw(broker.port, freshId(), { from: kNewcomer });
        const took = performance.now() - since;
        assert.ok(took < scaled(1000), `a newcomer took ${took} ms`);
        other.destroy();
        // And who asks, a connection of each worker that is just being opened.
        const handshakes = await metric(broker, 'handshakes');
        assert.ok(handshakes <= kHandshakes + 1, `${handshakes} handshakes`);
        await delay(100);
      }
    } finally {
      attack.stop();
    }
    assert.ok((await metric(broker, 'closed_by_broker_total\\{reason="handshake"\\}')) > 0);
    await broker.says(/more connections than MAX_HANDSHAKES have not sent a whole request/);
    assert.deepEqual(await node.emit('SOCKET_MSG_EXCHANGE', JSON.stringify({ to: node.id })), ['OK']);
  });
});
