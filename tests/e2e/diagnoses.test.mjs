// "Why do these two not connect?": negotiations between real WebRTC peers, each broken in another way, and healthy ones. The broker
// sees only what they send, and must name the cause.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Broker, freePort, oursOnly } from './support/broker.mjs';
import { Coturn } from './support/coturn.mjs';
import { missingNat, Nats } from './support/nat.mjs';
import { insightEnv, negotiationOf } from './support/negotiations.mjs';
import { freshId, send } from './support/node.mjs';
import { hasStack, Stack, StackNode } from './support/stacks.mjs';
import { delay, scaled, within } from './support/time.mjs';
import { json, stopWebhooks, Webhook } from './support/webhook.mjs';

const kSecret = 'north-wind-and-sun';
const kTurnFails = 'the TURN server is unreachable or refuses the credentials';
// They wait for each other and for time to pass.
const together = { ...oursOnly('has no admin interface'), concurrency: 20 };

const stacks = {};
let coturn;
const brokers = [];

after(async () => {
  await Promise.all(brokers.map((broker) => broker.stop()));
  await Promise.all([...Object.values(stacks).map((stack) => stack.stop()), coturn?.stop()]);
  await stopWebhooks();
});

async function startBroker(env) {
  const variables = await insightEnv(env);
  const broker = await Broker.start(variables);
  broker.adminPort = variables.ADMIN_PORT;
  brokers.push(broker);
  return broker;
}

/// A broker whose nodes get these credentials of a TURN server.
const startWithTurn = (env) =>
  startBroker({ RTC_CONFIGURATION_RESOLVER_PLUGIN: 'turn-credentials', TURN_SHARED_SECRET: kSecret, ...env });

/// A broker whose nodes get these servers.
async function startWithServers(iceServers) {
  const webhook = await Webhook.start({ answer: json({ iceServers }) });
  return startBroker({ RTC_CONFIGURATION_RESOLVER_WEBHOOK_URL: webhook.url('/rtc') });
}

/// Two nodes of a broker, which leave at the end of the test.
async function pair(t, broker, [a, b] = [stacks.roamhq, stacks.roamhq]) {
  const nodes = await Promise.all([StackNode.join(a, broker.port), StackNode.join(b, broker.port)]);
  t.after(() => nodes.forEach((node) => node.close()));
  return nodes;
}

/// alice begins; whether she gets through is another question.
const begin = (alice, to) => alice.connect(to).catch(() => {});
const answer = (bob, ...rest) => bob.accept(...rest).catch(() => {});

/// What the broker says of alice's negotiation must become this, and then it calls it unusual.
async function expectCause(broker, alice, pattern, milliseconds) {
  const found = await negotiationOf(broker.adminPort, alice.id, ({ diagnosis }) => pattern.test(diagnosis), milliseconds);
  assert.equal(found.usual, false, found.diagnosis);
  return found;
}

/// A reply to the attempt instead of an answer.
function declineWith(bob, type) {
  bob.socket.once('CONNECTION_ATTEMPT', (text) => {
    const { from, sessionId } = JSON.parse(text);
    // The test may be over before it is acknowledged.
    send(bob.socket, type, { from: bob.id, to: from, sessionId }).catch(() => {});
  });
}

/// The TURN server, with credentials of this secret.
function turnServer(secret) {
  const username = `${Math.floor(Date.now() / 1000) + 600}:somebody`;
  return { urls: [coturn.url()], username, credential: createHmac('sha1', secret).update(username).digest('base64') };
}

