// A broker that stood still (stopped, or on a machine that was frozen) judges nobody by the time that it missed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Broker, oursOnly } from './support/broker.mjs';
import { freshId } from './support/node.mjs';
import { Opcode, joinRaw, openTransport } from './support/raw.mjs';
import { delay, scaled, within } from './support/time.mjs';

const ours = oursOnly('judges before it reads');
// What stands still is time itself, so here time has to pass.
const kStandstill = 2000;

async function joinMany(port, count) {
  const nodes = [];
  while (nodes.length < count) {
    nodes.push(...(await Promise.all(Array.from({ length: 50 }, () => joinRaw(port, freshId())))));
  }
  return nodes;
}

async function standsStill(broker, meanwhile) {
  broker.child.kill('SIGSTOP');
  await meanwhile();
  await delay(kStandstill);
  broker.child.kill('SIGCONT');
}

async function pinged(nodes) {
  for (const node of nodes) assert.equal(await node.packet(scaled(20_000)), '2');
}

const answer = async (nodes) => {
  for (const node of nodes) node.sendText('3');
};

test('600 nodes that answer a probe keep their ids, though the time for it has passed', ours, async (t) => {
  const broker = await Broker.start({ WORKERS: '1' });
  t.after(() => broker.kill());
  const holders = await joinMany(broker.port, 600);
  const newcomers = holders.map((holder) => openTransport(broker.port, { id: holder.id, version: '1', runtime: 'raw' }));
  await pinged(holders);
  await standsStill(broker, () => answer(holders));
  for (const newcomer of await Promise.all(newcomers)) {
    newcomer.sendText('40');
    assert.equal(await newcomer.packet(), '44{"message":"client already connected"}');
  }
  for (const holder of holders) assert.deepEqual(await holder.settled(), []);
  await broker.stop();
});

test('20 nodes that are probed while it is suspended keep their ids', ours, async (t) => {
  const broker = await Broker.start();
  t.after(() => broker.kill());
  const holders = await joinMany(broker.port, 50);
  const newcomers = holders.map((holder) => openTransport(broker.port, { id: holder.id, version: '1', runtime: 'raw' }));
  await standsStill(broker, async () => {});
  await pinged(holders);
  await answer(holders);
  for (const newcomer of await Promise.all(newcomers)) {
    newcomer.sendText('40');
    assert.equal(await newcomer.packet(), '44{"message":"client already connected"}');
  }
  for (const holder of holders) assert.deepEqual(await holder.settled(), []);
  await broker.stop();
});

test('heartbeats that were answered meanwhile count, and those that are not answered still end', ours, async (t) => {
  const broker = await Broker.start({ PING_INTERVAL_MS: '1000', PING_TIMEOUT_MS: '1500' });
  t.after(() => broker.kill());
  const nodes = await joinMany(broker.port, 50);
  const [mute, ...others] = nodes;
  await pinged(nodes);
  await standsStill(broker, () => answer(others));
  for (const node of others) {
    const packets = await node.settled();
    assert.ok(packets.every((packet) => packet === '2'), packets.join());
    node.sendText('3');
  }
  const packets = await within(scaled(20_000), 'the mute one is sent back', mute.sentBack(scaled(20_000)));
  assert.ok(packets.every((packet) => packet === '2'));
  await broker.stop();
});
