// Small things about the document. Texts are set as text, never as HTML.
const NEAR_THE_END = 40;

export const element = (tag, properties) => Object.assign(document.createElement(tag), properties);

/// The one element of a template, new each time.
export const fromTemplate = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);

/// Follows what is added, unless the reader has scrolled away from the end.
export function appendInView(list, item) {
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_THE_END;
  list.append(item);
  if (isAtEnd) list.scrollTop = list.scrollHeight;
}
