// The page: who one is, who else is there, and whose conversation is shown.
import { Conversation } from './conversation.mjs';
import { $, fromTemplate } from './elements.mjs';
import { JoinForm } from './form.mjs';
import { attempt, everywhere, here } from './memory.mjs';
import { Signalling } from './signalling.mjs';
import { Status } from './status.mjs';

const PRESENCE_INTERVAL_MS = 5_000;
const MAX_PEOPLE = 100;
const MAX_ID_BYTES = 256;

const people = new Map();
const form = new JoinForm();
const status = new Status();
let signalling = null;
let channel = 'chat';
let selected = null;
let presenceTimer;
let isOut = true;

// ---- Connecting -------------------------------------------------------------------------------------------------

function fillForm() {
  const query = new URLSearchParams(location.search);
  form.fill({
    id: query.get('id') ?? here.get('id') ?? '',
    broker: query.get('broker') ?? everywhere.get('broker') ?? `${location.protocol}//${location.hostname}:8080`,
    channel: query.get('channel') ?? channel,
  });
  form.focus();
}

function join({ detail: { channel: name, ...options } }) {
  channel = name;
  signalling?.close();
  signalling = new Signalling(options);
  signalling.addEventListener('phase', ({ target, detail }) => target === signalling && onPhase(detail));
  signalling.addEventListener('message', ({ target, detail }) => target === signalling && onMessage(detail));
  signalling.open();
}

function onPhase(detail) {
  const isOnline = detail.phase === 'online';
  if (isOut) form.show(detail);
  if (isOnline && isOut) enter();
  if (isOut) return;
  status.show(signalling, detail);
  for (const conversation of people.values()) {
    conversation.show();
    showPerson(conversation);
  }
  if (isOnline) askPresence();
}

function cancel() {
  signalling?.close();
  signalling = null;
}

/// After a refusal. Others know the conversations by the old id.
function rejoin({ detail: { id, token } }) {
  if (id === signalling.id) return signalling.open({ token });
  const { broker } = signalling;
  leave();
  form.fill({ id, token, broker });
  form.submit();
}

function enter() {
  isOut = false;
  everywhere.set('broker', signalling.broker);
  here.set('id', signalling.id);
  $('another').href = `?${new URLSearchParams({ broker: signalling.broker })}`;
  showPlace();
  const remembered = attempt(() => JSON.parse(here.get('people'))) ?? [];
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
  status.hide();
  isOut = true;
  showPlace();
  form.focus();
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
  here.set('people', JSON.stringify([...people.keys()]));
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
  const { row, unread, state, isPresent } = conversation;
  row.querySelector('.state').textContent = conversation.stateInWords;
  row.querySelector('.unread').textContent = `${unread} new`;
  row.querySelector('.unread').hidden = unread === 0;
  row.dataset.state = state === 'none' ? (isPresent ? 'present' : 'away') : state;
  status.showChannels([...people.values()].some(({ hasChannel }) => hasChannel));
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

form.addEventListener('join', join);
form.addEventListener('cancel', cancel);
status.addEventListener('retry', () => signalling.tryNow());
status.addEventListener('rejoin', rejoin);
$('leave').addEventListener('click', leave);
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
