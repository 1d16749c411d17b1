// A section with data of one route: what it shows before they come, when there are none, and when they cannot be had.
import { el, setText } from './dom.js';

export class Panel {
  #content;
  #words;
  #hasData = false;

  /// `section` holds one element `.content`. `absent`: what is said where the broker has no such route.
  constructor(section, { absent }) {
    this.section = section;
    this.absent = absent;
    this.#content = section.querySelector('.content');
    this.#words = el('p', { class: 'nothing loading', text: 'Loading…' });
    this.#content.before(this.#words);
    this.#content.hidden = true;
  }

  get heading() {
    return this.section.querySelector('h2');
  }

  #say(words, kind) {
    this.section.classList.toggle('absent', kind === 'absent');
    this.#words.className = `nothing ${kind}`;
    this.#words.hidden = words === '';
    setText(this.#words, words);
  }

  /// There are data. `emptyWords` where the list has no entries; then the content is hidden.
  ready(emptyWords = '') {
    this.#hasData = true;
    this.#content.hidden = emptyWords !== '';
    this.#say(emptyWords, 'empty');
  }

  /// Data that are there stay.
  failed(error) {
    if (error.isAbsent) {
      this.#hasData = false;
      this.#content.hidden = true;
      this.#say(this.absent, 'absent');
    } else if (error.status !== 401) {
      const again = error.status === 0 ? '' : ' It is asked for again.';
      this.#say(`${this.#hasData ? 'Not up to date' : 'Not available'}: ${error.message}.${again}`, 'failed');
    }
  }
}
