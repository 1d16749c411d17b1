// The page: who one is, who else is there, and whose conversation is shown.
import { Conversation } from './conversation.mjs';
import { fromTemplate } from './elements.mjs';
import { Signalling } from './signalling.mjs';

const PRESENCE_INTERVAL_MS = 5_000;
const MAX_PEOPLE = 100;
const MAX_ID_BYTES = 256;

const $ = (id) => document.getElementById(id);
const people = new Map();
let signalling = null;
let channel = 'chat';
let selected = null;
let presenceTimer;
let isOut = true;

// ---- What is remembered -----------------------------------------------------------------------------------------

/// The broker for all tabs; the id and the people for this one alone, since an id can be used only once.
const memory = {
  get: (storage, key) => attempt(() => storage().getItem(`crolang-${key}`)),
  set: (storage, key, value) => attempt(() => storage().setItem(`crolang-${key}`, value)),
};
const everywhere = () => localStorage;
const here = () => sessionStorage;

/// A browser may have no storage for us.
function attempt(action) {
  try {
    return action();
  } catch {
    return null;
  }
}

// ---- Connecting -------------------------------------------------------------------------------------------------

function fillForm() {
  const query = new URLSearchParams(location.search);
  $('id').value = query.get('id') ?? memory.get(here, 'id') ?? '';
  $('broker').value =
    query.get('broker') ?? memory.get(everywhere, 'broker') ?? `${location.protocol}//${location.hostname}:8080`;
  $('channel').value = query.get('channel') ?? channel;
  ($('id').value ? $('connect') : $('id')).focus();
}

