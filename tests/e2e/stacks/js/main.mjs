/// node main.mjs STACK: the stack named, behind the lines that ../README.md describes.
import { createInterface } from 'node:readline';

const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const { start } = await import(`./${process.argv[2]}.mjs`);
const { name, Peer, stop } = await start(say);
const peers = new Map();

async function carryOut({ peer, do: action, ...line }) {
  if (action === 'open') {
    const one = Peer.open ? await Peer.open(peer, line) : new Peer(peer, line);
    peers.set(peer, one);
    if (line.role === 'initiator') await one.offer();
  } else {
    await peers.get(peer)?.[action](line);
  }
}

/// The lines for one peer are carried out one after the other.
const underWay = new Map();
function inOrder(line) {
  const done = (underWay.get(line.peer) ?? Promise.resolve())
    .then(() => carryOut(line))
    .catch(({ message }) => say({ peer: line.peer, event: 'fault', words: `${line.do}: ${message}` }));
  underWay.set(line.peer, done);
  return done;
}

say({ event: 'ready', name });
for await (const text of createInterface({ input: process.stdin })) inOrder(JSON.parse(text));
await stop?.();
process.exit(0);
