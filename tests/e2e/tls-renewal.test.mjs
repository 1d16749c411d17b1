// Certificates that are replaced while nodes talk: nobody is disconnected, who comes then gets the new one, and what is broken
// is not used. The files are replaced as ACME clients, operators and configuration management do it.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { makeAuthority } from './support/authority.mjs';
import { Broker, oursOnly, temporaryDirectory } from './support/broker.mjs';
import { Stream } from './support/grid.mjs';
import { freshId, joinNode } from './support/node.mjs';
import { joinOn, joinRaw } from './support/raw.mjs';
import { TlsSocket } from './support/records.mjs';
import { delay, eventually, scaled } from './support/time.mjs';
import { kLocal, pairVariables, testAuthority, writePair } from './support/tls.mjs';

const ours = oursOnly('speaks no TLS');
/// How often the broker looks at its files.
const kPoll = 5000;
const kVersions = [{ minVersion: 'TLSv1.3' }, { maxVersion: 'TLSv1.2' }];

const secure = (options) => ({ ca: testAuthority().certificate, ...options });
const issue = (subject) => testAuthority().issue(kLocal, { subject: `/CN=${subject}` });
const pairs = {};
before(() => {
  for (const name of ['first', 'second', 'third']) pairs[name] = issue(name);
});

/// Whose certificate a newcomer gets.
async function subjectOf(broker) {
  const socket = await TlsSocket.open(broker.port, secure());
  const { CN } = socket.socket.getPeerCertificate().subject;
  socket.destroy();
  return CN;
}

const becomes = (broker, subject, milliseconds = kPoll + scaled(5000)) =>
  eventually(
    `newcomers get ${subject}`,
    async () => (await subjectOf(broker)) === subject || (await delay(100), false),
    milliseconds,
  );

async function start(t, env) {
  const broker = await Broker.start({ WORKERS: '2', ...env });
  t.after(() => broker.kill());
  return broker;
}

const count = (broker, pattern) => [...broker.output.matchAll(pattern)].length;

/// Resolves with what the log says about a SIGHUP, once that has been obeyed, or found faulty.
async function hangUp(broker, end = /SIGHUP: configuration reloaded/g) {
  const [before, from] = [count(broker, end), broker.output.length];
  broker.child.kill('SIGHUP');
  await eventually('SIGHUP is answered', () => count(broker, end) > before);
  return broker.output.slice(from);
}
const kFaulty = /the previous values stay in use/g;

/// Nodes of both versions that talk, and others that come and go.
class Load {
  disconnects = [];
  newcomers = 0;
  #running = true;

  /// Until the test ends, at the latest.
  static async on(t, broker) {
    const load = new Load();
    t.after(() => load.#stop());
    const nodes = await Promise.all(
      [...kVersions, ...kVersions].map((options) =>
        joinNode(broker.port, freshId('talks'), { agent: new https.Agent(secure(options)) }),
      ),
    );
    for (const node of nodes) node.on('disconnect', (why) => load.disconnects.push(`${node.nodeId}: ${why}`));
    const [a, b, c, d] = nodes;
    load.streams = [...Stream.between(a, b, { pace: 20 }), ...Stream.between(c, d, { pace: 20 })];
    load.coming = load.#come(broker);
    load.coming.catch(() => {});
    return load;
  }

  async #come(broker) {
    for (; this.#running; ++this.newcomers) {
      const node = await joinRaw(broker.port, freshId('comes'), { secure: secure(kVersions[this.newcomers % 2]) });
      assert.deepEqual(await node.emit('SOCKET_MSG_EXCHANGE', JSON.stringify({ to: node.id })), ['OK']);
      node.destroy();
      await delay(20);
    }
  }

  #stop() {
    this.#running = false;
    for (const stream of this.streams) stream.running = false;
  }

  async expectUndisturbed() {
    // What is tested may take less time than some of them need to come.
    await Promise.race([this.coming, eventually('others come', () => this.newcomers > 3)]);
    this.#stop();
    await this.coming;
    await Promise.all(this.streams.map((stream) => stream.stop()));
    assert.deepEqual(this.disconnects, []);
    for (const stream of this.streams) stream.expectPerfect();
  }
}

