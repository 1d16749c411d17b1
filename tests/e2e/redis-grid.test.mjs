// Several brokers on one Redis act as one: every message type between them, presence, moving, leaving, crashing.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { oursOnly } from './support/broker.mjs';
import {
  brokerFor,
  Grid,
  Holders,
  joinPatiently,
  kMessage,
  tryConnect,
  presence,
  Stream,
  talks,
  tell,
} from './support/grid.mjs';
import { freshId, joinNode, received, refusalOf, send, startNode } from './support/node.mjs';
import { connectRaw, joinRaw, openTransport } from './support/raw.mjs';
import { freeze } from './support/redis.mjs';
import { eventually, scaled, within } from './support/time.mjs';

const ours = oursOnly('has keys of its own in Redis');
const kTtl = scaled(2000);
const kAll = [
  'CONNECTION_ATTEMPT',
  'CONNECTION_ACCEPTANCE',
  'CONNECTION_REFUSAL',
  'INCOMING_CONNECTIONS_NOT_ALLOWED',
  'ICE_CANDIDATES_EXCHANGE_INITIATOR_TO_RESPONDER',
  'ICE_CANDIDATES_EXCHANGE_RESPONDER_TO_INITIATOR',
  kMessage,
];
const kTaken = 'client already connected';

/// Every ordered pair of different things.
const pairsOf = (things) => things.flatMap((a) => things.filter((b) => a !== b).map((b) => [a, b]));

