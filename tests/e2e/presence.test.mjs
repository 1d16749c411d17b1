// ARE_NODES_CONNECTED_TO_BROKER.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Broker } from './support/broker.mjs';
import { freshId, joinNode } from './support/node.mjs';
import { joinRaw } from './support/raw.mjs';
import { eventually } from './support/time.mjs';

let broker;
let node;
before(async () => {
  broker = await Broker.start();
  node = await joinRaw(broker.port, freshId());
});
after(() => broker.stop());

const kType = 'ARE_NODES_CONNECTED_TO_BROKER';
const ask = (payload) => node.emit(kType, payload);
const askFor = async (ids) => {
  const answer = await ask(JSON.stringify({ ids }));
  assert.equal(answer.length, 1);
  return JSON.parse(answer[0]);
};

test('answers one string, exactly', async () => {
  node.sendText(`42123["${kType}","{\\"ids\\":[\\"${node.id}\\",\\"nobody\\"]}"]`);
  assert.equal(
    await node.packet(),
    `43123["{\\"results\\":[{\\"id\\":\\"${node.id}\\",\\"connected\\":true},{\\"id\\":\\"nobody\\",\\"connected\\":false}]}"]`,
  );
});

test('keeps the order and the repetitions asked for', async () => {
  const other = await joinNode(broker.port);
  assert.deepEqual(await askFor(['z', node.id, 'a', node.id, other.nodeId, 'z']), {
    results: [
      { id: 'z', connected: false },
      { id: node.id, connected: true },
      { id: 'a', connected: false },
      { id: node.id, connected: true },
      { id: other.nodeId, connected: true },
      { id: 'z', connected: false },
    ],
  });
});

test('answers an empty list with an empty list', async () => {
  assert.deepEqual(await ask('{"ids":[]}'), ['{"results":[]}']);
});

test('trims ids as JavaScript does, also in the answer', async () => {
  for (const blank of [
    ' ',
    '\t',
    '\n',
    '\u00a0',
    '\ufeff',
    '\u2000',
    '\u200a',
    '\u2028',
    '\u2029',
    '\u3000',
  ]) {
    assert.deepEqual(await askFor([`${blank}${node.id}${blank}`]), {
      results: [{ id: node.id, connected: true }],
    });
  }
  assert.deepEqual(await askFor([`\u200b${node.id}`]), {
    results: [{ id: `\u200b${node.id}`, connected: false }],
  });
});

test('is case-sensitive', async () => {
  assert.equal((await askFor([node.id.toUpperCase()])).results[0].connected, false);
});

test('echoes strange ids as they are', async () => {
  const ids = [
    '__proto__',
    'constructor',
    'q"uote',
    'back\\slash',
    'ünïcödé',
    '😀',
    '\u0001',
    'line\nbreak',
    'x'.repeat(3000),
  ];
  assert.deepEqual(
    (await askFor(ids)).results,
    ids.map((id) => ({ id, connected: false })),
  );
});

test('counts the last of duplicate members and ignores others', async () => {
  assert.deepEqual(await ask('{"ids":["a"],"more":{"ids":["b"]},"ids":["c"]}'), [
    '{"results":[{"id":"c","connected":false}]}',
  ]);
  assert.deepEqual(await ask(' { "\\u0069ds" : [ "c" ] } '), [
    '{"results":[{"id":"c","connected":false}]}',
  ]);
});

test('follows nodes that come and go', async () => {
  const other = await joinNode(broker.port);
  assert.equal((await askFor([other.nodeId])).results[0].connected, true);
  other.disconnect();
  await eventually(
    'the node is gone',
    async () => !(await askFor([other.nodeId])).results[0].connected,
  );
});

describe('an unusable payload is an ERROR, the node stays', () => {
  const payloads = [
    '',
    ' ',
    'x',
    'null',
    '1',
    '"x"',
    'true',
    '[]',
    '{',
    '{"ids":[]',
    '{"ids":[]}x',
    '{}',
    '{"IDS":[]}',
    '{"ids":null}',
    '{"ids":1}',
    '{"ids":"a"}',
    '{"ids":{}}',
    '{"ids":[1]}',
    '{"ids":[null]}',
    '{"ids":["a",1]}',
    '{"ids":[["a"]]}',
    '{"ids":[""]}',
    '{"ids":["a"," "]}',
    '{"ids":["\\u00a0\\u3000"]}',
    '{"ids":["a",]}',
    '{"ids":["a"',
  ];
  for (const payload of payloads) {
    test(`as the text ${JSON.stringify(payload)}`, async () =>
      assert.deepEqual(await ask(payload), ['ERROR']));
  }
  for (const payload of [null, 1, true, {}, { ids: [] }, []]) {
    test(`as the value ${JSON.stringify(payload)}`, async () =>
      assert.deepEqual(await ask(payload), ['ERROR']));
  }
});

test('is answered whatever is switched off', async () => {
  const silent = await Broker.start({
    P2P_CONNECTION_ENABLED: 'false',
    WEBSOCKET_RELAY_ENABLED: 'false',
  });
  const asker = await joinRaw(silent.port, freshId());
  assert.deepEqual(await asker.emit(kType, '{"ids":["a"]}'), [
    '{"results":[{"id":"a","connected":false}]}',
  ]);
  await silent.stop();
});
