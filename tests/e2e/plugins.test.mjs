// Plugins in the running broker: the two examples, and one that answers late, twice, never or with an exception.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Broker, oursOnly, plugin, testPlugin } from './support/broker.mjs';
import { freshId, joinNode, nodeQuery, received, refusalOf, send } from './support/node.mjs';
import { Pair } from './support/pair.mjs';
import {
  connectRaw,
  joinRaw,
  kUpgradeQuery,
  openTransport,
  RawSocket,
  upgradeRequest,
} from './support/raw.mjs';
import { eventually, scaled, within } from './support/time.mjs';

const ours = oursOnly('has no plugins');
const kMessage = 'SOCKET_MSG_EXCHANGE';
const kInitiating = ['CONNECTION_ATTEMPT', kMessage];
const kFollowing = [
  'CONNECTION_ACCEPTANCE',
  'CONNECTION_REFUSAL',
  'INCOMING_CONNECTIONS_NOT_ALLOWED',
  'ICE_CANDIDATES_EXCHANGE_INITIATOR_TO_RESPONDER',
  'ICE_CANDIDATES_EXCHANGE_RESPONDER_TO_INITIATOR',
];
const kTimeout = scaled(600);

/// The answer to an upgrade for this id, nothing read behind it.
async function tryConnect(port, id) {
  const socket = await RawSocket.connect(port);
  socket.send(
    upgradeRequest({
      query: `${kUpgradeQuery}&${nodeQuery({ id, version: '1', runtime: 'raw' })}`,
    }),
  );
  return { socket, response: await socket.response() };
}

describe('token-auth, a plugin in C', ours, () => {
  let broker;
  before(async () => {
    broker = await Broker.start({
      NODES_AUTHENTICATION_PLUGIN: 'token-auth',
      SHARED_TOKEN: 's3cret token',
    });
  });
  after(() => broker.stop());

  test('admits a node that knows the token', async () => {
    await joinNode(broker.port, freshId(), { query: { data: 's3cret token' } });
  });

  for (const [name, query] of Object.entries({
    'nobody without data': {},
    'nobody with empty data': { data: '' },
    'nobody with another token': { data: 's3cret' },
    'nobody with a longer token': { data: 's3cret tokens' },
  })) {
    test(`admits ${name}`, async () => {
      assert.equal(await refusalOf(broker.port, freshId(), { query }), 'authentication failed');
    });
  }

  test('refuses with the exact packet, behind a 101', async () => {
    const transport = await openTransport(broker.port, {
      id: freshId(),
      version: '1',
      runtime: 'raw',
      data: 'wrong',
    });
    transport.sendText('40');
    assert.equal(await transport.packet(), '44{"message":"authentication failed"}');
    assert.deepEqual(await transport.settled(), []);
  });

  test('is asked after the parameters and before the id', async () => {
    const incomplete = await openTransport(broker.port, {
      id: freshId(),
      version: '1',
      data: 'wrong',
    });
    incomplete.sendText('40');
    assert.match(await incomplete.packet(), /Missing required OnConnectionData value: runtime/);
    const node = await joinNode(broker.port, freshId(), { query: { data: 's3cret token' } });
    assert.equal(
      await refusalOf(broker.port, node.nodeId, { query: { data: 'wrong' } }),
      'authentication failed',
    );
    assert.equal(
      await refusalOf(broker.port, node.nodeId, { query: { data: 's3cret token' } }),
      'client already connected',
    );
  });

  test('does not see its token in the log', () => assert.doesNotMatch(broker.output, /s3cret/));
});

