import { createHash, timingSafeEqual } from 'node:crypto';

const digest = (text) => createHash('sha256').update(text).digest();

/** Compares in a time that does not tell how much of a guess was right. Anything but a text is wrong. */
export const isSameSecret = (given, secret) =>
  typeof given === 'string' && timingSafeEqual(digest(given), digest(secret));
