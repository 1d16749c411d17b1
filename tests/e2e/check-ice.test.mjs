// crolang-broker check-ice: passes for real TURN servers, and names the cause of what is wrong with broken ones.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import dgram from 'node:dgram';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { binary, cleanEnvironment, freePort, oursOnly, runBroker, temporaryDirectory, testPlugin } from './support/broker.mjs';
import { Coturn } from './support/coturn.mjs';
import { PionTurn, withPion } from './support/pion-turn.mjs';
import { hasSanitizer } from './support/sanitizer.mjs';
import { eventually, timeFactor } from './support/time.mjs';
import { localPair, testAuthority, writePair } from './support/tls.mjs';
import { json, stopWebhooks, Webhook } from './support/webhook.mjs';

const ours = oursOnly('has no such command');
// A library that shifts the clock.
const canPreload = { skip: hasSanitizer(binary) && 'a sanitizer has to be loaded first' };
const kSecret = 'north-wind-and-sun';

after(stopWebhooks);

const inSeconds = (seconds) => Math.floor(Date.now() / 1000) + seconds;
const hmac = (username, encoding = 'base64', hash = 'sha1') =>
  createHmac(hash, kSecret).update(username).digest(encoding);
/// MD5(username:realm:password), as turnadmin -k prints it.
const turnKey = (username, realm, password) =>
  createHash('md5').update(`${username}:${realm}:${password}`).digest('hex');
const trusting = () => ({ SSL_CERT_FILE: testAuthority().file });

/// What it prints must never have a secret in it.
async function checkIce(args, env = {}) {
  const run = await runBroker(['check-ice', ...args], env);
  assert.ok(!run.output.includes(kSecret), run.output);
  // Lines of the table are cut between cells, and sentences between words.
  run.sentences = run.output.replace(/\s+/g, ' ');
  return run;
}

const turnUrls = (urls) => urls.flatMap((url) => ['--turn-url', url]);
const checkUrls = (urls, env) =>
  checkIce(turnUrls(urls), { TURN_SHARED_SECRET: kSecret, ...env });

/// What a node gets of a webhook that gives this server and these credentials.
async function checkCredentials(coturn, username, credential, args = []) {
  const webhook = await Webhook.start({
    answer: json({ iceServers: [{ urls: [coturn.url()], username, credential }] }),
  });
  const run = await checkIce(args, { RTC_CONFIGURATION_RESOLVER_WEBHOOK_URL: webhook.url('/rtc') });
  assert.ok(!run.output.includes(credential), run.output);
  return { ...run, question: webhook.requests[0].question };
}

function assertCause({ code, output, sentences }, ...patterns) {
  assert.equal(code, 1, output);
  for (const pattern of patterns) assert.match(sentences, pattern);
}

async function startCoturn(t, secret = kSecret, options = {}) {
  const coturn = await Coturn.start(secret, options);
  t.after(() => coturn.stop());
  return coturn;
}

