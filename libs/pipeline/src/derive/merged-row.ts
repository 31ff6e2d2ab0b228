import type { StateView } from '@changeover/events';
import type { CompiledMerge, CompiledRule, Problem } from '@changeover/mapping';

import type { PlannedRule } from './derivation-plan.js';
import type { ParentRef, Part, Version } from './derived-entry.js';
import { wantedText } from './source-mirror.js';
import { childMember, childOf, stateKey } from './state-keys.js';

/** A row that is part of a merged row, with what it gives to it. */
export type GivenPart = {
  readonly rule: PlannedRule;
  readonly key: string;
  readonly version: Version & { readonly part: Part };
  readonly problems: readonly Problem[];
};

export type MergedRow = {
  readonly version: Version | null;
  readonly problems: readonly Problem[];
  /** By column the place of the part that its value comes from; null: of all, -1: of none. Empty with problems of parts. */
  readonly from: readonly (number | null)[];
};

const NONE: readonly never[] = [];

/** The rows that a merged row is made of, by rule and key; null: they are more than are merged. */
export function partsOf(state: StateView, { number, compiled }: PlannedRule, name: string): readonly ParentRef[] | null {
  const { atMost } = compiled.merge as CompiledMerge;
  const members = state.members(stateKey('children', number, name), null, atMost + 1);
  return members.length > atMost ? null : members.map(childOf);
}

/** Whether the merged row is counted for this of its rows: the first by rule and key, which costs no look at the others. */
export function standsForMerged(state: StateView, { number }: PlannedRule, key: string, into: ParentRef): boolean {
  const [first] = state.members(stateKey('children', into.rule, into.key), null, 1);
  return first?.equals(childMember(number, key)) === true;
}

/** In the declared order (behind which keys stand that hold numbers), then that of their rules, then that of their keys. */
export function inOrder(parts: readonly GivenPart[]): readonly GivenPart[] {
  return parts.toSorted(
    (a, b) => compare(a.version.part.orders[0], b.version.part.orders[0]) || a.rule.number - b.rule.number || compare(a.key, b.key),
  );
}

/** The merged row of parts that are in order; null: they are too many. With none there is no row. */
export function mergeParts(rule: PlannedRule, parts: readonly GivenPart[] | null): MergedRow {
  const { columns, key, merge } = rule.compiled;
  const { survivors, complete, atMost } = merge as CompiledMerge;
  if (parts === null) {
    const tooMany = { reason: `more than ${String(atMost)} to merge`, column: columns[key[0] as number] as string };
    return { version: null, problems: [tooMany], from: NONE };
  }
  const [first] = parts;
  const problems = distinct(parts.flatMap((one) => one.problems));
  if (first === undefined || problems.length > 0) return { version: null, problems, from: NONE };
  const { values, from } = survivors(parts.map(({ version }) => version.values));
  const row = complete(values);
  if ('problems' in row) return { version: null, problems: row.problems, from };
  const claims = rule.uniques.map((unique, index) => {
    const wanted = wantedText(row.values, unique);
    return wanted === null ? null : { values: wanted, order: first.version.part.orders[index + 1] as string };
  });
  return { version: { ...row, parents: neededBy(parts, from), claims }, problems: NONE, from };
}

/** What a row needs that gave nothing of what names it is not needed. */
function neededBy(parts: readonly GivenPart[], from: MergedRow['from']): readonly ParentRef[] {
  const needed = new Map<string, ParentRef>();
  for (const [place, { rule, version }] of parts.entries()) {
    for (const [index, parent] of version.part.needs.entries()) {
      const { columns } = rule.compiled.requires[index] as CompiledRule['requires'][number];
      if (parent === null || !(columns.length === 0 || columns.some((column) => from[column] === place || from[column] === null))) continue;
      needed.set(`${String(parent.rule)} ${parent.key}`, parent);
    }
  }
  return [...needed.values()];
}

function distinct(problems: readonly Problem[]): readonly Problem[] {
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
}

function compare(a = '', b = ''): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
