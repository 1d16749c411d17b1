// Does a request come from the broker? Standard Webhooks: HMAC-SHA256 over "<id>.<timestamp>.<body>".
import { createHmac, timingSafeEqual } from 'node:crypto';

const TOLERANCE_S = 300;

/** `headers` as Node's http gives them, `body` the bytes as they came. */
export function isSigned(secret, headers, body, nowSeconds = Date.now() / 1000) {
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
