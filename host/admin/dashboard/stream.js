// The stream of events. Not by EventSource, which does not tell a broker without a free stream from one that is away.
import { ApiError, open } from './api.js';

// The broker sends a comment every 15 s.
const kSilenceMs = 40_000;
const kMostCharacters = 1_000_000;
const kFirstDelayMs = 1000;
const kLongestDelayMs = 30_000;

/// Splits a stream of text into events. `push(text)` calls `onEvent(type, data)` for each that is complete; `data` is an
/// object. What is no event of ours is left out.
export function eventParser(onEvent) {
  let rest = '';
  const parse = (block) => {
    let type = '';
    const data = [];
    for (const line of block.split('\n')) {
      const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line);
      if (name === 'event') type = value;
      if (name === 'data') data.push(value);
    }
    if (!type || data.length === 0) return;
    let object;
    try {
      object = JSON.parse(data.join('\n'));
    } catch {
      return;
    }
    if (object && typeof object === 'object') onEvent(type, object);
  };
  return (text) => {
    rest += text.replaceAll('\r', '');
    const blocks = rest.split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) parse(block);
    if (rest.length > kMostCharacters) throw new ApiError(0, 'an event was too long');
  };
}

/// Stays connected, with growing delays between attempts. `onEvent(type, data)`; `onState(isOpen, error)`.
export function followEvents({ onEvent, onState }) {
  let delayMs = kFirstDelayMs;
  let attempt;
  let timer;

  async function readFrom(response, alive) {
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    const push = eventParser(onEvent);
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      alive();
      push(decoder.decode(value, { stream: true }));
    }
  }

  async function connect() {
    clearTimeout(timer);
    const controller = new AbortController();
    attempt = controller;
    let silence;
    const alive = () => {
      clearTimeout(silence);
      silence = setTimeout(() => controller.abort(), kSilenceMs);
    };
    let error = null;
    try {
      alive();
      const response = await open('events', controller.signal);
      delayMs = kFirstDelayMs;
      onState(true, null);
      await readFrom(response, alive);
    } catch (failure) {
      error = failure instanceof ApiError ? failure : null;
    }
    clearTimeout(silence);
    controller.abort();
    if (attempt !== controller) return;
    onState(false, error);
    if (error?.isAbsent || error?.status === 401) return;
    timer = setTimeout(connect, Math.max(delayMs * (0.75 + Math.random() / 2), (error?.retryAfter ?? 0) * 1000));
    delayMs = Math.min(delayMs * 2, kLongestDelayMs);
  }

  connect();
  return {
    /// Without waiting for the next attempt. `attempt` of before reports nothing any more.
    retry() {
      const before = attempt;
      delayMs = kFirstDelayMs;
      connect();
      before?.abort();
    },
  };
}
