// What the browser node says when something is wrong, where it says it, and what it looks like.
import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import '../../examples/browser-node/test/address.test.mjs';
import '../../examples/browser-node/test/retry.test.mjs';
import '../../examples/browser-node/test/servers.test.mjs';
import '../../examples/browser-node/test/words.test.mjs';
import { faintTexts, groundContrast, overhang } from './support/appearance.mjs';
import { makeAuthority } from './support/authority.mjs';
import { Broker, freePort, oursOnly } from './support/broker.mjs';
import { launchBrowser, needsBrowser, Person, servePage, talk } from './support/browser.mjs';
import { freshId, joinNode } from './support/node.mjs';
import { eventually } from './support/time.mjs';

const kToken = 'correct horse';
const kPhone = { width: 390, height: 844 };

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

const together = { ...needsBrowser, concurrency: 2 };
const plugins = { ...together, skip: together.skip || oursOnly('has no plugins').skip };

async function person(t, options = {}, pageUrl = page.url) {
  const one = await Person.open(browser, pageUrl, { broker: broker.url, ...options });
  t.after(() => one.close());
  return one;
}

async function startBroker(t, env, options) {
  const one = await Broker.start(env, options);
  t.after(() => one.hasExited || one.stop());
  return one;
}

const closed = (t) => startBroker(t, { NODES_AUTHENTICATION_PLUGIN: 'token-auth', SHARED_TOKEN: kToken });

/// A server that is ended with the test. Resolves with its port.
async function listen(t, server) {
  const sockets = new Set();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return server.address().port;
}

const focused = ({ page: tab }) => tab.evaluate(() => document.activeElement.id);

/// They are right below the field, above the fold, and what a screen reader says of the field.
async function standsBeside(one, label, words) {
  await one.sees(words);
  const field = one.field(label);
  const { y, height } = await field.boundingBox();
  const message = await one.page.getByText(words).filter({ visible: true }).first().boundingBox();
  const gap = message.y - (y + height);
  assert.ok(gap >= 0 && gap < 20, `${gap} pixels between the field and its message`);
  assert.ok(message.y + message.height <= one.page.viewportSize().height, 'above the fold');
  const description = await field.evaluate((input) =>
    input.getAttribute('aria-describedby').split(' ').map((id) => document.getElementById(id).textContent).join(' '),
  );
  assert.ok(description.includes(words), description);
}

describe('errors are shown beside their field:', together, () => {
  const fault = async (one, label, words) => {
    await standsBeside(one, label, words);
    assert.equal(await one.field(label).getAttribute('aria-invalid'), 'true');
    assert.ok(await one.field(label).evaluate((input) => input === document.activeElement), `${label} has the focus`);
  };

  test('an id that is missing', async (t) => {
    const alice = await person(t, { viewport: kPhone });
    await alice.field('Your id').fill('');
    await alice.submit();
    await fault(alice, 'Your id', 'Give yourself an id');
    await alice.page.keyboard.type(alice.id);
    await alice.join();
  });

  test('an id that is taken', async (t) => {
    const id = freshId('alice');
    await joinNode(broker.port, id);
    const alice = await person(t, { id, viewport: kPhone });
    await alice.submit();
    await fault(alice, 'Your id', `Another node is connected as “${id}”.`);
  });

  test('an address with a path', async (t) => {
    const alice = await person(t, { broker: `${broker.url}/socket.io`, viewport: kPhone });
    await alice.submit();
    await fault(alice, 'Broker', 'Write it as http://host:port, without a path.');
    await alice.field('Broker').fill(broker.url);
    await alice.join();
    assert.equal(await alice.page.getByText('without a path').filter({ visible: true }).count(), 0);
  });

  test('a broker that is not there', async (t) => {
    const port = await freePort();
    const alice = await person(t, { broker: `http://127.0.0.1:${port}`, viewport: kPhone });
    await alice.submit();
    await standsBeside(alice, 'Broker', `Nothing answers over http at http://127.0.0.1:${port}.`);
  });

  test('a token that is missing, then one that is refused, then another one', { skip: plugins.skip }, async (t) => {
    const { url } = await closed(t);
    const alice = await person(t, { broker: url, viewport: kPhone });
    await alice.submit();
    await fault(alice, 'Access token', 'authentication failed. It may want an access token.');
    await alice.page.keyboard.type('wrong horse');
    await alice.page.keyboard.press('Enter');
    await fault(alice, 'Access token', 'authentication failed. Is this the right access token for this id?');
    await alice.page.keyboard.press('ControlOrMeta+A');
    await alice.page.keyboard.type(kToken);
    await alice.page.keyboard.press('Enter');
    await alice.isOnline();
  });
});

