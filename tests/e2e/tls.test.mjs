// The port with TLS_CERT_FILE: what a handshake agrees on and what it refuses, resumption, and who else comes to that port.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Broker, oursOnly, runBroker } from './support/broker.mjs';
import { freshId, joinNode, send } from './support/node.mjs';
import { OpensslSocket } from './support/openssl.mjs';
import { joinOn, joinRaw, RawSocket, request } from './support/raw.mjs';
import { Alert, TlsSocket } from './support/records.mjs';
import { makeAuthority } from './support/authority.mjs';
import { eventually } from './support/time.mjs';
import { kLocal, localPair, pairVariables, testAuthority, writePair } from './support/tls.mjs';

const ours = oursOnly('speaks no TLS');
const kMessage = 'SOCKET_MSG_EXCHANGE';
const ca = () => testAuthority().certificate;

/// Says something to itself.
async function expectToTalk(node) {
  const payload = JSON.stringify({ to: node.id, content: freshId('content') });
  assert.deepEqual(await node.emit(kMessage, payload), ['OK']);
  assert.equal(JSON.parse((await node.packet()).slice(2))[1], payload);
}

/// The description of the alert that such a handshake is refused by.
async function refusalOf(port, secure) {
  const error = await TlsSocket.open(port, { ca: ca(), ...secure }).then(
    () => assert.fail('it was let in'),
    (reason) => reason,
  );
  return error.alert ?? error.message;
}

/// How many handshakes have ended so: full, resumed or failed.
async function handshakes(broker, outcome) {
  const page = await fetch(`${broker.url}/metrics`).then((response) => response.text());
  return Number(new RegExp(`^crolang_broker_tls_handshakes_total\\{outcome="${outcome}"\\} (\\d+)$`, 'm').exec(page)[1]);
}

async function expectLine(broker, pattern, act) {
  const from = broker.output.length;
  await act();
  await eventually(`a line ${pattern}`, () => pattern.test(broker.output.slice(from))).catch((error) => {
    error.message += `; said: ${broker.output.slice(from)}`;
    throw error;
  });
}

const kPairs = {};
before(() => {
  const of = (name, options) => writePair(testAuthority().intermediate().issue(`DNS:${name}`, options));
  Object.assign(kPairs, {
    ec: of('ec.test', { subject: '/CN=first' }),
    rsa: of('rsa.test', { key: 'rsa', subject: '/CN=second' }),
    wild: of('*.wild.test', { subject: '/CN=third' }),
  });
});

const kSuites13 = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];
const kSuites12 = ['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305'];
const kTls13 = { minVersion: 'TLSv1.3' };
const kTls12 = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' };

