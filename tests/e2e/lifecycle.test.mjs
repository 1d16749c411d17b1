// How nodes leave and come back.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { Broker, isPeer, oursOnly } from './support/broker.mjs';
import { freshId, joinNode, startNode } from './support/node.mjs';
import { Pair } from './support/pair.mjs';
import { closePayload, connectRaw, frame, joinRaw, Opcode, openTransport } from './support/raw.mjs';
import { scaled, within } from './support/time.mjs';

let broker;
let pair;
before(async () => {
  broker = await Broker.start();
  pair = await Pair.join(broker.port);
});
after(() => broker.stop());

const join = (id = freshId()) => joinRaw(broker.port, id);

describe('DISCONNECT (41)', () => {
  test('frees the id at once and is not answered', async () => {
    const node = await join();
    node.sendText('41');
    await pair.seesLeave(node.id);
    assert.deepEqual(await node.settled(), []);
    await join(node.id);
  });

  test('leaves a transport that may CONNECT again', async () => {
    const node = await join();
    for (let i = 0; i < 2; ++i) {
      node.sendText('41');
      await pair.seesLeave(node.id);
      await connectRaw(node);
      assert.equal(await pair.sees(node.id), true);
      assert.deepEqual(await node.emit('SOCKET_MSG_EXCHANGE', JSON.stringify({ to: 'nobody' })), [
        'NOT_CONNECTED',
      ]);
    }
  });

  test('and a CONNECT in one segment', oursOnly('closes, by timing'), async () => {
    const node = await join();
    node.sendEach(['41', '40']);
    assert.match(await node.packet(), /^40\{"sid":/);
    assert.match(await node.packet(), /^42\["AUTHENTICATED",/);
  });

  for (const packet of ['42["x"]', '420["SOCKET_MSG_EXCHANGE","{}"]', '41', '430[]']) {
    test(`then ${packet} closes the transport with 1005`, async () => {
      const node = await join();
      node.sendText('41');
      await pair.seesLeave(node.id);
      node.sendText(packet);
      await node.expectClose();
    });
  }

  test('then CONNECT is refused while another has the id', async () => {
    const node = await join();
    node.sendText('41');
    await pair.seesLeave(node.id);
    await joinNode(broker.port, node.id);
    node.sendText('40');
    assert.equal(await node.packet(), '44{"message":"client already connected"}');
  });

  test('then idling ends after HANDSHAKE_TIMEOUT_MS', oursOnly('behaves otherwise'), async () => {
    const patience = scaled(700);
    const impatient = await Broker.start({ HANDSHAKE_TIMEOUT_MS: String(patience) });
    const node = await joinRaw(impatient.port, freshId());
    const start = performance.now();
    node.sendText('41');
    await node.expectClose(undefined, patience + scaled(5000));
    const waited = performance.now() - start;
    assert.ok(waited > patience - 100, `closed after ${waited} ms`);
    await impatient.stop();
  });
});

describe('the id is free at once, and for the same node again', () => {
  const ways = {
    'a WebSocket close': (node) => node.sendText(closePayload(1000), { opcode: Opcode.close }),
    'a WebSocket close without reading': (node) => {
      node.pause();
      node.sendText('', { opcode: Opcode.close });
    },
    'the end of TCP': (node) => node.destroy(),
    'a half-close': (node) => node.end(),
    'a reset': (node) => node.reset(),
    'a reset in the middle of a frame': (node) => {
      node.send(Buffer.from([0x81, 0xfe, 0x10]));
      node.reset();
    },
    'an end of TCP in the middle of a message': (node) => {
      node.sendText('42[', { fin: false });
      node.end();
    },
    'the end of TCP right behind a message': (node) => {
      node.sendText(`42["SOCKET_MSG_EXCHANGE","{\\"to\\":\\"${node.id}\\"}"]`);
      node.end();
    },
  };
  for (const [name, leave] of Object.entries(ways)) {
    test(`after ${name}`, async () => {
      const node = await join();
      leave(node);
      if (isPeer) {
        node.resume();
        node.end();
      }
      await pair.seesLeave(node.id, scaled(500));
      const again = await join(node.id);
      assert.equal(await pair.sees(node.id), true);
      again.destroy();
    });
  }

  test('a half-close is answered with the end of the other half', async () => {
    const node = await join();
    node.end();
    await node.rest();
  });

  test('a node that connects and disconnects 200 times', async () => {
    const id = freshId();
    for (let i = 0; i < 200; ++i) {
      const node = await joinNode(broker.port, id);
      node.disconnect();
      await pair.seesLeave(id);
    }
  });
});

test('messages sent right before the end are still delivered', async () => {
  const receiver = await join();
  const sender = await join();
  const event = JSON.stringify(['SOCKET_MSG_EXCHANGE', JSON.stringify({ to: receiver.id, n: 1 })]);
  sender.sendText(`420${event}`);
  assert.equal(await sender.packet(), '430["OK"]');
  sender.destroy();
  assert.equal(await receiver.packet(), `42${event}`);
});

test('a node that reconnects is reached by its new connection only', async () => {
  const first = await join();
  first.sendText('41');
  await pair.seesLeave(first.id);
  const second = await join(first.id);
  const sender = await join();
  const payload = JSON.stringify({ to: first.id });
  assert.deepEqual(await sender.emit('SOCKET_MSG_EXCHANGE', payload), ['OK']);
  assert.equal(await second.packet(), `42${JSON.stringify(['SOCKET_MSG_EXCHANGE', payload])}`);
  assert.deepEqual(await first.settled(), []);
});

test('TCP ends with the close though others go on sending', async (t) => {
  const busy = await Broker.start({ WORKERS: '2' });
  t.after(() => busy.kill());
  const join = (count) =>
    Promise.all(Array.from({ length: count }, () => joinRaw(busy.port, freshId())));
  const receivers = await join(30);
  const senders = await join(4);
  const batch = Buffer.concat(
    receivers.flatMap(({ id: to }) =>
      Array(5).fill(frame(`42${JSON.stringify(['SOCKET_MSG_EXCHANGE', JSON.stringify({ to })])}`)),
    ),
  );
  let flooding = true;
  const flood = Promise.all(
    senders.map(async ({ socket }) => {
      while (flooding) {
        if (!socket.write(batch)) await once(socket, 'drain');
        await new Promise(setImmediate);
      }
    }),
  );
  const toClose = receivers.map(async (node) => {
    while ((await node.frame(scaled(20_000))).opcode !== Opcode.close);
    await node.expectEnd(scaled(10_000));
  });
  for (const node of receivers) {
    node.sendText('', { opcode: Opcode.close });
    await new Promise(setImmediate);
  }
  await Promise.all(toClose);
  flooding = false;
  await flood;
  await busy.stop();
});

test('a transport that never sends CONNECT leaves by close at any time', async () => {
  const transport = await openTransport(broker.port, {
    id: freshId(),
    version: '1',
    runtime: 'raw',
  });
  transport.sendText('', { opcode: Opcode.close });
  const { opcode } = await transport.frame();
  assert.equal(opcode, Opcode.close);
  await transport.expectEnd();
});

test('after kill -9 a broker on the same port works at once', async () => {
  const killed = await Broker.start();
  const raw = await joinRaw(killed.port, freshId());
  const node = startNode(killed.port, freshId(), {
    reconnection: true,
    reconnectionDelay: 50,
    reconnectionDelayMax: 100,
    randomizationFactor: 0,
  });
  await node.authenticated;
  const left = once(node, 'disconnect');
  await killed.kill();
  await within(scaled(5000), 'the node notices', left);
  const back = once(node, 'AUTHENTICATED');
  const restarted = await Broker.start({}, { port: killed.port });
  await within(scaled(10_000), 'the node reconnects by itself', back);
  await joinRaw(restarted.port, raw.id);
  await restarted.stop();
});

test('the pair still exchanges messages', () => pair.stillTalks());
