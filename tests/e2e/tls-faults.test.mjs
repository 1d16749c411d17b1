// What goes wrong with TLS, by accident or on purpose: it ends the connection that it happens on, by the alert that the RFC
// wants, and nobody else notices. Also what looks like an attack and is allowed.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { Broker, cleanEnvironment, oursOnly, temporaryDirectory } from './support/broker.mjs';
import { Stream } from './support/grid.mjs';
import { freshId, joinNode } from './support/node.mjs';
import { OpensslSocket } from './support/openssl.mjs';
import { Pair } from './support/pair.mjs';
import { frame, joinOn, joinRaw, Opcode, RawSocket, request } from './support/raw.mjs';
import { Alert, ContentType, MessageType, RecordSocket, TlsSocket } from './support/records.mjs';
import { eventually, memoryIsMeasurable, scaled, within } from './support/time.mjs';
import { localPair, pairVariables, testAuthority } from './support/tls.mjs';

const ours = oursOnly('speaks no TLS');
const kMessage = 'SOCKET_MSG_EXCHANGE';
const kTls13 = { minVersion: 'TLSv1.3' };
const kTls12 = { maxVersion: 'TLSv1.2' };
const secure = (options) => ({ ca: testAuthority().certificate, ...options });

/// A pseudo-random byte string that is the same in every run.
function noise(bytes) {
  let state = 7;
  return Buffer.from(
    Array.from({ length: bytes }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state >>> 24;
    }),
  );
}

const head = (type, length) => Buffer.from([type, 3, 3, length >> 8, length & 0xff]);

