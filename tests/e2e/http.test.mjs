// HTTP on the broker's port: upgrades, refusals and plain requests, as bytes.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Broker, getJson, isPeer, oursOnly } from './support/broker.mjs';
import { freshId, nodeQuery, startNode } from './support/node.mjs';
import { Pair } from './support/pair.mjs';
import {
  acceptValue,
  connectRaw,
  joinRaw,
  kUpgradeQuery,
  openTransport,
  RawSocket,
  request,
  upgrade,
  upgradeRequest,
} from './support/raw.mjs';
import { scaled } from './support/time.mjs';

let broker;
let pair;
before(async () => {
  broker = await Broker.start();
  pair = await Pair.join(broker.port);
});
after(() => broker.stop());

async function answerTo(bytes, options) {
  const socket = await RawSocket.connect(broker.port);
  socket.send(bytes);
  return { socket, response: await socket.response(options) };
}

/// Engine.IO's own words, and what to do: clients that begin with polling show it.
const kNoTransport = isPeer
  ? 'Transport unknown'
  : "Transport unknown: only websocket; transports: ['websocket']";

describe('an upgrade is accepted', () => {
  const nodeParameters = () => nodeQuery({ id: freshId(), version: '1', runtime: 'raw' });

  async function expectNode(options) {
    const { socket, response } = await upgrade(broker.port, options);
    assert.match(await socket.packet(), /^0\{"sid":/);
    await connectRaw(socket);
    return response;
  }

  test('with the accept value and the CORS headers', async () => {
    const key = 'dGhlIHNhbXBsZSBub25jZQ==';
    const { response } = await upgrade(broker.port, { headers: { 'Sec-WebSocket-Key': key } });
    assert.equal(response.status, 101);
    assert.equal(response.headers['sec-websocket-accept'], acceptValue(key));
    assert.equal(response.headers['sec-websocket-accept'], 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
    assert.equal(response.headers.upgrade.toLowerCase(), 'websocket');
    assert.equal(response.headers.connection.toLowerCase(), 'upgrade');
    assert.equal(response.headers['access-control-allow-origin'], '*');
    assert.equal(response.headers['access-control-allow-credentials'], 'true');
    assert.equal(response.headers['sec-websocket-protocol'], undefined);
  });

  test('with the same CORS headers when an Origin is given', async () => {
    const { response } = await upgrade(broker.port, {
      headers: { Origin: 'https://nodes.example' },
    });
    assert.equal(response.headers['access-control-allow-origin'], '*');
    assert.equal(response.headers['access-control-allow-credentials'], 'true');
  });

  test('with the first offered subprotocol', async () => {
    const { response } = await upgrade(broker.port, {
      headers: { 'Sec-WebSocket-Protocol': 'first, second' },
    });
    assert.equal(response.headers['sec-websocket-protocol'], 'first');
  });

  test('without any extension, whatever is offered', async () => {
    const { response } = await upgrade(broker.port, {
      headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' },
    });
    assert.equal(response.headers['sec-websocket-extensions'], undefined);
  });

  const variants = {
    'node parameters before EIO and transport': () => ({
      query: `${nodeParameters()}&${kUpgradeQuery}`,
    }),
    'node parameters after EIO and transport': () => ({
      query: `${kUpgradeQuery}&${nodeParameters()}`,
    }),
    'unknown parameters': () => ({ query: `t=abc&${kUpgradeQuery}&b64=1&${nodeParameters()}&x` }),
    'an empty sid': () => ({ query: `${kUpgradeQuery}&sid=&${nodeParameters()}` }),
    'a longer path': () => ({
      path: '/socket.io/anything',
      query: `${kUpgradeQuery}&${nodeParameters()}`,
    }),
    'Upgrade: WebSocket': () => ({
      headers: { Upgrade: 'WebSocket' },
      query: `${kUpgradeQuery}&${nodeParameters()}`,
    }),
    'Connection: keep-alive, Upgrade': () => ({
      headers: { Connection: 'keep-alive, Upgrade' },
      query: `${kUpgradeQuery}&${nodeParameters()}`,
    }),
    'Connection: keep-alive and Connection: Upgrade': () => ({
      headers: { Connection: 'keep-alive\r\nConnection: Upgrade' },
      query: `${kUpgradeQuery}&${nodeParameters()}`,
    }),
    'Sec-WebSocket-Version: 8': () => ({
      headers: { 'Sec-WebSocket-Version': '8' },
      query: `${kUpgradeQuery}&${nodeParameters()}`,
    }),
  };
  for (const [name, options] of Object.entries(variants)) {
    test(`with ${name}`, () => expectNode(options()));
  }

  test('in arbitrary pieces', async () => {
    const socket = await RawSocket.connect(broker.port);
    await socket.sendByteWise(upgradeRequest({ query: `${kUpgradeQuery}&${nodeParameters()}` }));
    assert.equal((await socket.response()).status, 101);
    assert.match(await socket.packet(), /^0\{/);
    await connectRaw(socket);
  });

  test('and survives a CONNECT in the same segment, answered or not', async () => {
    const socket = await RawSocket.connect(broker.port);
    const connect = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x34, 0x30]);
    const upgradeBytes = upgradeRequest({ query: `${kUpgradeQuery}&${nodeParameters()}` });
    socket.send(Buffer.concat([Buffer.from(upgradeBytes), connect]));
    assert.equal((await socket.response()).status, 101);
    const [open, ...answers] = await socket.settled();
    assert.match(open, /^0\{/);
    if (answers.length === 0) await connectRaw(socket);
    else assert.match(answers[0], /^40\{"sid":/);
  });

  test('after empty lines', async () => {
    const { response } = await answerTo(`\r\n\r\n${upgradeRequest()}`);
    assert.equal(response.status, 101);
  });

  test('over IPv6', async (t) => {
    const hasIpv6 = await new Promise((resolve) => {
      const probe = net.createServer().once('error', () => resolve(false));
      probe.listen(0, '::1', () => probe.close(() => resolve(true)));
    });
    if (!hasIpv6) return t.skip('no IPv6 here');
    const { response } = await upgrade(broker.port, { host: '::1' });
    assert.equal(response.status, 101);
  });
});

describe('an upgrade is refused with 400 and closed', () => {
  const refusals = [
    [
      'no Sec-WebSocket-Key',
      { headers: { 'Sec-WebSocket-Key': null } },
      'Missing or invalid Sec-WebSocket-Key header',
    ],
    [
      'a short Sec-WebSocket-Key',
      { headers: { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZQ==' } },
      'Missing or invalid Sec-WebSocket-Key header',
    ],
    [
      'a Sec-WebSocket-Key that is not base64',
      { headers: { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25j*Q==' } },
      'Missing or invalid Sec-WebSocket-Key header',
    ],
    [
      'no Sec-WebSocket-Version',
      { headers: { 'Sec-WebSocket-Version': null } },
      'Missing or invalid Sec-WebSocket-Version header',
    ],
    [
      'Sec-WebSocket-Version: 7',
      { headers: { 'Sec-WebSocket-Version': '7' } },
      'Missing or invalid Sec-WebSocket-Version header',
    ],
    ['Upgrade: h2c', { headers: { Upgrade: 'h2c' } }, 'Invalid Upgrade header'],
    ...['', ',', ', a', 'a b', '"x"'].map((offer) => [
      `Sec-WebSocket-Protocol: ${offer}`,
      { headers: { 'Sec-WebSocket-Protocol': offer } },
      'Invalid Sec-WebSocket-Protocol header',
    ]),
    ['no transport', { query: 'EIO=4' }, kNoTransport],
    ['transport=polling', { query: 'EIO=4&transport=polling' }, kNoTransport],
    ['transport=webtransport', { query: 'EIO=4&transport=webtransport' }, kNoTransport],
    [
      'transport given twice',
      { query: 'EIO=4&transport=websocket&transport=websocket' },
      kNoTransport,
    ],
    [
      'an unknown sid',
      { query: `${kUpgradeQuery}&sid=AAAAAAAAAAAAAAAAAAAA` },
      'Session ID unknown',
    ],
    ['method POST', { method: 'POST' }, 'Bad handshake method'],
  ];
  for (const [name, options, body] of refusals) {
    test(name, async () => {
      const { socket, response } = await answerTo(upgradeRequest(options));
      assert.equal(response.status, 400);
      assert.equal(response.body, body);
      assert.equal(response.headers['content-length'], String(body.length));
      assert.equal(response.headers['content-type'], 'text/html');
      assert.equal(response.headers.connection.toLowerCase(), 'close');
      await socket.expectEnd();
    });
  }

  const versions = {
    'no EIO': 'transport=websocket',
    'EIO=3': 'EIO=3&transport=websocket',
    'EIO=5': 'EIO=5&transport=websocket',
    'EIO given twice': `EIO=4&${kUpgradeQuery}`,
  };
  for (const [name, query] of Object.entries(versions)) {
    test(`${name}, before any 101`, oursOnly('behaves otherwise'), async () => {
      const { socket, response } = await answerTo(upgradeRequest({ query }));
      assert.equal(response.status, 400);
      assert.match(response.body, /Unsupported protocol version/);
      await socket.expectEnd();
    });
  }

  test(
    'the sid of a live session, which goes on',
    oursOnly('behaves otherwise'),
    async () => {
      const victim = await joinRaw(broker.port, freshId());
      const { sid } = JSON.parse(victim.openPacket.slice(1));
      for (const eio of [3, 4]) {
        const { socket, response } = await answerTo(
          upgradeRequest({ query: `EIO=${eio}&transport=websocket&sid=${sid}` }),
        );
        assert.equal(response.status, 400);
        if (eio === 4) assert.equal(response.body, 'Session ID unknown');
        await socket.expectEnd();
      }
      assert.deepEqual(
        await victim.emit('SOCKET_MSG_EXCHANGE', JSON.stringify({ to: pair.a.nodeId })),
        ['OK'],
      );
    },
  );
});

describe('an absolute-form target', oursOnly('does not know it'), () => {
  for (const origin of ['http://broker.example', 'ws://broker.example:8080', 'HTTPS://x']) {
    test(`to ${origin} is its path and query`, async () => {
      const query = `${nodeQuery({ id: freshId(), version: '1', runtime: 'raw' })}`;
      const socket = await RawSocket.connect(broker.port);
      socket.send(
        upgradeRequest({ path: `${origin}/socket.io/`, query: `${kUpgradeQuery}&${query}` }),
      );
      assert.equal((await socket.response()).status, 101);
      assert.match(await socket.packet(), /^0\{"sid":/);
      await connectRaw(socket);
      const { response } = await answerTo(request('GET', `${origin}/healthz`));
      assert.equal(response.status, 200);
    });
  }
});

// One answer, then the end: what follows such a request is never taken for another one.
describe('a request whose end is not known is answered 400 and closed', () => {
  const kSecond = request('GET', '/healthz');
  const chunked = { 'Transfer-Encoding': 'chunked' };
  for (const [name, bytes] of Object.entries({
    'with a Transfer-Encoding of gzip': request('POST', '/', { 'Transfer-Encoding': 'gzip' }),
    'with one that goes on after chunked': request('POST', '/', {
      'Transfer-Encoding': 'chunked, gzip',
    }),
    'with chunked twice': request('POST', '/', { 'Transfer-Encoding': 'chunked, chunked' }),
    'with chunked, in an upgrade': upgradeRequest({ headers: chunked }),
    'with gzip, in an upgrade': upgradeRequest({ headers: { 'Transfer-Encoding': 'gzip' } }),
    'with a length, in an upgrade': upgradeRequest({
      headers: { 'Content-Length': String(kSecond.length) },
    }),
    'with chunked and a length': request('POST', '/', { ...chunked, 'Content-Length': '0' }),
    'with two lengths': request('POST', '/', { 'Content-Length': '0\r\nContent-Length: 1' }),
    'with chunked in HTTP/1.0': request('POST', '/', {
      ...chunked,
      Connection: 'keep-alive',
    }).replace('HTTP/1.1', 'HTTP/1.0'),
    'with a folded line': request('GET', '/', { X: 'y\r\n Content-Length: 5' }),
    'with a blank before the colon': request('GET', '/', { 'Content-Length ': '5' }),
    'with a line that ends in LF alone': 'GET / HTTP/1.1\r\nHost: x\nX: y\r\n\r\n',
    'by CONNECT': request('CONNECT', 'x:80'),
    'for no target': request('GET', 'healthz'),
  })) {
    test(name, oursOnly('behaves otherwise'), async () => {
      const { socket, response } = await answerTo(bytes + kSecond);
      assert.equal(response.status, 400);
      assert.equal(response.headers.connection.toLowerCase(), 'close');
      await socket.expectEnd();
    });
  }

  test('without waiting when its lines end in LF alone', oursOnly('behaves otherwise'), async () => {
    const { socket, response } = await answerTo('GET / HTTP/1.1\nHost: x\n\n');
    assert.equal(response.status, 400);
    await socket.expectEnd();
  });
});

describe('an upgrade ends without an answer', () => {
  for (const [name, options] of Object.entries({
    'on /socket.io without the slash': { path: '/socket.io' },
    'on /': { path: '/' },
    'on another path': { path: '/other/' },
  })) {
    test(`${name}, after a second`, async () => {
      const socket = await RawSocket.connect(broker.port);
      const start = performance.now();
      socket.send(upgradeRequest(options));
      await socket.expectEnd();
      const waited = performance.now() - start;
      assert.ok(waited > 900 && waited < scaled(3000), `ended after ${waited} ms`);
    });
  }

  test('with method OPTIONS', async () => {
    const socket = await RawSocket.connect(broker.port);
    socket.send(upgradeRequest({ method: 'OPTIONS' }));
    await socket.expectEnd();
  });
});

describe('a request too large is answered 431', () => {
  for (const [name, options] of Object.entries({
    'by its URL': { query: `${kUpgradeQuery}&data=${'x'.repeat(17_000)}` },
    'by its headers': { headers: { 'X-Long': 'x'.repeat(17_000) } },
  })) {
    test(name, async () => {
      const { socket, response } = await answerTo(upgradeRequest(options));
      assert.equal(response.status, 431);
      await socket.rest();
    });
  }

  test('but 15 kB of node data are fine', async () => {
    const node = await openTransport(broker.port, {
      id: freshId(),
      version: '1',
      runtime: 'raw',
      data: 'x'.repeat(15_000),
    });
    await connectRaw(node);
  });
});

test('a client that begins with polling is told what it should do', oursOnly('says no more than no'), async () => {
  const client = startNode(broker.port, freshId(), { transports: ['polling', 'websocket'] });
  // Read at once: afterwards the client forgets it.
  const told = await new Promise((resolve) => {
    client.once('connect_error', (error) => resolve(error.context.responseText));
  });
  assert.match(told, /transports: \['websocket'\]/);
  client.disconnect();
});

describe('a plain request', () => {
  const unknownTransport = JSON.stringify({ code: 0, message: kNoTransport });
  const rows = [
    ['GET', '/socket.io/', 400, unknownTransport],
    ['GET', '/socket.io/?EIO=4&transport=polling', 400, unknownTransport],
    ['POST', '/socket.io/?EIO=4&transport=polling', 400, unknownTransport],
    ['PUT', '/socket.io/anything', 400, unknownTransport],
    ['GET', '/socket.io/?EIO=4&transport=websocket&transport=websocket', 400, unknownTransport],
    [
      'GET',
      '/socket.io/?EIO=4&transport=websocket&sid=AAAAAAAAAAAAAAAAAAAA',
      400,
      '{"code":1,"message":"Session ID unknown"}',
    ],
    [
      'POST',
      '/socket.io/?EIO=4&transport=websocket',
      400,
      '{"code":2,"message":"Bad handshake method"}',
    ],
    ['GET', '/socket.io/?EIO=4&transport=websocket', 400, '{"code":3,"message":"Bad request"}'],
  ];
  for (const [method, target, status, body] of rows) {
    test(`${method} ${target} gives ${status}`, async () => {
      const { response } = await answerTo(
        request(method, target, { 'Content-Length': method === 'GET' ? null : '0' }),
      );
      assert.equal(response.status, status);
      assert.equal(response.body, body);
      assert.equal(response.headers['content-type'], 'application/json');
      assert.equal(response.headers['access-control-allow-origin'], '*');
      assert.equal(response.headers['access-control-allow-credentials'], 'true');
    });
  }

  for (const [method, target] of [
    ['GET', '/other'],
    ['POST', '/other'],
    ['POST', '/'],
    ['DELETE', '/'],
    ['OPTIONS', '/'],
    ['OPTIONS', '*'],
    ['GET', 'http://x/other'],
    ['GET', '/socket.io'],
    ['GET', '/socket.io?EIO=4&transport=websocket'],
  ]) {
    test(`${method} ${target} gives an empty 404`, async () => {
      const { response } = await answerTo(
        request(method, target, { 'Content-Length': method === 'POST' ? '0' : null }),
      );
      assert.equal(response.status, 404);
      assert.equal(response.body, '');
      assert.equal(response.headers['access-control-allow-origin'], undefined);
      assert.equal(response.headers['access-control-allow-credentials'], undefined);
    });
  }

  test('GET / says in one line what this is', oursOnly('answers 404'), async () => {
    const { response } = await answerTo(request('GET', '/'));
    assert.equal(response.status, 200);
    assert.equal(response.headers['content-type'], 'text/plain; charset=utf-8');
    assert.match(
      response.body,
      /^crolang-broker \d+\.\d+\.\d+: nodes connect with Socket\.IO \(WebSocket\) at \/socket\.io\/\n$/,
    );
  });

  test('with WebSocket headers but no Connection: Upgrade is a plain one', async () => {
    const { response } = await answerTo(upgradeRequest({ headers: { Connection: 'keep-alive' } }));
    assert.equal(response.status, 400);
    assert.equal(response.body, '{"code":3,"message":"Bad request"}');
  });

  test('naming a live sid is answered', oursOnly('behaves otherwise'), async () => {
    const node = await joinRaw(broker.port, freshId());
    const { sid } = JSON.parse(node.openPacket.slice(1));
    const { response } = await answerTo(request('GET', `/socket.io/?${kUpgradeQuery}&sid=${sid}`));
    assert.equal(response.status, 400);
    assert.equal(response.body, '{"code":1,"message":"Session ID unknown"}');
  });

  test('OPTIONS is a preflight answer', async () => {
    const { response } = await answerTo(
      request('OPTIONS', '/socket.io/', { 'Access-Control-Request-Headers': 'x-one, x-two' }),
    );
    assert.equal(response.status, 204);
    assert.equal(response.headers['access-control-allow-origin'], '*');
    assert.equal(response.headers['access-control-allow-credentials'], 'true');
    assert.equal(response.headers['access-control-allow-methods'], '*');
    assert.equal(response.headers['access-control-allow-headers'], 'x-one, x-two');
    assert.equal(response.headers.vary, 'Access-Control-Request-Headers');
    assert.equal(response.headers['content-length'], '0');
  });

  test('for the browser client gives 404', oursOnly('serves it'), async () => {
    for (const file of [
      'socket.io.js',
      'socket.io.min.js',
      'socket.io.esm.min.js',
      'socket.io.js.map',
    ]) {
      const { response } = await answerTo(request('GET', `/socket.io/${file}`));
      assert.equal(response.status, 404, file);
    }
  });

  test('is one of several on a connection', async () => {
    const socket = await RawSocket.connect(broker.port);
    for (const [target, status] of [
      ['/socket.io/', 400],
      ['/other', 404],
      ['/socket.io/?transport=websocket', 400],
    ]) {
      socket.send(request('GET', target));
      const response = await socket.response();
      assert.equal(response.status, status);
      assert.equal(response.headers.connection.toLowerCase(), 'keep-alive');
    }
  });

  test('by HEAD is answered as GET is, without the body', oursOnly('has no pages'), async () => {
    for (const target of ['/', '/healthz', '/socket.io/?EIO=4&transport=polling']) {
      const { response: asked } = await answerTo(request('GET', target));
      const { socket, response } = await answerTo(request('HEAD', target), { toHead: true });
      assert.equal(response.status, asked.status);
      assert.equal(response.headers['content-length'], String(asked.body.length));
      await socket.expectEnd();
    }
  });

  test('is one of up to 16 sent at once', async () => {
    const socket = await RawSocket.connect(broker.port);
    for (let round = 0; round < 2; ++round) {
      socket.send(request('GET', '/other').repeat(16));
      for (let i = 0; i < 16; ++i) assert.equal((await socket.response()).status, 404);
    }
  });

  test('that is the 17th sent at once is not answered', oursOnly('answers all'), async () => {
    const socket = await RawSocket.connect(broker.port);
    socket.send(request('GET', '/other').repeat(40));
    for (let i = 0; i < 16; ++i) assert.equal((await socket.response()).status, 404);
    await socket.expectEnd();
  });

  for (const [name, bytes] of Object.entries({
    'with 20 kB behind it that are not to come before the 101':
      upgradeRequest() + 'x'.repeat(20_000),
    'that is not HTTP': 'hello\r\n\r\n',
    'of binary rubbish': Buffer.from([
      0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x0d, 0x0a, 0x0d, 0x0a,
    ]),
    'without Host': 'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n\r\n',
  })) {
    test(`${name} gives an empty 400`, async () => {
      const { socket, response } = await answerTo(bytes);
      assert.equal(response.status, 400);
      assert.equal(response.body, '');
      await socket.expectEnd();
    });
  }
});

describe('health', () => {
  test('/healthz tells version, uptime and nodes', oursOnly('has none'), async () => {
    const before = await getJson(broker, '/healthz');
    assert.equal(before.status, 200);
    assert.match(before.headers.get('content-type'), /^application\/json/);
    assert.match(before.json.version, /^\d+\.\d+/);
    const node = await joinRaw(broker.port, freshId());
    const during = await getJson(broker, '/healthz');
    assert.equal(during.json.nodes, before.json.nodes + 1);
    assert.ok(
      Object.entries(during.json).some(([name, value]) => name.startsWith('uptime') && value >= 0),
    );
    node.end();
  });

  test('/readyz is 200 while the broker serves', oursOnly('has none'), async () => {
    const ready = await getJson(broker, '/readyz');
    assert.equal(ready.status, 200);
    assert.match(ready.headers.get('content-type'), /^application\/json/);
  });
});

test(
  'a handshake that is not completed is counted, an idle connection is not',
  oursOnly('counts nothing'),
  async (t) => {
    const counting = await Broker.start({
      METRICS_ENABLED: 'true',
      HANDSHAKE_TIMEOUT_MS: '500',
    });
    t.after(() => counting.kill());
    const idle = await RawSocket.connect(counting.port);
    idle.send(request('GET', '/other'));
    await idle.response();
    const [halfDone, silent] = [
      await RawSocket.connect(counting.port),
      await RawSocket.connect(counting.port),
    ];
    halfDone.send('GET / HTTP/1.1\r\n');
    for (const socket of [idle, halfDone, silent]) await socket.expectEnd(scaled(10_000));
    const metrics = await (await fetch(`${counting.url}/metrics`)).text();
    assert.match(metrics, /^crolang_\w+_total\{reason="handshake_timeout"\} 2$/m);
    await counting.stop();
  },
);

test('after all this the pair still exchanges messages', () => pair.stillTalks());
