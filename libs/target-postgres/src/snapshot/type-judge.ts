import pg from 'pg';

import type { Connection } from '../connection.js';
import { asTargetError, verdictOf } from '../sql-state.js';
import type { ComparedColumn } from './compared-table.js';

/** A value of a column, as the source spells it. */
export type Question = { readonly column: ComparedColumn; readonly value: string };

/** In the order of the questions: the value as it is compared; null: the column's type does not take it. */
export type Answers = readonly (string | null)[];

type Answered = { readonly n: number; readonly compared: string };

/**
 * Asks the database what its types make of texts. A record made from JSON reads each field by its type's input with the column's modifier, as COPY does: a cast
 * to `varchar(3)` would cut off silently. A domain's checks count.
 */
export class TypeJudge {
  readonly #connection: Connection;
  #last: Promise<unknown> = Promise.resolve();

  /** `connection`: of its own, in no transaction, so that a text that is refused ends nothing. */
  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Calls are answered one after the other. */
  ask(questions: readonly Question[]): Promise<Answers> {
    const answers = this.#last.then(() => this.#ask(questions));
    this.#last = answers.catch(() => undefined);
    return answers;
  }

  async #ask(questions: readonly Question[]): Promise<Answers> {
    if (questions.length === 0) return [];
    try {
      return await this.#answer(questions);
    } catch (error) {
      if (!isRefusal(error)) throw asTargetError(error);
      if (questions.length === 1) return [null];
      const half = questions.length >> 1;
      return [...(await this.#ask(questions.slice(0, half))), ...(await this.#ask(questions.slice(half)))];
    }
  }

  async #answer(questions: readonly Question[]): Promise<Answers> {
    const byColumn = new Map<ComparedColumn, { readonly n: number; readonly v: string }[]>();
    questions.forEach(({ column, value }, n) => {
      const asked = byColumn.get(column);
      if (asked === undefined) byColumn.set(column, [{ n, v: value }]);
      else asked.push({ n, v: value });
    });
    const columns = [...byColumn.keys()];
    const text = columns.map((column, at) => answersOf(column, `$${String(at + 1)}`)).join(' UNION ALL ');
    const rows = await this.#connection.query<Answered>(
      text,
      columns.map((column) => JSON.stringify(byColumn.get(column))),
    );
    const answers: (string | null)[] = questions.map(() => null);
    for (const { n, compared } of rows) answers[n] = compared;
    return answers;
  }
}

/** `format` prints a value as its type's output does, where a cast to text would take a `char`'s blanks away. */
function answersOf({ type, reading, compared }: ComparedColumn, parameter: string): string {
  const [read, value] = reading === 'by a cast' ? ['text', `r.v::${type}`] : [type, 'r.v'];
  return `SELECT r.n, format('%s', ${compared(value)}) AS compared FROM json_to_recordset(${parameter}::json) AS r(n int, v ${read})`;
}

/** Also where what a text names is not there, as inputs of some types say (`regclass`). */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return false;
  const verdict = verdictOf(error);
  return verdict === 'row' || verdict === 'form' || (verdict === 'INTERNAL' && error.code?.startsWith('42') === true);
}
