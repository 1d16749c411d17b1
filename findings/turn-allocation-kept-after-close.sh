#!/usr/bin/env bash
# A relay that outlives its connection.
#
# Packages: werift 0.24.4 (npm), coturn 4.6.1 of Debian 12. Node.js 18 or later. UDP ports 17530 to 17532 on loopback.
# Behaviour: a client that is done releases its TURN allocation by a Refresh with the lifetime 0 (RFC 8656, section 8). werift sends none when its
# connection is closed, so coturn keeps the allocation, and counts it in its quotas, for the ten minutes of its lifetime. Whoever is given the same port by the
# system meanwhile is answered 437 (Allocation Mismatch), after which a client should try another port (section 7.4). werift turns to TCP instead, also with
# ?transport=udp; where the server has no TCP it gathers no relay candidate, and reports no error. A program that opens many connections one after the other meets this by chance.
# Output seen:
#   first connection: 1 relay candidate
#   after its close: not released
#   second connection from the same port: 0 relay candidates, 437
# Ends with 0 while it is so, with 1 when one of them has changed, with 2 if it could not be tried.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export PATH="$PATH:/usr/sbin"
cat >package.json <<'END'
{ "type": "module", "dependencies": { "werift": "0.24.4" } }
END
npm install --silent --no-audit --no-fund >&2
cat >allocate.mjs <<'END'
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as passed } from 'node:timers/promises';
import { RTCPeerConnection } from 'werift';

const kServer = 17530;
const kPort = 17531;

const server = spawn('turnserver', [
  '-n', '--listening-ip', '127.0.0.1', '--relay-ip', '127.0.0.1', '--listening-port', String(kServer), '--allow-loopback-peers',
  '--lt-cred-mech', '--user', 'a:b', '--realm', 'r', '--no-tls', '--no-dtls', '--no-cli', '--verbose', '--log-file', 'stdout', '--simple-log',
  '--pidfile', './pid', '--userdb', './users', '--no-tcp',
]);
const impossible = (why) => {
  console.error(`could not be tried: ${why}`);
  process.exit(2);
};
process.on('exit', () => server.kill());
server.on('error', ({ message }) => impossible(message));
server.on('exit', (code) => impossible(`turnserver ended with ${code}`));
let said = '';
server.stdout.on('data', (bytes) => (said += bytes));
while (!said.includes('UDP listener opened')) await once(server.stdout, 'data');

async function relays() {
  const connection = new RTCPeerConnection({
    iceServers: [{ urls: `turn:127.0.0.1:${kServer}?transport=udp`, username: 'a', credential: 'b' }],
    iceTransportPolicy: 'relay',
    icePortRange: [kPort, kPort + 1],
  });
  let number = 0;
  connection.onIceCandidate.subscribe((candidate) => (number += candidate?.candidate.includes(' typ relay') ? 1 : 0));
  connection.createDataChannel('c');
  const isSet = connection.createOffer().then((offer) => connection.setLocalDescription(offer));
  await Promise.race([isSet.catch(() => {}), passed(5000)]);
  await passed(200);
  await connection.close();
  await passed(1000);
  return number;
}

const first = await relays();
const isReleased = /lifetime=0/.test(said);
const before = said.length;
const second = await relays();
const isMismatch = said.slice(before).includes('error 437');
console.log(`first connection: ${first} relay candidate${first === 1 ? '' : 's'}`);
console.log(`after its close: ${isReleased ? 'released' : 'not released'}`);
console.log(`second connection from the same port: ${second} relay candidates${isMismatch ? ', 437' : ''}`);
if (process.env.DEBUG) console.error(said);
server.removeAllListeners('exit');
process.exit(first === 1 && !isReleased && second === 0 && isMismatch ? 0 : 1);
END
timeout 120 node allocate.mjs