for (const layer of ['compact', 'openssl']) {
  describe(`with TLS_RECORD_LAYER=${layer}`, ours, () => {
    let broker;
    let pair;
    let bystanders;
    let streams;
    before(async () => {
      broker = await Broker.start({ ...pairVariables(localPair()), TLS_RECORD_LAYER: layer, WORKERS: '2' });
      pair = await Pair.join(broker.port);
      bystanders = await Promise.all(
        [kTls13, kTls12, kTls13, kTls12].map((options) =>
          joinNode(broker.port, freshId('bystander'), { agent: new https.Agent(secure(options)) }),
        ),
      );
      const [a, b, c, d] = bystanders;
      streams = [...Stream.between(a, b, { pace: 20 }), ...Stream.between(c, d, { pace: 20 })];
    });
    after(async () => {
      await Promise.all((streams ?? []).map((stream) => stream.stop()));
      for (const stream of streams ?? []) stream.expectPerfect();
      await broker?.stop();
    });
    afterEach(() => pair.stillTalks());

    const open = (options) => TlsSocket.open(broker.port, secure(options));
    const join = async (options) => joinOn(await open(options), freshId());
    const joinRecords = async (options) =>
      joinOn(await RecordSocket.open(broker.port, secure({ ...kTls13, ...options })), freshId());

    /// The broker ends the connection, and the node is gone.
    async function expectGone(node) {
      await node.expectTcpEnd();
      await pair.seesLeave(node.id, scaled(2000));
      node.destroy();
    }

    async function expectToTalk(node) {
      assert.deepEqual(await node.emit(kMessage, JSON.stringify({ to: node.id, content: 'x' })), ['OK']);
      assert.match(await node.packet(), /^42\["SOCKET_MSG_EXCHANGE"/);
    }

    describe('a record of TLS 1.3 is answered by an alert', () => {
      const kInner = 0x4000 + 1;
      // RFC 8446 5, 5.1, 5.2, 5.4, 4.1.2, 4.6.3; each is sent by a node of its own.
      const kCases = {
        'that does not authenticate': [
          (node) => {
            const record = node.seal('x');
            record[record.length - 1] ^= 1;
            return record;
          },
          Alert.badRecordMac,
        ],
        'whose header was changed': [
          (node) => {
            const record = node.seal('xy');
            record.writeUInt16BE(record.readUInt16BE(3) - 1, 3);
            return record;
          },
          Alert.badRecordMac,
        ],
        'that comes a second time': [
          (node) => {
            const record = node.seal(frame('3'));
            return Buffer.concat([record, record]);
          },
          Alert.badRecordMac,
        ],
        'that announces more than a record may have': [
          () => Buffer.concat([head(ContentType.applicationData, 0x4000 + 257), noise(0x4000 + 257)]),
          Alert.recordOverflow,
        ],
        'with a byte more of plaintext than a record may have': [
          (node) => node.seal(Buffer.alloc(kInner)),
          Alert.recordOverflow,
        ],
        'of padding alone': [(node) => node.keys.seal(Buffer.alloc(100)), Alert.unexpectedMessage],
        'of an unknown type': [(node) => node.seal('x', 99), Alert.unexpectedMessage],
        'of type change_cipher_spec, encrypted': [
          (node) => node.seal([1], ContentType.changeCipherSpec),
          Alert.unexpectedMessage,
        ],
        'of type change_cipher_spec, behind the handshake': [
          () => Buffer.concat([head(ContentType.changeCipherSpec, 1), Buffer.of(1)]),
          Alert.unexpectedMessage,
        ],
        'that is not encrypted': [
          () => Buffer.concat([head(ContentType.handshake, 5), Buffer.from([MessageType.keyUpdate, 0, 0, 1, 0])]),
          Alert.unexpectedMessage,
        ],
        'with a handshake message of no bytes': [(node) => node.seal('', ContentType.handshake), Alert.unexpectedMessage],
        'with an alert of no bytes': [(node) => node.seal('', ContentType.alert), Alert.unexpectedMessage],
        'with a ClientHello': [
          (node) => node.seal([MessageType.clientHello, 0, 0, 4, 3, 3, 0, 0], ContentType.handshake),
          Alert.unexpectedMessage,
        ],
        'with a KeyUpdate that asks for something unknown': [
          (node) => node.seal([MessageType.keyUpdate, 0, 0, 1, 2], ContentType.handshake),
          Alert.illegalParameter,
        ],
        'with a KeyUpdate that is too long': [
          (node) => node.seal([MessageType.keyUpdate, 0, 0, 2, 0, 0], ContentType.handshake),
          // OpenSSL looks at the length that a message of this type has at most.
          layer === 'openssl' ? Alert.illegalParameter : Alert.decodeError,
        ],
        'with something behind a KeyUpdate': [
          (node) => node.seal([MessageType.keyUpdate, 0, 0, 1, 0, MessageType.keyUpdate], ContentType.handshake),
          Alert.unexpectedMessage,
        ],
      };
      for (const [what, [make, alert]] of Object.entries(kCases)) {
        test(what, async () => {
          const node = await joinRecords();
          node.tcp.write(make(node));
          await expectGone(node);
          assert.deepEqual(node.alerts(), [alert]);
        });
      }
    });

    describe('taken as it is', () => {
      for (const cipher of ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256']) {
        test(`a message in records of one byte, with padding, and with empty ones between, ${cipher}`, async () => {
          const node = await joinRecords({ ciphers: cipher });
          const packet = frame(`427${JSON.stringify([kMessage, JSON.stringify({ to: node.id })])}`);
          const records = [];
          for (const byte of packet) {
            records.push(node.seal([byte]), node.seal('', ContentType.applicationData), node.seal('', ContentType.applicationData, 300));
          }
          node.tcp.write(Buffer.concat(records));
          assert.deepEqual(await node.ack(7), ['OK']);
          await node.packet();
          node.destroy();
        });
      }

      for (const version of [kTls13, kTls12]) {
        test(`a message in records of one byte, by Node.js, ${version.minVersion ?? version.maxVersion}`, async () => {
          const node = await join(version);
          await node.sendByteWise(frame(`427${JSON.stringify([kMessage, JSON.stringify({ to: node.id })])}`));
          assert.deepEqual(await node.ack(7), ['OK']);
          node.destroy();
        });

        test(`records in segments of one byte, ${version.minVersion ?? version.maxVersion}`, async () => {
          const node = await join(version);
          const { tcp } = node;
          const send = tcp.write.bind(tcp);
          tcp.write = (bytes, ...rest) => {
            for (const byte of Buffer.from(bytes)) send(Buffer.of(byte));
            return send(Buffer.alloc(0), ...rest);
          };
          for (let i = 0; i < 3; ++i) await expectToTalk(node);
          tcp.write = send;
          node.destroy();
        });
      }

      test('records of the largest size, and with the most padding', async () => {
        const node = await joinRecords();
        const payload = JSON.stringify({ to: node.id, x: 'x'.repeat(100_000) });
        node.sendText(`427${JSON.stringify([kMessage, payload])}`);
        assert.deepEqual(await node.ack(7), ['OK']);
        await node.packet();
        node.sendRecord(frame('', { opcode: Opcode.ping }), ContentType.applicationData, 0x4000 - 6);
        assert.equal((await node.frame()).opcode, Opcode.pong);
        node.destroy();
      });

      test('a KeyUpdate whose bytes come in records of their own', async () => {
        const node = await joinRecords();
        for (const byte of [MessageType.keyUpdate, 0, 0, 1, 1]) node.sendRecord([byte], ContentType.handshake);
        node.keys.update();
        await expectToTalk(node);
        assert.equal(node.count(MessageType.keyUpdate), 1);
        node.destroy();
      });

      test('KeyUpdates that ask for one: one is sent, before what follows', async () => {
        const node = await joinRecords();
        for (let i = 1; i <= 5; ++i) {
          node.tcp.write(Buffer.concat([node.sealKeyUpdate(1), node.sealKeyUpdate(1), node.sealKeyUpdate(0)]));
          await expectToTalk(node);
          // As many as were asked for, or one for all that came together: RFC 8446 4.6.3.
          const answers = node.count(MessageType.keyUpdate);
          assert.ok(answers >= i && answers <= 2 * i, `${answers} after ${i} rounds`);
        }
        node.destroy();
      });

      test('the alert user_canceled, which close_notify follows', async () => {
        const node = await joinRecords();
        node.sendAlert(1, Alert.userCanceled);
        await expectToTalk(node);
        node.sendAlert(1, Alert.closeNotify);
        await node.expectEnd();
        await expectGone(node);
        assert.deepEqual(node.alerts(), [Alert.closeNotify]);
      });
    });

    describe('a flood', () => {
      const kFloods = {
        'of empty records': (node) => Array.from({ length: 2000 }, () => node.seal('')),
        'of records of padding and nothing else': (node) =>
          Array.from({ length: 200 }, () => node.seal('', ContentType.applicationData, 0x4000)),
        'of KeyUpdates': (node) => Array.from({ length: 2000 }, () => node.sealKeyUpdate(0)),
        'of KeyUpdates that ask for one': (node) => Array.from({ length: 2000 }, () => node.sealKeyUpdate(1)),
        'of warnings': (node) => Array.from({ length: 2000 }, () => node.seal([1, Alert.userCanceled], ContentType.alert)),
      };
      for (const [what, make] of Object.entries(kFloods)) {
        test(`${what} ends its connection, and costs little`, async () => {
          const node = await joinRecords();
          const records = Buffer.concat(make(node));
          const [memory, time] = [broker.memory(), broker.processorTime()];
          node.tcp.write(records);
          await expectGone(node);
          assert.ok(node.count(MessageType.keyUpdate) < 100);
          if (!memoryIsMeasurable) return;
          assert.ok(broker.memory() - memory < 5, `${broker.memory() - memory} MiB`);
          assert.ok(broker.processorTime() - time < 0.5, `${broker.processorTime() - time} s`);
        });
      }

      test('of bytes that are no records, with whatever length they announce', async () => {
        const bytes = noise(200_000);
        await Promise.all(
          Array.from({ length: 50 }, async (_, i) => {
            const node = await join(i % 2 ? kTls13 : kTls12);
            node.tcp.write(bytes.subarray(i * 1000, i * 1000 + 50_000));
            await expectGone(node);
          }),
        );
      });
    });

    describe('a connection that ends', () => {
      for (const version of [kTls13, kTls12]) {
        const name = version.minVersion ?? version.maxVersion;

        test(`without close_notify, ${name}`, async () => {
          const node = await join(version);
          node.tcp.end();
          await expectGone(node);
        });

        test(`by a reset, ${name}`, async () => {
          const node = await join(version);
          node.reset();
          await pair.seesLeave(node.id);
        });

        test(`in the middle of a record, ${name}`, async () => {
          for (const bytes of [head(23, 200).subarray(0, 3), head(23, 200), Buffer.concat([head(23, 200), noise(199)])]) {
            const node = await join(version);
            node.tcp.write(bytes);
            node.tcp.end();
            await expectGone(node);
          }
        });

        test(`by a fatal alert, ${name}`, async () => {
          // Node.js refuses what it does not expect; so would any client.
          const node = await join(version);
          const [received] = [once(node.socket, 'error')];
          node.below.push(Buffer.concat([head(23, 40), noise(40)]));
          await within(scaled(5000), 'the client gives up', received);
          await pair.seesLeave(node.id);
          node.destroy();
        });
      }

      test('the client behind a record that stops is not waited for by others', async () => {
        const node = await join(kTls13);
        node.tcp.write(Buffer.concat([head(23, 16_000), noise(100)]));
        await pair.stillTalks();
        assert.equal(await pair.sees(node.id), true);
        node.destroy();
        await pair.seesLeave(node.id);
      });
    });

    describe('real clients', () => {
      test('KeyUpdates in both directions, under load', async () => {
        const node = await joinOn(await OpensslSocket.open(broker.port, ['-tls1_3']), freshId());
        const other = await join(kTls13);
        for (let n = 0; n < 30; ++n) {
          // Far from the limit of those that bring no data.
          await node.command(n % 3 === 0 ? 'k' : 'K', 'KEYUPDATE');
          const [to, from] = [other.id, node.id];
          assert.deepEqual(await node.emit(kMessage, JSON.stringify({ to, n })), ['OK']);
          assert.match(await other.packet(), new RegExp(`\\\\"n\\\\":${n}\\b`));
          assert.deepEqual(await other.emit(kMessage, JSON.stringify({ to: from, n, x: 'x'.repeat(20_000) })), ['OK']);
          assert.match(await node.packet(), new RegExp(`\\\\"n\\\\":${n}\\b`));
        }
        node.destroy();
        other.destroy();
      });

      test('KeyUpdates without data: many end the connection', async () => {
        const node = await joinOn(await OpensslSocket.open(broker.port, ['-tls1_3']), freshId());
        for (let i = 0; i < 100 && !node.hasEnded; ++i) await node.command('K', 'KEYUPDATE');
        await node.rest();
        await pair.seesLeave(node.id);
        node.destroy();
      });

      test('a renegotiation is refused', async () => {
        // RFC 5246 7.2.2, 7.4.1.1.
        const node = await join(kTls12);
        const refused = new Promise((resolve) => {
          node.socket.renegotiate({}, resolve);
        });
        const error = await within(scaled(10_000), 'the renegotiation fails', Promise.race([refused, node.tcpEnded]));
        assert.ok(error !== null, 'it has failed');
        await expectGone(node);
      });

      test('OpenSSL renegotiates as little', async () => {
        const node = await joinOn(await OpensslSocket.open(broker.port, ['-tls1_2']), freshId());
        await node.command('R', 'RENEGOTIATING');
        await node.rest();
        await pair.seesLeave(node.id);
        node.destroy();
      });

      test('small records by OpenSSL', async () => {
        for (const args of [
          ['-tls1_3', '-max_send_frag', '512'],
          ['-tls1_2', '-max_send_frag', '512'],
          // RFC 6066 4: the server's records are no larger either.
          ['-tls1_3', '-maxfraglen', '512'],
          ['-tls1_2', '-maxfraglen', '512'],
        ]) {
          const node = await joinOn(await OpensslSocket.open(broker.port, args), freshId());
          const payload = JSON.stringify({ to: node.id, x: 'x'.repeat(5000) });
          assert.deepEqual(await node.emit(kMessage, payload), ['OK'], args.join(' '));
          assert.equal(JSON.parse((await node.packet()).slice(2))[1], payload);
          node.destroy();
        }
      });

      test('early data is not read, and the handshake succeeds', async () => {
        const first = await join(kTls13);
        const session = allowEarlyData(await first.session());
        first.destroy();
        const { said, answer } = await withEarlyData(broker.port, session, request('GET', '/early'), request('GET', '/late'));
        // RFC 8446 4.2.10.
        assert.match(said, /Early data was rejected/);
        assert.match(said, /^Reused, TLSv1\.3/m);
        assert.match(answer, /^HTTP\/1\.1 404/);
        assert.doesNotMatch(broker.output, /\/early/);
      });
    });
  });
}

/// The value behind a tag and a length of DER, and where the next begins.
function readDer(bytes, at) {
  let length = bytes[at + 1];
  let start = at + 2;
  if (length & 0x80) {
    const size = length & 0x7f;
    length = bytes.readUIntBE(start, size);
    start += size;
  }
  return { tag: bytes[at], start, end: start + length };
}

const writeDer = (tag, value) => {
  const length = Buffer.from([0x82, value.length >> 8, value.length & 0xff]);
  return Buffer.concat([Buffer.of(tag), length, value]);
};

/// An SSL_SESSION of OpenSSL's that says that its server takes early data, which only then is sent: its field
/// max_early_data, [15], stands behind those of a smaller number.
function allowEarlyData(session) {
  const whole = readDer(session, 0);
  const [before, behind] = [[], []];
  for (let at = whole.start; at < whole.end; ) {
    const { tag, end } = readDer(session, at);
    if (tag !== 0xaf) (tag < 0xaf ? before : behind).push(session.subarray(at, end));
    at = end;
  }
  const bytes = Buffer.from([0xaf, 4, 2, 2, 0x40, 0]);
  return writeDer(0x30, Buffer.concat([...before, bytes, ...behind]));
}

/// Sends the one as early data and the other when the handshake is over, and resolves with what openssl s_client says, and
/// with the server's answer.
async function withEarlyData(port, session, early, late) {
  const directory = temporaryDirectory();
  const at = (name) => path.join(directory, name);
  const lines = session.toString('base64').match(/.{1,64}/g).join('\n');
  fs.writeFileSync(at('session'), `-----BEGIN SSL SESSION PARAMETERS-----\n${lines}\n-----END SSL SESSION PARAMETERS-----\n`);
  fs.writeFileSync(at('early'), early);
  const args = ['s_client', '-connect', `127.0.0.1:${port}`, '-CAfile', testAuthority().file, '-tls1_3', '-ign_eof'];
  const child = spawn('openssl', [...args, '-sess_in', at('session'), '-early_data', at('early')], {
    env: cleanEnvironment({}),
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  let said = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (text) => {
    said += text;
  });
  try {
    await eventually('the handshake is over', () => /Early data was \w+/.test(said));
    child.stdin.write(late);
    await eventually('it is answered', () => /HTTP\/1\.1/.test(said)).catch((error) => {
      error.message += `; said: ${said}`;
      throw error;
    });
  } finally {
    child.kill('SIGKILL');
  }
  return { said, answer: said.slice(said.indexOf('HTTP/1.1')) };
}
