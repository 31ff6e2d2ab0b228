import { countWords } from '@changeover/core';
import type { HeldGroup, HeldRow, HeldTotals, ListedRow, RowText } from '@changeover/events';

import { inColumns } from '../status/columns.js';
import { nextStep } from './next-step.js';
import { allRows, shellWord, totalsWords, visible } from './words.js';

/** What `held list` shows: all that match are counted, some are listed. */
export type HeldListing = {
  readonly totals: HeldTotals;
  readonly groups: readonly HeldGroup[];
  readonly rows: readonly ListedRow[];
  /** Rows that match and are not listed. */
  readonly more: number;
};

/** What stands at the target of rows that are not there as they are now. */
const [NOTHING, EARLIER, ITSELF] = ['nothing', 'an earlier version', 'the row'] as const;

/** `others`: tables of which rows are listed that were not asked for. */
export function renderListing({ totals, groups, rows, more }: HeldListing, others: readonly string[] = []): readonly string[] {
  const words = totalsWords(totals);
  if (words === null) {
    const none = totals.noted === undefined ? 'no such row is held, waits or is refused' : 'nothing is noted of such a row';
    return [others.length === 0 ? none : `${none}; there are others, of ${others.map(visible).join(', ')}: changeover held list`];
  }
  const beside = allRows(totals) - groups.reduce((sum, group) => sum + group.rows, 0);
  return [
    words,
    ...inColumns([['  rows', 'state', 'table', 'reason', 'column', 'at the target'], ...groups.map(groupCells)]),
    ...(beside > 0 ? [`  and ${countWords(beside)} more, for other reasons`] : []),
    '',
    ...(rows.length === 0
      ? []
      : inColumns([['state', 'table', 'key', 'reason', 'column', 'at the target', 'since'], ...rows.map(rowCells)])),
    ...(more === 0 ? [] : [`and ${countWords(more)} more: --limit shows more of them; --table, --state, --reason and --settled choose`]),
  ];
}

function groupCells({ rows, state, table, reason, column, kept }: HeldGroup): readonly string[] {
  const standing = state === 'noted' ? ITSELF : kept === 0 ? NOTHING : kept === rows ? EARLIER : `${EARLIER} of ${countWords(kept)}`;
  return [`  ${countWords(rows)}`, state, table, visible(reason), column ?? '', standing];
}

function rowCells(row: ListedRow): readonly string[] {
  return [row.state, row.table, placeWords(row), visible(row.reason), row.column ?? '', standingWords(row), sinceWords(row)];
}

function standingWords({ state, kept }: ListedRow): string {
  return state === 'noted' ? ITSELF : kept ? EARLIER : NOTHING;
}

/** What follows the table in `held show`. */
function placeWords({ key, refusal }: ListedRow): string {
  if (key === null) return `--refusal ${refusal ?? ''}`;
  const words = key.map((value) => shellWord(value ?? '')).join(' ');
  return key.some((value) => value?.startsWith('-') === true) ? `-- ${words}` : words;
}

function sinceWords(row: ListedRow): string {
  return row.sinceMs === null ? recordWords(row) : new Date(row.sinceMs).toISOString();
}

function recordWords({ state, sinceSeq }: ListedRow): string {
  return `record ${String(sinceSeq)} of ${state === 'refused' ? 'writes' : 'changes'}`;
}

/** All about one row, its values included. */
export function renderRow(row: HeldRow): readonly string[] {
  const facts = inColumns([
    ...row.problems.map(({ reason, column }) => ['problem', `${visible(reason)}${column === null ? '' : ` (${column})`}`]),
    ...refusedFacts(row),
    ...(row.source === null ? [] : [['comes from', `${row.source} of the old database, by this key`]]),
    ['since', row.sinceMs === null ? recordWords(row) : `${sinceWords(row)}, ${recordWords(row)}`],
    ['at the target', row.state === 'noted' ? 'it stands' : `${standingWords(row)} of it stands`],
    ...(row.refused === null ? [] : valueFacts('wanted', row.refused.wanted, 'that it is gone')),
    ...(row.refused?.stands == null ? [] : valueFacts('stands', row.refused.stands, '')),
    ['next', nextStep(row)],
  ]);
  return [`${row.table} ${placeWords(row)}: ${row.state}`, ...facts.map((line) => `  ${line}`)];
}

function refusedFacts({ refused }: HeldRow): readonly (readonly string[])[] {
  if (refused === null) return [];
  const { message, sqlstate, constraint } = refused;
  return [
    ['the target says', visible(message)],
    ...(sqlstate === null ? [] : [['SQLSTATE', sqlstate]]),
    ...(constraint === null ? [] : [['constraint', constraint]]),
  ];
}

/** A line per column; `none` where there is no row. */
function valueFacts(name: string, values: RowText | null, none: string): readonly (readonly string[])[] {
  if (values === null) return [[name, none]];
  return Object.entries(values).map(([column, value], index) => [
    index === 0 ? name : '',
    `${column} = ${value === null ? 'null' : `'${visible(value)}'`}`,
  ]);
}