describe('a page that was disconnected permanently', plugins, () => {
  /// A broker that asks for a token, and whose nodes may be banned. `ban(id)`, `forgive()`.
  async function strict(t) {
    let invalid = [];
    const port = await listen(
      t,
      http.createServer((request, response) => {
        request.resume();
        response.setHeader('Content-Type', 'application/json');
        response.end(JSON.stringify({ invalidNodesIds: invalid }));
      }),
    );
    const one = await startBroker(t, {
      NODES_AUTHENTICATION_PLUGIN: 'token-auth',
      SHARED_TOKEN: kToken,
      NODES_VALIDITY_CHECK_WEBHOOK_URL: `http://127.0.0.1:${port}`,
      NODES_STATUS_CHECK_INTERVAL_MS: '100',
    });
    return {
      url: one.url,
      ban: (id) => {
        invalid = [id];
      },
      forgive: () => {
        invalid = [];
      },
    };
  }

  async function banned(t) {
    const { url, ban, forgive } = await strict(t);
    const [alice, bob] = await Promise.all([person(t, { broker: url, token: kToken }), person(t, { broker: url, token: kToken })]);
    await Promise.all([alice.join(), bob.join()]);
    await alice.add(bob.id);
    await alice.connect();
    await bob.decide(alice.id, 'Accept');
    await Promise.all([alice.hasPath('direct'), bob.hasPath('direct')]);
    await talk(alice, bob, /data channel$/);
    ban(alice.id);
    await alice.sees('The broker sent this node away');
    forgive();
    return [alice, bob];
  }

  test('keeps its data channel, and accepts another token', async (t) => {
    const [alice, bob] = await banned(t);
    await talk(alice, bob, /data channel$/);
    assert.match(await alice.page.evaluate(() => document.activeElement.tagName), /TEXTAREA/, 'who writes goes on writing');
    await alice.field('Access token').fill('wrong horse');
    await alice.page.keyboard.press('Enter');
    await alice.sees('authentication failed. Is this the right access token for this id?');
    await eventually('the token has the focus', async () => (await focused(alice)) === 'rejoin-token');
    assert.equal(await alice.field('Access token').getAttribute('aria-invalid'), 'true');
    await talk(alice, bob, /data channel$/);
    await alice.field('Access token').fill(kToken);
    await alice.page.keyboard.press('Enter');
    await alice.isOnline();
    assert.equal(await focused(alice), 'watch-id');
    await alice.hasPath('direct');
    assert.equal(await alice.page.getByText('authentication failed').filter({ visible: true }).count(), 0);
    await alice.button('Hang up').click();
    await talk(alice, bob, /through the broker$/);
  });

  test('reconnects under another id', async (t) => {
    const [alice, bob] = await banned(t);
    await alice.field('Your id').fill('');
    await alice.button('Connect again').click();
    await alice.sees('Give yourself an id');
    alice.id = freshId('alice');
    await alice.field('Your id').fill(alice.id);
    await alice.button('Connect again').click();
    await alice.isOnline();
    await alice.page.getByRole('banner').getByText(alice.id).waitFor();
    // It remembers whom it knew.
    await alice.page.getByRole('heading', { name: bob.id }).waitFor();
    await alice.say('it is me');
    await bob.sees('1 new');
  });

  test('is asked for another id when its own was taken meanwhile', async (t) => {
    const [alice] = await banned(t);
    const other = await person(t, { id: alice.id, broker: await alice.field('Your id').evaluate(() => localStorage['crolang-broker']), token: kToken });
    await other.join();
    await alice.button('Connect again').click();
    await alice.sees(`Another node is connected as “${alice.id}”.`);
    await eventually('the id has the focus', async () => (await focused(alice)) === 'rejoin-id');
  });
});

