// Which charts there are. They share one time axis and one cursor.
import { Chart } from './chart.js';
import { el } from './dom.js';
import { milliseconds } from './format.js';
import { kindName, outcomeName, receiptName } from './names.js';

const kSpanMs = 15 * 60_000;

const per = (sample, counts) => counts / sample.intervalSeconds;

/// A line of counts that is shown as a rate.
const rate = (label, look, count) => ({
  label,
  look,
  count,
  value: (sample) => {
    const counts = count(sample);
    return counts === null || counts === undefined ? null : per(sample, counts);
  },
});

const messages = (key, look) => rate(receiptName(key), look, ({ messages: counts }) => counts?.[key] ?? 0);
const outcomes = (key, look) => ({
  label: outcomeName(key),
  look,
  count: ({ negotiations: counts }) => counts?.[key] ?? 0,
  value: (sample) => (sample.negotiations ? (sample.negotiations[key] ?? 0) * (60 / sample.intervalSeconds) : null),
});

/// The keys that are known, in their order, then what a newer broker has beyond them.
function keysIn(samples, member, known) {
  const found = new Set(samples.flatMap((sample) => Object.keys(sample[member] ?? {})));
  return [...known, ...[...found].filter((key) => !known.includes(key))];
}

const kBad = ['bad', 'warn', 'odd', 'other'];

export class Charts {
  #charts;
  #latency;
  #kind = null;
  #shown = [[], { from: Date.now() - kSpanMs, until: Date.now(), gapMs: 0 }];
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
      nodes: make('nodes', { title: 'Nodes', unit: 'connected to this instance', up: [{ label: 'nodes', look: 'good', value: ({ nodes }) => nodes }] }),
      messages: make('messages', { title: 'Messages', unit: 'per second, by acknowledgement', total: 'sum', lanes: ['delivered', 'not delivered'], up: [], down: [] }),
      connects: make('connects', {
        title: 'Connects and refusals',
        unit: 'per second',
        total: 'sum',
        lanes: ['joined, left', 'refused'],
        up: [rate('joined', 'good', ({ joined }) => joined), rate('left', 'still', ({ left }) => left)],
        down: [rate('refused', 'bad', ({ refused }) => refused)],
      }),
      negotiations: make('negotiations', { title: 'Negotiations', unit: 'per minute, by outcome', total: 'sum', lanes: ['answered', 'not answered'], up: [], down: [] }),
      latency: this.#latency,
      instances: make('instances', { title: 'Instances', unit: 'of the grid', up: [{ label: 'instances', look: 'good', value: ({ instances }) => instances }] }),
    };
    this.#select.addEventListener('change', () => {
      this.#kind = this.#select.value;
      this.#latency.setSamples(...this.#shown);
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
    const samples = raw.map((sample) => ({ ...sample, time: Date.parse(sample.at), intervalSeconds })).filter(({ time }) => !Number.isNaN(time));
    const receipts = keysIn(samples, 'messages', ['ok', 'notConnected', 'notAuthorized', 'error']).filter((key) => key !== 'ok');
    this.#charts.messages.setSeries({ up: [messages('ok', 'good')], down: receipts.map((key, i) => messages(key, ['warn', 'odd', 'bad'][i] ?? 'other')) });
    const ends = keysIn(samples, 'negotiations', ['answered', 'unanswered', 'refused', 'notAllowed']).filter((key) => key !== 'answered' && key !== 'attempting');
    this.#charts.negotiations.setSeries({ up: [outcomes('answered', 'good')], down: ends.map((key, i) => outcomes(key, kBad[i] ?? 'other')) });
    this.#offerKinds(samples);
    // Its own clock counts, not that of this machine.
    const until = samples.at(-1)?.time ?? Date.now();
    this.#shown = [samples, { from: until - kSpanMs, until, gapMs: intervalSeconds * 2500 }];
    for (const chart of Object.values(this.#charts)) chart.setSamples(...this.#shown);
  }
}
