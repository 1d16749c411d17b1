// TRUSTED_PROXIES, CLIENT_ADDRESS_HEADER, PROXY_PROTOCOL and NODES_AUTHENTICATION_WEBHOOK_HEADERS: who a client is, and that
// nobody but a trusted proxy decides it. 127.0.0.2 is the proxy.
import assert from 'node:assert/strict';
import { after as afterAll, before, beforeEach, describe, test } from 'node:test';
import { Broker, oursOnly, runBroker, testPlugin } from './support/broker.mjs';
import { freshId, joinNode, nodeQuery } from './support/node.mjs';
import { connectRaw, kUpgradeQuery, RawSocket, upgradeRequest } from './support/raw.mjs';
import { eventually } from './support/time.mjs';
import { json, stopWebhooks, Webhook } from './support/webhook.mjs';

const ours = oursOnly('knows no proxies');
const kProxy = '127.0.0.2';
const kStranger = '127.0.0.3';
const kClient = '198.51.100.9';

/// An upgrade of this node from this address, behind `first`, and its response.
async function knockFrom(port, address, id, { headers = {}, first = '', path } = {}) {
  const socket = await RawSocket.connect(port, '127.0.0.1', address);
  const query = [kUpgradeQuery, nodeQuery({ id, version: '1', runtime: 'raw' })].join('&');
  socket.send(Buffer.concat([Buffer.from(first), Buffer.from(upgradeRequest({ query, headers, path }))]));
  return { socket, response: await socket.response() };
}

/// A node that joins. The broker has logged that by then, if it logs connections.
async function joinFrom(port, address, options) {
  const id = freshId();
  const { socket, response } = await knockFrom(port, address, id, options);
  assert.equal(response.status, 101, response.body);
  await socket.packet();
  await connectRaw(socket);
  socket.id = id;
  return socket;
}

/// The client in the log's line of this node's joining, of the only one.
async function clientOf(broker, id) {
  const lines = () => broker.output.split('\n').filter((line) => line.includes(`node joined node=${id} `));
  await eventually(`${id} is in the log`, () => lines().length === 1);
  return /client=(\S+)/.exec(lines()[0])[1];
}

/// Who a node is taken for that comes from this address, with this before or in its request.
async function seenAs(broker, address, options) {
  const node = await joinFrom(broker.port, address, options);
  const client = await clientOf(broker, node.id);
  node.destroy();
  return client;
}

/// The log is written by a thread of its own.
const logs = (broker, line) => eventually(`the log has ${line}`, () => line.test(broker.output));

async function violations(broker) {
  const text = await (await fetch(`${broker.url}/metrics`)).text();
  return Number(/protocol_violations_total\{layer="proxy_protocol"\} (\d+)/.exec(text)[1]);
}

const v2 = (command, family, rest) =>
  Buffer.concat([
    Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'),
    Buffer.from([command, family, rest.length >> 8, rest.length & 0xff]),
    Buffer.from(rest),
  ]);
