// An authentication that holds for a limited time: then the node's connection ends in such a way that it comes back by
// itself, and is asked again with what it gives then.
import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { Broker, oursOnly, runBroker, testPlugin } from './support/broker.mjs';
import { freshId, joinNode, refusalOf, startNode } from './support/node.mjs';
import { connectRaw, joinRaw } from './support/raw.mjs';
import { eventually, scaled, within } from './support/time.mjs';
import { json, stopWebhooks, Webhook } from './support/webhook.mjs';

const ours = oursOnly('lets nodes in for ever');
const kSecret = randomBytes(32).toString('hex');

function tokenFor(id, seconds) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const exp = Math.floor(Date.now() / 1000) + seconds;
  const text = `${encode({ alg: 'HS256' })}.${encode({ sub: id, exp })}`;
  return `${text}.${createHmac('sha256', kSecret).update(text).digest('base64url')}`;
}

/// A node that reconnects, and asks `renew` for its data before each attempt.
async function joinAndRenew(port, id, data, renew) {
  const node = startNode(port, id, {
    query: { data },
    reconnection: true,
    reconnectionDelay: 20,
    reconnectionDelayMax: 100,
  });
  node.reasons = [];
  node.on('disconnect', (reason) => node.reasons.push(reason));
  node.io.on('reconnect_attempt', () => {
    node.io.opts.query = { ...node.io.opts.query, data: renew() };
  });
  await within(scaled(10_000), `${id} joins`, node.authenticated);
  return node;
}

const comesBack = (node) =>
  within(scaled(10_000), `${node.nodeId} comes back`, once(node, 'AUTHENTICATED'));
/// socket.io-client says "io server disconnect" of a 41, and would not come back.
const assertOnlyTcpEnded = (node) => {
  assert.ok(node.reasons.length > 0);
  assert.deepEqual([...new Set(node.reasons)], ['transport close']);
};

describe("jwt-auth ends a session with its token's expiry", ours, () => {
  let broker;
  before(async () => {
    broker = await Broker.start({
      NODES_AUTHENTICATION_PLUGIN: 'jwt-auth',
      JWT_SECRET: kSecret,
      JWT_LEEWAY_S: '0',
      JWT_EXPIRY_ENDS_SESSION: 'true',
      LOG_LEVEL: '1',
      METRICS_ENABLED: 'true',
    });
  });
  after(() => broker?.stop());

  test('and admits it again with a renewed one', async () => {
    const id = freshId();
    const node = await joinAndRenew(broker.port, id, tokenFor(id, 2), () => tokenFor(id, 600));
    await comesBack(node);
    assertOnlyTcpEnded(node);
    await eventually('the log says why', () =>
      broker.output.includes(`node disconnected node=${id} why="its authentication has expired"`),
    );
    const page = await fetch(`http://127.0.0.1:${broker.port}/metrics`).then((r) => r.text());
    assert.match(page, /closed_by_broker_total\{reason="authentication_expired"\} [1-9]/);
  });

  test('and refuses it for good with the old one', async () => {
    const id = freshId();
    const old = tokenFor(id, 2);
    const node = await joinAndRenew(broker.port, id, old, () => old);
    const [error] = await within(
      scaled(10_000),
      `${id} is refused`,
      once(node, 'connect_error'),
    );
    assert.equal(error.message, 'authentication failed');
    assert.equal(node.active, false, 'it has given up');
    assertOnlyTcpEnded(node);
  });
});

test('without JWT_EXPIRY_ENDS_SESSION an expired token ends nothing', ours, async (t) => {
  const broker = await Broker.start({
    NODES_AUTHENTICATION_PLUGIN: 'jwt-auth',
    JWT_SECRET: kSecret,
    JWT_LEEWAY_S: '0',
  });
  t.after(() => broker.stop());
  const id = freshId();
  const token = tokenFor(id, 1);
  const node = await joinNode(broker.port, id, { query: { data: token } });
  // It has expired for whoever comes now.
  await eventually('the token has expired', async () => {
    const other = startNode(broker.port, id, { query: { data: token } });
    const [error] = await once(other, 'connect_error');
    other.disconnect();
    return error.message === 'authentication failed';
  });
  assert.ok(node.connected);
});

