// Every refusal and every end leaves a reason in the log: at LOG_LEVEL 1 who was refused what, and how connections end;
// limited in number for each reason; nothing of it at level 0.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Broker, oursOnly, testPlugin } from './support/broker.mjs';
import { freshId, joinNode, nodeQuery, refusalOf } from './support/node.mjs';
import {
  closePayload,
  frame,
  joinRaw,
  kUpgradeQuery,
  Opcode,
  openTransport,
  RawSocket,
  request,
  upgradeRequest,
} from './support/raw.mjs';
import { eventually, scaled, within } from './support/time.mjs';

const kPing = scaled(1000);
const kEnvironment = {
  LOG_LEVEL: '1',
  PING_INTERVAL_MS: '60000',
  HANDSHAKE_TIMEOUT_MS: String(scaled(1500)),
  MAX_PAYLOAD_BYTES: '10000',
  MAX_PRESENCE_IDS: '2',
  MAX_NODE_ID_BYTES: '64',
};

/// Does something and waits for a line about it.
async function expectLine(broker, pattern, act) {
  const before = broker.output.length;
  await act();
  const told = () => broker.output.slice(before);
  try {
    await eventually(`a line ${pattern}`, () => pattern.test(told()));
  } catch (error) {
    error.message += `; said: ${told()}`;
    throw error;
  }
  return told();
}

async function ask(port, bytes) {
  const socket = await RawSocket.connect(port);
  socket.send(bytes);
  await socket.rest(scaled(15_000));
  socket.destroy();
}

const query = (more) => `${kUpgradeQuery}&${nodeQuery({ id: 'bob', version: '1', runtime: 'raw' })}${more}`;
const upgrade = (options) => upgradeRequest({ query: query('&data=secret'), ...options });
const without = (header) => upgrade({ headers: { [header]: null } });
const kBob = 'node=bob status=400 why=';

/// What is sent, and what the log says of it.
const kRequests = {
  'a path of another name': [
    upgrade({ path: '/chat/socket.io/' }),
    /request refused node=bob status=0 why="unknown path \/chat\/socket\.io\/, nodes connect at \/socket\.io\/"/,
  ],
  'a page that is not there': [
    request('GET', '/favicon.ico?secret', { Connection: 'close' }),
    /request refused status=404 why="unknown path \/favicon\.ico, /,
  ],
  'polling': [
    request('GET', '/socket.io/?EIO=4&transport=polling&id=bob&data=secret', { Connection: 'close' }),
    new RegExp(`${kBob}"transport is polling, only websocket is supported: transports: \\['websocket'\\]`),
  ],
  'polling by a client of Socket.IO 2': [
    request('GET', '/socket.io/?EIO=3&transport=polling&id=bob&data=secret', { Connection: 'close' }),
    new RegExp(`${kBob}"transport is polling with EIO=3 \\(Socket.IO 2: use client version 3 or 4\\), only websocket is supported`),
  ],
  'no transport': [upgrade({ query: 'EIO=4&id=bob' }), new RegExp(`${kBob}"transport is missing,`)],
  'a client of Socket.IO 2': [
    upgrade({ query: 'EIO=3&transport=websocket&id=bob&data=secret' }),
    new RegExp(`${kBob}"EIO is 3, this broker supports 4: a Socket\\.IO 2 client`),
  ],
  'no EIO': [upgrade({ query: 'transport=websocket&id=bob' }), new RegExp(`${kBob}"EIO is missing,`)],
  'a sid': [upgrade({ query: query('&sid=secret') }), new RegExp(`${kBob}"the request has a sid`)],
  'a POST': [upgrade({ method: 'POST' }), new RegExp(`${kBob}"the method is POST`)],
  'a proxy that drops Upgrade': [
    upgrade({ headers: { Upgrade: null, Connection: 'close' } }),
    new RegExp(`${kBob}"headers Upgrade and Connection: Upgrade are missing \\(removed by a proxy`),
  ],
  'another Upgrade': [
    upgrade({ headers: { Upgrade: 'h2c' } }),
    new RegExp(`${kBob}"Upgrade is h2c, not websocket"`),
  ],
  'no key': [without('Sec-WebSocket-Key'), new RegExp(`${kBob}"Sec-WebSocket-Key is`)],
  'no version': [without('Sec-WebSocket-Version'), new RegExp(`${kBob}"Sec-WebSocket-Version is`)],
  'a header that is too large': [
    upgrade({ query: query(`&data=${'x'.repeat(20_000)}`) }),
    /request refused status=431 why="the request's header is larger than 16384 bytes/,
  ],
  'something else': ['SSH-2.0-OpenSSH_9.2\r\n', /request refused status=400 why="not HTTP"/],
  'TLS': [
    Buffer.from('16030100c8010000c40303', 'hex'),
    /request refused status=400 why="TLS on the plain-text port/,
  ],
  'HTTP/2': ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', /status=400 why="HTTP\/2 on an HTTP/],
  'send-proxy': [
    `PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n${upgrade()}`,
    /request refused status=400 why="the PROXY protocol \(send-proxy/,
  ],
  'send-proxy-v2': [
    Buffer.concat([Buffer.from('0d0a0d0a000d0a515549540a21110000', 'hex'), Buffer.from(upgrade())]),
    /request refused status=400 why="the PROXY protocol/,
  ],
  'no Host': ['GET / HTTP/1.1\r\n\r\n', /request refused status=400 why="malformed request: no Host"/],
  'metrics that are off': [
    request('GET', '/metrics', { Connection: 'close' }),
    /request refused status=404 why="METRICS_ENABLED is false"/,
  ],
  'half a request': [
    'GET /socket.io/ HT',
    /request refused status=0 why="no complete request within \d+ ms"/,
  ],
  'frames before the 101': [
    upgrade() + 'x'.repeat(5000),
    /request refused node=bob status=400 why="more than 4096 bytes before the upgrade/,
  ],
};