const kFrom4 = [198, 51, 100, 9, 10, 0, 0, 1, 0x12, 0x67, 0x01, 0xbb];
const kFrom6 = [
  ...[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7],
  ...[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
  ...[0x12, 0x67, 0x01, 0xbb],
];
const kLine = `PROXY TCP4 ${kClient} 10.0.0.1 4711 443\r\n`;

describe('without a trusted proxy', ours, () => {
  let broker;
  before(async () => {
    broker = await Broker.start({ LOG_LEVEL: '1', WORKERS: '2' });
  });
  afterAll(() => broker?.stop());

  test('the client is the peer, on each worker', async () => {
    // So many that sockets move to the other worker.
    const nodes = await Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        const address = `127.0.1.${i + 1}`;
        return { address, node: await joinFrom(broker.port, address) };
      }),
    );
    for (const { address, node } of nodes) assert.equal(await clientOf(broker, node.id), address);
  });

  test('no header changes that', async () => {
    const headers = { 'X-Forwarded-For': kClient, Forwarded: `for=${kClient}`, 'X-Real-IP': kClient };
    assert.equal(await seenAs(broker, kStranger, { headers }), kStranger);
  });

  test('the end of a node, and a request that is refused, name the client too', async () => {
    const node = await joinFrom(broker.port, kStranger);
    node.reset();
    await eventually('its end is in the log', () =>
      new RegExp(`node disconnected node=${node.id} why=".*" client=${kStranger} `).test(broker.output),
    );
    const socket = await RawSocket.connect(broker.port, '127.0.0.1', kStranger);
    socket.send('GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n');
    assert.equal((await socket.response()).status, 404);
    await eventually('the refusal is in the log', () =>
      new RegExp(`request refused status=404 why=".*/nothing.*" client=${kStranger} `).test(broker.output),
    );
    socket.destroy();
  });

  test('a PROXY header is refused', async () => {
    for (const first of [kLine, v2(0x21, 0x11, kFrom4), v2(0x20, 0, [])]) {
      const { socket, response } = await knockFrom(broker.port, kStranger, freshId(), { first });
      assert.equal(response.status, 400);
      await socket.rest();
      socket.destroy();
    }
    await logs(broker, /request refused status=400 why="the PROXY protocol .*set PROXY_PROTOCOL=true/);
  });
});

describe('X-Forwarded-For', ours, () => {
  let broker;
  before(async () => {
    broker = await Broker.start({
      LOG_LEVEL: '1',
      TRUSTED_PROXIES: `${kProxy}, 10.0.0.0/8`,
      NODES_AUTHENTICATION_PLUGIN: testPlugin('misbehave'),
    });
  });
  afterAll(() => broker?.stop());

  const kNamed = {
    'one address': [kClient, kClient],
    'an address with a port': [`${kClient}:4711`, kClient],
    'an IPv6 address': ['2001:db8::7', '2001:db8::7'],
    'an address that the client made up before its own': [`203.0.113.66, ${kClient}`, kClient],
    'two trusted proxies': [`203.0.113.66, ${kClient}, 10.1.1.1`, kClient],
    'trusted addresses only': ['10.0.0.5, 10.0.0.6', '10.0.0.5'],
    'nobody': ['unknown', kProxy],
    'nobody behind a trusted proxy': [`${kClient}, unknown, 10.1.1.1`, '10.1.1.1'],
    'nothing': ['', kProxy],
  };
  for (const [name, [value, client]] of Object.entries(kNamed)) {
    test(`of a trusted proxy with ${name}`, async () => {
      assert.equal(await seenAs(broker, kProxy, { headers: { 'X-Forwarded-For': value } }), client);
    });
  }

  test('of a trusted proxy in several lines', async () => {
    const headers = { 'X-Forwarded-For': '203.0.113.66', 'x-forwarded-for': kClient, 'X-FORWARDED-FOR': '10.1.1.1' };
    assert.equal(await seenAs(broker, kProxy, { headers }), kClient);
  });

  test('is the only header that counts', async () => {
    assert.equal(await seenAs(broker, kProxy, { headers: { Forwarded: `for=${kClient}` } }), kProxy);
  });

  test('of anyone else changes nothing', async () => {
    assert.equal(await seenAs(broker, kStranger, { headers: { 'X-Forwarded-For': kClient } }), kStranger);
  });

  test('decides what an authentication plugin is told', async () => {
    const as = async (address, named) => {
      const options = { headers: { 'X-Forwarded-For': kClient } };
      const { socket } = await knockFrom(broker.port, address, `from-${named}`, options);
      await socket.packet();
      socket.sendText('40');
      const answer = await socket.packet();
      socket.destroy();
      return /^40/.test(answer);
    };
    assert.equal(await as(kProxy, kClient), true);
    assert.equal(await as(kProxy, kProxy), false);
    assert.equal(await as(kStranger, kStranger), true);
    assert.equal(await as(kStranger, kClient), false);
  });
});

