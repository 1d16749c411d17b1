// How a broker gets at Redis: addresses, passwords, users and their rights.
import assert from 'node:assert/strict';
import path from 'node:path';
import fs from 'node:fs';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Broker, oursOnly, repository, runBroker, temporaryDirectory } from './support/broker.mjs';
import { admits, brokerFor, Grid, isTaken, joinPatiently, kRedisWarmUp, presence, talks, tell, tryConnect } from './support/grid.mjs';
import { freshId, joinNode } from './support/node.mjs';
import { exceptFor, kRedisMode, startRedis } from './support/redis.mjs';
import { eventually, scaled } from './support/time.mjs';

const ours = oursOnly('has other variables');
const kPatience = kRedisWarmUp + scaled(5000);
const kPassword = 'p@ss:w/rd#1%';
// With replicas, the first broker of a database cannot know whether it is one that others' leases were lost from.
const joins = ['sentinel', 'cluster'].includes(kRedisMode) ? joinPatiently : joinNode;
const withDatabases = exceptFor(['cluster'], 'has one database');
const withSockets = exceptFor(['sentinel', 'cluster'], 'names hosts and ports to its clients');

describe('REDIS_URL', ours, () => {
  let redis;
  let socketPath;
  before(async () => {
    socketPath = path.join(temporaryDirectory(), 'redis.sock');
    redis = await startRedis({ args: withSockets.skip ? [] : ['--unixsocket', socketPath] });
    await redis.everywhere('ACL', 'SETUSER', 'broker', 'on', `>${kPassword}`, '~*', '&*', '+@all');
    const first = await Broker.start(redis.env());
    await admits(first.port, kPatience);
    await first.stop();
  });
  after(() => redis.stop());

  /// Two brokers that find Redis in these ways are one grid, whose keys are in this database.
  async function expectGrid(t, ways, database = 0) {
    const brokers = [];
    for (const way of ways) brokers.push(await brokerFor(t, way));
    const [a, b] = await Promise.all(brokers.map((broker) => joins(broker.port)));
    assert.equal(await tell(a, b), 'OK');
    assert.equal(await tell(b, a), 'OK');
    assert.deepEqual(await presence(a, [a.nodeId, b.nodeId]), [a.nodeId, b.nodeId]);
    if (database !== 0) await redis.command('SELECT', database);
    assert.equal(await redis.command('EXISTS', `crolang:node:{${a.nodeId}}`), 1);
    if (database !== 0) await redis.command('SELECT', 0);
    for (const broker of brokers) {
      await broker.stop();
      assert.doesNotMatch(broker.output, /p@ss|p%40ss/);
    }
  }

  // Of a name's addresses the first need not be the one that Redis listens on.
  test('names host and port, with and without a path', (t) =>
    expectGrid(t, [redis.env(), redis.env({ host: 'localhost', database: '' })]));

  test('names a database', withDatabases, (t) =>
    expectGrid(t, [redis.env({ database: 3 }), redis.env({ database: 3 })], 3));

  test('names a unix socket', withSockets, (t) =>
    expectGrid(t, [{ REDIS_URL: `unix://${socketPath}` }, redis.env()]));

  test('names a unix socket and a database', withSockets, (t) =>
    expectGrid(t, [{ REDIS_URL: `unix://${socketPath}?db=2` }, redis.env({ database: 2 })], 2));

  test('names a user with a password, percent-encoded', (t) => {
    const ways = [redis.env({ user: 'broker', password: kPassword })];
    const login = `broker:${encodeURIComponent(kPassword)}`;
    ways.push(withSockets.skip ? ways[0] : { REDIS_URL: `unix://${login}@${socketPath}` });
    return expectGrid(t, ways);
  });

  test('may be in a file', async (t) => {
    const database = withDatabases.skip ? undefined : 5;
    const file = path.join(temporaryDirectory(), 'url');
    const { REDIS_URL, ...others } = redis.env({ database });
    fs.writeFileSync(file, `${REDIS_URL}\n`);
    await expectGrid(t, [{ ...others, REDIS_URL_FILE: file }, { ...others, REDIS_URL }], database);
  });

  for (const [name, env, word] of [
    ['another scheme', { REDIS_URL: 'http://127.0.0.1:6379' }, /REDIS_URL/],
    ['a database that is no number', { REDIS_URL: 'redis://127.0.0.1:6379/x' }, /REDIS_URL/],
    ['a port that is none', { REDIS_URL: 'redis://127.0.0.1:66666' }, /REDIS_URL/],
    [
      'a TTL under a second',
      { REDIS_URL: 'redis://127.0.0.1:6379', REDIS_LOCK_TTL_MS: '999' },
      /REDIS_LOCK_TTL_MS/,
    ],
    [
      'a TTL that is no number',
      { REDIS_URL: 'redis://127.0.0.1:6379', REDIS_LOCK_TTL_MS: '1m' },
      /REDIS_LOCK_TTL_MS/,
    ],
  ]) {
    test(`with ${name} is refused at start with a sentence`, async () => {
      const { code, output } = await runBroker([], env);
      assert.equal(code, 2, output);
      assert.match(output, word);
    });
  }

  test('with a password is not shown when it is refused', async () => {
    const { output } = await runBroker([], { REDIS_URL: 'http://user:very-secret@localhost' });
    assert.doesNotMatch(output, /very-secret/);
  });
});

