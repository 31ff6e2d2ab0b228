import { ALLOCATED_COLUMNS, ALLOCATED_TABLE, formatRows, parseRows } from '@changeover/events';
import { ConversionProblem, type Numbering, type Sequence } from '@changeover/mapping';

import { expectSame } from './same.js';
import { nameOf } from './told-rows.js';
import type { WrittenRecord } from './written-records.js';

/** The numbers that `writes` has told: each text has one, each number one text, and none is left out. */
export class ToldNumbers {
  readonly #sequences = new Map<string, Sequence>();
  readonly #numbers = new Map<string, Map<string, string>>();
  #missing = 0;

  take({ frames }: WrittenRecord): void {
    const told = new Map<string, number[]>();
    for (const { form, op, rows } of frames) {
      if (nameOf(form) !== nameOf(ALLOCATED_TABLE)) continue;
      expectSame(op, 'c');
      for (const [migration, name, number, text] of parseRows(rows) as [string, string, string, string][]) {
        const numbers = this.#numbers.get(name) ?? new Map<string, string>();
        expectSame({ migration, name, text, has: numbers.get(text) ?? null }, { migration: 'm', name, text, has: null });
        this.#numbers.set(name, numbers.set(text, number));
        told.set(name, [...(told.get(name) ?? []), Number(number)]);
      }
    }
    for (const [name, numbers] of told) {
      const { start, step } = this.#sequences.get(name) as Sequence;
      const before = (this.#numbers.get(name)?.size ?? 0) - numbers.length;
      expectSame(
        { name, numbers: numbers.sort((a, b) => a - b) },
        { name, numbers: numbers.map((_, place) => start + (before + place) * step) },
      );
    }
  }

  readonly numbering: Numbering = (sequence) => {
    this.#sequences.set(sequence.name, sequence);
    return (text) => {
      const number = this.#numbers.get(sequence.name)?.get(text);
      if (number === undefined) this.#missing++;
      return number ?? new ConversionProblem('has no number');
    };
  };

  /** How often a text was asked for that has none. */
  get missing(): number {
    return this.#missing;
  }

  get isEmpty(): boolean {
    return this.#numbers.size === 0;
  }

  /** As the target holds them: rows of `ALLOCATED_TABLE`, COPY text. */
  get rows(): Buffer {
    const all = [...this.#numbers].flatMap(([sequence, numbers]) =>
      [...numbers].map(([text, number]) => ({ migration: 'm', sequence, number, source_text: text })),
    );
    return formatRows(all.map((row) => ALLOCATED_COLUMNS.map((name) => row[name])));
  }
}
