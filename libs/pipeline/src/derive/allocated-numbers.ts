import { ALLOCATED_COLUMNS, lineOf, type AllocatedColumn, type Line, type StateView } from '@changeover/events';
import { ConversionProblem, type Converter, type Numbering, type Row, type Sequence } from '@changeover/mapping';

import { lineOfRow, rowOfLine } from './row-text.js';
import { bounded, stateKey } from './state-keys.js';

/** A text of the source, and the number that it has in a sequence of the mapping. */
export type AllocatedNumber = { readonly sequence: string; readonly text: string; readonly number: string };

/** By sequence the last number that it has given. */
export type LastNumbers = Readonly<Record<string, number>>;

/** Numbers are kept by text, and by sequence the last one. */
const [BY_TEXT, LAST] = [0, 1] as const;
/** Of each sequence: many rows mention the same few. */
const REMEMBERED = 10_000;
/** At once. */
const FORGOTTEN = 1000;
const NONE_LEFT = new ConversionProblem('no number is left');

/**
 * Gives texts numbers. They belong to no mapping: what has a number keeps it, whatever becomes of the row that mentioned it, and under every mapping that names the sequence. Which number a text gets depends on the
 * order in which texts are mentioned first. That follows from the log, as each record is derived in one order, so a state that was lost gives the same ones again; the order must never change.
 */
export class AllocatedNumbers implements Iterable<AllocatedNumber> {
  readonly #state: StateView;
  readonly #onGiven: (given: AllocatedNumber) => void;
  readonly #remembered = new Map<string, Map<string, string>>();
  #given = 0;

  constructor(state: StateView, onGiven: (given: AllocatedNumber) => void) {
    this.#state = state;
    this.#onGiven = onGiven;
  }

  readonly numbering: Numbering = (sequence): Converter => {
    const remembered = this.#remembered.get(sequence.name) ?? new Map<string, string>();
    this.#remembered.set(sequence.name, remembered);
    return (text) => {
      const known = remembered.get(text);
      if (known !== undefined) return known;
      const number = this.#find(sequence.name, text) ?? this.#give(sequence, text);
      if (number === null) return NONE_LEFT;
      if (remembered.size >= REMEMBERED) remembered.clear();
      remembered.set(text, number);
      return number;
    };
  };

  /** What was given elsewhere. */
  learn({ sequence, text, number }: AllocatedNumber): void {
    this.#put(sequence, text, number);
    const last = this.#lastOf(sequence);
    if (last === null || Number(number) > last) this.#putLast(sequence, number);
  }

  /** How many were given here, and not learned. */
  get given(): number {
    return this.#given;
  }

  /** Some of them: as if these were not known. False: there are none left. */
  forget(): boolean {
    const keys: Buffer[] = [];
    for (const part of [BY_TEXT, LAST]) {
      for (const { key } of this.#state.entries(stateKey('allocated', part, ''), null)) if (keys.push(key) >= FORGOTTEN) break;
    }
    for (const key of keys) this.#state.remove(key);
    this.#remembered.clear();
    return keys.length > 0;
  }

  /** All that texts have, in the order of their keys in the state. */
  *[Symbol.iterator](): Generator<AllocatedNumber> {
    for (const { value } of this.#state.entries(stateKey('allocated', BY_TEXT, ''), null)) {
      const [sequence, number, text] = rowOfLine(value.toString()) as [string, string, string];
      yield { sequence, text, number };
    }
  }

  get last(): LastNumbers {
    const prefix = stateKey('allocated', LAST, '');
    return Object.fromEntries(
      Array.from(this.#state.entries(prefix, null), ({ key, value }) => [key.toString('utf8', prefix.length), Number(value.toString())]),
    );
  }

  #find(sequence: string, text: string): string | null {
    const entry = this.#state.get(placeOf(sequence, text));
    return entry === undefined ? null : (rowOfLine(entry.toString())[1] as string);
  }

  /** Above all that the sequence has given, also where it began, or went, otherwise under another mapping. */
  #give({ name, start, step }: Sequence, text: string): string | null {
    const last = this.#lastOf(name);
    const number = last === null ? start : Math.max(start, last + step);
    if (!Number.isSafeInteger(number)) return null;
    const given = { sequence: name, text, number: String(number) };
    this.#put(name, text, given.number);
    this.#putLast(name, given.number);
    this.#given++;
    this.#onGiven(given);
    return given.number;
  }

  #put(sequence: string, text: string, number: string): void {
    this.#state.put(placeOf(sequence, text), Buffer.from(lineOfRow([sequence, number, text])));
  }

  #putLast(sequence: string, number: string): void {
    this.#state.put(stateKey('allocated', LAST, sequence), Buffer.from(number));
  }

  #lastOf(sequence: string): number | null {
    const entry = this.#state.get(stateKey('allocated', LAST, sequence));
    return entry === undefined ? null : Number(entry.toString());
  }
}

function placeOf(sequence: string, text: string): Buffer {
  return stateKey('allocated', BY_TEXT, bounded(lineOfRow([sequence, text])));
}

/** As a row of `ALLOCATED_TABLE`. */
export function allocatedLine(migration: string, { sequence, text, number }: AllocatedNumber): Line {
  const values: Readonly<Record<AllocatedColumn, string>> = { migration, sequence, number, source_text: text };
  return lineOf(Buffer.from(`${lineOfRow(ALLOCATED_COLUMNS.map((name) => values[name]))}\n`));
}

/** What such a row says. */
export function allocatedIn(row: Row): AllocatedNumber {
  const value = (name: AllocatedColumn): string => row[ALLOCATED_COLUMNS.indexOf(name)] ?? '';
  return { sequence: value('sequence'), text: value('source_text'), number: value('number') };
}
