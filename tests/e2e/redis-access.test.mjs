// How a broker gets at Redis: addresses, passwords, users and their rights.
import assert from 'node:assert/strict';
import path from 'node:path';
import fs from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { Broker, oursOnly, repository, runBroker, temporaryDirectory } from './support/broker.mjs';
import { admits, brokerFor, Grid, kRedisWarmUp, knock, presence, tell } from './support/grid.mjs';
import { freshId, joinNode } from './support/node.mjs';
import { RedisServer } from './support/redis.mjs';
import { eventually, scaled } from './support/time.mjs';

const ours = oursOnly('has other variables');
const kPatience = kRedisWarmUp + scaled(5000);
const kPassword = 'p@ss:w/rd#1%';

describe('REDIS_URL', ours, () => {
  let redis;
  let socketPath;
  before(async () => {
    socketPath = path.join(temporaryDirectory(), 'redis.sock');
    redis = await RedisServer.start({ args: ['--unixsocket', socketPath] });
    await redis.command('ACL', 'SETUSER', 'broker', 'on', `>${kPassword}`, '~*', '&*', '+@all');
    const first = await Broker.start({ REDIS_URL: redis.url });
    await admits(first.port, kPatience);
    await first.stop();
  });
  after(() => redis.stop());

  /// Two brokers that find Redis in these ways are one grid, whose keys are in this database.
  async function expectGrid(t, ways, database = 0) {
    const brokers = [];
    for (const way of ways) {
      brokers.push(await brokerFor(t, typeof way === 'string' ? { REDIS_URL: way } : way));
    }
    const [a, b] = await Promise.all(brokers.map((broker) => joinNode(broker.port)));
    assert.equal(await tell(a, b), 'OK');
    assert.equal(await tell(b, a), 'OK');
    assert.deepEqual(await presence(a, [a.nodeId, b.nodeId]), [a.nodeId, b.nodeId]);
    await redis.command('SELECT', database);
    assert.equal(await redis.command('EXISTS', `crolang:node:{${a.nodeId}}`), 1);
    await redis.command('SELECT', 0);
    for (const broker of brokers) {
      await broker.stop();
      assert.doesNotMatch(broker.output, /p@ss|p%40ss/);
    }
  }

  // Of a name's addresses the first need not be the one that Redis listens on.
  test('names host and port, with and without a path', (t) =>
    expectGrid(t, [redis.url, `redis://localhost:${redis.port}/`]));

  test('names a database', (t) => expectGrid(t, [`${redis.url}/3`, `${redis.url}/3`], 3));

  test('names a unix socket', (t) => expectGrid(t, [`unix://${socketPath}`, redis.url]));

  test('names a unix socket and a database', (t) =>
    expectGrid(t, [`unix://${socketPath}?db=2`, `${redis.url}/2`], 2));

  test('names a user with a password, percent-encoded', (t) => {
    const user = `broker:${encodeURIComponent(kPassword)}`;
    return expectGrid(t, [
      `redis://${user}@127.0.0.1:${redis.port}`,
      `unix://${user}@${socketPath}`,
    ]);
  });

  test('may stand in a file', async (t) => {
    const file = path.join(temporaryDirectory(), 'url');
    fs.writeFileSync(file, `${redis.url}/5\n`);
    await expectGrid(t, [{ REDIS_URL_FILE: file }, `${redis.url}/5`], 5);
  });

  for (const [name, env, word] of [
    ['TLS', { REDIS_URL: 'rediss://127.0.0.1:6379' }, /REDIS_URL.*TLS/i],
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
    const { output } = await runBroker([], { REDIS_URL: 'rediss://user:very-secret@localhost' });
    assert.doesNotMatch(output, /very-secret/);
  });
});

