/// The operator's web server, as a broker meets it: it records every request byte for byte and answers as a test
/// says, also in ways no HTTP library would. An answer is a function of an Exchange.
import assert from 'node:assert/strict';
import net from 'node:net';
import tls from 'node:tls';
import { gzipSync } from 'node:zlib';
import { freePort } from './broker.mjs';
import { nodeQuery } from './node.mjs';
import { kUpgradeQuery, RawSocket, resetSocket, upgradeRequest } from './raw.mjs';
import { eventually, scaled } from './time.mjs';

const servers = new Map();

/// One request and its answer.
class Exchange {
  isAnswered = false;

  constructor(webhook, socket, bytes, bodyAt) {
    const [requestLine, ...lines] = bytes.toString('latin1', 0, bodyAt - 4).split('\r\n');
    this.socket = socket;
    this.bytes = bytes;
    [this.method, this.target, this.version] = requestLine.split(' ');
    this.headers = Object.fromEntries(
      lines.map((line) => {
        const at = line.indexOf(':');
        return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
      }),
    );
    this.body = bytes.toString('utf8', bodyAt);
    this.webhook = webhook;
    webhook.open += 1;
    webhook.peak = Math.max(webhook.peak, webhook.open);
  }

  get question() {
    return JSON.parse(this.body);
  }

  reply(status, headers, body) {
    const bytes = Buffer.from(body);
    const head = Object.entries({ 'Content-Length': bytes.length, ...headers })
      .filter(([, value]) => value !== null)
      .map(([name, value]) => `${name}: ${value}\r\n`);
    this.raw(`HTTP/1.1 ${status} Whatever\r\n${head.join('')}\r\n`, bytes);
    this.finish();
  }

  raw(...parts) {
    if (this.socket.destroyed) return;
    this.socket.write(Buffer.concat(parts.map((part) => Buffer.from(part))));
  }

  /// Writes the next of `pieces` every few milliseconds, until there are none or nobody listens.
  drip(pieces, milliseconds = 20) {
    const next = pieces[Symbol.iterator]();
    const timer = setInterval(() => {
      const { value, done } = next.next();
      if (done || this.socket.destroyed) clearInterval(timer);
      else this.socket.write(value);
    }, milliseconds);
  }

  /// It has been answered, or nobody waits any more.
  finish() {
    if (this.isAnswered) return;
    this.isAnswered = true;
    this.webhook.open -= 1;
  }
}

export class Webhook {
  requests = [];
  connections = 0;
  open = 0;
  peak = 0;
  /// How every request is answered until a test says otherwise.
  answer = json({});
  #sockets = new Set();

  /// `certificate`: what issueCertificate() gave, for https.
  static async start({ answer, certificate, port } = {}) {
    const webhook = new Webhook();
    if (answer) webhook.answer = answer;
    webhook.certificate = certificate;
    webhook.port = port ?? (await freePort());
    await webhook.listen();
    return webhook;
  }

  get origin() {
    return `${this.certificate ? 'https' : 'http'}://127.0.0.1:${this.port}`;
  }

  url(route = '/hook') {
    return this.origin + route;
  }

  listen() {
    const serve = (socket) => this.#serve(socket);
    this.server = this.certificate
      ? tls.createServer(this.certificate, serve)
      : net.createServer(serve);
    this.server.on('tlsClientError', () => {});
    servers.set(this, this.server);
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(this.port, '127.0.0.1', resolve);
    });
  }

  /// From now on connections are refused; listen() opens the door again.
  async stop() {
    servers.delete(this);
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.hangUp();
    await closed;
  }

  /// Cuts all connections.
  hangUp() {
    for (const socket of this.#sockets) socket.destroy();
  }

  /// Resolves with the requests once there are that many that fit.
  async received(count, fits = () => true) {
    const found = () => this.requests.filter(fits);
    await eventually(`${count} requests`, () => found().length >= count).catch((error) => {
      error.message += `; there are ${found().length}`;
      throw error;
    });
    return found();
  }

  #serve(socket) {
    this.connections += 1;
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => {});
    let exchange;
    socket.on('close', () => {
      this.#sockets.delete(socket);
      exchange?.finish();
    });
    let unread = Buffer.alloc(0);
    socket.on('data', (bytes) => {
      unread = Buffer.concat([unread, bytes]);
      for (;;) {
        const bodyAt = unread.indexOf('\r\n\r\n') + 4;
        if (bodyAt < 4) return;
        const length = /^content-length: *(\d+)\r$/im.exec(unread.toString('latin1', 0, bodyAt));
        assert.ok(
          length,
          `a request has a Content-Length: ${unread.toString('latin1', 0, bodyAt)}`,
        );
        const end = bodyAt + Number(length[1]);
        if (unread.length < end) return;
        exchange?.finish();
        exchange = new Exchange(this, socket, unread.subarray(0, end), bodyAt);
        unread = unread.subarray(end);
        this.requests.push(exchange);
        this.answer(exchange);
      }
    });
  }
}