describe('three brokers on one Redis', ours, () => {
  let grid;
  let nodes;
  before(async () => {
    grid = await Grid.start(3, { env: { REDIS_LOCK_TTL_MS: String(kTtl) } });
    nodes = await Promise.all(grid.brokers.map((broker) => joinNode(broker.port)));
  });
  after(() => grid.stop());

  for (const type of kAll) {
    test(`${type} passes between any two, with the same content`, async () => {
      for (const [from, to] of pairsOf(nodes)) {
        const message = { from: from.nodeId, to: to.nodeId, note: 'ü€😀 "quoted" \\ \n' };
        const arrived = received(to, type);
        assert.equal(await send(from, type, message), 'OK');
        assert.deepEqual(await arrived, message);
      }
    });

    test(`${type} to an unknown node is NOT_CONNECTED`, async () => {
      assert.equal(await send(nodes[0], type, { to: freshId('stranger') }), 'NOT_CONNECTED');
    });
  }

  test('the payload arrives with the same characters', async () => {
    const from = await joinRaw(grid.brokers[0].port, freshId());
    const to = await joinRaw(grid.brokers[1].port, freshId());
    const payload = ` { "to" : "${to.id}" ,\t"n": 1.0e+10, "a":1, "a":2, "\\u0062": "\\u20ac\\ud83d" }\n`;
    assert.deepEqual(await from.emit(kMessage, payload), ['OK']);
    assert.equal(await to.packet(), `42${JSON.stringify([kMessage, payload])}`);
  });

  test('a message of nearly a megabyte passes', async () => {
    const content = 'x'.repeat(990_000);
    const arrived = received(nodes[1], kMessage);
    assert.equal(await send(nodes[0], kMessage, { to: nodes[1].nodeId, content }), 'OK');
    assert.equal((await arrived).content.length, content.length);
  });

  test('a node that knows it is connected is seen and reached from every broker', async () => {
    // Each is asked about and talked to at the moment it is told, many times, since this was a race.
    for (let round = 0; round < 60; ++round) {
      const node = await joinNode(grid.brokers[round % 3].port);
      const seen = Promise.all(nodes.map((other) => presence(other, [node.nodeId])));
      const told = Promise.all(nodes.map((other) => send(other, kMessage, { to: node.nodeId })));
      assert.deepEqual(await seen, nodes.map(() => [node.nodeId]));
      assert.deepEqual(await told, nodes.map(() => 'OK'));
      node.disconnect();
    }
  });

  test('strange ids are reached', async () => {
    for (const id of [
      '{x}',
      '}{',
      '*',
      'a:b',
      '%s%n',
      '"q\'',
      'ü€😀',
      '__proto__',
      'x'.repeat(256),
    ]) {
      const node = await joinNode(grid.brokers[1].port, id);
      assert.equal(await tell(nodes[0], node), 'OK', id);
      assert.equal(await tell(node, nodes[2]), 'OK', id);
      assert.deepEqual(await presence(nodes[2], [id]), [id]);
      node.disconnect();
      await eventually(`${id} is gone`, async () => (await presence(nodes[2], [id])).length === 0);
    }
  });

  test('messages of a sender keep their order in both directions', async () => {
    const streams = pairsOf(nodes).map(([a, b]) => new Stream(a, b, { window: 100, pace: 0 }));
    await eventually('enough was said', () => streams.every((stream) => stream.acks.OK > 300));
    await Promise.all(streams.map((stream) => stream.stop()));
    for (const stream of streams) stream.expectPerfect();
  });

  // Whoever forgets to wake somebody is saved by a timer of 100 ms, sooner or later.
  test('messages one by one wait for no timer', async () => {
    const [a, b] = await Promise.all([0, 1].map((i) => joinNode(grid.brokers[i].port)));
    await within(
      scaled(1000),
      'forty messages have been acknowledged',
      (async () => {
        for (let n = 0; n < 20; ++n) {
          assert.equal(await tell(a, b), 'OK');
          assert.equal(await tell(b, a), 'OK');
        }
      })(),
    );
  });

  test('a burst of 2,000 in one segment arrives in order', async () => {
    const from = await joinRaw(grid.brokers[0].port, freshId());
    const to = await joinRaw(grid.brokers[2].port, freshId());
    const count = 2000;
    const payloads = Array.from({ length: count }, (_, n) => JSON.stringify({ to: to.id, n }));
    from.sendEach(payloads.map((payload, n) => `42${n}${JSON.stringify([kMessage, payload])}`));
    assert.deepEqual(
      await from.packets(count),
      payloads.map((_, n) => `43${n}["OK"]`),
    );
    assert.deepEqual(
      await to.packets(count),
      payloads.map((payload) => `42${JSON.stringify([kMessage, payload])}`),
    );
  });

  test('no node can forge its sender', async () => {
    const [a, b, c] = nodes;
    assert.equal(await send(a, kMessage, { from: c.nodeId, to: b.nodeId }), 'UNAUTHORIZED');
  });

  test('a receiver that does not read is an ERROR once it is behind, and what was OK arrives', async () => {
    const to = await joinRaw(grid.brokers[1].port, freshId());
    to.pause();
    const from = await joinRaw(grid.brokers[0].port, freshId());
    const said = [];
    let answer = 'OK';
    for (let n = 0; answer === 'OK'; ++n) {
      assert.ok(n < 100, 'it is behind');
      const payload = JSON.stringify({ to: to.id, n, x: 'x'.repeat(400_000) });
      [answer] = await from.emit(kMessage, payload);
      if (answer === 'OK') said.push(`42${JSON.stringify([kMessage, payload])}`);
    }
    assert.equal(answer, 'ERROR');
    to.resume();
    for (const packet of said) assert.equal(await to.packet(), packet);
  });

  describe('presence', () => {
    test('sees all instances, in the order asked', async () => {
      const ids = nodes.map((node) => node.nodeId);
      for (const node of nodes) {
        const asked = [ids[2], 'nobody', ids[0], ids[1], ids[2], 'nobody'];
        const answer = JSON.parse(
          await send(node, 'ARE_NODES_CONNECTED_TO_BROKER', { ids: asked }),
        );
        assert.deepEqual(
          answer.results,
          asked.map((id) => ({ id, connected: id !== 'nobody' })),
        );
      }
    });

    test('answers a thousand ids at once', async () => {
      const ids = Array.from({ length: 997 }, (_, i) => `nobody-${i}`);
      ids.push(...nodes.map((node) => node.nodeId));
      assert.deepEqual(await presence(nodes[0], ids), ids.slice(997));
    });

    test('does not see who has no CONNECT yet, nor can it be reached', async () => {
      const id = freshId('door');
      const transport = await openTransport(grid.brokers[1].port, {
        id,
        version: '1',
        runtime: 'raw',
      });
      assert.deepEqual(await presence(nodes[0], [id]), []);
      assert.equal(await send(nodes[0], kMessage, { to: id }), 'NOT_CONNECTED');
      await connectRaw(transport);
      await eventually('it is seen', async () => (await presence(nodes[0], [id])).length === 1);
      assert.equal(await send(nodes[0], kMessage, { to: id }), 'OK');
    });
  });

  describe('a node that moves', () => {
    test('is admitted at once wherever it goes, and is reached there', async () => {
      const id = freshId('nomad');
      let node = await joinNode(grid.brokers[0].port, id);
      for (let move = 1; move <= 12; ++move) {
        // As an application leaves: the broker must have seen it before the next one can know.
        node.disconnect();
        await eventually('it has left', async () => (await grid.lease(id)) === null, scaled(1000));
        node = await joinNode(grid.brokers[move % 3].port, id);
        for (const other of nodes) assert.equal(await tell(other, node), 'OK');
      }
    });

    test('is admitted although the broker that it left may not have released its id yet', async () => {
      const id = freshId('hasty');
      for (let move = 0; move < 12; ++move) {
        const { outcome, socket } = await tryConnect(grid.brokers[move % 3].port, id, { stay: true });
        assert.equal(outcome, 'in', `move ${move}`);
        socket.sendText('41');
        await socket.settled();
        socket.destroy();
      }
    });

    test('messages to it are OK only if it got them', async () => {
      const id = freshId('nomad');
      const got = new Set();
      const told = new Set();
      const listen = (node) =>
        node.on(kMessage, (text) => {
          const { content } = JSON.parse(text);
          assert.ok(!got.has(content), 'nothing arrives twice');
          got.add(content);
        });
      let number = 0;
      let moving = true;
      const talk = (async () => {
        while (moving) {
          const content = ++number;
          const ack = await send(nodes[0], kMessage, { to: id, content });
          assert.ok(['OK', 'NOT_CONNECTED'].includes(ack), ack);
          if (ack === 'OK') told.add(content);
        }
      })();
      talk.catch(() => {});
      for (let move = 0; move < 10; ++move) {
        const node = startNode(grid.brokers[1 + (move % 2)].port, id);
        listen(node);
        await within(scaled(5000), 'it joins', node.authenticated);
        const before = told.size;
        await eventually('it is talked to', () => told.size > before + 5);
        // It goes on reading until the broker has let it go.
        node.io.engine.write('1');
        await eventually('it has left', async () => (await grid.lease(id)) === null);
        await eventually(
          'what was OK arrived',
          () => [...told].every((content) => got.has(content)),
          scaled(2000),
        );
        node.disconnect();
      }
      moving = false;
      await talk;
    });
  });

  describe('an id that is held on another broker', () => {
    async function frozenChild(t, broker, id) {
      const script = fileURLToPath(new URL('support/child-node.mjs', import.meta.url));
      const child = fork(script, [broker.port, id]);
      t.after(() => child.kill('SIGKILL'));
      const events = [];
      child.on('message', (event) => events.push(event));
      await eventually('it is connected', () => events.some(([name]) => name === 'connect'));
      await freeze(child.pid);
      return { child, events };
    }

    test('stays with a node that is alive', async () => {
      for (const [incumbent, other] of pairsOf(nodes)) {
        assert.equal(await refusalOf(other.port, incumbent.nodeId), kTaken);
        assert.equal(incumbent.connected, true);
      }
    });

    test('goes to a connecting node within 2 s if the holder is frozen, which is notified when it resumes', async (t) => {
      const id = freshId('frozen');
      const { child, events } = await frozenChild(t, grid.brokers[0], id);
      const start = performance.now();
      const newcomer = await joinNode(grid.brokers[1].port, id);
      const waited = performance.now() - start;
      assert.ok(waited > 1400 && waited < scaled(2000), `got in after ${waited} ms`);
      assert.equal(await tell(nodes[0], newcomer), 'OK');
      child.kill('SIGCONT');
      await eventually('it is told', () => events.some(([name]) => name === 'disconnect'));
      assert.deepEqual(events.at(-1), ['disconnect', 'io server disconnect']);
      assert.equal(await tell(nodes[2], newcomer), 'OK');
    });

    test('goes to exactly one of 60 connecting nodes on all brokers', async (t) => {
      const id = freshId('frozen');
      await frozenChild(t, grid.brokers[2], id);
      const attempts = await Promise.all(
        grid.brokers.flatMap((broker) =>
          Array.from({ length: 20 }, () => tryConnect(broker.port, id, { stay: true })),
        ),
      );
      const winners = attempts.filter(({ outcome }) => outcome === 'in');
      assert.equal(winners.length, 1, attempts.map(({ outcome }) => outcome).join());
    });

    test('goes to a connecting node at once if the holder leaves while it is probed', async () => {
      const silent = await joinRaw(grid.brokers[0].port, freshId());
      const start = performance.now();
      const newcomer = tryConnect(grid.brokers[1].port, silent.id);
      assert.equal(await silent.packet(), '2');
      silent.destroy();
      assert.equal((await newcomer).outcome, 'in');
      assert.ok(performance.now() - start < scaled(1000));
    });
  });
});

