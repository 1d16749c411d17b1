// GET /api/v1/ice-check: what check-ice finds, from where a running broker is.
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { Broker, freePort, oursOnly } from './support/broker.mjs';
import { Coturn } from './support/coturn.mjs';
import { scaled } from './support/time.mjs';
import { json, stopWebhooks, Webhook } from './support/webhook.mjs';

const ours = oursOnly('has no admin interface');
const kToken = 'a-token-of-the-admin-interface';
const kSecret = 'north-wind-and-sun';

after(stopWebhooks);

async function startBroker(t, env) {
  const port = String(await freePort());
  const broker = await Broker.start({ ADMIN_PORT: port, ADMIN_TOKEN: kToken, ...env });
  t.after(() => !broker.hasExited && broker.stop());
  const check = async (query = '', token = kToken) => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/ice-check${query}`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(scaled(30_000)),
    });
    const text = await response.text();
    assert.ok(!text.includes(kSecret), text);
    return { status: response.status, body: JSON.parse(text) };
  };
  return { broker, check };
}

const turnCredentials = (url, secret = kSecret) => ({
  RTC_CONFIGURATION_RESOLVER_PLUGIN: 'turn-credentials',
  TURN_URLS: url,
  TURN_SHARED_SECRET: secret,
});

describe('the admin interface checks the ICE servers', ours, () => {
  let coturn;
  before(async () => {
    coturn = await Coturn.start(kSecret);
  });
  after(() => coturn.stop());

  test('as for the node that is named', async (t) => {
    const stun = { STUN_URLS: `stun:127.0.0.1:${coturn.port}` };
    const { check } = await startBroker(t, { ...turnCredentials(coturn.url()), ...stun });
    const { status, body } = await check('?node=alice');
    assert.equal(status, 200);
    assert.equal(body.ok, true, JSON.stringify(body));
    assert.deepEqual(body.stun, { urls: 1, work: 1 });
    assert.deepEqual(body.turn, { urls: 1, work: 1 });
    assert.deepEqual(body.checks.map(({ way, result }) => [way, result]), [
      ['UDP', 'works'],
      ['TCP', 'works'],
      ['UDP', 'works'],
    ]);
    assert.match(body.checks[2].username, /^\d+:alice$/);
    assert.equal((await check('?nodes=alice')).status, 400);
    assert.equal((await check('', 'wrong')).status, 401);
  });

  test('and names the cause of what does not work', async (t) => {
    const { check } = await startBroker(t, turnCredentials(coturn.url(), 'south-wind'));
    const { status, body } = await check();
    assert.equal(status, 200);
    assert.equal(body.ok, false);
    assert.equal(body.checks[0].code, 401);
    assert.match(body.checks[0].cause, /secret/);
    assert.ok(!JSON.stringify(body).includes('south-wind'));
  });

  test('and says what nodes do not get', async (t) => {
    const servers = [{ urls: `stun:127.0.0.1:${coturn.port}` }, { urls: coturn.url(), username: 'bob' }];
    const webhook = await Webhook.start({ answer: json({ iceServers: servers }) });
    const { check } = await startBroker(t, { RTC_CONFIGURATION_RESOLVER_WEBHOOK_URL: webhook.url('/rtc') });
    const { body } = await check();
    assert.equal(body.ok, false);
    assert.match(body.notTried[0], /needs a credential/);
  });

  test('one at a time, and ends with the broker', async (t) => {
    const silent = dgram.createSocket('udp4').bind(0, '127.0.0.1');
    t.after(() => silent.close());
    await once(silent, 'listening');
    const asked = once(silent, 'message');
    const { broker, check } = await startBroker(t, turnCredentials(`turn:127.0.0.1:${silent.address().port}`));
    const first = check().catch((error) => error);
    await asked;
    const { status, body } = await check();
    assert.equal(status, 409);
    assert.match(body.error, /another check/);
    const started = Date.now();
    await broker.stop();
    assert.ok(Date.now() - started < scaled(4000), 'it does not wait for the server');
    await first;
  });

  test('503 if there is no configuration, and why', async (t) => {
    const refusing = `http://127.0.0.1:${await freePort()}`;
    const { check } = await startBroker(t, { RTC_CONFIGURATION_RESOLVER_WEBHOOK_URL: refusing });
    const { status, body } = await check('?node=bob');
    assert.equal(status, 503);
    assert.match(body.error, /no RTC configuration for the node 'bob': /);
  });
});
