// The browser node: two pages that meet through the broker, in headless Chromium.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import http from 'node:http';
import net from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import '../../examples/browser-node/test/candidate.test.mjs';
import '../../examples/browser-node/test/cbor.test.mjs';
import '../../examples/browser-node/test/messages.test.mjs';
import { Assembler, toParts } from '../../examples/browser-node/public/messages.mjs';
import { Broker, freePort, isPeer, oursOnly } from './support/broker.mjs';
import { chat, example, launchBrowser, needsBrowser, Person, servePage, talk } from './support/browser.mjs';
import { ExtendedDemo, jwt, secretOf } from './support/extended.mjs';
import { freshId, joinNode, received, send } from './support/node.mjs';
import { eventually, scaled, within } from './support/time.mjs';
import { accept, closeConnections, connect } from './support/webrtc.mjs';

let broker;
let page;
let browser;

before(async () => {
  if (needsBrowser.skip) return;
  [broker, page, browser] = await Promise.all([Broker.start(), servePage(), launchBrowser()]);
});
after(async () => {
  await browser?.close();
  await page?.stop();
  await broker?.stop();
});

/// Ends with the test, and must then have had no fault.
async function person(t, options = {}) {
  const one = await Person.open(browser, page.url, { broker: broker.url, ...options });
  t.after(() => one.close());
  return one;
}

async function pair(t, options) {
  const people = await Promise.all([person(t, options), person(t, options)]);
  await Promise.all(people.map((one) => one.join()));
  return people;
}

async function chatting(t, brokerUrl = broker.url, options = {}) {
  const people = await chat(browser, page.url, brokerUrl, options);
  for (const one of people) t.after(() => one.close());
  return people;
}

/// They wait for each other more than they compute.
const together = { ...needsBrowser, concurrency: 2 };

