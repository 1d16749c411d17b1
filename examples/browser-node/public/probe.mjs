// Finds out what is there. A browser does not tell why a WebSocket could not be opened, but whether anything answers can be asked for.
const PROBE_MS = 3_000;

/// {isBroker, isAnswering, otherIsAnswering} of http://host:port or https://host:port. The other one is the same address by https or http.
export async function probe(broker) {
  const [isBroker, isAnswering] = await Promise.all([speaksSocketIo(broker), answers(broker)]);
  if (isBroker) return { isBroker, isAnswering: true, otherIsAnswering: false };
  return { isBroker, isAnswering, otherIsAnswering: await answers(otherSchemeOf(broker)) };
}

export function otherSchemeOf(broker) {
  const url = new URL(broker);
  url.protocol = url.protocol === 'https:' ? 'http:' : 'https:';
  return url.origin;
}

/// What a broker says to a client of another transport may be read by every page: 400, or 503 if it is too busy even for that.
async function speaksSocketIo(broker) {
  const response = await get(`${broker}/socket.io/?EIO=4&transport=polling`, 'cors');
  return response !== null && [400, 503].includes(response.status);
}

/// Its answer cannot be read, unless it is the page's own server's; that there is one can be seen.
async function answers(origin) {
  return (await get(`${origin}/healthz`, 'no-cors')) !== null;
}

async function get(url, mode) {
  try {
    return await fetch(url, { mode, cache: 'no-store', credentials: 'omit', signal: AbortSignal.timeout(PROBE_MS) });
  } catch {
    return null;
  }
}