/// Ends the servers that a failed test left behind, so that the process can end.
export const stopWebhooks = () => Promise.all([...servers.keys()].map((webhook) => webhook.stop()));

/// 200 with this value.
export const json =
  (value, headers = {}) =>
  (exchange) =>
    exchange.reply(200, { 'Content-Type': 'application/json', ...headers }, JSON.stringify(value));

/// 200 with this text.
export const text = (body) => (exchange) =>
  exchange.reply(200, { 'Content-Type': 'application/json' }, body);

/// The answer, so many milliseconds late; a number or a function of the exchange.
export const after = (milliseconds, answer) => (exchange) =>
  setTimeout(
    answer,
    typeof milliseconds === 'function' ? milliseconds(exchange) : milliseconds,
    exchange,
  );

const kOk = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n';
const kFar = 10 * 1024 * 1024;

function* forever(piece) {
  for (;;) yield piece;
}

/// Answers in order, one per route.
export const byRoute = (routes) => (exchange) => routes[exchange.target](exchange);

/// Every way in which a server cannot be asked, by name. `good` is an answer that would be fine, so that none of these
/// fails for what it says. null: the server is away. `body`: only who reads the answer notices. `slow`: ended by the
/// broker's patience.
export function faults(good) {
  const body = JSON.stringify(good);
  const status =
    (code, headers = {}) =>
    (exchange) =>
      exchange.reply(code, headers, body);
  const answered = (value) => (exchange) => exchange.reply(200, {}, value);
  const padded = `${body.slice(0, -1)},"x":"${'x'.repeat(kFar)}"}`;
  return {
    quick: {
      'refuses connections': null,
      'resets connections': (exchange) => resetSocket(exchange.socket),
      'hangs up without a word': (exchange) => exchange.socket.destroy(),
      'dies in its header': (exchange) => {
        exchange.raw(kOk);
        exchange.socket.end();
      },
      'dies in mid-answer': (exchange) => {
        exchange.raw(`${kOk}Content-Length: ${body.length + 10}\r\n\r\n${body}`);
        exchange.socket.end();
      },
      'dies in a chunk': (exchange) => {
        exchange.raw(
          `${kOk}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n`,
        );
        exchange.socket.end();
      },
      'is not HTTP': (exchange) => {
        exchange.raw('SSH-2.0-OpenSSH_9.2\r\n');
        exchange.socket.end();
      },
      'answers 101': (exchange) =>
        exchange.raw(
          'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
        ),
      'answers 301': status(301, { Location: '/moved' }),
      'redirects to itself': (exchange) => exchange.reply(302, { Location: exchange.target }, body),
      'answers 307': status(307, { Location: '/moved' }),
      'answers 304': (exchange) => exchange.raw('HTTP/1.1 304 Not Modified\r\n\r\n'),
      'answers 400': status(400),
      'answers 407': status(407),
      'answers 404': status(404),
      'answers 500': status(500),
      'answers 503': status(503, { 'Retry-After': '3600' }),
      'answers 999': status(999),
      'sends 10 MB': answered(padded),
      'sends 10 MB in chunks': (exchange) =>
        exchange.raw(
          `${kOk}Transfer-Encoding: chunked\r\n\r\n${padded.length.toString(16)}\r\n${padded}\r\n0\r\n\r\n`,
        ),
      'sends 10 MB of unannounced length': (exchange) => {
        exchange.raw(`${kOk}Connection: close\r\n\r\n${padded}`);
        exchange.socket.end();
      },
      'sends a header line of 1 MB': (exchange) =>
        exchange.reply(200, { 'X-Long': 'x'.repeat(1024 * 1024) }, body),
      'sends a header of 10 MB': (exchange) =>
        exchange.raw(
          kOk,
          `X-Many: ${'x'.repeat(990)}\r\n`.repeat(10_000),
          `Content-Length: ${body.length}\r\n\r\n`,
          body,
        ),
    },
    body: {
      'answers 204': (exchange) => exchange.raw('HTTP/1.1 204 No Content\r\n\r\n'),
      'sends nothing': answered(''),
      'sends no JSON': answered('<html>200 OK</html>'),
      'sends JSON cut off': answered(body.slice(0, -1)),
      'sends two JSON texts': answered(body + body),
      'sends a list': answered(`[${body}]`),
      'sends a string': answered(JSON.stringify(body)),
      'sends null': answered('null'),
      'sends true': answered('true'),
      'sends {}': answered('{}'),
      'sends a broken gzip': (exchange) =>
        exchange.reply(200, { 'Content-Encoding': 'gzip' }, gzipSync(body).subarray(0, 15)),
      'sends a gzip that grows to 10 MB': (exchange) =>
        exchange.reply(200, { 'Content-Encoding': 'gzip' }, gzipSync(padded)),
      'sends nesting without an end': answered('['.repeat(200_000)),
    },
    slow: {
      'is silent': () => {},
      'drips its header': (exchange) => exchange.drip(kOk + 'X-Drip: '.repeat(10_000)),
      'drips its body': (exchange) => {
        exchange.raw(`${kOk}Content-Length: ${kFar}\r\n\r\n${body.slice(0, -1)}`);
        exchange.drip(forever(' '));
      },
      'drips chunks': (exchange) => {
        exchange.raw(`${kOk}Transfer-Encoding: chunked\r\n\r\n`);
        exchange.drip(forever('1\r\n \r\n'));
      },
      'drips header lines': (exchange) => {
        exchange.raw(kOk);
        exchange.drip(forever('X-Drip: x\r\n'));
      },
      'floods with 100': (exchange) =>
        exchange.drip(forever('HTTP/1.1 100 Continue\r\n\r\n'.repeat(50)), 1),
      'floods with 103': (exchange) =>
        exchange.drip(forever('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'.repeat(50)), 1),
    },
  };
}

