/// node-datachannel by its imitation of the W3C's interface.
import { RTCPeerConnection } from 'node-datachannel/polyfill';
import { peersOf } from './w3c.mjs';
import { versionOf } from './version.mjs';

export const start = (say) => ({
  name: `node-datachannel/polyfill ${versionOf('node-datachannel')}`,
  Peer: peersOf(RTCPeerConnection, say),
});
