// An id is held once in the whole grid, whoever wants it at the same moment.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { oursOnly } from './support/broker.mjs';
import { Grid, tryConnect } from './support/grid.mjs';
import { freshId, joinNode } from './support/node.mjs';
import { raceForId } from './support/race.mjs';
import { eventually, timeFactor } from './support/time.mjs';

const ours = oursOnly('has keys of its own in Redis');

describe('100 simultaneous claims of an id on each broker', ours, () => {
  let grid;
  before(async () => {
    grid = await Grid.start(2);
  });
  after(() => grid.stop());

  // Sanitizers need several times as long for a round; the rest of the 50 is run by scripts/soak.
  const rounds = timeFactor > 1 ? 10 : 50;
  test(`have exactly one winner, ${rounds} times`, async () => {
    for (let round = 0; round < rounds; ++round) {
      const { leave } = await raceForId(grid, freshId('wanted'), 100);
      leave();
    }
  });

  test('of an id that has just been left, again and again', async () => {
    const id = freshId('wanted');
    for (let round = 0; round < 10; ++round) {
      const { leave } = await raceForId(grid, id, 20);
      leave();
      await eventually('it has left', async () => (await grid.lease(id)) === null);
    }
  });

  test('never take it from a node that is alive', async () => {
    const incumbent = await joinNode(grid.brokers[0].port);
    for (let round = 0; round < 5; ++round) {
      const attempts = await Promise.all(
        grid.brokers.flatMap((broker) =>
          Array.from({ length: 100 }, () => tryConnect(broker.port, incumbent.nodeId)),
        ),
      );
      assert.ok(attempts.every(({ outcome }) => outcome !== 'in'));
    }
    assert.equal(incumbent.connected, true);
  });

  test('of 40 ids at once have one winner each', async () => {
    const ids = Array.from({ length: 40 }, () => freshId('wanted'));
    const races = await Promise.all(ids.map((id) => raceForId(grid, id, 5)));
    for (const { leave } of races) leave();
  });
});

describe('three brokers', ours, () => {
  test('admit one of 300 nodes', async (t) => {
    const grid = await Grid.start(3);
    t.after(() => grid.kill());
    for (let round = 0; round < 3; ++round) {
      const { leave } = await raceForId(grid, freshId('wanted'), 100);
      leave();
    }
    await grid.stop();
  });
});
