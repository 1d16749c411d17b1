// AUTHORIZE_NODES_COMMUNICATION_WEBHOOK_URL: asked for every relayed message, with the real sender and receiver.
import assert from 'node:assert/strict';
import { after as afterAll, before, beforeEach, describe, test } from 'node:test';
import { Broker, oursOnly } from './support/broker.mjs';
import { freshId, joinNode, received, send } from './support/node.mjs';
import { Pair } from './support/pair.mjs';
import { joinRaw } from './support/raw.mjs';
import { eventually, scaled } from './support/time.mjs';
import {
  after,
  during,
  faults,
  json,
  outlasts,
  refusals,
  stopWebhooks,
  text,
  Webhook,
} from './support/webhook.mjs';

const ours = oursOnly('asks about some types only, and takes trouble for a no');
const kVariable = 'AUTHORIZE_NODES_COMMUNICATION_WEBHOOK_URL';
const kMessage = 'SOCKET_MSG_EXCHANGE';
const kInitiating = ['CONNECTION_ATTEMPT', kMessage];
const kFollowing = [
  'CONNECTION_ACCEPTANCE',
  'CONNECTION_REFUSAL',
  'INCOMING_CONNECTIONS_NOT_ALLOWED',
  'ICE_CANDIDATES_EXCHANGE_INITIATOR_TO_RESPONDER',
  'ICE_CANDIDATES_EXCHANGE_RESPONDER_TO_INITIATOR',
];
const kYes = { authorized: true };
const kTimeout = scaled(300);

/// The nth relay message of a raw node, with ack id n.
const message = (n, to, rest = {}) =>
  `42${n}${JSON.stringify([kMessage, JSON.stringify({ to, n, ...rest })])}`;
const acks = (count, status) => Array.from({ length: count }, (_, n) => `43${n}["${status(n)}"]`);
/// Which of their messages have arrived, in the order of arrival.
const numbers = (packets) => packets.map((packet) => JSON.parse(JSON.parse(packet.slice(2))[1]).n);

