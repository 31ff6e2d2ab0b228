import {
  HELD_NOW_COLUMNS,
  HELD_NOW_TABLE,
  tableName,
  type Line,
  type ReadPosition,
  type StateDraft,
  type StateLook,
  type TableSchema,
} from '@changeover/events';

import { decodeEntry, isWritten, NO_ENTRY, type HeldStatus } from '../derive/derived-entry.js';
import type { DrivingRow } from '../derive/derivation.js';
import { heldKey, heldLine, heldRowOf, type HeldSince } from '../derive/held-rows.js';
import { lineOfRow, rowOfLine } from '../derive/row-text.js';
import { boundedKey, keyOfEntry, stateKey } from '../derive/state-keys.js';
import { lineIn, type DerivedTables } from './derived-tables.js';
import type { SourceTable, SourceTables } from './source-tables.js';
import { openStoredTables, type StoredTables, type StoredTablesOptions } from './stored-tables.js';

/** Rows of one table of the target, in the source's words: as they are remembered, and as they are when they are derived again. */
export type ReviewedTable = { readonly table: TableSchema; readonly written: readonly Line[]; readonly again: readonly Line[] };

const NEVER: HeldSince = { seq: 0, ts_ms: 0 };

/**
 * What transform remembers of single rows, as it has committed it last: of the source, and of what became of them. Also what becomes of them when they are derived
 * again from what is remembered of the source; nothing of that is kept. Rows of the source are named by their keys as the stream has them: COPY text, the columns of the key in the
 * order of the form.
 */
export class StoredDerivation implements AsyncDisposable {
  /** The last record of `changes` that is in it. */
  readonly read: ReadPosition;
  readonly #migration: string;
  readonly #look: StateLook;
  readonly #draft: StateDraft;
  readonly #tables: SourceTables;
  readonly #derived: DerivedTables;
  readonly #passed: StoredTables['passed'];

  private constructor(migration: string, { read, look, draft, tables, derived, passed }: StoredTables) {
    this.read = read;
    this.#migration = migration;
    this.#look = look;
    this.#draft = draft;
    this.#tables = tables;
    this.#derived = derived;
    this.#passed = passed;
  }

  /** NOT_FOLLOWING: what is there is of no record, or not everything is derived yet. */
  static async of(look: StateLook, options: StoredTablesOptions): Promise<StoredDerivation> {
    return new StoredDerivation(options.migration, await openStoredTables(look, options));
  }

