// Socket.IO CONNECT: node parameters, refusals, namespaces, and what may not come before it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Broker, isPeer, oursOnly } from './support/broker.mjs';
import { freshId, joinNode, refusalOf, startNode } from './support/node.mjs';
import { Pair } from './support/pair.mjs';
import {
  connectRaw,
  joinRaw,
  kUpgradeQuery,
  Opcode,
  openTransport,
  upgrade,
} from './support/raw.mjs';
import { scaled } from './support/time.mjs';

let broker;
let pair;
before(async () => {
  broker = await Broker.start();
  pair = await Pair.join(broker.port);
});
after(() => broker.stop());

const kConnected = /^40\{"sid":"[A-Za-z0-9_-]{20}"\}$/;
const transportFor = (id) => openTransport(broker.port, { id, version: '1', runtime: 'raw' });

/// A transport with exactly this query.
async function transportWith(query) {
  const { socket } = await upgrade(broker.port, { query: `${kUpgradeQuery}&${query}` });
  assert.match(await socket.packet(), /^0\{/);
  return socket;
}

async function expectConnected(socket) {
  assert.match(await socket.packet(), kConnected);
  assert.match(await socket.packet(), /^42\["AUTHENTICATED",/);
}

describe('a CONNECT is answered with a sid', () => {
  for (const packet of [
    '40',
    '40{}',
    '40{"token":"not used","id":"other"}',
    '40/',
    '40/,',
    '40/,{}',
  ]) {
    test(`when it is ${packet}`, async () => {
      const id = freshId();
      const transport = await transportFor(id);
      transport.sendText(packet);
      await expectConnected(transport);
      assert.equal(await pair.sees(id), true);
    });
  }
});

describe('node parameters', () => {
  const missing = (name) =>
    `44{"message":"server side exception: Error: Missing required OnConnectionData value: ${name}"}`;
  const refusals = {
    'version=1&runtime=r': missing('id'),
    'id=a&id=b&version=1&runtime=r': missing('id'),
    'id=a&id=a&version=1&runtime=r': missing('id'),
    'id=a&runtime=r': missing('version'),
    'id=a&version=1&version=1&runtime=r': missing('version'),
    'id=a&version=1': missing('runtime'),
    'id=a&version=1&runtime=r&runtime=r': missing('runtime'),
    'runtime=r': missing('id'),
    'id=a': missing('version'),
    '': missing('id'),
    'ID=a&version=1&runtime=r': missing('id'),
    'id=a&id=b&version=1&version=1&runtime=r': missing('id'),
  };
  for (const [query, packet] of Object.entries(refusals)) {
    test(`?${query} is refused`, async () => {
      const transport = await transportWith(query);
      transport.sendText('40');
      assert.equal(await transport.packet(), packet);
      assert.deepEqual(await transport.settled(), []);
    });
  }

  test('may be empty, except the id', async () => {
    const transport = await transportWith(`id=${freshId()}&version=&runtime=`);
    await connectRaw(transport);
  });

  test('data is optional and may be anything', async () => {
    for (const data of ['', '{"token":"x"}', 'plain', '%00', '%FF']) {
      await connectRaw(await transportWith(`id=${freshId()}&version=1&runtime=r&data=${data}`));
    }
  });

  const decoded = {
    'a+b': 'a b',
    'a%20b': 'a b',
    'a%2Bb': 'a+b',
    '100%zz': '100%zz',
    '50%': '50%',
    '%e2%82%ac': '€',
    'a%26b%3Dc': 'a&b=c',
    'a=b': 'a=b',
    __proto__: '__proto__',
    'q%22uote%5C': 'q"uote\\',
  };
  for (const [spelled, id] of Object.entries(decoded)) {
    test(`id=${spelled} is the node ${id}`, async () => {
      assert.equal(await pair.sees(id), false);
      const node = await transportWith(`id=${spelled}&version=1&runtime=r`);
      await connectRaw(node);
      assert.equal(await pair.sees(id), true);
      node.destroy();
      await pair.seesLeave(id);
    });
  }

  const kInvalidId = '44{"message":"invalid node id"}';
  const invalid = {
    'an empty id': '',
    'a blank id': '%20',
    'an id with a blank before it': '+a',
    'an id with a blank behind it': 'a+',
    'an id with a no-break space behind it': 'a%C2%A0',
    'an id with a byte order mark before it': '%EF%BB%BFa',
    'an id with a line break inside': 'a%0Ab',
    'an id with a NUL inside': 'a%00b',
    'an id with DEL inside': 'a%7Fb',
    'an id that is not UTF-8': 'a%FF',
    'an id with a coded surrogate': 'a%ED%A0%80',
    'an id of 257 bytes': 'x'.repeat(257),
    'an id of 257 bytes in 129 characters': `x${'%C3%BC'.repeat(128)}`,
  };
  for (const [name, spelled] of Object.entries(invalid)) {
    test(`${name} is refused`, oursOnly('behaves otherwise'), async () => {
      const transport = await transportWith(`id=${spelled}&version=1&runtime=r`);
      transport.sendText('40');
      assert.equal(await transport.packet(), kInvalidId);
      assert.deepEqual(await transport.settled(), []);
    });
  }

  test('an id of 256 bytes is accepted', async () => {
    await connectRaw(await transportWith(`id=${freshId().padEnd(256, 'x')}&version=1&runtime=r`));
    await connectRaw(await transportWith(`id=${'%C3%BC'.repeat(128)}&version=1&runtime=r`));
  });

  test('ids are case-sensitive', async () => {
    const id = freshId('Case');
    await joinRaw(broker.port, id);
    await joinRaw(broker.port, id.toUpperCase());
    await joinRaw(broker.port, id.toLowerCase());
  });
});

describe('an id already connected', () => {
  const kTaken = '44{"message":"client already connected"}';

  test('is refused with the exact packet, the first one stays', async () => {
    const first = await joinNode(broker.port);
    const second = await transportFor(first.nodeId);
    second.sendText('40');
    assert.equal(await second.packet(), kTaken);
    assert.deepEqual(await second.settled(), []);
    assert.equal(first.connected, true);
    assert.equal(await pair.sees(first.nodeId), true);
  });

  test('reaches socket.io-client as a connect_error', async () => {
    const first = await joinNode(broker.port);
    assert.equal(await refusalOf(broker.port, first.nodeId), 'client already connected');
  });

  test('may be tried again on the same transport once it is free', async () => {
    const first = await joinNode(broker.port);
    const second = await transportFor(first.nodeId);
    second.sendText('40');
    assert.equal(await second.packet(), kTaken);
    first.disconnect();
    await pair.seesLeave(first.nodeId);
    await connectRaw(second);
  });

  test(
    'a third admission on one transport is its last',
    oursOnly('has no such limit'),
    async () => {
      const first = await joinNode(broker.port);
      const second = await transportFor(first.nodeId);
      for (let i = 0; i < 3; ++i) {
        second.sendText('40');
        assert.equal(await second.packet(), kTaken);
      }
      second.sendText('40');
      await second.expectClose();
    },
  );
});

describe('another namespace is invalid, the transport stays', () => {
  for (const namespace of ['/foo', '/foo?x=1', '/admin', '/a/b', '/ü']) {
    for (const packet of [`40${namespace},`, `40${namespace}`, `40${namespace},{"a":1}`]) {
      test(packet, async () => {
        const transport = await transportFor(freshId());
        transport.sendText(packet);
        assert.equal(await transport.packet(), `44${namespace},{"message":"Invalid namespace"}`);
        await connectRaw(transport);
      });
    }
  }

  test('also for a connected node', async () => {
    const node = await joinRaw(broker.port, freshId());
    node.sendText('40/foo,');
    assert.equal(await node.packet(), '44/foo,{"message":"Invalid namespace"}');
    assert.deepEqual(await node.emit('ARE_NODES_CONNECTED_TO_BROKER', '{"ids":[]}'), [
      '{"results":[]}',
    ]);
  });
});

describe('closed with 1005', () => {
  for (const packet of [
    '40[]',
    '40"x"',
    '40null',
    '40{',
    '40{}x',
    '42["x"]',
    '420["x","{}"]',
    '41',
    '430[]',
    '4',
    '47',
  ]) {
    test(`on ${packet} before CONNECT`, async () => {
      const transport = await transportFor(freshId());
      transport.sendText(packet);
      await transport.expectClose();
    });
  }

  test('on a second CONNECT', async () => {
    const node = await joinRaw(broker.port, freshId());
    node.sendText('40');
    await node.expectClose();
    await pair.seesLeave(node.id);
  });

  test('on an EVENT after a refused CONNECT', async () => {
    const transport = await transportFor(pair.a.nodeId);
    transport.sendText('40');
    assert.equal(await transport.packet(), '44{"message":"client already connected"}');
    transport.sendText('42["x"]');
    await transport.expectClose();
  });
});

test('two CONNECTs at once never give two sessions', async () => {
  for (let i = 0; i < 20; ++i) {
    const id = freshId();
    const transport = await transportFor(id);
    transport.sendEach(['40', '40']);
    const seen = [];
    while (!seen.includes('40') || !(seen.includes('44') || seen.includes('close'))) {
      const { opcode, payload } = await transport.frame();
      seen.push(opcode === Opcode.close ? 'close' : payload.toString('utf8', 0, 2));
    }
    assert.equal(seen.filter((packet) => packet === '40').length, 1, seen.join());
    transport.destroy();
  }
});

test('several connections with one id at once: exactly one gets in', async () => {
  const id = freshId();
  const outcomes = await Promise.all(
    Array.from(
      { length: 20 },
      () =>
        new Promise((resolve) => {
          const node = startNode(broker.port, id);
          node.once('connect', () => resolve('in'));
          node.once('connect_error', (error) => resolve(error.message));
        }),
    ),
  );
  assert.equal(outcomes.filter((outcome) => outcome === 'in').length, 1, outcomes.join());
  for (const outcome of outcomes) {
    assert.match(
      outcome,
      isPeer
        ? /^(in|client already connected)$/
        : /^(in|client already connected|websocket error)$/,
    );
  }
  assert.equal(await pair.sees(id), true);
});

describe('a transport without CONNECT', { concurrency: true }, () => {
  const patience = isPeer ? 45_000 : scaled(700);
  let impatient;
  before(async () => {
    impatient = isPeer ? broker : await Broker.start({ HANDSHAKE_TIMEOUT_MS: String(patience) });
  });
  after(() => (isPeer ? undefined : impatient.stop()));

  async function expectClosedAfterPatience(socket, since) {
    await socket.beatUntilClosed(patience + scaled(10_000));
    const waited = performance.now() - since;
    assert.ok(waited > patience - 100, `closed after ${waited} ms`);
  }

  test('is closed with 1005 in the end', async () => {
    const start = performance.now();
    await expectClosedAfterPatience(
      await openTransport(impatient.port, { id: freshId(), version: '1', runtime: 'raw' }),
      start,
    );
  });

  test('is closed with 1005 after a CONNECT_ERROR too', async () => {
    const start = performance.now();
    const transport = await openTransport(impatient.port, { version: '1', runtime: 'raw' });
    transport.sendText('40');
    assert.match(await transport.packet(), /^44/);
    await expectClosedAfterPatience(transport, start);
  });

  test('leaves its id free', oursOnly('asks only on CONNECT'), async () => {
    const id = freshId();
    const start = performance.now();
    await expectClosedAfterPatience(
      await openTransport(impatient.port, { id, version: '1', runtime: 'raw' }),
      start,
    );
    await joinRaw(impatient.port, id);
  });

  test('is absent to presence before its CONNECT', oursOnly('asks only on CONNECT'), async () => {
    const id = freshId();
    const observer = await joinRaw(impatient.port, freshId());
    const transport = await openTransport(impatient.port, { id, version: '1', runtime: 'raw' });
    const seen = async () =>
      JSON.parse(
        (await observer.emit('ARE_NODES_CONNECTED_TO_BROKER', JSON.stringify({ ids: [id] })))[0],
      ).results[0].connected;
    assert.equal(await seen(), false);
    assert.deepEqual(await observer.emit('SOCKET_MSG_EXCHANGE', JSON.stringify({ to: id })), [
      'NOT_CONNECTED',
    ]);
    await connectRaw(transport);
    assert.equal(await seen(), true);
  });
});

test('the pair still exchanges messages', () => pair.stillTalks());
