/// A connection under full control of the test: HTTP and WebSocket frames byte by byte, over TCP or, where the port speaks
/// it, over TLS.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import net from 'node:net';
import tls from 'node:tls';
import { nodeQuery } from './node.mjs';
import { scaled, within } from './time.mjs';
import { tlsOptions } from './tls.mjs';

export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

const openSockets = new Set();

export function destroySockets(port) {
  for (const socket of openSockets) if (socket.port === port) socket.destroy();
}

/// Both sides get a TCP reset. Node.js cannot reset a socket that is just being ended: that one stays half open, and
/// the process spins for ever when it should exit.
export function resetSocket(socket) {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

/// One frame as a client sends it. `mask: null` leaves it unmasked; `length` announces another length than
/// the payload has; `lengthBytes` forces the 16- or 64-bit form.
export function frame(
  payload,
  { opcode = Opcode.text, fin = true, rsv = 0, mask = randomBytes(4), length, lengthBytes } = {},
) {
  const body = Buffer.from(payload);
  const announced = length ?? body.length;
  lengthBytes ??= announced < 126 ? 0 : announced < 65_536 ? 2 : 8;
  const masked = mask ? 0x80 : 0;
  const head = Buffer.alloc(2 + lengthBytes);
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  if (lengthBytes === 0) head[1] = masked | announced;
  if (lengthBytes === 2) {
    head[1] = masked | 126;
    head.writeUInt16BE(announced, 2);
  }
  if (lengthBytes === 8) {
    head[1] = masked | 127;
    head.writeBigUInt64BE(BigInt(announced), 2);
  }
  if (!mask) return Buffer.concat([head, body]);
  const hidden = Buffer.allocUnsafe(body.length);
  for (let i = 0; i < body.length; ++i) hidden[i] = body[i] ^ mask[i & 3];
  return Buffer.concat([head, mask, hidden]);
}

/// The payload of a close frame.
export function closePayload(code, reason = '') {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return Buffer.concat([head, Buffer.from(reason)]);
}

export const kUpgradeQuery = 'EIO=4&transport=websocket';

/// An HTTP request; headers set to null are left out.
export function request(method, target, headers = {}, body = '') {
  const lines = Object.entries({ Host: 'broker.test', ...headers })
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}

/// A correct upgrade request unless told otherwise.
export function upgradeRequest({
  method = 'GET',
  path = '/socket.io/',
  query = kUpgradeQuery,
  headers = {},
} = {}) {
  return request(method, query === null ? path : `${path}?${query}`, {
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
    'Sec-WebSocket-Version': '13',
    ...headers,
  });
}

export const acceptValue = (key) =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');

export class RawSocket {
  #unread = Buffer.alloc(0);
  #changed = () => {};
  #inbox = [];
  #nextAck = 0;
  hasEnded = false;
  /// Why, if it was an error.
  error = undefined;

  /// `from`: the address that the broker shall see, such as 127.0.0.2. `secure`: options of tls.connect; null: plain TCP.
  static async connect(port, host = '127.0.0.1', from = undefined, secure = tlsOptions(port)) {
    const tcp = net.connect({
      port,
      host,
      localAddress: from,
      allowHalfOpen: true,
      noDelay: true,
    });
    const socket = secure ? tls.connect({ ...secure, socket: tcp, host }) : tcp;
    const raw = new RawSocket(socket, port, tcp);
    await within(
      scaled(10_000),
      `connect to ${host}:${port}`,
      new Promise((resolve, reject) => {
        socket.once(secure ? 'secureConnect' : 'connect', resolve);
        socket.once('error', reject);
      }),
    );
    return raw;
  }

  /// `tcp`: what the socket is on top of, if it speaks TLS.
  constructor(socket, port, tcp = socket) {
    this.socket = socket;
    this.tcp = tcp;
    this.port = port;
    openSockets.add(this);
    socket.on('data', (bytes) => {
      this.#unread = this.#unread.length ? Buffer.concat([this.#unread, bytes]) : bytes;
      this.#changed();
    });
    const ended = () => {
      this.hasEnded = true;
      this.#changed();
    };
    socket.on('end', ended);
    socket.on('close', () => {
      openSockets.delete(this);
      ended();
    });
    for (const each of new Set([socket, tcp])) {
      each.on('error', (error) => {
        this.error ??= error;
        ended();
      });
    }
  }

  /// `done` is called once the system has taken them.
  send(bytes, done) {
    this.socket.write(bytes, done);
  }
  sendText(text, options) {
    this.send(frame(text, options));
  }
  sendEach(texts) {
    this.send(Buffer.concat(texts.map((text) => frame(text))));
  }

  /// Sends in single bytes, each in a segment of its own as far as TCP allows, and in a record of its own with TLS.
  async sendByteWise(bytes) {
    for (const byte of Buffer.from(bytes)) {
      await new Promise((resolve) => this.send(Buffer.of(byte), resolve));
    }
  }

  pause() {
    this.socket.pause();
  }
  resume() {
    this.socket.resume();
  }
  end() {
    this.socket.end();
  }
  reset() {
    resetSocket(this.tcp);
  }
  destroy() {
    this.socket.destroy();
    this.tcp.destroy();
  }

  /// Waits until `find(unread)` gives something; undefined means "not yet".
  async #read(what, find, milliseconds = scaled(10_000)) {
    let waiting = true;
    const found = (async () => {
      while (waiting) {
        const result = find(this.#unread);
        if (result !== undefined) return result;
        if (this.hasEnded) {
          throw new Error(`connection ended while waiting for ${what}; unread: ${this.#shown()}`);
        }
        await new Promise((resolve) => {
          this.#changed = resolve;
        });
      }
      return undefined;
    })();
    try {
      return await within(milliseconds, what, found);
    } catch (error) {
      error.message += ` [unread: ${this.#shown()}]`;
      throw error;
    } finally {
      waiting = false;
      found.catch(() => {});
    }
  }

  #shown() {
    return JSON.stringify(this.#unread.subarray(0, 200).toString('latin1'));
  }

  #take(count) {
    const bytes = this.#unread.subarray(0, count);
    this.#unread = this.#unread.subarray(count);
    return bytes;
  }

  /// Reads one HTTP response with its body.
  async response({ toHead = false, milliseconds } = {}) {
    const findHead = (unread) => {
      const at = unread.indexOf('\r\n\r\n');
      return at < 0 ? undefined : this.#take(at + 4).toString('latin1');
    };
    const head = await this.#read('an HTTP response', findHead, milliseconds);
    const [statusLine, ...lines] = head.trimEnd().split('\r\n');
    const status = Number(/^HTTP\/1\.[01] (\d{3}) /.exec(`${statusLine} `)[1]);
    const headers = Object.fromEntries(
      lines.map((line) => {
        const at = line.indexOf(':');
        return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
      }),
    );
    return { status, headers, body: toHead ? '' : await this.#body(status, headers) };
  }

  async #body(status, headers) {
    if (status === 101 || status === 204 || status === 304) return '';
    if (headers['transfer-encoding'] === 'chunked') {
      let body = '';
      for (;;) {
        const size = await this.#read('a chunk', (unread) => {
          const at = unread.indexOf('\r\n');
          return at < 0 ? undefined : parseInt(this.#take(at + 2).toString('latin1'), 16);
        });
        const chunk = await this.bytes(size + 2);
        if (size === 0) return body;
        body += chunk.toString('utf8', 0, size);
      }
    }
    if ('content-length' in headers)
      return (await this.bytes(Number(headers['content-length']))).toString();
    return (await this.rest()).toString();
  }

  async bytes(count) {
    return this.#read(`${count} bytes`, (unread) =>
      unread.length < count ? undefined : this.#take(count),
    );
  }

  /// Everything up to the end of the server's side.
  async rest(milliseconds) {
    return this.#read(
      'the end of the connection',
      (unread) => (this.hasEnded ? this.#take(unread.length) : undefined),
      milliseconds,
    );
  }

  /// The next frame; a server's frames are whole, plain and unmasked.
  async frame(milliseconds) {
    return this.#read(
      'a frame',
      (unread) => {
        if (unread.length < 2) return undefined;
        assert.equal(unread[0] & 0xf0, 0x80, 'a server frame is final and has no reserved bits');
        assert.equal(unread[1] & 0x80, 0, 'a server frame is not masked');
        const short = unread[1] & 0x7f;
        let length = short;
        let head = 2;
        if (short === 126) {
          head = 4;
          if (unread.length < head) return undefined;
          length = unread.readUInt16BE(2);
        }
        if (short === 127) {
          head = 10;
          if (unread.length < head) return undefined;
          length = Number(unread.readBigUInt64BE(2));
        }
        if (unread.length < head + length) return undefined;
        const bytes = this.#take(head + length);
        return { opcode: bytes[0] & 0x0f, payload: bytes.subarray(head) };
      },
      milliseconds,
    );
  }

  /// The next text message, an Engine.IO packet.
  async packet(milliseconds) {
    if (this.#inbox.length) return this.#inbox.shift();
    const { opcode, payload } = await this.frame(milliseconds);
    assert.equal(
      opcode,
      Opcode.text,
      `a text frame, not opcode ${opcode} ${payload.toString('hex')}`,
    );
    return payload.toString();
  }

  async packets(count) {
    const packets = [];
    while (packets.length < count) packets.push(await this.packet());
    return packets;
  }

  /// Pings and returns the packets that came before the pong: what the server had to say to all that was sent.
  async settled() {
    const token = randomBytes(8);
    this.sendText(token, { opcode: Opcode.ping });
    const packets = this.#inbox.splice(0);
    for (;;) {
      const { opcode, payload } = await this.frame();
      if (opcode === Opcode.pong && payload.equals(token)) return packets;
      assert.equal(
        opcode,
        Opcode.text,
        `a text frame or the pong, not opcode ${opcode} ${payload.toString('hex')}`,
      );
      packets.push(payload.toString());
    }
  }

  /// Emits with the next ack id and returns the arguments of the ack; other packets stay readable.
  async emit(type, ...args) {
    const ack = this.#nextAck++;
    this.sendText(`42${ack}${JSON.stringify([type, ...args])}`);
    return this.ack(ack);
  }

  async ack(id) {
    const prefix = `43${id}[`;
    const others = [];
    for (;;) {
      const packet = await this.packet();
      if (packet.startsWith(prefix)) {
        this.#inbox.unshift(...others);
        return JSON.parse(packet.slice(prefix.length - 1));
      }
      others.push(packet);
    }
  }

  /// The next frame must be a close frame with exactly this payload (none: 1005), then TCP ends.
  async expectClose(code, milliseconds) {
    const { opcode, payload } = await this.frame(milliseconds);
    assert.equal(opcode, Opcode.close, `a close frame, not ${JSON.stringify(payload.toString())}`);
    assert.equal(
      payload.toString('hex'),
      code === undefined ? '' : closePayload(code).toString('hex'),
    );
    this.sendText(payload, { opcode: Opcode.close });
    assert.equal((await this.rest()).length, 0, 'nothing follows a close frame');
    this.end();
  }

  /// As it is when the node shall come back: the packets until the server closes. A close frame among them is a
  /// failure, since some clients take it for the end, and others do not notice it.
  async sentBack(milliseconds) {
    const packets = this.#inbox.splice(0);
    for (;;) {
      const next = await this.#read(
        'the end of the connection',
        (unread) => (unread.length ? true : this.hasEnded ? false : undefined),
        milliseconds,
      );
      if (!next) break;
      packets.push(await this.packet(milliseconds));
    }
    this.end();
    return packets;
  }

  /// Answers heartbeats until the server closes with 1005; any other packet is a failure.
  async beatUntilClosed(milliseconds) {
    for (;;) {
      const { opcode, payload } = await this.frame(milliseconds);
      if (opcode === Opcode.close) return assert.equal(payload.length, 0);
      assert.equal(payload.toString(), '2');
      this.sendText('3');
    }
  }

  /// The server ends the connection without another byte.
  async expectEnd(milliseconds) {
    assert.equal((await this.rest(milliseconds)).toString('latin1'), '');
  }
}

