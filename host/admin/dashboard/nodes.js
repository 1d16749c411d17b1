// The table of nodes: of this instance or of the grid, by prefix, in pages.
import { get } from './api.js';
import { $, el, idElement, isNarrow, keepRows, plain, setAttribute, setId, setText, tableHead, tableRow } from './dom.js';
import { bytes, count, milliseconds, moment, setTime, short, timeElement } from './format.js';
import { Panel } from './panel.js';

const kPage = 25;
const kNarrowPage = 8;
const kTypingMs = 250;

const kColumns = [
  { name: 'id', label: 'Id', isHeader: true, class: 'who' },
  { name: 'instance', label: 'Instance' },
  { name: 'since', label: 'Since' },
  { name: 'client', label: 'Client' },
  { name: 'address', label: 'Address' },
  { name: 'roundTrip', label: 'Round trip', class: 'number' },
  { name: 'messages', label: 'Messages in / out', class: 'number' },
  { name: 'bytes', label: 'Bytes in / out', class: 'number' },
  { name: 'outbox', label: 'In outbox', class: 'number' },
  { name: 'action', label: 'Action', isHidden: true, class: 'action' },
];

export class Nodes {
  #panel = new Panel($('nodes'), { absent: 'This broker does not list its nodes.' });
  #form = $('nodes-search');
  #body = $('nodes-table').tBodies[0];
  // Of the pages before this one.
  #cursors = [];
  #cursor = null;
  #next = null;
  #asked = 0;
  #typing;
  #disconnect;

  /// `disconnect(id)` asks back, and does it.
  constructor({ disconnect }) {
    this.#disconnect = disconnect;
    tableHead($('nodes-table'), kColumns);
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#search();
    });
    this.#form.addEventListener('input', () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => this.#search(), kTypingMs);
    });
    $('nodes-next').addEventListener('click', () => this.#turn(() => {
      this.#cursors.push(this.#cursor);
      this.#cursor = this.#next;
    }, this.#next !== null));
    $('nodes-previous').addEventListener('click', () => this.#turn(() => {
      this.#cursor = this.#cursors.pop();
    }, this.#cursors.length > 0));
  }

  get heading() {
    return this.#panel.heading;
  }

  #search() {
    clearTimeout(this.#typing);
    this.#cursors = [];
    this.#cursor = null;
    this.refresh({ announce: true });
  }

  #turn(move, isPossible) {
    if (!isPossible) return;
    move();
    this.refresh({ announce: true });
  }

  /// Answers to questions before the last one are not shown.
  async refresh({ announce = false } = {}) {
    const mine = ++this.#asked;
    const { prefix, scope } = this.#form.elements;
    const question = { prefix: prefix.value, scope: scope.value, limit: isNarrow() ? kNarrowPage : kPage, cursor: this.#cursor };
    try {
      const answer = await get('nodes', question);
      if (mine === this.#asked) this.#show(answer, question, announce);
    } catch (error) {
      if (mine === this.#asked) this.#panel.failed(error);
    }
  }

  #show({ nodes, nextCursor, unreachable = [] }, { prefix, scope }, announce) {
    this.#next = nextCursor ?? null;
    const isNarrowed = prefix !== '' || this.#cursors.length > 0;
    const where = scope === 'grid' ? 'in the grid' : 'on this instance';
    const none = prefix === '' ? `No node is connected ${where}.` : `No id ${where} begins with “${plain(prefix)}”.`;
    this.#panel.ready(nodes.length === 0 && this.#cursors.length === 0 ? none : '');
    keepRows(this.#body, nodes, ({ id, instance }) => `${instance} ${id}`, (node) => this.#make(node), fillRow, this.heading);
    $('nodes').classList.toggle('narrowed', isNarrowed);
    const page = this.#cursors.length + 1;
    const words = nodes.length === 0 ? '' : `Page ${page}: ${count(nodes.length)} ${nodes.length === 1 ? 'node' : 'nodes'}${this.#next ? ', more follow' : ''}`;
    setText($('nodes-page'), words);
    if (announce) setText($('nodes-said'), words || none);
    $('nodes-previous').setAttribute('aria-disabled', String(page === 1));
    $('nodes-next').setAttribute('aria-disabled', String(!this.#next));
    $('nodes-pager').hidden = page === 1 && !this.#next;
    const missing = unreachable.map((id) => plain(id)).join(', ');
    $('nodes-unreachable').hidden = missing === '';
    setText($('nodes-unreachable'), missing ? `Without the nodes of ${missing}, which did not answer.` : '');
  }

  #make(node) {
    const button = el('button', { type: 'button', class: 'small', text: 'Disconnect', 'aria-haspopup': 'dialog', onclick: () => this.#disconnect(node.id) });
    button.append(' ', el('span', { class: 'hidden' }, idElement(node.id)));
    return tableRow(kColumns, {
      id: [idElement(node.id)],
      instance: [idElement(node.instance)],
      since: [timeElement(node.since)],
      client: [idElement('')],
      action: [button],
    });
  }
}

function fillRow({ parts }, node) {
  setId(parts.instance.firstChild, node.instance);
  setTime(parts.since.firstChild, node.since, moment);
  setId(parts.client.firstChild, [node.runtime, node.version].filter(Boolean).join(' '));
  if (!node.runtime && !node.version) setText(parts.client.firstChild, '–');
  setText(parts.address, plain(node.address ?? '–'));
  setText(parts.roundTrip, milliseconds(node.roundTripMs));
  setText(parts.messages, `${short(node.messagesIn)} / ${short(node.messagesOut)}`);
  setAttribute(parts.messages, 'title', `${count(node.messagesIn)} in, ${count(node.messagesOut)} out`);
  setText(parts.bytes, `${bytes(node.bytesIn)} / ${bytes(node.bytesOut)}`);
  setText(parts.outbox, bytes(node.outboxBytes));
  parts.outbox.classList.toggle('waiting', node.outboxBytes > 0);
}