describe('two pages', together, () => {
  test('connect by id and chat both ways over a data channel', async (t) => {
    const [alice, bob] = await chatting(t);
    const initiated = await alice.steps();
    const responded = await bob.steps();
    assert.equal(initiated[0], 'Offer sent');
    assert.equal(responded[0], 'Offer received');
    const kSent = 'Candidate sent: own address';
    for (const step of ['Answer received', kSent, 'Candidate received: own address', 'ICE: checking', 'ICE: connected']) {
      assert.ok(initiated.includes(step), `${step} in ${initiated}`);
    }
    // Nodes that have not accepted yet ignore candidates.
    assert.ok(initiated.indexOf(kSent) > initiated.indexOf('Answer received'), initiated.join());
    for (const step of ['Answer sent', 'Data channel open', 'Path chosen: direct']) {
      assert.ok(responded.includes(step), `${step} in ${responded}`);
    }
  });

  test('need nothing but the keyboard', async (t) => {
    const [alice, bob] = await Promise.all([person(t), person(t)]);
    for (const one of [alice, bob]) {
      await one.page.keyboard.press('Enter');
      await one.isOnline();
    }
    await alice.page.keyboard.type(bob.id);
    await alice.page.keyboard.press('Enter');
    await alice.sees('at the broker');
    await pressTabTo(alice, 'Connect');
    await alice.page.keyboard.press('Enter');
    await bob.sees('wants to connect to you');
    await pressTabTo(bob, 'Accept');
    await bob.page.keyboard.press('Space');
    await Promise.all([alice.hasPath('direct'), bob.hasPath('direct')]);
    for (const [speaker, listener, text] of [
      [alice, bob, 'typed by alice'],
      [bob, alice, 'typed by bob'],
    ]) {
      await speaker.page.keyboard.type(text);
      await speaker.page.keyboard.press('Enter');
      await listener.hears(text);
    }
    await pressTabTo(alice, 'Hang up', 'Shift+Tab');
    await alice.page.keyboard.press('Enter');
    await bob.sees(`“${alice.id}” closed the connection.`);
  });

  test('send a message of many parts', async (t) => {
    const [alice, bob] = await chatting(t);
    const text = `${'x'.repeat(14_999)}😀${'y'.repeat(40_000)}`;
    await alice.say(text);
    assert.match(await bob.hears(text), /data channel$/);
  });

  test('talk through the broker when one declines', async (t) => {
    const [alice, bob] = await pair(t);
    await alice.add(bob.id);
    await alice.connect();
    await bob.decide(alice.id, 'Decline');
    await alice.sees(`“${bob.id}” declined (CONNECTION_REFUSAL).`);
    await alice.sees('Messages go through the broker.');
    await talk(alice, bob, /through the broker$/);
  });

  test('talk through the broker when one allows no connections', async (t) => {
    const [alice, bob] = await pair(t);
    await bob.choosePolicy('Allow none');
    await alice.add(bob.id);
    await alice.connect();
    await alice.sees(`“${bob.id}” allows no incoming connections (INCOMING_CONNECTIONS_NOT_ALLOWED).`);
    await bob.sees(`“${alice.id}” wanted to connect, but you allow no incoming connections.`);
    await talk(alice, bob, /through the broker$/);
  });

  test('connect without a question when one accepts all', async (t) => {
    const [alice, bob] = await pair(t);
    await bob.choosePolicy('Accept all');
    await alice.add(bob.id);
    await alice.connect();
    await Promise.all([alice.hasPath('direct'), bob.hasPath('direct')]);
  });

  test('connect once when both start at the same moment', async (t) => {
    const [alice, bob] = await pair(t);
    await alice.add(bob.id);
    await bob.add(alice.id);
    await Promise.all([alice.connect(), bob.connect()]);
    await Promise.all([alice.hasPath('direct'), bob.hasPath('direct')]);
    await talk(alice, bob, /data channel$/);
  });

  test('notice when the other one leaves, and talk again after it has come back', async (t) => {
    const [alice, bob] = await chatting(t);
    await bob.page.reload();
    await alice.sees(`“${bob.id}” closed the connection.`);
    assert.equal(await bob.field('Your id').inputValue(), bob.id);
    await bob.join();
    // It remembers whom it knew.
    await bob.page.getByRole('heading', { name: alice.id }).waitFor();
    await bob.connect();
    await alice.decide(bob.id, 'Accept');
    await Promise.all([alice.hasPath('direct'), bob.hasPath('direct')]);
    await talk(alice, bob, /data channel$/);
  });

  test('keep several conversations apart, and count what was not read', async (t) => {
    const [alice, bob, carol] = await Promise.all([person(t), person(t), person(t)]);
    await Promise.all([alice, bob, carol].map((one) => one.join()));
    await alice.add(bob.id);
    await carol.add(alice.id);
    await carol.say('from carol');
    await alice.sees('1 new');
    await eventually('the title says so', async () => (await alice.page.title()).startsWith('(1) '));
    await alice.page.getByRole('button', { name: carol.id }).first().click();
    await alice.hears('from carol');
    await alice.say('to carol');
    await carol.hears('to carol');
    assert.equal(await bob.page.locator('.message').count(), 0);
    assert.ok(!(await alice.page.title()).startsWith('('));
  });

  test('see each other come and go', async (t) => {
    const [alice, bob] = await pair(t);
    await alice.add(bob.id);
    await alice.sees('at the broker');
    await bob.button('Disconnect').click();
    await bob.button('Connect').waitFor();
    await alice.button('Ask the broker again who is there').click();
    await alice.sees('not at the broker');
  });

  test('are usable on a phone: nothing is wider than the screen', async (t) => {
    const [alice, bob] = await pair(t, { viewport: { width: 390, height: 844 } });
    await alice.add(bob.id);
    await alice.say('https://example.org/'.padEnd(300, 'x'));
    await bob.sees('https://example.org/');
    for (const one of [alice, bob]) {
      assert.equal(await one.page.evaluate(() => document.documentElement.scrollWidth), 390);
    }
  });
});