describe('deny-list, a plugin in C++', ours, () => {
  const kPlugin = {
    AUTHORIZE_NODES_COMMUNICATION_PLUGIN: plugin('deny-list'),
    DENY_LIST: 'eve,alice>bob',
  };

  async function joinAll(port) {
    const nodes = await Promise.all(['alice', 'bob', 'eve'].map((id) => joinNode(port, id)));
    return Object.fromEntries(nodes.map((node) => [node.nodeId, node]));
  }

  test('is asked about every message, with the real sender', async () => {
    const broker = await Broker.start(kPlugin);
    const { alice, bob, eve } = await joinAll(broker.port);
    for (const type of [...kInitiating, ...kFollowing]) {
      assert.equal(await send(alice, type, { from: 'alice', to: 'bob' }), 'UNAUTHORIZED', type);
      assert.equal(await send(alice, type, { to: ' bob ' }), 'UNAUTHORIZED', type);
      assert.equal(await send(eve, type, { to: 'bob' }), 'UNAUTHORIZED', type);
      assert.equal(await send(eve, type, { from: 'bob', to: 'alice' }), 'UNAUTHORIZED', type);
      assert.equal(await send(bob, type, { to: 'eve' }), 'UNAUTHORIZED', type);
      const arrived = received(alice, type);
      assert.equal(await send(bob, type, { from: 'bob', to: 'alice', type }), 'OK', type);
      assert.deepEqual(await arrived, { from: 'bob', to: 'alice', type });
    }
    await broker.stop();
  });

  test('is asked after the payload was read and before the receiver is looked for', async () => {
    const broker = await Broker.start({ ...kPlugin, P2P_CONNECTION_ENABLED: 'false' });
    const eve = await joinNode(broker.port, 'eve');
    assert.equal(await send(eve, kMessage, { to: 'nobody' }), 'UNAUTHORIZED');
    assert.equal(await send(eve, kMessage, { to: '' }), 'ERROR');
    assert.equal(await send(eve, 'CONNECTION_ATTEMPT', { to: 'nobody' }), 'DISABLED');
    assert.equal(
      await send(eve, 'ARE_NODES_CONNECTED_TO_BROKER', { ids: ['eve'] }),
      '{"results":[{"id":"eve","connected":true}]}',
    );
    await broker.stop();
  });

  test('is asked about the beginning of a conversation only, if configured so', async () => {
    const broker = await Broker.start({
      ...kPlugin,
      AUTHORIZE_NODES_COMMUNICATION_SCOPE: 'initiation',
    });
    const { alice } = await joinAll(broker.port);
    for (const type of kInitiating)
      assert.equal(await send(alice, type, { to: 'bob' }), 'UNAUTHORIZED', type);
    for (const type of kFollowing) assert.equal(await send(alice, type, { to: 'bob' }), 'OK', type);
    await broker.stop();
  });
});

describe('an authentication that misbehaves', ours, () => {
  let broker;
  let pair;
  before(async () => {
    broker = await Broker.start({
      NODES_AUTHENTICATION_PLUGIN: testPlugin('misbehave'),
      PLUGIN_TIMEOUT_MS: String(kTimeout),
    });
    pair = await Pair.join(broker.port);
  });
  after(() => broker.stop());

  test('admits a node after an answer from another thread', async () => {
    await Promise.all(Array.from({ length: 50 }, () => joinNode(broker.port, freshId('async'))));
  });

  test("admits a node after an answer that blocked a worker, which is logged", async () => {
    await joinNode(broker.port, freshId('slow'));
    await broker.says(/misbehave/);
  });

  test('refuses for good only upon a no', async () => {
    assert.equal(await refusalOf(broker.port, freshId('no')), 'authentication failed');
  });

  for (const kind of ['down', 'throw', 'late', 'never']) {
    test(`gives 503 before any 101 when it fails (${kind})`, async () => {
      const id = freshId(kind);
      const start = performance.now();
      const { socket, response } = await tryConnect(broker.port, id);
      const waited = performance.now() - start;
      assert.equal(response.status, 503);
      assert.match(response.headers['retry-after'], /^\d+$/);
      if (kind === 'late' || kind === 'never') assert.ok(waited > kTimeout - 50, `${waited} ms`);
      assert.ok(waited < kTimeout + scaled(1000), `${waited} ms`);
      socket.destroy();
      assert.equal(await pair.sees(id), false);
      await pair.stillTalks();
    });
  }

  test('reaches socket.io-client as an error it retries', async () => {
    const node = joinNode(broker.port, freshId('down'));
    await assert.rejects(node, { message: 'websocket error' });
  });

  test('leaves the id free for a node that left while it was asked', async () => {
    const id = freshId('async');
    for (let i = 0; i < 10; ++i) {
      const socket = await RawSocket.connect(broker.port);
      socket.send(
        upgradeRequest({
          query: `${kUpgradeQuery}&${nodeQuery({ id, version: '1', runtime: 'raw' })}`,
        }),
      );
      if (i % 2) socket.destroy();
      else socket.reset();
    }
    await pair.seesLeave(id);
    await joinNode(broker.port, id, { reconnection: true, reconnectionDelay: 50 }).catch(() =>
      joinNode(broker.port, id),
    );
  });

  test('tolerates a CONNECT that came too early', async () => {
    const { socket, response } = await tryConnect(broker.port, freshId('async'));
    assert.equal(response.status, 101);
    await socket.packet();
    await connectRaw(socket);
  });

  test('and the pair still exchanges messages', () => pair.stillTalks());
});