describe('a page that reaches no broker tells', together, () => {
  const authority = makeAuthority();
  const tls = () => authority.issue('IP:127.0.0.1');
  const trusting = { context: { ignoreHTTPSErrors: true } };

  test('https from http: TLS is asked for and not spoken', async (t) => {
    const alice = await person(t, { broker: broker.url.replace('http:', 'https:') });
    await alice.submit();
    await alice.sees(`No broker answers over https at ${broker.url.replace('http:', 'https:')}, but something does over http.`);
    await alice.sees(`its address is ${broker.url}.`);
    assert.equal(await focused(alice), 'broker');
    await alice.field('Broker').fill(broker.url);
    await alice.join();
  });

  test('http from https: TLS is spoken and not asked for', async (t) => {
    // As a proxy with TLS in front of the broker.
    const proxy = https.createServer(tls(), (request, response) => {
      http.get(broker.url + request.url, (answer) => answer.pipe(response.writeHead(answer.statusCode, answer.headers)));
    });
    proxy.on('upgrade', (request, socket, head) => {
      const behind = net.connect(broker.port, '127.0.0.1', () => {
        const headers = request.rawHeaders.map((text, i) => (i % 2 ? `${text}\r\n` : `${text}: `)).join('');
        behind.write(`GET ${request.url} HTTP/1.1\r\n${headers}\r\n`);
        behind.write(head);
        socket.pipe(behind).pipe(socket);
      });
      for (const end of [socket, behind]) end.on('error', () => {});
    });
    const url = `127.0.0.1:${await listen(t, proxy)}`;
    const alice = await person(t, { broker: `http://${url}`, ...trusting });
    await alice.submit();
    await alice.sees(`No broker answers over http at http://${url}, but something does over https.`);
    await alice.field('Broker').fill(`https://${url}`);
    await alice.join();
  });

  test('a certificate that is not trusted, with a way to look at it', async (t) => {
    const url = `https://127.0.0.1:${await listen(t, https.createServer(tls(), (request, response) => response.end()))}`;
    const alice = await person(t, { broker: url });
    await alice.submit();
    await alice.sees(`Nothing answers over https at ${url}. Either no broker is running there, or the browser does not trust its certificate.`);
    const link = alice.page.getByRole('link', { name: 'Open it in a new tab to see which.' });
    assert.equal(await link.getAttribute('href'), `${url}/healthz`);
  });

  test('that a page by https reaches no broker by plain http, unless on this machine', async (t) => {
    const server = https.createServer(tls(), (request, response) => {
      http.get(page.url + request.url, (answer) => answer.pipe(response.writeHead(answer.statusCode, answer.headers)));
    });
    const secure = `https://127.0.0.1:${await listen(t, server)}`;
    const alice = await person(t, { broker: 'http://broker.example:8080', ...trusting }, secure);
    await alice.submit();
    await alice.sees('This page was opened over https, and from such a page browsers reach no broker over plain http.');
    await alice.field('Broker').fill(broker.url);
    await alice.join();
  });

  test('something else that answers', async (t) => {
    const other = http.createServer((request, response) => response.writeHead(404).end());
    const url = `http://127.0.0.1:${await listen(t, other)}`;
    const alice = await person(t, { broker: url });
    await alice.submit();
    await alice.sees(`Something answers at ${url}, but not as a broker. Is the port right?`);
  });

  test('itself', async (t) => {
    const alice = await person(t, { broker: page.url });
    await alice.submit();
    await alice.sees(`${page.url} is where this page comes from, and no broker answers there.`);
  });
});

