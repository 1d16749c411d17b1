// The alerts and the board of packaging/, with a real Prometheus that scrapes real brokers: each alert that one build of the
// broker can cause is caused once, and none fires for a broker that is well. The rules run in fast motion: their windows
// and their `for` are divided by kFactor. tests/monitoring has those that cannot be caused here, and the exact limits of all.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';
import { after, before, describe, test } from 'node:test';
import { Broker, freePort, oursOnly, repository, temporaryDirectory } from './support/broker.mjs';
import { Stream } from './support/grid.mjs';
import { freshId, joinNode, nodeQuery } from './support/node.mjs';
import { cannotMonitor, inFastMotion, kAlerts, kRules, Prometheus } from './support/prometheus.mjs';
import { frame, joinRaw, kUpgradeQuery, RawSocket, upgradeRequest } from './support/raw.mjs';
import { RedisServer } from './support/redis.mjs';
import { delay, eventually, scaled } from './support/time.mjs';
import { kLocal, pairVariables, plainOnly, testAuthority, writePair } from './support/tls.mjs';
import { after as later, byRoute, json, Webhook } from './support/webhook.mjs';

/// Five minutes become three seconds.
const kFactor = 100;
const kInterval = 300; // ms between two scrapes
const kPatience = scaled(60_000);

/// What one broker of this version cannot cause within seconds.
const kNotHere = {
  BrokerVersionsDiffer: 'needs two versions',
  BrokerNegotiationsUnanswered: 'an attempt counts as unanswered after half a minute',
  BrokerNegotiationsRefused: 'needs negotiations, which have tests of their own',
  BrokerAbsent: 'fires when the others have gone, in a test of its own',
};
const kExpected = kAlerts.filter((name) => !(name in kNotHere));
/// Those without the label `instance` tell nothing about one broker.
const kOfAll = ['BrokerAsksNodesToRetry', 'BrokerPluginCallsFail', 'BrokerNodesDropped'];

const plain = plainOnly('speaks plain TCP').skip;
const skip = oursOnly('has other metrics').skip || plain || cannotMonitor;

const page = async (port) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
const value = async (port, name) => Number(new RegExp(`^crolang_broker_${name} (.*)$`, 'm').exec(await page(port))[1]);

