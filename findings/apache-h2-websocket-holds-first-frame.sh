#!/usr/bin/env bash
# A WebSocket over HTTP/2 whose server speaks first and is not heard.
#
# Packages: apache2-bin 2.4.71-1~deb12u1, libapr1 1.7.2-3+deb12u1, libaprutil1 1.6.3-1+deb12u1 (Debian 12). Node.js 18 or later.
# Behaviour: with "H2WebSockets on" Apache translates WebSockets of HTTP/2 (RFC 8441) for mod_proxy, and one would expect frames to pass in both
# directions as soon as the 200 is there, as they do over HTTP/1.1. What the server writes together with its 101, in one segment, is held back until
# the client has sent something; written a moment later it passes. In protocols in which the server speaks first (Engine.IO and Socket.IO, others that
# greet) both sides then wait for each other.
# Output seen:
#   HTTP/1.1: 101, within 5 s: greeting
#   HTTP/2: 200, within 5 s: nothing; after a frame of the client: greeting, echo of hi
# Takes a quarter of a minute. Ends with 0 while it is so, with 1 when one of them has changed.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
apt-get -o APT::Sandbox::User=root download -qq apache2-bin=2.4.71-1~deb12u1 libapr1=1.7.2-3+deb12u1 libaprutil1=1.6.3-1+deb12u1 >&2
for package in *.deb; do dpkg-deb -x "$package" .; done
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost -keyout key -out crt 2>/dev/null

cat >compare.mjs <<'END'
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';
import tls from 'node:tls';

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}
const within = (milliseconds, promise) =>
  Promise.race([promise, new Promise((resolve) => setTimeout(resolve, milliseconds))]);

const words = (text) => text.match(/greeting|echo of hi/g)?.join(', ') ?? 'nothing';
const frame = (text) => Buffer.from([0x81, text.length, ...Buffer.from(text)]);
// Masked with zeros, so that it reads as it is.
const fromClient = (text) => Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0, ...Buffer.from(text)]);

// The 101 and the greeting are one write.
const server = net.createServer((socket) => {
  socket.on('error', () => {});
  socket.on('data', (bytes) => {
    const key = /^sec-websocket-key: *(.*)\r$/im.exec(bytes.toString('latin1'))?.[1];
    if (!key) return bytes.includes('hi') && socket.write(frame('echo of hi'));
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    const head = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n';
    socket.write(Buffer.concat([Buffer.from(`${head}Sec-WebSocket-Accept: ${accept}\r\n\r\n`), frame('greeting')]));
  });
}).listen(0, '127.0.0.1');
await once(server, 'listening');

const port = await freePort();
const modules = ['mpm_event', 'authz_core', 'ssl', 'socache_shmcb', 'http2', 'proxy', 'proxy_http'];
fs.writeFileSync('apache.conf', `
ServerRoot ${process.cwd()}
${modules.map((name) => `LoadModule ${name}_module usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
DefaultRuntimeDir ${process.cwd()}
PidFile ${process.cwd()}/pid
ErrorLog ${process.cwd()}/error.log
ServerName localhost
User www-data
Group www-data
Listen 127.0.0.1:${port}
SSLEngine on
SSLCertificateFile crt
SSLCertificateKeyFile key
Protocols h2 http/1.1
H2WebSockets on
ProxyPass / http://127.0.0.1:${server.address().port}/ upgrade=websocket
`);
const apache = spawn('usr/sbin/apache2', ['-DFOREGROUND', '-f', `${process.cwd()}/apache.conf`], {
  env: { ...process.env, LD_LIBRARY_PATH: `${process.cwd()}/usr/lib/x86_64-linux-gnu` },
  stdio: 'inherit',
});
apache.once('exit', () => process.exit(1));
process.once('exit', () => apache.kill());

let classic;
for (;;) {
  classic = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
  const outcome = await once(classic, 'secureConnect').then(() => 'up', (error) => error.code);
  if (outcome === 'up') break;
  // It does not listen yet.
  await within(100, new Promise(() => {}));
}
const lines = ['GET / HTTP/1.1', 'Host: localhost', 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13'];
classic.write([...lines, 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', '', ''].join('\r\n'));
let classicHeard = '';
classic.on('data', (bytes) => (classicHeard += bytes.toString('latin1')));
for (const end = Date.now() + 5000; Date.now() < end && !classicHeard.includes('greeting'); ) {
  await within(100, once(classic, 'data'));
}
console.log(`HTTP/1.1: ${classicHeard.slice(9, 12)}, within 5 s: ${words(classicHeard)}`);
classic.destroy();

const session = http2.connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
await once(session, 'remoteSettings');
if (!session.remoteSettings.enableConnectProtocol) {
  console.log('HTTP/2: no WebSockets are offered');
  process.exit(1);
}
const stream = session.request({
  ':method': 'CONNECT',
  ':protocol': 'websocket',
  ':scheme': 'https',
  ':authority': 'localhost',
  ':path': '/',
  'sec-websocket-version': '13',
});
let heard = '';
stream.on('data', (bytes) => (heard += bytes.toString('latin1')));
const [headers] = await once(stream, 'response');
await within(5000, once(stream, 'data'));
const before = heard;
stream.write(fromClient('hi'));
for (const end = Date.now() + 5000; Date.now() < end && !heard.includes('echo of hi'); ) {
  await within(100, once(stream, 'data'));
}
console.log(`HTTP/2: ${headers[':status']}, within 5 s: ${words(before)}; after a frame of the client: ${words(heard)}`);
const asSeen = words(classicHeard) === 'greeting' && headers[':status'] === 200;
process.exit(asSeen && before === '' && words(heard) === 'greeting, echo of hi' ? 0 : 1);
END
node compare.mjs
