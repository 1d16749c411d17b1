// What somebody has set by mistake: values with something around them, variables that nobody reads; and what the
// broker takes from the machine.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  binary,
  Broker,
  oursOnly,
  plugin,
  runBroker,
  temporaryDirectory,
} from './support/broker.mjs';
import { freshId, joinNode, refusalOf, send } from './support/node.mjs';
import { json, stopWebhooks, Webhook } from './support/webhook.mjs';

const ours = oursOnly('has no such interface');
const kSecret = 'a-shared-secret-of-more-than-32-bytes!';

function file(content, name = 'value') {
  const full = path.join(temporaryDirectory(), name);
  fs.writeFileSync(full, content);
  return full;
}
const dotenv = (text) => path.dirname(file(text, '.env'));

/// The lines of warnings, each once.
const warningsIn = (output) => [
  ...new Set(
    output
      .split('\n')
      .map((line) => /(?:^crolang-broker: warning: |Z warning )(.*)/.exec(line)?.[1])
      .filter(Boolean),
  ),
];

/// What `--check-config` and the start say, on standard error and in the log; both must say the same and go well.
async function warningsOf(env, { cwd = temporaryDirectory() } = {}) {
  const checked = await runBroker(['--check-config'], env, { cwd });
  assert.equal(checked.code, 0, checked.output);
  const warnings = warningsIn(checked.output);
  const broker = await Broker.start(env, { cwd });
  await broker.stop();
  const lines = broker.output.split('\n');
  for (const warning of warnings) {
    assert.ok(lines.includes(`crolang-broker: warning: ${warning}`), broker.output);
    assert.ok(
      lines.some((line) => line.includes('Z warning ') && line.includes(warning)),
      broker.output,
    );
  }
  assert.deepEqual(warningsIn(broker.output), warnings);
  return warnings;
}

/// What only the bundled plugins read, by their own words.
async function pluginVariables() {
  const { output } = await runBroker(['--print-config-markdown']);
  return output
    .split('\n\n')[1]
    .split('\n')
    .slice(2)
    .filter(Boolean)
    .map((row) => row.split(' | '))
    .map(([name, , , readers]) => ({
      name: /`(.*)`/.exec(name)[1],
      readers: readers.replace(/ \|$/, '').split(', '),
    }));
}

