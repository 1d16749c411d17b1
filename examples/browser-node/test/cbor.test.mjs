// CBOR against the examples of RFC 8949, appendix A, and against what is damaged.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CborError, decode, encode } from '../public/cbor.mjs';

const bytes = (hex) => Uint8Array.from(Buffer.from(hex, 'hex'));
const hex = (value) => Buffer.from(value).toString('hex');
/// Maps are read as objects without a prototype.
const plain = (value) => JSON.parse(JSON.stringify(value));

const BOTH_WAYS = [
  [0, '00'],
  [1, '01'],
  [10, '0a'],
  [23, '17'],
  [24, '1818'],
  [100, '1864'],
  [1000, '1903e8'],
  [1_000_000, '1a000f4240'],
  [1_000_000_000_000, '1b000000e8d4a51000'],
  [Number.MAX_SAFE_INTEGER, '1b001fffffffffffff'],
  [-1, '20'],
  [-10, '29'],
  [-100, '3863'],
  [-1000, '3903e7'],
  [1.1, 'fb3ff199999999999a'],
  [-4.1, 'fbc010666666666666'],
  [1e300, 'fb7e37e43c8800759c'],
  [false, 'f4'],
  [true, 'f5'],
  [null, 'f6'],
  [Uint8Array.of(), '40'],
  [Uint8Array.of(1, 2, 3, 4), '4401020304'],
  ['', '60'],
  ['IETF', '6449455446'],
  ['"\\', '62225c'],
  ['ü', '62c3bc'],
  ['水', '63e6b0b4'],
  ['\ud800\udd51', '64f0908591'],
  [[], '80'],
  [[1, [2, 3], [4, 5]], '8301820203820405'],
  [Array.from({ length: 25 }, (_, i) => i + 1), '98190102030405060708090a0b0c0d0e0f101112131415161718181819'],
];
for (const [value, encoded] of BOTH_WAYS) {
  test(`${JSON.stringify(value)} is ${encoded}, both ways`, () => {
    assert.equal(hex(encode(value)), encoded);
    assert.deepEqual(decode(bytes(encoded)), value);
  });
}

for (const [value, encoded] of [
  [{}, 'a0'],
  [{ a: 1, b: [2, 3] }, 'a26161016162820203'],
  [{ a: 'A', b: 'B', c: 'C', d: 'D', e: 'E' }, 'a56161614161626142616361436164614461656145'],
]) {
  test(`the map ${JSON.stringify(value)} is ${encoded}, both ways`, () => {
    assert.equal(hex(encode(value)), encoded);
    assert.deepEqual(plain(decode(bytes(encoded))), value);
  });
}

for (const [value, encoded] of [
  [0.5, 'f93800'],
  [65_504, 'f97bff'],
  [5.960464477539063e-8, 'f90001'],
  [-0, 'f98000'],
  [-4, 'f9c400'],
  [Infinity, 'f97c00'],
  [NaN, 'f97e00'],
  [100_000, 'fa47c35000'],
  [-Infinity, 'faff800000'],
  [undefined, 'f7'],
  ['http://www.example.com', 'd82076687474703a2f2f7777772e6578616d706c652e636f6d'],
  [Uint8Array.of(1, 2, 3, 4, 5), '5f42010243030405ff'],
  ['streaming', '7f657374726561646d696e67ff'],
  [[], '9fff'],
  [[1, [2, 3], [4, 5]], '9f018202039f0405ffff'],
  [1, '1b0000000000000001'],
]) {
  test(`${encoded} is read as ${String(value)}`, () => assert.deepEqual(decode(bytes(encoded)), value));
}

test('a map of indefinite length is read', () => {
  assert.deepEqual(plain(decode(bytes('bf61610161629f0203ffff'))), { a: 1, b: [2, 3] });
  assert.deepEqual(plain(decode(bytes('bf6346756ef563416d7421ff'))), { Fun: true, Amt: -2 });
});

test('a key may have any name and changes nothing but the map', () => {
  const map = decode(encode(JSON.parse('{"__proto__": {"isAdmin": true}}')));
  assert.equal(map.isAdmin, undefined);
  assert.deepEqual(Object.keys(map), ['__proto__']);
});

test('bytes are read where they lie in a larger buffer', () => {
  assert.equal(decode(bytes('ffff6449455446ffff').subarray(2, 7)), 'IETF');
});

for (const [name, encoded] of [
  ['nothing', ''],
  ['a number cut off', '1903'],
  ['a text cut off', '644945'],
  ['a list cut off', '8201'],
  ['a list without end', '9f01'],
  ['a length beyond all there is', '5affffffff'],
  ['more items than bytes', '9affffffff01'],
  ['more than one value', '0101'],
  ['an end without a beginning', 'ff'],
  ['an end in a list of known length', '82ff'],
  ['an end in place of a value', 'bf6161ff'],
  ['an end under a tag', 'c0ff'],
  ['a key that is a number', 'a10102'],
  ['a text with a piece of bytes', '7f4101ff'],
  ['a text in a text', '7f7f6161ffff'],
  ['text that is not UTF-8', '62c328'],
  ['a number beyond 2^53', '1b0020000000000000'],
  ['a negative number beyond 2^53', '3b001fffffffffffff'],
  ['a reserved length', '1c'],
  ['a number of indefinite length', '1f'],
  ['a simple value without meaning', 'e0'],
  ['lists in lists in lists', '81'.repeat(1000) + '00'],
  ['tags on tags on tags', 'c1'.repeat(100_000) + '00'],
]) {
  test(`${name} is refused`, () => assert.throws(() => decode(bytes(encoded)), CborError));
}

test('every prefix and every flipped bit of a message is read or refused, nothing else', () => {
  const good = encode({ msgType: 'USER_MSG', msgId: 7, channel: 'chat', payload: 'hello', part: 0, total: 1 });
  const read = (damaged) => {
    try {
      decode(damaged);
    } catch (error) {
      assert.ok(error instanceof CborError, error);
    }
  };
  for (let length = 0; length < good.length; ++length) assert.throws(() => decode(good.subarray(0, length)), CborError);
  for (let bit = 0; bit < good.length * 8; ++bit) {
    const damaged = good.slice();
    damaged[bit >> 3] ^= 1 << (bit & 7);
    read(damaged);
  }
});

test('what CBOR has no word for here is not written', () => {
  for (const value of [undefined, () => 0, Symbol('a'), 10n]) assert.throws(() => encode(value), CborError);
});
