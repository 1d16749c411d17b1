/// Debian's HAProxy with the configuration of the extended demo, in front of two brokers that one test starts and ends.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { cleanEnvironment, freePort, repository } from './broker.mjs';
import { eventually, scaled } from './time.mjs';

const running = new Set();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class Haproxy {
  output = '';

  /// Ports of brokers, of which the first has to run. Resolves once a request gets to it.
  static async start(ports) {
    const haproxy = new Haproxy();
    haproxy.port = await freePort();
    const config = path.join(repository, 'examples/extended/haproxy.cfg');
    const { PATH, ...environment } = cleanEnvironment({
      HAPROXY_BIND: `127.0.0.1:${haproxy.port}`,
      BROKER_1: `127.0.0.1:${ports[0]}`,
      BROKER_2: `127.0.0.1:${ports[1]}`,
    });
    // Debian has it where only root looks.
    const env = { ...environment, PATH: `${PATH}:/usr/sbin` };
    haproxy.child = spawn('haproxy', ['-db', '-f', config], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(haproxy.child);
    for (const stream of [haproxy.child.stdout, haproxy.child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        haproxy.output = (haproxy.output + text).slice(-20_000);
      });
    }
    haproxy.exited = new Promise((resolve, reject) => {
      haproxy.child.once('error', reject);
      haproxy.child.once('close', resolve);
    });
    await Promise.race([
      haproxy.sendsTo(1),
      haproxy.exited.then(() => Promise.reject(new Error(`haproxy ended:\n${haproxy.output}`))),
    ]);
    return haproxy;
  }

  /// Resolves once newcomers get to this broker, 1 or 2: the one that has fewer nodes, of those that are known to be ready.
  sendsTo(number) {
    return eventually(
      `newcomers get to broker ${number}`,
      async () => {
        const headers = { connection: 'close' };
        const response = await fetch(`http://127.0.0.1:${this.port}/socket.io/`, { headers }).catch(() => null);
        await response?.text();
        return response?.headers.get('x-broker') === `broker-${number}`;
      },
      scaled(20_000),
    );
  }

  async stop() {
    this.child.kill('SIGKILL');
    await this.exited;
    running.delete(this.child);
  }
}
