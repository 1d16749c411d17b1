// Takes a picture of the browser node in each of its states, at 390 and 1280 pixels, light and dark, for people to look at. No test:
//   node screenshots.mjs FOLDER [STATE…]
// At 390 pixels the whole page is taken, to any height; what stands in the first 844 is above the fold.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { Broker, freePort } from './support/broker.mjs';
import { launchBrowser, Person, servePage } from './support/browser.mjs';
import { Coturn } from './support/coturn.mjs';
import { joinNode } from './support/node.mjs';

const [folder, ...wanted] = process.argv.slice(2);
assert.ok(folder, 'node screenshots.mjs FOLDER [STATE…]');
fs.mkdirSync(folder, { recursive: true });

const kToken = 'correct horse';
const kSizes = [
  { width: 390, height: 844 },
  { width: 1280, height: 800 },
];

const page = await servePage();
const browser = await launchBrowser();
const open = (options) => Person.open(browser, page.url, options);

async function take(person, name) {
  for (const viewport of kSizes) {
    for (const colorScheme of ['light', 'dark']) {
      await person.page.setViewportSize(viewport);
      await person.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      // Lists follow their end once they have their new size.
      await person.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      const file = path.join(folder, `${name}-${viewport.width}-${colorScheme}.png`);
      await person.page.screenshot({ path: file, fullPage: true });
    }
  }
}

/// Two of these ids who know each other; `options` for each.
async function pair(broker, [first = {}, second = {}] = []) {
  const [alice, bob] = await Promise.all([
    open({ id: 'alice', broker: broker.url, ...first }),
    open({ id: 'bob', broker: broker.url, ...second }),
  ]);
  await Promise.all([alice.join(), bob.join()]);
  await alice.add('bob');
  await alice.sees('at the broker');
  return [alice, bob];
}

async function talk(alice, bob) {
  await alice.say('Hello bob, do you hear me?');
  await bob.hears('Hello bob, do you hear me?');
  await bob.say('Loud and clear. This one is longer, to see how a message of more than one line looks on a small screen.');
  await alice.hears('Loud and clear. This one is longer, to see how a message of more than one line looks on a small screen.');
}

const withTurn = (coturn, more) => ({
  RTC_CONFIGURATION_RESOLVER_PLUGIN: 'turn-credentials',
  TURN_URLS: coturn.url(),
  TURN_SHARED_SECRET: 'north-wind',
  ...more,
});

