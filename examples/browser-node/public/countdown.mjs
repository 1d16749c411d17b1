// Seconds until something, as a text that changes. No screen reader should say each of them.
const STEP_MS = 250;

export class Countdown {
  #element;
  #timer;

  constructor(element) {
    this.#element = element;
  }

  /// `words(seconds)`: what to show while that many are left, rounded up.
  start(milliseconds, words) {
    const end = performance.now() + milliseconds;
    const show = () => {
      this.#element.textContent = words(Math.max(0, Math.ceil((end - performance.now()) / 1000)));
    };
    this.stop();
    show();
    this.#timer = setInterval(show, STEP_MS);
  }

  stop(text = '') {
    clearInterval(this.#timer);
    this.#element.textContent = text;
  }
}
