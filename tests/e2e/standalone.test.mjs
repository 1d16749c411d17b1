// What examples/standalone/README.md says about TLS, step by step as it stands there: the certificate, the broker, a node and a
// browser that talk to each other. Only the ports are others, and the broker is the one under test.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Broker, cleanEnvironment, freePort, oursOnly, repository, temporaryDirectory } from './support/broker.mjs';
import { launchBrowser, needsBrowser, Person, servePage } from './support/browser.mjs';
import { eventually, scaled } from './support/time.mjs';

const kGuide = fs.readFileSync(path.join(repository, 'examples/standalone/README.md'), 'utf8');
const [, kTls] = /^## With TLS\n(.*?)^## /ms.exec(kGuide);

/// The fenced block of the section that begins so.
function block(language, beginning) {
  const blocks = [...kTls.matchAll(/^```(\w+)\n(.*?)^```$/gms)];
  const found = blocks.filter(([, kind, text]) => kind === language && text.startsWith(beginning));
  assert.equal(found.length, 1, beginning);
  return found[0][2];
}

describe('examples/standalone with TLS', oursOnly('speaks no TLS'), () => {
  const cwd = temporaryDirectory();
  let broker;
  let node;
  let said = '';

  const withPorts = (text) => text.replace(/(localhost|127\.0\.0\.1):8443/g, `$1:${broker.port}`);
  const run = (script) => execFileSync('/bin/sh', ['-ec', script], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

  before(async () => {
    fs.mkdirSync(path.join(cwd, 'tls'));
    run(block('sh', 'openssl req'));
    const shown = /^(PORT=.*)\.\.\/\.\.\/scripts\/run$/ms.exec(block('sh', 'PORT=8443'))[1];
    const assignments = run(`env -i ${shown} env`).matchAll(/^(\w+)=(.*)$/gm);
    const variables = Object.fromEntries([...assignments].map(([, name, value]) => [name, value]));
    assert.equal(variables.PORT, '8443');
    broker = await Broker.start({ ...variables, PLAIN_PORT: String(await freePort()) }, { cwd });

    fs.symlinkSync(path.join(repository, 'tests/e2e/node_modules'), path.join(cwd, 'tls/node_modules'));
    fs.writeFileSync(path.join(cwd, 'tls/hello.mjs'), withPorts(block('js', 'import')));
    node = spawn(process.execPath, ['tls/hello.mjs'], { cwd, env: cleanEnvironment({}), stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [node.stdout, node.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        said += text;
      });
    }
  });
  after(async () => {
    node?.kill('SIGKILL');
    await broker?.stop();
  });

  test('the broker starts as it is said to, without a warning', async () => {
    const isReady = () => / info listening port=\d+ tls=on plain_port=\d+ /.test(broker.output);
    await eventually('it says that it listens', isReady, scaled(5000));
    assert.match(broker.output, / info certificates in use subjects="CN=localhost" /);
    assert.doesNotMatch(broker.output, /warning/);
  });

  test('curl trusts the certificate, and gets an answer', () => {
    assert.match(run(withPorts(block('sh', 'curl'))), /^\{"status":"ok",/);
  });

  test('the node connects by wss://', async () => {
    await eventually('it is connected', () => said.length > 0, scaled(10_000));
    assert.equal(said, 'connected\n');
  });

  test('a browser connects once its user has accepted the certificate, and writes to the node', needsBrowser, async (t) => {
    const [, health] = /^1\. Open <(https:.*?)>/m.exec(kTls);
    const [, address] = /^3\. Open <(http:.*?)>/m.exec(kTls);
    const query = new URL(withPorts(address)).searchParams;
    const [browser, page] = await Promise.all([launchBrowser(), servePage()]);
    t.after(() => Promise.all([browser.close(), page.stop()]));
    const bob = await Person.open(browser, page.url, { id: query.get('id'), broker: query.get('broker') });
    t.after(() => bob.close());

    const tab = await bob.context.newPage();
    await assert.rejects(tab.goto(withPorts(health)), /ERR_CERT_AUTHORITY_INVALID/);
    await tab.getByRole('button', { name: 'Advanced' }).click();
    await tab.getByRole('link', { name: /^Proceed to localhost/ }).click();
    await tab.getByText('"status":"ok"').waitFor();

    await bob.join();
    await bob.add('alice');
    await bob.say('hello over TLS');
    await eventually('alice has it', () => /received: .*hello over TLS/.test(said), scaled(10_000));
    assert.match(said, /"from":"bob"/);
  });
});