describe('a variable that is not read', ours, () => {
  test('causes a warning if a bundled plugin would, which says how to load it', async () => {
    const variables = await pluginVariables();
    assert.ok(variables.length > 20);
    const warnings = await warningsOf(Object.fromEntries(variables.map(({ name }) => [name, '1'])));
    for (const { name, readers } of variables) {
      const warning = warnings.find((each) => each.startsWith(`${name} has no effect`));
      assert.ok(warning, `${name}: ${warnings.join('\n')}`);
      for (const reader of readers) {
        const byName = new RegExp(`\\w+_PLUGIN=${reader}\\b`);
        const bySetting = /\b(REDIS_URL|\w+_WEBHOOK_URL)\b/;
        assert.match(
          warning,
          reader.startsWith('webhook') || reader === 'redis-registry' ? bySetting : byName,
        );
      }
    }
  });

  test('causes a warning in a .env file, and as the name of a file', async () => {
    const warnings = await warningsOf(
      {},
      { cwd: dotenv('JWT_SECRET_FILE=/x\nTURN_URLS=turn:a\n') },
    );
    assert.equal(warnings.length, 2, warnings.join('\n'));
    assert.match(warnings[0], /^TURN_URLS has no effect/);
    assert.match(
      warnings[1],
      /^JWT_SECRET_FILE has no effect.*NODES_AUTHENTICATION_PLUGIN=jwt-auth/,
    );
  });

  test('causes no warning once the plugin is loaded as the warning says', async () => {
    const env = { JWT_SECRET: kSecret, NODES_AUTHENTICATION_PLUGIN: 'jwt-auth' };
    assert.deepEqual(await warningsOf(env), []);
  });

  test('causes a warning if it looks like one of ours', async () => {
    const meant = {
      MAX_OUTBOX: 'MAX_OUTBOX_BYTES',
      AUTH_WEBHOOK_URL: 'NODES_AUTHENTICATION_WEBHOOK_URL',
      NODE_AUTHENTICATION_WEBHOOK_URL: 'NODES_AUTHENTICATION_WEBHOOK_URL',
      TURN_SECRET: 'TURN_SHARED_SECRET',
      METRICS: 'METRICS_ENABLED',
      REDIS_HOST: 'REDIS_URL',
      PING_INTERVAL: 'PING_INTERVAL_MS',
      CROLANG_LOG_LEVEL: 'LOG_LEVEL',
    };
    const warnings = await warningsOf(
      Object.fromEntries(Object.keys(meant).map((name) => [name, '1'])),
    );
    assert.equal(warnings.length, Object.keys(meant).length, warnings.join('\n'));
    for (const [name, known] of Object.entries(meant))
      assert.ok(
        warnings.includes(`${name} is not a variable of this broker: did you mean ${known}?`),
        warnings.join('\n'),
      );
  });

  test('causes a warning if it is the file of a variable that is not secret', async () => {
    assert.deepEqual(await warningsOf({ NODES_AUTHENTICATION_WEBHOOK_URL_FILE: '/x' }), [
      'NODES_AUTHENTICATION_WEBHOOK_URL_FILE is not read, since only secrets may be given as files: set NODES_AUTHENTICATION_WEBHOOK_URL',
    ]);
  });

  test('causes no warning if Kubernetes, docker, systemd, a shell or npm has set it', async () => {
    const env = {};
    for (const name of [
      'CROLANG_BROKER',
      'BROKER',
      'REDIS',
      'TURN',
      'JWT_AUTH',
      'WORKERS',
      'METRICS',
      'PORT',
    ]) {
      env[`${name}_SERVICE_HOST`] = '10.96.0.7';
      env[`${name}_SERVICE_PORT`] = '8080';
      env[`${name}_SERVICE_PORT_HTTP`] = '8080';
      env[`${name}_PORT`] = 'tcp://10.96.0.7:8080';
      env[`${name}_PORT_8080_TCP`] = 'tcp://10.96.0.7:8080';
      env[`${name}_PORT_8080_TCP_PROTO`] = 'tcp';
      env[`${name}_PORT_8080_TCP_PORT`] = '8080';
      env[`${name}_PORT_3478_UDP_ADDR`] = '10.96.0.7';
    }
    Object.assign(env, {
      REDIS_NAME: '/broker/redis',
      REDIS_ENV_REDIS_VERSION: '7',
      HOSTNAME: 'crolang-broker-0',
      LOGNAME: 'root',
      MAIL: '/var/mail/root',
      SHELL: '/bin/sh',
      PWD: '/',
      INVOCATION_ID: '0',
      JOURNAL_STREAM: '8:1',
      CREDENTIALS_DIRECTORY: '/run/credentials',
      NODE_ENV: 'production',
      NODE_NAME: 'worker-1',
      NODE_AUTH_TOKEN: 'x',
      npm_config_cache: '/tmp',
      JAVA_HOME: '/usr',
      CI_NODE_INDEX: '1',
      KUBERNETES_PORT: 'tcp://10.96.0.1:443',
    });
    assert.deepEqual(await warningsOf(env), []);
  });
});

