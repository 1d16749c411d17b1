/// The dashboard of a broker in headless Chromium, used as an operator uses it: by labels, roles and keys.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import { kToken } from './admin.mjs';
import { freePort } from './broker.mjs';
import { eventually, scaled } from './time.mjs';

const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/// The way to a port, which can be cut: then what is open ends, and nothing new is accepted.
export class Forwarder {
  #port;
  #target;
  #server;
  #sockets = new Set();

  static async to(target) {
    const way = new Forwarder();
    way.#target = target;
    way.#port = await freePort();
    await way.mend();
    return way;
  }

  get url() {
    return `http://127.0.0.1:${this.#port}`;
  }

  mend() {
    this.#server = net.createServer((near) => {
      const far = net.connect(this.#target, '127.0.0.1');
      for (const [end, other] of [[near, far], [far, near]]) {
        this.#sockets.add(end);
        end.on('error', () => {});
        end.once('close', () => {
          this.#sockets.delete(end);
          other.destroy();
        });
        end.pipe(other);
      }
    });
    return new Promise((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
  }

  cut() {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

function recordViolations() {
  window.violations = [];
  document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => window.violations.push(`${violatedDirective} ${blockedURI}`));
}

/// One operator with one page.
export class Operator {
  #faults = [];

  static async open(browser, url, { viewport = { width: 1440, height: 900 }, colorScheme = 'light', token = kToken, prepare } = {}) {
    const operator = new Operator();
    operator.context = await browser.newContext({ viewport, colorScheme, locale: 'en-GB', reducedMotion: 'reduce' });
    operator.page = await operator.context.newPage();
    operator.page.setDefaultTimeout(scaled(15_000));
    operator.page.on('pageerror', (error) => operator.#faults.push(error.stack));
    operator.page.on('dialog', (dialog) => operator.#faults.push(`a script said: ${dialog.message()}`));
    operator.page.on('console', (message) => {
      if (/Content Security Policy|TrustedHTML/i.test(message.text())) operator.#faults.push(message.text());
    });
    await operator.page.addInitScript(recordViolations);
    await prepare?.(operator.page);
    await operator.page.goto(url);
    if (token !== null) await operator.signIn(token);
    return operator;
  }

  /// The page must have had no fault, and nothing must have been refused by its Content-Security-Policy.
  async close() {
    const violations = await this.page.evaluate(() => window.violations);
    await this.context.close();
    assert.deepEqual([...this.#faults, ...violations], []);
  }

  async signIn(token) {
    await this.page.getByLabel('Admin token').fill(token);
    await this.page.getByRole('button', { name: 'Sign in' }).click();
    await this.page.getByText(/^Updated /).waitFor();
  }

  section(name) {
    return this.page.getByRole('region', { name, exact: true });
  }

  row(section, text) {
    return this.section(section).getByRole('row').filter({ hasText: text });
  }

  get dialog() {
    return this.page.getByRole('dialog');
  }

  button(name, place = this.page) {
    return place.getByRole('button', { name, exact: true });
  }

  sees(words, place = this.page) {
    return place.getByText(words).filter({ visible: true }).first().waitFor();
  }

  /// What the operator is told after an action, and what a screen reader says.
  isTold(words) {
    return this.sees(words, this.page.getByRole('status', { name: 'Notices' }));
  }

  hasFocus(locator) {
    return eventually('it has the focus', () => locator.evaluate((element) => element === document.activeElement));
  }

  /// What axe-core finds at level AA in the part that a selector names, in words.
  async accessibilityFaults(part = 'html') {
    if (!(await this.page.evaluate(() => 'axe' in window))) await this.page.evaluate(axe);
    const { violations } = await this.page.evaluate(
      (selector) => window.axe.run(selector, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }),
      part,
    );
    return violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`));
  }
}