describe('while a page retries', together, () => {
  test('it shows how often it has, and when it will next', async (t) => {
    const port = await freePort();
    const alice = await person(t, { broker: `http://127.0.0.1:${port}` });
    await alice.submit();
    await alice.hasSeen(/^Trying again in \d s, attempt 2$/);
    await alice.hasSeen(/^Trying again in \d s, attempt 3$/);
    assert.equal(await focused(alice), 'connect');
    await startBroker(t, {}, { port });
    await alice.isOnline();
  });

  test('it can be told to do so now', async (t) => {
    const port = await freePort();
    const alice = await person(t, { broker: `http://127.0.0.1:${port}`, prepare: (tab) => tab.clock.install() });
    await alice.submit();
    await alice.sees(/^Trying again in \d s, attempt \d+$/);
    // By itself nothing will happen any more.
    await alice.page.clock.pauseAt((await alice.page.evaluate(() => Date.now())) + 1_000);
    await startBroker(t, {}, { port });
    await alice.button('Try now').click();
    await alice.isOnline();
  });

  test('it stops when the address is corrected', async (t) => {
    let attempts = 0;
    const wrong = net.createServer((socket) => {
      ++attempts;
      socket.destroy();
    });
    const url = `http://127.0.0.1:${await listen(t, wrong)}`;
    const alice = await person(t, { broker: url });
    await alice.submit();
    await alice.sees(/^Trying again in \d s/);
    await alice.field('Broker').fill(broker.url);
    assert.equal(await alice.page.getByText(/^Trying again/).filter({ visible: true }).count(), 0);
    const before = attempts;
    await alice.join();
    assert.equal(attempts, before);
  });

  test('its data channels stay, and it says what it cannot know', async (t) => {
    const lost = await startBroker(t);
    const [alice, bob] = await Promise.all([person(t, { broker: lost.url }), person(t, { broker: lost.url })]);
    await Promise.all([alice.join(), bob.join()]);
    await alice.add(bob.id);
    await alice.connect();
    await bob.decide(alice.id, 'Accept');
    await Promise.all([alice.hasPath('direct'), bob.hasPath('direct')]);
    await lost.stop();
    for (const one of [alice, bob]) {
      await one.hasSeen(/^The connection to the broker is lost\. Open data channels stay open meanwhile\.$/);
      await one.sees(/^Trying again in \d s/);
      await one.sees(/^reconnecting/);
    }
    await talk(alice, bob, /data channel$/);
    await alice.sees(`Nothing answers over http at ${lost.url}.`);
    await alice.button('Hang up').click();
    await alice.sees('unknown for now');
    assert.equal(await alice.page.getByText('Open data channels').filter({ visible: true }).count(), 0);
    const { port } = lost;
    // Who has pressed it can press it again.
    await alice.button('Try now').press('Enter');
    await alice.sees(/^Trying again.*, attempt [3-9]/);
    assert.equal(await focused(alice), 'retry');
    await startBroker(t, {}, { port });
    await alice.page.keyboard.press('Enter');
    await Promise.all([alice.isOnline(), bob.isOnline()]);
    assert.equal(await alice.page.getByText(/^Trying again/).filter({ visible: true }).count(), 0);
  });
});

test('five ICE servers that fail alike are one line, which opens to their names', plugins, async (t) => {
  const urls = ['a', 'b', 'c', 'd', 'e'].map((name) => `stun:${name}.invalid:3478`);
  const { url } = await startBroker(t, {
    RTC_CONFIGURATION_RESOLVER_PLUGIN: 'turn-credentials',
    TURN_URLS: 'turn:f.invalid:3478',
    TURN_SHARED_SECRET: 'north-wind',
    STUN_URLS: urls.join(', '),
  });
  const alice = await person(t, { broker: url });
  await alice.join();
  await alice.add('nobody');
  await joinNode(Number(new URL(url).port), 'nobody');
  await alice.connect();
  const step = alice.page.getByRole('listitem').filter({ hasText: '6 ICE servers gave no candidate' });
  await step.waitFor();
  const lines = (await step.locator('summary').allTextContents()).filter((line) => /^5 × .* \(701\)$/.test(line));
  assert.equal(lines.length, 1, await step.textContent());
  assert.equal(await step.getByText(urls[4]).isVisible(), false);
  await step.getByText(/^5 × .*701/).click();
  for (const one of urls) await step.getByText(one).waitFor();
});

