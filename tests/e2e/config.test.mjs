// The command line, the environment and what the broker says when something in them is wrong.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';
import {
  binary,
  Broker,
  freePort,
  getJson,
  oursOnly,
  plugin,
  repository,
  runBroker,
  temporaryDirectory,
  testPlugin,
} from './support/broker.mjs';
import { freshId, joinNode } from './support/node.mjs';
import { joinRaw, RawSocket } from './support/raw.mjs';

const ours = oursOnly('has no such interface');

function directoryWith(files) {
  const directory = temporaryDirectory();
  for (const [name, text] of Object.entries(files))
    fs.writeFileSync(path.join(directory, name), text);
  return directory;
}

const kTokenAuth = { NODES_AUTHENTICATION_PLUGIN: plugin('token-auth') };

const kVariables = [
  'PORT',
  'PLAIN_PORT',
  'BIND_ADDRESS',
  'WORKERS',
  'TLS_CERT_FILE',
  'TLS_KEY_FILE',
  'TLS_MIN_VERSION',
  'TLS_CLIENT_CA_FILE',
  'TLS_RECORD_LAYER',
  'TRUSTED_PROXIES',
  'CLIENT_ADDRESS_HEADER',
  'PROXY_PROTOCOL',
  'LOG_LEVEL',
  'LOG_FORMAT',
  'METRICS_ENABLED',
  'PING_INTERVAL_MS',
  'PING_TIMEOUT_MS',
  'HANDSHAKE_TIMEOUT_MS',
  'MAX_PAYLOAD_BYTES',
  'MAX_OUTBOX_BYTES',
  'MAX_CONNECTIONS',
  'MAX_PRESENCE_IDS',
  'MAX_PRESENCE_IDS_PER_SECOND',
  'NODES_VALIDITY_CHECK_MAX_IDS',
  'MAX_NODE_ID_BYTES',
  'DUPLICATE_ID_PROBE_TIMEOUT_MS',
  'NODES_STATUS_CHECK_INTERVAL_MS',
  'P2P_CONNECTION_ENABLED',
  'WEBSOCKET_RELAY_ENABLED',
  'AUTHORIZE_NODES_COMMUNICATION_SCOPE',
  'AUTHORIZE_PRESENCE',
  'NEGOTIATION_INSIGHT',
  'ALLOWED_ORIGINS',
  'MESSAGE_RATE_PER_NODE',
  'MESSAGE_BURST_PER_NODE',
  'MAX_CONNECTION_AGE_MS',
  'MAX_CONNECTIONS_PER_ADDRESS',
  'CONNECTION_RATE_PER_ADDRESS',
  'MAX_HANDSHAKES',
  'PLUGIN_TIMEOUT_MS',
  'DRAIN_DURATION_MS',
  'PLUGINS_DIR',
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

const hasWord = (text, word) => new RegExp(`(^|[^A-Z_])${word}([^A-Z_]|$)`, 'm').test(text);

describe('the command line', ours, () => {
  test('--help lists every variable and ends with 0', async () => {
    const { code, output } = await runBroker(['--help']);
    assert.equal(code, 0);
    for (const name of kVariables) assert.ok(hasWord(output, name), name);
    assert.match(output, /PORT.*8080/);
  });

  test('--print-config-markdown prints the tables of docs/configuration.md', async () => {
    const { code, output } = await runBroker(['--print-config-markdown']);
    assert.equal(code, 0);
    const page = fs.readFileSync(path.join(repository, 'docs/configuration.md'), 'utf8');
    const tables = output.trimEnd().split('\n\n');
    assert.equal(tables.length, 2);
    for (const table of tables) assert.ok(page.includes(`\n${table}\n`), table);
  });

  test('--help lists what the bundled plugins read', async () => {
    const { output } = await runBroker(['--help']);
    for (const name of ['REDIS_LOCK_TTL_MS', 'WEBHOOK_TIMEOUT_MS', 'TURN_URLS', 'JWT_SECRET']) {
      assert.ok(hasWord(output, name), name);
    }
  });

  test('--help does not depend on invalid values', async () => {
    assert.equal((await runBroker(['--help'], { PORT: 'x' })).code, 0);
  });

  test('--version prints the version that /healthz reports', async () => {
    const { code, output } = await runBroker(['--version']);
    assert.equal(code, 0);
    const [version] = /\d+\.\d+\.\d+/.exec(output);
    const broker = await Broker.start();
    assert.equal((await getJson(broker, '/healthz')).json.version, version);
    await broker.stop();
  });

  test('--check-config starts nothing', async () => {
    const port = await freePort();
    assert.equal((await runBroker(['--check-config'], { PORT: String(port) })).code, 0);
    const { code, output } = await runBroker(['--check-config'], { PORT: '0' });
    assert.equal(code, 2);
    assert.match(output, /PORT/);
  });

  test('--print-config shows values and where they come from, secrets masked', async () => {
    const { code, output } = await runBroker(['--print-config'], {
      ...kTokenAuth,
      SHARED_TOKEN: 'very-secret',
      PING_INTERVAL_MS: '12345',
    });
    assert.equal(code, 0);
    for (const name of [...kVariables, 'SHARED_TOKEN']) assert.ok(hasWord(output, name), name);
    assert.match(output, /PING_INTERVAL_MS=12345/);
    assert.match(output, /PORT=8080/);
    assert.doesNotMatch(output, /very-secret/);
  });

  test('--print-config masks the password of REDIS_URL', async () => {
    const { output } = await runBroker(['--print-config'], {
      REDIS_URL: 'redis://user:very-secret@localhost:6379',
    });
    assert.match(output, /REDIS_URL/);
    assert.doesNotMatch(output, /very-secret/);
  });

  test('an option that is a variable ends with 2 and says how it is set', async () => {
    const told = {
      '--port 9000': /unknown option "--port": set PORT=9000 /,
      '--port=9000': /unknown option "--port": set PORT=9000 /,
      '-p 9000': /unknown option "-p": set PORT=9000 /,
      '--workers=4': /set WORKERS=4 /,
      '--check-config --log-level 1': /set LOG_LEVEL=1 /,
      '--redis-url redis://:very-secret@h': /set REDIS_URL=… /,
      '--turn-shared-secret=very-secret': /set TURN_SHARED_SECRET=… /,
      '--jwt-secret very-secret': /set JWT_SECRET=… /,
      '--metrics': /set METRICS_ENABLED /,
      '--host 0.0.0.0': /set BIND_ADDRESS /,
      '-p9000': /set PORT=9000 /,
      serve: /serve: the broker runs without arguments/,
      'PORT=9000': /before the name of the program: PORT=9000 crolang-broker/,
      '--check': /did you mean --check-config\?/,
      help: /did you mean --help\?/,
      '--frobnicate': /unknown option "--frobnicate".*--help/,
    };
    for (const [line, words] of Object.entries(told)) {
      const { code, output } = await runBroker(line.split(' '));
      assert.equal(code, 2, line);
      assert.match(output, words);
      assert.doesNotMatch(output, /very-secret/);
    }
  });

  for (const args of [
    ['--no-such-option'],
    ['nonsense'],
    ['plugins', 'check'],
    ['--version', '--check-config'],
  ]) {
    test(`${args.join(' ')} ends with 2`, async () => {
      const { code, output } = await runBroker(args);
      assert.equal(code, 2);
      assert.notEqual(output.trim(), '');
    });
  }
});

describe('invalid variables', ours, () => {
  test('are reported all at once, with exit code 2, and nothing is started', async () => {
    const wrong = {
      PORT: '70000',
      BIND_ADDRESS: 'nowhere',
      LOG_LEVEL: '4',
      LOG_FORMAT: 'xml',
      WORKERS: '0',
      PING_INTERVAL_MS: 'soon',
      PING_TIMEOUT_MS: '-1',
      MAX_PAYLOAD_BYTES: '1e6',
      P2P_CONNECTION_ENABLED: 'yes',
      AUTHORIZE_NODES_COMMUNICATION_SCOPE: 'some',
      DRAIN_DURATION_MS: ' 1',
      MAX_NODE_ID_BYTES: '0',
      NODES_AUTHENTICATION_WEBHOOK_URL: 'not a url',
    };
    const { code, output } = await runBroker([], wrong);
    assert.equal(code, 2);
    for (const name of Object.keys(wrong)) assert.ok(hasWord(output, name), `${name} in ${output}`);
  });

  test('of a plugin are among them', async () => {
    const { code, output } = await runBroker([], { ...kTokenAuth, PORT: 'x', LOG_LEVEL: 'y' });
    assert.equal(code, 2);
    for (const name of ['PORT', 'LOG_LEVEL', 'SHARED_TOKEN'])
      assert.ok(hasWord(output, name), `${name} in ${output}`);
  });

  test('that contradict each other are refused', async () => {
    for (const [env, sentence] of [
      [{ MAX_OUTBOX_BYTES: '1500000' }, /MAX_OUTBOX_BYTES: .* MAX_PAYLOAD_BYTES/],
      [{ PORT: '9000', PLAIN_PORT: '9000' }, /PLAIN_PORT: 9000 is PORT too/],
      [{ TLS_CERT_FILE: '/x' }, /TLS_CERT_FILE is set without TLS_KEY_FILE/],
      [{ TLS_KEY_FILE: '/x' }, /TLS_KEY_FILE is set without TLS_CERT_FILE/],
    ]) {
      const { code, output } = await runBroker([], env);
      assert.equal(code, 2);
      assert.match(output, sentence);
    }
  });

  test('that are secret are not shown', async () => {
    const { code, output } = await runBroker([], { REDIS_URL: 'very-secret' });
    assert.equal(code, 2);
    assert.ok(hasWord(output, 'REDIS_URL'));
    assert.doesNotMatch(output, /very-secret/);
  });

  test('that are URLs get an example', async () => {
    const { code, output } = await runBroker([], {
      REDIS_URL: 'localhost:6379',
      NODES_AUTHENTICATION_WEBHOOK_URL: 'app.example.org/auth',
    });
    assert.equal(code, 2);
    assert.match(output, /REDIS_URL: .* such as redis:\/\/localhost:6379 \(it has no scheme/m);
    assert.match(
      output,
      /NODES_AUTHENTICATION_WEBHOOK_URL: .* such as https:\/\/example.org\/path \(it has no scheme/m,
    );
    assert.equal(output.match(/REDIS_URL/g).length, 1, output);
  });

  test('that are misspelt cause a warning', async () => {
    const broker = await Broker.start({ PING_INTERVALL_MS: '1000' });
    await broker.stop();
    assert.match(broker.output, /PING_INTERVALL_MS/);
    assert.ok(hasWord(broker.output, 'PING_INTERVAL_MS'), broker.output);
  });
});

describe('a .env file', ours, () => {
  test('in the working directory is read, the environment wins', async () => {
    const cwd = directoryWith({
      '.env': '# comment\nMAX_PRESENCE_IDS=7\nexport MAX_NODE_ID_BYTES="99"\nPORT=1\n',
    });
    const { code, output } = await runBroker(
      ['--print-config'],
      { MAX_NODE_ID_BYTES: '42' },
      { cwd },
    );
    assert.equal(code, 0);
    assert.match(output, /^MAX_PRESENCE_IDS=7\b.*\.env/m);
    assert.match(output, /^MAX_NODE_ID_BYTES=42\b/m);
  });

  test('counts when the broker runs', async () => {
    const broker = await Broker.start(
      {},
      { cwd: directoryWith({ '.env': 'P2P_CONNECTION_ENABLED=false\n' }) },
    );
    const node = await joinNode(broker.port);
    assert.equal(await node.emitWithAck('CONNECTION_ATTEMPT', '{}'), 'DISABLED');
    await broker.stop();
  });

  test('with a fault is named in it', async () => {
    const { code, output } = await runBroker(
      [],
      {},
      { cwd: directoryWith({ '.env': 'PORT=x\n' }) },
    );
    assert.equal(code, 2);
    assert.match(output, /PORT.*\.env/);
  });
});

describe('a secret from a file', ours, () => {
  test('is trimmed and used', async () => {
    const cwd = directoryWith({ token: '  from-a-file\n' });
    const broker = await Broker.start({
      ...kTokenAuth,
      SHARED_TOKEN_FILE: path.join(cwd, 'token'),
    });
    await joinNode(broker.port, freshId(), { query: { data: 'from-a-file' } });
    await broker.stop();
    assert.doesNotMatch(broker.output, /from-a-file/);
  });

  test('that is empty, missing, or given besides the variable is a fault', async () => {
    const cwd = directoryWith({ empty: '\n', good: 'x' });
    for (const env of [
      { SHARED_TOKEN_FILE: path.join(cwd, 'empty') },
      { SHARED_TOKEN_FILE: path.join(cwd, 'missing') },
      { SHARED_TOKEN_FILE: path.join(cwd, 'good'), SHARED_TOKEN: 'y' },
    ]) {
      const { code, output } = await runBroker([], { ...kTokenAuth, ...env });
      assert.equal(code, 2, output);
      assert.match(output, /SHARED_TOKEN/);
    }
  });
});

describe('what the environment asks for and is not there', ours, () => {
  const services = {
    REDIS_URL: ['redis://localhost:6379', 'redis-registry'],
    NODES_AUTHENTICATION_WEBHOOK_URL: ['http://localhost/a', 'webhook-auth'],
    RTC_CONFIGURATION_RESOLVER_WEBHOOK_URL: ['http://localhost/a', 'webhook-rtc'],
    AUTHORIZE_NODES_COMMUNICATION_WEBHOOK_URL: ['http://localhost/a', 'webhook-authorize'],
    NODES_VALIDITY_CHECK_WEBHOOK_URL: ['http://localhost/a', 'webhook-validity'],
    ON_AUTHENTICATED_SOCKET_MSG_WEBHOOK_URL: ['http://localhost/a', 'webhook-message'],
  };
  for (const [name, [value, pluginName]] of Object.entries(services)) {
    test(`${name} without its plugin ends with 3`, async () => {
      const { code, output } = await runBroker([], {
        [name]: value,
        PLUGINS_DIR: temporaryDirectory(),
      });
      assert.equal(code, 3, output);
      assert.ok(hasWord(output, name), output);
      assert.ok(output.includes(pluginName), output);
    });
  }

  test('a plugin that does not exist ends with 3 and its name', async () => {
    for (const value of ['no-such-plugin', '/no/such/plugin.so']) {
      const { code, output } = await runBroker([], { NODES_AUTHENTICATION_PLUGIN: value });
      assert.equal(code, 3, output);
      assert.ok(output.includes(value), output);
    }
  });

  test('a plugin that does not exist gets the names of the others, and the most similar', async () => {
    const { code, output } = await runBroker([], { NODES_AUTHENTICATION_PLUGIN: 'jwt_auth' });
    assert.equal(code, 3, output);
    assert.match(output, /did you mean jwt-auth\? There are: .*token-auth.*turn-credentials/);
  });

  test('a file that is not a plugin ends with 3 and its path', async () => {
    const file = path.join(directoryWith({ 'text.so': 'hello' }), 'text.so');
    const { code, output } = await runBroker([], { NODES_AUTHENTICATION_PLUGIN: file });
    assert.equal(code, 3, output);
    assert.ok(output.includes(file), output);
  });

  const refused = {
    wrong_magic: 'is not a broker plugin entry',
    other_major: 'rebuild it against plugin-api 1',
    no_entry: "no symbol 'crolang_plugin_entry'",
  };
  for (const [name, sentence] of Object.entries(refused)) {
    test(`a plugin refused for ${name} ends with 3 and says so`, async () => {
      const { code, output } = await runBroker([], {
        NODES_AUTHENTICATION_PLUGIN: testPlugin(`fixtures/${name}`),
      });
      assert.equal(code, 3, output);
      assert.ok(output.includes(sentence), output);
    });
  }

  test('a plugin that does not serve the kind it was named for ends with 3', async () => {
    const { code, output } = await runBroker([], {
      AUTHORIZE_NODES_COMMUNICATION_PLUGIN: plugin('token-auth'),
      SHARED_TOKEN: 'x',
    });
    assert.equal(code, 3, output);
    assert.ok(
      hasWord(output, 'AUTHORIZE_NODES_COMMUNICATION_PLUGIN') || output.includes('authorization/1'),
      output,
    );
    assert.match(output, /what it provides is chosen by NODES_AUTHENTICATION_PLUGIN/);
  });
});

describe('a running broker', ours, () => {
  const talk = async (broker) => {
    const a = await joinRaw(broker.port, freshId());
    const b = await joinRaw(broker.port, freshId());
    assert.deepEqual(await a.emit('SOCKET_MSG_EXCHANGE', JSON.stringify({ to: b.id })), ['OK']);
    await b.packet();
    return [a, b];
  };

  test('listens on BIND_ADDRESS only', async () => {
    const broker = await Broker.start({ BIND_ADDRESS: '127.0.0.1' });
    await talk(broker);
    await assert.rejects(RawSocket.connect(broker.port, '127.0.0.2'));
    await assert.rejects(RawSocket.connect(broker.port, '::1'));
    await broker.stop();
  });

  for (const workers of ['1', '5']) {
    test(`relays between all nodes with WORKERS=${workers}`, async () => {
      const broker = await Broker.start({ WORKERS: workers });
      const nodes = await Promise.all(
        Array.from({ length: 12 }, () => joinRaw(broker.port, freshId())),
      );
      for (const from of nodes) {
        for (const to of nodes) {
          assert.deepEqual(await from.emit('SOCKET_MSG_EXCHANGE', JSON.stringify({ to: to.id })), [
            'OK',
          ]);
          assert.match(await to.packet(), /^42\["SOCKET_MSG_EXCHANGE",/);
        }
      }
      await broker.stop();
    });
  }

  test('logs connections at LOG_LEVEL=1 and messages at 2, at 0 neither', async () => {
    const outputs = [];
    for (const level of ['0', '1', '2']) {
      const broker = await Broker.start({ LOG_LEVEL: level });
      const [node] = await talk(broker);
      await broker.stop();
      outputs.push([
        broker.output.includes(node.id),
        broker.output.includes('SOCKET_MSG_EXCHANGE'),
      ]);
    }
    assert.deepEqual(outputs, [
      [false, false],
      [true, false],
      [true, true],
    ]);
  });

  test('logs one JSON object a line with LOG_FORMAT=json', async () => {
    const broker = await Broker.start({ LOG_LEVEL: '3', LOG_FORMAT: 'json' });
    await joinNode(broker.port, 'q"uote\\ \u2028 ü');
    await talk(broker);
    await broker.stop();
    const lines = broker.output.trim().split('\n');
    assert.ok(lines.length > 3);
    for (const line of lines) assert.equal(typeof JSON.parse(line), 'object', line);
  });

  test('serves /metrics only if METRICS_ENABLED', async () => {
    for (const [enabled, status] of [
      ['false', 404],
      ['true', 200],
    ]) {
      const broker = await Broker.start({ METRICS_ENABLED: enabled });
      await talk(broker);
      const response = await fetch(`${broker.url}/metrics`);
      assert.equal(response.status, status);
      const text = await response.text();
      assert.equal(/^# TYPE crolang_/m.test(text), enabled === 'true');
      await broker.stop();
    }
  });
});

describe('what keeps it from starting', ours, () => {
  test('a port taken gives a sentence and exit code 1', async () => {
    const broker = await Broker.start();
    const { code, output } = await runBroker([], { PORT: String(broker.port) });
    assert.equal(code, 1, output);
    assert.ok(output.includes(String(broker.port)), output);
    await broker.stop();
  });

  test('so does a PLAIN_PORT that is taken, and is named', async () => {
    const broker = await Broker.start();
    const { code, output } = await runBroker([], {
      PORT: String(await freePort()),
      PLAIN_PORT: String(broker.port),
    });
    assert.equal(code, 1, output);
    assert.match(output, new RegExp(`port ${broker.port} is already in use: .* with PLAIN_PORT`));
    await broker.stop();
  });

  test('a file limit below MAX_CONNECTIONS gives a sentence and exit code 1', async () => {
    const { code, output } = await runBroker(
      ['-c', `ulimit -n 200; exec "${binary}"`],
      { PORT: String(await freePort()), MAX_CONNECTIONS: '5000' },
      { command: '/bin/sh' },
    );
    assert.equal(code, 1, output);
    assert.match(output, /file/i);
  });
});

describe('plugins', ours, () => {
  test('lists what is there', async () => {
    const { code, output } = await runBroker(['plugins']);
    assert.equal(code, 0, output);
    assert.match(output, /token-auth/);
    assert.match(output, /deny-list/);
  });

  test('check FILE prints what it provides and reads, without creating it', async () => {
    const { code, output } = await runBroker(['plugins', 'check', plugin('token-auth')]);
    assert.equal(code, 0, output);
    for (const part of [
      'org.crolang.example.token-auth',
      '1.0.0',
      'authentication/1',
      'SHARED_TOKEN',
    ])
      assert.ok(output.includes(part), output);
  });

  test('check FILE says why it does not fit', async () => {
    const { code, output } = await runBroker([
      'plugins',
      'check',
      testPlugin('fixtures/other_major'),
    ]);
    assert.equal(code, 3, output);
    assert.match(output, /rebuild it against plugin-api 1/);
  });

  test('check FILE of a file that is not there ends with 3', async () => {
    assert.equal((await runBroker(['plugins', 'check', '/no/such/file.so'])).code, 3);
  });
});

describe('healthcheck', ours, () => {
  const ask = (env) => runBroker(['healthcheck'], env);
  const expectUnwell = async (env, words) => {
    const { code, output } = await ask(env);
    assert.equal(code, 1, output);
    assert.match(output, words);
  };

  /// A TCP server in place of a broker, for one test.
  async function impostor(t, onConnection) {
    const server = net.createServer(onConnection);
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const sockets = new Set();
    server.on('connection', (socket) => sockets.add(socket));
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return { PORT: String(server.address().port) };
  }

  for (const address of [undefined, '127.0.0.1', '0.0.0.0', '::']) {
    test(`finds a broker that listens on ${address ?? 'every address'}`, async () => {
      const env = address ? { BIND_ADDRESS: address } : {};
      const broker = await Broker.start(env);
      const { code, output } = await ask({ ...env, PORT: String(broker.port) });
      await broker.stop();
      assert.equal(code, 0, output);
      assert.equal(JSON.parse(output).status, 'ok');
    });
  }

  for (const address of ['127.0.0.2', '::1']) {
    test(`says that nobody listens on ${address}`, async () => {
      const port = await freePort();
      const where = address.includes(':') ? `\\[${address}\\]` : address;
      await expectUnwell(
        { BIND_ADDRESS: address, PORT: String(port) },
        new RegExp(`no answer from ${where}:${port}: `),
      );
    });
  }

  test('does not wait for ever', async (t) => {
    await expectUnwell(await impostor(t, () => {}), /no answer from .*timed out/);
  });

  test('takes no other answer than 200', async (t) => {
    const env = await impostor(t, (socket) =>
      socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n'),
    );
    await expectUnwell(env, /status 404 from 127\.0\.0\.1/);
  });

  test('takes no endless answer', async (t) => {
    const env = await impostor(t, (socket) => {
      socket.on('error', () => {});
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(1_000_000)}`);
    });
    await expectUnwell(env, /no answer from .*too long/);
  });

  test('says what is wrong with the configuration, with the code that a HEALTHCHECK knows', () =>
    expectUnwell({ PORT: 'x' }, /PORT/));
});
