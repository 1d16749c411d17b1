// How it stands with the broker, while one is inside: beside one's id, and in a banner when there is something to say.
import { Countdown } from './countdown.mjs';
import { $, showSentence } from './elements.mjs';
import { attemptInWords } from './words.mjs';

const STATES = { online: 'connected', connecting: 'reconnecting', waiting: 'reconnecting', refused: 'not connected' };
const KEPT = 'Open data channels stay open meanwhile.';

/// Tells its owner by events:
///   retry   not to wait for the next attempt
///   rejoin  detail {id, token}: to connect again after a refusal
export class Status extends EventTarget {
  #countdown = new Countdown($('banner-progress'));
  #isRejoining = false;
  #loss = null;
  #hasChannels = false;

  constructor() {
    super();
    $('retry').addEventListener('click', () => this.dispatchEvent(new Event('retry')));
    $('rejoin').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#isRejoining = true;
      const detail = { id: $('rejoin-id').value.trim(), token: $('rejoin-token').value.trim() };
      if (!detail.id) return this.#offer('id', { words: 'Give yourself an id: it is what others find you by.' });
      this.dispatchEvent(new CustomEvent('rejoin', { detail }));
    });
  }

  /// `id`, `token`: those of the connection. A phase as Signalling tells it.
  show({ id, token, broker }, { phase, attempt, pause, field, words, link }) {
    $('self-id').textContent = id;
    $('self-state').textContent = STATES[phase];
    $('self-broker').textContent = ` to ${broker.replace(/^https?:\/\//, '')}`;
    $('leave').textContent = phase === 'refused' ? 'Leave' : 'Disconnect';
    $('self').dataset.phase = phase;
    $('banner').dataset.phase = phase;
    const isRefused = phase === 'refused';
    switch (phase) {
      case 'online':
        $('banner').hidden = true;
        this.#loss = null;
        if (this.#isRejoining) $('watch-id').focus();
        this.#isRejoining = false;
        break;
      case 'connecting':
        // What was said of the last attempt stays, and so do the fields and buttons: who uses them keeps the focus.
        this.#countdown.stop(attemptInWords(attempt));
        break;
      case 'waiting':
        this.#loss = { words, link };
        this.#showLoss();
        this.#countdown.start(pause, (seconds) => attemptInWords(attempt, seconds));
        break;
      case 'refused':
        this.#countdown.stop();
        this.#loss = null;
        $('rejoin-id').value = id;
        $('rejoin-token').value = token;
    }
    if (phase === 'waiting' || isRefused) $('banner').hidden = false;
    const hasFields = isRefused || (phase === 'connecting' && this.#isRejoining);
    $('rejoin').hidden = !hasFields;
    $('retry').hidden = hasFields;
    $('banner-spinner').hidden = isRefused;
    if (isRefused) this.#offer(field, { words, link });
  }

  /// Whether any data channel is open.
  showChannels(hasChannels) {
    this.#hasChannels = hasChannels;
    this.#showLoss();
  }

  hide() {
    this.#countdown.stop();
    this.#loss = null;
    $('banner').hidden = true;
  }

  #showLoss() {
    if (!this.#loss) return;
    const { words, link } = this.#loss;
    showSentence($('banner-words'), { words: this.#hasChannels ? `${words} ${KEPT}` : words, link });
  }

  /// Another id or token. Takes the focus from whoever has asked to connect again, but not from somebody who writes a message.
  #offer(field, sentence) {
    showSentence($('banner-words'), sentence);
    for (const name of ['id', 'token']) $(`rejoin-${name}`).setAttribute('aria-invalid', String(name === field));
    const input = $(field === 'id' ? 'rejoin-id' : 'rejoin-token');
    if (this.#isRejoining || !document.activeElement?.closest('.composer')) input.focus();
    this.#isRejoining = false;
  }
}
