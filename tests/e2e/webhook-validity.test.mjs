// NODES_VALIDITY_CHECK_WEBHOOK_URL: asked from time to time which nodes are still valid. Only a clear answer ends a node.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after as afterAll, before, beforeEach, describe, test } from 'node:test';
import { Broker, oursOnly } from './support/broker.mjs';
import { freshId, joinNode } from './support/node.mjs';
import { Pair } from './support/pair.mjs';
import { joinRaw } from './support/raw.mjs';
import { eventually, scaled, within } from './support/time.mjs';
import {
  during,
  faults,
  json,
  saysInLog,
  stopWebhooks,
  text,
  Webhook,
} from './support/webhook.mjs';

const ours = oursOnly('behaves otherwise');
const kVariable = 'NODES_VALIDITY_CHECK_WEBHOOK_URL';
const kAllValid = { invalidNodesIds: [] };
const kTimeout = scaled(300);

/// Reads what a node is told that shall not come back: 41, then a close without a code.
async function expectExpelled(node) {
  assert.equal(await within(scaled(5000), 'a 41', node.packet()), '41');
  await node.expectClose();
}

describe(kVariable, ours, () => {
  let webhook;
  let broker;
  let pair;
  before(async () => {
    webhook = await Webhook.start({ answer: json(kAllValid) });
    broker = await Broker.start({
      [kVariable]: webhook.url('/validity'),
      NODES_STATUS_CHECK_INTERVAL_MS: '100',
      WEBHOOK_TIMEOUT_MS: String(kTimeout),
    });
    pair = await Pair.join(broker.port);
  });
  beforeEach(() => {
    webhook.answer = json(kAllValid);
    webhook.requests = [];
    webhook.peak = 0;
  });
  afterAll(async () => {
    await broker?.stop();
    await stopWebhooks();
  });

  /// A check whose question was asked, and answered, after this call.
  const checks = async (count) => {
    const already = webhook.requests.length;
    await webhook.received(already + count);
  };

  test('is asked about every connected node', async () => {
    const node = await joinNode(broker.port, 'nöde "日本"');
    const asksForIt = ({ question }) => question.connectedNodesIds.includes(node.nodeId);
    const [{ method, target, body, question, headers }] = await webhook.received(1, asksForIt);
    assert.deepEqual([method, target], ['POST', '/validity']);
    assert.match(headers['content-type'], /^application\/json/);
    assert.equal(body, JSON.stringify({ connectedNodesIds: question.connectedNodesIds }));
    assert.deepEqual(
      new Set(question.connectedNodesIds),
      new Set([node.nodeId, pair.a.nodeId, pair.b.nodeId]),
    );
    node.disconnect();
    await webhook.received(1, (request) => !asksForIt(request));
  });

  test('disconnects an invalid node permanently, and no other', async () => {
    const invalid = await joinNode(broker.port, freshId('invalid'), { reconnection: true });
    const raw = await joinRaw(broker.port, freshId('invalid'));
    const ended = once(invalid, 'disconnect');
    webhook.answer = json({ invalidNodesIds: [raw.id, invalid.nodeId, 'who?', raw.id], more: 1 });
    await expectExpelled(raw);
    const [reason] = await within(scaled(5000), 'a disconnect', ended);
    assert.equal(reason, 'io server disconnect');
    assert.equal(invalid.active, false);
    webhook.answer = json(kAllValid);
    await pair.seesLeave(invalid.nodeId);
    await pair.stillTalks();
    await joinNode(broker.port, invalid.nodeId);
  });

  test('ends many at once', async () => {
    const nodes = await Promise.all(
      Array.from({ length: 500 }, () => joinRaw(broker.port, freshId('many'))),
    );
    const invalid = nodes.filter((_, i) => i % 2);
    webhook.answer = json({ invalidNodesIds: invalid.map(({ id }) => id) });
    await Promise.all(invalid.map(expectExpelled));
    for (const node of nodes) {
      if (!invalid.includes(node)) assert.deepEqual(await node.settled(), []);
    }
    await pair.stillTalks();
    for (const node of nodes) node.destroy();
  });

  describe('disconnects no node upon', () => {
    for (const answer of [
      '{"invalidNodesIds":"abc"}',
      '{"invalidNodesIds":"a"}',
      '{"invalidNodesIds":null}',
      '{"invalidNodesIds":true}',
      '{"invalidNodesIds":{"0":"a","length":1}}',
      '{"invalidNodesIds":["a",1]}',
      '{"invalidNodesIds":["a",null]}',
      '{"invalidNodesIds":[["a"]]}',
      '["a"]',
      '{"InvalidNodesIds":["a"]}',
      '{"data":{"invalidNodesIds":["a"]}}',
    ]) {
      test(answer, async () => {
        const nodes = await Promise.all(['a', 'b', 'c'].map((id) => joinNode(broker.port, id)));
        webhook.answer = text(answer);
        await saysInLog(broker, kVariable, () => checks(2));
        for (const node of nodes) assert.ok(node.connected, node.nodeId);
        await pair.stillTalks();
        for (const node of nodes) node.disconnect();
        await pair.seesLeave('a');
      });
    }
  });

  describe('that fails disconnects no node, when the server', () => {
    const bad = freshId('bad');
    const { quick, body, slow } = faults({ invalidNodesIds: [bad] });
    for (const [name, fault] of Object.entries({ ...quick, ...body, ...slow })) {
      test(name, async () => {
        const node = await joinRaw(broker.port, bad);
        await during(webhook, fault, () =>
          saysInLog(broker, kVariable, () => (fault ? checks(2) : pair.stillTalks())),
        );
        assert.deepEqual(await node.settled(), []);
        await pair.stillTalks();
        webhook.answer = json({ invalidNodesIds: [bad] });
        await expectExpelled(node);
        webhook.answer = json(kAllValid);
        await pair.seesLeave(bad);
      });
    }
  });

  test('that hangs is asked one question at a time, and stops nothing else', async () => {
    const held = [];
    webhook.answer = (exchange) => held.push(exchange);
    await webhook.received(1);
    await joinNode(broker.port);
    await pair.stillTalks();
    await checks(3);
    assert.equal(webhook.peak, 1);
    // Too late for all but the last.
    for (const exchange of held.slice(0, -1)) json({ invalidNodesIds: [pair.a.nodeId] })(exchange);
    await pair.stillTalks();
  });
});

