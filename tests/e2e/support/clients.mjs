/// Real Socket.IO clients of several languages, each a program of ../clients that was built by ../clients/prepare. They
/// take orders and report what happened to them; `kClients` says what is expected of each, and stands in docs/wire.md.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import path from 'node:path';
import readline from 'node:readline';
import { cleanEnvironment, repository } from './broker.mjs';
import { launchBrowser, needsBrowser } from './browser.mjs';
import { kUpgradeQuery, Opcode, RawSocket, upgradeRequest } from './raw.mjs';
import { nodeQuery } from './node.mjs';
import { temporaryDirectory } from './files.mjs';
import { scaled, within } from './time.mjs';
import { nodeOptions } from './tls.mjs';

const kFolder = path.join(repository, 'tests/e2e/clients');
const kBuilt = path.join(repository, 'build/clients');

const kForever = 86_400_000;
/// How many nodes of each client there are in tests of many.
export const kNodes = Number(process.env.CROLANG_TEST_CLIENT_NODES) || 2;
/// How long a client that does not reconnect is watched.
export const kWatch = Number(process.env.CROLANG_TEST_WATCH_MS) || scaled(4000);
/// How long a connect that hangs takes longer: its timeout, and the pause before the next one.
const kHang = 5;
/// What a loaded machine may add to what a client takes.
const kSlack = scaled(2500);
/// By how much a report may be late, which makes what follows look early.
const kLateness = 300;

/// It comes back by itself, between so many seconds afterwards.
const after = (from, to) => ({ from, to });
const kAway = null;

/// What a client does when its TCP connection ends without a close frame (`end`), when the broker answers its first try with
/// 503 (`unavailable`), when it is refused by CONNECT_ERROR (`refused`: from the end of the connection on, if it keeps that
/// open) and after the broker's 41 (`disconnected`). A range is that of the next try. `awake`: how long a client that was
/// asleep takes, if longer. `hangs`: one connect in a hundred does, against any server, until its timeout has passed.
export const kClients = {
  'npm 4.8': {
    client: 'npm `socket.io-client` 4.8.4',
    command: () => [process.execPath, path.join(kFolder, 'npm/client.mjs'), 'socket.io-client'],
    end: after(0.5, 1.5),
    unavailable: after(0.5, 1.5),
    refused: kAway,
    disconnected: kAway,
  },
  'npm 3.1': {
    client: 'npm `socket.io-client` 3.1.3',
    command: () => [process.execPath, path.join(kFolder, 'npm/client.mjs'), 'socket.io-client-3'],
    end: after(0.5, 1.5),
    unavailable: after(0.5, 1.5),
    refused: after(0.5, 1.5),
    disconnected: kAway,
  },
  Chromium: {
    client: 'npm `socket.io-client` 4.8.4 in Chromium',
    isBrowser: true,
    end: after(0.5, 1.5),
    unavailable: after(0.5, 1.5),
    refused: kAway,
    disconnected: kAway,
  },
  Python: {
    client: '`python-socketio` 5.18.1, blocking',
    tool: 'python3',
    command: () => [path.join(kBuilt, 'python/bin/python'), path.join(kFolder, 'python/client.py'), 'blocking'],
    end: after(0.5, 1.5),
    awake: after(0, 7),
    unavailable: after(0.5, 1.5),
    unavailableNote: 'with `retry=True`; else `connect` raises',
    refused: kAway,
    disconnected: kAway,
  },
  'Python asyncio': {
    client: '`python-socketio` 5.18.1, asyncio',
    tool: 'python3',
    command: () => [path.join(kBuilt, 'python/bin/python'), path.join(kFolder, 'python/client.py'), 'asyncio'],
    end: after(0.5, 1.5),
    unavailable: after(0.5, 1.5),
    unavailableNote: 'with `retry=True`; else `connect` raises',
    refused: kAway,
    disconnected: kAway,
  },
  Java: {
    client: 'Java `io.socket:socket.io-client` 2.1.2',
    tool: 'mvn',
    command: () => ['java', '-cp', `${kBuilt}/java:${kBuilt}/java/lib/*`, 'Client'],
    end: after(0.5, 1.5),
    unavailable: after(0.5, 1.5),
    refused: kAway,
    disconnected: kAway,
  },
  Rust: {
    client: 'Rust `rust_socketio` 0.6.0, blocking',
    tool: 'cargo',
    command: () => [path.join(kBuilt, 'rust-client'), 'blocking'],
    end: after(0.5, 1.5),
    endNote: 'at once from a quarter of an hour after `connect` on',
    unavailable: kAway,
    unavailableNote: '`connect` returns an error',
    refused: after(0.5, 1.5),
    disconnected: after(0.5, 1.5),
  },
  'Rust async': {
    client: 'Rust `rust_socketio` 0.6.0, async',
    tool: 'cargo',
    command: () => [path.join(kBuilt, 'rust-client'), 'async'],
    end: after(0, 0.5),
    unavailable: kAway,
    unavailableNote: '`connect` returns an error',
    refused: after(0, 0.5),
    disconnected: kAway,
  },
  Go: {
    client: 'Go `github.com/zishang520/socket.io/clients/socket/v3` 3.0.6',
    tool: 'go',
    command: () => [path.join(kBuilt, 'go-client')],
    end: after(0.5, 1.5),
    unavailable: after(2.5, 3.5),
    unavailableNote: 'with `SetTimeout(2 * time.Second)`; else 20.5 to 21.5 s',
    refused: kAway,
    losesReason: true,
    hangs: true,
    disconnected: kAway,
  },
  'C++': {
    client: 'C++ `socket.io-client-cpp` 3.1.0',
    isModel: true,
    end: after(5, 5),
    unavailable: after(5, 5),
    refused: kAway,
    disconnected: kAway,
  },
};