for (const layer of ['compact', 'openssl']) {
  describe(`with TLS_RECORD_LAYER=${layer}`, ours, () => {
    let broker;
    before(async () => {
      const pairs = pairVariables(kPairs.ec, kPairs.rsa, kPairs.wild);
      broker = await Broker.start({ ...pairs, TLS_RECORD_LAYER: layer, WORKERS: '2', METRICS_ENABLED: 'true' });
    });
    after(() => broker?.stop());

    const open = (secure) => TlsSocket.open(broker.port, { ca: ca(), servername: 'ec.test', ...secure });

    const kCiphers = [
      ...kSuites13.map((cipher) => [cipher, 'ec.test', kTls13]),
      ...kSuites12.map((cipher) => [`ECDHE-ECDSA-${cipher}`, 'ec.test', kTls12]),
      ...kSuites12.map((cipher) => [`ECDHE-RSA-${cipher}`, 'rsa.test', kTls12]),
    ];
    for (const [cipher, servername, version] of kCiphers) {
      test(`a node talks by ${cipher}`, async () => {
        const node = await joinOn(await open({ ...version, ciphers: cipher, servername }), freshId());
        assert.equal(node.socket.getCipher().name, cipher);
        assert.equal(node.socket.getProtocol(), version.minVersion);
        await expectToTalk(node);
        node.destroy();
      });
    }

    for (const [offered, agreed] of [
      ['X25519', 'X25519'],
      ['P-256', 'prime256v1'],
      ['P-384', 'secp384r1'],
      // The client has to begin anew: RFC 8446 4.1.4.
      ['P-521:P-384', 'secp384r1'],
    ]) {
      test(`a node talks that has the groups ${offered}`, async () => {
        const node = await joinOn(await open({ ...kTls13, ecdhCurve: offered }), freshId());
        assert.equal(node.socket.getEphemeralKeyInfo().name, agreed);
        await expectToTalk(node);
        node.destroy();
      });
    }

    for (const [version, secure] of Object.entries({ 'TLS 1.3': kTls13, 'TLS 1.2': kTls12 })) {
      test(`a session of ${version} is resumed on each worker`, async () => {
        const first = await joinOn(await open(secure), freshId());
        assert.equal(first.socket.isSessionReused(), false);
        const session = await first.session();
        first.destroy();
        const [full, resumed] = [await handshakes(broker, 'full'), await handshakes(broker, 'resumed')];
        const nodes = await Promise.all(
          Array.from({ length: 12 }, async () => joinOn(await open({ ...secure, session }), freshId())),
        );
        for (const node of nodes) {
          assert.equal(node.socket.isSessionReused(), true);
          await expectToTalk(node);
          node.destroy();
        }
        assert.equal(await handshakes(broker, 'full'), full);
        assert.equal(await handshakes(broker, 'resumed'), resumed + 12);
      });
    }

    test('protocols: http/1.1 is agreed on if it is among those that a client offers', async () => {
      for (const [offered, agreed] of [
        [['http/1.1'], 'http/1.1'],
        [['h2', 'http/1.1'], 'http/1.1'],
        [undefined, false],
      ]) {
        const socket = await open({ ALPNProtocols: offered });
        assert.equal(socket.socket.alpnProtocol, agreed);
        await joinOn(socket, freshId());
        socket.destroy();
      }
    });

    test('protocols: a client that speaks h2 only is refused', async () => {
      // RFC 7301 3.2.
      for (const version of [kTls13, kTls12]) {
        const secure = { ...version, servername: 'ec.test', ALPNProtocols: ['h2'] };
        assert.equal(await refusalOf(broker.port, secure), Alert.noApplicationProtocol);
      }
    });

    const kOld = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    for (const [what, secure, alert] of [
      // RFC 8446 4.2.1, 4.1.1; RFC 5246 7.4.1.3.
      ['TLS 1.1', kOld, Alert.protocolVersion],
      ['a cipher without authentication of what it encrypts', { ...kTls12, ciphers: 'ECDHE-ECDSA-AES128-SHA256' }, Alert.handshakeFailure],
      ['a cipher without forward secrecy', { ...kTls12, ciphers: 'AES128-GCM-SHA256', servername: 'rsa.test' }, Alert.handshakeFailure],
      ['a cipher for another key', { ...kTls12, ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }, Alert.handshakeFailure],
      ['no group of ours', { ...kTls13, ecdhCurve: 'P-521' }, Alert.handshakeFailure],
    ]) {
      test(`${what} is refused`, async () => {
        const failed = await handshakes(broker, 'failed');
        assert.equal(await refusalOf(broker.port, { servername: 'ec.test', ...secure }), alert);
        assert.equal(await handshakes(broker, 'failed'), failed + 1);
      });
    }

    test('the certificate is that of the name that the client asks for, with its chain', async () => {
      for (const [servername, subject] of [
        ['ec.test', 'first'],
        ['rsa.test', 'second'],
        ['any.wild.test', 'third'],
        ['other.test', 'first'],
        ['a.b.wild.test', 'first'],
        [undefined, 'first'],
      ]) {
        // Whether it is for that name is not the question.
        const socket = await open({ servername, checkServerIdentity: () => undefined });
        const certificate = socket.socket.getPeerCertificate(true);
        assert.equal(certificate.subject.CN, subject, servername);
        assert.equal(certificate.issuerCertificate.subject.CN, 'Test intermediate CA');
        socket.destroy();
      }
    });

    test('a session is not taken to a broker that did not issue it', async (t) => {
      const other = await Broker.start(pairVariables(kPairs.ec));
      t.after(() => other.kill());
      for (const version of [kTls13, kTls12]) {
        const first = await joinOn(await open(version), freshId());
        const session = await first.session();
        const secure = { ...version, ca: ca(), servername: 'ec.test', session };
        const second = await joinOn(await TlsSocket.open(other.port, secure), freshId());
        assert.equal(second.socket.isSessionReused(), false);
        await expectToTalk(second);
        first.destroy();
        second.destroy();
      }
    });
  });
}

