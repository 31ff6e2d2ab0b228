import { CORRECTION_COLUMNS, lineOf, type CorrectionColumn, type Decision, type Line, type StateView } from '@changeover/events';
import type { Row } from '@changeover/mapping';

import type { MirroredTable } from './derivation-plan.js';
import { heldKey, keyOfHash, type HeldSince } from './held-rows.js';
import { lineOfRow } from './row-text.js';
import { keyOfEntry, stateKey } from './state-keys.js';

/** Where this column of a source row holds `from`, `to` is read. */
export type Correction = {
  readonly id: string;
  readonly column: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly why: string | null;
  /** The record of `changes` that says so. */
  readonly since: HeldSince;
};

/** A correction with the row that it is of. `table`: `schema.table` at the source; `key`: as the state has it. */
export type PlacedCorrection = Correction & { readonly table: string; readonly key: string };

const NONE: readonly never[] = [];

/**
 * What operators have decided about rows of the source. The mirror keeps what the source holds; a correction is laid over its row where that is read. It stays with the row's key, whatever becomes of the row, and is
 * in force while the source holds what it was made for: so what is read follows from what the source holds and what was decided, whichever came first.
 */
export class Corrections {
  readonly #state: StateView;
  /** Whether there are any of this table; of most there are none, and then no row need be looked at. */
  readonly #there = new Map<string, boolean>();

  constructor(state: StateView) {
    this.#state = state;
  }

  /** The row as it is read. */
  lay(table: MirroredTable, key: string, row: Row | null): Row | null {
    if (row === null || table.correctable.size === 0 || !this.#isThere(table.name)) return row;
    let laid: (string | null)[] | null = null;
    for (const { column, from, to } of this.of(table.name, key)) {
      const place = table.correctable.get(column);
      if (place !== undefined && (row[place] ?? null) === from) (laid ??= [...row])[place] = to;
    }
    return laid ?? row;
  }

  /** Those of one row, also where they are not in force. */
  of(table: string, key: string): readonly Correction[] {
    const stored = this.#state.get(placeOf(table, key));
    return stored === undefined ? NONE : (JSON.parse(stored.toString()) as readonly Correction[]);
  }

  *[Symbol.iterator](): Generator<PlacedCorrection> {
    for (const entry of this.#state.entries(stateKey('correction', 0, ''), null)) {
      const text = keyOfEntry(entry.key);
      const end = text.indexOf('\n');
      const [table, key] = [text.slice(0, end), text.slice(end + 1)];
      for (const correction of JSON.parse(entry.value.toString()) as readonly Correction[]) yield { ...correction, table, key };
    }
  }

  /**
   * Takes a decision; gives what held before and what does now. Null: nothing. For one value of one column there is one correction, the last; what is withdrawn by another's id stays.
   */
  decide(
    id: string,
    decision: Decision,
    since: HeldSince,
  ): { readonly before: PlacedCorrection | null; readonly after: PlacedCorrection | null } {
    const { table, column, from } = decision;
    const key = keyOfHash(decision.key);
    const known = this.of(table, key);
    const before = known.find((one) => one.column === column && one.from === from) ?? null;
    if (decision.what === 'withdraw' && before?.id !== decision.id) return { before: null, after: null };
    const after = decision.what === 'withdraw' ? null : { id, column, from, to: decision.to, why: decision.why, since };
    const others = known.filter((one) => one !== before);
    this.#put(table, key, after === null ? others : [...others, after]);
    return { before: before && { ...before, table, key }, after: after && { ...after, table, key } };
  }

  #put(table: string, key: string, corrections: readonly Correction[]): void {
    if (corrections.length === 0) {
      this.#state.remove(placeOf(table, key));
      return;
    }
    this.#there.set(table, true);
    this.#state.put(placeOf(table, key), Buffer.from(JSON.stringify(corrections)));
  }

  #isThere(table: string): boolean {
    let there = this.#there.get(table);
    if (there === undefined) {
      const [first] = this.#state.entries(placeOf(table, ''), null);
      this.#there.set(table, (there = first !== undefined));
    }
    return there;
  }
}

/** What a table's name ends with is no part of any, and no key has it: there it is escaped. */
function placeOf(table: string, key: string): Buffer {
  return stateKey('correction', 0, `${table}\n${key}`);
}

/** As a row of `CORRECTION_TABLE`. */
export function correctionLine(migration: string, { table, key, id, column, from, to, why, since }: PlacedCorrection): Line {
  const values: Readonly<Record<CorrectionColumn, string | null>> = {
    migration,
    id,
    source: table,
    source_key: heldKey(null, key),
    source_column: column,
    held: from,
    read: to,
    why,
    since_seq: String(since.seq),
    since_ms: String(since.ts_ms),
  };
  return lineOf(Buffer.from(`${lineOfRow(CORRECTION_COLUMNS.map((name) => values[name]))}\n`));
}

/** What such a row says. */
export function decisionOf(row: Row): Extract<Decision, { what: 'correct' }> & { readonly id: string } {
  const value = (name: CorrectionColumn): string | null => row[CORRECTION_COLUMNS.indexOf(name)] ?? null;
  const text = (name: CorrectionColumn): string => value(name) ?? '';
  const place = { table: text('source'), key: text('source_key'), column: text('source_column') };
  return { what: 'correct', id: text('id'), ...place, from: value('held'), to: value('read'), why: value('why') };
}
