// The dashboard of the admin interface: what an operator sees and does, on wide and narrow screens, light and dark, by keyboard, and
// when something is wrong.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { adminEnv, Admin, kToken, startAdmin } from './support/admin.mjs';
import { overhang } from './support/appearance.mjs';
import { Broker, freePort, oursOnly } from './support/broker.mjs';
import { launchBrowser, needsBrowser } from './support/browser.mjs';
import { Forwarder, Operator } from './support/dashboard.mjs';
import { freshId, joinNode, refusalOf, send } from './support/node.mjs';
import { eventually, scaled, within } from './support/time.mjs';

const kPhone = { width: 390, height: 844 };
const kDesk = { width: 1440, height: 900 };
const kHostile = ['<b>x</b>', '<img src=x onerror=alert(1)>', 'a\u202eb', '"><script>alert(1)</script>', '../drain', '%2e%2e', 'ü€😀 &amp;'];

const options = { skip: needsBrowser.skip || oursOnly('has no dashboard').skip, concurrency: 3 };

let browser;
let broker;
before(async () => {
  if (options.skip) return;
  const port = await freePort();
  [browser, broker] = await Promise.all([launchBrowser(), Broker.start(adminEnv(port, { LOG_LEVEL: '1' }))]);
  broker.admin = new Admin(port);
  await eventually('the admin interface answers', () => broker.admin.isThere());
});
after(async () => {
  await browser?.close();
  await broker?.stop();
});

async function operator(t, { url = broker.admin.url, ...more } = {}) {
  const one = await Operator.open(browser, url, more);
  t.after(() => one.close());
  return one;
}

/// Resolves with why this node's connection ended.
const ended = (node) => within(scaled(10_000), `${node.nodeId} is disconnected`, once(node, 'disconnect')).then(([reason]) => reason);

