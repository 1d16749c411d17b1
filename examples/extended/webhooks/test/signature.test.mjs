import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { isSigned } from '../signature.mjs';

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const other = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;
const body = Buffer.from('{"nodeId":"Zoë"}');
const now = 1_790_000_000;

function sign({ key = secret, id = 'msg_1', at = now, over = body } = {}) {
  const hmac = createHmac('sha256', Buffer.from(key.slice('whsec_'.length), 'base64'));
  const signature = `v1,${hmac.update(`${id}.${at}.`).update(over).digest('base64')}`;
  return { 'webhook-id': id, 'webhook-timestamp': String(at), 'webhook-signature': signature };
}

test('a signed request is known', () => assert.equal(isSigned(secret, sign(), body, now), true));

test('the example of Standard Webhooks is known', () => {
  const headers = {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  };
  const example = Buffer.from('{"test": 2432232314}');
  assert.equal(isSigned('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', headers, example, 1_614_265_330), true);
});

test('one of several signatures is enough', () => {
  const headers = sign({ key: other });
  headers['webhook-signature'] += ` ${sign()['webhook-signature']}`;
  assert.equal(isSigned(secret, headers, body, now), true);
});

for (const [name, headers] of [
  ['another secret', sign({ key: other })],
  ['another body', sign({ over: Buffer.from('{"nodeId":"Zoe"}') })],
  ['an old timestamp', sign({ at: now - 301 })],
  ['a timestamp of the future', sign({ at: now + 301 })],
  ['a timestamp that is no number', { ...sign(), 'webhook-timestamp': 'soon' }],
  ['another id', { ...sign(), 'webhook-id': 'msg_2' }],
  ['another version', { ...sign(), 'webhook-signature': sign()['webhook-signature'].replace('v1', 'v2') }],
  ['half a signature', { ...sign(), 'webhook-signature': sign()['webhook-signature'].slice(0, 20) }],
  ['no signature', { ...sign(), 'webhook-signature': undefined }],
  ['no headers', {}],
]) {
  test(`${name} is refused`, () => assert.equal(isSigned(secret, headers, body, now), false));
}
