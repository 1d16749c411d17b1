// Two nodes with real WebRTC stacks find each other through the broker, with the message formats of the nodes.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { Broker } from './support/broker.mjs';
import { freshId, joinNode, received, send } from './support/node.mjs';
import { scaled, within } from './support/time.mjs';
import {
  accept,
  closeConnections,
  connect,
  kToInitiator,
  kToResponder,
  nextMessage,
  Session,
} from './support/webrtc.mjs';

let broker;
before(async () => {
  broker = await Broker.start();
});
after(() => broker.stop());
afterEach(closeConnections);

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
});

for (const type of ['CONNECTION_REFUSAL', 'INCOMING_CONNECTIONS_NOT_ALLOWED']) {
  test(`an attempt is declined with ${type}`, async () => {
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
  });
}

test('an attempt towards a node that is not there is NOT_CONNECTED', async () => {
  const a = await joinNode(broker.port);
  assert.equal(
    await send(a, 'CONNECTION_ATTEMPT', { from: a.nodeId, to: freshId('nobody'), sessionId: 's' }),
    'NOT_CONNECTED',
  );
});
