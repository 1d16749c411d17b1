// Negotiation insight: what is kept of the messages between two nodes, and what the API and the metrics say of it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { Broker, oursOnly } from './support/broker.mjs';
import { Grid } from './support/grid.mjs';
import { ask, events, insightEnv, negotiationOf, negotiations } from './support/negotiations.mjs';
import { freshId, joinNode, received, send } from './support/node.mjs';
import { eventually, scaled } from './support/time.mjs';

const ours = oursOnly('has no admin interface');
const kAttempt = 'CONNECTION_ATTEMPT';
const kAcceptance = 'CONNECTION_ACCEPTANCE';
const kToResponder = 'ICE_CANDIDATES_EXCHANGE_INITIATOR_TO_RESPONDER';
const kToInitiator = 'ICE_CANDIDATES_EXCHANGE_RESPONDER_TO_INITIATOR';
const kNone = { host: 0, mdns: 0, srflx: 0, prflx: 0, relay: 0, udp: 0, tcp: 0 };

const candidate = (type, address = '192.0.2.2') => ({ candidate: { sdp: `candidate:1 1 udp 1 ${address} 5000 typ ${type}`, sdpMid: '0' } });

/// Says something in a session, and waits until the other has it. Returns the acknowledgement.
async function tell(from, to, type, more = {}) {
  const arrived = received(to, type);
  const answer = await send(from, type, { from: from.nodeId, to: to.nodeId, sessionId: from.sessionId ?? to.sessionId, ...more });
  await arrived;
  return answer;
}

async function pair(port, otherPort = port) {
  const [alice, bob] = await Promise.all([joinNode(port, freshId('alice')), joinNode(otherPort, freshId('bob'))]);
  alice.sessionId = freshId('session');
  return [alice, bob];
}

const kMetric = /^crolang_broker_(negotiations_total|candidates_total|negotiation_answer_seconds_(?:count|sum))(?:\{\w+="(\w+)"\})? (\S+)$/gm;
async function metricsOf(broker) {
  const text = await (await fetch(`${broker.url}/metrics`)).text();
  return Object.fromEntries([...text.matchAll(kMetric)].map(([, name, label, value]) => [label ? `${name} ${label}` : name, Number(value)]));
}

async function start(env = {}) {
  const variables = await insightEnv({ METRICS_ENABLED: 'true', ...env });
  const broker = await Broker.start(variables);
  broker.adminPort = variables.ADMIN_PORT;
  return broker;
}

