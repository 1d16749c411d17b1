// Damaged payloads are answered with ERROR, damaged packets close the node that sent them and nobody else.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Broker, oursOnly } from './support/broker.mjs';
import { freshId } from './support/node.mjs';
import { Pair } from './support/pair.mjs';
import { frame, joinRaw, Opcode } from './support/raw.mjs';

let broker;
let pair;
let node;
before(async () => {
  broker = await Broker.start();
  pair = await Pair.join(broker.port);
  node = await joinRaw(broker.port, freshId());
});
after(() => broker.stop());

const kRelayed = [
  'CONNECTION_ATTEMPT',
  'CONNECTION_ACCEPTANCE',
  'CONNECTION_REFUSAL',
  'INCOMING_CONNECTIONS_NOT_ALLOWED',
  'ICE_CANDIDATES_EXCHANGE_INITIATOR_TO_RESPONDER',
  'ICE_CANDIDATES_EXCHANGE_RESPONDER_TO_INITIATOR',
  'SOCKET_MSG_EXCHANGE',
];

describe('a payload that is', () => {
  const texts = [
    '',
    ' ',
    'x',
    '{',
    '{"to":"b"',
    '{"to":"b"}x',
    '{"to":"b"}{}',
    '{\'to\':"b"}',
    '{to:"b"}',
    '{"to":"b",}',
    '{"to":"b" "a":1}',
    'null',
    '1',
    '"x"',
    '"{\\"to\\":\\"b\\"}"',
    'true',
    '[]',
    '["b"]',
    '{}',
    '{"to":""}',
    '{"to":" "}',
    '{"to":"\\u00a0\\ufeff"}',
    '{"to":1}',
    '{"to":null}',
    '{"to":["b"]}',
    '{"to":{"to":"b"}}',
    '{"to":true}',
    '{"TO":"b"}',
    '{" to":"b"}',
    '{"to":"b","x":nul}',
    '{"to":"b","x":01}',
    '{"to":"b","x":"\\x"}',
    '{"to":"b","x":"\u0001"}',
    '{"to":"b","x":[1,]}',
    '{"to":"b","x":NaN}',
    '\u0000{"to":"b"}',
    '\ufeff{"to":"b"}',
    '{"x":{"to":"b"}}',
  ];
  for (const text of texts) {
    test(`the text ${JSON.stringify(text)} is an ERROR`, async () => {
      for (const type of kRelayed) assert.deepEqual(await node.emit(type, text), ['ERROR'], type);
    });
  }

  for (const value of [{}, { to: 'b' }, null, 1, 0, -1.5, true, false, []]) {
    test(`the value ${JSON.stringify(value)} is an ERROR`, async () => {
      for (const type of kRelayed) assert.deepEqual(await node.emit(type, value), ['ERROR'], type);
    });
  }

  test('a list of a good text is an ERROR', oursOnly('relays the list'), async () => {
    for (const type of kRelayed)
      assert.deepEqual(
        await node.emit(type, [JSON.stringify({ to: pair.a.nodeId })]),
        ['ERROR'],
        type,
      );
  });

  test('binary, though its bytes are good, is an ERROR', oursOnly('relays the bytes'), async () => {
    for (const type of kRelayed) {
      node.sendText(`451-7["${type}",{"_placeholder":true,"num":0}]`);
      node.sendText(JSON.stringify({ to: pair.a.nodeId }), { opcode: Opcode.binary });
      assert.deepEqual(await node.ack(7), ['ERROR'], type);
    }
  });
});

const text = (packet) => frame(packet);
const binary = (...bytes) => frame(Buffer.from(bytes), { opcode: Opcode.binary });
const kOneDue = '451-["FOO",{"_placeholder":true,"num":0}]';

describe('a packet that closes its node with 1005', () => {
  const packets = [
    '4',
    '47',
    '49["x"]',
    '4x["x"]',
    '42["',
    '42{}',
    '42[]',
    '42[null]',
    '42["x"]y',
    '42["x",]',
    '42"x"',
    '42x',
    '42["x"',
    '42[["x"]]',
    '42[{"a":1}]',
    '42["\u0001"]',
    '44{"message":"x"}',
    '44',
    '41"x"',
    '41{}',
    '42/foo,["x"]',
    '41/foo,',
    '43/foo,0[]',
    '431{}',
    '43"x"',
    'bAAAA',
    '45x-[]',
    '45["FOO"]',
    '451-x',
    '461{}',
    '40',
    '42["connect"]',
    '42["connect_error"]',
    '42["disconnect"]',
    '42["disconnecting"]',
    '42["newListener"]',
    '42["removeListener"]',
    '420["connect","x"]',
  ];
  const cases = Object.fromEntries(packets.map((packet) => [packet, [text(packet)]]));
  cases['a binary message not announced'] = [binary(1, 2, 3)];
  cases['an empty binary message not announced'] = [binary()];
  cases['text while an attachment is due'] = [text(kOneDue), text('42["x"]')];
  cases['a second announcement while an attachment is due'] = [text(kOneDue), text(kOneDue)];
  cases['one attachment more than announced'] = [text(kOneDue), binary(1), binary(2)];
  cases['a placeholder out of range'] = [
    text('451-["FOO",{"_placeholder":true,"num":1}]'),
    binary(1),
  ];
  cases['a negative placeholder'] = [text('451-["FOO",{"_placeholder":true,"num":-1}]'), binary(1)];

  for (const [name, frames] of Object.entries(cases)) {
    test(name, async () => {
      const victim = await joinRaw(broker.port, freshId());
      victim.send(Buffer.concat(frames));
      await victim.expectClose();
      await pair.seesLeave(victim.id);
      await pair.stillTalks();
    });
  }
});

describe('a packet that is ignored', () => {
  const cases = {
    42: [text('42')],
    421: [text('421')],
    '42[1]': [text('42[1]')],
    '42[1,"x"]': [text('42[1,"x"]')],
    'an unknown binary event': [text(kOneDue), binary(1)],
    'an unknown binary event of two attachments': [
      text('452-["FOO",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'),
      binary(1),
      binary(2),
    ],
    'an unknown binary event with its placeholder deep inside': [
      text('451-["FOO",{"a":[{"_placeholder":true,"num":0}]}]'),
      binary(1),
    ],
    'an empty attachment': [text(kOneDue), binary()],
    'an ack that carries binary': [text('461-5[{"_placeholder":true,"num":0}]'), binary(1)],
  };
  for (const [name, frames] of Object.entries(cases)) {
    test(name, async () => {
      const survivor = await joinRaw(broker.port, freshId());
      survivor.send(Buffer.concat(frames));
      assert.deepEqual(await survivor.settled(), []);
      assert.deepEqual(await survivor.emit('ARE_NODES_CONNECTED_TO_BROKER', '{"ids":[]}'), [
        '{"results":[]}',
      ]);
    });
  }
});

test('the pair still exchanges messages', () => pair.stillTalks());
