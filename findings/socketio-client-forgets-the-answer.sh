#!/usr/bin/env bash
# What a server said about a refused request is gone from socket.io-client's error a moment after the error was reported.
#
# Packages: socket.io-client 4.8.1 (npm). Node.js 18 or later.
# Behaviour: a client that begins with polling reports a refused request by connect_error, and error.context is its XMLHttpRequest. In the
# handler error.context.responseText is the body of the answer; one turn of the event loop later, where whoever awaits
# events.once(socket, 'connect_error') looks, it is empty, and so is what a logger finds that keeps the error for later. The status stays
# in error.description. So a server that tells in the body what to do is heard only by a handler that reads it at once.
# Output seen:
#   in the handler: "only websocket"
#   a moment later: ""
# Ends with 0 while it is so, with 1 when one of the two has changed.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >package.json <<'END'
{ "type": "module", "dependencies": { "socket.io-client": "4.8.1" } }
END
npm install --silent --no-audit --no-fund >&2
cat >refused.mjs <<'END'
import http from 'node:http';
import { io } from 'socket.io-client';
const server = http.createServer((request, response) => response.writeHead(400).end('only websocket'));
server.listen(0, '127.0.0.1', () => {
  const client = io(`http://127.0.0.1:${server.address().port}`, { reconnection: false });
  client.once('connect_error', (error) => {
    const at_once = error.context.responseText;
    setImmediate(() => {
      const later = error.context.responseText;
      console.log(`in the handler: ${JSON.stringify(at_once)}`);
      console.log(`a moment later: ${JSON.stringify(later)}`);
      process.exit(at_once === 'only websocket' && later === '' ? 0 : 1);
    });
  });
});
END
node refused.mjs
