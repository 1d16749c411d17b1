/// @roamhq/wrtc: Google's libwebrtc in Node.js.
import wrtc from '@roamhq/wrtc';
import { peersOf } from './w3c.mjs';
import { versionOf } from './version.mjs';

export const start = (say) => ({ name: `@roamhq/wrtc ${versionOf('@roamhq/wrtc')}`, Peer: peersOf(wrtc.RTCPeerConnection, say) });