describe('a broker that ends', ours, () => {
  const env = { REDIS_LOCK_TTL_MS: String(kTtl) };
  let grid;
  before(async () => {
    grid = await Grid.start(2, { env });
  });
  after(() => grid.stop());

  test('by SIGTERM releases its leases, and its nodes move', async () => {
    const leaver = await grid.addBroker();
    const ids = Array.from({ length: 30 }, () => freshId('mover'));
    await Promise.all(ids.map((id) => joinNode(leaver.port, id)));
    assert.deepEqual((await grid.idsHeldBy(leaver)).sort(), [...ids].sort());
    await leaver.stop();
    grid.brokers.pop();
    assert.deepEqual(await grid.idsHeldBy(leaver), []);
    const moved = await Promise.all(ids.map((id) => joinNode(grid.brokers[0].port, id)));
    const witness = await joinNode(grid.brokers[1].port);
    assert.deepEqual(await presence(witness, ids), ids);
    for (const node of moved) node.disconnect();
  });

  test('by SIGTERM under load answers every message correctly', async () => {
    const leaver = await grid.addBroker({ DRAIN_DURATION_MS: '500' });
    const from = await joinNode(grid.brokers[0].port);
    const nodes = await Promise.all(Array.from({ length: 5 }, () => joinNode(leaver.port)));
    const streams = nodes.map((node) => new Stream(from, node, { pace: 1 }));
    await eventually('all talk', () => streams.every((stream) => stream.acks.OK > 20));
    leaver.child.kill('SIGTERM');
    assert.equal((await leaver.exited).code, 0);
    grid.brokers.pop();
    await eventually('they are gone', () => streams.every(({ acks }) => acks.NOT_CONNECTED > 5));
    await Promise.all(streams.map((stream) => stream.stop()));
    for (const stream of streams) stream.expectCorrectAcks();
  });

  test('by SIGKILL: its ids are free within the TTL and not taken before, its nodes come back', async () => {
    const victim = await grid.addBroker();
    const witness = await joinNode(grid.brokers[0].port);
    const nodes = await Promise.all(Array.from({ length: 10 }, () => joinNode(victim.port)));
    const ids = nodes.map((node) => node.nodeId);
    assert.equal(await tell(witness, nodes[0]), 'OK');
    await victim.kill();
    grid.brokers.pop();
    const died = performance.now();
    // Nobody can tell whether it died or is slow: it is unknown whether such a message arrives.
    assert.equal(await send(witness, kMessage, { to: ids[0] }), 'ERROR');
    assert.equal((await tryConnect(grid.brokers[1].port, ids[0])).outcome, '503');
    const back = await Promise.all(
      ids.map((id, i) =>
        joinPatiently(
          grid.brokers[i % 2].port,
          id,
          kTtl - (performance.now() - died) + scaled(1000),
        ),
      ),
    );
    assert.deepEqual(await presence(witness, ids), ids);
    for (const node of back) assert.equal(await tell(witness, node), 'OK');
  });

  test('by SIGKILL: nodes that only retry at other brokers are admitted without help', async () => {
    const victim = await grid.addBroker();
    const node = await joinNode(victim.port);
    await victim.kill();
    grid.brokers.pop();
    const again = startNode(grid.brokers[0].port, node.nodeId, {
      reconnection: true,
      reconnectionDelay: 100,
      reconnectionDelayMax: 200,
    });
    const errors = [];
    again.io.on('error', (error) => errors.push(error.message));
    again.on('connect_error', (error) => errors.push(error.message));
    await eventually('it is in', () => again.connected, kTtl + scaled(2000));
    assert.ok(errors.length > 0 && errors.every((message) => message === 'websocket error'));
  });

  test('and starts again on the same port: its old ids come back within the TTL', async (t) => {
    const victim = await grid.addBroker();
    const node = await joinNode(victim.port);
    await victim.kill();
    grid.brokers.pop();
    const successor = await brokerFor(
      t,
      { ...grid.redis.env(), ...env },
      { port: victim.port },
    );
    await joinPatiently(successor.port, node.nodeId, kTtl + scaled(2000));
    await successor.stop();
  });
});