/// Presses it until the control of this name has the focus.
async function pressTabTo({ page: tab }, name, key = 'Tab') {
  for (let presses = 0; presses < 20; ++presses) {
    await tab.keyboard.press(key);
    if (await tab.evaluate((text) => document.activeElement?.textContent === text, name)) return;
  }
  assert.fail(`${name} cannot be reached by ${key}`);
}

describe('a page says in words', together, () => {
  test('that its id is taken', async (t) => {
    const alice = await person(t);
    await alice.join();
    const other = await person(t, { id: alice.id });
    await other.submit();
    await other.sees(`Another node is connected as “${alice.id}”.`);
    assert.equal(await other.page.evaluate(() => document.activeElement.id), 'id');
    await other.page.keyboard.type('-2');
    await other.page.keyboard.press('Enter');
    await other.isOnline();
  });

  test('that its id cannot be used', async (t) => {
    const alice = await person(t, { id: 'x'.repeat(257) });
    await alice.submit();
    await alice.sees('This id cannot be used: invalid node id.');
  });

  test('that something is missing or wrong in the form', async (t) => {
    const alice = await person(t);
    await alice.field('Your id').fill(' ');
    await alice.submit();
    await alice.sees('Give yourself an id');
    await alice.field('Your id').fill(alice.id);
    await alice.field('Broker').fill(`${broker.url}/path`);
    await alice.submit();
    await alice.sees('Write it as http://host:port, without a path.');
    await alice.field('Broker').fill(broker.url.replace('http://', 'ws://'));
    await alice.join();
  });

  test('that it cannot reach the other node', async (t) => {
    const alice = await person(t);
    await alice.join();
    const nobody = freshId('nobody');
    await alice.add(nobody);
    await alice.sees('not at the broker');
    await alice.say('anybody there?');
    await alice.sees(`Not delivered. “${nobody}” is not connected to the broker (NOT_CONNECTED).`);
    await alice.connect();
    await alice.page.getByText(`“${nobody}” is not connected to the broker (NOT_CONNECTED).`, { exact: true }).last().waitFor();
  });

  test('that the broker relays nothing', oursOnly('has no such switches'), async (t) => {
    const closed = await Broker.start({ WEBSOCKET_RELAY_ENABLED: 'false', P2P_CONNECTION_ENABLED: 'false' });
    t.after(() => closed.stop());
    const alice = await person(t, { broker: closed.url });
    await alice.join();
    await alice.add('bob');
    await alice.say('hello');
    await alice.sees('This broker relays no messages (DISABLED).');
    await alice.connect();
    await alice.sees('This broker does not help nodes to connect to each other (DISABLED).');
  });

  test('that nothing answers, and connects once there is a broker', async (t) => {
    const port = await freePort();
    const alice = await person(t, { broker: `http://127.0.0.1:${port}` });
    await alice.submit();
    await alice.sees(`Nothing answers over http at http://127.0.0.1:${port}.`);
    const late = await Broker.start({}, { port });
    t.after(() => late.stop());
    await alice.isOnline();
  });

  test('that a broker accepts no node now', oursOnly('has no such bound'), async (t) => {
    const full = await Broker.start({ MAX_CONNECTIONS: '1' });
    t.after(() => full.stop());
    await joinNode(full.port);
    const alice = await person(t, { broker: full.url });
    await alice.submit();
    await alice.sees(`The broker at ${full.url} answers, but takes no nodes now (503)`);
    await alice.button('Cancel').click();
    await alice.field('Broker').fill(broker.url);
    await alice.join();
  });
});

