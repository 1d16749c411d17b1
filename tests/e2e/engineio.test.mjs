// Engine.IO protocol 4: the open packet, heartbeats and packet types.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Broker, isPeer } from './support/broker.mjs';
import { freshId } from './support/node.mjs';
import { Pair } from './support/pair.mjs';
import { connectRaw, frame, joinRaw, Opcode, openTransport } from './support/raw.mjs';
import { scaled } from './support/time.mjs';

let broker;
let pair;
before(async () => {
  broker = await Broker.start();
  pair = await Pair.join(broker.port);
});
after(() => broker.stop());

const join = () => joinRaw(broker.port, freshId());

test('the open packet comes first, with its members in order', async () => {
  const transport = await openTransport(broker.port);
  assert.match(
    transport.openPacket,
    /^0\{"sid":"[A-Za-z0-9_-]{20}","upgrades":\[\],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000\}$/,
  );
});

test('the sid of the transport is not that of the session, and each is new', async () => {
  const seen = new Set();
  for (let i = 0; i < 5; ++i) {
    const transport = await openTransport(broker.port, {
      id: freshId(),
      version: '1',
      runtime: 'raw',
    });
    seen.add(JSON.parse(transport.openPacket.slice(1)).sid);
    transport.sendText('40');
    seen.add(JSON.parse((await transport.packet()).slice(2)).sid);
  }
  assert.equal(seen.size, 10);
});

describe('closed with 1005, the id is free', () => {
  for (const packet of ['2', '2probe', '7', '8', 'x', '']) {
    test(`on ${JSON.stringify(packet)}`, async () => {
      const node = await join();
      node.sendText(packet);
      await node.expectClose();
      await pair.seesLeave(node.id);
    });
  }

  test('also before CONNECT', async () => {
    const transport = await openTransport(broker.port);
    transport.sendText('2probe');
    await transport.expectClose();
  });
});

describe('ignored, the node stays', () => {
  for (const packet of ['0', '0{"sid":"x"}', '1', '5', '6', '6noop', '3', '3probe']) {
    test(`on ${JSON.stringify(packet)}`, async () => {
      const node = await join();
      node.sendText(packet);
      assert.deepEqual(await node.settled(), []);
      assert.deepEqual(await node.emit('ARE_NODES_CONNECTED_TO_BROKER', '{"ids":[]}'), [
        '{"results":[]}',
      ]);
    });
  }
});

describe('binary', () => {
  // A binary event of an unknown name is ignored, so what follows tells that its attachment was taken.
  const expectTaken = async (node) => {
    assert.deepEqual(await node.emit('ARE_NODES_CONNECTED_TO_BROKER', '{"ids":[]}'), [
      '{"results":[]}',
    ]);
  };

  test('comes as a binary frame', async () => {
    const node = await join();
    node.sendText('451-["FOO",{"_placeholder":true,"num":0}]');
    node.send(frame(Buffer.of(1, 2, 3), { opcode: Opcode.binary }));
    await expectTaken(node);
  });

  test('comes in text form, as b and base64', async () => {
    const node = await join();
    node.sendText('451-["FOO",{"_placeholder":true,"num":0}]');
    node.sendText('bAQID');
    await expectTaken(node);
  });
});

describe('heartbeat', { concurrency: true }, () => {
  const interval = isPeer ? 25_000 : scaled(1000);
  const timeout = isPeer ? 20_000 : scaled(800);
  const tolerance = scaled(400);
  let beating;
  before(async () => {
    beating = isPeer
      ? broker
      : await Broker.start({
          PING_INTERVAL_MS: String(interval),
          PING_TIMEOUT_MS: String(timeout),
          HANDSHAKE_TIMEOUT_MS: '600000',
        });
  });
  after(() => (isPeer ? undefined : beating.stop()));

  const patience = interval + timeout + scaled(10_000);
  const near = (milliseconds, expected) =>
    assert.ok(
      Math.abs(milliseconds - expected) < tolerance,
      `${milliseconds} ms, not about ${expected} ms`,
    );

  test('is announced in the open packet', async () => {
    const transport = await openTransport(beating.port);
    const { pingInterval, pingTimeout } = JSON.parse(transport.openPacket.slice(1));
    assert.deepEqual([pingInterval, pingTimeout], [interval, timeout]);
  });

  test('pings after the interval, and again after the pong', async () => {
    const node = await joinRaw(beating.port, freshId());
    const start = performance.now();
    assert.equal(await node.packet(patience), '2');
    const pinged = performance.now();
    near(pinged - start, interval);
    await new Promise((resolve) => setTimeout(resolve, timeout / 2));
    const ponged = performance.now();
    node.sendText('3');
    assert.equal(await node.packet(patience), '2');
    near(performance.now() - ponged, interval);
  });

  test('restarts its interval at an unasked pong', async () => {
    const node = await joinRaw(beating.port, freshId());
    await new Promise((resolve) => setTimeout(resolve, interval / 2));
    const start = performance.now();
    node.sendText('3');
    assert.equal(await node.packet(patience), '2');
    near(performance.now() - start, interval);
  });

  test('disconnects a node that does not answer, whatever else it sends', async () => {
    const node = await joinRaw(beating.port, freshId());
    const start = performance.now();
    assert.equal(await node.packet(patience), '2');
    const chatter = setInterval(() => node.sendText('5'), 50);
    assert.deepEqual(await node.sentBack(patience), []);
    clearInterval(chatter);
    near(performance.now() - start, interval + timeout);
    await joinRaw(beating.port, node.id);
  });

  test('runs before CONNECT too, but not past the handshake', async () => {
    const transport = await openTransport(beating.port, {
      id: freshId(),
      version: '1',
      runtime: 'raw',
    });
    assert.equal(await transport.packet(patience), '2');
    transport.sendText('3');
    await connectRaw(transport);
  });
});

test('the pair still exchanges messages', () => pair.stillTalks());
