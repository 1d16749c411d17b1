// What strangers and nodes can make the broker hold: little, and never more than it may use. Whatever they try, an
// ordinary pair talks on.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Broker, oursOnly } from './support/broker.mjs';
import { freshId, nodeQuery } from './support/node.mjs';
import { Pair } from './support/pair.mjs';
import {
  frame,
  joinRaw,
  kUpgradeQuery,
  Opcode,
  openTransport,
  RawSocket,
  request,
  upgradeRequest,
} from './support/raw.mjs';
import { delay, eventually, memoryIsMeasurable, scaled } from './support/time.mjs';

const kMiB = 1024 * 1024;
const ours = oursOnly('behaves otherwise');
const measured = ours.skip ? ours : { skip: !memoryIsMeasurable && 'measures memory' };

/// As many at a time as a machine accepts without ado.
async function inCrowds(count, make) {
  const made = [];
  while (made.length < count) {
    const crowd = Math.min(100, count - made.length);
    made.push(...(await Promise.all(Array.from({ length: crowd }, make))));
  }
  return made;
}

const upgradeOf = (query) =>
  upgradeRequest({ query: `${kUpgradeQuery}&${nodeQuery({ version: '1', runtime: 'raw', ...query })}` });

async function tryConnect(port) {
  const socket = await RawSocket.connect(port);
  socket.send(upgradeOf({ id: freshId() }));
  const response = await socket.response();
  socket.destroy();
  return response;
}

async function metric(broker, name) {
  const text = await (await fetch(`${broker.url}/metrics`)).text();
  return Number(new RegExp(`^crolang_broker_${name.replace(/[{}"]/g, '\\$&')} (.*)$`, 'm').exec(text)[1]);
}

/// A frame of which the last byte never comes.
const unfinished = (size) => frame(Buffer.alloc(size, 'x'), { length: size + 1 });

describe('before it has joined', ours, () => {
  let broker;
  let pair;
  before(async () => {
    broker = await Broker.start({ METRICS_ENABLED: 'true' });
    pair = await Pair.join(broker.port);
  });
  after(async () => {
    await pair.stillTalks();
    await broker.stop();
  });
  const transport = () => openTransport(broker.port, { id: freshId(), version: '1', runtime: 'raw' });

  test('a connection that announces more than 4 KiB is closed with 1009', async () => {
    const one = await transport();
    one.send(frame('', { length: 4097 }).subarray(0, 8));
    await one.expectClose(1009);
  });

  test('a connection that sends more than 4 KiB piece by piece is closed with 1009', async () => {
    const one = await transport();
    const ping = frame(Buffer.alloc(125, 'x'), { opcode: Opcode.ping });
    let sent = 0;
    while (sent <= 4096) {
      one.send(ping);
      sent += ping.length;
      if (sent <= 4096) assert.equal((await one.frame()).opcode, Opcode.pong);
    }
    await one.expectClose(1009);
  });

  test('the same counts for one that was refused', async () => {
    const one = await openTransport(broker.port, { version: '1', runtime: 'raw' });
    one.sendText('40');
    assert.match(await one.packet(), /^44/);
    one.send(unfinished(900_000));
    await one.expectClose(1009);
  });

  test('and no longer once it has joined', async () => {
    const one = await joinRaw(broker.port, freshId());
    one.sendText(`42["FOO","${'x'.repeat(900_000)}"]`);
    assert.deepEqual(await one.settled(), []);
  });

  test('2,000 connections that never join hold as much as they can: less than 60 MiB in all', measured, async () => {
    const header = upgradeOf({ id: freshId() }).slice(0, -2);
    const kinds = [
      // Half a header, as long as one may be.
      (one) => one.send(`${header}X-Padding: ${'x'.repeat(16_000 - header.length)}`),
      // A query that is kept, and all that may follow the 101.
      async (one) => {
        one.send(upgradeOf({ id: freshId(), data: 'x'.repeat(12_000) }));
        await one.response();
        one.send(frame(Buffer.alloc(4080, 'x'), { length: 4090 }));
      },
      // The same, and refused.
      async (one) => {
        one.send(upgradeOf({ data: 'x'.repeat(12_000) }));
        await one.response();
        one.sendText('40');
        one.send(unfinished(4000));
      },
      // Far more than may be.
      async (one) => {
        one.send(upgradeOf({ id: freshId() }));
        await one.response();
        one.send(unfinished(999_000));
      },
    ];
    let kind = 0;
    const strangers = await inCrowds(2000, async () => {
      const one = await RawSocket.connect(broker.port);
      await kinds[kind++ % kinds.length](one);
      return one;
    });
    await eventually('all has arrived', () => strangers.every(({ socket }) => socket.writableLength === 0 || socket.destroyed));
    await pair.stillTalks();
    assert.ok(broker.memory() < 60, `${broker.memory()} MiB`);
    assert.ok((await metric(broker, 'inbound_bytes')) > 500 * 16_000, 'what is held is a gauge');
    for (const one of strangers) one.destroy();
    await eventually('nothing is held any more', async () => (await metric(broker, 'inbound_bytes')) < 20_000);
  });

  test('unread answers do not accumulate', measured, async () => {
    const start = broker.memory();
    const requests = Buffer.from(request('GET', '/metrics').repeat(2000));
    const strangers = await inCrowds(50, () => RawSocket.connect(broker.port));
    for (const one of strangers) {
      one.pause();
      one.send(requests);
    }
    await pair.stillTalks();
    await eventually('each has got answers', async () => (await metric(broker, 'http_responses_total{class="2xx"}')) > 100);
    await pair.stillTalks();
    assert.ok(broker.memory() - start < 30, `${broker.memory() - start} MiB more`);
    for (const one of strangers) one.destroy();
  });
});

