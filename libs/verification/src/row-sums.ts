import { hash } from 'node:crypto';

import { invariant } from '@changeover/core';
import { scanLine } from '@changeover/events';

/** 32-bit words of an MD5. */
const WORDS = 4;
const WORD = 2 ** 32;
/** What a row that is looked at takes beside its text. */
const ROW_BYTES = 200;
const [FNV_BASIS, FNV_PRIME] = [0x811c9dc5, 0x01000193];

/** How rows of a table are told apart: their columns, and the places of those by which they are found (none: by all of them). */
export type RowShape = { readonly columns: number; readonly keys: readonly number[] };

/**
 * The rows of one side of a comparison, summed up: by a hash of its key each row falls into a partition, of which the number of rows and the sum of their hashes
 * (MD5, 128 bits, modulo 2^128) are kept. So neither the order of rows nor a collation matters, and memory depends on the number of partitions alone.
 * A null and an empty text are written differently, so they differ.
 */
export class RowSums {
  readonly #partitions: number;
  readonly #places: KeyPlaces;
  readonly #sums: Uint32Array;
  readonly #counts: Uint32Array;
  readonly #bytes: Float64Array;
  #rows = 0;

  /** `partitions`: a power of two. */
  constructor(partitions: number, shape: RowShape) {
    this.#partitions = partitions;
    this.#places = new KeyPlaces(shape);
    this.#sums = new Uint32Array(partitions * WORDS);
    this.#counts = new Uint32Array(partitions);
    this.#bytes = new Float64Array(partitions);
  }

  get rows(): number {
    return this.#rows;
  }

  /** Whole lines of COPY text. */
  add(lines: Buffer): void {
    for (const { start, end, key } of this.#places.of(lines)) {
      const partition = partitionOf(lines, key, this.#partitions);
      const digest = hash('md5', lines.subarray(start, end), 'buffer');
      let carry = 0;
      for (let word = WORDS - 1; word >= 0; word--) {
        const at = partition * WORDS + word;
        const sum = (this.#sums[at] as number) + digest.readUInt32BE(word * 4) + carry;
        this.#sums[at] = sum;
        carry = sum >= WORD ? 1 : 0;
      }
      (this.#counts[partition] as number)++;
      (this.#bytes[partition] as number) += end - start + ROW_BYTES;
      this.#rows++;
    }
  }

  /** The sum of all rows' hashes, in hex: the same for the same rows, however many partitions there are. */
  get digest(): string {
    let sum = 0n;
    for (let partition = 0; partition < this.#partitions; partition++) {
      let words = 0n;
      for (let word = 0; word < WORDS; word++) words = (words << 32n) | BigInt(this.#sums[partition * WORDS + word] as number);
      sum = BigInt.asUintN(WORDS * 32, sum + words);
    }
    return sum.toString(16).padStart(WORDS * 8, '0');
  }

  /** Partitions of which the other has other rows, each with about what its rows of both sides take in memory. */
  differing(other: RowSums): readonly { readonly partition: number; readonly bytes: number }[] {
    const differing: { readonly partition: number; readonly bytes: number }[] = [];
    for (let partition = 0; partition < this.#partitions; partition++) {
      if (this.#counts[partition] === other.#counts[partition] && this.#isSame(other, partition)) continue;
      differing.push({ partition, bytes: (this.#bytes[partition] as number) + (other.#bytes[partition] as number) });
    }
    return differing;
  }

  #isSame(other: RowSums, partition: number): boolean {
    for (let word = partition * WORDS; word < (partition + 1) * WORDS; word++) if (this.#sums[word] !== other.#sums[word]) return false;
    return true;
  }
}

/** Bytes of a buffer, from and up to. */
export type Span = { readonly start: number; readonly end: number };

/** Finds rows' keys in lines: where the key's columns lie one behind the other it is the bytes as they are. */
export class KeyPlaces {
  readonly #shape: RowShape;
  readonly #starts: Int32Array;

  constructor(shape: RowShape) {
    this.#shape = { ...shape, keys: shape.keys.toSorted((a, b) => a - b) };
    this.#starts = new Int32Array(shape.columns + 1);
  }

  /** Each line, without its end, and the fields of its key. */
  *of(lines: Buffer): Generator<Span & { readonly key: readonly Span[] }> {
    const { columns, keys } = this.#shape;
    for (let at = 0; at < lines.length;) {
      const { fields, end } = scanLine(lines, at, this.#starts);
      invariant(fields === columns, `a row has ${String(fields)} fields where its table has ${String(columns)} columns`);
      const key = keys.length === 0 ? [{ start: at, end }] : keys.map((column) => this.#field(column));
      yield { start: at, end, key };
      at = end + 1;
    }
  }

  #field(column: number): Span {
    return { start: this.#starts[column] as number, end: (this.#starts[column + 1] as number) - 1 };
  }
}

/** FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/), 32 bits: which rows fall together must not depend on what is between them, only be even. */
export function partitionOf(bytes: Buffer, key: readonly Span[], partitions: number): number {
  let mixed = FNV_BASIS;
  for (const { start, end } of key) {
    for (let at = start; at < end; at++) mixed = Math.imul(mixed ^ (bytes[at] as number), FNV_PRIME);
    mixed = Math.imul(mixed ^ 0x09, FNV_PRIME);
  }
  return (mixed ^ (mixed >>> 16)) & (partitions - 1);
}

/** The key's fields as one text: a tab between them can only be a separator. */
export function idOf(bytes: Buffer, key: readonly Span[]): string {
  return key.map(({ start, end }) => bytes.toString('latin1', start, end)).join('\t');
}
