import { ChangeoverError } from '@changeover/core';
import type { ReadPosition, StateLook } from '@changeover/events';
import type { Row } from '@changeover/mapping';

import type { PlacedCorrection } from '../derive/corrections.js';
import type { MirroredTable } from '../derive/derivation-plan.js';
import { heldKey, keyOfHash } from '../derive/held-rows.js';
import { rowOfLine } from '../derive/row-text.js';
import { stateKey } from '../derive/state-keys.js';
import { openStoredTables, type StoredTables, type StoredTablesOptions } from '../transform/stored-tables.js';
import { meantBy } from './row-explanations.js';

/** A correction as it stands. `key`: as the list of held rows has it, without a rule's name. */
export type StandingCorrection = Omit<PlacedCorrection, 'since'> & {
  readonly sinceSeq: number;
  /** When it was taken into the log, in ms since the epoch. */
  readonly sinceMs: number;
  /** The source holds now what it was made for, so that something else is read. */
  readonly inForce: boolean;
};

/** A row of the source that can be corrected. */
export type CorrectableRow = {
  /** What `Decision` calls it. */
  readonly key: string;
  /** What the source holds in this column; CORRECTION_IMPOSSIBLE where it cannot be corrected. */
  holds(column: string): string | null;
  /** What the list of held rows may say of it, by table of the target: of each rule that the row drives. */
  readonly made: readonly { readonly target: string; readonly key: readonly (string | null)[] }[];
};

/** What operators can correct, and what they have, by what transform has committed last. Changes nothing. */
export class CorrectableRows implements AsyncDisposable {
  /** The last record of `changes` that is in it. */
  readonly read: ReadPosition;
  readonly #stored: StoredTables;

  private constructor(stored: StoredTables) {
    this.read = stored.read;
    this.#stored = stored;
  }

  /** NOT_FOLLOWING: what is there is of no record, or not everything is derived yet. */
  static async of(look: StateLook, options: StoredTablesOptions): Promise<CorrectableRows> {
    return new CorrectableRows(await openStoredTables(look, options));
  }

  /** Those that stand, in force or not, by table and key. */
  *[Symbol.iterator](): Generator<StandingCorrection> {
    for (const { key, since, ...correction } of this.#stored.derived.derivation.mirror.corrections) {
      const { seq: sinceSeq, ts_ms: sinceMs } = since;
      yield { ...correction, key: heldKey(null, key), sinceSeq, sinceMs, inForce: this.#isInForce({ ...correction, key }) };
    }
  }

  /** CORRECTION_IMPOSSIBLE where no rule reads the table, or its rows also go over as they are; or the source has no such row. */
  row(name: string, key: readonly string[]): CorrectableRow {
    const table = this.#stored.derived.plan.table(name);
    if (table === undefined || table.correctable.size === 0) throw this.#impossible(name);
    const { text } = meantBy(table, key);
    const row = this.#held(table, text);
    if (row === null)
      throw new ChangeoverError('CORRECTION_IMPOSSIBLE', `the old database has no row of ${name} with this key`, {
        facts: { table: name },
      });
    return {
      key: heldKey(null, text),
      holds: (column) => {
        const place = table.correctable.get(column);
        if (place !== undefined) return row[place] ?? null;
        const known = [...table.correctable.keys()].join(', ');
        throw new ChangeoverError(
          'CORRECTION_IMPOSSIBLE',
          `${column} is no column of ${name} that can be corrected; there are ${known} (the key names the row)`,
          { facts: { table: name } },
        );
      },
      made: table.drives.map(({ compiled }) => ({ target: compiled.target, key: rowOfLine(heldKey(compiled.name, text)) })),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stored.draft[Symbol.asyncDispose]();
  }

  #isInForce({ table: name, key, column, from }: Pick<PlacedCorrection, 'table' | 'key' | 'column' | 'from'>): boolean {
    const table = this.#stored.derived.plan.table(name);
    const place = table?.correctable.get(column);
    const row = table === undefined ? null : this.#held(table, keyOfHash(key));
    return row !== null && place !== undefined && (row[place] ?? null) === from;
  }

  /** As the source holds it. */
  #held({ name, number }: MirroredTable, key: string): Row | null {
    const value = this.#stored.draft.get(stateKey('mirror', number, key));
    const text = value === undefined ? null : (this.#stored.tables.find(name)?.mirror.textOf(value) ?? null);
    return text === null ? null : rowOfLine(text);
  }

  #impossible(name: string): ChangeoverError {
    const known = [...this.#stored.derived.plan.tables].filter(({ correctable }) => correctable.size > 0).map((table) => table.name);
    const which = known.length === 0 ? 'none can' : `there are ${known.join(', ')}`;
    const why =
      this.#stored.tables.find(name) === undefined
        ? 'it is no table that is captured'
        : 'no rule reads it, or its rows also go over as they are';
    return new ChangeoverError(
      'CORRECTION_IMPOSSIBLE',
      `rows of ${name} cannot be corrected (${why}); of the old database's tables ${which}`,
      {
        facts: { table: name },
      },
    );
  }
}
