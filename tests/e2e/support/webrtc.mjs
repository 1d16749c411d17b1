/// Two ends of a WebRTC connection that find each other through the broker, with the nodes' message formats.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import wrtc from '@roamhq/wrtc';
import { lineOf, toIceCandidate, toMessage } from '../../../examples/browser-node/public/candidate.mjs';
import { freshId, received, send } from './node.mjs';
import { eventually } from './time.mjs';

export const kToResponder = 'ICE_CANDIDATES_EXCHANGE_INITIATOR_TO_RESPONDER';
export const kToInitiator = 'ICE_CANDIDATES_EXCHANGE_RESPONDER_TO_INITIATOR';

const connections = new Set();

/// An open connection keeps the process alive: call it after each test, however that ended.
export function closeConnections() {
  for (const connection of connections) connection.close();
  connections.clear();
}

/// On one machine host candidates are enough: no server is asked.
const kHostOnly = { iceServers: [], bundlePolicy: 'max-bundle' };

/// One end of a session: a node's socket, a peer connection, and the id of the other node.
export class Session {
  #early = [];

  /// `as`: what becomes of a candidate before it is sent, in a node that does not keep to the form.
  constructor(
    socket,
    to,
    sessionId,
    { sends, receives },
    configuration = kHostOnly,
    as = (candidate) => candidate,
  ) {
    Object.assign(this, { socket, to, sessionId });
    this.refused = [];
    this.connection = new wrtc.RTCPeerConnection(configuration);
    connections.add(this.connection);
    this.connection.onicecandidate = ({ candidate }) => {
      const said = candidate && toMessage(candidate);
      if (!said) return;
      // The last ones may still be on their way when the channel is open and all is over.
      this.say(sends, { candidate: as(said) }).catch(({ message }) =>
        this.refused.push(`${sends}: ${message}`),
      );
    };
    socket.on(receives, (text) => {
      const { from, candidate } = JSON.parse(text);
      if (from === to) this.addCandidate(candidate);
    });
  }

  /// Every message must be taken by the broker.
  async say(type, more = {}) {
    const message = {
      platformFrom: 'JS',
      versionFrom: '1.0.0',
      from: this.socket.nodeId,
      to: this.to,
      sessionId: this.sessionId,
      ...more,
    };
    const answer = await send(this.socket, type, message);
    if (answer !== 'OK') this.refused.push(`${type}: ${answer}`);
  }

  async addCandidate(candidate) {
    if (!lineOf(candidate)) return;
    const description = this.connection.remoteDescription;
    if (description) {
      await this.connection.addIceCandidate(toIceCandidate(candidate, description.sdp));
    } else {
      this.#early.push(candidate);
    }
  }

  async setRemote(description) {
    await this.connection.setRemoteDescription(description);
    for (const candidate of this.#early.splice(0)) await this.addCandidate(candidate);
  }

  async sayDescription(type, description) {
    await this.connection.setLocalDescription(description);
    await this.say(type, { sessionDescription: { type: description.type, sdp: description.sdp } });
  }

  /// The kinds of candidate at both ends of the path in use: host, srflx, prflx or relay. Resolves once the
  /// statistics know it, which lag behind.
  async path() {
    let ends;
    await eventually('the path is known', async () => {
      const stats = [...(await this.connection.getStats()).values()];
      const used = stats.find(({ type, nominated }) => type === 'candidate-pair' && nominated);
      const kind = (id) => stats.find((stat) => stat.id === id)?.candidateType;
      ends = { local: kind(used?.localCandidateId), remote: kind(used?.remoteCandidateId) };
      return ends.local && ends.remote;
    });
    return ends;
  }
}

/// A responder that accepts whoever comes; resolves with its session and its channel.
export async function accept(socket, configuration) {
  const early = [];
  const keep = (text) => early.push(JSON.parse(text).candidate);
  socket.on(kToResponder, keep);
  const attempt = await received(socket, 'CONNECTION_ATTEMPT');
  assert.equal(attempt.sessionDescription.type, 'offer');
  const session = new Session(
    socket,
    attempt.from,
    attempt.sessionId,
    { sends: kToInitiator, receives: kToResponder },
    configuration,
  );
  const opened = new Promise((resolve) => {
    session.connection.ondatachannel = ({ channel }) => resolve(channel);
  });
  socket.off(kToResponder, keep);
  await session.setRemote(attempt.sessionDescription);
  for (const candidate of early) await session.addCandidate(candidate);
  await session.sayDescription('CONNECTION_ACCEPTANCE', await session.connection.createAnswer());
  return { session, channel: await opened };
}

export async function connect(socket, to, configuration, as) {
  const session = new Session(
    socket,
    to,
    freshId('session'),
    { sends: kToResponder, receives: kToInitiator },
    configuration,
    as,
  );
  const channel = session.connection.createDataChannel('node-messages');
  const acceptance = received(socket, 'CONNECTION_ACCEPTANCE');
  await session.sayDescription('CONNECTION_ATTEMPT', await session.connection.createOffer());
  const { sessionId, sessionDescription } = await acceptance;
  assert.equal(sessionId, session.sessionId);
  assert.equal(sessionDescription.type, 'answer');
  await session.setRemote(sessionDescription);
  if (channel.readyState !== 'open') await once(channel, 'open');
  return { session, channel };
}

export const nextMessage = async (channel) => (await once(channel, 'message'))[0].data;
