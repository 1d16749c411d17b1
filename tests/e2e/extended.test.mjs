// examples/extended as its readers run it: HAProxy, two brokers, Redis, coturn, and the webhook server or plugins that decide.
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { cleanEnvironment, oursOnly, repository, temporaryDirectory } from './support/broker.mjs';
import { directory, ExtendedDemo, jwt, secretOf, withToken } from './support/extended.mjs';
import { joinPatiently, kMessage } from './support/grid.mjs';
import { freshId, joinNode, received, refusalOf, send, startNode } from './support/node.mjs';
import { delay, eventually, scaled, within } from './support/time.mjs';
import { accept, closeConnections, connect, nextMessage } from './support/webrtc.mjs';

const ours = oursOnly('is not what the demo is made of');
const kNodes = 300;

/// Rejects unless it ends with 0. Nothing of this process stands still meanwhile.
const run = promisify(execFile);
const isAlive = (pid) => fs.existsSync(`/proc/${pid}`);

/// Lets nodes join until both brokers have one. The first and the last are on different brokers.
async function nodesOfBoth(demo, join) {
  const nodes = [];
  await eventually('both brokers have a node', async () => {
    nodes.push(await join());
    return (await demo.nodes()).every((count) => count > 0);
  });
  return nodes;
}

async function expectTalk(initiator, responder) {
  for (const [from, to] of [
    [initiator, responder],
    [responder, initiator],
  ]) {
    const arrival = nextMessage(to.channel);
    from.channel.send('ü€😀');
    assert.equal(await within(scaled(10_000), 'a message', arrival), 'ü€😀');
  }
}

/// What both ways of deciding have in common. `credentials(id)`: the options of a node that may connect.
function connectsAndSurvives(demoOf, credentials) {
  const join = (id = freshId()) => joinNode(demoOf().port, id, credentials(id));

  /// Two nodes, one on each broker. HAProxy gives a newcomer to the broker with fewer connections, but may still count
  /// some that have just ended.
  async function joinBoth() {
    let nodes;
    await eventually('two nodes are on different brokers', async () => {
      nodes = [await join(), await join()];
      const isApart = (await demoOf().nodes()).every((count) => count === 1);
      if (!isApart) await demoOf().empty();
      return isApart;
    });
    return nodes;
  }

  async function connectBoth([a, b], policy) {
    const configuration = async (node) => ({ ...(await node.authenticated), ...policy });
    return within(
      scaled(30_000),
      'the data channel opens',
      Promise.all([
        connect(a, b.nodeId, await configuration(a)),
        accept(b, await configuration(b)),
      ]),
    );
  }

  test('peers on different brokers connect directly', async () => {
    const [initiator, responder] = await connectBoth(await joinBoth(), {});
    await expectTalk(initiator, responder);
    for (const { session } of [initiator, responder]) {
      const { local, remote } = await session.path();
      assert.ok(![local, remote].includes('relay'), `${local} to ${remote}`);
      assert.deepEqual(session.refused, []);
    }
  });

  test('peers on different brokers that may only use the relay connect through coturn', async () => {
    const ends = await connectBoth(await joinBoth(), { iceTransportPolicy: 'relay' });
    await expectTalk(...ends);
    for (const { session } of ends) {
      assert.deepEqual(await session.path(), { local: 'relay', remote: 'relay' });
      assert.deepEqual(session.refused, []);
    }
  });

  test(`a broker is restarted under ${kNodes} nodes, and every node is connected again within 10 s`, async () => {
    const demo = demoOf();
    const ids = Array.from({ length: kNodes }, () => freshId('resident'));
    const comesAgain = { reconnection: true, reconnectionDelayMax: 2000 };
    const nodes = ids.map((id) => startNode(demo.port, id, { ...credentials(id), ...comesAgain }));
    await within(
      scaled(20_000),
      'all nodes join',
      Promise.all(nodes.map(({ authenticated }) => authenticated)),
    );
    const [first, second] = await demo.nodes();
    assert.ok(first > kNodes / 3 && second > kNodes / 3, `${first} and ${second}`);

    let isOver = false;
    const acks = {};
    const talk = nodes.map(async (node, i) => {
      while (!isOver) {
        const message = { from: ids[i], to: ids[(i + 1) % kNodes], channel: 'load', content: 'x' };
        const ack = node.connected
          ? await send(node, 'SOCKET_MSG_EXCHANGE', message).catch(() => 'lost')
          : 'away';
        acks[ack] = (acks[ack] ?? 0) + 1;
        await delay(500);
      }
    });
    let left = 0;
    for (const node of nodes) node.on('disconnect', () => (left += 1));

    const before = demo.pid('broker-1');
    process.kill(before, 'SIGTERM');
    const began = Date.now();
    await eventually('the broker has gone', () => !isAlive(before), scaled(10_000));
    await eventually(
      'every node is back',
      async () => {
        if (!nodes.every(({ connected }) => connected)) return false;
        const answers = await demo.nodes().catch(() => [0, 0]);
        return answers[0] + answers[1] === kNodes;
      },
      scaled(10_000) - (Date.now() - began),
    ).catch((error) => {
      const away = nodes.filter(({ connected }) => !connected).length;
      throw new Error(
        `${error.message}: ${away} away, ${JSON.stringify(acks)}\n${demo.output.slice(-4000)}`,
      );
    });
    isOver = true;
    await Promise.all(talk);
    assert.notEqual(demo.pid('broker-1'), before);
    assert.ok(left >= first, `${left} of ${first} noticed`);
    assert.ok(acks.OK > 0 && !acks.UNAUTHORIZED, JSON.stringify(acks));
    const answers = await Promise.all(
      nodes.map((node, i) =>
        send(node, 'SOCKET_MSG_EXCHANGE', { to: ids[(i + 1) % kNodes], content: '' }),
      ),
    );
    assert.deepEqual(new Set(answers), new Set(['OK']));
  });

  test('HAProxy exposes what nodes need, and nothing else', async () => {
    const status = async (route) =>
      (await fetch(`http://127.0.0.1:${demoOf().port}${route}`)).status;
    assert.equal(await status('/healthz'), 200);
    assert.equal(await status('/metrics'), 404);
    assert.equal(await status('/readyz'), 404);
    assert.equal(await status('/socket.io/'), 400);
  });
}

