// The STUN and TURN servers that were of no use.

/// A server is asked once for each network of the machine, so one error says little: those that gave no candidate at all count.
export class SilentServers {
  #errors = new Map();
  #giving = new Set();

  onCandidate({ url }) {
    if (url) this.#giving.add(url);
  }

  onError({ url, errorCode, errorText }) {
    this.#errors.set(url, errorText ? `${errorText.replace(/\.$/, '')} (${errorCode})` : `error ${errorCode}`);
  }

  /// [{error, urls}]: servers that said the same stand together.
  get groups() {
    const groups = new Map();
    for (const [url, error] of this.#errors) {
      if (this.#giving.has(url) || this.#isTurnToo(url)) continue;
      groups.set(error, [...(groups.get(error) ?? []), url]);
    }
    return [...groups].map(([error, urls]) => ({ error, urls }));
  }

  /// Chromium asks a TURN server for what a STUN server gives, too, and then names it twice.
  #isTurnToo(url) {
    const host = /^stun:(.*)$/.exec(url)?.[1];
    const others = [...this.#errors.keys(), ...this.#giving];
    return host !== undefined && others.some((other) => other === `turn:${host}` || other.startsWith(`turn:${host}?`));
  }
}
