// The broker side of the node: a Socket.IO connection, and the nodes' message formats on it.
import { io } from './socket.io.esm.min.js';
import { lossInWords, refusalInWords, troubleInWords } from './words.mjs';

const VERSION = '1.0.0';
const PLATFORM = 'browser';
const ANSWER_MS = 10_000;
const PROBE_MS = 3_000;
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
///   phase    detail {phase, words, field}: connecting, online, lost (comes back by itself), refused (does not)
///   message  detail {type, message}: from another node
export class Signalling extends EventTarget {
  #socket;
  #isRelayOnly;
  #wasOnline = false;
  #early = [];

  constructor({ broker, id, token, isRelayOnly }) {
    super();
    Object.assign(this, { broker, id, token });
    this.#isRelayOnly = isRelayOnly;
    this.rtcConfiguration = null;
    const query = { id, version: VERSION, runtime: PLATFORM };
    if (token) query.data = token;
    this.#socket = io(broker, {
      transports: ['websocket'],
      autoConnect: false,
      forceNew: true,
      reconnectionDelay: 1_000,
      reconnectionDelayMax: 5_000,
      query,
    });
    this.#socket.on('AUTHENTICATED', (text) => this.#onAuthenticated(text));
    this.#socket.on('connect_error', (error) => this.#onConnectError(error));
    this.#socket.on('disconnect', (reason) => this.#onDisconnect(reason));
    for (const type of EVENTS) this.#socket.on(type, (text) => this.#onMessage(type, text));
  }

  get isOnline() {
    return this.#socket.connected && this.rtcConfiguration !== null;
  }

  open() {
    this.#say('connecting', { words: `Connecting to ${this.broker}` });
    this.#socket.connect();
  }

  close() {
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
    this.#wasOnline = true;
    this.#say('online', { words: `Connected to ${this.broker}` });
    for (const detail of this.#early.splice(0)) this.dispatchEvent(new CustomEvent('message', { detail }));
  }

  async #onConnectError({ message }) {
    if (!this.#socket.active) return this.#say('refused', refusalInWords(message, this));
    const isAnswering = await answers(this.broker);
    if (this.#socket.connected || !this.#socket.active) return;
    const words = troubleInWords(this.broker, { isAnswering });
    this.#say(this.#wasOnline ? 'lost' : 'connecting', { words, isTrouble: true });
  }

  #onDisconnect(reason) {
    if (reason === 'io client disconnect') return;
    this.#say(this.#socket.active ? 'lost' : 'refused', { field: 'id', words: lossInWords(reason) });
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

/// A browser does not tell why a WebSocket could not be opened, but whether anything answers there can be found out.
async function answers(broker) {
  try {
    await fetch(`${broker}/healthz`, { mode: 'no-cors', cache: 'no-store', signal: AbortSignal.timeout(PROBE_MS) });
    return true;
  } catch {
    return false;
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
