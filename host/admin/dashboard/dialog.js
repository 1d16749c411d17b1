// Questions before something is done. The browser's own <dialog> keeps the focus inside and gives it back.
import { el, setText } from './dom.js';

/// A dialog that is removed when it is closed. `body`: elements; `confirm`: the words of its button, without it there is
/// only Close; `isDangerous`; `act()` does it, may throw an ApiError, and returns nothing, or elements to show in place
/// of the body; `returnTo`: what gets the focus if what had it is gone.
export function ask({ title, body, confirm, isDangerous = false, isWide = false, busy = 'Working…', act, returnTo }) {
  const opener = document.activeElement;
  const heading = el('h2', { id: 'dialog-title', text: title, tabindex: '-1' });
  const content = el('div', { class: 'body' }, ...body);
  const problem = el('p', { class: 'problem', role: 'alert' });
  const cancel = el('button', { type: 'button', text: confirm ? 'Cancel' : 'Close' });
  const go = confirm ? el('button', { class: isDangerous ? 'danger' : 'primary', text: confirm }) : null;
  const form = el('form', { novalidate: true }, heading, content, problem, el('div', { class: 'actions' }, cancel, go));
  const dialog = el('dialog', { 'aria-labelledby': 'dialog-title', class: isWide ? 'wide' : null }, form);
  let isBusy = false;

  const close = () => dialog.close();
  cancel.addEventListener('click', close);
  dialog.addEventListener('close', () => {
    dialog.remove();
    const target = opener?.isConnected ? opener : returnTo;
    target?.focus();
  });
  // A click beside it closes it.
  dialog.addEventListener('pointerdown', (event) => {
    if (event.target === dialog && !isBusy) close();
  });

  const setBusy = (value) => {
    isBusy = value;
    go.setAttribute('aria-disabled', String(value));
    setText(go, value ? busy : confirm);
  };
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (!go || isBusy || !form.reportValidity()) return;
    setText(problem, '');
    setBusy(true);
    try {
      const result = await act();
      if (!result) {
        close();
        return;
      }
      content.replaceChildren(...result);
      go.remove();
      setText(cancel, 'Close');
      heading.focus();
    } catch (error) {
      setText(problem, sentence(error));
    }
    setBusy(false);
  });

  document.body.append(dialog);
  dialog.showModal();
  (dialog.querySelector('[autofocus]') ?? (go ? cancel : heading)).focus();
  return { dialog, content, close };
}

export function sentence(error) {
  const text = error.message.charAt(0).toUpperCase() + error.message.slice(1);
  const wait = error.status === 429 && error.retryAfter ? ` Try again in ${error.retryAfter} s.` : '';
  return `${/[.!?]$/.test(text) ? text : `${text}.`}${wait}`;
}

export const paragraph = (...parts) => el('p', {}, ...parts);
