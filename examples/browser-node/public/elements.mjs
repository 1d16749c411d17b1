// Small things about the document. Texts are set as text, never as HTML.
const NEAR_THE_END = 40;

export const $ = (id) => document.getElementById(id);

export const element = (tag, properties) => Object.assign(document.createElement(tag), properties);

/// The one element of a template, new each time.
export const fromTemplate = (id) => $(id).content.firstElementChild.cloneNode(true);

/// Keeps the end of a list in view, as it grows and as its place shrinks, unless the reader has scrolled away from it. Says by classes
/// where there is more: `above`, `below`. Returns the function that appends.
export function followEnd(list) {
  let isFollowing = true;
  let top = 0;
  const look = () => {
    const below = list.scrollHeight - list.scrollTop - list.clientHeight;
    // That the end is out of view may be because its place has shrunk: only a reader scrolls up.
    if (below < NEAR_THE_END) isFollowing = true;
    else if (list.scrollTop < top) isFollowing = false;
    top = list.scrollTop;
    list.classList.toggle('above', top > 0);
    list.classList.toggle('below', below > 1);
  };
  const follow = () => {
    if (isFollowing) list.scrollTop = list.scrollHeight;
    look();
  };
  list.addEventListener('scroll', look);
  new ResizeObserver(follow).observe(list);
  return (item) => {
    list.append(item);
    follow();
  };
}

/// Words, and a link after them if there is one. What stands there already is not said again by screen readers.
export function showSentence(place, { words = '', link }) {
  const said = link ? `${words} ${link.words}` : words;
  if (place.textContent === said) return;
  place.textContent = link ? `${words} ` : words;
  if (link) place.append(element('a', { href: link.href, textContent: link.words, target: '_blank', rel: 'noopener' }));
}
