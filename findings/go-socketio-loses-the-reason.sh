#!/usr/bin/env bash
# A refusal whose reason one language's client cannot read.
#
# Packages: github.com/zishang520/socket.io/clients/socket/v3 v3.0.6 (Go module proxy), socket.io 4.8.4 and socket.io-client 4.8.4 (npm).
# Behaviour: a middleware that calls next(new Error("no seat left")) refuses a client by a CONNECT_ERROR packet, whose payload is
# {"message":"no seat left"}; a member `data` is there only if the error has one (Socket.IO protocol 5, "Connection to a namespace"). npm's client
# gives both cases to connect_error with that message. The Go client reports the message only if there is `data` too; without it,
# which is the ordinary case, connect_error says "missing 'data' field", and what the server said is nowhere to be had.
# Output seen:
#   without data: npm's client "no seat left", the Go client "missing 'data' field"
#   with data: npm's client "no seat left", the Go client "no seat left"
# Needs go 1.26, Node.js and npm. Ends with 0 while it is so, with 1 when one of them has changed.
set -euo pipefail
folder="$(mktemp -d)"
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund socket.io@4.8.4 socket.io-client@4.8.4 >&2
cat >go.mod <<'END'
module refused
go 1.26.0
require (
	github.com/zishang520/socket.io/clients/engine/v3 v3.0.6
	github.com/zishang520/socket.io/clients/socket/v3 v3.0.6
	github.com/zishang520/socket.io/v3 v3.0.6
)
END
cat >main.go <<'END'
package main

import (
	"fmt"
	"os"

	"github.com/zishang520/socket.io/clients/engine/v3/transports"
	"github.com/zishang520/socket.io/clients/socket/v3"
	"github.com/zishang520/socket.io/v3/pkg/types"
)

func main() {
	options := socket.DefaultOptions()
	options.SetTransports(types.NewSet(transports.WebSocket))
	options.SetAutoConnect(false)
	client, err := socket.Connect(os.Args[1], options)
	if err != nil {
		panic(err)
	}
	reported := make(chan any, 1)
	client.On("connect_error", func(values ...any) { reported <- values[0] })
	client.Connect()
	fmt.Print(<-reported)
}
END
go mod tidy >/dev/null 2>&1
go build -o refused .
cat >server.mjs <<'END'
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { promisify } from 'node:util';
import { Server } from 'socket.io';
import { io as connect } from 'socket.io-client';

const server = http.createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
const io = new Server(server, { transports: ['websocket'] });
let data;
io.use((_, next) => next(Object.assign(new Error('no seat left'), data && { data })));
const url = `http://127.0.0.1:${server.address().port}`;
const reported = [];
for (data of [undefined, { code: 7 }]) {
  const socket = connect(url, { transports: ['websocket'], forceNew: true });
  const npm = (await new Promise((resolve) => socket.once('connect_error', resolve))).message;
  socket.close();
  const { stdout: go } = await promisify(execFile)('./refused', [url]);
  console.log(`${data ? 'with' : 'without'} data: npm's client ${JSON.stringify(npm)}, the Go client ${JSON.stringify(go)}`);
  reported.push([npm, go]);
}
const [[npm, go], [npmWith, goWith]] = reported;
const isAsSeen = npm === 'no seat left' && npmWith === npm && go.includes("missing 'data' field") && goWith.includes('no seat left');
process.exit(isAsSeen ? 0 : 1);
END
node server.mjs
