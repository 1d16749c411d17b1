// What all webhooks share: https, signatures, how many questions are open, and variables that are wrong.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, before, describe, test } from 'node:test';
import { makeAuthority } from './support/authority.mjs';
import { Broker, oursOnly, runBroker, temporaryDirectory } from './support/broker.mjs';
import { freshId, joinNode, refusalOf, send } from './support/node.mjs';
import { joinRaw } from './support/raw.mjs';
import { eventually, scaled, within } from './support/time.mjs';
import {
  after,
  expectTryAgain,
  json,
  saysInLog,
  stopWebhooks,
  text,
  Webhook,
} from './support/webhook.mjs';

const ours = oursOnly('has no such interface');
const kAuthentication = 'NODES_AUTHENTICATION_WEBHOOK_URL';
const kAuthorization = 'AUTHORIZE_NODES_COMMUNICATION_WEBHOOK_URL';
const kMessage = 'SOCKET_MSG_EXCHANGE';
const kPlugins = {
  NODES_AUTHENTICATION: 'webhook-auth',
  RTC_CONFIGURATION_RESOLVER: 'webhook-rtc',
  AUTHORIZE_NODES_COMMUNICATION: 'webhook-authorize',
  NODES_VALIDITY_CHECK: 'webhook-validity',
  ON_AUTHENTICATED_SOCKET_MSG: 'webhook-message',
};
const kYes = { authenticated: true, authorized: true };

let broker;
afterEach(async () => {
  await broker?.stop();
  broker = null;
  await stopWebhooks();
});

describe('NODES_AUTHENTICATION_WEBHOOK_DATA=raw', ours, () => {
  for (const data of ['{"b":1, "a":2}', '["x"]', '{', '', '1', '"x"']) {
    test(`sends ${JSON.stringify(data)} as a string`, async () => {
      const webhook = await Webhook.start({ answer: json(kYes) });
      broker = await Broker.start({
        [kAuthentication]: webhook.url(),
        NODES_AUTHENTICATION_WEBHOOK_DATA: 'raw',
      });
      const id = freshId();
      await joinNode(broker.port, id, { query: { data } });
      assert.equal(
        webhook.requests[0].body,
        `{"nodeId":"${id}","id":"${id}","data":${JSON.stringify(data)}}`,
      );
    });
  }
});

describe('https', ours, () => {
  let authority;
  before(() => {
    authority = makeAuthority();
  });
  const startWith = async (names, env, host = '127.0.0.1') => {
    const webhook = await Webhook.start({
      answer: json(kYes),
      certificate: authority.issue(names),
    });
    broker = await Broker.start({
      [kAuthentication]: `https://${host}:${webhook.port}/auth`,
      WEBHOOK_TIMEOUT_MS: String(scaled(2000)),
      ...env,
    });
    return webhook;
  };
  const trusting = () => ({ WEBHOOK_CA_FILE: authority.file });

  for (const [host, names] of [
    ['127.0.0.1', 'IP:127.0.0.1'],
    ['localhost', 'DNS:localhost'],
  ]) {
    test(`is trusted if WEBHOOK_CA_FILE has the authority of ${host}, on few connections`, async () => {
      const webhook = await startWith(names, trusting(), host);
      for (let i = 0; i < 10; ++i) await joinNode(broker.port);
      assert.equal(webhook.requests.length, 10);
      assert.equal(webhook.requests[0].target, '/auth');
      assert.ok(webhook.connections <= 3, `${webhook.connections} connections`);
    });
  }

  const refused = {
    'nobody vouches for it': ['IP:127.0.0.1', () => ({})],
    'another authority vouches for it': [
      'IP:127.0.0.1',
      () => ({ WEBHOOK_CA_FILE: makeAuthority().file }),
    ],
    'it is vouched for under another name': ['DNS:elsewhere.example.org', trusting],
    'it is vouched for under another address': ['IP:127.0.0.2', trusting],
  };
  for (const [why, [names, env]] of Object.entries(refused)) {
    test(`is not asked if ${why}`, async () => {
      const webhook = await startWith(names, env());
      await saysInLog(broker, kAuthentication, () => expectTryAgain(broker.port, freshId()));
      assert.deepEqual(webhook.requests, []);
    });
  }

  test('is not asked if the server uses plain HTTP, or never ends its handshake', async () => {
    const plain = await Webhook.start({ answer: json(kYes) });
    broker = await Broker.start({
      [kAuthentication]: `https://127.0.0.1:${plain.port}/auth`,
      WEBHOOK_TIMEOUT_MS: String(scaled(300)),
      ...trusting(),
    });
    await saysInLog(broker, kAuthentication, () => expectTryAgain(broker.port, freshId()));
    assert.deepEqual(plain.requests, []);
  });
});

