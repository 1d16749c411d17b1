// The list of negotiations, with what is unusual about each, and one in detail.
import { get } from './api.js';
import { ask, paragraph, sentence } from './dialog.js';
import { $, el, idElement, isNarrow, keepRows, plain, setText, tableHead, tableRow } from './dom.js';
import { count, plural, seconds, setTime, timeElement } from './format.js';
import { outcomeName, receiptName, stepName } from './names.js';
import { Panel } from './panel.js';

const kFirst = 15;
const kNarrowFirst = 6;
const kMost = 960;
const kTypingMs = 250;

const kColumns = [
  { name: 'started', label: 'Started' },
  { name: 'pair', label: 'Initiator → responder', isHeader: true, class: 'who' },
  { name: 'state', label: 'Outcome' },
  { name: 'diagnosis', label: 'Diagnosis', class: 'wordy' },
  { name: 'answer', label: 'Answer after', class: 'number' },
  { name: 'candidates', label: 'Candidates', class: 'number' },
  { name: 'action', label: 'Action', isHidden: true, class: 'action' },
];

const kTypes = [
  ['host', 'host'],
  ['mdns', 'host by mDNS name'],
  ['srflx', 'server reflexive (STUN)'],
  ['prflx', 'peer reflexive'],
  ['relay', 'relay (TURN)'],
  ['udp', 'by UDP'],
  ['tcp', 'by TCP'],
];

// Those of the other instance may not be known.
const number = (candidates, type) => (candidates ? count(candidates[type] ?? 0) : '?');
const total = (candidates) => (candidates ? count(['host', 'mdns', 'srflx', 'prflx', 'relay'].reduce((sum, type) => sum + (candidates[type] ?? 0), 0)) : '?');

const arrow = () => el('span', { class: 'arrow' }, el('span', { 'aria-hidden': 'true', text: ' → ' }), el('span', { class: 'hidden', text: ' to ' }));

export class Negotiations {
  #panel = new Panel($('negotiations'), { absent: 'This broker does not look at negotiations: NEGOTIATION_INSIGHT is false.' });
  #form = $('negotiations-search');
  #body = $('negotiations-table').tBodies[0];
  #asked = 0;
  #typing;
  #limit = isNarrow() ? kNarrowFirst : kFirst;

