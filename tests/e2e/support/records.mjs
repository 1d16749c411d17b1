/// TLS whose records the test sees, and in TLS 1.3 makes: Node.js does the handshake, and reads what the server sends. The
/// keys are derived anew from the secrets that it logs (RFC 8446 7), so nothing but OpenSSL's ciphers is shared with it.
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import net from 'node:net';
import { Duplex } from 'node:stream';
import tls from 'node:tls';
import { RawSocket } from './raw.mjs';
import { eventually, scaled, within } from './time.mjs';
import { tlsOptions } from './tls.mjs';

/// RFC 8446 5.1, 4 and 6.
export const ContentType = { changeCipherSpec: 20, alert: 21, handshake: 22, applicationData: 23 };
export const MessageType = { clientHello: 1, newSessionTicket: 4, keyUpdate: 24 };
export const Alert = {
  closeNotify: 0,
  unexpectedMessage: 10,
  badRecordMac: 20,
  recordOverflow: 22,
  handshakeFailure: 40,
  unknownCa: 48,
  decodeError: 50,
  illegalParameter: 47,
  protocolVersion: 70,
  userCanceled: 90,
  noRenegotiation: 100,
  certificateRequired: 116,
  noApplicationProtocol: 120,
};

/// RFC 8446 B.4, by OpenSSL's names: those of the hash and the cipher, and the bytes of a key.
const kSuites = {
  TLS_AES_128_GCM_SHA256: { hash: 'sha256', cipher: 'aes-128-gcm', keyBytes: 16 },
  TLS_AES_256_GCM_SHA384: { hash: 'sha384', cipher: 'aes-256-gcm', keyBytes: 32 },
  TLS_CHACHA20_POLY1305_SHA256: { hash: 'sha256', cipher: 'chacha20-poly1305', keyBytes: 32 },
};
const kTagBytes = 16;

/// HKDF-Expand-Label of RFC 8446 7.1 without a context. No more bytes than the hash has are ever asked for.
function expandLabel(hash, secret, label, bytes) {
  const name = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([Buffer.from([0, bytes, name.length]), name, Buffer.of(0), Buffer.of(1)]);
  return createHmac(hash, secret).update(info).digest().subarray(0, bytes);
}

/// One direction of a connection.
class Keys {
  constructor(suite, secret) {
    this.suite = suite;
    this.#use(secret);
  }