describe('WEBHOOK_SIGNING_SECRET', ours, () => {
  const kKeys = [Buffer.from('0123456789abcdefghijklmnopqrstuv'), Buffer.alloc(24, 0xff)];
  const secrets = kKeys.map((key) => `whsec_${key.toString('base64')}`);

  /// What the Standard Webhooks specification has a receiver do.
  function verifies({ headers, body }, key) {
    const id = headers['webhook-id'];
    const timestamp = headers['webhook-timestamp'];
    assert.match(timestamp, /^\d+$/);
    assert.ok(Math.abs(Date.now() / 1000 - Number(timestamp)) < 60, timestamp);
    const signed = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
    return headers['webhook-signature'].split(' ').includes(`v1,${signed}`);
  }

  test('signs each request of every webhook, each with an id of its own', async () => {
    const webhook = await Webhook.start({ answer: json(kYes) });
    broker = await Broker.start({
      [kAuthentication]: webhook.url('/auth'),
      [kAuthorization]: webhook.url('/authorize'),
      ON_AUTHENTICATED_SOCKET_MSG_WEBHOOK_URL: webhook.url('/message'),
      WEBHOOK_SIGNING_SECRET: secrets[0],
    });
    const [a, b] = [await joinNode(broker.port, 'ä😀'), await joinNode(broker.port)];
    assert.equal(await send(a, kMessage, { to: b.nodeId }), 'OK');
    const requests = await webhook.received(4);
    for (const request of requests) {
      assert.ok(verifies(request, kKeys[0]), request.target);
      assert.ok(!verifies(request, kKeys[1]), request.target);
      assert.equal(request.headers['webhook-signature'].split(' ').length, 1);
    }
    assert.equal(new Set(requests.map(({ headers }) => headers['webhook-id'])).size, 4);
  });

  test('signs with each of several, so that secrets can be rotated', async () => {
    const webhook = await Webhook.start({ answer: json(kYes) });
    broker = await Broker.start({
      [kAuthentication]: webhook.url(),
      WEBHOOK_SIGNING_SECRET: secrets.join(' '),
    });
    await joinNode(broker.port);
    for (const key of kKeys) assert.ok(verifies(webhook.requests[0], key));
  });

  test('may be in a file, and is never shown', async () => {
    const file = path.join(temporaryDirectory(), 'secret');
    fs.writeFileSync(file, `${secrets[0]}\n`);
    const webhook = await Webhook.start({ answer: json(kYes) });
    const env = { [kAuthentication]: webhook.url(), WEBHOOK_SIGNING_SECRET_FILE: file };
    broker = await Broker.start({ ...env, LOG_LEVEL: '3' });
    await joinNode(broker.port);
    assert.ok(verifies(webhook.requests[0], kKeys[0]));
    const shown = await runBroker(['--print-config'], env);
    for (const output of [broker.output, shown.output]) {
      assert.doesNotMatch(output, new RegExp(secrets[0].slice(6, 26)));
    }
    assert.match(shown.output, /WEBHOOK_SIGNING_SECRET/);
  });

  test('unset leaves requests unsigned', async () => {
    const webhook = await Webhook.start({ answer: json(kYes) });
    broker = await Broker.start({ [kAuthentication]: webhook.url() });
    await joinNode(broker.port);
    const names = Object.keys(webhook.requests[0].headers);
    assert.deepEqual(
      names.filter((name) => name.startsWith('webhook-')),
      [],
    );
  });

  test('that is none keeps the broker from starting, and is not shown', async () => {
    const { code, output } = await runBroker([], {
      [kAuthentication]: 'http://127.0.0.1:1/',
      WEBHOOK_SIGNING_SECRET: 'whsec_n%tb@se64!',
    });
    assert.equal(code, 2);
    assert.match(output, /WEBHOOK_SIGNING_SECRET/);
    assert.doesNotMatch(output, /n%tb@se64/);
  });
});

