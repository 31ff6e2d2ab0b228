import type { StateView } from '@changeover/events';
import type { CompiledUnique, Row } from '@changeover/mapping';

import { LINE_AT } from '../mirror/mirror-value.js';
import { Corrections } from './corrections.js';
import type { MirroredTable, PlannedJoin } from './derivation-plan.js';
import { lineOfRow, rowOfLine } from './row-text.js';
import { bounded, stateKey } from './state-keys.js';

/** Rows that are looked at in one go where many match a join. */
const PAGE = 1000;
/** Of the first form, and of no record: what is laid over the mirror by frames knows better. */
const NO_HEADER = Buffer.alloc(LINE_AT);

/** What a row of the mirror holds, in the order of its table's columns as they are now; null: it is not whole yet, and counts as absent. */
export type ReadMirrored = (table: MirroredTable, value: Buffer) => Row | null;

const asItStands: ReadMirrored = (_, value) => rowOfLine(value.toString('utf8', LINE_AT));

/** The source's tables as the log has told them so far, with what operators have corrected laid over their rows. */
export class SourceMirror {
  readonly corrections: Corrections;
  readonly #state: StateView;
  readonly #read: ReadMirrored;

  constructor(state: StateView, read: ReadMirrored = asItStands) {
    this.corrections = new Corrections(state);
    this.#state = state;
    this.#read = read;
  }

  get(table: MirroredTable, key: string): Row | null {
    const value = this.#state.get(stateKey('mirror', table.number, key));
    return value === undefined ? null : this.rowOf(table, key, value);
  }

  /** A row of which somebody has what the state holds. */
  rowOf(table: MirroredTable, key: string, value: Buffer): Row | null {
    return this.corrections.lay(table, key, this.#read(table, value));
  }

  /** Puts a row of a table of which nothing is corrected, or with null removes it. */
  set(table: MirroredTable, key: string, row: Row | null): void {
    const place = stateKey('mirror', table.number, key);
    if (table.lookups.length > 0) this.moved(table, key, this.get(table, key), row);
    if (row === null) this.#state.remove(place);
    else this.#state.put(place, Buffer.concat([NO_HEADER, Buffer.from(lineOfRow(row))]));
  }

  /** The row that a join finds for these values. */
  find(join: PlannedJoin, values: readonly string[]): Row | null {
    if (join.lookup === null) return this.#byKey(join, values);
    let best: Row | null = null;
    // Of equals the first by key stays.
    for (const row of this.matches(join, values)) if (best === null || join.join.compare(row, best) < 0) best = row;
    return best;
  }

  /** Rows that a join accepts for these values, in the order of their keys. */
  *matches(planned: PlannedJoin, values: readonly string[]): Generator<Row> {
    const { join, table, lookup } = planned;
    if (lookup === null) {
      const row = this.#byKey(planned, values);
      if (row !== null) yield row;
      return;
    }
    const set = stateKey('lookup', lookup.number, bounded(lineOfRow(values)));
    for (let after: Buffer | null = null; ;) {
      const members: readonly Buffer[] = this.#state.members(set, after, PAGE);
      for (const member of members) {
        const row = this.get(table, member.toString());
        if (row !== null && join.accepts(row)) yield row;
      }
      if (members.length < PAGE) return;
      after = members.at(-1) as Buffer;
    }
  }

  #byKey({ join, table, keyOrder }: PlannedJoin, values: readonly string[]): Row | null {
    const row = this.get(table, bounded(lineOfRow(keyOrder.map((place) => values[place] as string))));
    return row !== null && join.accepts(row) ? row : null;
  }

  /** By which columns a row is found has changed; null: it was, or is, not there. */
  moved(table: MirroredTable, key: string, before: Row | null, after: Row | null): void {
    const member = Buffer.from(key);
    for (const { number, columns } of table.lookups) {
      const left = before === null ? null : valuesText(before, columns);
      const entered = after === null ? null : valuesText(after, columns);
      if (left === entered) continue;
      if (left !== null) this.#state.removeMember(stateKey('lookup', number, left), member);
      if (entered !== null) this.#state.addMember(stateKey('lookup', number, entered), member);
    }
  }
}

/** What a row wants alone by a unique rule, as one text; null: nothing. */
export function wantedText(row: Row, { columns, counts }: Pick<CompiledUnique, 'columns' | 'counts'>): string | null {
  return counts === null || counts(row) ? valuesText(row, columns) : null;
}

/** These columns of a row as one text; null if one of them is: null equals nothing. */
export function valuesText(row: Row, columns: readonly number[]): string | null {
  const values = columns.map((column) => row[column] ?? null);
  return values.includes(null) ? null : bounded(lineOfRow(values));
}
