// What nodes say to each other of a candidate: {sdp, sdpMid, sdpMLineIndex}. Strict in what is sent, lenient in what is taken, since not
// every WebRTC stack gives these as the others want them.

const PARTS_OF_A_LINE = /^\S+ \d+ \S+ \d+ \S+ \d+ typ \S/;

/// What a node says of a candidate of its own. Undefined at the end of candidates, which nodes do not send.
export function toMessage({ candidate, sdpMid, sdpMLineIndex }) {
  const sdp = lineOf({ sdp: candidate });
  if (!sdp) return undefined;
  return {
    sdp,
    ...(typeof sdpMid === 'string' && sdpMid && { sdpMid }),
    ...(Number.isInteger(sdpMLineIndex) && { sdpMLineIndex }),
  };
}

/// The line of a candidate, beginning with `candidate:`. Undefined if there is none, or if it says that there are no more. What is in
/// no known form stays as it is, for the WebRTC stack to judge.
export function lineOf(said) {
  if (typeof said?.sdp !== 'string') return undefined;
  const line = said.sdp.trim().replace(/^a=/, '');
  if (line === '' || line === 'candidate:' || line === 'end-of-candidates') return undefined;
  return PARTS_OF_A_LINE.test(line) && !line.startsWith('candidate:') ? `candidate:${line}` : line;
}

/// For addIceCandidate, once the description of the other node is known: the section that the candidate belongs to by the name or the
/// number that stands in there, else the first one. Nodes have one for all.
export function toIceCandidate(said, description) {
  const sections = description.match(/^m=/gm)?.length ?? 0;
  const names = Array.from(description.matchAll(/^a=mid:(\S+)/gm), ([, name]) => name);
  const { sdpMid, sdpMLineIndex } = said;
  const candidate = { candidate: lineOf(said) };
  if (names.includes(sdpMid)) candidate.sdpMid = sdpMid;
  if (Number.isInteger(sdpMLineIndex) && sdpMLineIndex >= 0 && sdpMLineIndex < sections) candidate.sdpMLineIndex = sdpMLineIndex;
  return 'sdpMid' in candidate || 'sdpMLineIndex' in candidate ? candidate : { ...candidate, sdpMLineIndex: 0 };
}
