// The seven relayed types: what is delivered, to whom, with which ack, in which order.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Broker, isPeer, oursOnly } from './support/broker.mjs';
import { freshId, joinNode, received, send } from './support/node.mjs';
import { joinRaw } from './support/raw.mjs';

const kPeerToPeer = [
  'CONNECTION_ATTEMPT',
  'CONNECTION_ACCEPTANCE',
  'CONNECTION_REFUSAL',
  'INCOMING_CONNECTIONS_NOT_ALLOWED',
  'ICE_CANDIDATES_EXCHANGE_INITIATOR_TO_RESPONDER',
  'ICE_CANDIDATES_EXCHANGE_RESPONDER_TO_INITIATOR',
];
const kMessage = 'SOCKET_MSG_EXCHANGE';
const kAll = [...kPeerToPeer, kMessage];

let broker;
let a;
let b;
before(async () => {
  broker = await Broker.start();
  a = await joinRaw(broker.port, freshId('a'));
  b = await joinRaw(broker.port, freshId('b'));
});
after(() => broker.stop());

let lastMark = 0;
/// What a sent to b before was not delivered: messages of one sender do not overtake each other.
async function expectNothingBeforeNow() {
  const mark = JSON.stringify({ to: b.id, mark: ++lastMark });
  assert.deepEqual(await a.emit(kMessage, mark), ['OK']);
  assert.equal(await b.packet(), `42${JSON.stringify([kMessage, mark])}`);
}

describe('each type', () => {
  for (const type of kAll) {
    test(`${type} arrives as one argument with the same characters`, async () => {
      const payload = JSON.stringify({
        from: a.id,
        to: b.id,
        sessionId: 's',
        note: 'ü€😀 "quoted" \\ \n',
      });
      assert.deepEqual(await a.emit(type, payload), ['OK']);
      assert.equal(await b.packet(), `42${JSON.stringify([type, payload])}`);
    });

    test(`${type} to an unknown node is NOT_CONNECTED`, async () => {
      assert.deepEqual(await a.emit(type, JSON.stringify({ to: freshId('stranger') })), [
        'NOT_CONNECTED',
      ]);
    });
  }

  test('passes between two socket.io-clients', async () => {
    const left = await joinNode(broker.port);
    const right = await joinNode(broker.port);
    for (const type of kAll) {
      const message = { from: left.nodeId, to: right.nodeId, sessionId: 's' };
      const arrived = received(right, type);
      assert.equal(await send(left, type, message), 'OK');
      assert.deepEqual(await arrived, message);
    }
  });

  test('keeps everything else in the payload untouched', async () => {
    const payload = ` { "to" : "${b.id}" ,\t"n": 1.0e+10, "deep": [[{"to":"nobody"}]], "a":1, "a":2, "\\u0062": "\\u20ac" }\n`;
    assert.deepEqual(await a.emit(kMessage, payload), ['OK']);
    assert.equal(JSON.parse((await b.packet()).slice(2))[1], payload);
  });
});

