// One chart over time, drawn as SVG: what went well above the axis, what did not below it, each with its own scale.
// The legend tells lines by their dashes too, and shows the value at the cursor. A table says the same in words.
import { el, setAttribute, setText, svg } from './dom.js';
import { axisTime, clockTime, short, timeElement } from './format.js';

const kHeight = 150;
const kEdge = { left: 44, right: 10, top: 8, bottom: 20 };
// Where there are two scales, the upper one gets this part.
const kUpperPart = 0.62;
const kLaneGap = 7;
const kTickMs = 5 * 60_000;
const kMinuteMs = 60_000;

// No line runs along the upper edge.
const kHeadroom = 1.04;

/// The end of a scale: 1, 2, 4, 5 or 8 times a power of ten. `least`: 2 for what is counted, whose half is a number too.
export function niceMaximum(value, least = 0) {
  const wanted = Math.max(value * kHeadroom, least);
  if (!(wanted > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(wanted));
  return ([1, 2, 4, 5, 8].find((each) => each * power >= wanted) ?? 10) * power;
}

/// Points of a line, in pieces where values are missing: [[[x, y]…]…].
function pieces(points) {
  const all = [];
  let piece = [];
  for (const point of points) {
    if (point) piece.push(point);
    else if (piece.length > 0) {
      all.push(piece);
      piece = [];
    }
  }
  if (piece.length > 0) all.push(piece);
  return all;
}

const fixed = (value) => value.toFixed(1);
const path = (piece) => piece.map(([x, y], i) => `${i ? 'L' : 'M'}${fixed(x)} ${fixed(y)}`).join('');

export class Chart {
  #options;
  #samples = [];
  #counted = [];
  #cursor = null;
  #width = 0;
  #lines = new Map();

  /// `options`: title, unit, up and down: [{label, look, value(sample)}], where `look` is a class of style.css; total:
  /// how the table sums up a minute ('sum', 'last', 'most'); show: how a value is written; least: the least end of the scale; lanes: what is above and
  /// below; onCursor(time or null).
  constructor(options) {
    this.#options = { show: short, down: [], total: 'last', ...options };
    const { title, unit } = this.#options;
    const id = `chart-${options.id}`;
    this.title = el('h3', { id, text: title });
    this.tools = el('span', { class: 'tools' });
    this.unit = el('span', { class: 'unit', text: unit });
    this.plot = svg('svg', { class: 'plot', role: 'img', height: kHeight, 'aria-labelledby': `${id} ${id}-words` });
    this.words = el('p', { class: 'hidden', id: `${id}-words` });
    this.legend = el('ul', { class: 'legend', 'aria-label': `${title}, latest values` });
    this.empty = el('p', { class: 'nothing', hidden: true });
    this.table = el('table', { class: 'numbers' }, el('caption', { class: 'hidden' }), el('thead'), el('tbody'));
    this.details = el('details', { class: 'as-table' }, el('summary', {}, 'Table', el('span', { class: 'hidden', text: ` of ${title}` })), el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `${title}, by minute` }, this.table));
    this.details.addEventListener('toggle', () => this.#fillTable());
    this.element = el('article', { class: 'chart card', 'aria-labelledby': id }, el('header', {}, this.title, this.unit, this.tools), this.legend, el('div', { class: 'canvas' }, this.plot, this.empty), this.words, this.details);
    this.plot.addEventListener('pointermove', (event) => this.#point(event));
    this.plot.addEventListener('pointerleave', () => options.onCursor?.(null));
    new ResizeObserver(([{ contentRect }]) => {
      if (Math.abs(contentRect.width - this.#width) < 1) return;
      this.#width = contentRect.width;
      this.#draw();
    }).observe(this.plot.parentElement);
    this.#makeLegend();
  }

  /// Other lines than before. Shown by the next `setSamples`. Lines of the same names stay as they are.
  setSeries({ up, down = [] }) {
    const names = (series) => series.map(({ label, look }) => `${label} ${look}`).join();
    if (names([...up, ...down]) === names(this.#series)) return;
    Object.assign(this.#options, { up, down });
    this.#makeLegend();
  }

  /// `samples`: [{time, …}], oldest first; `from`, `until`: the time axis; `gapMs`: a longer pause is a gap;
  /// `counted`: those that the table sums up.
  setSamples(samples, { from, until, gapMs }, counted = samples) {
    this.#samples = samples;
    this.#counted = counted;
    this.from = from;
    this.until = until;
    this.gapMs = gapMs;
    this.#draw();
    this.#fillTable();
  }

  /// A time, or null for the latest.
  setCursor(time) {
    this.#cursor = time;
    this.#showCursor();
  }

  get #series() {
    return [...this.#options.up, ...this.#options.down];
  }

  #makeLegend() {
    this.legend.replaceChildren();
    this.#lines.clear();
    for (const series of this.#series) {
      const sign = svg('svg', { class: 'swatch', width: 26, height: 10, 'aria-hidden': 'true' }, svg('path', { class: `line ${series.look}`, d: 'M1 5H25' }));
      const value = el('strong');
      this.legend.append(el('li', {}, sign, el('span', { text: series.label }), value));
      this.#lines.set(series, { value });
    }
  }

  #lanes() {
    const height = kHeight - kEdge.top - kEdge.bottom;
    if (this.#options.down.length === 0) return { base: kEdge.top + height, up: height, down: 0 };
    const up = height * kUpperPart;
    return { base: kEdge.top + up, up, down: height - up - kLaneGap };
  }

  #x(time) {
    const width = this.#width - kEdge.left - kEdge.right;
    return kEdge.left + ((time - this.from) / (this.until - this.from)) * width;
  }

  #point({ offsetX }) {
    const width = this.#width - kEdge.left - kEdge.right;
    const part = Math.min(1, Math.max(0, (offsetX - kEdge.left) / width));
    this.#options.onCursor?.(this.from + part * (this.until - this.from));
  }

  #maximum(series) {
    return Math.max(0, ...series.flatMap(({ value }) => this.#samples.map((sample) => value(sample) ?? 0)));
  }

  #draw() {
    const isEmpty = this.#samples.length === 0;
    const isSilent = !this.#series.some(({ value }) => this.#samples.some((sample) => (value(sample) ?? null) !== null));
    this.empty.hidden = !isEmpty && !isSilent;
    setText(this.empty, isEmpty ? 'No samples yet. The first comes within seconds.' : 'No values in this time.');
    if (isEmpty || this.#width < 80) {
      this.plot.replaceChildren();
      this.#showCursor();
      return;
    }
    setAttribute(this.plot, 'width', String(Math.floor(this.#width)));
    const { up, down, lanes, least } = this.#options;
    const { base, up: upHeight, down: downHeight } = this.#lanes();
    const tops = { up: niceMaximum(this.#maximum(up), least), down: niceMaximum(this.#maximum(down)) };
    const parts = [...this.#grid(base, upHeight, downHeight, tops, lanes)];
    const paint = (series, y, fill) => {
      for (const piece of pieces(this.#points(series, y))) {
        if (piece.length === 1) piece.push([piece[0][0] + 1.5, piece[0][1]]);
        if (fill) parts.push(svg('path', { class: `area ${series.look}`, d: `${path(piece)}L${fixed(piece.at(-1)[0])} ${fixed(base)}L${fixed(piece[0][0])} ${fixed(base)}Z` }));
        parts.push(svg('path', { class: `line ${series.look}`, d: path(piece) }));
      }
    };
    up.forEach((series, i) => paint(series, (value) => base - (value / tops.up) * upHeight, i === 0));
    // What does not happen is not drawn over the axis.
    for (const series of down) {
      const isQuiet = (i) => !this.#samples[i] || !(series.value(this.#samples[i]) > 0);
      const quiet = new Set(this.#samples.filter((_, i) => isQuiet(i - 1) && isQuiet(i) && isQuiet(i + 1)));
      const loud = { ...series, value: (sample) => (quiet.has(sample) ? null : series.value(sample)) };
      paint(loud, (value) => base + kLaneGap + (value / tops.down) * downHeight, false);
    }
    this.cursorLine = svg('path', { class: 'cursor', d: '' });
    this.cursorTime = svg('text', { class: 'cursor-time', y: kHeight - 6, 'text-anchor': 'middle' });
    this.plot.replaceChildren(...parts, this.cursorLine, this.cursorTime);
    setText(this.words, this.#summary());
    this.#showCursor();
  }

  /// Null where there is a gap.
  #points({ value }, y) {
    const points = [];
    let before = null;
    for (const sample of this.#samples) {
      if (before !== null && sample.time - before > this.gapMs) points.push(null);
      before = sample.time;
      const now = value(sample);
      points.push(now === null || now === undefined ? null : [this.#x(sample.time), y(now)]);
    }
    return points;
  }

  *#grid(base, upHeight, downHeight, tops, lanes) {
    const right = this.#width - kEdge.right;
    const across = (y, kind) => svg('path', { class: kind, d: `M${kEdge.left} ${fixed(y)}H${fixed(right)}` });
    const label = (y, text) => svg('text', { class: 'tick', x: kEdge.left - 6, y: y + 3.5, 'text-anchor': 'end' }, text);
    yield across(base - upHeight, 'grid');
    yield across(base - upHeight / 2, 'grid');
    yield across(base, 'axis');
    yield label(base - upHeight, short(tops.up));
    yield label(base - upHeight / 2, short(tops.up / 2));
    yield label(base + (downHeight ? kLaneGap / 2 : 0), '0');
    if (downHeight) {
      yield across(base + kLaneGap, 'axis faint');
      yield across(base + kLaneGap + downHeight, 'grid');
      yield label(base + kLaneGap + downHeight, short(tops.down));
    }
    if (lanes) {
      yield svg('text', { class: 'lane', x: kEdge.left + 4, y: kEdge.top + 10 }, lanes[0]);
      yield svg('text', { class: 'lane', x: kEdge.left + 4, y: base + kLaneGap + downHeight - 4 }, lanes[1]);
    }
    for (let time = Math.ceil(this.from / kTickMs) * kTickMs; time <= this.until; time += kTickMs) {
      const x = this.#x(time);
      if (x < kEdge.left + 4 || x > right) continue;
      yield svg('path', { class: 'grid', d: `M${fixed(x)} ${kEdge.top}V${kHeight - kEdge.bottom}` });
      const anchor = x > right - 20 ? 'end' : 'middle';
      yield svg('text', { class: 'tick time', x: anchor === 'end' ? right : fixed(x), y: kHeight - 6, 'text-anchor': anchor }, axisTime(time));
    }
  }

  #at(time) {
    if (time === null) return this.#samples.at(-1);
    let nearest = null;
    for (const sample of this.#samples) {
      if (!nearest || Math.abs(sample.time - time) < Math.abs(nearest.time - time)) nearest = sample;
    }
    return nearest && Math.abs(nearest.time - time) <= this.gapMs ? nearest : null;
  }

  #showCursor() {
    const sample = this.#at(this.#cursor);
    for (const [series, { value }] of this.#lines) {
      setText(value, sample ? this.#options.show(series.value(sample)) : '–');
    }
    if (!this.cursorLine?.isConnected) return;
    const isShown = this.#cursor !== null && sample;
    const x = isShown ? this.#x(sample.time) : 0;
    setAttribute(this.cursorLine, 'd', isShown ? `M${fixed(x)} ${kEdge.top}V${kHeight - kEdge.bottom}` : '');
    setText(this.cursorTime, isShown ? clockTime(sample.time) : '');
    setAttribute(this.cursorTime, 'x', fixed(Math.min(Math.max(x, kEdge.left + 16), this.#width - kEdge.right - 28)));
    this.plot.classList.toggle('pointed', Boolean(isShown));
  }

  #summary() {
    const { unit, show } = this.#options;
    const lines = this.#series.map(({ label, value }) => {
      const values = this.#samples.map(value).filter((each) => each !== null && each !== undefined);
      if (values.length === 0) return `${label}: no values.`;
      const now = value(this.#samples.at(-1));
      return `${label}: now ${show(now)}, at least ${show(Math.min(...values))}, at most ${show(Math.max(...values))}.`;
    });
    return `Last 15 minutes${unit ? `, ${unit}` : ''}. ${lines.join(' ')} Numbers by minute are in the table below.`;
  }

  #fillTable() {
    if (!this.details.open) return;
    const { title, total, show } = this.#options;
    const units = { sum: 'sum of each minute', last: 'at the end of each minute', most: 'highest of each minute' };
    setText(this.table.caption, `${title}: ${units[total]}`);
    const head = [el('th', { scope: 'col', text: 'Minute' }), ...this.#series.map(({ label }) => el('th', { scope: 'col', text: label }))];
    this.table.tHead.replaceChildren(el('tr', {}, ...head));
    const minutes = groupByMinute(this.#counted);
    const rows = [...minutes].reverse().map(([minute, samples]) => {
      const cells = this.#series.map((series) => el('td', { text: show(summarize(total, samples, series)) }));
      return el('tr', {}, el('th', { scope: 'row' }, timeElement(new Date(minute * kMinuteMs).toISOString(), (text) => axisTime(new Date(text)))), ...cells);
    });
    this.table.tBodies[0].replaceChildren(...rows);
  }
}

function groupByMinute(samples) {
  const minutes = new Map();
  for (const sample of samples) {
    const minute = Math.floor(sample.time / kMinuteMs);
    minutes.set(minute, [...(minutes.get(minute) ?? []), sample]);
  }
  return minutes;
}

/// `sum` adds counts, which a series may show as rates: `series.count` then gives the counts.
function summarize(total, samples, series) {
  const read = series.count ?? series.value;
  const values = samples.map(read).filter((value) => value !== null && value !== undefined);
  if (values.length === 0) return null;
  if (total === 'sum') return values.reduce((sum, value) => sum + value, 0);
  return total === 'most' ? Math.max(...values) : values.at(-1);
}
