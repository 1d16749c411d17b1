/// Debian's redis-server on a port of its own: one process, which a test starts, disturbs and ends.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { freePort, temporaryDirectory } from './broker.mjs';
import { freeze, thaw } from './freeze.mjs';
import { RedisClient } from './redis-client.mjs';
import { eventually } from './time.mjs';
import { localPair, testAuthority } from './tls.mjs';
import { watch } from './watchdog.mjs';

const servers = new Set();
process.once('exit', () => {
  for (const server of servers) server.child?.kill('SIGKILL');
});

/// How its log dates what it says: `4711:M 30 Nov 2026 15:52:31.123 * Ready to accept connections`.
const kLine = /^\d+:\w (\d+ \w+ \d+ \d+:\d+:\d+\.\d+) [.\-*#] (.*)$/gm;

export class RedisServer {
  #admin = null;
  output = '';
  isFrozen = false;

  /// `args` are options of redis-server. Nothing outlives the process unless told to `keepData`. `tls`: it speaks that, and
  /// nothing else, with a certificate of the authority of all tests. `port`: where; a free one by default.
  static async start({ args = [], keepData = false, port, tls = false } = {}) {
    const server = await RedisServer.prepared({ port, tls });
    server.args = [
      ...['--bind', '127.0.0.1', '--dir', server.directory, '--save', ''],
      ...(tls ? server.#tlsOptions() : ['--port', server.port]),
      ...(keepData ? ['--appendonly', 'yes', '--appendfsync', 'always'] : []),
      ...args,
    ].map(String);
    await server.run();
    return server;
  }

  /// One that has a port and a directory, and whose `args` are left to the caller.
  static async prepared({ port, tls = false } = {}) {
    const server = new RedisServer();
    server.tls = tls;
    server.port = port ?? (await freePort());
    server.directory = temporaryDirectory();
    servers.add(server);
    watch(server);
    return server;
  }

  #tlsOptions() {
    const { certFile, keyFile } = localPair();
    return [
      ...['--port', 0, '--tls-port', this.port, '--tls-auth-clients', 'no'],
      ...['--tls-cert-file', certFile, '--tls-key-file', keyFile, '--tls-ca-cert-file', testAuthority().file],
    ];
  }

  get url() {
    return `${this.tls ? 'rediss' : 'redis'}://127.0.0.1:${this.port}`;
  }

  /// What RedisClient.connect takes.
  get where() {
    return this.tls ? { port: this.port, ca: testAuthority().certificate } : this.port;
  }

  get pid() {
    return this.child.pid;
  }
  get hasExited() {
    return !this.child || this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /// Starts the process; resolves once it answers. `more`: further options, for this time.
  async run(...more) {
    const args = [...this.args, ...more.map(String)];
    const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'pipe'] });
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

  connect() {
    return RedisClient.connect(this.where);
  }

  /// Runs one command over a connection of our own.
  async command(...args) {
    if (!this.#admin || this.#admin.hasEnded) this.#admin = await this.connect();
    return this.#admin.command(...args);
  }

  /// Fields of a section of INFO.
  async info(section) {
    const text = await this.command('INFO', section);
    return Object.fromEntries([...text.matchAll(/^(\w+):(.*?)\r?$/gm)].map(([, name, value]) => [name, value]));
  }

  async monitor() {
    const client = await this.connect();
    const lines = [];
    client.onPush = (line) => lines.push(line);
    await client.command('MONITOR');
    return { lines, stop: () => client.close() };
  }

  /// What its log says that matches, with the time (ms since the epoch) at which it happened; from `since` on.
  logged(pattern, since = 0) {
    return [...this.output.matchAll(kLine)]
      .filter(([, , text]) => pattern.test(text))
      .map(([, date, text]) => ({ at: Date.parse(date), text }))
      .filter(({ at }) => at >= since);
  }

  async freeze() {
    this.isFrozen = true;
    await freeze(this.pid);
  }
  thaw() {
    thaw(this.pid);
    this.isFrozen = false;
  }

  /// Ends it as a crash would.
  async crash() {
    this.child?.kill('SIGKILL');
    await this.exited;
    this.isFrozen = false;
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
