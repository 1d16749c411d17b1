// The form by which one connects. What is wrong stands below the field that it concerns.
import { brokerAt } from './address.mjs';
import { Countdown } from './countdown.mjs';
import { $, showSentence } from './elements.mjs';
import { attemptInWords } from './words.mjs';

const FIELDS = ['id', 'broker', 'token'];

/// Tells its owner by events:
///   join    detail {id, broker, token, channel, isRelayOnly}
///   cancel  no more attempts
export class JoinForm extends EventTarget {
  #countdown = new Countdown($('next-attempt'));
  #isTrying = false;

  constructor() {
    super();
    $('join').addEventListener('submit', (event) => {
      event.preventDefault();
      if ($('connect').ariaDisabled !== 'true') this.submit();
    });
    $('cancel').addEventListener('click', () => {
      this.#cancel();
      $('connect').focus();
    });
    // Whoever corrects something does not want the next attempt to be made with what was there before.
    $('join').addEventListener('input', () => this.#isTrying && this.#cancel());
  }

  fill(values) {
    for (const [name, value] of Object.entries(values)) $(name).value = value;
  }

  focus() {
    ($('id').value ? $('connect') : $('id')).focus();
  }

  submit() {
    const id = $('id').value.trim();
    const { origin, words } = brokerAt($('broker').value.trim(), location);
    this.#clear();
    if (!id) return this.#showProblem('id', { words: 'Give yourself an id: it is what others find you by.' });
    if (!origin) return this.#showProblem('broker', { words });
    this.dispatchEvent(
      new CustomEvent('join', {
        detail: {
          id,
          broker: origin,
          token: $('token').value.trim(),
          channel: $('channel').value.trim() || 'chat',
          isRelayOnly: $('relay').checked,
        },
      }),
    );
  }

  /// As Signalling tells it.
  show({ phase, attempt, pause, field = 'token', ...sentence }) {
    switch (phase) {
      case 'connecting':
        this.#showTrying(true);
        // Not `disabled`, by which it would lose the focus.
        $('connect').ariaDisabled = 'true';
        this.#countdown.stop();
        $('progress').textContent = attemptInWords(attempt);
        break;
      case 'waiting':
        $('connect').ariaDisabled = 'false';
        this.#showProblem('broker', sentence, 'trouble');
        $('progress').textContent = '';
        this.#countdown.start(pause, (seconds) => attemptInWords(attempt, seconds));
        break;
      case 'refused':
        this.#clear();
        this.#showProblem(field, sentence);
        break;
      default:
        this.#clear();
    }
  }

  #cancel() {
    this.#clear();
    this.dispatchEvent(new Event('cancel'));
  }

  #clear() {
    this.#showTrying(false);
    for (const field of FIELDS) {
      showSentence($(`${field}-problem`), {});
      $(field).removeAttribute('aria-invalid');
    }
  }

  #showTrying(isTrying) {
    this.#isTrying = isTrying;
    $('progress').parentElement.hidden = !isTrying;
    $('cancel').hidden = !isTrying;
    $('connect').ariaDisabled = 'false';
    $('connect').textContent = isTrying ? 'Try now' : 'Connect';
    if (!isTrying) this.#countdown.stop();
  }

  #showProblem(field, sentence, kind = 'fault') {
    const problem = $(`${field}-problem`);
    problem.dataset.kind = kind;
    showSentence(problem, sentence);
    if (kind === 'trouble') return;
    $(field).setAttribute('aria-invalid', 'true');
    $(field).focus();
  }
}
