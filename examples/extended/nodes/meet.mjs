// Two nodes come in through the same door, see each other and talk, each on a broker of its own.
//
//   node meet.mjs [--jwt] [ID ID]      --jwt: for brokers that were started with native.env
//
// BROKER names another door than http://127.0.0.1:8080, TOKEN_FILE another token than the demo's.
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { io } from 'socket.io-client';

const { values, positionals } = parseArgs({ options: { jwt: { type: 'boolean' } }, allowPositionals: true });
const [first = 'alice', second = 'bob'] = positionals;
const door = process.env.BROKER || 'http://127.0.0.1:8080';
const secretOf = (name) => readFileSync(new URL(`../demo-secrets/${name}`, import.meta.url), 'utf8').trim();

function tokenFor(id) {
  if (!values.jwt)
    return process.env.TOKEN_FILE ? readFileSync(process.env.TOKEN_FILE, 'utf8').trim() : secretOf('demo-token');
  const encode = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const signed = `${encode({ alg: 'HS256' })}.${encode({ sub: id, exp: Math.floor(Date.now() / 1000) + 3600 })}`;
  return `${signed}.${createHmac('sha256', secretOf('jwt-secret')).update(signed).digest('base64url')}`;
}

async function join(id) {
  const data = JSON.stringify({ token: tokenFor(id) });
  const node = io(door, {
    transports: ['websocket'],
    forceNew: true,
    query: { id, version: '1.0.0', runtime: 'nodejs', data },
  });
  let broker;
  const listen = () =>
    node.io.engine.transport.ws.once('upgrade', ({ headers }) => {
      broker = headers['x-broker'];
    });
  listen();
  node.io.on('reconnect_attempt', () => queueMicrotask(listen));
  node.on('connect_error', ({ message }) => {
    // What has no packet behind it is passing trouble: socket.io-client comes again by itself.
    console.log(`${id}: ${message}${node.active ? ', trying again' : ''}`);
    if (!node.active) process.exit(1);
  });
  const [configuration] = await once(node, 'AUTHENTICATED');
  const { iceServers } = JSON.parse(configuration);
  console.log(
    `${id} connected through ${broker ?? 'the only broker'}, ICE servers: ${iceServers.flatMap(({ urls }) => urls).join(' ')}`,
  );
  return node;
}

const ask = (node, event, question) => node.timeout(10_000).emitWithAck(event, JSON.stringify(question));

const a = await join(first);
const b = await join(second);
console.log(`${first} asks who is there:`, await ask(a, 'ARE_NODES_CONNECTED_TO_BROKER', { ids: [second] }));
b.on('SOCKET_MSG_EXCHANGE', (message) => console.log(`${second} received:`, message));
const message = { from: first, to: second, channel: 'chat', content: 'hello' };
console.log(`${first} sent a message:`, await ask(a, 'SOCKET_MSG_EXCHANGE', message));
// The receiver's event and the sender's acknowledgement may come in either order: what was relayed is there after this.
await ask(b, 'ARE_NODES_CONNECTED_TO_BROKER', { ids: [first] });
a.disconnect();
b.disconnect();
