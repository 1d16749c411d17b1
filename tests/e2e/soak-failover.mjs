/// Started by scripts/soak failover: primaries are replaced over and over, under load, first while claims wait for a replica,
/// then without. Ends with 1 if a promise was broken.
///   soak-failover.mjs [sentinel | cluster]
///   FAILOVERS, FAILOVER_NODES, WAIT_REPLICAS   see scripts/soak
import { FailoverGrid } from './support/failover.mjs';
import { clusterFailovers, sentinelFailovers } from './support/failover-ways.mjs';

const mode = process.argv[2] ?? 'sentinel';
const kWays = { sentinel: sentinelFailovers, cluster: clusterFailovers };
if (!(mode in kWays)) throw new Error(`${mode} is none of ${Object.keys(kWays)}`);
const kFailovers = Number(process.env.FAILOVERS || 20);
const kNodes = Number(process.env.FAILOVER_NODES || 500);
const kWaits = process.env.WAIT_REPLICAS === undefined ? [1, 0] : [Number(process.env.WAIT_REPLICAS)];

const kColumns = {
  elected: 'elected after (ms)',
  flowed: 'messages across again after that (ms)',
  opened: 'newcomers refused for (ms after that)',
  lasted: 'healed after (ms)',
  localOk: 'local OK',
  acrossOk: 'across OK',
  acrossError: 'across ERROR',
  acrossNotConnected: 'across NOT_CONNECTED',
  refused: 'newcomers asked to retry',
  admitted: 'newcomers in',
  duplicates: 'claims of held ids refused',
  won: 'contested ids won',
  heldTwice: 'ids held twice',
  heldTwiceFor: 'for at most (ms)',
  lostIds: 'sessions closed for that',
  ghosts: 'nodes that have left and are still seen',
};
const kLongest = ['elected', 'flowed', 'opened', 'lasted', 'heldTwiceFor'];

let broken = 0;
for (const waitReplicas of kWaits) {
  const all = await FailoverGrid.start({ mode, nodes: kNodes, waitReplicas });
  const ways = Object.entries(kWays[mode](all.redis));
  const sums = {};
  for (let n = 0; n < kFailovers; ++n) {
    const [name, way] = ways[n % ways.length];
    const title = `REDIS_WAIT_REPLICAS=${waitReplicas}, ${n + 1}/${kFailovers}, ${name}`;
    let counts;
    try {
      counts = await all.run(way());
    } catch (error) {
      ++broken;
      console.log(`${title}: BROKEN: ${error.message}`);
      counts = error.counts;
      // What follows begins from where all is well.
      await all.redis.heal();
    }
    if (!counts) continue;
    console.log(`${title}: ${Object.entries(kColumns).map(([key, text]) => `${text} ${counts[key]}`).join(', ')}`);
    for (const key of Object.keys(kColumns)) {
      sums[key] = kLongest.includes(key) ? Math.max(sums[key] ?? 0, counts[key]) : (sums[key] ?? 0) + counts[key];
    }
  }
  console.table(Object.fromEntries(Object.entries(sums).map(([key, sum]) => [kColumns[key], sum])));
  await all.stop().catch((error) => {
    ++broken;
    console.log(`the end: BROKEN: ${error.message}`);
  });
}
console.log(broken ? `${broken} times a promise was broken` : 'every promise was kept');
process.exit(broken ? 1 : 0);
