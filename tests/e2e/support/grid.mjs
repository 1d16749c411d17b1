/// Several brokers on one Redis, and what nodes of such a grid say to each other.
import assert from 'node:assert/strict';
import { Broker } from './broker.mjs';
import { freshId, joinNode, nodeQuery, send } from './node.mjs';
import { kUpgradeQuery, RawSocket, upgradeRequest } from './raw.mjs';
import { idsInThirds } from './redis-cluster.mjs';
import { startRedis } from './redis.mjs';
import { delay, eventually, scaled, within } from './time.mjs';

export const kMessage = 'SOCKET_MSG_EXCHANGE';
const kPresence = 'ARE_NODES_CONNECTED_TO_BROKER';

/// A Redis that was just started is not trusted to know who holds what before it has been up for this long.
export const kRedisWarmUp = 3000;

export class Grid {
  brokers = [];
  /// wires[i]: the way of brokers[i] to Redis, if it has one that can be cut.
  wires = [];

  /// `redis`: what RedisServer.start takes. `wired`: brokers get a way of their own each. `mode`: what stands behind
  /// REDIS_URL, as CROLANG_TEST_REDIS says by default. Resolves once every broker lets nodes in.
  static async start(count, { env = {}, redis = {}, wired = false, mode } = {}) {
    const grid = new Grid();
    grid.env = env;
    grid.prefix = env.REDIS_KEY_PREFIX ?? 'crolang:';
    grid.redis = await startRedis(redis, mode);
    try {
      if (wired) {
        while (grid.wires.length < count) grid.wires.push(await grid.redis.wire());
      }
      while (grid.brokers.length < count) await grid.addBroker();
      await grid.isOpen();
    } catch (error) {
      await grid.kill();
      throw error;
    }
    return grid;
  }

  async addBroker(env = {}) {
    const way = this.wires[this.brokers.length]?.env ?? this.redis.env();
    const broker = await Broker.start({ ...way, ...this.env, ...env });
    this.brokers.push(broker);
    broker.instance = await instanceOf(broker);
    return broker;
  }

  /// Every broker lets nodes in.
  async isOpen(milliseconds = kRedisWarmUp + scaled(5000)) {
    const ids = () => this.redis.idsOfEach(() => freshId('first'), (id) => this.key(id));
    await Promise.all(this.brokers.map(async ({ port }) => admits(port, milliseconds, await ids())));
  }

  key(id) {
    return `${this.prefix}node:{${id}}`;
  }

  /// The lease of an id as Redis has it, or null.
  lease(id) {
    return this.redis.command('GET', this.key(id));
  }

  /// The ids of nodes that a broker holds leases for.
  async idsHeldBy(broker) {
    const keys = await this.redis.keys(`${this.prefix}node:*`);
    const leases = await this.redis.values(keys);
    return keys
      .filter((_, i) => leases[i]?.includes(broker.instance))
      .map((key) => key.slice(this.prefix.length + 'node:{'.length, -1));
  }

  /// Ends all that still runs. A broker that has ended by itself is a failure, one that was killed is not.
  async stop() {
    try {
      for (const wire of this.wires) wire.open();
      for (const broker of this.brokers) {
        if (broker.child.signalCode !== 'SIGKILL') await broker.stop();
      }
    } finally {
      await this.kill();
    }
  }

  /// Ends all of it, whatever state it is in.
  async kill() {
    for (const broker of this.brokers) await broker.kill();
    for (const wire of this.wires) wire.close();
    await this.redis.stop();
  }
}

/// A broker of its own for one test, which does not outlive it, however the test ends.
export async function brokerFor(t, env, options) {
  const broker = await Broker.start(env, options);
  t.after(() => broker.kill());
  return broker;
}

/// The instance id that a broker gave itself.
export async function instanceOf(broker) {
  const line = /\binstance=(\w+)/;
  await eventually('the instance is in the log', () => line.test(broker.output));
  return line.exec(broker.output)[1];
}

const kPing = Buffer.of(0x81, 1, '2'.charCodeAt());

