// Serves the page and socket.io-client's browser build. PORT (8000) and HOST (127.0.0.1) say where.
import { createReadStream, existsSync, readdirSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};
const HEADERS = {
  // The broker may be anywhere, so the page may connect to anything; all else comes from here.
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    'connect-src http: https: ws: wss:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Permissions-Policy': 'camera=(), microphone=(), geolocation=()',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-cache',
};

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}

const here = path.dirname(fileURLToPath(import.meta.url));
const client = path.join(here, 'node_modules/socket.io-client/dist/socket.io.esm.min.js');
if (!existsSync(client)) fail('socket.io-client is not installed: run npm install first');

// All that can be asked for, by name: no file name is ever made from a request.
const page = path.join(here, 'public');
const files = new Map(readdirSync(page).map((name) => [`/${name}`, path.join(page, name)]));
files.set('/', path.join(page, 'index.html'));
files.set('/socket.io.esm.min.js', client);

const port = Number(process.env.PORT || 8000);
if (!Number.isInteger(port) || port < 0 || port > 65_535) fail(`PORT: '${process.env.PORT}' is not a port`);
const host = process.env.HOST || '127.0.0.1';

const server = http.createServer((request, response) => {
  const answer = (status, headers = {}, text = '') => {
    response.writeHead(status, { ...HEADERS, ...headers });
    response.end(request.method === 'HEAD' ? undefined : text);
  };
  if (request.method !== 'GET' && request.method !== 'HEAD') return answer(405, { Allow: 'GET, HEAD' });
  const file = files.get(request.url.split('?', 1)[0]);
  if (!file) return answer(404, { 'Content-Type': 'text/plain; charset=utf-8' }, 'There is no such page.\n');
  const type = { 'Content-Type': TYPES[path.extname(file)] ?? 'application/octet-stream' };
  if (request.method === 'HEAD') return answer(200, type);
  const stream = createReadStream(file);
  stream.once('open', () => {
    response.writeHead(200, { ...HEADERS, ...type });
    stream.pipe(response);
  });
  stream.once('error', () => (response.headersSent ? response.destroy() : answer(500)));
});
server.once('error', ({ code, message }) => {
  if (code === 'EADDRINUSE') fail(`port ${port} is taken: choose another one by PORT`);
  fail(`cannot listen on ${host}, port ${port}: ${message}`);
});
server.listen(port, host, () => {
  const name = host === '127.0.0.1' || host === '::1' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  console.log(`The browser node is at http://${name}:${server.address().port}`);
});
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    server.close();
    server.closeAllConnections();
  });
}
