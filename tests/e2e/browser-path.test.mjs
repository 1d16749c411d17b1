// Two pages, one of which may use nothing but its TURN server: both say that their path is relayed.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import '../../examples/browser-node/test/path.test.mjs';
import { Broker, oursOnly } from './support/broker.mjs';
import { launchBrowser, needsBrowser, Person, servePage, talk } from './support/browser.mjs';
import { Coturn } from './support/coturn.mjs';

const kSecret = 'north-wind-and-sun';
const skip = needsBrowser.skip || oursOnly('has no plugins').skip;

let page;
let browser;
before(async () => {
  if (skip) return;
  [page, browser] = await Promise.all([servePage(), launchBrowser()]);
});
after(async () => {
  await browser?.close();
  await page?.stop();
});

/// Resolves with the two once they are connected. `initiator`, `responder`: options of each.
async function connected(t, broker, { initiator, responder }) {
  const [alice, bob] = await Promise.all(
    [initiator, responder].map((options) => Person.open(browser, page.url, { broker: broker.url, ...options })),
  );
  for (const one of [alice, bob]) t.after(() => one.close());
  await Promise.all([alice.join(), bob.join()]);
  await alice.add(bob.id);
  await alice.connect();
  await bob.decide(alice.id, 'Accept');
  await Promise.all([alice.sees('Messages go over the data channel.'), bob.sees('Messages go over the data channel.')]);
  return [alice, bob];
}

async function bothSayRelayed([alice, bob]) {
  for (const one of [alice, bob]) {
    await one.hasPath('relayed');
    await one.sees('relayed by TURN');
    // Candidates may come after it.
    const path = (await one.steps()).filter((step) => step.startsWith('Path ')).at(-1);
    assert.match(path, /^Path (chosen|changed): relayed by TURN$/);
    assert.equal(await one.page.getByText('connected directly').count(), 0);
  }
  await talk(alice, bob, /data channel$/);
}

/// Holds back what this page is told of the other's candidates, until the function that it returns is called.
function holdCandidates() {
  const held = [];
  let isHolding = true;
  return {
    prepare: (tab) =>
      tab.routeWebSocket(/\/socket\.io\//, (socket) => {
        socket.connectToServer().onMessage((message) => {
          const pass = () => socket.send(message);
          if (isHolding && String(message).includes('ICE_CANDIDATES_EXCHANGE')) held.push(pass);
          else pass();
        });
      }),
    get count() {
      return held.length;
    },
    release() {
      isHolding = false;
      for (const pass of held.splice(0)) pass();
    },
  };
}

const kRoles = ['initiator', 'responder'];
const otherThan = (role) => kRoles.find((one) => one !== role);

describe('a path through a TURN server', { skip }, () => {
  let coturn;
  let broker;
  before(async () => {
    coturn = await Coturn.start(kSecret);
    broker = await Broker.start(resolver(coturn));
  });
  after(async () => {
    await broker.stop();
    await coturn.stop();
  });

  for (const role of kRoles) {
    test(`is relayed on both sides when the ${role} uses nothing else`, async (t) => {
      await bothSayRelayed(await connected(t, broker, { [role]: { isRelayOnly: true } }));
    });

    test(`is relayed on both sides when the candidates of the ${role}, who uses nothing else, come late`, async (t) => {
      const candidates = holdCandidates();
      const people = await connected(t, broker, {
        [role]: { isRelayOnly: true },
        [otherThan(role)]: { prepare: candidates.prepare },
      });
      const late = people[kRoles.indexOf(otherThan(role))];
      await late.sees(/Path chosen|ICE: connected/);
      assert.ok(candidates.count > 0);
      candidates.release();
      await late.sees('Candidate received: relay (TURN)');
      await bothSayRelayed(people);
    });
  }
});

describe('a path through a TURN server behind a NAT', { skip }, () => {
  // The relay has another address for nodes on its own side of the NAT than the one that it names.
  let coturn;
  let broker;
  before(async () => {
    coturn = await Coturn.start(kSecret, { publicAddress: '203.0.113.7' });
    broker = await Broker.start(resolver(coturn));
  });
  after(async () => {
    await broker.stop();
    await coturn.stop();
  });

  for (const role of kRoles) {
    test(`is relayed on both sides when the ${role} uses nothing else`, async (t) => {
      await bothSayRelayed(await connected(t, broker, { [role]: { isRelayOnly: true } }));
    });
  }
});

function resolver(coturn) {
  return {
    RTC_CONFIGURATION_RESOLVER_PLUGIN: 'turn-credentials',
    TURN_URLS: coturn.url(),
    TURN_SHARED_SECRET: kSecret,
  };
}
