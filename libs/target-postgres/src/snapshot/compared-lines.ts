import { invariant } from '@changeover/core';
import { CopyTextWriter, fieldText, formatRows, isNull, isUnchanged, scanLine } from '@changeover/events';

import type { ComparedTable } from './compared-table.js';
import type { Question, TypeJudge } from './type-judge.js';

/** A field as it is compared, escaped, as Latin-1; null: its column's type does not take it. */
type Field = string | null;

/** A question about a field in the column `at`. */
type Asked = { readonly at: number; readonly field: string; readonly question: Question };

/** What was answered once is remembered: labels, states, domains of a few values. Short ones, so that they stay few bytes. */
const MOST_REMEMBERED = 1000;
const LONGEST_REMEMBERED = 64;

const NULL = '\\N';

/** Lines of one form as they are compared. Fields are escaped as COPY itself escapes them. */
export class ComparedLines {
  readonly #table: ComparedTable;
  readonly #judge: () => Promise<TypeJudge>;
  readonly #remembered: readonly Map<string, Field>[];

  /** `judge` is asked for when the database has to judge for the first time. */
  constructor(table: ComparedTable, judge: () => Promise<TypeJudge>) {
    this.#table = table;
    this.#judge = judge;
    this.#remembered = table.columns.map(() => new Map<string, Field>());
  }

  async read(lines: Buffer): Promise<Buffer> {
    // What was remembered is taken along, as it may be forgotten while we wait.
    const known = this.#table.columns.map(() => new Map<string, Field>());
    const asked: Asked[] = [];
    let differs = false;
    this.#each(lines, (starts) => {
      for (let at = 0; at < known.length; at++) {
        const start = starts[at] as number;
        const end = (starts[at + 1] as number) - 1;
        if (isNull(lines, start, end) || isUnchanged(lines, start, end)) continue;
        const column = this.#table.columns[at] ?? null;
        const field = lines.toString('latin1', start, end);
        const told = column === null ? NULL : column.spelling(field);
        if (told === field) continue;
        differs = true;
        const fields = known[at] as Map<string, Field>;
        if (column === null || told !== null || fields.has(field)) continue;
        const remembered = this.#remembered[at]?.get(field);
        fields.set(field, remembered ?? null);
        if (remembered === undefined)
          asked.push({ at, field, question: { column, value: fieldText(lines.subarray(start, end), 0, end - start) as string } });
      }
    });
    if (asked.length > 0) {
      const answers = await (await this.#judge()).ask(asked.map(({ question }) => question));
      asked.forEach(({ at, field }, n) => {
        const answer = fieldOf(answers[n] ?? null);
        known[at]?.set(field, answer);
        this.#remember(at, field, answer);
      });
    }
    return differs ? this.#write(lines, known) : lines;
  }

  #write(lines: Buffer, known: readonly ReadonlyMap<string, Field>[]): Buffer {
    const writer = new CopyTextWriter(lines.length + 1024);
    this.#each(lines, (starts) => {
      const fields = this.#table.columns.map((column, at): Field => {
        const start = starts[at] as number;
        const end = (starts[at + 1] as number) - 1;
        const field = lines.toString('latin1', start, end);
        if (isNull(lines, start, end) || isUnchanged(lines, start, end)) return field;
        if (column === null) return NULL;
        return column.spelling(field) ?? known[at]?.get(field) ?? null;
      });
      const first = starts[0] as number;
      const end = (starts[this.#table.columns.length] as number) - 1;
      const bytes = fields.includes(null) ? lines.subarray(first, end) : Buffer.from(fields.join('\t'), 'latin1');
      writer.raw(bytes, 0, bytes.length);
      writer.endRow();
    });
    return writer.take();
  }

  #each(lines: Buffer, visit: (starts: Int32Array) => void): void {
    const { columns, plan } = this.#table;
    const starts = new Int32Array(columns.length + 1);
    for (let at = 0; at < lines.length;) {
      const { fields, end } = scanLine(lines, at, starts);
      invariant(fields === columns.length, `a line of ${plan.id} has a field for each of its columns`);
      visit(starts);
      at = end + 1;
    }
  }

  #remember(at: number, field: string, answer: Field): void {
    const known = this.#remembered[at];
    if (known === undefined || field.length > LONGEST_REMEMBERED || (answer?.length ?? 0) > LONGEST_REMEMBERED) return;
    if (known.size >= MOST_REMEMBERED) known.clear();
    known.set(field, answer);
  }
}

function fieldOf(answer: string | null): Field {
  return answer === null
    ? null
    : formatRows([[answer]])
        .subarray(0, -1)
        .toString('latin1');
}
