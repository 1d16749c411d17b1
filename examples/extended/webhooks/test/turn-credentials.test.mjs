import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rtcConfiguration } from '../turn-credentials.mjs';

const turn = { stunUrls: [], turnUrls: ['turn:a', 'turns:b'], secret: 'north', lifetimeS: 600 };

test('the username expires, the password is the Base64 of its HMAC-SHA1', () => {
  // printf 1700000600:alice | openssl dgst -sha1 -hmac north -binary | base64
  const password = 'gthUwOpcRoLI0MMCziCEBOWYnpo=';
  assert.deepEqual(rtcConfiguration('alice', turn, 1_700_000_000.9), {
    iceServers: [{ urls: ['turn:a', 'turns:b'], username: '1700000600:alice', password, credential: password }],
    iceTransportPolicy: 'all',
  });
});

test('STUN servers come first and need no credentials', () => {
  const { iceServers } = rtcConfiguration('alice', { ...turn, stunUrls: ['stun:c'] });
  assert.deepEqual(iceServers[0], { urls: ['stun:c'] });
  assert.equal(iceServers.length, 2);
});

test('each node has a password of its own', () => {
  const passwordOf = (id) => rtcConfiguration(id, turn, 0).iceServers[0].password;
  assert.notEqual(passwordOf('alice'), passwordOf('bob'));
});
