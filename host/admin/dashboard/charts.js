// Which charts there are. They share one time axis and one cursor.
import { Chart } from './chart.js';
import { el } from './dom.js';
import { milliseconds } from './format.js';
import { kindName, outcomeName, receiptName } from './names.js';

const kSpanMs = 15 * 60_000;

// What is counted in five seconds jumps too much for the eye.
const kRateMs = 15_000;
const kRareMs = 30_000;

/// A line of counts that is shown as a rate per `perSeconds`.
const rate = (label, look, count, perSeconds = 1) => ({
  label,
  look,
  count,
  value: (sample) => (count(sample) * perSeconds) / sample.seconds,
});

const messages = (key, look) => rate(receiptName(key), look, ({ messages: counts }) => counts?.[key] ?? 0);
const outcomes = (label, look, isOne) => {
  const count = ({ negotiations }) => Object.entries(negotiations ?? {}).reduce((sum, [key, value]) => sum + (isOne(key) ? value : 0), 0);
  return rate(label, look, count, 60);
};
const outcome = (key, look) => outcomes(outcomeName(key), look, (each) => each === key);
// With lines of their own; the rest has one together.
const kOutcomes = ['attempting', 'answered', 'unanswered', 'refused', 'notAllowed'];

/// One object of numbers and such objects, added up.
function add(one, other) {
  const sum = { ...one };
  for (const [key, value] of Object.entries(other)) {
    if (typeof value === 'number') sum[key] = (sum[key] ?? 0) + value;
    else if (value && typeof value === 'object') sum[key] = add(sum[key] ?? {}, value);
  }
  return sum;
}

/// Counts of several samples as those of one, which stands where the last of them stood. Slots begin at full hours, so that
/// what is past does not change from one answer to the next.
export function together(samples, spanMs) {
  const all = [];
  for (const { time, seconds, messages: receipts, negotiations, joined, left, refused } of samples) {
    const slot = Math.floor(time / spanMs);
    const counts = { seconds, messages: receipts ?? {}, negotiations: negotiations ?? {}, joined, left, refused };
    if (all.at(-1)?.slot === slot) all[all.length - 1] = { ...add(all.at(-1), counts), slot, time };
    else all.push({ ...counts, slot, time });
  }
  const isPart = ({ seconds }) => seconds * 1000 < spanMs;
  // What is left of the oldest says little, and so does what has begun: that goes with the one before it.
  if (all.length > 1 && isPart(all[0])) all.shift();
  if (all.length > 1 && isPart(all.at(-1))) {
    const last = all.pop();
    all.push({ ...add(all.pop(), last), slot: last.slot, time: last.time });
  }
  return all;
}

/// The keys that are known, in their order, then what occurs beyond them.
function keysIn(samples, member, known) {
  const found = new Set(samples.flatMap((sample) => Object.entries(sample[member] ?? {}).filter(([, value]) => value !== 0).map(([key]) => key)));
  return [...known, ...[...found].filter((key) => !known.includes(key))];
}

export class Charts {
  #charts;
  #latency;
  #kind = null;
  #showGauge = () => {};
  #select = el('select', { 'aria-label': 'Module whose time is shown' });

  constructor(place) {
    const onCursor = (time) => {
      for (const chart of Object.values(this.#charts)) chart.setCursor(time);
    };
    const make = (id, options) => new Chart({ id, onCursor, ...options });
    const time = (which) => ({ latencyMs: times }) => times?.[this.#kind]?.[which] ?? null;
    this.#latency = make('latency', {
      title: 'Time modules take',
      unit: '',
      show: milliseconds,
      total: 'most',
      up: [
        { label: 'p50', look: 'good', value: time('p50') },
        { label: 'p99', look: 'warn', value: time('p99') },
      ],
    });
    this.#charts = {
      nodes: make('nodes', { title: 'Nodes', unit: 'connected to this instance', least: 2, up: [{ label: 'nodes', look: 'good', value: ({ nodes }) => nodes }] }),
      messages: make('messages', { title: 'Messages', unit: 'per second, by acknowledgement', total: 'sum', lanes: ['delivered', 'not delivered'], up: [], down: [] }),
      connects: make('connects', {
        title: 'Connects and refusals',
        unit: 'per second',
        total: 'sum',
        lanes: ['joined, left', 'refused'],
        up: [rate('joined', 'good', ({ joined }) => joined), rate('left', 'still', ({ left }) => left)],
        down: [rate('refused', 'bad', ({ refused }) => refused)],
      }),
      negotiations: make('negotiations', {
        title: 'Negotiations',
        unit: 'per minute, by outcome',
        total: 'sum',
        lanes: ['answered', 'not answered'],
        up: [outcome('answered', 'good')],
        down: [outcome('unanswered', 'bad'), outcome('refused', 'warn'), outcome('notAllowed', 'odd'), outcomes('not delivered', 'other', (key) => !kOutcomes.includes(key))],
      }),
      latency: this.#latency,
      instances: make('instances', { title: 'Instances', unit: 'of the grid', least: 2, up: [{ label: 'instances', look: 'good', value: ({ instances }) => instances }] }),
    };
    this.#select.addEventListener('change', () => {
      this.#kind = this.#select.value;
      this.#showGauge(this.#latency);
    });
    this.#latency.tools.append(this.#select);
    place.replaceChildren(...Object.values(this.#charts).map(({ element }) => element));
  }

  #offerKinds(samples) {
    const kinds = keysIn(samples, 'latencyMs', []);
    if (kinds.length === 0) kinds.push('registry');
    const offered = [...this.#select.options].map(({ value }) => value);
    if (offered.join() !== kinds.join()) {
      this.#select.replaceChildren(...kinds.map((kind) => el('option', { value: kind, text: kindName(kind) })));
    }
    if (!kinds.includes(this.#kind)) this.#kind = kinds.includes('registry') ? 'registry' : kinds[0];
    this.#select.value = this.#kind;
  }

  /// The answer of /api/v1/history.
  show({ intervalSeconds, samples: raw }) {
    const samples = raw.map((sample) => ({ ...sample, time: Date.parse(sample.at), seconds: intervalSeconds })).filter(({ time }) => !Number.isNaN(time));
    const receipts = keysIn(samples, 'messages', ['ok', 'notConnected', 'unauthorized', 'error']).filter((key) => key !== 'ok');
    this.#charts.messages.setSeries({ up: [messages('ok', 'good')], down: receipts.map((key, i) => messages(key, ['warn', 'odd', 'bad'][i] ?? 'other')) });
    this.#offerKinds(samples);
    // Its own clock counts, not that of this machine.
    const until = samples.at(-1)?.time ?? Date.now();
    const from = until - kSpanMs;
    const show = (chart, shown, stepMs) => chart.setSamples(shown, { from, until, gapMs: stepMs * 2 + intervalSeconds * 500 }, samples);
    const { messages: receipts_, connects, negotiations, ...gauges } = this.#charts;
    for (const chart of [receipts_, connects]) show(chart, together(samples, kRateMs), kRateMs);
    show(negotiations, together(samples, kRareMs), kRareMs);
    this.#showGauge = (chart) => show(chart, samples, intervalSeconds * 1000);
    for (const chart of Object.values(gauges)) this.#showGauge(chart);
  }
}
