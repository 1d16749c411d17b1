// Socket.IO clients of other languages, and Chromium, by wss:// to a certificate of an authority that they were told to trust:
// they talk with nodes of the plain port, outlast a renewal, and refuse a certificate of anybody else.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { makeAuthority } from './support/authority.mjs';
import { Broker, isPeer, temporaryDirectory } from './support/broker.mjs';
import { Client, isMissing, kClients } from './support/clients.mjs';
import { freshId, joinNode, received, send } from './support/node.mjs';
import { TlsSocket } from './support/records.mjs';
import { delay, eventually, scaled } from './support/time.mjs';
import { kLocal, pairVariables, writePair } from './support/tls.mjs';

const kMessage = 'SOCKET_MSG_EXCHANGE';
const names = Object.keys(kClients).filter((name) => !kClients[name].isModel);
const missing = Object.fromEntries(names.map((name) => [name, isMissing(kClients[name])]));

describe('over TLS', { skip: isPeer && 'speaks no TLS' }, () => {
  const directory = temporaryDirectory();
  const clients = {};
  const nodes = {};
  let root;
  let intermediate;
  let broker;
  let plain;

  before(async () => {
    root = makeAuthority('Root for clients');
    intermediate = root.intermediate();
    const pair = intermediate.issue(kLocal, { subject: '/CN=first' });
    broker = await Broker.start({ ...pairVariables(writePair(pair, directory)), WORKERS: '2' });
    plain = await joinNode(broker.plainPort);
    await Promise.all(
      names
        .filter((name) => !missing[name])
        .map(async (name) => {
          clients[name] = await Client.start(name, { root, intermediate });
          nodes[name] = clients[name].connect(broker.port, freshId('tls'));
        }),
    );
  });
  after(async () => {
    await Promise.all(Object.values(clients).map((client) => client.stop()));
    await broker?.stop();
  });

  /// Both ways, with a node of the plain port.
  async function expectToTalk(node) {
    const content = freshId('é😀');
    const here = received(plain, kMessage);
    assert.equal(await node.send(plain.nodeId, content), 'OK');
    assert.deepEqual(await here, { from: node.id, to: plain.nodeId, content });
    const since = performance.now();
    assert.equal(await send(plain, kMessage, { from: plain.nodeId, to: node.id, content }), 'OK');
    const { text } = await node.history.next('received', since);
    assert.equal(JSON.parse(text).content, content);
  }

  for (const name of names) {
    test(`${name} connects, and talks with a node of the plain port`, { skip: missing[name] }, async () => {
      await nodes[name].joins();
      await expectToTalk(nodes[name]);
    });
  }

  test('all outlast a renewal under load, and newcomers get the new certificate', async () => {
    const all = Object.values(nodes);
    await Promise.all(all.map((node) => node.joins()));
    const since = performance.now();
    let isRenewed = false;
    const load = (async () => {
      for (; !isRenewed; await delay(50)) for (const node of all) await expectToTalk(node);
    })();
    load.catch(() => {});
    writePair(intermediate.issue(kLocal, { subject: '/CN=second' }), directory);
    broker.child.kill('SIGHUP');
    const subject = async () => {
      const socket = await TlsSocket.open(broker.port, { ca: root.certificate });
      const { CN } = socket.socket.getPeerCertificate().subject;
      socket.destroy();
      return CN;
    };
    try {
      await eventually('the new one is used', async () => (await subject()) === 'second');
    } finally {
      isRenewed = true;
    }
    await load;
    for (const [name, node] of Object.entries(nodes)) {
      const newcomer = clients[name].connect(broker.port, freshId('renewed'));
      await newcomer.joins();
      await expectToTalk(newcomer);
      await expectToTalk(node);
      const ends = node.history.events.filter(({ is, at }) => at > since && is === 'disconnected');
      assert.deepEqual(ends, [], name);
    }
  });

  test('none connects to a broker with a certificate of somebody else', async (t) => {
    const pair = makeAuthority('Somebody else').issue(kLocal);
    const other = await Broker.start({ ...pairVariables(writePair(pair)), METRICS_ENABLED: 'true' });
    t.after(() => other.kill());
    await Promise.all(
      Object.values(clients).map((client) =>
        client.connect(other.port, freshId('cheated')).history.next('failed', 0, scaled(30_000)),
      ),
    );
    const page = await fetch(`${other.url}/metrics`).then((response) => response.text());
    assert.match(page, /^crolang_broker_nodes 0$/m);
  });
});
