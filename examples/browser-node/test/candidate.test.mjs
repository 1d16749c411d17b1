// Candidates as the stacks give them, and as other nodes may send them.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lineOf, toIceCandidate, toMessage } from '../public/candidate.mjs';

const LINE = 'candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host';
const DESCRIPTION = [
  'v=0',
  'o=- 1 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0',
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'a=mid:0',
  '',
].join('\r\n');

describe('a candidate that is sent', () => {
  for (const [name, candidate, message] of [
    ['is said as the browser gives it', { candidate: LINE, sdpMid: '0', sdpMLineIndex: 0 }, { sdp: LINE, sdpMid: '0', sdpMLineIndex: 0 }],
    ['has no a=', { candidate: `a=${LINE}`, sdpMid: '0', sdpMLineIndex: 0 }, { sdp: LINE, sdpMid: '0', sdpMLineIndex: 0 }],
    ['has no empty sdpMid', { candidate: LINE, sdpMid: '', sdpMLineIndex: 0 }, { sdp: LINE, sdpMLineIndex: 0 }],
    ['has no sdpMLineIndex of null', { candidate: LINE, sdpMid: 'data', sdpMLineIndex: null }, { sdp: LINE, sdpMid: 'data' }],
    ['is nothing at the end of candidates', { candidate: '', sdpMid: '0', sdpMLineIndex: 0 }, undefined],
    ['has no other members', { candidate: LINE, sdpMid: '0', sdpMLineIndex: 0, usernameFragment: 'x' }, { sdp: LINE, sdpMid: '0', sdpMLineIndex: 0 }],
  ]) {
    test(name, () => assert.deepEqual(toMessage(candidate), message));
  }
});

describe('the line of a candidate that comes', () => {
  for (const [name, said, line] of [
    ['is taken as it is', { sdp: LINE }, LINE],
    ['may begin with a=', { sdp: `a=${LINE}` }, LINE],
    ['may end with the end of a line', { sdp: `${LINE}\r\n` }, LINE],
    ['may lack the word candidate', { sdp: LINE.slice('candidate:'.length) }, LINE],
    ['may have a foundation that is a word', { sdp: LINE.replace(':1 ', ':Hc0000207 ') }, LINE.replace(':1 ', ':Hc0000207 ')],
    ['is nothing when it is empty', { sdp: '' }, undefined],
    ['is nothing when it is only the word', { sdp: 'candidate:' }, undefined],
    ['is nothing when it says that there are no more', { sdp: 'a=end-of-candidates' }, undefined],
    ['is nothing when it is null', { sdp: null }, undefined],
    ['is nothing when it is a number', { sdp: 1 }, undefined],
    ['is nothing without a candidate', undefined, undefined],
    ['is nothing with a candidate of null', null, undefined],
    ['is left to the stack when it is unknown', { sdp: 'hello' }, 'hello'],
  ]) {
    test(name, () => assert.equal(lineOf(said), line));
  }
});

describe('the section of a candidate that comes', () => {
  for (const [name, said, section] of [
    ['is named and numbered', { sdpMid: '0', sdpMLineIndex: 0 }, { sdpMid: '0', sdpMLineIndex: 0 }],
    ['may only be named', { sdpMid: '0', sdpMLineIndex: null }, { sdpMid: '0' }],
    ['may only be numbered', { sdpMid: null, sdpMLineIndex: 0 }, { sdpMLineIndex: 0 }],
    ['is the numbered one when the name is empty', { sdpMid: '', sdpMLineIndex: 0 }, { sdpMLineIndex: 0 }],
    ['is the numbered one when the name is unknown', { sdpMid: 'data', sdpMLineIndex: 0 }, { sdpMLineIndex: 0 }],
    ['is the named one when the number is beyond the last', { sdpMid: '0', sdpMLineIndex: 1 }, { sdpMid: '0' }],
    ['is the first one when neither is there', {}, { sdpMLineIndex: 0 }],
    ['is the first one when neither makes sense', { sdpMid: 0, sdpMLineIndex: '0' }, { sdpMLineIndex: 0 }],
    ['is the first one when the number is negative', { sdpMLineIndex: -1 }, { sdpMLineIndex: 0 }],
  ]) {
    test(name, () => assert.deepEqual(toIceCandidate({ sdp: LINE, ...said }, DESCRIPTION), { candidate: LINE, ...section }));
  }

  test('may be any of several', () => {
    const description = `${DESCRIPTION}m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:sound\r\n`;
    const said = { sdp: LINE, sdpMid: 'sound', sdpMLineIndex: 1 };
    assert.deepEqual(toIceCandidate(said, description), { candidate: LINE, sdpMid: 'sound', sdpMLineIndex: 1 });
  });
});
