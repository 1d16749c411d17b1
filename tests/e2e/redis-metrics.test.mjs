// What redis-registry shows at /metrics: which Redis it uses, and what has happened to it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { oursOnly } from './support/broker.mjs';
import { admits, brokerFor, kRedisWarmUp, talks, tell } from './support/grid.mjs';
import { joinNode } from './support/node.mjs';
import { promtool } from './support/prometheus.mjs';
import { startRedis } from './support/redis-modes.mjs';
import { eventually, scaled } from './support/time.mjs';

const ours = oursOnly('has other metrics');
const kPatience = kRedisWarmUp + scaled(5000);
const kPrefix = 'crolang_redis_registry_';

const page = async (broker) => (await fetch(`${broker.url}/metrics`)).text();

/// What the plugin shows: name with labels, without the prefix → value.
async function shown(broker) {
  const lines = (await page(broker)).split('\n').filter((line) => line.startsWith(kPrefix));
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(kPrefix.length, at), Number(line.slice(at + 1))];
    }),
  );
}

const serversIn = (metrics) => Object.keys(metrics).filter((name) => name.startsWith('server_info'));

async function startPair(t, redis) {
  const brokers = [];
  for (let i = 0; i < 2; ++i) brokers.push(await brokerFor(t, { ...redis.env(), METRICS_ENABLED: 'true' }));
  await Promise.all(brokers.map(({ port }) => admits(port, kPatience)));
  return brokers;
}

async function redisFor(t, mode) {
  const redis = await startRedis({}, mode);
  t.after(() => redis.stop());
  return redis;
}

describe('metrics of redis-registry', ours, () => {
  test('follow a fail-over by Sentinels', async (t) => {
    const redis = await redisFor(t, 'sentinel');
    const [broker, other] = await startPair(t, redis);
    const [a, b] = await Promise.all([broker, other].map(({ port }) => joinNode(port)));
    assert.equal(await tell(a, b), 'OK');

    const old = await redis.primary();
    const before = await shown(broker);
    assert.equal(before.connected, 1);
    assert.deepEqual(serversIn(before), [`server_info{server="127.0.0.1:${old.port}"}`]);
    assert.equal(before['mode_info{mode="sentinel"}'], 1);
    assert.equal(before.tls, 0);
    assert.equal(before.connections_lost_total, 0);
    assert.equal(before['server_changes_total{change="server"}'], 0);
    assert.ok(before.publications_total >= 1);
    for (const purpose of ['leases', 'messages', 'subscription', 'sentinel']) {
      for (const name of ['commands', 'sent_bytes', 'received_bytes']) {
        assert.ok(before[`${name}_total{purpose="${purpose}"}`] > 0, `${name} ${purpose}`);
      }
    }

    await old.crash();
    let next;
    // Asked no more then: for a moment other Sentinels still name the old one.
    await eventually('there is another primary', async () => (next = await redis.primary()) !== old, scaled(20_000));
    let after;
    const isFollowed = async () => {
      after = await shown(broker);
      return after[`server_info{server="127.0.0.1:${next.port}"}`] === 1;
    };
    await eventually('the metrics name it', isFollowed, scaled(10_000));
    assert.equal(after.connected, 1);
    assert.equal(serversIn(after).length, 1);
    assert.equal(after.connections_lost_total, 1);
    assert.equal(after['server_changes_total{change="server"}'], 1);
    assert.equal(after['server_changes_total{change="restart"}'], 0);
    assert.ok(after.disconnected_seconds_total > before.disconnected_seconds_total + 0.5);
    for (const [name, value] of Object.entries(before)) {
      if (/_total\b/.test(name)) assert.ok(after[name] >= value, name);
    }
    await talks(a, b, scaled(10_000));
    await eventually('messages are counted again', async () => {
      const now = await shown(broker);
      return now.publications_total > after.publications_total;
    });
  });

  test('say how long there has been no Redis while it lasts, and that it was restarted', async (t) => {
    const redis = await redisFor(t, 'standalone');
    const [broker] = await startPair(t, redis);
    const before = await shown(broker);
    assert.equal(before['mode_info{mode="standalone"}'], 1);
    await redis.crash();
    let seen = before;
    for (const what of ['grows', 'goes on growing']) {
      const last = seen.disconnected_seconds_total;
      await eventually(`the time ${what}`, async () => {
        seen = await shown(broker);
        return seen.disconnected_seconds_total > last + 0.2;
      });
    }
    assert.equal(seen.connected, 0);
    await redis.run();
    await eventually('it is connected again', async () => (await shown(broker)).connected === 1, scaled(10_000));
    const after = await shown(broker);
    assert.equal(after.connections_lost_total, 1);
    assert.equal(after['server_changes_total{change="restart"}'], 1);
    assert.equal(after['server_changes_total{change="server"}'], 0);
  });

  test('name the masters of a cluster, and follow a fail-over of one', async (t) => {
    const redis = await redisFor(t, 'cluster');
    const [broker] = await startPair(t, redis);
    const names = (servers) => servers.map(({ port }) => `server_info{server="127.0.0.1:${port}"}`).sort();
    const before = await shown(broker);
    assert.equal(before.connected, 1);
    assert.equal(before['mode_info{mode="cluster"}'], 1);
    assert.deepEqual(serversIn(before).sort(), names(await redis.primaries()));
    assert.ok(before['commands_total{purpose="slots"}'] > 0);
    const [old] = await redis.primaries();
    await old.crash();
    let after;
    await eventually(
      'the metrics name the new one',
      async () => {
        after = await shown(broker);
        return after.connected === 1 && after['server_changes_total{change="server"}'] === 1;
      },
      scaled(20_000),
    );
    assert.deepEqual(serversIn(after).sort(), names(await redis.primaries()));
    assert.equal(after.connections_lost_total, 1);
    assert.ok(after.disconnected_seconds_total > before.disconnected_seconds_total + 0.5);
  });

  // Debian's package prometheus.
  test('are as Prometheus wants them', { skip: !promtool && !process.env.CI && 'there is no promtool' }, async (t) => {
    const redis = await redisFor(t, 'standalone');
    const [broker] = await startPair(t, redis);
    const text = await page(broker);
    assert.match(text, /^crolang_redis_registry_connected 1$/m);
    const { status, stdout, stderr } = spawnSync(promtool, ['check', 'metrics'], { input: text, encoding: 'utf8' });
    assert.equal(status, 0, stdout + stderr);
  });
});
