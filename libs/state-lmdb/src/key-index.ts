const FIRST_SLOTS = 256;
/** FNV-1a (Fowler, Noll, Vo), 32 bits. */
const [FNV_OFFSET, FNV_PRIME] = [0x811c9dc5 | 0, 0x01000193];

/** Of bytes, for a {@link KeyIndex}. */
export function hashOf(bytes: Uint8Array): number {
  let hash = FNV_OFFSET;
  for (let at = 0; at < bytes.length; at++) hash = Math.imul(hash ^ (bytes[at] as number), FNV_PRIME);
  // Keys that differ in their last byte alone would lie side by side otherwise.
  return hash ^ (hash >>> 15);
}

/**
 * Numbers keys from 0 in the order in which they came, and finds the number of one again. The bytes lie where they were packed, and nothing of them is kept here: a `Map` of
 * strings takes five times as long and ten times the memory, all of it for the garbage collector. Open addressing, linear probing, at most half full.
 */
export class KeyIndex {
  readonly #isKey: (number: number, key: Uint8Array) => boolean;
  /** A number and one more; zero: free. */
  #slots = new Int32Array(FIRST_SLOTS);
  #hashes = new Int32Array(FIRST_SLOTS / 2);
  #count = 0;

  /** `isKey`: whether these bytes are the key of this number. */
  constructor(isKey: (number: number, key: Uint8Array) => boolean) {
    this.#isKey = isKey;
  }

  get count(): number {
    return this.#count;
  }

  /** The number of the key; -1: it did not come yet. */
  find(key: Uint8Array, hash: number): number {
    const last = this.#slots.length - 1;
    for (let slot = hash & last; ; slot = (slot + 1) & last) {
      const number = (this.#slots[slot] as number) - 1;
      if (number < 0 || (this.#hashes[number] === hash && this.#isKey(number, key))) return number;
    }
  }

  /** A key that did not come yet; gives its number. */
  add(hash: number): number {
    if (this.#count === this.#hashes.length) this.#grow();
    this.#hashes[this.#count] = hash;
    this.#enter(this.#count);
    return this.#count++;
  }

  #enter(number: number): void {
    const last = this.#slots.length - 1;
    let slot = (this.#hashes[number] as number) & last;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & last;
    this.#slots[slot] = number + 1;
  }

  #grow(): void {
    const hashes = new Int32Array(this.#hashes.length * 2);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
    this.#slots = new Int32Array(this.#slots.length * 2);
    for (let number = 0; number < this.#count; number++) this.#enter(number);
  }
}
