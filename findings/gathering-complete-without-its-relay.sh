#!/usr/bin/env bash
# Gathering that is complete, and has left out the TURN server.
#
# Packages: @roamhq/wrtc 0.10.0 (npm; libwebrtc), coturn 4.6.1 of Debian 12. Node.js 18 or later. UDP ports 17510 and 17511 on loopback.
# Behaviour: iceGatheringState "complete" is said to mean that all servers were asked. libwebrtc stops asking as soon as the connection is up: with a
# TURN server whose answers take two seconds, two peers that reach each other at once are "complete" within a tenth of a second, with candidates
# of type host only, and neither the server-reflexive nor the relayed one comes later, in no event and not in localDescription. The same peer with nobody to
# connect to gathers them all, and is complete after four seconds. So a list without a relay says nothing of the TURN server, if the
# connection was quick; and there is no relay to fall back to when the direct path fails later, short of an ICE restart.
# Output seen:
#   alone: host srflx relay, complete after seconds
#   connected at once: host, complete within a second
#   six seconds later: host
# Ends with 0 while it is so, with 1 when one of them has changed, with 2 if it could not be tried.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export PATH="$PATH:/usr/sbin"
cat >package.json <<'END'
{ "type": "module", "dependencies": { "@roamhq/wrtc": "0.10.0" } }
END
npm install --silent --no-audit --no-fund >&2
cat >gather.mjs <<'END'
import { spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as passed } from 'node:timers/promises';
import wrtc from '@roamhq/wrtc';

const kServer = 17510;
const kSlowServer = 17511;
const kEachWayMs = 1000;

const server = spawn('turnserver', [
  '-n', '--listening-ip', '127.0.0.1', '--relay-ip', '127.0.0.1', '--listening-port', String(kServer), '--allow-loopback-peers',
  '--lt-cred-mech', '--user', 'a:b', '--realm', 'r', '--no-tls', '--no-dtls', '--no-cli', '--verbose', '--log-file', 'stdout', '--simple-log',
  '--pidfile', './pid', '--userdb', './users',
]);
process.on('exit', () => server.kill());
process.on('uncaughtException', (error) => {
  console.error(`could not be tried: ${error.message}`);
  process.exit(2);
});
server.on('exit', (code) => {
  console.error(`could not be tried: turnserver ended with ${code}`);
  process.exit(2);
});
let said = '';
while (!said.includes('UDP listener opened')) said += (await once(server.stdout, 'data'))[0];
server.stdout.resume();

// The long way to it.
const front = dgram.createSocket('udp4');
const ways = new Map();
front.on('message', (packet, { port, address }) => {
  if (!ways.has(port)) {
    const way = dgram.createSocket('udp4');
    way.on('message', (answer) => setTimeout(() => front.send(answer, port, address), kEachWayMs));
    ways.set(port, way);
  }
  setTimeout(() => ways.get(port).send(packet, kServer, '127.0.0.1'), kEachWayMs);
});
front.bind(kSlowServer, '127.0.0.1');

async function gather(other) {
  const one = new wrtc.RTCPeerConnection({
    iceServers: [{ urls: `turn:127.0.0.1:${kSlowServer}?transport=udp`, username: 'a', credential: 'b' }],
  });
  const types = new Set();
  one.onicecandidate = ({ candidate }) => {
    if (!candidate) return;
    types.add(/ typ (\w+)/.exec(candidate.candidate)[1]);
    other?.addIceCandidate(candidate);
  };
  const isComplete = new Promise((resolve) => {
    one.onicegatheringstatechange = () => one.iceGatheringState === 'complete' && resolve();
  });
  const channel = one.createDataChannel('c');
  const isOpen = new Promise((resolve) => (channel.onopen = resolve));
  const start = Date.now();
  await one.setLocalDescription(await one.createOffer());
  if (other) {
    other.onicecandidate = ({ candidate }) => candidate && one.addIceCandidate(candidate);
    await other.setRemoteDescription(one.localDescription);
    await other.setLocalDescription(await other.createAnswer());
    await one.setRemoteDescription(other.localDescription);
    await isOpen;
  }
  await isComplete;
  const seconds = (Date.now() - start) / 1000;
  const first = [...types].join(' ');
  await passed(6 * kEachWayMs);
  const written = one.localDescription.sdp.matchAll(/ typ (\w+)/g);
  const later = [...new Set([...types, ...[...written].map(([, type]) => type)])].join(' ');
  one.close();
  other?.close();
  return { first, seconds, later };
}

const alone = await gather(null);
console.log(`alone: ${alone.first}, complete after ${alone.seconds > 2 ? 'seconds' : 'less than two seconds'}`);
const connected = await gather(new wrtc.RTCPeerConnection());
console.log(`connected at once: ${connected.first}, complete ${connected.seconds < 1 ? 'within a second' : 'after more than a second'}`);
console.log(`six seconds later: ${connected.later}`);
server.removeAllListeners('exit');
const is = alone.first === 'host srflx relay' && alone.seconds > 2 && connected.first === 'host' && connected.seconds < 1 && connected.later === 'host';
process.exit(is ? 0 : 1);
END
timeout 120 node gather.mjs
