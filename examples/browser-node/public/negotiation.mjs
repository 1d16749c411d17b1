// Shows a negotiation: how far it has come, the path that won, and each step with its time.
import { element, followEnd } from './elements.mjs';

const MAX_STEPS = 500;
const SIGNS = { out: '→', in: '←', here: '·' };
const STATES = { todo: 'to come', doing: 'under way', waiting: 'waiting', done: 'done', open: 'open', failed: 'failed', closed: 'closed' };

export class Negotiation {
  #stages = new Map();
  #path;
  #steps;
  #append;
  #empty;
  #start = 0;
  #sent = 0;
  #received = 0;
  #last = null;

  /// `element`: what holds the stages, the path and the steps.
  constructor(element) {
    for (const stage of element.querySelectorAll('[data-stage]')) this.#stages.set(stage.dataset.stage, stage);
    this.#path = element.querySelector('.winner');
    this.#steps = element.querySelector('.steps');
    this.#append = followEnd(this.#steps);
    this.#empty = element.querySelector('.log .empty');
    this.#mark({ offer: 'todo', answer: 'todo', candidates: 'todo', channel: 'todo' });
  }

  /// Forgets what was shown of an earlier one.
  begin() {
    this.#start = performance.now();
    this.#sent = this.#received = 0;
    this.#last = null;
    this.#steps.replaceChildren();
    this.#path.hidden = true;
    this.#empty.hidden = true;
    this.#mark({ offer: 'doing', answer: 'todo', candidates: 'todo', channel: 'todo' });
  }

  step(step) {
    const { kind, direction } = step;
    this.#add(step);
    switch (kind) {
      case 'offer':
        return this.#mark({ offer: 'done', answer: direction === 'out' ? 'waiting' : 'doing' });
      case 'answer':
        return this.#mark({ answer: 'done', candidates: 'doing' });
      case 'candidate':
        if (direction === 'out') ++this.#sent;
        else ++this.#received;
        return this.#showCandidates();
      case 'paired':
        return this.#mark({ candidates: 'done', ...(!this.#isDone('channel') && { channel: 'doing' }) });
      case 'channel':
        return this.#mark({ candidates: 'done', channel: 'open' });
      case 'failure': {
        const stage = [...this.#stages.keys()].find((name) => !this.#isDone(name));
        return stage && this.#mark({ [stage]: 'failed' });
      }
      case 'end':
        this.#path.hidden = true;
        return this.#mark({ channel: 'closed' });
    }
  }

  showPath({ local, remote, isRelayed }, remoteId) {
    const line = element('span', { className: 'line', textContent: isRelayed ? 'relayed by TURN' : 'direct' });
    this.#path.replaceChildren(end('you', local.type), line, end(remoteId, remote.type));
    this.#path.dataset.how = isRelayed ? 'relayed' : 'direct';
    this.#path.hidden = false;
  }

  #add({ kind, direction, words, detail, groups }) {
    if (this.#repeatsLast(kind, direction, words, detail)) return;
    const item = element('li', { className: `step ${kind}` });
    const sign = element('span', { className: 'sign', textContent: SIGNS[direction] });
    sign.setAttribute('aria-hidden', 'true');
    const times = element('span', { className: 'times' });
    item.append(
      element('span', { className: 'time', textContent: `${Math.round(performance.now() - this.#start)} ms` }),
      sign,
      element('span', { className: 'words', textContent: words }),
      times,
      element('span', { className: 'detail', textContent: detail }),
      ...groups.map(serversOf),
    );
    this.#last = { key: keyOf(kind, direction, words, detail), times, count: 1 };
    if (this.#steps.childElementCount >= MAX_STEPS) this.#steps.firstElementChild.remove();
    this.#append(item);
  }

  /// What comes several times in a row is one line, with a count.
  #repeatsLast(...step) {
    if (this.#last?.key !== keyOf(...step)) return false;
    this.#last.times.textContent = `× ${++this.#last.count}`;
    return true;
  }

  #mark(states) {
    for (const [name, state] of Object.entries(states)) {
      const stage = this.#stages.get(name);
      stage.dataset.state = state;
      stage.querySelector('.note').textContent = STATES[state];
    }
    this.#showCandidates();
  }

  #showCandidates() {
    if (this.#sent + this.#received === 0) return;
    const note = this.#stages.get('candidates').querySelector('.note');
    note.textContent = `${this.#sent} out, ${this.#received} in`;
  }

  #isDone(name) {
    return ['done', 'open'].includes(this.#stages.get(name).dataset.state);
  }
}

function end(name, candidateType) {
  const span = element('span', { className: 'end' });
  span.append(
    element('span', { className: 'id', textContent: name }),
    element('span', { className: 'detail', textContent: candidateType }),
  );
  return span;
}

const keyOf = (...step) => JSON.stringify(step);

/// Servers that said the same: one line, which opens to their names.
function serversOf({ error, urls }) {
  if (urls.length === 1) return element('span', { className: 'detail', textContent: `${urls[0]}: ${error}` });
  const group = element('details', { className: 'detail' });
  const names = element('ul', {});
  names.append(...urls.map((url) => element('li', { textContent: url })));
  group.append(element('summary', { textContent: `${urls.length} × ${error}` }), names);
  return group;
}
