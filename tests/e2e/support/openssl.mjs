/// OpenSSL's own client, `openssl s_client`, as a connection: it does what Node.js has no function for.
import { spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import { cleanEnvironment } from './broker.mjs';
import { RawSocket } from './raw.mjs';
import { eventually } from './time.mjs';
import { testAuthority } from './tls.mjs';

const running = new Set();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/// Everything that is sent is read by it at once, so that no piece begins with one of its commands but those that are meant.
export class OpensslSocket extends RawSocket {
  /// What it says of itself.
  said = '';

  static async open(port, args = []) {
    const usual = ['-connect', `127.0.0.1:${port}`, '-CAfile', testAuthority().file, '-verify_return_error', '-brief'];
    const child = spawn('openssl', ['s_client', ...usual, ...args], { env: cleanEnvironment({}) });
    running.add(child);
    child.once('close', () => running.delete(child));
    child.stdin.on('error', () => {});
    const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
    const opened = new OpensslSocket(stream, port);
    opened.child = child;
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (text) => {
      opened.said += text;
    });
    await eventually('openssl s_client connects', () => opened.hasEnded || /CONNECTION ESTABLISHED/.test(opened.said));
    if (opened.hasEnded) throw new Error(`openssl s_client: ${opened.said}`);
    return opened;
  }

  /// One of its commands: K is a KeyUpdate that asks for one in return, k one that does not, R a renegotiation. `echo`: what
  /// it says once it has read it.
  async command(letter, echo) {
    const times = () => this.said.split(echo).length - 1;
    const before = times();
    this.send(`${letter}\n`);
    await eventually(`openssl s_client obeys ${letter}`, () => this.hasEnded || times() > before);
  }

  destroy() {
    this.child.kill('SIGKILL');
    super.destroy();
  }
}
