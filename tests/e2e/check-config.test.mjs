// --check-config says of every variable what the start says: a bad value of each that a bundled plugin reads.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { freePort, oursOnly, plugin, runBroker, temporaryDirectory } from './support/broker.mjs';

const ours = oursOnly('has no such interface');
const kSecret = 'whsec_c2VjcmV0LXRoYXQtbXVzdC1ub3Qtc2hvdw==';

const directory = temporaryDirectory();
const file = (name, text) => {
  fs.writeFileSync(path.join(directory, name), text);
  return path.join(directory, name);
};
const missing = path.join(directory, 'missing');
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const publicPem = publicKey.export({ type: 'spki', format: 'pem' });
const privatePem = privateKey.export({ type: 'pkcs8', format: 'pem' });
const unreadable = file('unreadable', publicPem);
fs.chmodSync(unreadable, 0);

const kWebhooks = {
  'webhook-auth': 'NODES_AUTHENTICATION_WEBHOOK_URL',
  'webhook-rtc': 'RTC_CONFIGURATION_RESOLVER_WEBHOOK_URL',
  'webhook-authorize': 'AUTHORIZE_NODES_COMMUNICATION_WEBHOOK_URL',
  'webhook-validity': 'NODES_VALIDITY_CHECK_WEBHOOK_URL',
  'webhook-message': 'ON_AUTHENTICATED_SOCKET_MSG_WEBHOOK_URL',
};
const kAllWebhooks = Object.fromEntries(
  Object.values(kWebhooks).map((variable) => [variable, 'https://127.0.0.1:1/hook']),
);
const kRedis = { REDIS_URL: 'redis://127.0.0.1:1' };
const kTurn = {
  RTC_CONFIGURATION_RESOLVER_PLUGIN: 'turn-credentials',
  TURN_URLS: 'turn:turn.example.org',
  TURN_SHARED_SECRET: kSecret,
};
const kJwt = { NODES_AUTHENTICATION_PLUGIN: 'jwt-auth', JWT_SECRET: kSecret };

