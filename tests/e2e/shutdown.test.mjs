// SIGTERM: nodes are disconnected slice by slice, newcomers are asked to retry, the process ends in order.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { Broker, getJson, oursOnly, testPlugin } from './support/broker.mjs';
import { freshId, joinNode, nodeQuery, startNode } from './support/node.mjs';
import {
  joinRaw,
  kUpgradeQuery,
  openTransport,
  RawSocket,
  request,
  upgradeRequest,
} from './support/raw.mjs';
import { eventually, scaled, within } from './support/time.mjs';

const kDrain = scaled(2000);

/// Reads until the broker ends the connection; resolves with the packets before that, and the time.
async function sentAway(node, milliseconds) {
  const packets = await node.sentBack(milliseconds);
  return { packets, at: performance.now() };
}

const isDraining = (broker) =>
  eventually('draining', async () => (await getJson(broker, '/readyz')).status === 503);

async function tryConnect(port) {
  const socket = await RawSocket.connect(port);
  socket.send(
    upgradeRequest({
      query: `${kUpgradeQuery}&${nodeQuery({ id: freshId(), version: '1', runtime: 'raw' })}`,
    }),
  );
  const response = await socket.response();
  socket.destroy();
  return response;
}

describe('SIGTERM', oursOnly('ends it at once'), () => {
  test('under 1,000 nodes that talk: each is sent back in time, new nodes get 503, and the exit code is 0', async () => {
    const broker = await Broker.start({ DRAIN_DURATION_MS: String(kDrain) });
    const nodes = [];
    while (nodes.length < 1000) {
      nodes.push(
        ...(await Promise.all(Array.from({ length: 50 }, () => joinRaw(broker.port, freshId())))),
      );
    }
    let talking = true;
    const talk = setInterval(() => {
      for (let i = 0; i < nodes.length; i += 10) {
        const to = nodes[(i + 1) % nodes.length].id;
        if (talking)
          nodes[i].sendText(
            `420${JSON.stringify(['SOCKET_MSG_EXCHANGE', JSON.stringify({ to })])}`,
          );
      }
    }, 20);
    const endings = nodes.map((node) => sentAway(node, kDrain + scaled(10_000)));
    const start = performance.now();
    broker.child.kill('SIGTERM');
    await isDraining(broker);
    const refused = await tryConnect(broker.port);
    assert.equal(refused.status, 503);
    assert.match(refused.headers['retry-after'], /^\d+$/);
    const ended = await Promise.all(endings);
    talking = false;
    clearInterval(talk);
    for (const { packets } of ended) {
      assert.ok(!packets.includes('41'), 'a DISCONNECT would be final');
    }
    const times = ended.map(({ at }) => at - start);
    assert.ok(Math.max(...times) < kDrain + scaled(500), `the last after ${Math.max(...times)} ms`);
    const firstQuarter = times.filter((time) => time < kDrain / 4).length;
    assert.ok(firstQuarter < 500, `${firstQuarter} of 1000 in the first quarter of the time`);
    const { code } = await within(scaled(10_000), 'the broker ends', broker.exited);
    assert.equal(code, 0, broker.output);
  });

  test('also ends connections without a node: open transports, plain connections, half a handshake, a node that does not answer', async () => {
    const broker = await Broker.start({ DRAIN_DURATION_MS: '300' });
    await openTransport(broker.port, { id: freshId(), version: '1', runtime: 'raw' });
    const plain = await RawSocket.connect(broker.port);
    plain.send(request('GET', '/healthz'));
    await plain.response();
    (await RawSocket.connect(broker.port)).send('GET /socket.io/');
    (await joinRaw(broker.port, freshId())).pause();
    const mute = await joinRaw(broker.port, freshId());
    broker.child.kill('SIGTERM');
    assert.deepEqual(await mute.sentBack(scaled(10_000)), []);
    const { code } = await within(scaled(10_000), 'the broker ends', broker.exited);
    assert.equal(code, 0, broker.output);
  });

  test('as soon as the port is open, without nodes, does not wait', async () => {
    for (let i = 0; i < 5; ++i) {
      const broker = await Broker.start({ DRAIN_DURATION_MS: '60000' });
      broker.child.kill('SIGTERM');
      const { code } = await within(scaled(5000), 'the broker ends', broker.exited);
      assert.equal(code, 0, broker.output);
    }
  });

  test('a second time ends it at once', async () => {
    const broker = await Broker.start({ DRAIN_DURATION_MS: '60000' });
    await Promise.all(Array.from({ length: 20 }, () => joinRaw(broker.port, freshId())));
    broker.child.kill('SIGTERM');
    await isDraining(broker);
    broker.child.kill('SIGTERM');
    const { signal } = await within(scaled(5000), 'the broker ends', broker.exited);
    assert.equal(signal, null, 'in order, not by the signal');
  });

  test('a second time ends it at once while a plugin does not stop', async (t) => {
    const broker = await Broker.start({
      AUTHORIZE_NODES_COMMUNICATION_PLUGIN: testPlugin('fixtures/never_stops'),
    });
    t.after(() => broker.kill());
    const stranger = await RawSocket.connect(broker.port);
    broker.child.kill('SIGTERM');
    // It is cut when the workers end, which is when the plugins are told to.
    await stranger.expectEnd();
    broker.child.kill('SIGTERM');
    const { code } = await within(scaled(10_000), 'the broker ends', broker.exited);
    assert.equal(code, 128 + 15, broker.output);
  });

  test('while nodes keep connecting leaves no request unanswered', async () => {
    const broker = await Broker.start({ DRAIN_DURATION_MS: String(scaled(500)) });
    const statuses = new Set();
    let running = true;
    const stream = Promise.all(
      Array.from({ length: 10 }, async () => {
        while (running) {
          try {
            statuses.add((await tryConnect(broker.port)).status);
          } catch {
            return; // the port is closed
          }
        }
      }),
    );
    await eventually('nodes are let in', () => statuses.has(101));
    broker.child.kill('SIGTERM');
    const { code } = await within(scaled(10_000), 'the broker ends', broker.exited);
    running = false;
    await stream;
    assert.equal(code, 0, broker.output);
    assert.deepEqual(
      [...statuses].filter((status) => status !== 101 && status !== 503),
      [],
    );
  });
});