  constructor() {
    tableHead($('negotiations-table'), kColumns);
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.refresh({ announce: true });
    });
    this.#form.addEventListener('input', () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => this.refresh({ announce: true }), kTypingMs);
    });
    $('negotiations-more').addEventListener('click', () => this.#showMore());
  }

  #showMore() {
    this.#limit = Math.min(this.#limit * 4, kMost);
    this.refresh({ announce: true });
  }

  async refresh({ announce = false } = {}) {
    const mine = ++this.#asked;
    const { node, state } = this.#form.elements;
    const isNarrowed = node.value !== '' || state.value !== '';
    try {
      // One more than is shown, to know whether there are more.
      const { negotiations: found } = await get('negotiations', { node: node.value, state: state.value, limit: Math.min(this.#limit + 1, kMost) });
      if (mine !== this.#asked) return;
      const isCut = found.length > this.#limit || found.length === kMost;
      const negotiations = found.slice(0, this.#limit);
      const words = isNarrowed ? 'No negotiation matches.' : 'No negotiation has passed this instance in the last minutes.';
      this.#panel.ready(negotiations.length === 0 ? words : '');
      keepRows(this.#body, negotiations, ({ id }) => id, makeRow, fillRow, this.#panel.heading);
      const many = `${isCut ? 'The newest ' : ''}${plural(negotiations.length, 'negotiation')}`;
      setText($('negotiations-count'), many);
      $('negotiations-more').hidden = !isCut || this.#limit >= kMost;
      if (announce) setText($('negotiations-said'), negotiations.length === 0 ? words : many);
    } catch (error) {
      if (mine === this.#asked) this.#panel.failed(error);
    }
  }
}

function makeRow(negotiation) {
  const button = el('button', { type: 'button', class: 'small', text: 'Details', 'aria-haspopup': 'dialog', onclick: () => showDetails(negotiation) });
  button.append(el('span', { class: 'hidden' }, ' of ', idElement(negotiation.initiator), ' and ', idElement(negotiation.responder)));
  return tableRow(kColumns, {
    started: [timeElement(negotiation.startedAt)],
    pair: [idElement(negotiation.initiator), arrow(), idElement(negotiation.responder)],
    state: [el('span', { class: 'badge' })],
    diagnosis: [el('span')],
    action: [button],
  });
}

function fillRow({ parts }, { startedAt, state, diagnosis, usual, answerSeconds, initiatorCandidates, responderCandidates }) {
  setTime(parts.started.firstChild, startedAt);
  parts.state.firstChild.dataset.state = state;
  setText(parts.state.firstChild, outcomeName(String(state)));
  setText(parts.diagnosis.firstChild, plain(diagnosis ?? '–'));
  parts.diagnosis.firstChild.classList.toggle('unusual', usual === false);
  setText(parts.answer, seconds(answerSeconds));
  setText(parts.candidates, `${total(initiatorCandidates)} / ${total(responderCandidates)}`);
}

async function showDetails({ id, initiator, responder }) {
  const { content, dialog } = ask({ title: 'Negotiation', body: [paragraph('Loading…')], isWide: true, returnTo: $('negotiations').querySelector('h2') });
  try {
    const found = await get(`negotiations/${encodeURIComponent(id)}`);
    if (dialog.isConnected) content.replaceChildren(...describe(found));
  } catch (error) {
    const gone = error.status === 404 ? 'The broker no longer keeps it.' : sentence(error);
    content.replaceChildren(paragraph(idElement(initiator), arrow(), idElement(responder)), paragraph(gone));
  }
}

function describe({ initiator, responder, sessionId, state, startedAt, lastMessageAt, answerSeconds, initiatorCandidates, responderCandidates, diagnosis, usual, events = [], eventsLeftOut = 0 }) {
  const fact = (name, ...value) => el('div', {}, el('dt', { text: name }), el('dd', {}, ...value));
  const badge = el('span', { class: 'badge', 'data-state': state, text: outcomeName(String(state)) });
  const words = el('p', { class: `diagnosis ${usual === false ? 'unusual' : ''}` }, el('strong', { text: 'Diagnosis ' }), el('span', { text: plain(diagnosis ?? '–') }));
  const facts = el(
    'dl',
    { class: 'facts' },
    fact('Outcome', badge),
    fact('Answer after', seconds(answerSeconds)),
    fact('Started', timeElement(startedAt)),
    fact('Last message', timeElement(lastMessageAt)),
    fact('Session', idElement(sessionId)),
  );
  const candidates = el('table', { class: 'numbers' }, el('caption', { text: 'Candidates' }), el('thead', {}, el('tr', {}, el('th', { scope: 'col', text: 'Type' }), el('th', { scope: 'col', text: 'Initiator' }), el('th', { scope: 'col', text: 'Responder' }))), el('tbody', {}, ...kTypes.map(([type, name]) => el('tr', {}, el('th', { scope: 'row', text: name }), el('td', { text: number(initiatorCandidates, type) }), el('td', { text: number(responderCandidates, type) })))));
  const steps = el('ol', { class: 'steps', 'aria-label': 'Messages' });
  for (const { at, from, what, acknowledgement } of events) {
    steps.append(el('li', {}, timeElement(at), el('span', { class: 'from', text: plain(from ?? '') }), el('span', { text: stepName(plain(what)) }), el('span', { class: acknowledgement === 'OK' ? 'muted' : 'unusual', text: acknowledgement ? receiptName(plain(acknowledgement)) : '' })));
  }
  return [
    el('p', { class: 'pair' }, idElement(initiator), arrow(), idElement(responder)),
    words,
    facts,
    el('div', { class: 'halves' }, el('div', {}, candidates), el('div', {}, el('h3', { text: 'Messages' }), events.length > 0 ? steps : paragraph('None are kept.'), eventsLeftOut > 0 ? paragraph(`And ${count(eventsLeftOut)} more.`) : null)),
  ];
}
