#!/usr/bin/env bash
# rust_socketio 0.6.0 (crates.io), blocking client, default options. One would guess that its pause between two tries of
# reconnecting grows to five seconds and stays there, as its options say. It has an end: the back-off behind it is made once, at
# `connect`, and is worth fifteen minutes in all. A client that is older than that when it loses its connection does not pause at
# all: thousands of tries where a young one makes two or three.
#
# Two clients of one program, on npm's socket.io 4.8.4: one connects at the start, one shortly before the server goes and
# answers 503 from then on. Their tries within ten seconds are counted. Takes seventeen minutes; needs cargo, node and npm.
# Ends with 0 if that is still so, with 1 if the old client pauses as well.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"

npm install --silent --no-audit --no-fund socket.io@4.8.4
mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "reconnecting"
version = "0.0.0"
edition = "2021"
[dependencies]
rust_socketio = "=0.6.0"
backoff = "=0.4.0"
TOML
cat >src/main.rs <<'RUST'
use rust_socketio::{ClientBuilder, Payload, RawClient, TransportType};
fn main() {
    let url = std::env::args().nth(1).expect("a URL");
    let _client = ClientBuilder::new(url)
        .transport_type(TransportType::Websocket)
        .on("open", |_: Payload, _: RawClient| println!("connected"))
        .connect()
        .expect("a server");
    std::thread::park();
}
RUST
cargo build --quiet

cat >count.mjs <<'JS'
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { Server } from 'socket.io';

const kAge = 15.5 * 60_000;
const server = http.createServer();
const io = new Server(server, { transports: ['websocket'] });
server.listen(0, '127.0.0.1');
await once(server, 'listening');

const children = [];
async function connect(name) {
  const url = `http://127.0.0.1:${server.address().port}/?name=${name}`;
  const child = spawn('target/debug/reconnecting', [url], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  await once(child.stdout, 'data');
}
await connect('old');
await delay(kAge);
await connect('young');

const tries = { old: 0, young: 0 };
const upgrades = server.listeners('upgrade');
server.removeAllListeners('upgrade');
server.on('upgrade', (request, socket) => {
  tries[new URL(request.url, 'http://host').searchParams.get('name')] += 1;
  socket.on('error', () => {});
  socket.end('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
});
console.assert(upgrades.length === 1);
for (const socket of io.sockets.sockets.values()) socket.conn.transport.socket._socket.end();
await delay(10_000);
for (const child of children) child.kill('SIGKILL');
console.log(`within ten seconds: the young client tried ${tries.young} times, the old one ${tries.old} times`);
process.exit(tries.young > 0 && tries.young < 20 && tries.old > 500 ? 0 : 1);
JS
node count.mjs
