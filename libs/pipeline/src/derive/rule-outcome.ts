import type { StateView } from '@changeover/events';

import { decodeEntry, type HeldStatus } from './derived-entry.js';
import type { PlannedRule } from './derivation-plan.js';
import { standsForMerged } from './merged-row.js';
import { isEmptied, mergedOf } from './round.js';
import { keyOfEntry, stateKey } from './state-keys.js';
import { UniqueClaims } from './unique-claims.js';
import { nextTurn } from '../next-turn.js';

/** What became of the rows of one rule. `candidates` is the sum of those written, merged, kept, held, waiting and left out. */
export type RuleOutcome = {
  /** `schema.table` at the source, and at the target; the rule's name where several make that table. */
  readonly source: string;
  readonly target: string;
  readonly name: string | null;
  readonly candidates: number;
  readonly written: number;
  /** Rows that are part of a merged row for which another of its rows is counted. */
  readonly merged: number;
  /** Merge keys that several rows have, and those rows of this rule: the others with the same key may be of another. */
  readonly shared: { readonly keys: number; readonly rows: number };
  /** Of those written, how many go without a unique value that another row has. */
  readonly emptied: number;
  /** Of those written, how many have notes. */
  readonly noted: number;
  /** Held, with an earlier version at the target; held, with none; waiting for a parent. */
  readonly kept: number;
  readonly held: number;
  readonly waiting: number;
  /** Rows that the rule leaves out. */
  readonly filtered: number;
  /** Of what is held, waits or is noted, why, most first: a row counts for each of its problems. */
  readonly problems: readonly {
    readonly state: HeldStatus['state'];
    readonly reason: string;
    readonly column: string;
    readonly rows: number;
  }[];
  /** Unique values that several rows want. Where several rules make the table only the first of them says so. */
  readonly contested: readonly {
    readonly columns: readonly string[];
    readonly otherwise: 'empty' | 'held';
    readonly values: number;
    readonly rows: number;
  }[];
};

/** Between two turns of others. */
const RUN_ROWS = 5_000;

/** Counts what is remembered of a rule. `candidates`: rows of its driving table. */
export async function ruleOutcome(
  state: StateView,
  { rule, rules, candidates }: { readonly rule: PlannedRule; readonly rules: readonly PlannedRule[]; readonly candidates: number },
  signal: AbortSignal,
): Promise<RuleOutcome> {
  const counts = { written: 0, merged: 0, emptied: 0, noted: 0, kept: 0, held: 0, waiting: 0 };
  const problems = new Map<string, { state: HeldStatus['state']; reason: string; column: string; rows: number }>();
  let seen = 0;
  const shared = { keys: 0, rows: 0 };
  for (const { key, value } of state.entries(stateKey('derived', rule.number, ''), null)) {
    if (++seen % RUN_ROWS === 0) await nextTurn(signal);
    const own = decodeEntry(value);
    const into = mergedOf(own);
    if (into !== null) {
      const isShared = state.members(stateKey('children', into.rule, into.key), null, 2).length > 1;
      if (isShared) shared.rows++;
      if (!standsForMerged(state, rule, keyOfEntry(key), into)) {
        counts.merged++;
        continue;
      }
      if (isShared) shared.keys++;
    }
    const merged = into === null ? undefined : state.get(stateKey('derived', into.rule, into.key));
    const entry = merged === undefined ? own : decodeEntry(merged);
    const { told, written } = entry;
    for (const { reason, column } of told?.problems ?? []) {
      const state = told?.state ?? 'held';
      const id = `${state} ${reason} ${column}`;
      const known = problems.get(id);
      if (known === undefined) problems.set(id, { state, reason, column, rows: 1 });
      else known.rows++;
    }
    if (told?.state === 'noted') counts.noted++;
    if (told !== null && told.state !== 'noted') counts[told.state === 'waiting' ? 'waiting' : told.kept ? 'kept' : 'held']++;
    else if (written !== null) {
      counts.written++;
      if (isEmptied(rule, entry)) counts.emptied++;
    }
  }
  const { source, target, name, columns } = rule.compiled;
  const contested: RuleOutcome['contested'][number][] = [];
  const claims = new UniqueClaims(state);
  const isFirst = rules.find((other) => other.compiled.target === target) === rule;
  for (const { number, columns: places, otherwise } of isFirst ? rule.uniques : []) {
    const found = { values: 0, rows: 0 };
    for (const rivals of claims.contested(number)) {
      found.values++;
      found.rows += rivals;
      if (found.values % RUN_ROWS === 0) await nextTurn(signal);
    }
    if (found.values > 0) contested.push({ columns: places.map((place) => columns[place] as string), otherwise, ...found });
  }
  const { written, merged, kept, held, waiting } = counts;
  const filtered = candidates - written - merged - kept - held - waiting;
  const sorted = [...problems.values()].sort((a, b) => b.rows - a.rows || (a.column < b.column ? -1 : 1));
  return { source, target, name, candidates, ...counts, shared, filtered, problems: sorted, contested };
}
