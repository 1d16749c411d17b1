#!/usr/bin/env bash
# A query that is right in every other client loses its end in Java's.
#
# Packages: io.socket:socket.io-client 2.1.2 (Maven Central, the last release), socket.io and socket.io-client 4.8.4 (npm).
# Behaviour: a URL's query may hold `=` in a value (RFC 3986 3.4), and base64 ends with it, so one would expect `setQuery` to
# leave it, or the client to encode it as npm's does. It takes the query apart and puts it together again: it splits each pair at every `=` and takes the first
# two parts, so a value ends at its first `=`; it decodes what is left as a form, so `+` becomes a blank. The server gets a
# shorter token, and no one an error. Encoded twice it is not: `%3D` and `%2B` arrive as `=` and `+`.
# Output seen:
#   token=ab+c/d==: npm's client gives "ab+c/d==", Java's "ab c/d"
#   token=ab%2Bc%2Fd%3D%3D: npm's client gives "ab+c/d==", Java's "ab+c/d=="
# Needs a JDK, Maven, Node.js. Ends with 0 while it is so, with 1 when one of them has changed.
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
cat >Ask.java <<'END'
import io.socket.client.IO;

public class Ask {
  public static void main(String[] arguments) throws Exception {
    IO.Options options = IO.Options.builder().setTransports(new String[] {"websocket"}).setQuery(arguments[1]).build();
    IO.socket(arguments[0], options).connect();
  }
}
END
javac -cp 'lib/*' Ask.java
cat >server.mjs <<'END'
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { Server } from 'socket.io';
import { io as connect } from 'socket.io-client';

const server = http.createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
const io = new Server(server, { transports: ['websocket'] });
const url = `http://127.0.0.1:${server.address().port}`;
const given = () => new Promise((resolve) => io.once('connection', (socket) => resolve(socket.handshake.query.token)));
let isAsSeen = true;
for (const [query, fromNpm, fromJava] of [
  ['token=ab+c/d==', 'ab+c/d==', 'ab c/d'],
  ['token=ab%2Bc%2Fd%3D%3D', 'ab+c/d==', 'ab+c/d=='],
]) {
  const npm = given();
  const socket = connect(`${url}/?${query}`, { transports: ['websocket'], forceNew: true });
  const npmGives = await npm;
  socket.close();
  const java = given();
  const child = spawn('java', ['-cp', 'lib/*:.', 'Ask', url, query], { stdio: 'ignore' });
  const javaGives = await java;
  child.kill('SIGKILL');
  console.log(`${query}: npm's client gives ${JSON.stringify(npmGives)}, Java's ${JSON.stringify(javaGives)}`);
  isAsSeen &&= npmGives === fromNpm && javaGives === fromJava;
}
process.exit(isAsSeen ? 0 : 1);
END
node server.mjs
