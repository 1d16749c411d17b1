// Does this request come from the broker? Standard Webhooks, HMAC-SHA256. No packages needed.
//
//   WEBHOOK_SIGNING_SECRET=whsec_… node verify.mjs ID TIMESTAMP SIGNATURE < body
//
// As a library: verify(secret, headers, body), where `body` is the bytes as they came, before any
// JSON.parse. Ends with 0 or 1; with 2, and a line that says why, if the secret is missing or is none.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const TOLERANCE_S = 300;

/** Throws if it is none: with an empty key, everybody could sign. */
export function keyOf(secret) {
  if (!secret?.trim()) throw new Error("WEBHOOK_SIGNING_SECRET is not set: it is the broker's");
  const key = Buffer.from(secret.trim().replace(/^whsec_/, ''), 'base64');
  if (key.length >= 24) return key;
  throw new Error('WEBHOOK_SIGNING_SECRET is not whsec_ and the Base64 of 24 bytes or more');
}

/** `headers` as Node's http gives them: names in lower case. */
export function verify(secret, headers, body, nowSeconds = Date.now() / 1000) {
  const key = keyOf(secret);
  const id = headers['webhook-id'];
  const timestamp = headers['webhook-timestamp'];
  const signatures = headers['webhook-signature'];
  if (!id || !timestamp || !signatures) return false;
  // An old request may be one that somebody recorded.
  if (!/^\d+$/.test(timestamp) || Math.abs(nowSeconds - timestamp) > TOLERANCE_S) return false;

  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
  // There are several while the secret is changed.
  return signatures.split(' ').some((signature) => {
    const [version, value] = signature.split(',');
    const given = Buffer.from(value ?? '', 'base64');
    return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected);
  });
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [id, timestamp, signature] = process.argv.slice(2);
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
  try {
    const good = verify(process.env.WEBHOOK_SIGNING_SECRET, headers, readFileSync(0));
    console.log(good ? 'signed by the broker' : 'not signed by the broker');
    process.exitCode = good ? 0 : 1;
  } catch (error) {
    console.error(error.message);
    process.exitCode = 2;
  }
}