// What is good around the variable, the variable, and what it must not be. undefined: not set.
const kBad = [
  [{}, 'REDIS_URL', ['localhost:6380', '127.0.0.1', 'http://h', 'redis://h/abc']],
  [{}, 'REDIS_URL', ['redis://h/-1', 'redis://h:0', 'redis://h:66666', 'redis://user@h']],
  [{}, 'REDIS_URL', ['redis://h?db=1', 'redis://h:1,', 'redis://h:1,i:x', 'redis://h?master=', 'unix://run/redis.sock', 'unix:///r.sock?x=1']],
  [{}, 'REDIS_URL', ['redis://:%zz@h', 'redis://[::1', 'unix:///r.sock?db=x']],
  [kRedis, 'REDIS_LOCK_TTL_MS', ['0', '999', '86400001', '1m', '-1', '1e6']],
  [kRedis, 'REDIS_KEY_PREFIX', ['p'.repeat(257)]],
  [kRedis, 'REDIS_WAIT_REPLICAS', ['101', '-1', 'all']],
  [kRedis, 'REDIS_SENTINEL_USER', ['someone']],
  [kRedis, 'REDIS_CA_FILE', ['/no/such', '/', '/dev/null']],
  [kRedis, 'REDIS_CERT_FILE', ['/no/such']],
  [kRedis, 'REDIS_KEY_FILE', ['/no/such']],
  ...Object.values(kWebhooks).map((variable) => [
    {},
    variable,
    ['nowhere', 'localhost:80', 'ftp://h/', 'http://', 'http://h:0/', 'http://h:x/', 'http://[::1'],
  ]),
  [kAllWebhooks, 'WEBHOOK_TIMEOUT_MS', ['0', '9', '3600001', '5s']],
  [kAllWebhooks, 'WEBHOOK_MAX_CONCURRENCY', ['0', '257', '-1']],
  [kAllWebhooks, 'WEBHOOK_MAX_REPLY_BYTES', ['0', '1073741825', 'much']],
  [
    kAllWebhooks,
    'WEBHOOK_CA_FILE',
    [missing, directory, file('text', 'no certificate'), file('key.pem', privatePem)],
  ],
  [
    kAllWebhooks,
    'WEBHOOK_SIGNING_SECRET',
    ['abc', 'whsec_n%t base64', 'whsec_c2hvcnQ=', `whsec_${Buffer.alloc(65).toString('base64')}`],
  ],
  [kAllWebhooks, 'NODES_AUTHENTICATION_WEBHOOK_DATA', ['xml', 'JSON']],
  [kAllWebhooks, 'NODES_AUTHENTICATION_WEBHOOK_HEADERS', ['Origin Cookie', 'Host', 'Origin,origin']],
  [kAllWebhooks, 'AUTHORIZE_NODES_COMMUNICATION_CACHE_TTL_MS', ['86400001', '1s', '-1']],
  [kTurn, 'TURN_URLS', [undefined, '', ', ,', 'turn.example.org', 'stun:h', 'turn:h:0']],
  [kTurn, 'STUN_URLS', ['stun.example.org', 'turn:h', 'stun:h:99999']],
  [kTurn, 'TURN_SHARED_SECRET', [undefined, '']],
  [kTurn, 'TURN_CREDENTIAL_TTL_S', ['0', '2592001', 'day']],
  [kTurn, 'TURN_USERNAME', ['id', 'EXPIRY']],
  [kTurn, 'ICE_TRANSPORT_POLICY', ['RELAY', 'none']],
  [kJwt, 'JWT_SECRET', [undefined, '', 'short', publicPem]],
  [
    kJwt,
    'JWT_PUBLIC_KEY_FILE',
    [missing, directory, file('empty', ''), file('private.pem', privatePem)],
  ],
  [kJwt, 'JWT_JWKS_FILE', [missing, file('none.json', '{"keys":[]}'), file('text.json', 'x')]],
  [kJwt, 'JWT_LEEWAY_S', ['3601', 'minute', '-1']],
  [kJwt, 'JWT_REQUIRE_EXP', ['no', 'True']],
  [kJwt, 'JWT_EXPIRY_ENDS_SESSION', ['no', 'True']],
];
// Any text is one.
const kAnything = ['REDIS_SENTINEL_PASSWORD', 'JWT_ISSUER', 'JWT_AUDIENCE', 'JWT_NODE_ID_CLAIM'];
// Root reads everything.
if (process.getuid() !== 0) {
  kBad.push([kJwt, 'JWT_PUBLIC_KEY_FILE', [unreadable]]);
  kBad.push([kAllWebhooks, 'WEBHOOK_CA_FILE', [unreadable]]);
}
const kSecrets = ['REDIS_URL', 'WEBHOOK_SIGNING_SECRET', 'TURN_SHARED_SECRET', 'JWT_SECRET'];

/// The faults of which both speak, line by line; warnings too are the same.
async function judgedBy(env) {
  const check = await runBroker(['--check-config'], env);
  const start = await runBroker([], { ...env, PORT: String(await freePort()) });
  const lines = ({ output }) => output.split('\n').filter(Boolean);
  assert.equal(check.code, 2, check.output);
  assert.equal(start.code, 2, start.output);
  assert.deepEqual(lines(start), lines(check));
  return lines(check).filter((line) => !line.startsWith('crolang-broker: warning: '));
}

/// Those in the first of the two tables.
function hostVariables(markdown) {
  const [table] = markdown.split('\n\n');
  return new Set([...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name));
}

