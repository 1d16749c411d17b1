#!/usr/bin/env bash
# github.com/zishang520/socket.io/clients/socket/v3 v3.0.6 (Go module proxy). It follows npm's client option by option, so one
# would guess that a server which answers 503 within a millisecond is reported within milliseconds (`connect_error`), and tried
# again after about a second, as npm's client does. It is reported when the connect time-out is over, after 20 s: the client
# dials in its constructor, and listens for the outcome afterwards.
#
# Both clients knock at the same server, which always answers 503. Needs go 1.26, node and npm; takes half a minute. Ends with 0
# if that is still so.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"

npm install --silent --no-audit --no-fund socket.io-client@4.8.4
cat >go.mod <<'MOD'
module late
go 1.26.0
require (
	github.com/zishang520/socket.io/clients/engine/v3 v3.0.6
	github.com/zishang520/socket.io/clients/socket/v3 v3.0.6
	github.com/zishang520/socket.io/v3 v3.0.6
)
MOD
cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"
	"time"

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
	start := time.Now()
	client.Connect()
	fmt.Println(<-reported, time.Since(start).Milliseconds())
}
GO
go mod tidy >/dev/null 2>&1
go build -o late .

cat >compare.mjs <<'JS'
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { io } from 'socket.io-client';

const server = http.createServer();
server.on('upgrade', (_, socket) => {
  socket.end('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${server.address().port}`;

const start = performance.now();
const client = io(url, { transports: ['websocket'] });
const [error] = await once(client, 'connect_error');
const npm = Math.round(performance.now() - start);
client.disconnect();
console.log(`npm's client reports "${error.message}" after ${npm} ms`);

const child = spawn('./late', [url], { stdio: ['ignore', 'pipe', 'inherit'] });
const [line] = await once(child.stdout, 'data');
const [, message, go] = /^(.*) (\d+)\n$/.exec(line);
console.log(`Go's reports "${message}" after ${go} ms`);
process.exit(npm < 2000 && go >= 19_000 ? 0 : 1);
JS
node compare.mjs
