/// The proxies of docs/proxies.md and of the extended demo, in front of two brokers, with the configurations that their readers copy.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import tls from 'node:tls';
import { makeAuthority } from './authority.mjs';
import { accepts, cleanEnvironment, freePort, repository, temporaryDirectory } from './broker.mjs';
import { nodeQuery } from './node.mjs';
import { kUpgradeQuery, RawSocket, upgradeRequest } from './raw.mjs';
import { eventually, scaled, within } from './time.mjs';
import { watch } from './watchdog.mjs';

const kText = fs.readFileSync(path.join(repository, 'docs/proxies.md'), 'utf8');

/// The only block of this language.
function snippet(language) {
  const found = [...kText.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))];
  assert.equal(found.length, 1, `one ${language} block in docs/proxies.md`);
  return found[0][1];
}

/// Replaces texts that have to be there.
function replaceAll(text, replacements) {
  for (const [from, to] of Object.entries(replacements)) {
    assert.ok(text.includes(from), `the configuration has ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

/// What brokers are to be started with for all of these proxies.
export const kBrokerEnvironment = Object.fromEntries(
  snippet('sh')
    .trim()
    .split('\n')
    .map((line) => line.split('=')),
);

// Scripts of the tests have it in a folder of their own, and Debian where only root looks.
const kFolders = [
  path.join(repository, 'build/proxies/usr/sbin'),
  path.join(repository, 'build/proxies/usr/bin'),
  ...process.env.PATH.split(':'),
  '/usr/sbin',
];
const find = (program) =>
  kFolders.map((folder) => path.join(folder, program)).find((file) => fs.existsSync(file));

const authority = makeAuthority();

/// Each as its section has it, but for addresses, certificates, and what needs root. `files` are of one proxy: certificate,
/// key, both in one, and the folder that it may write to.
const kKinds = {
  HAProxy: {
    program: 'haproxy',
    args: (config) => ['-db', '-f', config],
    config: ({ port, brokers, both }) =>
      replaceAll(snippet('haproxy').replace(/^ {2}(user|group|chroot) .*\n/gm, ''), {
        'maxconn 50000': 'maxconn 1000',
        'bind :443': `bind 127.0.0.1:${port}`,
        '/etc/haproxy/certs/broker.pem': both,
        ...brokers,
      }),
  },
  nginx: {
    program: 'nginx',
    args: (config, folder) => ['-p', folder, '-c', config, '-e', 'stderr', '-g', 'daemon off;'],
    config: ({ port, brokers, certificate, key, folder }) =>
      replaceAll(snippet('nginx'), {
        'worker_rlimit_nofile 100000': 'worker_rlimit_nofile 1000',
        'worker_connections 50000': 'worker_connections 1000',
        'listen 443': `listen 127.0.0.1:${port}`,
        '/etc/nginx/certs/broker.crt': certificate,
        '/etc/nginx/certs/broker.key': key,
        '/run/nginx.pid': path.join(folder, 'pid'),
        '/var/log/nginx': folder,
        // Where Debian's may write as root only.
        'http {': ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].reduce(
          (text, name) => `${text}\n  ${name}_temp_path ${path.join(folder, name)};`,
          'http {',
        ),
        ...brokers,
      }),
  },
  Caddy: {
    program: 'caddy',
    args: (config) => ['run', '--adapter', 'caddyfile', '--config', config],
    config: ({ port, brokers, certificate, key, folder }) =>
      replaceAll(snippet('caddyfile'), {
        'broker.example.org {': `https://127.0.0.1:${port} {`,
        '/etc/caddy/certs/broker.crt': certificate,
        '/etc/caddy/certs/broker.key': key,
        '/var/log/caddy': folder,
        ...brokers,
      }).replace('{\n', '{\n\tadmin off\n\tauto_https disable_redirects\n\tdefault_bind 127.0.0.1\n\tdefault_sni 127.0.0.1\n'),
  },
};

/// HAProxy that does not decrypt. `brokers` have TLS, and one PLAIN_PORT for its checks.
export const kPassingOn = 'HAProxy that passes TLS on';
const kOthers = {
  [kPassingOn]: {
    ...kKinds.HAProxy,
    config: ({ port, brokers }) =>
      replaceAll(snippet('cfg'), {
        'bind :443': `bind 127.0.0.1:${port}`,
        '10.0.0.11:8443': brokers['10.0.0.11:8080'],
        '10.0.0.12:8443': brokers['10.0.0.12:8080'],
      }),
  },
};

/// The variables of a broker whose certificate those trust who trust the proxies.
export function tlsOfBroker() {
  const { cert, key } = authority.issue('IP:127.0.0.1');
  const [certificate, keyFile] = ['crt', 'key'].map((name) => path.join(temporaryDirectory(), name));
  fs.writeFileSync(certificate, cert);
  fs.writeFileSync(keyFile, key, { mode: 0o600 });
  return { TLS_CERT_FILE: certificate, TLS_KEY_FILE: keyFile };
}

