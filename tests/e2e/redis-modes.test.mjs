// What REDIS_URL may lead to: TLS, Sentinels, a cluster, and what is behind a port that was meant to be something else.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { makeAuthority } from './support/authority.mjs';
import { Broker, freePort, oursOnly, runBroker, temporaryDirectory } from './support/broker.mjs';
import { admits, brokerFor, isTaken, joinPatiently, kRedisWarmUp, talks, tell, tryConnect } from './support/grid.mjs';
import { freshId, joinNode } from './support/node.mjs';
import { RedisClient, RedisServer, startRedis } from './support/redis.mjs';
import { eventually, scaled } from './support/time.mjs';

const ours = oursOnly('has other variables');
const kPatience = kRedisWarmUp + scaled(5000);

/// A certificate with its key in files of these names.
function writePair(directory, name, { cert, key }) {
  const files = { cert: path.join(directory, `${name}.pem`), key: path.join(directory, `${name}.key`) };
  fs.writeFileSync(files.cert, cert);
  fs.writeFileSync(files.key, key);
  return files;
}

/// redis-server with a plain port (for the test itself) and a TLS port.
async function startTls(files, { authority, clients = 'no', args = [] }) {
  const tlsPort = await freePort();
  const server = await RedisServer.start({
    args: [
      ...['--tls-port', tlsPort, '--tls-cert-file', files.cert, '--tls-key-file', files.key],
      ...['--tls-ca-cert-file', authority.file, '--tls-auth-clients', clients, ...args],
    ],
  });
  server.tlsPort = tlsPort;
  server.tlsUrl = `rediss://127.0.0.1:${tlsPort}`;
  return server;
}

/// No node is admitted, and the log says so in these words.
async function expectRefusal(t, env, words) {
  const broker = await brokerFor(t, env);
  await eventually(`${words} is in the log`, () => words.test(broker.output), scaled(8000));
  assert.equal((await tryConnect(broker.port, freshId())).outcome, '503');
  await broker.stop();
  return broker.output;
}

