/// The peers of a stack that has the W3C's interface. Runs in Node.js and, as text, in a page: no imports here.
/// `say(event)` gets what goes to the driver. `pathOf(connection)`: the kinds of candidate in use, for a stack without such statistics.
/// `toAnswer(sdp)`: what a stack has to change in its answers.
export function peersOf(RTCPeerConnection, say, { pathOf, toAnswer = (sdp) => sdp } = {}) {
  /// As docs/wire.md has it: what is not known is left out.
  const toMessage = ({ candidate, sdpMid, sdpMLineIndex }) => ({
    sdp: candidate.replace(/^a=/, ''),
    ...(sdpMid && { sdpMid }),
    ...(Number.isInteger(sdpMLineIndex) && { sdpMLineIndex }),
  });

  /// Nodes call a TURN server's credential `password`; the broker says both. All else is the stack's business.
  const toConfiguration = ({ iceServers, ...others }) => ({
    ...others,
    iceServers: iceServers.map(({ urls, username, credential }) =>
      username === undefined ? { urls } : { urls, username, credential },
    ),
  });

  async function statisticsPath(connection) {
    const stats = [...(await connection.getStats()).values()];
    const transport = stats.find(({ selectedCandidatePairId }) => selectedCandidatePairId);
    const pair = transport
      ? stats.find(({ id }) => id === transport.selectedCandidatePairId)
      : stats.find(({ type, nominated }) => type === 'candidate-pair' && nominated);
    const kind = (id) => stats.find((stat) => stat.id === id)?.candidateType;
    return { local: kind(pair?.localCandidateId), remote: kind(pair?.remoteCandidateId) };
  }

  return class Peer {
    constructor(peer, { role, configuration }) {
      this.say = (event) => say({ peer, ...event });
      this.connection = new RTCPeerConnection(toConfiguration(configuration));
      this.connection.onicecandidate = ({ candidate }) => {
        if (candidate?.candidate) this.say({ event: 'candidate', candidate: toMessage(candidate) });
      };
      this.connection.onconnectionstatechange = () => {
        if (this.connection.connectionState === 'failed') this.say({ event: 'fault', words: 'the connection failed' });
      };
      this.connection.ondatachannel = ({ channel }) => this.use(channel);
      if (role === 'initiator') this.use(this.connection.createDataChannel('node-messages'));
    }

    use(channel) {
      this.channel = channel;
      channel.binaryType = 'arraybuffer';
      channel.onmessage = ({ data }) => {
        const bytes = String.fromCharCode(...new Uint8Array(data));
        this.say({ event: 'message', data: btoa(bytes) });
      };
      let isOpen = false;
      const open = () => {
        if (!isOpen) this.say({ event: 'open' });
        isOpen = true;
      };
      channel.onopen = open;
      if (channel.readyState === 'open') open();
    }

    async offer() {
      await this.describe(await this.connection.createOffer());
    }

    async description({ type, sdp }) {
      await this.connection.setRemoteDescription({ type, sdp });
      if (type !== 'offer') return;
      const answer = await this.connection.createAnswer();
      await this.describe({ type: answer.type, sdp: toAnswer(answer.sdp) });
    }

    async describe({ type, sdp }) {
      await this.connection.setLocalDescription({ type, sdp });
      this.say({ event: 'description', type, sdp });
    }

    async candidate({ candidate: { sdp, sdpMid, sdpMLineIndex } }) {
      await this.connection.addIceCandidate({ candidate: sdp, sdpMid, sdpMLineIndex });
    }

    send({ data }) {
      this.channel.send(Uint8Array.from(atob(data), (character) => character.charCodeAt(0)).buffer);
    }

    async path() {
      this.say({ event: 'path', ...(await (pathOf ?? statisticsPath)(this.connection)) });
    }

    close() {
      this.connection.close();
    }
  };
}
