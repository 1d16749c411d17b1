// Everything that a hostile client can do. After each case an ordinary pair still talks over its first connections.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, afterEach, before, describe, test } from 'node:test';
import { io } from 'socket.io-client';
import { Broker, isPeer, oursOnly } from './support/broker.mjs';
import { freshId, joinNode, nodeQuery } from './support/node.mjs';
import { Pair } from './support/pair.mjs';
import {
  closePayload,
  frame,
  joinRaw,
  kUpgradeQuery,
  Opcode,
  openTransport,
  RawSocket,
  request,
  upgradeRequest,
} from './support/raw.mjs';
import { eventually, memoryIsMeasurable, scaled, within } from './support/time.mjs';
import { isPlain } from './support/tls.mjs';

const kHandshakeTimeout = scaled(1500);
const kMessage = 'SOCKET_MSG_EXCHANGE';

let broker;
/// One whose HANDSHAKE_TIMEOUT_MS is short. A thousand TLS connections of this process take longer than that.
let impatient;
let pair;
before(async () => {
  impatient = await Broker.start({ HANDSHAKE_TIMEOUT_MS: String(kHandshakeTimeout) });
  broker = isPlain ? impatient : await Broker.start();
  pair = await Pair.join(broker.port);
});
after(async () => {
  await broker.stop();
  if (impatient !== broker) await impatient.stop();
});
afterEach(() => pair.stillTalks());

const join = () => joinRaw(broker.port, freshId());
const count = (n, make) => Array.from({ length: n }, (_, i) => make(i));

