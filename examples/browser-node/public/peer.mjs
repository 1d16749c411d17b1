// The WebRTC side of the node: one negotiation with one other node, and the data channel that comes of it.
import { lineOf, toIceCandidate, toMessage } from './candidate.mjs';
import { Assembler, toParts } from './messages.mjs';
import { pathInUse } from './path.mjs';
import { SilentServers } from './servers.mjs';
import { at, candidateInWords, failureInWords } from './words.mjs';

/// As long as other nodes wait for a connection.
export const NEGOTIATION_MS = 30_000;
const MAX_EARLY_CANDIDATES = 200;
const PATH_INTERVAL_MS = 200;
/// As long as a candidate may take through the broker that tells what the other end of the path is.
const LATE_CANDIDATE_MS = 2_000;
const TO_RESPONDER = 'ICE_CANDIDATES_EXCHANGE_INITIATOR_TO_RESPONDER';
const TO_INITIATOR = 'ICE_CANDIDATES_EXCHANGE_RESPONDER_TO_INITIATOR';

/// Tells its owner by events:
///   step     detail {kind, direction, words, detail, groups}: what happened in the negotiation. direction: out, in or here
///   open     the data channel is open
///   path     detail: see path.mjs
///   message  detail {channel, text}
///   end      detail {words}: closed or failed, and why
export class Peer extends EventTarget {
  #signalling;
  #connection;
  #channel;
  #assembler = new Assembler();
  #nextMsgId = 0;
  #early = [];
  #held = [];
  #silentServers = new SilentServers();
  #mayTrickle;
  #timer;
  #pathTimer;
  #pathInWords;
  #openSince;

