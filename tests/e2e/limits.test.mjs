// Limits at their exact edges, by default and by variable.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { binary, Broker, getJson, isPeer, oursOnly, runBroker } from './support/broker.mjs';
import { freshId, joinNode } from './support/node.mjs';
import { Pair } from './support/pair.mjs';
import {
  connectRaw,
  frame,
  joinRaw,
  kUpgradeQuery,
  Opcode,
  openTransport,
  RawSocket,
  request,
  upgrade,
  upgradeRequest,
} from './support/raw.mjs';
import { hasUndefinedBehaviorSanitizer } from './support/sanitizer.mjs';
import { delay, eventually } from './support/time.mjs';
import { isPlain, plainOnly } from './support/tls.mjs';

const kMessage = 'SOCKET_MSG_EXCHANGE';

let broker;
let pair;
before(async () => {
  broker = await Broker.start();
  pair = await Pair.join(broker.port);
});
after(() => broker.stop());

/// A relay packet of exactly `size` bytes.
function packetOfSize(size, to) {
  const around = `420${JSON.stringify([kMessage, JSON.stringify({ to, x: '' })])}`;
  return around.replace('\\"x\\":\\"', `\\"x\\":\\"${'x'.repeat(size - around.length)}`);
}

describe('a message of exactly the limit is processed, one byte more is not', () => {
  async function expectLimit(port, limit) {
    const receiver = await joinRaw(port, freshId());
    const sender = await joinRaw(port, freshId());
    const largest = packetOfSize(limit, receiver.id);
    assert.equal(Buffer.byteLength(largest), limit);
    sender.sendText(largest);
    assert.equal(await sender.packet(), '430["OK"]');
    assert.equal(await receiver.packet(), largest.replace('420[', '42['));
    sender.sendText(packetOfSize(limit + 1, receiver.id));
    await sender.expectClose(1009);
    receiver.destroy();
  }

  test('of 1,000,000 bytes by default', () => expectLimit(broker.port, 1_000_000));

  test('in fragments too', async () => {
    const node = await joinRaw(broker.port, freshId());
    const bytes = Buffer.from(packetOfSize(1_000_000, pair.a.nodeId));
    node.send(
      Buffer.concat([
        frame(bytes.subarray(0, 333_333), { fin: false }),
        frame(bytes.subarray(333_333, 999_999), { opcode: Opcode.continuation, fin: false }),
        frame(bytes.subarray(999_999), { opcode: Opcode.continuation }),
      ]),
    );
    assert.equal(await node.packet(), '430["OK"]');
  });

  test(
    'as MAX_PAYLOAD_BYTES says, which the open packet announces',
    oursOnly('has no such variable'),
    async () => {
      const small = await Broker.start({ MAX_PAYLOAD_BYTES: '5000' });
      const transport = await openTransport(small.port);
      assert.equal(JSON.parse(transport.openPacket.slice(1)).maxPayload, 5000);
      transport.sendText('x'.repeat(5001));
      await transport.expectClose(1009);
      await expectLimit(small.port, 5000);
      await small.stop();
    },
  );
});

describe('attachments', oursOnly('behaves otherwise'), () => {
  const announcing = (count) =>
    `45${count}-["FOO",${Array.from({ length: count }, (_, num) => `{"_placeholder":true,"num":${num}}`)}]`;

  test('up to 10 are taken', async () => {
    const node = await joinRaw(broker.port, freshId());
    node.sendText(announcing(10));
    for (let i = 0; i < 10; ++i) node.send(frame(Buffer.alloc(1000), { opcode: Opcode.binary }));
    assert.deepEqual(await node.settled(), []);
  });

  for (const packet of [
    announcing(11),
    '4511-["FOO"]',
    '4599999999-["x"]',
    '45999999999999999999999999-["x"]',
  ]) {
    test(`${packet.slice(0, 20)}… closes the node`, async () => {
      const node = await joinRaw(broker.port, freshId());
      node.sendText(packet);
      await node.expectClose();
      await pair.seesLeave(node.id);
    });
  }

  test('of MAX_PAYLOAD_BYTES together are taken, of more close the node', async () => {
    const node = await joinRaw(broker.port, freshId());
    for (let i = 0; i < 2; ++i) {
      node.sendText(announcing(2));
      node.send(frame(Buffer.alloc(400_000), { opcode: Opcode.binary }));
      node.send(frame(Buffer.alloc(400_000), { opcode: Opcode.binary }));
      assert.deepEqual(await node.settled(), []);
    }
    node.sendText(announcing(2));
    node.send(frame(Buffer.alloc(600_000), { opcode: Opcode.binary }));
    node.send(frame(Buffer.alloc(600_000), { opcode: Opcode.binary }));
    await node.expectClose();
  });
});

