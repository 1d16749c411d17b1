/// Ids that newcomers on every broker want all the time, and messages for whoever has them: who had an id when, and who
/// got what.
import assert from 'node:assert/strict';
import { tryConnect, kMessage } from './grid.mjs';
import { freshId, joinNode } from './node.mjs';
import { Opcode } from './raw.mjs';
import { delay, eventually, scaled } from './time.mjs';

/// How long a winner stays, at random up to this.
const kStay = 500;
/// Messages of one sender to one id whose acks have not come.
const kWindow = 20;

/// A node that was admitted, until it leaves after `stay` or is sent away. Times are of Date.now().
class Session {
  got = [];
  ended = Infinity;
  isExpelled = false;

  constructor(broker, socket, stay) {
    this.broker = broker;
    this.admitted = Date.now();
    this.over = this.#read(socket);
    this.timer = setTimeout(() => this.leave(socket), stay);
  }

  /// As an application leaves. What was sent to it before the broker knows is still read: it comes before the pong.
  leave(socket) {
    clearTimeout(this.timer);
    if (this.ended !== Infinity) return;
    this.ended = Date.now();
    socket.sendText('41');
    socket.sendText('', { opcode: Opcode.ping });
  }

  async #read(socket) {
    try {
      for (;;) {
        const { opcode, payload } = await socket.frame(scaled(30_000));
        const text = payload.toString();
        if (opcode === Opcode.close || opcode === Opcode.pong || text === '41') break;
        if (text.startsWith(`42["${kMessage}"`)) this.got.push(JSON.parse(JSON.parse(text.slice(2))[1]));
      }
    } catch {
      // It has ended without a word.
    }
    clearTimeout(this.timer);
    if (this.ended === Infinity) {
      this.ended = Date.now();
      this.isExpelled = true;
    }
    socket.destroy();
  }
}

export class Contest {
  /// Sessions of each id, by admission.
  #sessions = new Map();
  #sent = [];
  #isRunning = true;
  #loops = [];
  refused = { taken: 0, 503: 0 };

  static async start(grid, { ids = 8, pace = 30 } = {}) {
    const contest = new Contest();
    contest.witnesses = await Promise.all(grid.brokers.map(({ port }) => joinNode(port)));
    for (let n = 0; n < ids; ++n) contest.#sessions.set(freshId('wanted'), []);
    for (const id of contest.#sessions.keys()) {
      for (const broker of grid.brokers) contest.#loops.push(contest.#want(id, broker, pace));
      for (const witness of contest.witnesses) contest.#loops.push(contest.#talk(witness, id));
    }
    for (const loop of contest.#loops) loop.catch(() => {});
    return contest;
  }

  async #want(id, broker, pace) {
    const sessions = this.#sessions.get(id);
    while (this.#isRunning) {
      const { outcome, socket } = await tryConnect(broker.port, id, { stay: true });
      if (outcome === 'in') {
        const session = new Session(broker, socket, Math.random() * kStay);
        sessions.push(session);
        await session.over;
      } else {
        ++this.refused[outcome];
      }
      await delay(pace);
    }
  }

  async #talk(witness, id) {
    const sent = { witness: witness.nodeId, id, ok: [] };
    this.#sent.push(sent);
    let waiting = 0;
    for (let number = 0; this.#isRunning; ++number) {
      if (waiting < kWindow) {
        ++waiting;
        const message = { from: witness.nodeId, to: id, content: number };
        witness.emit(kMessage, JSON.stringify(message), (ack) => {
          --waiting;
          if (ack === 'OK') sent.ok.push(number);
        });
      }
      await delay(50);
    }
    await eventually(`acks for ${witness.nodeId}`, () => waiting === 0, scaled(15_000));
  }

  /// Everybody has left, and everything has been answered.
  async stop() {
    this.#isRunning = false;
    await Promise.all(this.#loops);
    for (const witness of this.witnesses) witness.disconnect();
  }

  get ids() {
    return [...this.#sessions.keys()];
  }
  get admissions() {
    return this.#all.length;
  }
  get #all() {
    return [...this.#sessions.values()].flat();
  }

  /// Nodes that the broker has closed. Nobody but the loser of an id may be.
  get expelled() {
    return this.#all.filter(({ isExpelled }) => isExpelled).length;
  }

  /// For how long two had an id, each time (ms).
  get heldTwice() {
    const overlaps = [];
    for (const sessions of this.#sessions.values()) {
      for (const [at, one] of sessions.entries()) {
        for (const other of sessions.slice(at + 1)) {
          const both = Math.min(one.ended, other.ended) - Math.max(one.admitted, other.admitted);
          if (both > 0) overlaps.push({ milliseconds: both, isEndedByBroker: one.isExpelled || other.isExpelled });
        }
      }
    }
    return overlaps;
  }

  /// What was OK has arrived, nothing twice, and once a sender has reached a later session, nothing of it reaches an
  /// earlier one, which is stale.
  expectCorrectAcks() {
    for (const { witness, id, ok } of this.#sent) {
      const got = this.#sessions
        .get(id)
        .flatMap((session, order) => session.got.map((message) => ({ ...message, order })))
        .filter(({ from }) => from === witness)
        .sort((a, b) => a.content - b.content);
      const numbers = new Set(got.map(({ content }) => content));
      assert.equal(numbers.size, got.length, `twice: ${witness} to ${id}`);
      assert.deepEqual(ok.filter((number) => !numbers.has(number)), [], `lost although OK: ${witness} to ${id}`);
      const stale = got.filter(({ order }, at) => at > 0 && order < got[at - 1].order);
      assert.deepEqual(stale, [], `to a stale session: ${witness} to ${id}`);
    }
  }

  /// No two have it, unless for at most `longest` ms, ended by the broker of the one that lost it.
  expectOneHolder(longest) {
    for (const { milliseconds, isEndedByBroker } of this.heldTwice) {
      assert.ok(milliseconds <= longest, `an id was held twice for ${milliseconds} ms, ${longest} are allowed`);
      assert.ok(isEndedByBroker, 'the loser is sent away by its broker');
    }
    const twice = this.heldTwice.length;
    assert.ok(this.expelled <= twice, `${this.expelled} were sent away, ${twice} ids held twice`);
  }
}
