/// TCP ways to ports of this machine that can be disturbed.
import net from 'node:net';
import { resetSocket } from './raw.mjs';

export class Wire {
  #links = new Set();
  #state = 'open';

  /// `translate`: what becomes of the bytes that come from there.
  static async to(port, translate = (bytes) => bytes) {
    const wire = new Wire();
    wire.server = net.createServer({ allowHalfOpen: true }, (near) =>
      wire.#link(near, port, translate),
    );
    await new Promise((resolve) => {
      wire.server.listen(0, '127.0.0.1', resolve);
    });
    wire.server.unref();
    wire.port = wire.server.address().port;
    return wire;
  }

  get url() {
    return `redis://127.0.0.1:${this.port}`;
  }

  #link(near, port, translate) {
    const far = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const link = { ends: [near, far], swallows: this.#state === 'swallowing' };
    this.#links.add(link);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      from.setNoDelay(true);
      from.unref();
      from.on('data', (bytes) => {
        if (!link.swallows && to.writable) to.write(from === far ? translate(bytes) : bytes);
      });
      from.on('end', () => {
        if (!link.swallows) to.end();
      });
      from.on('error', () => {});
      from.on('close', (hadError) => {
        if (hadError && !link.swallows) to.destroy();
        if (to.closed) this.#links.delete(link);
      });
      if (this.#state === 'held') from.pause();
    }
  }

  /// Nothing passes, and nothing is lost: a network that is away for a while.
  hold() {
    this.#state = 'held';
    for (const { ends } of this.#links) for (const end of ends) end.pause();
  }

  /// Half-open: the connections there are, and those that come, stay up but are dead for ever.
  swallow() {
    this.#state = 'swallowing';
    for (const link of this.#links) link.swallows = true;
  }

  /// What was held flows; connections that come from now on work.
  open() {
    this.#state = 'open';
    for (const { ends } of this.#links) for (const end of ends) end.resume();
  }

  /// Both sides of every connection get a TCP reset.
  reset() {
    for (const { ends } of this.#links) for (const end of ends) resetSocket(end);
    this.#links.clear();
  }

  close() {
    this.server.close();
    for (const { ends } of this.#links) for (const end of ends) end.destroy();
  }
}

/// Where answers of Sentinel and of a cluster name a server: `127.0.0.1`, or `port`, and behind it the port as RESP, in a
/// MOVED, or in an event has it.
const kNamed = /(127\.0\.0\.1(?:\r\n:|\r\n\$5\r\n|:| )|\bport\r\n(?::|\$5\r\n))(\d{5})(?!\d)/g;

/// The ways of one broker to servers that tell each other's ports: it is told those of the ways instead, so that it stays
/// on them wherever it is sent. Ports have five digits, hence no length changes.
export class Wires {
  #ways = new Map();

  static async to(ports) {
    const wires = new Wires();
    const translate = (bytes) => {
      const text = bytes.toString('latin1');
      const told = text.replace(kNamed, (all, before, port) => before + (wires.portTo(Number(port)) ?? port));
      return told === text ? bytes : Buffer.from(told, 'latin1');
    };
    for (const port of ports) wires.#ways.set(port, await Wire.to(port, translate));
    return wires;
  }

  /// Where the way to this port begins.
  portTo(port) {
    return this.#ways.get(port)?.port;
  }

  #each(what) {
    for (const way of this.#ways.values()) way[what]();
  }
  hold() {
    this.#each('hold');
  }
  swallow() {
    this.#each('swallow');
  }
  open() {
    this.#each('open');
  }
  reset() {
    this.#each('reset');
  }
  close() {
    this.#each('close');
  }
}
