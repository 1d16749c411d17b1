// The admin interface: who may use it, what it tells, and that neither slow nor silent clients hold anything up.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Admin, adminEnv, kToken, startAdmin } from './support/admin.mjs';
import { Broker, freePort, oursOnly, runBroker, temporaryDirectory } from './support/broker.mjs';
import { kRedisWarmUp } from './support/grid.mjs';
import { freshId, joinNode, refusalOf, send } from './support/node.mjs';
import { RawSocket } from './support/raw.mjs';
import { startRedis } from './support/redis-modes.mjs';
import { eventually, scaled, within } from './support/time.mjs';

const ours = oursOnly('has no admin interface');
const kMessage = 'SOCKET_MSG_EXCHANGE';

const exchange = (from, to) => send(from, kMessage, { from: from.nodeId, to: to.nodeId, channel: 'a', content: 'b' });

describe('who may use the admin interface', ours, () => {
  test('whoever has the token, and nobody else learns anything', async (t) => {
    const { admin, port } = await startAdmin(t);
    const node = await joinNode(port);
    assert.equal((await admin.get('/api/v1/overview')).status, 200);
    const strangers = [{}, { Authorization: 'Bearer wrong' }, { Authorization: 'Basic YTpi' }, { Cookie: `crolang_admin_${admin.port}=${kToken}` }];
    const answers = [];
    for (const headers of strangers) {
      for (const each of ['/api/v1/overview', `/api/v1/nodes/${node.nodeId}`]) {
        const { status, text } = await admin.get(each, { headers });
        answers.push(`${status} ${text}`);
      }
    }
    for (const [method, each] of [['GET', '/api/v1/nobody'], ['DELETE', `/api/v1/nodes/${node.nodeId}`], ['POST', '/api/v1/drain'], ['GET', '/metrics']]) {
      const { status, text } = await admin.request(method, each, { headers: {} });
      answers.push(`${status} ${text}`);
    }
    assert.deepEqual([...new Set(answers)], ['401 {"error":"a valid token is required"}\n']);
    assert.ok(node.connected);
  });

  test('after five wrong tokens within a minute the address has to wait', async (t) => {
    const broker = await startAdmin(t);
    const { admin } = broker;
    const cookie = await admin.logIn();
    const statuses = [];
    for (let i = 0; i < 7; ++i) {
      statuses.push((await admin.get('/api/v1/overview', { headers: { Authorization: `Bearer wrong${i}` } })).status);
    }
    assert.deepEqual(statuses, [401, 401, 401, 401, 401, 429, 429]);
    const { status, headers } = await admin.get('/api/v1/overview');
    assert.equal(status, 429);
    assert.ok(Number(headers['retry-after']) > 0 && Number(headers['retry-after']) <= 60);
    assert.equal((await admin.get('/api/v1/overview', { headers: { Cookie: cookie } })).status, 200);
    await broker.says(/admin: wrong token .*client=127\.0\.0\.1/);
    assert.doesNotMatch(broker.output, /wrong[0-6]|a-token-of-the-tests/);
  });

  test('the dashboard logs in with the token and gets a session, which ends', async (t) => {
    const { admin } = await startAdmin(t);
    const login = await admin.get('/', { headers: {} });
    assert.match(login.headers['content-type'], /^text\/html/);
    assert.match(login.text, /action="\/login"/);
    assert.match(login.headers['content-security-policy'], /default-src 'none'.*frame-ancestors 'none'/);
    assert.equal(login.headers['x-content-type-options'], 'nosniff');
    const cookie = await admin.logIn();
    assert.doesNotMatch(cookie, new RegExp(kToken));
    const headers = { Cookie: cookie };
    assert.notEqual((await admin.get('/', { headers })).text, login.text);
    assert.equal((await admin.get('/api/v1/overview', { headers })).status, 200);
    assert.equal((await admin.request('POST', '/logout', { headers })).status, 303);
    assert.equal((await admin.get('/api/v1/overview', { headers })).status, 401);
  });

  test('pages of other hosts cannot use the browser of whoever has a session', async (t) => {
    const { admin } = await startAdmin(t);
    const cookie = await admin.logIn();
    const asked = async (headers) => (await admin.get('/api/v1/overview', { headers: { Cookie: cookie, ...headers } })).status;
    assert.equal(await asked({ Host: `localhost:${admin.port}` }), 200);
    assert.equal(await asked({ Host: `rebound.example.org:${admin.port}` }), 403);
    assert.equal(await asked({ Origin: 'https://evil.example.org' }), 403);
    assert.equal(await asked({ Origin: 'null' }), 403);
    assert.equal(await asked({ 'Sec-Fetch-Site': 'same-site' }), 403);
    assert.equal(await asked({ 'Sec-Fetch-Site': 'same-origin' }), 200);
    assert.equal(await asked({ Origin: `http://127.0.0.1:${admin.port}` }), 200);
    const { status } = await admin.request('POST', '/api/v1/drain', { headers: { Cookie: cookie, Origin: `http://127.0.0.1:${admin.port + 1}` } });
    assert.equal(status, 403);
  });

  test('a token that SIGHUP has replaced counts no more, at once', async (t) => {
    const cwd = temporaryDirectory();
    const file = path.join(cwd, 'token');
    fs.writeFileSync(file, kToken);
    const broker = await startAdmin(t, { ADMIN_TOKEN: '', ADMIN_TOKEN_FILE: file });
    const { admin } = broker;
    const cookie = await admin.logIn();
    const [byToken, bySession] = [await admin.events(), await admin.events({ headers: { Cookie: cookie } })];
    const next = 'another-token-of-the-tests';
    fs.writeFileSync(file, next);
    broker.child.kill('SIGHUP');
    await broker.says(/SIGHUP: .*changed=ADMIN_TOKEN/);
    assert.equal((await admin.get('/api/v1/overview')).status, 401);
    assert.equal((await admin.get('/api/v1/overview', { headers: { Cookie: cookie } })).status, 401);
    assert.equal((await new Admin(admin.port, next).get('/api/v1/overview')).status, 200);
    await byToken.ends();
    await bySession.ends();
  });

  test('without a usable token after SIGHUP nobody is let in', async (t) => {
    const cwd = temporaryDirectory();
    const port = await freePort();
    const write = (lines) => fs.writeFileSync(path.join(cwd, '.env'), lines.join('\n'));
    const whole = [`ADMIN_PORT=${port}`, `ADMIN_TOKEN=${kToken}`];
    write(whole);
    const broker = await Broker.start({}, { cwd });
    t.after(() => broker.stop());
    const admin = new Admin(port);
    await eventually('the admin interface answers', () => admin.isThere(), scaled(10_000));
    const headers = { Cookie: await admin.logIn() };
    // Valid, since without ADMIN_PORT no token is needed; but the port is closed only by a restart.
    for (const [lines, token] of [[[], ''], [['ADMIN_TOKEN=short'], 'short']]) {
      write(lines);
      broker.child.kill('SIGHUP');
      await broker.says(/warning ADMIN_TOKEN: there is none that can be used any more/);
      const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
      const logIn = await admin.request('POST', '/login', { headers: form, body: `token=${token}` });
      assert.equal(logIn.status, 401);
      assert.equal((await admin.get('/api/v1/overview', { headers })).status, 401);
      assert.equal((await new Admin(port, token).get('/api/v1/overview')).status, 401);
      broker.output = '';
      write(whole);
      broker.child.kill('SIGHUP');
      await broker.says(/SIGHUP: configuration reloaded/);
      assert.equal((await admin.get('/api/v1/overview')).status, 200);
      broker.output = '';
    }
  });

  test('without a usable token, port or address the broker does not start', async () => {
    const port = String(await freePort());
    const check = async (env, code, sentence) => {
      const { code: ended, output } = await runBroker([], { PORT: String(await freePort()), ADMIN_PORT: port, ADMIN_TOKEN: kToken, ...env });
      assert.match(output, sentence);
      assert.equal(ended, code, output);
      assert.doesNotMatch(output, /too-short|a-token-of-the-tests/);
    };
    await check({ ADMIN_TOKEN: '' }, 2, /ADMIN_TOKEN is not set, but ADMIN_PORT needs it/);
    await check({ ADMIN_TOKEN: 'too-short' }, 2, /ADMIN_TOKEN: .* fewer than 16 characters/);
    await check({ PORT: port }, 2, /ADMIN_PORT: \d+ is PORT too/);
    await check({ ADMIN_BIND_ADDRESS: 'localhost' }, 2, /ADMIN_BIND_ADDRESS/);
    await check({ ADMIN_BIND_ADDRESS: '192.0.2.7' }, 1, /ADMIN_BIND_ADDRESS is not an address of this machine/);
    const taken = net.createServer();
    await new Promise((resolve) => taken.listen(0, '127.0.0.1', resolve));
    try {
      await check({ ADMIN_PORT: String(taken.address().port) }, 1, /already in use.*ADMIN_PORT/);
    } finally {
      taken.close();
    }
  });

  test('an address that is not loopback is warned of', async () => {
    const { code, output } = await runBroker(['--check-config'], adminEnv(9000, { ADMIN_BIND_ADDRESS: '0.0.0.0' }));
    assert.equal(code, 0, output);
    assert.match(output, /ADMIN_BIND_ADDRESS: 0\.0\.0\.0 is not loopback, and the admin interface has no TLS/);
  });
});

