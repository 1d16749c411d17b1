// RTC_CONFIGURATION_RESOLVER_WEBHOOK_URL: asked for every admitted node. Its answer is what AUTHENTICATED carries.
import assert from 'node:assert/strict';
import { after as afterAll, before, beforeEach, describe, test } from 'node:test';
import { Broker, oursOnly } from './support/broker.mjs';
import { freshId, joinNode, refusalOf } from './support/node.mjs';
import { Pair } from './support/pair.mjs';
import { connectRaw, joinRaw } from './support/raw.mjs';
import { eventually, scaled } from './support/time.mjs';
import {
  after,
  expectTryAgain,
  faults,
  json,
  outlasts,
  tryConnect,
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

    test('the spelling that every WebRTC stack accepts', async () => {
      const configuration = await resolved(
        json({
          iceServers: [
            { urls: [' Stun:a.example.org?transport=udp\n'], username: null, credential: null },
            { urls: 'TURN:b.example.org?transport=TCP', username: 'u', credential: 'c' },
            { urls: 'turns:c.example.org?transport=udp', username: 'u', credential: 'c' },
          ],
          iceTransportPolicy: null,
          bundlePolicy: null,
          certificates: [],
          sdpSemantics: 'x',
        }),
      );
      const turn = { username: 'u', credential: 'c', password: 'c' };
      assert.deepEqual(configuration, {
        iceServers: [
          { urls: ['stun:a.example.org'] },
          { urls: ['turn:b.example.org?transport=tcp'], ...turn },
          { urls: ['turns:c.example.org?transport=tcp'], ...turn },
        ],
      });
    });

    test('the servers that their WebRTC stacks accept, and leaves the others out', async () => {
      const start = broker.output.length;
      const { iceServers } = await resolved(
        json({
          iceServers: [
            { urls: ['turn:user:hush@a.example.org', 'turn:b.example.org'], username: 'u' },
            { urls: ['turn:c.example.org:0', 'stun:c.example.org'], username: 'u', credential: 'c' },
            { urls: 'turn:d.example.org', username: 'u'.repeat(509), credential: 'c' },
            { urls: 'turn:e.example.org', username: 'u', credential: 'c', credentialType: 'oauth' },
          ],
        }),
      );
      assert.deepEqual(iceServers, [
        { urls: ['stun:c.example.org'], username: 'u', credential: 'c', password: 'c' },
      ]);
      const said = () => broker.output.slice(start);
      await eventually('the log says so', async () => /ICE servers .* left out/.test(said()));
      const line = said()
        .split('\n')
        .find((each) => /left out/.test(each));
      assert.match(line, / warning .* urls=5 /);
      assert.ok(line.includes(`variable=${kVariable}`), line);
      for (const words of [
        "'turn:…@a.example.org': it has a user (@)",
        "'turn:b.example.org': a TURN server needs a credential",
        "'turn:c.example.org:0': its port is not a number from 1 to 65535",
        "'turn:d.example.org': its username is longer than 508 bytes",
        "'turn:e.example.org': its credentialType is not password",
      ]) {
        assert.ok(line.includes(words), `${words} in ${line}`);
      }
      assert.doesNotMatch(broker.output, /hush/);
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

  test('counts what it leaves out and what it refuses', async () => {
    const counting = await Broker.start({
      [kVariable]: webhook.url('/rtc'),
      METRICS_ENABLED: 'true',
    });
    webhook.answer = json({ iceServers: [{ urls: ['stun:x', 'stun:y:0', 'turn:z'] }] });
    // The second answer is the same, and counts all the same.
    for (let i = 0; i < 2; ++i) await (await joinNode(counting.port)).authenticated;
    webhook.answer = json({ iceServers: [{ urls: ['turn:z'] }] });
    await expectTryAgain(counting.port, freshId());
    const page = await (await fetch(`${counting.url}/metrics`)).text();
    assert.match(page, /^crolang_broker_rtc_urls_left_out_total 4$/m);
    assert.match(page, /^crolang_broker_rtc_configurations_refused_total 1$/m);
    assert.match(page, /^crolang_broker_admissions_unavailable_total\{reason="rtc"\} 1$/m);
    await counting.stop();
  });

  test('warns of more TURN URLs than browsers use', async () => {
    const start = broker.output.length;
    const server = { urls: Array(33).fill('turn:x'), username: 'u', credential: 'c' };
    const { iceServers } = await resolved(json({ iceServers: [server] }));
    assert.equal(iceServers[0].urls.length, 33);
    await eventually('the log says so', async () =>
      / warning .*more TURN URLs than browsers use.* urls=33 /.test(broker.output.slice(start)),
    );
  });

  describe('fails by', () => {
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
      // No server that a WebRTC stack would take.
      '{"iceServers":[{"urls":["turn:turn.example.org:347800"],"username":"u","credential":"c"}]}',
      '{"iceServers":[{"urls":["turn:turn.example.org"]}]}',
      '{"iceServers":[{"urls":["stun.example.org"]}]}',
      // Taken for "all" by some stacks, which then show the addresses that were to be hidden.
      '{"iceServers":[{"urls":["turn:x"],"username":"u","credential":"c"}],"iceTransportPolicy":"Relay"}',
      '{"iceServers":[{"urls":["stun:x"]}],"iceTransportPolicy":"relay"}',
      '{"iceServers":[{"urls":["stun:x"]}],"bundlePolicy":"max_bundle"}',
      '{"iceServers":[{"urls":["stun:x"]}],"rtcpMuxPolicy":true}',
      '{"iceServers":[{"urls":["stun:x"]}],"iceCandidatePoolSize":256}',
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

  describe('that fails makes a node retry, when the server', () => {
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

  test('that fails on a later CONNECT ends the transport and frees the id', async () => {
    const node = await joinRaw(broker.port, freshId());
    node.sendText('41');
    await node.settled();
    webhook.answer = text('{}');
    node.sendText('40');
    assert.deepEqual(await node.sentBack(), []);
    webhook.answer = json(kStun);
    await joinNode(broker.port, node.id);
  });

  test('that is slow holds the id until its failure is reported, not longer', async () => {
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

  test('is asked before the 101, so that a node which leaves meanwhile leaves nothing behind', async () => {
    const held = [];
    webhook.answer = (exchange) => held.push(exchange);
    const id = freshId();
    const leaving = await startKnock(broker.port, id);
    await webhook.received(1);
    leaving.destroy();
    json(kStun)(held[0]);
    webhook.answer = json(kStun);
    await pair.seesLeave(id);
    const { response, socket } = await tryConnect(broker.port, freshId());
    assert.equal(response.status, 101);
    socket.destroy();
  });

  test('that is slow does not delay nodes that have joined', async () => {
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
