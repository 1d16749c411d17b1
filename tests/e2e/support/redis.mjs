/// Debian's redis-server on a port of its own, a client for it, and a wire to it that can be cut.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { freePort, temporaryDirectory } from './broker.mjs';
import { resetSocket } from './raw.mjs';
import { eventually } from './time.mjs';

/// Stops a process in mid-air; resolves once it stands still.
export async function freeze(pid) {
  process.kill(pid, 'SIGSTOP');
  await eventually(`process ${pid} is stopped`, () =>
    / T /.test(fs.readFileSync(`/proc/${pid}/stat`, 'latin1')),
  );
}

export const thaw = (pid) => process.kill(pid, 'SIGCONT');

/// One reply at `at` (RESP, version 2) and where the next one begins; undefined while it is incomplete.
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

export class RedisClient {
  #unread = Buffer.alloc(0);
  #waiting = [];
  hasEnded = false;

  /// `where` is what net.connect takes: a port, or the path of a socket.
  static async connect(where) {
    // Without a host it would be localhost, of which some versions of Node.js try the first address only.
    const to = typeof where === 'string' ? { path: where } : { port: where, host: '127.0.0.1' };
    const client = new RedisClient(net.connect(to));
    await new Promise((resolve, reject) => {
      client.socket.once('connect', resolve);
      client.socket.once('error', reject);
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
      this.#waiting.push({ resolve, reject });
    });
    this.socket.write(Buffer.concat(parts));
    return reply;
  }

  close() {
    this.socket.destroy();
  }
}

const servers = new Set();
process.once('exit', () => {
  for (const server of servers) server.child?.kill('SIGKILL');
});

export class RedisServer {
  #admin = null;
  output = '';

  /// `args` are options of redis-server. Nothing outlives the process unless told to `keepData`.
  static async start({ args = [], keepData = false, port } = {}) {
    const server = new RedisServer();
    server.port = port ?? (await freePort());
    server.directory = temporaryDirectory();
    server.args = [
      ...['--port', server.port, '--bind', '127.0.0.1', '--dir', server.directory, '--save', ''],
      ...(keepData ? ['--appendonly', 'yes', '--appendfsync', 'always'] : []),
      ...args,
    ].map(String);
    servers.add(server);
    await server.run();
    return server;
  }

  get url() {
    return `redis://127.0.0.1:${this.port}`;
  }

  /// Starts the process; resolves once it answers.
  async run() {
    const child = spawn('redis-server', this.args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    this.exited = new Promise((resolve) => {
      child.once('exit', resolve);
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        this.output += text;
      });
    }
    await eventually(`Redis answers on ${this.port}`, async () => {
      assert.equal(child.exitCode, null, this.output);
      try {
        return (await this.command('PING')) === 'PONG';
      } catch (error) {
        // It answers, but asks for a password or is still loading.
        return error.message.startsWith('NOAUTH');
      }
    });
  }

  /// Runs one command over a connection of our own.
  async command(...args) {
    if (!this.#admin || this.#admin.hasEnded) this.#admin = await RedisClient.connect(this.port);
    return this.#admin.command(...args);
  }

  async monitor() {
    const client = await RedisClient.connect(this.port);
    const lines = [];
    client.onPush = (line) => lines.push(line);
    await client.command('MONITOR');
    return { lines, stop: () => client.close() };
  }

  freeze() {
    return freeze(this.child.pid);
  }
  thaw() {
    thaw(this.child.pid);
  }

  /// Ends it as a crash would.
  async crash() {
    this.child.kill('SIGKILL');
    await this.exited;
    this.#admin?.close();
  }

  /// Removes what a crashed server would find again.
  forget() {
    fs.rmSync(path.join(this.directory, 'appendonlydir'), { recursive: true, force: true });
  }

  async stop() {
    servers.delete(this);
    await this.crash();
  }
}

/// A TCP way to a port of this machine that can be disturbed.
export class Wire {
  #links = new Set();
  #state = 'open';

  static async to(port) {
    const wire = new Wire();
    wire.server = net.createServer({ allowHalfOpen: true }, (near) => wire.#link(near, port));
    await new Promise((resolve) => {
      wire.server.listen(0, '127.0.0.1', resolve);
    });
    wire.server.unref();
    wire.port = wire.server.address().port;
    return wire;
  }

  get url() {
    return `redis://127.0.0.1:${this.port}`;
  }

  #link(near, port) {
    const far = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const link = { ends: [near, far], swallows: this.#state === 'swallowing' };
    this.#links.add(link);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      from.setNoDelay(true);
      from.unref();
      from.on('data', (bytes) => {
        if (!link.swallows && to.writable) to.write(bytes);
      });
      from.on('end', () => {
        if (!link.swallows) to.end();
      });
      from.on('error', () => {});
      from.on('close', (hadError) => {
        if (hadError && !link.swallows) to.destroy();
        if (to.closed) this.#links.delete(link);
      });
      if (this.#state === 'held') from.pause();
    }
  }

  /// Nothing passes, and nothing is lost: a network that is away for a while.
  hold() {
    this.#state = 'held';
    for (const { ends } of this.#links) for (const end of ends) end.pause();
  }

  /// Half-open: the connections there are, and those that come, stay up but are dead for ever.
  swallow() {
    this.#state = 'swallowing';
    for (const link of this.#links) link.swallows = true;
  }

  /// What was held flows; connections that come from now on work.
  open() {
    this.#state = 'open';
    for (const { ends } of this.#links) for (const end of ends) end.resume();
  }

  /// Both sides of every connection get a TCP reset.
  reset() {
    for (const { ends } of this.#links) for (const end of ends) resetSocket(end);
    this.#links.clear();
  }

  close() {
    this.server.close();
    for (const { ends } of this.#links) for (const end of ends) end.destroy();
  }
}
