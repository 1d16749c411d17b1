// What nodes say to each other over a data channel: CBOR maps {msgType, msgId, channel, payload, part, total}. A long text goes in
// parts, numbered from 0, in order.
import { CborError, decode, encode } from './cbor.mjs';

const PART_CHARACTERS = 15_000;
const MAX_CHARACTERS = 1_000_000;
const MAX_UNFINISHED = 16;
const UNFINISHED_MS = 60_000;

const isCount = (value) => Number.isInteger(value) && value >= 0;
const isHighSurrogate = (unit) => unit >= 0xd800 && unit <= 0xdbff;

/// The bytes of each part.
export function toParts(text, { msgId, channel }) {
  const payloads = [];
  let at = 0;
  do {
    let end = Math.min(at + PART_CHARACTERS, text.length);
    // Each part is UTF-8 of its own: the halves of a character stay together.
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) --end;
    payloads.push(text.slice(at, end));
    at = end;
  } while (at < text.length);
  const total = payloads.length;
  return payloads.map((payload, part) => encode({ msgType: 'USER_MSG', msgId, channel, payload, part, total }));
}

/// Puts parts together again. What is never finished is dropped after a minute.
export class Assembler {
  #unfinished = new Map();

  /// Returns {channel, text} with the last part, undefined before. Throws a CborError at what is no message.
  add(bytes, now = performance.now()) {
    const { msgType, msgId, channel, payload, part, total } = checked(decode(bytes));
    if (msgType !== 'USER_MSG') throw new CborError(`a message of the unknown type '${msgType}'`);
    this.#forgetOld(now);
    const message = part === 0 ? { channel, total, texts: [], size: 0, since: now } : this.#unfinished.get(msgId);
    this.#unfinished.delete(msgId);
    if (!message || message.texts.length !== part || message.total !== total) throw new CborError('a part out of order');
    message.texts.push(payload);
    message.size += payload.length;
    if (message.size > MAX_CHARACTERS) throw new CborError(`a message of over ${MAX_CHARACTERS} characters`);
    if (part + 1 === total) return { channel: message.channel, text: message.texts.join('') };
    if (this.#unfinished.size >= MAX_UNFINISHED) throw new CborError('too many unfinished messages');
    this.#unfinished.set(msgId, message);
    return undefined;
  }

  #forgetOld(now) {
    for (const [msgId, { since }] of this.#unfinished) {
      if (now - since > UNFINISHED_MS) this.#unfinished.delete(msgId);
    }
  }
}

function checked(message) {
  const { msgType, msgId, channel, payload, part, total } = message ?? {};
  const isMessage =
    [msgType, channel, payload].every((value) => typeof value === 'string') &&
    Number.isInteger(msgId) && isCount(part) && isCount(total) && part < total;
  if (!isMessage) throw new CborError('no message of a node');
  return message;
}