describe('Forwarded', ours, () => {
  let broker;
  before(async () => {
    broker = await Broker.start({
      LOG_LEVEL: '1',
      TRUSTED_PROXIES: `${kProxy}/32`,
      CLIENT_ADDRESS_HEADER: 'Forwarded',
    });
  });
  afterAll(() => broker?.stop());

  const kNamed = {
    'one address': [`for=${kClient};proto=https`, kClient],
    'an IPv6 address with a port': ['For="[2001:db8::7]:4711"', '2001:db8::7'],
    'an address that the client made up before its own': [`for=203.0.113.66, for=${kClient}`, kClient],
    'a quote that the client left open': [`for="203.0.113.66, for=${kClient}`, kClient],
    'an obfuscated identifier': ['for=_hidden', kProxy],
  };
  for (const [name, [value, client]] of Object.entries(kNamed)) {
    test(`of a trusted proxy with ${name}`, async () => {
      const headers = { Forwarded: value, 'X-Forwarded-For': '203.0.113.66' };
      assert.equal(await seenAs(broker, kProxy, { headers }), client);
    });
  }

  test('of anyone else changes nothing', async () => {
    assert.equal(await seenAs(broker, kStranger, { headers: { Forwarded: `for=${kClient}` } }), kStranger);
  });
});

