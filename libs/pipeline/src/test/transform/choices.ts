import type { Arbitrary } from 'fast-check';
import fc from 'fast-check';

/** Where answers come from: so many of chance, then only the first. */
export type Chance = { readonly seed: number; readonly count: number };

/** With fewer answers of chance less happens: so a failure shrinks. */
export const chance: Arbitrary<Chance> = fc.record({ seed: fc.noShrink(fc.nat()), count: fc.nat({ max: 400 }) });

/** Answers to questions, the same ones from the same chance. When it is used up each answer is the first, the plainest. */
export class Choices {
  #state: number;
  #left: number;

  constructor({ seed, count }: Chance) {
    this.#state = seed;
    this.#left = count;
  }

  below(n: number): number {
    if (this.#left-- <= 0) return 0;
    // Mulberry32, by Tommy Ettinger, in the public domain.
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % n;
  }

  /** One time in `n`; never when all are used up. */
  oneIn(n: number): boolean {
    return this.below(n) === n - 1;
  }

  of<T>(from: readonly [T, ...T[]]): T {
    return from[this.below(from.length)] as T;
  }
}
