// Everything that a hostile client can do to the admin interface. After each case nodes still talk, and the interface answers
// whoever has the token.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { Admin, adminEnv } from './support/admin.mjs';
import { attack, expectAllowedAnswer, kMalformed, mutated, pseudoRandom } from './support/admin-hostile.mjs';
import { Broker, freePort, oursOnly } from './support/broker.mjs';
import { Pair } from './support/pair.mjs';
import { eventually, memoryIsMeasurable, scaled } from './support/time.mjs';

const ours = oursOnly('has no admin interface');

let broker;
let pair;
let admin;
let cookie;

describe('hostile clients of the admin interface', ours, () => {
  before(async () => {
    admin = new Admin(await freePort());
    broker = await Broker.start(adminEnv(admin.port));
    await eventually('the admin interface answers', () => admin.isThere());
    // Wrong tokens are among what is sent; a session is not limited by them.
    cookie = await admin.logIn();
    pair = await Pair.join(broker.port);
  });
  after(() => broker.stop());
  afterEach(async () => {
    await pair.stillTalks();
    const { status, json } = await admin.get('/api/v1/overview', { headers: { Cookie: cookie } });
    assert.equal(status, 200);
    assert.equal(json.nodes, 2);
  });

  for (const [name, bytes] of Object.entries(kMalformed)) {
    test(`may send ${name}`, async () => {
      expectAllowedAnswer(await attack(admin.port, bytes, 'end'), name);
      await attack(admin.port, bytes, 'reset');
    });
  }

  test('may send chunks whose headers or trailers never end', async () => {
    const start = 'POST /login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n';
    for (const begun of ['1;', '0;', '0\r\na: ']) {
      assert.match(await attack(admin.port, start + begun + 'a'.repeat(200_000)), /^HTTP\/1\.1 431 /, begun);
    }
  });

  test('may not put a token into a trailer', async () => {
    const request = 'GET /api/v1/overview HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n';
    assert.match(await attack(admin.port, `${request}Authorization: Bearer ${admin.token}\r\n\r\n`), /^HTTP\/1\.1 400 /);
  });

  test('may send requests with errors of any kind', async () => {
    const random = pseudoRandom(13);
    for (let round = 0; round < 40; ++round) {
      await Promise.all(
        Array.from({ length: 25 }, async () => {
          const bytes = mutated(random);
          expectAllowedAnswer(await attack(admin.port, bytes, ['end', 'end', 'reset'][random(3)]), String(bytes));
        }),
      );
    }
  });

  test('may send random bytes', async () => {
    const random = pseudoRandom(17);
    await Promise.all(
      Array.from({ length: 100 }, () => attack(admin.port, Buffer.from(Array.from({ length: 1 + random(3000) }, () => random(256))))),
    );
  });

  test('may send many requests at once on one connection', async () => {
    const answers = await attack(admin.port, 'GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(2000));
    assert.equal(answers.match(/HTTP\/1\.1 401/g).length, 2000);
  });

  test('may open streams and leave', async () => {
    const files = broker.files();
    for (let round = 0; round < 10; ++round) {
      await Promise.all(
        Array.from({ length: 20 }, () =>
          attack(admin.port, `GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nCookie: ${cookie}\r\n\r\n`, round % 2 ? 'reset' : 'answer'),
        ),
      );
    }
    await eventually('all are closed', () => broker.files() <= files + 2);
  });

  test('leave nothing behind', async () => {
    const before = broker.memory();
    const random = pseudoRandom(19);
    for (let round = 0; round < 20; ++round) {
      await Promise.all(Array.from({ length: 25 }, () => attack(admin.port, mutated(random))));
    }
    if (memoryIsMeasurable) assert.ok(broker.memory() - before < 20, `from ${before} to ${broker.memory()} MiB`);
    await eventually('all are closed', async () => (await admin.get('/metrics', { headers: { Cookie: cookie } })).status === 200, scaled(5000));
  });
});
