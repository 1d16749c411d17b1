// Messages over the data channel: in parts, and together again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CborError, decode, encode } from '../public/cbor.mjs';
import { Assembler, toParts } from '../public/messages.mjs';

const part = (more = {}) =>
  encode({ msgType: 'USER_MSG', msgId: 1, channel: 'chat', payload: 'x', part: 0, total: 1, ...more });
const arrives = (text) => {
  const assembler = new Assembler();
  const results = toParts(text, { msgId: 0, channel: 'chat' }).map((bytes) => assembler.add(bytes));
  assert.ok(results.slice(0, -1).every((result) => result === undefined));
  return results.at(-1);
};

test('a short text is one part with the six members of the nodes', () => {
  const parts = toParts('hello', { msgId: 3, channel: 'chat' });
  assert.equal(parts.length, 1);
  const message = { msgType: 'USER_MSG', msgId: 3, channel: 'chat', payload: 'hello', part: 0, total: 1 };
  assert.deepEqual({ ...decode(parts[0]) }, message);
});

test('a long text goes in parts of 15,000 characters', () => {
  const parts = toParts('a'.repeat(30_001), { msgId: 0, channel: 'chat' }).map(decode);
  assert.deepEqual(parts.map(({ payload }) => payload.length), [15_000, 15_000, 1]);
  assert.deepEqual(parts.map(({ part: number, total }) => [number, total]), [[0, 3], [1, 3], [2, 3]]);
});

for (const [name, text] of [
  ['nothing', ''],
  ['exactly one part', 'a'.repeat(15_000)],
  ['an emoji across the edge of a part', `${'a'.repeat(14_999)}😀${'b'.repeat(15_000)}`],
  ['nothing but emojis', '😀'.repeat(20_000)],
]) {
  test(`${name} arrives as it was`, () => assert.deepEqual(arrives(text), { channel: 'chat', text }));
}

test('messages may come mixed with each other', () => {
  const assembler = new Assembler();
  const [a1, a2] = toParts('a'.repeat(20_000), { msgId: 1, channel: 'chat' });
  const [b1, b2] = toParts('b'.repeat(20_000), { msgId: 2, channel: 'other' });
  assert.equal(assembler.add(a1), undefined);
  assert.equal(assembler.add(b1), undefined);
  assert.deepEqual(assembler.add(a2), { channel: 'chat', text: 'a'.repeat(20_000) });
  assert.deepEqual(assembler.add(b2), { channel: 'other', text: 'b'.repeat(20_000) });
});

for (const [name, parts] of [
  ['a part without its first', [part({ part: 1, total: 2 })]],
  ['a part that was left out', [part({ total: 3 }), part({ part: 2, total: 3 })]],
  ['a part twice', [part({ total: 3 }), part({ part: 1, total: 3 }), part({ part: 1, total: 3 })]],
  ['a total that changes', [part({ total: 3 }), part({ part: 1, total: 2 })]],
  ['a part beyond the total', [part({ part: 1 })]],
  ['a total of nothing', [part({ total: 0 })]],
  ['a payload that is no text', [part({ payload: 1 })]],
  ['a number that is no integer', [part({ part: 0.5, total: 2 })]],
  ['a member that is missing', [encode({ msgType: 'USER_MSG', payload: 'x' })]],
  ['another type', [part({ msgType: 'OTHER' })]],
  ['no map', [encode(null)]],
  ['no CBOR', [Uint8Array.of(0xff)]],
]) {
  test(`${name} is refused`, () => {
    const assembler = new Assembler();
    for (const bytes of parts.slice(0, -1)) assembler.add(bytes);
    assert.throws(() => assembler.add(parts.at(-1)), CborError);
  });
}

test('a message of over a million characters is refused', () => {
  const assembler = new Assembler();
  const payload = 'a'.repeat(600_000);
  assembler.add(part({ payload, total: 3 }));
  assert.throws(() => assembler.add(part({ payload, part: 1, total: 3 })), CborError);
});

test('no more than sixteen messages may be unfinished, and they are forgotten after a minute', () => {
  const assembler = new Assembler();
  for (let msgId = 0; msgId < 16; ++msgId) assembler.add(part({ msgId, total: 2 }), 0);
  assert.throws(() => assembler.add(part({ msgId: 16, total: 2 }), 60_000), CborError);
  assert.equal(assembler.add(part({ msgId: 17, total: 2 }), 60_001), undefined);
  assert.throws(() => assembler.add(part({ msgId: 0, part: 1, total: 2 }), 60_001), CborError);
});
