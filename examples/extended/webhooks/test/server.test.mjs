// The process: what it needs, how it ends.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const server = fileURLToPath(new URL('../server.mjs', import.meta.url));
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crolang-webhooks-'));
after(() => fs.rmSync(directory, { recursive: true }));

function file(content) {
  const name = path.join(fs.mkdtempSync(path.join(directory, 'file-')), 'content');
  fs.writeFileSync(name, content);
  return name;
}

const good = { PORT: '0', DEMO_TOKEN: 'a-token', TURN_URLS: 'turn:a, turns:b', TURN_SHARED_SECRET: 'north' };

function start(t, env) {
  const child = spawn(process.execPath, [server], { env: { PATH: process.env.PATH, ...good, ...env } });
  t.after(() => child.kill('SIGKILL'));
  const run = { child, output: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text) => {
      run.output += text;
    });
  }
  run.exited = once(child, 'close').then(([code]) => code);
  run.port = new Promise((resolve) => {
    child.stdout.on('data', () => {
      const [, port] = /port (\d+)\n/.exec(run.output) ?? [];
      if (port) resolve(port);
    });
  });
  return run;
}

for (const signal of ['SIGTERM', 'SIGINT']) {
  test(`it answers until ${signal} ends it with 0, also with a connection that is kept`, async (t) => {
    const run = start(t, { DEMO_TOKEN: '', DEMO_TOKEN_FILE: file('a-token\n') });
    const url = `http://127.0.0.1:${await run.port}/authentication`;
    const response = await fetch(url, { method: 'POST', body: '{"nodeId":"alice","data":"a-token"}' });
    assert.deepEqual(await response.json(), { authenticated: true });
    run.child.kill(signal);
    assert.equal(await run.exited, 0, run.output);
    assert.doesNotMatch(run.output, /a-token/);
  });
}

for (const [name, env, sentence] of [
  ['without a token', { DEMO_TOKEN: '' }, /^DEMO_TOKEN is required$/m],
  ['without a TURN server', { TURN_URLS: '' }, /^TURN_URLS is required$/m],
  [
    'with a TURN server of another scheme',
    { TURN_URLS: 'http://a' },
    /^TURN_URLS: 'http:\/\/a' is neither turn: nor turns:$/m,
  ],
  ['without a secret', { TURN_SHARED_SECRET: '' }, /^TURN_SHARED_SECRET is required$/m],
  [
    'with a secret given twice',
    { TURN_SHARED_SECRET_FILE: file('x') },
    /^TURN_SHARED_SECRET and TURN_SHARED_SECRET_FILE are both set$/m,
  ],
  [
    'with a file that is not there',
    { ADMIN_TOKEN_FILE: '/nowhere' },
    /^ADMIN_TOKEN_FILE: \/nowhere cannot be read \(ENOENT\)$/m,
  ],
  ['with an empty file', { ADMIN_TOKEN_FILE: file('\n') }, /^ADMIN_TOKEN_FILE: .* is empty$/m],
  ['with a port that is none', { PORT: '65536' }, /^PORT: '65536' is not a number from 0 to 65535$/m],
  ['with an address that is none', { BIND_ADDRESS: 'here' }, /^BIND_ADDRESS: 'here' is not an address in digits$/m],
  ['with a signing secret that is none', { WEBHOOK_SIGNING_SECRET: 'short' }, /^WEBHOOK_SIGNING_SECRET is not whsec_/m],
  ['with rules that are not JSON', { RULES_FILE: file('{') }, /^RULES_FILE: .* cannot be read as JSON/m],
  ['with rules that make no sense', { RULES_FILE: file('{"banned":1}') }, /^RULES_FILE: .*banned is not a list/m],
]) {
  test(`it does not start ${name}, and says why`, async (t) => {
    const run = start(t, env);
    assert.equal(await run.exited, 2, run.output);
    assert.match(run.output, sentence);
  });
}

test('everything that is wrong is said at once', async (t) => {
  const run = start(t, { DEMO_TOKEN: '', TURN_URLS: '', PORT: 'x' });
  assert.equal(await run.exited, 2);
  assert.equal(run.output.trim().split('\n').length, 3, run.output);
});

test('a port that is taken is named', async (t) => {
  const port = await start(t, {}).port;
  const run = start(t, { PORT: port });
  assert.equal(await run.exited, 1);
  assert.match(run.output, new RegExp(`port ${port} \\(PORT\\): EADDRINUSE`));
});
