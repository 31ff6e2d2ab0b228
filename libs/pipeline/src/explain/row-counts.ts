import type { StateEntry, StateLook } from '@changeover/events';
import type { Problem } from '@changeover/mapping';

import type { PlannedRule } from '../derive/derivation-plan.js';
import { decodeEntry, type DerivedEntry } from '../derive/derived-entry.js';
import { isEmptied } from '../derive/round.js';
import { keyOfEntry, stateKey } from '../derive/state-keys.js';
import { nextTurn } from '../next-turn.js';

/** What became of the rows of one table of the source at one of the target. `candidates` is the sum of all others. */
export type RowCounts = {
  /** `schema.table` at the source, and at the target. */
  readonly source: string;
  readonly target: string;
  /** Rows at the source. */
  readonly candidates: number;
  /** Rows that the target should have as they are now; it may refuse some. */
  readonly written: number;
  /** Rows that are part of a merged row for which another of its rows is counted. */
  readonly merged: number;
  /** Rows that are held, of which an earlier version stands at the target, and of which nothing does. */
  readonly kept: number;
  readonly held: number;
  readonly waiting: number;
  /** Rows that the rule leaves out. */
  readonly filtered: number;
  /** Rows that nothing accounts for: there must be none. */
  readonly lost: number;
  /** Of those written, how many go without a unique value that another row has. */
  readonly emptied: number;
  /** Of those written, how many have notes. */
  readonly noted: number;
  /** By name, how many rows each validation rule has noted, and how many it holds back; those that have none are left out. */
  readonly rules: Readonly<Record<string, { readonly noted: number; readonly held: number }>>;
};

type Rules = Map<string, { noted: number; held: number }>;
type Counted = { -readonly [Name in Exclude<keyof RowCounts, 'source' | 'target' | 'rules'>]: number } & { readonly rules: Rules };

/** Between two turns of others. */
const RUN_ROWS = 5_000;

/** Rows of the mirror of a table, each with what is remembered of what a rule made of it: both are in the order of the same keys. */
export async function countRows(
  look: Pick<StateLook, 'entries'>,
  {
    table,
    rule,
    accepts,
    standsFor,
  }: {
    readonly table: number;
    readonly rule: PlannedRule;
    readonly accepts: (key: string, value: Buffer) => boolean;
    /** What a row that is part of a merged row is counted as: what that has become; null: another stands for it. */
    readonly standsFor: (key: string, entry: DerivedEntry) => DerivedEntry | null;
  },
  { onRows, signal }: { readonly onRows: (rows: number) => void; readonly signal: AbortSignal },
): Promise<Omit<RowCounts, 'source' | 'target'>> {
  const counted: Counted = {
    candidates: 0,
    written: 0,
    merged: 0,
    kept: 0,
    held: 0,
    waiting: 0,
    filtered: 0,
    lost: 0,
    emptied: 0,
    noted: 0,
    rules: new Map(),
  };
  const derived = new Behind(look.entries(stateKey('derived', rule.number, ''), null));
  try {
    for (const { key, value } of look.entries(stateKey('mirror', table, ''), null)) {
      const entry = derived.at(key.subarray(3));
      counted.candidates++;
      const known = entry === null ? null : decodeEntry(entry);
      const said = known?.version?.part === undefined ? known : standsFor(keyOfEntry(key), known);
      if (known !== null && said === null) counted.merged++;
      else count(counted, rule, said, () => accepts(keyOfEntry(key), value));
      if (counted.candidates % RUN_ROWS !== 0) continue;
      onRows(counted.candidates);
      await nextTurn(signal);
    }
  } finally {
    derived.end();
  }
  onRows(counted.candidates);
  return { ...counted, rules: Object.fromEntries(counted.rules) };
}

function count(counted: Counted, rule: PlannedRule, entry: DerivedEntry | null, accepts: () => boolean): void {
  const { told = null, written = null } = entry ?? {};
  for (const { rule: name, severity } of told?.problems ?? []) if (name !== undefined) countRule(counted.rules, name, severity);
  if (told?.state === 'noted') counted.noted++;
  if (told !== null && told.state !== 'noted') counted[told.state === 'waiting' ? 'waiting' : told.kept ? 'kept' : 'held']++;
  else if (entry !== null && written !== null) {
    counted.written++;
    if (isEmptied(rule, entry)) counted.emptied++;
  } else counted[accepts() ? 'lost' : 'filtered']++;
}

function countRule(rules: Rules, rule: string, severity: Problem['severity']): void {
  const counts = rules.get(rule) ?? { noted: 0, held: 0 };
  counts[severity === 'hold' || severity === 'stop' ? 'held' : 'noted']++;
  rules.set(rule, counts);
}

/** Entries, asked for by keys that only go up. */
class Behind {
  readonly #entries: Iterator<StateEntry>;
  #next: IteratorResult<StateEntry>;

  constructor(entries: Iterable<StateEntry>) {
    this.#entries = entries[Symbol.iterator]();
    this.#next = this.#entries.next();
  }

  /** What is remembered under this key; null: nothing. */
  at(key: Buffer): Buffer | null {
    while (this.#next.done !== true) {
      const order = Buffer.compare(this.#next.value.key.subarray(3), key);
      if (order === 0) return this.#next.value.value;
      if (order > 0) return null;
      this.#next = this.#entries.next();
    }
    return null;
  }

  end(): void {
    this.#entries.return?.();
  }
}
