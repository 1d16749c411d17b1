// MESSAGE_RATE_PER_NODE: how fast a node may send.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Broker, oursOnly, runBroker } from './support/broker.mjs';
import { freshId } from './support/node.mjs';
import { joinRaw } from './support/raw.mjs';
import { delay, eventually, scaled } from './support/time.mjs';
import { json, stopWebhooks, Webhook } from './support/webhook.mjs';

const ours = oursOnly('has no such variable');
const kMessage = 'SOCKET_MSG_EXCHANGE';
const kBurst = 20;

describe('with MESSAGE_RATE_PER_NODE', ours, () => {
  let broker;
  let webhook;
  before(async () => {
    webhook = await Webhook.start({ answer: json({ authorized: true }) });
    broker = await Broker.start({
      MESSAGE_RATE_PER_NODE: '10',
      MESSAGE_BURST_PER_NODE: String(kBurst),
      AUTHORIZE_NODES_COMMUNICATION_WEBHOOK_URL: webhook.url(),
      LOG_LEVEL: '1',
      METRICS_ENABLED: 'true',
    });
  });
  after(async () => {
    await broker?.stop();
    await stopWebhooks();
  });

  const metric = async (name) => {
    const page = await fetch(`${broker.url}/metrics`).then((r) => r.text());
    return Number(new RegExp(`^crolang_broker_${name} (\\d+)$`, 'm').exec(page)[1]);
  };
  const message = (to, n) => `42${n}${JSON.stringify([kMessage, JSON.stringify({ to, n })])}`;

  test('a burst is delivered, what exceeds it is answered ERROR and reaches nobody', async () => {
    const sender = await joinRaw(broker.port, freshId());
    const receiver = await joinRaw(broker.port, freshId());
    const over = await metric('messages_over_rate_total');
    const asked = webhook.requests.length;
    sender.sendEach(Array.from({ length: 3 * kBurst }, (_, n) => message(receiver.id, n)));
    const acks = await sender.packets(3 * kBurst);
    const delivered = acks.filter((ack) => ack.endsWith('["OK"]')).length;
    const refused = acks.filter((ack) => ack.endsWith('["ERROR"]')).length;
    assert.equal(delivered + refused, 3 * kBurst, acks.join(' '));
    // They may arrive in two reads, between which more are allowed.
    assert.ok(delivered >= kBurst && delivered <= kBurst + 5, `${delivered} delivered`);
    assert.equal(await metric('messages_over_rate_total'), over + refused);
    assert.ok(webhook.requests.length <= asked + delivered, 'nobody is asked about the others');
    const received = await receiver.packets(delivered);
    assert.deepEqual(
      received.map((packet) => JSON.parse(JSON.parse(packet.slice(2))[1]).n),
      acks.filter((ack) => ack.endsWith('["OK"]')).map((ack) => Number(/^43(\d+)/.exec(ack)[1])),
    );
    assert.deepEqual(await receiver.settled(), []);
    await eventually('the log says why', () =>
      broker.output.includes(
        `message not relayed event=${kMessage} from=${sender.id} to="" ack=ERROR why="the node sends faster than`,
      ),
    );
  });

  test('whoever waits may send again', async () => {
    const sender = await joinRaw(broker.port, freshId());
    sender.sendEach(Array.from({ length: 2 * kBurst }, (_, n) => message(sender.id, n)));
    await eventually('a message is delivered again', async () => {
      const [ack] = await sender.emit(kMessage, JSON.stringify({ to: sender.id }));
      return ack === 'OK';
    });
  });

  test('nodes do not share a rate', async () => {
    const loud = await joinRaw(broker.port, freshId());
    const quiet = await joinRaw(broker.port, freshId());
    loud.sendEach(Array.from({ length: 100 }, (_, n) => message(quiet.id, n)));
    for (let n = 0; n < kBurst; ++n) {
      assert.deepEqual(await quiet.emit(kMessage, JSON.stringify({ to: quiet.id })), ['OK']);
    }
  });

  test('a node that does not slow down is disconnected, and may come back', async () => {
    const sender = await joinRaw(broker.port, freshId());
    const other = await joinRaw(broker.port, freshId());
    const closed = await metric('closed_by_broker_total\\{reason="message_rate"\\}');
    const sending = (async () => {
      for (let n = 0; !sender.hasEnded; n += 50) {
        sender.sendEach(Array.from({ length: 50 }, (_, i) => message(sender.id, n + i)));
        await delay(100);
      }
    })();
    await sender.sentBack(scaled(30_000));
    await sending;
    assert.equal(
      await metric('closed_by_broker_total\\{reason="message_rate"\\}'),
      closed + 1,
    );
    await broker.says(
      new RegExp(`node disconnected node=${sender.id} why="it kept sending faster than MESSAGE_RATE_PER_NODE`),
    );
    const again = await joinRaw(broker.port, sender.id);
    assert.deepEqual(await again.emit(kMessage, JSON.stringify({ to: other.id })), ['OK']);
  });
});

test('a burst without a rate is named as one that has no effect', ours, async () => {
  const { code, output } = await runBroker(['--check-config'], { MESSAGE_BURST_PER_NODE: '5' });
  assert.equal(code, 0);
  assert.match(output, /MESSAGE_BURST_PER_NODE has no effect without MESSAGE_RATE_PER_NODE/);
});
