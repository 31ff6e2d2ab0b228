import { countWords, secondsWords } from '@changeover/core';
import type { TableSize } from '@changeover/events';
import type {
  ChosenReport,
  Difference,
  MirrorReport,
  RepairResult,
  ResumedReport,
  TableComparison,
  VerificationStep,
} from '@changeover/verification';

import { inColumns } from '../status/columns.js';
import type { VerifyOutcome } from './run-verify.js';

/** Of a table, in what is printed for people. */
const MOST_LINES = 10;

/** What is wrong with a row, in a few words. */
export const KINDS = {
  missing: 'missing at the target',
  extra: 'should not be there',
  different: 'other values',
  refused: 'the list of refused rows says something else',
} as const satisfies Record<Difference['kind'], string>;

/** What became of a row that was to be repaired. */
export const RESULTS = {
  repaired: 'repaired',
  loaded: 'left: changed at the source meanwhile, and loaded',
  changed: 'left: changed by somebody else meanwhile',
  refused: 'left: the target refuses it',
  unwanted: 'left: should not be there (--delete-extra deletes such rows)',
  listed: 'left: the target refuses a version of it, and load tries that again (see held)',
  'maybe-kept': 'left: it may be the last good version of a held row, as the list of held rows differs too, or was not compared',
  unnumbered: 'left: numbers are in changeover.allocated no more, and nothing says which they were',
  'no-key': 'left: nothing finds it, as it has no key of its own',
  beyond: 'left: there are too many; repair again',
} as const satisfies Record<RepairResult, string>;

/** How many rows differ, at least. */
export function differingRows({ counts, unlooked }: TableComparison): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0) + unlooked;
}

/** What a repair has done, before the report of what was compared after it. */
function renderRepair({ repair }: VerifyOutcome): readonly string[] {
  if (repair === undefined) return [];
  const { seq, counts, rows } = repair;
  const results = Object.keys(RESULTS) as readonly RepairResult[];
  const totals = results.filter((result) => counts[result] > 0).map((result) => `${RESULTS[result]}: ${rowsWords(counts[result])}`);
  if (totals.length === 0) return ['nothing to repair', ''];
  const shown = rows.slice(0, MOST_LINES).map(({ table, key, result, reason }) => {
    return `  ${table} ${keyWords(key)}: ${RESULTS[result]}${reason === undefined ? '' : `: ${reason}`}`;
  });
  const others = results.reduce((sum, result) => sum + counts[result], 0) - shown.length;
  const more = others === 0 ? [] : [`  and ${countWords(others)} more (--json names up to --limit of them)`];
  return [`rows that differed at record ${countWords(seq)}:`, ...totals, '', ...shown, ...more, '', 'after that:'];
}

export function rowsWords(rows: number): string {
  return rows === 1 ? '1 row' : `${countWords(rows)} rows`;
}

export function renderReport(report: VerifyOutcome): string {
  const { seq, position, ts_ms, heldMs, takes, seconds, tables, notCompared } = report;
  const rows = tables.reduce((sum, { found }) => sum + found, 0);
  const header = [
    `compared at record ${countWords(seq)} of changes, ${position}, committed at the source ${new Date(ts_ms).toISOString()}`,
    `${rowsWords(rows)} in ${secondsWords(seconds)}; load was held for ${countWords(heldMs)} ms (${snapshotsOf(takes)} of the source)`,
    '',
  ];
  const lines = inColumns([['table', 'should be', 'are', 'refused', ''], ...tables.map(cells)]);
  const differences = tables.flatMap(listed);
  const left = notCompared.length === 0 ? [] : ['', `not compared, as they are not captured any more: ${notCompared.join(', ')}`];
  return [...renderRepair(report), ...header, ...lines, ...differences, ...left, ''].join('\n');
}

/** What transform remembers, compared with the source. */
export function renderMirror({ seq, tables, seconds, rounds, unsettled, notCompared }: MirrorReport): string {
  const rows = tables.reduce((sum, { found }) => sum + found, 0);
  return [
    `what transform remembers, compared with the source up to record ${countWords(seq)} of changes`,
    `${rowsWords(rows)} in ${secondsWords(seconds)}, ${rounds === 1 ? 'one round' : `${countWords(rounds)} rounds`}`,
    '',
    ...inColumns([['table', 'should be', 'are', '', ''], ...tables.map(cells)]),
    ...tables.flatMap(listed),
    ...(unsettled === 0 ? [] : ['', unsettledWords(unsettled)]),
    ...(notCompared.length === 0 ? [] : ['', `not compared, as they are not captured any more: ${notCompared.join(', ')}`]),
    '',
  ].join('\n');
}

