// What happens while the machine has no thread left: whoever is concerned is told, the log says so, and once it is over
// everything is as before.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, after as afterAll, before, beforeEach, describe, test } from 'node:test';
import {
  binary,
  Broker,
  isPeer,
  temporaryDirectory,
  testPlugin,
} from './support/broker.mjs';
import { freshId, joinNode, send } from './support/node.mjs';
import { Pair } from './support/pair.mjs';
import { hasSanitizer } from './support/sanitizer.mjs';
import { eventually } from './support/time.mjs';
import { expectTryAgain, json, stopWebhooks, Webhook } from './support/webhook.mjs';

const options = {
  skip: (isPeer && 'is ours') || (hasSanitizer(binary) && 'a sanitizer has to be loaded first'),
};
const kLibrary = testPlugin('thread-shortage');
const kMessage = 'SOCKET_MSG_EXCHANGE';

describe('while no thread can be started', options, () => {
  const shortage = path.join(temporaryDirectory(), 'shortage');
  let webhook;
  const startWith = async (t, env) => {
    const broker = await Broker.start({
      LD_PRELOAD: kLibrary,
      THREAD_SHORTAGE_FILE: shortage,
      ...env,
    });
    t.after(() => broker.kill());
    // The port is open before there are threads.
    await eventually('it listens', () => broker.output.includes('listening'));
    return broker;
  };
  const begin = () => fs.writeFileSync(shortage, '');
  const end = () => fs.rmSync(shortage, { force: true });
  // A name, so that it has to be looked up.
  const url = () => webhook.url('/hook').replace('127.0.0.1', 'localhost');

  before(async () => {
    webhook = await Webhook.start({ answer: json({ authenticated: true, authorized: true }) });
  });
  beforeEach(() => {
    webhook.answer = (exchange) => {
      // Each question is a connection, and after five seconds a lookup.
      exchange.reply(200, { Connection: 'close' }, '{"authenticated":true,"authorized":true}');
      exchange.socket.end();
    };
  });
  afterEach(end);
  afterAll(stopWebhooks);

  test('nodes retry, and are admitted once it is over', async (t) => {
    const broker = await startWith(t, { NODES_AUTHENTICATION_WEBHOOK_URL: url() });
    begin();
    const id = freshId();
    for (let i = 0; i < 3; ++i) await expectTryAgain(broker.port, id);
    await broker.says(/NODES_AUTHENTICATION_WEBHOOK_URL: localhost:\d+: Resource temporarily unavailable/);
    end();
    await joinNode(broker.port, id);
    await broker.stop();
  });

  test('messages are ERROR, and arrive once it is over', async (t) => {
    const broker = await startWith(t, { AUTHORIZE_NODES_COMMUNICATION_WEBHOOK_URL: url() });
    const [a, b] = [await joinNode(broker.port), await joinNode(broker.port)];
    begin();
    for (let i = 0; i < 3; ++i) {
      assert.equal(await send(a, kMessage, { to: b.nodeId }), 'ERROR');
    }
    end();
    assert.equal(await send(a, kMessage, { to: b.nodeId }), 'OK');
    await broker.stop();
  });

  test('what needs none goes on', async (t) => {
    const broker = await startWith(t);
    begin();
    const pair = await Pair.join(broker.port);
    await pair.stillTalks();
    end();
    await broker.stop();
  });
});

test('a start without enough threads ends with a sentence', options, async () => {
  let most = 0;
  for (; ; ++most) {
    const env = { LD_PRELOAD: kLibrary, THREADS_AT_MOST: String(most), WORKERS: '3' };
    const broker = await Broker.start(env).catch((error) => error);
    if (broker instanceof Broker) {
      // The port is open before there are threads.
      await eventually('it listens or ends', () =>
        Boolean(broker.hasExited || broker.output.includes('listening')),
      );
      if (!broker.hasExited) {
        await broker.stop();
        break;
      }
      assert.deepEqual(await broker.exited, { code: 1, signal: null }, broker.output);
    }
    assert.match(
      broker.output ?? broker.message,
      /the (log|workers) cannot be started: Resource temporarily unavailable: raise /,
    );
  }
  // The log's own, and one for each worker.
  assert.equal(most, 4);
});
