// What concerns the whole instance: drain, cancel that, read the configuration again, check the ICE servers.
import { call, get } from './api.js';
import { ask, paragraph } from './dialog.js';
import { $, el, plain } from './dom.js';
import { count, milliseconds } from './format.js';
import { notify } from './notices.js';

// The broker bounds it too.
const kIceLimitMs = 120_000;

const codes = (names) => names.flatMap((name, i) => [i ? ', ' : '', el('code', { text: plain(name) })]);

/// `done()` after the state of the instance has changed.
export function askToDrain({ nodes, done }) {
  ask({
    title: 'Drain this instance?',
    body: [
      paragraph(`It accepts no more nodes, disconnects its ${count(nodes)} one after the other so that they reconnect to other instances, and then exits.`),
      paragraph('You can cancel it until the last node has been disconnected.'),
    ],
    confirm: 'Drain',
    isDangerous: true,
    async act() {
      await call('POST', 'drain');
      notify('The drain has begun.');
      done();
    },
  });
}

export function askToCancelDrain({ done }) {
  ask({
    title: 'Cancel the drain?',
    body: [paragraph('This instance accepts nodes again. Those that have left come back only by themselves.')],
    confirm: 'Cancel the drain',
    async act() {
      await call('DELETE', 'drain');
      notify('The drain was cancelled.');
      done();
    },
  });
}

export function askToReload({ done }) {
  ask({
    title: 'Read the configuration again?',
    body: [paragraph('As on SIGHUP: secrets, keys, certificates and LOG_LEVEL are read again, and connections stay. If something is wrong, nothing changes.')],
    confirm: 'Reload',
    busy: 'Reloading…',
    async act() {
      const { changed = [], needRestart = [] } = await call('POST', 'reload');
      done();
      return [
        changed.length > 0 ? paragraph('Changed: ', ...codes(changed), '.') : paragraph('The configuration was read. Nothing has changed.'),
        needRestart.length > 0 ? paragraph('These take effect only after a restart: ', ...codes(needRestart), '.') : null,
      ].filter(Boolean);
    },
  });
}

export function askToCheckIce() {
  const node = el('input', { id: 'ice-node', autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false', 'aria-describedby': 'ice-node-hint', autofocus: true });
  ask({
    title: 'Check the ICE servers',
    body: [
      paragraph('This broker tries each STUN and TURN server that it gives to nodes, in every way, with the credentials that a node would get. It takes up to 25 seconds.'),
      el('div', { class: 'field' }, el('label', { for: 'ice-node', text: 'As for the node' }), node, el('p', { class: 'hint', id: 'ice-node-hint', text: 'May be empty. Its id is passed on to whoever gives the credentials.' })),
    ],
    confirm: 'Check',
    busy: 'Checking…',
    isWide: true,
    act: async () => showReport(await get('ice-check', { node: node.value }, { limitMs: kIceLimitMs })),
  });
}

function showReport({ ok, stun, turn, checks = [], notTried = [] }) {
  const part = (name, part_) => (part_?.urls > 0 ? `${name}: ${count(part_.work)} of ${count(part_.urls)} URLs work. ` : `${name}: none is configured. `);
  const verdict = el('p', { class: `verdict ${ok ? 'good' : 'bad'}` }, el('strong', { text: ok ? 'All is well. ' : 'Something is wrong. ' }), part('STUN', stun) + part('TURN', turn));
  const list = el('ul', { class: 'checks' });
  for (const { url, way, server, result, ms, mapped, relayed, error, cause, warnings = [] } of checks) {
    const facts = [way, server, milliseconds(ms), mapped ? `mapped ${mapped}` : null, relayed ? `relayed ${relayed}` : null].filter((fact) => fact && fact !== '–');
    list.append(
      el(
        'li',
        {},
        el('p', {}, el('span', { class: 'badge', 'data-state': result, text: plain(result) }), ' ', el('code', { text: plain(url) })),
        el('p', { class: 'muted', text: facts.map(plain).join(' · ') }),
        ...(error ? [el('p', {}, el('strong', { text: plain(error) }), cause ? `: ${plain(cause)}` : '')] : []),
        ...[warnings].flat().map((warning) => el('p', { class: 'unusual', text: plain(warning) })),
      ),
    );
  }
  return [verdict, list, ...[notTried].flat().map((why) => el('p', { class: 'unusual', text: plain(why) }))];
}

/// The buttons of the header. `state()` returns {nodes, state} of the last overview.
export function wireActions({ state, done }) {
  $('check-ice').addEventListener('click', () => askToCheckIce());
  $('reload').addEventListener('click', () => askToReload({ done }));
  $('drain').addEventListener('click', () => {
    if (state().state === 'draining') askToCancelDrain({ done });
    else askToDrain({ nodes: state().nodes, done });
  });
}