test('a node that joins while the question is open is not meant by its answer', ours, async () => {
  const webhook = await Webhook.start();
  const held = [];
  webhook.answer = (exchange) => held.push(exchange);
  const broker = await Broker.start({
    [kVariable]: webhook.url(),
    NODES_STATUS_CHECK_INTERVAL_MS: '100',
  });
  const early = await joinRaw(broker.port, freshId('early'));
  await webhook.received(1);
  const late = await joinRaw(broker.port, freshId('late'));
  assert.deepEqual(held[0].question.connectedNodesIds, [early.id]);
  early.destroy();
  webhook.answer = json(kAllValid);
  const again = await rejoin(broker.port, early.id);
  json({ invalidNodesIds: [early.id, late.id] })(held[0]);
  await webhook.received(3);
  assert.deepEqual(await late.settled(), []);
  assert.deepEqual(await again.settled(), []);
  await broker.stop();
  await webhook.stop();
});

describe('NODES_VALIDITY_CHECK_MAX_IDS', ours, () => {
  /// A broker with 25 nodes that asks about ten at a time.
  const startWith = async (answer) => {
    const webhook = await Webhook.start({ answer });
    const broker = await Broker.start({
      [kVariable]: webhook.url(),
      NODES_STATUS_CHECK_INTERVAL_MS: '100',
      NODES_VALIDITY_CHECK_MAX_IDS: '10',
    });
    const nodes = await Promise.all(
      Array.from({ length: 25 }, () => joinRaw(broker.port, freshId('page'))),
    );
    webhook.requests = [];
    const stop = () => Promise.all([broker.stop(), webhook.stop()]);
    return { webhook, broker, nodes, stop };
  };
  const idsOf = ({ question }) => question.connectedNodesIds;

  test('is how many are asked about at once, until all were', async () => {
    const { webhook, nodes, stop } = await startWith(json(kAllValid));
    // From the end of a check on.
    const requests = (await webhook.received(8)).map(idsOf);
    const last = requests.findIndex((ids) => ids.length === 5);
    const check = requests.slice(last + 1, last + 4);
    assert.deepEqual(
      check.map((ids) => ids.length),
      [10, 10, 5],
    );
    assert.deepEqual(new Set(check.flat()), new Set(nodes.map(({ id }) => id)));
    assert.equal(webhook.peak, 1);
    await stop();
  });

  test('loses nothing but a page that fails', async () => {
    const { webhook, nodes, stop } = await startWith(json(kAllValid));
    // The page with this node fails in each check, whoever else is on it.
    const [first] = nodes;
    webhook.answer = (exchange) => {
      if (idsOf(exchange).includes(first.id)) exchange.reply(500, {}, '');
      else json({ invalidNodesIds: idsOf(exchange) })(exchange);
    };
    const failing = () => webhook.requests.slice(-2).filter((each) => idsOf(each).includes(first.id));
    await eventually('only nodes of the page that fails are left', () => failing().length === 2);
    const stay = new Set(idsOf(failing()[0]));
    assert.ok(stay.size <= 10, `${stay.size} nodes`);
    for (const node of nodes) {
      if (stay.has(node.id)) assert.deepEqual(await node.settled(), []);
      else await expectExpelled(node);
    }
    await stop();
  });

  test('is less for a server that finds it too large', async () => {
    const { webhook, broker, nodes, stop } = await startWith(json(kAllValid));
    const [bad] = nodes;
    webhook.answer = (exchange) => {
      if (idsOf(exchange).length > 3) exchange.reply(413, {}, '');
      else json({ invalidNodesIds: [bad.id] })(exchange);
    };
    await expectExpelled(bad);
    await broker.says(/answered 413 to 10 ids: asking for 5 at a time for 10 minutes/);
    const already = webhook.requests.length;
    const later = (await webhook.received(already + 20)).slice(already);
    for (const each of later) assert.ok(idsOf(each).length <= 2, `${idsOf(each).length} ids`);
    await stop();
  });
});

/// A new session with the id of one that has just gone.
async function rejoin(port, id) {
  for (;;) {
    const node = await joinRaw(port, id).catch(() => null);
    if (node) return node;
  }
}
