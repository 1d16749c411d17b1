// Requests to the admin API. Errors are ApiError, with a sentence that can be shown.
import { sessionEnded } from './session.js';

const kLimitMs = 10_000;

export class ApiError extends Error {
  /// `status` 0: there was no answer. `retryAfter`: seconds, or null.
  constructor(status, message, retryAfter = null) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }

  /// This broker has no such route, or not with this configuration.
  get isAbsent() {
    return this.status === 404 || this.status === 501;
  }
}

const seconds = (header) => (header !== null && /^\d+$/.test(header) ? Number(header) : null);

async function sentenceOf(response) {
  try {
    const { error } = await response.json();
    if (typeof error === 'string' && error) return error;
  } catch {
    // It is no JSON: its status must do.
  }
  return `the broker answered with status ${response.status}`;
}

/// A response whose status is 2xx.
async function request(method, path, { signal, accept = 'application/json' } = {}) {
  let response;
  try {
    response = await fetch(`/api/v1/${path}`, { method, signal, headers: { Accept: accept }, cache: 'no-store', redirect: 'error' });
  } catch (error) {
    const why = error.name === 'TimeoutError' ? 'the broker did not answer in time' : 'the broker cannot be reached';
    throw new ApiError(0, why);
  }
  if (response.ok) return response;
  if (response.status === 401) sessionEnded();
  throw new ApiError(response.status, await sentenceOf(response), seconds(response.headers.get('Retry-After')));
}

/// `parameters` that are undefined, null or empty are left out.
export async function call(method, path, parameters = {}, { limitMs = kLimitMs } = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== '');
  const query = new URLSearchParams(given).toString();
  const response = await request(method, query ? `${path}?${query}` : path, { signal: AbortSignal.timeout(limitMs) });
  try {
    return await response.json();
  } catch {
    throw new ApiError(0, 'the answer of the broker was cut off');
  }
}

export const get = (path, parameters, options) => call('GET', path, parameters, options);

export const open = (path, signal) => request('GET', path, { signal, accept: 'text/event-stream' });

/// The id as a path segment, or null: browsers take `.` and `..` out of an address, however they are written.
export const segment = (id) => (id === '' || id === '.' || id === '..' ? null : encodeURIComponent(id));

export async function signOut() {
  try {
    await fetch('/logout', { method: 'POST', redirect: 'manual', cache: 'no-store' });
  } finally {
    location.replace('/');
  }
}
