import { countWords, secondsWords } from '@changeover/core';
import type { PairComparison, TargetsComparison } from '@changeover/verification';

import { inColumns } from '../status/columns.js';
import { keyWords } from '../verify/verify-view.js';
import type { DigestReport, RebuildStep, SwapOutcome } from './rebuild-session.js';

/** Of a table, in what is printed for people. */
const MOST_LINES = 10;

const KINDS = {
  missing: 'only live',
  extra: 'only rebuilt',
  different: 'other values',
  refused: 'refused',
} as const satisfies Record<PairComparison['differences'][number]['kind'], string>;

export function renderComparison({ seq, position, ts_ms, heldMs, equal, tables }: TargetsComparison): string {
  const verdict = (table: PairComparison): string =>
    differingRows(table) === 0 ? 'equal' : `at least ${countWords(differingRows(table))} differ`;
  const rows = tables.map((table) => [
    table.table,
    countWords(table.live.rows),
    countWords(table.rebuilt.rows),
    table.rebuilt.digest,
    verdict(table),
  ]);
  return [
    `compared at record ${countWords(seq)} of changes, ${position}, committed at the source ${new Date(ts_ms).toISOString()}; both loads were held for ${countWords(heldMs)} ms`,
    '',
    ...inColumns([['table', 'live', 'rebuilt', 'digest', ''], ...rows]),
    ...tables.flatMap(listed),
    '',
    equal ? 'the rebuilt tables are equal to the live ones' : 'the rebuilt tables differ from the live ones',
    '',
  ].join('\n');
}

/** At least so many. */
export function differingRows({ differing, refused }: PairComparison): number {
  return differing + refused.differing;
}

function listed({ table, differences, differing, refused }: PairComparison): readonly string[] {
  const { rows, differing: refusedDiffering, otherwise } = refused;
  if (differing + refusedDiffering + rows === 0) return [];
  const shown = differences.slice(0, MOST_LINES);
  return [
    '',
    `${table}:`,
    ...shown.map(
      ({ kind, key, columns }) => `  ${keyWords(key)}: ${KINDS[kind]}${columns.length === 0 ? '' : ` in ${columns.join(', ')}`}`,
    ),
    ...(differing > shown.length ? [`  and at least ${countWords(differing - shown.length)} more`] : []),
    ...(rows > 0
      ? [
          `  ${countWords(rows)} refused by the target; of ${countWords(otherwise)} another version stands instead, or none, than in the live one`,
        ]
      : []),
    ...(refusedDiffering > 0 ? [`  of ${countWords(refusedDiffering)} refused not the same should be there`] : []),
  ];
}

export function renderDigests({ seq, position, tables }: DigestReport): string {
  const rows = tables.map(({ table, rows: count, refused, digest }) => [
    table,
    countWords(count),
    refused === 0 ? '' : countWords(refused),
    digest,
  ]);
  return [
    `built up to record ${countWords(seq)} of changes, ${position}`,
    '',
    ...inColumns([['table', 'rows', 'refused', 'digest'], ...rows]),
    '',
  ].join('\n');
}

export function renderSwap({ lockedMs, attempts, swaps, unvalidated }: SwapOutcome): string {
  const which = swaps % 2 === 1 ? 'the rebuilt tables are live now' : 'the tables that were live first are live again';
  return [
    `exchanged: ${which}; they were locked for ${countWords(lockedMs)} ms${attempts === 1 ? '' : `, at attempt ${countWords(attempts)}`}`,
    ...(unvalidated.length === 0
      ? []
      : ['foreign keys that could not be validated, though they hold for new rows:', ...unvalidated.map((line) => `  ${line}`)]),
    'the same command again is the way back, as long as the rebuild is not dropped',
    '',
  ].join('\n');
}

/** What is being done, in one line, with the time that is left. */
export class RebuildProgress {
  #began: { readonly at: number; readonly reached: number } | null = null;

  /** `now`: milliseconds of a clock that only goes forward. */
  line(step: RebuildStep, now: number): string {
    switch (step.doing) {
      case 'waiting':
        return `trying again: ${step.why}`;
      case 'comparing':
        return `comparing ${step.table}: ${countWords(step.rows)} rows`;
      case 'reading': {
        const { reached, head } = step;
        this.#began ??= { at: now, reached };
        const rate = now > this.#began.at ? ((reached - this.#began.reached) * 1000) / (now - this.#began.at) : 0;
        const left = head > reached && rate > 0 ? `, ${secondsWords((head - reached) / rate)} left` : '';
        const percent = Math.min(99, Math.floor((100 * reached) / Math.max(1, head)));
        return `reading the log, ${String(percent)} %: record ${countWords(reached)} of ${countWords(head)}${left}`;
      }
    }
  }
}
