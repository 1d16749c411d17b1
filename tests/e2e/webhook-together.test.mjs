// All five webhooks on one server, as in a docker-compose file, and the end of a broker while they hang.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after as afterAll, before, describe, test } from 'node:test';
import { Broker, oursOnly } from './support/broker.mjs';
import { freshId, joinNode, received, refusalOf, send } from './support/node.mjs';
import { Pair } from './support/pair.mjs';
import { joinRaw } from './support/raw.mjs';
import { eventually, scaled, within } from './support/time.mjs';
import { byRoute, json, startKnock, stopWebhooks, Webhook } from './support/webhook.mjs';

const ours = oursOnly('sends other bodies, and does not end in order');
const kMessage = 'SOCKET_MSG_EXCHANGE';
const kRtc = { iceServers: [{ urls: ['turn:turn.example.org'], username: 'u', credential: 'c' }] };

const urls = (webhook) => ({
  NODES_AUTHENTICATION_WEBHOOK_URL: webhook.url('/authenticate'),
  RTC_CONFIGURATION_RESOLVER_WEBHOOK_URL: webhook.url('/rtc'),
  AUTHORIZE_NODES_COMMUNICATION_WEBHOOK_URL: webhook.url('/authorize'),
  NODES_VALIDITY_CHECK_WEBHOOK_URL: webhook.url('/validity'),
  ON_AUTHENTICATED_SOCKET_MSG_WEBHOOK_URL: webhook.url('/message'),
  NODES_STATUS_CHECK_INTERVAL_MS: '200',
});

describe('five webhooks on one server', ours, () => {
  let webhook;
  let broker;
  const invalid = [];
  before(async () => {
    webhook = await Webhook.start({
      answer: byRoute({
        '/authenticate': (exchange) =>
          json({ authenticated: exchange.question.data?.token !== 'wrong' })(exchange),
        '/rtc': json({ rtcConfiguration: kRtc }),
        '/authorize': (exchange) =>
          json({ authorized: exchange.question.to !== 'hermit' })(exchange),
        '/validity': (exchange) => json({ invalidNodesIds: invalid })(exchange),
        '/message': (exchange) => exchange.reply(204, { 'Content-Length': null }, ''),
      }),
    });
    broker = await Broker.start(urls(webhook));
  });
  afterAll(async () => {
    await broker?.stop();
    await stopWebhooks();
  });
  const to = (route) => webhook.requests.filter(({ target }) => target === route);

  test("are each asked their own questions, in the order of a node's life", async () => {
    const id = freshId();
    assert.equal(
      await refusalOf(broker.port, id, { query: { data: '{"token":"wrong"}' } }),
      'authentication failed',
    );
    assert.equal(to('/rtc').length, 0);
    const alice = await joinNode(broker.port, id, { query: { data: '{"token":"right"}' } });
    assert.deepEqual(await alice.authenticated, {
      iceServers: [{ ...kRtc.iceServers[0], password: 'c' }],
    });
    const hermit = await joinNode(broker.port, 'hermit');

    const arrived = received(alice, kMessage);
    assert.equal(await send(hermit, kMessage, { to: id }), 'OK');
    assert.deepEqual(await arrived, { to: id });
    assert.equal(await send(alice, kMessage, { to: 'hermit' }), 'UNAUTHORIZED');
    await webhook.received(1, ({ target }) => target === '/message');
    assert.deepEqual(
      to('/message').map(({ body }) => body),
      [`{"senderId":"hermit","receiverId":"${id}","isReceiverConnected":true}`],
    );

    const ended = once(alice, 'disconnect');
    invalid.push(id);
    assert.deepEqual(
      await within(scaled(5000), `${id} is ended`, ended).then(([why]) => why),
      'io server disconnect',
    );
    invalid.length = 0;
    assert.ok(hermit.connected);
  });

  test('tolerate that the server is down for a while, and no node is lost', async () => {
    const pair = await Pair.join(broker.port);
    await webhook.stop();
    assert.equal(await send(pair.a, kMessage, { to: pair.b.nodeId }), 'ERROR');
    await assert.rejects(joinNode(broker.port, freshId()), { message: 'websocket error' });
    await eventually('each variable is named', async () => {
      await send(pair.a, kMessage, { to: pair.b.nodeId });
      return [
        'NODES_AUTHENTICATION',
        'AUTHORIZE_NODES_COMMUNICATION',
        'NODES_VALIDITY_CHECK',
      ].every((kind) => broker.output.includes(`${kind}_WEBHOOK_URL`));
    });
    await webhook.listen();
    await pair.stillTalks();
    await joinNode(broker.port);
  });
});

describe('SIGTERM while webhooks hang', ours, () => {
  for (const patience of ['600000', undefined]) {
    test(`ends the broker within seconds, with WEBHOOK_TIMEOUT_MS ${patience ?? 'unset'}`, async () => {
      const answers = {
        '/authenticate': json({ authenticated: true }),
        '/rtc': json(kRtc),
        '/authorize': () => {},
        '/validity': () => {},
        '/message': () => {},
      };
      const webhook = await Webhook.start({ answer: byRoute(answers) });
      const broker = await Broker.start({
        ...urls(webhook),
        ...(patience && { WEBHOOK_TIMEOUT_MS: patience, PLUGIN_TIMEOUT_MS: patience }),
      });
      const asked = (route) => webhook.received(1, ({ target }) => target === route);
      const node = await joinRaw(broker.port, freshId());
      node.sendText(`420${JSON.stringify([kMessage, JSON.stringify({ to: node.id })])}`);
      await asked('/authorize');
      answers['/authorize'] = json({ authorized: true });
      const other = await joinRaw(broker.port, freshId());
      other.sendText(`420${JSON.stringify([kMessage, JSON.stringify({ to: other.id })])}`);
      await asked('/message');
      await asked('/validity');
      answers['/rtc'] = () => {};
      const rtcAsked = webhook.requests.length;
      const first = await startKnock(broker.port, freshId());
      await eventually('a hanging /rtc', () =>
        webhook.requests.slice(rtcAsked).some(({ target }) => target === '/rtc'),
      );
      answers['/authenticate'] = (exchange) =>
        exchange.drip('HTTP/1.1 200 OK\r\n' + 'X: '.repeat(10_000));
      const held = webhook.requests.length;
      const second = await startKnock(broker.port, freshId());
      await eventually('a dripping /authenticate', () =>
        webhook.requests.slice(held).some(({ target }) => target === '/authenticate'),
      );
      const start = performance.now();
      broker.child.kill('SIGTERM');
      assert.equal((await first.response()).status, 503);
      assert.equal((await second.response()).status, 503);
      const { code } = await within(scaled(5000), 'the broker ends', broker.exited);
      assert.equal(code, 0, broker.output);
      assert.ok(performance.now() - start < scaled(4000));
      await webhook.stop();
    });
  }
});
