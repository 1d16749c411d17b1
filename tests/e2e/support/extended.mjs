/// Runs examples/extended/run-local on ports of its own, and is its operator.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { binary, cleanEnvironment, freePort, repository } from './broker.mjs';
import { closeNodes } from './node.mjs';
import { eventually, scaled, within } from './time.mjs';

export const directory = path.join(repository, 'examples/extended');
export const secretOf = (name) =>
  fs.readFileSync(path.join(directory, 'demo-secrets', name), 'utf8').trim();

const kPorts = [
  ...['HAPROXY', 'BROKER_1', 'BROKER_2', 'REDIS', 'WEBHOOKS', 'TURN', 'TURN_TLS'],
  ...['SENTINEL_1', 'SENTINEL_2', 'SENTINEL_3', 'REDIS_2', 'REDIS_3', 'REDIS_4', 'REDIS_5', 'REDIS_6'],
  ...[1, 2, 3, 4, 5, 6].map((number) => `REDIS_BUS_${number}`),
];

const running = new Set();
process.once('exit', () => {
  for (const child of running) child.kill('SIGTERM');
});

/// The query of a node as the webhook server wants it.
export const withToken = (token = secretOf('demo-token')) => ({
  query: { data: JSON.stringify({ token }) },
});

/// A token as native.env wants it. `secret`, `algorithm` and `claims` make others.
export function jwt(
  id,
  { secret = secretOf('jwt-secret'), algorithm = 'HS256', claims = {} } = {},
) {
  const encode = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const expiry = Math.floor(Date.now() / 1000) + 600;
  const signed = `${encode({ alg: algorithm })}.${encode({ sub: id, exp: expiry, ...claims })}`;
  const signature = createHmac('sha256', secret).update(signed).digest('base64url');
  return `${signed}.${algorithm === 'none' ? '' : signature}`;
}

async function distinctPorts() {
  const ports = new Set();
  while (ports.size < kPorts.length) ports.add(await freePort());
  return Object.fromEntries(kPorts.map((name, i) => [`${name}_PORT`, String([...ports][i])]));
}

export class ExtendedDemo {
  output = '';
  hasExited = false;

  /// Starts it without waiting for anything: for tests that expect it to end by itself.
  static async launch(args = [], env = {}) {
    const demo = new ExtendedDemo();
    demo.ports = await distinctPorts();
    demo.child = spawn(path.join(directory, 'run-local'), args, {
      env: cleanEnvironment({ CROLANG_BROKER: binary, ...demo.ports, ...env }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(demo.child);
    for (const stream of [demo.child.stdout, demo.child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        demo.output += text;
      });
    }
    demo.exited = new Promise((resolve, reject) => {
      demo.child.once('error', reject);
      demo.child.once('close', (code) => {
        running.delete(demo.child);
        demo.hasExited = true;
        resolve(code);
      });
    });
    return demo;
  }

  /// Resolves once all services are ready.
  static async start(args, env) {
    const demo = await ExtendedDemo.launch(args, env);
    await eventually(
      'the demo is ready',
      () => demo.hasExited || /^run-local \| all of it is ready/m.test(demo.output),
      // Longer than run-local gives any of its services.
      scaled(60_000),
    );
    if (demo.hasExited) throw new Error(`the demo ended before it was ready:\n${demo.output}`);
    demo.state = /kill \$\(cat (.*)\/broker-1\.pid\)/.exec(demo.output)[1];
    return demo;
  }

  /// Where nodes connect.
  get port() {
    return Number(this.ports.HAPROXY_PORT);
  }

  get brokerPorts() {
    return [Number(this.ports.BROKER_1_PORT), Number(this.ports.BROKER_2_PORT)];
  }

  /// How many nodes each broker has.
  async nodes() {
    return Promise.all(
      this.brokerPorts.map(async (port) => {
        // A connection that is kept may have been ended by the time of the next question.
        const headers = { connection: 'close' };
        const response = await fetch(`http://127.0.0.1:${port}/healthz`, { headers });
        return (await response.json()).nodes;
      }),
    );
  }

  pid(service) {
    return Number(fs.readFileSync(path.join(this.state, `${service}.pid`), 'utf8'));
  }

  /// The services' processes, by name.
  get pids() {
    const files = fs.readdirSync(this.state).filter((name) => /^[a-z]+(-\d)?\.pid$/.test(name));
    const services = files.map((name) => name.slice(0, -'.pid'.length));
    return Object.fromEntries(
      services.filter((name) => name !== 'turnserver').map((name) => [name, this.pid(name)]),
    );
  }

  async bans(method, id) {
    const url = `http://127.0.0.1:${this.ports.WEBHOOKS_PORT}/bans/${encodeURIComponent(id)}`;
    const headers = { authorization: `Bearer ${secretOf('admin-token')}`, connection: 'close' };
    const { status } = await fetch(url, { method, headers });
    assert.equal(status, 204);
  }

  /// Disconnects the nodes of this process and waits until no broker has any.
  async empty() {
    closeNodes(this.port);
    await eventually('no node is left', async () => {
      const [first, second] = await this.nodes();
      return first + second === 0;
    });
  }

  async stop() {
    closeNodes(this.port);
    this.child.kill('SIGTERM');
    return within(scaled(30_000), 'the demo ends after SIGTERM', this.exited);
  }
}
