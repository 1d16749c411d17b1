// Signals: none kills, SIGHUP reads secrets, keys and LOG_LEVEL again, SIGQUIT drains as SIGTERM does.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { makeAuthority } from './support/authority.mjs';
import {
  binary,
  Broker,
  cleanEnvironment,
  freePort,
  getJson,
  oursOnly,
  plugin,
  temporaryDirectory,
} from './support/broker.mjs';
import { admits, kRedisWarmUp, tryConnect } from './support/grid.mjs';
import { freshId, joinNode, refusalOf, send } from './support/node.mjs';
import { RedisServer } from './support/redis.mjs';
import { eventually, scaled, within } from './support/time.mjs';
import { expectTryAgain, json, stopWebhooks, Webhook } from './support/webhook.mjs';

const ours = oursOnly('ends by them');
const kAgain = /SIGHUP: configuration reloaded/g;

/// A folder for .env and secrets, which are written anew as one writes files.
function folder() {
  const directory = temporaryDirectory();
  return {
    cwd: directory,
    at: (name) => path.join(directory, name),
    write: (name, text) => {
      fs.writeFileSync(path.join(directory, name), text);
      return path.join(directory, name);
    },
  };
}

async function startBroker(t, env, options) {
  const broker = await Broker.start(env, options);
  t.after(() => !broker.hasExited && broker.stop());
  return broker;
}

const count = (broker, pattern) => [...broker.output.matchAll(pattern)].length;

/// Resolves once the broker has done what SIGHUP asks for.
async function reload(broker) {
  const before = count(broker, kAgain);
  broker.child.kill('SIGHUP');
  await eventually('it is read again', () => count(broker, kAgain) > before);
}

/// Resolves with what the log says then, once it has found faults.
async function reloadWithFaults(broker) {
  const kKept = /the previous values stay in use/g;
  const [before, from] = [count(broker, kKept), broker.output.length];
  broker.child.kill('SIGHUP');
  await eventually('it is refused', () => count(broker, kKept) > before);
  return broker.output.slice(from);
}

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
function token(id, signature, header) {
  const claims = { sub: id, exp: Math.floor(Date.now() / 1000) + 600 };
  const text = `${encode({ typ: 'JWT', ...header })}.${encode(claims)}`;
  return `${text}.${signature(text).toString('base64url')}`;
}
const hs256 = (id, secret) =>
  token(id, (text) => createHmac('sha256', secret).update(text).digest(), { alg: 'HS256' });
const es256 = (id, key) =>
  token(id, (text) => sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }), {
    alg: 'ES256',
  });

async function assertLetIn(broker, data) {
  const id = freshId();
  await joinNode(broker.port, id, { query: { data: data(id) } });
}
async function assertRefused(broker, data) {
  const id = freshId();
  assert.match(await refusalOf(broker.port, id, { query: { data: data(id) } }), /authentication/);
}