/// Why a client cannot be run here, or false. What prepare could not build although its tools are here is a failure.
export function isMissing({ tool, isBrowser }) {
  if (isBrowser) return needsBrowser.skip;
  return Boolean(tool) && spawnSync(tool, ['--help']).error !== undefined && `there is no ${tool}`;
}

/// What was seen of a node that no registry has: it is in the table, and is not run.
const kJvmNode = [
  'Kotlin and Java `crolang-p2p-node-jvm` 0.2.2',
  '2 s',
  '2 s, if it was connected before; else `connectToBroker` fails',
  'does not reconnect',
  '2 s',
];

function show(range, note) {
  let shown = 'does not reconnect';
  if (range) shown = range.from === range.to ? `${range.to} s` : `${range.from} to ${range.to} s`;
  if (range?.from === 0) shown = 'at once';
  return note ? `${shown}${range ? ', ' : ': '}${note}` : shown;
}

/// The table of docs/wire.md, line by line.
export const clientsTable = () =>
  [
    ['client', 'the end of TCP', '`503`', 'CONNECT_ERROR', '`41`'],
    ['---', '---', '---', '---', '---'],
    ...Object.values(kClients).map((client) => [
      client.client,
      show(client.end, client.endNote),
      show(client.unavailable, client.unavailableNote),
      client.refused ? `reconnects, ${show(client.refused)} after the broker has ended the connection` : show(client.refused),
      show(client.disconnected),
    ]),
    kJvmNode,
  ].map((row) => (row[0] === '---' ? `|${row.join('|')}|` : `| ${row.join(' | ')} |`));

/// What has programs trust an authority, besides those of the system.
function environmentOf(trusted) {
  if (!trusted) return {};
  const store = path.join(temporaryDirectory(), 'store');
  const password = 'changeit';
  const args = ['-importcert', '-noprompt', '-alias', 'test', '-file', trusted.file, '-keystore', store, '-storepass', password];
  if (spawnSync('keytool', ['-help']).error === undefined) execFileSync('keytool', args, { stdio: 'pipe' });
  return {
    NODE_EXTRA_CA_CERTS: trusted.file,
    SSL_CERT_FILE: trusted.file,
    JAVA_TOOL_OPTIONS: `-Djavax.net.ssl.trustStore=${store} -Djavax.net.ssl.trustStorePassword=${password}`,
  };
}

/// What has Chromium accept a chain that this authority's certificate is part of, as a server sends it.
function argumentsOf(trusted) {
  if (!trusted) return [];
  const key = new X509Certificate(trusted.certificate).publicKey.export({ type: 'spki', format: 'der' });
  return [`--ignore-certificate-errors-spki-list=${createHash('sha256').update(key).digest('base64')}`];
}

const programs = new Set();
process.once('exit', () => {
  for (const program of programs) program.child.kill('SIGKILL');
});

/// What one client said of one of its nodes, and when.
class History extends EventEmitter {
  events = [];

  add(is, text) {
    this.events.push({ is, text, at: performance.now() });
    this.emit('added');
  }

