#!/usr/bin/env bash
# A text goes in, something else comes out.
#
# Packages: rust_socketio 0.6.0 (crates.io), socket.io 4.8.4 (npm). Needs cargo and Node.js 18 or later; about two minutes.
# Behaviour: `emit` takes an `Into<Payload>`, and a `&str` or `String` is one. In a language with static types one would expect a text to arrive
# as a text. The conversion parses it: if it is JSON, what it stands for is sent, so `"{\"a\":1}"` arrives as an object and `"17"` as a
# number; what is not JSON is sent as the text it is. So the type that the receiver sees hangs on what a user typed. Only
# `serde_json::Value::String`, as `json!(text)` makes it, is a text in any case.
# Output seen:
#   emit("{\"a\":1}") arrived as object
#   emit("17") arrived as number
#   emit("true") arrived as boolean
#   emit("hello") arrived as string
#   emit(json!("{\"a\":1}")) arrived as string
# Ends with 0 while it is so, with 1 when one of them has changed.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund socket.io@4.8.4 >&2
mkdir src
cat >Cargo.toml <<'END'
[package]
name = "emitting"
version = "0.0.0"
edition = "2021"
[dependencies]
rust_socketio = "=0.6.0"
serde_json = "1"
END
cat >src/main.rs <<'END'
use rust_socketio::{ClientBuilder, Payload, RawClient, TransportType};
use serde_json::json;
fn main() {
    let url = std::env::args().nth(1).expect("a URL");
    let say = |_: Payload, client: RawClient| {
        for text in ["{\"a\":1}", "17", "true", "hello"] {
            client.emit("said", text).expect("to be sent");
        }
        client.emit("said", json!("{\"a\":1}")).expect("to be sent");
    };
    let _client = ClientBuilder::new(url).transport_type(TransportType::Websocket).on("speak", say).connect().expect("a server");
    std::thread::park();
}
END
cargo build --quiet >&2
cat >server.mjs <<'END'
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { Server } from 'socket.io';

const server = http.createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
const io = new Server(server, { transports: ['websocket'] });
const client = spawn('target/debug/emitting', [`http://127.0.0.1:${server.address().port}`], { stdio: 'inherit' });
client.once('exit', () => process.exit(1));
const expected = [
  ['"{\\"a\\":1}"', 'object'],
  ['"17"', 'number'],
  ['"true"', 'boolean'],
  ['"hello"', 'string'],
  ['json!("{\\"a\\":1}")', 'string'],
];
const seen = [];
io.on('connection', (socket) => {
  socket.emit('speak', 'now');
  socket.on('said', (value) => {
    const [given, type] = expected[seen.length];
    console.log(`emit(${given}) arrived as ${typeof value}`);
    seen.push(typeof value === type);
    if (seen.length < expected.length) return;
    client.removeAllListeners('exit');
    client.kill('SIGKILL');
    process.exit(seen.every(Boolean) ? 0 : 1);
  });
});
END
node server.mjs
