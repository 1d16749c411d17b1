// NODES_AUTHENTICATION_WEBHOOK_URL: asked for every connecting node. A no ends the node, trouble makes it come again.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after as afterAll, before, beforeEach, describe, test } from 'node:test';
import { Broker, oursOnly } from './support/broker.mjs';
import { freshId, joinNode, refusalOf, send, startNode } from './support/node.mjs';
import { Pair } from './support/pair.mjs';
import { connectRaw, joinRaw } from './support/raw.mjs';
import { eventually, scaled, within } from './support/time.mjs';
import {
  after,
  during,
  expectTryAgain,
  faults,
  json,
  outlasts,
  refusals,
  tryConnect,
  startKnock,
  stopWebhooks,
  text,
  Webhook,
} from './support/webhook.mjs';

const ours = oursOnly('takes trouble for a no');
const kVariable = 'NODES_AUTHENTICATION_WEBHOOK_URL';
const kYes = { authenticated: true };
const kTimeout = scaled(300);
const kSlow = scaled(300);

describe(kVariable, ours, () => {
  let webhook;
  let broker;
  let pair;
  before(async () => {
    webhook = await Webhook.start({ answer: json(kYes) });
    broker = await Broker.start({ [kVariable]: webhook.url('/auth?tenant=1') });
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

  const asked = async () => (await webhook.received(1))[0];

  describe('is asked', () => {
    test('by a POST of JSON to the very URL', async () => {
      await joinNode(broker.port);
      const { method, target, version, headers } = await asked();
      assert.deepEqual([method, target, version], ['POST', '/auth?tenant=1', 'HTTP/1.1']);
      assert.match(headers['content-type'], /^application\/json(; *charset=utf-8)?$/i);
      assert.equal(headers.host, `127.0.0.1:${webhook.port}`);
      assert.equal(webhook.requests.length, 1);
    });

    const kData = {
      'an object, in the order of its members': [
        '{"b":1,"a":[true,null,2.5],"é":{}}',
        '{"b":1,"a":[true,null,2.5],"é":{}}',
      ],
      'an array': ['["x",{}]', '["x",{}]'],
      'an empty object': ['{}', '{}'],
      'an object written with blanks': [' { "a" : [ 1 , 2 ] } ', '{"a":[1,2]}'],
      'a number, which stays a string': ['42', '"42"'],
      'a JSON string, which stays a string': ['"x"', '"\\"x\\""'],
      'true, which stays a string': ['true', '"true"'],
      'null, which stays a string': ['null', '"null"'],
      'no JSON': ['{"a":', '"{\\"a\\":"'],
      'two JSON texts': ['{}{}', '"{}{}"'],
      'nothing but empty': ['', '""'],
      'of every kind of character': [
        '"\\/\b\f\n\r\té日😀\u2028',
        '"\\"\\\\/\\b\\f\\n\\r\\té日😀\u2028"',
      ],
    };
    for (const [name, [given, sent]] of Object.entries(kData)) {
      test(`with data that is ${name}`, async () => {
        const node = await joinNode(broker.port, freshId(), { query: { data: given } });
        const own = `"${node.nodeId}"`;
        assert.equal((await asked()).body, `{"nodeId":${own},"id":${own},"data":${sent}}`);
      });
    }

    test('without data if the node gives none', async () => {
      const node = await joinNode(broker.port, freshId());
      assert.equal((await asked()).body, `{"nodeId":"${node.nodeId}","id":"${node.nodeId}"}`);
    });

    for (const odd of ['nöde 日本 😀', 'a"b\\c/d', "<&'>", '__proto__', 'x\u2028y', '{"id":1}']) {
      test(`with the id ${JSON.stringify(odd)}`, async () => {
        const node = await joinNode(broker.port, odd);
        const own = JSON.stringify(node.nodeId);
        assert.equal((await asked()).body, `{"nodeId":${own},"id":${own}}`);
      });
    }

    test('in valid UTF-8 whatever bytes the data have, or not at all', async () => {
      for (const bytes of ['%FF%FE', '%ED%A0%80', '%7B%22a%22%3A%22%C3%22%7D']) {
        const { socket, response } = await tryConnect(broker.port, freshId(), `&data=${bytes}`);
        socket.destroy();
        assert.ok([101, 503].includes(response.status), `${response.status}`);
      }
      for (const { bytes } of webhook.requests) {
        new TextDecoder('utf-8', { fatal: true }).decode(bytes);
      }
      await pair.stillTalks();
    });

    test('with data of any depth', async () => {
      const deep = '['.repeat(2000) + ']'.repeat(2000);
      const node = await joinNode(broker.port, freshId(), { query: { data: deep } });
      const own = `"${node.nodeId}"`;
      assert.equal((await asked()).body, `{"nodeId":${own},"id":${own},"data":${deep}}`);
      await pair.stillTalks();
    });

    test('not at all about a node whose parameters are refused', async () => {
      const message = await refusalOf(broker.port, ' padded ');
      assert.equal(message, 'invalid node id');
      await joinNode(broker.port);
      assert.equal(webhook.requests.length, 1);
    });

    test('before the id is checked, so an unauthenticated client learns nothing of it', async () => {
      webhook.answer = json({ authenticated: false });
      assert.equal(await refusalOf(broker.port, pair.a.nodeId), 'authentication failed');
    });

    test('again on a later CONNECT of the same transport', async () => {
      const node = await joinRaw(broker.port, freshId());
      node.sendText('41');
      await connectRaw(node);
      assert.equal(webhook.requests.length, 2);
      assert.equal(webhook.requests[0].body, webhook.requests[1].body);
    });
  });

  describe('refuses', () => {
    test('for good upon false', async () => {
      webhook.answer = json({ authenticated: false });
      const id = freshId();
      assert.equal(await refusalOf(broker.port, id), 'authentication failed');
      webhook.answer = json(kYes);
      await joinNode(broker.port, id);
    });

    test('whatever else the answer says', async () => {
      webhook.answer = text(' {"reason":"é","authenticated" : false , "more":[{}]}\n');
      assert.equal(await refusalOf(broker.port, freshId()), 'authentication failed');
      webhook.answer = text(' {"reason":"é","authenticated" : true , "more":[{}]}\n');
      await joinNode(broker.port);
    });

    for (const [name, answer] of Object.entries(refusals(kYes))) {
      test(`for good upon ${name}, which is not a fault`, async () => {
        webhook.answer = answer;
        const id = freshId();
        const start = broker.output.length;
        assert.equal(await refusalOf(broker.port, id), 'authentication failed');
        assert.doesNotMatch(broker.output.slice(start), / (error|warning) /);
        webhook.answer = json(kYes);
        await joinNode(broker.port, id);
      });
    }

    test('without the data in the log', async () => {
      webhook.answer = json({ authenticated: false });
      await refusalOf(broker.port, freshId(), { query: { data: 's3cret-token' } });
      await during(webhook, faults(kYes).quick['answers 404'], () =>
        assert.rejects(joinNode(broker.port, freshId(), { query: { data: 's3cret-token' } })),
      );
      assert.doesNotMatch(broker.output, /s3cret-token/);
    });
  });

  describe('counts only a boolean', () => {
    for (const answer of [
      '"false"',
      '"true"',
      '1',
      '0',
      'null',
      '{}',
      '[true]',
      '{"value":true}',
    ]) {
      test(`not ${answer}`, async () => {
        webhook.answer = text(`{"authenticated":${answer}}`);
        await expectTryAgain(broker.port, freshId());
      });
    }

    test('in the member itself', async () => {
      for (const answer of [
        '{"Authenticated":true}',
        '{"data":{"authenticated":true}}',
        '[{"authenticated":true}]',
      ]) {
        webhook.answer = text(answer);
        await expectTryAgain(broker.port, freshId());
      }
    });
  });

  describe('that fails makes a node retry, when the server', () => {
    let hasty;
    let others;
    before(async () => {
      webhook.answer = json(kYes);
      hasty = await Broker.start({
        [kVariable]: webhook.url('/auth?tenant=1'),
        WEBHOOK_TIMEOUT_MS: String(kTimeout),
      });
      others = await Pair.join(hasty.port);
    });
    afterAll(() => hasty?.stop());

    const { quick, body, slow } = faults(kYes);
    for (const [name, fault] of Object.entries({ ...quick, ...body, ...slow })) {
      test(name, async () => {
        const id = freshId();
        const trouble = { broker: hasty, variable: kVariable, timeout: kTimeout };
        await outlasts(webhook, fault, trouble, () => expectTryAgain(hasty.port, id));
        assert.deepEqual(
          webhook.requests.filter(({ target }) => target !== '/auth?tenant=1'),
          [],
          'no redirect is followed',
        );
        await joinNode(hasty.port, id);
        await others.stillTalks();
      });
    }

    test('is down, and admits it by itself once the server is up again', async () => {
      const id = freshId();
      await webhook.stop();
      const node = startNode(hasty.port, id, { reconnection: true, reconnectionDelay: 50 });
      const [error] = await once(node, 'connect_error');
      assert.equal(error.message, 'websocket error');
      assert.equal(node.active, true);
      await webhook.listen();
      await within(scaled(10_000), `${id} joins`, node.authenticated);
      assert.equal(await others.sees(id), true);
    });
  });

  test('that fails on a later CONNECT ends the transport, so that the node reconnects', async () => {
    const node = await joinRaw(broker.port, freshId());
    node.sendText('41');
    await node.settled();
    webhook.answer = faults(kYes).quick['answers 500'];
    node.sendText('40');
    assert.deepEqual(await node.sentBack(), []);
    webhook.answer = json(kYes);
    await joinNode(broker.port, node.id);
  });

  test('admits a node when the server closes after each answer, with Connection: close or without', async () => {
    for (const answer of [
      (exchange) => {
        exchange.reply(200, { Connection: 'close' }, JSON.stringify(kYes));
        exchange.socket.end();
      },
      (exchange) => {
        json(kYes)(exchange);
        exchange.socket.end();
      },
      (exchange) => {
        exchange.reply(200, { 'Content-Length': null }, JSON.stringify(kYes));
        exchange.socket.end();
      },
    ]) {
      webhook.answer = answer;
      for (let i = 0; i < 20; ++i) await joinNode(broker.port);
    }
  });

  test('admits a node when the answer comes in pieces, and after a 100 Continue', async () => {
    webhook.answer = (exchange) =>
      exchange.drip(
        'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n' +
          '10\r\n{"authenticated"\r\n6\r\n:true}\r\n0\r\n\r\n',
        1,
      );
    await joinNode(broker.port);
    await joinNode(broker.port);
  });

  test('admits a node upon any 2xx', async () => {
    webhook.answer = (exchange) => exchange.reply(201, {}, JSON.stringify(kYes));
    await joinNode(broker.port);
  });

  test('never treats data that the server sent before the request as an answer', async () => {
    const no = (exchange) => exchange.reply(200, {}, '{"authenticated":false}');
    const yes = (exchange) => exchange.reply(200, {}, JSON.stringify(kYes));
    for (const answer of [
      (exchange) => {
        exchange.socket.cork();
        no(exchange);
        yes(exchange);
        exchange.socket.uncork();
      },
      (exchange) => {
        no(exchange);
        setImmediate(() => yes(exchange));
      },
    ]) {
      webhook.answer = answer;
      for (let i = 0; i < 10; ++i) {
        const id = freshId();
        const { socket, response } = await tryConnect(broker.port, id);
        socket.destroy();
        assert.ok([101, 503].includes(response.status), `${response.status}`);
        if (response.status === 503) continue;
        await assert.rejects(joinNode(broker.port, id), /authentication failed|websocket error/);
      }
    }
  });

  test('frees the id of a node that leaves meanwhile', async () => {
    const held = [];
    webhook.answer = (exchange) => held.push(exchange);
    const id = freshId('leaving');
    const leaving = await startKnock(broker.port, id);
    await webhook.received(1);
    leaving.destroy();
    json(kYes)(held[0]);
    webhook.answer = json(kYes);
    await pair.seesLeave(id);
    assert.equal(await send(pair.a, 'SOCKET_MSG_EXCHANGE', { to: id }), 'NOT_CONNECTED');
    const joins = () => joinNode(broker.port, id).then(Boolean, () => false);
    await eventually(`${id} joins`, joins);
    assert.equal(await pair.sees(id), true);
  });

  test('that is slow does not delay nodes that have joined', async () => {
    webhook.answer = after(kSlow, json(kYes));
    const newcomers = Array.from({ length: 50 }, () => joinNode(broker.port, freshId('slow')));
    await webhook.received(10);
    const times = [];
    for (let i = 0; i < 21; ++i) {
      const start = performance.now();
      assert.equal(await send(pair.a, 'SOCKET_MSG_EXCHANGE', { to: pair.b.nodeId }), 'OK');
      times.push(performance.now() - start);
    }
    times.sort((a, b) => a - b);
    assert.ok(times[10] < kSlow / 4, `median ${times[10]} ms`);
    await Promise.all(newcomers);
  });
});