describe('a signal', ours, () => {
  test('without a meaning is logged, and has no effect on nodes', async (t) => {
    const broker = await startBroker(t, {});
    const node = await joinNode(broker.port);
    for (const signal of ['SIGUSR1', 'SIGUSR2', 'SIGHUP', 'SIGUSR1']) broker.child.kill(signal);
    await eventually('each is in the log', () => count(broker, kAgain) === 1);
    await eventually('so are the others', () => count(broker, /signal ignored/g) >= 2);
    assert.equal(await send(node, 'SOCKET_MSG_EXCHANGE', { from: node.nodeId, to: node.nodeId }), 'OK');
    await broker.stop();
  });

  test('during the start ends nothing, and SIGHUP is done after it', async (t) => {
    const { cwd, write } = folder();
    write('.env', 'LOG_LEVEL=0\n');
    // The start waits for a Redis that says nothing.
    const silent = net
      .createServer((socket) => socket.on('error', () => {}))
      .listen(0, '127.0.0.1');
    t.after(() => silent.close());
    await once(silent, 'listening');
    const port = await freePort();
    const child = spawn(binary, [], {
      cwd,
      env: cleanEnvironment({
        PORT: String(port),
        REDIS_URL: `redis://127.0.0.1:${silent.address().port}`,
      }),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => child.kill('SIGKILL'));
    let output = '';
    child.stdout.on('data', (text) => (output += text));
    let ended = false;
    const exited = once(child, 'exit').then((all) => ((ended = true), all));
    // The first thing that it does.
    const held = () =>
      (Number.parseInt(
        /^SigBlk:\s+(\w+)/m.exec(fs.readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1].slice(-8),
        16,
      ) &
        1) !==
      0;
    await eventually('signals are held', () => ended || held() || output.includes('listening'));
    assert.doesNotMatch(output, /listening/);
    write('.env', 'LOG_LEVEL=1\n');
    for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2']) child.kill(signal);
    await eventually('it is read again', () => ended || output.match(kAgain));
    assert.ok(!ended, output);
    assert.ok(output.indexOf('listening') < output.search(kAgain), output);
    assert.equal((await tryConnect(port, 'seen')).outcome, '503');
    await eventually('LOG_LEVEL counts', () => /node asked to retry.*seen/.test(output));
    child.kill('SIGTERM');
    assert.deepEqual(await within(scaled(20_000), 'it ends', exited), [0, null]);
  });

  test('SIGQUIT disconnects nodes as SIGTERM does, and ends with 0', async (t) => {
    const broker = await startBroker(t, {});
    const node = await joinNode(broker.port);
    const gone = once(node, 'disconnect');
    broker.child.kill('SIGQUIT');
    await within(scaled(10_000), 'the node is sent away', gone);
    const { code } = await within(scaled(20_000), 'it ends', broker.exited);
    assert.equal(code, 0, broker.output);
    assert.match(broker.output, /draining signal=3/);
  });

  for (const [first, second, code] of [
    ['SIGTERM', 'SIGQUIT', 131],
    ['SIGQUIT', 'SIGTERM', 143],
    ['SIGQUIT', 'SIGINT', 130],
  ]) {
    test(`${second} after ${first} ends it at once`, async (t) => {
      const broker = await startBroker(t, { DRAIN_DURATION_MS: '600000' });
      for (let i = 0; i < 20; ++i) await joinNode(broker.port);
      broker.child.kill(first);
      await eventually('draining', () => /draining/.test(broker.output));
      broker.child.kill(second);
      const ended = await within(scaled(10_000), 'it ends', broker.exited);
      assert.equal(ended.code, code, broker.output);
    });
  }

  test('SIGHUP, SIGUSR1 and SIGUSR2 change nothing while it drains', async (t) => {
    const broker = await startBroker(t, { DRAIN_DURATION_MS: String(scaled(1000)) });
    for (let i = 0; i < 50; ++i) await joinNode(broker.port);
    broker.child.kill('SIGTERM');
    await eventually('draining', async () => (await getJson(broker, '/readyz')).status === 503);
    for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGHUP']) broker.child.kill(signal);
    const { code } = await within(scaled(20_000), 'it ends', broker.exited);
    assert.equal(code, 0, broker.output);
    assert.match(broker.output, /SIGHUP ignored: the broker is shutting down/);
    assert.doesNotMatch(broker.output, /second signal/);
  });
});

describe('SIGHUP reads again', ours, () => {
  afterEach(stopWebhooks);
  const kOld = 'old-secret-of-more-than-32-bytes-0123456789';
  const kNew = 'new-secret-of-more-than-32-bytes-9876543210';

  test('JWT_SECRET_FILE: tokens of the new secret are good, those of the old are not', async (t) => {
    const { write } = folder();
    const file = write('secret', kOld);
    const broker = await startBroker(t, {
      NODES_AUTHENTICATION_PLUGIN: 'jwt-auth',
      JWT_SECRET_FILE: file,
    });
    const id = freshId();
    const node = await joinNode(broker.port, id, { query: { data: hs256(id, kOld) } });
    write('secret', `${kNew}\n`);
    await assertLetIn(broker, (other) => hs256(other, kOld));
    await reload(broker);
    await assertLetIn(broker, (other) => hs256(other, kNew));
    await assertRefused(broker, (other) => hs256(other, kOld));
    assert.equal(await send(node, 'SOCKET_MSG_EXCHANGE', { from: id, to: id }), 'OK');
    await broker.stop();
    assert.match(broker.output, /reloaded changed=JWT_SECRET$/m);
    assert.doesNotMatch(broker.output, new RegExp(`${kOld}|${kNew}`));
  });

  test('the files of keys, at once', async (t) => {
    const keys = () =>
      generateKeyPairSync('ec', {
        namedCurve: 'P-256',
        publicKeyEncoding: { type: 'spki', format: 'pem' },
        privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      });
    const [before, next] = [keys(), keys()];
    const { write } = folder();
    const broker = await startBroker(t, {
      NODES_AUTHENTICATION_PLUGIN: 'jwt-auth',
      JWT_PUBLIC_KEY_FILE: write('key.pem', before.publicKey),
    });
    await assertLetIn(broker, (id) => es256(id, before.privateKey));
    write('key.pem', next.publicKey);
    await reload(broker);
    await assertLetIn(broker, (id) => es256(id, next.privateKey));
    await assertRefused(broker, (id) => es256(id, before.privateKey));
    await broker.says(/all keys reloaded; usable keys: 1/);
  });

  test('where keys are: a secret instead of a file, and back', async (t) => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    const { cwd, write } = folder();
    const file = write('key.pem', publicKey);
    write('.env', `JWT_PUBLIC_KEY_FILE=${file}\n`);
    const broker = await startBroker(t, { NODES_AUTHENTICATION_PLUGIN: 'jwt-auth' }, { cwd });
    write('.env', `JWT_SECRET=${kNew}\n`);
    await reload(broker);
    await assertLetIn(broker, (id) => hs256(id, kNew));
    await assertRefused(broker, (id) => es256(id, privateKey));
    write('.env', `JWT_PUBLIC_KEY_FILE=${file}\n`);
    await reload(broker);
    await assertLetIn(broker, (id) => es256(id, privateKey));
    // Such a file is still looked at without a signal.
    write('key.pem', 'no key');
    await eventually('it is seen', () => /the keys read before stay in use/.test(broker.output));
  });

  test('TURN_SHARED_SECRET: passwords are made with the new one', async (t) => {
    const { write } = folder();
    const broker = await startBroker(t, {
      RTC_CONFIGURATION_RESOLVER_PLUGIN: 'turn-credentials',
      TURN_URLS: 'turn:127.0.0.1',
      TURN_SHARED_SECRET_FILE: write('secret', kOld),
    });
    const passwordMatches = async (secret) => {
      const { iceServers } = await (await joinNode(broker.port)).authenticated;
      const { username, password } = iceServers.find((server) => server.username);
      return password === createHmac('sha1', secret).update(username).digest('base64');
    };
    assert.ok(await passwordMatches(kOld));
    write('secret', kNew);
    await reload(broker);
    assert.ok(await passwordMatches(kNew));
  });

  test('WEBHOOK_SIGNING_SECRET: every webhook signs with the new one', async (t) => {
    const keys = [Buffer.alloc(32, 'o'), Buffer.alloc(32, 'n')];
    const secrets = keys.map((key) => `whsec_${key.toString('base64')}`);
    const { write } = folder();
    const webhook = await Webhook.start({ answer: json({ authenticated: true, authorized: true }) });
    const broker = await startBroker(t, {
      NODES_AUTHENTICATION_WEBHOOK_URL: webhook.url('/auth'),
      AUTHORIZE_NODES_COMMUNICATION_WEBHOOK_URL: webhook.url('/authorize'),
      ON_AUTHENTICATED_SOCKET_MSG_WEBHOOK_URL: webhook.url('/message'),
      WEBHOOK_SIGNING_SECRET_FILE: write('secret', secrets[0]),
    });
    const isSignedBy = ({ headers, body }, key) =>
      headers['webhook-signature'] ===
      `v1,${createHmac('sha256', key)
        .update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`)
        .digest('base64')}`;
    const use = async () => {
      const node = await joinNode(broker.port);
      await send(node, 'SOCKET_MSG_EXCHANGE', { from: node.nodeId, to: node.nodeId });
    };
    await use();
    for (const request of await webhook.received(3)) assert.ok(isSignedBy(request, keys[0]));
    write('secret', secrets[1]);
    await reload(broker);
    await use();
    const requests = (await webhook.received(6)).slice(3);
    for (const request of requests) assert.ok(isSignedBy(request, keys[1]), request.target);
    assert.doesNotMatch(broker.output, new RegExp(secrets.map((each) => each.slice(6)).join('|')));
  });

  test('WEBHOOK_CA_FILE: new connections trust whom it names now', async (t) => {
    const [stranger, authority] = [makeAuthority(), makeAuthority()];
    const { write } = folder();
    const webhook = await Webhook.start({
      answer: json({ authenticated: true }),
      certificate: authority.issue('IP:127.0.0.1'),
    });
    const broker = await startBroker(t, {
      NODES_AUTHENTICATION_WEBHOOK_URL: `https://127.0.0.1:${webhook.port}/`,
      WEBHOOK_CA_FILE: write('ca.pem', fs.readFileSync(stranger.file)),
    });
    await expectTryAgain(broker.port, freshId());
    write('ca.pem', fs.readFileSync(authority.file));
    await reload(broker);
    await joinNode(broker.port);
    write('ca.pem', fs.readFileSync(stranger.file));
    await reload(broker);
    await expectTryAgain(broker.port, freshId());
    await broker.says(/WEBHOOK_CA_FILE reloaded/);
  });

  test("the token of a plugin in C, token-auth's", async (t) => {
    const { write } = folder();
    const broker = await startBroker(t, {
      NODES_AUTHENTICATION_PLUGIN: plugin('token-auth'),
      SHARED_TOKEN_FILE: write('token', kOld),
    });
    await assertLetIn(broker, () => kOld);
    write('token', kNew);
    await reload(broker);
    await assertLetIn(broker, () => kNew);
    await assertRefused(broker, () => kOld);
  });

  test('LOG_LEVEL in .env, up and down', async (t) => {
    const { cwd, write } = folder();
    write('.env', 'LOG_LEVEL=0\n');
    const broker = await startBroker(t, {}, { cwd });
    await joinNode(broker.port, 'first');
    write('.env', 'LOG_LEVEL=1\n');
    await reload(broker);
    await joinNode(broker.port, 'second');
    await eventually('it is logged', () => /node joined.*second/.test(broker.output));
    write('.env', '');
    await reload(broker);
    await joinNode(broker.port, 'third');
    await broker.stop();
    assert.doesNotMatch(broker.output, /node joined.*(first|third)/);
    assert.equal(count(broker, /reloaded changed=LOG_LEVEL$/gm), 2);
  });

  test('like the start: a variable of a plugin is not reported as unknown', async (t) => {
    const broker = await startBroker(t, { NODES_AUTHENTICATION_WEBHOOK_DATA: 'raw' });
    const before = broker.output.length;
    await reload(broker);
    assert.match(broker.output.slice(before), /NODES_AUTHENTICATION_WEBHOOK_DATA has no effect/);
    assert.doesNotMatch(broker.output, /did you mean/);
  });

  test('nothing that needs a restart, and names it each time', async (t) => {
    const { cwd, write } = folder();
    write('.env', `MAX_NODE_ID_BYTES=100\n`);
    const broker = await startBroker(t, {}, { cwd });
    write('.env', 'MAX_NODE_ID_BYTES=5\nNODES_AUTHENTICATION_PLUGIN=jwt-auth\n');
    for (let i = 0; i < 2; ++i) {
      await reload(broker);
      await joinNode(broker.port, freshId('longer-than-five'));
    }
    const kNamed =
      /warning SIGHUP: .* need a restart variables="MAX_NODE_ID_BYTES, NODES_AUTHENTICATION_PLUGIN"/g;
    await eventually('they are named', () => count(broker, kNamed) === 2);
    assert.equal(count(broker, /reloaded changed=nothing/g), 2);
  });
});

