// Two nodes with real WebRTC stacks find each other through the broker, with the message formats of the nodes.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import wrtc from '@roamhq/wrtc';
import { Broker } from './support/broker.mjs';
import { freshId, joinNode, received, send } from './support/node.mjs';
import { scaled, within } from './support/time.mjs';

let broker;
before(async () => {
  broker = await Broker.start();
});
after(() => broker.stop());

const kToResponder = 'ICE_CANDIDATES_EXCHANGE_INITIATOR_TO_RESPONDER';
const kToInitiator = 'ICE_CANDIDATES_EXCHANGE_RESPONDER_TO_INITIATOR';

/// One end of a session: a node's socket, a peer connection, and the id of the other node.
class Session {
  #early = [];

  constructor(socket, to, sessionId, { sends, receives }) {
    Object.assign(this, { socket, to, sessionId });
    this.refused = [];
    // On one machine host candidates are enough: no STUN server is asked.
    this.connection = new wrtc.RTCPeerConnection({ iceServers: [], bundlePolicy: 'max-bundle' });
    this.connection.onicecandidate = ({ candidate }) => {
      if (!candidate) return;
      const { candidate: sdp, sdpMid, sdpMLineIndex } = candidate;
      this.say(sends, { candidate: { sdp, sdpMid, sdpMLineIndex } });
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

  async addCandidate({ sdp, sdpMid, sdpMLineIndex }) {
    if (!this.connection.remoteDescription) return this.#early.push({ sdp, sdpMid, sdpMLineIndex });
    await this.connection.addIceCandidate({ candidate: sdp, sdpMid, sdpMLineIndex });
  }

  async setRemote(description) {
    await this.connection.setRemoteDescription(description);
    for (const candidate of this.#early.splice(0)) await this.addCandidate(candidate);
  }

  async sayDescription(type, description) {
    await this.connection.setLocalDescription(description);
    await this.say(type, { sessionDescription: { type: description.type, sdp: description.sdp } });
  }
}

/// A responder that accepts whoever comes; resolves with its session and its channel.
async function accept(socket) {
  const early = [];
  const keep = (text) => early.push(JSON.parse(text).candidate);
  socket.on(kToResponder, keep);
  const attempt = await received(socket, 'CONNECTION_ATTEMPT');
  assert.equal(attempt.sessionDescription.type, 'offer');
  const session = new Session(socket, attempt.from, attempt.sessionId, {
    sends: kToInitiator,
    receives: kToResponder,
  });
  const opened = new Promise((resolve) => {
    session.connection.ondatachannel = ({ channel }) => resolve(channel);
  });
  socket.off(kToResponder, keep);
  await session.setRemote(attempt.sessionDescription);
  for (const candidate of early) await session.addCandidate(candidate);
  await session.sayDescription('CONNECTION_ACCEPTANCE', await session.connection.createAnswer());
  return { session, channel: await opened };
}

async function connect(socket, to) {
  const session = new Session(socket, to, freshId('session'), {
    sends: kToResponder,
    receives: kToInitiator,
  });
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

const nextMessage = async (channel) => (await once(channel, 'message'))[0].data;

test('two peers open a data channel and exchange messages both ways', async () => {
  const a = await joinNode(broker.port);
  const b = await joinNode(broker.port);
  const [initiator, responder] = await within(
    scaled(30_000),
    'the data channel opens',
    Promise.all([connect(a, b.nodeId), accept(b)]),
  );

  const atResponder = nextMessage(responder.channel);
  initiator.channel.send('from initiator ü€😀');
  assert.equal(await within(scaled(10_000), 'a message', atResponder), 'from initiator ü€😀');

  const atInitiator = nextMessage(initiator.channel);
  responder.channel.send('x'.repeat(15_000));
  assert.equal(await within(scaled(10_000), 'a message', atInitiator), 'x'.repeat(15_000));

  assert.deepEqual([...initiator.session.refused, ...responder.session.refused], []);
  initiator.session.connection.close();
  responder.session.connection.close();
});

for (const type of ['CONNECTION_REFUSAL', 'INCOMING_CONNECTIONS_NOT_ALLOWED']) {
  test(`an attempt is turned down with ${type}`, async () => {
    const a = await joinNode(broker.port);
    const b = await joinNode(broker.port);
    const attempt = received(b, 'CONNECTION_ATTEMPT');
    const session = new Session(a, b.nodeId, freshId('session'), {
      sends: kToResponder,
      receives: kToInitiator,
    });
    session.connection.createDataChannel('node-messages');
    await session.sayDescription('CONNECTION_ATTEMPT', await session.connection.createOffer());
    const { from, sessionId } = await attempt;
    const refusal = received(a, type);
    const message = {
      platformFrom: 'JS',
      versionFrom: '1.0.0',
      from: b.nodeId,
      to: from,
      sessionId,
    };
    assert.equal(await send(b, type, message), 'OK');
    assert.deepEqual(await refusal, message);
    session.connection.close();
  });
}

test('an attempt towards a node that is not there is NOT_CONNECTED', async () => {
  const a = await joinNode(broker.port);
  assert.equal(
    await send(a, 'CONNECTION_ATTEMPT', { from: a.nodeId, to: freshId('nobody'), sessionId: 's' }),
    'NOT_CONNECTED',
  );
});