/// Numbers that look random and are the same in every run.
function pseudoRandom(seed) {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/// Sends the bytes from `n` new nodes at once and waits until the broker has ended or answered each.
async function fromManyNodes(n, makeBytes) {
  await Promise.all(
    count(n, async (i) => {
      const node = await join();
      node.send(makeBytes(i));
      node.end();
      await node.rest();
    }),
  );
}

describe('packets', () => {
  test('malformed, from 100 nodes at once', async () => {
    const packets = [
      '4',
      '47',
      '42[',
      '42{}',
      '42[null]',
      '40[]',
      '41"x"',
      '431{}',
      '451-',
      '45x-[]',
      '44{}',
      'bAAAA',
      '2',
      'x',
      '',
    ];
    await fromManyNodes(100, (i) => frame(packets[i % packets.length]));
  });

  test('that are random text behind a valid beginning', async () => {
    const random = pseudoRandom(1);
    const alphabet = '[]{}",:\\u0d89/-?4251 nulltruefalse\u00e9\u20ac';
    const pick = () => alphabet[random(alphabet.length)];
    await fromManyNodes(200, () =>
      Buffer.concat(
        count(20, () =>
          frame(
            [
              '42',
              '421',
              '42["',
              '451-',
              '40',
              '43',
              '42["SOCKET_MSG_EXCHANGE","',
              `420["${kMessage}",`,
            ][random(8)] + count(random(40), pick).join(''),
          ),
        ),
      ),
    );
  });

  test('without the acks that the events are for', oursOnly('behaves otherwise'), async () => {
    const node = await join();
    node.sendEach([
      '42["ARE_NODES_CONNECTED_TO_BROKER","{\\"ids\\":[\\"a\\"]}"]',
      '42["ARE_NODES_CONNECTED_TO_BROKER",null]',
      '42["ARE_NODES_CONNECTED_TO_BROKER"]',
      `42["${kMessage}"]`,
      '42["CONNECTION_ATTEMPT",{}]',
    ]);
    assert.deepEqual(await node.settled(), []);
  });

  test('whose ack id is followed by no payload or by too many', oursOnly('behaves otherwise'), async () => {
    const node = await join();
    node.sendEach([
      '420["ARE_NODES_CONNECTED_TO_BROKER"]',
      '421["ARE_NODES_CONNECTED_TO_BROKER","{\\"ids\\":[]}",{}]',
      `422["${kMessage}"]`,
      `423["${kMessage}","{}",null]`,
    ]);
    await node.packets(4);
  });

  test('with payloads that are no strings', async () => {
    const node = await join();
    for (const value of [
      null,
      0,
      true,
      {},
      [],
      { toString: 1 },
      { to: pair.a.nodeId },
      [[[]]],
      { valueOf: null, toString: null },
    ]) {
      assert.deepEqual(await node.emit(kMessage, value), ['ERROR']);
    }
  });

  test('with binary in them', async () => {
    const node = await join();
    node.sendText('451-["FOO",{"_placeholder":true,"num":0}]');
    node.send(frame(Buffer.alloc(100_000), { opcode: Opcode.binary }));
    node.sendText(`451-["${kMessage}",{"_placeholder":true,"num":0}]`);
    node.send(frame(Buffer.of(0, 255), { opcode: Opcode.binary }));
    await node.settled();
  });

  test('for other namespaces, 1,000 at once', async () => {
    const node = await join();
    node.sendEach(count(1000, (i) => `40/n${i},`));
    assert.deepEqual(
      await node.packets(1000),
      count(1000, (i) => `44/n${i},{"message":"Invalid namespace"}`),
    );
  });

  test('nested 100,000 deep', async () => {
    const node = await join();
    node.sendText(`42["FOO",${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}]`);
    node.sendText(`42["FOO",${'['.repeat(400_000)}`);
    await node.expectClose();
  });

  test('with ids that have a meaning in other syntaxes', async () => {
    for (const id of [
      '__proto__',
      'constructor',
      'toString',
      '../../etc/passwd',
      '%s%n%s',
      "'; DROP TABLE nodes; --",
      '${jndi:x}',
      'x'.repeat(256),
    ]) {
      const node = await joinRaw(broker.port, id);
      assert.deepEqual(await node.emit(kMessage, JSON.stringify({ to: pair.a.nodeId })), ['OK']);
      node.destroy();
    }
  });

  test('that ask for 160,000 ids', oursOnly('behaves otherwise'), async () => {
    const node = await join();
    assert.deepEqual(
      await node.emit(
        'ARE_NODES_CONNECTED_TO_BROKER',
        JSON.stringify({ ids: count(160_000, () => 'n') }),
      ),
      ['ERROR'],
    );
  });
});

describe('frames', () => {
  const cases = {
    'oversized, announced only': frame('', { length: 2 ** 40 }).subarray(0, 14),
    'oversized, really sent': frame(Buffer.alloc(2_000_000, 'x')),
    'oversized in fragments': Buffer.concat([
      frame(Buffer.alloc(999_999, 'x'), { fin: false }),
      ...count(10, () => frame('xx', { opcode: Opcode.continuation, fin: false })),
    ]),
    'in 100,000 empty fragments': Buffer.concat([
      frame('', { fin: false }),
      ...count(100_000, () =>
        frame('', { opcode: Opcode.continuation, fin: false, mask: Buffer.alloc(4) }),
      ),
    ]),
    'of text that is not UTF-8': frame(Buffer.from([0x34, 0x32, 0xc0, 0x80])),
    'without a mask': frame('42["x"]', { mask: null }),
    'with reserved bits': frame('42["x"]', { rsv: 7 }),
    'of reserved opcodes': Buffer.concat(count(8, (i) => frame('', { opcode: 3 + i }))),
    'of 10,000 pings that nobody reads the answers of': Buffer.concat(
      count(10_000, () => frame(Buffer.alloc(125), { opcode: Opcode.ping })),
    ),
    'of 10,000 closes': Buffer.concat(
      count(10_000, () => frame(closePayload(1000), { opcode: Opcode.close })),
    ),
    'cut off in the middle': frame('42["x"]').subarray(0, 7),
  };
  for (const [name, bytes] of Object.entries(cases)) {
    test(name, () => fromManyNodes(5, () => bytes));
  }

  test('of random bytes', async () => {
    const random = pseudoRandom(2);
    await fromManyNodes(300, () => Buffer.from(count(random(200), () => random(256))));
  });

  test('before CONNECT', async () => {
    for (const bytes of Object.values(cases)) {
      const transport = await openTransport(broker.port);
      transport.send(bytes);
      transport.end();
      await transport.rest();
    }
  });
});

describe('handshakes', () => {
  for (const [name, bytes] of Object.entries({
    'half of one': upgradeRequest().slice(0, 60),
    'nothing at all': '',
    'a header that never ends': `GET /socket.io/?${kUpgradeQuery} HTTP/1.1\r\nHost: x\r\n`,
  })) {
    test(`${name}, held open, ends at HANDSHAKE_TIMEOUT_MS`, oursOnly('behaves otherwise'), async () => {
      const start = performance.now();
      const socket = await RawSocket.connect(impatient.port);
      if (bytes) socket.send(bytes);
      await socket.rest(kHandshakeTimeout + scaled(5000));
      const waited = performance.now() - start;
      assert.ok(waited > kHandshakeTimeout - 100, `ended after ${waited} ms`);
    });
  }

  test(
    'one that drips in slowly ends at HANDSHAKE_TIMEOUT_MS too',
    oursOnly('behaves otherwise'),
    async () => {
      const socket = await RawSocket.connect(impatient.port);
      const start = performance.now();
      socket.send(`GET /socket.io/?${kUpgradeQuery} HTTP/1.1\r\nHost: x\r\nX: `);
      const drip = setInterval(() => socket.send('x'), 50);
      await socket.rest(kHandshakeTimeout + scaled(5000));
      clearInterval(drip);
      assert.ok(performance.now() - start > kHandshakeTimeout - 100);
    },
  );

  test('of the polling transport fail as socket.io-client expects', async () => {
    const node = io(broker.url, {
      forceNew: true,
      reconnection: false,
      query: { id: freshId(), version: '1', runtime: 'js' },
    });
    const [error] = await within(scaled(10_000), 'connect_error', once(node, 'connect_error'));
    assert.equal(error.message, 'xhr poll error');
    node.disconnect();
  });

  test('of a wrong EIO fail', oursOnly('behaves otherwise'), async () => {
    for (const eio of ['3', '5', '', '44', 'x']) {
      const socket = await RawSocket.connect(broker.port);
      socket.send(upgradeRequest({ query: `EIO=${eio}&transport=websocket` }));
      assert.equal((await socket.response()).status, 400);
      await socket.rest();
    }
  });

  test(
    'that name a live sid neither end nor take over its session',
    oursOnly('behaves otherwise'),
    async () => {
      const victim = await join();
      const { sid } = JSON.parse(victim.openPacket.slice(1));
      for (const eio of [3, 4]) {
        const thief = await RawSocket.connect(broker.port);
        thief.send(upgradeRequest({ query: `EIO=${eio}&transport=websocket&sid=${sid}` }));
        thief.sendEach(['2probe', '5', '2']);
        assert.equal((await thief.response()).status, 400);
        await thief.rest();
      }
      assert.deepEqual(await victim.emit(kMessage, JSON.stringify({ to: pair.a.nodeId })), ['OK']);
    },
  );

  test('of damaged HTTP', async () => {
    const requests = [
      '\r\n\r\n',
      'GET\r\n\r\n',
      'GET / HTTP/9.9\r\nHost: x\r\n\r\n',
      `GET /${'\u0000'} HTTP/1.1\r\nHost: x\r\n\r\n`,
      'GET / HTTP/1.1\r\nHost x\r\n\r\n',
      'GET / HTTP/1.1\r\n Host: x\r\n\r\n',
      request('POST', '/socket.io/', { 'Content-Length': '-1' }),
      request('POST', '/', { 'Content-Length': '99999999999999999999' }),
      request('POST', '/', { 'Transfer-Encoding': 'chunked' }, 'zz\r\n'),
      request('POST', '/', { 'Content-Length': '5', 'Transfer-Encoding': 'chunked' }, '0\r\n\r\n'),
      request('GET', '/socket.io/?'.padEnd(20_000, '&')),
      request('GET', '/', Object.fromEntries(count(2000, (i) => [`X-${i}`, 'y']))),
      Buffer.alloc(100_000, 0xff),
      request('GET', '//../..//socket.io/'),
      request('CONNECT', 'x:1'),
      request('GET', '*'),
    ];
    await Promise.all(
      requests.map(async (bytes) => {
        const socket = await RawSocket.connect(broker.port);
        socket.send(bytes);
        socket.end();
        await socket.rest(scaled(20_000));
      }),
    );
  });

  test('with a body that is long announced and sent', async () => {
    const socket = await RawSocket.connect(broker.port);
    socket.send(
      request('POST', '/socket.io/?EIO=4&transport=polling', { 'Content-Length': '20000000' }),
    );
    socket.send(Buffer.alloc(20_000_000));
    const before = broker.memory();
    await socket.response();
    socket.destroy();
    if (memoryIsMeasurable && !isPeer)
      assert.ok(broker.memory() - before < 10, `${broker.memory() - before} MiB more`);
  });
});

describe('memory stays bounded', () => {
  /// Measures whenever `act` says so, and in the end.
  async function expectMemoryWithin(mebibytes, act) {
    const before = broker.memory();
    const measure = () => {
      const grown = broker.memory() - before;
      if (memoryIsMeasurable) assert.ok(grown < mebibytes, `${grown} MiB more`);
    };
    await act(measure);
    measure();
  }

  for (const [name, connect] of Object.entries({
    'before CONNECT': () => openTransport(broker.port),
    'from a node': join,
  })) {
    test(`under a flood of attachments ${name}`, oursOnly('behaves otherwise'), () =>
      expectMemoryWithin(30, async () => {
        await Promise.all(
          count(20, async () => {
            const socket = await connect();
            socket.sendText('4599999999-["x"]');
            for (let i = 0; i < 10; ++i)
              socket.send(frame(Buffer.alloc(999_000), { opcode: Opcode.binary }));
            socket.end();
            await socket.rest(scaled(30_000));
          }),
        );
      }),
    );
  }

  test('while attachments announced never come', oursOnly('behaves otherwise'), () =>
    expectMemoryWithin(40, async () => {
      const text = `4510-["FOO","${'x'.repeat(100_000)}"${',{"_placeholder":true,"num":0}'.repeat(10)}]`;
      const nodes = await Promise.all(count(100, join));
      for (const node of nodes) node.sendText(text);
      for (const node of nodes) assert.deepEqual(await node.settled(), []);
      for (const node of nodes) node.destroy();
    }),
  );

  test(
    'with a receiver that does not read: the sender gets ERROR, the rest is not lost',
    oursOnly('behaves otherwise'),
    () =>
      expectMemoryWithin(40, async (measure) => {
        const receiver = await join();
        const sender = await join();
        receiver.pause();
        const payload = (n) => JSON.stringify({ to: receiver.id, n, x: 'x'.repeat(900_000) });
        const taken = [];
        let refused = 0;
        for (let n = 0; refused < 50; ++n) {
          assert.ok(n < 200, 'an ERROR comes before 180 MB');
          const [answer] = await sender.emit(kMessage, payload(n));
          assert.match(answer, /^(OK|ERROR)$/);
          if (answer === 'OK') taken.push(n);
          else ++refused;
        }
        assert.ok(taken.length >= 4, 'MAX_OUTBOX_BYTES hold at least four of them');
        await pair.stillTalks();
        measure();
        receiver.resume();
        for (const n of taken) {
          const packet = await receiver.packet();
          assert.equal(JSON.parse(JSON.parse(packet.slice(2))[1]).n, n);
        }
        assert.deepEqual(await sender.emit(kMessage, payload('after')), ['OK']);
        assert.equal(JSON.parse(JSON.parse((await receiver.packet()).slice(2))[1]).n, 'after');
      }),
  );

  test(
    'with a client that does not read the answers to its own pings and questions, and gets them all in the end',
    oursOnly('behaves otherwise'),
    () =>
      expectMemoryWithin(30, async (measure) => {
        const node = await join();
        node.pause();
        const ids = `{\\"ids\\":[${count(1000, () => '\\"n\\"').join()}]}`;
        const pings = Buffer.concat(
          count(100, () => frame(Buffer.alloc(125), { opcode: Opcode.ping })),
        );
        const rounds = 1500;
        for (let i = 0; i < rounds; ++i) {
          node.sendText(`42${i}["ARE_NODES_CONNECTED_TO_BROKER","${ids}"]`);
          node.send(pings);
          if (i % 100 === 0) await pair.stillTalks();
        }
        measure();
        node.resume();
        // What comes too fast is answered ERROR at once, before what still waits.
        const seen = { answers: new Set(), pongs: 0 };
        while (seen.answers.size < rounds || seen.pongs < rounds * 100) {
          const { opcode, payload } = await node.frame();
          if (opcode === Opcode.pong) ++seen.pongs;
          else if (payload.toString() === '2') node.sendText('3');
          else {
            const [, id] = /^43(\d+)\[/.exec(payload.toString('latin1', 0, 12));
            assert.ok(!seen.answers.has(id), `${id} is answered twice`);
            seen.answers.add(id);
          }
        }
        node.destroy();
      }),
  );
});

describe('crowds', () => {
  test('of 1,000 that connect and drop at once, in every phase', async () => {
    const files = broker.files();
    await Promise.all(
      count(1000, async (i) => {
        const socket = await RawSocket.connect(broker.port);
        const whole = upgradeRequest({
          query: `${kUpgradeQuery}&${nodeQuery({ id: freshId('crowd'), version: '1', runtime: 'raw' })}`,
        });
        if (i % 5 === 1) socket.send(whole.slice(0, 50));
        if (i % 5 > 1) socket.send(whole);
        if (i % 5 > 2) await socket.response();
        if (i % 5 > 3) {
          await socket.packet();
          socket.sendText('40');
        }
        if (i % 2) socket.reset();
        else socket.destroy();
      }),
    );
    await eventually(
      'every connection is forgotten',
      () => broker.files() <= files,
      scaled(20_000),
    );
  });

  test('of 200 nodes that flood each other and drop', async () => {
    const nodes = await Promise.all(count(200, join));
    for (const [i, node] of nodes.entries()) {
      const to = nodes[(i + 1) % nodes.length].id;
      node.sendEach(
        count(50, (n) => `42${n}${JSON.stringify([kMessage, JSON.stringify({ to, n })])}`),
      );
    }
    for (const [i, node] of nodes.entries())
      if (i % 2) node.reset();
      else node.destroy();
    for (const node of nodes) await pair.seesLeave(node.id, scaled(5000));
  });

  test('of 200 that want the same id and drop', async () => {
    const id = freshId();
    await Promise.all(
      count(200, async () => {
        const socket = await RawSocket.connect(broker.port);
        socket.send(
          upgradeRequest({
            query: `${kUpgradeQuery}&${nodeQuery({ id, version: '1', runtime: 'raw' })}`,
          }),
        );
        socket.sendText('40');
        const { status } = await socket.response();
        assert.ok(status === 101 || status === 503, String(status));
        socket.reset();
      }),
    );
    await pair.seesLeave(id, scaled(2000));
    await eventually('the id can be had', async () => {
      try {
        await joinRaw(broker.port, id);
        return true;
      } catch {
        return false;
      }
    });
  });
});

describe('the log', () => {
  test(
    'never kills the broker, nor does it tell contents, at LOG_LEVEL=3',
    oursOnly('behaves otherwise'),
    async () => {
      const chatty = await Broker.start({ LOG_LEVEL: '3' });
      const query = { data: 'SECRET-DATA' };
      const a = await joinNode(chatty.port, 'node\u2028a', { query });
      const b = await joinRaw(chatty.port, 'b');
      const payload = JSON.stringify({ to: 'b', content: 'SECRET-CONTENT' });
      assert.equal(await a.timeout(scaled(10_000)).emitWithAck(kMessage, payload), 'OK');
      await b.packet();
      b.sendText('42["FOO",{"toString":1,"x":"SECRET-CONTENT"}]');
      b.sendText(`42["FOO",${'['.repeat(20_000)}${']'.repeat(20_000)}]`);
      b.sendText(`420["${kMessage}",{"toString":1,"x":"SECRET-CONTENT"}]`);
      assert.equal(await b.packet(), '430["ERROR"]');
      b.sendText('42["SECRET-CONTENT"');
      await b.expectClose();
      const forged = await openTransport(chatty.port, {
        id: 'x\n2099-01-01 forged line',
        version: '1',
        runtime: 'raw',
        data: 'SECRET-DATA',
      });
      forged.sendText('40');
      assert.equal(await forged.packet(), '44{"message":"invalid node id"}');
      await chatty.stop();
      assert.doesNotMatch(chatty.output, /SECRET/);
      assert.doesNotMatch(chatty.output, /^2099-01-01 forged line/m);
      await chatty.says(/SOCKET_MSG_EXCHANGE/);
    },
  );
});