/// Tries to connect as a node by a raw connection: 'in', 'taken' or '503'. Answers pings. Disconnects afterwards
/// unless `stay` is set.
export async function tryConnect(port, id, { stay = false } = {}) {
  const socket = await RawSocket.connect(port);
  socket.socket.on('data', (bytes) => {
    if (bytes.includes(kPing)) socket.sendText('3');
  });
  socket.send(
    upgradeRequest({
      query: `${kUpgradeQuery}&${nodeQuery({ id, version: '1', runtime: 'raw' })}`,
    }),
  );
  const { status, headers } = await socket.response();
  if (status === 503) {
    assert.match(headers['retry-after'], /^\d+$/);
    socket.destroy();
    return { outcome: '503' };
  }
  assert.equal(status, 101);
  assert.match(await socket.packet(), /^0\{/);
  socket.sendText('40');
  let answer = await socket.packet();
  while (answer === '2') answer = await socket.packet();
  if (answer.startsWith('40{')) {
    if (!stay) socket.destroy();
    return { outcome: 'in', socket };
  }
  assert.equal(answer, '44{"message":"client already connected"}');
  socket.destroy();
  return { outcome: 'taken' };
}

/// A newcomer with an id that is held is told so, as soon as the registry can tell: a 503 before is no answer. It is never
/// let in.
export async function isTaken(port, id, milliseconds = scaled(10_000)) {
  await eventually(
    `${id} is taken`,
    async () => {
      const { outcome } = await tryConnect(port, id);
      assert.notEqual(outcome, 'in', `${id} is held once`);
      return outcome === 'taken';
    },
    milliseconds,
  );
}

/// A newcomer of a fresh id is let in.
/// A cluster opens part by part, each of which serves a range of slots.
export async function admits(port, milliseconds, ids = idsInThirds(() => freshId('first'))) {
  for (const id of ids) {
    await eventually(
      `the broker on ${port} admits`,
      async () => (await tryConnect(port, id)).outcome === 'in',
      milliseconds,
    );
  }
}

/// Joins as soon as it is let in: a 503 is no refusal.
export async function joinPatiently(port, id = freshId(), milliseconds = scaled(10_000), options = undefined) {
  let node;
  await eventually(
    `${id} joins`,
    async () => {
      try {
        node = await joinNode(port, id, options);
      } catch (error) {
        assert.equal(error.message, 'websocket error', `${id} may come again`);
        await delay(50);
      }
      return node;
    },
    milliseconds,
  );
  return node;
}

/// Which of these ids the node's broker says are connected.
export async function presence(node, ids) {
  const answer = await send(node, kPresence, { ids });
  assert.notEqual(answer, 'ERROR', 'presence could be asked');
  return JSON.parse(answer)
    .results.filter(({ connected }) => connected)
    .map(({ id }) => id);
}

/// The ack of one message, and whether it arrived.
export async function tell(from, to, content = freshId('content')) {
  const arrived = within(
    scaled(10_000),
    `${to.nodeId} hears of ${from.nodeId}`,
    new Promise((resolve) => {
      const listen = (text) => {
        if (JSON.parse(text).content !== content) return;
        to.off(kMessage, listen);
        resolve();
      };
      to.on(kMessage, listen);
    }),
  );
  arrived.catch(() => {});
  const ack = await send(from, kMessage, { from: from.nodeId, to: to.nodeId, content });
  if (ack === 'OK') await arrived;
  return ack;
}

/// Messages reach the other broker again.
export const talks = (from, to, milliseconds) =>
  eventually(
    `${from.nodeId} reaches ${to.nodeId}`,
    async () => (await tell(from, to)) === 'OK',
    milliseconds,
  );

/// Numbered messages from one node to another until it is stopped.
export class Stream {
  acks = { OK: 0, ERROR: 0, NOT_CONNECTED: 0 };
  #acknowledged = new Set();
  #received = [];
  #waiting = 0;
  #wake = () => {};

  constructor(from, to, { window = 8, pace = 3 } = {}) {
    this.name = `${from.nodeId} to ${to.nodeId}`;
    this.from = from;
    this.to = to;
    this.window = window;
    this.pace = pace;
    this.channel = freshId('stream');
    this.listener = (text) => {
      const { channel, content } = JSON.parse(text);
      if (channel === this.channel) this.#received.push(content);
    };
    to.on(kMessage, this.listener);
    this.running = true;
    this.ended = this.#run();
  }

  static between(a, b, options) {
    return [new Stream(a, b, options), new Stream(b, a, options)];
  }

  get sent() {
    return this.acks.OK + this.acks.ERROR + this.acks.NOT_CONNECTED;
  }

  async #run() {
    for (let number = 0; this.running; ++number) {
      this.#say(number);
      await delay(this.pace);
      while (this.#waiting >= this.window) {
        await new Promise((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  #say(number) {
    ++this.#waiting;
    const text = JSON.stringify({
      from: this.from.nodeId,
      to: this.to.nodeId,
      channel: this.channel,
      content: number,
    });
    this.from.emit(kMessage, text, (ack) => {
      this.acks[ack] = (this.acks[ack] ?? 0) + 1;
      if (ack === 'OK') this.#acknowledged.add(number);
      --this.#waiting;
      this.#wake();
    });
  }

  /// Stops it, waits for the acks and for what they promise.
  async stop() {
    this.running = false;
    await this.ended;
    await eventually(`acks of ${this.name}`, () => this.#waiting === 0, scaled(15_000));
    const hasArrived = () => this.lost.length === 0;
    await eventually(`arrivals of ${this.name}`, hasArrived, scaled(3000)).catch(() => {});
    this.to.off(kMessage, this.listener);
  }

  /// Acknowledged with OK, but not there.
  get lost() {
    const received = new Set(this.#received);
    return [...this.#acknowledged].filter((number) => !received.has(number));
  }

  get received() {
    return this.#received.length;
  }

  /// What was OK has arrived, nothing twice, nothing out of order.
  expectCorrectAcks() {
    assert.deepEqual(this.lost, [], `lost although OK: ${this.name}`);
    const disorder = this.#received.findIndex(
      (number, i) => i > 0 && number <= this.#received[i - 1],
    );
    assert.equal(
      disorder,
      -1,
      `order of ${this.name}: ${this.#received.slice(Math.max(0, disorder - 2), disorder + 3)}`,
    );
    assert.deepEqual(Object.keys(this.acks), ['OK', 'ERROR', 'NOT_CONNECTED'], this.name);
  }

  /// As if nothing had happened.
  expectPerfect() {
    assert.equal(this.acks.OK, this.sent, `${this.name}: ${JSON.stringify(this.acks)}`);
    assert.equal(this.received, this.sent, this.name);
    this.expectCorrectAcks();
  }
}

/// Nodes that must not lose their connection; `spread` of them on each broker.
export class Holders {
  disconnects = [];

  static async join(grid, spread = 3) {
    const holders = new Holders();
    holders.grid = grid;
    holders.nodes = await Promise.all(
      grid.brokers.map((broker) =>
        Promise.all(Array.from({ length: spread }, () => joinPatiently(broker.port))),
      ),
    );
    for (const node of holders.all) {
      node.on('disconnect', (reason) => holders.disconnects.push(`${node.nodeId}: ${reason}`));
    }
    // A lease says so once its node has joined, which takes a moment.
    await eventually('all are seen', async () => {
      const seen = await presence(holders.nodes[0][0], holders.ids);
      const back = await presence(holders.nodes.at(-1)[0], holders.ids);
      return Math.min(seen.length, back.length) === holders.ids.length;
    });
    holders.leases = new Map();
    for (const node of holders.all) {
      holders.leases.set(node.nodeId, await grid.lease(node.nodeId));
    }
    return holders;
  }

  get all() {
    return this.nodes.flat();
  }

  get ids() {
    return this.all.map((node) => node.nodeId);
  }

  /// Redis knows every one of them, with the very lease it had in the beginning.
  async holdTheirIds(milliseconds) {
    for (const [id, lease] of this.leases) {
      await eventually(
        `${id} has its lease`,
        async () => (await this.grid.lease(id)) === lease,
        milliseconds,
      );
    }
  }

  expectUndisturbed() {
    assert.deepEqual(this.disconnects, []);
    assert.ok(this.all.every((node) => node.connected));
  }

  /// Each is seen from every broker.
  async expectSeen() {
    for (const [viewer] of this.nodes) assert.deepEqual(await presence(viewer, this.ids), this.ids);
  }

  leave() {
    for (const node of this.all) {
      node.removeAllListeners('disconnect');
      node.disconnect();
    }
  }
}

/// Tries to connect to every broker repeatedly until it is stopped; counts the outcomes.
export class ConnectLoop {
  outcomes = { in: 0, taken: 0, 503: 0 };
  #running = true;

  /// `idFor()` gives the id of an attempt; `parallel` attempts run at each broker at the same time.
  constructor(grid, idFor, { parallel = 1, pace = 20 } = {}) {
    const tryRepeatedly = async (broker) => {
      while (this.#running) {
        const { outcome } = await tryConnect(broker.port, idFor());
        ++this.outcomes[outcome];
        if (outcome === '503') this.lastRefused = Date.now();
        await delay(pace);
      }
    };
    this.ended = Promise.all(
      grid.brokers.flatMap((broker) => Array.from({ length: parallel }, () => tryRepeatedly(broker))),
    );
    this.ended.catch(() => {});
  }

  get attempts() {
    return this.outcomes.in + this.outcomes.taken + this.outcomes[503];
  }

  async stop() {
    this.#running = false;
    await this.ended;
  }
}

/// Makes Redis unavailable under load and available again, and checks the guarantees of the grid: no node is
/// disconnected, local messages all arrive, all others are acknowledged correctly, newcomers are asked to retry, no
/// held id is granted again, and everything works again soon afterwards.
///
/// begin() and end() start and end the outage. `admission`: 'closed' if no node may be admitted meanwhile.
/// Resolves with what was counted.
export async function runThroughOutage(
  grid,
  holders,
  { begin, end, milliseconds, admission = 'closed', recovery = scaled(5000) },
) {
  const [first, second] = holders.nodes;
  const local = holders.nodes.flatMap(([a, b]) => Stream.between(a, b));
  const across = Stream.between(first[0], second[0]);
  const streams = [...local, ...across];
  const loops = [];
  let isOver = false;
  const finish = async () => {
    isOver = true;
    await end();
  };
  try {
    await eventually('all talk', () => streams.every((stream) => stream.acks.OK > 20));
    const before = across.map(({ acks }) => acks.OK);

    const began = performance.now();
    await begin();
    let turn = 0;
    const duplicates = new ConnectLoop(grid, () => holders.ids[turn++ % holders.ids.length]);
    const newcomers = new ConnectLoop(grid, () => freshId('newcomer'));
    loops.push(duplicates, newcomers);
    const patient = Promise.all(
      grid.brokers.map(({ port }) =>
        joinPatiently(port, freshId('patient'), milliseconds + recovery + scaled(10_000)),
      ),
    );
    patient.catch(() => {});
    await delay(milliseconds);
    if (admission === 'closed') {
      assert.equal(newcomers.outcomes.in, 0, 'no node is admitted while Redis is unavailable');
      assert.ok(newcomers.outcomes[503] > 0 || milliseconds === 0, 'newcomers are answered');
    }
    holders.expectUndisturbed();
    // Those count in that were under way when it began.
    const acrossOkMeanwhile = sum(across.map(({ acks }, i) => acks.OK - before[i]));

    const lasted = performance.now() - began;
    await finish();
    const returned = performance.now();
    const since = () => performance.now() - returned;
    const left = () => Math.max(1, recovery - since());
    await holders.holdTheirIds(left());
    const heldAfter = since();
    await talks(first[2], second[2], left());
    await talks(second[2], first[2], left());
    const talkedAfter = since();
    const guests = await patient;
    const openAfter = since();
    assert.ok(openAfter < recovery + scaled(3000), `newcomers waited for ${openAfter} ms`);
    await Promise.all([...loops, ...streams].map((each) => each.stop()));

    for (const guest of guests) guest.disconnect();
    assert.equal(duplicates.outcomes.in, 0, 'no held id was granted again');
    for (const stream of local) stream.expectPerfect();
    for (const stream of across) stream.expectCorrectAcks();
    holders.expectUndisturbed();
    await holders.holdTheirIds(scaled(1000));
    await holders.expectSeen();
    const acks = (some, ack) => sum(some.map((stream) => stream.acks[ack]));
    return {
      lasted,
      heldAfter,
      talkedAfter,
      openAfter,
      local: acks(local, 'OK'),
      acrossOk: acks(across, 'OK'),
      acrossOkMeanwhile,
      acrossError: acks(across, 'ERROR'),
      acrossNotConnected: acks(across, 'NOT_CONNECTED'),
      refused: newcomers.outcomes[503],
      duplicates: duplicates.attempts,
    };
  } finally {
    if (!isOver) await finish();
    await Promise.allSettled([...loops, ...streams].map((each) => each.stop()));
  }
}

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
