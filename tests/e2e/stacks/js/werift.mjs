/// werift: WebRTC in TypeScript alone.
import { RTCPeerConnection } from 'werift';
import { peersOf } from './w3c.mjs';
import { versionOf } from './version.mjs';

function pathOf({ iceTransports: [transport] }) {
  const pair = transport.connection.nominated;
  return { local: pair?.localCandidate.type, remote: pair?.remoteCandidate.type };
}

export const start = (say) => ({ name: `werift ${versionOf('werift')}`, Peer: peersOf(RTCPeerConnection, say, pathOf) });
