/// Starts and stops the broker under test. CROLANG_BROKER names the binary (default: the release build);
/// BROKER_COMMAND starts any other broker that speaks the same wire and takes its port from PORT.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from './files.mjs';
import { closeNodes } from './node.mjs';
import { destroySockets } from './raw.mjs';
import { expectNoReport, inspect, leakCheckFailed } from './sanitizer.mjs';
import { eventually, scaled, within } from './time.mjs';
import { clientOptions, speakPlain, speakTls, withTransport } from './tls.mjs';
import { watch } from './watchdog.mjs';

export { temporaryDirectory };

export const repository = fileURLToPath(new URL('../../../', import.meta.url));
export const binary = path.resolve(
  repository,
  process.env.CROLANG_BROKER || 'build/release/crolang-broker',
);
const buildDirectory = path.dirname(binary);
export const plugin = (name) => path.join(buildDirectory, 'plugins', `${name}.so`);
export const testPlugin = (name) => path.join(buildDirectory, 'test-plugins', `${name}.so`);

/// True when another broker than ours is driven, to check the tests themselves.
export const isPeer = Boolean(process.env.BROKER_COMMAND);

/// Options of a test that only our broker can pass.
export const oursOnly = (why) => ({ skip: isPeer && why });

const kInherited = [
  'PATH',
  'HOME',
  'LANG',
  'LD_LIBRARY_PATH',
  'ASAN_OPTIONS',
  'LSAN_OPTIONS',
  'TSAN_OPTIONS',
  'UBSAN_OPTIONS',
  'CROLANG_TEST_TIME_FACTOR',
];

const atExit = [];
process.once('exit', () => {
  for (const tidy of atExit) tidy();
});

/// The environment of a started program: nothing of the developer's own settings leaks into a test.
export function cleanEnvironment(env) {
  const inherited = kInherited
    .filter((name) => name in process.env)
    .map((name) => [name, process.env[name]]);
  return { ...Object.fromEntries(inherited), ...env };
}

/// A port that nobody listens on, below the range the kernel takes for outgoing connections.
export async function freePort() {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 20_000);
    const server = net.createServer();
    const free = await new Promise((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

/// Whether somebody listens on this port of 127.0.0.1.
export function accepts(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/// A running process whose output is collected.
class Process {
  constructor(command, args, env, cwd) {
    this.output = '';
    this.child = spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    this.pid = this.child.pid;
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        this.output += text;
      });
    }
    this.exited = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code, signal) => {
        this.hasExited = true;
        inspect(this.pid, this.output);
        resolve({ code, signal });
      });
    });
    this.exited.catch(() => {
      this.hasExited = true;
    });
    atExit.push(() => this.child.kill('SIGKILL'));
    watch(this);
  }

  /// What it has done may be seen before what it writes about that: a log has a thread of its own.
  says(pattern, milliseconds = scaled(5000)) {
    return eventually(`${pattern} is written`, () => pattern.test(this.output), milliseconds);
  }
}

export class Broker extends Process {
  /// Resolves once the port accepts connections. `files`: how many it may have open; `addressSpace`: MiB. Clients speak TLS
  /// to its port if it does, and `url` is that of a plain port beside it, if it has one.
  static async start(env = {}, { port, cwd = temporaryDirectory(), files, addressSpace, withPlainPort = true } = {}) {
    port ??= await freePort();
    let [command, ...args] = isPeer ? process.env.BROKER_COMMAND.split(' ') : [binary];
    const limits = [];
    if (files) limits.push(`ulimit -n ${files}`);
    if (addressSpace) limits.push(`ulimit -v ${addressSpace * 1024}`);
    if (limits.length) {
      args = ['-c', [...limits, 'exec "$0" "$@"'].join('; '), command, ...args];
      command = '/bin/sh';
    }
    const quick = isPeer ? {} : { DRAIN_DURATION_MS: '100' };
    const variables = withTransport({ ...quick, ...env, PORT: String(port) });
    const ports = [port];
    if (variables.TLS_CERT_FILE && withPlainPort) {
      ports.push(Number((variables.PLAIN_PORT ??= String(await freePort()))));
    }
    // A broker of before may have had TLS there.
    for (const each of ports) speakPlain(each);
    if (variables.TLS_CERT_FILE) speakTls(port, clientOptions());
    const broker = new Broker(command, args, cleanEnvironment(variables), cwd);
    Object.assign(broker, { port, plainPort: ports.at(-1) });
    const listens = async () => {
      for (const each of ports) if (!(await accepts(each))) return false;
      return true;
    };
    await Promise.race([
      eventually(`listening on ${ports}`, () => broker.hasExited || listens(), scaled(20_000)),
      broker.exited,
    ]);
    if (broker.hasExited) throw new Error(`the broker ended before it listened:\n${broker.output}`);
    return broker;
  }

  get url() {
    return `http://127.0.0.1:${this.plainPort}`;
  }

  /// Resident memory in MiB.
  memory() {
    const status = fs.readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)[1]) / 1024;
  }

  /// How many files it has open.
  files() {
    return fs.readdirSync(`/proc/${this.pid}/fd`).length;
  }

  /// Seconds of processor time that it has used.
  processorTime() {
    const status = fs.readFileSync(`/proc/${this.pid}/stat`, 'latin1');
    const [user, system] = status.slice(status.lastIndexOf(')') + 2).split(' ').slice(11, 13);
    return (Number(user) + Number(system)) / 100;
  }

  /// Ends the clients of this process that use it, then the broker, which must go in order.
  async stop() {
    for (const port of [this.port, this.plainPort]) {
      closeNodes(port);
      destroySockets(port);
    }
    if (this.hasExited) {
      const ended = await this.exited;
      assert.fail(`the broker ended by itself (${ended.code ?? ended.signal}):\n${this.output}`);
    }
    this.child.kill('SIGTERM');
    const { code, signal } = await within(
      scaled(20_000),
      'the broker ends after SIGTERM',
      this.exited,
    );
    if (!isPeer && !leakCheckFailed(this.output)) assert.equal(code, 0, `ended by ${signal}:\n${this.output}`);
    expectNoReport();
  }

  /// Ends it as a crash would.
  async kill() {
    this.child.kill('SIGKILL');
    await this.exited;
  }
}

/// Runs our binary (or what starts it) to its end and returns its code and output.
export async function runBroker(
  args,
  env = {},
  { cwd = temporaryDirectory(), command = binary } = {},
) {
  const run = new Process(command, args, cleanEnvironment(env), cwd);
  try {
    const { code } = await within(
      scaled(20_000),
      `crolang-broker ${args.join(' ')} ends`,
      run.exited,
    );
    expectNoReport();
    return { code, output: run.output };
  } finally {
    run.child.kill('SIGKILL');
  }
}

/// GETs a path as a plain client would and returns status, headers and parsed JSON.
export async function getJson(broker, route) {
  const response = await fetch(broker.url + route);
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    json: text ? JSON.parse(text) : null,
  };
}