/// Sends an upgrade on a new connection and returns the 101.
async function upgradeOn(socket, options) {
  socket.send(upgradeRequest(options));
  const response = await socket.response();
  assert.equal(response.status, 101, response.body);
  return response;
}

/// Sends an upgrade and returns the socket and the 101.
export async function upgrade(port, options = {}) {
  const socket = await RawSocket.connect(port, options.host, options.from, options.secure);
  return { socket, response: await upgradeOn(socket, options) };
}

const queryOf = (node) => [kUpgradeQuery, nodeQuery(node)].filter(Boolean).join('&');
const rawNode = (id) => ({ id, version: '1', runtime: 'raw' });

async function readOpenPacket(socket) {
  socket.openPacket = await socket.packet();
  assert.match(socket.openPacket, /^0\{/);
  return socket;
}

/// A transport whose open packet was read. `id` (and what else the query shall carry) is optional.
export async function openTransport(port, node = {}, options = {}) {
  const { socket } = await upgrade(port, { query: queryOf(node), ...options });
  return readOpenPacket(socket);
}

/// A node that is connected and has its configuration.
export async function joinRaw(port, id, options) {
  const socket = await openTransport(port, rawNode(id), options);
  socket.id = id;
  await connectRaw(socket);
  return socket;
}

/// A new connection becomes such a node.
export async function joinOn(socket, id) {
  await upgradeOn(socket, { query: queryOf(rawNode(id)) });
  await readOpenPacket(socket);
  socket.id = id;
  await connectRaw(socket);
  return socket;
}

/// Sends the CONNECT on an open transport and reads its two answers.
export async function connectRaw(socket) {
  socket.sendText('40');
  assert.match(await socket.packet(), /^40\{"sid":"[A-Za-z0-9_-]{20}"\}$/);
  const authenticated = await socket.packet();
  assert.match(authenticated, /^42\["AUTHENTICATED",".*"\]$/s);
  socket.configuration = JSON.parse(JSON.parse(authenticated.slice(2))[1]);
}
