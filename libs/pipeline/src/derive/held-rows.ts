import { invariant } from '@changeover/core';
import { HELD_COLUMNS, lineOf, type HeldColumn, type Line, type StateView } from '@changeover/events';

import type { DerivedChange } from './derivation.js';
import { labelOf, type DerivationPlan, type PlannedRule } from './derivation-plan.js';
import type { HeldStatus } from './derived-entry.js';
import { lineOfRow } from './row-text.js';
import type { ToldRow } from './rows-before.js';
import { stateKey } from './state-keys.js';

/** The record of `changes` with which something became so, and its commit time (ms since the epoch). */
export type HeldSince = { readonly seq: number; readonly ts_ms: number };

/** A row of the list before and behind a change; null for both: it says nothing new. */
type ListChange = { readonly before: Line | null; readonly after: Line | null };

/** What the list of held rows says, as rows of `HELD_TABLE`: remembers since when each of them is held. */
export class HeldRows {
  readonly #migration: string;
  readonly #state: StateView;

  constructor(migration: string, state: StateView) {
    this.#migration = migration;
    this.#state = state;
  }

  /** Whether a row that was listed so before still is, as far as it matters since when. */
  static isAsBefore(before: HeldStatus, now: HeldStatus): boolean {
    return standingOf(before) === standingOf(now);
  }

  /** Since when a row that is listed is. */
  of({ rule, key }: Pick<DerivedChange, 'rule' | 'key'>): HeldSince {
    const stored = this.#state.get(stateKey('heldSince', rule.number, key));
    invariant(stored !== undefined, 'it is known since when a row is held');
    return JSON.parse(stored.toString()) as HeldSince;
  }

  set({ rule, key }: Pick<DerivedChange, 'rule' | 'key'>, since: HeldSince): void {
    this.#state.put(stateKey('heldSince', rule.number, key), Buffer.from(JSON.stringify(since)));
  }

  change(change: DerivedChange, at: HeldSince): ListChange {
    const { rule, key, heldBefore, held } = change;
    if (heldBefore === null && held === null) return NO_LINES;
    const place = stateKey('heldSince', rule.number, key);
    const stored = this.#state.get(place);
    const since = stored === undefined ? at : (JSON.parse(stored.toString()) as HeldSince);
    const now = heldBefore !== null && held !== null && !HeldRows.isAsBefore(heldBefore, held) ? at : since;
    if (held === null) this.#state.remove(place);
    else if (heldBefore === null || now !== since) this.#state.put(place, Buffer.from(JSON.stringify(now)));
    const line = (status: HeldStatus | null, from: HeldSince): Line | null =>
      status === null ? null : heldLine(this.#migration, change, status, from);
    return { before: line(heldBefore, since), after: line(held, now) };
  }

  /** A row that was told in a record of several rounds is so since before it, or since that record: its line before and behind that. `at`: the record. */
  settle({ rule, key, before, since: until, now: { told } }: ToldRow, at: HeldSince): ListChange {
    const row = { rule, key };
    const known = this.of(row);
    const since = until !== null && before.told !== null && told !== null && HeldRows.isAsBefore(before.told, told) ? until : at;
    if (told === null || (known.seq === since.seq && known.ts_ms === since.ts_ms)) return NO_LINES;
    this.set(row, since);
    return { before: heldLine(this.#migration, row, told, known), after: heldLine(this.#migration, row, told, since) };
  }
}

const NO_LINES = { before: null, after: null } as const;

/** What a row is since when: one that waits, or is held, has been kept from the target for as long; a rule that stops counts for itself, and so does a note. */
function standingOf({ state, problems }: HeldStatus): 'noted' | 'stops' | 'held' {
  if (state === 'noted') return 'noted';
  return problems.some(({ severity }) => severity === 'stop') ? 'stops' : 'held';
}

/** What the list says of a driving row. */
export function heldLine(
  migration: string,
  { rule, key }: Pick<DerivedChange, 'rule' | 'key'>,
  { state, problems, kept, version }: HeldStatus,
  since: HeldSince,
  columns: readonly HeldColumn[] = HELD_COLUMNS,
): Line {
  const [first] = problems;
  const values: Readonly<Record<HeldColumn, string | null>> = {
    migration,
    target: rule.compiled.target,
    source_key: heldKey(rule.compiled.name, key),
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
  return lineOf(Buffer.from(`${lineOfRow(columns.map((column) => values[column]))}\n`));
}

/** A zero byte, with which the hash of a very long key begins, is none that PostgreSQL could store. */
export function heldKey(name: string | null, key: string): string {
  return `${name === null ? '' : `${name}:`}${key.replace('\0', HASHED)}`;
}

/** The row that a `source_key` means: only a whole hash stands for a key that was too long. Undefined where no rule is meant. */
export function heldRowOf(
  plan: DerivationPlan,
  target: string,
  sourceKey: string,
): { readonly rule: PlannedRule; readonly key: string } | undefined {
  const colon = sourceKey.indexOf(':');
  const alone = plan.labelled(target);
  const rule = alone ?? plan.labelled(labelOf(target, sourceKey.slice(0, colon)));
  const key = alone === undefined ? sourceKey.slice(colon + 1) : sourceKey;
  return rule === undefined ? undefined : { rule, key: keyOfHash(key) };
}

/** The key in the state that such a one means. */
export function keyOfHash(key: string): string {
  return WHOLE_HASH.test(key) ? `\0${key.slice(HASHED.length)}` : key;
}

const HASHED = 'sha256:';
const WHOLE_HASH = /^sha256:[0-9a-f]{64}$/;
