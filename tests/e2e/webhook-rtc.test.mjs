// RTC_CONFIGURATION_RESOLVER_WEBHOOK_URL: asked for every admitted node. Its answer is what AUTHENTICATED carries.
import assert from 'node:assert/strict';
import { after as afterAll, before, beforeEach, describe, test } from 'node:test';
import { Broker, oursOnly } from './support/broker.mjs';
import { freshId, joinNode, refusalOf } from './support/node.mjs';
import { Pair } from './support/pair.mjs';
import { connectRaw, joinRaw } from './support/raw.mjs';
import { scaled } from './support/time.mjs';
import {
  after,
  expectTryAgain,
  faults,
  json,
  outlasts,
  knock,
  saysInLog,
  startKnock,
  stopWebhooks,
  text,
  Webhook,
} from './support/webhook.mjs';

const ours = oursOnly('takes other answers');
const kVariable = 'RTC_CONFIGURATION_RESOLVER_WEBHOOK_URL';
const kStun = { iceServers: [{ urls: ['stun:stun.example.org:3478'] }] };
const kTimeout = scaled(300);

describe(kVariable, ours, () => {
  let webhook;
  let broker;
  let pair;
  before(async () => {
    webhook = await Webhook.start({ answer: json(kStun) });
    broker = await Broker.start({ [kVariable]: webhook.url('/rtc') });
    pair = await Pair.join(broker.port);
  });
  beforeEach(() => {
    webhook.answer = json(kStun);
    webhook.requests = [];
  });
  afterAll(async () => {
    await broker?.stop();
    await stopWebhooks();
  });

  const resolved = async (answer) => {
    webhook.answer = answer;
    return (await joinNode(broker.port)).authenticated;
  };

  test('is asked with the id alone', async () => {
    const node = await joinNode(broker.port, 'nöde "日本"', { query: { data: '{"secret":1}' } });
    const [{ method, target, body, headers }] = await webhook.received(1);
    assert.deepEqual([method, target], ['POST', '/rtc']);
    assert.match(headers['content-type'], /^application\/json/);
    assert.equal(body, '{"nodeId":"nöde \\"日本\\""}');
    assert.equal(webhook.requests.length, 1);
    node.disconnect();
  });

  test('is not asked for a node that gets a refusal', async () => {
    assert.equal(await refusalOf(broker.port, pair.a.nodeId), 'client already connected');
    await joinNode(broker.port);
    assert.equal(webhook.requests.length, 1);
  });

  test('is asked again on a later CONNECT of the same transport', async () => {
    const node = await joinRaw(broker.port, freshId());
    webhook.answer = json({ iceServers: [{ urls: ['stun:other.example.org'] }] });
    node.sendText('41');
    await connectRaw(node);
    assert.deepEqual(node.configuration.iceServers, [{ urls: ['stun:other.example.org'] }]);
  });

  const kFull = {
    iceServers: [
      { urls: ['stun:a.example.org', 'stun:b.example.org:3479'] },
      { urls: 'turn:c.example.org?transport=tcp', username: 'ü"ser', credential: 'p\\w' },
      { urls: ['turns:d.example.org'], username: 'u', password: 'p' },
    ],
    iceTransportPolicy: 'relay',
    bundlePolicy: 'balanced',
    rtcpMuxPolicy: 'require',
    iceCandidatePoolSize: 3,
    unknown: { b: 1, a: [null] },
  };
  const kNodesSee = {
    ...kFull,
    iceServers: [
      kFull.iceServers[0],
      { ...kFull.iceServers[1], urls: [kFull.iceServers[1].urls], password: 'p\\w' },
      { ...kFull.iceServers[2], credential: 'p' },
    ],
  };

  describe('gives nodes', () => {
    test('a flat configuration, as nodes understand it', async () => {
      assert.deepEqual(await resolved(json(kFull)), kNodesSee);
    });

    test('the same in rtcConfiguration', async () => {
      assert.deepEqual(await resolved(json({ rtcConfiguration: kFull, ttl: 60 })), kNodesSee);
    });

    test('one url in a string as an array', async () => {
      const { iceServers } = await resolved(json({ iceServers: [{ urls: 'stun:x' }] }));
      assert.deepEqual(iceServers, [{ urls: ['stun:x'] }]);
    });

    test('one event with one string', async () => {
      const node = await joinRaw(broker.port, freshId());
      assert.deepEqual(node.configuration, kStun);
      assert.deepEqual(await node.settled(), []);
    });

    test('each its own', async () => {
      webhook.answer = (exchange) => {
        const server = { urls: ['turn:x'], username: exchange.question.nodeId, credential: 'c' };
        json({ iceServers: [server] })(exchange);
      };
      const nodes = await Promise.all(Array.from({ length: 40 }, () => joinNode(broker.port)));
      for (const node of nodes) {
        const { iceServers } = await node.authenticated;
        assert.equal(iceServers[0].username, node.nodeId);
        assert.equal(iceServers[0].password, 'c');
      }
    });
  });

  // The peer sends nodes "null" for a configuration in its documented form, and anything else as it is.
  describe('gives nothing but trouble by', () => {
    for (const answer of [
      '{}',
      '{"iceServers":[]}',
      '{"iceServers":{}}',
      '{"iceServers":null}',
      '{"iceServers":"stun:x"}',
      '{"iceServers":[{}]}',
      '{"iceServers":["stun:x"]}',
      '{"iceServers":[{"urls":[]}]}',
      '{"iceServers":[{"urls":1}]}',
      '{"iceServers":[{"urls":["stun:x",1]}]}',
      '{"iceServers":[{"urls":["stun:x"]},{"url":"stun:x"}]}',
      '{"iceServers":[{"urls":"turn:x","username":1}]}',
      '{"rtcConfiguration":null}',
      '{"rtcConfiguration":"{}"}',
      '{"rtcConfiguration":{"iceServers":[]}}',
      '{"rtcConfiguration":[]}',
    ]) {
      test(answer, async () => {
        webhook.answer = text(answer);
        const id = freshId();
        await saysInLog(broker, kVariable, () => expectTryAgain(broker.port, id));
        webhook.answer = json(kStun);
        await joinNode(broker.port, id);
      });
    }
  });

  describe('that could not be asked makes a node come again, when the server', () => {
    let hasty;
    let others;
    before(async () => {
      webhook.answer = json(kStun);
      hasty = await Broker.start({
        [kVariable]: webhook.url('/rtc'),
        WEBHOOK_TIMEOUT_MS: String(kTimeout),
      });
      others = await Pair.join(hasty.port);
    });
    afterAll(() => hasty?.stop());

    const { quick, body, slow } = faults(kStun);
    for (const [name, fault] of Object.entries({ ...quick, ...body, ...slow })) {
      test(name, async () => {
        const id = freshId();
        const trouble = { broker: hasty, variable: kVariable, timeout: kTimeout };
        await outlasts(webhook, fault, trouble, () => expectTryAgain(hasty.port, id));
        const node = await joinNode(hasty.port, id);
        assert.deepEqual(await node.authenticated, kStun);
        await others.stillTalks();
      });
    }
  });

  test('that could not be asked on a later CONNECT ends the transport and frees the id', async () => {
    const node = await joinRaw(broker.port, freshId());
    node.sendText('41');
    await node.settled();
    webhook.answer = text('{}');
    node.sendText('40');
    assert.deepEqual(await node.sentBack(), []);
    webhook.answer = json(kStun);
    await joinNode(broker.port, node.id);
  });

  test('that is slow holds the id until its trouble is told, not longer', async () => {
    const held = [];
    webhook.answer = (exchange) => held.push(exchange);
    const id = freshId();
    const first = await startKnock(broker.port, id);
    await webhook.received(1);
    await expectTryAgain(broker.port, id);
    held[0].reply(500, {}, '');
    assert.equal((await first.response()).status, 503);
    webhook.answer = json(kStun);
    await joinNode(broker.port, id);
  });

  test('is asked before the 101, so that a node which leaves meanwhile leaves no trace', async () => {
    const held = [];
    webhook.answer = (exchange) => held.push(exchange);
    const id = freshId();
    const leaving = await startKnock(broker.port, id);
    await webhook.received(1);
    leaving.destroy();
    json(kStun)(held[0]);
    webhook.answer = json(kStun);
    await pair.seesLeave(id);
    const { response, socket } = await knock(broker.port, freshId());
    assert.equal(response.status, 101);
    socket.destroy();
  });

  test('that is slow delays nobody who has joined', async () => {
    webhook.answer = after(scaled(300), json(kStun));
    let joined = false;
    const newcomer = joinNode(broker.port).then(() => {
      joined = true;
    });
    await webhook.received(1);
    await pair.stillTalks();
    assert.equal(joined, false);
    await newcomer;
  });
});