  constructor({ signalling, remoteId, sessionId, isInitiator }) {
    super();
    this.#signalling = signalling;
    Object.assign(this, { remoteId, sessionId, isInitiator });
    this.state = 'negotiating';
    // An accepting node ignores candidates that come before it has accepted: an initiator holds its own back until then.
    this.#mayTrickle = !isInitiator;
    this.#connection = new RTCPeerConnection(signalling.rtcConfiguration);
    this.#watch(this.#connection);
    this.#timer = setTimeout(
      () => this.close(`No connection within ${NEGOTIATION_MS / 1000} seconds.`),
      NEGOTIATION_MS,
    );
  }

  async offer() {
    this.#use(this.#connection.createDataChannel('node-messages', { ordered: true }));
    await this.#trying('make an offer', async () => {
      await this.#connection.setLocalDescription(await this.#connection.createOffer());
      await this.#sayDescription('CONNECTION_ATTEMPT', 'offer');
    });
  }

  /// `early`: candidates that came while nobody had decided on the offer.
  async answer(offer, early = []) {
    this.#step('offer', 'in', 'Offer received', 'CONNECTION_ATTEMPT');
    await this.#trying('use the offer', async () => {
      await this.#setRemote(offer);
      for (const message of early) this.#onCandidate(message);
      await this.#connection.setLocalDescription(await this.#connection.createAnswer());
      await this.#sayDescription('CONNECTION_ACCEPTANCE', 'answer');
    });
  }

  /// A message of this session from the other node.
  async receive(type, message) {
    if (this.state === 'ended') return;
    switch (type) {
      case 'CONNECTION_ACCEPTANCE':
        if (this.isInitiator) await this.#onAcceptance(message);
        break;
      case 'CONNECTION_REFUSAL':
        if (this.isInitiator) this.close(`“${this.remoteId}” declined (CONNECTION_REFUSAL).`);
        break;
      case 'INCOMING_CONNECTIONS_NOT_ALLOWED':
        if (this.isInitiator) {
          this.close(`“${this.remoteId}” allows no incoming connections (INCOMING_CONNECTIONS_NOT_ALLOWED).`);
        }
        break;
      case TO_RESPONDER:
        if (!this.isInitiator) this.#onCandidate(message);
        break;
      case TO_INITIATOR:
        if (this.isInitiator) this.#onCandidate(message);
        break;
    }
  }

  /// False if there is no open data channel.
  send(channel, text) {
    if (this.#channel?.readyState !== 'open') return false;
    try {
      for (const part of toParts(text, { msgId: this.#nextMsgId, channel })) this.#channel.send(part);
    } catch {
      return false;
    }
    ++this.#nextMsgId;
    return true;
  }

  close(words = 'You closed the connection.') {
    if (this.state === 'ended') return;
    const kind = this.state === 'open' ? 'end' : 'failure';
    this.state = 'ended';
    clearTimeout(this.#timer);
    clearTimeout(this.#pathTimer);
    this.#connection.close();
    this.#step(kind, 'here', words);
    this.#emit('end', { words });
  }

  #watch(connection) {
    connection.onicecandidate = ({ candidate }) => {
      if (candidate) this.#silentServers.onCandidate(candidate);
      const said = candidate && toMessage(candidate);
      if (!said) return;
      if (this.#mayTrickle) this.#sayCandidate(said);
      else this.#held.push(said);
    };
    connection.onicegatheringstatechange = () => {
      if (connection.iceGatheringState !== 'complete') return;
      this.#step('gathering', 'here', 'All own candidates found');
      this.#nameSilentServers();
    };
    connection.onicecandidateerror = (event) => this.#silentServers.onError(event);
    connection.oniceconnectionstatechange = () => {
      const state = connection.iceConnectionState;
      const isPaired = state === 'connected' || state === 'completed';
      this.#step(isPaired ? 'paired' : 'ice', 'here', `ICE: ${state}`, ICE_STATES[state]);
    };
    connection.onconnectionstatechange = () => {
      if (connection.connectionState === 'failed') {
        this.close(
          this.state === 'open'
            ? 'The path to the other node is gone.'
            : 'No path to the other node was found, neither a direct one nor a relay.',
        );
      }
    };
    connection.ondatachannel = ({ channel }) => {
      if (!this.isInitiator && !this.#channel) this.#use(channel);
    };
  }

  #nameSilentServers() {
    const { groups } = this.#silentServers;
    const count = groups.reduce((sum, { urls }) => sum + urls.length, 0);
    if (count === 0) return;
    const words = count === 1 ? 'An ICE server gave no candidate' : `${count} ICE servers gave no candidate`;
    this.#step('trouble', 'here', words, '', groups);
  }

  #use(channel) {
    this.#channel = channel;
    channel.binaryType = 'arraybuffer';
    channel.onopen = () => this.#onOpen();
    channel.onclose = () => {
      if (this.state !== 'ended') this.close(`“${this.remoteId}” closed the connection.`);
    };
    channel.onmessage = ({ data }) => this.#onData(data);
    if (channel.readyState === 'open') this.#onOpen();
  }

  #onOpen() {
    if (this.state !== 'negotiating') return;
    clearTimeout(this.#timer);
    this.state = 'open';
    this.#openSince = performance.now();
    this.#step('channel', 'here', 'Data channel open');
    this.#emit('open');
    const transport = this.#connection.sctp?.transport?.iceTransport;
    transport?.addEventListener('selectedcandidatepairchange', () => this.#findPath());
    this.#findPath();
  }

  /// Statistics lag behind what they describe, and candidates behind the packets of those that they describe.
  async #findPath() {
    clearTimeout(this.#pathTimer);
    if (this.state !== 'open') return;
    const stats = await this.#connection.getStats();
    if (this.state !== 'open') return;
    const { localDescription, remoteDescription } = this.#connection;
    const path = pathInUse(stats, { local: localDescription.sdp, remote: remoteDescription.sdp });
    const mayBecomeClear = performance.now() - this.#openSince < LATE_CANDIDATE_MS;
    if (!path || (!path.isCertain && mayBecomeClear)) {
      clearTimeout(this.#pathTimer);
      this.#pathTimer = setTimeout(() => this.#findPath(), PATH_INTERVAL_MS);
      return;
    }
    // As candidates are shown, so that one finds the two again.
    const end = ({ type, address, port }) => `${type} ${at(address, port)} ${path.local.protocol}`;
    const inWords = `${end(path.local)}\n${end(path.remote)}`;
    if (inWords === this.#pathInWords) return;
    const what = this.#pathInWords ? 'Path changed' : 'Path chosen';
    this.#pathInWords = inWords;
    this.#step('path', 'here', `${what}: ${path.isRelayed ? 'relayed by TURN' : 'direct'}`, inWords);
    this.#emit('path', path);
  }

  #onData(data) {
    try {
      if (!(data instanceof ArrayBuffer)) throw new Error('text, not CBOR');
      const message = this.#assembler.add(new Uint8Array(data));
      if (message) this.#emit('message', message);
    } catch (error) {
      this.#step('trouble', 'in', 'A message that cannot be read', error.message);
    }
  }

  async #onAcceptance({ sessionDescription }) {
    if (this.#mayTrickle) return;
    this.#mayTrickle = true;
    this.#step('answer', 'in', 'Answer received', 'CONNECTION_ACCEPTANCE');
    await this.#trying('use the answer', async () => {
      await this.#setRemote(sessionDescription);
      for (const candidate of this.#held.splice(0)) this.#sayCandidate(candidate);
    });
  }

  async #setRemote({ type, sdp }) {
    await this.#connection.setRemoteDescription({ type, sdp });
    for (const message of this.#early.splice(0)) this.#addCandidate(message);
  }

  #onCandidate(message) {
    const line = lineOf(message.candidate);
    if (!line) return;
    this.#stepCandidate('in', 'Candidate received', line);
    if (this.#connection.remoteDescription) this.#addCandidate(message);
    else if (this.#early.length < MAX_EARLY_CANDIDATES) this.#early.push(message);
  }

  async #addCandidate({ candidate }) {
    try {
      await this.#connection.addIceCandidate(toIceCandidate(candidate, this.#connection.remoteDescription.sdp));
    } catch (error) {
      if (this.state !== 'ended') this.#step('trouble', 'here', 'A candidate that cannot be used', error.message);
      return;
    }
    // It may be what the path in use ends at.
    this.#findPath();
  }

  async #sayCandidate(candidate) {
    this.#stepCandidate('out', 'Candidate sent', candidate.sdp);
    const type = this.isInitiator ? TO_RESPONDER : TO_INITIATOR;
    await this.#say(type, { candidate });
  }

  async #sayDescription(type, kind) {
    if (this.state === 'ended') return;
    const { type: descriptionType, sdp } = this.#connection.localDescription;
    this.#step(kind, 'out', kind === 'offer' ? 'Offer sent' : 'Answer sent', type);
    await this.#say(type, { sessionDescription: { type: descriptionType, sdp } });
  }

  /// Once the channel is open nothing depends on the broker any more.
  async #say(type, more) {
    const answer = await this.#signalling.sendNegotiation(type, this.remoteId, this.sessionId, more);
    const failure = failureInWords(answer, { to: this.remoteId, type });
    if (failure && this.state === 'negotiating') this.close(failure);
  }

  async #trying(what, action) {
    try {
      await action();
    } catch (error) {
      if (this.state !== 'ended') this.close(`The browser could not ${what}: ${error.message}`);
    }
  }

  #stepCandidate(direction, what, line) {
    const { words, detail } = candidateInWords(line);
    this.#step('candidate', direction, `${what}: ${words}`, detail);
  }

  #step(kind, direction, words, detail = '', groups = []) {
    this.#emit('step', { kind, direction, words, detail, groups });
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

const ICE_STATES = {
  checking: 'trying pairs of candidates',
  connected: 'a pair works',
  completed: 'all pairs tried',
  disconnected: 'no answer at the moment',
  failed: 'no pair works',
};
