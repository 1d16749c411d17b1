/// The browser node of examples/browser-node in headless Chromium, used as a person uses it: by labels, roles and keys.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { cleanEnvironment, repository } from './broker.mjs';
import { freshId } from './node.mjs';
import { eventually, scaled, within } from './time.mjs';

const executable = process.env.CROLANG_CHROMIUM || '/usr/bin/chromium';
export const example = path.join(repository, 'examples/browser-node');

/// Options of a test that needs a browser.
export const needsBrowser = { skip: !fs.existsSync(executable) && `there is no ${executable}` };

const children = new Set();
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/// As its README says, on a port of its own.
export async function servePage(env = {}) {
  const child = spawn(process.execPath, ['serve.mjs'], {
    cwd: example,
    env: cleanEnvironment({ PORT: '0', ...env }),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  const ended = new Promise((resolve) => {
    child.once('close', (code) => {
      children.delete(child);
      resolve(code);
    });
  });
  child.stdout.setEncoding('utf8');
  const url = new Promise((resolve, reject) => {
    child.stdout.once('data', (text) => resolve(/http:\S+/.exec(text)[0].replace('localhost', '127.0.0.1')));
    ended.then((code) => reject(new Error(`serve.mjs ended with ${code}`)));
  });
  return {
    url: await within(scaled(20_000), 'the page is served', url),
    async stop() {
      child.kill('SIGTERM');
      assert.equal(await within(scaled(10_000), 'serve.mjs ends after SIGTERM', ended), 0);
    },
  };
}

/// `args`: more of its options.
export const launchBrowser = (args = []) =>
  chromium.launch({
    executablePath: executable,
    timeout: scaled(30_000),
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // Else host candidates are names that only multicast DNS resolves.
      '--disable-features=WebRtcHideLocalIpsWithMdns',
      ...args,
    ],
  });

/// Runs in the page: keeps every text that became visible, also one that is replaced before anybody looks.
function recordTexts() {
  window.shownTexts = [];
  new MutationObserver((changes) => {
    for (const { target } of changes) {
      const element = target instanceof Element ? target : target.parentElement;
      if (element?.checkVisibility()) window.shownTexts.push(element.textContent.trim());
    }
  }).observe(document, { childList: true, characterData: true, subtree: true });
}

/// One person with one page.
export class Person {
  #faults = [];

  /// `prepare(page)` before it is loaded; `context`: more options of the browser's.
  static async open(
    browser,
    pageUrl,
    { id = freshId('person'), broker, token, isRelayOnly, viewport = { width: 1280, height: 800 }, colorScheme, prepare, context } = {},
  ) {
    const person = new Person();
    person.id = id;
    Object.assign(person, { token, isRelayOnly });
    person.context = await browser.newContext({ viewport, colorScheme, locale: 'en-GB', reducedMotion: 'reduce', ...context });
    person.page = await person.context.newPage();
    person.page.setDefaultTimeout(scaled(15_000));
    person.page.on('pageerror', (error) => person.#faults.push(error.stack));
    person.page.on('console', (message) => {
      if (/Content Security Policy/.test(message.text())) person.#faults.push(message.text());
    });
    await person.page.addInitScript(recordTexts);
    await prepare?.(person.page);
    await person.page.goto(`${pageUrl}/?${new URLSearchParams({ id, broker })}`);
    return person;
  }

  /// The page must have had no fault of its own.
  async close() {
    await this.context.close();
    assert.deepEqual(this.#faults, []);
  }

  button(name) {
    return this.page.getByRole('button', { name, exact: true });
  }

  field(label) {
    return this.page.getByLabel(label, { exact: true }).filter({ visible: true });
  }

  async submit() {
    if (this.token) await this.field('Access token').fill(this.token);
    if (this.isRelayOnly) await this.page.getByText('Channel and relay').click();
    if (this.isRelayOnly) await this.page.getByLabel('Connect through relays only').check();
    await this.button('Connect').click();
  }

  async join() {
    await this.submit();
    await this.isOnline();
  }

  isOnline() {
    return this.page.getByText(/^connected to /).waitFor();
  }

  async add(id) {
    await this.page.getByLabel('Id of another node').fill(id);
    await this.page.getByLabel('Id of another node').press('Enter');
    await this.page.getByRole('heading', { name: id, exact: true }).waitFor();
  }

  connect() {
    return this.button('Connect').click();
  }

  /// Answers the question that a connecting node puts.
  async decide(id, answer) {
    const request = this.page.getByRole('listitem').filter({ hasText: `${id} wants to connect` });
    await request.getByRole('button', { name: answer }).click();
  }

  async choosePolicy(name) {
    await this.page.getByLabel(name).check();
  }

  async say(text) {
    await this.page.getByRole('textbox', { name: /^Message to/ }).fill(text);
    await this.page.getByRole('textbox', { name: /^Message to/ }).press('Enter');
  }

  /// Resolves with the line below the message: when and how it went.
  async hears(text, whose = 'theirs') {
    const message = this.page.locator(`.conversation:not([hidden]) .message.${whose}`, {
      has: this.page.getByText(text, { exact: true }),
    });
    await message.waitFor();
    return message.locator('.meta').textContent();
  }

  sees(words) {
    return this.page.getByText(words).filter({ visible: true }).first().waitFor();
  }

  /// For words that the page shows for a moment only. All since it was loaded count.
  hasSeen(words) {
    const shown = () => this.page.evaluate(() => window.shownTexts);
    return eventually(`the page has shown ${words}`, async () => (await shown()).some((text) => text.search(words) >= 0), scaled(15_000));
  }

  /// The words of the steps shown, without their times.
  steps() {
    return this.page.locator('.conversation:not([hidden]) .step .words').allTextContents();
  }

  async hasPath(how) {
    await this.sees(how === 'direct' ? 'connected directly' : 'connected through a relay');
  }
}

/// Two people meet at this broker, connect by id and talk both ways over the data channel. Resolves with both; the caller closes them.
/// `tokens`: one for both ids, or a function that makes one for an id.
export async function chat(browser, pageUrl, brokerUrl, { tokens, ...options } = {}) {
  const tokenOf = typeof tokens === 'function' ? tokens : () => tokens;
  const [alice, bob] = await Promise.all(
    [freshId('alice'), freshId('bob')].map((id) =>
      Person.open(browser, pageUrl, { id, broker: brokerUrl, token: tokenOf(id), ...options }),
    ),
  );
  await Promise.all([alice.join(), bob.join()]);
  await alice.add(bob.id);
  await alice.connect();
  await bob.decide(alice.id, 'Accept');
  const how = options.isRelayOnly ? 'relayed' : 'direct';
  await Promise.all([alice.hasPath(how), bob.hasPath(how)]);
  await talk(alice, bob, /data channel$/);
  return [alice, bob];
}

/// Says something in each direction, and checks how it went.
export async function talk(alice, bob, way) {
  for (const [speaker, listener] of [
    [alice, bob],
    [bob, alice],
  ]) {
    const text = `${freshId('hello')} ü€😀 <b>&amp;`;
    await speaker.say(text);
    assert.match(await listener.hears(text), way);
    assert.match(await speaker.hears(text, 'mine'), way);
  }
}
