// The admin API does what its OpenAPI description says, and refuses what it does not allow: schemathesis asks.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, test } from 'node:test';
import { kToken, startAdmin } from './support/admin.mjs';
import { freePort, oursOnly, repository, temporaryDirectory } from './support/broker.mjs';
import { joinNode } from './support/node.mjs';
import { scaled, within } from './support/time.mjs';

/// Have tests of their own: what they do cannot be repeated, or does not end.
const kExcluded = ['/api/v1/drain', '/api/v1/reload', '/api/v1/events'];
/// How many requests for each operation.
const kExamples = process.env.CROLANG_SCHEMA_EXAMPLES || '60';

describe('the admin API', oursOnly('has no admin API'), () => {
  test('is what its description says', async (t) => {
    // What ice-check tries is on this machine, and refuses at once.
    const { admin, port } = await startAdmin(t, {
      RTC_CONFIGURATION_RESOLVER_PLUGIN: 'turn-credentials',
      TURN_URLS: `turn:127.0.0.1:${await freePort()}?transport=tcp`,
      TURN_SHARED_SECRET: 'a-secret-of-the-tests',
      // Any id fits.
      TURN_USERNAME: 'expiry',
    });
    // Ids that are asked for by chance.
    await Promise.all(['0', '1', 'a'].map((id) => joinNode(port, id)));
    const run = spawn(
      `${repository}build/schemathesis/bin/schemathesis`,
      [
        '--config-file', `${repository}tests/e2e/schemathesis/schemathesis.toml`,
        'run', `${admin.url}/api/v1/openapi.json`, '--header', `Authorization:Bearer ${kToken}`,
        '--phases', 'examples,coverage,fuzzing', '--max-examples', kExamples, '--seed', '13', '--no-shrink',
        // Wrong tokens, which would lock this run out, are sent by admin.test.mjs.
        '--checks', 'all', '--exclude-checks', 'ignored_auth',
        ...kExcluded.flatMap((path) => ['--exclude-path', path]),
      ],
      { cwd: temporaryDirectory(), stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let output = '';
    for (const stream of [run.stdout, run.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
    const ended = new Promise((resolve, reject) => run.once('error', reject).once('close', resolve));
    t.after(() => run.kill('SIGKILL'));
    assert.equal(await within(scaled(180_000), 'schemathesis ends', ended), 0, output);
  });
});
