// Who may connect, who may stay, and who may talk to whom. Bans can change while the server runs and are kept in memory.
import { isSameSecret } from './same-secret.mjs';

const MOST_BANS = 10_000;

const isListOf = (isItem) => (value) => Array.isArray(value) && value.every(isItem);
const isId = (value) => typeof value === 'string' && value !== '';
const isPair = (value) => isListOf(isId)(value) && value.length === 2;

// An answer is a message as well, so a pair is denied in both directions.
const pairKey = (...ids) => JSON.stringify(ids.sort());

export class Rules {
  #token;
  #banned;
  #deniedIds;
  #deniedPairs;

  /** `rules` as rules.json has them; the lists may be absent. Throws if they make no sense. */
  constructor(token, rules = {}) {
    const { banned = [], deniedIds = [], deniedPairs = [], ...unknown } = rules;
    for (const name of Object.keys(unknown)) throw new Error(`rules: what is '${name}'?`);
    if (!isListOf(isId)(banned)) throw new Error('rules: banned is not a list of ids');
    if (!isListOf(isId)(deniedIds)) throw new Error('rules: deniedIds is not a list of ids');
    if (!isListOf(isPair)(deniedPairs)) throw new Error('rules: deniedPairs is not a list of pairs of ids');
    this.#token = token;
    this.#banned = new Set(banned);
    this.#deniedIds = new Set(deniedIds);
    this.#deniedPairs = new Set(deniedPairs.map((pair) => pairKey(...pair)));
  }

  /** Why this node may not connect; undefined: it may. `data` is the token, or an object that holds it as `token`. */
  refusal(nodeId, data) {
    if (this.#banned.has(nodeId)) return 'banned';
    if (!isSameSecret(typeof data === 'string' ? data : data?.token, this.#token)) return 'wrong token';
    return undefined;
  }

  mayTalk(from, to) {
    return !this.#deniedIds.has(from) && !this.#deniedIds.has(to) && !this.#deniedPairs.has(pairKey(from, to));
  }

  invalid(nodeIds) {
    return nodeIds.filter((id) => this.#banned.has(id));
  }

  get bans() {
    return [...this.#banned];
  }

  /** False: there are too many. */
  ban(nodeId) {
    if (this.#banned.size >= MOST_BANS && !this.#banned.has(nodeId)) return false;
    this.#banned.add(nodeId);
    return true;
  }

  /** False: it was not banned. */
  lift(nodeId) {
    return this.#banned.delete(nodeId);
  }
}