test('expiresInSeconds of a webhook does the same', ours, async (t) => {
  const webhook = await Webhook.start();
  webhook.answer = (exchange) =>
    json(
      exchange.question.data === 'new'
        ? { authenticated: true }
        : { authenticated: true, expiresInSeconds: 0.5 },
    )(exchange);
  const broker = await Broker.start({ NODES_AUTHENTICATION_WEBHOOK_URL: webhook.url() });
  t.after(async () => {
    await broker.stop();
    await stopWebhooks();
  });
  const id = freshId();
  const node = await joinAndRenew(broker.port, id, 'old', () => 'new');
  await comesBack(node);
  assertOnlyTcpEnded(node);
  assert.deepEqual(
    webhook.requests.map((exchange) => exchange.question.data),
    ['old', 'new'],
  );
});

describe('an authentication plugin', ours, () => {
  let broker;
  before(async () => {
    broker = await Broker.start({ NODES_AUTHENTICATION_PLUGIN: testPlugin('misbehave') });
  });
  after(() => broker?.stop());

  test('ends a session without a byte more', async () => {
    const node = await joinRaw(broker.port, freshId('brief'));
    await node.sentBack();
  });

  test("reads the request's headers, whatever the case of their names", async () => {
    const id = freshId('header');
    const value = id.slice('header-'.length);
    assert.equal(
      await refusalOf(broker.port, id, { extraHeaders: { 'X-Misbehave': 'other' } }),
      'authentication failed',
    );
    assert.equal(await refusalOf(broker.port, id, {}), 'authentication failed');
    const node = await joinNode(broker.port, id, { extraHeaders: { 'x-MISBEHAVE': ` ${value} ` } });
    node.disconnect();
  });

  test('reads them again for a later CONNECT on the same connection', async () => {
    const id = freshId('header');
    const node = await joinRaw(broker.port, id, {
      headers: { 'X-Misbehave': id.slice('header-'.length) },
    });
    node.sendText('41');
    await connectRaw(node);
    node.destroy();
  });

  test("knows the client's address", async () => {
    const node = await joinNode(broker.port, 'from-127.0.0.1');
    node.disconnect();
    assert.equal(await refusalOf(broker.port, 'from-192.0.2.7'), 'authentication failed');
  });
});

describe('MAX_CONNECTION_AGE_MS', ours, () => {
  let broker;
  before(async () => {
    broker = await Broker.start({
      MAX_CONNECTION_AGE_MS: '1500',
      LOG_LEVEL: '1',
      METRICS_ENABLED: 'true',
    });
  });
  after(() => broker?.stop());

  test('has nodes come back by themselves, not all at once', async () => {
    const since = performance.now();
    const ages = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const node = await joinAndRenew(broker.port, freshId(), '', () => '');
        await once(node, 'disconnect');
        const age = performance.now() - since;
        await comesBack(node);
        assertOnlyTcpEnded(node);
        await broker.says(
          new RegExp(`node disconnected node=${node.nodeId} why="it was connected for as long as MAX_CONN`),
        );
        return age;
      }),
    );
    assert.ok(Math.min(...ages) >= 1300, `${Math.min(...ages)} ms`);
    assert.ok(Math.max(...ages) - Math.min(...ages) > 20, `${ages}`);
    const page = await fetch(`${broker.url}/metrics`).then((r) => r.text());
    const [, count] = /closed_by_broker_total\{reason="max_age"\} (\d+)/.exec(page);
    assert.ok(Number(count) >= 20, count);
  });
});

test('an age that would only make nodes reconnect is refused', ours, async () => {
  const { code, output } = await runBroker(['--check-config'], { MAX_CONNECTION_AGE_MS: '500' });
  assert.equal(code, 2);
  assert.match(output, /MAX_CONNECTION_AGE_MS: 500 would do nothing but make nodes reconnect/);
});
