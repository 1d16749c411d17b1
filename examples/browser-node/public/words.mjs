// What the broker and WebRTC say, in words for a person.

/// CONNECT_ERROR is final: nothing changes by trying again. `field`: where the person can change something.
export function refusalInWords(message, { id, token }) {
  switch (message) {
    case 'authentication failed':
      return {
        field: 'token',
        words: token
          ? `The broker does not let “${id}” in: authentication failed. Is this the right access token for this id?`
          : `The broker does not let “${id}” in: authentication failed. It may want an access token.`,
      };
    case 'client already connected':
      return { field: 'id', words: `Another node is connected as “${id}”. Choose another id, or disconnect that node.` };
    case 'invalid node id':
      return { field: 'id', words: 'This id cannot be used: invalid node id. It may be too long (over 256 bytes).' };
    default:
      return { field: 'broker', words: `The broker refused the connection: ${message}` };
  }
}

/// Trouble that passes: socket.io-client tries again by itself.
export function troubleInWords(broker, { isAnswering }) {
  return isAnswering
    ? `${broker} answers, but takes no node now. It may be shutting down, full, or unable to ask who may connect (503). Trying again.`
    : `Nothing answers at ${broker}. Is the broker running? Trying again.`;
}

export function lossInWords(reason) {
  return reason === 'io server disconnect'
    ? 'The broker sent this node away: it is no longer valid, or its id belongs to another node now.'
    : 'The connection to the broker is lost. Trying again. Open data channels go on without it.';
}

/// Why a message did not reach the other node, or null if it did as far as the broker knows.
export function failureInWords(acknowledgement, { to, type }) {
  switch (acknowledgement) {
    case 'OK':
      return null;
    case 'NOT_CONNECTED':
      return `“${to}” is not connected to the broker (NOT_CONNECTED).`;
    case 'UNAUTHORIZED':
      return `The broker does not let you send to “${to}” (UNAUTHORIZED).`;
    case 'DISABLED':
      return type === 'SOCKET_MSG_EXCHANGE'
        ? 'This broker relays no messages (DISABLED).'
        : 'This broker does not help nodes to connect to each other (DISABLED).';
    case 'OFFLINE':
      return 'There is no connection to the broker.';
    case 'NO_ANSWER':
      return 'The broker did not answer.';
    default:
      return `The broker could not deliver it: “${to}” may be too far behind, or something could not be asked (ERROR).`;
  }
}

const CANDIDATE_TYPES = {
  host: 'own address',
  srflx: 'seen by STUN',
  prflx: 'found on the way',
  relay: 'relay (TURN)',
};

/// {words, detail} of a candidate line (RFC 8839, section 5.1): candidate:foundation component transport priority address port "typ" type …
export function candidateInWords(line) {
  const [, , protocol, , address, port, , type] = line.split(' ');
  if (!type) return { words: 'in an unknown form', detail: line.slice(0, 200) };
  return {
    words: CANDIDATE_TYPES[type] ?? 'of an unknown type',
    detail: `${type} ${at(address, port)} ${protocol.toLowerCase()}`,
  };
}

/// Browsers keep some addresses to themselves.
export function at(address, port) {
  if (!address) return 'hidden address';
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