  #use(secret) {
    const { hash, keyBytes } = this.suite;
    this.secret = secret;
    this.key = expandLabel(hash, secret, 'key', keyBytes);
    this.iv = expandLabel(hash, secret, 'iv', 12);
    this.sequence = 0n;
  }

  /// RFC 8446 7.2.
  update() {
    this.#use(expandLabel(this.suite.hash, this.secret, 'traffic upd', this.secret.length));
  }

  #nonce() {
    const nonce = Buffer.from(this.iv);
    nonce.writeBigUInt64BE(nonce.readBigUInt64BE(4) ^ this.sequence, 4);
    return nonce;
  }

  /// A whole record around this inner plaintext.
  seal(inner) {
    const head = Buffer.from([ContentType.applicationData, 3, 3, 0, 0]);
    head.writeUInt16BE(inner.length + kTagBytes, 3);
    const cipher = createCipheriv(this.suite.cipher, this.key, this.#nonce(), { authTagLength: kTagBytes });
    cipher.setAAD(head, { plaintextLength: inner.length });
    const sealed = [head, cipher.update(inner), cipher.final(), cipher.getAuthTag()];
    this.sequence += 1n;
    return Buffer.concat(sealed);
  }

  /// The type and the content of a record; null: it was not sealed by these keys.
  open(record) {
    const sealed = record.subarray(5);
    const decipher = createDecipheriv(this.suite.cipher, this.key, this.#nonce(), { authTagLength: kTagBytes });
    decipher.setAAD(record.subarray(0, 5), { plaintextLength: sealed.length - kTagBytes });
    decipher.setAuthTag(sealed.subarray(-kTagBytes));
    let inner;
    try {
      inner = Buffer.concat([decipher.update(sealed.subarray(0, -kTagBytes)), decipher.final()]);
    } catch {
      return null;
    }
    this.sequence += 1n;
    let end = inner.length;
    while (end > 0 && inner[end - 1] === 0) --end;
    return { type: inner[end - 1], content: inner.subarray(0, end - 1) };
  }
}

/// The whole records at the beginning of these bytes.
function split(bytes) {
  const records = [];
  for (let at = 0; at + 5 <= bytes.length; ) {
    const next = at + 5 + bytes.readUInt16BE(at + 3);
    if (next > bytes.length) break;
    records.push(bytes.subarray(at, next));
    at = next;
  }
  return records;
}

/// What TLS runs on: a TCP connection that keeps its end to itself, so that TLS ends by close_notify or not at all.
class Below extends Duplex {
  #received = [];

  constructor(tcp) {
    super({ allowHalfOpen: true });
    this.tcp = tcp;
    tcp.on('data', (bytes) => {
      this.#received.push(bytes);
      if (!this.push(bytes)) tcp.pause();
    });
  }

  get received() {
    return Buffer.concat(this.#received);
  }

  _read() {
    this.tcp.resume();
  }
  _write(bytes, _, done) {
    this.tcp.write(bytes, () => done());
  }
  _final(done) {
    this.tcp.end(() => done());
  }
  _destroy(error, done) {
    this.tcp.destroy();
    done(error);
  }
}

/// The first bytes that a client of these options sends.
export function clientHello(secure = {}) {
  return new Promise((resolve) => {
    const socket = new Duplex({
      read() {},
      write(bytes) {
        resolve(Buffer.from(bytes));
      },
    });
    tls.connect({ ...secure, socket, servername: 'localhost' }).on('error', () => {});
  });
}

/// A TLS connection as RawSocket has it, which shows how it ends: `expectEnd` passes only after a close_notify.
export class TlsSocket extends RawSocket {
  /// A rejection has the `alert` that came before there were keys. `secure`: options of tls.connect; `from`: as RawSocket.connect has it; `first`: what is sent before the ClientHello.
  static async open(port, secure = tlsOptions(port), { from, first } = {}) {
    const tcp = net.connect({ port, host: '127.0.0.1', localAddress: from, allowHalfOpen: true, noDelay: true });
    if (first) tcp.write(first);
    const below = new Below(tcp);
    const socket = tls.connect({ ...secure, socket: below, host: '127.0.0.1' });
    const opened = new this(socket, port, tcp);
    opened.below = below;
    socket.on('session', (session) => opened.sessions.push(session));
    const secrets = {};
    socket.on('keylog', (line) => {
      const [label, , secret] = line.toString().trim().split(' ');
      secrets[label] = Buffer.from(secret, 'hex');
    });
    const failed = new Promise((_, reject) => {
      socket.once('error', reject);
      tcp.once('error', reject);
      tcp.once('end', () => reject(new Error('TCP has ended during the handshake')));
    });
    failed.catch(() => {});
    const done = new Promise((resolve) => {
      socket.once('secureConnect', resolve);
    });
    try {
      await within(scaled(10_000), `a TLS handshake with ${port}`, Promise.race([done, failed]));
    } catch (error) {
      error.alert = opened.plainAlert();
      opened.destroy();
      throw error;
    }
    opened.took(secrets);
    return opened;
  }

  /// What it may resume with: RFC 8446 4.6.1.
  sessions = [];

  constructor(socket, port, tcp) {
    super(socket, port, tcp);
    this.tcpEnded = new Promise((resolve) => {
      for (const event of ['end', 'close', 'error']) tcp.once(event, resolve);
    });
  }

  /// The last of its sessions; TLS 1.3 has none before the server's tickets have arrived.
  async session() {
    await eventually('a session to resume', () => this.sessions.length > 0);
    return this.sessions.at(-1);
  }

  took() {}

  /// The description of the alert that the server has sent before there were keys; undefined: none.
  plainAlert() {
    return split(this.below.received).find((record) => record[0] === ContentType.alert)?.[6];
  }

  /// TCP has ended too.
  async expectTcpEnd(milliseconds = scaled(10_000)) {
    await within(milliseconds, 'the end of TCP', this.tcpEnded);
  }
}

/// A connection of TLS 1.3 whose own records the test makes. Everything that RawSocket sends goes through `send`.
export class RecordSocket extends TlsSocket {
  took(secrets) {
    const suite = kSuites[this.socket.getCipher().name];
    this.keys = new Keys(suite, secrets.CLIENT_TRAFFIC_SECRET_0);
    this.serverSecret = secrets.SERVER_TRAFFIC_SECRET_0;
  }

  send(bytes, done) {
    const data = Buffer.from(bytes);
    const records = [];
    for (let at = 0; at === 0 || at < data.length; at += 0x4000) {
      records.push(this.seal(data.subarray(at, at + 0x4000)));
    }
    this.tcp.write(Buffer.concat(records), done);
  }

  seal(content, type = ContentType.applicationData, padding = 0) {
    return this.keys.seal(Buffer.concat([Buffer.from(content), Buffer.of(type), Buffer.alloc(padding)]));
  }

  sendRecord(content, type, padding) {
    this.tcp.write(this.seal(content, type, padding));
  }

  sendAlert(level, description) {
    this.sendRecord([level, description], ContentType.alert);
  }

  /// A KeyUpdate of RFC 8446 4.6.3; `request`: 1 asks for one in return. As bytes, for whoever sends many.
  sealKeyUpdate(request = 0) {
    const record = this.seal([MessageType.keyUpdate, 0, 0, 1, request], ContentType.handshake);
    this.keys.update();
    return record;
  }

  end() {
    this.sendAlert(1, Alert.closeNotify);
    this.tcp.end();
  }

  /// The records that the server has sent since its Finished, opened; also those that Node.js has not asked for.
  received() {
    const keys = new Keys(this.keys.suite, this.serverSecret);
    const opened = [];
    for (const record of split(this.below.received)) {
      const inner = record[0] === ContentType.applicationData ? keys.open(record) : null;
      // Those of the handshake have other keys.
      if (inner === null) {
        if (opened.length) throw new Error(`a record of the server's does not open: ${record.toString('hex', 0, 20)}`);
        continue;
      }
      opened.push(inner);
      if (inner.type === ContentType.handshake && inner.content[0] === MessageType.keyUpdate) keys.update();
    }
    return opened;
  }

  /// How many handshake messages of this type the server has sent.
  count(messageType) {
    const fits = ({ type, content }) => type === ContentType.handshake && content[0] === messageType;
    return this.received().filter(fits).length;
  }

  /// The alerts of the server: their descriptions.
  alerts() {
    return this.received()
      .filter(({ type }) => type === ContentType.alert)
      .map(({ content }) => content[1]);
  }
}