describe('negotiations between WebRTC peers', together, () => {
  let good;

  before(async () => {
    const names = ['roamhq', 'node-datachannel', 'werift', 'aiortc', 'pion'].filter(hasStack);
    await Promise.all([
      ...names.map(async (name) => (stacks[name] = await Stack.start(name))),
      Coturn.start(kSecret).then((started) => (coturn = started)),
    ]);
    good = await startWithTurn({ TURN_URLS: coturn.url(), STUN_URLS: `stun:127.0.0.1:${coturn.port}` });
  });

  test('no answer', async (t) => {
    const [alice, bob] = await pair(t, good);
    begin(alice, bob.id);
    const found = await expectCause(good, alice, /^no answer after 30 s: \S+ is connected but silent$/, 31_000 + scaled(10_000));
    assert.equal(found.state, 'unanswered');
    assert.ok(found.diagnosis.includes(bob.id));
  });

  test('no answer, and the other has left', async (t) => {
    const [alice, bob] = await pair(t, good);
    bob.socket.once('CONNECTION_ATTEMPT', () => bob.socket.disconnect());
    begin(alice, bob.id);
    await expectCause(good, alice, /got the attempt and is not connected any more$/);
  });

  test('refused', async (t) => {
    const [alice, bob] = await pair(t, good);
    declineWith(bob, 'CONNECTION_REFUSAL');
    begin(alice, bob.id);
    const found = await expectCause(good, alice, /^\S+ refused$/);
    assert.equal(found.state, 'refused');
  });

  test('takes no connections', async (t) => {
    const [alice, bob] = await pair(t, good);
    declineWith(bob, 'INCOMING_CONNECTIONS_NOT_ALLOWED');
    begin(alice, bob.id);
    await expectCause(good, alice, /^\S+ takes no incoming connections$/);
  });

  test('not connected', async (t) => {
    const [alice] = await pair(t, good);
    begin(alice, freshId('nobody'));
    await expectCause(good, alice, /^nobody\S+ was not connected$/);
  });

  test('not authorized', async (t) => {
    const broker = await startBroker({
      AUTHORIZE_NODES_COMMUNICATION_WEBHOOK_URL: (await Webhook.start({ answer: json({ authorized: false }) })).url('/'),
    });
    const [alice, bob] = await pair(t, broker);
    begin(alice, bob.id);
    await expectCause(broker, alice, /is not authorized to send to/);
  });

  test('a late answer', async (t) => {
    const [alice, bob] = await pair(t, good);
    answer(bob, () => delay(11_000));
    begin(alice, bob.id);
    const found = await expectCause(good, alice, /answer after 1[1-9] s: later than most stacks wait/, 11_000 + scaled(10_000));
    assert.ok(found.answerSeconds >= 11, found.answerSeconds);
  });

  test('candidates of both cut off', async (t) => {
    const [alice, bob] = await pair(t, good);
    alice.isMuted = bob.isMuted = true;
    answer(bob);
    begin(alice, bob.id);
    await expectCause(good, alice, /^candidates stopped after the answer: neither side sent one$/, scaled(15_000));
  });

  test('candidates of one cut off', async (t) => {
    const [alice, bob] = await pair(t, good);
    bob.isMuted = true;
    answer(bob);
    begin(alice, bob.id);
    await expectCause(good, alice, /^candidates stopped after the answer: \S+ sent none$/, scaled(15_000));
  });

  test('the other leaves after its answer', async (t) => {
    const [alice, bob] = await pair(t, good);
    answer(bob);
    // Before she sends the first one: she does that when she has the answer.
    alice.socket.prependAny((name) => name === 'CONNECTION_ACCEPTANCE' && bob.socket.disconnect());
    begin(alice, bob.id);
    await expectCause(good, alice, /^candidates stopped after the answer: .* (is|was) not connected any more$/, scaled(15_000));
  });

  test('a TURN server with another secret', async (t) => {
    const broker = await startWithTurn({ TURN_URLS: coturn.url(), TURN_SHARED_SECRET: 'south-wind-and-moon' });
    const [alice, bob] = await pair(t, broker);
    answer(bob);
    begin(alice, bob.id);
    await expectCause(broker, alice, new RegExp(`^neither side has a relay candidate: ${kTurnFails}$`), scaled(20_000));
  });

  test('no TURN server there, and nothing else allowed', async (t) => {
    const broker = await startWithTurn({ TURN_URLS: `turn:127.0.0.1:${await freePort()}`, ICE_TRANSPORT_POLICY: 'relay' });
    const [alice, bob] = await pair(t, broker);
    answer(bob);
    begin(alice, bob.id);
    await expectCause(broker, alice, new RegExp(`^neither side has a relay candidate: ${kTurnFails}$`), scaled(20_000));
  });

  test('one has no relay', async (t) => {
    // Each node gets credentials of its own; only alice's are good. Without another way, no side stops looking for relays.
    const webhook = await Webhook.start({
      answer: (exchange) => json({ iceTransportPolicy: 'relay', iceServers: [turnServer(exchange.question.nodeId.startsWith('node-datachannel') ? 'south-wind' : kSecret)] })(exchange),
    });
    const broker = await startBroker({ RTC_CONFIGURATION_RESOLVER_WEBHOOK_URL: webhook.url('/rtc') });
    const [alice, bob] = await pair(t, broker, [stacks.roamhq, stacks['node-datachannel']]);
    answer(bob);
    begin(alice, bob.id);
    await expectCause(broker, alice, new RegExp(`^node-datachannel\\S* has no relay candidate: for it ${kTurnFails}$`), scaled(20_000));
  });

  test('no STUN server there', async (t) => {
    const broker = await startWithServers([{ urls: [`stun:127.0.0.1:${await freePort()}`] }]);
    const [alice, bob] = await pair(t, broker);
    answer(bob);
    begin(alice, bob.id);
    await expectCause(broker, alice, /sent only host candidates: none of their ICE servers answered$/, scaled(20_000));
  });

  test('STUN alone, behind symmetric NATs', { skip: missingNat() }, async (t) => {
    const nats = new Nats();
    t.after(() => nats.stop());
    const stun = await Coturn.start(kSecret, {
      address: nats.addresses[0],
      args: ['--listening-ip', nats.addresses[1]],
      inside: nats.inside(nats.internet),
    });
    t.after(() => stun.stop());
    const [here, there] = await Promise.all([nats.one, nats.other].map((name) => Stack.start('roamhq', nats.inside(name))));
    t.after(() => Promise.all([here.stop(), there.stop()]));
    const broker = await startWithServers(nats.addresses.map((address) => ({ urls: [`stun:${address}:${stun.port}`] })));
    const [alice, bob] = await pair(t, broker, [here, there]);
    let isOpen = false;
    answer(bob);
    alice.connect(bob.id).then(
      () => (isOpen = true),
      () => {},
    );
    await expectCause(broker, alice, /^both sides are behind a symmetric NAT: they need a TURN server, and were given none$/, scaled(20_000));
    assert.equal(isOpen, false);
  });

  // libwebrtc stops looking for relays once it is connected.
  const gathered = () => delay(scaled(1000));
  for (const [name, offering, answering, env] of [
    ['with STUN and TURN', 'roamhq', 'node-datachannel', {}],
    ['by the relay alone', 'pion', 'roamhq', { ICE_TRANSPORT_POLICY: 'relay' }],
    ['with all candidates in the description', 'aiortc', 'werift', {}],
  ]) {
    const skip = [offering, answering].some((each) => !hasStack(each)) && !process.env.CI && 'a stack could not be built here';
    test(`healthy ${name}: ${offering} and ${answering}`, { skip }, async (t) => {
      const broker = env.ICE_TRANSPORT_POLICY ? await startWithTurn({ TURN_URLS: coturn.url(), ...env }) : good;
      const [alice, bob] = await pair(t, broker, [stacks[offering], stacks[answering]]);
      await within(scaled(30_000), 'the data channel opens', Promise.all([alice.connect(bob.id), bob.accept(gathered)]));
      const found = await negotiationOf(broker.adminPort, alice.id, ({ diagnosis }) => !diagnosis.includes('so far'), scaled(15_000));
      assert.equal(found.diagnosis, 'nothing unusual', JSON.stringify(found));
      assert.equal(found.usual, true);
      assert.equal(found.state, 'answered');
      for (const { relay } of [found.initiatorCandidates, found.responderCandidates]) assert.ok(relay > 0, JSON.stringify(found));
    });
  }
});