/** What was compared of a choice of rows, and with what. */
export const CHOSEN_PARTS = {
  remembered: 'what transform remembers of them, compared with the source:',
  derived: 'what transform has written of them, compared with what becomes of them when they are derived again:',
  tables: 'the target, compared with what transform has written:',
} as const;

/** What kind of a verification it was, and what it says nothing about. */
export function choiceWords({ base, sample, seq, chosen }: ChosenReport): readonly [what: string, not: string] {
  const rows = rowsWords(chosen);
  if (sample !== null) {
    const percent = `${String(Number((sample.share * 100).toPrecision(12)))} %`;
    const what = `a sample of ${percent} (${rows} of the source; --seed ${String(sample.seed)} repeats it), compared at record ${countWords(seq)} of changes`;
    return [what, 'Of all other rows only the numbers were compared.'];
  }
  const since =
    base === null
      ? ''
      : `record ${countWords(base.seq)}, the last verification that found everything equal (${new Date(base.ended_ms).toISOString()})`;
  const what = `rows touched since ${since}: ${rows} of the source, compared at record ${countWords(seq)} of changes`;
  return [what, 'Rows that no record of the log touched since then were not looked at: `changeover verify` alone compares everything.'];
}

/** What a verification that went on with one that did not end says, and what not. */
export function resumedWords({ resumed: { seq, ts_ms, touched }, seq: end }: ResumedReport): readonly [what: string, not: string] {
  const since = `record ${countWords(seq)} of changes, committed at the source ${new Date(ts_ms).toISOString()}`;
  return [
    `gone on with a verification of ${since}, which had not ended; what the log touched since then (${rowsWords(touched.chosen)} of the source) compared at record ${countWords(end)}`,
    'What somebody else altered in a table after it was compared, in a row that no record of the log touched, was not seen: `changeover verify` alone sees it.',
  ];
}

/** A verification that went on with one that did not end. */
export function renderResumed(report: ResumedReport): string {
  const { heldMs, takes, seconds, tables, resumed, notCompared } = report;
  const rows = tables.reduce((sum, { found }) => sum + found, 0);
  const touched = chosenParts(resumed.touched);
  const lines = tables.map((table) => [...cells(table), `at record ${countWords(table.seq)}`]);
  return [
    ...resumedWords(report),
    `${rowsWords(rows)} in ${secondsWords(seconds)}; load was held for ${countWords(heldMs)} ms (${snapshotsOf(takes)} of the source)`,
    '',
    'each table as it was at its record; of those compared later, rows that nothing had touched since the first:',
    ...inColumns([['table', 'should be', 'are', 'refused', '', ''], ...lines]),
    ...tables.flatMap(listed),
    '',
    `rows touched since record ${countWords(resumed.seq)}:${touched.length === 0 ? ' none' : ''}`,
    ...touched,
    ...(resumed.touched.unsettled === 0 ? [] : ['', unsettledWords(resumed.touched.unsettled)]),
    ...(notCompared.length === 0 ? [] : ['', `not compared, as they are not captured any more: ${notCompared.join(', ')}`]),
    '',
  ].join('\n');
}

function chosenParts(report: ChosenReport): readonly string[] {
  return (['remembered', 'derived', 'tables'] as const).flatMap((part) =>
    report[part].length === 0
      ? []
      : [
          '',
          CHOSEN_PARTS[part],
          ...inColumns([['table', 'should be', 'are', 'refused', ''], ...report[part].map(cells)]),
          ...report[part].flatMap(listed),
        ],
  );
}

