// CBOR (RFC 8949), as much of it as JSON can say, and bytes. Reads definite and indefinite lengths, since writers differ;
// writes definite ones. Throws a CborError on anything else: what comes from another node is not trusted.

export class CborError extends Error {}

const MAX_DEPTH = 16;
const UNSIGNED = 0, NEGATIVE = 1, BYTES = 2, TEXT = 3, ARRAY = 4, MAP = 5, OTHER = 7;
const BREAK = Symbol('break');

export function encode(value) {
  const writer = new Writer();
  writer.value(value, 0);
  return writer.bytes();
}

export function decode(bytes) {
  const reader = new Reader(bytes);
  const value = reader.value(0);
  if (reader.left > 0) throw new CborError(`${reader.left} bytes too many`);
  return value;
}

class Writer {
  #buffer = new Uint8Array(256);
  #length = 0;

  bytes() {
    return this.#buffer.slice(0, this.#length);
  }

  value(value, depth) {
    if (depth > MAX_DEPTH) throw new CborError('nested too deeply');
    if (value === false) this.#append([0xf4]);
    else if (value === true) this.#append([0xf5]);
    else if (value === null) this.#append([0xf6]);
    else if (typeof value === 'number') this.#number(value);
    else if (typeof value === 'string') this.#counted(TEXT, new TextEncoder().encode(value));
    else if (value instanceof Uint8Array) this.#counted(BYTES, value);
    else if (Array.isArray(value)) {
      this.#head(ARRAY, value.length);
      for (const item of value) this.value(item, depth + 1);
    } else if (typeof value === 'object') {
      const entries = Object.entries(value);
      this.#head(MAP, entries.length);
      for (const [key, item] of entries) {
        this.value(key, depth + 1);
        this.value(item, depth + 1);
      }
    } else throw new CborError(`cannot write a value of type ${typeof value}`);
  }

  #number(value) {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      return value < 0 ? this.#head(NEGATIVE, -1 - value) : this.#head(UNSIGNED, value);
    }
    const bytes = new Uint8Array(9);
    bytes[0] = 0xfb;
    new DataView(bytes.buffer).setFloat64(1, value);
    this.#append(bytes);
  }

  #counted(major, bytes) {
    this.#head(major, bytes.length);
    this.#append(bytes);
  }

  #head(major, count) {
    const type = major << 5;
    if (count < 24) return this.#append([type | count]);
    const size = count < 0x100 ? 1 : count < 0x1_0000 ? 2 : count < 0x1_0000_0000 ? 4 : 8;
    const bytes = new Uint8Array(1 + size);
    const view = new DataView(bytes.buffer);
    bytes[0] = type | (24 + Math.log2(size));
    if (size === 1) view.setUint8(1, count);
    else if (size === 2) view.setUint16(1, count);
    else if (size === 4) view.setUint32(1, count);
    else view.setBigUint64(1, BigInt(count));
    this.#append(bytes);
  }

  #append(bytes) {
    const needed = this.#length + bytes.length;
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(bytes, this.#length);
    this.#length = needed;
  }
}

class Reader {
  #bytes;
  #view;
  #at = 0;

  constructor(bytes) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left() {
    return this.#bytes.length - this.#at;
  }

  value(depth) {
    const value = this.#item(depth);
    if (value === BREAK) throw new CborError('an end without a beginning');
    return value;
  }

  #item(depth) {
    if (depth > MAX_DEPTH) throw new CborError('nested too deeply');
    const first = this.#take(1)[0];
    const major = first >> 5;
    const info = first & 31;
    if (major === OTHER) return this.#other(info);
    const isIndefinite = info === 31 && major >= BYTES && major <= MAP;
    const count = isIndefinite ? Infinity : this.#count(info);
    switch (major) {
      case UNSIGNED:
        return count;
      case NEGATIVE:
        return safe(-1 - count);
      case BYTES:
        return isIndefinite ? joined(this.#chunks(BYTES)) : this.#take(count).slice();
      case TEXT:
        return isIndefinite ? this.#chunks(TEXT).map(text).join('') : text(this.#take(count));
      case ARRAY:
        return this.#list(count, depth);
      case MAP:
        return this.#map(count, depth);
      default: // A tag says more about the value that follows; what it says is of no use here.
        return this.value(depth + 1);
    }
  }

  #list(count, depth) {
    const items = [];
    while (items.length < count) {
      const item = this.#item(depth + 1);
      if (item === BREAK && count === Infinity) break;
      if (item === BREAK) throw new CborError('ends too early');
      items.push(item);
    }
    return items;
  }

  #map(count, depth) {
    const map = Object.create(null);
    for (let entry = 0; entry < count; ++entry) {
      const key = this.#item(depth + 1);
      if (key === BREAK && count === Infinity) break;
      if (typeof key !== 'string') throw new CborError('a key that is no text');
      map[key] = this.value(depth + 1);
    }
    return map;
  }

  /// The pieces of a string whose length was not known at its beginning.
  #chunks(major) {
    const chunks = [];
    for (;;) {
      const first = this.#take(1)[0];
      if (first === 0xff) return chunks;
      if (first >> 5 !== major || (first & 31) === 31) throw new CborError('a string with a piece of another type');
      chunks.push(this.#take(this.#count(first & 31)));
    }
  }

  #other(info) {
    switch (info) {
      case 20:
        return false;
      case 21:
        return true;
      case 22:
        return null;
      case 23:
        return undefined;
      case 25:
        return half(this.#number(2, 'getUint16'));
      case 26:
        return this.#number(4, 'getFloat32');
      case 27:
        return this.#number(8, 'getFloat64');
      case 31:
        return BREAK;
      default:
        throw new CborError(`a simple value that has no meaning (${info})`);
    }
  }

  #count(info) {
    if (info < 24) return info;
    if (info === 24) return this.#number(1, 'getUint8');
    if (info === 25) return this.#number(2, 'getUint16');
    if (info === 26) return this.#number(4, 'getUint32');
    if (info === 27) return safe(Number(this.#number(8, 'getBigUint64')));
    throw new CborError(`a length that has no meaning (${info})`);
  }

  #number(size, getter) {
    const at = this.#at;
    this.#take(size);
    return this.#view[getter](at);
  }

  #take(size) {
    if (size > this.left) throw new CborError('ends too early');
    this.#at += size;
    return this.#bytes.subarray(this.#at - size, this.#at);
  }
}

function safe(number) {
  if (!Number.isSafeInteger(number)) throw new CborError('a number that is too large');
  return number;
}

function text(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new CborError('text that is not UTF-8');
  }
}

function joined(chunks) {
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/// IEEE 754 binary16.
function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
}
