// turn-credentials in the running broker, judged by a real TURN server and by peers that may use nothing else.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { Broker, oursOnly, runBroker, temporaryDirectory } from './support/broker.mjs';
import { Coturn } from './support/coturn.mjs';
import { freshId, joinNode } from './support/node.mjs';
import { eventually, scaled, within } from './support/time.mjs';
import { accept, closeConnections, connect, nextMessage } from './support/webrtc.mjs';

const ours = oursOnly('has no plugins');
const kSecret = 'north-wind-and-sun';

let coturn;
before(async () => {
  coturn = await Coturn.start(kSecret);
});
after(() => coturn.stop());
afterEach(closeConnections);

const environment = (env) => ({
  RTC_CONFIGURATION_RESOLVER_PLUGIN: 'turn-credentials',
  TURN_URLS: coturn.url(),
  TURN_SHARED_SECRET: kSecret,
  ...env,
});

/// Ends with the test, however that ends.
async function startBroker(t, env) {
  const broker = await Broker.start(environment(env));
  t.after(() => broker.stop());
  return broker;
}

/// What a node gets in AUTHENTICATED.
async function configurationOf(broker, id = freshId()) {
  const node = await joinNode(broker.port, id);
  return node.authenticated;
}

const turnServer = ({ iceServers }) =>
  iceServers.find(({ urls }) => urls.some((url) => /^turns?:/.test(url)));
const passwordFor = (username, secret = kSecret) =>
  createHmac('sha1', secret).update(username).digest('base64');

describe('the configuration of a node', ours, () => {
  let broker;
  before(async () => {
    broker = await Broker.start(
      environment({
        TURN_URLS: `${coturn.url('udp')}, ${coturn.url('tcp')}`,
        STUN_URLS: `stun:127.0.0.1:${coturn.port}`,
        TURN_CREDENTIAL_TTL_S: '600',
      }),
    );
  });
  after(() => broker.stop());

  test('has the servers, and credentials of its own that expire', async () => {
    const earliest = Math.floor(Date.now() / 1000) + 600;
    const configuration = await configurationOf(broker, 'alice');
    const latest = Math.floor(Date.now() / 1000) + 600;
    const { username, password, credential } = turnServer(configuration);
    const [, expiry, id] = /^(\d+):(.*)$/.exec(username);
    assert.ok(expiry >= earliest && expiry <= latest, expiry);
    assert.equal(id, 'alice');
    assert.equal(password, passwordFor(username));
    assert.equal(credential, password);
    assert.deepEqual(configuration, {
      iceServers: [
        { urls: [`stun:127.0.0.1:${coturn.port}`] },
        { urls: [coturn.url('udp'), coturn.url('tcp')], username, password, credential },
      ],
      iceTransportPolicy: 'all',
      bundlePolicy: 'max-bundle',
      rtcpMuxPolicy: 'require',
    });
  });

  test('is well-formed for every node id', async () => {
    for (const id of ['quote"back\\slash', 'a:b:c', 'Zoë€😀', '</script>']) {
      const { username, password } = turnServer(await configurationOf(broker, id));
      assert.equal(username.slice(username.indexOf(':') + 1), id);
      assert.equal(password, passwordFor(username));
    }
  });

  for (const id of ['alice', 'a:b:c', 'Zoë€😀']) {
    test(`opens a relay for ${id}`, async () => {
      const { relayed, output } = await coturn.allocate(
        turnServer(await configurationOf(broker, freshId(id))),
      );
      assert.ok(relayed, output);
    });
  }

  test('opens no relay under the name of another node', async () => {
    const { username, password } = turnServer(await configurationOf(broker));
    const { relayed } = await coturn.allocate({ username: `${username}-2`, password });
    assert.equal(relayed, false);
  });

  test('does not show the secret in the log', () =>
    assert.doesNotMatch(broker.output, new RegExp(kSecret)));
});

test('a username may be the expiry alone, and opens a relay', ours, async (t) => {
  const broker = await startBroker(t, { TURN_USERNAME: 'expiry' });
  const server = turnServer(await configurationOf(broker, freshId('alice')));
  assert.match(server.username, /^\d+$/);
  assert.equal(server.password, passwordFor(server.username));
  const { relayed, output } = await coturn.allocate(server);
  assert.ok(relayed, output);
});

test('a secret that the TURN server does not know opens no relay', ours, async (t) => {
  const broker = await startBroker(t, { TURN_SHARED_SECRET: 'south-wind-and-moon' });
  const { relayed, output } = await coturn.allocate(turnServer(await configurationOf(broker)));
  assert.equal(relayed, false);
  assert.match(output, /Cannot complete Allocation/);
});

