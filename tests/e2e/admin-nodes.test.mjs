// Who is connected and where, to disconnect a node wherever it is, and to refuse an id everywhere: by the admin interface.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { Broker, freePort, oursOnly } from './support/broker.mjs';
import { brokerFor, Grid, instanceOf, kMessage } from './support/grid.mjs';
import { freshId, joinNode, refusalOf, send } from './support/node.mjs';
import { joinRaw, Opcode } from './support/raw.mjs';
import { freeze, thaw } from './support/redis.mjs';
import { eventually, scaled, within } from './support/time.mjs';

const ours = oursOnly('has an admin interface');
const kToken = 'admin-token-of-the-tests-0123456789';
const kNodes = 1000; // of each broker
const kFields = [
  'address',
  'bytesIn',
  'bytesOut',
  'id',
  'instance',
  'messagesIn',
  'messagesOut',
  'outboxBytes',
  'roundTripMs',
  'runtime',
  'since',
  'version',
];

const adminEnv = async () => ({ ADMIN_PORT: String(await freePort()), ADMIN_TOKEN: kToken, LOG_LEVEL: '1' });

/// Asks the admin interface of a broker; the answer with its status.
async function ask(broker, method, path, token = kToken) {
  const headers = token === null ? {} : { Authorization: `Bearer ${token}` };
  const response = await fetch(`http://127.0.0.1:${broker.adminPort}/api/v1/${path}`, { method, headers });
  return { status: response.status, body: await response.json() };
}

/// The body of an answer that must have this status.
async function expectAnswer(broker, method, path, status = 200) {
  const answer = await ask(broker, method, path);
  assert.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}
const get = (broker, path, status) => expectAnswer(broker, 'GET', path, status);
const del = (broker, path, status) => expectAnswer(broker, 'DELETE', path, status);
const nodePath = (id, query = '') => `nodes/${encodeURIComponent(id)}${query}`;
const refusedIds = async (broker) => (await get(broker, 'refused-ids')).refusedIds;