describe('TLS_MIN_VERSION=1.3', ours, () => {
  test('refuses TLS 1.2, and says so', async (t) => {
    const broker = await Broker.start({ ...pairVariables(localPair()), TLS_MIN_VERSION: '1.3', LOG_LEVEL: '1' });
    t.after(() => broker.kill());
    await expectLine(broker, /TLS_MIN_VERSION/, async () => {
      assert.equal(await refusalOf(broker.port, kTls12), Alert.protocolVersion);
    });
    await expectToTalk(await joinRaw(broker.port, freshId(), { secure: { ca: ca(), ...kTls13 } }));
    await broker.stop();
  });
});

describe('two ports', ours, () => {
  let broker;
  before(async () => {
    broker = await Broker.start({ ...pairVariables(localPair()), LOG_LEVEL: '1', WORKERS: '2' });
  });
  after(() => broker?.stop());

  test('have the same nodes', async () => {
    const plain = await joinNode(broker.plainPort);
    const secure = await joinNode(broker.port);
    for (const [from, to] of [
      [plain, secure],
      [secure, plain],
    ]) {
      const payload = { from: from.nodeId, to: to.nodeId, content: freshId('content') };
      const arrived = new Promise((resolve) => to.once(kMessage, resolve));
      assert.equal(await send(from, kMessage, payload), 'OK');
      assert.deepEqual(JSON.parse(await arrived), payload);
    }
  });

  for (const [name, act] of Object.entries({
    'at once': (socket, bytes) => socket.send(bytes),
    'byte by byte': (socket, bytes) => socket.sendByteWise(bytes),
  })) {
    test(`HTTP without TLS, ${name}, gets a 400 that says so`, async () => {
      await expectLine(broker, /request refused status=400 why=".*TLS/, async () => {
        const socket = await RawSocket.connect(broker.port, '127.0.0.1', undefined, null);
        await act(socket, request('GET', '/healthz'));
        const { status, headers, body } = await socket.response();
        assert.equal(status, 400);
        assert.match(body, /TLS|https/);
        assert.equal(headers.connection.toLowerCase(), 'close');
        await socket.expectEnd();
        socket.destroy();
      });
    });
  }

  test('what is neither TLS nor HTTP is closed without an answer, and the log names it', async () => {
    await expectLine(broker, /SSH/, async () => {
      const socket = await RawSocket.connect(broker.port, '127.0.0.1', undefined, null);
      socket.send('SSH-2.0-OpenSSH_9.2\r\n');
      await socket.expectEnd();
      socket.destroy();
    });
  });

  test('TLS on the plain port is refused, and the log says so', async () => {
    await expectLine(broker, /request refused status=400 why="TLS on the plain-text port/, () =>
      assert.rejects(RawSocket.connect(broker.plainPort, '127.0.0.1', undefined, { ca: ca() })),
    );
  });

  test('a client that does not trust the certificate is in the log', async () => {
    // Node.js judges certificates when the handshake is over, and says nothing.
    const args = ['-CAfile', makeAuthority('Another').file];
    await expectLine(broker, /TLS handshake failed why="the client does not accept the server's certificate/, () =>
      assert.rejects(OpensslSocket.open(broker.port, args)),
    );
  });
});

