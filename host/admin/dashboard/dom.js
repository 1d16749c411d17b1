// Small things about the document. Texts are set as text, never as HTML.

export const $ = (id) => document.getElementById(id);

/// `properties` are attributes, but for `text` and functions, which are listeners named by `onclick` and the like.
export function el(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

export function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'text') element.textContent = value;
    else if (typeof value === 'function') element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/// Sets a text only where it differs, so that selections stay and nothing is announced twice.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

const kShownCharacters = 300;
const kNamedControls = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/// Controls, and what turns the direction of a text or cannot be seen, as their code points.
export const visible = (text) =>
  text.replace(kNamedControls, (sign) => `\u27e8${sign.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}\u27e9`);

function cut(text) {
  return text.length > kShownCharacters ? `${text.slice(0, kShownCharacters)}…` : text;
}

/// An id, as somebody else has chosen it.
export function idElement(id) {
  const element = el('bdi', { class: 'id' });
  setId(element, id);
  return element;
}

export function setId(element, id) {
  const text = String(id ?? '');
  const shown = text === '' ? '(empty id)' : cut(visible(text));
  element.classList.toggle('none', text === '');
  setText(element, shown);
  setAttribute(element, 'title', shown);
}

/// A text of the API that is no id, for the middle of a sentence.
export const plain = (value) => cut(visible(String(value)));

/// Makes the rows of `body` those of `items`, in their order, reusing what is there: the reader's focus and selection
/// stay. `make(item)` returns a row, `update(row, item)` fills it. Focus in a row that goes moves to `whenLost`.
export function keepRows(body, items, keyOf, make, update, whenLost) {
  const old = new Map([...body.children].map((row) => [row.rowKey, row]));
  const kept = new Map(items.map((item) => [keyOf(item), item]));
  let hadFocus = false;
  for (const [key, row] of old) {
    if (kept.has(key)) continue;
    hadFocus ||= row.contains(document.activeElement);
    row.remove();
  }
  let place = body.firstElementChild;
  for (const [key, item] of kept) {
    let row = old.get(key);
    if (!row) {
      row = make(item);
      row.rowKey = key;
    }
    update(row, item);
    if (row === place) place = place.nextElementSibling;
    else body.insertBefore(row, place);
  }
  if (hadFocus) whenLost?.focus();
}

/// Cells by name: `columns` are {name, label, class?}; `cells(item)` makes their content once, `update` fills them.
export function tableRow(columns, contents) {
  const row = el('tr', { role: 'row' });
  row.parts = {};
  for (const { name, label, class: kind, isHeader } of columns) {
    const cell = isHeader
      ? el('th', { role: 'rowheader', scope: 'row', class: kind, 'data-label': label })
      : el('td', { role: 'cell', class: kind, 'data-label': label });
    cell.append(...(contents[name] ?? []));
    row.parts[name] = cell;
    row.append(cell);
  }
  return row;
}

export function tableHead(table, columns) {
  const row = el('tr', { role: 'row' });
  for (const { label, class: kind, isHidden } of columns) {
    const words = isHidden ? el('span', { class: 'hidden', text: label }) : label;
    row.append(el('th', { role: 'columnheader', scope: 'col', class: kind }, words));
  }
  table.tHead.replaceChildren(row);
}

/// Where tables become lists of cards, fewer of them are shown.
export const isNarrow = () => matchMedia('(max-width: 44rem)').matches;
