/// Two ordinary nodes that stay connected while a test does its worst to the broker.
import assert from 'node:assert/strict';
import { freshId, joinNode, received, send } from './node.mjs';
import { eventually, scaled } from './time.mjs';

export class Pair {
  #round = 0;

  static async join(port) {
    const pair = new Pair();
    pair.a = await joinNode(port, freshId('pair'));
    pair.b = await joinNode(port, freshId('pair'));
    return pair;
  }

  /// Both still have their first connection and talk in both directions.
  async stillTalks() {
    await this.#says(this.a, this.b);
    await this.#says(this.b, this.a);
  }

  async sees(id) {
    const answer = JSON.parse(await send(this.a, 'ARE_NODES_CONNECTED_TO_BROKER', { ids: [id] }));
    return answer.results[0].connected;
  }

  /// The id becomes free without anybody having asked for it.
  async seesLeave(id, milliseconds = scaled(1000)) {
    await eventually(`${id} is gone`, async () => !(await this.sees(id)), milliseconds);
  }

  async #says(from, to) {
    assert.ok(from.connected && to.connected, 'the pair is still connected');
    const message = {
      from: from.nodeId,
      to: to.nodeId,
      channel: 'pair',
      content: `round ${++this.#round}`,
    };
    const arrived = received(to, 'SOCKET_MSG_EXCHANGE');
    assert.equal(await send(from, 'SOCKET_MSG_EXCHANGE', message), 'OK');
    assert.deepEqual(await arrived, message);
  }
}