/// Socket.IO takes a path for a namespace, so there must be none.
function brokerOf(text) {
  const url = attempt(() => new URL(/^[a-z]+:\/\//i.test(text) ? text : `${location.protocol}//${text}`));
  if (url) url.protocol = url.protocol.replace(/^ws/, 'http');
  if (!url || !/^https?:$/.test(url.protocol)) return null;
  return url.pathname === '/' && !url.search && !url.hash && !url.username ? url.origin : null;
}

function join(event) {
  event.preventDefault();
  const id = $('id').value.trim();
  const broker = brokerOf($('broker').value.trim());
  const token = $('token').value.trim();
  channel = $('channel').value.trim() || 'chat';
  showProblem();
  if (!id) return showProblem('id', 'Give yourself an id: it is what others find you by.');
  if (!broker) return showProblem('broker', 'The broker is given as http://host:port, without a path.');
  signalling?.close();
  signalling = new Signalling({ broker, id, token, isRelayOnly: $('relay').checked });
  signalling.addEventListener('phase', ({ target, detail }) => target === signalling && onPhase(detail));
  signalling.addEventListener('message', ({ target, detail }) => target === signalling && onMessage(detail));
  signalling.open();
}

function onPhase({ phase, field, words, isTrouble = false }) {
  const isOnline = phase === 'online';
  if (isOnline && isOut) enter();
  if (isOut) {
    const isTrying = phase === 'connecting';
    showForm({ isTrying });
    $('progress').textContent = isTrying ? words : '';
    $('progress').classList.toggle('trouble', isTrouble);
    if (phase === 'refused') showProblem(field, words);
  } else {
    const states = { online: 'connected', connecting: 'connecting', lost: 'connection lost', refused: 'not connected' };
    $('self-state').textContent = `${states[phase]}, ${signalling.broker.replace(/^https?:\/\//, '')}`;
    $('self').dataset.phase = phase;
    $('banner').hidden = phase === 'online' || (phase === 'connecting' && !isTrouble);
    $('banner').firstElementChild.textContent = words;
    $('again').hidden = phase !== 'refused';
    for (const conversation of people.values()) conversation.show();
    if (isOnline) askPresence();
  }
}

function showForm({ isTrying }) {
  for (const input of $('join').querySelectorAll('input')) input.disabled = isTrying;
  $('connect').disabled = isTrying;
  $('cancel').hidden = !isTrying;
  if (isTrying) $('cancel').focus();
}

function showProblem(field, words = '') {
  $('problem').textContent = words;
  for (const input of $('join').querySelectorAll('input')) input.removeAttribute('aria-invalid');
  if (!field) return;
  $('progress').textContent = '';
  if (field === 'token') $('more').open = true;
  $(field).setAttribute('aria-invalid', 'true');
  $(field).focus();
}

function cancel() {
  signalling.close();
  signalling = null;
  $('progress').textContent = '';
  showForm({ isTrying: false });
  $('connect').focus();
}

function enter() {
  isOut = false;
  memory.set(everywhere, 'broker', signalling.broker);
  memory.set(here, 'id', signalling.id);
  $('self-id').textContent = signalling.id;
  $('another').href = `?${new URLSearchParams({ broker: signalling.broker })}`;
  showPlace();
  const remembered = attempt(() => JSON.parse(memory.get(here, 'people'))) ?? [];
  for (const id of remembered) if (typeof id === 'string' && id !== signalling.id) add(id);
  const [first] = people.values();
  if (first) select(first);
  $('watch-id').focus();
}

function leave() {
  const closing = signalling;
  signalling = null;
  for (const conversation of people.values()) conversation.close();
  closing.close();
  people.clear();
  selected = null;
  for (const list of ['people', 'requests', 'conversations']) $(list).replaceChildren();
  $('banner').hidden = true;
  isOut = true;
  showPlace();
  showForm({ isTrying: false });
  $('connect').focus();
}

function showPlace() {
  $('welcome').hidden = !isOut;
  $('workspace').hidden = isOut;
  $('self').hidden = isOut;
  $('leave').hidden = isOut;
  showPeople();
}

// ---- People -----------------------------------------------------------------------------------------------------

function watch(event) {
  event.preventDefault();
  const id = $('watch-id').value.trim();
  $('watch-problem').textContent = problemOf(id);
  if ($('watch-problem').textContent) return;
  $('watch-id').value = '';
  const conversation = people.get(id) ?? add(id);
  select(conversation);
  askPresence();
}

function problemOf(id) {
  if (!id) return 'Type the id of another node.';
  if (id === signalling.id) return 'That is your own id.';
  if (new TextEncoder().encode(id).length > MAX_ID_BYTES) return 'Ids have at most 256 bytes.';
  if (people.size >= MAX_PEOPLE && !people.has(id)) return `There are ${MAX_PEOPLE} nodes already: remove one first.`;
  return '';
}

function add(id) {
  const policy = () => document.querySelector('[name=policy]:checked').value;
  const conversation = new Conversation({ id, signalling, channel, policy });
  people.set(id, conversation);
  conversation.element.hidden = true;
  $('conversations').append(conversation.element);
  conversation.row = rowOf(conversation);
  $('people').append(conversation.row);
  conversation.addEventListener('change', () => showPerson(conversation));
  conversation.addEventListener('chosen', () => select(conversation));
  conversation.addEventListener('request', () => $('requests').append(conversation.requestElement));
  showPerson(conversation);
  remember();
  return conversation;
}

function remove(conversation) {
  people.delete(conversation.id);
  conversation.close();
  conversation.row.remove();
  conversation.element.remove();
  if (selected === conversation) select([...people.values()].at(-1) ?? null);
  remember();
  showPeople();
  $('watch-id').focus();
}

function remember() {
  memory.set(here, 'people', JSON.stringify([...people.keys()]));
}

function rowOf(conversation) {
  const row = fromTemplate('person-template');
  row.querySelector('.id').textContent = conversation.id;
  row.querySelector('.remove').setAttribute('aria-label', `Remove ${conversation.id}`);
  row.querySelector('.person').addEventListener('click', () => {
    select(conversation);
    conversation.focus();
  });
  row.querySelector('.remove').addEventListener('click', () => remove(conversation));
  return row;
}

function select(conversation) {
  selected = conversation;
  for (const one of people.values()) {
    one.element.hidden = one !== conversation;
    one.row.querySelector('.person').setAttribute('aria-current', String(one === conversation));
  }
  if (conversation) showPerson(conversation);
  showPeople();
}

function showPerson(conversation) {
  if (conversation === selected && !document.hidden) conversation.unread = 0;
  const { row, unread, state, presence } = conversation;
  row.querySelector('.state').textContent = conversation.stateInWords;
  row.querySelector('.unread').textContent = `${unread} new`;
  row.querySelector('.unread').hidden = unread === 0;
  row.dataset.state = state === 'none' ? (presence ? 'present' : 'away') : state;
  showPeople();
}

function showPeople() {
  const unread = [...people.values()].reduce((sum, one) => sum + one.unread, 0);
  const name = signalling && !isOut ? `${signalling.id}, browser node` : 'Browser node';
  document.title = unread > 0 ? `(${unread}) ${name}` : name;
  $('nobody').hidden = people.size > 0;
  $('nothing').hidden = selected !== null;
}

async function askPresence() {
  clearTimeout(presenceTimer);
  if (isOut) return;
  if (signalling.isOnline && !document.hidden) {
    const results = await signalling.presence([...people.keys()]);
    for (const conversation of people.values()) {
      const presence = results?.get(conversation.id);
      if (presence === undefined || presence === conversation.presence) continue;
      conversation.presence = presence;
      conversation.show();
      showPerson(conversation);
    }
  }
  clearTimeout(presenceTimer);
  presenceTimer = setTimeout(askPresence, PRESENCE_INTERVAL_MS);
}

function onMessage({ type, message }) {
  const isOfInterest = type === 'CONNECTION_ATTEMPT' || type === 'SOCKET_MSG_EXCHANGE';
  let conversation = people.get(message.from);
  if (!conversation) {
    if (!isOfInterest || problemOf(message.from)) return;
    conversation = add(message.from);
    if (!selected) select(conversation);
    askPresence();
  }
  conversation.receive(type, message);
}

// ---- Beginning --------------------------------------------------------------------------------------------------

$('join').addEventListener('submit', join);
$('cancel').addEventListener('click', cancel);
$('leave').addEventListener('click', leave);
$('again').addEventListener('click', () => signalling.open());
$('watch').addEventListener('submit', watch);
$('refresh').addEventListener('click', askPresence);
document.addEventListener('visibilitychange', () => {
  if (isOut || document.hidden) return;
  if (selected) showPerson(selected);
  askPresence();
});
// Tells the other side at once; else it would find out only after a while.
addEventListener('pagehide', () => {
  for (const conversation of people.values()) conversation.close();
});
showPlace();
fillForm();