/// When each of so many nodes is sent away, in milliseconds after SIGTERM, in order.
async function departures(workers, count) {
  const broker = await Broker.start({ DRAIN_DURATION_MS: String(kDrain), WORKERS: String(workers) });
  const nodes = await Promise.all(
    Array.from({ length: count }, () => joinRaw(broker.port, freshId())),
  );
  const endings = nodes.map((node) => sentAway(node, kDrain + scaled(10_000)));
  const start = performance.now();
  broker.child.kill('SIGTERM');
  const times = (await Promise.all(endings)).map(({ at }) => at - start);
  const { code } = await within(scaled(10_000), 'the broker ends', broker.exited);
  assert.equal(code, 0, broker.output);
  return times.sort((a, b) => a - b);
}

describe('few nodes are disconnected over four fifths of the time', oursOnly('ends it at once'), () => {
  const kWindow = (kDrain * 4) / 5;
  const kSlice = 50;
  for (const [workers, count] of [
    [1, 10],
    [2, 20],
    [4, 6],
  ]) {
    test(`${count} of them on ${workers} workers, one after the other`, async () => {
      const times = await departures(workers, count);
      for (const [i, time] of times.entries()) {
        const due = (i * kWindow) / count;
        assert.ok(time >= due - kSlice, `number ${i} after ${time} ms, due after ${due} ms: ${times}`);
      }
      assert.ok(times.at(-1) < kDrain + scaled(500), `the last after ${times.at(-1)} ms`);
    });
  }

  test('and a single one at once', async () => {
    const [time] = await departures(2, 1);
    assert.ok(time < kWindow / 2, `after ${time} ms`);
  });
});

test('no time to drain still disconnects nodes without a close frame', oursOnly('ends it at once'), async () => {
  const broker = await Broker.start({ DRAIN_DURATION_MS: '0' });
  const nodes = await Promise.all(Array.from({ length: 50 }, () => joinRaw(broker.port, freshId())));
  const ends = nodes.map((node) => node.sentBack(scaled(10_000)));
  broker.child.kill('SIGTERM');
  assert.deepEqual((await Promise.all(ends)).flat(), []);
  const { code } = await within(scaled(10_000), 'the broker ends', broker.exited);
  assert.equal(code, 0, broker.output);
});

test('SIGINT does the same', oursOnly('ends it at once'), async () => {
  const broker = await Broker.start({ DRAIN_DURATION_MS: '100' });
  const node = await joinRaw(broker.port, freshId());
  broker.child.kill('SIGINT');
  assert.deepEqual((await sentAway(node)).packets, []);
  const { code } = await within(scaled(10_000), 'the broker ends', broker.exited);
  assert.equal(code, 0, broker.output);
});

test('socket.io-clients reconnect by themselves to a broker started on the same port', async () => {
  const reconnecting = { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 200 };
  const broker = await Broker.start({ DRAIN_DURATION_MS: '200' });
  const nodes = Array.from({ length: 20 }, () => startNode(broker.port, freshId(), reconnecting));
  await Promise.all(nodes.map((node) => node.authenticated));
  const reasons = Promise.all(nodes.map((node) => once(node, 'disconnect')));
  broker.child.kill('SIGTERM');
  await within(scaled(10_000), 'the broker ends', broker.exited);
  for (const [reason] of await reasons) assert.equal(reason, 'transport close');
  const back = Promise.all(nodes.map((node) => once(node, 'AUTHENTICATED')));
  const restarted = await Broker.start({}, { port: broker.port });
  await within(scaled(20_000), 'all nodes are back', back);
  const observer = await joinNode(restarted.port);
  const answer = JSON.parse(
    await observer.emitWithAck(
      'ARE_NODES_CONNECTED_TO_BROKER',
      JSON.stringify({ ids: nodes.map((node) => node.nodeId) }),
    ),
  );
  assert.ok(answer.results.every(({ connected }) => connected));
  await restarted.stop();
});
