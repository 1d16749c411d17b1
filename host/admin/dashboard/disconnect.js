// Throwing a node out, refusing an id, and lifting that.
import { call, get, segment } from './api.js';
import { ask, paragraph } from './dialog.js';
import { $, el, idElement, keepRows, plain, setText, tableHead, tableRow } from './dom.js';
import { moment, setTime, timeElement } from './format.js';
import { notify } from './notices.js';
import { Panel } from './panel.js';

const kDurations = [
  [60, '1 minute'],
  [600, '10 minutes'],
  [3600, '1 hour'],
  [86_400, '1 day'],
  [604_800, '7 days'],
  [2_592_000, '30 days'],
  [31_536_000, '365 days'],
];
const kReasonCharacters = 200;

const radio = (name, value, label, hint, properties = {}) => {
  const id = `${name}-${value}`;
  return el('div', { class: 'choice' }, el('input', { type: 'radio', name, value, id, 'aria-describedby': `${id}-hint`, ...properties }), el('label', { for: id, text: label }), el('p', { class: 'hint', id: `${id}-hint`, text: hint }));
};

const durations = () =>
  el('select', { name: 'for', 'aria-label': 'For how long' }, ...kDurations.map(([value, text]) => el('option', { value: String(value), text, selected: value === 600 })));

const reasonField = () =>
  el('div', { class: 'field' }, el('label', { for: 'reason', text: 'Reason' }), el('input', { id: 'reason', name: 'reason', maxlength: String(kReasonCharacters), autocomplete: 'off', 'aria-describedby': 'reason-hint' }), el('p', { class: 'hint', id: 'reason-hint', text: 'Goes into the log of the broker. May be empty.' }));

const kUnaddressable = 'A browser cannot name this id in an address. Use the command line instead: crolang-broker disconnect.';

function remove(id, parameters) {
  return call('DELETE', `nodes/${segment(id)}`, parameters);
}

function tell({ id, disconnected, refusedUntil, instance }) {
  const parts = [idElement(id), disconnected ? ' was disconnected' : ' was not connected'];
  if (disconnected && instance) parts.push(' from ', idElement(instance));
  if (refusedUntil) parts.push(disconnected ? ', and is refused until ' : ', and is refused until ', timeElement(refusedUntil));
  notify([...parts, '.']);
}

/// Asks how, and does it. `done()` afterwards.
export function askToDisconnect(id, { returnTo, done }) {
  if (segment(id) === null) {
    ask({ title: 'This node cannot be disconnected from here', body: [paragraph(idElement(id)), paragraph(kUnaddressable)] });
    return;
  }
  const how = el(
    'fieldset',
    {},
    el('legend', { text: 'How' }),
    radio('how', 'leave', 'Disconnect', 'The client is told to stay away, as most do until they are started again.', { checked: true, autofocus: true }),
    radio('how', 'reconnect', 'Disconnect, may reconnect', 'The connection is closed as in a drain; the client comes back by itself.'),
    radio('how', 'refuse', 'Disconnect and refuse the id', 'In the whole grid, whoever asks for it.'),
  );
  const time = durations();
  how.append(el('div', { class: 'indented' }, el('label', {}, 'for ', time)));
  const form = [how, reasonField()];
  const chosen = () => how.querySelector('input:checked').value;
  const follow = () => {
    time.disabled = chosen() !== 'refuse';
  };
  how.addEventListener('change', follow);
  follow();
  const { content } = ask({
    title: 'Disconnect this node?',
    body: [paragraph(idElement(id)), ...form],
    confirm: 'Disconnect',
    isDangerous: true,
    busy: 'Disconnecting…',
    returnTo,
    async act() {
      const parameters = { reason: content.querySelector('#reason').value.trim() };
      if (chosen() === 'reconnect') parameters.reconnect = 'true';
      if (chosen() === 'refuse') parameters.for = time.value;
      tell(await remove(id, parameters));
      done();
    },
  });
}

/// An id that need not be connected.
function askToRefuse({ returnTo, done }) {
  const id = el('input', { id: 'refused-id', name: 'id', required: true, autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false', autofocus: true });
  const time = durations();
  const { content } = ask({
    title: 'Refuse an id',
    body: [
      paragraph('Nobody can connect under it in the whole grid. A node that is connected under it is disconnected.'),
      el('div', { class: 'field' }, el('label', { for: 'refused-id', text: 'Id' }), id),
      el('div', { class: 'field' }, el('label', {}, 'For how long ', time)),
      reasonField(),
    ],
    confirm: 'Refuse this id',
    isDangerous: true,
    returnTo,
    async act() {
      if (segment(id.value) === null) throw new Error(kUnaddressable);
      tell(await remove(id.value, { for: time.value, reason: content.querySelector('#reason').value.trim() }));
      done();
    },
  });
}

const kColumns = [
  { name: 'id', label: 'Id', isHeader: true, class: 'who' },
  { name: 'until', label: 'Until' },
  { name: 'reason', label: 'Reason', class: 'wordy' },
  { name: 'action', label: 'Action', isHidden: true, class: 'action' },
];

export class RefusedIds {
  #panel = new Panel($('refused'), { absent: 'This broker keeps no list of refused ids.' });
  #body = $('refused-table').tBodies[0];
  #asked = 0;
  #onChange;

  /// `onChange()` after an id was refused here.
  constructor({ onChange }) {
    this.#onChange = onChange;
    tableHead($('refused-table'), kColumns);
    $('refuse').addEventListener('click', () => askToRefuse({ done: this.#onChange }));
  }

  async refresh() {
    const mine = ++this.#asked;
    try {
      const { refusedIds } = await get('refused-ids');
      if (mine !== this.#asked) return;
      $('refuse').hidden = false;
      this.#panel.ready(refusedIds.length === 0 ? 'No id is refused.' : '');
      keepRows(this.#body, refusedIds, ({ id }) => id, (entry) => this.#make(entry), fillRow, this.#panel.heading);
    } catch (error) {
      if (mine !== this.#asked) return;
      this.#panel.failed(error);
      if (error.isAbsent) $('refuse').hidden = true;
    }
  }

  #make({ id, until }) {
    const button = el('button', { type: 'button', class: 'small', text: 'Allow again', onclick: () => this.#allow(id) });
    button.append(' ', el('span', { class: 'hidden' }, idElement(id)));
    return tableRow(kColumns, { id: [idElement(id)], until: [timeElement(until)], action: [button] });
  }

  #allow(id) {
    ask({
      title: 'Allow this id again?',
      body: [paragraph(idElement(id)), paragraph('It may connect to every instance of the grid at once.')],
      confirm: 'Allow again',
      returnTo: this.#panel.heading,
      act: async () => {
        if (segment(id) === null) throw new Error(kUnaddressable.replace('disconnect.', 'allow.'));
        await call('DELETE', `refused-ids/${segment(id)}`);
        notify([idElement(id), ' may connect again.']);
        this.refresh();
      },
    });
  }
}

function fillRow({ parts }, { until, reason }) {
  setTime(parts.until.firstChild, until, moment);
  setText(parts.reason, reason ? plain(reason) : '–');
}