describe('a password', ours, () => {
  let redis;
  before(async () => {
    redis = await startRedis();
    await redis.setPassword('right');
  });
  after(() => redis.stop());

  for (const [name, login] of [
    ['that is wrong', { password: 'wr0ng' }],
    ['that is missing', {}],
  ]) {
    test(`${name} prevents every admission, with a line in the log, until it is right`, async (t) => {
      const broker = await brokerFor(t, redis.env(login));
      assert.equal((await tryConnect(broker.port, freshId())).outcome, '503');
      await eventually('it is in the log', () => /WRONGPASS|NOAUTH/.test(broker.output));
      assert.doesNotMatch(broker.output, /wr0ng/);
      // The connection of the test itself stays authenticated.
      await redis.setPassword(login.password ?? '');
      await admits(broker.port, kPatience);
      await broker.stop();
      await redis.setPassword('right');
    });
  }

  test('that Redis does not have is distinguished from a wrong one', async (t) => {
    const open = await startRedis();
    t.after(() => open.stop());
    const broker = await brokerFor(t, open.env({ password: 'wr0ng' }));
    await eventually('it is in the log', () =>
      broker.output.includes('no password is configured in Redis'),
    );
    assert.doesNotMatch(broker.output, /wr0ng/);
    await broker.stop();
  });

  const withWords = exceptFor(['tls'], 'Redis drops a connection too many before the handshake, without a word');
  test('is not the reported reason when Redis accepts no more connections', withWords, async (t) => {
    await redis.everywhere('CONFIG', 'SET', 'maxclients', '2');
    t.after(() => redis.everywhere('CONFIG', 'SET', 'maxclients', '1000'));
    const broker = await brokerFor(t, redis.env({ password: 'right' }));
    await eventually('it is in the log', () => broker.output.includes('maxclients'));
    assert.doesNotMatch(broker.output, /AUTH/);
    await broker.stop();
  });

  test('that is right admits nodes', async (t) => {
    const broker = await brokerFor(t, redis.env({ password: 'right' }));
    await admits(broker.port, kPatience);
    await broker.stop();
  });

  test('that is changed while brokers run does not affect connected nodes', async (t) => {
    const broker = await brokerFor(t, redis.env({ password: 'right' }));
    await admits(broker.port, kPatience);
    const node = await joinNode(broker.port);
    await redis.setPassword('other');
    for (const type of ['normal', 'pubsub']) await redis.killClients(type);
    await eventually('nobody gets in', async () => {
      return (await tryConnect(broker.port, freshId())).outcome === '503';
    });
    assert.equal(node.connected, true);
    await redis.setPassword('right');
    await admits(broker.port, kPatience);
    assert.equal(node.connected, true);
    await broker.stop();
  });
});

describe('a user and password that SIGHUP brings', ours, () => {
  let redis;
  before(async () => {
    redis = await startRedis();
  });
  beforeEach(async () => {
    for (const user of ['one', 'two']) {
      await redis.everywhere('ACL', 'SETUSER', user, 'reset', 'on', `>pass-of-${user}`, '~*', '&*', '+@all');
    }
  });
  after(() => redis.stop());

  /// A broker whose URL names the user one, and how to give it another URL.
  async function start(t) {
    const file = path.join(temporaryDirectory(), 'url');
    const write = (user, password) => fs.writeFileSync(file, redis.env({ user, password }).REDIS_URL);
    write('one', 'pass-of-one');
    const { REDIS_URL, ...env } = redis.env();
    const broker = await brokerFor(t, { ...env, REDIS_URL_FILE: file });
    await admits(broker.port, kPatience);
    return {
      broker,
      change: (user, password) => {
        write(user, password);
        broker.child.kill('SIGHUP');
      },
    };
  }
  const cutOff = async () => {
    for (const type of ['normal', 'pubsub']) await redis.killClients(type);
  };

  test('are what it logs in with at once and from then on', async (t) => {
    const { broker, change } = await start(t);
    const node = await joinNode(broker.port);
    change('two', 'pass-of-two');
    await broker.says(/accepted the new user/);
    await redis.everywhere('ACL', 'DELUSER', 'one');
    await cutOff();
    await admits(broker.port, kPatience);
    assert.ok(node.connected);
    // Also where messages pass.
    const other = await brokerFor(t, redis.env({ user: 'two', password: 'pass-of-two' }));
    await admits(other.port, kPatience);
    await talks(await joinNode(other.port), node);
    await broker.stop();
    await other.stop();
    assert.doesNotMatch(broker.output, /pass-of/);
  });

  test('are not used if Redis refuses them', async (t) => {
    const { broker, change } = await start(t);
    change('one', 'wr0ng');
    await broker.says(/refused the new user.*WRONGPASS/);
    await cutOff();
    await admits(broker.port, kPatience);
    await broker.stop();
    assert.doesNotMatch(broker.output, /wr0ng/);
  });
});