describe('a bad value is a fault for --check-config and for the start:', ours, () => {
  for (const [good, variable, values] of kBad) {
    for (const value of values) {
      const shown = value?.replace(directory, '…').replace(/\n/g, ' ').slice(0, 40);
      test(`${variable}=${shown ?? ' (not set)'}`, async () => {
        const env = { ...good, [variable]: value };
        if (value === undefined) delete env[variable];
        const faults = await judgedBy(env);
        assert.equal(faults.length, 1, faults.join('\n'));
        assert.match(faults[0], new RegExp(`^crolang-broker: .*\\b${variable}\\b`));
        assert.ok(!faults[0].includes(kSecret), faults[0]);
        if (value && kSecrets.includes(variable) && value.length > 8) {
          assert.ok(!faults[0].includes(value), faults[0]);
        }
      });
    }
  }

  test('and nothing that a bundled plugin reads is missing here', async () => {
    const { output } = await runBroker(['--print-config-markdown']);
    const read = [...output.matchAll(/^\| `(\w+)` \|.*\|.*\|.*\|$/gm)].map(([, name]) => name);
    assert.ok(read.length > 20, read.join());
    const known = new Set([...kBad.map(([, variable]) => variable), ...kAnything]);
    const missed = read.filter((name) => !known.has(name) && !hostVariables(output).has(name));
    assert.deepEqual(missed, []);
  });
});

describe('--check-config', ours, () => {
  test('names the faults of the broker and of all plugins at once', async () => {
    const faults = await judgedBy({
      LOG_LEVEL: 'x',
      REDIS_URL: 'redis://h/abc',
      REDIS_LOCK_TTL_MS: '1',
      ...kTurn,
      TURN_URLS: 'turn.example.org',
      TURN_CREDENTIAL_TTL_S: '0',
      ICE_TRANSPORT_POLICY: 'RELAY',
      ...kJwt,
      JWT_SECRET: 'short',
      JWT_LEEWAY_S: 'minute',
      AUTHORIZE_NODES_COMMUNICATION_WEBHOOK_URL: 'ftp://h',
      NODES_VALIDITY_CHECK_WEBHOOK_URL: 'https://h',
      WEBHOOK_CA_FILE: missing,
      WEBHOOK_TIMEOUT_MS: '1',
    });
    for (const variable of [
      'LOG_LEVEL',
      'REDIS_URL',
      'REDIS_LOCK_TTL_MS',
      'TURN_URLS',
      'TURN_CREDENTIAL_TTL_S',
      'ICE_TRANSPORT_POLICY',
      'JWT_SECRET',
      'JWT_LEEWAY_S',
      'AUTHORIZE_NODES_COMMUNICATION_WEBHOOK_URL',
      'WEBHOOK_CA_FILE',
      'WEBHOOK_TIMEOUT_MS',
    ]) {
      const named = faults.filter((fault) => new RegExp(`\\b${variable}\\b`).test(fault));
      assert.equal(named.length, 1, `${variable} in\n${faults.join('\n')}`);
    }
    assert.equal(faults.length, 11, faults.join('\n'));
  });

  test('shows what REDIS_URL looks like', async () => {
    const [fault] = await judgedBy({ REDIS_URL: 'localhost:6379' });
    assert.match(fault, /REDIS_URL.* is not a URL such as redis:\/\/localhost:6379 \(it has no scheme/);
  });

  test('says what is wrong with a file', async () => {
    const faultOf = async (value) => (await judgedBy({ ...kAllWebhooks, WEBHOOK_CA_FILE: value }))[0];
    assert.match(await faultOf(missing), /cannot be read: No such file or directory/);
    assert.match(await faultOf(directory), /is a folder/);
    assert.match(await faultOf(file('other', 'x')), /holds no certificate in PEM/);
  });

  test('finds no fault in a valid configuration, and contacts no server', async () => {
    const certificate = path.join(directory, 'good.pem');
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
        .concat(['-keyout', path.join(directory, 'good.key'), '-out', certificate])
        .concat(['-days', '2', '-subj', '/CN=Test']),
      { stdio: 'ignore' },
    );
    const { code, output } = await runBroker(['--check-config'], {
      ...kRedis,
      ...kAllWebhooks,
      WEBHOOK_CA_FILE: certificate,
      WEBHOOK_SIGNING_SECRET: kSecret,
    });
    assert.match(output, /^the configuration is valid \(\.env: none in \/.+\)\n$/);
    assert.equal(code, 0);
    for (const env of [kTurn, { ...kJwt, JWT_PUBLIC_KEY_FILE: file('public.pem', publicPem) }]) {
      assert.equal((await runBroker(['--check-config'], env)).code, 0);
    }
  });

  test('has third-party plugins check their variables, too', async () => {
    const [fault] = await judgedBy({
      AUTHORIZE_NODES_COMMUNICATION_PLUGIN: plugin('deny-list'),
      DENY_LIST: 'eve,>bob',
    });
    assert.match(fault, /DENY_LIST: '>bob' is neither/);
  });

  test('passes on a warning of a plugin, and goes on', async () => {
    const { code, output } = await runBroker(['--check-config'], {
      NODES_AUTHENTICATION_PLUGIN: plugin('token-auth'),
      SHARED_TOKEN: 'guess me',
    });
    assert.equal(code, 0, output);
    assert.match(output, /warning: SHARED_TOKEN is shorter than 16 bytes/);
    assert.doesNotMatch(output, /guess me/);
  });

  test('ends with 3 only if a plugin is missing, and names what else is wrong', async () => {
    const env = { NODES_AUTHENTICATION_PLUGIN: 'no-such-plugin' };
    assert.equal((await runBroker(['--check-config'], env)).code, 3);
    const both = await runBroker(['--check-config'], { ...env, REDIS_URL: 'redis://h/abc' });
    assert.equal(both.code, 2);
    assert.match(both.output, /REDIS_URL/);
    assert.match(both.output, /no-such-plugin/);
  });
});