test('credentials open a relay until they expire', ours, async (t) => {
  const lifetime = Math.ceil(scaled(6));
  const broker = await startBroker(t, { TURN_CREDENTIAL_TTL_S: String(lifetime) });
  const server = turnServer(await configurationOf(broker));
  const { relayed, output } = await coturn.allocate(server);
  assert.ok(relayed, output);
  await eventually(
    'the credentials are refused',
    async () => !(await coturn.allocate(server)).relayed,
    scaled(60_000),
  );
  assert.ok(Date.now() / 1000 >= Number.parseInt(server.username, 10));
});

test('the secret may be in a file', ours, async (t) => {
  const file = path.join(temporaryDirectory(), 'secret');
  fs.writeFileSync(file, `${kSecret}\n`);
  const broker = await startBroker(t, {
    TURN_SHARED_SECRET: undefined,
    TURN_SHARED_SECRET_FILE: file,
  });
  const { username, password } = turnServer(await configurationOf(broker));
  assert.equal(password, passwordFor(username));
});

describe('the broker does not start', ours, () => {
  const kGood = {
    RTC_CONFIGURATION_RESOLVER_PLUGIN: 'turn-credentials',
    TURN_URLS: 'turn:127.0.0.1',
    TURN_SHARED_SECRET: kSecret,
  };
  for (const [name, env, sentence] of [
    ['without a server', { TURN_URLS: '' }, /TURN_URLS/],
    ['without a secret', { TURN_SHARED_SECRET: '' }, /TURN_SHARED_SECRET/],
    ['with a url of another scheme', { TURN_URLS: 'http://a' }, /TURN_URLS: 'http:\/\/a' is not/],
    ['with a TURN url for STUN', { STUN_URLS: 'turn:a' }, /STUN_URLS: 'turn:a' is not stun:/],
    ...['turn:h:abc', 'turn:h:99999', 'turn:h:0', 'turn::3478', 'turn:h:', 'turn:::1', 'turn:[::1']
      .concat(['turn:h:3478:9', 'turn:a"b', 'TURN:h:3478', 'turns:h?transport=udp'])
      .map((url) => [`with ${url}`, { TURN_URLS: `turn:h ${url}` }, `TURN_URLS: '${url}' is not`]),
    ...['STUN:h', 'stun:h:abc', 'stun:h?transport=udp'].map((url) => [
      `with ${url}`,
      { STUN_URLS: url },
      `STUN_URLS: '${url}' is not`,
    ]),
    ['with an unknown username', { TURN_USERNAME: 'id' }, /TURN_USERNAME: 'id' is neither/],
    ['with a ttl of nothing', { TURN_CREDENTIAL_TTL_S: '0' }, /TURN_CREDENTIAL_TTL_S: '0' is not/],
    ['with an unknown policy', { ICE_TRANSPORT_POLICY: 'none' }, /ICE_TRANSPORT_POLICY: 'none'/],
  ]) {
    test(name, async () => {
      const { code, output } = await runBroker([], { ...kGood, ...env });
      assert.equal(code, 2, output);
      if (typeof sentence === 'string') assert.ok(output.includes(sentence), output);
      else assert.match(output, sentence);
      assert.doesNotMatch(output, new RegExp(kSecret));
    });
  }
});

for (const transport of ['udp', 'tcp']) {
  test(`two peers that may only use the relay exchange messages through it (${transport})`, ours, async (t) => {
    const broker = await startBroker(t, {
      TURN_URLS: coturn.url(transport),
      ICE_TRANSPORT_POLICY: 'relay',
    });
    const a = await joinNode(broker.port);
    const b = await joinNode(broker.port);
    const [initiator, responder] = await within(
      scaled(30_000),
      'the data channel opens',
      Promise.all([connect(a, b.nodeId, await a.authenticated), accept(b, await b.authenticated)]),
    );

    const atResponder = nextMessage(responder.channel);
    initiator.channel.send('from initiator ü€😀');
    assert.equal(await within(scaled(10_000), 'a message', atResponder), 'from initiator ü€😀');
    const atInitiator = nextMessage(initiator.channel);
    responder.channel.send('x'.repeat(15_000));
    assert.equal(await within(scaled(10_000), 'a message', atInitiator), 'x'.repeat(15_000));

    for (const { session } of [initiator, responder]) {
      assert.deepEqual(await session.path(), { local: 'relay', remote: 'relay' });
      assert.deepEqual(session.refused, []);
    }
    for (const { nodeId } of [a, b]) {
      const allocated = new RegExp(`user <\\d+:${nodeId}>: incoming packet ALLOCATE processed, success`);
      await eventually(`${nodeId} has a relay`, () => allocated.test(coturn.output));
    }
  });
}
