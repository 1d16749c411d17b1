// Numbers, durations and times for people, in the language of the browser. The exact ones stand in titles.
import { el, setAttribute, setText } from './dom.js';

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const oneDigit = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const twoDigits = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 2 });
const compact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumSignificantDigits: 3 });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const shortClock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });

export const kNothing = '–';

const isNumber = (value) => typeof value === 'number' && Number.isFinite(value);

export const count = (value) => (isNumber(value) ? whole.format(value) : kNothing);

/// For axes and other narrow places.
export const short = (value) => {
  if (!isNumber(value)) return kNothing;
  if (Math.abs(value) >= 10_000) return compact.format(value);
  if (Math.abs(value) >= 100 || Number.isInteger(value)) return whole.format(value);
  return Math.abs(value) >= 1 ? oneDigit.format(value) : twoDigits.format(value);
};

export const milliseconds = (value) => (isNumber(value) ? `${short(value)} ms` : kNothing);

export function bytes(value) {
  if (!isNumber(value)) return kNothing;
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let power = 0;
  let rest = value;
  while (rest >= 1000 && power < units.length - 1) {
    rest /= 1000;
    power += 1;
  }
  return `${rest >= 100 || power === 0 ? whole.format(rest) : oneDigit.format(rest)} ${units[power]}`;
}

export function duration(totalSeconds) {
  if (!isNumber(totalSeconds)) return kNothing;
  const total = Math.max(0, Math.floor(totalSeconds));
  const [days, hours, minutes, rest] = [Math.floor(total / 86_400), Math.floor(total / 3600) % 24, Math.floor(total / 60) % 60, total % 60];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  if (minutes > 0) return `${minutes} min`;
  return `${rest} s`;
}

export const seconds = (value) => (isNumber(value) ? `${short(value)} s` : kNothing);

const parsed = (text) => {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? null : at;
};

export const clockTime = (date) => clock.format(date);
export const axisTime = (date) => shortClock.format(date);

/// Within a day of now the time is enough.
export function moment(text) {
  const at = parsed(text);
  if (!at) return kNothing;
  return Math.abs(Date.now() - at.getTime()) < 20 * 3_600_000 ? clock.format(at) : day.format(at);
}

/// A <time> that shows `moment`, or what `show(text)` returns, with the exact time in its title.
export function timeElement(text, show = moment) {
  const element = el('time');
  setTime(element, text, show);
  return element;
}

export function setTime(element, text, show = moment) {
  const exact = parsed(text)?.toISOString() ?? '';
  setText(element, show(text));
  setAttribute(element, 'datetime', exact);
  setAttribute(element, 'title', exact);
}

/// "node", "nodes".
export const plural = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;
