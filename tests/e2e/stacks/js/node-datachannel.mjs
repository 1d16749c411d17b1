/// node-datachannel: libdatachannel and libjuice in Node.js, by its own interface.
import { PeerConnection } from 'node-datachannel';
import { versionOf } from './version.mjs';

const kRelayTypes = { udp: 'TurnUdp', tcp: 'TurnTcp' };

/// It takes STUN servers as URLs, TURN servers in parts.
function toServers({ urls, username, credential }) {
  return urls.map((url) => {
    const [, scheme, hostname, port, transport = 'udp'] =
      /^(\w+):(.+?)(?::(\d+))?(?:\?transport=(\w+))?$/.exec(url);
    if (scheme.startsWith('stun')) return url;
    const relayType = scheme === 'turns' ? 'TurnTls' : kRelayTypes[transport];
    return { hostname, port: Number(port ?? 3478), username, password: credential, relayType };
  });
}

class Peer {
  constructor(peer, { role, configuration: { iceServers, iceTransportPolicy } }, say) {
    this.say = (event) => say({ peer, ...event });
    this.connection = new PeerConnection(peer, {
      iceServers: iceServers.flatMap(toServers),
      iceTransportPolicy,
    });
    this.connection.onLocalDescription((sdp, type) => this.say({ event: 'description', type, sdp }));
    this.connection.onLocalCandidate((line, mid) => {
      // Its lines are those of a description, and it does not number the sections: there is one.
      this.say({ event: 'candidate', candidate: { sdp: line.replace(/^a=/, ''), sdpMid: mid, sdpMLineIndex: 0 } });
    });
    this.connection.onStateChange((state) => {
      if (state === 'failed') this.say({ event: 'fault', words: 'the connection failed' });
    });
    this.connection.onDataChannel((channel) => this.use(channel));
    this.role = role;
  }

  use(channel) {
    this.channel = channel;
    channel.onMessage((data) => this.say({ event: 'message', data: Buffer.from(data).toString('base64') }));
    let isOpen = false;
    const open = () => {
      if (!isOpen) this.say({ event: 'open' });
      isOpen = true;
    };
    channel.onOpen(open);
    if (channel.isOpen()) open();
  }

  /// The first channel makes the offer.
  offer() {
    this.use(this.connection.createDataChannel('node-messages'));
  }

  description({ type, sdp }) {
    this.connection.setRemoteDescription(sdp, type);
  }

  candidate({ candidate: { sdp, sdpMid = '0' } }) {
    this.connection.addRemoteCandidate(sdp, sdpMid);
  }

  send({ data }) {
    this.channel.sendMessageBinary(Buffer.from(data, 'base64'));
  }

  path() {
    const pair = this.connection.getSelectedCandidatePair();
    this.say({ event: 'path', local: pair?.local.type, remote: pair?.remote.type });
  }

  close() {
    this.connection.close();
  }
}

export const start = (say) => ({
  name: `node-datachannel ${versionOf('node-datachannel')}`,
  Peer: class extends Peer {
    constructor(peer, options) {
      super(peer, options, say);
    }
  },
});
