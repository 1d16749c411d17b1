// The commands that ask the admin interface of a running broker: tables for people, JSON for scripts, clear errors.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { Broker, freePort, oursOnly, runBroker, temporaryDirectory } from './support/broker.mjs';
import { freshId, joinNode } from './support/node.mjs';
import { eventually } from './support/time.mjs';

const ours = oursOnly('has no such command');
const kToken = 'a-token-of-the-admin-interface';

let broker;
let admin;
before(async () => {
  admin = { ADMIN_PORT: String(await freePort()), ADMIN_TOKEN: kToken };
  broker = await Broker.start({ ...admin, LOG_LEVEL: '1' });
});
after(() => broker?.stop());

/// What a command prints must never have the token in it.
async function ask(words, env = admin, options = {}) {
  const run = await runBroker(words, env, options);
  assert.ok(!run.output.includes(kToken), run.output);
  return run;
}

async function askOk(...words) {
  const { code, output } = await ask(words);
  assert.equal(code, 0, output);
  return output;
}

const askJson = async (...words) => JSON.parse(await askOk(...words, '--json'));

async function askFails(code, words, ...patterns) {
  const run = await ask(words);
  assert.equal(run.code, code, run.output);
  for (const pattern of patterns) assert.match(run.output, pattern);
}

const isNarrow = (output) => {
  for (const line of output.split('\n')) assert.ok([...line].length <= 80, line);
};

