// What somebody does wrong who has just begun: each mistake is answered by one line that names what is wrong and says
// what to do. At the default log level those of an operator, or of who writes a webhook; at level 1 those of a client.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { makeAuthority } from './support/authority.mjs';
import { Broker, oursOnly, runBroker, temporaryDirectory } from './support/broker.mjs';
import { freshId, refusalOf } from './support/node.mjs';
import { openTransport } from './support/raw.mjs';
import { RedisServer } from './support/redis.mjs';
import { eventually } from './support/time.mjs';
import { expectTryAgain, json, stopWebhooks, text, Webhook } from './support/webhook.mjs';

const ours = oursOnly('has no such interface');
const kAuthentication = 'NODES_AUTHENTICATION_WEBHOOK_URL';
const kJwt = { NODES_AUTHENTICATION_PLUGIN: 'jwt-auth' };
const kPem = '-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----';

function file(content, name = 'value') {
  const full = path.join(temporaryDirectory(), name);
  fs.writeFileSync(full, content);
  return full;
}

/// A server that gives this answer to whatever it is sent.
async function serve(answer) {
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () => answer(socket));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/// What is set, the exit code, and the line.
const kOfOperators = {
  'seconds for milliseconds': [{ PING_INTERVAL_MS: '25' }, 2, /PING_INTERVAL_MS: "25" .*\(the unit is milliseconds: 25 s is 25000\)/],
  'a unit': [{ DRAIN_DURATION_MS: '30s' }, 2, /DRAIN_DURATION_MS: "30s" .*\(write 30000\)/],
  'another unit': [{ MAX_MEMORY_BYTES: '512M' }, 2, /MAX_MEMORY_BYTES: "512M" .*\(write 536870912\)/],
  'megabytes for bytes': [{ MAX_MEMORY_BYTES: '512' }, 2, /MAX_MEMORY_BYTES: 512 is less than the broker itself needs: set it to at least/],
  'yes for true': [{ METRICS_ENABLED: 'yes' }, 2, /METRICS_ENABLED: "yes" .* is not true or false \(write true\)/],
  'a word for a level': [{ LOG_LEVEL: 'debug' }, 2, /LOG_LEVEL: "debug" .*\(write 3, or 1 /],
  'an address in PORT': [{ PORT: '127.0.0.1:8080' }, 2, /PORT: .*\(write the port alone: the address belongs in BIND_ADDRESS\)/],
  'a name to listen on': [{ BIND_ADDRESS: 'localhost' }, 2, /BIND_ADDRESS: "localhost" .*\(write 127\.0\.0\.1 or ::1\)/],
  'no scheme': [{ [kAuthentication]: 'hooks.example.org/auth' }, 2, /_WEBHOOK_URL: "hooks.* \(it has no scheme/],
  'IPv6 without brackets': [{ [kAuthentication]: 'http://::1:3000/' }, 2, /_WEBHOOK_URL: .*\(an IPv6 address needs brackets/],
  'a # in a password': [{ REDIS_URL: 'redis://:hunter2#@host/0' }, 2, /REDIS_URL: .*\(in a user or password write .* # as %23\)/],
  'a % in a password': [{ REDIS_URL: 'redis://:hunter2%@host/0' }, 2, /REDIS_URL: a percent sign .*: write a percent sign as %25/],
  'a URL of Sentinel': [{ REDIS_URL: 'redis-sentinel://host:26379/mymaster' }, 2, /REDIS_URL: the scheme is redis:\/\/, .* with Sentinel and in a cluster too, not redis-sentinel:/],
  'a secret where its file is named': [{ ...kJwt, JWT_SECRET_FILE: 'hunter2' }, 2, /JWT_SECRET_FILE: its value \(not shown, .* belongs in JWT_SECRET/],
  'a key where its file is named': [{ ...kJwt, JWT_PUBLIC_KEY_FILE: kPem }, 2, /JWT_PUBLIC_KEY_FILE holds a key itself: it must be the name of a file/],
  'a URL where a file is named': [{ ...kJwt, JWT_JWKS_FILE: 'https://example.org/jwks.json' }, 2, /JWT_JWKS_FILE is a URL: .* download the keys into one/],
  'a key set as a secret': [{ ...kJwt, JWT_SECRET: '{"keys":[{"kty":"oct","k":"hunter2hunter2hunter2"}]}' }, 2, /JWT_SECRET holds a JSON Web Key; .* JWT_JWKS_FILE/],
  'a signing secret of one word': [{ [kAuthentication]: 'http://127.0.0.1:1/', WEBHOOK_SIGNING_SECRET: 'hunter2x' }, 2, /WEBHOOK_SIGNING_SECRET: .*: whsec_\$\(openssl rand -base64 32\) is one/],
  'no such folder of plugins': [{ ...kJwt, PLUGINS_DIR: '/nowhere/plugins' }, 3, /\/nowhere\/plugins \(PLUGINS_DIR\) cannot be read: No such file/],
};

const kDotEnv = {
  'UTF-16': [Buffer.from('\ufeffPORT=8080\n', 'utf16le'), 2, /\.env: is UTF-16, .*: save it as UTF-8/],
  'YAML': ['PORT: 8080\n', 2, /\.env: line 1 is not NAME=value, as PORT=8080 is/],
  'a reference to another variable': ['PASSWORD=x\nREDIS_URL=redis://:${PASSWORD}@127.0.0.1/0\n', 0, /REDIS_URL: its value from \.env contains a reference to another variable/],
  'the same variable twice': ['LOG_LEVEL=1\nLOG_LEVEL=2\n', 0, /\.env sets LOG_LEVEL more than once: the last one counts/],
};

describe('the log tells an operator of', ours, () => {
  /// All but the one line are about something else.
  function expectOneLine(output, line) {
    const lines = output.split('\n').filter(Boolean);
    assert.equal(lines.filter((each) => line.test(each)).length, 1, output);
    assert.doesNotMatch(output, /hunter2/);
  }

  for (const [name, [env, exit, line]] of Object.entries(kOfOperators)) {
    test(name, async () => {
      const { code, output } = await runBroker([], env);
      assert.equal(code, exit, output);
      expectOneLine(output, line);
      assert.equal(output.trim().split('\n').length, 1, output);
    });
  }

  for (const [name, [content, exit, line]] of Object.entries(kDotEnv)) {
    test(`a .env with ${name}`, async () => {
      const cwd = path.dirname(file(content, '.env'));
      const { code, output } = await runBroker(['--check-config'], {}, { cwd });
      assert.equal(code, exit, output);
      expectOneLine(output, line);
    });
  }

  test('a secret that is the name of a file', async () => {
    const { output } = await runBroker(['--check-config'], { ...kJwt, JWT_SECRET: file('x'.repeat(40), 'a-long-enough-name-for-a-secret') });
    expectOneLine(output, /JWT_SECRET: its value .* is the name of an existing file: is JWT_SECRET_FILE meant\?/);
  });

  test('where .env is looked for', async () => {
    const cwd = path.dirname(file('LOG_LEVEL=1\n', '.env'));
    const broker = await Broker.start({}, { cwd });
    await broker.stop();
    assert.ok(broker.output.includes(` dotenv=${fs.realpathSync(cwd)}/.env`), broker.output);
    const { output } = await runBroker(['--check-config'], {}, { cwd: path.dirname(cwd) });
    assert.match(output, /^the configuration is valid \(\.env: none in \/.*\)$/m);
  });
});

describe('the log tells an operator with a Redis of', ours, () => {
  const cases = [];
  after(async () => {
    for (const stop of cases) await stop();
  });

  /// In the log, by a broker that waits for it.
  async function expectInLog(url, line) {
    const broker = await Broker.start({ REDIS_URL: url });
    await eventually(`${line}`, () => line.test(broker.output));
    await broker.says(/error the registry cannot be reached why=".*" variable=REDIS_URL/);
    await broker.stop();
  }

  test('a web server', async () => {
    const server = await serve((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    cases.push(() => server.close());
    await expectInLog(`redis://127.0.0.1:${server.address().port}`, /why=".*this is not Redis: is the port in REDIS_URL right\?"/);
  });

  test('a server without scripts, such as a proxy', async () => {
    // Says to everything what a proxy for Redis says to most.
    const server = await serve((socket) => socket.write("-ERR unknown command 'SCRIPT', with args beginning with: 'LOAD'\r\n"));
    cases.push(() => server.close());
    await expectInLog(`redis://127.0.0.1:${server.address().port}`, /does not know the command: is it Redis, not Sentinel or a proxy\?"/);
  });

  test('a database that is not there', async () => {
    const redis = await RedisServer.start();
    cases.push(() => redis.stop());
    await expectInLog(`redis://127.0.0.1:${redis.port}/99`, /why=".*SELECT: ERR DB index is out of range: the number at the end of REDIS_URL/);
  });
});

describe('the log tells the author of a webhook of', ours, () => {
  let broker;
  let webhook;
  before(async () => {
    webhook = await Webhook.start({ answer: json({ authenticated: true }) });
    broker = await Broker.start({ [kAuthentication]: webhook.url() });
  });
  after(async () => {
    await broker.stop();
    await stopWebhooks();
  });

  const kLack = 'the answer has no "authenticated" that is true or false: ';
  for (const [name, answer, line] of [
    ['an empty answer', (exchange) => exchange.reply(204, {}, ''), `${kLack}it is empty`],
    ['HTML', text('<!doctype html>'), `${kLack}it starts with '<', so it is HTML or XML`],
    ['a dictionary of Python', text("{'authenticated': True}"), `${kLack}it is not JSON`],
    ['a string', text('{"authenticated":"true"}'), `${kLack}it is a string`],
    ['capitals', text('{"Authenticated":true}'), `${kLack}its name is spelled with different capitals`],
    ['another name', text('{"ok":true}'), `${kLack}there is no such member`],
    ['a list', text('[true]'), `${kLack}it is a list, not an object`],
    ['a redirect', (exchange) => exchange.reply(302, { Location: '/login' }, ''), 'answered 302, a redirect, which is not followed: give the URL that it leads to'],
    ['a path that is not there', (exchange) => exchange.reply(404, {}, ''), 'answered 404: is the path of the URL right?'],
    ['a method that is not allowed', (exchange) => exchange.reply(405, {}, ''), 'answered 405: the request is a POST'],
  ]) {
    test(name, async () => {
      webhook.answer = answer;
      const start = broker.output.length;
      const said = () => broker.output.slice(start).replaceAll('\\"', '"');
      await expectTryAgain(broker.port, freshId());
      await eventually(`${line}; said: ${said()}`, async () => {
        if (said().includes(line)) return true;
        // Lines that repeat too often in a second are left out.
        await expectTryAgain(broker.port, freshId());
        return said().includes(line);
      });
    });
  }

  async function expectOf(env, line) {
    const other = await Broker.start(env);
    await expectTryAgain(other.port, freshId());
    await eventually(`${line}; said: ${other.output}`, () => line.test(other.output));
    await other.stop();
  }

  test('https:// to a port of http', async () => {
    const server = await serve((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await expectOf(
      { [kAuthentication]: `https://127.0.0.1:${server.address().port}/` },
      /the TLS handshake failed: .*: does that port expect http\?/,
    );
    server.close();
  });

  test('http:// to a port of https, and a certificate of an unknown authority', async () => {
    const certificate = makeAuthority().issue('DNS:localhost,IP:127.0.0.1');
    const server = await Webhook.start({ answer: json({ authenticated: true }), certificate });
    const url = `://localhost:${server.port}/`;
    await expectOf({ [kAuthentication]: `http${url}` }, /closed the connection without an answer: does that port expect https\?/);
    await expectOf({ [kAuthentication]: `https${url}` }, /certificate is not accepted: .*: put its issuer's certificate in WEBHOOK_CA_FILE/);
  });

  test('a timeout that another one is shorter than', async () => {
    webhook.answer = () => {};
    await expectOf(
      { [kAuthentication]: webhook.url(), WEBHOOK_TIMEOUT_MS: '60000', PLUGIN_TIMEOUT_MS: '1000' },
      /no answer within 950 ms \(PLUGIN_TIMEOUT_MS allows no more\)/,
    );
  });
});

describe('at level 1 the log tells the author of a client of', ours, () => {
  let broker;
  before(async () => {
    broker = await Broker.start({ ...kJwt, JWT_SECRET: 'a-shared-secret-of-more-than-32-bytes!', LOG_LEVEL: '1' });
  });
  after(() => broker.stop());

  for (const [name, options, line] of [
    ['a token that is not in data', { auth: { token: 'x' } }, 'reason="the node sent no token: it belongs in data, in the query"'],
    ['an empty token', { query: { data: '' } }, 'reason="the token is empty"'],
    ['Bearer', { query: { data: 'Bearer a.b.c' } }, 'reason="\\"Bearer \\" precedes the token: remove it"'],
    ['quotes', { query: { data: '"a.b.c"' } }, 'reason="the token has quotes around it: remove them"'],
  ]) {
    test(name, async () => {
      const id = freshId();
      await refusalOf(broker.port, id, options);
      await eventually(`${line}; said: ${broker.output}`, () =>
        broker.output.split('\n').some((each) => each.includes(`node refused node=${id} `) && each.includes(line)),
      );
    });
  }

  test('a query that lacks a field', async () => {
    const id = freshId();
    const transport = await openTransport(broker.port, { id, runtime: 'raw' });
    const line = `node refused node=${id} why="server side exception: Error: Missing required OnConnectionData value: version" reason="the URL's query must contain it once: use the option query of io(), not auth"`;
    await eventually(`${line}; said: ${broker.output}`, () => broker.output.includes(line));
    transport.destroy();
  });
});
