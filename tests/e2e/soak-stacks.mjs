/// Started by scripts/soak stacks: every pair of all WebRTC stacks, with the default configuration and by the relay alone. Prints a
/// table of each, and ends with 1 if a pair that can connect did not, or one of docs/wire.md that cannot did.
import { Broker } from './support/broker.mjs';
import { Coturn } from './support/coturn.mjs';
import { converse, kPrograms, obstacle, Stack } from './support/stacks.mjs';
import { scaled } from './support/time.mjs';

const kAtOnce = 6;
const kSecret = 'north-wind-and-sun';
/// For pairs that are said to be unable.
const kPatience = scaled(15_000);

const names = Object.keys(kPrograms);
const stacks = {};
for (const name of names) stacks[name] = await Stack.start(name);
const coturn = await Coturn.start(kSecret);
const relaying = {
  RTC_CONFIGURATION_RESOLVER_PLUGIN: 'turn-credentials',
  TURN_URLS: coturn.url(),
  TURN_SHARED_SECRET: kSecret,
  ICE_TRANSPORT_POLICY: 'relay',
};
const ways = {
  direct: {},
  relay: relaying,
  'relay, TURN_USERNAME=expiry': { ...relaying, TURN_USERNAME: 'expiry' },
};

const surprises = [];
let pairs = 0;
for (const [way, env] of Object.entries(ways)) {
  const broker = await Broker.start(env);
  const table = Object.fromEntries(names.map((name) => [name, {}]));
  const waiting = names.flatMap((a) => names.map((b) => [a, b]));
  const work = async () => {
    for (let pair = waiting.shift(); pair; pair = waiting.shift()) {
      const [offering, answering] = pair;
      const why = obstacle(way, offering, answering);
      let fault;
      try {
        await converse(broker.port, stacks[offering], stacks[answering], why && kPatience);
      } catch ({ message }) {
        fault = message;
      }
      ++pairs;
      table[offering][answering] = fault ? 'no' : 'yes';
      if (fault && !why) surprises.push(`${way}: ${offering} to ${answering}: ${fault}`);
      if (!fault && why) surprises.push(`${way}: ${offering} to ${answering} works now: docs/wire.md says "${why}"`);
    }
  };
  await Promise.all(Array.from({ length: kAtOnce }, work));
  await broker.stop();
  console.log(`${way} (offers below, answers beside):`);
  console.table(table);
}
for (const { name } of Object.values(stacks)) console.log(name);
for (const sentence of surprises) console.log(sentence);
console.log(`${pairs - surprises.length} passed, ${surprises.length} failed`);
await Promise.all(Object.values(stacks).map((stack) => stack.stop()));
await coturn.stop();
process.exit(surprises.length ? 1 : 0);
