import { unreachable } from '@changeover/core';
import type { Row } from '@changeover/mapping';
import fc from 'fast-check';

import type { TableShape } from './random-rules.js';

type Cell = string | null;

/** What people do to a table. Rows that are there are named by their place among them. */
export type Change =
  | { readonly how: 'put'; readonly table: string; readonly row: Readonly<Record<string, Cell>> }
  | { readonly how: 'update'; readonly table: string; readonly row: number; readonly column: string; readonly value: Cell }
  | { readonly how: 'exchange'; readonly table: string; readonly row: number; readonly other: number }
  | { readonly how: 'rekey'; readonly table: string; readonly row: number; readonly to: Readonly<Record<string, Cell>> }
  | { readonly how: 'delete'; readonly table: string; readonly row: number }
  | { readonly how: 'truncate'; readonly table: string };

/** The same as the database does it, row by row. */
export type RowChange =
  | { readonly op: 'c'; readonly before: null; readonly after: Row }
  | { readonly op: 'u'; readonly before: Row; readonly after: Row }
  | { readonly op: 'd'; readonly before: Row; readonly after: null }
  | { readonly op: 't' };

const ids = fc.constantFrom('1', '2', '3', '4', '1', '2', '3', 'ü\t\\');
const reference = fc.option(ids, { freq: 4 });
export const VALUES: Readonly<Record<string, fc.Arbitrary<Cell>>> = {
  id: ids,
  part: fc.constantFrom('1', '2'),
  p: reference,
  q: reference,
  v: fc.constantFrom('x', 'y', 'z', 'w', 'x', 'y', 'bad', 'bad', null),
  f: fc.constantFrom('Y', 'Y', 'N'),
  n: fc.constantFrom('1', '2', null),
  // Of which no rule knows.
  extra: fc.constantFrom('Y', '1', null),
  // Columns that are added later.
  added1: fc.constantFrom('a', 'b', null),
  added2: fc.constantFrom('a', 'b', null),
};
const rowOf = fc.record(VALUES);
const place = fc.nat({ max: 11 });

/** Puts alone: how a table is filled. */
export const putInto = (tables: readonly TableShape[]): fc.Arbitrary<Change> =>
  fc.record({ how: fc.constant('put' as const), table: tableOf(tables), row: rowOf });

export function changesOf(tables: readonly TableShape[]): fc.Arbitrary<Change> {
  const table = tableOf(tables);
  const update = fc
    .record({ table, row: place, column: fc.constantFrom('p', 'q', 'v', 'v', 'f', 'f', 'n') })
    .chain(({ column, ...where }) =>
      (VALUES[column] as fc.Arbitrary<Cell>).map((value) => ({ how: 'update' as const, ...where, column, value })),
    );
  return fc.oneof(
    { weight: 6, arbitrary: putInto(tables) },
    { weight: 18, arbitrary: update },
    { weight: 16, arbitrary: fc.record({ how: fc.constant('exchange' as const), table, row: place, other: place }) },
    { weight: 3, arbitrary: fc.record({ how: fc.constant('rekey' as const), table, row: place, to: rowOf }) },
    { weight: 3, arbitrary: fc.record({ how: fc.constant('delete' as const), table, row: place }) },
    { weight: 1, arbitrary: fc.record({ how: fc.constant('truncate' as const), table }) },
  );
}

/** What the change does to rows that have these columns, given those that are there, in the order of their keys. Nothing, where it fits none of them. */
export function rowChanges(change: Change, columns: readonly string[], key: readonly string[], rows: readonly Row[]): readonly RowChange[] {
  const at = (column: string): number => columns.indexOf(column);
  const sameKey = (a: Row, b: Row): boolean => key.length > 0 && key.every((column) => a[at(column)] === b[at(column)]);
  const named = (row: number): Row | undefined => (rows.length === 0 ? undefined : rows[row % rows.length]);
  const updated = (before: Row, after: Row): RowChange[] => [{ op: 'u', before, after }];
  switch (change.how) {
    case 'put': {
      const after = columns.map((column) => change.row[column] ?? null);
      const before = rows.find((row) => sameKey(row, after));
      return before === undefined ? [{ op: 'c', before: null, after }] : updated(before, after);
    }
    case 'update': {
      const before = named(change.row);
      return before === undefined ? [] : updated(before, before.with(at(change.column), change.value));
    }
    case 'exchange': {
      const [one, other] = [named(change.row), named(change.other)];
      if (one === undefined || other === undefined || one === other) return [];
      const v = at('v');
      return [...updated(one, one.with(v, other[v] as Cell)), ...updated(other, other.with(v, one[v] as Cell))];
    }
    case 'rekey': {
      const before = named(change.row);
      if (before === undefined) return [];
      const after = columns.map((column, index) => (key.includes(column) ? (change.to[column] as Cell) : (before[index] as Cell)));
      return rows.some((row) => sameKey(row, after)) ? [] : updated(before, after);
    }
    case 'delete': {
      const before = named(change.row);
      return before === undefined ? [] : [{ op: 'd', before, after: null }];
    }
    case 'truncate':
      return [{ op: 't' }];
    default:
      return unreachable(change);
  }
}

function tableOf(tables: readonly TableShape[]): fc.Arbitrary<string> {
  return fc.constantFrom(...tables.map(({ name }) => name));
}