describe('one broker', ours, () => {
  let broker;
  before(async () => {
    broker = await start();
  });
  after(() => broker.stop());

  test('keeps who, when, the acknowledgements, and how many candidates of which type', async () => {
    const before = await metricsOf(broker);
    const [alice, bob] = await pair(broker.port);
    const earliest = Date.now();
    const sdp = `v=0\r\na=candidate:1 1 udp 1 198.51.100.9 5000 typ srflx raddr 192.0.2.2 rport 5000\r\n`;
    await tell(alice, bob, kAttempt, { sessionDescription: { type: 'offer', sdp } });
    await tell(bob, alice, kAcceptance, { sessionDescription: { type: 'answer', sdp: 'v=0\r\n' } });
    for (const each of [candidate('host'), candidate('host', 'a.local'), candidate('relay')]) await tell(alice, bob, kToResponder, each);
    await tell(bob, alice, kToInitiator, candidate('host'));

    const found = await negotiationOf(broker.adminPort, alice.nodeId, ({ state }) => state === 'answered');
    const { id, startedAt, lastMessageAt, answerSeconds, diagnosis, usual, ...rest } = found;
    assert.deepEqual(rest, {
      initiator: alice.nodeId,
      responder: bob.nodeId,
      sessionId: alice.sessionId,
      state: 'answered',
      initiatorCandidates: { ...kNone, host: 1, mdns: 1, srflx: 1, relay: 1, udp: 4 },
      responderCandidates: { ...kNone, host: 1, udp: 1 },
    });
    assert.ok(Date.parse(startedAt) >= earliest - 1000 && Date.parse(startedAt) <= Date.parse(lastMessageAt), `${startedAt} ${lastMessageAt}`);
    assert.ok(answerSeconds >= 0 && answerSeconds < 10, answerSeconds);
    assert.equal(typeof diagnosis, 'string');
    assert.equal(typeof usual, 'boolean');

    const { json, status } = await ask(broker.adminPort, `/api/v1/negotiations/${id}`);
    assert.equal(status, 200);
    assert.deepEqual(
      json.events.map(({ from, what, acknowledgement }) => [from, what, acknowledgement]),
      [
        ['initiator', 'attempt', 'OK'],
        ['responder', 'acceptance', 'OK'],
        ...Array(3).fill(['initiator', 'candidates', 'OK']),
        ['responder', 'candidates', 'OK'],
      ],
    );
    for (const address of ['192.0.2.2', '198.51.100.9', 'a.local', 'v=0']) assert.ok(!JSON.stringify(json).includes(address), address);

    await eventually('it is counted', async () => {
      const now = await metricsOf(broker);
      const more = (name) => now[name] - before[name];
      return (
        more('negotiations_total answered') === 1 &&
        more('negotiation_answer_seconds_count') === 1 &&
        more('candidates_total host') === 2 &&
        more('candidates_total mdns') === 1 &&
        more('candidates_total srflx') === 1 &&
        more('candidates_total relay') === 1
      );
    });
  });

  for (const [type, state, words] of [
    ['CONNECTION_REFUSAL', 'refused', /^bob\S* refused$/],
    ['INCOMING_CONNECTIONS_NOT_ALLOWED', 'notAllowed', /^bob\S* takes no incoming connections$/],
  ]) {
    test(`${type} is ${state}`, async () => {
      const [alice, bob] = await pair(broker.port);
      await tell(alice, bob, kAttempt);
      await tell(bob, alice, type);
      const found = await negotiationOf(broker.adminPort, bob.nodeId, (one) => one.state === state);
      assert.match(found.diagnosis, words);
      assert.equal(found.usual, false);
      assert.ok(found.answerSeconds === null || found.answerSeconds >= 0);
    });
  }

  test('an attempt to nobody is notConnected', async () => {
    const [alice] = await pair(broker.port);
    const nobody = freshId('nobody');
    assert.equal(await send(alice, kAttempt, { from: alice.nodeId, to: nobody, sessionId: 's' }), 'NOT_CONNECTED');
    const found = await negotiationOf(broker.adminPort, nobody, ({ state }) => state === 'notConnected');
    assert.match(found.diagnosis, /^nobody\S* was not connected$/);
  });

  test('an attempt waits for its answer', async () => {
    const [alice, bob] = await pair(broker.port);
    await tell(alice, bob, kAttempt);
    const found = await negotiationOf(broker.adminPort, alice.nodeId, () => true);
    assert.equal(found.state, 'attempting');
    assert.equal(found.usual, true);
    assert.equal(found.answerSeconds, null);
  });

  test('the list is filtered, limited, and the newest come first', async () => {
    const [alice, bob] = await pair(broker.port);
    for (const sessionId of ['1', '2', '3']) await tell(alice, bob, kAttempt, { sessionId });
    await tell(bob, alice, 'CONNECTION_REFUSAL', { sessionId: '2' });
    const sessions = async (query) => (await negotiations(broker.adminPort, query)).map(({ sessionId }) => sessionId);
    await negotiationOf(broker.adminPort, alice.nodeId, ({ sessionId }) => sessionId === '3');
    assert.deepEqual(await sessions({ node: alice.nodeId }), ['3', '2', '1']);
    assert.deepEqual(await sessions({ node: bob.nodeId, limit: '2' }), ['3', '2']);
    assert.deepEqual(await sessions({ node: alice.nodeId, state: 'refused' }), ['2']);
    assert.deepEqual(await sessions({ node: freshId('other') }), []);
  });

  test('what is asked in another way is an error', async () => {
    for (const path of ['?state=odd', '?limit=0', '?limit=1001', '?limit=x', '?other=1', '?node=']) {
      const { status, json } = await ask(broker.adminPort, `/api/v1/negotiations${path}`);
      assert.equal(status, 400, path);
      assert.equal(typeof json.error, 'string');
    }
    for (const id of ['0', 'odd', 'ffffffffffffffff', '00000000000000000001']) {
      assert.equal((await ask(broker.adminPort, `/api/v1/negotiations/${id}`)).status, 404, id);
    }
    assert.equal((await ask(broker.adminPort, '/api/v1/negotiations', { token: 'wrong' })).status, 401);
  });

  test('each change is an event', async () => {
    const [alice, bob] = await pair(broker.port);
    const stop = new AbortController();
    const seen = [];
    const watching = (async () => {
      for await (const event of events(broker.adminPort, 'negotiation', stop.signal)) if (event.initiator === alice.nodeId) seen.push(event);
    })().catch(() => {});
    // The stream is open once it tells of something.
    await eventually('the stream is open', async () => {
      await tell(alice, bob, kAttempt, { sessionId: freshId('early') });
      return seen.length > 0;
    });
    await tell(alice, bob, kAttempt);
    await tell(bob, alice, 'CONNECTION_REFUSAL');
    const states = () => seen.filter(({ sessionId }) => sessionId === alice.sessionId).map(({ state }) => state);
    await eventually('both are told', () => states().length === 2);
    assert.deepEqual(states(), ['attempting', 'refused']);
    assert.match(seen.at(-1).diagnosis, /refused$/);
    stop.abort();
    await watching;
  });

  test('ids and session ids of any length and kind are kept within bounds', async () => {
    const [alice, bob] = await pair(broker.port);
    for (const sessionId of ['x'.repeat(500_000), '\ud800\n"\\', { a: 1 }, 17, null]) {
      await tell(alice, bob, kAttempt, { sessionId });
    }
    await eventually('all are there', async () => (await negotiations(broker.adminPort, { node: alice.nodeId })).length === 5);
    for (const { sessionId } of await negotiations(broker.adminPort, { node: alice.nodeId })) assert.ok(Buffer.byteLength(sessionId) <= 64, sessionId);
  });
});