describe('a URL with user and password', ours, () => {
  test('is asked with them, and they are never printed', async () => {
    const webhook = await Webhook.start({ answer: json(kYes) });
    const env = { [kAuthentication]: `http://us%3Aer:s3cr%40et@127.0.0.1:${webhook.port}/auth` };
    broker = await Broker.start({ ...env, LOG_LEVEL: '3' });
    await joinNode(broker.port);
    const [{ headers, target }] = webhook.requests;
    assert.equal(target, '/auth');
    assert.equal(headers.host, `127.0.0.1:${webhook.port}`);
    assert.equal(headers.authorization, `Basic ${btoa('us:er:s3cr@et')}`);
    await webhook.stop();
    await saysInLog(broker, kAuthentication, () => expectTryAgain(broker.port, freshId()));
    const shown = await runBroker(['--print-config'], env);
    for (const output of [broker.output, shown.output]) assert.doesNotMatch(output, /s3cr/);
  });
});

describe('a fault', ours, () => {
  test('is one line in the log, with the host of the URL and nothing else of it', async () => {
    const webhook = await Webhook.start({ answer: text('{"authenticated":"yes"}') });
    const host = `127.0.0.1:${webhook.port}`;
    broker = await Broker.start({
      [kAuthentication]: `http://hush:hush@${host}/hush?hush=hush`,
      LOG_LEVEL: '3',
    });
    for (const [answer, why] of [
      [text('{"authenticated":"yes"}'), 'the answer has no "authenticated" that is true or false'],
      [(exchange) => exchange.reply(500, {}, ''), 'answered 500'],
      [(exchange) => exchange.socket.destroy(), 'the server closed the connection'],
      [null, `cannot connect to ${host}: Connection refused`],
    ]) {
      const start = broker.output.length;
      if (answer) webhook.answer = answer;
      else await webhook.stop();
      await expectTryAgain(broker.port, freshId());
      const lines = () => broker.output.slice(start).split('\n').filter((l) => /_WEBHOOK_URL/.test(l));
      await eventually('a line', () => lines().length > 0);
      // A second one would have come with the first.
      await expectTryAgain(broker.port, freshId());
      await eventually('the next line', () => lines().length > 1);
      assert.equal(lines().length, 2, lines().join('\n'));
      const plain = lines()[0].replaceAll('\\"', '"');
      assert.ok(plain.includes(`${kAuthentication}: ${host}: ${why}`), lines()[0]);
    }
    assert.doesNotMatch(broker.output, /hush/);
  });
});

describe('questions at once', ours, () => {
  test('are at most WEBHOOK_MAX_CONCURRENCY, the others wait', async () => {
    const webhook = await Webhook.start({ answer: after(20, json(kYes)) });
    broker = await Broker.start({ [kAuthentication]: webhook.url(), WEBHOOK_MAX_CONCURRENCY: '4' });
    await Promise.all(Array.from({ length: 60 }, () => joinNode(broker.port)));
    assert.equal(webhook.peak, 4);
    assert.equal(webhook.requests.length, 60);
    assert.ok(webhook.connections <= 4, `${webhook.connections} connections`);
  });

  test('are few if they are the same one', async () => {
    const webhook = await Webhook.start({
      answer: after(scaled(300), json({ authenticated: false })),
    });
    broker = await Broker.start({ [kAuthentication]: webhook.url() });
    const id = freshId();
    const refusals = await Promise.all(
      Array.from({ length: 100 }, () => refusalOf(broker.port, id)),
    );
    assert.ok(refusals.every((text) => text === 'authentication failed'));
    assert.ok(webhook.requests.length <= 3, `${webhook.requests.length} requests`);
  });

  test('are distinguished by their data', async () => {
    const webhook = await Webhook.start({
      answer: after(50, (exchange) =>
        json({ authenticated: exchange.question.data === 'right' })(exchange),
      ),
    });
    broker = await Broker.start({ [kAuthentication]: webhook.url() });
    const id = freshId();
    const wrong = Array.from({ length: 10 }, () =>
      refusalOf(broker.port, id, { query: { data: 'wrong' } }),
    );
    await joinNode(broker.port, id, { query: { data: 'right' } });
    assert.ok((await Promise.all(wrong)).every((text) => text === 'authentication failed'));
  });

  test('of 1,000 nodes that come at once are all answered', async () => {
    const webhook = await Webhook.start({ answer: after(20, json(kYes)) });
    broker = await Broker.start({ [kAuthentication]: webhook.url() });
    await within(
      scaled(20_000),
      'all are in',
      Promise.all(Array.from({ length: 1000 }, () => joinRaw(broker.port, freshId()))),
    );
    assert.equal(webhook.requests.length, 1000);
    assert.ok(webhook.peak <= 32, `${webhook.peak} at once`);
    assert.ok(webhook.connections <= 32, `${webhook.connections} connections`);
  });

  test('of a webhook that hangs do not delay other webhooks', async () => {
    const hanging = await Webhook.start({ answer: () => {} });
    const webhook = await Webhook.start({ answer: json(kYes) });
    broker = await Broker.start({
      [kAuthorization]: webhook.url(),
      ON_AUTHENTICATED_SOCKET_MSG_WEBHOOK_URL: hanging.url(),
      [kAuthentication]: webhook.url(),
    });
    const nodes = await Promise.all(Array.from({ length: 40 }, () => joinNode(broker.port)));
    for (const node of nodes) {
      assert.equal(await send(node, kMessage, { to: nodes[0].nodeId }), 'OK');
    }
    await joinNode(broker.port);
    assert.ok(hanging.open > 0);
  });
});

