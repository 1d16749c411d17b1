// Small things about the document. Texts are set as text, never as HTML.
const NEAR_THE_END = 40;

export const $ = (id) => document.getElementById(id);

export const element = (tag, properties) => Object.assign(document.createElement(tag), properties);

/// The one element of a template, new each time.
export const fromTemplate = (id) => $(id).content.firstElementChild.cloneNode(true);

/// Follows what is added, unless the reader has scrolled away from the end.
export function appendInView(list, item) {
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_THE_END;
  list.append(item);
  if (isAtEnd) list.scrollTop = list.scrollHeight;
}

/// Words, and a link after them if there is one. What stands there already is not said again by screen readers.
export function showSentence(place, { words = '', link }) {
  const said = link ? `${words} ${link.words}` : words;
  if (place.textContent === said) return;
  place.textContent = link ? `${words} ` : words;
  if (link) place.append(element('a', { href: link.href, textContent: link.words, target: '_blank', rel: 'noopener' }));
}