describe('signing in', options, () => {
  test('by keyboard; a wrong token is said to be wrong, and the right one opens the dashboard', async (t) => {
    const one = await operator(t, { token: null });
    const { keyboard } = one.page;
    const field = one.page.getByLabel('Admin token');
    await one.hasFocus(field);
    await keyboard.type('not the token');
    await keyboard.press('Enter');
    await one.sees('This is not the token of this broker.', one.page.getByRole('alert'));
    assert.equal(await field.getAttribute('aria-invalid'), 'true');
    await one.hasFocus(field);
    await keyboard.type(kToken);
    await keyboard.press('Enter');
    await one.sees(/^Updated /);
    await one.sees('Live');
    const cookies = await one.context.cookies();
    assert.ok(cookies.every(({ httpOnly, value }) => httpOnly && value !== kToken));
  });

  test('wrong tokens make it wait', async (t) => {
    const { admin } = await startAdmin(t);
    const one = await operator(t, { url: admin.url, token: null });
    const submit = one.page.locator('#submit');
    for (let i = 0; i < 5; ++i) {
      await one.page.getByLabel('Admin token').fill(`wrong ${i}`);
      await submit.click();
      await one.sees('This is not the token of this broker.', one.page.getByRole('alert'));
    }
    await one.page.getByLabel('Admin token').fill(kToken);
    await submit.click();
    await one.sees(/^Too many wrong tokens came from your address. Try again in \d+ s\.$/, one.page.getByRole('alert'));
    assert.ok(await submit.isDisabled());
    assert.match(await submit.textContent(), /^Wait \d+ s$/);
  });

  test('signing out ends the session, in another tab too, where the login page says so', async (t) => {
    const one = await operator(t);
    const other = await one.context.newPage();
    await other.goto(broker.admin.url);
    const cookie = (await one.context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
    const status = async () => (await fetch(`${broker.admin.url}/api/v1/overview`, { headers: { Cookie: cookie } })).status;
    assert.equal(await status(), 200);
    await other.getByRole('button', { name: 'Sign out' }).click();
    await other.getByLabel('Admin token').waitFor();
    assert.equal(await status(), 401);
    await one.sees('Your session has ended. Sign in again.', one.page.getByRole('alert'));
    await one.signIn(kToken);
  });
});

describe('what it shows', options, () => {
  test('of a broker without nodes: sentences, and charts that begin', async (t) => {
    const { admin } = await startAdmin(t);
    const one = await operator(t, { url: admin.url });
    await one.sees('No node is connected on this instance.', one.section('Nodes'));
    await one.sees('No negotiation has passed this instance in the last minutes.', one.section('Negotiations'));
    await one.sees('No id is refused.', one.section('Refused ids'));
    await one.sees('Nothing has happened since this page was opened.', one.section('Events'));
    await one.sees(/this one/, one.section('Instances'));
    await one.sees('registry', one.section('Modules'));
    assert.equal(await overhang(one.page), 0);
  });

  test('nodes that join and leave, in the list, the figures and the log', async (t) => {
    const one = await operator(t);
    const id = freshId('joins');
    const node = await joinNode(broker.port, id);
    await one.row('Nodes', id).waitFor();
    await one.sees(`${id} joined`, one.section('Events').getByRole('listitem'));
    await eventually('the figure counts it', async () => Number(await one.page.locator('#figure-nodes').textContent()) >= 1);
    node.disconnect();
    await one.section('Events').getByRole('listitem').filter({ hasText: `${id} left` }).waitFor();
    await one.row('Nodes', id).waitFor({ state: 'detached' });
  });

  test('messages by acknowledgement, in the chart and in its table', async (t) => {
    const { admin, port } = await startAdmin(t);
    const one = await operator(t, { url: admin.url });
    const [alice, bob] = await Promise.all([joinNode(port), joinNode(port)]);
    for (let i = 0; i < 7; ++i) assert.equal(await send(alice, 'SOCKET_MSG_EXCHANGE', { from: alice.nodeId, to: bob.nodeId, channel: 'c', content: '' }), 'OK');
    assert.equal(await send(alice, 'SOCKET_MSG_EXCHANGE', { from: alice.nodeId, to: 'nobody', channel: 'c', content: '' }), 'NOT_CONNECTED');
    const chart = one.page.getByRole('article', { name: 'Messages', exact: true });
    await chart.getByText('Table of Messages').click();
    const sums = async (column) => {
      const cells = await chart.locator(`tbody td:nth-child(${column})`).allTextContents();
      return cells.reduce((sum, text) => sum + Number(text), 0);
    };
    await eventually('the table has them', async () => (await sums(2)) === 7 && (await sums(3)) === 1, scaled(20_000));
    assert.match(await chart.getByRole('img').evaluate((svg) => document.getElementById(svg.getAttribute('aria-labelledby').split(' ')[1]).textContent), /OK: now /);
    const names = await chart.getByRole('listitem').allTextContents();
    assert.match(names.join(), /^OK[\d.,–]+,not connected[\d.,–]+,not authorized/);
    const dashes = await chart.locator('.legend path').evaluateAll((paths) => paths.map((path) => getComputedStyle(path).strokeDasharray));
    assert.equal(new Set(dashes).size, dashes.length, 'each line has dashes of its own');
  });

  test('ids as text, whatever is in them', async (t) => {
    const { admin, port } = await startAdmin(t);
    const one = await operator(t, { url: admin.url });
    const nodes = await Promise.all(kHostile.map((id) => joinNode(port, id)));
    const shown = kHostile.map((id) => id.replace('\u202e', '⟨202E⟩'));
    const ids = one.section('Nodes').locator('tbody th .id');
    await eventually('all are listed', async () => (await ids.allTextContents()).sort().join() === [...shown].sort().join());
    await eventually('all are in the log', async () => {
      const log = await one.section('Events').locator('li .id').allTextContents();
      return shown.every((id) => log.includes(id));
    });
    assert.equal(await one.page.locator('main :is(b, img, script)').count(), 0);
    // They can be disconnected, too: what looks like another path is an id.
    for (const id of ['../drain', '<b>x</b>']) {
      const over = ended(nodes[kHostile.indexOf(id)]);
      await one.button(`Disconnect ${id}`).click();
      await one.button('Disconnect', one.dialog).click();
      assert.equal(await over, 'io server disconnect');
    }
    await one.isTold('<b>x</b> was disconnected');
  });

  test('a page of nodes at a time, by prefix', async (t) => {
    const { admin, port } = await startAdmin(t);
    await Promise.all(Array.from({ length: 30 }, (_, i) => joinNode(port, `paged-${String(i).padStart(2, '0')}`)));
    const one = await operator(t, { url: admin.url });
    const nodes = one.section('Nodes');
    await one.sees('Page 1: 25 nodes, more follow', nodes);
    await one.button('Next').focus();
    await one.page.keyboard.press('Enter');
    await one.sees('Page 2: 5 nodes', nodes);
    await one.sees('paged-29', nodes);
    await one.hasFocus(one.button('Next'));
    await one.button('Previous').click();
    await one.sees('paged-00', nodes);
    await one.page.getByLabel('Id begins with').fill('paged-2');
    await one.sees('paged-20', nodes);
    await eventually('only those are listed', async () => (await nodes.locator('tbody tr').count()) === 10);
    await one.page.getByLabel('Id begins with').fill('paged-x');
    await one.sees('No id on this instance begins with “paged-x”.', nodes);
  });

  test('the log, which can be held still', async (t) => {
    const { admin, port } = await startAdmin(t);
    const one = await operator(t, { url: admin.url });
    const log = one.section('Events');
    await one.sees('Live');
    await one.button('Pause').click();
    assert.equal(await one.button('Pause').getAttribute('aria-pressed'), 'true');
    const { nodeId } = await joinNode(port);
    await one.sees(/^Paused, \d+ new$/, log);
    assert.equal(await log.getByRole('listitem').filter({ hasText: nodeId }).count(), 0);
    await one.button('Pause').click();
    await one.sees(`${nodeId} joined`, log.getByRole('listitem'));
    await one.page.getByLabel('Show', { exact: true }).selectOption('refused');
    await one.sees('No event of this kind.', log);
  });

  test('a sentence where a route is not there', async (t) => {
    const prepare = (page) => page.route(/\/api\/v1\/(nodes|negotiations|refused-ids|instances|history)\b/, (route) => route.fulfill({ status: 501, json: { error: 'not built' } }));
    const one = await operator(t, { prepare });
    for (const words of ['This broker keeps no history.', 'This broker does not list its nodes.', 'This broker does not look at negotiations: NEGOTIATION_INSIGHT is false.', 'This broker keeps no list of refused ids.']) {
      await one.sees(words);
    }
    await one.sees('registry', one.section('Modules'));
  });

  test('that all event streams are taken', async (t) => {
    const { admin } = await startAdmin(t, { ADMIN_MAX_STREAMS: '1' });
    const first = await operator(t, { url: admin.url });
    await first.sees('Live');
    const second = await operator(t, { url: admin.url });
    await second.sees('Every 5 s; all event streams are taken');
  });
});

describe('what it does', options, () => {
  test('disconnects a node after asking back, refuses its id, and allows it again', async (t) => {
    const one = await operator(t);
    const id = freshId('banned');
    const node = await joinNode(broker.port, id);
    const opener = one.button(`Disconnect ${id}`);
    await opener.focus();
    await one.page.keyboard.press('Enter');
    await one.dialog.waitFor();
    await one.hasFocus(one.dialog.getByLabel('Disconnect', { exact: true }));
    await one.page.keyboard.press('Escape');
    await one.dialog.waitFor({ state: 'detached' });
    await one.hasFocus(opener);
    assert.ok(node.connected, 'nothing is done before it is confirmed');

    const over = ended(node);
    await one.page.keyboard.press('Enter');
    await one.dialog.getByLabel('Disconnect and refuse the id').check();
    await one.dialog.getByLabel('For how long').selectOption('1 hour');
    await one.dialog.getByLabel('Reason').fill('floods the grid');
    await one.page.keyboard.press('Enter');
    assert.equal(await over, 'io server disconnect');
    await one.isTold(`${id} was disconnected`);
    await one.row('Refused ids', id).waitFor();
    await broker.says(/floods the grid/);
    await refusalOf(broker.port, id);

    await one.button(`Allow again ${id}`).click();
    await one.button('Allow again', one.dialog).click();
    await one.isTold(`${id} may connect again.`);
    await one.row('Refused ids', id).waitFor({ state: 'detached' });
    await joinNode(broker.port, id);
  });

  test('disconnects a node that may come back, and refuses an id that is not connected', async (t) => {
    const one = await operator(t);
    const node = await joinNode(broker.port, freshId('returns'));
    const over = ended(node);
    await one.button(`Disconnect ${node.nodeId}`).click();
    await one.dialog.getByLabel('Disconnect, may reconnect').check();
    await one.button('Disconnect', one.dialog).click();
    assert.equal(await over, 'transport close');

    const id = freshId('absent');
    await one.button('Refuse an id…').click();
    await one.hasFocus(one.dialog.getByLabel('Id', { exact: true }));
    await one.page.keyboard.type(id);
    await one.button('Refuse this id', one.dialog).click();
    await one.isTold(`${id} was not connected, and is refused until`);
    await refusalOf(broker.port, id);
  });

  test('drains and cancels that', async (t) => {
    const { admin, port } = await startAdmin(t, { DRAIN_DURATION_MS: '600000' });
    await Promise.all([joinNode(port), joinNode(port), joinNode(port)]);
    const one = await operator(t, { url: admin.url });
    await one.button('Drain').click();
    await one.sees('Drain this instance?', one.dialog);
    await one.button('Drain', one.dialog).click();
    await one.sees(/^This instance is draining:/);
    await one.button('Cancel the drain').click();
    await one.button('Cancel the drain', one.dialog).click();
    await one.isTold('The drain was cancelled.');
    await one.page.getByText(/^This instance is draining:/).waitFor({ state: 'hidden' });
    await joinNode(port);
  });

  test('reads the configuration again', async (t) => {
    const one = await operator(t);
    await one.button('Reload').click();
    await one.button('Reload', one.dialog).click();
    await one.sees(/^(The configuration was read\. Nothing has changed\.|Changed: )/, one.dialog);
    await one.button('Close', one.dialog).click();
    await broker.says(/reload/i);
  });

  test('tells a negotiation in steps, with its diagnosis', async (t) => {
    const one = await operator(t);
    const [alice, bob] = await Promise.all([joinNode(broker.port, freshId('alice')), joinNode(broker.port, freshId('bob'))]);
    const common = { platformFrom: 'js', versionFrom: '1', sessionId: freshId('session') };
    assert.equal(await send(alice, 'CONNECTION_ATTEMPT', { ...common, from: alice.nodeId, to: bob.nodeId, sessionDescription: { type: 'offer', sdp: '' } }), 'OK');
    assert.equal(await send(bob, 'CONNECTION_REFUSAL', { ...common, from: bob.nodeId, to: alice.nodeId }), 'OK');
    const row = one.row('Negotiations', alice.nodeId);
    await row.getByText('refused', { exact: true }).waitFor();
    await row.getByRole('button').click();
    await one.sees(common.sessionId, one.dialog);
    const steps = one.dialog.getByRole('list', { name: 'Messages' }).getByRole('listitem');
    assert.deepEqual((await steps.allTextContents()).map((text) => /(initiator|responder)\s*(attempt|refusal)/.exec(text)?.[0].replace(/r(?=[ar])/, 'r ')), ['initiator attempt', 'responder refusal']);
    await one.page.keyboard.press('Escape');
    await one.hasFocus(row.getByRole('button'));
  });

  test('checks the ICE servers', async (t) => {
    const url = `stun:127.0.0.1:${await freePort()}`;
    const { admin } = await startAdmin(t, { RTC_CONFIGURATION_RESOLVER_PLUGIN: 'turn-credentials', STUN_URLS: url, TURN_URLS: url.replace('stun', 'turn'), TURN_SHARED_SECRET: 'north-wind' });
    const one = await operator(t, { url: admin.url });
    await one.button('Check ICE servers').click();
    await one.button('Check', one.dialog).click();
    await one.dialog.getByText('Something is wrong.').waitFor({ timeout: scaled(30_000) });
    await one.sees(url, one.dialog);
  });
});

test('keeps the last data while the broker is away, and is live again by itself', options, async (t) => {
  const own = await startAdmin(t);
  const way = await Forwarder.to(own.admin.port);
  t.after(() => way.cut());
  const { nodeId } = await joinNode(own.port);
  const one = await operator(t, { url: way.url });
  await one.sees('Live');
  await one.row('Nodes', nodeId).waitFor();
  way.cut();
  await one.sees(/^The connection to the broker is lost\. What you see is of /);
  await one.sees(/^Next attempt in \d+ s$/);
  assert.ok(await one.row('Nodes', nodeId).isVisible());
  await way.mend();
  await one.isTold('The broker answers again.');
  await one.sees('Live');
  await one.sees(/^The stream of events was interrupted/, one.section('Events'));
  const next = await joinNode(own.port);
  await one.sees(`${next.nodeId} joined`, one.section('Events').getByRole('listitem'));
});

describe('can be used by everybody', options, () => {
  const noFaults = async (one, where, part) => {
    for (const viewport of [kDesk, kPhone]) {
      for (const colorScheme of ['light', 'dark']) {
        await one.page.setViewportSize(viewport);
        await one.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        assert.deepEqual(await one.accessibilityFaults(part), [], `${where}, ${viewport.width} pixels, ${colorScheme}`);
        assert.equal(await overhang(one.page), 0, `${where}, ${viewport.width} pixels`);
      }
    }
  };

  test('the login page and its error', async (t) => {
    const one = await operator(t, { token: null });
    await one.page.getByLabel('Admin token').fill('wrong');
    await one.page.keyboard.press('Enter');
    await one.sees('This is not the token of this broker.', one.page.getByRole('alert'));
    await noFaults(one, 'login');
  });

  test('the dashboard, its tables and its dialog', async (t) => {
    const one = await operator(t);
    const { nodeId } = await joinNode(broker.port, freshId('an-id-that-is-rather-long-'.repeat(4)));
    await one.row('Nodes', nodeId).waitFor();
    for (const summary of await one.page.locator('summary').all()) await summary.click();
    await noFaults(one, 'dashboard');
    await one.button(`Disconnect ${nodeId}`).click();
    await one.dialog.waitFor();
    await noFaults(one, 'dialog', 'dialog');
  });

  test('the first key leads to the data; sections have names', async (t) => {
    const one = await operator(t);
    await one.page.keyboard.press('Tab');
    await one.hasFocus(one.page.getByRole('link', { name: 'Skip to the data' }));
    await one.page.keyboard.press('Enter');
    await one.hasFocus(one.page.getByRole('main'));
    for (const name of ['Now', 'Last 15 minutes', 'Modules', 'Instances', 'Events', 'Nodes', 'Negotiations', 'Refused ids', 'Limits']) {
      assert.ok(await one.section(name).isVisible(), name);
    }
    await one.page.getByRole('link', { name: 'Nodes' }).click();
    await one.hasFocus(one.section('Nodes').getByRole('heading'));
  });
});