describe('alerts', { skip }, () => {
  const ports = {};
  const brokers = {};
  let prometheus;
  let webhook;
  let redis;
  let running = true;
  const loads = [];

  const start = async (name, env = {}, options = {}) => {
    const variables = { METRICS_ENABLED: 'true', WORKERS: '1', ...env };
    brokers[name] = await Broker.start(variables, { port: ports[name], ...options });
    return brokers[name];
  };
  /// Does this again and again, `pace` ms apart, until the test ends. What it does may fail: it is made to.
  const again = (pace, act) => {
    loads.push(
      (async () => {
        while (running) {
          await act().catch(() => {});
          await delay(pace);
        }
      })(),
    );
  };
  const knock = async (port, query, headers = {}) => {
    const socket = await RawSocket.connect(port);
    socket.send(upgradeRequest({ query: `${kUpgradeQuery}&${nodeQuery(query)}`, headers }));
    const response = await socket.response();
    socket.destroy();
    return response;
  };
  const node = (id = freshId()) => ({ id, version: '1', runtime: 'raw' });
  /// A node that has joined, and of which nobody reads what it gets.
  const idle = async (port) => {
    const socket = await joinRaw(port, freshId('idle'));
    socket.socket.removeAllListeners('data').resume();
    return socket;
  };
  const message = (to, content) =>
    `42${JSON.stringify(['SOCKET_MSG_EXCHANGE', JSON.stringify({ to, content })])}`;

  before(async () => {
    const names = ['calm', 'full', 'strict', 'slow', 'tight', 'secure', 'hooked', 'grid', 'noisy', 'draining', 'victim'];
    for (const name of names) ports[name] = await freePort();
    prometheus = await Prometheus.start(ports, { rules: inFastMotion(kRules, kFactor), interval: kInterval });
    webhook = await Webhook.start({
      answer: byRoute({
        '/authentication': (exchange) => {
          const { nodeId } = exchange.question;
          if (nodeId.startsWith('fails')) exchange.reply(500, {}, '');
          else if (nodeId.startsWith('waits')) later(3500, json({ authenticated: true }))(exchange);
          else json({ authenticated: true })(exchange);
        },
        '/authorization': later(900, json({ authorized: true })),
      }),
    });
    redis = await RedisServer.start();
  });
  after(async () => {
    running = false;
    await Promise.all(loads);
    for (const broker of Object.values(brokers)) await broker.kill();
    await prometheus?.stop();
    await webhook?.stop();
    await redis?.kill();
  });

  const causes = {
    async calm() {
      const { port } = await start('calm');
      const nodes = [await joinNode(port), await joinNode(port)];
      const streams = Stream.between(...nodes, { pace: 20 });
      loads.push(eventually('the test ends', () => !running, 600_000).then(() => streams.map((each) => each.stop())));
    },

    /// No room for more nodes.
    async full() {
      const { port } = await start('full', { MAX_CONNECTIONS: '10' });
      for (let i = 0; i < 10; ++i) await idle(port);
      again(100, () => knock(port, node()));
    },

    /// Strangers: pages of other origins, connections that say nothing, nodes without a version, a node that reads nothing.
    async strict() {
      const limits = { MAX_HANDSHAKES: '4', MAX_PAYLOAD_BYTES: '50000', MAX_OUTBOX_BYTES: '100000' };
      const { port } = await start('strict', { ALLOWED_ORIGINS: 'https://app.example', ...limits });
      const deaf = await joinRaw(port, freshId('deaf'));
      deaf.pause();
      const sender = await idle(port);
      const large = frame(message(deaf.id, 'x'.repeat(40_000)).replace('42', '421'));
      again(50, async () => sender.send(large));
      again(100, () => knock(port, node(), { Origin: 'https://other.example' }));
      again(100, () => knock(port, { id: freshId(), runtime: 'raw' }));
      again(100, () => RawSocket.connect(port));
    },

    /// Nodes that answer pings late, and others that never do.
    async slow() {
      const { port } = await start('slow', { PING_INTERVAL_MS: '300', PING_TIMEOUT_MS: '2000' });
      for (let i = 0; i < 10; ++i) {
        const late = await joinRaw(port, freshId('late'));
        loads.push(
          (async () => {
            while (running) {
              const packet = await late.packet(scaled(30_000));
              if (packet !== '2') continue;
              await delay(1300);
              late.sendText('3');
            }
          })().catch(() => {}),
        );
      }
      again(200, () => idle(port));
    },

    /// A limit that the process itself nearly fills.
    async tight() {
      const first = await start('tight');
      const bytes = await value(first.port, 'memory_bytes');
      await first.kill();
      const { port } = await start('tight', { MAX_MEMORY_BYTES: String(Math.round(bytes * 1.05)) });
      again(100, () => knock(port, node()));
    },

    /// A certificate that expires soon, files that do not fit, and clients of another century.
    async secure() {
      const pair = writePair(testAuthority().issue(kLocal, { days: 5 }));
      // Prometheus uses the plain port.
      const variables = { ...pairVariables(pair), PLAIN_PORT: String(ports.secure) };
      const { port, child } = await start('secure', variables, { port: await freePort(), withPlainPort: true });
      again(200, async () => {
        const socket = tls.connect({ port, host: '127.0.0.1', minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' });
        await new Promise((resolve) => socket.once('close', resolve).on('error', () => {}));
      });
      fs.writeFileSync(pair.keyFile, 'no key');
      again(1000, async () => child.kill('SIGHUP'));
    },

    /// Webhooks that fail, and others that are slow.
    async hooked() {
      const { port } = await start('hooked', {
        NODES_AUTHENTICATION_WEBHOOK_URL: webhook.url('/authentication'),
        AUTHORIZE_NODES_COMMUNICATION_WEBHOOK_URL: webhook.url('/authorization'),
        WEBHOOK_TIMEOUT_MS: '5000',
      });
      again(100, () => knock(port, node(freshId('fails'))));
      for (let i = 0; i < 20; ++i) again(100, () => knock(port, node(freshId('waits'))));
      const receiver = await idle(port);
      for (let i = 0; i < 8; ++i) {
        const sender = await idle(port);
        again(60, async () => sender.sendText(message(receiver.id, 'late')));
      }
    },

    /// A Redis that goes away for a while, and comes back as another.
    async grid() {
      const { port } = await start('grid', { REDIS_URL: redis.url });
      await eventually('it is connected to Redis', async () =>
        /^crolang_redis_registry_connected 1$/m.test(await page(port)),
      );
      await scrapes('crolang_redis_registry_connected{instance="grid"} == 1');
      redis.child.kill('SIGKILL');
      await redis.exited;
      await fires('BrokerWithoutRedis');
      await redis.run();
    },

    /// Nobody reads its log.
    async noisy() {
      const broker = await start('noisy', { LOG_LEVEL: '2' });
      const [a, b] = [await idle(broker.port), await idle(broker.port)];
      const many = Buffer.concat(Array.from({ length: 1000 }, () => frame(message(b.id, 'x'))));
      broker.child.stdout.pause();
      again(100, async () => a.send(many));
    },

    /// It closes one node after the other for a minute.
    async draining() {
      const { port, child } = await start('draining', { DRAIN_DURATION_MS: '60000' });
      await Promise.all(Array.from({ length: 30 }, () => idle(port)));
      child.kill('SIGTERM');
    },

    /// It starts again and again, and then stays away with many nodes.
    async victim() {
      let second = 0;
      for (let i = 0; i < 4; ++i) {
        // Starts are told apart by their second.
        await eventually('the next second has begun', () => Math.floor(Date.now() / 1000) > second);
        const broker = await start('victim');
        second = await value(broker.port, 'start_time_seconds');
        if (i === 3) await Promise.all(Array.from({ length: 300 }, () => idle(broker.port)));
        await scrapes(`crolang_broker_start_time_seconds{instance="victim"} == ${second}`);
        if (i === 3) await scrapes('crolang_broker_nodes{instance="victim"} >= 300');
        await broker.kill();
      }
    },
  };

  const scrapes = (expression) =>
    eventually(`Prometheus has ${expression}`, async () => (await prometheus.query(expression)).length > 0, kPatience);
  const fires = (alert) =>
    eventually(
      `${alert} fires`,
      async () => (await prometheus.fired()).some(({ alertname }) => alertname === alert),
      kPatience,
    );

  test('fire for what they are about, and for nothing else', async () => {
    await Promise.all(Object.values(causes).map((cause) => cause()));
    let missing = kExpected;
    await eventually(
      'every alert fires',
      async () => {
        const fired = new Set((await prometheus.fired()).map(({ alertname }) => alertname));
        missing = kExpected.filter((alert) => !fired.has(alert));
        return missing.length === 0;
      },
      kPatience,
    ).catch((error) => {
      throw new Error(`${error.message}: ${missing.join(', ')}`);
    });
    const ofCalm = (await prometheus.fired()).filter(({ instance }) => instance === 'calm');
    assert.deepEqual(ofCalm, []);
    const labelled = (await prometheus.fired()).filter(({ alertname }) => !kOfAll.includes(alertname));
    for (const { alertname, instance, severity } of labelled) {
      assert.ok(instance, `${alertname} names the broker`);
      assert.match(severity, /^(critical|warning|info)$/);
    }
  });

  test('name only metrics that brokers have, and so does the board', async () => {
    const directory = temporaryDirectory();
    // One with TLS, one with Redis.
    const files = ['secure', 'grid'].map((name) => path.join(directory, name));
    for (const file of files) fs.writeFileSync(file, await page(ports[path.basename(file)]));
    const { status, stdout, stderr } = spawnSync(
      path.join(repository, 'tests/monitoring/check'),
      ['metrics', ...files],
      { encoding: 'utf8' },
    );
    assert.equal(status, 0, stdout + stderr);
  });

  test('have a board whose panels show something', async () => {
    const board = JSON.parse(fs.readFileSync(path.join(repository, 'packaging/grafana/crolang-broker.json'), 'utf8'));
    const empty = [];
    for (const { title, targets = [] } of board.panels) {
      for (const { expr } of targets) {
        const expression = expr
          .replaceAll('$__rate_interval', '10s')
          .replaceAll('$job', 'crolang-broker')
          .replaceAll('$instance', '.*');
        if ((await prometheus.query(expression)).length === 0) empty.push(`${title}: ${expr}`);
      }
    }
    assert.deepEqual(empty, []);
  });

  test('fire when there is no broker at all', async () => {
    for (const broker of Object.values(brokers)) await broker.kill();
    await fires('BrokerAbsent');
  });
});
