/// A cluster of three primaries with a replica each, and what happens to them.
import { freePort } from './broker.mjs';
import { Deployment } from './redis-deployment.mjs';
import { RedisServer } from './redis-server.mjs';
import { Wires } from './redis-wire.mjs';
import { delay, eventually, scaled } from './time.mjs';

const kSlots = 16384;

/// CRC-16/XMODEM of what stands between the first { and the next }, or of all of it: Redis Cluster Specification.
export function slotOf(key) {
  const text = String(key);
  const begin = text.indexOf('{');
  const end = text.indexOf('}', begin + 1);
  let crc = 0;
  for (const byte of Buffer.from(begin >= 0 && end > begin + 1 ? text.slice(begin + 1, end) : text)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; ++bit) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc % kSlots;
}

/// Of the ids that `make` makes one in each third of the slots, which is what each of three primaries has at first.
export function idsInThirds(make) {
  const inThird = (third) => {
    for (;;) {
      const id = make();
      if (Math.floor((slotOf(id) * 3) / kSlots) === third) return id;
    }
  };
  return [0, 1, 2].map(inThird);
}

/// A line of CLUSTER NODES: `<id> <ip>:<port>@<bus> <flags> <primary> <ping> <pong> <epoch> <link> <slots>…`.
function parseNode(line) {
  const [id, address, flags, primary, , , epoch, link, ...slots] = line.split(' ');
  return {
    id,
    port: Number(/:(\d+)@/.exec(address)[1]),
    flags: flags.split(','),
    primary: primary === '-' ? undefined : primary,
    epoch: Number(epoch),
    link,
    slots: slots
      .filter((range) => !range.startsWith('['))
      .map((range) => range.split('-').map(Number))
      .map(([first, last = first]) => ({ first, last })),
  };
}

export class Cluster extends Deployment {
  /// `nodeTimeout`: a node that is silent for so long (ms) may be replaced. Other options are those of RedisServer.start.
  /// Resolves once all slots are served, and each primary has its replica.
  static async start({ shards = 3, replicas = 1, nodeTimeout = 2000, args = [], ...options } = {}) {
    const cluster = new Cluster();
    const start = async () =>
      RedisServer.start({
        ...options,
        args: [
          ...['--cluster-enabled', 'yes', '--cluster-node-timeout', nodeTimeout],
          ...['--cluster-port', await freePort(), '--repl-diskless-sync-delay', 0, ...args],
        ],
      });
    while (cluster.servers.length < shards * (1 + replicas)) cluster.servers.push(await start());
    const { servers } = cluster;
    for (const server of servers) server.id = await server.command('CLUSTER', 'MYID');
    const busOf = (server) => server.args[server.args.indexOf('--cluster-port') + 1];
    for (const [shard, server] of servers.slice(0, shards).entries()) {
      await server.command('CLUSTER', 'SET-CONFIG-EPOCH', shard + 1);
      const first = Math.ceil((shard * kSlots) / shards);
      await server.command('CLUSTER', 'ADDSLOTSRANGE', first, Math.ceil(((shard + 1) * kSlots) / shards) - 1);
    }
    for (const server of servers.slice(1)) {
      await server.command('CLUSTER', 'MEET', '127.0.0.1', servers[0].port, busOf(servers[0]));
    }
    await eventually('all know each other', async () => {
      const known = await Promise.all(servers.map((server) => cluster.nodes(server)));
      const isKnown = ({ link, flags }) => link === 'connected' && !flags.includes('handshake');
      return known.every((nodes) => nodes.length === servers.length && nodes.every(isKnown));
    });
    for (const [at, server] of servers.slice(shards).entries()) {
      await server.command('CLUSTER', 'REPLICATE', servers[at % shards].id);
    }
    await cluster.isSettled();
    return cluster;
  }

  /// Two are enough to be told of the others.
  get seeds() {
    return this.servers.slice(0, 2).map(({ port }) => port);
  }

  /// The cluster as this server sees it.
  async nodes(server) {
    return (await server.command('CLUSTER', 'NODES')).trim().split('\n').map(parseNode);
  }

  /// As a server sees it that answers; of those the one that knows the latest change.
  async view() {
    const views = await Promise.all(
      this.servers
        .filter((server) => !server.hasExited && !server.isFrozen)
        .map((server) => this.nodes(server).catch(() => null)),
    );
    const epoch = (nodes) => Math.max(...nodes.map((node) => node.epoch));
    const known = views.filter(Boolean);
    if (known.length === 0) throw new Error('no node of the cluster answers');
    return known.reduce((best, nodes) => (epoch(nodes) > epoch(best) ? nodes : best));
  }

