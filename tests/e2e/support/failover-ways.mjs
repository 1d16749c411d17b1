/// Ways in which somebody else becomes a primary. Each is { begin, heal }: `begin()` resolves once it has, with the time of
/// its election as the servers' logs date it (ms since the epoch); `heal()` once all servers are back in their places.
/// `stopsClaims`: newcomers have to wait meanwhile.

/// Ways in which a primary behind Sentinels is replaced.
export const sentinelFailovers = (redis) => ({
  'kill -9': () => {
    let killed;
    return {
      stopsClaims: true,
      begin: async () => {
        killed = await redis.primary();
        const since = Date.now();
        await killed.crash();
        return redis.election(since);
      },
      heal: async () => {
        await redis.rejoin(killed);
        await redis.isSettled();
      },
    };
  },
  // It comes back as a primary, for some ten seconds.
  SIGSTOP: () => {
    let stopped;
    return {
      stopsClaims: true,
      begin: async () => {
        stopped = await redis.primary();
        const since = Date.now();
        await stopped.freeze();
        return redis.election(since);
      },
      heal: async () => {
        stopped.thaw();
        await redis.isSettled();
      },
    };
  },
  // The old primary goes on as one for some ten seconds.
  'SENTINEL FAILOVER': () => ({
    stopsClaims: true,
    begin: async () => {
      const since = Date.now();
      await redis.failover();
      return redis.election(since);
    },
    heal: () => redis.isSettled(),
  }),
});

/// Ways in which the cluster changes who serves a slot, by turns at each primary.
export function clusterFailovers(redis) {
  let turn = 0;
  const next = async () => {
    const primaries = await redis.primaries();
    ++turn;
    return [0, 1].map((n) => primaries[(turn + n) % primaries.length]);
  };
  const bySlots = async () => {
    const nodes = await redis.view();
    const count = ({ id }) =>
      nodes.find((node) => node.id === id).slots.reduce((sum, { first, last }) => sum + last - first + 1, 0);
    return (await redis.primaries()).sort((a, b) => count(a) - count(b));
  };
  return {
    'kill -9 of a primary': () => {
      let killed;
      return {
        stopsClaims: true,
        begin: async () => {
          [killed] = await next();
          const since = Date.now();
          await killed.crash();
          return redis.election(since);
        },
        heal: async () => {
          await redis.rejoin(killed);
          await redis.isSettled();
        },
      };
    },
    'CLUSTER FAILOVER': () => ({
      begin: async () => {
        const [primary] = await next();
        const [replica] = await redis.replicasOf(primary);
        const since = Date.now();
        await redis.failover(replica);
        return redis.election(since);
      },
      heal: () => redis.isSettled(),
    }),
    // There is no election: messages flow all the time.
    '1,000 slots moved': () => ({
      begin: async () => {
        // A primary that has given its last one away becomes a replica.
        const [to, , from] = await bySlots();
        await redis.moveSlots(1000, from, to);
        return Date.now();
      },
      heal: () => redis.isSettled(),
    }),
  };
}