describe('a variable that chooses a module', ours, () => {
  const choosing = [
    'NODES_REGISTRY_PLUGIN',
    'RTC_CONFIGURATION_RESOLVER_PLUGIN',
    'NODES_AUTHENTICATION_PLUGIN',
    'AUTHORIZE_NODES_COMMUNICATION_PLUGIN',
    'NODES_VALIDITY_CHECK_PLUGIN',
    'ON_AUTHENTICATED_SOCKET_MSG_PLUGIN',
    'REDIS_URL',
    'NODES_AUTHENTICATION_WEBHOOK_URL',
    'RTC_CONFIGURATION_RESOLVER_WEBHOOK_URL',
    'AUTHORIZE_NODES_COMMUNICATION_WEBHOOK_URL',
    'NODES_VALIDITY_CHECK_WEBHOOK_URL',
    'ON_AUTHENTICATED_SOCKET_MSG_WEBHOOK_URL',
  ];
  test('causes a warning if it is empty', async () => {
    const warnings = await warningsOf(Object.fromEntries(choosing.map((name) => [name, ''])));
    assert.equal(warnings.length, choosing.length, warnings.join('\n'));
    for (const name of choosing)
      assert.ok(
        warnings.some((each) =>
          each.startsWith(`${name} is set but empty, which counts as not set`),
        ),
        `${name}: ${warnings.join('\n')}`,
      );
  });

  test('causes a warning if another has chosen already, which says who serves', async () => {
    const env = {
      NODES_AUTHENTICATION_PLUGIN: plugin('token-auth'),
      SHARED_TOKEN: 'long-enough-not-to-be-guessed',
      NODES_AUTHENTICATION_WEBHOOK_URL: 'http://127.0.0.1:1/',
    };
    assert.deepEqual(await warningsOf(env), [
      `NODES_AUTHENTICATION_WEBHOOK_URL has no effect, since NODES_AUTHENTICATION_PLUGIN is set too: the plugin serves (${plugin('token-auth')})`,
    ]);
  });

  test('causes no warning if its plugin reads the other', async () => {
    const env = {
      NODES_AUTHENTICATION_PLUGIN: 'webhook-auth',
      NODES_AUTHENTICATION_WEBHOOK_URL: 'http://127.0.0.1:1/',
    };
    assert.deepEqual(await warningsOf(env), []);
  });

  test('if it is an empty secret of a loaded plugin, causes a warning', async () => {
    const env = {
      NODES_AUTHENTICATION_WEBHOOK_URL: 'http://127.0.0.1:1/',
      WEBHOOK_SIGNING_SECRET: '',
    };
    assert.deepEqual(await warningsOf(env), [
      'WEBHOOK_SIGNING_SECRET is set but empty, which counts as not set',
    ]);
  });
});

test('what is said of TLS causes a warning if there is none', ours, async () => {
  const env = { TLS_MIN_VERSION: '1.3', TLS_CLIENT_CA_FILE: '/x', TLS_RECORD_LAYER: 'openssl' };
  assert.deepEqual(
    await warningsOf(env),
    Object.keys(env).map((name) => `${name} has no effect without TLS_CERT_FILE`),
  );
});

test('how messages are authorized causes a warning if they are not', ours, async () => {
  const [warning, ...more] = await warningsOf({
    AUTHORIZE_NODES_COMMUNICATION_SCOPE: 'initiation',
  });
  assert.match(warning, /^AUTHORIZE_NODES_COMMUNICATION_SCOPE has no effect.*every pair/);
  assert.deepEqual(more, []);
});

describe('the start line says who may connect:', ours, () => {
  const admissions = {
    everybody: {},
    webhook: { NODES_AUTHENTICATION_WEBHOOK_URL: 'http://127.0.0.1:1/' },
    'jwt-auth': { NODES_AUTHENTICATION_PLUGIN: 'jwt-auth', JWT_SECRET: kSecret },
    'org.crolang.example.token-auth': {
      NODES_AUTHENTICATION_PLUGIN: plugin('token-auth'),
      SHARED_TOKEN: 'long-enough-not-to-be-guessed',
    },
  };
  for (const [word, env] of Object.entries(admissions)) {
    test(word, async () => {
      const broker = await Broker.start(env);
      await broker.stop();
      assert.match(broker.output, new RegExp(` info listening .* admission=${word} `));
    });
  }
});

