// Which way a connection takes, by the browser's statistics and by the candidates that both sides named.

/// {local, remote, isRelayed, isCertain}, with {type, address, port, protocol} at each end; undefined while there is no pair in use.
/// `local`, `remote`: the two descriptions' SDP, with the candidates that have come so far.
///
/// A way is relayed if either end is a TURN server's address, so that both sides say the same. One can look like another address: the
/// other side's relay is `prflx` until its candidate has come, and stays so where a NAT stands before the TURN server. Browsers keep
/// the address of such an end to themselves, and tell its port. Without any candidate of that port, one cannot be certain yet.
export function pathInUse(stats, { local, remote }) {
  const pair = pairInUse(stats);
  if (!stats.has(pair?.localCandidateId) || !stats.has(pair.remoteCandidateId)) return undefined;
  const ends = [endOf(stats.get(pair.localCandidateId), local), endOf(stats.get(pair.remoteCandidateId), remote)];
  return {
    local: ends[0].end,
    remote: ends[1].end,
    isRelayed: ends.some(({ end }) => end.type === 'relay'),
    isCertain: ends.some(({ end }) => end.type === 'relay') || ends.every(({ isCertain }) => isCertain),
  };
}

function pairInUse(stats) {
  const all = [...stats.values()];
  const transport = all.find(({ type, selectedCandidatePairId }) => type === 'transport' && selectedCandidatePairId);
  if (transport) return stats.get(transport.selectedCandidatePairId);
  return all.find(({ type, nominated, state }) => type === 'candidate-pair' && nominated && state === 'succeeded');
}

function endOf({ candidateType, address, port, protocol, relayProtocol }, description) {
  const end = { type: candidateType, address, port, protocol };
  if (candidateType !== 'prflx') return { end, isCertain: true };
  const named = candidateTypesAt(port, description);
  if (relayProtocol || named.includes('relay')) return { end: { ...end, type: 'relay' }, isCertain: true };
  return { end, isCertain: named.length > 0 };
}

/// As what the candidates at this port were named. Lines as RFC 8839, 5.1: a=candidate:foundation component transport priority address
/// port "typ" type …
function candidateTypesAt(port, description = '') {
  const lines = description.matchAll(/^a=candidate:\S+ \d+ \S+ \d+ \S+ (\d+) typ (\w+)/gm);
  return Array.from(lines).filter(([, number]) => Number(number) === port).map(([, , type]) => type);
}
