// Takes the picture of the dashboard for README: two brokers on one Redis, and nodes that talk. No test:
//   node dashboard-picture.mjs FILE.png [MINUTES]
// Its charts show fifteen minutes, so it takes as long by default.
import assert from 'node:assert/strict';
import { Admin, adminEnv } from './support/admin.mjs';
import { freePort } from './support/broker.mjs';
import { launchBrowser } from './support/browser.mjs';
import { Operator } from './support/dashboard.mjs';
import { Grid, kRedisWarmUp } from './support/grid.mjs';
import { joinNode, refusalOf, send } from './support/node.mjs';
import { delay } from './support/time.mjs';

const [file, minutes = '15'] = process.argv.slice(2);
assert.ok(file, 'node dashboard-picture.mjs FILE.png [MINUTES]');
const kNodes = 64;
const kTickMs = 500;
const kCandidate = (type, i) => ({ sdp: `candidate:${i} 1 udp ${2_000_000 - i} 192.0.2.${i + 1} 4000${i} typ ${type}`, sdpMid: '0', sdpMLineIndex: 0 });

const grid = await Grid.start(0);
// Brokers that wait for their Redis would begin with faults.
await delay(kRedisWarmUp + 1000);
for (let i = 0; i < 2; ++i) {
  const port = await freePort();
  await grid.addBroker(adminEnv(port));
  grid.brokers.at(-1).admin = new Admin(port);
}
await grid.isOpen();
const { brokers } = grid;
const name = (i) => `node-${String(i).padStart(2, '0')}`;
const nodes = new Map();

async function join(i) {
  const node = await joinNode(brokers[i % 2].port, name(i), { query: { runtime: ['nodejs', 'browser', 'jvm'][i % 3], version: '1.4.0' } });
  nodes.set(i, node);
}

const any = () => [...nodes.keys()][Math.floor(Math.random() * nodes.size)];
const tell = (from, to) => send(nodes.get(from), 'SOCKET_MSG_EXCHANGE', { from: name(from), to: name(to), channel: 'chat', content: 'hello' });

async function negotiate(a, b, end) {
  const common = { platformFrom: 'js', versionFrom: '1', sessionId: `${name(a)}-${name(b)}-${Date.now()}` };
  const there = { ...common, from: name(a), to: name(b) };
  const back = { ...common, from: name(b), to: name(a) };
  await send(nodes.get(a), 'CONNECTION_ATTEMPT', { ...there, sessionDescription: { type: 'offer', sdp: '' } });
  for (const [i, type] of ['host', 'srflx', 'relay'].entries()) await send(nodes.get(a), 'ICE_CANDIDATES_EXCHANGE_INITIATOR_TO_RESPONDER', { ...there, candidate: kCandidate(type, i) });
  if (end === 'silence') return;
  if (end === 'refusal') {
    await send(nodes.get(b), 'CONNECTION_REFUSAL', back);
    return;
  }
  await delay(100 + Math.random() * 400);
  if (!nodes.get(b)) return;
  await send(nodes.get(b), 'CONNECTION_ACCEPTANCE', { ...back, sessionDescription: { type: 'answer', sdp: '' } });
  for (const [i, type] of ['host', 'srflx', 'relay'].entries()) await send(nodes.get(b), 'ICE_CANDIDATES_EXCHANGE_RESPONDER_TO_INITIATOR', { ...back, candidate: kCandidate(type, i) });
}

async function tick(i) {
  const waves = 20 + 10 * Math.sin(i / 120) + Math.random() * 6;
  const jobs = Array.from({ length: Math.round(waves) }, () => tell(any(), any()));
  if (Math.random() < 0.25) jobs.push(tell(any(), 99));
  if (Math.random() < 0.5) jobs.push(negotiate(any(), any(), Math.random() < 0.08 ? 'silence' : Math.random() < 0.1 ? 'refusal' : 'answer'));
  if (Math.random() < 0.1) jobs.push(refusalOf(brokers[0].port, name(any())));
  if (Math.random() < 0.3 && nodes.size > 40) {
    const gone = any();
    nodes.get(gone).disconnect();
    nodes.delete(gone);
  }
  const missing = Array.from({ length: kNodes }, (_, each) => each).filter((each) => !nodes.has(each));
  if (missing.length > 0 && Math.random() < 0.4) jobs.push(join(missing[Math.floor(Math.random() * missing.length)]));
  await Promise.allSettled(jobs);
}

for (let i = 0; i < kNodes - 12; ++i) await join(i);
const browser = await launchBrowser();
const operator = await Operator.open(browser, brokers[0].admin.url, { viewport: { width: 1440, height: 1080 } });
const end = Date.now() + Number(minutes) * 60_000;
for (let i = 0; Date.now() < end; ++i) await Promise.all([tick(i), delay(kTickMs)]);
await operator.page.screenshot({ path: file });
await operator.close();
await browser.close();
await grid.stop();
