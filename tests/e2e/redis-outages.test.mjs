// Redis dies, hangs, refuses and loses everything, under load: nobody inside notices, nobody outside gets in meanwhile.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { getJson, oursOnly } from './support/broker.mjs';
import {
  brokerFor,
  ConnectLoop,
  Grid,
  Holders,
  joinPatiently,
  kMessage,
  kRedisWarmUp,
  tryConnect,
  presence,
  Stream,
  runThroughOutage,
  talks,
  tell,
} from './support/grid.mjs';
import { freshId, joinNode, send } from './support/node.mjs';
import { startRedis } from './support/redis.mjs';
import { eventually, scaled } from './support/time.mjs';

const ours = oursOnly('ends with its connection to Redis');
// Redis that answers nothing for this long is given up.
const kWatchdog = 3000;
// Messages across that may be on their way when trouble begins: two streams of eight.
const kUnderWay = 16;

/// Messages of all streams go on to arrive: nobody waits long for an answer that got lost.
async function goOn(streams) {
  const before = streams.map(({ acks }) => acks.OK);
  await eventually(
    'all go on',
    () => streams.every(({ acks }, i) => acks.OK > before[i] + 20),
    scaled(5000),
  );
}

describe('Redis ends', ours, () => {
  // Outages outlast the leases.
  const kTtl = scaled(1500);
  let grid;
  let holders;
  before(async () => {
    grid = await Grid.start(2, {
      env: { REDIS_LOCK_TTL_MS: String(kTtl) },
      redis: { keepData: true },
    });
    holders = await Holders.join(grid);
  });
  after(() => grid.stop());

  test('by SIGKILL under load and restarts empty', async (t) => {
    const counts = await runThroughOutage(grid, holders, {
      begin: () => grid.redis.crash(),
      end: async () => {
        grid.redis.forget();
        await grid.redis.run();
      },
      milliseconds: kTtl + 1000,
    });
    assert.ok(counts.acrossOkMeanwhile <= kUnderWay, `${counts.acrossOkMeanwhile} passed`);
    t.diagnostic(JSON.stringify(counts));
  });

  test('by SIGKILL under load and restarts with leases that have expired', async (t) => {
    const counts = await runThroughOutage(grid, holders, {
      begin: () => grid.redis.crash(),
      end: () => grid.redis.run(),
      milliseconds: kTtl + 1000,
    });
    t.diagnostic(JSON.stringify(counts));
  });

  test('by SIGKILL under load and restarts at once with its data', async (t) => {
    const counts = await runThroughOutage(grid, holders, {
      begin: () => grid.redis.crash(),
      end: () => grid.redis.run(),
      milliseconds: 0,
    });
    t.diagnostic(JSON.stringify(counts));
  });

  test('while nodes leave and a broker starts: what left is free, what came waits', async (t) => {
    const leaver = await joinPatiently(grid.brokers[0].port, freshId('leaver'));
    await grid.redis.crash();
    const left = leaver.nodeId;
    leaver.disconnect();
    const late = await brokerFor(t, { ...grid.redis.env(), ...grid.env });

    assert.equal((await tryConnect(late.port, freshId())).outcome, '503');
    assert.equal((await getJson(late, '/healthz')).status, 200);
    await grid.redis.run();
    const back = await joinPatiently(late.port, left, kRedisWarmUp + scaled(3000));
    assert.equal(await tell(holders.nodes[0][0], back), 'OK');
    await late.stop();
    holders.expectUndisturbed();
  });
});