describe('what others write into Redis', ours, () => {
  let grid;
  let pair;
  let holders;
  before(async () => {
    grid = await Grid.start(2, { env: { REDIS_LOCK_TTL_MS: String(kTtl) } });
    holders = await Holders.join(grid, 2);
    pair = holders.nodes.map(([node]) => node);
  });
  after(() => grid.stop());

  const flows = async () => {
    assert.equal(await tell(pair[0], pair[1]), 'OK');
    assert.equal(await tell(pair[1], pair[0]), 'OK');
    holders.expectUndisturbed();
  };

  test('a foreign key neither blocks an id nor is it seen as a node', async () => {
    const id = freshId('foreign');
    for (const key of [id, `node:${id}`, `node:{${id}}`, `other:node:{${id}}`]) {
      await grid.redis.command('SET', key, 'y');
    }
    assert.deepEqual(await presence(pair[0], [id, `node:{${id}}`, 'node:{x}']), []);
    assert.equal(await send(pair[0], kMessage, { to: id }), 'NOT_CONNECTED');
    const node = await joinNode(grid.brokers[1].port, id);
    assert.equal(await tell(pair[0], node), 'OK');
  });

  test('our keys with a foreign value do no harm', async () => {
    const values = ['', 'x', '\0'.repeat(100), 'a b c', '::::', '{"a":1}', 'x'.repeat(100_000)];
    for (const value of values) {
      const id = freshId('odd');
      await grid.redis.command('SET', grid.key(id), value);
      const ack = await send(pair[0], kMessage, { to: id });
      assert.ok(['NOT_CONNECTED', 'ERROR'].includes(ack), ack);
      assert.notEqual((await tryConnect(grid.brokers[0].port, id)).outcome, 'taken');
      await grid.redis.command('DEL', grid.key(id));
      assert.equal((await tryConnect(grid.brokers[0].port, id)).outcome, 'in');
    }
    await flows();
  });

  test('our keys with another type do no harm', async () => {
    const id = freshId('odd');
    await grid.redis.command('HSET', grid.key(id), 'a', 'b');
    await send(pair[0], kMessage, { to: id });
    await send(pair[0], 'ARE_NODES_CONNECTED_TO_BROKER', { ids: [id, pair[1].nodeId] });
    assert.notEqual((await tryConnect(grid.brokers[0].port, id)).outcome, 'taken');
    await grid.redis.command('DEL', grid.key(id));
    assert.equal((await tryConnect(grid.brokers[0].port, id)).outcome, 'in');
    await flows();
  });

  test('a lease that was overwritten by another type comes back or stays lost, its node is not alone', async () => {
    const node = await joinNode(grid.brokers[0].port);
    await grid.redis.command('DEL', grid.key(node.nodeId));
    await grid.redis.command('HSET', grid.key(node.nodeId), 'a', 'b');
    await flows();
    await grid.redis.command('DEL', grid.key(node.nodeId));
    if (node.connected) await eventually('the lease is back', () => grid.lease(node.nodeId), kTtl);
    await flows();
  });

  test('garbage on the channels of brokers does no harm', async () => {
    const channels = (await grid.redis.channels()).filter((channel) =>
      channel.startsWith('crolang:broker:'),
    );
    // Each broker has one for itself, and some for its workers.
    const brokers = channels.filter((channel) => /^crolang:broker:\{[^:]+\}$/.test(channel));
    assert.equal(brokers.length, 2, channels.join());
    assert.ok(channels.length >= 4, channels.join());
    // Real messages to damage: whatever passes on the channels while the pair talks.
    const spies = await Promise.all(channels.map((channel) => grid.redis.listen(channel)));
    const overheard = () => spies.flatMap(({ heard }) => heard);
    await eventually('messages were overheard', async () => {
      await flows();
      return overheard().length > 20;
    });
    for (const spy of spies) spy.close();
    const real = overheard();
    const used = new Set([...brokers, ...channels.filter((_, i) => spies[i].heard.length > 0)]);
    const garbage = [
      Buffer.alloc(0),
      Buffer.from('x'),
      Buffer.from('{}'),
      Buffer.from('[]'),
      Buffer.alloc(1000),
      Buffer.alloc(1000, 0xff),
      Buffer.from('42["SOCKET_MSG_EXCHANGE","{}"]'),
      Buffer.alloc(20_000_000, 'x'),
      ...Array.from({ length: 300 }, (_, i) =>
        Buffer.from(Array.from({ length: i % 90 }, () => Math.floor(Math.random() * 256))),
      ),
    ];
    for (const message of real.slice(0, 30)) {
      for (let length = 0; length < Math.min(message.length, 60); ++length) {
        garbage.push(message.subarray(0, length));
      }
      for (let at = 0; at < Math.min(message.length, 60); ++at) {
        const damaged = Buffer.from(message);
        damaged[at] ^= 1 << (at % 8);
        garbage.push(damaged);
      }
    }
    const heard = [];
    for (const node of holders.all) node.onAny((event, text) => heard.push([event, text]));
    await Promise.all(
      garbage.flatMap((bytes) =>
        [...used].map((channel) => grid.redis.publish(channel, bytes)),
      ),
    );
    await talks(pair[0], pair[1], scaled(5000));
    for (const node of holders.all) node.offAny();
    await flows();
    await holders.expectSeen();
    for (const [event, text] of heard) {
      assert.ok(kAll.includes(event) && typeof text === 'string', `${event}: ${text}`);
    }
  });

  // peer_format.hpp: numbers are little endian, and a batch begins with version, sender and number.
  const number = (bytes, value) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigUInt64LE(BigInt(value));
    return buffer.subarray(0, bytes);
  };
  const head = Buffer.concat([Buffer.of(2, 3), Buffer.from('spy'), number(8, 0)]);

  /// Hears what brokers say to the instance "spy".
  async function startSpy(t) {
    const spy = await grid.redis.listen('crolang:broker:{spy}');
    t.after(() => spy.close());
    return spy.heard;
  }

  test('each broker shows its status, and answers questions', async (t) => {
    await eventually('all statuses are there', async () => {
      return (await grid.redis.command('ZCARD', 'crolang:instances')) === grid.brokers.length;
    });
    const heard = await startSpy(t);
    for (const { instance } of grid.brokers) {
      const shown = JSON.parse(await grid.redis.command('GET', `crolang:instance:${instance}`));
      assert.equal(shown.instance, instance);
      assert.ok(Date.parse(shown.startedAt) <= Date.now(), shown.startedAt);
      assert.equal(shown.draining, false);
      for (const [question, status] of [
        ['status', 0],
        ['what', 4],
      ]) {
        const asked = Buffer.concat([
          head,
          Buffer.of(5),
          number(8, 78),
          number(4, 1000),
          number(4, question.length),
          Buffer.from(question),
        ]);
        heard.length = 0;
        assert.equal(
          await grid.redis.publish(`crolang:broker:{${instance}}`, asked),
          1,
        );
        await eventually('the answer came', () => heard.length === 1);
        const at = heard[0].indexOf(Buffer.concat([Buffer.of(6), number(8, 78), Buffer.of(status)]));
        assert.ok(at > 0, heard[0].toString('latin1'));
        const text = heard[0].toString('utf8', at + 14);
        if (status === 4) {
          assert.equal(text, 'unknown question');
        } else {
          const answered = JSON.parse(text);
          assert.equal(answered.startedAt, shown.startedAt);
          assert.ok(answered.nodes >= 1, text);
        }
      }
    }
  });

  test('a probe with a timeout of 0 evicts no node that answers', async (t) => {
    const node = await joinNode(grid.brokers[0].port);
    const [, token, worker, session] = /^(\w+)\+(\d+)\.(\w+)@/.exec(
      await grid.lease(node.nodeId),
    );
    const heard = await startSpy(t);
    const probe = Buffer.concat([
      head,
      Buffer.of(3),
      number(8, 77),
      number(4, 0),
      number(8, `0x${token}`),
      number(8, `0x${session}`),
      number(4, worker),
      number(2, node.nodeId.length),
      Buffer.from(node.nodeId),
    ]);
    const channel = `crolang:broker:{${grid.brokers[0].instance}}`;
    for (let n = 1; n <= 10; ++n) {
      assert.equal(await grid.redis.publish(channel, probe), 1);
      await eventually('the probe result came', () => heard.length === n);
      // Record 4: the request, and that it lives.
      const result = Buffer.concat([Buffer.of(4), number(8, 77), Buffer.of(0)]);
      assert.deepEqual(heard.at(-1).subarray(-result.length), result);
    }
    assert.equal(await tell(pair[1], node), 'OK');
    assert.equal(node.connected, true);
  });

  test('another prefix is another grid', async (t) => {
    const stranger = await brokerFor(t, {
      ...grid.redis.env(),
      REDIS_KEY_PREFIX: 'elsewhere:',
    });
    const twin = await joinPatiently(stranger.port, pair[0].nodeId);
    assert.deepEqual(await presence(twin, [pair[0].nodeId, pair[1].nodeId]), [pair[0].nodeId]);
    assert.equal(await send(twin, kMessage, { to: pair[1].nodeId }), 'NOT_CONNECTED');
    assert.equal(await grid.redis.command('EXISTS', `elsewhere:node:{${twin.nodeId}}`), 1);
    await stranger.stop();
    assert.equal(await grid.redis.command('EXISTS', `elsewhere:node:{${twin.nodeId}}`), 0);
    await flows();
  });
});

test('DUPLICATE_ID_PROBE_TIMEOUT_MS=0 refuses without asking the other broker', ours, async (t) => {
  const grid = await Grid.start(2, { env: { DUPLICATE_ID_PROBE_TIMEOUT_MS: '0' } });
  t.after(() => grid.kill());
  const incumbent = await joinRaw(grid.brokers[0].port, freshId());
  for (let i = 0; i < 5; ++i) {
    assert.equal((await tryConnect(grid.brokers[1].port, incumbent.id)).outcome, 'taken');
  }
  assert.deepEqual(await incumbent.settled(), []);
  await grid.stop();
});
