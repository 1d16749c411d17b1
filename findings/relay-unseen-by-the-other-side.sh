#!/usr/bin/env bash
# A relayed connection that looks direct in the statistics of one of its two sides.
#
# Packages: Chromium 156 and coturn 4.6.1 of Debian 12; playwright-core 1.58.0 (npm). Node.js 18 or later.
# Behaviour: one side uses nothing but its TURN server, and its candidates reach the other side only after the first packets through the relay,
# as with any signalling that is slower than the media path. One would look for candidateType "relay" at either end of the selected pair. The
# other side has "prflx" there, without an address (browsers keep that of a peer-reflexive candidate to themselves), but with its port.
# Once the candidate has been signalled it is "relay", without a selectedcandidatepairchange: whoever looked before does not learn of it.
# Behind a NAT (coturn's --external-ip, where the relay sends from another address than the one it names) both ends are "prflx" for good;
# the side that has the relay tells it by `relayProtocol`, the other one has nothing but the port, which is that of the relay candidate.
# Output seen:
#   late candidate, before it came: own relay, other side's prflx '' (port of the relay)
#   late candidate, after it came:  own relay, other side's relay 127.0.0.1 (port of the relay)
#   relay behind a NAT: own prflx (relayProtocol udp), other side's prflx '' (port of the relay)
# Ends with 0 while it is so, with 1 when one of the three has changed.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export PATH="$PATH:/usr/sbin"
cat >package.json <<'END'
{ "type": "module", "dependencies": { "playwright-core": "1.58.0" } }
END
npm install --silent --no-audit --no-fund >&2
cat >relay.mjs <<'END'
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chromium } from 'playwright-core';

async function turnServer(port, more) {
  const server = spawn('turnserver', [
    '-n', '--listening-ip', '127.0.0.1', '--relay-ip', '127.0.0.1', '--listening-port', String(port), '--allow-loopback-peers',
    '--lt-cred-mech', '--user', 'a:b', '--realm', 'r', '--no-tls', '--no-dtls', '--no-cli', '--verbose', '--log-file', 'stdout', '--simple-log',
    '--pidfile', `./pid-${port}`, '--userdb', `./users-${port}`, ...more,
  ]);
  let said = '';
  while (!said.includes('UDP listener opened')) said += (await once(server.stdout, 'data'))[0];
  server.stdout.resume();
  return server;
}

/// In the page: two connections, of which the first one uses the TURN server only. What each says of the pair in use, before and after the
/// second one has been told the first one's candidates.
async function meet(port) {
  const iceServers = [{ urls: `turn:127.0.0.1:${port}?transport=udp`, username: 'a', credential: 'b' }];
  const one = new RTCPeerConnection({ iceServers, iceTransportPolicy: 'relay' });
  // On loopback it needs to know the address that it sends from, for the TURN server to let it in.
  const other = new RTCPeerConnection({ iceServers: [{ urls: `stun:127.0.0.1:${port}` }] });
  const late = [];
  one.onicecandidate = ({ candidate }) => candidate && late.push(candidate);
  let isAnswered;
  const answered = new Promise((resolve) => (isAnswered = resolve));
  other.onicecandidate = ({ candidate }) => candidate && answered.then(() => one.addIceCandidate(candidate));
  const channel = one.createDataChannel('c');
  const open = new Promise((resolve) => (channel.onopen = resolve));
  await one.setLocalDescription();
  // Without the candidates that stand in it.
  const sdp = one.localDescription.sdp.replace(/^a=candidate.*\r\n/gm, '');
  await other.setRemoteDescription({ type: 'offer', sdp });
  await other.setLocalDescription();
  await one.setRemoteDescription(other.localDescription);
  isAnswered();
  await open;
  const ends = async (connection) => {
    for (;;) {
      const stats = await connection.getStats();
      const id = [...stats.values()].find(({ selectedCandidatePairId }) => selectedCandidatePairId)?.selectedCandidatePairId;
      const pair = stats.get(id);
      if (pair && stats.has(pair.localCandidateId) && stats.has(pair.remoteCandidateId)) {
        return { local: stats.get(pair.localCandidateId), remote: stats.get(pair.remoteCandidateId) };
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const brief = ({ candidateType, address, port: at, relayProtocol }) => ({ candidateType, address: address ?? '', at, relayProtocol });
  const own = brief((await ends(one)).local);
  const before = brief((await ends(other)).remote);
  for (const candidate of late) await other.addIceCandidate(candidate);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const after = brief((await ends(other)).remote);
  return { own, before, after, relayPort: late.find(({ type }) => type === 'relay').port };
}

const servers = [await turnServer(23801, []), await turnServer(23802, ['--external-ip', '203.0.113.7/127.0.0.1'])];
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-features=WebRtcHideLocalIpsWithMdns'],
});
const page = await browser.newPage();
const late = await page.evaluate(meet, 23801);
const nat = await page.evaluate(meet, 23802);
await browser.close();
for (const server of servers) server.kill('SIGKILL');

const port = ({ at }, { relayPort }) => (at === relayPort ? 'port of the relay' : `port ${at}`);
const lines = [
  `late candidate, before it came: own ${late.own.candidateType}, other side's ${late.before.candidateType} '${late.before.address}' (${port(late.before, late)})`,
  `late candidate, after it came:  own ${late.own.candidateType}, other side's ${late.after.candidateType} ${late.after.address} (${port(late.after, late)})`,
  `relay behind a NAT: own ${nat.own.candidateType} (relayProtocol ${nat.own.relayProtocol}), other side's ${nat.after.candidateType} '${nat.after.address}' (${port(nat.after, nat)})`,
];
console.log(lines.join('\n'));
const seen = [
  "late candidate, before it came: own relay, other side's prflx '' (port of the relay)",
  "late candidate, after it came:  own relay, other side's relay 127.0.0.1 (port of the relay)",
  "relay behind a NAT: own prflx (relayProtocol udp), other side's prflx '' (port of the relay)",
];
process.exit(lines.every((line, i) => line === seen[i]) ? 0 : 1);
END
node relay.mjs
