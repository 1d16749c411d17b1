/// The admin interface of a broker under test.
import assert from 'node:assert/strict';
import http from 'node:http';
import { Broker, freePort } from './broker.mjs';
import { eventually, scaled, within } from './time.mjs';

export const kToken = 'a-token-of-the-tests-0123456789';

/// Environment of a broker with an admin interface on this port.
export const adminEnv = (port, env = {}) => ({ ADMIN_PORT: String(port), ADMIN_TOKEN: kToken, ...env });

/// A broker that is stopped after the test, with `admin`.
export async function startAdmin(t, env = {}, options = {}) {
  const port = await freePort();
  const broker = await Broker.start(adminEnv(port, env), options);
  t.after(() => !broker.hasExited && broker.stop());
  broker.admin = new Admin(port);
  await eventually('the admin interface answers', () => broker.admin.isThere(), scaled(10_000));
  return broker;
}

export class Admin {
  constructor(port, token = kToken) {
    this.port = port;
    this.token = token;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  async isThere() {
    try {
      await fetch(`${this.url}/`);
      return true;
    } catch {
      return false;
    }
  }

  /// `headers` as given, by default with the token. Status, headers, text, and JSON if it is that.
  request(method, path, { headers = { Authorization: `Bearer ${this.token}` }, body } = {}) {
    return within(
      scaled(20_000),
      `${method} ${path} is answered`,
      new Promise((resolve, reject) => {
        // fetch would set Host and Origin itself. A connection of its own, so that none is closed under way.
        const request = http.request(
          { host: '127.0.0.1', port: this.port, method, path, headers, agent: false },
          (response) => {
            let text = '';
            response.setEncoding('utf8');
            response.on('data', (part) => (text += part));
            response.on('error', (error) => reject(Object.assign(error, { bytesReceived: response.socket.bytesRead })));
            response.on('end', () => {
              const isJson = response.headers['content-type'] === 'application/json';
              resolve({
                status: response.statusCode,
                headers: response.headers,
                text,
                json: isJson && text ? JSON.parse(text) : undefined,
              });
            });
          },
        );
        request.on('error', (error) => reject(Object.assign(error, { bytesReceived: request.socket?.bytesRead ?? 0 })));
        request.end(body);
      }),
    );
  }

  get(path, options) {
    return this.request('GET', path, options);
  }

  /// The answer to GET, which must be 200.
  async json(path) {
    const { status, json, text } = await this.get(path);
    assert.equal(status, 200, text);
    return json;
  }

  /// The cookie of a new session.
  async logIn(token = this.token) {
    const { status, headers, text } = await this.request('POST', '/login', {
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ token }).toString(),
    });
    assert.equal(status, 303, text);
    const [cookie] = headers['set-cookie'];
    return cookie.slice(0, cookie.indexOf(';'));
  }

  events(options) {
    return EventReader.open(this, options);
  }
}

/// Reads GET /api/v1/events.
export class EventReader {
  /// {name, data} in the order of arrival.
  events = [];
  comments = 0;
  hasEnded = false;
  #unread = '';

  /// Resolves when the stream has begun; rejects with the status as `status` otherwise.
  static open(admin, { headers = { Authorization: `Bearer ${admin.token}` } } = {}) {
    const reader = new EventReader();
    return within(
      scaled(20_000),
      'a stream begins',
      new Promise((resolve, reject) => {
        reader.request = http.get(
          { host: '127.0.0.1', port: admin.port, path: '/api/v1/events', headers, agent: false },
          (response) => {
            reader.response = response;
            if (response.statusCode !== 200) {
              response.resume();
              reject(Object.assign(new Error(`status ${response.statusCode}`), { status: response.statusCode }));
              return;
            }
            response.setEncoding('utf8');
            response.on('data', (text) => reader.#read(text));
            response.on('error', () => {});
            response.on('close', () => (reader.hasEnded = true));
            // The first comment says that the broker keeps events for this stream from now on.
            eventually('the stream has begun', () => reader.comments > 0).then(() => resolve(reader), reject);
          },
        );
        reader.request.on('error', reject);
      }),
    );
  }

  #read(text) {
    this.#unread += text;
    for (let at; (at = this.#unread.indexOf('\n\n')) >= 0; this.#unread = this.#unread.slice(at + 2)) {
      const block = this.#unread.slice(0, at);
      if (block.startsWith(':')) {
        ++this.comments;
        continue;
      }
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(block);
      this.events.push({ name, data: JSON.parse(data) });
    }
  }

  /// The first event of this name whose data has these members.
  async next(name, members = {}, milliseconds = scaled(10_000)) {
    const isIt = (event) =>
      event.name === name && Object.entries(members).every(([key, value]) => event.data[key] === value);
    await eventually(`${name} ${JSON.stringify(members)} arrives`, () => this.events.some(isIt), milliseconds);
    return this.events.find(isIt).data;
  }

  ends(milliseconds = scaled(10_000)) {
    return eventually('the stream ends', () => this.hasEnded, milliseconds);
  }

  close() {
    this.request.destroy();
  }
}
