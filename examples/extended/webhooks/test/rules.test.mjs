import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rules } from '../rules.mjs';

const lists = { banned: ['mallory'], deniedIds: ['trudy'], deniedPairs: [['alice', 'eve']] };
const rules = () => new Rules('right', lists);

test('a node with the token may connect, bare or in an object', () => {
  assert.equal(rules().refusal('alice', 'right'), undefined);
  assert.equal(rules().refusal('alice', { token: 'right', more: 1 }), undefined);
});

test('a node without the very token may not', () => {
  const wrong = [undefined, null, '', 'Right', 'right ', {}, [], ['right'], { token: 1 }, { token: ['right'] }];
  for (const data of wrong) assert.equal(rules().refusal('alice', data), 'wrong token', JSON.stringify(data));
});

test('a banned node may not connect, whatever it shows, until the ban is lifted', () => {
  const changing = rules();
  assert.equal(changing.refusal('mallory', 'right'), 'banned');
  assert.equal(changing.lift('mallory'), true);
  assert.equal(changing.refusal('mallory', 'right'), undefined);
  assert.equal(changing.lift('mallory'), false);
});

test('banned nodes are invalid, and only they', () => {
  const changing = rules();
  assert.deepEqual(changing.invalid(['alice', 'mallory', 'bob']), ['mallory']);
  assert.equal(changing.ban('bob'), true);
  assert.deepEqual(changing.invalid(['alice', 'mallory', 'bob']), ['mallory', 'bob']);
  assert.deepEqual(changing.bans, ['mallory', 'bob']);
});

test('a denied pair may not talk in either direction, but each with others', () => {
  assert.equal(rules().mayTalk('alice', 'eve'), false);
  assert.equal(rules().mayTalk('eve', 'alice'), false);
  assert.equal(rules().mayTalk('alice', 'bob'), true);
  assert.equal(rules().mayTalk('bob', 'eve'), true);
});

test('a denied id may talk to nobody, and nobody to it', () => {
  assert.equal(rules().mayTalk('trudy', 'bob'), false);
  assert.equal(rules().mayTalk('bob', 'trudy'), false);
});

test('bans are bounded, and one that is there already is no further one', () => {
  const changing = new Rules('right');
  for (let i = 0; i < 10_000; ++i) assert.equal(changing.ban(`node-${i}`), true);
  assert.equal(changing.ban('one-more'), false);
  assert.equal(changing.ban('node-0'), true);
});

test('rules that make no sense are refused by name', () => {
  for (const [odd, sentence] of [
    [{ banned: 'mallory' }, /banned/],
    [{ banned: [''] }, /banned/],
    [{ deniedIds: [1] }, /deniedIds/],
    [{ deniedPairs: [['alice']] }, /deniedPairs/],
    [{ baned: [] }, /baned/],
  ]) {
    assert.throws(() => new Rules('right', odd), sentence);
  }
});
