/// Nodes of real clients lose their broker in both ways, behind HAProxy, with a second broker that takes them. There is no Redis:
/// after kill -9 it would keep their ids until their leases are over, and how soon a client comes is what is asked here.
import assert from 'node:assert/strict';
import { Broker, freePort, getJson } from './broker.mjs';
import { Haproxy } from './haproxy.mjs';
import { freshId } from './node.mjs';
import { eventually, scaled, within } from './time.mjs';

const holds = (broker, count) =>
  eventually(
    `broker on ${broker.port} has ${count} nodes`,
    async () => (await getJson(broker, '/healthz')).json.nodes === count,
    scaled(30_000),
  );

/// Connects `counts[client.name]` nodes of each client to the first of two brokers, drains that, then kills the second, and
/// returns for each node when it was back, in ms: `drained` after its own connection ended, `sinceSignal` after the signal,
/// `killed` after the kill; Infinity if it was not.
export async function loseBrokers(clients, counts, { drain }) {
  const ports = [await freePort(), await freePort()];
  const start = (number) =>
    Broker.start({ DRAIN_DURATION_MS: String(drain) }, { port: ports[number - 1] });
  const first = await start(1);
  const haproxy = await Haproxy.start(ports);
  const nodes = clients.flatMap((client) =>
    Array.from({ length: counts[client.name] }, () =>
      client.connect(haproxy.port, freshId(client.name)),
    ),
  );
  await Promise.all(nodes.map((node) => node.joins(0, scaled(60_000))));
  await holds(first, nodes.length);

  const second = await start(2);
  await haproxy.sendsTo(2);
  const signalled = performance.now();
  first.child.kill('SIGTERM');
  const results = await Promise.all(
    nodes.map(async (node) => {
      const result = { node, drained: Infinity, sinceSignal: Infinity, killed: Infinity };
      try {
        const ended = await node.ended(signalled);
        const { at } = await node.joins(signalled);
        Object.assign(result, { drained: at - ended, sinceSignal: at - signalled });
      } catch {
        // It has not even noticed, or did not come back.
      }
      return result;
    }),
  );
  const { code } = await within(scaled(10_000), 'the broker ends', first.exited);
  assert.equal(code, 0, first.output);
  const returned = results.filter(({ drained }) => drained !== Infinity);
  await holds(second, returned.length);

  const third = await start(1);
  await haproxy.sendsTo(1);
  const killed = performance.now();
  await second.kill();
  await Promise.all(
    returned.map(async (result) => {
      const { at } = await result.node.joins(killed).catch(() => ({ at: Infinity }));
      result.killed = at - killed;
    }),
  );
  await third.kill();
  await haproxy.stop();
  return results;
}
