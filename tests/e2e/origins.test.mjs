// ALLOWED_ORIGINS: which web pages may connect.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Broker, getJson, oursOnly, runBroker } from './support/broker.mjs';
import { freshId, nodeQuery } from './support/node.mjs';
import { joinRaw, kUpgradeQuery, RawSocket, request, upgradeRequest } from './support/raw.mjs';
import { eventually } from './support/time.mjs';
import { json, stopWebhooks, Webhook } from './support/webhook.mjs';

const ours = oursOnly('has no such variable');

describe('with ALLOWED_ORIGINS', ours, () => {
  let broker;
  let webhook;
  before(async () => {
    webhook = await Webhook.start({ answer: json({ authenticated: true }) });
    broker = await Broker.start({
      ALLOWED_ORIGINS: 'https://app.example.org, https://*.example.net',
      NODES_AUTHENTICATION_WEBHOOK_URL: webhook.url(),
      LOG_LEVEL: '1',
      METRICS_ENABLED: 'true',
    });
  });
  after(async () => {
    await broker?.stop();
    await stopWebhooks();
  });

  const asks = async (id, headers) => {
    const socket = await RawSocket.connect(broker.port);
    const query = `${kUpgradeQuery}&${nodeQuery({ id, version: '1', runtime: 'raw' })}`;
    socket.send(upgradeRequest({ query, headers }));
    return { socket, response: await socket.response() };
  };
  const metric = async (name) => {
    const page = await fetch(`${broker.url}/metrics`).then((r) => r.text());
    return Number(new RegExp(`^crolang_broker_${name} (\\d+)$`, 'm').exec(page)[1]);
  };

  for (const origin of ['https://app.example.org', 'https://a.b.example.net']) {
    test(`a page of ${origin} connects`, async () => {
      const node = await joinRaw(broker.port, freshId(), { headers: { Origin: origin } });
      node.destroy();
    });
  }

  test('a program that sends no Origin connects', async () => {
    const node = await joinRaw(broker.port, freshId());
    node.destroy();
  });

  for (const origin of [
    'https://evil.example',
    'http://app.example.org',
    'https://app.example.org:8443',
    'https://example.net',
    'https://app.example.org.evil.example',
    'null',
    '',
  ]) {
    test(`a page of '${origin}' gets 403, and nobody is asked about it`, async () => {
      const id = freshId();
      const refused = await metric('connections_refused_total\\{reason="origin"\\}');
      const { socket, response } = await asks(id, { Origin: origin });
      assert.equal(response.status, 403);
      assert.equal(response.body, 'Origin not allowed\n');
      await socket.expectEnd();
      assert.equal(
        await metric('connections_refused_total\\{reason="origin"\\}'),
        refused + 1,
      );
      assert.ok(!webhook.requests.some((exchange) => exchange.question.id === id));
    });
  }

  test('the log shows a bounded part of the origin, on one line', async () => {
    const id = freshId();
    const origin = `https://\u202e${'x'.repeat(5000)}`;
    const line = new RegExp(`request refused node=${id} status=403 why="the page's origin is (.*)`);
    // Lines for one reason are limited to some per second.
    await eventually('it is logged', async () => {
      await asks(id, { Origin: origin });
      return line.test(broker.output);
    });
    const [, why] = line.exec(broker.output);
    assert.match(why, /^https:\/\/\\u202ex+, which is not in ALLOWED_ORIGINS"/);
    assert.ok(why.length < 300, `${why.length} characters`);
  });

  test('polling and preflights of other pages get 403 too', async () => {
    for (const text of [
      request('GET', '/socket.io/?EIO=4&transport=polling', { Origin: 'https://evil.example' }),
      request('OPTIONS', '/socket.io/', { Origin: 'https://evil.example' }),
    ]) {
      const socket = await RawSocket.connect(broker.port);
      socket.send(text);
      assert.equal((await socket.response()).status, 403);
    }
  });

  test('health checks are answered whatever their Origin', async () => {
    const socket = await RawSocket.connect(broker.port);
    socket.send(request('GET', '/healthz', { Origin: 'https://evil.example' }));
    assert.equal((await socket.response()).status, 200);
    assert.equal((await getJson(broker, '/readyz')).status, 200);
  });
});

for (const [value, hint] of [
  ['https://a.example/', 'write https://a.example: an origin has no slash at its end'],
  ['https://a.example/app', 'write https://a.example: an origin has no path'],
  ['a.example', 'write https://a.example: an origin begins with its scheme'],
  ['*', 'leave it out: every origin is admitted without it'],
]) {
  test(`ALLOWED_ORIGINS=${value} keeps the broker from starting`, ours, async () => {
    const { code, output } = await runBroker(['--check-config'], { ALLOWED_ORIGINS: value });
    assert.equal(code, 2);
    assert.match(output, /ALLOWED_ORIGINS: .* from environment is not a list of origins/);
    assert.ok(output.includes(`(${hint})`), output);
  });
}
