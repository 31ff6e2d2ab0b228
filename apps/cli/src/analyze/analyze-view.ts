import { findingsOf, type ColumnProfile, type ColumnsPlace, type Finding, type Reference } from '@changeover/analysis';
import { bytesWords, countWords, secondsWords } from '@changeover/core';

import { inColumns } from '../status/columns.js';
import type { AnalyzeReport, AnalyzeStep } from './run-analyze.js';

/** Of a list this many are told on a terminal; JSON and the page have them all. */
const TOLD = 40;

export function renderAnalysis(report: AnalyzeReport): string {
  const { tables, references, personal, repeated, softDeletes, proposal, score } = report;
  return [
    ...head(report),
    '',
    ...inColumns(
      score.parts.map(({ part, points, says, raise }) => [part, points.toFixed(1), raise === null ? says : `${says}; ${raise}`]),
    ),
    ...section('References that nobody declared, and orphans', references.filter(isWorthTelling).map(referenceLine)),
    ...section(
      'Personal data',
      personal.map(({ table, column, kind, by, rows }) => [`${table}.${column}`, kind, `by ${by}`, `${countWords(rows)} rows`]),
    ),
    ...section(
      'The same more than once',
      repeated
        .filter(({ groups }) => groups > 0)
        .map(({ table, column, form, groups, surplus }) => [
          `${table}.${column}`,
          form,
          `${countWords(groups)} stand more than once, ${countWords(surplus)} rows too many`,
        ]),
    ),
    ...section(
      'Rows that were thrown away and are still there',
      softDeletes.map(({ table, column, rows, deleted }) => [`${table}.${column}`, `${countWords(deleted)} of ${countWords(rows)}`]),
    ),
    ...section(
      'Columns',
      findingsOf(tables).map((one) => [`${one.table}.${one.column}`, one.finding, one.says]),
    ),
    ...(proposal === null
      ? []
      : section(
          'A first mapping (--propose writes it)',
          proposal.rules.map(({ source, target, columns, unique }) => {
            const open = [...columns, ...unique].filter((one) => one.open.length > 0).length;
            const what = `${countWords(columns.length)} columns${unique.length === 0 ? '' : ` and ${countWords(unique.length)} unique`}`;
            return [source, `→ ${target}`, `${what}, ${countWords(open)} with something to decide`];
          }),
        )),
    '',
  ].join('\n');
}

function head({ tables, score, estimate, seconds, readSeconds, readRows }: AnalyzeReport): readonly string[] {
  const partly = tables.filter(({ whole }) => !whole).map(({ table }) => table);
  return [
    `readiness ${String(score.points)} of 100`,
    `read ${countWords(readRows)} rows of ${countWords(tables.length)} tables in ${secondsWords(readSeconds)}, ${secondsWords(seconds)} in all`,
    ...(partly.length === 0 ? [] : [`read in part, the first rows by key: ${partly.join(', ')}; orphans into them cannot be told`]),
    `a first copy of ${countWords(estimate.rows)} rows, ${bytesWords(estimate.bytes)}: about ${secondsWords(estimate.copySeconds)}, ${bytesWords(estimate.logBytes)} of log, ${bytesWords(estimate.stateBytes)} of state`,
    `  (${estimate.basis})`,
  ];
}

function section(title: string, lines: readonly (readonly string[])[]): readonly string[] {
  if (lines.length === 0) return [];
  const others = lines.length - TOLD;
  return [
    '',
    title,
    ...inColumns(lines.slice(0, TOLD)).map((line) => `  ${line}`),
    ...(others > 0 ? [`  and ${countWords(others)} more`] : []),
  ];
}

export function isWorthTelling({ kind, orphans }: Reference): boolean {
  return kind !== 'declared' || (orphans?.orphans ?? 0) > 0;
}

export function referenceLine({ from, to, kind, when, because, orphans }: Reference): readonly string[] {
  const lost = orphans === null ? 'orphans cannot be told' : `${countWords(orphans.orphans)} of ${countWords(orphans.rows)} are orphans`;
  const only = when === undefined ? '' : ` where ${when.column} is ${when.value}`;
  return [placeWords(from), `→ ${placeWords(to)}${only}`, lost, kind === 'declared' ? 'declared' : because];
}

function placeWords({ table, columns }: ColumnsPlace): string {
  return columns.length === 1 ? `${table}.${columns.join('')}` : `${table} (${columns.join(', ')})`;
}

/** The line that says how far it is. */
export function progressLine(step: AnalyzeStep): string {
  if (step.phase !== 'reading') {
    const what = { profiling: 'looking at', references: 'looking for what it refers to:', duplicates: 'looking for the same twice:' }[
      step.phase
    ];
    return `${what} ${step.place.table}.${step.place.column}`;
  }
  const of = step.expected === null ? '' : ` of about ${countWords(Math.max(step.expected, step.rows))}`;
  return `reading ${step.table}: ${countWords(step.rows)}${of} rows`;
}

/** For machines: all of it, and values only where they were asked for. */
export function analysisOutput(report: AnalyzeReport, values: boolean) {
  const { tables, proposal, ...others } = report;
  const column = ({ values: own, ...facts }: ColumnProfile): Omit<ColumnProfile, 'values'> & Partial<Pick<ColumnProfile, 'values'>> =>
    values ? { ...facts, values: own } : facts;
  const findings: readonly Finding[] = findingsOf(tables);
  return {
    ...others,
    findings,
    tables: tables.map(({ table, rows, whole, described, columns }) => ({
      table,
      rows,
      whole,
      key: described.key,
      columns: columns.map(column),
    })),
    proposal: proposal && {
      ...proposal,
      rules: proposal.rules.map((rule) => ({
        ...rule,
        columns: rule.columns.map(({ value, ...facts }) => ({ ...facts, value: values ? value : { how: value.how } })),
      })),
    },
  };
}
