// Nodes that ask who is connected as fast as they can hold up neither messages, nor leases, nor each other.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { oursOnly } from './support/broker.mjs';
import { Flood, latencies, question } from './support/flood.mjs';
import { Grid, kMessage, presence } from './support/grid.mjs';
import { freshId, joinNode } from './support/node.mjs';
import { joinRaw } from './support/raw.mjs';
import { eventually, timeFactor } from './support/time.mjs';

const ours = oursOnly('puts no bound on presence queries');
const kMostOfNode = 32;

describe('presence queries', ours, () => {
  let grid;
  before(async () => {
    grid = await Grid.start(2, { env: { METRICS_ENABLED: 'true' } });
  });
  after(() => grid.stop());

  const counter = async (broker, name) => {
    const page = await (await fetch(`${broker.url}/metrics`)).text();
    return Number(new RegExp(`^crolang_broker_${name}_total (\\d+)$`, 'm').exec(page)[1]);
  };

  test('of one node are answered ERROR as soon as too many are open, and answered again later', async () => {
    const node = await joinRaw(grid.brokers[0].port, freshId());
    const refusedBefore = await counter(grid.brokers[0], 'presence_refused');
    node.sendEach(Array.from({ length: 100 }, (_, n) => question(1000, n)));
    const answers = await node.packets(100);
    const refused = answers.filter((answer) => answer.endsWith('["ERROR"]'));
    assert.ok(answers.length - refused.length >= kMostOfNode, `${refused.length} refused`);
    assert.ok(refused.length > 0);
    assert.equal(await counter(grid.brokers[0], 'presence_refused'), refusedBefore + refused.length);
    assert.match(grid.brokers[0].output, /a node exceeds the limit of presence queries/);
    assert.match((await node.emit(...JSON.parse(question(10).slice(3))))[0], /^\{"results"/);
  });

  test('are all answered however fast they are sent, as long as few are open', async () => {
    const node = await joinNode(grid.brokers[0].port);
    const ids = Array.from({ length: 20 }, () => freshId('nobody'));
    // More than a second's worth.
    for (let round = 0; round < 100; ++round) {
      const some = Array.from({ length: 10 }, () => presence(node, ids));
      for (const seen of await Promise.all(some)) assert.deepEqual(seen, []);
    }
  });

  test('do not delay the messages that come after them', async () => {
    const receiver = await joinRaw(grid.brokers[1].port, freshId());
    const node = await joinRaw(grid.brokers[0].port, freshId());
    const message = JSON.stringify([kMessage, JSON.stringify({ to: receiver.id })]);
    const questions = Array.from({ length: kMostOfNode }, (_, n) => question(1000, n));
    node.sendEach([...questions, `42999${message}`]);
    const answers = [];
    while (!answers.at(-1)?.startsWith('43999')) answers.push(await node.packet());
    assert.equal(answers.at(-1), '43999["OK"]');
    assert.equal(await receiver.packet(), `42${message}`);
    assert.ok(answers.length < kMostOfNode, `${answers.length - 1} answers before it`);
  });

  test('of eight flooding nodes cost no other node a message or an answer, and do not overload Redis', async (t) => {
    const [one, other] = await Promise.all(
      grid.brokers.map((broker) => joinRaw(broker.port, freshId())),
    );
    const witnesses = await Promise.all(grid.brokers.map((broker) => joinNode(broker.port)));
    const ids = witnesses.map((node) => node.nodeId);
    const flood = await Flood.start(
      Array.from({ length: 8 }, (_, n) => grid.brokers[n % 2].port),
      { bytesPerSecond: 13_000_000 / timeFactor },
    );
    t.after(() => flood.kill());
    const delivered = latencies(one, other, 4000);
    for (let round = 0; round < 20; ++round) {
      for (const node of witnesses) assert.deepEqual(await presence(node, ids), ids);
    }
    assert.ok((await delivered).length > 50, 'messages flow');
    const newcomer = await joinNode(grid.brokers[0].port);
    await eventually('newcomers are seen', async () => {
      const seen = await presence(witnesses[1], [newcomer.nodeId]);
      return seen.length === 1;
    });
    const { answered, refused, ended } = await flood.stop();
    assert.equal(ended, 0);
    // A sanitized broker has too little time for most to be over the limit.
    const least = timeFactor > 1 ? 0 : answered;
    assert.ok(answered > 0 && refused > least, `${answered} answered, ${refused} refused`);
    for (const broker of grid.brokers) {
      assert.doesNotMatch(broker.output, /the registry cannot be reached/);
    }
  });
});