/** A verification of chosen rows. */
export function renderChosen(report: ChosenReport): string {
  const { heldMs, takes, seconds, rounds, unsettled, rowCounts, notCompared } = report;
  const [what, not] = choiceWords(report);
  const counts = rowCounts.map(({ end, table, expected, found }) => [
    end,
    table,
    countWords(expected),
    countWords(found),
    expected === found ? 'equal' : 'differ',
  ]);
  return [
    what,
    not,
    `${secondsWords(seconds)}, ${rounds === 1 ? 'one round' : `${countWords(rounds)} rounds`}; load was held for ${countWords(heldMs)} ms (${snapshotsOf(takes)} of the source)`,
    ...chosenParts(report),
    ...(counts.length === 0 ? [] : ['', 'numbers of all rows:', ...inColumns([['', 'table', 'should be', 'are', ''], ...counts])]),
    ...(unsettled === 0 ? [] : ['', unsettledWords(unsettled)]),
    ...(notCompared.length === 0 ? [] : ['', `not compared, as they are not captured any more: ${notCompared.join(', ')}`]),
    '',
  ].join('\n');
}

export function unsettledWords(unsettled: number): string {
  return `changed in each round, so that nothing is said of them: ${rowsWords(unsettled)}`;
}

function snapshotsOf(takes: number): string {
  return takes === 1 ? 'one snapshot' : `${countWords(takes)} snapshots`;
}

function cells(comparison: TableComparison): readonly string[] {
  const { table, expected, found, refused, unlooked } = comparison;
  const differing = differingRows(comparison);
  const verdict = differing === 0 ? 'equal' : `${unlooked === 0 ? '' : 'at least '}${countWords(differing)} differ`;
  return [table, countWords(expected), countWords(found), refused === 0 ? '' : countWords(refused), verdict];
}

function listed({ table, differences, counts }: TableComparison): readonly string[] {
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  if (all === 0) return [];
  const shown = differences.slice(0, MOST_LINES);
  const others = all - shown.length;
  return [
    '',
    `${table}:`,
    ...shown.flatMap((difference) => [`  ${rowWords(difference)}`, ...valueLines(difference)]),
    ...(others === 0 ? [] : [`  and ${countWords(others)} more (--json names up to --limit of them)`]),
  ];
}

function valueLines({ values }: Difference): readonly string[] {
  if (values === undefined) return [];
  const { expected, found } = values;
  return Object.keys(expected ?? found ?? {}).map((column) => {
    const of = (row: typeof expected): string => (row === null ? 'no row' : valueWords(row[column] ?? null));
    return `    ${column}: should be ${of(expected)}, is ${of(found)}`;
  });
}

/** Null differs from a text that reads so. */
export function valueWords(value: string | null): string {
  return value === null ? 'null' : JSON.stringify(value);
}

/** The row that is meant. */
export function keyWords(key: Difference['key']): string {
  return key === null ? 'a row without a key' : key.map(valueWords).join(', ');
}

function rowWords({ kind, key, columns }: Difference): string {
  return `${keyWords(key)}: ${KINDS[kind]}${columns.length === 0 ? '' : ` in ${columns.join(', ')}`}`;
}

/** What is being done, in one line: how much of what there probably is, and how long the rest of it takes. */
export class VerifyProgress {
  #sizes: ReadonlyMap<string, TableSize> = new Map();
  readonly #read = new Map<string, number>();
  #began: number | null = null;

  expect(sizes: ReadonlyMap<string, TableSize>): void {
    this.#sizes = sizes;
  }

  /** `now`: milliseconds of a clock that only goes forward. */
  line({ doing, table, rows }: VerificationStep, now: number): string {
    switch (doing) {
      case 'placing':
        return 'taking both ends at one place of the stream';
      case 'repairing':
        return `repairing ${rowsWords(rows)}`;
      case 'deriving':
        return 'deriving what should be there';
      case 'comparing':
        return `comparing ${table ?? ''}: ${countWords(rows)} rows`;
      case 'reading': {
        if (table !== null) this.#read.set(table, rows);
        this.#began ??= now;
        const done = [...this.#read.values()].reduce((sum, some) => sum + some, 0);
        const expected = [...this.#sizes].reduce((sum, [name, size]) => sum + Math.max(size.rows, this.#read.get(name) ?? 0), 0);
        const rate = now > this.#began ? (done * 1000) / (now - this.#began) : 0;
        const left = expected > done && rate > 0 ? `, ${secondsWords((expected - done) / rate)} left` : '';
        const percent = Math.min(99, Math.floor((100 * done) / Math.max(1, expected)));
        return `reading the source, ${String(percent)} %: ${table ?? ''}, ${countWords(done)} of about ${countWords(Math.max(done, expected))} rows${left}`;
      }
    }
  }
}