describe('PROXY_PROTOCOL', ours, () => {
  let broker;
  before(async () => {
    broker = await Broker.start({
      LOG_LEVEL: '1',
      METRICS_ENABLED: 'true',
      TRUSTED_PROXIES: `${kProxy},10.0.0.0/8`,
      PROXY_PROTOCOL: 'true',
    });
  });
  afterAll(() => broker?.stop());

  const kHeaders = {
    'of version 1': [kLine, kClient],
    'of version 1 with IPv6': ['PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n', '2001:db8::7'],
    'of version 1 with UNKNOWN': ['PROXY UNKNOWN\r\n', kProxy],
    'of version 2': [v2(0x21, 0x11, kFrom4), kClient],
    'of version 2 with IPv6 and additional data': [v2(0x21, 0x21, [...kFrom6, 4, 0, 1, 0]), '2001:db8::7'],
    'of version 2 with LOCAL': [v2(0x20, 0, []), kProxy],
  };
  for (const [name, [first, client]] of Object.entries(kHeaders)) {
    test(`a header ${name} names the peer`, async () => {
      assert.equal(await seenAs(broker, kProxy, { first }), client);
    });
  }

  test('a header may arrive byte by byte, and the rest with its last', async () => {
    const socket = await RawSocket.connect(broker.port, '127.0.0.1', kProxy);
    await socket.sendByteWise(v2(0x21, 0x11, kFrom4));
    socket.send('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    assert.equal((await socket.response()).status, 200);
    socket.destroy();
  });

  test('an address header counts only if the peer that it names is trusted', async () => {
    const headers = { 'X-Forwarded-For': '203.0.113.66' };
    assert.equal(await seenAs(broker, kProxy, { first: kLine, headers }), kClient);
    const first = 'PROXY TCP4 10.0.0.2 10.0.0.1 4711 443\r\n';
    assert.equal(await seenAs(broker, kProxy, { first, headers }), '203.0.113.66');
  });

  test('a trusted proxy without one, or with a wrong one, is not served', async () => {
    const before = await violations(broker);
    const kWrong = [
      'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n',
      'PROXY TCP4 198.51.100.9 10.0.0.1 4711\r\n',
      `PROXY UNKNOWN ${'x'.repeat(200)}`,
      v2(0x22, 0x11, kFrom4),
      v2(0x21, 0x11, kFrom4.slice(1)),
      v2(0x21, 0x11, [...kFrom4, ...Array(5000).fill(0)]).subarray(0, 16),
    ];
    for (const wrong of kWrong) {
      const socket = await RawSocket.connect(broker.port, '127.0.0.1', kProxy);
      socket.send(wrong);
      await socket.expectEnd();
      socket.destroy();
    }
    assert.equal(await violations(broker), before + kWrong.length);
    await logs(broker, /a connection of a trusted proxy was closed proxy=127\.0\.0\.2 why="it sent no PROXY header, which PROXY_PROTOCOL=true requires/);
  });

  test('a header of anyone else is refused, whose connections need none', async () => {
    const before = await violations(broker);
    for (const first of [kLine, v2(0x21, 0x11, kFrom4)]) {
      const id = freshId();
      const { socket, response } = await knockFrom(broker.port, kStranger, id, { first });
      assert.equal(response.status, 400);
      await socket.rest();
      socket.destroy();
    }
    assert.equal(await violations(broker), before + 2);
    await logs(broker, /why="the PROXY protocol from an address that TRUSTED_PROXIES does not contain.*" client=127\.0\.0\.3 /);
    assert.equal(await seenAs(broker, kStranger, {}), kStranger);
  });

  test('healthcheck finds its way', async () => {
    const env = { PROXY_PROTOCOL: 'true', TRUSTED_PROXIES: '127.0.0.0/8', LOG_LEVEL: '1' };
    const trusting = await Broker.start(env);
    try {
      const { code, output } = await runBroker(['healthcheck'], { ...env, PORT: String(trusting.port) });
      assert.equal(code, 0, output);
    } finally {
      await trusting.stop();
    }
  });
});

describe('limits of addresses', ours, () => {
  const kLimited = { MAX_CONNECTIONS_PER_ADDRESS: '2', TRUSTED_PROXIES: kProxy, LOG_LEVEL: '1' };

  test('are those of the client that a trusted proxy names, not of the proxy', async () => {
    const broker = await Broker.start(kLimited);
    try {
      const knock = (client) =>
        knockFrom(broker.port, kProxy, freshId(), { headers: { 'X-Forwarded-For': `203.0.113.66, ${client}` } });
      const first = await knock(kClient);
      for (const client of [kClient, '198.51.100.10', '198.51.100.10', '198.51.100.11']) {
        assert.equal((await knock(client)).response.status, 101, client);
      }
      const { status, headers } = (await knock(kClient)).response;
      assert.equal(status, 503);
      assert.match(headers['retry-after'], /^\d+$/);
      await logs(broker, new RegExp(`status=503 why=".*MAX_CONNECTIONS_PER_ADDRESS.*" client=${kClient} `));
      first.socket.reset();
      await eventually('its place is free', async () => (await knock(kClient)).response.status === 101);
    } finally {
      await broker.stop();
    }
  });

  test('are those of the client that a PROXY header names, before it has sent anything', async () => {
    const broker = await Broker.start({ ...kLimited, PROXY_PROTOCOL: 'true' });
    try {
      const begin = async (first) => {
        const socket = await RawSocket.connect(broker.port, '127.0.0.1', kProxy);
        socket.send(first);
        return socket;
      };
      const ask = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
      for (let i = 0; i < 2; ++i) {
        const socket = await begin(kLine + ask);
        assert.equal((await socket.response()).status, 200);
      }
      await (await begin(kLine)).expectEnd();
      const other = await begin(v2(0x21, 0x21, kFrom6));
      other.send(ask);
      assert.equal((await other.response()).status, 200);
      await logs(broker, new RegExp(`status=0 why=".*MAX_CONNECTIONS_PER_ADDRESS.*" client=${kClient} `));
    } finally {
      await broker.stop();
    }
  });
});

describe('the authentication webhook', ours, () => {
  const kVariable = 'NODES_AUTHENTICATION_WEBHOOK_URL';
  const kHeaders = 'NODES_AUTHENTICATION_WEBHOOK_HEADERS';
  let webhook;
  before(async () => {
    webhook = await Webhook.start({ answer: json({ authenticated: true }) });
  });
  beforeEach(() => {
    webhook.requests = [];
  });
  afterAll(() => stopWebhooks());

  test('is told the address, and no header that is not named', async () => {
    const broker = await Broker.start({ [kVariable]: webhook.url(), TRUSTED_PROXIES: kProxy });
    try {
      const headers = { 'X-Forwarded-For': kClient, Origin: 'https://app.test', Cookie: 'a=1' };
      await joinFrom(broker.port, kProxy, { headers });
      await joinFrom(broker.port, kStranger, { headers });
      const [through, direct] = await webhook.received(2);
      assert.equal(through.headers['x-forwarded-for'], kClient);
      assert.equal(direct.headers['x-forwarded-for'], kStranger);
      assert.equal(direct.headers['user-agent'], 'crolang-broker');
      for (const name of ['origin', 'cookie']) assert.equal(name in direct.headers, false, name);
    } finally {
      await broker.stop();
    }
  });

  test('gets the headers that are named, also at a later CONNECT', async () => {
    const broker = await Broker.start({
      [kVariable]: webhook.url(),
      [kHeaders]: 'Origin, cookie,User-Agent,X-Absent',
    });
    try {
      const headers = { Origin: 'https://app.test', Cookie: 'a=1; b=2', 'User-Agent': 'Node/1', 'X-Other': 'x' };
      const node = await joinFrom(broker.port, kStranger, { headers });
      node.sendText('41');
      node.sendText('40');
      const requests = await webhook.received(2);
      for (const { headers: passed, body } of requests) {
        assert.equal(passed.origin, 'https://app.test');
        assert.equal(passed.cookie, 'a=1; b=2');
        assert.equal(passed['user-agent'], 'Node/1');
        assert.equal(passed['x-forwarded-for'], kStranger);
        assert.equal('x-other' in passed || 'x-absent' in passed, false);
        assert.equal(body, JSON.stringify({ nodeId: node.id, id: node.id }));
      }
      // npm's client sends no Origin, and has a user agent of its own or none.
      webhook.requests = [];
      await joinNode(broker.port);
      const [plain] = await webhook.received(1);
      assert.equal('origin' in plain.headers || 'cookie' in plain.headers, false);
    } finally {
      await broker.stop();
    }
  });

  const kWrong = {
    'one that the broker sets': ['Origin,host', /NODES_AUTHENTICATION_WEBHOOK_HEADERS: host cannot be passed on, since .* has its own/],
    'the signature': ['Webhook-Signature', /Webhook-Signature cannot be passed on/],
    'no header': ['Origin;Cookie', /"Origin;Cookie" is not the name of a header: write names separated by commas/],
    'the same header twice': ['Origin,ORIGIN', /ORIGIN is named twice/],
  };
  for (const [name, [value, sentence]] of Object.entries(kWrong)) {
    test(`is not passed ${name}`, async () => {
      const { code, output } = await runBroker(['--check-config'], { [kVariable]: webhook.url(), [kHeaders]: value });
      assert.equal(code, 2);
      assert.match(output, sentence);
    });
  }
});

describe('a wrong configuration', ours, () => {
  const kWrong = {
    'PROXY_PROTOCOL without TRUSTED_PROXIES': [
      { PROXY_PROTOCOL: 'true' },
      /PROXY_PROTOCOL: true needs TRUSTED_PROXIES: set it to the addresses of the proxies/,
    ],
    'a range with bits behind its prefix': [
      { TRUSTED_PROXIES: '::1,10.0.0.1/8' },
      /TRUSTED_PROXIES: .*"10\.0\.0\.1\/8" has bits behind its prefix: write 10\.0\.0\.0\/8, or 10\.0\.0\.1 for this one address/,
    ],
    'a name of a proxy': [{ TRUSTED_PROXIES: 'proxy.test' }, /"proxy\.test" is neither an address nor a range/],
    'another header': [{ CLIENT_ADDRESS_HEADER: 'X-Real-IP' }, /CLIENT_ADDRESS_HEADER: "X-Real-IP" .* is not X-Forwarded-For or Forwarded/],
  };
  for (const [name, [env, sentence]] of Object.entries(kWrong)) {
    test(`is ${name}`, async () => {
      const { code, output } = await runBroker([], env);
      assert.equal(code, 2);
      assert.match(output, sentence);
    });
  }
});
