import type { ChosenReport } from '@changeover/verification';

import { notEqual, notEqualChosen } from './not-equal.js';

const NONE = { missing: 0, extra: 0, differing: 0, refused: 0 };
const table = (name: string, differing: number): ChosenReport['tables'][number] =>
  ({ table: name, expected: 2, found: 2, refused: 0, unlooked: 0, counts: { ...NONE, differing }, differences: [] }) as never;
const chosen = (tables: ChosenReport['tables'], rowCounts: ChosenReport['rowCounts']): string =>
  notEqualChosen({ tables, remembered: [], derived: [], rowCounts, seq: 7 } as unknown as ChosenReport).message;

const COUNTS: ChosenReport['rowCounts'] = [
  { end: 'target', table: 'crm.a', expected: 2, found: 2 },
  { end: 'target', table: 'crm.c', expected: 2, found: 3 },
];

test('rows that differ are counted, with their tables', () => {
  expect(notEqual({ tables: [table('crm.a', 0), table('crm.b', 1)], seq: 7 }).message).toBe('1 row differs at record 7 of changes: crm.b');
});

test('of chosen rows, tables of which the numbers differ are named, whether a row differs or not', () => {
  expect(chosen([table('crm.b', 2)], COUNTS)).toBe(
    '2 rows differ at record 7 of changes: crm.b; the numbers of rows differ in crm.c (target)',
  );
  expect(chosen([table('crm.b', 0)], COUNTS)).toBe('the numbers of rows differ at record 7 of changes: crm.c (target)');
  expect(chosen([table('crm.b', 2)], [])).toBe('2 rows differ at record 7 of changes: crm.b');
});
