#!/usr/bin/env bash
# A server says goodbye, and the client does not hear it.
#
# Packages: io.socket:socket.io-client 2.1.2 (Maven Central, the last release; with OkHttp 3.12.12), socket.io and socket.io-client 4.8.4 (npm).
# Behaviour: a WebSocket close frame (here 1001, "going away") obliges the other end to answer with one of its own and be closed (RFC 6455 5.5.1).
# OkHttp hands the frame to `onClosing`, and leaves it to the application to call `close`; engine.io-client for Java implements only
# `onClosed`, which OkHttp calls after that. So the client sends no answer, reports nothing, and `connected()` stays true until it misses a
# ping, by default 45 s later. Neither library is wrong by itself. A bare end of TCP it notices at once, as the other does both.
# Output seen (pingInterval 1 s, pingTimeout 4 s):
#   close frame: npm after 0.0 s (transport close), Java after 4 to 5 s (ping timeout)
#   end of TCP: npm after 0.0 s (transport close), Java after 0.0 s (transport error)
# Needs a JDK, Maven, Node.js. Ends with 0 while it is so, with 1 once the Java client hears a close frame within a second.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund socket.io@4.8.4 socket.io-client@4.8.4 >&2
cat >pom.xml <<'END'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>x</groupId><artifactId>x</artifactId><version>0</version><packaging>pom</packaging>
  <dependencies><dependency><groupId>io.socket</groupId><artifactId>socket.io-client</artifactId><version>2.1.2</version></dependency></dependencies>
</project>
END
mvn --quiet --batch-mode org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies -DoutputDirectory=lib >&2
cat >Listen.java <<'END'
import io.socket.client.IO;
import io.socket.client.Socket;

public class Listen {
  public static void main(String[] arguments) throws Exception {
    IO.Options options =
        IO.Options.builder().setTransports(new String[] {"websocket"}).setReconnection(false).setQuery("name=java").build();
    Socket socket = IO.socket(arguments[0], options);
    socket.on(Socket.EVENT_DISCONNECT, why -> {
      System.out.println(why[0]);
      System.exit(0);
    });
    socket.connect();
  }
}
END
javac -cp 'lib/*' Listen.java
cat >server.mjs <<'END'
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { Server } from 'socket.io';
import { io as connect } from 'socket.io-client';

const server = http.createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
const io = new Server(server, { transports: ['websocket'], pingInterval: 1000, pingTimeout: 4000 });
const url = `http://127.0.0.1:${server.address().port}`;
const endings = {
  'close frame': (socket) => socket.conn.transport.socket.close(1001, 'going away'),
  'end of TCP': (socket) => socket.conn.transport.socket._socket.end(),
};
let isAsSeen = true;
for (const [name, end] of Object.entries(endings)) {
  const heard = {};
  const begun = {};
  const both = new Promise((resolve) => {
    const hear = (who, why) => {
      heard[who] = { why, seconds: (Date.now() - begun[who]) / 1000 };
      if (heard.npm && heard.java) resolve();
    };
    io.removeAllListeners('connection');
    io.on('connection', (socket) => {
      const who = socket.handshake.query.name;
      begun[who] = Date.now();
      end(socket);
    });
    connect(url, { transports: ['websocket'], reconnection: false, forceNew: true, query: { name: 'npm' } }).on('disconnect', (why) =>
      hear('npm', why),
    );
    const java = spawn('java', ['-cp', 'lib/*:.', 'Listen', url], { stdio: ['ignore', 'pipe', 'ignore'] });
    java.stdout.once('data', (why) => hear('java', String(why).trim()));
  });
  await both;
  const said = ({ why, seconds }) => `after ${seconds.toFixed(1)} s (${why})`;
  console.log(`${name}: npm ${said(heard.npm)}, Java ${said(heard.java)}`);
  const isLate = heard.java.seconds > 2 && heard.java.why === 'ping timeout';
  isAsSeen &&= heard.npm.seconds < 1 && isLate === (name === 'close frame');
}
process.exit(isAsSeen ? 0 : 1);
END
node server.mjs
