// ON_AUTHENTICATED_SOCKET_MSG_WEBHOOK_URL: told of each authorized SOCKET_MSG_EXCHANGE. Nobody waits for it.
import assert from 'node:assert/strict';
import { after as afterAll, before, beforeEach, describe, test } from 'node:test';
import { Broker, oursOnly } from './support/broker.mjs';
import { freshId, joinNode, send } from './support/node.mjs';
import { Pair } from './support/pair.mjs';
import { joinRaw } from './support/raw.mjs';
import { eventually, memoryIsMeasurable, scaled } from './support/time.mjs';
import { during, faults, json, saysInLog, stopWebhooks, Webhook } from './support/webhook.mjs';

const ours = oursOnly('behaves otherwise');
const kVariable = 'ON_AUTHENTICATED_SOCKET_MSG_WEBHOOK_URL';
const kMessage = 'SOCKET_MSG_EXCHANGE';
const kTimeout = scaled(300);

describe(kVariable, ours, () => {
  let webhook;
  let broker;
  let pair;
  before(async () => {
    webhook = await Webhook.start();
    broker = await Broker.start({
      [kVariable]: webhook.url('/message'),
      WEBHOOK_TIMEOUT_MS: String(kTimeout),
    });
    pair = await Pair.join(broker.port);
  });
  beforeEach(() => {
    webhook.answer = json({});
    webhook.requests = [];
  });
  afterAll(async () => {
    await broker?.stop();
    await stopWebhooks();
  });

  test('is notified who sent to whom, and whether the receiver is connected', async () => {
    const odd = await joinNode(broker.port, 'nöde "日本"');
    assert.equal(await send(odd, kMessage, { to: pair.a.nodeId, content: 'never told' }), 'OK');
    const [{ method, target, body, headers }] = await webhook.received(1);
    assert.deepEqual([method, target], ['POST', '/message']);
    assert.match(headers['content-type'], /^application\/json/);
    assert.equal(
      body,
      `{"senderId":"nöde \\"日本\\"","receiverId":"${pair.a.nodeId}","isReceiverConnected":true}`,
    );
    const absent = freshId('absent');
    assert.equal(await send(pair.a, kMessage, { to: absent }), 'NOT_CONNECTED');
    await webhook.received(2);
    assert.equal(
      webhook.requests[1].body,
      `{"senderId":"${pair.a.nodeId}","receiverId":"${absent}","isReceiverConnected":false}`,
    );
    odd.disconnect();
  });

  test('is notified of every message, also of equal ones', async () => {
    const sender = await joinRaw(broker.port, freshId());
    const payload = JSON.stringify(JSON.stringify({ to: pair.b.nodeId }));
    sender.sendEach(Array.from({ length: 30 }, (_, n) => `42${n}["${kMessage}",${payload}]`));
    await sender.packets(30);
    await webhook.received(30);
    await pair.stillTalks();
    await webhook.received(32);
    assert.equal(webhook.requests.length, 32);
  });

  test('is notified of nothing else', async () => {
    const [a, b] = [pair.a, pair.b];
    assert.equal(await send(a, 'CONNECTION_ATTEMPT', { to: b.nodeId }), 'OK');
    assert.equal(await send(a, kMessage, { to: '' }), 'ERROR');
    assert.equal(await send(a, kMessage, { from: b.nodeId, to: b.nodeId }), 'UNAUTHORIZED');
    await pair.sees(b.nodeId);
    assert.equal(await send(a, kMessage, { to: b.nodeId }), 'OK');
    await webhook.received(1);
    await send(a, kMessage, { to: b.nodeId });
    await webhook.received(2);
    assert.equal(webhook.requests.length, 2);
  });

  describe('that fails stops no message, when the server', () => {
    const { quick, body, slow } = faults({ anything: true });
    for (const [name, fault] of Object.entries({ ...quick, ...body, ...slow })) {
      test(name, async () => {
        await during(webhook, fault, async () => {
          await pair.stillTalks();
          if (fault) await webhook.received(2);
        });
        const absent = freshId('absent');
        await send(pair.a, kMessage, { to: absent });
        await webhook.received(1, ({ body: told }) => told.includes(absent));
      });
    }
  });

  test('that fails is named in the log', async () => {
    const { quick, slow } = faults({});
    for (const fault of [quick['refuses connections'], quick['answers 500'], slow['is silent']]) {
      await during(webhook, fault, () => saysInLog(broker, kVariable, () => pair.stillTalks()));
    }
  });

  test('that hangs is never waited for, and notified of as much as it accepts', async () => {
    webhook.answer = () => {};
    const before = memoryIsMeasurable ? broker.memory() : 0;
    const sender = await joinRaw(broker.port, freshId());
    const payload = JSON.stringify(JSON.stringify({ to: freshId('absent') }));
    for (let batch = 0; batch < 20; ++batch) {
      sender.sendEach(Array.from({ length: 1000 }, (_, n) => `42${n}["${kMessage}",${payload}]`));
      await sender.packets(1000);
    }
    await pair.stillTalks();
    if (memoryIsMeasurable) assert.ok(broker.memory() - before < 50, `${broker.memory()} MiB`);
    webhook.answer = json({});
    const absent = freshId('absent');
    await eventually('the webhook is told again', async () => {
      await send(pair.a, kMessage, { to: absent });
      return webhook.requests.some(({ body }) => body.includes(absent));
    });
  });
});
