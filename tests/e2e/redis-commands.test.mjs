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
  /// Connection of a broker to Redis → the channel of that broker, on which it hears its own heartbeats.
  const ownChannels = new Map();

  before(async () => {
    grid = await Grid.start(2);
    local = [await joinNode(grid.brokers[0].port), await joinNode(grid.brokers[0].port)];
    remote = [await joinNode(grid.brokers[1].port), await joinNode(grid.brokers[1].port)];
    // While nobody talks, who publishes where says which connection belongs to which channel.
    const monitor = await grid.redis.monitor();
    await eventually('both brokers were heard', () => {
      for (const { command, args, client } of monitor.lines.map(parse)) {
        if (command === 'PUBLISH') ownChannels.set(client, args[0]);
      }
      return ownChannels.size === 2;
    });
    assert.equal(new Set(ownChannels.values()).size, 2);
    monitor.stop();
  });
  after(() => grid.stop());

  /// A line of MONITOR: `1700000000.123456 [0 127.0.0.1:4711] "PUBLISH" "channel" "text"`.
  function parse(line) {
    const [, client, rest] = /^[\d.]+ \[\d+ ([^\]]+)\] (.*)$/s.exec(line);
    const [command, ...args] = [...rest.matchAll(/"((?:[^"\\]|\\.)*)"/gs)].map(([, text]) => text);
    return { client, command: command.toUpperCase(), args };
  }

  const isUpkeep = ({ client, command, args }) =>
    command === 'PING' || (command === 'PUBLISH' && ownChannels.get(client) === args[0]);

  /// What Redis is told while the work is done, upkeep aside.
  async function commandsOf(work) {
    const monitor = await grid.redis.monitor();
    await work();
    // Both brokers' next heartbeats come after what was still on its way.
    const seen = monitor.lines.length;
    await eventually('two more heartbeats', () => {
      const later = monitor.lines.slice(seen).map(parse).filter(isUpkeep);
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

  test('presence of a thousand others is one read while no messages pass', async () => {
    const ids = Array.from({ length: 1000 }, (_, i) => `nobody-${i}`);
    const commands = await commandsOf(() =>
      send(local[0], 'ARE_NODES_CONNECTED_TO_BROKER', { ids }),
    );
    assert.equal(commands.length, 1, show(commands));
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
      const text = await grid.redis.command('INFO', 'commandstats');
      const lines = text.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm);
      return [...lines].reduce((sum, [, name, count]) => {
        // INFO is us; PING and the heartbeats are counted by time.
        return name === 'info' ? sum : sum + Number(count);
      }, 0);
    };
    const start = performance.now();
    const before = await calls();
    await sayManyAtOnce(...local);
    await sayManyAtOnce(...local);
    const between = await calls();
    await sayOneByOne(local[0], remote[0]);
    const after = await calls();
    // Each broker has two connections, each with at most one sign of life in a second.
    const upkeep = 4 * Math.ceil((performance.now() - start) / 1000 + 1);
    assert.ok(between - before <= upkeep, `local: ${between - before} commands`);
    assert.ok(after - between <= 2 * kMessages + upkeep, `across: ${after - between} commands`);
  });
});
