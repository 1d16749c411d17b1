/// A node as applications write it: npm's socket.io-client.
import { once } from 'node:events';
import { io } from 'socket.io-client';
import { scaled, within } from './time.mjs';
import { nodeOptions } from './tls.mjs';

const nodes = new Set();
let counter = 0;

export function closeNodes(port) {
  for (const node of nodes) {
    if (node.port !== port) continue;
    node.disconnect();
    nodes.delete(node);
  }
}

/// An id that no other test uses.
export const freshId = (prefix = 'node') => `${prefix}-${process.pid}-${++counter}`;

/// Node parameters as they stand in the URL.
export const nodeQuery = (node) => new URLSearchParams(node).toString();

/// Starts to connect and returns at once, for tests that expect a refusal or count events.
export function startNode(port, id, { query = {}, ...options } = {}) {
  const { origin, ...transport } = { ...nodeOptions(port), ...options };
  const socket = io(origin, {
    transports: ['websocket'],
    forceNew: true,
    reconnection: false,
    query: { id, version: '1.0.0', runtime: 'js', ...query },
    ...transport,
  });
  nodes.add(socket);
  socket.nodeId = id;
  socket.port = port;
  socket.authenticated = once(socket, 'AUTHENTICATED').then(([text]) => JSON.parse(text));
  return socket;
}

/// Resolves with the connected socket, rejects with the connect_error.
export async function joinNode(port, id = freshId(), options = {}) {
  const socket = startNode(port, id, options);
  const refused = new Promise((_, reject) => {
    socket.once('connect_error', reject);
  });
  refused.catch(() => {});
  await within(scaled(10_000), `${id} joins`, Promise.race([socket.authenticated, refused]));
  return socket;
}

/// The message of the connect_error that a node must get.
export async function refusalOf(port, id, options) {
  const socket = startNode(port, id, options);
  const accepted = once(socket, 'connect').then(() => {
    throw new Error(`${id} was let in`);
  });
  accepted.catch(() => {});
  const [error] = await within(
    scaled(10_000),
    `${id} is refused`,
    Promise.race([once(socket, 'connect_error'), accepted]),
  );
  socket.disconnect();
  return error.message;
}

/// Sends a payload as nodes do, one JSON text, and returns the ack.
export function send(socket, type, payload) {
  return socket.timeout(scaled(10_000)).emitWithAck(type, JSON.stringify(payload));
}

/// The payload of the next event of this type.
export async function received(socket, type) {
  const [text] = await within(
    scaled(10_000),
    `${socket.nodeId} receives ${type}`,
    once(socket, type),
  );
  return JSON.parse(text);
}