describe(kVariable, ours, () => {
  let webhook;
  let broker;
  let pair;
  before(async () => {
    webhook = await Webhook.start({ answer: json(kYes) });
    broker = await Broker.start({ [kVariable]: webhook.url('/authorize') });
    pair = await Pair.join(broker.port);
  });
  beforeEach(() => {
    webhook.answer = json(kYes);
    webhook.requests = [];
  });
  afterAll(async () => {
    await broker?.stop();
    await stopWebhooks();
  });

  const bodies = () => webhook.requests.map(({ body }) => body);

  describe('is asked', () => {
    test('once about each message of every type, with sender and receiver', async () => {
      const [a, b] = [pair.a, pair.b];
      for (const type of [...kInitiating, ...kFollowing]) {
        const arrived = received(b, type);
        assert.equal(await send(a, type, { from: a.nodeId, to: b.nodeId, type }), 'OK', type);
        assert.deepEqual(await arrived, { from: a.nodeId, to: b.nodeId, type });
      }
      assert.deepEqual(bodies(), Array(7).fill(`{"from":"${a.nodeId}","to":"${b.nodeId}"}`));
      const { method, target, headers } = webhook.requests[0];
      assert.deepEqual([method, target], ['POST', '/authorize']);
      assert.match(headers['content-type'], /^application\/json/);
    });

    test('with the real sender if the message names none, and the receiver without blanks', async () => {
      const odd = await joinNode(broker.port, 'nöde "日本"');
      assert.equal(await send(pair.a, kMessage, { to: ` ${odd.nodeId}\u3000` }), 'OK');
      assert.equal(await send(odd, kMessage, { to: pair.a.nodeId }), 'OK');
      const own = JSON.stringify(odd.nodeId);
      assert.deepEqual(bodies(), [
        `{"from":"${pair.a.nodeId}","to":${own}}`,
        `{"from":${own},"to":"${pair.a.nodeId}"}`,
      ]);
      odd.disconnect();
    });

    test('before the receiver is looked for', async () => {
      const absent = freshId('absent');
      assert.equal(await send(pair.a, kMessage, { to: absent }), 'NOT_CONNECTED');
      webhook.answer = json({ authorized: false });
      assert.equal(await send(pair.a, kMessage, { to: absent }), 'UNAUTHORIZED');
    });

    test('not when a node sends under another id, or an invalid message', async () => {
      const { nodeId } = pair.b;
      for (const from of [nodeId, '', ` ${pair.a.nodeId}`, 1, null, [pair.a.nodeId]]) {
        assert.equal(await send(pair.a, kMessage, { from, to: nodeId }), 'UNAUTHORIZED', `${from}`);
      }
      assert.equal(await send(pair.a, kMessage, { from: nodeId }), 'ERROR');
      assert.equal(await send(pair.a, kMessage, [nodeId]), 'ERROR');
      await pair.sees(nodeId);
      assert.deepEqual(bodies(), []);
    });

    test('about a receiver of any name, also one that JSON must escape', async () => {
      for (const to of ['"}', '\\', 'a\nb', '\u0001', '\u{1F600}', '\ud800']) {
        const ack = await send(pair.a, kMessage, { to });
        assert.match(ack, to === '\ud800' ? /^(NOT_CONNECTED|ERROR)$/ : /^NOT_CONNECTED$/);
      }
      for (const { bytes, question } of webhook.requests) {
        new TextDecoder('utf-8', { fatal: true }).decode(bytes);
        assert.deepEqual(Object.keys(question), ['from', 'to']);
      }
      await pair.stillTalks();
    });
  });

  test('is UNAUTHORIZED upon false, and nothing is delivered', async () => {
    const [sender, receiver] = await join(2);
    webhook.answer = json({ authorized: false });
    assert.deepEqual(await sender.emit(kMessage, JSON.stringify({ to: receiver.id })), [
      'UNAUTHORIZED',
    ]);
    assert.deepEqual(await receiver.settled(), []);
  });

  for (const [name, answer] of Object.entries(refusals(kYes))) {
    test(`is UNAUTHORIZED upon ${name}, which is not a fault`, async () => {
      const [sender, receiver] = await join(2);
      const start = broker.output.length;
      webhook.answer = answer;
      const to = JSON.stringify({ to: receiver.id });
      assert.deepEqual(await sender.emit(kMessage, to), ['UNAUTHORIZED']);
      assert.deepEqual(await receiver.settled(), []);
      assert.doesNotMatch(broker.output.slice(start), / (error|warning) /);
      webhook.answer = json(kYes);
      assert.deepEqual(await sender.emit(kMessage, to), ['OK']);
    });
  }

  test('is not asked about a receiver that cannot exist', async () => {
    const node = await joinRaw(broker.port, freshId());
    const strange = ['x'.repeat(257), 'x'.repeat(900_000), 'a\u0000b', 'a\tb'];
    strange.forEach((to, n) => node.sendText(message(n, to)));
    assert.deepEqual(
      await node.packets(strange.length),
      acks(strange.length, () => 'NOT_CONNECTED'),
    );
    node.sendText(message(0, 'x'.repeat(256)));
    assert.equal(await node.packet(), '430["NOT_CONNECTED"]');
    assert.deepEqual(bodies(), [JSON.stringify({ from: node.id, to: 'x'.repeat(256) })]);
  });

  test('may allow one direction only', async () => {
    webhook.answer = (exchange) =>
      json({ authorized: exchange.question.from === pair.a.nodeId })(exchange);
    assert.equal(await send(pair.a, kMessage, { to: pair.b.nodeId }), 'OK');
    assert.equal(await send(pair.b, kMessage, { to: pair.a.nodeId }), 'UNAUTHORIZED');
  });

  const join = (count, prefix, { port } = broker) =>
    Promise.all(Array.from({ length: count }, () => joinRaw(port, freshId(prefix))));

  describe('counts only a boolean', () => {
    for (const answer of [
      '{"authorized":"no"}',
      '{"authorized":"true"}',
      '{"authorized":1}',
      '{"authorized":null}',
      '{"authorized":[true]}',
      '{"Authorized":true}',
      '{"data":{"authorized":true}}',
      '[{"authorized":true}]',
    ]) {
      test(`not ${answer}`, async () => {
        const [sender, receiver] = await join(2);
        webhook.answer = text(answer);
        const to = JSON.stringify({ to: receiver.id });
        assert.deepEqual(await sender.emit(kMessage, to), ['ERROR']);
        assert.deepEqual(await receiver.settled(), []);
      });
    }
  });

  describe('that fails is an ERROR, nothing is delivered, when the server', () => {
    let hasty;
    let others;
    before(async () => {
      hasty = await Broker.start({
        [kVariable]: webhook.url('/authorize'),
        WEBHOOK_TIMEOUT_MS: String(kTimeout),
      });
      others = await Pair.join(hasty.port);
    });
    afterAll(() => hasty?.stop());

    const { quick, body, slow } = faults(kYes);
    for (const [name, fault] of Object.entries({ ...quick, ...body, ...slow })) {
      test(name, async () => {
        const [sender, receiver] = await join(2, 'node', hasty);
        const ask = async () => {
          const to = JSON.stringify({ from: sender.id, to: receiver.id });
          assert.deepEqual(await sender.emit(kMessage, to), ['ERROR']);
        };
        const trouble = { broker: hasty, variable: kVariable, timeout: kTimeout };
        await outlasts(webhook, fault, trouble, ask);
        assert.deepEqual(await receiver.settled(), []);
        assert.deepEqual(await sender.emit(kMessage, JSON.stringify({ to: receiver.id })), ['OK']);
        assert.match(await receiver.packet(), /^42\["SOCKET_MSG_EXCHANGE",/);
        await others.stillTalks();
        sender.destroy();
        receiver.destroy();
      });
    }
  });

  describe('keeps the order of a sender', () => {
    const kCount = 120;
    // Of sixteen questions that are open at once, the first is answered last.
    const backwards = (answer = json(kYes)) => {
      let n = 0;
      return after(() => 5 * (16 - (n++ % 16)), answer);
    };

    test('when answers about distinct receivers come back out of order', async () => {
      const [sender, ...receivers] = await join(13);
      const answered = [];
      webhook.answer = backwards((exchange) => {
        answered.push(webhook.requests.indexOf(exchange));
        json(kYes)(exchange);
      });
      const to = (n) => receivers[n % receivers.length];
      sender.sendEach(Array.from({ length: kCount }, (_, n) => message(n, to(n).id)));
      assert.deepEqual(
        await sender.packets(kCount),
        acks(kCount, () => 'OK'),
      );
      for (const [i, receiver] of receivers.entries()) {
        const mine = Array.from({ length: kCount }, (_, n) => n).filter((n) => n % 12 === i);
        assert.deepEqual(numbers(await receiver.packets(mine.length)), mine);
      }
      assert.notDeepEqual(
        answered,
        [...answered].sort((a, b) => a - b),
        'answers were out of order',
      );
    });

    test('when they are about one receiver', async () => {
      const [sender, receiver] = await join(2);
      webhook.answer = backwards();
      sender.sendEach(Array.from({ length: kCount }, (_, n) => message(n, receiver.id)));
      assert.deepEqual(
        await sender.packets(kCount),
        acks(kCount, () => 'OK'),
      );
      assert.deepEqual(
        numbers(await receiver.packets(kCount)),
        Array.from({ length: kCount }, (_, n) => n),
      );
    });

    test('when some are refused, some fail, and types are mixed', async () => {
      const [sender, good] = await join(2);
      const [refused] = await join(1, 'refused');
      const [troubled] = await join(1, 'troubled');
      webhook.answer = after(
        () => (7 * webhook.requests.length) % 30,
        (exchange) => {
          const { to } = exchange.question;
          if (to === troubled.id) exchange.reply(500, {}, '');
          else json({ authorized: to === good.id })(exchange);
        },
      );
      const of = (n) => [good, refused, good, troubled, good][n % 5];
      const type = (n) => [...kInitiating, ...kFollowing][n % 7];
      sender.sendEach(
        Array.from(
          { length: kCount },
          (_, n) => `42${n}${JSON.stringify([type(n), JSON.stringify({ to: of(n).id, n })])}`,
        ),
      );
      const status = { [good.id]: 'OK', [refused.id]: 'UNAUTHORIZED', [troubled.id]: 'ERROR' };
      assert.deepEqual(
        await sender.packets(kCount),
        acks(kCount, (n) => status[of(n).id]),
      );
      const mine = Array.from({ length: kCount }, (_, n) => n).filter((n) => of(n) === good);
      assert.deepEqual(numbers(await good.packets(mine.length)), mine);
      assert.deepEqual(await refused.settled(), []);
      assert.deepEqual(await troubled.settled(), []);
    });
  });

  test('that is slow about one pair delays no other', async () => {
    const [sender, receiver] = await join(2);
    const held = [];
    webhook.answer = (exchange) =>
      exchange.question.from === sender.id ? held.push(exchange) : json(kYes)(exchange);
    sender.sendText(message(0, receiver.id));
    await eventually('a held question', () => held.length > 0);
    await pair.stillTalks();
    await joinNode(broker.port);
    assert.deepEqual(await sender.settled(), []);
    json(kYes)(held[0]);
    assert.equal(await sender.packet(), '430["OK"]');
    assert.deepEqual(numbers([await receiver.packet()]), [0]);
  });

  test('that hangs about many pairs delays no other', async () => {
    const senders = await join(20);
    const held = [];
    webhook.answer = (exchange) =>
      senders.some(({ id }) => id === exchange.question.from)
        ? held.push(exchange)
        : json(kYes)(exchange);
    for (const sender of senders) sender.sendText(message(0, pair.a.nodeId));
    await eventually('20 held questions', () => held.length === 20);
    await pair.stillTalks();
    for (const sender of senders) assert.deepEqual(await sender.settled(), []);
    for (const exchange of held) json(kYes)(exchange);
    for (const sender of senders) assert.equal(await sender.packet(), '430["OK"]');
  });

  test('is asked once while the same question is open', async () => {
    const [sender, receiver] = await join(2);
    webhook.answer = after(50, json(kYes));
    sender.sendEach(Array.from({ length: 100 }, (_, n) => message(n, receiver.id)));
    assert.deepEqual(
      await sender.packets(100),
      acks(100, () => 'OK'),
    );
    // Sixteen questions of a sender are open at once.
    assert.ok(webhook.requests.length <= 20, `${webhook.requests.length} requests`);
  });

  test('is asked again for each message if no cache was asked for', async () => {
    const [sender, receiver] = await join(2);
    for (const answer of [true, false, true]) {
      webhook.answer = json({ authorized: answer });
      assert.deepEqual(await sender.emit(kMessage, JSON.stringify({ to: receiver.id })), [
        answer ? 'OK' : 'UNAUTHORIZED',
      ]);
    }
    assert.equal(webhook.requests.length, 3);
  });

  test('tolerates sender and receiver that leave meanwhile', async () => {
    const [sender, receiver, other] = await join(3);
    const held = [];
    webhook.answer = (exchange) => held.push(exchange);
    sender.sendText(message(0, receiver.id));
    other.sendText(message(0, receiver.id));
    await eventually('two held questions', () => held.length === 2);
    webhook.answer = json(kYes);
    sender.destroy();
    receiver.destroy();
    await pair.seesLeave(sender.id);
    await pair.seesLeave(receiver.id);
    held.forEach((exchange) => json(kYes)(exchange));
    assert.equal(await other.packet(), '430["NOT_CONNECTED"]');
    await pair.stillTalks();
  });
});

test(
  'AUTHORIZE_NODES_COMMUNICATION_SCOPE=initiation asks about the beginning of a conversation only',
  ours,
  async () => {
    const webhook = await Webhook.start({ answer: json({ authorized: false }) });
    const broker = await Broker.start({
      [kVariable]: webhook.url(),
      AUTHORIZE_NODES_COMMUNICATION_SCOPE: 'initiation',
    });
    const [a, b] = [await joinNode(broker.port), await joinNode(broker.port)];
    for (const type of kInitiating)
      assert.equal(await send(a, type, { to: b.nodeId }), 'UNAUTHORIZED', type);
    assert.equal(webhook.requests.length, 2);
    for (const type of kFollowing) {
      const arrived = received(b, type);
      assert.equal(await send(a, type, { to: b.nodeId }), 'OK', type);
      await arrived;
    }
    assert.equal(await send(a, kFollowing[0], { from: b.nodeId, to: b.nodeId }), 'UNAUTHORIZED');
    assert.equal(webhook.requests.length, 2);
    await broker.stop();
    await webhook.stop();
  },
);

describe('AUTHORIZE_NODES_COMMUNICATION_CACHE_TTL_MS', ours, () => {
  const kTtl = scaled(500);
  let webhook;
  let broker;
  before(async () => {
    webhook = await Webhook.start({ answer: json(kYes) });
  });
  beforeEach(() => {
    webhook.answer = json(kYes);
    webhook.requests = [];
  });
  afterAll(async () => {
    await broker?.stop();
    await stopWebhooks();
  });
  const startWith = async (ttl) => {
    await broker?.stop();
    broker = await Broker.start({
      [kVariable]: webhook.url(),
      AUTHORIZE_NODES_COMMUNICATION_CACHE_TTL_MS: String(ttl),
    });
  };
  const join = (count) =>
    Promise.all(Array.from({ length: count }, () => joinNode(broker.port, freshId())));
  const says = (a, b) => send(a, kMessage, { to: b.nodeId });

  test('avoids the question about a pair, in its direction', async () => {
    await startWith(scaled(600_000));
    const [a, b, c] = await join(3);
    for (let i = 0; i < 50; ++i) assert.equal(await says(a, b), 'OK');
    assert.equal(await send(a, 'CONNECTION_ATTEMPT', { to: b.nodeId }), 'OK');
    assert.equal(webhook.requests.length, 1);
    assert.equal(await says(b, a), 'OK');
    assert.equal(await says(a, c), 'OK');
    assert.equal(webhook.requests.length, 3);
  });

  test('keeps the order when some answers are cached and others not', async () => {
    webhook.answer = after(30, json(kYes));
    const sender = await joinRaw(broker.port, freshId());
    const known = await joinRaw(broker.port, freshId());
    const unknown = await Promise.all(
      Array.from({ length: 10 }, () => joinRaw(broker.port, freshId())),
    );
    assert.deepEqual(await sender.emit(kMessage, JSON.stringify({ to: known.id })), ['OK']);
    await known.packet();
    const to = (n) => (n % 2 ? known : unknown[(n / 2) % 10]);
    sender.sendEach(Array.from({ length: 40 }, (_, n) => message(n, to(n).id)));
    assert.deepEqual(
      await sender.packets(40),
      acks(40, () => 'OK'),
    );
    assert.deepEqual(
      numbers(await known.packets(20)),
      Array.from({ length: 20 }, (_, n) => 2 * n + 1),
    );
  });

  test('never caches a failure', async () => {
    const [a, b] = await join(2);
    for (const fault of Object.values(faults(kYes).body)) {
      webhook.answer = fault;
      assert.equal(await says(a, b), 'ERROR');
    }
    webhook.answer = json(kYes);
    assert.equal(await says(a, b), 'OK');
    await during(webhook, null, async () => assert.equal(await says(a, b), 'OK'));
  });

  test('caches a no that was given by the status', async () => {
    const [a, b] = await join(2);
    webhook.answer = refusals(kYes)['a 403'];
    assert.equal(await says(a, b), 'UNAUTHORIZED');
    webhook.answer = json(kYes);
    assert.equal(await says(a, b), 'UNAUTHORIZED');
    assert.equal(webhook.requests.length, 1);
  });

  test('asks again when it is over', async () => {
    await startWith(kTtl);
    const [a, b] = await join(2);
    assert.equal(await says(a, b), 'OK');
    webhook.answer = json({ authorized: false });
    const start = performance.now();
    await eventually('a no is heard', async () => (await says(a, b)) === 'UNAUTHORIZED');
    assert.ok(performance.now() - start > kTtl / 2, 'the answer was kept');
    webhook.answer = json(kYes);
    await eventually('a yes is heard', async () => (await says(a, b)) === 'OK');
    assert.ok(webhook.requests.length <= 4, `${webhook.requests.length} requests`);
  });
});

describe('AUTHORIZE_PRESENCE', ours, () => {
  let webhook;
  let broker;
  before(async () => {
    webhook = await Webhook.start();
    broker = await Broker.start({ [kVariable]: webhook.url(), AUTHORIZE_PRESENCE: 'true' });
  });
  beforeEach(() => {
    webhook.answer = (exchange) =>
      json({ authorized: !exchange.question.to.startsWith('hidden') })(exchange);
    webhook.requests = [];
  });
  afterAll(async () => {
    await broker?.stop();
    await stopWebhooks();
  });

  const ask = (node, ids) => node.emit('ARE_NODES_CONNECTED_TO_BROKER', JSON.stringify({ ids }));
  const results = ([answer]) =>
    JSON.parse(answer).results.map(({ id, connected }) => [id, connected]);

  test('tells a node nothing of those that it may not send to', async () => {
    const asker = await joinRaw(broker.port, freshId());
    const friend = await joinRaw(broker.port, freshId());
    const hidden = await joinRaw(broker.port, freshId('hidden'));
    const absent = freshId('absent');
    assert.deepEqual(results(await ask(asker, [hidden.id, friend.id, absent, 'hidden-absent'])), [
      [hidden.id, false],
      [friend.id, true],
      [absent, false],
      ['hidden-absent', false],
    ]);
    assert.deepEqual(
      webhook.requests.map(({ question }) => [question.from, question.to]).sort(),
      [hidden.id, friend.id, absent, 'hidden-absent'].map((to) => [asker.id, to]).sort(),
      'whoever is connected or not, the webhook is asked',
    );
  });

  test('is answered ERROR while the webhook cannot be asked', async () => {
    const asker = await joinRaw(broker.port, freshId());
    webhook.answer = text('down', { status: 500 });
    assert.deepEqual(await ask(asker, [asker.id]), ['ERROR']);
  });

  test('of a thousand ids asks for 16 at a time, and messages do not wait for them', async () => {
    const asker = await joinRaw(broker.port, freshId());
    const [sender, receiver] = [await joinRaw(broker.port, freshId()), await joinRaw(broker.port, freshId())];
    webhook.peak = 0;
    const asking = ask(asker, Array.from({ length: 1000 }, (_, n) => `nobody-${n}`));
    await eventually('it is asked', () => webhook.requests.length > 0);
    assert.deepEqual(await sender.emit(kMessage, JSON.stringify({ to: receiver.id })), ['OK']);
    assert.ok(webhook.requests.length < 1000, 'the message did not wait');
    assert.equal(results(await asking).length, 1000);
    assert.ok(webhook.peak <= 17, `${webhook.peak} at once`);
  });
});
