// A broker that is paused or cut off for longer than its leases last, while an id of its nodes is taken elsewhere.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, beforeEach, describe, test } from 'node:test';
import { oursOnly } from './support/broker.mjs';
import { Grid, joinPatiently, kMessage, tryConnect, presence, talks, tell } from './support/grid.mjs';
import { freshId, joinNode, send } from './support/node.mjs';
import { freeze, thaw } from './support/redis.mjs';
import { eventually, scaled, within } from './support/time.mjs';

const kTtl = scaled(1000);

/// All contents that a node gets.
function overhear(node) {
  const contents = [];
  node.on(kMessage, (text) => contents.push(JSON.parse(text).content));
  return contents;
}

const ours = oursOnly('has no such promise');

describe('after a split there is one holder', ours, () => {
  let grid;
  /// A third broker, which sees both sides.
  let witness;
  before(async () => {
    // A broker that does not answer is waited for no longer than this.
    const env = { REDIS_LOCK_TTL_MS: String(kTtl), PLUGIN_TIMEOUT_MS: String(scaled(1500)) };
    grid = await Grid.start(3, { env, wired: true });
    witness = await joinNode(grid.brokers[2].port);
  });
  beforeEach(() => grid.isOpen());
  after(() => grid.stop());

  const leaseIsFree = (id) =>
    eventually(
      `the lease of ${id} has lapsed`,
      async () => (await grid.lease(id)) === null,
      kTtl + scaled(1000),
    );

  const timesLost = () => grid.brokers[0].output.split('the registry cannot be reached').length;

  /// Ways to split broker 0 from the others.
  const splits = {
    'paused by SIGSTOP': {
      begin: () => freeze(grid.brokers[0].pid),
      end: () => thaw(grid.brokers[0].pid),
    },
    // It returns to a network that works: it must have found out that its connections are dead.
    'cut off, and its connections are dead': {
      begin: () => {
        const before = timesLost();
        grid.wires[0].swallow();
        return eventually('it has noticed', () => timesLost() > before);
      },
      end: () => grid.wires[0].open(),
    },
    'cut off, and its connections come back': {
      begin: () => grid.wires[0].hold(),
      end: () => grid.wires[0].open(),
    },
  };

  for (const [name, { begin, end }] of Object.entries(splits)) {
    test(`of an id whose broker was ${name}`, async () => {
      const id = freshId('split');
      const first = await joinNode(grid.brokers[0].port, id);
      const bystander = await joinNode(grid.brokers[0].port);
      const heardByFirst = overhear(first);
      await talks(witness, first);
      assert.equal(await tell(witness, first, 'to the first'), 'OK');
      heardByFirst.splice(0);

      await begin();
      const expelled = once(first, 'disconnect');
      // The way to the first one is known, and leads into the void.
      assert.notEqual(
        await send(witness, kMessage, { to: id, content: 'to the first, lost' }),
        'OK',
      );
      await leaseIsFree(id);
      const second = await joinPatiently(grid.brokers[1].port, id);
      const heardBySecond = overhear(second);
      await talks(witness, second, scaled(2000));
      heardBySecond.splice(0);
      for (let n = 0; n < 20; ++n) {
        assert.equal(await tell(witness, second, `to the second ${n}`), 'OK');
      }
      let number = 0;
      let talking = true;
      const talk = (async () => {
        while (talking) {
          assert.equal(await tell(witness, second, `to the second, return ${++number}`), 'OK');
        }
      })();
      talk.catch(() => {});

      try {
        await end();
        const [reason] = await within(scaled(1000), 'the first one is told', expelled);
        assert.equal(reason, 'io server disconnect');
      } finally {
        talking = false;
      }
      await talk;

      assert.equal(second.connected, true);
      assert.equal(await tell(witness, second, 'to the second, after'), 'OK');
      await talks(bystander, second, scaled(3000));
      assert.ok((await grid.lease(id)).includes(grid.brokers[1].instance));
      assert.equal(bystander.connected, true);
      await eventually(
        'the bystander is seen',
        async () => (await presence(witness, [bystander.nodeId])).length === 1,
      );
      assert.deepEqual(
        heardByFirst.filter((content) => !content.startsWith('to the first')),
        [],
        'the first one heard what was not for it',
      );
      assert.deepEqual(
        heardBySecond.filter((content) => content.startsWith('to the first')),
        [],
        'the second one heard what was not for it',
      );
    });

    test(`of an id that no other node claimed while its broker was ${name}: it stays`, async () => {
      const node = await joinNode(grid.brokers[0].port);
      await talks(witness, node);
      const lease = await grid.lease(node.nodeId);
      await begin();
      await leaseIsFree(node.nodeId);
      assert.deepEqual(await presence(witness, [node.nodeId]), []);
      assert.notEqual(await send(witness, kMessage, { to: node.nodeId }), 'OK');
      await end();
      await eventually(
        'it has its lease again',
        async () => (await grid.lease(node.nodeId)) === lease,
        scaled(1000),
      );
      assert.equal(node.connected, true);
      await talks(witness, node, scaled(1000));
      await talks(node, witness, scaled(2000));
    });

    test(`of each of 50 ids, half of them taken, whose broker was ${name}`, async () => {
      const nodes = await Promise.all(
        Array.from({ length: 50 }, () => joinNode(grid.brokers[0].port)),
      );
      const ids = nodes.map((node) => node.nodeId);
      const taken = ids.filter((_, i) => i % 2 === 0);
      await begin();
      await Promise.all(ids.map(leaseIsFree));
      const takers = await Promise.all(taken.map((id) => joinPatiently(grid.brokers[1].port, id)));
      await end();
      await eventually(
        'the losers are gone and the others hold their ids',
        async () => {
          const held = await grid.idsHeldBy(grid.brokers[0]);
          return ids.every((id, i) =>
            taken.includes(id) ? !nodes[i].connected : held.includes(id),
          );
        },
        scaled(1000),
      );
      assert.ok(takers.every((node) => node.connected));
      assert.ok(nodes.every((node, i) => node.connected === (i % 2 === 1)));
      const held = await grid.idsHeldBy(grid.brokers[1]);
      assert.ok(taken.every((id) => held.includes(id)));
      for (const node of [...nodes, ...takers]) node.disconnect();
      await eventually('all are gone', async () => (await presence(witness, ids)).length === 0);
    });
  }

  test('of an id that was claimed while the network was down and granted when it was up again', async () => {
    const id = freshId('late');
    grid.wires[0].hold();
    assert.equal((await tryConnect(grid.brokers[0].port, id)).outcome, '503');
    const second = await joinNode(grid.brokers[1].port, id);
    second.disconnect();
    await leaseIsFree(id);
    grid.wires[0].open();
    // A claim that took so long is of nobody any more: the id must not stay locked.
    await joinPatiently(grid.brokers[1].port, id, scaled(3000));
  });
});

