// The routes, over HTTP as the broker asks them.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { createApp } from '../app.mjs';
import { Rules } from '../rules.mjs';

const turn = { stunUrls: [], turnUrls: ['turn:a'], secret: 'north', lifetimeS: 600 };
const lists = { banned: ['mallory'], deniedPairs: [['alice', 'eve']] };

/** A fresh server for each test of a `describe`. */
function serve(options = {}) {
  const site = {};
  let server;
  beforeEach(async () => {
    site.lines = [];
    const log = (line) => site.lines.push(line);
    server = createApp({ rules: new Rules('right', lists), turn, log, ...options }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    site.url = `http://127.0.0.1:${server.address().port}`;
  });
  afterEach(() => {
    server.close();
    server.closeAllConnections();
  });
  site.fetch = async (method, path, body, headers = {}) => {
    const response = await fetch(site.url + path, { method, body, headers });
    const text = await response.text();
    return { status: response.status, body: text && JSON.parse(text) };
  };
  site.ask = (path, question) => site.fetch('POST', path, JSON.stringify(question));
  return site;
}

describe('the questions of the broker', () => {
  const site = serve();

  const answers = [
    ['/authentication', { nodeId: 'alice', id: 'alice', data: { token: 'right' } }, { authenticated: true }],
    ['/authentication', { nodeId: 'alice', id: 'alice', data: 'right' }, { authenticated: true }],
    ['/authentication', { nodeId: 'alice', id: 'alice', data: 'wrong' }, { authenticated: false }],
    ['/authentication', { nodeId: 'alice', id: 'alice' }, { authenticated: false }],
    ['/authentication', { nodeId: 'mallory', id: 'mallory', data: 'right' }, { authenticated: false }],
    ['/authorization', { from: 'alice', to: 'bob' }, { authorized: true }],
    ['/authorization', { from: 'eve', to: 'alice' }, { authorized: false }],
    ['/validity', { connectedNodesIds: ['alice', 'mallory'] }, { invalidNodesIds: ['mallory'] }],
    ['/validity', { connectedNodesIds: [] }, { invalidNodesIds: [] }],
    ['/message', { senderId: 'alice', receiverId: 'bob', isReceiverConnected: true }, {}],
  ];
  for (const [path, question, answer] of answers) {
    test(`${path} ${JSON.stringify(question)}`, async () => {
      assert.deepEqual(await site.ask(path, question), { status: 200, body: answer });
    });
  }

  test('/rtc-configuration has the credentials of the node', async () => {
    const { status, body } = await site.ask('/rtc-configuration', { nodeId: 'alice' });
    assert.equal(status, 200);
    assert.match(body.iceServers[0].username, /^\d+:alice$/);
  });

  test('messages are counted, and told of without what is in them', async () => {
    await site.ask('/message', { senderId: 'a', receiverId: 'b', isReceiverConnected: true });
    await site.ask('/message', { senderId: 'b', receiverId: 'c', isReceiverConnected: false, content: 'private' });
    assert.deepEqual((await site.fetch('GET', '/healthz')).body, { status: 'ok', bans: 1, messages: 2 });
    assert.deepEqual(site.lines, ['message 1: from "a" to "b"', 'message 2: from "b" to "c", who is not connected']);
  });

  test('no token reaches the log, and no id makes a line of its own', async () => {
    await site.ask('/authentication', { nodeId: 'a\nb', data: 'right' });
    await site.ask('/authentication', { nodeId: 'alice', data: { token: 'nearly-right' } });
    assert.deepEqual(site.lines, [
      'authentication: "a\\nb" may connect',
      'authentication: "alice" refused, wrong token',
    ]);
  });

  const senseless = [
    ['/authentication', '{"id":"alice"}', /nodeId/],
    ['/rtc-configuration', '{"nodeId":1}', /nodeId/],
    ['/authorization', '{"from":"alice"}', /to is/],
    ['/validity', '{"connectedNodesIds":["a",1]}', /connectedNodesIds/],
    ['/validity', '{"connectedNodesIds":"abc"}', /connectedNodesIds/],
    ['/message', '{"senderId":"a"}', /receiverId/],
    ['/message', '{"senderId":', /JSON/],
    ['/message', 'null', /JSON/],
    ['/message', '', /JSON/],
  ];
  for (const [path, body, sentence] of senseless) {
    test(`${path} ${body || '(nothing)'} is a 400 with a sentence`, async () => {
      const answer = await site.fetch('POST', path, body);
      assert.equal(answer.status, 400);
      assert.match(answer.body.error, sentence);
    });
  }

  test('a body beyond the limit is a 413', async () => {
    const question = JSON.stringify({ connectedNodesIds: ['x'.repeat(4 * 1024 * 1024)] });
    assert.equal((await site.fetch('POST', '/validity', question)).status, 413);
  });

  test('another path or method is a 404', async () => {
    assert.equal((await site.fetch('GET', '/authentication')).status, 404);
    assert.equal((await site.fetch('POST', '/elsewhere')).status, 404);
    assert.equal((await site.fetch('GET', '/bans')).status, 404, 'without an ADMIN_TOKEN');
  });
});

describe('with a signing secret', () => {
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const site = serve({ signingSecret: secret });
  const body = '{"from":"alice","to":"bob"}';

  function headersFor(text) {
    const id = 'msg_1';
    const at = String(Math.floor(Date.now() / 1000));
    const hmac = createHmac('sha256', Buffer.alloc(32, 7)).update(`${id}.${at}.${text}`);
    return { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': `v1,${hmac.digest('base64')}` };
  }

  test('a signed question is answered', async () => {
    const answer = await site.fetch('POST', '/authorization', body, headersFor(body));
    assert.deepEqual(answer, { status: 200, body: { authorized: true } });
  });

  test('any other is not', async () => {
    for (const headers of [{}, headersFor(`${body} `)]) {
      assert.equal((await site.fetch('POST', '/authorization', body, headers)).status, 400);
    }
    assert.match(site.lines[0], /not signed: WEBHOOK_SIGNING_SECRET is not set at the broker/);
    assert.match(site.lines[1], /not signed with this WEBHOOK_SIGNING_SECRET/);
    assert.equal(site.lines.length, 2);
  });

  test('the health check needs no signature', async () =>
    assert.equal((await site.fetch('GET', '/healthz')).body.status, 'ok'));
});

describe('bans', () => {
  const site = serve({ adminToken: 'admin' });
  const asAdmin = (method, path) => site.fetch(method, path, undefined, { authorization: 'Bearer admin' });
  const maySomebody = async (nodeId) =>
    (await site.ask('/authentication', { nodeId, data: 'right' })).body.authenticated;

  test('count from the next question on, and until they are lifted', async () => {
    assert.equal(await maySomebody('bob'), true);
    assert.equal((await asAdmin('PUT', '/bans/bob')).status, 204);
    assert.equal(await maySomebody('bob'), false);
    assert.deepEqual((await asAdmin('GET', '/bans')).body, { bans: ['mallory', 'bob'] });
    assert.equal((await asAdmin('DELETE', '/bans/bob')).status, 204);
    assert.equal(await maySomebody('bob'), true);
  });

  test('are for any id', async () => {
    const id = 'a/b c?é%';
    assert.equal((await asAdmin('PUT', `/bans/${encodeURIComponent(id)}`)).status, 204);
    assert.equal(await maySomebody(id), false);
  });

  test('that nobody has cannot be lifted', async () =>
    assert.equal((await asAdmin('DELETE', '/bans/bob')).status, 404));

  test('have a bounded id that can be decoded', async () => {
    assert.equal((await asAdmin('PUT', `/bans/${'x'.repeat(257)}`)).status, 400);
    assert.equal((await asAdmin('PUT', '/bans/%FF')).status, 400);
  });

  for (const authorization of [undefined, 'Bearer', 'Bearer wrong', 'Basic admin', 'admin']) {
    test(`need the token: ${authorization}`, async () => {
      for (const [method, path] of [
        ['GET', '/bans'],
        ['PUT', '/bans/bob'],
        ['DELETE', '/bans/mallory'],
      ]) {
        const headers = authorization ? { authorization } : {};
        assert.equal((await site.fetch(method, path, undefined, headers)).status, 401);
      }
      assert.equal(await maySomebody('bob'), true);
      assert.equal(await maySomebody('mallory'), false);
    });
  }
});
