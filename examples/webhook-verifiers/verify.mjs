// Does this request come from the broker? Standard Webhooks, HMAC-SHA256. No packages needed.
//
//   WEBHOOK_SIGNING_SECRET=whsec_… node verify.mjs ID TIMESTAMP SIGNATURE < body
//
// As a library: verify(secret, headers, body), where `body` is the bytes as they came, before any
// JSON.parse. Ends with 0 or 1.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const TOLERANCE_S = 300;

/** `headers` as Node's http gives them: names in lower case. */
export function verify(secret, headers, body, nowSeconds = Date.now() / 1000) {
  const id = headers['webhook-id'];
  const timestamp = headers['webhook-timestamp'];
  const signatures = headers['webhook-signature'];
  if (!id || !timestamp || !signatures) return false;
  // An old request may be one that somebody recorded.
  if (!/^\d+$/.test(timestamp) || Math.abs(nowSeconds - timestamp) > TOLERANCE_S) return false;

  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
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
  const good = verify(process.env.WEBHOOK_SIGNING_SECRET, headers, readFileSync(0));
  console.log(good ? 'signed by the broker' : 'not signed by the broker');
  process.exitCode = good ? 0 : 1;
}