describe('a user with the rights that the README names', ours, () => {
  const readme = fs.readFileSync(path.join(repository, 'plugins/redis-registry/README.md'), 'utf8');
  // The first line is for one server, the second one for a cluster.
  const [forOne, forCluster] = [...readme.matchAll(/^ACL SETUSER broker on >password (.+)$/gm)];
  const isCluster = kRedisMode === 'cluster';
  const otherModes = ['standalone', 'tls', 'sentinel'];
  const kRights = (isCluster ? forCluster : forOne)[1].split(' ');
  const kOfMessages = isCluster ? ['+spublish', '+ssubscribe', '+cluster|slots'] : ['+publish', '+subscribe'];
  let grid;
  before(async () => {
    grid = await Grid.start(1);
  });
  after(() => grid.stop());

  const addUser = (name, rights) =>
    grid.redis.everywhere('ACL', 'SETUSER', name, 'reset', 'on', '>pw', ...rights);
  const as = (user) => grid.redis.env({ user, password: 'pw' });

  test('is enough', async (t) => {
    await addUser('enough', kRights);
    const broker = await brokerFor(t, as('enough'));
    await admits(broker.port, kPatience);
    const [a, b] = [await joinNode(grid.brokers[0].port), await joinNode(broker.port)];
    assert.equal(await tell(a, b), 'OK');
    assert.equal(await tell(b, a), 'OK');
    assert.deepEqual(await presence(b, [a.nodeId, b.nodeId, 'x']), [a.nodeId, b.nodeId]);
    await isTaken(broker.port, a.nodeId);
    await broker.stop();
    assert.equal(await grid.lease(b.nodeId), null);
    assert.deepEqual((await grid.redis.everywhere('ACL', 'LOG')).flat(), []);
  });

  test('is enough to follow slots to other primaries', exceptFor(otherModes, 'has no slots'), async (t) => {
    const { redis } = grid;
    await addUser('enough', kRights);
    await redis.everywhere('ACL', 'LOG', 'RESET');
    const broker = await brokerFor(t, as('enough'));
    await admits(broker.port, kPatience);
    for (const primary of await redis.primaries()) {
      const since = Date.now();
      const [replica] = await redis.replicasOf(primary);
      await redis.failover(replica);
      await redis.election(since);
    }
    await eventually('no broker is subscribed at what is a replica now', async () => {
      const primaries = await redis.primaries();
      const replicas = redis.servers.filter((server) => !primaries.includes(server));
      const channels = replicas.map((server) => server.command('PUBSUB', 'SHARDCHANNELS'));
      return (await Promise.all(channels)).flat().length === 0;
    });
    await admits(broker.port, kPatience);
    await talks(await joinNode(grid.brokers[0].port), await joinNode(broker.port));
    await broker.stop();
    assert.deepEqual((await redis.everywhere('ACL', 'LOG')).flat(), []);
  });

  for (const right of [...kOfMessages, '+evalsha', '+set', '~crolang:*', '&crolang:*']) {
    test(`admits no node without ${right}, and says why`, async (t) => {
      assert.ok(kRights.includes(right), kRights.join(' '));
      await addUser(
        'less',
        kRights.filter((each) => each !== right),
      );
      const broker = await brokerFor(t, as('less'));
      assert.equal((await tryConnect(broker.port, freshId())).outcome, '503');
      await eventually('it is in the log', () => /NOPERM|permission|can't run/.test(broker.output));
      await addUser('less', kRights);
      await admits(broker.port, kPatience);
      await broker.stop();
    });
  }
});
