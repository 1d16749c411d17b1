/// Started by scripts/soak: the outages of redis-outages.test.mjs at full length, over and over on one grid.
import assert from 'node:assert/strict';
import { Grid, Holders, joinPatiently, runThroughOutage, talks, tell } from './support/grid.mjs';
import { Flood, latencies, quantile } from './support/flood.mjs';
import { freshId } from './support/node.mjs';
import { raceForId } from './support/race.mjs';
import { joinRaw, Opcode } from './support/raw.mjs';
import { freeze, thaw } from './support/redis.mjs';
import { scaled } from './support/time.mjs';

const kOutages = Number(process.env.OUTAGES || 10);
const kSeconds = Number(process.env.OUTAGE_SECONDS || 60);
const kRaces = Number(process.env.RACES || 50);

// A lease is renewed at a third of its TTL, so two thirds are left of it at any time: trouble that Redis survives
// must not outlast them, else whoever comes first has the id, which is no theft.
const env = { REDIS_LOCK_TTL_MS: String(Math.max(4, 2 * kSeconds) * 1000) };
const grid = await Grid.start(3, { env, redis: { keepData: true }, wired: true });
const holders = await Holders.join(grid, 20);
const { redis, wires } = grid;

const kinds = {
  'killed, back empty': {
    begin: () => redis.crash(),
    end: () => {
      redis.forget();
      return redis.run();
    },
  },
  'killed, back with its data': { begin: () => redis.crash(), end: () => redis.run() },
  paused: { begin: () => redis.freeze(), end: () => redis.thaw(), admission: 'open' },
  'half-open': {
    begin: () => wires.forEach((wire) => wire.swallow()),
    end: () => wires.forEach((wire) => wire.open()),
  },
  'network away': {
    begin: () => wires.forEach((wire) => wire.hold()),
    end: () => wires.forEach((wire) => wire.open()),
    admission: 'open',
  },
  'read-only': {
    begin: () => redis.refuseWrites(),
    end: () => redis.takeWrites(),
  },
  'out of memory': {
    begin: () => redis.everywhere('CONFIG', 'SET', 'maxmemory', '1'),
    end: () => redis.everywhere('CONFIG', 'SET', 'maxmemory', '0'),
  },
};
// Every second outage is a death without data: that is the hardest.
const others = Object.keys(kinds).slice(1);
const kindOf = (n) => (n % 2 === 0 ? 'killed, back empty' : others[((n - 1) / 2) % others.length]);

const failures = [];
async function attempt(name, work) {
  try {
    return await work();
  } catch (error) {
    failures.push(name);
    console.log(`${name}: BROKEN: ${error.message}`);
    return null;
  }
}

const kColumns = {
  heldAfter: 'ids held again after (ms)',
  talkedAfter: 'messages across after (ms)',
  openAfter: 'newcomers in after (ms)',
  local: 'local OK',
  acrossOk: 'across OK',
  acrossError: 'across ERROR',
  acrossNotConnected: 'across NOT_CONNECTED',
  refused: 'newcomers asked to retry',
  duplicates: 'claims of held ids refused',
};

const sums = {};
for (let n = 0; n < kOutages; ++n) {
  const kind = kindOf(n);
  const name = `outage ${n + 1}/${kOutages} of ${kSeconds} s, ${kind}`;
  const counts = await attempt(name, () =>
    runThroughOutage(grid, holders, { ...kinds[kind], milliseconds: kSeconds * 1000 }),
  );
  if (!counts) continue;
  const shown = Object.entries(kColumns).map(([key, text]) => `${text} ${Math.round(counts[key])}`);
  console.log(`${name}: ${shown.join(', ')}`);
  for (const key of Object.keys(kColumns)) {
    const [before, now] = [sums[key] ?? 0, Math.round(counts[key])];
    sums[key] = key.endsWith('After') ? Math.max(before, now) : before + now;
  }
}

const outcomes = { in: 0, taken: 0, 503: 0 };
await attempt(`${kRaces} races`, async () => {
  for (let race = 0; race < kRaces; ++race) {
    const result = await raceForId(grid, freshId('wanted'), 100);
    result.leave();
    for (const key of Object.keys(outcomes)) outcomes[key] += result.outcomes[key];
  }
});
console.log(
  `${kRaces} races of 100 on each of 3 brokers: ${outcomes.in} in, ${outcomes.taken} refused, ${outcomes[503]} told to come again`,
);

await attempt('a broker that sleeps through its leases', async () => {
  const id = freshId('split');
  const ttl = Number(env.REDIS_LOCK_TTL_MS);
  // It must not give up by itself while nobody asks for its heartbeats, as a socket.io-client does.
  const first = await joinRaw(grid.brokers[0].port, id);
  await freeze(grid.brokers[0].pid);
  const second = await joinPatiently(grid.brokers[1].port, id, ttl + scaled(5000));
  const witness = holders.nodes[2][0];
  await talks(witness, second, scaled(3000));
  const woken = performance.now();
  thaw(grid.brokers[0].pid);
  let frame = await first.frame(scaled(1000));
  while (frame.payload.toString() === '2') frame = await first.frame(scaled(1000));
  const isEnd = frame.opcode === Opcode.close || frame.payload.toString() === '41';
  assert.ok(isEnd, `its end, not ${frame.payload}`);
  const waited = Math.round(performance.now() - woken);
  assert.ok(waited < scaled(1000), `there were two for ${waited} ms`);
  assert.equal(await tell(witness, second), 'OK');
  assert.equal(second.connected, true);
  console.log(`a broker slept through its leases: one holder ${waited} ms after it woke`);
});

await attempt('eight nodes that flood with presence queries', async () => {
  const [from, to] = await Promise.all(
    [0, 1].map((n) => joinRaw(grid.brokers[n].port, freshId('pair'))),
  );
  const ports = Array.from({ length: 8 }, (_, n) => grid.brokers[n % 2].port);
  const measured = { quiet: [], flooded: [] };
  const show = (name) => {
    const of = (q) => quantile(measured[name], q).toFixed(2);
    return `${name} p50 ${of(0.5)}, p99 ${of(0.99)} ms`;
  };
  await latencies(from, to, 1000);
  // By turns, since the machine has other things to do, now and then.
  for (let round = 0; round < 3; ++round) {
    measured.quiet.push(...(await latencies(from, to, 5000)));
    const flood = await Flood.start(ports);
    measured.flooded.push(...(await latencies(from, to, 5000)));
    await flood.stop();
  }
  for (const taken of Object.values(measured)) taken.sort((a, b) => a - b);
  console.log(`messages across, one by one: ${show('quiet')}; ${show('flooded')}`);
  const [quiet, flooded] = Object.values(measured).map((taken) => quantile(taken, 0.99));
  assert.ok(flooded < 3 * quiet, 'p99 stays below three times what it is without them');
});

console.table({
  ...Object.fromEntries(Object.entries(sums).map(([key, sum]) => [kColumns[key], sum])),
  'races won': outcomes.in,
  'promises broken': failures.length,
});
holders.leave();
await attempt('the end', () => grid.stop());
process.exit(failures.length ? 1 : 0);