describe('a page whose broker authenticates', { ...together, skip: together.skip || oursOnly('has no plugins').skip }, () => {
  const kToken = 'correct horse';
  const startClosed = async (t) => {
    const closed = await Broker.start({ NODES_AUTHENTICATION_PLUGIN: 'token-auth', SHARED_TOKEN: kToken });
    t.after(() => closed.stop());
    return closed;
  };

  test('is admitted with the token, which is neither in the address nor stored', async (t) => {
    const closed = await startClosed(t);
    const [alice] = await chatting(t, closed.url, { tokens: kToken });
    const kept = await alice.page.evaluate(() => JSON.stringify([location.href, { ...localStorage }, { ...sessionStorage }]));
    assert.ok(kept.includes(alice.id) && !kept.includes(kToken), kept);
  });

  test('shows what is wrong without one, and with another', async (t) => {
    const closed = await startClosed(t);
    const alice = await person(t, { broker: closed.url });
    await alice.submit();
    await alice.sees('authentication failed. It may want an access token.');
    assert.equal(await alice.page.evaluate(() => document.activeElement.id), 'token');
    await alice.page.keyboard.type('wrong horse');
    await alice.page.keyboard.press('Enter');
    await alice.sees('authentication failed. Is this the right access token for this id?');
  });
});

describe('a page whose broker stops', together, () => {
  test('reconnects by itself, and keeps its data channel meanwhile', async (t) => {
    let restarted = await Broker.start();
    const { port } = restarted;
    const [alice, bob] = await chatting(t, restarted.url);
    await restarted.stop();
    for (const one of [alice, bob]) await one.hasSeen('The connection to the broker is lost.');
    await talk(alice, bob, /data channel$/);
    restarted = await Broker.start({}, { port });
    t.after(() => restarted.stop());
    for (const one of [alice, bob]) await one.isOnline();
    await alice.button('Hang up').click();
    await bob.sees(`“${alice.id}” closed the connection.`);
    await talk(alice, bob, /through the broker$/);
  });

  test('says that it was disconnected, and reconnects when told to', oursOnly('has no webhooks'), async (t) => {
    let invalid = [];
    const webhook = http.createServer((request, response) => {
      request.resume();
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ invalidNodesIds: invalid }));
    });
    await new Promise((resolve) => webhook.listen(0, '127.0.0.1', resolve));
    const strict = await Broker.start({
      NODES_VALIDITY_CHECK_WEBHOOK_URL: `http://127.0.0.1:${webhook.address().port}`,
      NODES_STATUS_CHECK_INTERVAL_MS: '100',
    });
    t.after(async () => {
      await strict.stop();
      webhook.close();
      webhook.closeAllConnections();
    });
    const alice = await person(t, { broker: strict.url });
    await alice.join();
    invalid = [alice.id];
    await alice.sees('The broker sent this node away');
    invalid = [];
    await alice.button('Connect again').click();
    await alice.isOnline();
  });
});

