/// A TURN server of pion/turn, built by stacks/prepare pion.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { cleanEnvironment, repository } from './broker.mjs';
import { scaled, within } from './time.mjs';

const kProgram = path.join(repository, 'build/stacks/pion/turn-server');

/// Options of a test that needs it.
export const withPion = { skip: !fs.existsSync(kProgram) && 'there is no pion/turn: tests/e2e/stacks/prepare pion' };

const running = new Set();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class PionTurn {
  /// `tls`: files of writePair; `args`: see stacks/pion/turn-server.
  static async start(secret, tls, args = []) {
    const server = new PionTurn();
    const files = ['-cert', tls.certFile, '-key', tls.keyFile];
    server.child = spawn(kProgram, ['-secret', secret, ...files, ...args], {
      env: cleanEnvironment({}),
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    running.add(server.child);
    server.exited = new Promise((resolve, reject) => {
      server.child.once('error', reject);
      server.child.once('close', (code) => {
        running.delete(server.child);
        resolve(code);
      });
    });
    const ready = new Promise((resolve) => {
      createInterface({ input: server.child.stdout }).once('line', (line) => resolve(JSON.parse(line)));
    });
    const early = server.exited.then((code) => {
      throw new Error(`pion/turn ended with ${code}`);
    });
    early.catch(() => {});
    server.ports = await within(scaled(20_000), 'pion/turn listens', Promise.race([ready, early]));
    return server;
  }

  /// Of TURN by `udp`, `tcp` or `tls`.
  url(transport = 'udp') {
    const address = `127.0.0.1:${this.ports[transport]}`;
    return transport === 'tls' ? `turns:${address}` : `turn:${address}?transport=${transport}`;
  }

  async stop() {
    this.child.stdin.end();
    await this.exited;
  }
}