describe('the command line asks a running broker', ours, () => {
  test('which instances there are', async () => {
    const output = await askOk('instances');
    assert.match(output, /^INSTANCE +STATE +NODES +UP +VERSION\n\S+ +running +\d+ +\d+ \w+ +\d+\.\d+\.\d+ +this one\n$/);
    isNarrow(output);
    const { instances } = await askJson('instances');
    assert.equal(instances.length, 1);
    assert.equal(instances[0].self, true);
  });

  test('where ADMIN_PORT and ADMIN_TOKEN_FILE of a .env file say', async () => {
    const cwd = temporaryDirectory();
    fs.writeFileSync(path.join(cwd, 'token'), `${kToken}\n`);
    fs.writeFileSync(path.join(cwd, '.env'), `ADMIN_PORT=${admin.ADMIN_PORT}\nADMIN_TOKEN_FILE=${path.join(cwd, 'token')}\n`);
    const { code, output } = await ask(['instances'], {}, { cwd });
    assert.equal(code, 0, output);
  });

  test('where --admin-url says', async () => {
    const url = `http://localhost:${admin.ADMIN_PORT}/`;
    const { code, output } = await ask(['instances', '--admin-url', url], { ADMIN_TOKEN: kToken });
    assert.equal(code, 0, output);
  });

  describe('which nodes are connected', () => {
    test('as a table that fits, and is safe for a terminal', async (t) => {
      const prefix = freshId('table');
      const odd = `${prefix}-\u202e\\`;
      for (const id of [`${prefix}-a`, odd]) {
        const node = await joinNode(broker.port, id, { query: { runtime: '\u001b[31m' } });
        t.after(() => node.close());
      }
      const output = await askOk('nodes', '--prefix', prefix);
      isNarrow(output);
      assert.match(output, /^ID +ADDRESS +RUNTIME +FOR +RTT +IN +OUT +OUTQ\n/);
      assert.ok(output.includes(`${prefix}-\\u{202e}\\\\  127.0.0.1`), output);
      assert.match(output, /  \\x1b\[31m  /);
      assert.ok(!/[\u001b\u202e]/.test(output), 'nothing that a terminal would obey');
      assert.equal(output.split('\n').length, 4);
      assert.match(await askOk('nodes', '--grid', '--prefix', prefix), /INSTANCE\n/);
      const one = await askOk('nodes', odd);
      assert.match(one, /^id +table-.*-\\u\{202e\}\\\\\n/);
      assert.match(one, /\naddress +127\.0\.0\.1\n/);
    });

    test('page by page, as one JSON object', async (t) => {
      const prefix = freshId('page');
      const ids = ['a', 'b', 'c'].map((each) => `${prefix}-${each}`);
      for (const id of ids) {
        const node = await joinNode(broker.port, id);
        t.after(() => node.close());
      }
      const { nodes, nextCursor } = await askJson('nodes', '--prefix', prefix);
      assert.deepEqual(nodes.map(({ id }) => id), ids);
      assert.equal(nextCursor, null);
      const { code, output } = await ask(['nodes', '--prefix', prefix, '--limit', '2']);
      assert.equal(code, 0, output);
      assert.match(output, /there are more nodes than --limit/);
    });

    test('a node that is not there is exit code 1', async () => {
      await askFails(1, ['nodes', 'nobody'], /^crolang-broker: .+\n$/);
    });
  });

  describe('to disconnect a node', () => {
    test('and says so', async () => {
      const id = freshId('out/of');
      const node = await joinNode(broker.port, id);
      const gone = once(node, 'disconnect');
      assert.match(await askOk('disconnect', id, '--reason', 'a test'), new RegExp(`^${id} was disconnected`));
      await gone;
      await broker.says(/a test/);
      await askFails(1, ['disconnect', id], /^crolang-broker: .+\n$/);
    });

    test('so that it comes back', async (t) => {
      const id = freshId('back');
      const node = await joinNode(broker.port, id);
      t.after(() => node.close());
      const gone = once(node, 'disconnect');
      await askOk('disconnect', id, '--reconnect');
      assert.notEqual((await gone)[0], 'io server disconnect', 'socket.io-client stays away after that');
    });

    test('and to refuse its id, until it is allowed again', async (t) => {
      const id = freshId('refused');
      assert.match(
        await askOk('disconnect', id, '--for', '10m', '--reason', 'too loud'),
        new RegExp(`^${id} was not connected, and is refused until \\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z\\n$`),
      );
      assert.match(await askOk('refused-ids'), new RegExp(`\\n${id} +\\d{4}-[-\\dT:.]+Z +too loud\\n`));
      const { refusedIds } = await askJson('refused-ids');
      assert.deepEqual(refusedIds.map((each) => [each.id, each.reason]), [[id, 'too loud']]);
      assert.equal(await askOk('allow', id), `${id} is no longer refused\n`);
      await askFails(1, ['allow', id], /^crolang-broker: .+\n$/);
      const node = await joinNode(broker.port, id);
      t.after(() => node.close());
    });
  });

  test('which negotiations there were', async (t) => {
    const [alice, bob] = [freshId('alice'), freshId('bob')];
    for (const id of [alice, bob]) {
      const node = await joinNode(broker.port, id);
      t.after(() => node.close());
    }
    const output = await askOk('negotiations', '--node', alice);
    assert.equal(output, 'ID  INITIATOR  RESPONDER  STATE  AGO  ANSWER\n');
    assert.deepEqual(await askJson('negotiations', '--state', 'refused', '--limit', '5'), { negotiations: [] });
    await askFails(1, ['negotiations', 'nothing'], /^crolang-broker: .+\n$/);
  });
});

test('drain, and its end', ours, async () => {
  const env = { ADMIN_PORT: String(await freePort()), ADMIN_TOKEN: kToken };
  const other = await Broker.start({ ...env, DRAIN_DURATION_MS: '600000' });
  // Several, since the first slice of the drain may disconnect one, and without nodes it ends.
  await Promise.all(Array.from({ length: 5 }, () => joinNode(other.port)));
  const first = await ask(['drain'], env);
  assert.equal(first.code, 0, first.output);
  assert.match(first.output, /^the broker drains/);
  await eventually('it drains', async () => /draining/.test((await ask(['instances'], env)).output));
  const second = await ask(['drain', '--cancel'], env);
  assert.equal(second.code, 0, second.output);
  assert.match(second.output, /^the broker no longer drains/);
  const third = await ask(['drain', '--cancel'], env);
  assert.equal(third.code, 1, third.output);
  await other.stop();
});

describe('errors are clear', ours, () => {
  for (const [name, code, words, env, pattern] of [
    ['no ADMIN_PORT', 2, ['nodes'], { ADMIN_TOKEN: 't' }, /ADMIN_PORT is set neither here nor in \.env: .*--admin-url/],
    ['a bad ADMIN_PORT', 2, ['nodes'], { ADMIN_PORT: 'x', ADMIN_TOKEN: 't' }, /ADMIN_PORT is 'x', not a number/],
    ['no ADMIN_TOKEN', 2, ['nodes'], { ADMIN_PORT: '1' }, /ADMIN_TOKEN is set neither here nor in \.env/],
    ['a token as an argument', 2, ['nodes', '--token', 't'], {}, /--token/],
    ['a bad --admin-url', 2, ['nodes', '--admin-url', 'h:1'], { ADMIN_TOKEN: 't' }, /'h:1' does not begin with http:/],
    ['nothing listens', 1, ['nodes'], { ADMIN_PORT: '1', ADMIN_TOKEN: 't' }, /cannot connect to http:\/\/127\.0\.0\.1:1: is the broker running/],
  ]) {
    test(name, async () => {
      const run = await ask(words, env);
      assert.equal(run.code, code, run.output);
      assert.match(run.output, pattern);
    });
  }

  test('another service listens there', async () => {
    const env = { ADMIN_PORT: String(broker.plainPort), ADMIN_TOKEN: kToken };
    const { code, output } = await ask(['instances'], env);
    assert.equal(code, 1, output);
    assert.match(output, /does not answer as the admin interface of a broker \(status 404\)/);
  });

  test('something that closes the connection', async (t) => {
    const server = net.createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    t.after(() => server.close());
    await once(server, 'listening');
    const { code, output } = await ask(['nodes'], { ADMIN_PORT: String(server.address().port), ADMIN_TOKEN: 't' });
    assert.equal(code, 1, output);
    assert.match(output, /has not answered in time, or closed the connection/);
  });

  test('a wrong token, and too many of them', async () => {
    const env = { ADMIN_PORT: String(await freePort()), ADMIN_TOKEN: kToken };
    const other = await Broker.start(env);
    const wrong = () => ask(['instances'], { ...env, ADMIN_TOKEN: 'another' });
    for (let i = 0; i < 5; ++i) {
      const { code, output } = await wrong();
      assert.equal(code, 1, output);
      assert.match(output, /refuses ADMIN_TOKEN: it must be the one that the broker has/);
    }
    const { code, output } = await wrong();
    assert.equal(code, 1, output);
    assert.match(output, /too many wrong tokens from here: try again in \d+ s/);
    await other.stop();
  });
});
