// Whether the broker answers: asks every five seconds, waits longer and longer where it does not, and says so.
import { $, setText } from './dom.js';
import { clockTime } from './format.js';

const kIntervalMs = 5000;
const kFirstDelayMs = 1000;
const kLongestDelayMs = 30_000;

export class Connection {
  #ask;
  #onRecovery;
  #timer;
  #countdown;
  #failures = 0;
  #lastAnswer = null;
  #isAsking = false;
  #isAskedAgain = false;
  #isStreaming = false;
  #streamWords = '';

  /// `ask()` asks for what is shown, and throws an ApiError if nothing can be had. `onRecovery()`: it answers again.
  constructor({ ask, onRecovery }) {
    this.#ask = ask;
    this.#onRecovery = onRecovery;
    $('try-now').addEventListener('click', () => this.askNow());
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.askNow();
    });
  }

  /// Whether events arrive, and if not, why.
  setStream(isOpen, words = '') {
    this.#isStreaming = isOpen;
    this.#streamWords = words;
    this.#show();
  }

  /// While an answer is waited for, it is asked once more afterwards: that answer may be too old.
  async askNow() {
    this.#isAskedAgain = this.#isAsking;
    if (this.#isAsking) return;
    clearTimeout(this.#timer);
    clearInterval(this.#countdown);
    this.#isAsking = true;
    let delay = kIntervalMs;
    try {
      await this.#ask();
      this.#lastAnswer = new Date();
      const wasLost = this.#failures > 0;
      this.#failures = 0;
      this.#show();
      if (wasLost) this.#onRecovery();
    } catch (error) {
      this.#failures += 1;
      delay = this.#lost(error);
    }
    this.#isAsking = false;
    this.#timer = setTimeout(() => this.askNow(), this.#isAskedAgain && this.#failures === 0 ? 0 : delay);
  }

  /// Milliseconds until the next attempt.
  #lost(error) {
    const growing = Math.min(kFirstDelayMs * 2 ** (this.#failures - 1), kLongestDelayMs);
    const delay = Math.max(growing * (0.9 + Math.random() / 5), (error.retryAfter ?? 0) * 1000);
    const since = this.#lastAnswer ? ` What you see is of ${clockTime(this.#lastAnswer)}.` : '';
    const why = error.status === 0 ? 'The connection to the broker is lost.' : `The broker gives no data: ${error.message}.`;
    setText($('lost-words'), why + since);
    $('lost').hidden = false;
    document.body.classList.add('stale');
    const due = Date.now() + delay;
    const show = () => setText($('lost-countdown'), `Next attempt in ${Math.max(0, Math.ceil((due - Date.now()) / 1000))} s`);
    show();
    this.#countdown = setInterval(show, 1000);
    this.#show();
    return delay;
  }

  #show() {
    const isLost = this.#failures > 0;
    if (!isLost) {
      $('lost').hidden = true;
      document.body.classList.remove('stale');
    }
    const kind = isLost ? 'lost' : this.#isStreaming ? 'live' : 'polled';
    $('liveness').dataset.kind = this.#lastAnswer || isLost ? kind : 'connecting';
    const words = { lost: 'Not connected', live: 'Live', polled: this.#streamWords || 'Every 5 s, without events' };
    setText($('liveness-words'), this.#lastAnswer || isLost ? words[kind] : 'Connecting…');
    setText($('updated'), this.#lastAnswer ? `Updated ${clockTime(this.#lastAnswer)}` : '');
  }
}
