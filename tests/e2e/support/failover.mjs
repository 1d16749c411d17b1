/// One failover under load, and what the grid promises meanwhile.
import assert from 'node:assert/strict';
import { Contest } from './contest.mjs';
import { ConnectLoop, Grid, Holders, joinPatiently, kMessage, presence, Stream } from './grid.mjs';
import { freshId } from './node.mjs';
import { delay, eventually, scaled } from './time.mjs';

/// Messages between brokers flow again so soon after the election (ms).
const kFlowsAgain = 2000;
/// How long an id may have two holders if no replica is waited for (ms).
const kTwoHolders = 2000;
/// An interruption, rather than a machine that has other things to do (ms).
const kInterruption = 700;
/// Newcomers are asked to retry for three seconds after a change of primary; what they wait beyond is not promised.
const kOpensAgain = 15_000;

/// What a broker has counted under a name with these labels.
async function counted(broker, name, labels) {
  const text = await (await fetch(`${broker.url}/metrics`)).text();
  const line = text.split('\n').find((each) => each.startsWith(`crolang_broker_${name}{${labels}} `));
  return Number(line?.split(' ').at(-1) ?? 0);
}

/// The time at which each message from one node to another arrived, sent so often that an interruption shows.
class Flow {
  arrivals = [];

  constructor(from, to) {
    this.stream = new Stream(from, to, { window: 1000, pace: 10 });
    this.to = to;
    this.listener = () => this.arrivals.push(Date.now());
    to.on(kMessage, this.listener);
  }

  async stop() {
    await this.stream.stop();
    this.to.off(kMessage, this.listener);
  }

  /// When nothing arrived for longer than that.
  silences(begin, end, longest) {
    const times = [begin, ...this.arrivals.filter((at) => at > begin && at < end), end];
    const silences = [];
    for (const [i, to] of times.entries()) {
      if (i > 0 && to - times[i - 1] > longest) silences.push({ from: times[i - 1], to });
    }
    return silences;
  }
}

/// When the last interruption between brokers was over, or `begin`. `control` flows within a broker: when that is silent too,
/// the machine had other things to do.
function flowsAgain(flows, control, begin, end) {
  const elsewhere = control.silences(begin, end, scaled(kInterruption) / 2);
  const real = ({ from, to }) => {
    const shared = (each) => Math.max(0, Math.min(each.to, to) - Math.max(each.from, from));
    const lost = elsewhere.reduce((sum, each) => sum + shared(each), 0);
    return to - from - lost > scaled(kInterruption);
  };
  const ends = flows.flatMap((flow) => flow.silences(begin, end, scaled(kInterruption)).filter(real));
  return Math.max(begin, ...ends.map(({ to }) => to));
}

/// In the order of their brokers, for about three seconds.
async function leaveOneByOne(nodes) {
  for (const node of nodes) {
    node.disconnect();
    await delay(100);
  }
}

export class FailoverGrid {
  /// `waitReplicas`: how many replicas hear of a claim before it is granted. `nodes`: how many are connected, on three
  /// brokers. `flowsAgain`: for how long after an election messages between brokers may not flow, in ms. Redis is what
  /// `mode` says; `redis`: options of that.
  static async start({ mode, nodes, waitReplicas, flowsAgain = kFlowsAgain, env = {}, redis = {} }) {
    const all = new FailoverGrid();
    all.waitReplicas = waitReplicas;
    all.flowsAgain = flowsAgain;
    const waits = waitReplicas > 0 ? { REDIS_WAIT_REPLICAS: String(waitReplicas) } : {};
    all.grid = await Grid.start(3, { mode, redis, env: { METRICS_ENABLED: 'true', ...waits, ...env } });
    all.holders = await Holders.join(all.grid, Math.floor(nodes / 3));
    return all;
  }

  get redis() {
    return this.grid.redis;
  }