/// All pages of a list.
async function listAll(broker, query) {
  const nodes = [];
  let cursor = '';
  do {
    const page = await get(broker, `nodes?${query}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    assert.deepEqual(page.unreachable, []);
    nodes.push(...page.nodes);
    cursor = page.nextCursor;
  } while (cursor);
  return nodes;
}

/// Raw nodes, some at a time.
async function joinMany(port, ids) {
  const waiting = [...ids];
  const join = async () => {
    while (waiting.length) await joinRaw(port, waiting.pop());
  };
  await Promise.all(Array.from({ length: 50 }, join));
}

/// A node learns by `41` and a close frame that it shall stay away.
async function expectThrownOut(raw) {
  assert.equal(await raw.packet(), '41');
  assert.equal((await raw.frame()).opcode, Opcode.close);
}

describe('two brokers on one Redis, with 2,000 nodes', ours, () => {
  let grid;
  let one;
  let other;
  const ids = [[], []];
  const envs = [];

  before(async () => {
    grid = await Grid.start(0);
    for (let i = 0; i < 2; ++i) {
      envs.push(await adminEnv());
      const broker = await grid.addBroker(envs[i]);
      broker.adminPort = envs[i].ADMIN_PORT;
    }
    await grid.isOpen();
    [one, other] = grid.brokers;
    for (const [i, broker] of grid.brokers.entries()) {
      for (let n = 0; n < kNodes; ++n) ids[i].push(`many-${String(n * 2 + i).padStart(5, '0')}`);
      await joinMany(broker.port, ids[i]);
    }
  });
  after(() => grid.stop());

  /// Both directions: asked here about a node there.
  const ways = () => [
    [one, other],
    [other, one],
  ];

  test('every node of the grid is listed once, in order, from either instance', async () => {
    for (const broker of grid.brokers) {
      const nodes = await listAll(broker, 'scope=grid&limit=600&prefix=many-');
      assert.deepEqual(
        nodes.map(({ id }) => id),
        ids.flat().sort(),
      );
      for (const node of nodes) {
        const at = Number(node.id.slice('many-'.length)) % 2;
        assert.equal(node.instance, grid.brokers[at].instance);
        assert.deepEqual(Object.keys(node).sort(), kFields);
      }
    }
  });

  test('an instance lists its own nodes', async () => {
    for (const [i, broker] of grid.brokers.entries()) {
      const nodes = await listAll(broker, 'prefix=many-&limit=1000');
      assert.deepEqual(
        nodes.map(({ id }) => id),
        ids[i],
      );
    }
  });

  test('a list is cut by prefix, limit and cursor', async () => {
    const page = await get(one, 'nodes?scope=grid&prefix=many-0001&limit=3&cursor=many-00011');
    assert.deepEqual(
      page.nodes.map(({ id }) => id),
      ['many-00012', 'many-00013', 'many-00014'],
    );
    assert.equal(page.nextCursor, 'many-00014');
    const nobody = await get(one, 'nodes?scope=grid&prefix=nobody');
    assert.deepEqual(nobody, { nodes: [], nextCursor: null, unreachable: [] });
    for (const query of ['limit=0', 'limit=1001', 'limit=x', 'scope=all', 'other=1', 'limit=1&limit=2'])
      await get(one, `nodes?${query}`, 400);
  });

  test('a node is described from either instance', async () => {
    for (const [here, there] of ways()) {
      const id = freshId('a/b ?%"ä');
      const started = Date.now();
      const node = await joinNode(there.port, id, { query: { version: '1.2.3', runtime: 'test', data: 'secret' } });
      assert.equal(await send(node, kMessage, { to: id }), 'OK');
      const found = await get(here, nodePath(id));
      assert.deepEqual(await get(there, nodePath(id)), found);
      const { bytesIn, bytesOut, since, ...rest } = found;
      assert.deepEqual(rest, {
        id,
        instance: there.instance,
        version: '1.2.3',
        runtime: 'test',
        address: '127.0.0.1',
        roundTripMs: null,
        messagesIn: 1,
        messagesOut: 1,
        outboxBytes: 0,
      });
      assert.ok(bytesIn > 0 && bytesOut > 0, `${bytesIn} ${bytesOut}`);
      assert.match(since, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      assert.ok(Math.abs(Date.parse(since) - started) < scaled(10_000), since);
      node.disconnect();
    }
    for (const broker of grid.brokers) await get(broker, nodePath(freshId('nobody')), 404);
  });

  test('a node of the other instance is thrown out within 200 ms, and the log says why', async () => {
    for (const [here, there] of ways()) {
      const id = freshId('out/of');
      const node = await joinRaw(there.port, id);
      const thrownOut = expectThrownOut(node);
      const started = performance.now();
      const answered = del(here, nodePath(id, '?reason=it%20floods'));
      await thrownOut;
      const took = performance.now() - started;
      assert.ok(took < scaled(200), `it took ${took} ms`);
      assert.deepEqual(await answered, { id, instance: there.instance, disconnected: true, refusedUntil: null });
      await there.says(new RegExp(`node disconnected permanently.*${id}.*disconnected by admin: it floods`));
      await here.says(new RegExp(`an operator disconnects a node.*${id}.*it floods`));
      await del(here, nodePath(id), 404);
    }
  });

  test('a node that shall reconnect does', async () => {
    for (const [here, there] of ways()) {
      const id = freshId('again');
      const options = { reconnection: true, reconnectionDelay: 10 };
      const node = await joinNode(there.port, id, options);
      const back = once(node, 'connect');
      const answer = await del(here, nodePath(id, '?reconnect=true'));
      assert.equal(answer.disconnected, true);
      await within(scaled(5000), `${id} is back`, back);
      await there.says(new RegExp(`node disconnected.*${id}.*asked to reconnect by admin`));
      node.disconnect();
    }
    await del(one, nodePath('x', '?reconnect=true&for=5'), 400);
  });

  test('a refused id is kept out everywhere, until that is lifted', async () => {
    for (const [here, there] of ways()) {
      const id = freshId('ref/used');
      const node = await joinRaw(there.port, id);
      const before = Date.now();
      const answer = await del(here, nodePath(id, '?for=3600&reason=spam'));
      assert.equal(answer.disconnected, true);
      assert.equal(answer.instance, there.instance);
      const until = Date.parse(answer.refusedUntil);
      assert.ok(until >= before + 3_599_000 && until <= Date.now() + 3_600_000, answer.refusedUntil);
      await expectThrownOut(node);
      assert.equal(await refusalOf(here.port, id), 'authentication failed');
      await here.says(new RegExp(`node refused.*${id}.*refused by an operator until ${answer.refusedUntil}: spam`));
      const expected = { id, until: answer.refusedUntil, reason: 'spam' };
      for (const broker of grid.brokers) {
        const knows = async () => (await refusedIds(broker)).some((each) => each.id === id);
        await eventually(`${id} is refused everywhere`, knows, scaled(1000));
        assert.deepEqual(
          (await refusedIds(broker)).find((each) => each.id === id),
          expected,
        );
        assert.equal(await refusalOf(broker.port, id), 'authentication failed');
      }
      // Lifted where it was not refused.
      assert.deepEqual(await del(there, `refused-ids/${encodeURIComponent(id)}`), { id, lifted: true });
      await del(there, `refused-ids/${encodeURIComponent(id)}`, 404);
      (await joinNode(there.port, id)).disconnect();
      const isForgotten = async () => !(await refusedIds(here)).some((each) => each.id === id);
      await eventually(`${id} is let in everywhere`, isForgotten, scaled(1000));
    }
  });

  test('an id can be refused that is not connected, and is let in when its time is over', async () => {
    const id = freshId('later');
    const answer = await del(one, nodePath(id, '?for=1'));
    assert.deepEqual(answer, { id, instance: null, disconnected: false, refusedUntil: answer.refusedUntil });
    assert.equal(await refusalOf(one.port, id), 'authentication failed');
    const joins = () => joinNode(one.port, id).then((node) => node.disconnect() || true, () => false);
    await eventually(`${id} is let in`, joins);
    assert.deepEqual(await refusedIds(one), []);
    for (const query of ['?for=0', '?for=31536001', '?for=x']) await del(one, nodePath(id, query), 400);
    await del(one, nodePath(' blank ', '?for=5'), 400);
  });

  test('refused ids outlive a restart of an instance, and what Redis has lost is set again', async () => {
    const id = freshId('lasting');
    await del(one, nodePath(id, '?for=3600&reason=spam'));
    await other.stop();
    const broker = await Broker.start({ ...grid.redis.env(), ...envs[1] }, { port: other.port });
    Object.assign(broker, { adminPort: other.adminPort, instance: await instanceOf(broker) });
    grid.brokers[1] = other = broker;
    // Its admin interface may not listen yet.
    const knows = () => refusedIds(other).then((all) => all.some((each) => each.id === id), () => false);
    await eventually('the new process knows it', knows, scaled(5000));
    await grid.isOpen();
    assert.equal(await refusalOf(other.port, id), 'authentication failed');

    await grid.redis.command('DEL', `${grid.prefix}entries`);
    const isBack = async () => (await grid.redis.command('EXISTS', `${grid.prefix}entries`)) === 1;
    await eventually('the table is back', isBack, scaled(5000));
    for (const broker of grid.brokers) assert.equal(await refusalOf(broker.port, id), 'authentication failed');
    await Promise.any(
      grid.brokers.map((broker) => broker.says(/the registry has lost refused ids, which are set again/)),
    );
  });

  test('an instance that does not answer is named, and holds nothing up for long', async () => {
    const id = freshId('frozen');
    await joinRaw(other.port, id);
    await freeze(other.pid);
    try {
      const started = performance.now();
      const [page, , own] = await Promise.all([
        get(one, 'nodes?scope=grid&prefix=many-&limit=10'),
        get(one, nodePath(id), 503),
        get(one, 'nodes?limit=1'),
      ]);
      assert.ok(performance.now() - started < scaled(3500));
      assert.deepEqual(page.unreachable, [other.instance]);
      assert.equal(page.nodes.length, 10);
      assert.equal(own.nodes.length, 1);
    } finally {
      thaw(other.pid);
    }
    await eventually('it answers again', async () => (await ask(one, 'GET', nodePath(id))).status === 200);
  });

  test('without the token nothing is told, not even whether a node exists', async () => {
    const paths = ['nodes', nodePath(ids[0][0]), nodePath(freshId('nobody')), 'refused-ids'];
    const answers = [];
    for (const path of paths) answers.push(await ask(one, 'GET', path, null));
    for (const id of [ids[0][0], freshId('nobody')]) {
      answers.push(await ask(one, 'DELETE', nodePath(id), null));
      answers.push(await ask(one, 'GET', nodePath(id), 'a-wrong-token'));
    }
    for (const { status } of answers) assert.equal(status, 401);
    assert.deepEqual(new Set(answers.slice(0, 4).map(({ body }) => JSON.stringify(body))).size, 1);
    assert.deepEqual(answers[4], answers[6]);
    assert.deepEqual(answers[5], answers[7]);
    await get(one, nodePath(ids[0][0]));
  });
});

describe('a broker on its own', ours, () => {
  test('tells round trips, throws out, and refuses', async (t) => {
    const env = await adminEnv();
    const broker = await brokerFor(t, { ...env, PING_INTERVAL_MS: '100' });
    broker.adminPort = env.ADMIN_PORT;
    const id = freshId();
    const node = await joinNode(broker.port, id);
    const hasRoundTrip = async () => {
      const { roundTripMs } = await get(broker, nodePath(id));
      return roundTripMs !== null && roundTripMs >= 0 && roundTripMs < scaled(5000);
    };
    await eventually('a heartbeat is measured', hasRoundTrip);
    const gone = once(node, 'disconnect');
    assert.equal((await del(broker, nodePath(id, '?for=60'))).disconnected, true);
    assert.equal((await within(scaled(5000), 'it is told', gone))[0], 'io server disconnect');
    assert.equal(await refusalOf(broker.port, id), 'authentication failed');
    assert.deepEqual(
      (await refusedIds(broker)).map((each) => [each.id, each.reason]),
      [[id, null]],
    );
    await del(broker, `refused-ids/${id}`);
    (await joinNode(broker.port, id)).disconnect();
    const page = await get(broker, 'nodes?scope=grid');
    assert.deepEqual(page.unreachable, []);
  });
});
