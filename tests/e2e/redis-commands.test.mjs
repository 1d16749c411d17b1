// What messages cost in Redis: nothing between two nodes of one broker, two commands between brokers.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { oursOnly } from './support/broker.mjs';
import { Grid, kMessage, Stream } from './support/grid.mjs';
import { joinNode, send } from './support/node.mjs';
import { eventually } from './support/time.mjs';

const kMessages = 300;

describe('with leases that need no refresh meanwhile', oursOnly('has another protocol'), () => {
  let grid;
  let local;
  let remote;
  before(async () => {
    grid = await Grid.start(2);
    local = [await joinNode(grid.brokers[0].port), await joinNode(grid.brokers[0].port)];
    remote = [await joinNode(grid.brokers[1].port), await joinNode(grid.brokers[1].port)];
  });
  after(() => grid.stop());

  /// A line of MONITOR: `1700000000.123456 [0 127.0.0.1:4711] "PUBLISH" "channel" "text"`.
  function parse(line) {
    const [, client, rest] = /^[\d.]+ \[\d+ ([^\]]+)\] (.*)$/s.exec(line);
    const [command, ...args] = [...rest.matchAll(/"((?:[^"\\]|\\.)*)"/gs)].map(([, text]) => text);
    return { client, command: command.toUpperCase(), args };
  }

  const isPublication = (command) => command === grid.redis.pubsub.publish;
  const isOfBroker = (channel) => /^crolang:broker:\{[^:]+\}$/.test(channel);
  /// On the broker's own channel, or on one of a worker's: a batch without records, so it ends with the name of its sender
  /// and the number 0, as MONITOR shows it.
  const isHeartbeat = ({ command, args: [channel, batch] }) => {
    if (!isPublication(command)) return false;
    const name = channel.slice('crolang:broker:'.length);
    return batch.endsWith(`${isOfBroker(channel) ? name.slice(1, -1) : name}${'\\x00'.repeat(8)}`);
  };
  /// What a broker says about itself from time to time, and what the script for it does.
  const isStatus = ({ client, command, args }) =>
    args.some((each) => /^crolang:[^ ]*instance(s$|:)/.test(each)) ||
    (client.endsWith('lua') && command === 'TIME');
  const isUpkeep = (entry) =>
    ['PING', 'HELLO'].includes(entry.command) ||
    // Ten times a second and worker: replies to publications, and none again.
    (entry.command === 'CLIENT' && entry.args[0] === 'REPLY') ||
    (entry.command === 'CLUSTER' && entry.args[0] === 'SLOTS') ||
    // Twice a second and broker: whether other ids are refused.
    (entry.command === 'ZRANGE' && entry.args[0] === 'crolang:entries') ||
    isHeartbeat(entry) ||
    isStatus(entry);

  /// What Redis is told while the work is done, upkeep aside.
  async function commandsOf(work) {
    const monitor = await grid.redis.monitor();
    await work();
    // Both brokers' next heartbeats come after what was still on its way.
    const seen = monitor.lines.length;
    await eventually('two more heartbeats', () => {
      const later = monitor.lines
        .slice(seen)
        .map(parse)
        .filter((entry) => isHeartbeat(entry) && isOfBroker(entry.args[0]));
      return new Set(later.map(({ args }) => args[0])).size === 2;
    });
    monitor.stop();
    return monitor.lines.map(parse).filter((entry) => !isUpkeep(entry));
  }

  const show = (commands) =>
    commands
      .slice(0, 5)
      .map(({ client, command, args }) => `${client} ${command} ${args.join(' ').slice(0, 200)}`)
      .join('\n');

  async function sayOneByOne(from, to) {
    for (let n = 0; n < kMessages; ++n) {
      assert.equal(await send(from, kMessage, { to: to.nodeId, n }), 'OK');
    }
  }

  async function sayManyAtOnce(from, to) {
    const answers = Array.from({ length: kMessages }, (_, n) =>
      send(from, kMessage, { to: to.nodeId, n }),
    );
    assert.ok((await Promise.all(answers)).every((ack) => ack === 'OK'));
  }

  test('a pair on one broker causes no command', async () => {
    const commands = await commandsOf(async () => {
      await sayOneByOne(...local);
      await sayManyAtOnce(...local);
      await sayManyAtOnce(remote[0], remote[1]);
    });
    assert.equal(commands.length, 0, show(commands));
  });

  test('presence of nodes on one broker causes no command', async () => {
    const ids = local.map((node) => node.nodeId);
    const commands = await commandsOf(() =>
      send(local[0], 'ARE_NODES_CONNECTED_TO_BROKER', { ids }),
    );
    assert.equal(commands.length, 0, show(commands));
  });

  test('presence of a thousand others is one read for each', async () => {
    const ids = Array.from({ length: 1000 }, (_, i) => `nobody-${i}`);
    const commands = await commandsOf(() =>
      send(local[0], 'ARE_NODES_CONNECTED_TO_BROKER', { ids }),
    );
    assert.equal(commands.length, 1000, show(commands));
    assert.ok(commands.every(({ command }) => command === 'GET'), show(commands));
  });

  test('a pair across brokers causes at most two for a message, one by one', async () => {
    await sayOneByOne(local[0], remote[0]);
    const commands = await commandsOf(() => sayOneByOne(local[0], remote[0]));
    assert.ok(commands.length <= 2 * kMessages, `${commands.length}\n${show(commands)}`);
  });

  test('and at most two for messages that come together', async () => {
    const commands = await commandsOf(() => sayManyAtOnce(local[0], remote[0]));
    assert.ok(commands.length <= 2 * kMessages, `${commands.length}\n${show(commands)}`);
  });

  test('and at most two in both directions at once', async () => {
    const streams = [];
    const commands = await commandsOf(async () => {
      streams.push(...Stream.between(local[1], remote[1]));
      await eventually('enough was said', () => streams.every(({ sent }) => sent > kMessages));
      await Promise.all(streams.map((stream) => stream.stop()));
    });
    for (const stream of streams) stream.expectPerfect();
    const messages = streams.reduce((sum, { sent }) => sum + sent, 0);
    // Each direction has to find out once where the other node is.
    assert.ok(commands.length <= 2 * messages + 2, `${commands.length}\n${show(commands)}`);
  });

  test('INFO commandstats agrees', async () => {
    const calls = async () => {
      const texts = await grid.redis.onPrimaries('INFO', 'commandstats');
      const lines = texts.join('\n').matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm);
      return [...lines].reduce((sum, [, name, count]) => {
        // INFO is us, and Sentinels; PING and the heartbeats are counted by time. Replicas acknowledge by REPLCONF.
        return ['info', 'replconf', 'client', 'client|reply'].includes(name) ? sum : sum + Number(count);
      }, 0);
    };
    const start = performance.now();
    const before = await calls();
    await sayManyAtOnce(...local);
    await sayManyAtOnce(...local);
    const between = await calls();
    await sayOneByOne(local[0], remote[0]);
    const after = await calls();
    // Each broker has two connections, and two for each worker, each with at most one sign of life in a second, and so has each
    // Sentinel.
    const workers = Number(/ workers=(\d+)/.exec(grid.brokers[0].output)[1]);
    const connections = 2 * (grid.brokers.length * (1 + workers) + (grid.redis.sentinels?.length ?? 0));
    // And each broker asks twice whether other ids are refused.
    const upkeep = (connections + 2 * grid.brokers.length) * Math.ceil((performance.now() - start) / 1000 + 1);
    assert.ok(between - before <= upkeep, `local: ${between - before} commands`);
    assert.ok(after - between <= 2 * kMessages + upkeep, `across: ${after - between} commands`);
  });
});