function byRenaming(first, second) {
  const directory = temporaryDirectory();
  const files = writePair(pairs.first, directory);
  return {
    files,
    async replace(pair, between) {
      const next = writePair(pair, directory, 'next');
      fs.renameSync(next[first], files[first]);
      await between();
      fs.renameSync(next[second], files[second]);
    },
  };
}

/// A pair in a folder, which `replace` changes as its name says. `between` is awaited when certificate and key do not fit.
const kWays = {
  'by renaming, the certificate first': () => byRenaming('certFile', 'keyFile'),
  'by renaming, the key first': () => byRenaming('keyFile', 'certFile'),
  'in place': () => {
    const directory = temporaryDirectory();
    const files = writePair(pairs.first, directory);
    return {
      files,
      async replace({ cert, key }, between) {
        fs.writeFileSync(files.certFile, cert);
        await between();
        fs.writeFileSync(files.keyFile, key);
      },
    };
  },
  'by a link to each file': () => {
    // certbot: live/fullchain.pem is a link to ../archive/fullchain1.pem.
    const directory = temporaryDirectory();
    const of = (name) => path.join(directory, name);
    fs.mkdirSync(of('archive'));
    fs.mkdirSync(of('live'));
    const link = (kind, number) => {
      fs.symlinkSync(`../archive/${number}.${kind}`, of(`live/${kind}.new`));
      fs.renameSync(of(`live/${kind}.new`), of(`live/${kind}`));
    };
    const write = (pair, number) => writePair(pair, of('archive'), String(number));
    write(pairs.first, 1);
    link('pem', 1);
    link('key', 1);
    return {
      files: { certFile: of('live/pem'), keyFile: of('live/key') },
      async replace(pair, between) {
        write(pair, 2);
        link('pem', 2);
        await between();
        link('key', 2);
      },
    };
  },
  'by a link to their folder': () => {
    // As Kubernetes does it: ..data is a link to a folder of its own for each version.
    const directory = temporaryDirectory();
    const of = (name) => path.join(directory, name);
    const write = (pair, version) => {
      fs.mkdirSync(of(version));
      writePair(pair, of(version));
      fs.symlinkSync(version, of('new'));
      fs.renameSync(of('new'), of('live'));
    };
    write(pairs.first, 'v1');
    return {
      files: { certFile: of('live/server.pem'), keyFile: of('live/server.key') },
      async replace(pair) {
        write(pair, 'v2');
        fs.rmSync(of('v1'), { recursive: true });
      },
    };
  },
};

describe('a certificate that is replaced under load', { ...ours, concurrency: true }, () => {
  for (const [way, make] of Object.entries(kWays)) {
    test(`${way} is used without a signal, and disconnects nobody`, async (t) => {
      const { files, replace } = make();
      const broker = await start(t, pairVariables(files));
      assert.equal(await subjectOf(broker), 'first');
      const load = await Load.on(t, broker);
      await replace(pairs.second, async () => {
        // So long as they don't fit, and whenever that is noticed, the old pair is used.
        assert.equal(await subjectOf(broker), 'first');
        await delay(scaled(300));
        assert.equal(await subjectOf(broker), 'first');
      });
      await becomes(broker, 'second');
      await load.expectUndisturbed();
      await broker.stop();
    });
  }

  test('by one that does not fit its key is not used, and the log says so', async (t) => {
    const directory = temporaryDirectory();
    const files = writePair(pairs.first, directory);
    const broker = await start(t, pairVariables(files));
    const load = await Load.on(t, broker);
    fs.writeFileSync(files.certFile, pairs.second.cert);
    const said = /TLS_KEY_FILE '[^']*' is not the key of TLS_CERT_FILE/;
    await eventually('it is in the log', () => said.test(broker.output), 2 * kPoll + scaled(5000));
    assert.equal(await subjectOf(broker), 'first');
    fs.writeFileSync(files.keyFile, pairs.second.key);
    await becomes(broker, 'second');
    await load.expectUndisturbed();
    await broker.stop();
    for (const { key } of Object.values(pairs)) assert.ok(!broker.output.includes(key.split('\n')[1]));
  });
});