describe('a page and a node outside a browser', needsBrowser, () => {
  afterEach(closeConnections);

  const textOf = (channel) => {
    const assembler = new Assembler();
    return new Promise((resolve) => {
      channel.binaryType = 'arraybuffer';
      channel.onmessage = ({ data }) => {
        const message = assembler.add(new Uint8Array(data));
        if (message) resolve(message);
      };
    });
  };

  async function talkTo(alice, channel) {
    const text = 'x'.repeat(20_000);
    const arrived = within(scaled(10_000), 'the page is heard', textOf(channel));
    await alice.say(text);
    assert.deepEqual(await arrived, { channel: 'chat', text });
    for (const part of toParts('from a node ü€😀', { msgId: 0, channel: 'chat' })) channel.send(part);
    assert.match(await alice.hears('from a node ü€😀'), /data channel$/);
    for (const part of toParts('elsewhere', { msgId: 1, channel: 'news' })) channel.send(part);
    assert.match(await alice.hears('elsewhere'), /data channel, channel “news”$/);
    channel.send(Uint8Array.of(0xff));
    await alice.sees('A message that cannot be read');
  }

  test('talk when the page connects', async (t) => {
    const alice = await person(t);
    await alice.join();
    const node = await joinNode(broker.port);
    const accepted = accept(node);
    await alice.add(node.nodeId);
    await alice.connect();
    const { session, channel } = await within(scaled(20_000), 'the data channel opens', accepted);
    await alice.hasPath('direct');
    await talkTo(alice, channel);
    assert.deepEqual(session.refused, []);
  });

  test('talk when the node connects', async (t) => {
    const alice = await person(t);
    await alice.join();
    const node = await joinNode(broker.port);
    const connected = connect(node, alice.id);
    await alice.decide(node.nodeId, 'Accept');
    const { session, channel } = await within(scaled(20_000), 'the data channel opens', connected);
    await alice.hasPath('direct');
    await talkTo(alice, channel);
    assert.deepEqual(session.refused, []);
  });

  for (const [what, as] of [
    ['lines of a description', ({ sdp, ...others }) => ({ ...others, sdp: `a=${sdp}\r\n` })],
    ['no word before their foundation', ({ sdp, ...others }) => ({ ...others, sdp: sdp.replace('candidate:', '') })],
    ['an empty sdpMid and no number', ({ sdp }) => ({ sdp, sdpMid: '', sdpMLineIndex: null })],
    ['a section that is not there', ({ sdp }) => ({ sdp, sdpMid: 'data', sdpMLineIndex: 7 })],
    ['only their line', ({ sdp }) => ({ sdp })],
    ['nothing but the end of candidates', () => ({ sdp: '', sdpMid: '0', sdpMLineIndex: 0 })],
  ]) {
    test(`talk when the node's candidates have ${what}`, async (t) => {
      const alice = await person(t);
      await alice.join();
      const node = await joinNode(broker.port);
      const connected = connect(node, alice.id, undefined, as);
      await alice.decide(node.nodeId, 'Accept');
      const { session, channel } = await within(scaled(20_000), 'the data channel opens', connected);
      await alice.hasPath('direct');
      await talkTo(alice, channel);
      assert.deepEqual(session.refused, []);
      const strange = (await alice.steps()).filter((step) => /cannot be used|unknown/.test(step));
      assert.deepEqual(strange, []);
    });
  }

  test('talk through the broker', async (t) => {
    const alice = await person(t);
    await alice.join();
    const node = await joinNode(broker.port);
    const message = { from: node.nodeId, to: alice.id, channel: 'chat', content: '<i>hello</i>' };
    assert.equal(await send(node, 'SOCKET_MSG_EXCHANGE', message), 'OK');
    assert.match(await alice.hears('<i>hello</i>'), /through the broker$/);
    const answer = received(node, 'SOCKET_MSG_EXCHANGE');
    await alice.say('hello yourself');
    assert.deepEqual(await answer, { from: alice.id, to: node.nodeId, channel: 'chat', content: 'hello yourself' });
  });

  test('survive invalid input', async (t) => {
    const alice = await person(t);
    await alice.join();
    const node = await joinNode(broker.port);
    const to = { from: node.nodeId, to: alice.id };
    for (const [type, more] of [
      ['SOCKET_MSG_EXCHANGE', { content: { no: 'text' } }],
      ['CONNECTION_ATTEMPT', {}],
      ['CONNECTION_ATTEMPT', { sessionId: 's', sessionDescription: 'v=0' }],
      ['CONNECTION_ACCEPTANCE', { sessionId: 's', sessionDescription: { type: 'answer', sdp: '' } }],
      ['ICE_CANDIDATES_EXCHANGE_INITIATOR_TO_RESPONDER', { sessionId: 's', candidate: null }],
    ]) {
      assert.equal(await send(node, type, { ...to, ...more }), 'OK');
    }
    const offer = { sessionId: 's', sessionDescription: { type: 'offer', sdp: 'nonsense' } };
    assert.equal(await send(node, 'CONNECTION_ATTEMPT', { ...to, ...offer }), 'OK');
    await alice.decide(node.nodeId, 'Accept');
    await alice.sees('The browser could not use the offer');
    assert.equal(await send(node, 'SOCKET_MSG_EXCHANGE', { ...to, channel: 'chat', content: 'still there?' }), 'OK');
    await alice.hears('still there?');
  });
});

