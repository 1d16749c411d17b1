// jwt-auth in the running broker, with keys and tokens made by another implementation, node:crypto.
import assert from 'node:assert/strict';
import {
  constants,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
} from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Broker, oursOnly, runBroker, temporaryDirectory } from './support/broker.mjs';
import { freshId, joinNode, refusalOf } from './support/node.mjs';
import { eventually } from './support/time.mjs';

/// By way of PEM: a key that node made itself can deadlock in its export to JWK, when the garbage collector frees
/// the job that made it at that moment.
function keyPair(type, options) {
  const made = generateKeyPairSync(type, {
    ...options,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return {
    publicKey: createPublicKey(made.publicKey),
    privateKey: createPrivateKey(made.privateKey),
  };
}

const ours = oursOnly('has no plugins');
const kSecret = randomBytes(32).toString('hex');
const kRsa = keyPair('rsa', { modulusLength: 2048 });
const kEc = keyPair('ec', { namedCurve: 'P-256' });
const kOtherEc = keyPair('ec', { namedCurve: 'P-256' });
const kEd25519 = keyPair('ed25519');

// ---- An issuer -------------------------------------------------------------------------------------

const now = () => Math.floor(Date.now() / 1000);
const encode = (value) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

const signers = {
  HS256: (text, secret) => createHmac('sha256', secret).update(text).digest(),
  RS256: (text, key) => sign('sha256', text, key),
  ES256: (text, key) => sign('sha256', text, { key, dsaEncoding: 'ieee-p1363' }),
  EdDSA: (text, key) => sign(null, text, key),
  none: () => Buffer.alloc(0),
};

function token(alg, key, claims, header = {}, signer = signers[alg]) {
  const text = `${encode({ alg, typ: 'JWT', ...header })}.${encode(claims)}`;
  return `${text}.${signer(Buffer.from(text), key).toString('base64url')}`;
}

const claimsOf = (id, more = {}) => ({ sub: id, exp: now() + 600, ...more });
const publicPem = ({ publicKey }) => publicKey.export({ type: 'spki', format: 'pem' });
const jwk = ({ publicKey }, more = {}) => ({ ...publicKey.export({ format: 'jwk' }), ...more });

function file(content) {
  const name = path.join(temporaryDirectory(), 'keys');
  fs.writeFileSync(name, content);
  return name;
}

/// As careful writers do.
function replace(name, content) {
  fs.writeFileSync(`${name}.new`, content);
  fs.renameSync(`${name}.new`, name);
}

// ---- Nodes ------------------------------------------------------------------------------------------

/// Ends with the test, however that ends.
async function startBroker(t, env) {
  const broker = await Broker.start({ NODES_AUTHENTICATION_PLUGIN: 'jwt-auth', ...env });
  t.after(() => broker.stop());
  return broker;
}

/// `make(id)` gives the node's data.
async function assertLetIn(broker, make, id = freshId()) {
  const node = await joinNode(broker.port, id, { query: { data: make(id) } });
  node.disconnect();
}

async function assertRefused(broker, make, id = freshId()) {
  assert.equal(
    await refusalOf(broker.port, id, { query: { data: make(id) } }),
    'authentication failed',
  );
}

async function isLetIn(broker, make) {
  const id = freshId();
  try {
    await assertLetIn(broker, make, id);
    return true;
  } catch (error) {
    assert.equal(error.message, 'authentication failed');
    return false;
  }
}

// ---- Tests ------------------------------------------------------------------------------------------

for (const [alg, key, env] of [
  ['HS256', kSecret, { JWT_SECRET: kSecret }],
  ['RS256', kRsa.privateKey, { JWT_PUBLIC_KEY_FILE: file(publicPem(kRsa)) }],
  ['ES256', kEc.privateKey, { JWT_PUBLIC_KEY_FILE: file(publicPem(kEc)) }],
  ['EdDSA', kEd25519.privateKey, { JWT_PUBLIC_KEY_FILE: file(publicPem(kEd25519)) }],
  ['RS256', kRsa.privateKey, { JWT_JWKS_FILE: file(JSON.stringify({ keys: [jwk(kRsa)] })) }],
  ['ES256', kEc.privateKey, { JWT_JWKS_FILE: file(JSON.stringify({ keys: [jwk(kEc)] })) }],
  [
    'EdDSA',
    kEd25519.privateKey,
    { JWT_JWKS_FILE: file(JSON.stringify({ keys: [jwk(kEd25519)] })) },
  ],
]) {
  test(`a token of ${alg} admits its node, with ${Object.keys(env)}`, ours, async (t) => {
    const broker = await startBroker(t, env);
    await assertLetIn(broker, (id) => token(alg, key, claimsOf(id)));
    await assertLetIn(broker, (id) => JSON.stringify({ token: token(alg, key, claimsOf(id)) }));
    await assertRefused(broker, () => token(alg, key, claimsOf('somebody-else')));
    await assertRefused(broker, (id) => token(alg, key, claimsOf(id)).replace(/.{6}$/, 'AAAAAA'));
  });
}

describe('a broker that knows keys of all kinds', ours, () => {
  let broker;
  let asked = 0;
  let server;
  before(async () => {
    server = http.createServer((_, response) => {
      ++asked;
      response.end(JSON.stringify({ keys: [jwk(mallory, { kid: 'm' })] }));
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    broker = await Broker.start({
      NODES_AUTHENTICATION_PLUGIN: 'jwt-auth',
      LOG_LEVEL: '1',
      JWT_SECRET: kSecret,
      JWT_PUBLIC_KEY_FILE: file(publicPem(kRsa) + publicPem(kEd25519)),
      JWT_JWKS_FILE: file(
        JSON.stringify({
          keys: [jwk(kOtherEc, { kid: 'ec-0' }), jwk(kEc, { kid: 'ec-1', use: 'sig' })],
        }),
      ),
      JWT_ISSUER: 'https://issuer.example',
      JWT_AUDIENCE: 'broker',
      JWT_LEEWAY_S: '5',
    });
  });
  after(async () => {
    server.close();
    await broker.stop();
  });

  const mallory = keyPair('rsa', { modulusLength: 2048 });
  const good = (id, more) =>
    claimsOf(id, { iss: 'https://issuer.example', aud: ['broker', 'shop'], ...more });
  const rs256 = (claims, header) => token('RS256', kRsa.privateKey, claims, header);
  const pss = (text, key) =>
    sign('sha256', text, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 });
  const der = (text, key) => sign('sha256', text, key);
  const malloryUrl = () => `http://127.0.0.1:${server.address().port}/keys`;

  test('admits nodes with keys of all of them', async () => {
    await assertLetIn(broker, (id) => token('HS256', kSecret, good(id)));
    await assertLetIn(broker, (id) => rs256(good(id)));
    await assertLetIn(broker, (id) => token('EdDSA', kEd25519.privateKey, good(id)));
    await assertLetIn(broker, (id) => token('ES256', kEc.privateKey, good(id), { kid: 'ec-1' }));
  });

  for (const [name, forge] of Object.entries({
    'no algorithm': (id) => token('none', null, good(id)),
    'no algorithm, spelled otherwise': (id) => token('None', null, good(id), {}, signers.none),
    'the RSA key as secret': (id) => token('HS256', publicPem(kRsa), good(id)),
    'the EC key as secret': (id) => token('HS256', publicPem(kEc), good(id)),
    'the Ed25519 key as secret': (id) => token('HS256', publicPem(kEd25519), good(id)),
    'a DER key as secret': (id) =>
      token('HS256', kRsa.publicKey.export({ type: 'spki', format: 'der' }), good(id)),
    'another secret': (id) => token('HS256', 'x'.repeat(32), good(id)),
    'an empty secret': (id) => token('HS256', '', good(id)),
    'the key of a stranger': (id) => token('RS256', mallory.privateKey, good(id)),
    'a key that it brings': (id) =>
      token('RS256', mallory.privateKey, good(id), { jwk: jwk(mallory) }),
    'a url of its key': (id) =>
      token('RS256', mallory.privateKey, good(id), { jku: malloryUrl(), kid: 'm' }),
    'a url of its certificate': (id) =>
      token('RS256', mallory.privateKey, good(id), { x5u: malloryUrl() }),
    'the name of another key': (id) => token('ES256', kEc.privateKey, good(id), { kid: 'ec-0' }),
    'an unknown name': (id) => token('ES256', kEc.privateKey, good(id), { kid: 'ec-2' }),
    'PSS for RS256': (id) => token('RS256', kRsa.privateKey, good(id), {}, pss),
    'an algorithm nobody asked for': (id) => token('PS256', kRsa.privateKey, good(id), {}, pss),
    'DER for ES256': (id) => token('ES256', kEc.privateKey, good(id), {}, der),
    'zeros for ES256': (id) => token('ES256', null, good(id), {}, () => Buffer.alloc(64)),
    'a critical extension': (id) => rs256(good(id), { crit: ['exp'] }),
    'an expiry that is over': (id) => rs256(good(id, { exp: now() - 60 })),
    'no expiry': (id) => rs256(good(id, { exp: undefined })),
    'an expiry that is text': (id) => rs256(good(id, { exp: String(now() + 600) })),
    'a beginning in the future': (id) => rs256(good(id, { nbf: now() + 600 })),
    'a date in the future': (id) => rs256(good(id, { iat: now() + 600 })),
    'another issuer': (id) => rs256(good(id, { iss: 'https://evil.example' })),
    'another audience': (id) => rs256(good(id, { aud: 'shop' })),
    'no audience': (id) => rs256(good(id, { aud: undefined })),
    'another node': (id) => rs256(good(`${id}x`)),
    'no node': (id) => rs256(good(id, { sub: undefined })),
    'a list of nodes': (id) => rs256(good([id])),
    'half of itself': (id) => rs256(good(id)).slice(0, -20),
    'two of itself': (id) => `${rs256(good(id))}.${rs256(good(id))}`,
    padding: (id) => `${rs256(good(id))}==`,
    'nothing at all': () => '',
    'two dots': () => '..',
    'a token that is no text': () => '{"token":{"token":"x"}}',
    'two tokens': (id) => `{"token":"${rs256(good(id))}","token":"${rs256(good(id))}"}`,
    'the payload of another': (id) => {
      const [head, , signature] = rs256(good('bob')).split('.');
      return `${head}.${encode(good(id))}.${signature}`;
    },
  })) {
    test(`refuses a token with ${name}`, () => assertRefused(broker, forge));
  }

  test('refuses a number that looks like the id', () =>
    assertRefused(broker, () => rs256(good(17)), '17'));

  test('refuses a node without data', async () => {
    assert.equal(await refusalOf(broker.port, freshId()), 'authentication failed');
  });

  test('never asks a url in a token', () => assert.equal(asked, 0));

  test('says why in the log, and shows neither tokens nor secrets', async () => {
    for (const reason of [
      /node refused node=\S+ why="authentication failed" reason="the token's signature does not match"/,
      /reason="the token expired \d+ s ago"/,
      /reason="the token is not valid for another \d+ s"/,
      /reason="the token's iss is \S+, not JWT_ISSUER"/,
      /reason="the token's alg is \S+, not HS256, RS256, ES256 or EdDSA"/,
      /reason="there is no key for the token's alg \S+/,
      /reason="the node sent no token/,
    ]) {
      await eventually(`${reason} is logged`, () => reason.test(broker.output));
    }
    assert.doesNotMatch(broker.output, new RegExp(`${kSecret}|eyJ`));
  });
});

describe('keys that change', ours, () => {
  const kNew = keyPair('ec', { namedCurve: 'P-256' });
  const set = (...keys) => JSON.stringify({ keys });
  const old = (id) => token('ES256', kEc.privateKey, claimsOf(id), { kid: 'old' });
  const fresh = (id) => token('ES256', kNew.privateKey, claimsOf(id), { kid: 'new' });

  test('are followed in a JSON Web Key Set', async (t) => {
    const keys = file(set(jwk(kEc, { kid: 'old' })));
    const broker = await startBroker(t, { JWT_JWKS_FILE: keys });
    await assertLetIn(broker, old);
    await assertRefused(broker, fresh);

    replace(keys, set(jwk(kEc, { kid: 'old' }), jwk(kNew, { kid: 'new' })));
    await eventually('the new key is known', () => isLetIn(broker, fresh));
    await assertLetIn(broker, old);

    replace(keys, set(jwk(kNew, { kid: 'new' })));
    await eventually('the old key is gone', async () => !(await isLetIn(broker, old)));
    await assertLetIn(broker, fresh);
  });

  test('are followed in a PEM file', async (t) => {
    const keys = file(publicPem(kEc));
    const broker = await startBroker(t, { JWT_PUBLIC_KEY_FILE: keys });
    await assertLetIn(broker, old);
    replace(keys, publicPem(kNew));
    await eventually('the new key is known', () => isLetIn(broker, fresh));
    await assertRefused(broker, old);
  });

  test('stay as they were while the file is bad or gone', async (t) => {
    const keys = file(set(jwk(kEc)));
    const broker = await startBroker(t, { JWT_JWKS_FILE: keys });
    await assertLetIn(broker, old);
    replace(keys, '{"keys":[');
    await eventually('the trouble is logged', () => /is not a JSON Web Key Set/.test(broker.output));
    await assertLetIn(broker, old);
    fs.rmSync(keys);
    await eventually('the trouble is logged', () => /cannot be read/.test(broker.output));
    await assertLetIn(broker, old);
    replace(keys, set(jwk(kNew)));
    await eventually('the new key is known', () => isLetIn(broker, fresh));
  });
});

test('a token without expiry and another claim will do, if told so', ours, async (t) => {
  const broker = await startBroker(t, {
    JWT_SECRET: kSecret,
    JWT_REQUIRE_EXP: 'false',
    JWT_NODE_ID_CLAIM: 'node',
  });
  await assertLetIn(broker, (id) => token('HS256', kSecret, { node: id }));
  await assertRefused(broker, (id) => token('HS256', kSecret, { sub: id }));
});

test('the secret may be in a file', ours, async (t) => {
  const broker = await startBroker(t, { JWT_SECRET_FILE: file(`${kSecret}\n`) });
  await assertLetIn(broker, (id) => token('HS256', kSecret, claimsOf(id)));
});

describe('the broker does not start', ours, () => {
  const weak = keyPair('rsa', { modulusLength: 1024 });
  const p384 = keyPair('ec', { namedCurve: 'P-384' });
  const privatePem = kEc.privateKey.export({ type: 'pkcs8', format: 'pem' });
  for (const [name, env, sentence] of [
    ['without a key', {}, /set JWT_SECRET, JWT_PUBLIC_KEY_FILE or JWT_JWKS_FILE/],
    ['with a short secret', { JWT_SECRET: 'hunter2-hunter2' }, /JWT_SECRET has 15 bytes/],
    [
      'with a public key as secret',
      { JWT_SECRET: publicPem(kRsa) },
      /JWT_SECRET holds a PEM block/,
    ],
    [
      'without its key file',
      { JWT_PUBLIC_KEY_FILE: '/nowhere' },
      /JWT_PUBLIC_KEY_FILE '\/nowhere' cannot be read/,
    ],
    [
      'without its key set',
      { JWT_JWKS_FILE: '/nowhere' },
      /JWT_JWKS_FILE '\/nowhere' cannot be read/,
    ],
    ['with a private key', { JWT_PUBLIC_KEY_FILE: file(privatePem) }, /\(PRIVATE KEY\) is neither/],
    ['with a weak key', { JWT_PUBLIC_KEY_FILE: file(publicPem(weak)) }, /RSA key of 1024 bits/],
    ['with another curve', { JWT_PUBLIC_KEY_FILE: file(publicPem(p384)) }, /curve other than P-256/],
    ['with an empty key set', { JWT_JWKS_FILE: file('{"keys":[]}') }, /no key in it can be used/],
    [
      'with a leeway of a day',
      { JWT_SECRET: kSecret, JWT_LEEWAY_S: '86400' },
      /JWT_LEEWAY_S: '86400'/,
    ],
  ]) {
    test(name, async () => {
      const { code, output } = await runBroker([], {
        NODES_AUTHENTICATION_PLUGIN: 'jwt-auth',
        ...env,
      });
      assert.equal(code, 2, output);
      assert.match(output, sentence);
      assert.doesNotMatch(output, new RegExp(`hunter2|${kSecret}|BEGIN`));
    });
  }
});