describe('a secret with something around it', ours, () => {
  const around = {
    'a newline': (s) => `${s}\n`,
    'a carriage return': (s) => `${s}\r`,
    'a line end of DOS': (s) => `${s}\r\n`,
    'blanks and tabs': (s) => ` \t${s} \t`,
    'a byte order mark': (s) => `\uFEFF${s}`,
    'double quotes': (s) => `"${s}"`,
    'single quotes': (s) => `'${s}'`,
    'quotes and a newline': (s) => `"${s}"\n`,
  };
  const encode = (value) => Buffer.from(value).toString('base64url');
  function tokenFor(id) {
    const claims = { sub: id, exp: Math.floor(Date.now() / 1000) + 600 };
    const signed = `${encode('{"alg":"HS256"}')}.${encode(JSON.stringify(claims))}`;
    return `${signed}.${createHmac('sha256', kSecret).update(signed).digest('base64url')}`;
  }

  /// The broker takes tokens, gives passwords and signs with the secret itself.
  async function expectRight(env, cwd) {
    const webhook = await Webhook.start({ answer: json({ authorized: true }) });
    const broker = await Broker.start(
      {
        NODES_AUTHENTICATION_PLUGIN: 'jwt-auth',
        RTC_CONFIGURATION_RESOLVER_PLUGIN: 'turn-credentials',
        TURN_URLS: 'turn:turn.example:3478',
        AUTHORIZE_NODES_COMMUNICATION_WEBHOOK_URL: webhook.url(),
        ...env,
      },
      { cwd },
    );
    const id = freshId();
    const node = await joinNode(broker.port, id, { query: { data: tokenFor(id) } });
    assert.equal(
      await refusalOf(broker.port, freshId(), { query: { data: 'x' } }),
      'authentication failed',
    );
    const [{ username, credential }] = (await node.authenticated).iceServers;
    assert.equal(credential, createHmac('sha1', kSecret).update(username).digest('base64'));
    const other = freshId();
    await joinNode(broker.port, other, { query: { data: tokenFor(other) } });
    assert.equal(await send(node, 'SOCKET_MSG_EXCHANGE', { to: other }), 'OK');
    const [{ headers, body }] = webhook.requests;
    const signed = createHmac('sha256', kKey)
      .update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`)
      .digest('base64');
    assert.ok(headers['webhook-signature'].split(' ').includes(`v1,${signed}`));
    await broker.stop();
    assert.ok(!broker.output.includes(kSecret), 'a secret is in the log');
    return broker.output;
  }
  const kKey = randomBytes(32);
  const secrets = {
    JWT_SECRET: kSecret,
    TURN_SHARED_SECRET: kSecret,
    WEBHOOK_SIGNING_SECRET: `whsec_${kKey.toString('base64')}`,
  };
  const each = (change) =>
    Object.fromEntries(Object.entries(secrets).map(([name, value]) => [name, change(value)]));
  after(stopWebhooks);

  for (const [what, change] of Object.entries(around)) {
    test(`in the environment is right all the same: ${what}`, async () => {
      const output = await expectRight(each(change));
      for (const name of Object.keys(secrets))
        assert.equal(
          warningsIn(output).some((warning) => warning.startsWith(`${name}: `)),
          what.includes('quotes'),
          output,
        );
    });

    test(`in a file is right all the same: ${what}`, async () => {
      const env = Object.fromEntries(
        Object.entries(secrets).map(([name, value]) => [`${name}_FILE`, file(change(value))]),
      );
      const output = await expectRight(env);
      assert.equal(/had quotes around it/.test(output), what.includes('quotes'), output);
    });
  }

  test('in a .env file is right all the same', async () => {
    const lines = Object.entries(secrets).map(([name, value]) => `${name}=  "${value}"  \r\n`);
    await expectRight({}, dotenv(`\uFEFF${lines.join('')}`));
  });

  test('is taken as it is if quotes are put around its own', async () => {
    const token = '"quoted"';
    const broker = await Broker.start({
      NODES_AUTHENTICATION_PLUGIN: plugin('token-auth'),
      SHARED_TOKEN: `"${token}"`,
    });
    await joinNode(broker.port, freshId(), { query: { data: token } });
    await broker.stop();
  });

  test('a URL too', async () => {
    const output = await runBroker(['--check-config'], {
      REDIS_URL: '\uFEFFredis://user:hush-hush@127.0.0.1:6379\r\n',
      NODES_AUTHENTICATION_WEBHOOK_URL: ' https://127.0.0.1/a\n',
    });
    assert.equal(output.code, 0, output.output);
  });

  const wrong = {
    'UTF-16': [Buffer.from(`\uFEFF${kSecret}`, 'utf16le'), /UTF-16/],
    'UTF-16 without a mark': [Buffer.from(kSecret, 'utf16le'), /UTF-16/],
    'a NUL': [Buffer.from(`${kSecret}\0`), /NUL/],
    'a control character': [`\x01${kSecret}`, /control character/],
    'a no-break space': [`${kSecret}\u00a0`, /no-break space \(U\+00A0\)/],
    'a zero-width space': [`\u200b${kSecret}\n`, /zero-width space \(U\+200B\)/],
    'nothing but blanks': [' \n', /consists only of blanks or quotes/],
  };
  for (const [what, [value, words]] of Object.entries(wrong)) {
    test(`is refused by name, and not shown: ${what}`, async () => {
      const named = { JWT_SECRET_FILE: file(value), NODES_AUTHENTICATION_PLUGIN: 'jwt-auth' };
      const ways = [named];
      if (!Buffer.isBuffer(value)) ways.push({ ...named, JWT_SECRET_FILE: '', JWT_SECRET: value });
      for (const env of ways) {
        const { code, output } = await runBroker(['--check-config'], env);
        assert.equal(code, 2, output);
        const line = output.split('\n').find((each) => /JWT_SECRET(_FILE)?: /.test(each));
        assert.match(line ?? output, words);
        assert.ok(!output.includes(kSecret) && !output.includes(kSecret.slice(3, 20)), output);
      }
    });
  }

  test('a number or a word with something around it is refused, with a hint', async () => {
    const { code, output } = await runBroker(['--check-config'], {
      PORT: '"8080"',
      LOG_FORMAT: 'json\r',
    });
    assert.equal(code, 2);
    assert.equal(output.match(/remove the quotes or blanks around it/g)?.length, 2, output);
  });
});

describe('as many workers as CPUs may be used', ours, () => {
  const startLine = / info listening .* workers=(\d+) /;
  /// The workers of a broker that is started by `command`, as --print-config and the start line say.
  function workersUnder(prefix) {
    const run = (...args) =>
      spawnSync('/bin/sh', ['-c', `${prefix} "$0" "$@"`, binary, ...args], {
        encoding: 'utf8',
        cwd: temporaryDirectory(),
        env: { PATH: process.env.PATH, PORT: '1' },
      });
    const printed = run('--print-config');
    assert.equal(printed.status, 0, printed.stderr);
    return Number(/^WORKERS=(\d+) {2}# default: /m.exec(printed.stdout)[1]);
  }
  const available = os.availableParallelism?.() ?? os.cpus().length;
  const hasTaskset = spawnSync('taskset', ['--version']).status === 0;

  test('by default', async () => {
    const broker = await Broker.start();
    await broker.stop();
    const workers = Number(startLine.exec(broker.output)[1]);
    assert.equal(workers, workersUnder('exec'));
    assert.ok(workers >= 1 && workers <= available, `${workers} of ${available}`);
  });

  test('by CPU affinity', { skip: !hasTaskset && 'there is no taskset' }, () => {
    const allowed = /list: (\d+)/.exec(
      spawnSync('taskset', ['-pc', String(process.pid)], { encoding: 'utf8' }).stdout,
    )[1];
    assert.equal(workersUnder(`exec taskset -c ${allowed}`), 1);
  });

  describe('by the quota of the cgroup', () => {
    /// A cgroup of our own below the one that this process is in: its folder and how to set its quota.
    function makeCgroup() {
      const groups = fs.readFileSync('/proc/self/cgroup', 'utf8').split('\n');
      const find = (pattern) => groups.map((line) => pattern.exec(line)).find(Boolean)?.[1];
      const name = `crolang-test-${process.pid}`;
      const v1 = find(/^\d+:(?:[^:]*,)?cpu(?:,[^:]*)?:(.*)$/);
      const [root, own] =
        v1 !== undefined
          ? ['/sys/fs/cgroup/cpu', v1]
          : ['/sys/fs/cgroup', find(/^0::(.*)$/) ?? '/'];
      for (const parent of [path.join(root, own), root]) {
        const folder = path.join(parent, name);
        try {
          fs.mkdirSync(folder);
        } catch {
          continue;
        }
        const setQuota = (microseconds) =>
          v1 !== undefined
            ? fs.writeFileSync(path.join(folder, 'cpu.cfs_quota_us'), String(microseconds))
            : fs.writeFileSync(path.join(folder, 'cpu.max'), `${microseconds} 100000`);
        try {
          setQuota(50_000);
          return { folder, setQuota };
        } catch {
          fs.rmdirSync(folder);
        }
      }
      return undefined;
    }
    let cgroup;
    before(() => {
      cgroup = makeCgroup();
    });
    after(() => cgroup && fs.rmdirSync(cgroup.folder));

    for (const [quota, cpus] of [
      [50_000, 1],
      [100_000, 1],
      [100_001, 2],
    ]) {
      test(`${quota / 1000} ms of 100`, (t) => {
        if (!cgroup) return t.skip('no cgroup with a CPU quota can be made here');
        cgroup.setQuota(quota);
        const enter = `echo $$ > ${cgroup.folder}/cgroup.procs && exec`;
        return assert.equal(workersUnder(enter), Math.min(cpus, available));
      });
    }
  });
});
