/// Many who want one id at the same moment, on every broker.
import assert from 'node:assert/strict';
import { tryConnect } from './grid.mjs';

/// One round: `claims` newcomers on each broker. There is exactly one winner, and it is connected.
export async function raceForId(grid, id, claims) {
  const attempts = await Promise.all(
    grid.brokers.flatMap((broker) =>
      Array.from({ length: claims }, () => tryConnect(broker.port, id, { stay: true })),
    ),
  );
  const outcomes = { in: 0, taken: 0, 503: 0 };
  for (const { outcome } of attempts) ++outcomes[outcome];
  const winner = attempts.findIndex(({ outcome }) => outcome === 'in');
  assert.equal(outcomes.in, 1, JSON.stringify(outcomes));
  const broker = grid.brokers[Math.floor(winner / claims)];
  const lease = await grid.lease(id);
  assert.ok(lease?.includes(broker.instance), `${lease} is of ${broker.instance}`);
  const { socket } = attempts[winner];
  return { outcomes, leave: () => socket.destroy() };
}
