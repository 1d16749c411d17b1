// What has been done, and what has changed that is worth being told: on screen for a while, and politely to screen readers.
import { $, el } from './dom.js';

const kShownMs = 12_000;
const kMost = 3;

/// `parts`: texts and elements. `kind`: 'done' or 'trouble'.
export function notify(parts, kind = 'done') {
  const place = $('notices');
  const close = el('button', { type: 'button', class: 'quiet', 'aria-label': 'Dismiss', text: '×' });
  const notice = el('div', { class: `notice ${kind}` }, el('p', {}, ...[parts].flat()), close);
  const remove = () => notice.remove();
  close.addEventListener('click', remove);
  place.append(notice);
  while (place.children.length > kMost) place.firstElementChild.remove();
  let timer = setTimeout(remove, kShownMs);
  // Whoever reads it keeps it.
  notice.addEventListener('pointerenter', () => clearTimeout(timer));
  notice.addEventListener('focusin', () => clearTimeout(timer));
  notice.addEventListener('pointerleave', () => {
    timer = setTimeout(remove, kShownMs);
  });
}
