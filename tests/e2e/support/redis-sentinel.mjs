/// A primary, replicas and three Sentinels, and what happens to them.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { Deployment } from './redis-deployment.mjs';
import { RedisServer } from './redis-server.mjs';
import { Wires } from './redis-wire.mjs';
import { eventually, scaled } from './time.mjs';

export const kPrimaryName = 'crolang';

/// A flat list of names and values, as Sentinel has it.
const fields = (list) => {
  const all = {};
  for (let at = 0; at < list.length; at += 2) all[list[at]] = list[at + 1];
  return all;
};

/// A Sentinel writes to its file, so it has one; it begins with knowing everybody, which it would learn within seconds.
async function startSentinel({ port, id }, others, [primary, ...replicas], { downAfter, failoverTimeout }) {
  const sentinel = await RedisServer.prepared({ port });
  const file = path.join(sentinel.directory, 'sentinel.conf');
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${sentinel.directory}`,
    `sentinel myid ${id}`,
    `sentinel monitor ${kPrimaryName} 127.0.0.1 ${primary.port} 2`,
    `sentinel down-after-milliseconds ${kPrimaryName} ${downAfter}`,
    `sentinel failover-timeout ${kPrimaryName} ${failoverTimeout}`,
    ...replicas.map((replica) => `sentinel known-replica ${kPrimaryName} 127.0.0.1 ${replica.port}`),
    ...others.map((other) => `sentinel known-sentinel ${kPrimaryName} 127.0.0.1 ${other.port} ${other.id}`),
  ];
  fs.writeFileSync(file, `${lines.join('\n')}\n`);
  sentinel.args = [file, '--sentinel'];
  await sentinel.run();
  return sentinel;
}

export class Sentinels extends Deployment {
  /// Who was the primary when a Sentinel answered last.
  #primary;

  /// `downAfter`: a primary that is silent for so long is replaced; not again within twice `failoverTimeout`.
  /// `infoPeriod`: how often a Sentinel asks servers what they are. All in ms.
  /// Other options are those of RedisServer.start, for the servers with data. Resolves once a failover is possible.
  static async start({
    replicas = 1,
    downAfter = 1000,
    failoverTimeout = 2000,
    infoPeriod = 10_000,
    args = [],
    ...options
  } = {}) {
    const all = new Sentinels();
    // A replica is sent the data at once, not when others might want them too.
    const start = (...more) =>
      RedisServer.start({ ...options, args: ['--repl-diskless-sync-delay', 0, ...args, ...more] });
    all.servers = [await start()];
    [all.#primary] = all.servers;
    while (all.servers.length <= replicas) all.servers.push(await RedisServer.prepared());
    for (const [at, server] of all.servers.entries()) {
      if (at === 0) continue;
      server.args = [...all.servers[0].args];
      const own = (name, value) => (server.args[server.args.indexOf(name) + 1] = String(value));
      own('--port', server.port);
      own('--dir', server.directory);
      await all.rejoin(server);
    }
    const known = [];
    while (known.length < 3) {
      const { port } = await RedisServer.prepared();
      known.push({ port, id: randomBytes(20).toString('hex') });
    }
    all.sentinels = await Promise.all(
      known.map((each) =>
        startSentinel(each, known.filter((other) => other !== each), all.servers, { downAfter, failoverTimeout }),
      ),
    );
    for (const sentinel of all.sentinels) await sentinel.command('SENTINEL', 'DEBUG', 'INFO-PERIOD', infoPeriod);
    await all.isSettled();
    return all;
  }

  query = `?master=${kPrimaryName}`;
  get seeds() {
    return this.sentinels.map(({ port }) => port);
  }

  /// Who the Sentinels say is the primary. Those that have not led a failover hear of it last: so the one that knows the
  /// latest configuration is right.
  async primary() {
    const ask = async (sentinel) => {
      const [, port] = await sentinel.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', kPrimaryName);
      const known = fields(await sentinel.command('SENTINEL', 'MASTER', kPrimaryName));
      return { port: Number(port), epoch: Number(known['config-epoch']) };
    };
    const answers = await Promise.all(this.sentinels.map((sentinel) => ask(sentinel).catch(() => null)));
    const [latest] = answers.filter(Boolean).sort((a, b) => b.epoch - a.epoch);
    this.#primary = this.servers.find(({ port }) => port === latest?.port) ?? this.#primary;
    return this.#primary;
  }

  async primaries() {
    return [await this.primary()];
  }

  /// The servers that are not the primary.
  async replicas() {
    const primary = await this.primary();
    return this.servers.filter((server) => server !== primary);
  }

  /// What the Sentinels' logs say that matches, oldest first.
  logged(pattern, since) {
    return this.sentinels
      .flatMap((sentinel) => sentinel.logged(pattern, since))
      .sort((a, b) => a.at - b.at);
  }

  /// When the new primary was elected, as the Sentinel that leads the failover dates it.
  async election(since, milliseconds = scaled(15_000)) {
    let elected;
    await eventually(
      'a replica is promoted',
      () => ([elected] = this.logged(/^\+promoted-slave /, since)).length > 0 && elected,
      milliseconds,
    );
    return elected.at;
  }

  /// The failover that operators order: the primary is alive.
  async failover() {
    await eventually('a Sentinel begins a failover', async () => {
      try {
        return (await this.sentinels[0].command('SENTINEL', 'FAILOVER', kPrimaryName)) === 'OK';
      } catch (error) {
        if (/^(INPROG|NOGOODSLAVE)/.test(error.message)) return false;
        throw error;
      }
    });
  }

  /// Starts a dead server as a replica of the primary.
  async rejoin(server) {
    await server.run('--replicaof', '127.0.0.1', (this.sentinels ? await this.primary() : this.#primary).port);
  }

  /// Every Sentinel names the same primary, and would have a replica for it, which has all its data and is sent what is
  /// written. A primary that was replaced while it was away is made a replica after some ten seconds.
  async isSettled(milliseconds = scaled(30_000)) {
    let why;
    const settled = async () => {
      const primary = await this.primary();
      for (const sentinel of this.sentinels) {
        const known = fields(await sentinel.command('SENTINEL', 'MASTER', kPrimaryName));
        why = known;
        if (Number(known.port) !== primary.port || known.flags !== 'master') return false;
        if (Number(known['num-other-sentinels']) < this.sentinels.length - 1) return false;
        const replicas = (await sentinel.command('SENTINEL', 'REPLICAS', kPrimaryName)).map(fields);
        why = replicas;
        const good = replicas.filter(
          (each) => each.flags === 'slave' && each['role-reported'] === 'slave' && each['master-link-status'] === 'ok',
        );
        if (good.length < this.servers.length - 1) return false;
      }
      why = 'the replica is not sent what is written';
      // For a moment a replica counts as online that is sent nothing yet.
      await primary.command('SET', 'test:probe', 'x', 'PX', 1000);
      return (await primary.command('WAIT', this.servers.length - 1, 100)) >= this.servers.length - 1;
    };
    try {
      await eventually('primary, replicas and Sentinels agree', settled, milliseconds);
    } catch (error) {
      throw new Error(`${error.message}: ${JSON.stringify(why)}`);
    }
  }

  /// The ways of one broker to all of them.
  async wire() {
    const all = [...this.servers, ...this.sentinels].map(({ port }) => port);
    const wires = await Wires.to(all);
    return Object.assign(wires, { env: this.env({ ports: this.seeds.map((port) => wires.portTo(port)) }) });
  }

  isInternal(line) {
    return / name=sentinel-/.test(line) || / flags=[SM]/.test(line);
  }

  /// Not those of the Sentinels: they would take it for the end of the primary.
  async killClients(type) {
    for (const client of await this.clients(type)) await client.kill();
  }

  async setPassword(password) {
    await this.everywhere('CONFIG', 'SET', 'masterauth', password);
    for (const sentinel of this.sentinels) {
      await sentinel.command('SENTINEL', 'SET', kPrimaryName, 'auth-pass', password);
    }
    await super.setPassword(password);
  }

  /// Both at once, with the roles that they had.
  async run() {
    await Promise.all(
      this.servers.map((server) => (server === this.#primary ? server.run() : this.rejoin(server))),
    );
  }

  async stop() {
    for (const sentinel of this.sentinels ?? []) await sentinel.stop();
    await super.stop();
  }
}