test('a connection that is closing holds nothing of what it still sends', measured, async () => {
  const broker = await Broker.start();
  const nodes = await inCrowds(100, () => joinRaw(broker.port, freshId()));
  const start = broker.memory();
  for (const node of nodes) {
    node.send(Buffer.concat([frame('7'), unfinished(900_000)]));
    assert.equal((await node.frame()).opcode, Opcode.close);
  }
  await eventually('all has arrived', () => nodes.every(({ socket }) => socket.writableLength === 0));
  const grown = broker.memory() - start;
  assert.ok(grown < 20, `${grown} MiB more`);
  // The rest of that message, and the answer to the close frame behind it.
  for (const node of nodes) {
    node.send(Buffer.concat([Buffer.from('x'), frame('', { opcode: Opcode.close })]));
    await node.expectEnd();
  }
  await broker.stop();
});

describe('MAX_MEMORY_BYTES', measured, () => {
  test('nearly used up admits no more nodes; beyond it, the largest session is ended', async (t) => {
    const limit = 64 * kMiB;
    const broker = await Broker.start({ MAX_MEMORY_BYTES: String(limit), METRICS_ENABLED: 'true' });
    t.after(() => broker.kill());
    const pair = await Pair.join(broker.port);
    const small = await inCrowds(20, () => joinRaw(broker.port, freshId()));
    for (const node of small) node.send(unfinished(10_000));
    const hogs = await inCrowds(150, () => joinRaw(broker.port, freshId()));
    let most = 0;
    for (const hog of hogs) {
      hog.send(unfinished(900_000));
      most = Math.max(most, broker.memory());
    }
    await eventually('somebody is ended', () => hogs.some(({ hasEnded }) => hasEnded));
    await eventually('newcomers are asked to retry', async () => {
      most = Math.max(most, broker.memory());
      const { status, body } = await tryConnect(broker.port);
      assert.ok(status === 101 || body === 'too little memory', body);
      return status === 503;
    });
    assert.ok(most < 110, `${most} MiB resident, of which what is shared does not count`);
    assert.ok(hogs.some(({ hasEnded }) => !hasEnded), 'not more are ended than has to be');
    assert.ok(small.every(({ hasEnded }) => !hasEnded), 'nobody who holds little');
    await pair.stillTalks();
    assert.ok((await metric(broker, 'closed_by_broker_total{reason="memory"}')) > 0);
    assert.equal(await metric(broker, 'memory_limit_bytes'), limit);
    await broker.says(/MAX_MEMORY_BYTES/);
    for (const hog of hogs) hog.destroy();
    await eventually('there is room again', async () => (await tryConnect(broker.port)).status === 101);
    await pair.stillTalks();
    await broker.stop();
  });

  test('frees no more than it has to, however often it looks', async (t) => {
    const limit = 64 * kMiB;
    const broker = await Broker.start({ MAX_MEMORY_BYTES: String(limit), METRICS_ENABLED: 'true' });
    t.after(() => broker.kill());
    const pair = await Pair.join(broker.port);
    const small = await inCrowds(20, () => joinRaw(broker.port, freshId()));
    for (const node of small) node.send(unfinished(8000));
    // Blocks that the heap keeps when they are freed, and larger than an answer of /metrics.
    const hogs = await inCrowds(1200, () => joinRaw(broker.port, freshId()));
    // Each message is an occasion to look.
    const talkers = await inCrowds(10, () => joinRaw(broker.port, freshId()));
    let done = false;
    const talk = async (node) => {
      while (!done) await node.settled();
    };
    const talking = Promise.all(talkers.map(talk));
    for (const hog of hogs) hog.send(unfinished(60_000));
    await eventually('somebody is ended', () => hogs.some(({ hasEnded }) => hasEnded));
    await eventually('nobody else is', async () => {
      const before = await metric(broker, 'closed_by_broker_total{reason="memory"}');
      // As often as it may look in this time.
      await delay(500);
      return (await metric(broker, 'closed_by_broker_total{reason="memory"}')) === before;
    });
    done = true;
    await talking;
    assert.ok((await metric(broker, 'inbound_bytes')) > limit / 2, 'most keep what they hold');
    assert.ok(small.every(({ hasEnded }) => !hasEnded), 'nobody who holds little');
    for (const node of [...hogs, ...small, ...talkers]) node.destroy();
    await broker.stop();
  });

  test('also counts what nodes do not read', async (t) => {
    const broker = await Broker.start({ MAX_MEMORY_BYTES: String(64 * kMiB) });
    t.after(() => broker.kill());
    const pair = await Pair.join(broker.port);
    const sender = await joinRaw(broker.port, freshId());
    const receivers = await inCrowds(32, () => joinRaw(broker.port, freshId()));
    for (const receiver of receivers) receiver.pause();
    const content = 'x'.repeat(900_000);
    let ended = 0;
    for (let round = 0; round < 600 && ended === 0; ++round) {
      const to = receivers[round % receivers.length].id;
      const [answer] = await sender.emit('SOCKET_MSG_EXCHANGE', JSON.stringify({ to, content }));
      assert.match(answer, /^(OK|ERROR|NOT_CONNECTED)$/);
      if (answer === 'NOT_CONNECTED') ++ended;
      assert.ok(broker.memory() < 110, `${broker.memory()} MiB`);
    }
    assert.ok(ended > 0, 'a receiver was ended');
    await pair.stillTalks();
    for (const receiver of receivers) receiver.destroy();
    await broker.stop();
  });
});

test('failed allocations end connections, not the broker', measured, async (t) => {
  const broker = await Broker.start({ METRICS_ENABLED: 'true', WORKERS: '2' }, { addressSpace: 500 });
  t.after(() => broker.kill());
  const pair = await Pair.join(broker.port);
  const hogs = await inCrowds(800, () => joinRaw(broker.port, freshId()));
  for (const hog of hogs) hog.send(unfinished(900_000));
  await eventually('somebody is ended', () => hogs.some(({ hasEnded }) => hasEnded), scaled(20_000));
  await pair.stillTalks();
  assert.ok((await metric(broker, 'out_of_memory_total')) > 0);
  await broker.says(/out of memory, a connection or a request was lost/);
  for (const hog of hogs) hog.destroy();
  await eventually('all are forgotten', async () => (await metric(broker, 'nodes')) === 2);
  await joinRaw(broker.port, hogs[0].id);
  await pair.stillTalks();
  await broker.stop();
});