/// Each takes its pictures with a broker of its own, which is stopped after it.
const kStates = {
  async welcome({ start }) {
    await take(await open({ id: '', broker: 'http://localhost:8080' }), 'welcome');
    const alice = await open({ id: '', broker: (await start()).url });
    await alice.submit();
    await take(alice, 'id-missing');
    await alice.field('Your id').fill('alice');
    await alice.field('Broker').fill('http://localhost:8080/socket.io');
    await alice.submit();
    await take(alice, 'broker-address-wrong');
    await alice.context.close();
  },

  async refused({ start }) {
    const broker = await start({ NODES_AUTHENTICATION_PLUGIN: 'token-auth', SHARED_TOKEN: kToken });
    const alice = await open({ id: 'alice', broker: broker.url });
    await alice.submit();
    await alice.sees('authentication failed');
    await take(alice, 'token-missing');
    await alice.field('Access token').fill('wrong horse');
    await alice.button('Connect').click();
    await alice.sees('right access token');
    await take(alice, 'token-refused');
  },

  async taken({ start }) {
    const broker = await start();
    await joinNode(broker.port, 'alice');
    const alice = await open({ id: 'alice', broker: broker.url });
    await alice.submit();
    await alice.sees('Another node');
    await take(alice, 'id-taken');
  },

  async unreachable() {
    const port = await freePort();
    for (const scheme of ['http', 'https']) {
      const alice = await open({ id: 'alice', broker: `${scheme}://127.0.0.1:${port}` });
      await alice.submit();
      await alice.sees('Nothing answers');
      await take(alice, `unreachable-${scheme}`);
    }
  },

  async busy({ start }) {
    const broker = await start({ MAX_CONNECTIONS: '1' });
    await joinNode(broker.port);
    const alice = await open({ id: 'alice', broker: broker.url });
    await alice.submit();
    await alice.sees('takes no nodes now');
    await take(alice, 'broker-full');
  },

  async elsewhere({ start }) {
    const { url } = await start();
    const secure = await open({ id: 'alice', broker: url.replace('http:', 'https:') });
    await secure.submit();
    await secure.sees('but something does over http');
    await take(secure, 'https-in-place-of-http');
    const itself = await open({ id: 'alice', broker: page.url });
    await itself.submit();
    await itself.sees('where this page comes from');
    await take(itself, 'page-in-place-of-broker');
  },

  async workspace({ start }) {
    const broker = await start();
    const alice = await open({ id: 'alice', broker: broker.url });
    await alice.join();
    await take(alice, 'alone');
    await alice.context.close();
    const [caller, bob] = await pair(broker);
    await take(caller, 'not-connected');
    await caller.connect();
    await bob.sees('wants to connect');
    await take(caller, 'connecting');
    await take(bob, 'request');
    await bob.decide('alice', 'Decline');
    await caller.sees('declined');
    await take(caller, 'declined');
  },

  async direct({ start }) {
    const broker = await start();
    const [alice, bob] = await pair(broker);
    await alice.connect();
    await bob.decide('alice', 'Accept');
    await Promise.all([alice.hasPath('direct'), bob.hasPath('direct')]);
    await talk(alice, bob);
    await take(alice, 'direct');
    await take(bob, 'direct-other-side');
    await broker.stop();
    await alice.sees('connection to the broker is lost');
    await take(alice, 'broker-lost');
    await alice.button('Hang up').click();
    await take(alice, 'broker-lost-no-channel');
  },

  async relayed({ start, startTurn }) {
    const broker = await start(withTurn(await startTurn()));
    const [alice, bob] = await pair(broker, [{ isRelayOnly: true }]);
    await alice.connect();
    await bob.decide('alice', 'Accept');
    await Promise.all([alice.hasPath('relayed'), bob.hasPath('relayed')]);
    await talk(alice, bob);
    await take(alice, 'relayed');
    await take(bob, 'relayed-other-side');
  },

  async silent({ start, startTurn }) {
    const coturn = await startTurn();
    const dead = await freePort();
    const urls = ['a', 'b', 'c', 'd'].map((name) => `stun:${name}.invalid:3478`).concat(`stun:127.0.0.1:${dead}`);
    const broker = await start(withTurn(coturn, { STUN_URLS: urls.join(', '), TURN_SHARED_SECRET: 'another' }));
    const [alice, bob] = await pair(broker);
    await alice.connect();
    await bob.decide('alice', 'Accept');
    await alice.hasPath('direct');
    await alice.sees('gave no candidate');
    await take(alice, 'servers-silent');
  },

  async sentAway({ start }) {
    const invalid = [];
    const webhook = http.createServer((request, response) => {
      request.resume();
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ invalidNodesIds: invalid }));
    });
    await new Promise((resolve) => webhook.listen(0, '127.0.0.1', resolve));
    const broker = await start({
      NODES_VALIDITY_CHECK_WEBHOOK_URL: `http://127.0.0.1:${webhook.address().port}`,
      NODES_STATUS_CHECK_INTERVAL_MS: '100',
    });
    const [alice, bob] = await pair(broker);
    await alice.connect();
    await bob.decide('alice', 'Accept');
    await alice.hasPath('direct');
    await talk(alice, bob);
    invalid.push('alice');
    await alice.sees('sent this node away');
    await take(alice, 'sent-away');
    for (const one of [alice, bob]) await one.context.close();
    await broker.stop();
    webhook.close();
    webhook.closeAllConnections();
  },
};

const unknown = wanted.filter((name) => !(name in kStates));
assert.deepEqual(unknown, [], `states: ${Object.keys(kStates).join(' ')}`);
for (const name of wanted.length > 0 ? wanted : Object.keys(kStates)) {
  const running = [];
  const keep = (one) => (running.push(one), one);
  await kStates[name]({
    start: async (env) => keep(await Broker.start(env)),
    startTurn: async () => keep(await Coturn.start('north-wind')),
  });
  for (const context of browser.contexts()) await context.close();
  for (const one of running) if (!one.hasExited) await one.stop();
  console.log(name);
}
await browser.close();
await page.stop();