describe('WEBHOOK_MAX_REPLY_BYTES', ours, () => {
  const reply = (bytes) => (exchange) => {
    const body = JSON.stringify({ ...kYes, x: '' });
    exchange.reply(200, {}, body.replace('""', `"${'x'.repeat(bytes - body.length)}"`));
  };

  test('is 1 MiB', async () => {
    const webhook = await Webhook.start({ answer: reply(1024 * 1024) });
    broker = await Broker.start({ [kAuthentication]: webhook.url() });
    await joinNode(broker.port);
    webhook.answer = reply(1024 * 1024 + 1);
    await expectTryAgain(broker.port, freshId());
  });

  test('can be less', async () => {
    const webhook = await Webhook.start({ answer: reply(1000) });
    broker = await Broker.start({
      [kAuthentication]: webhook.url(),
      WEBHOOK_MAX_REPLY_BYTES: '1000',
    });
    await joinNode(broker.port);
    webhook.answer = reply(1001);
    await expectTryAgain(broker.port, freshId());
  });
});

describe('a plugin that is chosen without its variable', ours, () => {
  for (const [kind, plugin] of Object.entries(kPlugins)) {
    test(`keeps the broker from starting: ${plugin}`, async () => {
      const { code, output } = await runBroker([], { [`${kind}_PLUGIN`]: plugin });
      assert.equal(code, 2, output);
      assert.match(output, new RegExp(`${kind}_WEBHOOK_URL.*not set`));
    });
  }
});

describe('a variable that is wrong', ours, () => {
  const start = (env) => runBroker([], { [kAuthentication]: 'http://127.0.0.1:1/', ...env });
  for (const [name, value] of [
    ['WEBHOOK_TIMEOUT_MS', '5s'],
    ['WEBHOOK_TIMEOUT_MS', '0'],
    ['WEBHOOK_MAX_CONCURRENCY', '-1'],
    ['WEBHOOK_MAX_CONCURRENCY', '0'],
    ['WEBHOOK_MAX_REPLY_BYTES', 'much'],
    ['NODES_AUTHENTICATION_WEBHOOK_DATA', 'xml'],
    ['WEBHOOK_CA_FILE', '/no/such/file'],
    ...Object.keys(kPlugins).flatMap((kind) => [
      [`${kind}_WEBHOOK_URL`, 'nowhere'],
      [`${kind}_WEBHOOK_URL`, 'ftp://127.0.0.1/'],
    ]),
  ]) {
    test(`keeps the broker from starting: ${name}=${value}`, async () => {
      const { code, output } = await start({ [name]: value });
      assert.equal(code, 2, output);
      assert.match(output, new RegExp(name));
    });
  }

  test('keeps the broker from starting without the plugin itself', async () => {
    const { code, output } = await start({ PLUGINS_DIR: temporaryDirectory() });
    assert.equal(code, 3);
    assert.match(output, /webhook-auth/);
  });
});

test('the variables of the webhooks stand in --help', ours, async () => {
  const { code, output } = await runBroker(['--help']);
  assert.equal(code, 0);
  for (const name of [
    ...Object.keys(kPlugins).map((kind) => `${kind}_WEBHOOK_URL`),
    'WEBHOOK_TIMEOUT_MS',
    'WEBHOOK_MAX_CONCURRENCY',
    'WEBHOOK_MAX_REPLY_BYTES',
    'WEBHOOK_CA_FILE',
    'WEBHOOK_SIGNING_SECRET',
    'NODES_AUTHENTICATION_WEBHOOK_DATA',
    'AUTHORIZE_NODES_COMMUNICATION_CACHE_TTL_MS',
    'NODES_VALIDITY_CHECK_MAX_IDS',
  ]) {
    assert.match(output, new RegExp(`(^|[^A-Z_])${name}([^A-Z_]|$)`, 'm'), name);
  }
});
