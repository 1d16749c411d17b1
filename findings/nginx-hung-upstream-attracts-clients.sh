#!/usr/bin/env bash
# A proxy that sends everybody to the one server that hangs, and never learns.
#
# Package: nginx 1.22.1-9+deb12u11 (Debian 12). Node.js 18 or later.
# Behaviour: nginx leaves a server out for fail_timeout once max_fails requests have failed (by default one, ten seconds), so one would expect a server that
# takes connections and never answers to cost a few requests. It does if clients wait for longer than proxy_read_timeout. Those who give up before are
# logged as 499 and count as no failure, so with clients of 20 s and the default of 60 s nothing is ever counted. And with least_conn the server that hangs
# has the fewest connections where connections last, since the good one keeps what it gets: every single newcomer is sent to the one that hangs.
# Output seen:
#   clients that wait for longer than proxy_read_timeout: 1 of 10 had to wait for it, 10 were answered
#   clients that give up before: 10 of 10 were sent to the server that hangs, 0 were answered
# Ends with 0 while it is so, with 1 when one of them has changed.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
apt-get -o APT::Sandbox::User=root download -qq nginx=1.22.1-9+deb12u11 >&2
dpkg-deb -x nginx_*.deb .

cat >compare.mjs <<'END'
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
async function listen(server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}

// Begins an answer that never ends, as a stream of events does.
const good = await listen(http.createServer((_, response) => response.write('hello')));
let stuck = 0;
const hangs = await listen(
  net.createServer((socket) => {
    stuck += 1;
    socket.on('error', () => {});
  }),
);
const free = net.createServer();
const port = await listen(free);
free.close();

const here = process.cwd();
const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${here}/${name};`);
fs.writeFileSync('nginx.conf', `
worker_processes 1;
pid ${here}/pid;
events {}
http {
  access_log off;
  ${temporary.join(' ')}
  upstream servers {
    least_conn;
    server 127.0.0.1:${good};
    server 127.0.0.1:${hangs};
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://servers;
      proxy_buffering off;
      proxy_read_timeout 2s;
    }
    # Streams that are there already.
    location /long {
      proxy_pass http://servers;
      proxy_buffering off;
      proxy_read_timeout 60s;
    }
  }
}
`);

/// Whether an answer began in time.
function ask(path, patience) {
  return new Promise((resolve) => {
    const request = http.get({ port, host: '127.0.0.1', path, agent: false });
    request.on('error', () => resolve(false));
    request.on('response', () => resolve(true));
    setTimeout(() => {
      resolve(false);
      // The first ones stay.
      if (path === '/') request.destroy();
    }, patience);
  });
}

/// Ten clients, one after the other, while the good server has streams that stay.
async function run(patience) {
  const nginx = spawn('usr/sbin/nginx', ['-p', here, '-c', `${here}/nginx.conf`, '-e', 'stderr', '-g', 'daemon off;'], {
    stdio: ['ignore', 'inherit', 'ignore'],
  });
  const ended = once(nginx, 'exit');
  process.once('exit', () => nginx.kill());
  while (!(await new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(socket.destroy()));
    socket.once('error', () => resolve(false));
  }))) await pause(50);
  // Until the good one has a few more than the other.
  let streams = 0;
  while (streams < 5) streams += await ask('/long', 300);
  const before = stuck;
  let answered = 0;
  for (let i = 0; i < 10; ++i) answered += await ask('/', patience);
  nginx.kill();
  await ended;
  return { stuck: stuck - before, answered };
}

const patient = await run(4000);
console.log(`clients that wait for longer than proxy_read_timeout: ${patient.stuck} of 10 had to wait for it, ${patient.answered} were answered`);
const impatient = await run(1000);
console.log(`clients that give up before: ${impatient.stuck} of 10 were sent to the server that hangs, ${impatient.answered} were answered`);
process.exit(patient.stuck === 1 && patient.answered === 10 && impatient.stuck === 10 && impatient.answered === 0 ? 0 : 1);
END
node compare.mjs
