/// Time limits of the tests. CROLANG_TEST_TIME_FACTOR stretches them for builds with sanitizers.
import { expectNoReport } from './sanitizer.mjs';

export const timeFactor = Number(process.env.CROLANG_TEST_TIME_FACTOR || 1);

export const scaled = (milliseconds) => milliseconds * timeFactor;

/// Sanitizers keep freed memory for a while, so memory bounds are only checked without them.
export const memoryIsMeasurable = timeFactor === 1;

export const delay = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/// Rejects with a sentence when the promise is not settled in time.
export async function within(milliseconds, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`not within ${milliseconds} ms: ${what}`)),
      milliseconds,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/// Asks again until the answer is true, for facts that nothing announces (a port, the size of a process).
export async function eventually(what, check, milliseconds = scaled(10_000)) {
  const deadline = Date.now() + milliseconds;
  while (!(await check())) {
    expectNoReport();
    if (Date.now() > deadline) throw new Error(`not within ${milliseconds} ms: ${what}`);
    await delay(10);
  }
}