describe('certificate files with a fault are named by --check-config and by the start:', ours, () => {
  const openssl = (...args) => execFileSync('openssl', args, { stdio: 'ignore' });
  const at = (name) => path.join(directory, name);
  const kNewKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

  /// A certificate that has issued itself, and its key.
  function pair(name, days = '90') {
    const [cert, key] = [at(`${name}.pem`), at(`${name}.key`)];
    const names = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}.example`];
    openssl('req', '-x509', ...kNewKey, '-keyout', key, '-out', cert, '-days', days, ...names);
    return { TLS_CERT_FILE: cert, TLS_KEY_FILE: key };
  }
  const a = pair('tls-a');
  const b = pair('tls-b');
  const textOf = (name) => fs.readFileSync(at(name), 'utf8');
  const both = (first, second) => ({
    TLS_CERT_FILE: `${first.TLS_CERT_FILE},${second.TLS_CERT_FILE}`,
    TLS_KEY_FILE: `${first.TLS_KEY_FILE},${second.TLS_KEY_FILE}`,
  });
  const der = at('tls-a.der');
  openssl('x509', '-in', a.TLS_CERT_FILE, '-outform', 'DER', '-out', der);
  const encrypted = at('tls-encrypted.key');
  openssl('pkey', '-in', a.TLS_KEY_FILE, '-aes256', '-passout', 'pass:secret', '-out', encrypted);

  const kFaults = {
    'a certificate that is missing': [{ ...a, TLS_CERT_FILE: missing }, /TLS_CERT_FILE '.*' does not exist/],
    'a key that is missing': [{ ...a, TLS_KEY_FILE: missing }, /TLS_KEY_FILE '.*' does not exist/],
    'a folder': [{ ...a, TLS_CERT_FILE: directory }, /TLS_CERT_FILE '.*' is not a regular file/],
    'an empty file': [{ ...a, TLS_CERT_FILE: file('tls-empty', '') }, /TLS_CERT_FILE '.*' is empty/],
    'a certificate that is cut off': [
      { ...a, TLS_CERT_FILE: file('tls-cut.pem', textOf('tls-a.pem').slice(0, 300)) },
      /TLS_CERT_FILE '.*' has a PEM block that is damaged or cut off/,
    ],
    'a certificate in DER': [{ ...a, TLS_CERT_FILE: der }, /TLS_CERT_FILE '.*' is in DER, not PEM: openssl x509/],
    'a key with a passphrase': [{ ...a, TLS_KEY_FILE: encrypted }, /TLS_KEY_FILE '.*' is encrypted with a passphrase/],
    'the key of another certificate': [
      { ...a, TLS_KEY_FILE: b.TLS_KEY_FILE },
      /TLS_KEY_FILE '.*' is not the key of TLS_CERT_FILE/,
    ],
    'keys in another order': [
      { ...both(a, b), TLS_KEY_FILE: both(b, a).TLS_KEY_FILE },
      /is not the key of .*: name certificates and keys in the same order/,
    ],
    'more certificates than keys': [
      { ...both(a, b), TLS_KEY_FILE: a.TLS_KEY_FILE },
      /TLS_CERT_FILE names 2 files and TLS_KEY_FILE 1 file/,
    ],
    'a comma at the end': [{ ...a, TLS_CERT_FILE: `${a.TLS_CERT_FILE},` }, /TLS_CERT_FILE has a comma without a file name/],
    'an authority that is missing': [{ ...a, TLS_CLIENT_CA_FILE: missing }, /TLS_CLIENT_CA_FILE '.*' does not exist/],
    'an authority without a certificate': [
      { ...a, TLS_CLIENT_CA_FILE: a.TLS_KEY_FILE },
      /TLS_CLIENT_CA_FILE '.*' has no certificate in it/,
    ],
    'another version': [{ ...a, TLS_MIN_VERSION: '1.1' }, /TLS_MIN_VERSION: "1.1" .* is not 1.2 or 1.3/],
    'another record layer': [{ ...a, TLS_RECORD_LAYER: 'Compact' }, /TLS_RECORD_LAYER: .*\(write compact\)/],
  };
  for (const [name, [env, sentence]] of Object.entries(kFaults)) {
    test(name, async () => {
      const faults = await judgedBy(env);
      assert.match(faults[0], sentence);
      // Keys that are exchanged are two faults.
      assert.equal(faults.length, name === 'keys in another order' ? 2 : 1, faults.join('\n'));
    });
  }

  test('certificate and key that are exchanged', async () => {
    const faults = await judgedBy({ TLS_CERT_FILE: a.TLS_KEY_FILE, TLS_KEY_FILE: a.TLS_CERT_FILE });
    assert.equal(faults.length, 2);
    for (const fault of faults) assert.match(fault, /are the files of TLS_CERT_FILE and TLS_KEY_FILE exchanged\?/);
  });

  test('a key in the place of its name, which is not shown', async () => {
    const key = textOf('tls-a.key');
    const secret = key.split('\n')[1];
    for (const value of [key, key.replaceAll('\n', '\\n')]) {
      const env = { ...a, TLS_KEY_FILE: value };
      const faults = await judgedBy(env);
      assert.equal(faults.length, 1, faults.join('\n'));
      assert.match(faults[0], /TLS_KEY_FILE/);
      assert.ok(!faults[0].includes(secret));
      assert.ok(!(await runBroker(['--print-config'], env)).output.includes(secret));
    }
  });

  test('but none where they can be used, though a warning where they soon expire', async () => {
    const fine = await runBroker(['--check-config'], { ...both(a, b), TLS_MIN_VERSION: '1.3' });
    assert.equal(fine.code, 0, fine.output);
    const soon = await runBroker(['--check-config'], pair('tls-soon', '3'));
    assert.equal(soon.code, 0, soon.output);
    assert.match(soon.output, /warning: TLS_CERT_FILE '.*' expires on .*, in [23] days: renew it/);
  });
});
