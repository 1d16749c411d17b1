// The proxies of docs/proxies.md and of the extended demo, as they are configured there, in front of two brokers of one Redis.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { Broker, freePort, isPeer, oursOnly } from './support/broker.mjs';
import { brokerFor, Grid, instanceOf } from './support/grid.mjs';
import { Haproxy } from './support/haproxy.mjs';
import { closeNodes, freshId, joinNode, received, send, startNode } from './support/node.mjs';
import {
  cannotRun,
  kBrokerEnvironment,
  kPassingOn,
  kProxies,
  patienceOf,
  Proxy,
  tlsOfBroker,
  vanishedPort,
} from './support/proxies.mjs';
import { destroySockets } from './support/raw.mjs';
import { freeze, thaw } from './support/redis.mjs';
import { delay, eventually, scaled } from './support/time.mjs';
import { json, Webhook } from './support/webhook.mjs';

const kRelay = 'SOCKET_MSG_EXCHANGE';
const kPrivate = 'private-words';
/// No proxy is there.
const kClient = '127.0.0.9';
const kForged = {
  'X-Forwarded-For': '203.0.113.66',
  Forwarded: 'for=203.0.113.66',
  'X-Real-IP': '203.0.113.66',
};
/// When npm's client gives up.
const kClientPatience = 20_000;
/// What a broker may take to let a node in, with its defaults: two webhooks and a probe.
const kAdmission = 5000 + 1500 + 5000;

test('every proxy is there', { skip: !process.env.CI && 'need not be so outside CI' }, () => {
  assert.deepEqual(kProxies.map(cannotRun).filter(Boolean), []);
});

