// An id that is already connected: whoever shows a sign of life keeps it, whoever is frozen loses it.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { after, afterEach, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Broker, oursOnly } from './support/broker.mjs';
import { freshId, joinNode, nodeQuery, refusalOf } from './support/node.mjs';
import { Pair } from './support/pair.mjs';
import {
  connectRaw,
  frame,
  joinRaw,
  kUpgradeQuery,
  Opcode,
  openTransport,
  RawSocket,
  upgradeRequest,
} from './support/raw.mjs';
import { delay, eventually, scaled, within } from './support/time.mjs';

const kProbe = 1500;
const kTaken = '44{"message":"client already connected"}';

let broker;
let pair;
before(async () => {
  broker = await Broker.start();
  pair = await Pair.join(broker.port);
});
after(() => broker.stop());
afterEach(() => pair.stillTalks());

/// What a newcomer gets: 'in', 'taken' or '503'.
async function tryConnect(port, id) {
  const socket = await RawSocket.connect(port);
  socket.send(
    upgradeRequest({
      query: `${kUpgradeQuery}&${nodeQuery({ id, version: '1', runtime: 'raw' })}`,
    }),
  );
  const { status, headers } = await socket.response();
  if (status === 503) {
    assert.match(headers['retry-after'], /^\d+$/);
    socket.destroy();
    return '503';
  }
  assert.equal(status, 101);
  assert.match(await socket.packet(), /^0\{/);
  socket.sendText('40');
  const answer = await socket.packet();
  if (answer.startsWith('40{')) return 'in';
  assert.equal(answer, kTaken);
  socket.destroy();
  return 'taken';
}

const tryConnectAtOnce = (port, id, count) =>
  Promise.all(Array.from({ length: count }, () => tryConnect(port, id)));

/// A node in a process of its own.
async function startChild(t, port, id) {
  const child = fork(fileURLToPath(new URL('support/child-node.mjs', import.meta.url)), [port, id]);
  t.after(() => child.kill('SIGKILL'));
  const events = [];
  child.on('message', (event) => events.push(event));
  await eventually('the child is connected', () => events.some(([name]) => name === 'connect'));
  return { child, events };
}

/// Sends more than a receiver's side of a connection holds, less than the broker's side does.
async function sendsBulk(sender, to) {
  for (let i = 0; i < 4; ++i) {
    const payload = JSON.stringify({ to, x: 'x'.repeat(400_000) });
    assert.deepEqual(await sender.emit('SOCKET_MSG_EXCHANGE', payload), ['OK']);
  }
}

async function freeze({ child }) {
  child.kill('SIGSTOP');
  await eventually('the child is stopped', () =>
    / T /.test(fs.readFileSync(`/proc/${child.pid}/stat`, 'latin1')),
  );
}

describe('a frozen process', oursOnly('keeps its id'), () => {
  test('loses its id to a connecting node within 2 s and accepts that when it wakes', async (t) => {
    const id = freshId('frozen');
    const incumbent = await startChild(t, broker.port, id);
    await freeze(incumbent);
    const start = performance.now();
    const newcomer = await joinNode(broker.port, id);
    const waited = performance.now() - start;
    assert.ok(waited < scaled(2000), `got in after ${waited} ms`);
    incumbent.child.kill('SIGCONT');
    await eventually('the child is told', () =>
      incumbent.events.some(([name]) => name === 'disconnect'),
    );
    assert.deepEqual(incumbent.events.at(-1), ['disconnect', 'io server disconnect']);
    assert.equal(newcomer.connected, true);
    assert.equal(await refusalOf(broker.port, id), 'client already connected');
  });

  test('loses it to exactly one of 50 connecting nodes', async (t) => {
    const id = freshId('frozen');
    const incumbent = await startChild(t, broker.port, id);
    await freeze(incumbent);
    const outcomes = await within(
      scaled(5000),
      '50 newcomers are answered',
      tryConnectAtOnce(broker.port, id, 50),
    );
    assert.equal(outcomes.filter((outcome) => outcome === 'in').length, 1, outcomes.join());
  });

  test('loses it though much waits to be sent to it', async (t) => {
    const id = freshId('frozen');
    const incumbent = await startChild(t, broker.port, id);
    await freeze(incumbent);
    const sender = await joinRaw(broker.port, freshId());
    await sendsBulk(sender, id);
    // Its kernel may take something for a moment longer, which counts as a sign of life.
    await eventually('the newcomer is in', async () => (await tryConnect(broker.port, id)) === 'in');
  });

  test('keeps it when it wakes in time', async (t) => {
    const id = freshId('frozen');
    const incumbent = await startChild(t, broker.port, id);
    await freeze(incumbent);
    const newcomer = tryConnect(broker.port, id);
    await delay(kProbe / 3);
    incumbent.child.kill('SIGCONT');
    assert.equal(await newcomer, 'taken');
    assert.deepEqual(incumbent.events, [['connect', null]]);
  });
});

describe('a connection that is silent', oursOnly('keeps its id'), () => {
  test('is probed, then disconnected permanently', async () => {
    const incumbent = await joinRaw(broker.port, freshId());
    const start = performance.now();
    assert.equal(await tryConnect(broker.port, incumbent.id), 'in');
    const waited = performance.now() - start;
    assert.ok(waited > kProbe - 100 && waited < scaled(2000), `got in after ${waited} ms`);
    assert.deepEqual(await incumbent.packets(2), ['2', '41']);
    await incumbent.expectClose();
    assert.equal(await pair.sees(incumbent.id), true);
  });

  test('loses its id at once when it leaves during the question', async () => {
    const incumbent = await joinRaw(broker.port, freshId());
    const start = performance.now();
    const newcomer = tryConnect(broker.port, incumbent.id);
    assert.equal(await incumbent.packet(), '2');
    incumbent.destroy();
    assert.equal(await newcomer, 'in');
    assert.ok(performance.now() - start < scaled(1000), 'without waiting for the probe to end');
  });

  test('is held to be alive at any byte', async () => {
    const signs = {
      'a pong': frame('3'),
      'a WebSocket pong': frame('', { opcode: 10 }),
      'an event': frame('42["FOO"]'),
      'half a frame': frame('42["FOO"]').subarray(0, 1),
    };
    for (const [name, bytes] of Object.entries(signs)) {
      const incumbent = await joinRaw(broker.port, freshId());
      const newcomer = tryConnect(broker.port, incumbent.id);
      assert.equal(await incumbent.packet(), '2');
      incumbent.send(bytes);
      assert.equal(await within(scaled(1000), `answered upon ${name}`, newcomer), 'taken');
      incumbent.destroy();
    }
  });
});

describe('a transport that is open', oursOnly('asks on CONNECT only'), () => {
  const transportFor = (id) => openTransport(broker.port, { id, version: '1', runtime: 'raw' });

  test('and has not sent its CONNECT loses the id if it is silent', async () => {
    const id = freshId();
    const silent = await transportFor(id);
    assert.equal(await tryConnect(broker.port, id), 'in');
    assert.equal(await silent.packet(), '2');
    await silent.expectClose();
  });

  test('and has not sent its CONNECT keeps the id if it answers', async () => {
    const id = freshId();
    const slow = await transportFor(id);
    const newcomer = tryConnect(broker.port, id);
    assert.equal(await slow.packet(), '2');
    slow.sendText('3');
    assert.equal(await newcomer, 'taken');
    await connectRaw(slow);
  });

  test('and was refused wins a silent id with its next CONNECT; the other one is asked to retry', async () => {
    const incumbent = await joinRaw(broker.port, freshId());
    const refused = [];
    for (let i = 0; i < 2; ++i) {
      const opening = transportFor(incumbent.id);
      assert.equal(await incumbent.packet(), '2');
      incumbent.sendText('3');
      const transport = await opening;
      transport.sendText('40');
      assert.equal(await transport.packet(), kTaken);
      refused.push(transport);
    }
    for (const transport of refused) transport.sendText('40');
    const outcomes = await Promise.all(
      refused.map(async (transport) => {
        try {
          return (await transport.packet(scaled(5000))).slice(0, 3);
        } catch (error) {
          assert.match(error.message, /connection ended/);
          return 'ended';
        }
      }),
    );
    assert.deepEqual(outcomes.sort(), ['40{', 'ended']);
  });
});

describe('a living node never loses its id', () => {
  test('not to 50 connecting nodes at once, repeatedly', async () => {
    const incumbent = await joinNode(broker.port);
    for (let round = 0; round < 5; ++round) {
      const outcomes = await tryConnectAtOnce(broker.port, incumbent.nodeId, 50);
      assert.ok(!outcomes.includes('in'), outcomes.join());
    }
    assert.equal(incumbent.connected, true);
    assert.equal(await pair.sees(incumbent.nodeId), true);
  });

  test('not while it uploads a large message byte by byte', async (t) => {
    const incumbent = await joinRaw(broker.port, freshId());
    const bytes = frame(Buffer.alloc(900_000, 'x'));
    let sent = 0;
    const upload = setInterval(() => incumbent.send(bytes.subarray(sent, ++sent)), 100);
    t.after(() => clearInterval(upload));
    for (let round = 0; round < 3; ++round) {
      const outcomes = await tryConnectAtOnce(broker.port, incumbent.id, 5);
      assert.ok(!outcomes.includes('in'), outcomes.join());
    }
    assert.equal(await pair.sees(incumbent.id), true);
  });

  test('not while it reads slowly what its kernel could not take', async (t) => {
    const incumbent = await joinRaw(broker.port, freshId());
    incumbent.pause();
    await sendsBulk(await joinRaw(broker.port, freshId()), incumbent.id);
    incumbent.socket.on('data', () => incumbent.pause());
    const sip = setInterval(() => incumbent.resume(), 100);
    t.after(() => clearInterval(sip));
    assert.equal(await tryConnect(broker.port, incumbent.id), 'taken');
  });

  test('not while it reads a flood slowly', async (t) => {
    const incumbent = await joinRaw(broker.port, freshId());
    incumbent.socket.on('data', () => incumbent.pause());
    const sip = setInterval(() => incumbent.resume(), 20);
    t.after(() => clearInterval(sip));
    const sender = await joinRaw(broker.port, freshId());
    const message = [
      'SOCKET_MSG_EXCHANGE',
      JSON.stringify({ to: incumbent.id, x: 'x'.repeat(400_000) }),
    ];
    let flooding = true;
    let answers = 0;
    let behind = 0;
    const flood = (async () => {
      while (flooding) {
        const [answer] = await sender.emit(...message);
        ++answers;
        if (answer === 'ERROR') {
          ++behind;
          await delay(20);
        }
      }
    })();
    t.after(async () => {
      flooding = false;
      await flood;
    });
    await eventually('it is behind', () => behind > 0 || answers > 200);
    for (let round = 0; round < 3; ++round) {
      const outcomes = await tryConnectAtOnce(broker.port, incumbent.id, 5);
      assert.ok(!outcomes.includes('in'), outcomes.join());
    }
    assert.equal(await pair.sees(incumbent.id), true);
  });
});

test('DUPLICATE_ID_PROBE_TIMEOUT_MS=0 refuses without asking', async () => {
  const strict = await Broker.start({ DUPLICATE_ID_PROBE_TIMEOUT_MS: '0' });
  const incumbent = await joinRaw(strict.port, freshId());
  const outcomes = await within(
    scaled(1000),
    'refused at once',
    tryConnectAtOnce(strict.port, incumbent.id, 10),
  );
  assert.ok(
    outcomes.every((outcome) => outcome === 'taken'),
    outcomes.join(),
  );
  assert.deepEqual(await incumbent.settled(), []);
  await strict.stop();
});

test(
  'a probe as long as DUPLICATE_ID_PROBE_TIMEOUT_MS says',
  oursOnly('has no such variable'),
  async () => {
    const quick = await Broker.start({ DUPLICATE_ID_PROBE_TIMEOUT_MS: '300' });
    const incumbent = await joinRaw(quick.port, freshId());
    const start = performance.now();
    assert.equal(await tryConnect(quick.port, incumbent.id), 'in');
    const waited = performance.now() - start;
    assert.ok(waited > 200 && waited < scaled(800), `got in after ${waited} ms`);
    await quick.stop();
  },
);

test('a node whose process is killed is replaced at once', async (t) => {
  const id = freshId('killed');
  const { child } = await startChild(t, broker.port, id);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await pair.seesLeave(id);
  await joinNode(broker.port, id);
});
