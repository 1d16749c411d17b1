/// werift: WebRTC in TypeScript alone.
import { RTCPeerConnection } from 'werift';
import { peersOf } from './w3c.mjs';
import { versionOf } from './version.mjs';

function pathOf({ iceTransports: [transport] }) {
  const pair = transport.connection.nominated;
  return { local: pair?.localCandidate.type, remote: pair?.remoteCandidate.type };
}

/// Whoever answers waits here for the other side to open SCTP, and webrtc-rs and str0m wait too unless they are the DTLS client.
const toAnswer = (sdp) => sdp.replace('a=setup:active', 'a=setup:passive');

export const start = (say) => ({
  name: `werift ${versionOf('werift')}`,
  Peer: peersOf(RTCPeerConnection, say, { pathOf, toAnswer }),
});
