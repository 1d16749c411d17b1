// Shows a negotiation: how far it has come, the path that won, and each step with its time.
import { appendInView, element } from './elements.mjs';

const MAX_STEPS = 500;
const SIGNS = { out: '→', in: '←', here: '·' };
const STATES = { todo: 'to come', doing: 'under way', done: 'done', failed: 'failed', closed: 'closed' };

export class Negotiation {
  #stages = new Map();
  #path;
  #steps;
  #empty;
  #start = 0;
  #sent = 0;
  #received = 0;

  constructor(section) {
    for (const stage of section.querySelectorAll('[data-stage]')) this.#stages.set(stage.dataset.stage, stage);
    this.#path = section.querySelector('.winner');
    this.#steps = section.querySelector('.steps');
    this.#empty = section.querySelector('.empty');
    this.#mark({ offer: 'todo', answer: 'todo', candidates: 'todo', channel: 'todo' });
  }

  /// Forgets what was shown of an earlier one.
  begin() {
    this.#start = performance.now();
    this.#sent = this.#received = 0;
    this.#steps.replaceChildren();
    this.#path.hidden = true;
    this.#empty.hidden = true;
    this.#mark({ offer: 'doing', answer: 'todo', candidates: 'todo', channel: 'todo' });
  }

  step({ kind, direction, words, detail }) {
    this.#add(kind, direction, words, detail);
    switch (kind) {
      case 'offer':
        return this.#mark({ offer: 'done', answer: 'doing' });
      case 'answer':
        return this.#mark({ answer: 'done', candidates: 'doing' });
      case 'candidate':
        if (direction === 'out') ++this.#sent;
        else ++this.#received;
        return this.#showCandidates();
      case 'paired':
        return this.#mark({ candidates: 'done', ...(!this.#isDone('channel') && { channel: 'doing' }) });
      case 'channel':
        return this.#mark({ candidates: 'done', channel: 'done' });
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
    // The list has become shorter.
    this.#steps.scrollTop = this.#steps.scrollHeight;
  }

  #add(kind, direction, words, detail) {
    const item = element('li', { className: `step ${kind}` });
    const sign = element('span', { className: 'sign', textContent: SIGNS[direction] });
    sign.setAttribute('aria-hidden', 'true');
    item.append(
      element('span', { className: 'time', textContent: `${Math.round(performance.now() - this.#start)} ms` }),
      sign,
      element('span', { className: 'words', textContent: words }),
      element('span', { className: 'detail', textContent: detail }),
    );
    if (this.#steps.childElementCount >= MAX_STEPS) this.#steps.firstElementChild.remove();
    appendInView(this.#steps, item);
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
    return this.#stages.get(name).dataset.state === 'done';
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
