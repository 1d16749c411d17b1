// Everything with one other node: its connection, if there is one, what was said, and the requests to connect.
import { element, followEnd, fromTemplate } from './elements.mjs';
import { Negotiation } from './negotiation.mjs';
import { NEGOTIATION_MS, Peer } from './peer.mjs';
import { failureInWords } from './words.mjs';

const MAX_MESSAGES = 500;
const MAX_EARLY_CANDIDATES = 200;

/// Tells its owner by events:
///   change   state or number of unread messages
///   request  the other node wants to connect: requestElement is to be shown
export class Conversation extends EventTarget {
  #signalling;
  #channel;
  #policy;
  #peer = null;
  #path = null;
  #request = null;
  #negotiation;
  #parts;
  #appendInView;

  /// `policy()` is ask, accept or none: what becomes of incoming connections.
  constructor({ id, signalling, channel, policy }) {
    super();
    this.id = id;
    this.presence = undefined;
    this.unread = 0;
    this.#signalling = signalling;
    this.#channel = channel;
    this.#policy = policy;
    this.element = fromTemplate('conversation-template');
    const find = (selector) => this.element.querySelector(selector);
    this.#parts = {
      state: find('.head .state'),
      connect: find('.connect'),
      hangUp: find('.hang-up'),
      messages: find('.messages'),
      empty: find('.chat .empty'),
      route: find('.route'),
      text: find('textarea'),
      send: find('.composer button'),
    };
    this.#appendInView = followEnd(this.#parts.messages);
    this.#negotiation = new Negotiation(this.element);
    find('.head .id').textContent = id;
    this.#parts.text.setAttribute('aria-label', `Message to ${id}`);
    this.#parts.messages.setAttribute('aria-label', `Messages with ${id}`);
    find('.steps').setAttribute('aria-label', `Steps of the negotiation with ${id}`);
    this.#parts.connect.addEventListener('click', () => this.connect());
    this.#parts.hangUp.addEventListener('click', () => this.hangUp());
    this.#listenToComposer(find('.composer'));
    this.show();
  }

  /// none, connecting, direct, relayed, or open while the path is not known yet.
  get state() {
    if (!this.#peer) return 'none';
    if (this.#peer.state === 'negotiating') return 'connecting';
    if (!this.#path) return 'open';
    return this.#path.isRelayed ? 'relayed' : 'direct';
  }

  get hasChannel() {
    return !['none', 'connecting'].includes(this.state);
  }

  get isPresent() {
    return this.#signalling.isOnline && this.presence === true;
  }

  get stateInWords() {
    const words = {
      connecting: 'connecting',
      open: 'connected',
      direct: 'connected directly',
      relayed: 'connected through a relay',
    };
    if (this.state !== 'none') return words[this.state];
    if (this.#request) return 'wants to connect';
    if (!this.#signalling.isOnline) return 'unknown for now';
    if (this.presence === undefined) return 'asking the broker';
    return this.presence ? 'at the broker' : 'not at the broker';
  }

  async connect() {
    if (this.#request) return this.#accept();
    if (this.#peer) return;
    const peer = this.#begin({ sessionId: freshSessionId(), isInitiator: true });
    this.#parts.text.focus();
    await peer.offer();
  }

  hangUp() {
    this.#peer?.close(this.state === 'connecting' ? 'You gave up.' : 'You closed the connection.');
    this.#parts.text.focus();
  }

  /// The end of it, without a word to the other node.
  close() {
    this.#forgetRequest();
    this.#peer?.close();
  }

  focus() {
    this.#parts.text.focus();
  }

  receive(type, message) {
    if (type === 'SOCKET_MSG_EXCHANGE') {
      if (typeof message.content === 'string') this.#showMessage('theirs', message.content, this.#how('through the broker', message.channel));
    } else if (type === 'CONNECTION_ATTEMPT') {
      this.#onAttempt(message);
    } else if (this.#peer && message.sessionId === this.#peer.sessionId) {
      this.#peer.receive(type, message);
    } else if (this.#request && message.sessionId === this.#request.message.sessionId) {
      if (this.#request.early.length < MAX_EARLY_CANDIDATES) this.#request.early.push(message);
    }
  }

  /// Over the data channel if there is one, through the broker if not.
  async send(text) {
    if (this.#peer?.send(this.#channel, text)) return this.#showMessage('mine', text, 'data channel');
    const meta = this.#showMessage('mine', text, 'through the broker, on its way');
    const type = 'SOCKET_MSG_EXCHANGE';
    const answer = await this.#signalling.send(type, { to: this.id, channel: this.#channel, content: text });
    const failure = failureInWords(answer, { to: this.id, type });
    meta.textContent = failure ? `Not delivered. ${failure}` : `${now()}, through the broker`;
    meta.parentElement.classList.toggle('failed', Boolean(failure));
  }

  /// Brings the view up to date.
  show() {
    const { state, connect, hangUp, route, text, send } = this.#parts;
    const { hasChannel } = this;
    const isOnline = this.#signalling.isOnline;
    this.element.dataset.state = this.state;
    state.textContent = this.stateInWords;
    connect.hidden = this.#peer !== null;
    connect.disabled = !isOnline;
    connect.textContent = this.#request ? 'Accept' : 'Connect';
    hangUp.hidden = this.#peer === null;
    hangUp.textContent = this.state === 'connecting' ? 'Give up' : 'Hang up';
    route.textContent = hasChannel
      ? 'Messages go over the data channel.'
      : isOnline
        ? 'Messages go through the broker.'
        : 'No broker, no data channel: nothing can be sent.';
    text.disabled = send.disabled = !hasChannel && !isOnline;
  }

  #begin({ sessionId, isInitiator }) {
    this.#forgetRequest();
    this.#path = null;
    this.#negotiation.begin();
    const peer = new Peer({ signalling: this.#signalling, remoteId: this.id, sessionId, isInitiator });
    this.#peer = peer;
    peer.addEventListener('step', ({ detail }) => this.#negotiation.step(detail));
    peer.addEventListener('open', () => {
      this.#showNote('Connected: the data channel is open.');
      this.#change();
    });
    peer.addEventListener('path', ({ detail }) => {
      this.#path = detail;
      this.#negotiation.showPath(detail, this.id);
      this.#change();
    });
    peer.addEventListener('message', ({ detail: { channel, text } }) => {
      this.#showMessage('theirs', text, this.#how('data channel', channel));
    });
    peer.addEventListener('end', ({ detail: { words } }) => {
      this.#peer = null;
      this.#path = null;
      this.#showNote(words);
      this.#change();
    });
    this.#change();
    return peer;
  }

  #onAttempt(message) {
    const { sessionId, sessionDescription } = message;
    if (typeof sessionId !== 'string' || typeof sessionDescription?.sdp !== 'string') return;
    if (this.#peer?.isInitiator && this.#peer.state === 'negotiating') {
      // Both want to connect at the same moment: the attempt of the smaller id counts, on both sides.
      if (this.#signalling.id < this.id) return;
      this.#peer.close('Both sides started at once: the other side goes on.');
      this.#answer(message, []);
      return;
    }
    // The other side has lost what we still hold, for instance because its page was loaded anew.
    this.#peer?.close(`“${this.id}” starts anew.`);
    switch (this.#policy()) {
      case 'accept':
        this.#answer(message, []);
        break;
      case 'none':
        this.#turnDown('INCOMING_CONNECTIONS_NOT_ALLOWED', sessionId);
        this.#showNote(`“${this.id}” wanted to connect, but you allow no incoming connections.`);
        break;
      default:
        this.#ask(message);
    }
  }

  #ask(message) {
    this.#forgetRequest();
    const request = { message, early: [], element: fromTemplate('request-template') };
    this.#request = request;
    request.element.querySelector('.id').textContent = this.id;
    request.element.querySelector('.state').textContent = softwareOf(message);
    request.element.querySelector('.accept').addEventListener('click', () => this.#accept());
    request.element.querySelector('.decline').addEventListener('click', () => this.#decline());
    request.timer = setTimeout(() => {
      this.#forgetRequest();
      this.#showNote(`“${this.id}” wanted to connect and got no answer.`);
      this.#change();
    }, NEGOTIATION_MS);
    this.dispatchEvent(new Event('request'));
    this.#change();
  }

  get requestElement() {
    return this.#request?.element;
  }

  #accept() {
    const { message, early } = this.#request;
    this.#forgetRequest();
    this.dispatchEvent(new Event('chosen'));
    this.#answer(message, early);
    this.#parts.text.focus();
  }

  #decline() {
    const { sessionId } = this.#request.message;
    this.#forgetRequest();
    this.#turnDown('CONNECTION_REFUSAL', sessionId);
    this.#showNote(`You declined a connection from “${this.id}”.`);
    this.dispatchEvent(new Event('chosen'));
    this.#parts.text.focus();
    this.#change();
  }

  async #answer({ sessionId, sessionDescription }, early) {
    const peer = this.#begin({ sessionId, isInitiator: false });
    await peer.answer(sessionDescription, early);
  }

  async #turnDown(type, sessionId) {
    const answer = await this.#signalling.sendNegotiation(type, this.id, sessionId);
    const failure = failureInWords(answer, { to: this.id, type });
    if (failure) this.#showNote(`“${this.id}” could not be told so. ${failure}`);
  }

  #forgetRequest() {
    if (!this.#request) return;
    clearTimeout(this.#request.timer);
    this.#request.element.remove();
    this.#request = null;
  }

  /// Messages on a channel of another name than ours are shown, and say so.
  #how(way, channel) {
    return channel === this.#channel ? way : `${way}, channel “${channel}”`;
  }

  /// Returns the line below the text, for what becomes of the message.
  #showMessage(whose, text, how) {
    const meta = element('p', { className: 'meta', textContent: `${now()}, ${how}` });
    const item = element('li', { className: `message ${whose}` });
    item.append(element('p', { className: 'text', textContent: text, dir: 'auto' }), meta);
    this.#append(item);
    if (whose === 'theirs') {
      ++this.unread;
      this.#change();
    }
    return meta;
  }

  #showNote(words) {
    this.#append(element('li', { className: 'note', textContent: words }));
  }

  #append(item) {
    const { messages, empty } = this.#parts;
    empty.hidden = true;
    if (messages.childElementCount >= MAX_MESSAGES) messages.firstElementChild.remove();
    this.#appendInView(item);
  }

  #listenToComposer(form) {
    const { text } = this.#parts;
    const fit = () => {
      text.style.height = 'auto';
      text.style.height = `${text.scrollHeight}px`;
    };
    text.addEventListener('input', fit);
    text.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    });
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const message = text.value;
      if (message.trim() === '' || text.disabled) return;
      text.value = '';
      fit();
      text.focus();
      this.send(message);
    });
  }

  #change() {
    this.show();
    this.dispatchEvent(new Event('change'));
  }
}

const now = () => new Date().toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });

/// crypto.randomUUID is there on https and localhost only.
function freshSessionId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function softwareOf({ platformFrom, versionFrom }) {
  return typeof platformFrom === 'string' && typeof versionFrom === 'string'
    ? `${platformFrom} ${versionFrom}`.slice(0, 100)
    : '';
}