describe('SIGHUP', ours, () => {
  test('has the files read at once, each time', async (t) => {
    const directory = temporaryDirectory();
    const broker = await start(t, pairVariables(writePair(pairs.first, directory)));
    const load = await Load.on(t, broker);
    // Three in a row are not all due to the broker's having looked by itself.
    for (const name of ['second', 'third', 'first']) {
      writePair(pairs[name], directory);
      await hangUp(broker);
      assert.equal(await subjectOf(broker), name);
    }
    await load.expectUndisturbed();
    await broker.stop();
  });

  test('with files that are broken leaves the old ones in use, and names each', async (t) => {
    const directory = temporaryDirectory();
    const files = writePair(pairs.first, directory);
    const broker = await start(t, pairVariables(files));
    const load = await Load.on(t, broker);
    const { cert, key } = pairs.second;
    const encrypted = '-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n';
    for (const [pair, line] of [
      [{ cert: cert.slice(0, cert.length / 2), key }, /error TLS_CERT_FILE/],
      [{ cert: '', key }, /error TLS_CERT_FILE/],
      [{ cert: key, key: cert }, /exchanged/],
      [{ cert, key: pairs.first.key }, /is not the key of/],
      [{ cert, key: encrypted }, /error TLS_KEY_FILE/],
    ]) {
      writePair(pair, directory);
      const said = await hangUp(broker, kFaulty);
      assert.match(said, line);
      assert.ok(!said.includes(key.split('\n')[1]), 'no key is in the log');
      assert.equal(await subjectOf(broker), 'first');
    }
    fs.unlinkSync(files.keyFile);
    assert.match(await hangUp(broker, kFaulty), /error TLS_KEY_FILE .*does not exist/);
    assert.equal(await subjectOf(broker), 'first');
    writePair(pairs.second, directory);
    await hangUp(broker);
    assert.equal(await subjectOf(broker), 'second');
    await load.expectUndisturbed();
    await broker.stop();
  });
});

describe('a session', ours, () => {
  for (const version of kVersions) {
    const name = version.minVersion ?? version.maxVersion;
    for (const layer of ['compact', 'openssl']) {
      test(`of before a renewal is resumed on each worker, ${name}, TLS_RECORD_LAYER=${layer}`, async (t) => {
        const directory = temporaryDirectory();
        const env = { ...pairVariables(writePair(pairs.first, directory)), TLS_RECORD_LAYER: layer };
        const broker = await start(t, env);
        const first = await joinOn(await TlsSocket.open(broker.port, secure(version)), freshId());
        const session = await first.session();
        writePair(pairs.second, directory);
        await hangUp(broker);
        for (let i = 0; i < 8; ++i) {
          const again = await joinOn(await TlsSocket.open(broker.port, secure({ ...version, session })), freshId());
          assert.equal(again.socket.isSessionReused(), true);
          assert.deepEqual(await again.emit('SOCKET_MSG_EXCHANGE', JSON.stringify({ to: first.id })), ['OK']);
          again.destroy();
        }
        assert.equal((await first.packets(8)).length, 8);
        await broker.stop();
      });
    }

    test(`of a client whose authority is no longer alone is not resumed, ${name}`, async (t) => {
      const [old, added] = [makeAuthority('Old'), makeAuthority('Added')];
      const [own, other] = [old, added].map((authority) => authority.issue(undefined, { use: 'client' }));
      const file = path.join(temporaryDirectory(), 'clients.pem');
      fs.writeFileSync(file, old.certificate);
      const env = { ...pairVariables(writePair(pairs.first)), TLS_CLIENT_CA_FILE: file };
      const broker = await start(t, env);
      const open = (options) => TlsSocket.open(broker.port, secure({ ...version, ...options }));
      const first = await joinOn(await open(own), freshId());
      const session = await first.session();
      fs.writeFileSync(file, old.certificate + added.certificate);
      await hangUp(broker);
      const again = await joinOn(await open({ ...own, session }), freshId());
      assert.equal(again.socket.isSessionReused(), false);
      await joinOn(await open(other), freshId());
      // Without its certificate the session is worth nothing.
      await assert.rejects(open({ session }).then((socket) => joinOn(socket, freshId())));
      assert.deepEqual(await again.emit('SOCKET_MSG_EXCHANGE', JSON.stringify({ to: first.id })), ['OK']);
      fs.writeFileSync(file, added.certificate);
      await hangUp(broker);
      await assert.rejects(open(own).then((socket) => joinOn(socket, freshId())));
      assert.deepEqual(await again.emit('SOCKET_MSG_EXCHANGE', JSON.stringify({ to: first.id })), ['OK']);
      await broker.stop();
    });
  }
});