describe('presence', oursOnly('has no such limit'), () => {
  const ask = (node, count) =>
    node.emit(
      'ARE_NODES_CONNECTED_TO_BROKER',
      JSON.stringify({ ids: Array.from({ length: count }, (_, i) => `n${i}`) }),
    );

  test('is answered for 1,000 ids, not for more', async () => {
    const node = await joinRaw(broker.port, freshId());
    assert.equal(JSON.parse((await ask(node, 1000))[0]).results.length, 1000);
    assert.deepEqual(await ask(node, 1001), ['ERROR']);
    assert.deepEqual(await ask(node, 50_000), ['ERROR']);
  });

  test('is answered for as many as MAX_PRESENCE_IDS says', async () => {
    const small = await Broker.start({ MAX_PRESENCE_IDS: '3' });
    const node = await joinRaw(small.port, freshId());
    assert.equal(JSON.parse((await ask(node, 3))[0]).results.length, 3);
    assert.deepEqual(await ask(node, 4), ['ERROR']);
    await small.stop();
  });
});

test('MAX_NODE_ID_BYTES bounds ids', oursOnly('has no such variable'), async () => {
  const small = await Broker.start({ MAX_NODE_ID_BYTES: '5' });
  await joinRaw(small.port, 'abcde');
  for (const id of ['abcdef', 'üüü']) {
    const transport = await openTransport(small.port, { id, version: '1', runtime: 'raw' });
    transport.sendText('40');
    assert.equal(await transport.packet(), '44{"message":"invalid node id"}');
  }
  await small.stop();
});

describe('MAX_CONNECTIONS', oursOnly('has no such variable'), () => {
  test('answers 503 with Retry-After beyond it, until a node leaves', async () => {
    const small = await Broker.start({ MAX_CONNECTIONS: '3' });
    const first = await joinRaw(small.port, freshId());
    await joinRaw(small.port, freshId());
    await joinRaw(small.port, freshId());
    const late = await RawSocket.connect(small.port);
    late.send(upgradeRequest());
    const { status, headers } = await late.response();
    assert.equal(status, 503);
    assert.match(headers['retry-after'], /^\d+$/);
    await late.rest();
    late.destroy();
    first.destroy();
    await eventually('a place is free', async () => {
      const next = await RawSocket.connect(small.port);
      next.send(
        upgradeRequest({ query: `${kUpgradeQuery}&id=${freshId()}&version=1&runtime=raw` }),
      );
      const response = await next.response();
      if (response.status !== 101) next.destroy();
      return response.status === 101;
    });
    await small.stop();
  });
});

describe('a full broker', oursOnly('has no such limit'), () => {
  test('admits a node that replaces its own unresponsive connection', async () => {
    const small = await Broker.start({ MAX_CONNECTIONS: '2' });
    const silent = await joinRaw(small.port, freshId());
    const other = await joinRaw(small.port, freshId());
    const again = await joinRaw(small.port, silent.id);
    assert.deepEqual(await again.emit('SOCKET_MSG_EXCHANGE', JSON.stringify({ to: other.id })), ['OK']);
    await small.stop();
  });

  test('still refuses a claim of the id of a node that is alive', async () => {
    const small = await Broker.start({ MAX_CONNECTIONS: '1' });
    const alive = await joinRaw(small.port, freshId());
    const opening = openTransport(small.port, { id: alive.id, version: '1', runtime: 'raw' });
    assert.equal(await alive.packet(), '2');
    alive.sendText('3');
    const newcomer = await opening;
    newcomer.sendText('40');
    assert.equal(await newcomer.packet(), '44{"message":"client already connected"}');
    assert.deepEqual(await alive.settled(), []);
    await small.stop();
  });

  test('does not count connections that are closing, were refused or have left', async () => {
    const small = await Broker.start({ MAX_CONNECTIONS: '1' });
    const refused = await openTransport(small.port, { version: '1', runtime: 'raw' });
    refused.sendText('40');
    assert.match(await refused.packet(), /^44/);
    const closing = await joinRaw(small.port, freshId());
    closing.sendText('7');
    // Its own close frame does not come.
    assert.equal((await closing.frame()).opcode, Opcode.close);
    const left = await joinRaw(small.port, freshId());
    left.sendText('41');
    await left.settled();
    await joinRaw(small.port, freshId());
    await small.stop();
  });
});

describe('a full broker that a node has left', oursOnly('has no such limit'), () => {
  test('does not admit it again on its open connection once its place is taken', async (t) => {
    const small = await Broker.start({ MAX_CONNECTIONS: '1' });
    t.after(() => small.kill());
    const left = await joinRaw(small.port, freshId());
    left.sendText('41');
    await left.settled();
    const other = await joinRaw(small.port, freshId());
    left.sendText('40');
    assert.deepEqual(await left.sentBack(), []);
    other.sendText('41');
    await other.settled();
    await connectRaw(other);
    await small.stop();
  });
});

