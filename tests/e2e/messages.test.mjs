// What docs/messages.md shows is what nodes say: its example goes through the broker, and WebRTC and the browser node understand it.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import wrtc from '@roamhq/wrtc';
import { lineOf, toIceCandidate } from '../../examples/browser-node/public/candidate.mjs';
import { Assembler, toParts } from '../../examples/browser-node/public/messages.mjs';
import { Broker, repository } from './support/broker.mjs';
import { joinNode, received } from './support/node.mjs';
import { scaled } from './support/time.mjs';

const page = fs.readFileSync(path.join(repository, 'docs/messages.md'), 'utf8');
const blocks = Array.from(page.matchAll(/^```\n(.*?)^```$/gms), ([, text]) => text);

/// The messages of the negotiation that the page shows: who says what, as text and as an object.
const kSaid = blocks
  .find((block) => block.startsWith('alice CONNECTION_ATTEMPT'))
  .match(/^\w+ \w+\n.+$/gm)
  .map((two) => {
    const [head, text] = two.split('\n');
    const [from, type] = head.split(' ');
    return { from, type, text, message: JSON.parse(text) };
  });
const saidBy = (who) => kSaid.filter(({ from }) => from === who).map(({ message }) => message);

let broker;
before(async () => {
  broker = await Broker.start();
});
after(() => broker.stop());

test('the negotiation of the page goes through the broker as it stands there', async () => {
  const nodes = { alice: await joinNode(broker.port, 'alice'), bob: await joinNode(broker.port, 'bob') };
  for (const { from, type, text, message } of kSaid) {
    assert.equal(message.from, from);
    const arrived = received(nodes[message.to], type);
    assert.equal(await nodes[from].timeout(scaled(10_000)).emitWithAck(type, text), 'OK');
    assert.deepEqual(await arrived, message);
  }
});

test('it has an offer, an answer, and candidates of both sides, in this order', () => {
  assert.deepEqual(
    [...new Set(kSaid.map(({ from, type }) => `${from} ${type}`))],
    [
      'alice CONNECTION_ATTEMPT',
      'bob CONNECTION_ACCEPTANCE',
      'alice ICE_CANDIDATES_EXCHANGE_INITIATOR_TO_RESPONDER',
      'bob ICE_CANDIDATES_EXCHANGE_RESPONDER_TO_INITIATOR',
    ],
  );
});

for (const who of ['alice', 'bob']) {
  test(`each message of ${who} has the members that the page lists, and no others`, () => {
    for (const { sessionDescription, candidate, ...common } of saidBy(who)) {
      assert.deepEqual(Object.keys(common), ['platformFrom', 'versionFrom', 'from', 'to', 'sessionId']);
      for (const value of Object.values(common)) assert.equal(typeof value, 'string');
      assert.notEqual(sessionDescription === undefined, candidate === undefined);
      if (sessionDescription) assert.deepEqual(Object.keys(sessionDescription), ['type', 'sdp']);
      else assert.deepEqual(Object.keys(candidate), ['sdp', 'sdpMid', 'sdpMLineIndex']);
    }
  });

  test(`each candidate of ${who} is in the form that it is sent in`, () => {
    const [{ sessionDescription }, ...others] = saidBy(who);
    for (const { candidate } of others) {
      const { sdp, ...section } = candidate;
      assert.equal(lineOf(candidate), sdp);
      assert.deepEqual(toIceCandidate(candidate, sessionDescription.sdp), { candidate: sdp, ...section });
    }
  });
}

test('a WebRTC stack accepts the offer and its candidates', async (t) => {
  const [{ sessionDescription }, ...others] = saidBy('alice');
  const connection = new wrtc.RTCPeerConnection({ iceServers: [] });
  t.after(() => connection.close());
  await connection.setRemoteDescription(sessionDescription);
  for (const { candidate } of others) {
    await connection.addIceCandidate(toIceCandidate(candidate, sessionDescription.sdp));
  }
  assert.match((await connection.createAnswer()).sdp, /^m=application .* webrtc-datachannel\r$/m);
});

test('the message of the page over the data channel is what the browser node sends and reads', () => {
  const bytes = Buffer.from(blocks.find((block) => /^[0-9a-f]+\n$/.test(block)).trim(), 'hex');
  assert.deepEqual(toParts('hello, bob', { msgId: 0, channel: 'chat' }).map((part) => Buffer.from(part)), [bytes]);
  assert.deepEqual(new Assembler().add(bytes), { channel: 'chat', text: 'hello, bob' });
  assert.ok(page.includes(`${bytes.length} bytes`));
});