describe('in front of two brokers', oursOnly('speaks of our configuration'), () => {
  let webhook;
  let grid;
  const proxies = new Map();
  /// The demo's.
  let demo;

  const env = () => ({
    ...kBrokerEnvironment,
    DRAIN_DURATION_MS: '2000',
    NODES_AUTHENTICATION_WEBHOOK_URL: webhook.url(),
    TRUSTED_PROXIES: '127.0.0.1',
  });
  const through = (name, what, act) =>
    test(`${name}: ${what}`, { skip: cannotRun(name) }, () => act(proxies.get(name)));
  /// Where nodes connect: all proxies.
  const endpoints = () => [...proxies.values(), demo];
  const holderOf = async (id) => {
    const lease = await grid.lease(id);
    return grid.brokers.find(({ instance }) => lease?.includes(instance));
  };

  before(async () => {
    webhook = await Webhook.start({
      answer: (exchange) => {
        const { id } = exchange.question;
        if (id.startsWith('bad')) exchange.reply(500, {}, '');
        else if (!id.startsWith('slow')) json({ authenticated: true })(exchange);
      },
    });
    grid = await Grid.start(2, { env: env() });
    const ports = grid.brokers.map(({ port }) => port);
    await Promise.all([
      ...kProxies
        .filter((name) => !cannotRun(name))
        .map(async (name) => proxies.set(name, await Proxy.start(name, ports))),
      Haproxy.start(ports).then((haproxy) => {
        demo = Object.assign(haproxy, { name: 'the demo', node: {} });
      }),
    ]);
  });

  after(async () => {
    for (const { port } of endpoints()) {
      closeNodes(port);
      destroySockets(port);
    }
    await Promise.all(endpoints().map((endpoint) => endpoint.stop()));
    await grid.kill();
    await webhook.stop();
  });

  for (const name of kProxies) {
    through(name, 'nodes of both brokers talk to each other', async (proxy) => {
      const [alice, bob] = [freshId('alice'), freshId('bob')];
      const [from, to] = [await joinNode(proxy.port, alice, proxy.node), await joinNode(proxy.port, bob, proxy.node)];
      assert.notEqual(await holderOf(alice), await holderOf(bob));
      const arrival = received(to, kRelay);
      const message = { from: alice, to: bob, channel: 'chat', content: 'hello' };
      assert.equal(await send(from, kRelay, message), 'OK');
      assert.deepEqual(await arrival, message);
      closeNodes(proxy.port);
    });

    through(name, 'an address that a client made up does not reach the broker, its own does', async (proxy) => {
      const id = freshId('from');
      const { socket, status } = await proxy.tryConnect(id, kPrivate, { from: kClient, headers: kForged });
      socket.destroy();
      assert.equal(status, 101);
      const asked = webhook.requests.filter(({ question }) => question.id === id);
      assert.deepEqual([...new Set(asked.map(({ headers }) => headers['x-forwarded-for']))], [kClient]);
    });

    through(name, 'nodes that every broker answers 503 shut nobody out', async (proxy) => {
      let isOver = false;
      const answers = [];
      const bad = Array.from({ length: 8 }, async () => {
        while (!isOver) {
          const answer = await proxy.tryConnect(freshId('bad'), kPrivate);
          answer.socket.destroy();
          answers.push(answer);
        }
      });
      try {
        for (let i = 0; i < 50 || answers.length <= 50; ++i) assert.equal(await proxy.status(freshId('good'), kPrivate), 101);
      } finally {
        isOver = true;
        await Promise.allSettled(bad);
      }
      await Promise.all(bad);
      for (const { status, headers } of answers) {
        assert.equal(status, 503);
        assert.match(headers['retry-after'], /^\d+$/, 'it is the broker that says so');
      }
      assert.equal(await proxy.status(freshId('good'), kPrivate), 101);
    });

    through(name, 'a query of 12 KB passes', async (proxy) => {
      const [id, data] = [freshId('long'), kPrivate.padEnd(12_000, 'x')];
      assert.equal(await proxy.status(id, data), 101);
      await webhook.received(1, ({ question }) => question.id === id && question.data === data);
    });
  }

  test('a broker hangs: new nodes get to the other one, and its nodes stay', async () => {
    const idle = [];
    for (const { port, node } of endpoints()) {
      for (let i = 0; i < 4; ++i) idle.push(await joinNode(port, freshId('idle'), node));
    }
    const [hung, other] = grid.brokers;
    const holders = await Promise.all(idle.map(({ nodeId }) => holderOf(nodeId)));
    const staying = idle.filter((_, i) => holders[i] === other);
    assert.ok(staying.length >= endpoints().length, `${staying.length}`);
    const left = [];
    for (const node of staying) node.on('disconnect', (why) => left.push(`${node.nodeId}: ${why}`));

    await freeze(hung.pid);
    const began = Date.now();
    const newcomers = endpoints().map(async ({ name, port, node }) => {
      const patience = proxies.has(name) ? patienceOf(name) : patienceOf('HAProxy');
      assert.ok(patience > kAdmission && patience < kClientPatience, `${name}: ${patience} ms`);
      const waited = await Promise.all(
        Array.from({ length: 6 }, async () => {
          const newcomer = startNode(port, freshId('newcomer'), node);
          const refused = once(newcomer, 'connect_error').then(([error]) => Promise.reject(error));
          await Promise.race([newcomer.authenticated, refused]);
          return Date.now() - began;
        }),
      );
      // Or none was sent to the one that hangs.
      assert.ok(Math.max(...waited) > 5000, `${name}: ${waited}`);
      assert.ok(Math.max(...waited) < patience + scaled(2000), `${name}: ${waited}`);
      // nginx asks whether it still hangs.
      const mayWait = name === 'nginx' ? 1 : 0;
      const later = Array.from({ length: 6 }, () => startNode(port, freshId('later'), node));
      const isIn = () => later.filter(({ connected }) => connected).length >= later.length - mayWait;
      await eventually(`${name} knows who hangs`, isIn, scaled(2000));
    });
    try {
      await Promise.all(newcomers);
      const isLong = () => Date.now() - began > patienceOf('nginx') + 1000;
      await eventually('a connection without heartbeats would have ended', isLong, patienceOf('nginx') + 2000);
      assert.deepEqual(left, []);
    } finally {
      thaw(hung.pid);
      for (const { port } of endpoints()) closeNodes(port);
    }
  });

  test('a broker ends: new nodes get to the other one at once, its nodes reconnect', async () => {
    const [staying, leaving] = grid.brokers;
    for (const endpoint of endpoints().filter(({ name }) => name !== 'nginx')) {
      await eventually(`${endpoint.name} sends to the broker that hung`, async () => {
        const id = freshId('early');
        const node = await joinNode(endpoint.port, id, endpoint.node);
        const holder = await holderOf(id);
        node.disconnect();
        return holder === staying;
      });
    }
    const nodes = [];
    for (const { port, node } of endpoints()) {
      for (let i = 0; i < 10; ++i) {
        nodes.push(await joinNode(port, freshId('node'), { ...node, reconnection: true }));
      }
    }
    const lost = new Set();
    for (const node of nodes) node.on('disconnect', () => lost.add(node));

    leaving.child.kill('SIGTERM');
    await Promise.all(
      [...proxies.values()].map(async (proxy) => {
        // And on, until each of them has noticed.
        for (let rest = 100; rest > 0; rest -= leaving.hasExited ? 1 : 0) {
          assert.equal(await proxy.status(freshId('newcomer'), kPrivate), 101, proxy.name);
          await delay(20);
        }
      }),
    );
    await eventually('all nodes are back', () => nodes.every(({ connected }) => connected));
    assert.ok(lost.size >= 10, `${lost.size} had to go`);
    for (const { port } of endpoints()) closeNodes(port);
    grid.brokers[1] = await Broker.start({ ...grid.redis.env(), ...env() }, { port: leaving.port });
    grid.brokers[1].instance = await instanceOf(grid.brokers[1]);
  });

  test('what nodes authenticate with is in no log', async () => {
    // One breaks off in the middle, then nobody is there.
    const asked = [...proxies.values()].map((proxy) => proxy.status(freshId('slow'), kPrivate));
    await webhook.received(proxies.size, ({ question }) => question.id.startsWith('slow'));
    await Promise.all(grid.brokers.map((broker) => broker.kill()));
    const late = [...proxies.values()].map((proxy) => proxy.status(freshId('late'), kPrivate));
    const unheard = await Promise.all([...asked, ...late]);
    for (const status of unheard) assert.ok(status === 502 || status === 503, `${unheard}`);
    for (const proxy of proxies.values()) {
      await proxy.stop();
      const written = proxy.written();
      assert.match(written, /\/socket\.io\//, `${proxy.name} logs requests`);
      assert.doesNotMatch(written, new RegExp(`${kPrivate}|data=|id=`), proxy.name);
    }
  });
});

test(
  'nginx: nor is it where connections run out, at which it quotes requests',
  { skip: isPeer || cannotRun('nginx') },
  async (t) => {
    const broker = await brokerFor(t, kBrokerEnvironment);
    const statuses = [];
    // The last one is taken by a node or by its way to the broker.
    for (const connections of [13, 14]) {
      const few = (text) =>
        text
          .replace('worker_connections 1000', `worker_connections ${connections}`)
          .replace('worker_processes auto', 'worker_processes 1');
      const nginx = await Proxy.start('nginx', [broker.port, broker.port], few);
      t.after(() => nginx.stop());
      for (let i = 0; i < 10; ++i) {
        const answer = await nginx.tryConnect(freshId(), kPrivate).catch(() => ({ status: 'no connection' }));
        statuses.push(answer.status);
      }
      destroySockets(nginx.port);
      assert.doesNotMatch(nginx.written(), new RegExp(`${kPrivate}|data=`));
    }
    assert.ok(statuses.includes(500), `${statuses}`);
  },
);

test(
  'HAProxy: a client is known by the PROXY protocol, whatever it says',
  { skip: isPeer || cannotRun('HAProxy') },
  async (t) => {
    const webhook = await Webhook.start({ answer: json({ authenticated: true }) });
    t.after(() => webhook.stop());
    const broker = await brokerFor(t, {
      ...kBrokerEnvironment,
      NODES_AUTHENTICATION_WEBHOOK_URL: webhook.url(),
      TRUSTED_PROXIES: '127.0.0.1',
      PROXY_PROTOCOL: 'true',
      METRICS_ENABLED: 'true',
    });
    for (const version of ['send-proxy', 'send-proxy-v2']) {
      const send = (text) => text.replace('default-server check', `default-server ${version} check`);
      const haproxy = await Proxy.start('HAProxy', [broker.port, broker.port], send);
      t.after(() => haproxy.stop());
      const id = freshId();
      const { socket, status } = await haproxy.tryConnect(id, kPrivate, { from: kClient, headers: kForged });
      socket.destroy();
      assert.equal(status, 101, version);
      const [asked] = webhook.requests.filter(({ question }) => question.id === id);
      assert.equal(asked.headers['x-forwarded-for'], kClient, version);
    }
    // Nor do its health checks lack it.
    assert.doesNotMatch(broker.output, /a connection of a trusted proxy was closed/);
  },
);

test('TLS is passed on, and the PROXY protocol names the client', { skip: isPeer || cannotRun('HAProxy') }, async (t) => {
  const webhook = await Webhook.start({ answer: json({ authenticated: true }) });
  t.after(() => webhook.stop());
  const plainPort = String(await freePort());
  const broker = await brokerFor(t, {
    ...tlsOfBroker(),
    PLAIN_PORT: plainPort,
    TRUSTED_PROXIES: '127.0.0.1',
    PROXY_PROTOCOL: 'true',
    NODES_AUTHENTICATION_WEBHOOK_URL: webhook.url(),
  });
  const check = (text) => text.replace('check port 8080', `check port ${plainPort}`);
  const haproxy = await Proxy.start(kPassingOn, [broker.port, broker.port], check);
  t.after(() => haproxy.stop());
  const { socket, status } = await haproxy.tryConnect(freshId(), kPrivate, { from: kClient, headers: kForged });
  socket.destroy();
  assert.equal(status, 101);
  assert.equal(webhook.requests[0].headers['x-forwarded-for'], kClient);
  assert.doesNotMatch(broker.output, /a connection of a trusted proxy was closed/);
});

for (const name of kProxies) {
  test(`${name}: a machine that has vanished costs new nodes a second`, { skip: isPeer || cannotRun(name) }, async (t) => {
    const broker = await brokerFor(t, kBrokerEnvironment);
    const proxy = await Proxy.start(name, [await vanishedPort(t), broker.port]);
    t.after(() => proxy.stop());
    const attempts = Array.from({ length: 10 }, async () => {
      const began = Date.now();
      assert.equal(await proxy.status(freshId()), 101);
      return Date.now() - began;
    });
    const waited = await Promise.all(attempts);
    assert.ok(Math.max(...waited) < 1000 + scaled(1500), `${waited}`);
  });
}
