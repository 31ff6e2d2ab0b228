/** Bytes as a string that is equal and ordered as they are. */
const textOf = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).latin1Slice();
const bytesOf = (text) => Buffer.from(text, 'latin1');

/** A `StateStore` for measurements: nothing in it takes longer than it must, and nothing in it is safe. */
export class MemoryState {
  place = null;
  pendingBytes = 0;
  #entries = new Map();
  #sets = new Map();
  /** Keys in their order, by first byte, as long as none came. */
  #ordered = new Map();

  get(key) {
    return this.#entries.get(textOf(key));
  }

  put(key, value) {
    const text = textOf(key);
    if (this.#ordered.size > 0 && !this.#entries.has(text)) this.#ordered.delete(text[0]);
    this.#entries.set(text, Buffer.from(value));
  }

  remove(key) {
    this.#entries.delete(textOf(key));
  }

  members(set, after, limit) {
    const from = after === null ? '' : textOf(after);
    const members = this.#sets.get(textOf(set));
    if (members === undefined) return [];
    const behind = after === null ? [...members] : [...members].filter((member) => member > from);
    return behind.sort().slice(0, limit).map(bytesOf);
  }

  addMember(set, member) {
    const name = textOf(set);
    let members = this.#sets.get(name);
    if (members === undefined) this.#sets.set(name, (members = new Set()));
    members.add(textOf(member));
  }

  removeMember(set, member) {
    this.#sets.get(textOf(set))?.delete(textOf(member));
  }

  *entries(prefix, after) {
    const begin = textOf(prefix);
    const from = after === null ? begin : textOf(after);
    const keys = this.#keysLike(begin[0]);
    for (let index = firstFrom(keys, from); index < keys.length && keys[index].startsWith(begin); index++) {
      const value = keys[index] === from && after !== null ? undefined : this.#entries.get(keys[index]);
      if (value !== undefined) yield { key: bytesOf(keys[index]), value };
    }
  }

  async commit(place) {
    this.place = place;
    this.pendingBytes = 0;
  }

  async [Symbol.asyncDispose]() {}

  #keysLike(first) {
    let keys = this.#ordered.get(first);
    if (keys === undefined) this.#ordered.set(first, (keys = [...this.#entries.keys()].filter((key) => key[0] === first).sort()));
    return keys;
  }
}

/** The index of the first one that does not lie before `key`. */
function firstFrom(ordered, key) {
  let [low, high] = [0, ordered.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ordered[middle] < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