const kPrograms = ['haproxy', 'redis-server', 'turnserver'];
const missing = kPrograms.find((name) => spawnSync('/bin/sh', ['-c', `PATH=$PATH:/usr/sbin command -v ${name}`]).status !== 0);

for (const [name, args, tokens] of [
  ['with the webhook server', [], () => JSON.stringify({ token: secretOf('demo-token') })],
  ['with plugins that decide', ['--native'], (id) => jwt(id)],
]) {
  const skip = needsBrowser.skip || (isPeer && 'is not what the demo is made of') || (missing && `there is no ${missing}`);
  describe(`two pages in the extended demo, ${name},`, { skip }, () => {
    let demo;
    before(async () => {
      demo = await ExtendedDemo.start(args);
    });
    after(async () => {
      if (demo) assert.equal(await demo.stop(), 0, demo.output);
    });
    const url = () => `http://127.0.0.1:${demo.port}`;

    test('chat over a direct path', (t) => chatting(t, url(), { tokens }));

    test('chat through the TURN server', async (t) => {
      const [alice] = await chatting(t, url(), { tokens, isRelayOnly: true });
      assert.ok((await alice.steps()).includes('Path chosen: relayed by TURN'));
    });

    test('are not admitted with a wrong token', async (t) => {
      const alice = await person(t, { broker: url(), token: 'wrong horse' });
      await alice.submit();
      await alice.sees('authentication failed. Is this the right access token for this id?');
    });
  });
}

describe('the page is served', needsBrowser, () => {
  test('with headers that allow no foreign program', async () => {
    const { headers } = await fetch(page.url);
    const policy = headers.get('content-security-policy');
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /script-src 'self'(;|$)/);
    assert.doesNotMatch(policy, /unsafe|\*/);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
  });

  test('and nothing else of the machine', async () => {
    const { port } = new URL(page.url);
    for (const target of [
      '/../serve.mjs',
      '/../../../README.md',
      '/%2e%2e/serve.mjs',
      '/..%2fserve.mjs',
      '//etc/passwd',
      '/page.mjs/',
      '/page.mjs%00.html',
      '/node_modules/socket.io-client/package.json',
      '/constructor',
    ]) {
      assert.match(await statusLine(port, `GET ${target} HTTP/1.1`), / 404 /, target);
    }
    assert.match(await statusLine(port, 'POST / HTTP/1.1'), / 405 /);
    assert.match(await statusLine(port, 'GET /?id=alice HTTP/1.1'), / 200 /);
    assert.match(await statusLine(port, 'HEAD /page.mjs HTTP/1.1'), / 200 /);
  });

  for (const [name, env, sentence] of [
    ['a port that is none', { PORT: 'http' }, /PORT: 'http' is not a port/],
    ['a port that is taken', {}, /port \d+ is taken: choose another one by PORT/],
    ['an address that is none', { HOST: '192.0.2.1', PORT: '0' }, /cannot listen on 192\.0\.2\.1/],
  ]) {
    test(`unless given ${name}`, () => {
      const { port } = new URL(page.url);
      const { status, stderr } = spawnSync(process.execPath, ['serve.mjs'], {
        cwd: example,
        env: { PORT: port, ...env },
        encoding: 'utf8',
        timeout: scaled(10_000),
      });
      assert.equal(status, 1, stderr);
      assert.match(stderr, sentence);
    });
  }
});

/// As sent: fetch would tidy the path.
function statusLine(port, request) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.write(`${request}\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    });
    socket.once('data', (data) => {
      resolve(String(data).split('\r\n', 1)[0]);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}
