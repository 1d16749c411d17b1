/// Debian's TURN server, on loopback and on a port of its own; the system's service is not touched.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { cleanEnvironment, freePort, temporaryDirectory } from './broker.mjs';
import { eventually, scaled, within } from './time.mjs';

const running = new Set();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/// Collects what a program says, and how it ends.
function start(command, args, env = {}) {
  const child = spawn(command, args, {
    env: cleanEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const program = { child, output: '', hasEnded: false };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text) => {
      program.output += text;
    });
  }
  program.exited = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      running.delete(child);
      program.hasEnded = true;
      resolve(code);
    });
  });
  return program;
}

export class Coturn {
  #server;

  /// Takes credentials that were made with this secret, or as `authentication` says. Resolves once it answers over UDP and TCP.
  /// `publicAddress`: what it takes its relays to be reached at, as behind a NAT; `address`, `relay`: where it listens and relays;
  /// `tls`: files of writePair, for TLS on the same port; `args`: more of them, `env`: variables; `inside`: a command that runs it.
  static async start(
    secret,
    {
      publicAddress,
      address = '127.0.0.1',
      relay = address,
      tls,
      authentication = ['--use-auth-secret', `--static-auth-secret=${secret}`],
      args = ['--allow-loopback-peers'],
      env = {},
      inside = [],
    } = {},
  ) {
    const coturn = new Coturn();
    const directory = temporaryDirectory();
    coturn.address = address;
    coturn.port = await freePort();
    const [command, ...before] = [...inside, 'turnserver'];
    coturn.#server = start(
      command,
      [
        ...before,
        '-n',
        ...['--listening-ip', address, '--relay-ip', relay, '--listening-port', String(coturn.port)],
        ...authentication,
        ...['--realm', 'crolang.test'],
        ...(publicAddress ? [`--external-ip=${publicAddress}/${relay}`] : []),
        ...(tls
          ? ['--cert', tls.certFile, '--pkey', tls.keyFile, '--tls-listening-port', String(await freePort())]
          : ['--no-tls']),
        ...['--no-dtls', '--no-cli', '--verbose'],
        ...args,
        ...['--pidfile', path.join(directory, 'pid'), '--userdb', path.join(directory, 'users')],
        ...['--log-file', 'stdout', '--simple-log'],
      ],
      env,
    );
    // It answers over TCP by then, too.
    await eventually(
      'turnserver listens',
      () => coturn.#server.hasEnded || coturn.output.includes('UDP listener opened'),
      scaled(20_000),
    );
    if (coturn.#server.hasEnded) throw new Error(`turnserver ended:\n${coturn.output}`);
    return coturn;
  }

  get output() {
    return this.#server.output;
  }

  /// Of TURN by `udp`, `tcp` or `tls`.
  url(transport = 'udp') {
    const host = this.address.includes(':') ? `[${this.address}]` : this.address;
    if (transport === 'tls') return `turns:${host}:${this.port}?transport=tcp`;
    return `turn:${host}:${this.port}?transport=${transport}`;
  }

  /// Asks for two relays and sends packets through them, as turnutils_uclient does it. `relayed`: they
  /// arrived.
  async allocate({ username, password }) {
    const client = start('turnutils_uclient', [
      ...['-y', '-c', '-n', '1', '-m', '1'],
      ...['-u', username, '-w', password, '-p', String(this.port), '127.0.0.1'],
    ]);
    // It waits for packets that are lost, and would keep this process alive.
    const code = await within(scaled(30_000), 'turnutils_uclient ends', client.exited).finally(() =>
      client.child.kill('SIGKILL'),
    );
    const relayed = code === 0 && client.output.includes('Total lost packets 0 ');
    return { relayed, output: client.output };
  }

  async stop() {
    this.#server.child.kill('SIGKILL');
    await this.#server.exited;
  }
}