  #server(id) {
    return this.servers.find((server) => server.id === id);
  }

  async primaries() {
    const nodes = await this.view();
    return nodes
      .filter(({ flags, slots }) => flags.includes('master') && !flags.includes('fail') && slots.length > 0)
      .map(({ id }) => this.#server(id));
  }

  /// Who serves this key or channel.
  async owner(key) {
    const slot = slotOf(key);
    const holds = ({ slots }) => slots.some(({ first, last }) => first <= slot && slot <= last);
    return this.#server((await this.view()).find(holds).id);
  }

  async idsOfEach(make, keyOf) {
    const nodes = (await this.view()).filter(({ flags, slots }) => flags.includes('master') && slots.length > 0);
    return nodes.map(({ slots }) => {
      for (;;) {
        const id = make();
        const slot = slotOf(keyOf(id));
        if (slots.some(({ first, last }) => first <= slot && slot <= last)) return id;
      }
    });
  }

  /// The replicas of a server.
  async replicasOf(primary) {
    const nodes = (await this.view()).filter((node) => node.primary === primary.id);
    return nodes.map(({ id }) => this.#server(id));
  }

  /// Who served a slot when we were sent there last.
  #known = new Map();

  /// Like other clients, it remembers who serves what, is sent on when that has changed, and tries again while nobody does.
  async command(name, ...args) {
    const slot = slotOf(args[0]);
    const deadline = Date.now() + scaled(10_000);
    let server = this.#known.get(slot);
    let asks = false;
    for (;;) {
      if (!server || server.hasExited || server.isFrozen) server = await this.owner(args[0]);
      try {
        // Nothing comes between the two.
        const [, answer] = await Promise.all([asks && server.command('ASKING'), server.command(name, ...args)]);
        if (!asks) this.#known.set(slot, server);
        return answer;
      } catch (error) {
        const [, how, port] = /^(MOVED|ASK) \d+ \S*:(\d+)$/.exec(error.message) ?? [];
        this.#known.delete(slot);
        if (!how && !/^(CLUSTERDOWN|LOADING|TRYAGAIN|Redis hung up)/.test(error.message)) throw error;
        if (Date.now() > deadline) throw error;
        server = this.servers.find((each) => each.port === Number(port));
        asks = how === 'ASK';
        if (!how) await delay(20);
      }
    }
  }

  pubsub = { publish: 'SPUBLISH', subscribe: 'SSUBSCRIBE', message: 'smessage' };
  async channels() {
    return (await this.onPrimaries('PUBSUB', 'SHARDCHANNELS')).flat();
  }

  /// What the servers' logs say that matches, oldest first.
  logged(pattern, since) {
    return this.servers
      .flatMap((server) => server.logged(pattern, since))
      .sort((a, b) => a.at - b.at);
  }

  /// When a replica won the election, as it dates it itself.
  async election(since, milliseconds = scaled(15_000)) {
    let elected;
    await eventually(
      'a replica is elected',
      () => ([elected] = this.logged(/^Failover election won/, since)).length > 0 && elected,
      milliseconds,
    );
    return elected.at;
  }

  /// The failover that operators order, at the replica: the primary is alive, and hands over.
  async failover(replica) {
    await replica.command('CLUSTER', 'FAILOVER');
  }

  /// Everybody says that every slot is served.
  async #isServed() {
    await eventually('all slots are served', async () => {
      const infos = await this.everywhere('CLUSTER', 'INFO');
      return infos.every((info) => /cluster_state:ok/.test(info));
    });
  }
  async run() {
    await super.run();
    await this.#isServed();
  }
  async thaw() {
    super.thaw();
    await this.#isServed();
  }

  /// Moves `count` slots, with what is in them, from one primary to another, as redis-cli --cluster reshard does it.
  async moveSlots(count, from, to) {
    const own = (await this.view()).find(({ id }) => id === from.id).slots;
    const slots = own.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, n) => first + n));
    const others = (await this.primaries()).filter((server) => server !== from && server !== to);
    for (const slot of slots.slice(0, count)) {
      await to.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
      await from.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
      for (;;) {
        const keys = await from.command('CLUSTER', 'GETKEYSINSLOT', slot, 100);
        if (keys.length === 0) break;
        await from.command('MIGRATE', '127.0.0.1', to.port, '', 0, 5000, 'REPLACE', 'KEYS', ...keys);
      }
      for (const server of [to, from, ...others]) await server.command('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
    }
  }

  /// All slots are served, all nodes agree who serves them, and each primary has its replica.
  async isSettled(milliseconds = scaled(30_000)) {
    const { servers } = this;
    let why;
    const settled = async () => {
      for (const server of servers) {
        const info = await server.command('CLUSTER', 'INFO');
        why = info;
        if (!/cluster_state:ok/.test(info) || !/cluster_slots_ok:16384/.test(info)) return false;
      }
      const views = await Promise.all(servers.map((server) => this.nodes(server)));
      const known = ({ id, primary, slots, flags }) =>
        JSON.stringify({ id, primary, slots, flags: flags.filter((flag) => flag !== 'myself') });
      const shape = (nodes) => nodes.map(known).sort().join('\n');
      why = views.map(shape);
      if (new Set(why).size > 1 || /fail|handshake/.test(why[0])) return false;
      const primaries = await this.primaries();
      const replicas = await Promise.all(primaries.map((primary) => this.replicasOf(primary)));
      if (replicas.some((each) => each.length === 0)) return false;
      for (const replica of replicas.flat()) {
        const { master_link_status: link } = await replica.info('replication');
        why = `the link of ${replica.port} is ${link}`;
        if (link !== 'up') return false;
      }
      // A primary does not stream to a replica yet that has only just loaded its data.
      for (const primary of primaries) {
        const { slave0 } = await primary.info('replication');
        why = `the replica of ${primary.port} is ${slave0}`;
        if (!/state=online/.test(slave0)) return false;
      }
      return true;
    };
    try {
      await eventually('the nodes of the cluster agree', settled, milliseconds);
    } catch (error) {
      throw new Error(`${error.message}: ${why}`);
    }
  }

  /// The ways of one broker to all of them.
  async wire() {
    const wires = await Wires.to(this.servers.map(({ port }) => port));
    return Object.assign(wires, { env: this.env({ ports: this.seeds.map((port) => wires.portTo(port)) }) });
  }

  isInternal(line) {
    return / flags=[SM]/.test(line);
  }

  async setPassword(password) {
    await this.everywhere('CONFIG', 'SET', 'masterauth', password);
    await super.setPassword(password);
  }
}