describe('a password', ours, () => {
  let redis;
  before(async () => {
    redis = await RedisServer.start();
    await redis.command('CONFIG', 'SET', 'requirepass', 'right');
  });
  after(() => redis.stop());
  const urlWith = (password) => `redis://:${password}@127.0.0.1:${redis.port}`;

  for (const [name, url] of [
    ['that is wrong', () => urlWith('wr0ng')],
    ['that is missing', () => redis.url],
  ]) {
    test(`${name} keeps everybody out, with a word in the log, until it is right`, async (t) => {
      const broker = await brokerFor(t, { REDIS_URL: url() });
      assert.equal((await knock(broker.port, freshId())).outcome, '503');
      await eventually('it is in the log', () => /WRONGPASS|NOAUTH/.test(broker.output));
      assert.doesNotMatch(broker.output, /wr0ng/);
      // The connection of the test itself stays authenticated.
      await redis.command('CONFIG', 'SET', 'requirepass', name === 'that is wrong' ? 'wr0ng' : '');
      await admits(broker.port, kPatience);
      await broker.stop();
      await redis.command('CONFIG', 'SET', 'requirepass', 'right');
    });
  }

  test('that Redis has none of is told from one that is wrong', async (t) => {
    const open = await RedisServer.start();
    t.after(() => open.stop());
    const broker = await brokerFor(t, { REDIS_URL: `redis://:wr0ng@127.0.0.1:${open.port}` });
    await eventually('it is in the log', () =>
      broker.output.includes('no password is configured in Redis'),
    );
    assert.doesNotMatch(broker.output, /wr0ng/);
    await broker.stop();
  });

  test('is not blamed for a Redis that takes no more connections', async (t) => {
    await redis.command('CONFIG', 'SET', 'maxclients', '2');
    t.after(() => redis.command('CONFIG', 'SET', 'maxclients', '1000'));
    const broker = await brokerFor(t, { REDIS_URL: urlWith('right') });
    await eventually('it is in the log', () => broker.output.includes('maxclients'));
    assert.doesNotMatch(broker.output, /AUTH/);
    await broker.stop();
  });

  test('that is right lets in', async (t) => {
    const broker = await brokerFor(t, { REDIS_URL: urlWith('right') });
    await admits(broker.port, kPatience);
    await broker.stop();
  });

  test('that is changed while brokers run disturbs nobody who is connected', async (t) => {
    const broker = await brokerFor(t, { REDIS_URL: urlWith('right') });
    await admits(broker.port, kPatience);
    const node = await joinNode(broker.port);
    await redis.command('CONFIG', 'SET', 'requirepass', 'other');
    for (const type of ['normal', 'pubsub']) await redis.command('CLIENT', 'KILL', 'TYPE', type);
    await eventually('nobody gets in', async () => {
      return (await knock(broker.port, freshId())).outcome === '503';
    });
    assert.equal(node.connected, true);
    await redis.command('CONFIG', 'SET', 'requirepass', 'right');
    await admits(broker.port, kPatience);
    assert.equal(node.connected, true);
    await broker.stop();
  });
});

describe('a user with the rights that the README names', ours, () => {
  const readme = fs.readFileSync(path.join(repository, 'plugins/redis-registry/README.md'), 'utf8');
  const kRights = /^ACL SETUSER broker on >password (.+)$/m.exec(readme)[1].split(' ');
  let grid;
  before(async () => {
    grid = await Grid.start(1);
  });
  after(() => grid.stop());

  const addUser = (name, rights) =>
    grid.redis.command('ACL', 'SETUSER', name, 'reset', 'on', '>pw', ...rights);
  const urlOf = (user) => `redis://${user}:pw@127.0.0.1:${grid.redis.port}`;

  test('is enough', async (t) => {
    await addUser('enough', kRights);
    const broker = await brokerFor(t, { REDIS_URL: urlOf('enough') });
    await admits(broker.port, kPatience);
    const [a, b] = [await joinNode(grid.brokers[0].port), await joinNode(broker.port)];
    assert.equal(await tell(a, b), 'OK');
    assert.equal(await tell(b, a), 'OK');
    assert.deepEqual(await presence(b, [a.nodeId, b.nodeId, 'x']), [a.nodeId, b.nodeId]);
    assert.equal((await knock(broker.port, a.nodeId)).outcome, 'taken');
    await broker.stop();
    assert.equal(await grid.lease(b.nodeId), null);
    assert.deepEqual(await grid.redis.command('ACL', 'LOG'), []);
  });

  for (const right of ['+publish', '+subscribe', '+evalsha', '+set', '~crolang:*', '&crolang:*']) {
    test(`lets nobody in without ${right}, and says why`, async (t) => {
      assert.ok(kRights.includes(right), kRights.join(' '));
      await addUser(
        'less',
        kRights.filter((each) => each !== right),
      );
      const broker = await brokerFor(t, { REDIS_URL: urlOf('less') });
      assert.equal((await knock(broker.port, freshId())).outcome, '503');
      await eventually('it is in the log', () => /NOPERM|permission|can't run/.test(broker.output));
      await addUser('less', kRights);
      await admits(broker.port, kPatience);
      await broker.stop();
    });
  }
});
