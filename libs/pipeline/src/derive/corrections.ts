import { CORRECTION_COLUMNS, lineOf, type CorrectionColumn, type Decision, type Line, type StateView } from '@changeover/events';
import type { CompiledRule, Row, Waives } from '@changeover/mapping';

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

/** What a validation rule says of a row that is made counts for nothing, while what the rule looks at is `from`, as {@link lookedText} has it. */
type Acceptance = {
  readonly id: string;
  /** `schema.table` at the source. */
  readonly table: string;
  readonly rule: string;
  /** The target's, which the rule is about. */
  readonly column: string;
  readonly from: string;
  readonly why: string | null;
  readonly since: HeldSince;
};

/**
 * What was decided, with the row that it is of. A correction's is of the source (`table`: `schema.table`; `key`: as the state has it); that of an acceptance is named as in the list of held
 * rows.
 */
export type PlacedDecision =
  | (Correction & { readonly what: 'correct'; readonly table: string; readonly key: string })
  | (Acceptance & { readonly what: 'accept'; readonly target: string; readonly key: string });

/** The values that a validation rule looks at, as one text. */
export const lookedText: (looked: Row) => string = lineOfRow;

const NONE: readonly never[] = [];
/** What is decided about rows of the source, and about those that are made of them. */
const [OF_SOURCE, OF_TARGET] = [0, 1] as const;

/**
 * What operators have decided about rows of the source. The mirror keeps what the source holds; a correction is laid over its row where that is read. It stays with the row's key, whatever becomes of the row, and is
 * in force while the source holds what it was made for: so what is read follows from what the source holds and what was decided, whichever came first.
 *
 * What is accepted is asked for only where a validation rule would hold the row.
 */
export class Corrections {
  readonly #state: StateView;
  /** Whether there are corrections of this table; of most there are none, and then no row need be looked at. */
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
    return this.#stored(placeOf(OF_SOURCE, table, key)) as readonly Correction[];
  }

  /** Which rules count for nothing for the row that is made of the driving row with this key; null: none does. */
  waives({ target, name }: Pick<CompiledRule, 'target' | 'name'>, key: string): Waives | null {
    const accepted = this.#stored(placeOf(OF_TARGET, target, heldKey(name, key)));
    return accepted.length === 0 ? null : (rule, looked) => accepted.some((one) => one.rule === rule && one.from === lookedText(looked));
  }

  /** All that stands, in force or not: the corrections, then what is accepted. */
  *[Symbol.iterator](): Generator<PlacedDecision> {
    for (const kind of [OF_SOURCE, OF_TARGET]) yield* this.#all(kind);
  }

  /**
   * Takes a decision; gives what held before and what does now. Null: nothing. For one value of one column there is one correction, the last, and one acceptance for what a rule looks at; what is
   * withdrawn by another's id stays.
   */
  decide(
    id: string,
    decision: Decision,
    since: HeldSince,
  ): { readonly before: PlacedDecision | null; readonly after: PlacedDecision | null } {
    const { table, column, from } = decision;
    const { target, rule } = { target: undefined, rule: undefined, ...decision };
    const key = target === undefined ? keyOfHash(decision.key) : decision.key;
    const place = target === undefined ? placeOf(OF_SOURCE, table, key) : placeOf(OF_TARGET, target, key);
    const known = this.#stored(place);
    const before = known.find((one) => one.column === column && one.rule === rule && one.from === from) ?? null;
    if (decision.what === 'withdraw' && before?.id !== decision.id) return { before: null, after: null };
    const after = storedOf(id, decision, since);
    const others = known.filter((one) => one !== before);
    this.#put(place, after === null ? others : [...others, after]);
    if (target === undefined && after !== null) this.#there.set(table, true);
    const placed = (one: Stored | null): PlacedDecision | null => one && placedAt(target ?? table, key, one);
    return { before: placed(before), after: placed(after) };
  }

  #stored(place: Buffer): readonly Stored[] {
    const stored = this.#state.get(place);
    return stored === undefined ? NONE : (JSON.parse(stored.toString()) as readonly Stored[]);
  }

  *#all(kind: Kind): Generator<PlacedDecision> {
    for (const entry of this.#state.entries(stateKey('correction', kind, ''), null)) {
      const text = keyOfEntry(entry.key);
      const end = text.indexOf('\n');
      for (const stored of JSON.parse(entry.value.toString()) as readonly Stored[])
        yield placedAt(text.slice(0, end), text.slice(end + 1), stored);
    }
  }

  #put(place: Buffer, stored: readonly Stored[]): void {
    if (stored.length === 0) this.#state.remove(place);
    else this.#state.put(place, Buffer.from(JSON.stringify(stored)));
  }

  #isThere(table: string): boolean {
    let there = this.#there.get(table);
    if (there === undefined) {
      const [first] = this.#state.entries(placeOf(OF_SOURCE, table, ''), null);
      this.#there.set(table, (there = first !== undefined));
    }
    return there;
  }
}

type Kind = typeof OF_SOURCE | typeof OF_TARGET;
type Stored = (Correction & { readonly rule?: undefined }) | Acceptance;

/** `table`: of the source, or of an acceptance of the target. */
function placedAt(table: string, key: string, one: Stored): PlacedDecision {
  return one.rule === undefined ? { what: 'correct', ...one, table, key } : { what: 'accept', ...one, target: table, key };
}

function storedOf(id: string, decision: Decision, since: HeldSince): Stored | null {
  if (decision.what === 'withdraw') return null;
  const { table, column, why } = decision;
  return decision.what === 'correct'
    ? { id, column, from: decision.from, to: decision.to, why, since }
    : { id, table, rule: decision.rule, column, from: decision.from, why, since };
}

/** What a table's name ends with is no part of any, and no key has it: there it is escaped. */
function placeOf(kind: Kind, table: string, key: string): Buffer {
  return stateKey('correction', kind, `${table}\n${key}`);
}

/** As a row of `CORRECTION_TABLE`. */
export function correctionLine(migration: string, decision: PlacedDecision): Line {
  const { id, table, key, column, from, why, since } = decision;
  const [to, target, rule] = decision.what === 'correct' ? [decision.to, null, null] : [null, decision.target, decision.rule];
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
    target,
    rule,
  };
  return lineOf(Buffer.from(`${lineOfRow(CORRECTION_COLUMNS.map((name) => values[name]))}\n`));
}

/** What such a row says. */
export function decisionOf(row: Row): Exclude<Decision, { what: 'withdraw' }> & { readonly id: string } {
  const value = (name: CorrectionColumn): string | null => row[CORRECTION_COLUMNS.indexOf(name)] ?? null;
  const text = (name: CorrectionColumn): string => value(name) ?? '';
  const place = { id: text('id'), table: text('source'), key: text('source_key'), column: text('source_column'), why: value('why') };
  return value('rule') === null
    ? { what: 'correct', ...place, from: value('held'), to: value('read') }
    : { what: 'accept', ...place, target: text('target'), rule: text('rule'), from: text('held') };
}