/// The names of all, and why one cannot be run here, or false.
export const kProxies = Object.keys(kKinds);
export const cannotRun = (name) =>
  !find(kKinds[name].program) && `there is no ${kKinds[name].program}: scripts/setup test`;

/// How long a newcomer may wait for a broker that hangs, in ms, as the configuration has it.
export function patienceOf(name) {
  const line = { HAProxy: 'timeout server', nginx: 'proxy_read_timeout', Caddy: 'response_header_timeout' }[name];
  const [, seconds] = new RegExp(`^\\s*${line} (\\d+)s`, 'm').exec(kText);
  return Number(seconds) * 1000;
}

const running = new Set();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/// Listens, and has no room for another connection.
const kFull = `
import socket, sys
listener = socket.create_server(('127.0.0.1', int(sys.argv[1])), backlog=0)
waiting = [socket.socket() for _ in range(4)]
for one in waiting:
    one.setblocking(False)
    one.connect_ex(listener.getsockname())
print('full', flush=True)
sys.stdin.read()
`;

/// A port that nothing comes back from, not even a refusal, as if its machine had lost its power.
export async function vanishedPort(t) {
  const port = await freePort();
  const child = spawn('python3', ['-c', kFull, String(port)], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  await within(scaled(10_000), 'a port is full', once(child.stdout, 'data'));
  return port;
}

/// One that runs.
export class Proxy {
  output = '';
  hasExited = false;
  /// So that npm's client trusts it.
  #agent = new https.Agent({ ca: fs.readFileSync(authority.file) });

  /// In front of the brokers on these two ports. Resolves once it listens; it has not asked any of them by then, but perhaps
  /// by its health checks. `alter` changes the configuration.
  static async start(name, ports, alter = (text) => text) {
    const { program, args, config } = kKinds[name] ?? kOthers[name];
    const proxy = new Proxy();
    proxy.name = name;
    proxy.port = await freePort();
    proxy.folder = temporaryDirectory();
    // nginx' workers are another user's.
    fs.chmodSync(proxy.folder, 0o755);
    const { cert, key } = authority.issue('IP:127.0.0.1');
    const at = (file) => path.join(proxy.folder, file);
    const files = { certificate: at('crt'), key: at('key'), both: at('pem'), folder: proxy.folder };
    fs.writeFileSync(files.certificate, cert);
    fs.writeFileSync(files.key, key);
    fs.writeFileSync(files.both, `${cert}${key}`);
    const [first, second] = ports.map((port) => `127.0.0.1:${port}`);
    const brokers = { '10.0.0.11:8080': first, '10.0.0.12:8080': second };
    fs.writeFileSync(at('config'), alter(config({ port: proxy.port, brokers, ...files })));
    const child = spawn(find(program), args(at('config'), proxy.folder), {
      env: cleanEnvironment({ HOME: proxy.folder }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    proxy.child = child;
    proxy.pid = child.pid;
    watch(proxy);
    running.add(child);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        proxy.output += text;
      });
    }
    proxy.exited = once(child, 'close').then(() => {
      proxy.hasExited = true;
      running.delete(child);
    });
    await eventually(
      `${name} listens`,
      () => proxy.hasExited || accepts(proxy.port),
      scaled(20_000),
    );
    if (proxy.hasExited) throw new Error(`${name} ended:\n${proxy.output}`);
    return proxy;
  }

  /// Options of a node that connects through it.
  get node() {
    return { origin: `https://127.0.0.1:${this.port}`, agent: this.#agent };
  }

  /// The answer to an upgrade for this node, with what it authenticates with. The connection is the caller's; `from`: where
  /// it comes from.
  async tryConnect(id, data = '', { milliseconds = scaled(40_000), from, headers = {} } = {}) {
    const ca = fs.readFileSync(authority.file);
    const socket = tls.connect({ port: this.port, host: '127.0.0.1', localAddress: from, ca });
    const raw = new RawSocket(socket, this.port);
    await within(scaled(10_000), 'a TLS connection', once(socket, 'secureConnect'));
    const query = `${kUpgradeQuery}&${nodeQuery({ id, version: '1', runtime: 'raw', data })}`;
    raw.send(upgradeRequest({ query, headers: { Host: `127.0.0.1:${this.port}`, ...headers } }));
    return { socket: raw, ...(await raw.response({ milliseconds })) };
  }

  /// The status alone; whoever gets a 101 leaves at once.
  async status(id, data) {
    const { socket, status } = await this.tryConnect(id, data);
    socket.destroy();
    return status;
  }

  /// Everything that it has written anywhere, but for its configuration and certificates.
  written() {
    const logs = fs
      .readdirSync(this.folder, { withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.log'))
      .map(({ name }) => fs.readFileSync(path.join(this.folder, name), 'utf8'));
    return [this.output, ...logs].join('\n');
  }

  async stop() {
    // nginx' workers end with their master only if it is told.
    this.child.kill('SIGTERM');
    await within(scaled(10_000), `${this.name} ends`, this.exited).catch(async () => {
      this.child.kill('SIGKILL');
      await this.exited;
    });
  }
}
