// The broker side of the node: a Socket.IO connection, and the nodes' message formats on it.
import { probe } from './probe.mjs';
import { pauseAfter } from './retry.mjs';
import { io } from './socket.io.esm.min.js';
import { lossInWords, refusalInWords, troubleInWords } from './words.mjs';

const VERSION = '1.0.0';
const PLATFORM = 'browser';
const ANSWER_MS = 10_000;
const MAX_EARLY_MESSAGES = 100;
const ACKNOWLEDGEMENTS = ['OK', 'NOT_CONNECTED', 'UNAUTHORIZED', 'DISABLED', 'ERROR'];
const EVENTS = [
  'CONNECTION_ATTEMPT',
  'CONNECTION_ACCEPTANCE',
  'CONNECTION_REFUSAL',
  'INCOMING_CONNECTIONS_NOT_ALLOWED',
  'ICE_CANDIDATES_EXCHANGE_INITIATOR_TO_RESPONDER',
  'ICE_CANDIDATES_EXCHANGE_RESPONDER_TO_INITIATOR',
  'SOCKET_MSG_EXCHANGE',
];

/// Tells its owner by events:
///   phase    detail {phase, …}:
///            connecting  {attempt}: 1 at first
///            waiting     {words, link, attempt, pause}: trouble that may pass. The attempt of this number begins after `pause` ms
///            online
///            refused     {words, link, field}: it does not come back by itself. `field`: what to change, id, token or broker, if that is known
///   message  detail {type, message}: from another node
export class Signalling extends EventTarget {
  #socket;
  #isRelayOnly;
  #attempt = 0;
  #timer;
  #early = [];

  constructor({ broker, id, token, isRelayOnly }) {
    super();
    Object.assign(this, { broker, id, token });
    this.wasOnline = false;
    this.#isRelayOnly = isRelayOnly;
    this.rtcConfiguration = null;
    this.#socket = io(broker, {
      transports: ['websocket'],
      autoConnect: false,
      forceNew: true,
      // Its own way to come back does not tell when it will try.
      reconnection: false,
      query: { id, version: VERSION, runtime: PLATFORM },
    });
    this.#socket.on('AUTHENTICATED', (text) => this.#onAuthenticated(text));
    this.#socket.on('connect_error', (error) => this.#onConnectError(error));
    this.#socket.on('disconnect', (reason) => this.#onDisconnect(reason));
    for (const type of EVENTS) this.#socket.on(type, (text) => this.#onMessage(type, text));
  }

  get isOnline() {
    return this.#socket.connected && this.rtcConfiguration !== null;
  }

  /// Connects, from the start or after a refusal.
  open({ token = this.token } = {}) {
    this.token = token;
    const { query } = this.#socket.io.opts;
    if (token) query.data = token;
    else delete query.data;
    this.#attempt = 0;
    this.#try();
  }

  /// Does not wait for the next attempt.
  tryNow() {
    if (this.#timer) this.#try();
  }

  close() {
    this.#stopWaiting();
    this.#socket.disconnect();
  }

  /// Resolves with the broker's acknowledgement, OFFLINE or NO_ANSWER.
  async send(type, message) {
    if (!this.#socket.connected) return 'OFFLINE';
    try {
      const text = JSON.stringify({ from: this.id, ...message });
      const answer = await this.#socket.timeout(ANSWER_MS).emitWithAck(type, text);
      return ACKNOWLEDGEMENTS.includes(answer) ? answer : 'ERROR';
    } catch {
      return 'NO_ANSWER';
    }
  }

  /// A message of a negotiation.
  sendNegotiation(type, to, sessionId, more = {}) {
    return this.send(type, { platformFrom: PLATFORM, versionFrom: VERSION, to, sessionId, ...more });
  }

  /// Which of these nodes are connected: a Map, or null if the broker did not say.
  async presence(ids) {
    if (!this.#socket.connected || ids.length === 0) return null;
    try {
      const question = JSON.stringify({ ids });
      const answer = await this.#socket.timeout(ANSWER_MS).emitWithAck('ARE_NODES_CONNECTED_TO_BROKER', question);
      return new Map(JSON.parse(answer).results.map(({ id, connected }) => [id, connected]));
    } catch {
      return null;
    }
  }

  #onAuthenticated(text) {
    try {
      this.rtcConfiguration = toRtcConfiguration(JSON.parse(text));
      if (this.#isRelayOnly) this.rtcConfiguration.iceTransportPolicy = 'relay';
    } catch (error) {
      this.#socket.disconnect();
      this.#say('refused', { field: 'broker', words: `The broker's RTC configuration cannot be used: ${error.message}` });
      return;
    }
    this.wasOnline = true;
    this.#attempt = 0;
    this.#say('online');
    for (const detail of this.#early.splice(0)) this.dispatchEvent(new CustomEvent('message', { detail }));
  }

  #try() {
    this.#stopWaiting();
    ++this.#attempt;
    this.#say('connecting', { attempt: this.#attempt });
    this.#socket.connect();
  }

  #wait(trouble) {
    const pause = pauseAfter(Math.max(this.#attempt, 1));
    this.#timer = setTimeout(() => this.#try(), pause);
    this.#say('waiting', { ...trouble, attempt: this.#attempt + 1, pause });
  }

  #stopWaiting() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #onConnectError({ message }) {
    if (!this.#socket.active) return this.#say('refused', refusalInWords(message, this));
    const trouble = troubleInWords(this.broker, await probe(this.broker), location.origin);
    if (this.#socket.connected || !this.#socket.active) return;
    if (!trouble.isFinal || this.wasOnline) return this.#wait(trouble);
    this.#socket.disconnect();
    this.#say('refused', { ...trouble, field: 'broker' });
  }

  #onDisconnect(reason) {
    if (reason === 'io client disconnect') return;
    const words = lossInWords(reason);
    if (this.#socket.active) this.#wait({ words });
    else this.#say('refused', { words });
  }

  #onMessage(type, text) {
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return;
    }
    if (typeof message?.from !== 'string') return;
    const detail = { type, message };
    // Others can send from the moment of connecting on, which is before AUTHENTICATED.
    if (this.rtcConfiguration) this.dispatchEvent(new CustomEvent('message', { detail }));
    else if (this.#early.length < MAX_EARLY_MESSAGES) this.#early.push(detail);
  }

  #say(phase, detail) {
    this.dispatchEvent(new CustomEvent('phase', { detail: { phase, ...detail } }));
  }
}

/// Nodes call a TURN server's credential `password`; browsers know only `credential`. `iceCandidatePoolSize` is left out: with a
/// pool, Chromium (156) finds no candidate at all for about one answer in twenty.
function toRtcConfiguration({ iceServers, iceTransportPolicy, bundlePolicy, rtcpMuxPolicy }) {
  const configuration = {
    iceServers: iceServers.map(({ urls, username, password, credential = password }) =>
      username === undefined ? { urls } : { urls, username, credential },
    ),
    iceTransportPolicy,
    bundlePolicy,
    rtcpMuxPolicy,
  };
  // The browser is the judge of the rest: better now than with the first peer.
  new RTCPeerConnection(configuration).close();
  return configuration;
}
