// How long to wait before another attempt.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pauseAfter } from '../public/retry.mjs';

for (const [attempts, shortest, longest] of [
  [1, 500, 1_500],
  [2, 1_000, 3_000],
  [3, 2_000, 6_000],
  [4, 2_500, 7_500],
  [1_000, 2_500, 7_500],
]) {
  test(`after ${attempts} it is between ${shortest} and ${longest} ms`, () => {
    assert.equal(pauseAfter(attempts, 0), shortest);
    assert.ok(pauseAfter(attempts, 0.999_999) <= longest);
    const some = pauseAfter(attempts);
    assert.ok(some >= shortest && some <= longest, String(some));
  });
}
