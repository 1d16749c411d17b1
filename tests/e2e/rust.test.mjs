// The example plugin in Rust, in the running broker.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { test } from 'node:test';
import { Broker, isPeer, plugin, runBroker } from './support/broker.mjs';
import { joinNode, received, send } from './support/node.mjs';
import { eventually } from './support/time.mjs';

// Where rustc is present the build has made it, and its absence is a failure.
const isBuilt = fs.existsSync(plugin('rust-allow-list'));
const hasRustc = spawnSync('rustc', ['--version']).status === 0;
const options = {
  skip: (isPeer && 'has no plugins') || (!isBuilt && !hasRustc && 'there is no rustc'),
};
const kMessage = 'SOCKET_MSG_EXCHANGE';

test('a plugin in Rust says who may talk to whom', options, async (t) => {
  const broker = await Broker.start({
    AUTHORIZE_NODES_COMMUNICATION_PLUGIN: 'rust-allow-list',
    ALLOW_LIST: 'alice>bob, *>Zoë€',
  });
  t.after(() => broker.stop());
  const [alice, bob, zoe] = await Promise.all(
    ['alice', 'bob', 'Zoë€'].map((id) => joinNode(broker.port, id)),
  );
  for (const [sender, receiver] of [
    [alice, bob],
    [bob, zoe],
    [alice, zoe],
    [zoe, zoe],
  ]) {
    const message = { from: sender.nodeId, to: receiver.nodeId };
    const arrived = received(receiver, kMessage);
    assert.equal(await send(sender, kMessage, message), 'OK');
    assert.deepEqual(await arrived, message);
  }
  for (const [sender, to] of [
    [bob, 'alice'],
    [zoe, 'alice'],
    [alice, 'bobby'],
    [alice, 'alice'],
  ]) {
    assert.equal(await send(sender, kMessage, { to }), 'UNAUTHORIZED');
  }
  const many = Array.from({ length: 200 }, () => send(alice, kMessage, { to: 'bob' }));
  assert.deepEqual(new Set(await Promise.all(many)), new Set(['OK']));
  await eventually('its word is in the log', () => /senders on the list: 2/.test(broker.output));
});

test('a plugin in Rust refuses the start with a sentence', options, async () => {
  const { code, output } = await runBroker([], {
    AUTHORIZE_NODES_COMMUNICATION_PLUGIN: 'rust-allow-list',
    ALLOW_LIST: 'alice',
  });
  assert.equal(code, 2, output);
  assert.match(output, /ALLOW_LIST: 'alice' is not from>to/);
});
