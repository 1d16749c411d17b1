/// Started by scripts/soak drain: 200 nodes of real Socket.IO clients, on one of two brokers behind HAProxy, lose it in order,
/// then lose the other by kill -9. Ends with 1 unless each is back within six seconds, or as soon as after the kill.
import { Client, isMissing, kClients } from './support/clients.mjs';
import { loseBrokers } from './support/drain.mjs';

const kCounts = {
  'npm 4.8': 30,
  'npm 3.1': 20,
  Chromium: 10,
  Python: 20,
  'Python asyncio': 20,
  Java: 30,
  Rust: 20,
  'Rust async': 20,
  Go: 30,
};
const kDrain = Number(process.env.DRAIN_DURATION_MS || 3000);
const kBackWithin = 6000;
const kMargin = 1000;

for (const name of Object.keys(kCounts)) {
  const why = isMissing(kClients[name]);
  if (why) throw new Error(`${name}: ${why}`);
}
const clients = await Promise.all(Object.keys(kCounts).map((name) => Client.start(name)));
const results = await loseBrokers(clients, kCounts, { drain: kDrain });

const seconds = (times) => {
  const sorted = [...times].sort((a, b) => a - b);
  const show = (time) => (time / 1000).toFixed(1);
  return `${show(sorted[sorted.length >> 1])} (${show(sorted.at(-1))})`;
};

console.log(`${results.length} nodes, DRAIN_DURATION_MS=${kDrain}; in seconds, half of them and (all)`);
console.log('| client | nodes | back after SIGTERM | after its own connection ended | back after `kill -9` |');
console.log('|---|---|---|---|---|');
let late = 0;
for (const client of clients) {
  const own = results.filter(({ node }) => node.client === client);
  const times = (kind) => own.map((result) => result[kind]);
  const killed = Math.max(...times('killed').filter(Number.isFinite));
  const allowed = Math.max(kBackWithin, killed + kMargin);
  late += times('sinceSignal').filter((time) => time > allowed).length;
  const columns = ['sinceSignal', 'drained', 'killed'].map((kind) => seconds(times(kind)));
  console.log(`| ${client.client} | ${own.length} | ${columns.join(' | ')} |`);
}
console.log(late ? `${late} were back too late` : 'all were back in time');
for (const client of clients) await client.stop();
process.exit(late ? 1 : 0);
