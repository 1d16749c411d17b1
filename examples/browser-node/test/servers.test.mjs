// Which STUN and TURN servers gave nothing, and what they said.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SilentServers } from '../public/servers.mjs';

const error = (url, errorText = 'STUN host lookup received error.', errorCode = 701) => ({ url, errorCode, errorText });

test('servers that said the same are one group', () => {
  const servers = new SilentServers();
  const urls = ['a', 'b', 'c', 'd', 'e'].map((name) => `stun:${name}:3478`);
  for (const url of urls) servers.onError(error(url));
  servers.onError(error('turn:f:3478', 'Unauthorized', 401));
  assert.deepEqual(servers.groups, [
    { error: 'STUN host lookup received error (701)', urls },
    { error: 'Unauthorized (401)', urls: ['turn:f:3478'] },
  ]);
});

test('a server counts once, however many networks it was asked over', () => {
  const servers = new SilentServers();
  for (let network = 0; network < 3; ++network) servers.onError(error('stun:a:3478'));
  assert.deepEqual(servers.groups, [{ error: 'STUN host lookup received error (701)', urls: ['stun:a:3478'] }]);
});

test('a server that gave a candidate over one network is not silent, before or after', () => {
  const servers = new SilentServers();
  servers.onError(error('stun:a:3478'));
  servers.onCandidate({ url: 'stun:a:3478' });
  servers.onCandidate({ url: 'stun:b:3478' });
  servers.onError(error('stun:b:3478'));
  servers.onCandidate({ url: null });
  assert.deepEqual(servers.groups, []);
});

test('an error without words is its number', () => {
  const servers = new SilentServers();
  servers.onError(error('stun:a:3478', ''));
  assert.deepEqual(servers.groups, [{ error: 'error 701', urls: ['stun:a:3478'] }]);
});

test('a TURN server that was asked as a STUN server, too, is one server', () => {
  const servers = new SilentServers();
  servers.onError(error('stun:f:3478'));
  servers.onError(error('turn:f:3478?transport=udp', 'TURN host lookup received error.'));
  servers.onError(error('stun:f:34780'));
  assert.deepEqual(servers.groups, [
    { error: 'TURN host lookup received error (701)', urls: ['turn:f:3478?transport=udp'] },
    { error: 'STUN host lookup received error (701)', urls: ['stun:f:34780'] },
  ]);
});