describe('the receiver', () => {
  const delivers = async (to) => {
    assert.deepEqual(
      await a.emit(kMessage, `{"to":${JSON.stringify(to)}}`),
      ['OK'],
      JSON.stringify(to),
    );
    assert.equal(JSON.parse((await b.packet()).slice(2))[1], `{"to":${JSON.stringify(to)}}`);
  };
  const blanks = [
    '\t',
    '\n',
    '\v',
    '\f',
    '\r',
    ' ',
    '\u00a0',
    '\u1680',
    '\u2000',
    '\u2001',
    '\u2002',
    '\u2003',
    '\u2004',
    '\u2005',
    '\u2006',
    '\u2007',
    '\u2008',
    '\u2009',
    '\u200a',
    '\u2028',
    '\u2029',
    '\u202f',
    '\u205f',
    '\u3000',
    '\ufeff',
  ];
  for (const blank of blanks) {
    const name = `U+${blank.codePointAt(0).toString(16).padStart(4, '0').toUpperCase()}`;
    test(`is trimmed of ${name}, the payload is not`, async () => {
      await delivers(`${blank}${b.id}`);
      await delivers(`${b.id}${blank}`);
      await delivers(`${blank}${blank} ${b.id} ${blank}`);
    });
  }

  for (const other of ['\u0000', '\u001f', '\u0085', '\u180e', '\u200b', '\u2060']) {
    const name = `U+${other.codePointAt(0).toString(16).padStart(4, '0').toUpperCase()}`;
    test(`is not trimmed of ${name}`, async () => {
      assert.deepEqual(await a.emit(kMessage, JSON.stringify({ to: `${other}${b.id}` })), [
        'NOT_CONNECTED',
      ]);
    });
  }

  test('is case-sensitive', async () => {
    assert.deepEqual(await a.emit(kMessage, JSON.stringify({ to: b.id.toUpperCase() })), [
      'NOT_CONNECTED',
    ]);
  });

  test('is the last of several members to', async () => {
    assert.deepEqual(await a.emit(kMessage, `{"to":"nobody","to":"${b.id}"}`), ['OK']);
    assert.equal(JSON.parse((await b.packet()).slice(2))[1], `{"to":"nobody","to":"${b.id}"}`);
    assert.deepEqual(await a.emit(kMessage, `{"to":"${b.id}","to":"nobody"}`), ['NOT_CONNECTED']);
    assert.deepEqual(await a.emit(kMessage, `{"to":"${b.id}","\\u0074o":"nobody"}`), [
      'NOT_CONNECTED',
    ]);
    assert.deepEqual(await a.emit(kMessage, `{"to":"${b.id}","to":1}`), ['ERROR']);
  });

  test('may be spelled with escapes, in key and value', async () => {
    const escaped = [...b.id]
      .map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join('');
    assert.deepEqual(await a.emit(kMessage, `{"\\u0074\\u006f":"${escaped}"}`), ['OK']);
    assert.equal(JSON.parse((await b.packet()).slice(2))[1], `{"\\u0074\\u006f":"${escaped}"}`);
  });

  test('is found by an id of any characters', async () => {
    for (const id of ['q"uote', 'back\\slash', '€ 😀', '__proto__', 'a&b=c+d', '{"to":"x"}']) {
      const strange = await joinRaw(broker.port, id);
      assert.deepEqual(await a.emit(kMessage, JSON.stringify({ to: id })), ['OK']);
      assert.equal(JSON.parse((await strange.packet()).slice(2))[1], JSON.stringify({ to: id }));
      strange.destroy();
    }
  });
});

