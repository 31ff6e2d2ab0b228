import { HELD_COLUMNS, lineOf, type HeldColumn, type Line, type StateView } from '@changeover/events';

import type { DerivedChange } from './derivation.js';
import type { HeldStatus } from './derived-entry.js';
import { lineOfRow } from './row-text.js';
import { stateKey } from './state-keys.js';

/** The record of `changes` with which something became so, and its commit time (ms since the epoch). */
export type HeldSince = { readonly seq: number; readonly ts_ms: number };

/** What the list of held rows says, as rows of `HELD_TABLE`: remembers since when each of them is held. */
export class HeldRows {
  readonly #migration: string;
  readonly #state: StateView;

  constructor(migration: string, state: StateView) {
    this.#migration = migration;
    this.#state = state;
  }

  /** The row of the list before and behind this change; null for both: it says nothing new. */
  change(change: DerivedChange, at: HeldSince): { readonly before: Line | null; readonly after: Line | null } {
    const { rule, key, heldBefore, held } = change;
    if (heldBefore === null && held === null) return { before: null, after: null };
    const place = stateKey('heldSince', rule.number, key);
    const stored = this.#state.get(place);
    const since = stored === undefined ? at : (JSON.parse(stored.toString()) as HeldSince);
    if (heldBefore === null) this.#state.put(place, Buffer.from(JSON.stringify(since)));
    else if (held === null) this.#state.remove(place);
    const line = (status: HeldStatus | null): Line | null => (status === null ? null : this.#line(change, status, since));
    return { before: line(heldBefore), after: line(held) };
  }

  #line({ rule, key }: DerivedChange, { state, problems, kept, version }: HeldStatus, since: HeldSince): Line {
    const [first] = problems;
    const values: Readonly<Record<HeldColumn, string | null>> = {
      migration: this.#migration,
      target: rule.compiled.target,
      // A zero byte is none that PostgreSQL could store.
      source_key: key.replace('\0', 'sha256:'),
      source: rule.table.name,
      state,
      kept: kept ? 't' : 'f',
      reason: first?.reason ?? '',
      problem_column: first?.column ?? null,
      problems: JSON.stringify(problems),
      since_seq: String(since.seq),
      since_ms: String(since.ts_ms),
      kept_version: version ?? null,
    };
    return lineOf(Buffer.from(`${lineOfRow(HELD_COLUMNS.map((column) => values[column]))}\n`));
  }
}