/// Newcomers wait while Redis is new: a node that each broker has let in says that it no longer is.
async function startDemo(args, env, credentials) {
  const demo = await ExtendedDemo.start(args, env);
  for (const port of demo.brokerPorts) {
    await eventually('nodes are let in', async () => {
      const id = freshId('early');
      const node = await joinNode(port, id, credentials(id)).catch(() => undefined);
      node?.disconnect();
      return node;
    });
  }
  await demo.empty();
  return demo;
}

/// It ends in order and takes everything with it; none of the secrets has come to light.
async function expectCleanEnd(demo, secrets) {
  const pids = Object.values(demo.pids);
  assert.equal(await demo.stop(), 0, demo.output);
  assert.deepEqual(pids.filter(isAlive), []);
  assert.equal(fs.existsSync(demo.state), false);
  for (const secret of secrets) assert.ok(!demo.output.includes(secret), `${secret} in the log`);
}

describe('with the webhook server', ours, () => {
  let demo;
  before(async () => {
    demo = await startDemo([], { NODES_STATUS_CHECK_INTERVAL_MS: '200' }, () => withToken());
  });
  after(() =>
    expectCleanEnd(demo, [
      ...['demo-token', 'admin-token', 'turn-secret', 'webhook-signing-secret'].map(secretOf),
      new URL(secretOf('redis-url')).password,
      'private words',
    ]),
  );
  afterEach(async () => {
    closeConnections();
    await demo.empty();
  });
  const join = (id) => joinNode(demo.port, id, withToken());

  connectsAndSurvives(
    () => demo,
    () => withToken(),
  );

  test('a node without the token is refused', async () => {
    assert.equal(await refusalOf(demo.port, 'alice', withToken('wrong')), 'authentication failed');
    assert.equal(await refusalOf(demo.port, 'alice'), 'authentication failed');
  });

  test('a banned node is refused', async () =>
    assert.equal(await refusalOf(demo.port, 'mallory', withToken()), 'authentication failed'));

  test('a node that is banned later is disconnected, and may reconnect when the ban is lifted', async () => {
    const [node, other] = [await join('bob'), await join('carol')];
    const gone = once(node, 'disconnect');
    await demo.bans('PUT', 'bob');
    const [reason] = await within(scaled(10_000), 'bob has to go', gone);
    assert.equal(reason, 'io server disconnect');
    assert.equal(other.connected, true);
    assert.equal(await refusalOf(demo.port, 'bob', withToken()), 'authentication failed');
    await demo.bans('DELETE', 'bob');
    await join('bob');
  });

  test('a denied pair is UNAUTHORIZED in both directions, with others each may talk', async () => {
    const [alice, eve, bob] = [await join('alice'), await join('eve'), await join('bob')];
    for (const type of ['CONNECTION_ATTEMPT', 'SOCKET_MSG_EXCHANGE']) {
      assert.equal(await send(alice, type, { from: 'alice', to: 'eve' }), 'UNAUTHORIZED');
      assert.equal(await send(eve, type, { from: 'eve', to: 'alice' }), 'UNAUTHORIZED');
      assert.equal(await send(bob, type, { from: 'bob', to: 'eve' }), 'OK');
    }
  });

  test('messages are reported without their content', async () => {
    const [alice, bob] = [await join('alice'), await join('bob')];
    const arrival = received(bob, 'SOCKET_MSG_EXCHANGE');
    const message = { from: 'alice', to: 'bob', channel: 'chat', content: 'private words' };
    assert.equal(await send(alice, 'SOCKET_MSG_EXCHANGE', message), 'OK');
    assert.deepEqual(await arrival, message);
    await eventually('the message is told of', () =>
      /^webhooks +\| message \d+: from "alice" to "bob"$/m.test(demo.output),
    );
  });

  test('the program of the README has two nodes meet on different brokers', async () => {
    const cwd = path.join(directory, 'nodes');
    const env = cleanEnvironment({ BROKER: `http://127.0.0.1:${demo.port}` });
    let stdout;
    await eventually('they are on different brokers', async () => {
      ({ stdout } = await run(process.execPath, ['meet.mjs'], { cwd, env, timeout: scaled(20_000) }));
      return ['broker-1', 'broker-2'].every((name) => stdout.includes(`connected through ${name}`));
    });
    assert.match(stdout, /^bob received: .*"hello"/m);
    assert.match(stdout, /^alice sent a message: OK$/m);
  });

  test('the tests of the webhook server pass', async () => {
    const cwd = path.join(directory, 'webhooks');
    const { stdout } = await run(process.execPath, ['--test'], {
      cwd,
      env: cleanEnvironment({}),
      timeout: scaled(60_000),
    });
    assert.match(stdout, /^(#|ℹ) pass [1-9]/m);
  });
});

describe('with native.env', ours, () => {
  let demo;
  const credentials = (id) => withToken(jwt(id));
  before(async () => {
    demo = await startDemo(['--native'], {}, credentials);
  });
  after(() =>
    expectCleanEnd(demo, [
      ...['jwt-secret', 'turn-secret'].map(secretOf),
      new URL(secretOf('redis-url')).password,
    ]),
  );
  afterEach(async () => {
    closeConnections();
    await demo.empty();
  });

  connectsAndSurvives(() => demo, credentials);

  test('there is no webhook server', async () => {
    assert.deepEqual(Object.keys(demo.pids), [
      'broker-1',
      'broker-2',
      'coturn',
      'haproxy',
      'redis',
    ]);
    const socket = net.connect(Number(demo.ports.WEBHOOKS_PORT), '127.0.0.1');
    await assert.rejects(once(socket, 'connect'), { code: 'ECONNREFUSED' });
  });

  for (const [name, token] of [
    ['another node', jwt('bob')],
    ['nobody, since it is signed with another secret', jwt('alice', { secret: 'x'.repeat(32) })],
    ['nobody, since it is not signed', jwt('alice', { algorithm: 'none' })],
    ['nobody any more', jwt('alice', { claims: { exp: 1_700_000_000 } })],
    ['nobody, since it is none', secretOf('demo-token')],
  ]) {
    test(`a token that is good for ${name} is refused`, async () =>
      assert.equal(await refusalOf(demo.port, 'alice', withToken(token)), 'authentication failed'));
  }
});

describe('run-local', ours, () => {
  const endOf = async (demo) => within(scaled(30_000), 'run-local ends', demo.exited);

  test('ends with a sentence when a program is missing', async () => {
    const bin = temporaryDirectory();
    fs.symlinkSync(process.execPath, path.join(bin, 'node'));
    const demo = await ExtendedDemo.launch([], { PATH: bin });
    assert.equal(await endOf(demo), 1);
    assert.match(
      demo.output,
      /^run-local: redis-server is missing: apt-get install redis-server$/m,
    );
  });

  test('ends with an error message when there is no broker', async () => {
    const demo = await ExtendedDemo.launch([], { CROLANG_BROKER: '/nowhere/crolang-broker' });
    assert.equal(await endOf(demo), 1);
    assert.match(
      demo.output,
      /^run-local: there is no broker at \/nowhere\/crolang-broker: .*CROLANG_BROKER$/m,
    );
  });

  test('ends with a sentence when a port is taken, before anything is started', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    const demo = await ExtendedDemo.launch([], { TURN_PORT: String(port) });
    assert.equal(await endOf(demo), 1);
    assert.equal(demo.output, `run-local: port ${port} is taken: set TURN_PORT to another one\n`);
    server.close();
  });

  for (const [name, value, sentence] of [
    ['no port', 'x', "HAPROXY_PORT: 'x' is not a port"],
    ['the port of another service', '6390', 'HAPROXY_PORT and REDIS_PORT are both 6390'],
  ]) {
    test(`ends with a sentence when a variable is ${name}`, async () => {
      const demo = await ExtendedDemo.launch([], { HAPROXY_PORT: value, REDIS_PORT: '6390' });
      assert.equal(await endOf(demo), 1);
      assert.equal(demo.output, `run-local: ${sentence}\n`);
    });
  }

  test('ends with a sentence when a service fails, and ends the others', async () => {
    const demo = await ExtendedDemo.start(['--native']);
    const pids = demo.pids;
    process.kill(pids.redis, 'SIGKILL');
    assert.equal(await endOf(demo), 1);
    assert.match(demo.output, /^run-local: redis was ended by SIGKILL$/m);
    assert.deepEqual(Object.values(pids).filter(isAlive), []);
    assert.equal(fs.existsSync(demo.state), false);
  });

  test('with --sentinel: nodes of both brokers talk again after the Redis was killed, which comes back as a replica', async (t) => {
    const demo = await ExtendedDemo.start(['--native', '--sentinel']);
    t.after(() => demo.stop());
    assert.match(demo.output, /^run-local \| failover {2}kill -9 \$\(cat .*\/redis\.pid\)$/m);
    const join = (id = freshId()) => joinPatiently(demo.port, id, scaled(30_000), withToken(jwt(id)));
    const nodes = await nodesOfBoth(demo, join);
    const [first, last] = [nodes.at(0), nodes.at(-1)];
    const reaches = async () => (await send(first, kMessage, { to: last.nodeId })) === 'OK';
    assert.equal(await reaches(), true);
    process.kill(demo.pid('redis'), 'SIGKILL');
    await eventually('nobody is reached on the other broker', async () => !(await reaches()), scaled(10_000));
    await eventually('the replica has taken over', reaches, scaled(30_000));
    await eventually('it runs again', () => /^run-local \| redis was ended by SIGKILL and is started again$/m.test(demo.output));
    await join();
    assert.ok(nodes.every(({ connected }) => connected));
    process.kill(demo.pid('redis-2'), 'SIGKILL');
    await eventually('nobody is reached', async () => !(await reaches()), scaled(10_000));
    await eventually('and back again', reaches, scaled(60_000));
  });

  test('with --cluster: nodes of both brokers talk again after a master was killed, which comes back as a replica', async (t) => {
    const demo = await ExtendedDemo.start(['--native', '--cluster']);
    t.after(() => demo.stop());
    const join = (id = freshId()) => joinPatiently(demo.port, id, scaled(30_000), withToken(jwt(id)));
    const nodes = await nodesOfBoth(demo, join);
    const [first, last] = [nodes.at(0), nodes.at(-1)];
    const reaches = async () => (await send(first, kMessage, { to: last.nodeId })) === 'OK';
    assert.equal(await reaches(), true);
    process.kill(demo.pid('redis'), 'SIGKILL');
    await eventually('it runs again', () => /^run-local \| redis was ended by SIGKILL and is started again$/m.test(demo.output), scaled(30_000));
    await eventually('nodes talk', reaches, scaled(30_000));
    for (let n = 0; n < 6; ++n) nodes.push(await join());
    assert.ok(nodes.every(({ connected }) => connected));
  });

  test('takes no option that it does not know', async () => {
    const demo = await ExtendedDemo.launch(['--fast']);
    assert.equal(await endOf(demo), 2);
    assert.match(demo.output, /--fast[^]*usage: run-local/);
  });
});

describe('the files for Docker', ours, () => {
  const docker =
    spawnSync('docker-compose', ['version']).error && 'there is no docker-compose here';

  for (const [example, variables, files = []] of [
    ['standalone', {}],
    ['standalone', { BROKER_USER: '1000' }, ['docker-compose.yml', 'tls.yml']],
    ['extended', {}],
    ['extended', { DECIDED_BY: 'native' }],
  ]) {
    test(`docker-compose accepts ${example} ${Object.values(variables)}`, { skip: docker }, () => {
      const args = [...files.flatMap((file) => ['-f', file]), 'config', '-q'];
      const { status, stderr } = spawnSync('docker-compose', args, {
        cwd: path.join(repository, 'examples', example),
        encoding: 'utf8',
        env: cleanEnvironment(variables),
      });
      assert.equal(status, 0, stderr);
    });
  }

  test('HAProxy accepts its configuration without a warning', () => {
    const { status, stderr } = spawnSync(
      'haproxy',
      ['-c', '-f', path.join(directory, 'haproxy.cfg')],
      {
        encoding: 'utf8',
        env: cleanEnvironment({
          PATH: `${process.env.PATH}:/usr/sbin`,
          HAPROXY_BIND: ':8080',
          BROKER_1: '127.0.0.1:8081',
          BROKER_2: '127.0.0.1:8082',
        }),
      },
    );
    assert.equal(status, 0, stderr);
    assert.doesNotMatch(stderr, /WARNING/);
  });
});
