// Hostile requests to the admin interface for an hour (ADMIN_SOAK_SECONDS=3600), while nodes talk. Prints a line a minute. Exits with 1 if
// anything was held up, was answered wrongly, or was left behind, or if a sanitizer has found something.
import assert from 'node:assert/strict';
import { Admin, adminEnv } from './support/admin.mjs';
import { attack, expectAllowedAnswer, kMalformed, mutated, pseudoRandom } from './support/admin-hostile.mjs';
import { Broker, freePort } from './support/broker.mjs';
import { Pair } from './support/pair.mjs';
import { delay, eventually, scaled, within } from './support/time.mjs';

const seconds = Number(process.env.ADMIN_SOAK_SECONDS || 3600);
const seed = Number(process.env.SEED || 1);
const random = pseudoRandom(seed);
const admin = new Admin(await freePort());
const broker = await Broker.start(adminEnv(admin.port), {});
await eventually('the admin interface answers', () => admin.isThere());
const cookie = await admin.logIn();
const headers = { Cookie: cookie };
const pair = await Pair.join(broker.port);
const malformed = Object.values(kMalformed);
const end = Date.now() + seconds * 1000;
let sent = 0;
let lastReportAt = Date.now();
let slowest = 0;
let answered = 0;
let evicted = 0;

/// One hostile client after the other, until the time is over.
async function attacker(number) {
  const own = pseudoRandom(seed * 1000 + number);
  while (Date.now() < end) {
    const bytes = own(4) === 0 ? malformed[own(malformed.length)] : mutated(own);
    expectAllowedAnswer(await attack(admin.port, bytes, ['end', 'end', 'reset'][own(3)]), String(bytes).slice(0, 500));
    ++sent;
  }
}

/// Connections that say nothing, or too little. Each makes room for others after a while, and comes back.
async function idleClient() {
  while (Date.now() < end) {
    await delay(500);
    await attack(admin.port, ['', 'G', 'GET / HTTP/1.1\r\n'][random(3)], 'nothing');
    ++sent;
  }
}

/// All connections are taken most of the time, so one that sends its request 200 ms late is closed in favour of another: on a busy machine
/// that happens to the legitimate ones, too. Such a request is sent again, as a person would. Whatever else ends a connection is a fault.
const kGraceMs = 200;
async function overview() {
  for (;;) {
    const startedAt = performance.now();
    try {
      return await admin.get('/api/v1/overview', { headers });
    } catch (error) {
      const wasLate = performance.now() - startedAt >= kGraceMs - 10 && error.bytesReceived === 0;
      if (error.code !== 'ECONNRESET' || !wasLate) throw error;
      ++evicted;
    }
  }
}

async function watcher() {
  const openFiles = broker.files();
  while (Date.now() < end) {
    await pair.stillTalks();
    const startedAt = Date.now();
    const { status } = await overview();
    assert.equal(status, 200);
    ++answered;
    assert.ok(evicted <= 5 + answered / 100, `${evicted} connections for ${answered} requests were closed`);
    slowest = Math.max(slowest, Date.now() - startedAt);
    assert.ok(slowest < scaled(2000), `a request took ${slowest} ms`);
    assert.ok(broker.files() < openFiles + 150, `${broker.files()} files are open`);
    if (Date.now() - lastReportAt >= 60_000) {
      lastReportAt = Date.now();
      console.log(`${sent} hostile requests, ${answered} legitimate ones (${evicted} evicted), the slowest ${slowest} ms, ${broker.memory().toFixed(0)} MiB, ${broker.files()} files`);
    }
  }
}

await Promise.all([
  ...Array.from({ length: 20 }, (_, i) => attacker(i)),
  ...Array.from({ length: 100 }, () => idleClient()),
  watcher(),
]);
const reader = await admin.events({ headers });
const stopped = Date.now();
await within(scaled(20_000), 'the broker ends', broker.stop());
await reader.ends();
console.log(`${sent} hostile requests in ${seconds} s; ${answered} legitimate ones, ${evicted} evicted, the slowest took ${slowest} ms; ended within ${Date.now() - stopped} ms`);
process.exit(0);
