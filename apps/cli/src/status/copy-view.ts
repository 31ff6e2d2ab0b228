import type { CopyStatus } from '@changeover/control-postgres';
import { countWords, secondsWords } from '@changeover/core';

import { inColumns } from './columns.js';
import type { RoleView } from './role-view.js';

/** More would push the roles off the screen. */
const MOST_LINES = 10;

/** A line for each table whose copy is not finished, those first that have begun, and one for all. */
export function renderCopies(views: readonly RoleView[]): readonly string[] {
  const copies = copiesOf(views);
  const [begun, waiting] = [copies.filter(hasBegun), copies.filter((copy) => !hasBegun(copy))];
  const shown = [...begun, ...waiting].slice(0, MOST_LINES);
  const others = copies.length - shown.length;
  return [
    ...inColumns([...shown.map((copy) => cells(copy.table, [copy])), ...(copies.length > 1 ? [cells('all', copies)] : [])]),
    ...(others === 0 ? [] : [`and ${countWords(others)} more tables`]),
  ];
}

/** All copies in a few words; empty where there are none. */
export function copiesInWords(views: readonly RoleView[]): string {
  const copies = copiesOf(views);
  if (copies.length === 0) return '';
  const name = copies.length === 1 ? (copies[0]?.table ?? '') : `${countWords(copies.length)} tables`;
  return cells(name, copies)
    .filter((cell) => cell !== '')
    .join(' ');
}

function copiesOf(views: readonly RoleView[]): readonly CopyStatus[] {
  return views.flatMap(({ health, status }) =>
    // What was said of rates is past when nobody is there.
    (status?.copies ?? []).map((copy) => (health === 'live' ? copy : { ...copy, rowsPerSecond: 0, secondsLeft: null })),
  );
}

function hasBegun({ rows, rowsPerSecond }: Pick<CopyStatus, 'rows' | 'rowsPerSecond'>): boolean {
  return rows > 0 || rowsPerSecond > 0;
}

function cells(name: string, copies: readonly CopyStatus[]): readonly string[] {
  const sum = (amount: (copy: CopyStatus) => number): number => copies.reduce((total, copy) => total + amount(copy), 0);
  const rows = sum((copy) => copy.rows);
  const rate = sum((copy) => copy.rowsPerSecond);
  const isKnown = copies.every(({ estimatedRows }) => estimatedRows !== null);
  // What is estimated may be too low: never done before it is, never more than there is.
  const expected = sum((copy) => Math.max(copy.estimatedRows ?? 0, copy.rows));
  const percent = Math.min(99, Math.floor((100 * rows) / Math.max(1, expected)));
  return [
    `copying ${name}`,
    isKnown ? `${String(percent)} %` : '',
    isKnown ? `${countWords(rows)} of about ${countWords(expected)} rows` : `${countWords(rows)} rows`,
    rate > 0 ? `${countWords(rate)} rows/s` : hasBegun({ rows, rowsPerSecond: rate }) ? '' : 'waiting',
    isKnown && rate > 0 ? `${secondsWords((expected - rows) / rate)} left` : '',
  ];
}
