// The log of events: the newest first, bounded, and it can be held still.
import { $, el, idElement, plain, setText } from './dom.js';
import { clockTime, count, timeElement } from './format.js';
import { kindName, outcomeName } from './names.js';

const kMost = 300;
const kShowMs = 250;

const kKinds = { joined: 'joined', left: 'left', refused: 'refused', negotiation: 'negotiation', module: 'module', instance: 'instance', lost: 'lost' };
const words = (value) => (value === undefined || value === null || value === '' ? [] : [plain(value)]);
const after = (sign, value) => words(value).map((text) => `${sign} ${text}`);

const whoOf = ({ node, id }) => node ?? id;
const isWord = (value) => typeof value === 'string' && value !== '';

/// Of each type: what is said. The members that all of them use are not said again.
const kSentences = {
  joined: (data) => [idElement(whoOf(data)), ' joined'],
  left: (data) => [idElement(whoOf(data)), ' left', ...after(':', data.why ?? data.reason)],
  refused: (data) => [
    whoOf(data) === undefined ? 'A connection' : idElement(whoOf(data)),
    data.mayRetry === true ? ' was asked to retry' : ' was refused',
    ...after(':', [data.why, data.reason].filter(isWord).join(': ')),
  ],
  negotiation: ({ initiator, responder, state, diagnosis }) => [idElement(initiator), ' → ', idElement(responder), `: ${outcomeName(String(state))}`, ...after(' –', diagnosis)],
  module: ({ kind, plugin, fault, error, what, detail, state }) => [
    `${kindName(String(kind))}${isWord(plugin) ? ` (${plain(plugin)})` : ''}`,
    ...after(':', [fault ?? error ?? what, detail].filter(isWord).join(': ') || state),
  ],
  instance: (data) => ['Instance ', idElement(data.id ?? data.instance), ...after(' is', data.state)],
  lost: ({ count: missed }) => [`${count(missed)} events are missing here: this page was too slow for them`],
};
const kUsed = new Set(['at', 'id', 'node', 'instance', 'reason', 'why', 'mayRetry', 'initiator', 'responder', 'sessionId', 'state', 'diagnosis', 'kind', 'plugin', 'fault', 'error', 'what', 'detail', 'count', 'usual', 'answerSeconds']);

const isPlain = (value) => ['string', 'number', 'boolean'].includes(typeof value);

function describe(type, data) {
  const sentence = kSentences[type]?.(data) ?? [plain(type)];
  const rest = Object.entries(data).filter(([name, value]) => !kUsed.has(name) && isPlain(value) && value !== '' && value !== 0);
  const more = rest.slice(0, 6).map(([name, value]) => `${plain(name)} ${plain(value)}`).join(', ');
  return el(
    'li',
    { 'data-type': type },
    timeElement(data.at ?? new Date().toISOString(), (text) => clockTime(new Date(text))),
    el('span', { class: 'type', text: kKinds[type] ?? plain(type) }),
    el('span', { class: 'what' }, ...sentence, more ? el('span', { class: 'muted', text: ` (${more})` }) : null),
  );
}

export class EventLog {
  // Newest last. Those held back while the log is still are in `#held`.
  #all = [];
  #waiting = [];
  #held = [];
  #heldCount = 0;
  #isStill = false;
  #timer = null;
  #list = $('events-list');

  constructor() {
    $('events-pause').addEventListener('click', () => this.#setStill(!this.#isStill));
    $('events-clear').addEventListener('click', () => this.#clear());
    $('events-type').addEventListener('change', () => this.#showAll());
    this.#say();
  }

  add(type, data) {
    if (this.#isStill) {
      this.#heldCount += 1;
      this.#held.push([type, data]);
      if (this.#held.length > kMost) this.#held.shift();
      this.#soon(() => this.#say());
      return;
    }
    this.#waiting.push([type, data]);
    if (this.#waiting.length > kMost) this.#waiting.shift();
    this.#soon(() => this.#flush());
  }

  /// A gap, such as after a lost connection.
  note(text) {
    this.add('gap', { at: new Date().toISOString(), text });
  }

  /// A burst of events is shown at once.
  #soon(show) {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      show();
    }, kShowMs);
  }

  #wanted(type) {
    const { value } = $('events-type');
    return value === '' || type === 'gap' || type === 'lost' || value.split(' ').includes(type);
  }

  #make([type, data]) {
    if (type !== 'gap') return describe(type, data);
    return el('li', { class: 'gap' }, timeElement(data.at, (text) => clockTime(new Date(text))), el('span', { class: 'what', text: data.text }));
  }

  #flush() {
    const fresh = this.#waiting;
    this.#waiting = [];
    this.#all.push(...fresh);
    this.#all.splice(0, Math.max(0, this.#all.length - kMost));
    const shown = fresh.filter(([type]) => this.#wanted(type));
    this.#list.prepend(...shown.reverse().map((event) => this.#make(event)));
    while (this.#list.children.length > kMost) this.#list.lastElementChild.remove();
    this.#say();
  }

  #showAll() {
    const shown = this.#all.filter(([type]) => this.#wanted(type));
    this.#list.replaceChildren(...shown.reverse().map((event) => this.#make(event)));
    this.#say();
  }

  #setStill(value) {
    this.#isStill = value;
    $('events-pause').setAttribute('aria-pressed', String(value));
    if (!value) {
      this.#waiting.push(...this.#held);
      this.#held = [];
      this.#heldCount = 0;
    }
    this.#flush();
  }

  #clear() {
    this.#all = [];
    this.#held = [];
    this.#heldCount = 0;
    this.#showAll();
  }

  #say() {
    const isEmpty = this.#list.children.length === 0;
    $('events-empty').hidden = !isEmpty;
    setText($('events-empty'), this.#all.length > 0 ? 'No event of this kind.' : 'Nothing has happened since this page was opened.');
    const still = this.#heldCount > 0 ? `Paused, ${count(this.#heldCount)} new` : 'Paused';
    setText($('events-state'), this.#isStill ? still : '');
  }
}