  /// The first event of this kind since then (null: of any), waited for.
  async next(is, since, milliseconds = scaled(20_000)) {
    const find = () => this.events.find((event) => event.at >= since && (!is || event.is === is));
    const found = (async () => {
      while (!find()) await once(this, 'added');
      return find();
    })();
    try {
      return await within(milliseconds, `${is ?? 'anything'}`, found);
    } catch (error) {
      error.message += `; in the end ${this}`;
      throw error;
    }
  }

  toString() {
    return JSON.stringify(this.events.map(({ is, text }) => `${is} ${text}`.slice(0, 80)));
  }
}

/// One program of one client, with as many nodes as one likes.
class Program {
  nodes = new Map();
  output = '';

  constructor(name, [command, ...args], trust) {
    this.name = name;
    const env = cleanEnvironment(environmentOf(trust?.root));
    this.child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
    programs.add(this);
    this.child.stderr.setEncoding('utf8');
    this.child.stderr.on('data', (text) => {
      this.output = (this.output + text).slice(-10_000);
    });
    this.child.stdin.on('error', () => {});
    readline.createInterface({ input: this.child.stdout }).on('line', (line) => {
      const { node, is, text } = JSON.parse(line);
      this.nodes.get(node).add(is, text);
    });
    this.exited = new Promise((resolve) => {
      this.child.once('error', (error) => {
        this.output += error.message;
      });
      this.child.once('close', (code, signal) => {
        programs.delete(this);
        resolve(code ?? signal);
      });
    });
  }

  order(order) {
    this.child.stdin.write(`${JSON.stringify(order)}\n`);
  }

  pause() {
    this.child.kill('SIGSTOP');
  }

  resume() {
    this.child.kill('SIGCONT');
  }

  async stop() {
    this.resume();
    this.child.stdin.end();
    const code = await within(scaled(10_000), `${this.name} ends`, this.exited);
    assert.equal(code, 0, `${this.name}: ${this.output}`);
  }
}

/// npm's client in a page.
class Page {
  nodes = new Map();

  static async open(name, trust) {
    const page = new Page();
    page.name = name;
    page.browser = await launchBrowser(argumentsOf(trust?.intermediate));
    page.page = await page.browser.newPage();
    await page.page.exposeFunction('report', (node, is, text) => page.nodes.get(node).add(is, text));
    const bundle = 'npm/node_modules/socket.io-client/dist/socket.io.min.js';
    await page.page.addScriptTag({ path: path.join(kFolder, bundle) });
    await page.page.evaluate(() => {
      const nodes = new Map();
      window.orders = {
        connect: ({ node, url, query }) => {
          const socket = window.io(url, { transports: ['websocket'], forceNew: true, query });
          socket.on('connect', () => window.report(node, 'connected', ''));
          socket.on('connect_error', (error) => window.report(node, 'failed', error.message));
          socket.on('disconnect', (reason) => window.report(node, 'disconnected', reason));
          socket.on('AUTHENTICATED', (text) => window.report(node, 'authenticated', text));
          socket.on('SOCKET_MSG_EXCHANGE', (text) => window.report(node, 'received', text));
          nodes.set(node, socket);
        },
        send: ({ node, type, text }) =>
          nodes.get(node).emit(type, text, (ack) => window.report(node, 'ack', ack)),
      };
    });
    return page;
  }

  order(order) {
    this.page.evaluate((o) => window.orders[o.do](o), order).catch(() => {});
  }

  stop() {
    return this.browser.close();
  }
}

/// socket.io-client-cpp, which is in no registry, as it was seen to behave: a close frame without a code, or with 1000, is
/// final, any other end brings it back after five seconds, then half as much longer each time; so does a 503. A refusal or a
/// 41 is followed by such a close frame.
class ModelOfCpp {
  nodes = new Map();
  #isPaused = false;
  #isStopped = false;
  #sockets = new Map();
  #timers = new Set();

  constructor(name) {
    this.name = name;
  }

  order(order) {
    if (order.do === 'connect') this.#connect(order, 5000);
    else {
      const packet = `421${JSON.stringify([order.type, order.text])}`;
      this.#sockets.get(order.node).sendText(packet);
    }
  }