describe('what the admin interface tells', ours, () => {
  test('the overview and the history follow what happens', async (t) => {
    const { admin, port } = await startAdmin(t, { METRICS_ENABLED: 'false' });
    const [a, b] = [await joinNode(port), await joinNode(port)];
    assert.equal(await exchange(a, b), 'OK');
    await eventually('the overview has it', async () => {
      const { nodes, rates } = await admin.json('/api/v1/overview');
      return nodes === 2 && rates.last60s.messages.ok > 0 && rates.last60s.joined > 0;
    });
    const overview = await admin.json('/api/v1/overview');
    assert.equal(overview.state, 'running');
    assert.equal(overview.modules.find(({ kind }) => kind === 'registry').plugin, null);
    assert.ok(overview.limits.MAX_CONNECTIONS > 0);
    assert.match(overview.startedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    await eventually('the history has it', async () => {
      const { samples } = await admin.json('/api/v1/history');
      return samples.some(({ joined }) => joined > 0) && samples.at(-1).nodes === 2;
    }, scaled(20_000));
    const { instances } = await admin.json('/api/v1/instances');
    assert.deepEqual(instances.map(({ id, self, nodes }) => [id, self, nodes]), [[overview.instance, true, 2]]);
  });

  test('errors are JSON, whatever is wrong with the request', async (t) => {
    const { admin } = await startAdmin(t);
    const check = async (method, each, status) => {
      const answer = await admin.request(method, each);
      assert.equal(answer.status, status, `${method} ${each}: ${answer.text}`);
      assert.match(answer.json.error, /\w/);
      return answer;
    };
    await check('GET', '/api/v1/none', 404);
    await check('GET', '/api/v1/overview?x=1', 400);
    await check('GET', '/api/v1/overview?%', 400);
    const { headers } = await check('PUT', '/api/v1/drain', 405);
    assert.equal(headers.allow, 'POST, DELETE');
    assert.equal((await admin.request('HEAD', '/api/v1/overview')).text, '');
  });

  test('metrics need the token unless they are open', async (t) => {
    const closed = await startAdmin(t);
    assert.match((await closed.admin.get('/metrics')).text, /^crolang_broker_nodes 0$/m);
    assert.equal((await closed.admin.get('/metrics', { headers: {} })).status, 401);
    assert.equal((await fetch(`${closed.url}/metrics`)).status, 404);
    const open = await startAdmin(t, { ADMIN_METRICS_OPEN: 'true' });
    assert.match((await open.admin.get('/metrics', { headers: {} })).text, /^crolang_broker_nodes 0$/m);
    assert.equal((await open.admin.get('/api/v1/overview', { headers: {} })).status, 401);
  });

  test('each instance of a grid knows all, and one that has died is gone within its time', async (t) => {
    const redis = await startRedis({}, 'standalone');
    t.after(() => redis.stop());
    const env = { ...redis.env(), REDIS_LOCK_TTL_MS: '3000' };
    const brokers = [await startAdmin(t, env), await startAdmin(t, env)];
    const known = async ({ admin }) => (await admin.json('/api/v1/instances')).instances.map(({ id }) => id);
    for (const broker of brokers) {
      await eventually('both are known', async () => (await known(broker)).length === 2, kRedisWarmUp + scaled(20_000));
    }
    const [one, other] = brokers;
    assert.deepEqual(await known(one), await known(other));
    const events = await one.admin.events();
    const { instance } = await other.admin.json('/api/v1/overview');
    await other.kill();
    await events.next('instance', { id: instance, state: 'down' }, scaled(30_000));
    assert.deepEqual(await known(one), [(await one.admin.json('/api/v1/overview')).instance]);
  });
});

describe('what the admin interface does', ours, () => {
  test('a drain disconnects the nodes and ends the broker', async (t) => {
    const broker = await startAdmin(t, { DRAIN_DURATION_MS: '300' });
    const node = await joinNode(broker.port);
    const left = new Promise((resolve) => node.once('disconnect', resolve));
    const { status, json } = await broker.admin.request('POST', '/api/v1/drain');
    assert.deepEqual([status, json], [202, { state: 'draining' }]);
    assert.equal(await within(scaled(10_000), 'the node leaves', left), 'transport close');
    const { code } = await within(scaled(20_000), 'the broker ends', broker.exited);
    assert.equal(code, 0, broker.output);
    assert.match(broker.output, /draining .*admin=127\.0\.0\.1/);
  });

  test('a drain can be cancelled before it ends', async (t) => {
    const broker = await startAdmin(t, { DRAIN_DURATION_MS: String(scaled(60_000)) });
    const { admin, port } = broker;
    const node = await joinNode(port);
    assert.equal((await admin.request('DELETE', '/api/v1/drain')).status, 409);
    assert.equal((await admin.request('POST', '/api/v1/drain')).status, 202);
    assert.equal((await admin.json('/api/v1/overview')).state, 'draining');
    assert.equal((await fetch(`${broker.url}/readyz`)).status, 503);
    const { status, json } = await admin.request('DELETE', '/api/v1/drain');
    assert.deepEqual([status, json], [200, { state: 'running' }]);
    assert.equal((await fetch(`${broker.url}/readyz`)).status, 200);
    await joinNode(port);
    assert.equal((await admin.json('/api/v1/overview')).state, 'running');
    // The first slice of a drain may have disconnected it.
    node.disconnect();
    assert.equal((await admin.request('POST', '/api/v1/drain')).status, 202);
    broker.child.kill('SIGTERM');
    await broker.says(/draining .*signal=15/);
    assert.equal((await admin.request('DELETE', '/api/v1/drain')).status, 409);
    broker.child.kill('SIGTERM');
    await within(scaled(20_000), 'a second signal ends it at once', broker.exited);
  });

  test('what operators have it do is in the log at every level', async (t) => {
    const broker = await startAdmin(t, { LOG_LEVEL: '0', DRAIN_DURATION_MS: '600000' });
    const { admin } = broker;
    const node = await joinNode(broker.port);
    const id = node.nodeId;
    const asked = [
      ['DELETE', `/api/v1/nodes/${id}?reason=it%20floods`, 200, `info an operator disconnects a node node=${id} by=admin client=127.0.0.1 reason="it floods"`],
      ['DELETE', `/api/v1/nodes/${id}?for=60&reason=spam`, 200, `info an operator refuses an id node=${id} by=admin client=127.0.0.1 seconds=60 reason=spam`],
      ['DELETE', `/api/v1/refused-ids/${id}`, 200, `info an operator refuses an id no longer node=${id} by=admin client=127.0.0.1`],
      ['POST', '/api/v1/reload', 200, 'info reload asked for admin=127.0.0.1'],
      ['POST', '/api/v1/drain', 202, 'info draining admin=127.0.0.1'],
      ['DELETE', '/api/v1/drain', 200, 'info drain cancelled admin=127.0.0.1'],
    ];
    // Connected until it is drained: the drain cannot end before it is cancelled.
    const other = await joinNode(broker.port);
    for (const [method, target, status, line] of asked) {
      const answer = await admin.request(method, target);
      assert.equal(answer.status, status, `${target}: ${answer.text}`);
      await broker.says(new RegExp(line));
    }
    other.disconnect();
  });

  test('a reload says what has changed, or what is wrong', async (t) => {
    const cwd = temporaryDirectory();
    const write = (text) => fs.writeFileSync(path.join(cwd, '.env'), text);
    write('LOG_LEVEL=0\nMAX_NODE_ID_BYTES=100\n');
    const { admin } = await startAdmin(t, {}, { cwd });
    write('LOG_LEVEL=1\nMAX_NODE_ID_BYTES=200\n');
    const done = await admin.request('POST', '/api/v1/reload');
    assert.deepEqual([done.status, done.json], [200, { changed: ['LOG_LEVEL'], needRestart: ['MAX_NODE_ID_BYTES'] }]);
    write('LOG_LEVEL=9\n');
    const refused = await admin.request('POST', '/api/v1/reload');
    assert.equal(refused.status, 422);
    assert.match(refused.json.error, /LOG_LEVEL: "9" from \.env is not/);
  });
});

describe('events', ours, () => {
  test('tell who joins, leaves and is refused', async (t) => {
    const { admin, port } = await startAdmin(t, { DUPLICATE_ID_PROBE_TIMEOUT_MS: '0' });
    const events = await admin.events();
    const node = await joinNode(port, freshId(), { query: { version: '1.2.3', runtime: 'js' } });
    const id = node.nodeId;
    const joined = await events.next('joined', { id });
    assert.equal(joined.address, '127.0.0.1');
    assert.equal(joined.version, '1.2.3');
    assert.match(joined.at, /^\d{4}-.*\.\d{3}Z$/);
    await refusalOf(port, id);
    const refused = await events.next('refused', { id });
    assert.match(refused.reason, /client already connected/);
    assert.equal(refused.mayRetry, false);
    node.disconnect();
    assert.match((await events.next('left', { id })).reason, /\w/);
    events.close();
  });

  test('tell of the faults of modules', async (t) => {
    const { admin, port } = await startAdmin(t, { NODES_AUTHENTICATION_WEBHOOK_URL: `http://127.0.0.1:${await freePort()}/` });
    const events = await admin.events();
    await assert.rejects(joinNode(port));
    const fault = await events.next('module', { kind: 'authentication' });
    assert.match(fault.fault, /plugin call failed/);
    const module = (await admin.json('/api/v1/overview')).modules.find(({ kind }) => kind === 'authentication');
    assert.equal(module.state, 'failing');
    assert.ok(module.faults >= 1 && module.lastFault && module.calls >= 1, JSON.stringify(module));
  });

  test('a reader that reads nothing loses events, is told how many, and holds nothing up', async (t) => {
    // Long ids, so that few events fill what the system keeps for a socket.
    const { admin, port } = await startAdmin(t, { MAX_NODE_ID_BYTES: '10000' });
    const slow = net.connect(admin.port, '127.0.0.1');
    t.after(() => slow.destroy());
    let text = '';
    slow.on('data', (bytes) => (text += bytes));
    slow.write(`GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${kToken}\r\n\r\n`);
    await eventually('the stream is open', () => text.endsWith(':\n\n'));
    slow.pause();
    const fast = await admin.events();
    const [rounds, together] = [30, 8];
    for (let i = 0; i < rounds; ++i) {
      const nodes = await Promise.all(Array.from({ length: together }, () => joinNode(port, freshId('x'.repeat(8000)))));
      for (const node of nodes) node.disconnect();
      for (const node of nodes) await fast.next('left', { id: node.nodeId });
    }
    const all = 2 * rounds * together;
    assert.equal(fast.events.length, all);
    slow.resume();
    const lost = () => [...text.matchAll(/^event: lost\ndata: .*"count":(\d+)/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
    const arrived = () => [...text.matchAll(/^event: (joined|left)$/gm)].length;
    await eventually('it has what is left', () => lost() + arrived() === all, scaled(10_000));
    assert.ok(lost() > 0);
    const last = await joinNode(port);
    await eventually('and goes on', () => text.includes(`"id":"${last.nodeId}"`));
    fast.close();
  });

  test('there are ADMIN_MAX_STREAMS at most', async (t) => {
    const { admin } = await startAdmin(t, { ADMIN_MAX_STREAMS: '10' });
    const readers = await Promise.all(Array.from({ length: 10 }, () => admin.events()));
    await assert.rejects(admin.events(), { status: 503 });
    // Ten streams leave all threads to requests.
    await Promise.all(Array.from({ length: 20 }, () => admin.json('/api/v1/overview')));
    readers[0].close();
    await eventually('the place is free again', () => admin.events().then((reader) => readers.push(reader), () => false));
    for (const reader of readers) reader.close();
  });
});

describe('slow and silent clients of the admin interface', ours, () => {
  const connect = (port) => RawSocket.connect(port, '127.0.0.1', undefined, null);

  test('hold up neither requests nor the end of the broker', async (t) => {
    const broker = await startAdmin(t, { DRAIN_DURATION_MS: '0' });
    const { admin } = broker;
    const hung = await Promise.all(Array.from({ length: 150 }, () => connect(admin.port)));
    for (const each of hung) each.send('GET /api/v1/overview HTTP/1.1\r\n');
    await admin.json('/api/v1/overview');
    const reader = await admin.events();
    const unread = await connect(admin.port);
    unread.socket.pause();
    unread.send(`GET /metrics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${kToken}\r\n\r\n`.repeat(50));
    await admin.json('/api/v1/overview');
    const begun = Date.now();
    broker.child.kill('SIGTERM');
    const { code } = await within(scaled(10_000), 'the broker ends', broker.exited);
    assert.equal(code, 0, broker.output);
    assert.ok(Date.now() - begun < scaled(5000), `took ${Date.now() - begun} ms`);
    await reader.ends();
    for (const each of [...hung, unread]) each.socket.destroy();
  });
});