describe('SIGHUP with a fault', ours, () => {
  const kGood = 'good-secret-of-more-than-32-bytes-0123456789';

  test('names all of them, and leaves everything as it was', async (t) => {
    const { cwd, write } = folder();
    write('.env', 'LOG_LEVEL=0\n');
    const file = write('secret', kGood);
    const broker = await startBroker(
      t,
      { NODES_AUTHENTICATION_PLUGIN: 'jwt-auth', JWT_SECRET_FILE: file },
      { cwd },
    );
    write('secret', 'too-short');
    write('.env', 'LOG_LEVEL=1\nPING_INTERVAL_MS=soon\nJWT_LEEWAY_S=9999\n');
    const said = await reloadWithFaults(broker);
    assert.match(said, /error JWT_SECRET has 9 bytes/);
    assert.match(said, /error PING_INTERVAL_MS: "soon"/);
    assert.match(said, /error JWT_LEEWAY_S: '9999'/);
    assert.match(said, /stay in use faults=3/);
    assert.doesNotMatch(said, /too-short/);
    await assertLetIn(broker, (id) => hs256(id, kGood));
    assert.doesNotMatch(broker.output, /node joined/);
    write('.env', 'LOG_LEVEL=1\n');
    write('secret', `${kGood}-2`);
    await reload(broker);
    await assertLetIn(broker, (id) => hs256(id, `${kGood}-2`));
    await eventually('the level counts', () => /node joined/.test(broker.output));
  });

  for (const [name, spoil, sentence] of [
    ['a secret file that is gone', ({ at }) => fs.unlinkSync(at('secret')), /JWT_SECRET_FILE/],
    ['an empty secret file', ({ write }) => write('secret', ''), /JWT_SECRET_FILE.*is empty/],
    ['a .env that makes no sense', ({ write }) => write('.env', 'what?\n'), /\.env: line 1/],
  ]) {
    test(`${name} leaves everything as it was`, async (t) => {
      const files = folder();
      const broker = await startBroker(
        t,
        { NODES_AUTHENTICATION_PLUGIN: 'jwt-auth', JWT_SECRET_FILE: files.write('secret', kGood) },
        { cwd: files.cwd },
      );
      spoil(files);
      assert.match(await reloadWithFaults(broker), sentence);
      await assertLetIn(broker, (id) => hs256(id, kGood));
    });
  }
});

describe('SIGHUP reads REDIS_URL again:', ours, () => {
  let redis;
  before(async () => {
    redis = await RedisServer.start();
  });
  after(() => redis.stop());
  const urlOf = (database) => `redis://127.0.0.1:${redis.port}/${database}`;
  const kPatience = kRedisWarmUp + scaled(5000);

  test('another database, which needs a restart', async (t) => {
    const { write } = folder();
    const broker = await startBroker(t, { REDIS_URL_FILE: write('url', urlOf(0)) });
    await admits(broker.port, kPatience);
    write('url', urlOf(3));
    await reload(broker);
    await eventually('it is said', () => /REDIS_URL: .* needs a restart/.test(broker.output));
    const id = freshId();
    const node = await joinNode(broker.port, id);
    assert.equal((await tryConnect(broker.port, node.nodeId)).outcome === '503', false);
    assert.equal(await redis.command('EXISTS', `crolang:node:{${id}}`), 1);
  });
});
