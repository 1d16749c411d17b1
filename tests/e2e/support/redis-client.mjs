/// A client of Redis, of Sentinel and of a node of a cluster (RESP, version 2).
import net from 'node:net';
import tls from 'node:tls';

/// One reply at `at` and where the next one begins; undefined while it is incomplete.
function readReply(bytes, at, encoding) {
  const end = bytes.indexOf('\r\n', at);
  if (end < 0) return undefined;
  const line = bytes.toString('utf8', at + 1, end);
  const next = end + 2;
  switch (String.fromCharCode(bytes[at])) {
    case '+':
      return [line, next];
    case '-':
      return [new Error(line), next];
    case ':':
      return [Number(line), next];
    case '$': {
      const size = Number(line);
      if (size < 0) return [null, next];
      if (bytes.length < next + size + 2) return undefined;
      return [bytes.toString(encoding, next, next + size), next + size + 2];
    }
    case '*': {
      if (Number(line) < 0) return [null, next];
      const items = [];
      let from = next;
      for (let left = Number(line); left > 0; --left) {
        const item = readReply(bytes, from, encoding);
        if (!item) return undefined;
        items.push(item[0]);
        from = item[1];
      }
      return [items, from];
    }
    default:
      throw new Error(`not a reply of Redis: ${line}`);
  }
}

// Without a host it would be localhost, of which some versions of Node.js try the first address only.
const kHost = '127.0.0.1';

function socketTo(where) {
  if (typeof where === 'string') return [net.connect({ path: where }), 'connect'];
  if (typeof where === 'number') return [net.connect({ port: where, host: kHost }), 'connect'];
  return [tls.connect({ host: kHost, ...where }), 'secureConnect'];
}

export class RedisClient {
  #unread = Buffer.alloc(0);
  #waiting = [];
  hasEnded = false;

  /// `where`: a port, the path of a socket, or for TLS the options of tls.connect.
  static async connect(where) {
    const [socket, connected] = socketTo(where);
    const client = new RedisClient(socket);
    await new Promise((resolve, reject) => {
      socket.once(connected, resolve);
      socket.once('error', reject);
    });
    return client;
  }

  constructor(socket) {
    this.socket = socket;
    /// Gets the replies that no command of ours has asked for.
    this.onPush = () => {};
    /// 'latin1' leaves replies as the bytes they are.
    this.encoding = 'utf8';
    socket.setNoDelay(true);
    socket.on('data', (bytes) => this.#read(bytes));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.hasEnded = true;
      for (const { reject } of this.#waiting.splice(0)) reject(new Error('Redis hung up'));
    });
  }

  #read(bytes) {
    const all = this.#unread.length ? Buffer.concat([this.#unread, bytes]) : bytes;
    let at = 0;
    for (let reply; (reply = readReply(all, at, this.encoding)); at = reply[1]) {
      const waiting = this.#waiting.shift();
      if (!waiting) this.onPush(reply[0]);
      else if (reply[0] instanceof Error) waiting.reject(reply[0]);
      else waiting.resolve(reply[0]);
    }
    this.#unread = all.subarray(at);
  }

  /// Arguments are strings, numbers or Buffers.
  async command(...args) {
    const parts = [Buffer.from(`*${args.length}\r\n`)];
    for (const arg of args) {
      const bytes = Buffer.isBuffer(arg) ? arg : Buffer.from(String(arg));
      parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
    }
    const reply = new Promise((resolve, reject) => {
      if (this.hasEnded) reject(new Error('Redis hung up'));
      else this.#waiting.push({ resolve, reject });
    });
    this.socket.write(Buffer.concat(parts));
    return reply;
  }

  close() {
    this.socket.destroy();
  }
}