describe('Redis stays', ours, () => {
  // Leases outlast the trouble: whoever is let in again first has stolen nothing.
  const kTtl = 30_000;
  let grid;
  let holders;
  before(async () => {
    grid = await Grid.start(2, { env: { REDIS_LOCK_TTL_MS: String(kTtl) }, wired: true });
    holders = await Holders.join(grid);
  });
  after(() => grid.stop());

  test('and is paused for longer than brokers wait', async (t) => {
    const counts = await runThroughOutage(grid, holders, {
      begin: () => grid.redis.freeze(),
      end: () => grid.redis.thaw(),
      milliseconds: kWatchdog + scaled(2000),
      admission: 'open',
    });
    assert.ok(counts.refused > 0);
    t.diagnostic(JSON.stringify(counts));
  });

  test('and is paused for a moment', async (t) => {
    const counts = await runThroughOutage(grid, holders, {
      begin: () => grid.redis.freeze(),
      end: () => grid.redis.thaw(),
      milliseconds: 700,
      admission: 'open',
    });
    for (const stream of ['acrossError', 'acrossNotConnected']) assert.equal(counts[stream], 0);
    t.diagnostic(JSON.stringify(counts));
  });

  // A server that is alone does so once it is a replica.
  test('and refuses writes', async (t) => {
    const counts = await runThroughOutage(grid, holders, {
      begin: () => grid.redis.refuseWrites(),
      end: () => grid.redis.takeWrites(),
      milliseconds: scaled(2000),
    });
    t.diagnostic(JSON.stringify(counts));
  });

  test('and has no memory for writes', async (t) => {
    const counts = await runThroughOutage(grid, holders, {
      begin: () => grid.redis.everywhere('CONFIG', 'SET', 'maxmemory', '1'),
      end: () => grid.redis.everywhere('CONFIG', 'SET', 'maxmemory', '0'),
      milliseconds: scaled(2000),
    });
    t.diagnostic(JSON.stringify(counts));
  });

  test('and kills all connections, again and again', async (t) => {
    const killAll = () =>
      Promise.all(['normal', 'pubsub'].map((type) => grid.redis.killClients(type)));
    let killer;
    const counts = await runThroughOutage(grid, holders, {
      begin: async () => {
        await killAll();
        killer = setInterval(killAll, 150);
      },
      end: () => clearInterval(killer),
      milliseconds: scaled(1500),
      admission: 'open',
    });
    t.diagnostic(JSON.stringify(counts));
  });

  test('and the subscription of one broker is killed, again and again', async () => {
    const streams = Stream.between(holders.nodes[0][0], holders.nodes[1][0]);
    for (let i = 0; i < 10; ++i) {
      await goOn(streams);
      const subscriptions = await grid.redis.clients('pubsub');
      await subscriptions[i % subscriptions.length].kill();
    }
    await goOn(streams);
    await Promise.all(streams.map((stream) => stream.stop()));
    for (const stream of streams) stream.expectCorrectAcks();
    holders.expectUndisturbed();
  });

  test('and the connections to it are half-open', async (t) => {
    const counts = await runThroughOutage(grid, holders, {
      begin: () => grid.wires.forEach((wire) => wire.swallow()),
      end: () => grid.wires.forEach((wire) => wire.open()),
      milliseconds: kWatchdog + scaled(2000),
    });
    assert.ok(counts.acrossOkMeanwhile <= kUnderWay, `${counts.acrossOkMeanwhile} passed`);
    t.diagnostic(JSON.stringify(counts));
  });

  test('and the network to it is down for a while', async (t) => {
    const counts = await runThroughOutage(grid, holders, {
      begin: () => grid.wires.forEach((wire) => wire.hold()),
      end: () => grid.wires.forEach((wire) => wire.open()),
      milliseconds: kWatchdog + scaled(2000),
      admission: 'open',
    });
    assert.ok(counts.refused > 0);
    t.diagnostic(JSON.stringify(counts));
  });

  test('and its connections are reset, again and again', async () => {
    const streams = Stream.between(holders.nodes[0][0], holders.nodes[1][0]);
    for (let i = 0; i < 10; ++i) {
      await goOn(streams);
      grid.wires[i % 2].reset();
    }
    await goOn(streams);
    await Promise.all(streams.map((stream) => stream.stop()));
    for (const stream of streams) stream.expectCorrectAcks();
    holders.expectUndisturbed();
  });

  test('and loses its scripts: nodes come and go all the same', async () => {
    await grid.isOpen();
    const forget = () => grid.redis.onPrimaries('SCRIPT', 'FLUSH', 'SYNC');
    for (const broker of [...grid.brokers, ...grid.brokers]) {
      const id = freshId();
      await forget();
      const node = await joinPatiently(broker.port, id, scaled(1000));
      await forget();
      node.disconnect();
      await eventually('it has left', async () => (await grid.lease(id)) === null, scaled(2000));
    }
    holders.expectUndisturbed();
  });
});