  /// Pairs of nodes of one broker and of different ones, each node in one of them.
  #streams() {
    const streams = [];
    const { nodes } = this.holders;
    const options = { window: 8, pace: this.holders.all.length };
    for (const [at, own] of nodes.entries()) {
      const next = nodes[(at + 1) % nodes.length];
      for (let n = 0; n < own.length; ++n) {
        const isLocal = n % 2 === 1;
        const stream = new Stream(own[n], isLocal ? own[n - 1] : next[n], options);
        streams.push(Object.assign(stream, { isLocal }));
      }
    }
    return streams;
  }

  async #flows() {
    const [senders, receivers] = [1, 2].map(() =>
      Promise.all(this.grid.brokers.map(({ port }) => joinPatiently(port))),
    );
    const [from, to] = [await senders, await receivers];
    const nodes = [...from, ...to];
    const flows = from.flatMap((sender, i) => to.flatMap((receiver, j) => (i === j ? [] : [new Flow(sender, receiver)])));
    return { nodes, flows, control: new Flow(from[0], to[0]) };
  }

  /// `way`: of failover-ways.mjs. Resolves with what was counted; rejects if a promise was broken.
  async run({ begin, heal, stopsClaims }) {
    const { grid, holders } = this;
    const lostBefore = await this.#lostIds();
    const streams = this.#streams();
    const { nodes: probes, flows, control } = await this.#flows();
    const contest = await Contest.start(grid);
    let turn = 0;
    const duplicates = new ConnectLoop(grid, () => holders.ids[turn++ % holders.ids.length], { pace: 50 });
    const leavers = await this.#leavers();
    const came = [];
    const comes = () => came[came.push(freshId('newcomer')) - 1];
    const newcomers = new ConnectLoop(grid, comes, { pace: 50 });
    const all = [...streams, ...flows, control, contest, duplicates, newcomers];
    const talks = [...streams, ...flows.map(({ stream }) => stream)];
    const goOn = async (count, what) => {
      const before = talks.map(({ acks }) => acks.OK);
      await eventually(what, () => talks.every(({ acks }, i) => acks.OK >= before[i] + count), scaled(20_000));
    };
    try {
      await goOn(2, 'all talk');
      await eventually('ids are won and lost', () => contest.admissions > 30 && newcomers.outcomes.in > 10);

      const refusedBefore = newcomers.outcomes[503];
      const began = Date.now();
      const left = leaveOneByOne(leavers);
      const electedAt = await begin();
      const patient = await Promise.all(
        grid.brokers.map(({ port }) => joinPatiently(port, freshId('patient'), scaled(kOpensAgain))),
      );
      for (const node of patient) node.disconnect();
      await left;
      await heal();
      await grid.isOpen(scaled(kOpensAgain));
      await goOn(2, 'all talk again');
      const ended = Date.now();
      await Promise.all(all.map((each) => each.stop()));

      const flowed = flowsAgain(flows, control, began, ended) - electedAt;
      const twice = contest.heldTwice;
      const ghosts = await this.#seen([...contest.ids, ...came, ...leavers.map(({ nodeId }) => nodeId)]);
      const acks = (some, ack) => some.reduce((sum, stream) => sum + stream.acks[ack], 0);
      const local = streams.filter(({ isLocal }) => isLocal);
      const across = talks.filter((stream) => !local.includes(stream));
      const counts = {
        elected: electedAt - began,
        flowed: Math.max(0, flowed),
        opened: Math.max(0, (newcomers.lastRefused ?? 0) - electedAt),
        lasted: ended - began,
        localOk: acks(local, 'OK'),
        acrossOk: acks(across, 'OK'),
        acrossError: acks(across, 'ERROR'),
        acrossNotConnected: acks(across, 'NOT_CONNECTED'),
        refused: newcomers.outcomes[503] - refusedBefore,
        admitted: newcomers.outcomes.in,
        duplicates: duplicates.attempts,
        won: contest.admissions,
        heldTwice: twice.length,
        heldTwiceFor: Math.max(0, ...twice.map(({ milliseconds }) => milliseconds)),
        ghosts: ghosts.length,
        lostIds: (await this.#lostIds()) - lostBefore,
      };
      await this.#judge({ counts, contest, duplicates, newcomers, local, across, stopsClaims });
      return counts;
    } finally {
      await Promise.allSettled(all.map((each) => each.stop()));
      for (const node of probes) node.disconnect();
    }
  }

  /// Nodes that are to leave while the primary is replaced.
  async #leavers() {
    const ports = this.grid.brokers.map(({ port }) => port);
    return Promise.all(Array.from({ length: 30 }, (_, n) => joinPatiently(ports[n % ports.length])));
  }

  /// Those of these ids that presence says are connected.
  async #seen(ids) {
    const seen = [];
    for (let at = 0; at < ids.length; at += 500) {
      seen.push(...(await presence(this.holders.all[0], ids.slice(at, at + 500))));
    }
    return seen;
  }

  async #lostIds() {
    const each = this.grid.brokers.map((broker) => counted(broker, 'closed_by_broker_total', 'reason="lost_id"'));
    return (await Promise.all(each)).reduce((sum, count) => sum + count, 0);
  }

  async #judge({ counts, contest, duplicates, newcomers, local, across, stopsClaims }) {
    const broken = [];
    const promise = async (check) => {
      try {
        await check();
      } catch (error) {
        broken.push(error.message);
      }
    };
    for (const stream of local) await promise(() => stream.expectPerfect());
    for (const stream of across) await promise(() => stream.expectCorrectAcks());
    await promise(() => contest.expectCorrectAcks());
    await promise(() => contest.expectOneHolder(this.waitReplicas > 0 ? 0 : scaled(kTwoHolders)));
    await promise(() => assert.equal(counts.lostIds, contest.expelled, 'those that lost their id are counted'));
    await promise(() => assert.equal(duplicates.outcomes.in, 0, 'no held id is granted again'));
    await promise(() => assert.equal(newcomers.outcomes.taken, 0, 'no newcomer is refused for good'));
    await promise(() => assert.equal(counts.ghosts, 0, 'nodes that have left are not seen'));
    await promise(() => assert.ok(counts.refused > 0 || !stopsClaims, 'newcomers are asked to retry'));
    await promise(() => this.holders.expectUndisturbed());
    await promise(() => this.holders.holdTheirIds(scaled(2000)));
    await promise(() => this.holders.expectSeen());
    await promise(() =>
      assert.ok(counts.flowed <= scaled(this.flowsAgain), `messages flowed again ${counts.flowed} ms after the election`),
    );
    if (broken.length === 0) return;
    const shown = broken.slice(0, 5).map((each) => each.split('\n')[0]);
    const error = new Error(`${broken.length} promises broken: ${shown.join('; ')}`);
    throw Object.assign(error, { counts });
  }

  async stop() {
    this.holders.leave();
    await this.grid.stop();
  }
}