describe('Redis with TLS', ours, () => {
  const directory = temporaryDirectory();
  const authority = makeAuthority();
  const server = writePair(directory, 'server', authority.issue('DNS:localhost,IP:127.0.0.1'));
  const own = writePair(directory, 'own', authority.issue(undefined, { use: 'client' }));
  let redis;
  let strict; // demands client certificates
  before(async () => {
    redis = await startTls(server, { authority });
    strict = await startTls(server, { authority, clients: 'yes' });
  });
  after(async () => {
    await redis.stop();
    await strict.stop();
  });
  const trusting = (url) => ({ REDIS_URL: url, REDIS_CA_FILE: authority.file });

  test('makes brokers one grid, by address and by name', async (t) => {
    const first = await brokerFor(t, trusting(redis.tlsUrl));
    const second = await brokerFor(t, trusting(`rediss://localhost:${redis.tlsPort}`));
    await Promise.all([first, second].map(({ port }) => admits(port, kPatience)));
    const [a, b] = await Promise.all([first, second].map(({ port }) => joinNode(port)));
    assert.equal(await tell(a, b), 'OK');
    assert.equal(await tell(b, a, 'x'.repeat(500_000)), 'OK');
    for (let i = 0; i < 200; ++i) assert.equal(await tell(a, b), 'OK');
    for (const broker of [first, second]) await broker.stop();
  });

  test('is used again after the connection was lost', async (t) => {
    const broker = await brokerFor(t, trusting(redis.tlsUrl));
    await admits(broker.port, kPatience);
    await redis.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await eventually('it is noticed', () => /can be reached again/.test(broker.output));
    await admits(broker.port, kPatience);
    await broker.stop();
  });

  test('that requires a client certificate gets it', async (t) => {
    const env = { ...trusting(strict.tlsUrl), REDIS_CERT_FILE: own.cert, REDIS_KEY_FILE: own.key };
    const broker = await brokerFor(t, env);
    await admits(broker.port, kPatience);
    await broker.stop();
  });

  test('that requires a client certificate names the variables without one', (t) =>
    expectRefusal(t, trusting(strict.tlsUrl), /REDIS_CERT_FILE and REDIS_KEY_FILE/));

  test('reads the files again on SIGHUP, and keeps what it has if they are broken', async (t) => {
    const mine = writePair(directory, 'mine', authority.issue(undefined, { use: 'client' }));
    const authorities = path.join(directory, 'authorities.pem');
    fs.writeFileSync(authorities, makeAuthority('Another CA').certificate);
    const env = { REDIS_URL: strict.tlsUrl, REDIS_CA_FILE: authorities };
    const broker = await brokerFor(t, { ...env, REDIS_CERT_FILE: mine.cert, REDIS_KEY_FILE: mine.key });
    await eventually('it is refused', () => /put its issuer's certificate in REDIS_CA_FILE/.test(broker.output));

    fs.writeFileSync(authorities, 'nothing');
    broker.child.kill('SIGHUP');
    await eventually('the fault is named', () => broker.output.includes(`REDIS_CA_FILE=${authorities}`));

    fs.writeFileSync(authorities, authority.certificate);
    broker.child.kill('SIGHUP');
    await admits(broker.port, kPatience);
    await broker.stop();
  });

  for (const [name, issue, words] of [
    ['for another host', () => authority.issue('DNS:elsewhere.example'), /not for 127\.0\.0\.1/],
    ['without a name', () => authority.issue(undefined), /names no host/],
    ['of an unknown authority', () => makeAuthority('Other CA').issue('IP:127.0.0.1'), /REDIS_CA_FILE/],
  ]) {
    test(`with a certificate ${name} is refused with words`, async (t) => {
      const other = await startTls(writePair(directory, 'other', issue()), { authority });
      t.after(() => other.stop());
      await expectRefusal(t, trusting(other.tlsUrl), words);
    });
  }

  test('is guessed when redis:// leads to its port', (t) =>
    expectRefusal(t, { REDIS_URL: `redis://127.0.0.1:${redis.tlsPort}` }, /does that port expect TLS \(rediss:\/\/\)/));

  test('is said to be missing when rediss:// leads to a plain port', (t) =>
    expectRefusal(t, trusting(`rediss://127.0.0.1:${redis.port}`), /does that port speak plain Redis \(redis:\/\/\)/));

  for (const [name, files, words] of [
    ['a CA file that is not there', { REDIS_CA_FILE: '/no/such' }, /REDIS_CA_FILE=\/no\/such: cannot be read/],
    ['a certificate without its key', { REDIS_CERT_FILE: own.cert }, /REDIS_CERT_FILE is set, but REDIS_KEY_FILE is not/],
    [
      'a key of another certificate',
      { REDIS_CERT_FILE: own.cert, REDIS_KEY_FILE: server.key },
      /REDIS_KEY_FILE=.* is not the key of the certificate in REDIS_CERT_FILE/,
    ],
  ]) {
    test(`with ${name} is refused at the start`, async () => {
      const { code, output } = await runBroker([], { REDIS_URL: 'rediss://127.0.0.1:1', ...files });
      assert.equal(code, 2, output);
      assert.match(output, words);
    });
  }
});

describe('a broker that starts', ours, () => {
  let primary;
  let replica;
  before(async () => {
    primary = await RedisServer.start();
    const broker = await Broker.start({ REDIS_URL: primary.url });
    await admits(broker.port, kPatience);
    await broker.stop();
    replica = await RedisServer.start();
    await replica.command('REPLICAOF', '127.0.0.1', primary.port);
    await eventually('it replicates', async () =>
      /connected_slaves:1/.test(await primary.command('INFO', 'replication')),
    );
  });
  after(async () => {
    await replica.stop();
    await primary.stop();
  });

  /// The outcome of the first attempt to connect to a new broker.
  async function firstOutcome(t) {
    const broker = await brokerFor(t, { REDIS_URL: primary.url });
    const { outcome } = await tryConnect(broker.port, freshId());
    await admits(broker.port, kPatience);
    await broker.stop();
    return outcome;
  }
  const namedRun = () => primary.command('GET', 'crolang:run');

  test('where the others have written their leases admits nodes at once', async (t) => {
    const run = await namedRun();
    assert.match(run, /^[0-9a-f]{40}$/);
    assert.equal(await firstOutcome(t), 'in');
    assert.equal(await namedRun(), run);
  });

  test('where they may still be writing them waits as they do', async (t) => {
    const run = await namedRun();
    await primary.command('SET', 'crolang:run', 'another');
    assert.equal(await firstOutcome(t), '503');
    assert.equal(await namedRun(), run);
  });

  test('where nobody has said so, but there is a replica, waits as well', async (t) => {
    await primary.command('DEL', 'crolang:run');
    assert.equal(await firstOutcome(t), '503');
    assert.equal(await firstOutcome(t), 'in');
  });
});

describe('claims that replicas confirm', ours, () => {
  let primary;
  let replica;
  before(async () => {
    primary = await RedisServer.start();
    replica = await RedisServer.start();
    await replica.command('REPLICAOF', '127.0.0.1', primary.port);
    await eventually('it replicates', async () =>
      /connected_slaves:1/.test(await primary.command('INFO', 'replication')),
    );
  });
  after(async () => {
    await replica.stop();
    await primary.stop();
  });
  const start = async (t, replicas) => {
    const env = { REDIS_URL: primary.url, REDIS_WAIT_REPLICAS: String(replicas) };
    const broker = await brokerFor(t, env);
    return broker;
  };

  test('are granted once the replica has them', async (t) => {
    const broker = await start(t, 1);
    await admits(broker.port, kPatience);
    const nodes = await Promise.all(Array.from({ length: 50 }, () => joinPatiently(broker.port)));
    for (const node of nodes) {
      assert.match(await replica.command('GET', `crolang:node:{${node.nodeId}}`), /^[0-9a-f]{16}/);
    }
    await isTaken(broker.port, nodes[0].nodeId);
    await broker.stop();
  });

  test('are released when the replica does not answer, and messages go on', async (t) => {
    const broker = await start(t, 1);
    await admits(broker.port, kPatience);
    const other = await start(t, 0);
    await admits(other.port, kPatience);
    const [a, b] = await Promise.all([broker, other].map(({ port }) => joinNode(port)));
    await talks(a, b);
    await replica.freeze();
    try {
      const id = freshId('unconfirmed');
      assert.equal((await tryConnect(broker.port, id)).outcome, '503');
      await eventually('it is released', async () => (await primary.command('GET', `crolang:node:{${id}}`)) === null);
      await broker.says(/REDIS_WAIT_REPLICAS=1: 0 of 1 replicas received claims within 50 ms/);
      assert.equal(await tell(a, b), 'OK');
      assert.equal((await tryConnect(other.port, freshId())).outcome, 'in');
    } finally {
      replica.thaw();
    }
    await admits(broker.port, kPatience);
    for (const each of [broker, other]) await each.stop();
  });

  test('are refused if there are fewer replicas', async (t) => {
    const broker = await start(t, 2);
    await eventually('it is in the log', async () => {
      await tryConnect(broker.port, freshId());
      return /REDIS_WAIT_REPLICAS=2: 1 of 2 replicas received claims/.test(broker.output);
    });
    assert.equal((await tryConnect(broker.port, freshId())).outcome, '503');
    await broker.stop();
  });

  test('are refused when the replica is gone, which may have been promoted', async (t) => {
    const broker = await start(t, 1);
    await admits(broker.port, kPatience);
    await replica.command('REPLICAOF', 'NO', 'ONE');
    const granted = [];
    await eventually('it is noticed', async () => {
      const id = freshId('unconfirmed');
      if ((await tryConnect(broker.port, id)).outcome === 'in') granted.push(id);
      return /REDIS_WAIT_REPLICAS=1: Redis has no replica now, so claims are refused/.test(broker.output);
    });
    assert.equal((await tryConnect(broker.port, freshId())).outcome, '503');
    assert.deepEqual(granted, []);
    await replica.command('REPLICAOF', '127.0.0.1', primary.port);
    await admits(broker.port, kPatience);
    await broker.stop();
  });

  test('are granted with a warning where there was no replica from the beginning', async (t) => {
    await replica.command('REPLICAOF', 'NO', 'ONE');
    await eventually('it is gone', async () =>
      /connected_slaves:0/.test(await primary.command('INFO', 'replication')),
    );
    const broker = await start(t, 1);
    await admits(broker.port, kPatience);
    await broker.says(/REDIS_WAIT_REPLICAS=1: Redis has no replica now/);
    await broker.stop();
    await replica.command('REPLICAOF', '127.0.0.1', primary.port);
  });

  test('need the right to wait, which is named', async (t) => {
    await eventually('it replicates', async () =>
      /connected_slaves:1/.test(await primary.command('INFO', 'replication')),
    );
    await primary.command('ACL', 'SETUSER', 'hasty', 'on', '>x', '~*', '&*', '+@all', '-wait');
    const url = `redis://hasty:x@127.0.0.1:${primary.port}`;
    const broker = await brokerFor(t, { REDIS_URL: url, REDIS_WAIT_REPLICAS: '1' });
    await eventually('it is in the log', async () => {
      await tryConnect(broker.port, freshId());
      return /WAIT: NOPERM/.test(broker.output);
    });
    await broker.stop();
  });
});

describe('a message that is larger than Redis lets wait', ours, () => {
  const kLimit = ['--client-output-buffer-limit', 'pubsub 64kb 64kb 60'];
  const cut = /Redis closed the subscription of worker \d+ and no other connection: .*client-output-buffer-limit pubsub/;

  async function expectCause(t, redis) {
    t.after(() => redis.stop());
    const brokers = await Promise.all([0, 1].map(() => brokerFor(t, redis.env ? redis.env() : { REDIS_URL: redis.url })));
    for (const { port } of brokers) await admits(port, kPatience);
    const [a, b] = await Promise.all(brokers.map(({ port }) => joinNode(port)));
    await talks(a, b);
    assert.equal(await tell(a, b, 'x'.repeat(200_000)), 'ERROR');
    await brokers[1].says(cut);
    await talks(a, b);
    assert.ok(a.connected && b.connected);
    for (const broker of brokers) await broker.stop();
  }

  test('is an ERROR, whose cause the receiver\'s broker names', async (t) => {
    await expectCause(t, await RedisServer.start({ args: kLimit }));
  });

  test('likewise in a cluster', async (t) => {
    await expectCause(t, await startRedis({ args: kLimit }, 'cluster'));
  });
});

describe('a Redis that cannot be used', ours, () => {
  let primary;
  let replica;
  before(async () => {
    primary = await RedisServer.start();
    replica = await RedisServer.start();
    await replica.command('REPLICAOF', '127.0.0.1', primary.port);
    await eventually('it replicates', async () =>
      /master_link_status:up/.test(await replica.command('INFO', 'replication')),
    );
  });
  after(async () => {
    await replica.stop();
    await primary.stop();
  });

  test('since it is a replica is refused with words', (t) =>
    expectRefusal(t, { REDIS_URL: replica.url }, /this is a replica, to which nothing can be written/));

  test('since it is a replica is left for the next host of the list', async (t) => {
    const env = { REDIS_URL: `redis://127.0.0.1:${replica.port},127.0.0.1:${primary.port}` };
    const broker = await brokerFor(t, env);
    await admits(broker.port, kPatience);
    await broker.says(new RegExp(`connected to Redis at 127.0.0.1:${primary.port}\\b`));
    await broker.stop();
  });

  test('since it is a replica now is left within two seconds', async (t) => {
    const redis = await RedisServer.start();
    t.after(() => redis.stop());
    const broker = await brokerFor(t, { REDIS_URL: redis.url });
    await admits(broker.port, kPatience);
    await redis.command('REPLICAOF', '127.0.0.1', primary.port);
    await eventually(
      'it is noticed',
      () => /it is no longer the primary|this is a replica|READONLY/.test(broker.output),
      scaled(2000),
    );
    assert.equal((await tryConnect(broker.port, freshId())).outcome, '503');
    await redis.command('REPLICAOF', 'NO', 'ONE');
    await admits(broker.port, kPatience);
    await broker.stop();
  });

  test('without the right to ask for its run can be used all the same', async (t) => {
    await primary.command('ACL', 'SETUSER', 'terse', 'on', '>x', '~*', '&*', '+@all', '-info');
    const broker = await brokerFor(t, { REDIS_URL: `redis://terse:x@127.0.0.1:${primary.port}` });
    await admits(broker.port, kPatience);
    await broker.stop();
  });
});

describe('a cluster', ours, () => {
  const kClusterArgs = async () => ['--cluster-enabled', 'yes', '--cluster-port', await freePort()];
  /// Of one node.
  async function startNode(t, { slots = 16_384, args = [] } = {}) {
    const node = await RedisServer.start({ args: [...(await kClusterArgs()), ...args] });
    t.after(() => node.stop());
    if (slots > 0) await node.command('CLUSTER', 'ADDSLOTSRANGE', 0, slots - 1);
    if (slots === 16_384) await isComplete(node);
    return node;
  }
  const isComplete = (node) =>
    eventually('the cluster is complete', async () =>
      /cluster_state:ok/.test(await node.command('CLUSTER', 'INFO')),
    );

  test('of one node makes brokers one grid', async (t) => {
    const node = await startNode(t);
    const brokers = [await brokerFor(t, { REDIS_URL: node.url }), await brokerFor(t, { REDIS_URL: node.url })];
    await Promise.all(brokers.map(({ port }) => admits(port, kPatience)));
    const [a, b] = await Promise.all(brokers.map(({ port }) => joinNode(port)));
    await talks(a, b);
    await talks(b, a);
    await isTaken(brokers[1].port, a.nodeId);
    for (const broker of brokers) await broker.stop();
  });

  test('has no databases', async (t) => {
    const node = await startNode(t);
    await expectRefusal(t, { REDIS_URL: `${node.url}/3` }, /a cluster has no databases: remove \/3 from REDIS_URL/);
  });

  test('is not found through a unix socket', async (t) => {
    const socket = path.join(temporaryDirectory(), 'redis.sock');
    await startNode(t, { args: ['--unixsocket', socket] });
    await expectRefusal(t, { REDIS_URL: `unix://${socket}` }, /node of a cluster: name it by host and port in REDIS_URL/);
  });

  test('without slots is refused with words, until it has some', async (t) => {
    const node = await startNode(t, { slots: 0 });
    const broker = await brokerFor(t, { REDIS_URL: node.url });
    await eventually('it is in the log', () => /no slot of the cluster is served: .*--cluster fix/.test(broker.output));
    assert.equal((await tryConnect(broker.port, freshId())).outcome, '503');
    await node.command('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383);
    await isComplete(node);
    await admits(broker.port, kPatience);
    await broker.stop();
  });

  test('without some of the slots is refused with words, until it has them', async (t) => {
    const node = await startNode(t, { slots: 16_000 });
    const broker = await brokerFor(t, { REDIS_URL: node.url });
    await eventually('it is in the log', () => /384 of 16384 slots of the cluster have no master/.test(broker.output));
    assert.equal((await tryConnect(broker.port, freshId())).outcome, '503');
    await node.command('CLUSTER', 'ADDSLOTSRANGE', 16_000, 16_383);
    await isComplete(node);
    await admits(broker.port, kPatience);
    await broker.stop();
  });

  test('without the right to ask for its slots is refused with words, until it is given', async (t) => {
    const node = await startNode(t);
    await node.command('ACL', 'SETUSER', 'blind', 'on', '>x', '~*', '&*', '+@all', '-cluster');
    const broker = await brokerFor(t, { REDIS_URL: `redis://blind:x@127.0.0.1:${node.port}` });
    await eventually('it is in the log', () => /give the user of REDIS_URL \+cluster\|slots/.test(broker.output));
    assert.equal((await tryConnect(broker.port, freshId())).outcome, '503');
    await node.command('ACL', 'SETUSER', 'blind', '+cluster|slots');
    await admits(broker.port, kPatience);
    await broker.stop();
  });

  describe('by TLS', () => {
    const authority = makeAuthority();
    const files = writePair(temporaryDirectory(), 'server', authority.issue('IP:127.0.0.1'));
    async function startTlsNode(t, ...args) {
      const node = await startTls(files, { authority, args: [...(await kClusterArgs()), ...args] });
      t.after(() => node.stop());
      await node.command('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383);
      await isComplete(node);
      return { REDIS_URL: node.tlsUrl, REDIS_CA_FILE: authority.file };
    }

    test('leads to its nodes by TLS', async (t) => {
      const broker = await brokerFor(t, await startTlsNode(t, '--tls-cluster', 'yes'));
      await admits(broker.port, kPatience);
      await broker.stop();
    });

    test('that names the plain ports of its nodes is refused with words', async (t) =>
      expectRefusal(t, await startTlsNode(t), /its nodes need tls-cluster yes/));
  });
});

/// A Sentinel on a port of its own, which watches `masters`: name → port.
class Sentinel {
  static async start(masters, { quorum, lines = [] }) {
    const sentinel = new Sentinel();
    sentinel.port = await freePort();
    const file = path.join(temporaryDirectory(), 'sentinel.conf');
    const settings = [`port ${sentinel.port}`, 'bind 127.0.0.1', `dir ${path.dirname(file)}`, ...lines];
    for (const [name, port] of Object.entries(masters)) {
      settings.push(
        `sentinel monitor ${name} 127.0.0.1 ${port} ${quorum}`,
        `sentinel down-after-milliseconds ${name} 500`,
        `sentinel failover-timeout ${name} 5000`,
      );
    }
    fs.writeFileSync(file, settings.map((line) => `${line}\n`).join(''));
    sentinel.child = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' });
    sentinel.exited = new Promise((resolve) => {
      sentinel.child.once('exit', resolve);
    });
    process.once('exit', () => sentinel.child.kill('SIGKILL'));
    await eventually('the Sentinel answers', async () => {
      try {
        sentinel.client = await RedisClient.connect(sentinel.port);
        return true;
      } catch {
        return false;
      }
    });
    return sentinel;
  }

  command(...args) {
    return this.client.command(...args);
  }

  async stop() {
    this.child.kill('SIGKILL');
    await this.exited;
    this.client.close();
  }
}

describe('Sentinels', ours, () => {
  let servers;
  let sentinels;
  let url;

  before(async () => {
    servers = [await RedisServer.start(), await RedisServer.start()];
    await servers[1].command('REPLICAOF', '127.0.0.1', servers[0].port);
    sentinels = [];
    for (let i = 0; i < 3; ++i) {
      sentinels.push(await Sentinel.start({ main: servers[0].port }, { quorum: 2 }));
    }
    await eventually('they know each other and the replica', async () => {
      for (const sentinel of sentinels) {
        const [fields] = await sentinel.command('SENTINEL', 'MASTERS');
        const of = (name) => fields[fields.indexOf(name) + 1];
        if (of('num-other-sentinels') !== '2' || of('num-slaves') !== '1') return false;
      }
      return true;
    }, scaled(20_000));
    url = `redis://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
  });
  after(async () => {
    for (const each of [...sentinels, ...servers]) await each.stop();
  });

  const primaryPort = async () =>
    Number((await sentinels.at(-1).command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'main'))[1]);

  test('name the primary, by its name and as the only one', async (t) => {
    const brokers = [];
    for (const each of [url, `${url}/0?master=main`]) brokers.push(await brokerFor(t, { REDIS_URL: each }));
    await Promise.all(brokers.map(({ port }) => admits(port, kPatience)));
    const [a, b] = await Promise.all(brokers.map(({ port }) => joinNode(port)));
    assert.equal(await tell(a, b), 'OK');
    assert.equal(await tell(b, a), 'OK');
    for (const broker of brokers) {
      await broker.says(new RegExp(`connected to Redis at 127.0.0.1:${servers[0].port} \\(master main\\)`));
      await broker.stop();
    }
  });

  for (const [name, fail] of [
    ['is asked for', () => sentinels[0].command('SENTINEL', 'FAILOVER', 'main')],
    ['follows a crash', async (primary) => primary.crash()],
  ]) {
    test(`a failover that ${name} is followed, and nobody is disconnected`, async (t) => {
      const brokers = [];
      for (let i = 0; i < 2; ++i) brokers.push(await brokerFor(t, { REDIS_URL: url }));
      await Promise.all(brokers.map(({ port }) => admits(port, kPatience)));
      const [a, b] = await Promise.all(brokers.map(({ port }) => joinNode(port)));
      const gone = [];
      for (const node of [a, b]) node.on('disconnect', (reason) => gone.push(reason));

      const before = await primaryPort();
      const primary = servers.find(({ port }) => port === before);
      await fail(primary);
      await eventually('another one is the primary', async () => (await primaryPort()) !== before, scaled(20_000));
      const began = performance.now();
      const after = await primaryPort();
      await eventually('both are there', () =>
        brokers.every(({ output }) => output.includes(`connected to Redis at 127.0.0.1:${after}`)),
        scaled(10_000),
      );
      await talks(a, b, scaled(10_000));
      await talks(b, a, scaled(10_000));
      t.diagnostic(`messages after ${Math.round(performance.now() - began)} ms`);
      await Promise.all(brokers.map(({ port }) => admits(port, kPatience)));
      await isTaken(brokers[0].port, b.nodeId);
      await isTaken(brokers[1].port, a.nodeId);
      assert.deepEqual(gone, []);
      for (const broker of brokers) await broker.stop();

      // As it was, but for who is the primary.
      if (primary.child.exitCode !== null || primary.child.signalCode !== null) await primary.run();
      await eventually('the other one replicates', async () => {
        const info = await primary.command('INFO', 'replication').catch(() => '');
        return /role:slave/.test(info) && /master_link_status:up/.test(info);
      }, scaled(30_000));
    });
  }

  test('replace a primary that grants no claim which the new one does not have', async (t) => {
    const before = await primaryPort();
    const primary = servers.find(({ port }) => port === before);
    const next = servers.find(({ port }) => port !== before);
    await eventually('it replicates', async () =>
      /connected_slaves:1/.test(await primary.command('INFO', 'replication')),
    );
    const broker = await brokerFor(t, { REDIS_URL: url, REDIS_WAIT_REPLICAS: '1' });
    await admits(broker.port, kPatience);
    const isThere = new RegExp(`connected to Redis at 127.0.0.1:${next.port}`);
    const outcomes = { in: 0, 503: 0 };
    const missing = [];
    const sockets = [];
    let failover;
    const leaseOf = async (id) => {
      try {
        return await next.command('GET', `crolang:node:{${id}}`);
      } catch {
        // A replica that is promoted closes its connections.
        return next.command('GET', `crolang:node:{${id}}`);
      }
    };
    while (!isThere.test(broker.output)) {
      const id = freshId('confirmed');
      const { outcome, socket } = await tryConnect(broker.port, id, { stay: true });
      ++outcomes[outcome];
      if (outcome === 'in') {
        sockets.push(socket);
        if ((await leaseOf(id)) === null) missing.push(id);
      }
      if (outcomes.in === 50) failover ??= sentinels[0].command('SENTINEL', 'FAILOVER', 'main');
    }
    assert.equal(await failover, 'OK');
    for (const socket of sockets) socket.destroy();
    assert.deepEqual(missing, []);
    assert.ok(outcomes.in >= 50 && outcomes[503] > 0, JSON.stringify(outcomes));
    await admits(broker.port, scaled(20_000));
    await broker.stop();
    await eventually('the other one replicates', async () => {
      const info = await primary.command('INFO', 'replication');
      return /role:slave/.test(info) && /master_link_status:up/.test(info);
    }, scaled(30_000));
  });

  test('of which one is gone are asked all the same', async (t) => {
    const broker = await brokerFor(t, { REDIS_URL: `redis://127.0.0.1:1,127.0.0.1:${sentinels[1].port}` });
    await admits(broker.port, kPatience);
    await broker.stop();
  });

  for (const [name, env, words] of [
    ['that do not know the name', () => ({ REDIS_URL: `${url}?master=mian` }), /knows no master named mian/],
    [
      'that are none, with a name',
      () => ({ REDIS_URL: `redis://127.0.0.1:${servers[0].port}?master=main` }),
      /the Sentinel at 127\.0\.0\.1:\d+ is not a Sentinel/,
    ],
    [
      'that have no password',
      () => ({ REDIS_URL: url, REDIS_SENTINEL_PASSWORD: 'x' }),
      /remove REDIS_SENTINEL_PASSWORD/,
    ],
  ]) {
    test(`${name} are named in the log`, (t) => expectRefusal(t, env(), words));
  }

  test('that know two masters want a name', async (t) => {
    const other = await RedisServer.start();
    t.after(() => other.stop());
    const two = await Sentinel.start({ one: other.port, two: servers[0].port }, { quorum: 1 });
    t.after(() => two.stop());
    await expectRefusal(t, { REDIS_URL: `redis://127.0.0.1:${two.port}` }, /knows 2 masters \(.*(one, two|two, one).*\?master=name/);
    const broker = await brokerFor(t, { REDIS_URL: `redis://127.0.0.1:${two.port}?master=one` });
    await admits(broker.port, kPatience);
    await broker.stop();
  });

  test('have users of their own', async (t) => {
    const other = await RedisServer.start({ args: ['--requirepass', 'for-redis'] });
    t.after(() => other.stop());
    const lines = [
      'user default off',
      'user broker on >for-sentinel -@all +sentinel|get-master-addr-by-name +sentinel|masters',
      'user admin on >admin ~* &* +@all',
      'sentinel sentinel-user admin',
      'sentinel sentinel-pass admin',
    ];
    const strict = await Sentinel.start({ main: other.port }, { quorum: 1, lines });
    t.after(() => strict.stop());
    const REDIS_URL = `redis://:for-redis@127.0.0.1:${strict.port}`;
    const login = { REDIS_SENTINEL_USER: 'broker', REDIS_SENTINEL_PASSWORD: 'for-sentinel' };
    const broker = await brokerFor(t, { REDIS_URL, ...login });
    await admits(broker.port, kPatience);
    await broker.stop();
    const wrong = { ...login, REDIS_SENTINEL_PASSWORD: 'wrong-one' };
    const said = await expectRefusal(t, { REDIS_URL, ...wrong }, /correct REDIS_SENTINEL_USER and REDIS_SENTINEL_PASSWORD/);
    assert.doesNotMatch(said, /wrong-one|for-redis/);
    await expectRefusal(t, { REDIS_URL: `redis://:wr0ng@127.0.0.1:${strict.port}` }, /REDIS_SENTINEL_PASSWORD/);
  });

  test('by TLS lead to a primary by TLS', async (t) => {
    const authority = makeAuthority();
    const files = writePair(temporaryDirectory(), 'server', authority.issue('IP:127.0.0.1'));
    const other = await startTls(files, { authority });
    t.after(() => other.stop());
    const tlsPort = await freePort();
    const lines = [
      ...[`tls-port ${tlsPort}`, `tls-cert-file ${files.cert}`, `tls-key-file ${files.key}`],
      ...[`tls-ca-cert-file ${authority.file}`, 'tls-auth-clients no', 'tls-replication yes'],
    ];
    const sentinel = await Sentinel.start({ main: other.tlsPort }, { quorum: 1, lines });
    t.after(() => sentinel.stop());
    const env = { REDIS_URL: `rediss://127.0.0.1:${tlsPort}`, REDIS_CA_FILE: authority.file };
    const broker = await brokerFor(t, env);
    await admits(broker.port, kPatience);
    await broker.says(new RegExp(`connected to Redis at 127.0.0.1:${other.tlsPort}`));
    await broker.stop();
  });
});