test('a plugin answers from the loop of the worker that asked', ours, async () => {
  const kWorkers = 3;
  const broker = await Broker.start({
    NODES_AUTHENTICATION_PLUGIN: testPlugin('loop'),
    WORKERS: String(kWorkers),
  });
  for (let worker = 0; worker < kWorkers; ++worker) {
    await eventually(`worker ${worker} runs`, () =>
      broker.output.includes(`runs on worker ${worker}`),
    );
  }
  // Enough for every worker to get some of them.
  const nodes = await Promise.all(
    Array.from({ length: 100 }, () => joinRaw(broker.port, freshId('loop'))),
  );
  assert.equal(await nodes.at(-1).emit('ARE_NODES_CONNECTED_TO_BROKER', '{"ids":[]}').then(String), '{"results":[]}');
  await broker.stop();
  assert.match(broker.output, /all callbacks have ended/);
  assert.doesNotMatch(broker.output, /a loop goes on|another thread/);
});

test('an authentication that answers twice counts once', ours, async () => {
  const broker = await Broker.start({ NODES_AUTHENTICATION_PLUGIN: testPlugin('misbehave') });
  const node = await joinRaw(broker.port, freshId('double'));
  assert.deepEqual(await node.settled(), []);
  assert.deepEqual(await node.emit('ARE_NODES_CONNECTED_TO_BROKER', '{"ids":[]}'), [
    '{"results":[]}',
  ]);
  await broker.stop();
  assert.match(broker.output, /org\.crolang\.test\.misbehave/);
});

describe('an authorization that misbehaves', ours, () => {
  let broker;
  let sender;
  before(async () => {
    broker = await Broker.start({
      AUTHORIZE_NODES_COMMUNICATION_PLUGIN: testPlugin('misbehave'),
      PLUGIN_TIMEOUT_MS: String(kTimeout),
    });
    sender = await joinRaw(broker.port, freshId());
  });
  after(() => broker.stop());

  const event = (to, n) => JSON.stringify([kMessage, JSON.stringify({ to, n })]);
  const to = (receiver, n = 0) => sender.emit(kMessage, JSON.stringify({ to: receiver.id, n }));
  const join = (kind) => joinRaw(broker.port, freshId(kind));

  for (const kind of ['async', 'slow']) {
    test(`is waited for (${kind})`, async () => {
      const receiver = await join(kind);
      assert.deepEqual(await to(receiver), ['OK']);
      assert.equal(await receiver.packet(), `42${event(receiver.id, 0)}`);
    });
  }

  test('is UNAUTHORIZED upon a no', async () => {
    assert.deepEqual(await to(await join('no')), ['UNAUTHORIZED']);
  });

  for (const kind of ['down', 'throw', 'late', 'never']) {
    test(`is an ERROR when it fails (${kind}), and nothing is delivered`, async () => {
      const receiver = await join(kind);
      assert.deepEqual(await within(kTimeout + scaled(1000), 'an answer', to(receiver)), ['ERROR']);
      assert.deepEqual(await receiver.settled(), []);
    });
  }

  test('does not stop the reading: pings are answered meanwhile', async () => {
    const receiver = await join('never');
    sender.sendText(`4277${event(receiver.id, 0)}`);
    assert.deepEqual(await within(kTimeout / 2, 'a pong', sender.settled()), []);
    assert.deepEqual(await sender.ack(77), ['ERROR']);
  });

  test('keeps the order of acks when answers come out of order', async () => {
    const receivers = {
      async: await join('async'),
      quick: await join('quick'),
      no: await join('no'),
      down: await join('down'),
    };
    const sequence = ['async', 'quick', 'no', 'async', 'down', 'quick', 'async', 'no', 'quick'];
    sender.sendEach(sequence.map((kind, n) => `42${n}${event(receivers[kind].id, n)}`));
    const answers = { async: 'OK', quick: 'OK', no: 'UNAUTHORIZED', down: 'ERROR' };
    assert.deepEqual(
      await sender.packets(sequence.length),
      sequence.map((kind, n) => `43${n}["${answers[kind]}"]`),
    );
    for (const kind of ['async', 'quick']) {
      const mine = sequence.flatMap((each, n) =>
        each === kind ? [`42${event(receivers[kind].id, n)}`] : [],
      );
      assert.deepEqual(await receivers[kind].packets(mine.length), mine);
    }
  });

  test('keeps the order of 300 messages, though only some are asked about at once', async () => {
    const receiver = await join('async');
    sender.sendEach(Array.from({ length: 300 }, (_, n) => `42${n}${event(receiver.id, n)}`));
    assert.deepEqual(
      await sender.packets(300),
      Array.from({ length: 300 }, (_, n) => `43${n}["OK"]`),
    );
    assert.deepEqual(
      await receiver.packets(300),
      Array.from({ length: 300 }, (_, n) => `42${event(receiver.id, n)}`),
    );
  });

  test('tolerates sender and receiver that leave meanwhile', async () => {
    for (const kind of ['async', 'late', 'never']) {
      const receiver = await join(kind);
      const leaving = await join('leaving');
      for (let n = 0; n < 40; ++n) leaving.sendText(`42${n}${event(receiver.id, n)}`);
      await leaving.settled();
      leaving.destroy();
      const answer = to(receiver);
      receiver.destroy();
      assert.match((await answer)[0], kind === 'async' ? /^(OK|NOT_CONNECTED)$/ : /^ERROR$/);
    }
  });

  test('is asked about at most MAX_OUTBOX_BYTES of waiting messages, the others are an ERROR', async () => {
    const patient = await Broker.start({
      AUTHORIZE_NODES_COMMUNICATION_PLUGIN: testPlugin('misbehave'),
      PLUGIN_TIMEOUT_MS: '600000',
    });
    const receiver = await joinRaw(patient.port, freshId('never'));
    const impatient = await joinRaw(patient.port, freshId());
    const large = JSON.stringify([
      kMessage,
      JSON.stringify({ to: receiver.id, x: 'x'.repeat(900_000) }),
    ]);
    for (let n = 0; n < 10; ++n) impatient.sendText(`42${n}${large}`);
    assert.match(await impatient.packet(), /^43\d\["ERROR"\]$/);
    await impatient.settled();
    await patient.stop();
  });
});