describe('leases', ours, () => {
  const kTtl = scaled(3000);
  let grid;
  let holders;
  before(async () => {
    grid = await Grid.start(2, { env: { REDIS_LOCK_TTL_MS: String(kTtl) } });
    holders = await Holders.join(grid, 20);
  });
  after(() => grid.stop());

  test('of FLUSHALL are written again after a third of the TTL', async () => {
    await grid.redis.onPrimaries('FLUSHALL');
    await holders.holdTheirIds(kTtl / 3 + scaled(300));
    await holders.expectSeen();
    holders.expectUndisturbed();
  });

  test('never come near their expiry in normal operation', async () => {
    const ends = Date.now() + 2 * kTtl;
    await eventually(
      'two TTLs are over',
      async () => {
        const left = await Promise.all(
          holders.ids.map((id) => grid.redis.command('PTTL', grid.key(id))),
        );
        assert.ok(Math.min(...left) > kTtl / 2, `${Math.min(...left)} ms left`);
        return Date.now() > ends;
      },
      3 * kTtl,
    );
    await holders.holdTheirIds(1);
  });

  test('of 500 nodes cost one command each for a third of the TTL', async () => {
    const nodes = [];
    while (nodes.length < 500) {
      nodes.push(
        ...(await Promise.all(Array.from({ length: 50 }, () => joinNode(grid.brokers[0].port)))),
      );
    }
    const monitor = await grid.redis.monitor();
    const ends = Date.now() + kTtl;
    await eventually('a TTL is over', () => Date.now() > ends, 2 * kTtl);
    monitor.stop();
    for (const node of nodes) assert.ok(await grid.lease(node.nodeId));
    // What scripts do inside is not sent by anybody.
    const commands = monitor.lines.filter((line) => !/^\S+ \[\d+ lua\]/.test(line));
    // Each is extended a little before a third of the TTL has passed.
    assert.ok(commands.length < 4 * nodes.length, `${commands.length} commands in ${kTtl} ms`);
    for (const node of nodes) node.disconnect();
    await eventually('all leases are given back', async () => {
      const held = await grid.idsHeldBy(grid.brokers[0]);
      return nodes.every((node) => !held.includes(node.nodeId));
    });
  });
});

describe('a broker that starts while Redis is unavailable', ours, () => {
  test('asks nodes to retry until it is available', async (t) => {
    const redis = await startRedis();
    t.after(() => redis.stop());
    await redis.crash();
    const broker = await brokerFor(t, redis.env());
    const grid = { brokers: [broker] };
    assert.equal((await getJson(broker, '/healthz')).status, 200);
    const loop = new ConnectLoop(grid, () => freshId());
    await eventually('they were refused', () => loop.outcomes[503] > 20);
    assert.equal(loop.outcomes.in, 0);
    await redis.run();
    await eventually('they are admitted', () => loop.outcomes.in > 0, kRedisWarmUp + scaled(3000));
    await loop.stop();
    await broker.says(/cannot be reached/);
    await broker.says(/reached again/);
    await broker.stop();
  });

  test('shuts down in order although Redis was never available', async (t) => {
    const redis = await startRedis();
    await redis.stop();
    const broker = await brokerFor(t, redis.env());
    assert.equal((await tryConnect(broker.port, freshId())).outcome, '503');
    await broker.stop();
  });
});