const fileLimits = isPlain ? oursOnly('has no such limits') : plainOnly('counts the files of a plain port');
describe('open files', fileLimits, () => {
  test('are reserved for plugins, however many connections are opened', async (t) => {
    const small = await Broker.start({ WORKERS: '1' }, { files: 200 });
    t.after(() => small.kill());
    const strangers = await Promise.all(
      Array.from({ length: 300 }, () => RawSocket.connect(small.port)),
    );
    await eventually('the others are cut', () => strangers.some(({ hasEnded }) => hasEnded));
    await eventually(
      'those who fit stay',
      () => strangers.filter(({ hasEnded }) => !hasEnded).length === 200 - 5 - 32, // five of the worker, 32 for plugins
    );
    assert.ok(small.files() < 190, `${small.files()} are open`);
    for (const stranger of strangers) stranger.destroy();
    await eventually('there is room again', () => small.files() < 32);
    await joinRaw(small.port, freshId());
    await small.stop();
  });

  test('taken by silent connections leave room for health checks and nodes', async (t) => {
    const small = await Broker.start({ WORKERS: '1' }, { files: 200 });
    t.after(() => small.kill());
    const strangers = await Promise.all(
      Array.from({ length: 400 }, () => RawSocket.connect(small.port)),
    );
    await eventually('there is no place left', () => strangers.some(({ hasEnded }) => hasEnded));
    for (let i = 0; i < 20; ++i) assert.equal((await getJson(small, '/healthz')).status, 200);
    const { code } = await runBroker(['healthcheck'], { PORT: String(small.port) });
    assert.equal(code, 0);
    await joinRaw(small.port, freshId());
    for (const stranger of strangers) stranger.destroy();
    await small.stop();
  });

  // UndefinedBehaviorSanitizer opens a pipe to see whether the memory of an object can be read, and says that it cannot
  // where there is no file left.
  const withoutFiles = {
    skip: !isPeer && hasUndefinedBehaviorSanitizer(binary) && 'UndefinedBehaviorSanitizer opens files',
  };
  test(
    'that run out make connecting nodes wait, without keeping the broker busy',
    withoutFiles,
    async (t) => {
      const small = await Broker.start();
      t.after(() => small.kill());
      // The port is open a moment before the workers have the files that they need.
      await eventually('it runs', () => /listening/.test(small.output));
      const limitFiles = (limit) =>
        execFileSync('prlimit', ['--pid', String(small.pid), `--nofile=${limit}:`]);
      limitFiles(3);
      const newcomer = await RawSocket.connect(small.port);
      newcomer.send(request('GET', '/healthz'));
      await eventually('it says so', () =>
        /could not be accepted: raise the limit/.test(small.output),
      );
      const before = small.processorTime();
      await delay(1000);
      const used = small.processorTime() - before;
      assert.ok(used < 0.2, `${used} s of a second`);
      limitFiles(1000);
      assert.equal((await newcomer.response()).status, 200);
      await small.stop();
    },
  );
});

test(
  'a node that others have filled up to MAX_OUTBOX_BYTES is still listened to',
  oursOnly('has no such variable'),
  async (t) => {
    const small = await Broker.start({ MAX_PAYLOAD_BYTES: '10000', MAX_OUTBOX_BYTES: '20000' });
    t.after(() => small.kill());
    const full = await joinRaw(small.port, freshId());
    const flooder = await joinRaw(small.port, freshId());
    const friend = await joinRaw(small.port, freshId());
    full.pause();
    for (const size of [9000, 1]) {
      let refused = 0;
      while (refused < 20) {
        const payload = JSON.stringify({ to: full.id, x: 'x'.repeat(size) });
        const [answer] = await flooder.emit(kMessage, payload);
        refused = answer === 'ERROR' ? refused + 1 : 0;
      }
    }
    const event = (n) => JSON.stringify([kMessage, JSON.stringify({ to: friend.id, n })]);
    for (let n = 0; n < 500; ++n) {
      full.sendText(`42${n}${event(n)}`);
      assert.equal(await friend.packet(), `42${event(n)}`);
    }
    full.resume();
    assert.deepEqual(await full.ack(499), ['OK']);
    await small.stop();
  },
);

describe("no limit but the message's size", () => {
  test('on nesting: 100,000 levels outside and inside of the payload', async () => {
    const node = await joinRaw(broker.port, freshId());
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    node.sendText(`420["FOO",${deep}]`);
    node.sendText(`421["${kMessage}",${deep}]`);
    assert.equal(await node.packet(), '431["ERROR"]');
    assert.deepEqual(await node.settled(), []);
  });

  test("on the length of an unknown event's name", async () => {
    const node = await joinRaw(broker.port, freshId());
    node.sendText(`42["${'n'.repeat(900_000)}"]`);
    assert.deepEqual(await node.settled(), []);
  });
});

test('node parameters of 15 kB are accepted', async () => {
  const { socket } = await upgrade(broker.port, {
    query: `${kUpgradeQuery}&id=${freshId()}&version=1&runtime=raw&data=${'d'.repeat(15_000)}`,
  });
  await socket.packet();
  await connectRaw(socket);
});

test('the pair still exchanges messages', async () => {
  await pair.stillTalks();
  await (
    await joinNode(broker.port)
  ).authenticated;
});