  async #connect(order, delay) {
    const history = this.nodes.get(order.node);
    const again = (milliseconds) => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        this.#connect(order, milliseconds * 1.5);
      }, milliseconds);
      this.#timers.add(timer);
    };
    try {
      const socket = await RawSocket.connect(new URL(order.url).port);
      socket.send(upgradeRequest({ query: `${kUpgradeQuery}&${nodeQuery(order.query)}` }));
      const { status } = await socket.response();
      if (status !== 101) throw new Error(`answered ${status}`);
      this.#sockets.set(order.node, socket);
      if (await this.#listen(socket, history)) again(5000);
    } catch (error) {
      history.add('failed', error.message);
      again(delay);
    }
  }

  /// Resolves when the connection is over, with whether the client comes back.
  async #listen(socket, history) {
    for (;;) {
      let frame;
      try {
        frame = await socket.frame(kForever);
      } catch {
        history.add('disconnected', 'end of TCP');
        socket.destroy();
        return !this.#isStopped;
      }
      const text = frame.payload.toString();
      if (frame.opcode === Opcode.close) {
        socket.sendText(frame.payload, { opcode: Opcode.close });
        socket.end();
        history.add('disconnected', 'close frame');
        const code = frame.payload.length ? frame.payload.readUInt16BE() : 1000;
        return code !== 1000;
      }
      if (text[0] === '0') socket.sendText('40');
      else if (text === '2') {
        if (!this.#isPaused) socket.sendText('3');
      } else if (text.startsWith('40')) history.add('connected', '');
      else if (text.startsWith('44')) history.add('failed', JSON.parse(text.slice(2)).message);
      else if (text.startsWith('43')) history.add('ack', JSON.parse(text.slice(3))[0]);
      else if (text.startsWith('42')) {
        const [event, argument] = JSON.parse(text.slice(2));
        history.add(event === 'AUTHENTICATED' ? 'authenticated' : 'received', argument);
      }
    }
  }
  pause() {
    this.#isPaused = true;
  }

  resume() {
    this.#isPaused = false;
  }

  async stop() {
    this.#isStopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const socket of this.#sockets.values()) socket.destroy();
  }
}

/// A client with the nodes that it is told to connect.
export class Client {
  nodes = [];

  /// `trust`: the authorities, { root, intermediate }, of the certificate that it shall accept.
  static async start(name, trust) {
    const client = new Client();
    Object.assign(client, kClients[name], { name });
    if (client.isBrowser) client.program = await Page.open(name, trust);
    else if (client.isModel) client.program = new ModelOfCpp(name);
    else client.program = new Program(name, client.command(), trust);
    return client;
  }

  /// Starts to connect, and returns the node at once.
  connect(port, id, query = {}) {
    const node = new ClientNode(this, id);
    this.nodes.push(node);
    node.connect(port, query);
    return node;
  }

  stop() {
    return this.program.stop();
  }
}

class ClientNode {
  history = new History();

  constructor(client, id) {
    this.client = client;
    this.program = client.program;
    this.id = id;
    this.program.nodes.set(id, this.history);
  }

  connect(port, query) {
    this.program.order({
      do: 'connect',
      node: this.id,
      url: nodeOptions(port).origin,
      query: { id: this.id, version: '1.0.0', runtime: 'test', ...query },
    });
  }

  /// The first `authenticated` since then.
  joins(since = 0, milliseconds = scaled(20_000)) {
    return this.history.next('authenticated', since, milliseconds);
  }

  /// Sends a message of this content and returns its acknowledgement.
  async send(to, content) {
    const since = performance.now();
    const text = JSON.stringify({ from: this.id, to, content });
    this.program.order({ do: 'send', node: this.id, type: 'SOCKET_MSG_EXCHANGE', text });
    return (await this.history.next('ack', since)).text;
  }

  /// When it noticed that its connection had ended, which is the first that it says since then.
  async ended(since) {
    return (await this.history.next(null, since)).at;
  }

  /// How many of its connects hung.
  get hangs() {
    if (!this.client.hangs) return 0;
    return this.history.events.filter(({ is, text }) => is === 'failed' && text === 'timeout').length;
  }

  /// It comes back by itself within these bounds, or does not reconnect as long as it is watched.
  async expectBack(since, expected) {
    if (expected === kAway) {
      const back = this.joins(since, kWatch);
      await assert.rejects(back, /^Error: not within/, `${this.id} does not reconnect: ${this.history}`);
      return;
    }
    const { at } = await this.joins(since, (expected.to + kHang) * 1000 + kSlack);
    this.expectInTime(at - since, expected);
  }

  /// So many ms are within the bounds.
  expectInTime(time, { from, to }) {
    const latest = (to + (this.hangs ? kHang : 0)) * 1000 + kSlack;
    const sentence = `${this.id} was back after ${time} ms: ${this.history}`;
    assert.ok(time > from * 1000 - kLateness && time < latest, sentence);
  }
}
