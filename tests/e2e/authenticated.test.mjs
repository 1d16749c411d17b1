// AUTHENTICATED: the one event that follows a CONNECT.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Broker, oursOnly } from './support/broker.mjs';
import { freshId, joinNode, nodeQuery } from './support/node.mjs';
import { connectRaw, joinRaw, kUpgradeQuery, upgrade } from './support/raw.mjs';

let broker;
before(async () => {
  broker = await Broker.start();
});
after(() => broker.stop());

test('follows the CONNECT reply, once, with one string and no ack id', async () => {
  const query = `${kUpgradeQuery}&${nodeQuery({ id: freshId(), version: '1', runtime: 'raw' })}`;
  const { socket } = await upgrade(broker.port, { query });
  assert.match(await socket.packet(), /^0\{/);
  socket.sendText('40');
  assert.match(await socket.packet(), /^40\{"sid":"[A-Za-z0-9_-]{20}"\}$/);
  const packet = await socket.packet();
  assert.ok(packet.startsWith('42["AUTHENTICATED","'), packet);
  const event = JSON.parse(packet.slice(2));
  assert.equal(event.length, 2);
  assert.equal(typeof event[1], 'string');
  assert.equal(typeof JSON.parse(event[1]), 'object');
  assert.deepEqual(await socket.settled(), []);
});

test('is a configuration that nodes understand', oursOnly('has a pool of candidates'), async () => {
  const node = await joinNode(broker.port);
  const { iceServers, ...rest } = await node.authenticated;
  assert.ok(Array.isArray(iceServers) && iceServers.length > 0);
  for (const server of iceServers) {
    assert.ok(Array.isArray(server.urls) && server.urls.every((url) => typeof url === 'string'));
  }
  assert.deepEqual(rest, {
    iceTransportPolicy: 'all',
    bundlePolicy: 'max-bundle',
    rtcpMuxPolicy: 'require',
  });
});

test("names Google's STUN servers by default", oursOnly('names a public TURN server'), async () => {
  const node = await joinNode(broker.port);
  const { iceServers } = await node.authenticated;
  assert.deepEqual(
    iceServers.flatMap((server) => server.urls),
    ['stun:stun.l.google.com:19302', 'stun:stun1.l.google.com:19302'],
  );
});

test('is sent again after every CONNECT of the same transport', async () => {
  const node = await joinRaw(broker.port, freshId());
  for (let i = 0; i < 2; ++i) {
    node.sendText('41');
    await node.settled();
    await connectRaw(node);
    assert.ok(node.configuration.iceServers.length > 0);
  }
});

test('comes with P2P_CONNECTION_ENABLED=false too', async () => {
  const relaying = await Broker.start({ P2P_CONNECTION_ENABLED: 'false' });
  const node = await joinRaw(relaying.port, freshId());
  assert.ok(node.configuration.iceServers.length > 0);
  await relaying.stop();
});
