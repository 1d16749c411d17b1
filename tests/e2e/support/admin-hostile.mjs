/// What a hostile client can send to the admin interface.
import assert from 'node:assert/strict';
import net from 'node:net';
import { kToken } from './admin.mjs';
import { resetSocket } from './raw.mjs';
import { scaled, within } from './time.mjs';

/// Numbers that look random and are the same in every run with this seed.
export function pseudoRandom(seed) {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

const host = 'Host: localhost\r\n';
const token = `Authorization: Bearer ${kToken}\r\n`;
const kPaths = ['/', '/login', '/logout', '/metrics', '/assets/app.js', '/api/v1/overview', '/api/v1/history', '/api/v1/instances', '/api/v1/openapi.json', '/api/v1/nodes', '/api/v1/nodes/a', '/api/v1/none'];

/// Requests that are wrong in one way each.
export const kMalformed = {
  'no host': `GET / HTTP/1.1\r\n\r\n`,
  'two hosts': `GET / HTTP/1.1\r\n${host}${host}\r\n`,
  'two tokens': `GET /api/v1/overview HTTP/1.1\r\n${host}${token}${token}\r\n`,
  'an absolute target': `GET http://localhost/ HTTP/1.1\r\n${host}\r\n`,
  'a tunnel': `CONNECT localhost:22 HTTP/1.1\r\n${host}\r\n`,
  'an unknown method': `BREW / HTTP/1.1\r\n${host}\r\n`,
  'a header that never ends': `GET / HTTP/1.1\r\n${host}A: ${'a'.repeat(40_000)}`,
  'thousands of headers': `GET / HTTP/1.1\r\n${host}${'a:b\r\n'.repeat(20_000)}\r\n`,
  'a path that never ends': `GET /${'a'.repeat(40_000)}`,
  'a body that is too large': `POST /login HTTP/1.1\r\n${host}Content-Length: 1000000\r\n\r\n${'a'.repeat(300_000)}`,
  'a length that is too large': `POST /login HTTP/1.1\r\n${host}Content-Length: 99999999999999999999999\r\n\r\n`,
  'a negative length': `POST /login HTTP/1.1\r\n${host}Content-Length: -1\r\n\r\n`,
  'two lengths': `POST /login HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`,
  'a length and chunks': `POST /login HTTP/1.1\r\n${host}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'a chunk that is too large': `POST /login HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n`,
  'a chunk that is no number': `POST /login HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nxyz\r\n`,
  'endless chunks': `POST /login HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n${'1\r\na\r\n'.repeat(80_000)}`,
  'an extension of a chunk that is too large': `POST /login HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n1;${'a'.repeat(300_000)}`,
  'trailers that are too large': `POST /login HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n${'a:b\r\n'.repeat(60_000)}`,
  'a token in a trailer': `GET /api/v1/overview HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n${token}\r\n`,
  'an unknown coding': `POST /login HTTP/1.1\r\n${host}Transfer-Encoding: gzip, chunked\r\n\r\n`,
  'a folded header': `GET / HTTP/1.1\r\n${host}A: b\r\n c\r\n\r\n`,
  'a control character': `GET /\x01 HTTP/1.1\r\n${host}\r\n`,
  'a zero byte': `GET / HTTP/1.1\r\n${host}A: \0\r\n\r\n`,
  'an invalid escape': `GET /api/v1/nodes/%zz HTTP/1.1\r\n${host}${token}\r\n`,
  'an escape that is no UTF-8': `GET /api/v1/nodes/%ff HTTP/1.1\r\n${host}${token}\r\n`,
  'a query of thousands': `GET /api/v1/overview?${'a=1&'.repeat(3000)} HTTP/1.1\r\n${host}${token}\r\n`,
  'HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'HTTP/0.9': 'GET /\r\n\r\n',
  TLS: Buffer.from('160301010001fc0303', 'hex'),
  'a WebSocket': `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n${host}Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n`,
  'a huge cookie': `GET / HTTP/1.1\r\n${host}Cookie: ${'crolang_admin_1=x;'.repeat(800)}\r\n\r\n`,
  'a form of thousands': `POST /login HTTP/1.1\r\n${host}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 60000\r\n\r\n${'token=&'.repeat(9000).slice(0, 60_000)}`,
};

function validRequest(random) {
  const method = ['GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT', 'OPTIONS'][random(7)];
  const path = kPaths[random(kPaths.length)] + ['', '', '?limit=1', '?%', '?a'][random(5)];
  // Not POST /api/v1/…: a drain would end the broker, as it should.
  const authorization = method === 'POST' ? '' : [token, 'Cookie: crolang_admin_1=a\r\n', ''][random(3)];
  const body = ['', '', 'token=wrong', 'x'.repeat(random(2000))][random(4)];
  return `${method} ${path} HTTP/1.1\r\n${host}${authorization}Content-Length: ${body.length}\r\n\r\n${body}`;
}

/// A request with some bytes changed, left out or doubled.
export function mutated(random) {
  let bytes = Buffer.from(validRequest(random));
  for (let i = random(6); i > 0; --i) {
    const at = random(bytes.length);
    switch (random(4)) {
      case 0:
        bytes[at] = random(256);
        break;
      case 1:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + random(20)))]);
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - random(50)))]);
        break;
      default:
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(['\r\n', '\n', '\0', ':', ' ', '%'][random(6)]), bytes.subarray(at)]);
    }
    if (bytes.length === 0) return Buffer.from('\r\n\r\n');
  }
  return bytes;
}

/// Sends the bytes and resolves with what has come back when the broker has ended the connection or answered, or resets the
/// connection under way. `after`: what the client does once it has sent them.
export function attack(port, bytes, after = 'end') {
  return within(
    scaled(40_000),
    `an end of ${JSON.stringify(String(bytes).slice(0, 60))}`,
    new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1');
      let answer = '';
      const done = () => {
        socket.destroy();
        resolve(answer);
      };
      socket.on('error', done);
      socket.on('close', done);
      socket.on('end', done);
      socket.on('data', (part) => {
        answer += part.toString('latin1');
        if (after === 'answer' && answer.includes('\r\n\r\n')) done();
      });
      socket.on('connect', () => {
        socket.write(bytes, () => {
          if (after === 'end') socket.end();
          if (after === 'reset') resetSocket(socket);
        });
      });
    }),
  );
}

/// What has been answered is one of our answers, with a sentence unless it is a page.
export function expectAllowedAnswer(answer, what) {
  if (answer === '') return;
  assert.match(answer, /^HTTP\/1\.1 (200|204|303|400|401|403|404|405|413|422|429|431|501|503) /, what);
}