describe('the packet around the payload', () => {
  test('may be spelled in any way that means the same string', async () => {
    const payload = JSON.stringify({ to: b.id, text: 'a/A€' });
    const literal = JSON.stringify(payload).replace('/', '\\/').replace('A€', '\\u0041\\u20ac');
    a.sendText(`429[ "${kMessage}"\t,\n${literal} ] `);
    assert.deepEqual(await a.ack(9), ['OK']);
    const [type, arrived, ...more] = JSON.parse((await b.packet()).slice(2));
    assert.deepEqual([type, arrived, more], [kMessage, payload, []]);
  });

  test('may carry a lone surrogate, which arrives as one on a valid UTF-8 frame', async () => {
    a.sendText(`429["${kMessage}","{\\"to\\":\\"${b.id}\\",\\"x\\":\\"\\ud800\\"}"]`);
    assert.deepEqual(await a.ack(9), ['OK']);
    const packet = await b.packet();
    assert.ok(packet.includes('\\ud800'), packet);
    assert.equal(JSON.parse(JSON.parse(packet.slice(2))[1]).x, '\ud800');
  });

  test('may hold 100,000 levels of nesting', async () => {
    const payload = `{"to":"${b.id}","x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    assert.deepEqual(await a.emit(kMessage, payload), ['OK']);
    assert.equal(JSON.parse((await b.packet()).slice(2))[1], payload);
  });
});

describe('from', () => {
  test('may be absent', async () => {
    assert.deepEqual(await a.emit(kMessage, JSON.stringify({ to: b.id })), ['OK']);
    await b.packet();
  });

  const forged = {
    'another node': () => b.id,
    nobody: () => 'nobody',
    'the own id with a blank': () => `${a.id} `,
    'the empty string': () => '',
    'a number': () => 1,
    null: () => null,
    'an array of the own id': () => [a.id],
  };
  for (const [name, from] of Object.entries(forged)) {
    test(`that is ${name} is UNAUTHORIZED`, oursOnly('does not look at from'), async () => {
      for (const type of kAll) {
        assert.deepEqual(await a.emit(type, JSON.stringify({ from: from(), to: b.id })), [
          'UNAUTHORIZED',
        ]);
      }
      await expectNothingBeforeNow();
    });
  }

  test('counts by its last occurrence', oursOnly('does not look at from'), async () => {
    assert.deepEqual(await a.emit(kMessage, `{"from":"${a.id}","to":"${b.id}","from":"x"}`), [
      'UNAUTHORIZED',
    ]);
    assert.deepEqual(await a.emit(kMessage, `{"from":"x","to":"${b.id}","from":"${a.id}"}`), [
      'OK',
    ]);
    await b.packet();
  });

  test('is looked at before the receiver is', oursOnly('does not look at from'), async () => {
    assert.deepEqual(await a.emit(kMessage, JSON.stringify({ from: 'x', to: 'nobody' })), [
      'UNAUTHORIZED',
    ]);
  });
});

test('a message to oneself is delivered', oursOnly('drops it'), async () => {
  for (const type of kAll) {
    const payload = JSON.stringify({ from: a.id, to: a.id });
    a.sendText(`425${JSON.stringify([type, payload])}`);
    assert.deepEqual(
      (await a.packets(2)).sort(),
      [`42${JSON.stringify([type, payload])}`, '435["OK"]'].sort(),
    );
  }
});

describe('switched off', () => {
  test('the six peer-to-peer types are DISABLED whatever the payload, messages are not', async () => {
    const relaying = await Broker.start({ P2P_CONNECTION_ENABLED: 'false' });
    const node = await joinRaw(relaying.port, freshId());
    const other = await joinRaw(relaying.port, freshId());
    for (const type of kPeerToPeer) {
      for (const payload of [
        JSON.stringify({ to: other.id }),
        'garbage',
        '{"to":"nobody"}',
        `{"from":"x","to":"${other.id}"}`,
        null,
      ]) {
        assert.deepEqual(await node.emit(type, payload), ['DISABLED']);
      }
    }
    assert.deepEqual(await node.emit(kMessage, JSON.stringify({ to: other.id })), ['OK']);
    assert.match(await other.packet(), /^42\["SOCKET_MSG_EXCHANGE",/);
    await relaying.stop();
  });

  test('messages are DISABLED, the six peer-to-peer types are not', async () => {
    const signalling = await Broker.start({ WEBSOCKET_RELAY_ENABLED: 'false' });
    const node = await joinRaw(signalling.port, freshId());
    const other = await joinRaw(signalling.port, freshId());
    assert.deepEqual(await node.emit(kMessage, JSON.stringify({ to: other.id })), ['DISABLED']);
    for (const type of kPeerToPeer) {
      assert.deepEqual(await node.emit(type, JSON.stringify({ to: other.id })), ['OK']);
      assert.match(await other.packet(), new RegExp(`^42\\["${type}",`));
    }
    await signalling.stop();
  });
});

describe('order', () => {
  const message = (i) => JSON.stringify({ to: b.id, i });
  async function expectOrdered(count) {
    for (let i = 0; i < count; ++i) assert.equal(await a.packet(), `43${i}["OK"]`);
    for (let i = 0; i < count; ++i)
      assert.equal(await b.packet(), `42${JSON.stringify([kMessage, message(i)])}`);
  }

  test(`of ${isPeer ? 500 : 5000} messages in one segment`, async () => {
    const count = isPeer ? 500 : 5000;
    a.sendEach(
      Array.from({ length: count }, (_, i) => `42${i}${JSON.stringify([kMessage, message(i)])}`),
    );
    await expectOrdered(count);
  });

  test('of types mixed', oursOnly('lets types that are not authorized overtake'), async () => {
    const events = Array.from({ length: 700 }, (_, i) =>
      JSON.stringify([kAll[i % kAll.length], message(i)]),
    );
    a.sendEach(events.map((event) => `427${event}`));
    for (let i = 0; i < 700; ++i) assert.equal(await a.packet(), '437["OK"]');
    for (const event of events) assert.equal(await b.packet(), `42${event}`);
  });

  test('holds for each of ten senders to one receiver', async () => {
    const senders = await Promise.all(
      Array.from({ length: 10 }, () => joinRaw(broker.port, freshId())),
    );
    for (const sender of senders) {
      sender.sendEach(
        Array.from(
          { length: 90 },
          (_, i) =>
            `42${i}${JSON.stringify([kMessage, JSON.stringify({ from: sender.id, to: b.id, i })])}`,
        ),
      );
    }
    const next = Object.fromEntries(senders.map((sender) => [sender.id, 0]));
    for (const packet of await b.packets(900)) {
      const { from, i } = JSON.parse(JSON.parse(packet.slice(2))[1]);
      assert.equal(i, next[from]++);
    }
    for (const sender of senders) {
      assert.deepEqual(
        await sender.packets(90),
        Array.from({ length: 90 }, (_, i) => `43${i}["OK"]`),
      );
    }
  });

  test('of small messages behind a large one', async () => {
    const large = JSON.stringify({ to: b.id, x: 'x'.repeat(900_000) });
    a.sendEach([
      `420${JSON.stringify([kMessage, large])}`,
      `421${JSON.stringify([kMessage, message(1)])}`,
    ]);
    assert.equal((await b.packet()).length, `42${JSON.stringify([kMessage, large])}`.length);
    assert.equal(await b.packet(), `42${JSON.stringify([kMessage, message(1)])}`);
    assert.deepEqual(await a.packets(2), ['430["OK"]', '431["OK"]']);
  });
});
