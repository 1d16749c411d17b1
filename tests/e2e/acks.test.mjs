// Acks: ids, events that get none, and relay messages that ask for none.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Broker, oursOnly } from './support/broker.mjs';
import { freshId } from './support/node.mjs';
import { Pair } from './support/pair.mjs';
import { joinRaw } from './support/raw.mjs';

const kRelayed = [
  'CONNECTION_ATTEMPT',
  'CONNECTION_ACCEPTANCE',
  'CONNECTION_REFUSAL',
  'INCOMING_CONNECTIONS_NOT_ALLOWED',
  'ICE_CANDIDATES_EXCHANGE_INITIATOR_TO_RESPONDER',
  'ICE_CANDIDATES_EXCHANGE_RESPONDER_TO_INITIATOR',
  'SOCKET_MSG_EXCHANGE',
];

let broker;
let pair;
let a;
let b;
before(async () => {
  broker = await Broker.start();
  pair = await Pair.join(broker.port);
  a = await joinRaw(broker.port, freshId('a'));
  b = await joinRaw(broker.port, freshId('b'));
});
after(() => broker.stop());

const toB = () => JSON.stringify({ to: b.id });
const event = (type, ...args) => JSON.stringify([type, ...args]);

let lastMark = 0;
/// What a sent to b before was not delivered: messages of one sender do not overtake each other.
async function expectNothingBeforeNow() {
  const mark = JSON.stringify({ to: b.id, mark: ++lastMark });
  assert.deepEqual(await a.emit('SOCKET_MSG_EXCHANGE', mark), ['OK']);
  assert.equal(await b.packet(), `42${event('SOCKET_MSG_EXCHANGE', mark)}`);
}

describe('an ack id is echoed', () => {
  for (const [sent, echoed] of [
    ['0', '0'],
    ['7', '7'],
    ['123456789', '123456789'],
    ['007', '7'],
    [' ', '0'],
    ['9007199254740991', '9007199254740991'],
    ['9007199254740993', '9007199254740992'],
  ]) {
    test(`${JSON.stringify(sent)} as ${echoed}`, async () => {
      a.sendText(`42${sent}${event('ARE_NODES_CONNECTED_TO_BROKER', '{"ids":[]}')}`);
      assert.equal(await a.packet(), `43${echoed}["{\\"results\\":[]}"]`);
      a.sendText(`42${sent}${event('SOCKET_MSG_EXCHANGE', '{"to":"nobody"}')}`);
      assert.equal(await a.packet(), `43${echoed}["NOT_CONNECTED"]`);
    });
  }
});

describe('ignored without an answer', () => {
  for (const type of [
    'message',
    'error',
    'connection',
    'AUTHENTICATED',
    '__proto__',
    'constructor',
    'connection_attempt',
    'FOO',
    '',
  ]) {
    test(`the event ${JSON.stringify(type)}, with or without ack id`, async () => {
      a.sendEach([
        `42${event(type)}`,
        `42${event(type, toB())}`,
        `425${event(type)}`,
        `425${event(type, toB())}`,
      ]);
      assert.deepEqual(await a.settled(), []);
      await expectNothingBeforeNow();
    });
  }

  test('unrequested acks', async () => {
    a.sendEach(['430[]', '431["OK"]', '4399999["a","b"]', '430["x"]']);
    assert.deepEqual(await a.settled(), []);
    assert.deepEqual(await a.emit('ARE_NODES_CONNECTED_TO_BROKER', '{"ids":[]}'), [
      '{"results":[]}',
    ]);
  });
});

describe('without ack id', oursOnly('behaves otherwise'), () => {
  for (const type of kRelayed) {
    test(`${type} is delivered, not answered`, async () => {
      a.sendText(`42${event(type, toB())}`);
      assert.equal(await b.packet(), `42${event(type, toB())}`);
      assert.deepEqual(await a.settled(), []);
    });
  }

  test('an unusable relay message is dropped', async () => {
    a.sendEach(
      ['null', '"x"', '{}', '[]', '1'].map((payload) => `42["SOCKET_MSG_EXCHANGE",${payload}]`),
    );
    a.sendText('42["SOCKET_MSG_EXCHANGE"]');
    a.sendText(`42${event('SOCKET_MSG_EXCHANGE', JSON.stringify({ from: b.id, to: b.id }))}`);
    assert.deepEqual(await a.settled(), []);
    await expectNothingBeforeNow();
  });

  for (const args of [['{"ids":["a"]}'], [null], [], ['garbage'], ['{"ids":["a"]}', 'more']]) {
    test(`ARE_NODES_CONNECTED_TO_BROKER with ${JSON.stringify(args)} is ignored`, async () => {
      a.sendText(`42${event('ARE_NODES_CONNECTED_TO_BROKER', ...args)}`);
      assert.deepEqual(await a.settled(), []);
      await pair.stillTalks();
    });
  }

  test('types switched off are dropped', async () => {
    const silent = await Broker.start({
      P2P_CONNECTION_ENABLED: 'false',
      WEBSOCKET_RELAY_ENABLED: 'false',
    });
    const from = await joinRaw(silent.port, freshId());
    const to = await joinRaw(silent.port, freshId());
    for (const type of kRelayed) from.sendText(`42${event(type, JSON.stringify({ to: to.id }))}`);
    assert.deepEqual(await from.settled(), []);
    await silent.stop();
  });
});

// The contract leaves open whether these are errors or are taken; silence or death is what it rules out.
describe(
  'with an ack id but a strange number of arguments',
  oursOnly('behaves otherwise'),
  () => {
    for (const type of [...kRelayed, 'ARE_NODES_CONNECTED_TO_BROKER']) {
      test(`${type} without payload is an ERROR`, async () => {
        assert.deepEqual(await a.emit(type), ['ERROR']);
      });
    }

    test('ARE_NODES_CONNECTED_TO_BROKER with a further argument is answered', async () => {
      const [answer] = await a.emit('ARE_NODES_CONNECTED_TO_BROKER', '{"ids":[]}', 'more');
      assert.match(answer, /^(ERROR|\{"results":\[\]\})$/);
      await pair.stillTalks();
    });

    for (const type of kRelayed) {
      test(`${type} with a further argument is not lost silently`, async () => {
        const [answer] = await a.emit(type, toB(), 'more');
        assert.match(answer, /^(ERROR|OK)$/);
        if (answer === 'OK') assert.equal(await b.packet(), `42${event(type, toB())}`);
        await expectNothingBeforeNow();
      });
    }
  },
);

test('the pair still exchanges messages', () => pair.stillTalks());
