/// Nodes that ask who is connected as fast as they are told to, from a thread of their own, and what a healthy pair
/// notices of them.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { kMessage } from './grid.mjs';
import { freshId } from './node.mjs';
import { frame, joinRaw } from './raw.mjs';
import { delay, scaled, within } from './time.mjs';

const kPresence = 'ARE_NODES_CONNECTED_TO_BROKER';
const kSlice = 10; // ms between two writes

/// A question about `count` ids that nobody has.
export function question(count, ack = 1) {
  const prefix = freshId('nobody');
  const ids = Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
  return `42${ack}${JSON.stringify([kPresence, JSON.stringify({ ids })])}`;
}

/// Floods the brokers on these ports, one node for each entry, until stopped.
export class Flood {
  static async start(ports, { bytesPerSecond = 13_000_000, ids = 1000 } = {}) {
    const flood = new Flood();
    flood.worker = new Worker(fileURLToPath(import.meta.url), {
      workerData: { ports, bytesPerSecond, ids },
    });
    flood.ended = new Promise((resolve, reject) => {
      flood.worker.once('error', reject);
      flood.worker.once('exit', resolve);
    });
    flood.ended.catch(() => {});
    await within(
      scaled(20_000),
      'the flood has begun',
      Promise.race([new Promise((resolve) => flood.worker.once('message', resolve)), flood.ended]),
    );
    return flood;
  }

  /// How many questions were asked, answered, and answered ERROR, and how many connections ended.
  async stop() {
    const counts = new Promise((resolve) => this.worker.once('message', resolve));
    this.worker.postMessage('stop');
    const result = await within(scaled(20_000), 'the flood ends', Promise.race([counts, this.ended]));
    await this.ended;
    return result;
  }

  /// Ends it whatever it does, so that a test that has failed ends too.
  kill() {
    return this.worker.terminate();
  }
}

/// The next packet that is no ping; pings are answered.
async function said(node) {
  for (;;) {
    const packet = await node.packet();
    if (packet !== '2') return packet;
    node.sendText('3');
  }
}

/// One message after the other from one raw node to another, for so long: how long each took to arrive, in ms,
/// sorted. Every one must be acknowledged OK.
export async function latencies(from, to, milliseconds, pause = 1) {
  const taken = [];
  const end = performance.now() + milliseconds;
  for (let n = 1; performance.now() < end; ++n) {
    const text = JSON.stringify({ from: from.id, to: to.id, n });
    const sent = performance.now();
    from.sendText(`42${n}${JSON.stringify([kMessage, text])}`);
    assert.equal(await said(to), `42${JSON.stringify([kMessage, text])}`);
    taken.push(performance.now() - sent);
    assert.equal(await said(from), `43${n}["OK"]`);
    await delay(pause);
  }
  return taken.sort((a, b) => a - b);
}

export const quantile = (sorted, q) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];

if (!isMainThread && workerData?.bytesPerSecond) {
  const { ports, bytesPerSecond, ids } = workerData;
  const counts = { asked: 0, answered: 0, refused: 0, ended: 0 };
  const bytes = frame(question(ids));
  const perSlice = (bytesPerSecond * kSlice) / 1000 / bytes.length;
  const sockets = [];
  for (const port of ports) {
    const node = await joinRaw(port, freshId('flooder'));
    node.socket.removeAllListeners('data');
    node.socket.on('data', (data) => {
      const text = data.toString('latin1');
      counts.refused += text.split('431["ERROR"]').length - 1;
      counts.answered += text.split('431["{').length - 1;
    });
    node.socket.once('close', () => ++counts.ended);
    sockets.push({ socket: node.socket, owed: 0 });
  }
  const timer = setInterval(() => {
    for (const each of sockets) {
      each.owed += perSlice;
      // What the broker does not take is not heaped up here.
      while (each.owed >= 1 && each.socket.writableLength < 1_000_000 && !each.socket.destroyed) {
        each.owed -= 1;
        each.socket.write(bytes);
        ++counts.asked;
      }
      each.owed = Math.min(each.owed, perSlice * 10);
    }
  }, kSlice);
  parentPort.on('message', () => {
    clearInterval(timer);
    const { ended } = counts;
    for (const { socket } of sockets) socket.destroy();
    parentPort.postMessage({ ...counts, ended });
    parentPort.close();
  });
  parentPort.postMessage('begun');
}