test('a broker that alone is disconnected from Redis: the others go on', ours, async (t) => {
  const env = { PLUGIN_TIMEOUT_MS: String(scaled(1500)) };
  const grid = await Grid.start(2, { env, wired: true });
  t.after(() => grid.kill());
  const [a, a2] = [await joinNode(grid.brokers[0].port), await joinNode(grid.brokers[0].port)];
  const b = await joinNode(grid.brokers[1].port);
  await talks(a, b);
  await talks(b, a);
  grid.wires[0].swallow();
  assert.equal(await send(a, kMessage, { to: b.nodeId }), 'ERROR');
  assert.equal(await send(b, kMessage, { to: a.nodeId }), 'ERROR');
  assert.equal(await tell(a, a2), 'OK');
  const fresh = await joinNode(grid.brokers[1].port);
  assert.deepEqual(await presence(b, [a.nodeId, fresh.nodeId]), [a.nodeId, fresh.nodeId]);
  assert.equal((await tryConnect(grid.brokers[0].port, freshId())).outcome, '503');
  // Nobody can be asked whether it lives, but its lease stands.
  assert.equal((await tryConnect(grid.brokers[1].port, a.nodeId)).outcome, '503');
  grid.wires[0].open();
  await talks(a, b, scaled(5000));
  await talks(b, a, scaled(5000));
  // By another connection than messages: that one may take longer.
  await eventually('it can be asked again', async () => {
    const { outcome } = await tryConnect(grid.brokers[1].port, a.nodeId);
    assert.notEqual(outcome, 'in');
    return outcome === 'taken';
  });
  assert.ok([a, a2, b].every((node) => node.connected));
  await grid.stop();
});
