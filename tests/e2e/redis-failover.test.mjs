// Sentinel or a cluster replaces a primary under load: who is connected notices nothing, who comes waits, an id has one holder.
// At full length by scripts/soak failover.
import { after, before, describe, test } from 'node:test';
import { oursOnly } from './support/broker.mjs';
import { FailoverGrid } from './support/failover.mjs';
import { clusterFailovers, sentinelFailovers } from './support/failover-ways.mjs';

describe('a primary is replaced', oursOnly('has no such promise'), () => {
  let all;
  before(async () => {
    // Sentinel looks often, so that an old primary is back in its place sooner.
    const redis = { infoPeriod: 1000 };
    // Other tests run beside it: two seconds are for the soak to judge.
    all = await FailoverGrid.start({ mode: 'sentinel', nodes: 60, waitReplicas: 1, flowsAgain: 6000, redis });
  });
  after(() => all.stop());

  for (const name of Object.keys(sentinelFailovers())) {
    test(`by ${name}`, async (t) => {
      t.diagnostic(JSON.stringify(await all.run(sentinelFailovers(all.redis)[name]())));
    });
  }
});

describe('a primary of a cluster is replaced, or its slots are moved', oursOnly('has no such promise'), () => {
  let all;
  before(async () => {
    all = await FailoverGrid.start({ mode: 'cluster', nodes: 60, waitReplicas: 1, flowsAgain: 6000 });
  });
  after(() => all.stop());

  for (const name of Object.keys(clusterFailovers())) {
    test(`by ${name}`, async (t) => {
      t.diagnostic(JSON.stringify(await all.run(clusterFailovers(all.redis)[name]())));
    });
  }
});
