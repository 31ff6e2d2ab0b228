import { ChangeoverError, countWords } from '@changeover/core';
import type { ChosenReport, VerificationReport } from '@changeover/verification';

import { differingRows } from './verify-view.js';

/** Of rows that differ: how many, and of which tables. `of`: what they are rows of, where that is not the target. */
export function notEqual({ tables, seq }: Pick<VerificationReport, 'tables' | 'seq'>, of = ''): ChangeoverError {
  const wrong = tables.filter((table) => differingRows(table) > 0);
  const rows = wrong.reduce((sum, table) => sum + differingRows(table), 0);
  const least = wrong.some(({ unlooked }) => unlooked > 0) ? 'at least ' : '';
  const what = rows === 1 ? `1 row ${of}differs` : `${countWords(rows)} rows ${of}differ`;
  return new ChangeoverError(
    'NOT_EQUAL',
    `${least}${what} at record ${String(seq)} of changes: ${wrong.map(({ table }) => table).join(', ')}`,
    {
      facts: { rows, tables: wrong.length },
    },
  );
}

/** The same of chosen rows; tables of which the numbers of rows differ are named too. */
export function notEqualChosen({ tables, remembered, derived, rowCounts, seq }: ChosenReport): ChangeoverError {
  const all = [...remembered, ...derived, ...tables];
  const wrong = rowCounts.filter(({ expected, found }) => expected !== found);
  const names = wrong.map(({ end, table }) => `${table} (${end})`).join(', ');
  if (all.some((table) => differingRows(table) > 0)) {
    const rows = notEqual({ tables: all, seq });
    return names === ''
      ? rows
      : new ChangeoverError('NOT_EQUAL', `${rows.message}; the numbers of rows differ in ${names}`, { facts: rows.facts });
  }
  return new ChangeoverError('NOT_EQUAL', `the numbers of rows differ at record ${String(seq)} of changes: ${names}`, {
    facts: { tables: wrong.length },
  });
}