/// What a node does, and what the log says of its end. Each returns once that has happened.
const kEnds = {
  'too large a message': [
    (node) => node.send(frame('x'.repeat(10_001))),
    'a message of 10001 bytes, MAX_PAYLOAD_BYTES is 10000',
  ],
  'an unmasked frame': [(node) => node.send(frame('3', { mask: null })), 'WebSocket: unmasked frame'],
  'text that is not UTF-8': [
    (node) => node.send(frame(Buffer.of(0xff))),
    'WebSocket: text that is not UTF-8',
  ],
  'a reserved bit': [(node) => node.send(frame('3', { rsv: 4 })), 'WebSocket: a reserved bit is set'],
  'an unknown Engine.IO packet': [(node) => node.sendText('7'), 'Engine.IO: unknown packet: is it a client of Socket.IO?'],
  'an unknown Socket.IO packet': [(node) => node.sendText('49'), 'Socket.IO: unknown packet type'],
  'a payload that is no JSON': [(node) => node.sendText('42{'), 'Socket.IO: invalid payload'],
  'a second CONNECT': [(node) => node.sendText('40'), 'Socket.IO: second CONNECT'],
  'binary that nobody announced': [
    (node) => node.sendText('x', { opcode: Opcode.binary }),
    'Socket.IO: binary message that was not announced',
  ],
  'a close frame': [
    (node) => node.send(frame(closePayload(1001), { opcode: Opcode.close })),
    'closed by the node with code 1001',
  ],
  'a close frame without a code': [
    (node) => node.send(frame('', { opcode: Opcode.close })),
    'closed by the node',
  ],
  'the end of TCP': [(node) => node.end(), 'connection closed by the node (FIN)'],
  'a reset': [(node) => node.reset(), 'TCP reset by the node'],
};

const message = (payload) => ['SOCKET_MSG_EXCHANGE', payload];
const presence = (payload) => ['ARE_NODES_CONNECTED_TO_BROKER', payload];
const text = (value) => JSON.stringify(value);

