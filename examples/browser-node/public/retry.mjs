// When to try again: soon at first, then ever less often, and never all nodes at the same moment.
const FIRST_MS = 1_000;
const LONGEST_MS = 5_000;

/// How long to wait after this many failed attempts, 1 or more. `random`: from 0 to below 1.
export function pauseAfter(attempts, random = Math.random()) {
  const pause = Math.min(FIRST_MS * 2 ** (attempts - 1), LONGEST_MS);
  return Math.round(pause * (0.5 + random));
}
