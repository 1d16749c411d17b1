/// What a broker's admin interface says about negotiations.
import assert from 'node:assert/strict';
import { freePort } from './broker.mjs';
import { eventually, scaled } from './time.mjs';

const kToken = 'a-token-of-the-tests-only';

/// The variables of a broker that tells. `adminPort` is where.
export async function insightEnv(env = {}) {
  return { ADMIN_PORT: String(await freePort()), ADMIN_TOKEN: kToken, ...env };
}

/// The answer of the admin interface: status and parsed JSON. `port`: the broker's ADMIN_PORT.
export async function ask(port, path, { token = kToken } = {}) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { Authorization: `Bearer ${token}` } });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json');
  return { status: response.status, json: isJson ? JSON.parse(text) : null, text };
}

/// The data of the events of this name, as the stream tells them, until `stop` is aborted.
export async function* events(port, name, stop) {
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/events`, { headers: { Authorization: `Bearer ${kToken}` }, signal: stop });
  assert.equal(response.status, 200);
  let text = '';
  for await (const bytes of response.body) {
    text += Buffer.from(bytes).toString();
    for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
      const lines = text.slice(0, end).split('\n');
      if (lines.includes(`event: ${name}`)) yield JSON.parse(lines.find((line) => line.startsWith('data: ')).slice(6));
    }
  }
}

/// The negotiations that match, the newest first.
export async function negotiations(port, query = {}) {
  const { status, json, text } = await ask(port, `/api/v1/negotiations?${new URLSearchParams(query)}`);
  assert.equal(status, 200, text);
  return json.negotiations;
}

/// The newest of this node, once `is` is true of it. What was said last is in the error.
export async function negotiationOf(port, node, is, milliseconds = scaled(10_000)) {
  let last;
  try {
    await eventually(`the negotiation of ${node}`, async () => (last = (await negotiations(port, { node }))[0]) && is(last), milliseconds);
  } catch (error) {
    error.message += `: ${JSON.stringify(last)}`;
    throw error;
  }
  return last;
}