test('without insight there is nothing', ours, async (t) => {
  const broker = await start({ NEGOTIATION_INSIGHT: 'false' });
  t.after(() => broker.stop());
  const [alice, bob] = await pair(broker.port);
  assert.equal(await tell(alice, bob, kAttempt), 'OK');
  const { status, json } = await ask(broker.adminPort, '/api/v1/negotiations');
  assert.equal(status, 404);
  assert.match(json.error, /NEGOTIATION_INSIGHT/);
});

describe('two brokers', ours, () => {
  let grid;
  before(async () => {
    grid = await Grid.start(0);
    for (let i = 0; i < 2; ++i) {
      const env = await insightEnv({ METRICS_ENABLED: 'true' });
      const broker = await grid.addBroker(env);
      broker.adminPort = env.ADMIN_PORT;
    }
    await grid.isOpen();
  });
  after(() => grid.stop());

  test('both see both directions, and one counts', async () => {
    const [alice, bob] = await pair(...grid.brokers.map(({ port }) => port));
    await tell(alice, bob, kAttempt);
    await tell(bob, alice, kAcceptance);
    await tell(alice, bob, kToResponder, candidate('host'));
    await tell(bob, alice, kToInitiator, candidate('relay'));
    for (const broker of grid.brokers) {
      const all = ({ initiatorCandidates, responderCandidates }) => initiatorCandidates.host === 1 && responderCandidates.relay === 1;
      const found = await negotiationOf(broker.adminPort, alice.nodeId, all);
      assert.equal(found.state, 'answered');
      assert.equal(found.responder, bob.nodeId);
      const acknowledged = async () => {
        const { json } = await ask(broker.adminPort, `/api/v1/negotiations/${found.id}`);
        return json.events.length === 4 && json.events.every(({ acknowledgement }) => acknowledgement === 'OK');
      };
      await eventually('all is acknowledged', acknowledged, scaled(10_000));
    }
    const kCounted = ['negotiations_total answered', 'candidates_total host', 'candidates_total relay'];
    const counts = async () => (await Promise.all(grid.brokers.map(metricsOf))).map((metrics) => kCounted.map((name) => metrics[name]));
    await eventually('each has counted its own', async () => isDeepStrictEqual(await counts(), [[1, 1, 0], [0, 0, 1]]));
  });

  test('what a dead instance kept is not known', async () => {
    const [first, second] = grid.brokers;
    const [alice, bob] = await pair(first.port, second.port);
    await tell(alice, bob, kAttempt);
    await tell(bob, alice, kAcceptance);
    await tell(alice, bob, kToResponder, candidate('srflx'));
    await tell(bob, alice, kToInitiator, candidate('relay'));
    await negotiationOf(first.adminPort, alice.nodeId, ({ responderCandidates }) => responderCandidates?.relay === 1);
    await second.kill();
    const found = await negotiationOf(first.adminPort, alice.nodeId, ({ responderCandidates }) => responderCandidates === null);
    assert.equal(found.state, 'answered');
    assert.equal(found.initiatorCandidates.srflx, 1);
    const { json } = await ask(first.adminPort, `/api/v1/negotiations/${found.id}`);
    assert.deepEqual(
      json.events.map(({ from, what }) => [from, what]),
      [
        ['initiator', 'attempt'],
        ['responder', 'acceptance'],
        ['initiator', 'candidates'],
      ],
    );
    await eventually(
      'the diagnosis says so',
      async () => /what bob\S* sent is not known/.test((await negotiations(first.adminPort, { node: alice.nodeId }))[0].diagnosis),
      scaled(20_000),
    );
  });
});
