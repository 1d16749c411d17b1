// Socket.IO clients of other languages, as applications use them: how they connect, are refused, lose their broker and
// come back. What is expected of each stands in support/clients.mjs, and in docs/wire.md.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Broker, getJson, isPeer, repository } from './support/broker.mjs';
import { Client, clientsTable, isMissing, kClients, kNodes, kWatch } from './support/clients.mjs';
import { loseBrokers } from './support/drain.mjs';
import { cannotRun, kSnippets, needsTls, ownAuthority, runSnippet } from './support/snippets.mjs';
import { freshId } from './support/node.mjs';
import { delay, eventually, scaled } from './support/time.mjs';
import { byRoute, json, stopWebhooks, Webhook } from './support/webhook.mjs';

const kHandshake = scaled(2000);
// An id and data as inconvenient as they may be in a URL.
const kData = '{"token":"a+b/c==","ü":"%41 & 😀"}';
const strangeId = () => freshId('a:b,c d+é%&=😀');

const missing = Object.fromEntries(
  Object.entries(kClients).map(([name, client]) => [name, isMissing(client)]),
);
const names = Object.keys(kClients).filter((name) => !missing[name]);
const clients = {};

const everybody = () => true;

/// A test for each client; those that cannot be run here are skipped.
function forEach(sentence, fits, body) {
  for (const [name, client] of Object.entries(kClients)) {
    if (!fits(client)) continue;
    const options = { skip: (isPeer && 'expects our answers') || missing[name] };
    test(`${name} ${sentence(client)}`, options, () => body(clients[name]));
  }
}

before(async () => {
  await Promise.all(
    names.map(async (name) => {
      clients[name] = await Client.start(name);
    }),
  );
});
after(async () => {
  await Promise.all(Object.values(clients).map((client) => client.stop()));
});

describe('a client', { concurrency: true, skip: isPeer }, () => {
  const asked = new Map();
  const invalid = new Set();
  let broker;
  let webhook;

  const authenticate = (exchange) => {
    const { nodeId } = JSON.parse(exchange.body);
    const times = asked.get(nodeId) ?? [];
    asked.set(nodeId, [...times, performance.now()]);
    if (nodeId.startsWith('later') && times.length === 0) exchange.reply(500, {}, '');
    else json({ authenticated: !nodeId.startsWith('refused') })(exchange);
  };
  // Each is named once: whoever comes back in spite of it may stay.
  const check = (exchange) => {
    const { connectedNodesIds } = JSON.parse(exchange.body);
    const named = connectedNodesIds.filter((id) => invalid.delete(id));
    json({ invalidNodesIds: named })(exchange);
  };

  before(async () => {
    webhook = await Webhook.start({ answer: byRoute({ '/auth': authenticate, '/validity': check }) });
    broker = await Broker.start({
      NODES_AUTHENTICATION_WEBHOOK_URL: webhook.url('/auth'),
      NODES_AUTHENTICATION_WEBHOOK_DATA: 'raw',
      NODES_VALIDITY_CHECK_WEBHOOK_URL: webhook.url('/validity'),
      NODES_STATUS_CHECK_INTERVAL_MS: '200',
      HANDSHAKE_TIMEOUT_MS: String(kHandshake),
    });
  });
  after(async () => {
    await broker.kill();
    await stopWebhooks();
  });

  const comesBack = (expected) => (expected ? 'reconnects' : 'does not reconnect');

  forEach(() => 'connects with its id and data as they are, is answered and receives', everybody, async (client) => {
    const node = client.connect(broker.port, strangeId(), { data: kData });
    const { text } = await node.joins();
    assert.ok(JSON.parse(text).iceServers.length);
    const [question] = webhook.requests
      .filter(({ target }) => target === '/auth')
      .map(({ body }) => JSON.parse(body))
      .filter(({ nodeId }) => nodeId === node.id);
    assert.equal(question.data, kData);
    const content = 'é😀\u2028"\\';
    assert.equal(await node.send(node.id, content), 'OK');
    const { text: received } = await node.history.next('received', 0);
    assert.deepEqual(JSON.parse(received), { from: node.id, to: node.id, content });
    assert.equal(await node.send(freshId('nobody'), content), 'NOT_CONNECTED');
  });

  forEach(
    ({ refused, losesReason }) =>
      `that is refused ${losesReason ? 'does not get the reason' : 'gets the reason'}, and ${refused ? 'reconnects' : 'does not reconnect'}`,
    everybody,
    async (client) => {
      const node = client.connect(broker.port, freshId('refused'));
      const { text } = await node.history.next('failed', 0);
      assert.equal(/authentication failed/.test(text), !client.losesReason, text);
      const times = () => asked.get(node.id);
      if (!client.refused) {
        await delay(kHandshake + kWatch);
        assert.equal(times().length, 1 + node.hangs);
        return;
      }
      await eventually('it reconnects', () => times().length > 1, kHandshake + scaled(5000));
      const waited = times()[1] - times()[0] - kHandshake;
      assert.ok(waited > client.refused.from * 1000 - 300, `after ${waited} ms`);
    },
  );

  forEach(
    ({ unavailable }) => `that is told to come later ${comesBack(unavailable)}`,
    everybody,
    async (client) => {
      const node = client.connect(broker.port, freshId('later'));
      await eventually('it asks', () => asked.has(node.id));
      const [first] = asked.get(node.id);
      await node.expectBack(first, client.unavailable);
      // A connect that fails hangs, too.
      const tries = client.hangs ? 1 + node.hangs : 2;
      assert.equal(asked.get(node.id).length, client.unavailable ? tries : 1);
    },
  );

  forEach(({ disconnected }) => `that is disconnected by 41 ${comesBack(disconnected)}`, everybody, async (client) => {
    const node = client.connect(broker.port, freshId('invalid'));
    await node.joins();
    const since = performance.now();
    invalid.add(node.id);
    await node.expectBack(await node.ended(since), client.disconnected);
  });
});

