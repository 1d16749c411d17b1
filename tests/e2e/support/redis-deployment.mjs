/// What stands behind one REDIS_URL, whatever that is: one server here; several with Sentinels (redis-sentinel.mjs) or as a
/// cluster (redis-cluster.mjs). "Redis" crashes, hangs and refuses as a whole: how a part of it is replaced is the
/// subject of redis-failover.test.mjs alone.
import { freePort } from './broker.mjs';
import { RedisServer } from './redis-server.mjs';
import { Wire } from './redis-wire.mjs';
import { testAuthority } from './tls.mjs';

/// Of a URL, percent-encoded.
const credentials = ({ user = '', password }) =>
  password === undefined ? '' : `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`;

export class Deployment {
  /// All that hold data.
  servers = [];

  get url() {
    return this.urlWith();
  }

  /// The URL for brokers that log in, or use another database.
  urlWith({ database, host = '127.0.0.1', ports = this.seeds, ...login } = {}) {
    const hosts = ports.map((port) => `${host}:${port}`).join(',');
    const path = this.query || database !== undefined ? `/${database ?? ''}` : '';
    return `${this.scheme}://${credentials(login)}${hosts}${path}${this.query}`;
  }
  scheme = 'redis';
  query = '';
  /// The ports that a broker is told.
  get seeds() {
    return [this.servers[0].port];
  }

  /// Variables of a broker; options are those of urlWith().
  env(options) {
    return { REDIS_URL: this.urlWith(options) };
  }

  /// Those that take writes.
  async primaries() {
    return this.servers;
  }
  /// Who has this key or channel.
  async owner(_key) {
    return (await this.primaries())[0];
  }

  /// For each of those that take writes one of the ids that `make` makes and whose key it has.
  async idsOfEach(make, _keyOf) {
    return [make()];
  }

  /// Runs one command at the owner of its first argument.
  async command(name, ...args) {
    return (await this.owner(args[0])).command(name, ...args);
  }
  /// At each of those that take writes, or at all.
  async onPrimaries(...command) {
    return Promise.all((await this.primaries()).map((server) => server.command(...command)));
  }
  async everywhere(...command) {
    return Promise.all(this.servers.map((server) => server.command(...command)));
  }

  async keys(pattern) {
    return (await this.onPrimaries('KEYS', pattern)).flat();
  }
  async values(keys) {
    return Promise.all(keys.map((key) => this.command('GET', key)));
  }

  /// A client of who has this key or channel.
  async connect(key) {
    return (await this.owner(key)).connect();
  }

  /// The commands of channels, and the first item of what a subscriber gets.
  pubsub = { publish: 'PUBLISH', subscribe: 'SUBSCRIBE', message: 'message' };

  /// Answers how many have got it.
  publish(channel, bytes) {
    return this.command(this.pubsub.publish, channel, bytes);
  }
  /// The channels that somebody listens to.
  async channels() {
    return (await this.onPrimaries('PUBSUB', 'CHANNELS', '*')).flat();
  }
  /// What is published on them, as the bytes it was, until the client is closed.
  async listen(channel) {
    const client = await this.connect(channel);
    const heard = [];
    client.encoding = 'latin1';
    client.onPush = ([kind, , text]) => kind === this.pubsub.message && heard.push(Buffer.from(text, 'latin1'));
    await client.command(this.pubsub.subscribe, channel);
    return { heard, close: () => client.close() };
  }

  /// The connections of this type that brokers have.
  async clients(type) {
    const lists = await Promise.all(
      this.servers.map(async (server) => {
        const list = await server.command('CLIENT', 'LIST', 'TYPE', type);
        const lines = list.split('\n').filter((line) => line && !this.isInternal(line));
        return lines.map((line) => ({ kill: () => server.command('CLIENT', 'KILL', 'ID', /^id=(\d+)/.exec(line)[1]) }));
      }),
    );
    return lists.flat();
  }
  /// Hangs up on the brokers' connections of this type.
  async killClients(type) {
    await this.everywhere('CLIENT', 'KILL', 'TYPE', type);
  }
  /// A connection in CLIENT LIST that is not of a broker: of servers with each other.
  isInternal(_line) {
    return false;
  }

  /// Until they are to be taken again. What a demoted primary says is READONLY.
  async refuseWrites() {
    await this.everywhere('CONFIG', 'SET', 'min-replicas-to-write', 100);
  }
  async takeWrites() {
    await this.everywhere('CONFIG', 'SET', 'min-replicas-to-write', 0);
  }

  async setPassword(password) {
    await this.everywhere('CONFIG', 'SET', 'requirepass', password);
  }

  /// What brokers say to those that take writes.
  async monitor() {
    const monitors = await Promise.all((await this.primaries()).map((server) => this.#watch(server)));
    return {
      /// In the order in which they were executed: each begins with its time.
      get lines() {
        const all = monitors.flatMap(({ lines }) => lines);
        return monitors.length === 1 ? all : all.sort((a, b) => parseFloat(a) - parseFloat(b));
      },
      stop: () => monitors.forEach((monitor) => monitor.stop()),
    };
  }

  async #watch(server) {
    const monitor = await server.monitor();
    const list = await server.command('CLIENT', 'LIST');
    const internal = list.split('\n').filter((line) => this.isInternal(line));
    const addresses = internal.map((line) => / addr=(\S+)/.exec(line)[1]);
    return {
      get lines() {
        return monitor.lines.filter((line) => !addresses.some((address) => line.includes(` ${address}] `)));
      },
      stop: monitor.stop,
    };
  }

  #all(what) {
    return Promise.all(this.servers.map((server) => server[what]()));
  }
  async crash() {
    await this.#all('crash');
  }
  forget() {
    for (const server of this.servers) server.forget();
  }
  async run() {
    await this.#all('run');
  }
  /// What is dead or stands still is back, and everybody is in its place.
  async heal() {
    for (const server of this.servers) {
      if (server.isFrozen) server.thaw();
      if (server.hasExited) await this.rejoin(server);
    }
    await this.isSettled();
  }
  async rejoin(server) {
    await server.run();
  }
  async isSettled() {}

  async freeze() {
    await this.#all('freeze');
  }
  thaw() {
    for (const server of this.servers) server.thaw();
  }
  async stop() {
    await this.#all('stop');
  }
}

/// One server, plain or with TLS.
export class SingleServer extends Deployment {
  /// Options are those of RedisServer.start.
  static async start(options) {
    const single = new SingleServer();
    single.servers = [await RedisServer.start(options)];
    if (options?.tls) single.scheme = 'rediss';
    return single;
  }

  get port() {
    return this.servers[0].port;
  }

  env(options) {
    const trusted = this.scheme === 'rediss' ? { REDIS_CA_FILE: testAuthority().file } : {};
    return { ...super.env(options), ...trusted };
  }

  /// A way of one broker to it: what Wire has, and `env`.
  async wire() {
    const wire = await Wire.to(this.port);
    return Object.assign(wire, { env: this.env({ ports: [wire.port] }) });
  }

  async refuseWrites() {
    await this.command('REPLICAOF', '127.0.0.1', await freePort());
  }
  async takeWrites() {
    await this.command('REPLICAOF', 'NO', 'ONE');
  }
}
