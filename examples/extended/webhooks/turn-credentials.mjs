// Credentials that coturn checks by itself, with `use-auth-secret` and the same secret: nobody has to tell it about nodes.
import { createHmac } from 'node:crypto';

/** `turn`: stunUrls, turnUrls, secret, lifetimeS. */
export function rtcConfiguration(nodeId, turn, nowSeconds = Date.now() / 1000) {
  // The time of expiry comes first, else coturn looks for it behind the id.
  const username = `${Math.floor(nowSeconds) + turn.lifetimeS}:${nodeId}`;
  const password = createHmac('sha1', turn.secret).update(username).digest('base64');
  const servers = [{ urls: turn.turnUrls, username, password, credential: password }];
  if (turn.stunUrls.length) servers.unshift({ urls: turn.stunUrls });
  return { iceServers: servers, iceTransportPolicy: 'all' };
}