describe('a TURN server that works', ours, () => {
  let coturn;
  before(async () => {
    coturn = await Coturn.start(kSecret, { tls: localPair() });
  });
  after(() => coturn.stop());

  const kWays = ['udp', 'tcp', 'tls'];
  const stunUrl = () => `stun:127.0.0.1:${coturn.port}`;

  test('passes by UDP, TCP and TLS: coturn, as a table', async () => {
    const { code, output } = await checkIce(
      [...turnUrls(kWays.map((way) => coturn.url(way))), '--stun-url', stunUrl()],
      { TURN_SHARED_SECRET: kSecret, ...trusting() },
    );
    assert.equal(code, 0, output);
    const rows = output.split('\n').filter((line) => line.includes(`127.0.0.1:${coturn.port}  `));
    assert.equal(rows.length, 5, output);
    for (const row of rows) {
      assert.match(row, /^(stun|turns?):\S+ +127\.0\.0\.1:\d+ +(UDP|TCP|TLS) +[\d.]+ +127\.0\.0\.1:\d+/);
      if (row.startsWith('turn')) assert.match(row, /127\.0\.0\.1:\d+ +127\.0\.0\.1:\d+$/);
    }
    assert.match(output, /1 of 1 STUN URLs work, 3 of 3 TURN URLs work/);
  });

  test('gets its relays back', async () => {
    const released = () => [...coturn.output.matchAll(/REFRESH processed, success/g)].length;
    const before = released();
    const { code, output } = await checkUrls([coturn.url()]);
    assert.equal(code, 0, output);
    await eventually('the relay is released', () => released() === before + 1);
  });

  test('passes by UDP, TCP and TLS: pion/turn', withPion, async (t) => {
    const pion = await PionTurn.start(kSecret, localPair());
    t.after(() => pion.stop());
    const { code, output } = await checkUrls(kWays.map((way) => pion.url(way)), trusting());
    assert.equal(code, 0, output);
    assert.match(output, /3 of 3 TURN URLs work/);
  });

  test('is what turn-credentials gives to the node that is named', async () => {
    const { code, output } = await checkIce(['--node', 'alice', '--json'], {
      RTC_CONFIGURATION_RESOLVER_PLUGIN: 'turn-credentials',
      TURN_URLS: coturn.url(),
      STUN_URLS: stunUrl(),
      TURN_SHARED_SECRET: kSecret,
      // Neither is asked: what they need may not be where this is tried.
      REDIS_URL: 'redis://127.0.0.1:1',
      NODES_AUTHENTICATION_WEBHOOK_URL: 'http://127.0.0.1:1',
    });
    assert.equal(code, 0, output);
    const report = JSON.parse(output);
    assert.equal(report.ok, true);
    assert.deepEqual(report.checks.map(({ url, way, result }) => [url, way, result]), [
      [stunUrl(), 'UDP', 'works'],
      [stunUrl(), 'TCP', 'works'],
      [coturn.url(), 'UDP', 'works'],
    ]);
    const { username, relayed, mapped, ms, realm } = report.checks[2];
    assert.match(username, /^\d+:alice$/);
    assert.equal(realm, 'crolang.test');
    assert.match(relayed, /^127\.0\.0\.1:\d+$/);
    assert.match(mapped, /^127\.0\.0\.1:\d+$/);
    assert.ok(ms > 0);
  });

  test('is what a webhook gives', async () => {
    const username = `${inSeconds(3600)}:bob`;
    const { code, output, question } = await checkCredentials(
      coturn,
      username,
      hmac(username),
      ['--node', 'bob'],
    );
    assert.equal(code, 0, output);
    assert.deepEqual(question, { nodeId: 'bob' });
  });

  test('passes by the secret in a file, and by a name', async () => {
    const file = path.join(temporaryDirectory(), 'secret');
    fs.writeFileSync(file, `${kSecret}\n`);
    const url = `turn:localhost:${coturn.port}`;
    const { code, output } = await checkIce(['--turn-url', url, '--secret-file', file]);
    // localhost may have ::1 too, where this server does not listen.
    assert.match(output, /turn:localhost:\d+ +127\.0\.0\.1:\d+ +UDP +[\d.]+ /);
    assert.equal(code, output.includes('[::1]') ? 1 : 0);
  });

  const hasIpv6 = Object.values(os.networkInterfaces()).flat().some(({ address }) => address === '::1');
  test('passes by IPv6', { skip: !hasIpv6 && 'this machine has none' }, async (t) => {
    const args = ['--allow-loopback-peers', '--keep-address-family'];
    const ipv6 = await startCoturn(t, kSecret, { address: '::1', args });
    const { code, output } = await checkUrls([ipv6.url(), ipv6.url('tcp')]);
    assert.equal(code, 0, output);
    assert.match(output, /\[::1\]:\d+ +\[::1\]:\d+/);
  });

  test('has a relay by IPv4 too', { skip: !hasIpv6 && 'this machine has no IPv6' }, async (t) => {
    const ipv6 = await startCoturn(t, kSecret, { address: '::1' });
    assertCause(await checkUrls([ipv6.url()]), /440 Unsupported address family to the Allocate/, /keep-address-family/);
  });

  test('names a certificate of an authority that nodes do not trust', async () => {
    assertCause(
      await checkUrls([coturn.url('tls')]),
      /certificate of 127\.0\.0\.1:\d+ is not accepted: unable to get local issuer certificate/,
      /must send the whole chain/,
    );
  });

  test('warns of credentials that are short of expiring', async () => {
    const username = `${inSeconds(60)}:bob`;
    const { code, sentences } = await checkCredentials(coturn, username, hmac(username));
    assert.equal(code, 0);
    assert.match(sentences, /warning: the credentials are valid for (1 min|\d+ s) only/);
  });

  describe('refuses credentials, and the cause is named', () => {
    const valid = () => `${inSeconds(3600)}:bob`;
    const check = (username, password) => checkCredentials(coturn, username, password);

    for (const [name, encode, words] of [
      ['hexadecimal', (username) => hmac(username, 'hex'), /is hexadecimal, but must be base64\(HMAC-SHA1/],
      ['without its padding', (username) => hmac(username).replace('=', ''), /lacks the = at its end/],
    ]) {
      test(`a password ${name}`, async () => {
        const username = valid();
        assertCause(
          await check(username, encode(username)),
          /401 Unauthorized to the Allocate request/,
          words,
          /with that the server accepts this user/,
        );
      });
    }

    test('a password made with SHA-256', async () => {
      const username = valid();
      assertCause(await check(username, hmac(username, 'base64', 'sha256')), /is made with SHA-256, but must be/);
    });

    test('expired ones', async () => {
      const username = `${inSeconds(-90)}:bob`;
      assertCause(await check(username, hmac(username)), /expired 1 min 3\d s ago by this machine's clock/);
    });

    test('another secret', async () => {
      const south = 'south-wind-and-moon';
      const { output, ...run } = await checkUrls([coturn.url()], { TURN_SHARED_SECRET: south });
      assert.ok(!output.includes(south), output);
      assertCause({ output, ...run }, /another secret than TURN_SHARED_SECRET: .* so it is not the clock/);
    });

    test('another secret, of which only the webhook knows', async () => {
      const username = valid();
      const password = createHmac('sha1', 'moon').update(username).digest('base64');
      assertCause(await check(username, password), /is not the server's .* or the clocks are apart/);
    });

    test('an id that coturn does not take', async () => {
      assertCause(
        await checkIce(['--turn-url', coturn.url(), '--node', "o'neill"], { TURN_SHARED_SECRET: kSecret }),
        /400 .* to the Allocate request/,
        /TURN_USERNAME=expiry/,
      );
    });
  });
});

describe('the cause is named', ours, () => {
  test('the clock of the server is ahead', canPreload, async (t) => {
    const shift = { LD_PRELOAD: testPlugin('clock-shift'), CLOCK_SHIFT: '86400' };
    const coturn = await startCoturn(t, kSecret, { env: shift });
    assertCause(await checkUrls([coturn.url()]), /clocks apart: .* valid for another (4 h|3 h 59 min) here/, /NTP/);
  });

  test('the secret of the server has quotes around it', async (t) => {
    const coturn = await startCoturn(t, `"${kSecret}"`);
    assertCause(await checkUrls([coturn.url()]), /TURN_SHARED_SECRET with quotes around it/);
  });

  test('a user whose key is of another realm', async (t) => {
    const coturn = await startCoturn(t, kSecret, {
      authentication: ['--lt-cred-mech', '--user=alice:0x' + turnKey('alice', 'other.test', 'password1')],
    });
    assertCause(
      await checkCredentials(coturn, 'alice', 'password1'),
      /realm 'crolang\.test'/,
      /has a key that was made for another realm/,
    );
  });

  test('a peer that the server denies', async (t) => {
    const coturn = await startCoturn(t, kSecret, { args: [] });
    assertCause(
      await checkUrls([coturn.url()]),
      /403 Forbidden IP to the CreatePermission request/,
      /does not relay to 127\.0\.0\.1:\d+, .* denied-peer-ip/,
    );
  });

  test('no port is left for a relay', async (t) => {
    // The relay range is a port that somebody else has.
    const taken = dgram.createSocket('udp4').bind(0, '127.0.0.1');
    t.after(() => taken.close());
    await once(taken, 'listening');
    const port = String(taken.address().port);
    const coturn = await startCoturn(t, kSecret, { args: ['--min-port', port, '--max-port', port] });
    assertCause(await checkUrls([coturn.url()]), /508 .*Allocate/, /min-port to max-port/);
  });

  test('the quota is used up', withPion, async (t) => {
    const pion = await PionTurn.start(kSecret, localPair(), ['-no-relays']);
    t.after(() => pion.stop());
    assertCause(await checkUrls([pion.url()]), /486 .*to the Allocate request/, /quota is used up/);
  });

  test('of pion/turn: the clock does not matter, the secret does', withPion, async (t) => {
    const pion = await PionTurn.start('another', localPair());
    t.after(() => pion.stop());
    assertCause(await checkUrls([pion.url()]), /401 .*to the Allocate request/, /another secret than/);
  });

  test('of pion/turn: it permits no peer', withPion, async (t) => {
    const pion = await PionTurn.start(kSecret, localPair(), ['-deny-peers']);
    t.after(() => pion.stop());
    assertCause(await checkUrls([pion.url('tcp')]), /403 .*CreatePermission/, /does not relay to/);
  });

  test('of pion/turn: TURN where there is TLS, TLS where there is TURN', withPion, async (t) => {
    const pion = await PionTurn.start(kSecret, localPair());
    t.after(() => pion.stop());
    const { tcp, tls } = pion.ports;
    assertCause(
      await checkUrls([`turn:127.0.0.1:${tls}?transport=tcp`]),
      /closed the connection|it speaks TLS|does not answer/,
      /write turns:/,
    );
    assertCause(await checkUrls([`turns:127.0.0.1:${tcp}`]), /TLS/, /does not speak TLS on this port|may not speak TLS/);
  });

  test('it relays for everybody', async (t) => {
    const coturn = await startCoturn(t, kSecret, { authentication: ['--no-auth'] });
    const { code, sentences } = await checkUrls([coturn.url()]);
    assert.equal(code, 0, sentences);
    assert.match(sentences, /warning: it relays for everybody, without credentials/);
  });

  const outside = Object.values(os.networkInterfaces())
    .flat()
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
  test('a relay at an address that only the server has', { skip: !outside && 'no network' }, async (t) => {
    const coturn = await startCoturn(t, kSecret, { address: outside, relay: '127.0.0.1' });
    assertCause(await checkUrls([coturn.url()]), /relayed address 127\.0\.0\.1:\d+ cannot be reached/, /external-ip/);
  });

  test('a certificate for another host', async (t) => {
    const tls = writePair(testAuthority().issue('DNS:turn.example.org'));
    const coturn = await startCoturn(t, kSecret, { tls });
    assertCause(
      await checkUrls([coturn.url('tls')], trusting()),
      /it is not for 127\.0\.0\.1 .*get a certificate for 127\.0\.0\.1/,
    );
  });

  test('a certificate that has expired, or is not valid yet', canPreload, async (t) => {
    const coturn = await startCoturn(t, kSecret, { tls: localPair() });
    // It is valid for 30 days, its authority for longer.
    const at = (days) => ({ ...trusting(), LD_PRELOAD: testPlugin('clock-shift'), CLOCK_SHIFT: String(days * 86400) });
    assertCause(await checkUrls([coturn.url('tls')], at(60)), /certificate has expired .*renew it/);
    assertCause(await checkUrls([coturn.url('tls')], at(-60)), /not yet valid .*clock of this machine/);
  });

  test('a certificate that the server has signed itself', async (t) => {
    const [certFile, keyFile] = ['pem', 'key'].map((ending) => path.join(temporaryDirectory(), `alone.${ending}`));
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile, '-out', certFile];
    execFileSync('openssl', ['req', '-x509', ...key, '-subj', '/CN=turn', '-addext', 'subjectAltName=IP:127.0.0.1'], {
      stdio: 'ignore',
    });
    const coturn = await startCoturn(t, kSecret, { tls: { certFile, keyFile } });
    assertCause(await checkUrls([coturn.url('tls')]), /self-signed certificate/, /of a public authority/);
  });

  test('nothing listens, no such name, no route', async () => {
    const port = await freePort();
    const run = await checkUrls([
      `turn:127.0.0.1:${port}`,
      `turn:127.0.0.1:${port}?transport=tcp`,
      `turns:127.0.0.1:${port}`,
      'turn:nothing.invalid',
      'turn:[fe80::1]',
    ]);
    assertCause(
      run,
      /nothing listens on UDP port \d+: .*no-udp/,
      /nothing listens on TCP port \d+: .*no-tcp/,
      /no-tls/,
      /nothing\.invalid cannot be resolved: .* misspelt/,
      /there is no route to \[fe80::1\]:3478/,
      /0 of 5 TURN URLs work/,
    );
  });

  test('it does not answer, or answers something else', async (t) => {
    const silent = dgram.createSocket('udp4').bind(0, '127.0.0.1');
    const mute = net.createServer(() => {}).listen(0, '127.0.0.1');
    const web = http.createServer().listen(0, '127.0.0.1');
    const ssh = net.createServer((socket) => socket.on('error', () => {}).write('SSH-2.0-x\r\n'));
    ssh.listen(0, '127.0.0.1');
    const all = [silent, mute, web, ssh];
    t.after(() => {
      web.closeAllConnections();
      for (const each of all) each.close();
    });
    await Promise.all(all.map((each) => once(each, 'listening')));
    const at = (each) => `127.0.0.1:${each.address().port}`;
    const started = Date.now();
    const run = await checkUrls([
      `turn:${at(silent)}`,
      `turns:${at(mute)}`,
      `turn:${at(mute)}?transport=tcp`,
      `turn:${at(web)}?transport=tcp`,
      `turn:${at(ssh)}?transport=tcp`,
    ]);
    assertCause(
      run,
      /no answer from \S+ to the Allocate request .*firewall drops UDP port/,
      /accepts the connection, but does not answer TLS/,
      /accepts the connection, but does not answer likely: it speaks another protocol/,
      /it speaks HTTP .*a web server/,
      /it speaks SSH/,
    );
    assert.ok(Date.now() - started < 10_000 * timeFactor, 'they are tried at once, for five seconds');
  });

  test('nothing, if packets are lost on the way', async (t) => {
    const coturn = await startCoturn(t);
    // Passes on a request only when it comes for the second time.
    const lossy = dgram.createSocket('udp4').bind(0, '127.0.0.1');
    t.after(() => lossy.close());
    await once(lossy, 'listening');
    const seen = new Set();
    let client;
    lossy.on('message', (message, from) => {
      if (from.port === coturn.port) return lossy.send(message, client.port, client.address);
      client = from;
      const transaction = message.toString('hex', 8, 20);
      if (seen.has(transaction)) lossy.send(message, coturn.port, '127.0.0.1');
      seen.add(transaction);
    });
    const { code, output } = await checkUrls([`turn:127.0.0.1:${lossy.address().port}`]);
    assert.equal(code, 0, output);
    assert.equal(seen.size, 4, 'two Allocate, one CreatePermission, one Refresh');
  });

  test('437, and a relay behind another server', async (t) => {
    // A server that gives every Allocate this error.
    const answers = (code, more = []) => {
      const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1');
      t.after(() => socket.close());
      socket.on('message', (request, from) => {
        const attributes = Buffer.from([0, 9, 0, 4, 0, 0, Math.floor(code / 100), code % 100, ...more]);
        const answer = Buffer.concat([request.subarray(0, 20), attributes]);
        answer.writeUInt16BE(request.readUInt16BE(0) | 0x0110, 0);
        answer.writeUInt16BE(attributes.length, 2);
        socket.send(answer, from.port, from.address);
      });
      return once(socket, 'listening').then(() => socket.address().port);
    };
    const mismatch = await answers(437);
    const coturn = await startCoturn(t);
    const { port } = coturn;
    const alternate = await answers(300, [0x80, 0x23, 0, 8, 0, 1, port >> 8, port & 255, 127, 0, 0, 1]);
    const run = await checkUrls([`turn:127.0.0.1:${mismatch}`]);
    assertCause(run, /437 to the Allocate request/, /holds another relay for this very connection/);
    const followed = await checkUrls([`turn:127.0.0.1:${alternate}`]);
    assert.equal(followed.code, 0, followed.output);
    assert.match(followed.output, new RegExp(`127\\.0\\.0\\.1:${port} +UDP`));
  });
});

describe('the exit code is not 0', ours, () => {
  let coturn;
  before(async () => {
    coturn = await Coturn.start(kSecret);
  });
  after(() => coturn.stop());

  const working = () => {
    const username = `${inSeconds(3600)}:bob`;
    return { urls: [coturn.url()], username, credential: hmac(username) };
  };
  const stun = () => ({ urls: [`stun:127.0.0.1:${coturn.port}`] });
  const checkServers = async (iceServers, args = []) => {
    const webhook = await Webhook.start({ answer: json({ iceServers }) });
    return checkIce(args, { RTC_CONFIGURATION_RESOLVER_WEBHOOK_URL: webhook.url('/rtc') });
  };

  test('if the STUN server answers by TCP only', async (t) => {
    const byTcp = net.createServer((client) => {
      const server = net.connect(coturn.port, '127.0.0.1');
      for (const each of [client, server]) each.on('error', () => {});
      client.pipe(server).pipe(client);
    });
    byTcp.listen(0, '127.0.0.1');
    t.after(() => byTcp.close());
    await once(byTcp, 'listening');
    const run = await checkIce(['--stun-url', `stun:127.0.0.1:${byTcp.address().port}`]);
    assertCause(run, /TCP +[\d.]+ +127\.0\.0\.1/, /0 of 1 STUN URLs work/, /by TCP only, but nodes ask by UDP/);
  });

  test('if nodes do not get a TURN server for want of credentials', async () => {
    const servers = [stun(), working(), { urls: [coturn.url('tcp')], username: 'bob' }];
    assertCause(await checkServers(servers), /1 of 2 TURN URLs work/, /nodes do not get: .* needs a credential/);
    const { code, output } = await checkServers(servers, ['--json']);
    assert.equal(code, 1, output);
    const report = JSON.parse(output);
    assert.equal(report.ok, false);
    assert.match(report.notTried[0], /needs a credential/);
    assert.equal((await checkServers([stun(), working(), { urls: ['stun:bad:0'] }])).code, 0, 'one STUN URL is enough');
  });

  test('if there are more TURN URLs than are tried', async () => {
    const run = await checkUrls(Array(65).fill(coturn.url()));
    assertCause(run, /1 more URLs are not tried/);
  });

  test('if one of two passwords is wrong', async () => {
    assertCause(
      await checkServers([stun(), { ...working(), password: 'something-else' }]),
      /401 Unauthorized to the Allocate request/,
      /with the member 'password'/,
    );
    const { username, urls, credential } = working();
    const { code, output } = await checkServers([stun(), { username, urls, password: credential }]);
    assert.equal(code, 0, output);
  });

  test('if the report cannot be written', async (t) => {
    const full = fs.openSync('/dev/full', 'w');
    t.after(() => fs.closeSync(full));
    const child = spawn(binary, ['check-ice', '--stun-url', stun().urls[0]], {
      env: cleanEnvironment({}),
      stdio: ['ignore', full, 'ignore'],
    });
    assert.deepEqual(await once(child, 'exit'), [1, null]);
  });
});

test('gives its relay back before SIGINT ends it', ours, async (t) => {
  const coturn = await startCoturn(t);
  // Holds CreatePermission back, so that there is a relay until the end.
  const kCreatePermission = 8;
  const between = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  t.after(() => between.close());
  await once(between, 'listening');
  let client;
  const holds = new Promise((resolve) => {
    between.on('message', (message, from) => {
      if (from.port === coturn.port) return between.send(message, client.port, client.address);
      client = from;
      if (message.readUInt16BE(0) === kCreatePermission) return resolve();
      between.send(message, coturn.port, '127.0.0.1');
    });
  });
  const url = `turn:127.0.0.1:${between.address().port}`;
  const child = spawn(binary, ['check-ice', '--turn-url', url], {
    env: cleanEnvironment({ TURN_SHARED_SECRET: kSecret }),
    cwd: temporaryDirectory(),
    stdio: 'ignore',
  });
  await holds;
  child.kill('SIGINT');
  assert.deepEqual(await once(child, 'exit'), [null, 'SIGINT']);
  await eventually('the relay is released', () => /REFRESH processed, success/.test(coturn.output));
});

describe('what cannot be tried', ours, () => {
  for (const [name, args, env, words] of [
    ['no secret', ['--turn-url', 'turn:h'], {}, /--turn-url needs the secret .*TURN_SHARED_SECRET/],
    ['a bad URL', ['--turn-url', 'http://h', '--secret', 's'], {}, /--turn-url 'http:\/\/h': it does not begin with/],
    ['a URL of the other kind', ['--stun-url', 'turn:h'], {}, /--stun-url turn:h: .*use --turn-url/],
    ['a file that is not there', ['--turn-url', 'turn:h', '--secret-file', '/no/such'], {}, /--secret-file \/no\/such cannot be read/],
    ['a bad configuration', [], { PORT: '0' }, /PORT/],
    ['bad variables of the plugin', [], { RTC_CONFIGURATION_RESOLVER_PLUGIN: 'turn-credentials', TURN_URLS: 'x', TURN_SHARED_SECRET: 's' }, /TURN_URLS: 'x' is not/],
  ]) {
    test(`${name} is exit code 2`, async () => {
      const { code, output } = await checkIce(args, env);
      assert.equal(code, 2, output);
      assert.match(output, words);
    });
  }

  test('a plugin that is not there is exit code 3', async () => {
    const { code, output } = await checkIce([], { RTC_CONFIGURATION_RESOLVER_PLUGIN: 'nowhere' });
    assert.equal(code, 3, output);
    assert.match(output, /RTC_CONFIGURATION_RESOLVER_PLUGIN/);
  });

  test('a webhook that cannot be asked is exit code 1, and says so', async () => {
    const silent = await Webhook.start({ answer: () => {} });
    const refusing = `http://127.0.0.1:${await freePort()}`;
    for (const url of [refusing, silent.url('/rtc')]) {
      const { code, output } = await checkIce([], {
        RTC_CONFIGURATION_RESOLVER_WEBHOOK_URL: url,
        PLUGIN_TIMEOUT_MS: '300',
      });
      assert.equal(code, 1, output);
      assert.match(output, /no RTC configuration for the node 'check-ice': .*--node/);
    }
  });
});
