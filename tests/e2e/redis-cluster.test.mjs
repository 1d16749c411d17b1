// What only a cluster has: slots that move, masters that come and go, rights of its own.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { freePort, oursOnly, repository } from './support/broker.mjs';
import { admits, brokerFor, Grid, isTaken, kRedisWarmUp, presence, talks, tell, tryConnect } from './support/grid.mjs';
import { freshId, joinNode } from './support/node.mjs';
import { slotOf } from './support/redis-cluster.mjs';
import { RedisServer } from './support/redis.mjs';
import { eventually, scaled } from './support/time.mjs';

const ours = oursOnly('has no clusters');
const kPatience = kRedisWarmUp + scaled(5000);

/// A slot that is between two masters: it may be moved on, key by key, or be given.
class MovingSlot {
  static async begin(redis, slot, from, to) {
    await to.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
    await from.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
    return Object.assign(new MovingSlot(), { redis, slot, from, to });
  }
  keysAt(server) {
    return server.command('CLUSTER', 'GETKEYSINSLOT', this.slot, 100);
  }
  async end() {
    const { from, to, slot, redis } = this;
    const keys = await this.keysAt(from);
    if (keys.length > 0) await from.command('MIGRATE', '127.0.0.1', to.port, '', 0, 5000, 'REPLACE', 'KEYS', ...keys);
    await to.command('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
    await from.command('CLUSTER', 'SETSLOT', slot, 'NODE', to.id).catch((error) => {
      // Without slots it has become a replica meanwhile.
      if (!/only with masters/.test(error.message)) throw error;
    });
    await eventually('everybody knows', async () => {
      const views = await Promise.all(redis.servers.map((server) => redis.nodes(server)));
      const serves = ({ slots }) => slots.some(({ first, last }) => first <= slot && slot <= last);
      return views.every((nodes) => nodes.find(serves)?.id === to.id);
    });
  }
}

describe('a cluster', ours, () => {
  let grid;
  let redis;
  before(async () => {
    grid = await Grid.start(2, { mode: 'cluster', redis: { args: ['--cluster-require-full-coverage', 'no'] } });
    redis = grid.redis;
  });
  after(() => grid.stop());
  const ports = () => grid.brokers.map(({ port }) => port);
  const restOf = async (server) => (await redis.primaries()).filter((each) => each !== server);

  /// A new id in the slots of this server.
  async function idAt(server) {
    const primaries = await redis.primaries();
    const ids = await redis.idsOfEach(() => freshId(), (id) => grid.key(id));
    return ids[(await Promise.all(ids.map((id) => redis.owner(grid.key(id))))).indexOf(primaries.find((each) => each === server))];
  }

  test('has the lease of an id at the master of its slot', async () => {
    const nodes = await Promise.all(Array.from({ length: 30 }, (_, n) => joinNode(ports()[n % 2])));
    for (const { nodeId } of nodes) assert.match(await grid.lease(nodeId), /^[0-9a-f]{16}\+/);
    const ids = nodes.map(({ nodeId }) => nodeId);
    assert.deepEqual(await presence(nodes[0], ids), ids);
    for (const node of nodes) node.disconnect();
    await eventually('all are free', async () => (await redis.keys('crolang:node:*')).length === 0);
  });

  test('grants an id whose slot is being moved, and keeps it', async () => {
    const id = freshId('moving');
    const from = await redis.owner(grid.key(id));
    const [to] = await restOf(from);
    const staying = await joinNode(ports()[0], `{${id}}-stays`);
    const moving = await MovingSlot.begin(redis, slotOf(id), from, to);
    const node = await joinNode(ports()[0], id);
    assert.deepEqual(await moving.keysAt(to), [grid.key(id)]);
    await isTaken(ports()[1], id);
    const other = await joinNode(ports()[1]);
    await talks(other, node);
    await moving.end();
    await isTaken(ports()[1], id);
    await talks(other, node);
    await talks(other, staying);
    // Leaves it with the new master.
    for (const each of [node, staying]) each.disconnect();
    await eventually('it is free', async () => (await grid.lease(id)) === null);
    assert.ok(other.connected);
    other.disconnect();
  });

  test('is followed to a master that is new, and that leaves again', async () => {
    const server = await RedisServer.start({
      args: ['--cluster-enabled', 'yes', '--cluster-port', await freePort(), '--cluster-require-full-coverage', 'no'],
    });
    server.id = await server.command('CLUSTER', 'MYID');
    const id = freshId('new');
    const from = await redis.owner(grid.key(id));
    const bus = from.args[from.args.indexOf('--cluster-port') + 1];
    await server.command('CLUSTER', 'MEET', '127.0.0.1', from.port, bus);
    redis.servers.push(server);
    try {
      await eventually('they know each other', async () => {
        const views = await Promise.all(redis.servers.map((each) => redis.nodes(each)));
        return views.every((nodes) => nodes.length === redis.servers.length && nodes.every(({ link }) => link === 'connected'));
      });
      await eventually('it serves', async () => /cluster_state:ok/.test(await server.command('CLUSTER', 'INFO')));
      // It is no master that anybody has been told of.
      const moving = await MovingSlot.begin(redis, slotOf(id), from, server);
      const node = await joinNode(ports()[0], id);
      assert.deepEqual(await moving.keysAt(server), [grid.key(id)]);
      await moving.end();
      const other = await joinNode(ports()[1]);
      await talks(other, node);
      await eventually('both brokers are connected to it', async () => {
        const list = await server.command('CLIENT', 'LIST');
        return list.split('\n').filter((line) => line.includes('cmd=hello')).length >= 2;
      });
      const back = await MovingSlot.begin(redis, slotOf(id), server, from);
      await back.end();
      await eventually(
        'both brokers have left it',
        async () => !(await server.command('CLIENT', 'LIST')).includes('cmd=hello'),
        scaled(20_000),
      );
      await talks(other, node);
      await isTaken(ports()[1], id);
      for (const each of [node, other]) each.disconnect();
    } finally {
      redis.servers.splice(redis.servers.indexOf(server), 1);
      await redis.everywhere('CLUSTER', 'FORGET', server.id);
      await server.stop();
    }
  });

  test('admits nodes in the slots of other masters while one is away', async () => {
    const [lost] = await redis.primaries();
    const [held, fresh] = [await idAt(lost), await idAt(lost)];
    const others = await restOf(lost);
    const node = await joinNode(ports()[0], held);
    const replicas = await redis.replicasOf(lost);
    for (const server of [lost, ...replicas]) await server.freeze();
    try {
      await eventually('it is noticed', async () => (await tryConnect(ports()[0], fresh)).outcome === '503');
      for (const other of others) {
        for (const port of ports()) assert.equal((await tryConnect(port, await idAt(other))).outcome, 'in');
      }
      assert.equal(node.connected, true);
    } finally {
      await redis.heal();
    }
    await grid.isOpen();
    await isTaken(ports()[1], held);
    assert.equal(node.connected, true);
    node.disconnect();
  });

  test('needs no more rights than the README names, also while a slot is moved', async (t) => {
    const readme = fs.readFileSync(path.join(repository, 'plugins/redis-registry/README.md'), 'utf8');
    const [, rights] = /^ACL SETUSER broker on >password (.*\+ssubscribe.*)$/m.exec(readme);
    await redis.everywhere('ACL', 'SETUSER', 'least', 'reset', 'on', '>pw', ...rights.split(' '));
    await redis.everywhere('ACL', 'LOG', 'RESET');
    const broker = await brokerFor(t, redis.env({ user: 'least', password: 'pw' }));
    await admits(broker.port, kPatience);
    const id = freshId('least');
    const from = await redis.owner(grid.key(id));
    const [to] = await restOf(from);
    const moving = await MovingSlot.begin(redis, slotOf(id), from, to);
    const [node, other] = [await joinNode(broker.port, id), await joinNode(ports()[0])];
    assert.equal(await tell(node, other), 'OK');
    assert.equal(await tell(other, node), 'OK');
    await moving.end();
    await talks(other, node);
    await isTaken(broker.port, other.nodeId);
    await broker.stop();
    assert.equal(await grid.lease(id), null);
    assert.deepEqual((await redis.everywhere('ACL', 'LOG')).flat(), []);
    other.disconnect();
  });
});
