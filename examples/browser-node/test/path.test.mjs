// Which way a connection takes, as both sides tell it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pathInUse } from '../public/path.mjs';

/// The statistics of a connection whose pair in use has these ends.
function statsOf(local, remote, { isTransportKnown = true } = {}) {
  const all = [
    { id: 'local', type: 'local-candidate', protocol: 'udp', ...local },
    { id: 'remote', type: 'remote-candidate', protocol: 'udp', ...remote },
    { id: 'other', type: 'candidate-pair', state: 'failed', localCandidateId: 'x', remoteCandidateId: 'y' },
    { id: 'pair', type: 'candidate-pair', state: 'succeeded', nominated: true, localCandidateId: 'local', remoteCandidateId: 'remote' },
    ...(isTransportKnown ? [{ id: 'transport', type: 'transport', selectedCandidatePairId: 'pair' }] : []),
  ];
  return new Map(all.map((stat) => [stat.id, stat]));
}

const description = (...candidates) =>
  ['v=0', 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel', ...candidates.map((line) => `a=${line}`), ''].join('\r\n');

const HOST = { candidateType: 'host', address: '192.0.2.7', port: 50000 };
const RELAY = { candidateType: 'relay', address: '203.0.113.1', port: 60000 };
const relayed = { isRelayed: true, isCertain: true };
const direct = { isRelayed: false, isCertain: true };
const NAMED_HOST = 'candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host generation 0';
const NAMED_RELAY = 'candidate:2 1 UDP 41885439 203.0.113.1 60000 typ relay raddr 198.51.100.1 rport 3478';

for (const [name, local, remote, descriptions, expected] of [
  ['is direct between two addresses of their own', HOST, HOST, {}, direct],
  ['is direct between two addresses seen by STUN', { ...HOST, candidateType: 'srflx' }, { ...HOST, candidateType: 'srflx' }, {}, direct],
  ['is relayed by the own relay', RELAY, HOST, {}, relayed],
  ["is relayed by the other side's relay", HOST, RELAY, {}, relayed],
  ['is relayed by both', RELAY, RELAY, {}, relayed],
  ['is relayed by an own relay that is seen elsewhere', { ...RELAY, candidateType: 'prflx', relayProtocol: 'udp' }, HOST, {}, relayed],
  [
    'is relayed by an own relay that is seen elsewhere, where the browser does not say so',
    { ...RELAY, candidateType: 'prflx', address: '10.0.0.1' },
    HOST,
    { local: description(NAMED_RELAY) },
    relayed,
  ],
  [
    "is relayed by the other side's relay, found on the way",
    HOST,
    { candidateType: 'prflx', port: 60000 },
    { remote: description(NAMED_HOST, NAMED_RELAY) },
    relayed,
  ],
  [
    "is relayed by the other side's relay, found on the way at another address",
    HOST,
    { candidateType: 'prflx', address: '10.0.0.1', port: 60000 },
    { remote: description(NAMED_RELAY) },
    relayed,
  ],
  [
    'is direct to an address found on the way that was named as its own',
    HOST,
    { candidateType: 'prflx', port: 50000 },
    { remote: description(NAMED_HOST, NAMED_RELAY) },
    direct,
  ],
  [
    'is not certain to be direct while nobody has named what was found on the way',
    HOST,
    { candidateType: 'prflx', port: 50001 },
    { remote: description(NAMED_HOST, NAMED_RELAY) },
    { isRelayed: false, isCertain: false },
  ],
  [
    "is no matter of the other side's relay when it is the own address that has this port",
    { candidateType: 'prflx', port: 60000 },
    HOST,
    { local: description(NAMED_HOST), remote: description(NAMED_RELAY) },
    { isRelayed: false, isCertain: false },
  ],
  ['is relayed for certain by the own relay, whatever the other end is', RELAY, { candidateType: 'prflx', port: 1 }, {}, relayed],
]) {
  test(`a path ${name}`, () => {
    const { isRelayed, isCertain } = pathInUse(statsOf(local, remote), descriptions);
    assert.deepEqual({ isRelayed, isCertain }, expected);
  });
}

describe('the ends of a path', () => {
  test('are told, a relay that was found on the way as a relay', () => {
    const found = { candidateType: 'prflx', port: 60000 };
    assert.deepEqual(pathInUse(statsOf(HOST, found), { remote: description(NAMED_RELAY) }), {
      local: { type: 'host', address: '192.0.2.7', port: 50000, protocol: 'udp' },
      remote: { type: 'relay', address: undefined, port: 60000, protocol: 'udp' },
      ...relayed,
    });
  });

  test('are those of the nominated pair where the browser has no transport', () => {
    assert.equal(pathInUse(statsOf(HOST, RELAY, { isTransportKnown: false }), {}).isRelayed, true);
  });

  for (const missing of ['pair', 'local', 'remote']) {
    test(`are unknown while the statistics lack the ${missing}`, () => {
      const stats = statsOf(HOST, HOST);
      stats.delete(missing);
      assert.equal(pathInUse(stats, {}), undefined);
    });
  }
});