/// An event, and what the log says of its answer.
const kEvents = {
  'an object instead of a string': [
    message({ to: 'eve' }),
    /message not relayed event=SOCKET_MSG_EXCHANGE from=(\S+) to="" ack=ERROR why="the payload is not a string: /,
  ],
  'no payload': [['CONNECTION_ATTEMPT'], /event=CONNECTION_ATTEMPT .* ack=ERROR why="the event has no payload"/],
  'text that is not JSON': [message('secret{'), /ack=ERROR why="the payload is not JSON"/],
  'JSON that is no object': [message('["secret"]'), /ack=ERROR why="the payload is not a JSON object"/],
  'no to': [message(text({ from: 'x' })), /ack=ERROR why="the payload has no string \\"to\\" that/],
  'a forged from': [
    message(text({ from: 'mallory', to: 'eve', content: 'secret' })),
    /to=eve ack=UNAUTHORIZED why="\\"from\\" is not the sender's id"/,
  ],
  'a from that is no string': [
    message(text({ from: 1, to: 'eve' })),
    /to=eve ack=UNAUTHORIZED why="\\"from\\" is not a string"/,
  ],
  'a presence query that is an object': [
    presence({ ids: [] }),
    /presence query not answered node=\S+ ack=ERROR why="the payload is not a string: /,
  ],
  'a presence query without ids': [presence('{}'), /ack=ERROR why="the payload has no list \\"ids\\""/],
  'a presence query about too many': [
    presence(text({ ids: ['a', 'b', 'c'] })),
    /ack=ERROR why="more than MAX_PRESENCE_IDS ids"/,
  ],
};

const ours = oursOnly('about the log');

describe('at level 1 the log says why', ours, () => {
  let broker;
  before(async () => {
    broker = await Broker.start(kEnvironment);
  });
  after(() => broker.stop());

  for (const [name, [bytes, pattern]] of Object.entries(kRequests)) {
    test(`a request is refused: ${name}`, () => expectLine(broker, pattern, () => ask(broker.port, bytes)));
  }

  for (const [name, [act, why]] of Object.entries(kEnds)) {
    test(`a node is disconnected: ${name}`, async () => {
      const id = freshId();
      const node = await joinRaw(broker.port, id);
      const quoted = why.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
      await expectLine(broker, new RegExp(`node disconnected node=${id} why="${quoted}`), () => act(node));
      node.destroy();
    });
  }

  test('a presence query without ack id is not answered', async () => {
    const id = freshId();
    const node = await joinRaw(broker.port, id);
    await expectLine(
      broker,
      new RegExp(`presence query not answered node=${id} ack=none why="it requests no acknowledgement`),
      () => node.sendText('42["ARE_NODES_CONNECTED_TO_BROKER","{\\"ids\\":[\\"x\\"]}"]'),
    );
    node.destroy();
  });

  for (const [name, [event, pattern]] of Object.entries(kEvents)) {
    test(`an event is answered otherwise than by OK: ${name}`, async () => {
      const node = await joinRaw(broker.port, freshId());
      await expectLine(broker, pattern, () => node.emit(...event));
      node.destroy();
    });
  }

  test('an event is ignored, with as much of its name as fits into a line', async () => {
    const node = await joinRaw(broker.port, freshId());
    const said = await expectLine(broker, /unknown event ignored node=\S+ event="chat\\u000a/, () =>
      node.sendText(`42${text([`chat\n${'x'.repeat(5000)}`, 'secret'])}`),
    );
    assert.ok(said.length < 1000, said);
    node.destroy();
  });

  test('a node is refused', async () => {
    await expectLine(broker, /node refused node=x{60,}\S* why="invalid node id" reason="it has 65 bytes, MAX_NODE_ID_BYTES is 64"/, () =>
      refusalOf(broker.port, 'x'.repeat(65)),
    );
    const id = freshId();
    const holder = await joinRaw(broker.port, id);
    const asked = expectLine(
      broker,
      new RegExp(`node refused node=${id} why="client already connected" reason="the connection that holds this id is alive"`),
      () => refusalOf(broker.port, id),
    );
    // A sign of life.
    assert.equal(await holder.packet(), '2');
    holder.sendText('3');
    await asked;
    await expectLine(broker, new RegExp(`node refused node=${id} why="Invalid namespace" reason="it connects to /chat,`), () =>
      holder.sendText('40/chat,'),
    );
    holder.destroy();
  });

  test('a connection ends before its node has joined', async () => {
    const gone = (id, why) => new RegExp(`node disconnected before it joined node=${id} why="${why}"`);
    const chatty = freshId();
    await expectLine(broker, gone(chatty, 'more than 4096 bytes before it joined'), async () => {
      const node = await openTransport(broker.port, { id: chatty, version: '1', runtime: 'raw' });
      node.sendText('x'.repeat(5000));
    });
    const silent = freshId();
    await expectLine(broker, gone(silent, 'no CONNECT within \\d+ ms'), () =>
      openTransport(broker.port, { id: silent, version: '1', runtime: 'raw' }),
    );
  });

  test('a node leaves', async () => {
    const id = freshId();
    const node = await joinRaw(broker.port, id);
    await expectLine(broker, new RegExp(`node left node=${id} why="it sent DISCONNECT"`), () =>
      node.sendText('41'),
    );
    node.destroy();
  });

  test('a silent node loses its id', async () => {
    const id = freshId();
    await joinRaw(broker.port, id); // answers nothing
    await expectLine(
      broker,
      new RegExp(`node disconnected permanently node=${id} why="did not respond when another connection claimed its id"`),
      () => joinNode(broker.port, id),
    );
  });

  test('and shows nothing of what nodes say or authenticate with', () => {
    assert.doesNotMatch(broker.output, /secret/);
  });
});

test('a node that does not answer a ping is disconnected for that, with the milliseconds', ours, async () => {
  const broker = await Broker.start({
    LOG_LEVEL: '1',
    PING_INTERVAL_MS: '100',
    PING_TIMEOUT_MS: String(kPing),
  });
  const id = freshId();
  await joinRaw(broker.port, id);
  await eventually('it is gone', () =>
    broker.output.includes(`node disconnected node=${id} why="no pong within ${kPing} ms"`),
  );
  await broker.stop();
});

test('a node that reads nothing is disconnected for that, with the bytes', ours, async () => {
  const broker = await Broker.start({
    LOG_LEVEL: '1',
    PING_INTERVAL_MS: '100',
    PING_TIMEOUT_MS: String(kPing),
    MAX_OUTBOX_BYTES: '4000000',
  });
  const id = freshId();
  const reader = await joinRaw(broker.port, id);
  reader.pause();
  const sender = await joinNode(broker.port);
  const large = text({ to: id, content: 'x'.repeat(500_000) });
  await eventually('its outbox is full', async () => {
    const ack = await sender.emitWithAck('SOCKET_MSG_EXCHANGE', large);
    return ack === 'ERROR';
  });
  await eventually('that is said', () =>
    /ack=ERROR why="the receiver's outbox is full: MAX_OUTBOX_BYTES"/.test(broker.output),
  );
  await eventually('it is gone', () =>
    new RegExp(`node disconnected node=${id} why="read none of the \\d{6,} bytes queued`).test(broker.output),
  );
  await broker.stop();
});

test('nodes that are drained are disconnected for that', ours, async () => {
  const broker = await Broker.start({ LOG_LEVEL: '1' });
  const ids = [freshId(), freshId()];
  for (const id of ids) await joinRaw(broker.port, id);
  broker.child.kill('SIGTERM');
  await within(scaled(10_000), 'the broker ends', broker.exited);
  for (const id of ids) assert.match(broker.output, new RegExp(`node disconnected node=${id} why="shutting down"`));
});

test("a plugin's no stands in the log with its reason", ours, async () => {
  const broker = await Broker.start({
    LOG_LEVEL: '1',
    AUTHORIZE_NODES_COMMUNICATION_PLUGIN: 'deny-list',
    DENY_LIST: 'mallory',
    NODES_AUTHENTICATION_PLUGIN: 'token-auth',
    SHARED_TOKEN: 'a-very-secret-token',
  });
  const data = { query: { data: 'a-very-secret-token' } };
  const alice = await joinNode(broker.port, 'alice', data);
  await expectLine(broker, /not relayed event=SOCKET_MSG_EXCHANGE from=alice to=mallory ack=UNAUTHORIZED why="the sender may not send to this node" reason=DENY_LIST/, () =>
    alice.emitWithAck('SOCKET_MSG_EXCHANGE', text({ to: 'mallory' })),
  );
  await expectLine(broker, /node refused node=eve why="authentication failed" reason="the token is a different one"/, () =>
    refusalOf(broker.port, 'eve', { query: { data: 'wrong' } }),
  );
  await expectLine(broker, /node refused node=eve why="authentication failed" reason="the node sent no token"/, () =>
    refusalOf(broker.port, 'eve'),
  );
  assert.doesNotMatch(broker.output, /very-secret/);
  await broker.stop();
});

test('a plugin that waits on a worker is named', ours, async () => {
  const broker = await Broker.start({ NODES_AUTHENTICATION_PLUGIN: testPlugin('misbehave') });
  await eventually('it is named', async () => {
    await joinNode(broker.port, freshId('slow'));
    return /blocked a worker for more than 5 ms plugin=org\.crolang\.test\.misbehave question=authenticate detail="\d+ ms"/.test(
      broker.output,
    );
  });
  await broker.stop();
});

test('at level 2 each message says why it was not delivered', ours, async () => {
  const broker = await Broker.start({ ...kEnvironment, LOG_LEVEL: '2' });
  const node = await joinRaw(broker.port, 'alice');
  await expectLine(broker, /relay message event=SOCKET_MSG_EXCHANGE from=alice to=nobody bytes=\d+ ack=NOT_CONNECTED why="no such node is connected"/, () =>
    node.emit(...message(text({ to: 'nobody' }))),
  );
  await expectLine(broker, /ack=NOT_CONNECTED why="no node can have this id"/, () =>
    node.emit(...message(text({ to: 'x'.repeat(65) }))),
  );
  await broker.stop();
});

test('a flood for one reason is a few lines, and does not hide another', ours, async () => {
  const broker = await Broker.start(kEnvironment);
  const node = await joinRaw(broker.port, freshId());
  const start = performance.now();
  await Promise.all(Array.from({ length: 300 }, () => ask(broker.port, 'SSH-2.0-x\r\n')));
  for (let i = 0; i < 1000; ++i) node.sendText(`42${text(message({}))}`);
  node.sendText('42["chat"]');
  await node.settled();
  await expectLine(broker, /why="unknown path/, () => ask(broker.port, kRequests['a page that is not there'][0]));
  await eventually('the unknown event too', () => /unknown event ignored/.test(broker.output));
  const seconds = Math.ceil((performance.now() - start) / 1000) + 1;
  const lines = (pattern) => broker.output.match(pattern)?.length ?? 0;
  const requests = lines(/why="not HTTP"/g);
  const messages = lines(/message not relayed/g);
  assert.ok(requests >= 1 && requests <= 5 * seconds, `${requests} lines in ${seconds} s`);
  assert.ok(messages >= 1 && messages <= 10 * seconds, `${messages} lines in ${seconds} s`);
  await eventually('the next line says how many were left out', async () => {
    await ask(broker.port, 'SSH-2.0-x\r\n');
    return /why="not HTTP" client=127\.0\.0\.1 suppressed=[1-9]/.test(broker.output);
  });
  await broker.stop();
});

test('at level 0 none of this is logged', ours, async () => {
  const broker = await Broker.start({ ...kEnvironment, LOG_LEVEL: '0' });
  for (const [bytes] of Object.values(kRequests)) await ask(broker.port, bytes);
  for (const [act] of Object.values(kEnds)) {
    const node = await joinRaw(broker.port, freshId());
    act(node);
    if (!node.socket.destroyed) node.end();
  }
  const node = await joinRaw(broker.port, freshId());
  for (const [event] of Object.values(kEvents)) await node.emit(...event);
  await refusalOf(broker.port, 'x'.repeat(65));
  await broker.stop();
  assert.doesNotMatch(broker.output, / (connection|relay) /);
});
