// What the broker and WebRTC say, in words for a person.
import { otherSchemeOf } from './probe.mjs';

/// CONNECT_ERROR is final: nothing changes by trying again. `field`: where the person can change something.
export function refusalInWords(message, { id, token }) {
  switch (message) {
    case 'authentication failed':
      return {
        field: 'token',
        words: token
          ? `The broker does not let “${id}” in: authentication failed. Is this the right access token for this id? The id may also be banned.`
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

/// Why there is no connection, by what a probe has found: {words}, with a `link` where the browser itself says more. `isFinal`: nothing
/// changes by trying again. `page`: the origin of the page.
export function troubleInWords(broker, { isBroker, isAnswering, otherIsAnswering }, page) {
  const other = otherSchemeOf(broker);
  const isSecure = broker.startsWith('https:');
  if (isBroker) {
    return { words: `The broker at ${broker} answers, but takes no nodes now (503): it is full, shutting down, or cannot check who may connect.` };
  }
  // No port speaks both. Without a number the other one is another port, and http may well be there only to send visitors to https.
  const isOther = otherIsAnswering && (!isAnswering || (!isSecure && new URL(broker).port !== ''));
  if (isOther) {
    return {
      isFinal: true,
      words: isSecure
        ? `No broker answers over https at ${broker}, but something does over http. If that is the broker, its address is ${other}.`
        : `No broker answers over http at ${broker}, but something does over https. If that is the broker, its address is ${other}.`,
    };
  }
  if (isAnswering && broker === page) {
    return { isFinal: true, words: `${broker} is where this page comes from, and no broker answers there. Brokers listen on port 8080 unless told otherwise.` };
  }
  if (isAnswering) {
    const hint = otherIsAnswering && !isSecure ? ` ${other} answers too: is that the broker?` : '';
    return {
      words: `Something answers at ${broker}, but not as a broker. Is the port right? A proxy looks the same if no broker is behind it, or if it refuses this page's origin.${hint}`,
    };
  }
  return isSecure
    ? {
        words: `Nothing answers over https at ${broker}. Either no broker is running there, or the browser does not trust its certificate.`,
        link: { href: `${broker}/healthz`, words: 'Open it in a new tab to see which.' },
      }
    : { words: `Nothing answers over http at ${broker}. Is the broker running, and on this port? If it is behind TLS, its address begins with https.` };
}

export function lossInWords(reason) {
  return reason === 'io server disconnect'
    ? 'The broker sent this node away: it is no longer allowed here, or another node has its id now.'
    : 'The connection to the broker is lost.';
}

/// How far it is with connecting. `seconds`: until the attempt, if it has not begun.
export function attemptInWords(attempt, seconds) {
  if (attempt === 1) return seconds === undefined ? 'Connecting …' : `Trying again in ${seconds} s`;
  return seconds === undefined ? `Trying again, attempt ${attempt} …` : `Trying again in ${seconds} s, attempt ${attempt}`;
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
