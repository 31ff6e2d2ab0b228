import type { Random } from '../random.js';

/** Keys of one table that the users believe to exist: constant-time add, remove and random pick. */
export class KnownKeys<K> {
  readonly #keys: K[] = [];
  readonly #places = new Map<K, number>();

  get size(): number {
    return this.#keys.length;
  }

  add(key: K): void {
    if (this.#places.has(key)) return;
    this.#places.set(key, this.#keys.length);
    this.#keys.push(key);
  }

  remove(key: K): void {
    const place = this.#places.get(key);
    if (place === undefined) return;
    this.#places.delete(key);
    const last = this.#keys.pop() as K;
    if (place < this.#keys.length) {
      this.#keys[place] = last;
      this.#places.set(last, place);
    }
  }

  pick(random: Random): K | undefined {
    return this.#keys.length === 0 ? undefined : random.pick(this.#keys);
  }

  /** Two different keys in ascending order, in which everybody locks them. */
  pickTwo(random: Random): readonly [K, K] | undefined {
    if (this.#keys.length < 2) return undefined;
    const first = random.integer(0, this.#keys.length - 1);
    const second = (first + random.integer(1, this.#keys.length - 1)) % this.#keys.length;
    const [one, other] = [this.#keys[first] as K, this.#keys[second] as K];
    return one < other ? [one, other] : [other, one];
  }
}

/** What all users share: the keys in each table and the next number of each sequence. Hints only; the database decides. */
export class KnownRows {
  readonly users = new KnownKeys<number>();
  readonly accounts = new KnownKeys<number>();
  readonly contacts = new KnownKeys<number>();
  readonly leads = new KnownKeys<string>();
  readonly opportunities = new KnownKeys<string>();
  readonly activities = new KnownKeys<number>();
  readonly notes = new KnownKeys<number>();
  /** `opportunity/contact` */
  readonly links = new KnownKeys<string>();
  #last = 0;

  /** A number that no table has used yet. */
  nextNumber(): number {
    return ++this.#last;
  }
}