describe('a client whose broker goes', { skip: isPeer }, () => {
  let results;
  before(async () => {
    const counts = Object.fromEntries(names.map((name) => [name, kNodes]));
    results = await loseBrokers(Object.values(clients), counts, { drain: 500 });
  });

  for (const [kind, what] of [
    ['drained', 'in order'],
    ['killed', 'by kill -9'],
  ]) {
    forEach(() => `is back soon after its broker went ${what}`, everybody, (client) => {
      const own = results.filter(({ node }) => node.client === client);
      assert.equal(own.length, kNodes);
      for (const result of own) result.node.expectInTime(result[kind], client.end);
    });
  }
});

describe('a client whose only broker is restarted', { skip: isPeer }, () => {
  const nodes = {};
  let killed;
  let restarted;
  before(async () => {
    const broker = await Broker.start();
    for (const name of names) nodes[name] = clients[name].connect(broker.port, freshId('restart'));
    await Promise.all(Object.values(nodes).map((node) => node.joins()));
    killed = performance.now();
    await broker.kill();
    restarted = await Broker.start({}, { port: broker.port });
  });
  after(() => restarted.kill());

  forEach(() => 'is back on it, and talks', everybody, async (client) => {
    const node = nodes[client.name];
    // Who tries at once finds nobody, and tries again like the others.
    await node.expectBack(killed, { from: 0, to: Math.max(1.5, client.end.to) });
    assert.equal(await node.send(node.id, 'hello'), 'OK');
  });
});

describe('a client that was suspended too long', { skip: isPeer }, () => {
  let broker;
  const nodes = {};
  let woken;
  before(async () => {
    broker = await Broker.start({ PING_INTERVAL_MS: '500', PING_TIMEOUT_MS: String(scaled(1000)) });
    const sleepy = Object.values(clients).filter(({ isBrowser }) => !isBrowser);
    for (const client of sleepy) nodes[client.name] = client.connect(broker.port, freshId('sleepy'));
    await Promise.all(Object.values(nodes).map((node) => node.joins()));
    for (const { program } of sleepy) program.pause();
    await eventually('all are gone', async () => (await getJson(broker, '/healthz')).json.nodes === 0);
    woken = performance.now();
    for (const { program } of sleepy) program.resume();
  });
  after(() => broker.kill());

  forEach(() => 'is back soon after it woke', ({ isBrowser }) => !isBrowser, async (client) => {
    await nodes[client.name].expectBack(woken, client.awake ?? { from: 0, to: client.end.to });
  });
});

describe('docs/clients.md', { concurrency: true }, () => {
  const authority = isPeer ? null : ownAuthority();

  for (const [i, snippet] of kSnippets.entries()) {
    const { language, heading } = snippet;
    const skip = cannotRun(language) || (needsTls(snippet) && isPeer && 'speaks no TLS');
    test(`the program under ${heading} (${i + 1}, ${language}) works as it stands there`, { skip }, async (t) => {
      // All of them are alice.
      const secure = needsTls(snippet) ? authority : null;
      const broker = await Broker.start(secure?.variables);
      t.after(() => broker.kill());
      await runSnippet(t, snippet, broker.port, secure?.ca);
    });
  }
});

test('docs/wire.md shows what is expected here', () => {
  const text = fs.readFileSync(path.join(repository, 'docs/wire.md'), 'utf8');
  const shown = /<!-- clients:begin -->\n(.*)\n<!-- clients:end -->/s.exec(text);
  assert.deepEqual(shown?.[1].split('\n'), clientsTable());
});