  /** The tables of the target that rows of the source become rows of, one by one. */
  get targets(): readonly TableSchema[] {
    return [...this.#derived.targets, ...this.#passed.values()];
  }

  /** Whether the table is remembered in this form. */
  knows(source: TableSchema): boolean {
    return this.#find(source) !== null;
  }

  /** The rows of the table that have these keys. */
  mirrored(source: TableSchema, ids: Iterable<string>): readonly Line[] {
    const table = this.#find(source);
    if (table === null) return [];
    return Array.from(ids, (id) => this.#mirrored(table, id)).filter((line) => line !== null);
  }

  /** All of them, one after the other. */
  *rows(source: TableSchema): Generator<Line> {
    const table = this.#find(source);
    if (table === null) return;
    for (const { value } of this.#look.entries(stateKey('mirror', table.number, ''), null)) {
      const line = table.mirror.lineOf(value);
      if (line !== null) yield line;
    }
  }

  /** How many rows of this table of the target are remembered as written. */
  count(target: TableSchema): number {
    let rows = 0;
    for (const { compiled, number } of this.#derived.plan.made) {
      if (compiled.target !== tableName(target)) continue;
      for (const { value } of this.#look.entries(stateKey('derived', number, ''), null)) if (isWritten(value)) rows++;
    }
    for (const [table, passed] of this.#passed)
      if (tableName(passed) === tableName(target)) for (const _ of this.rows(table.form.schema)) rows++;
    return rows;
  }

  /** The driving rows of which something may be different when this row is; each as a text of its own. `alsoJoined`: also those that look it up. */
  *driven(source: TableSchema, id: string, alsoJoined: boolean): Generator<DrivingRow> {
    const table = this.#derived.plan.table(tableName(source));
    const known = this.#find(source);
    if (table === undefined || known === null) return;
    const key = keyOfEntry(mirrorKey(known, id));
    const line = alsoJoined ? this.#mirrored(known, id) : null;
    const held = line === null ? null : rowOfLine(line.bytes.toString('utf8', line.start, line.end));
    const { derivation } = this.#derived;
    // It is looked up as it is read.
    yield* derivation.concerned(table, key, derivation.mirror.corrections.lay(table, key, held));
  }

  /** The driving row of which an entry of the list of held rows is; null: no rule makes rows of that table. `id`: key of the entry. */
  drivenBy(id: string): DrivingRow | null {
    const [, target, sourceKey] = rowOfLine(Buffer.from(id, 'latin1').toString());
    return target == null || sourceKey == null ? null : (heldRowOf(this.#derived.plan, target, sourceKey) ?? null);
  }

  /** The key of the entry that the list of held rows has of this row, where it has one. */
  heldId({ rule, key }: DrivingRow): string {
    return Buffer.from(lineOfRow([this.#migration, rule.compiled.target, heldKey(rule.compiled.name, key)])).toString('latin1');
  }

  /** What is remembered of these, and what becomes of them when they are derived again; of a row that passes by only what is remembered. */
  review(rows: readonly DrivingRow[]): readonly ReviewedTable[] {
    const stored = rows.map(({ rule, key }) => {
      const entry = this.#draft.get(stateKey('derived', rule.number, key));
      return entry === undefined ? NO_ENTRY : decodeEntry(entry);
    });
    const changes = new Map(this.#derived.derivation.again(rows).map((change) => [idOf(change), change]));
    this.#draft.restart();
    const held = { table: HELD_NOW_TABLE, written: [] as Line[], again: [] as Line[] };
    const reviewed = this.#derived.targets.map((table) => ({ table, written: [] as Line[], again: [] as Line[] }));
    rows.forEach((row, index) => {
      const { written, told } = stored[index] as (typeof stored)[number];
      const change = changes.get(idOf(row));
      const is = change === undefined ? { written, told } : { written: change.after, told: change.held };
      const table = reviewed.find(({ table: of }) => tableName(of) === row.rule.compiled.target) as (typeof reviewed)[number];
      if (written !== null) table.written.push(lineIn(row.rule, written));
      if (is.written !== null) table.again.push(lineIn(row.rule, is.written));
      if (told !== null) held.written.push(this.#heldLine(row, told));
      if (is.told !== null) held.again.push(this.#heldLine(row, is.told));
    });
    return [...reviewed, held];
  }

  /** Where rows of a table pass by: that of the target, whose rows are the same. */
  passedBy(source: TableSchema): TableSchema | null {
    const table = this.#find(source);
    return table === null ? null : (this.#passed.get(table) ?? null);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#draft[Symbol.asyncDispose]();
  }

  #heldLine(row: DrivingRow, told: HeldStatus): Line {
    return heldLine(this.#migration, row, told, NEVER, HELD_NOW_COLUMNS);
  }

  #find(source: TableSchema): SourceTable | null {
    const table = this.#tables.find(tableName(source));
    return table?.form.schema.hash === source.hash ? table : null;
  }

  #mirrored(table: SourceTable, id: string): Line | null {
    const value = this.#draft.get(mirrorKey(table, id));
    return value === undefined ? null : table.mirror.lineOf(value);
  }
}

/** As the mirror has it. */
function mirrorKey({ number }: SourceTable, id: string): Buffer {
  const prefix = stateKey('mirror', number, '');
  return boundedKey(Buffer.concat([prefix, Buffer.from(id, 'latin1')]), prefix.length);
}

function idOf({ rule, key }: DrivingRow): string {
  return `${String(rule.number)} ${key}`;
}