describe('TLS_CLIENT_CA_FILE', ours, () => {
  const authority = makeAuthority('Clients');
  const intermediate = authority.intermediate('Clients below');
  const good = { subject: '/O=Example/CN=node 7', use: 'client' };
  const kClients = {
    'an authority of the file': authority.issue(undefined, good),
    'an intermediate authority': intermediate.issue(undefined, good),
  };
  let broker;
  before(async () => {
    broker = await Broker.start({
      ...pairVariables(localPair()),
      TLS_CLIENT_CA_FILE: authority.file,
      LOG_LEVEL: '1',
      WORKERS: '2',
    });
  });
  after(() => broker?.stop());

  for (const version of [kTls13, kTls12]) {
    const secure = (own) => ({ ca: ca(), ...version, ...own });
    const open = (own) => TlsSocket.open(broker.port, secure(own));

    for (const [who, own] of Object.entries(kClients)) {
      test(`a certificate of ${who} is accepted, ${version.minVersion}, and also resumed`, async () => {
        const first = await joinOn(await open(own), freshId());
        await expectToTalk(first);
        const session = await first.session();
        first.destroy();
        // Whose certificate was good needs none to resume.
        const again = await joinOn(await open({ session }), freshId());
        assert.equal(again.socket.isSessionReused(), true);
        await expectToTalk(again);
        again.destroy();
      });
    }

    // RFC 8446 4.4.2.4 and 6.2; RFC 5246 7.4.6. In TLS 1.3 the client takes the handshake for done before it is refused. Of
    // each kind there are few lines in a second.
    const kRefused = {
      none: [{}, version === kTls13 ? /CERTIFICATE_REQUIRED/ : /HANDSHAKE_FAILURE/, /sent no certificate/],
      'one of another authority': [makeAuthority('Strangers').issue(undefined, good), /UNKNOWN_CA/, /certificate is not accepted/],
      'one for servers': [authority.issue(undefined, { use: 'server' }), /UNSUPPORTED_CERTIFICATE/, /certificate is not accepted/],
    };
    for (const [which, [own, code, line]] of Object.entries(kRefused)) {
      test(`${which} is refused, ${version.minVersion}`, async () => {
        await expectLine(broker, version === kTls13 ? line : /^/, async () => {
          const socket = await open(own).catch((error) => ({ error }));
          if (!socket.error) await socket.rest();
          assert.match(socket.error.code, code);
          socket.destroy?.();
        });
      });
    }
  }
});

describe('PROXY_PROTOCOL before TLS', ours, () => {
  const kProxy = '127.0.0.2';
  const kClient = '198.51.100.9';
  const first = `PROXY TCP4 ${kClient} 10.0.0.1 4711 443\r\n`;
  let broker;
  before(async () => {
    broker = await Broker.start({
      ...pairVariables(localPair()),
      PROXY_PROTOCOL: 'true',
      TRUSTED_PROXIES: kProxy,
      LOG_LEVEL: '1',
    });
  });
  after(() => broker?.stop());

  const clientOf = async (from, before) => {
    const node = await joinOn(await TlsSocket.open(broker.port, { ca: ca() }, { from, first: before }), freshId());
    const line = new RegExp(`node joined node=${node.id} .*client=(\\S+)`);
    await eventually('it is in the log', () => line.test(broker.output));
    node.destroy();
    return line.exec(broker.output)[1];
  };

  test('names the client of a trusted proxy', async () => {
    assert.equal(await clientOf(kProxy, first), kClient);
  });
  test('is not for others, who speak TLS at once', async () => {
    assert.equal(await clientOf('127.0.0.3'), '127.0.0.3');
    await assert.rejects(clientOf('127.0.0.3', first));
  });
  test('is required of a trusted proxy', () => assert.rejects(clientOf(kProxy)));
  test('is not for the plain port', async () => {
    const node = await joinRaw(broker.plainPort, freshId(), { from: kProxy });
    await expectToTalk(node);
    node.destroy();
  });
});

describe('healthcheck', ours, () => {
  for (const [name, env, withPlainPort] of [
    ['TLS alone', {}, false],
    ['a plain port too', {}, true],
    ['TLS 1.3 only', { TLS_MIN_VERSION: '1.3' }, false],
    ['PROXY headers', { PROXY_PROTOCOL: 'true', TRUSTED_PROXIES: '127.0.0.0/8' }, false],
    ['certificates of clients and a plain port', { TLS_CLIENT_CA_FILE: testAuthority().file }, true],
  ]) {
    test(`finds its way with ${name}`, async (t) => {
      const variables = { ...pairVariables(localPair()), ...env };
      const broker = await Broker.start(variables, { withPlainPort });
      t.after(() => broker.kill());
      const ports = { PORT: String(broker.port) };
      if (withPlainPort) ports.PLAIN_PORT = String(broker.plainPort);
      const healthy = await runBroker(['healthcheck'], { ...variables, ...ports });
      assert.equal(healthy.code, 0, healthy.output);
      await broker.stop();
      assert.equal((await runBroker(['healthcheck'], { ...variables, ...ports })).code, 1);
    });
  }
});