/// How a server says no by its status alone, by name: whatever the body says.
export function refusals(yes) {
  const body = JSON.stringify(yes);
  return {
    'a 401': (exchange) => exchange.reply(401, { 'WWW-Authenticate': 'Basic realm="x"' }, body),
    'a 403': (exchange) => exchange.reply(403, {}, body),
    'a 403 with a page': (exchange) => exchange.reply(403, {}, '<html>Forbidden</html>'),
    'a 401 without a body': (exchange) => exchange.reply(401, {}, ''),
  };
}

/// The server does as a fault says while `act` runs, and is well again afterwards.
export async function during(webhook, fault, act) {
  const well = webhook.answer;
  if (fault) webhook.answer = fault;
  else await webhook.stop();
  try {
    await act();
  } finally {
    webhook.answer = well;
    if (!fault) await webhook.listen();
  }
}

/// Repeats `ask` until a line of the log that is younger than the call names the variable: lines that repeat too often
/// in a second are left out.
export async function saysInLog(broker, variable, ask) {
  const start = broker.output.length;
  const said = () => broker.output.slice(start).includes(variable);
  await ask();
  await eventually(
    `the log names ${variable}`,
    async () => said() || (await ask(), said()),
    scaled(5000),
  );
}

/// Through all of a fault `ask` succeeds: its outcome is there soon after the broker's timeout, and the log names the variable.
export const outlasts = (webhook, fault, { broker, variable, timeout }, ask) =>
  during(webhook, fault, async () => {
    const start = performance.now();
    await ask();
    const waited = performance.now() - start;
    assert.ok(waited < timeout + scaled(1500), `${waited} ms`);
    await saysInLog(broker, variable, ask);
  });

/// A connection that has asked for an upgrade for this node.
export async function startKnock(port, id, query = '') {
  const socket = await RawSocket.connect(port);
  const node = nodeQuery({ id, version: '1', runtime: 'raw' });
  socket.send(upgradeRequest({ query: `${kUpgradeQuery}&${node}${query}` }));
  return socket;
}

/// The answer to an upgrade for this node, nothing read behind it.
export async function tryConnect(port, id, query) {
  const socket = await startKnock(port, id, query);
  return { socket, response: await socket.response() };
}

/// Trouble that may pass: 503 with Retry-After and no 101.
export async function expectTryAgain(port, id) {
  const { socket, response } = await tryConnect(port, id);
  socket.destroy();
  assert.equal(response.status, 503);
  assert.match(response.headers['retry-after'], /^\d+$/);
}