describe('what a page looks like', together, () => {
  /// At each size and in both colours: nothing is wider than the screen, and all texts can be read.
  async function isFit({ page: tab }) {
    for (const [width, height] of [[320, 640], [390, 844], [1280, 800]]) {
      await tab.setViewportSize({ width, height });
      assert.equal(await overhang(tab), 0, `at ${width} pixels`);
      for (const colorScheme of ['light', 'dark']) {
        await tab.emulateMedia({ colorScheme });
        assert.deepEqual(await faintTexts(tab), [], `${colorScheme} at ${width} pixels`);
      }
    }
  }

  test('outside', async (t) => {
    const alice = await person(t);
    await isFit(alice);
    await alice.field('Your id').fill('');
    await alice.submit();
    await alice.sees('Give yourself an id');
    await isFit(alice);
    await alice.page.getByText('Channel and relay').click();
    await alice.field('Your id').fill('x'.repeat(300));
    await alice.submit();
    await alice.sees('This id cannot be used');
    await isFit(alice);
    await alice.field('Broker').fill(`http://127.0.0.1:${await freePort()}`);
    await alice.submit();
    await alice.sees('Nothing answers');
    await isFit(alice);
  });

  test('inside', async (t) => {
    const lost = await startBroker(t);
    const [alice, bob] = await Promise.all([person(t, { broker: lost.url }), person(t, { broker: lost.url })]);
    await Promise.all([alice.join(), bob.join()]);
    await isFit(alice);
    await alice.add(bob.id);
    await alice.connect();
    await bob.sees('wants to connect to you');
    await Promise.all([isFit(alice), isFit(bob)]);
    await bob.decide(alice.id, 'Accept');
    await Promise.all([alice.hasPath('direct'), bob.hasPath('direct')]);
    await talk(alice, bob, /data channel$/);
    await Promise.all([isFit(alice), isFit(bob)]);
    await lost.stop();
    await alice.sees('The connection to the broker is lost.');
    await alice.button('Hang up').click();
    await bob.sees('closed the connection');
    await Promise.all([isFit(alice), isFit(bob)]);
  });

  for (const colorScheme of ['light', 'dark']) {
    test(`bubbles differ from the card that they are on (${colorScheme})`, async (t) => {
      const [alice, bob] = await Promise.all([person(t, { colorScheme }), person(t, { colorScheme })]);
      await Promise.all([alice.join(), bob.join()]);
      await alice.add(bob.id);
      await alice.say('hello');
      await bob.hears('hello');
      const theirs = await groundContrast(bob.page, '.message.theirs .text', '.chat.card');
      assert.ok(theirs >= 1.25, `theirs: ${theirs}`);
      const mine = await groundContrast(alice.page, '.message.mine .text', '.chat.card');
      assert.ok(mine >= 3, `mine: ${mine}`);
    });
  }

  test('lists show their end as they grow and shrink, unless one has scrolled up', async (t) => {
    const [alice, bob] = await Promise.all([person(t), person(t)]);
    await Promise.all([alice.join(), bob.join()]);
    await alice.add(bob.id);
    for (let i = 0; i < 12; ++i) await alice.say(`line ${i}`.padEnd(200, ' and on'));
    const last = (text) => bob.page.locator('.message', { hasText: text }).last();
    const isInView = (text) =>
      last(text).evaluate((item) => {
        const { bottom } = item.getBoundingClientRect();
        const list = item.parentElement.getBoundingClientRect();
        return bottom > list.top && bottom <= list.bottom + 1;
      });
    await eventually('the last one is in view', () => isInView('line 11'));
    await bob.page.setViewportSize({ width: 1280, height: 600 });
    await eventually('it still is', () => isInView('line 11'));
    await bob.page.locator('.messages').evaluate((list) => list.scrollTo(0, 0));
    await eventually('the first one is in view', () => isInView('line 0'));
    await alice.say('one more');
    await bob.hears('one more');
    assert.equal(await isInView('one more'), false);
  });

  test('on a phone the negotiation is above the fold, and settings come after it', async (t) => {
    const [alice, bob] = await Promise.all([person(t, { viewport: kPhone }), person(t, { viewport: kPhone })]);
    await Promise.all([alice.join(), bob.join()]);
    await alice.add(bob.id);
    await alice.connect();
    await bob.decide(alice.id, 'Accept');
    await Promise.all([alice.hasPath('direct'), bob.hasPath('direct')]);
    for (const { page: tab } of [alice, bob]) {
      const heading = tab.getByRole('heading', { name: 'Negotiation' });
      await tab.evaluate(() => scrollTo(0, 0));
      const bottom = async (locator) => {
        let box = null;
        // A path that changes is shown anew.
        await eventually('it is there', async () => {
          box = await locator.filter({ visible: true }).first().boundingBox();
          return box !== null;
        });
        return box.y + box.height;
      };
      assert.ok((await bottom(heading)) < kPhone.height);
      assert.ok((await bottom(tab.getByText('direct', { exact: true }))) < kPhone.height);
      assert.ok((await bottom(tab.getByRole('textbox', { name: /^Message to/ }))) < kPhone.height);
      const settings = await tab.getByText('Incoming connections').boundingBox();
      for (const locator of [heading, tab.locator('[data-stage="offer"]'), tab.getByText('Data channel open')]) {
        assert.ok((await bottom(locator)) <= settings.y);
      }
    }
  });
});
