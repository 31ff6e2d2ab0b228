import { hash } from 'node:crypto';

import { arrayText, itemWriter } from './array-text.js';
import type { CompiledMerge, Row } from './compiled-rule.js';
import { sortedKeys } from './plain-data.js';
import { columnsRead, columnText } from './print-rule.js';
import { compareValues } from './row-order.js';
import type { Expression, JoinRule, Survivor, TableRule } from './rule.js';
import { COMPARABLE } from './validation.js';

/** What a column of the merged row is, and which of the rows it comes from: null where it is made of all. */
type Survived = { readonly value: string | null; readonly from: number | null };
/** Of one column, in the order of the rows. */
type Survive = (parts: readonly Row[], column: number) => Survived;

const NOTHING: Survived = { value: null, from: -1 };

/** Digits of SHA-256 that name a merged row: lists of rows show them instead of an address, and no two keys have the same. */
const NAME_DIGITS = 32;

export function nameOfMerged(key: string): string {
  return hash('sha256', key, 'hex').slice(0, NAME_DIGITS);
}

/** Makes one row of the parts of several, which are in order; nothing is asked of it yet. */
export function compileSurvivors({ columns, merge }: TableRule): CompiledMerge['survivors'] {
  const survivors = Object.keys(columns).map((column) => survivorOf(merge?.columns?.[column] ?? 'first'));
  return (parts) => {
    const values: (string | null)[] = [];
    const from: (number | null)[] = [];
    for (const [column, survive] of survivors.entries()) {
      const survived = survive(parts, column);
      values.push(survived.value);
      from.push(survived.from);
    }
    return { values, from };
  };
}

/** Whether all rows of a merged row come to the same key, whichever of them is the first: it is made of the merge key alone. */
export function keyFollowsMergeKey({ key, columns, merge }: TableRule): boolean {
  if (merge === undefined) return false;
  const by = JSON.stringify(sortedKeys(merge.by));
  const follows = (value: Expression | undefined): boolean => {
    if (value === undefined) return false;
    if (JSON.stringify(sortedKeys(value)) === by || 'constant' in value) return true;
    // Of a merged row the merge key is not null.
    if ('first' in value) return follows(value.first[0]);
    if ('concat' in value) return value.concat.every(follows);
    return 'input' in value && follows(value.input);
  };
  return key.every((column) => follows(columns[column]));
}

/**
 * The places of the target columns that read what a parent is named by, also what is joined by that: a merged row needs a parent of one of its rows where such a column comes from it. None: of all
 * its rows.
 */
export function columnsNaming(
  key: readonly Expression[],
  { columns, joins = [] }: Pick<TableRule, 'columns' | 'joins'>,
): readonly number[] {
  const named = new Set(key.flatMap((value) => readBehind(value, joins)));
  return Object.values(columns).flatMap((value, place) => (readBehind(value, joins).some((column) => named.has(column)) ? [place] : []));
}

/** The columns that an expression reads, and those by which joined rows that it reads are looked up. */
function readBehind(value: Expression, joins: readonly JoinRule[]): readonly string[] {
  return columnsRead(value).flatMap((read) => {
    const join = joins.find(({ as }) => as === read.of);
    return [columnText(read), ...(join === undefined ? [] : Object.values(join.on).flatMap((one) => readBehind(one, joins)))];
  });
}

function survivorOf(survivor: Survivor): Survive {
  if (survivor === 'first') return firstOf;
  if (survivor === 'last') return (parts, column) => bestOf(parts, column, () => 0);
  if (survivor === 'longest') return (parts, column) => bestOf(parts, column, (a, b) => Array.from(a).length - Array.from(b).length || -1);
  if (survivor === 'most-frequent') {
    return (parts, column) => {
      const counts = new Map<string, number>();
      for (const part of parts) {
        const value = part[column] ?? null;
        if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
      }
      return bestOf(parts, column, (a, b) => (counts.get(a) as number) - (counts.get(b) as number) || -1);
    };
  }
  if ('text' in survivor)
    return (parts, column) => allOf(parts, column, (values) => (values.length === 0 ? null : values.join(survivor.text)));
  if ('array' in survivor) {
    const write = itemWriter({ constant: null }, survivor.array);
    return (parts, column) => allOf(parts, column, (values) => arrayText(values.map(write), survivor.array));
  }
  const [as, sign] = 'least' in survivor ? [survivor.least, -1] : [survivor.greatest, 1];
  const comparable = COMPARABLE[as];
  return (parts, column) =>
    bestOf(parts, column, (a, b) => {
      const [one, other] = [comparable(a), comparable(b)];
      if (one === null) return -1;
      return other === null ? 1 : sign * compareValues(one, other, false) || -1;
    });
}

function firstOf(parts: readonly Row[], column: number): Survived {
  for (let from = 0; from < parts.length; from++) {
    const value = parts[from]?.[column] ?? null;
    if (value !== null) return { value, from };
  }
  return NOTHING;
}

/** `compare`: below 0 where the one before it is better than this one. */
function bestOf(parts: readonly Row[], column: number, compare: (value: string, best: string) => number): Survived {
  let best = NOTHING;
  for (let from = 0; from < parts.length; from++) {
    const value = parts[from]?.[column] ?? null;
    if (value !== null && (best.value === null || compare(value, best.value) >= 0)) best = { value, from };
  }
  return best;
}

function allOf(parts: readonly Row[], column: number, made: (values: readonly string[]) => string | null): Survived {
  const values = new Set<string>();
  for (const part of parts) {
    const value = part[column] ?? null;
    if (value !== null) values.add(value);
  }
  return { value: made([...values]), from: null };
}