test('an authorization that answers twice counts once', ours, async () => {
  const broker = await Broker.start({
    AUTHORIZE_NODES_COMMUNICATION_PLUGIN: testPlugin('misbehave'),
  });
  const receiver = await joinRaw(broker.port, freshId('double'));
  const sender = await joinRaw(broker.port, freshId());
  for (let n = 0; n < 10; ++n) {
    assert.deepEqual(await sender.emit(kMessage, JSON.stringify({ to: receiver.id, n })), ['OK']);
    assert.match(await receiver.packet(), /^42\["SOCKET_MSG_EXCHANGE",/);
  }
  assert.deepEqual(await receiver.settled(), []);
  await broker.stop();
});

test('one file serves two kinds', ours, async () => {
  const broker = await Broker.start({
    NODES_AUTHENTICATION_PLUGIN: testPlugin('misbehave'),
    AUTHORIZE_NODES_COMMUNICATION_PLUGIN: testPlugin('misbehave'),
  });
  assert.equal(await refusalOf(broker.port, freshId('no')), 'authentication failed');
  const node = await joinRaw(broker.port, freshId());
  assert.deepEqual(await node.emit(kMessage, '{"to":"no-one"}'), ['UNAUTHORIZED']);
  await broker.stop();
});

test('a broker with open questions still ends in order', ours, async () => {
  const broker = await Broker.start({
    NODES_AUTHENTICATION_PLUGIN: testPlugin('misbehave'),
    AUTHORIZE_NODES_COMMUNICATION_PLUGIN: testPlugin('misbehave'),
    PLUGIN_TIMEOUT_MS: '600000',
  });
  const sender = await joinRaw(broker.port, freshId());
  sender.sendText(`420${JSON.stringify([kMessage, '{"to":"never-there"}'])}`);
  await sender.settled();
  const waiting = await RawSocket.connect(broker.port);
  waiting.send(
    upgradeRequest({
      query: `${kUpgradeQuery}&${nodeQuery({ id: freshId('never'), version: '1', runtime: 'raw' })}`,
    }),
  );
  const beside = await joinRaw(broker.port, freshId());
  broker.child.kill('SIGTERM');
  assert.deepEqual(await beside.sentBack(), []);
  const { code } = await within(scaled(10_000), 'the broker ends', broker.exited);
  assert.equal(code, 0, broker.output);
});
