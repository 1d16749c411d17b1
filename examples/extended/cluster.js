// Redis Cluster for run-local --cluster: three masters with a replica each. What redis-cli --cluster create does, without it.
'use strict';

const { randomBytes } = require('node:crypto');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');

const SLOTS = 16_384;
const MASTERS = 3;
const NODES = 6;

const numbered = (name, first) =>
  Object.fromEntries(Array.from({ length: NODES }, (_, i) => [name(i + 1), first + i]));
/** Variables → ports: where nodes answer clients, and each other. */
const CLUSTER_PORTS = {
  ...numbered((number) => (number === 1 ? 'REDIS_PORT' : `REDIS_${number}_PORT`), 6390),
  ...numbered((number) => `REDIS_BUS_${number}_PORT`, 16_390),
};

/** The rights that the brokers need in a cluster instead of those of one server; and a user who makes the cluster. */
const clusterUsers = (users, password) =>
  `${users.replace('+publish +subscribe', '+spublish +ssubscribe +sunsubscribe +cluster|slots +asking').replace(' +select', '')}
user setup on >${password} -@all +cluster
`;

/** Whether all of a reply is there: a line, or what `$length` announces. */
function isComplete(reply) {
  const end = reply.indexOf('\r\n');
  if (end < 0) return false;
  return reply[0] !== '$' || reply.length >= end + 4 + Number(reply.slice(1, end));
}

/** The reply to one command of the user `setup`, as it is; empty if there is none. */
async function tell(port, password, command) {
  const socket = net.connect(port, '127.0.0.1');
  try {
    socket.on('error', () => {});
    socket.setTimeout(1000, () => socket.destroy(new Error('silent')));
    socket.write(`AUTH setup ${password}\r\n${command}\r\n`);
    let received = '';
    for (;;) {
      const [bytes] = await once(socket, 'data', { signal: AbortSignal.timeout(2000) });
      received += bytes;
      const [login] = received.split('\r\n', 1);
      const reply = received.slice(login.length + 2);
      if (login !== '+OK') return '';
      if (isComplete(reply)) return reply;
    }
  } catch {
    return '';
  } finally {
    socket.destroy();
  }
}

/** Six servers, and how they become a cluster. */
class DemoCluster {
  constructor(ports, password) {
    this.password = password;
    this.nodes = Array.from({ length: NODES }, (_, i) => ({
      port: ports[i === 0 ? 'REDIS_PORT' : `REDIS_${i + 1}_PORT`],
      bus: ports[`REDIS_BUS_${i + 1}_PORT`],
    }));
  }

  #tell(node, command) {
    return tell(node.port, this.password, command);
  }

  /** Options of redis-server. */
  args({ bus }) {
    return ['--cluster-enabled', 'yes', '--cluster-port', String(bus), '--cluster-node-timeout', '2000'];
  }

  /** When all answer: makes them a cluster, step by step. True: it is one. */
  async isMade() {
    if (!this.hasMet) {
      for (const [i, node] of this.nodes.slice(0, MASTERS).entries()) {
        const [first, next] = [i, i + 1].map((n) => Math.ceil((n * SLOTS) / MASTERS));
        await this.#tell(node, `CLUSTER SET-CONFIG-EPOCH ${i + 1}`);
        await this.#tell(node, `CLUSTER ADDSLOTSRANGE ${first} ${next - 1}`);
      }
      const [first, ...others] = this.nodes;
      for (const node of others) await this.#tell(node, `CLUSTER MEET 127.0.0.1 ${first.port} ${first.bus}`);
      this.hasMet = true;
    }
    for (const [i, node] of this.nodes.slice(MASTERS).entries()) {
      const [, id] = /^\$\d+\r\n(\w+)/.exec(await this.#tell(this.nodes[i], 'CLUSTER MYID')) ?? [];
      if (!node.replicates) node.replicates = (await this.#tell(node, `CLUSTER REPLICATE ${id}`)).startsWith('+OK');
      if (!node.replicates) return false;
    }
    const infos = await Promise.all(this.nodes.map((node) => this.#tell(node, 'CLUSTER INFO')));
    return infos.every((info) => info.includes('cluster_state:ok'));
  }

  /** Whether the node at this port, which has ended, is no master any more: it has lost its data, and would have none. */
  async mayComeBack(port) {
    const other = this.nodes.find((node) => node.port !== port);
    const nodes = (await this.#tell(other, 'CLUSTER NODES')).split('\n');
    const own = nodes.find((line) => line.includes(`:${port}@`));
    // Behind eight fields come its slots.
    return own !== undefined && own.trim().split(' ').length === 8;
  }
}

/** Adds the servers of a cluster to the services. Returns what the brokers connect to. */
function addCluster({ add, redis, ports, state, writeSecretly, answersRedis, url, users, configuration }) {
  const [setup, replica] = [1, 2].map(() => randomBytes(16).toString('hex'));
  const cluster = new DemoCluster(ports, setup);
  const aclFile = writeSecretly(
    path.join(state, 'redis-users'),
    `${clusterUsers(users, setup)}user replica on >${replica} -@all +psync +replconf +ping\n`,
  );
  const replication = `masteruser replica\nmasterauth ${replica}\nrepl-diskless-sync-delay 0\n`;
  const file = writeSecretly(path.join(state, 'redis.conf'), configuration + replication);
  for (const [i, node] of cluster.nodes.entries()) {
    const name = i === 0 ? 'redis' : `redis-${i + 1}`;
    const folder = path.join(state, `${name}-data`);
    fs.mkdirSync(folder);
    const isLast = i === cluster.nodes.length - 1;
    add(name, {
      command: [
        ...[redis, file, '--port', String(node.port), '--bind', '127.0.0.1', '--dir', folder, '--aclfile', aclFile],
        ...cluster.args(node),
      ],
      isReady: async () => (await answersRedis(node.port)) && (!isLast || cluster.isMade()),
      mayComeBack: () => cluster.mayComeBack(node.port),
    });
  }
  const { username, password } = new URL(url);
  const hosts = cluster.nodes.slice(0, 2).map(({ port }) => `127.0.0.1:${port}`);
  return `redis://${username}:${password}@${hosts.join(',')}`;
}

module.exports = { addCluster, CLUSTER_PORTS };
