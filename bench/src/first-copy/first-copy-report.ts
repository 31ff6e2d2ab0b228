import type { Bar } from '../bars.js';
import { barsTable, headLines, number, spreadText, table } from '../markdown.js';
import { spread, type Spread } from '../statistics.js';
import type { CopyRouteName } from './copy-route.js';
import { ratios } from './first-copy-bars.js';
import type { CopyTurn, FirstCopyResult } from './run-first-copy.js';

const NAMES: readonly CopyRouteName[] = ['copy', 'native', 'embedded', 'kafka'];
const PROFILED = 15;

/** The result as Markdown: it is read at a terminal and pasted into docs/performance.md. */
export function renderFirstCopy(result: FirstCopyResult, bars: readonly Bar[]): string {
  const { routes, rows, tableBytes, mapping } = result;
  const columns = NAMES.flatMap((name) => {
    const turns = routes[name];
    return turns === undefined ? [] : [{ name, turns }];
  });
  const line = (label: string, digits: number, pick: (turn: CopyTurn) => number | null): string[] => [
    label,
    ...columns.map(({ turns }) => figure(turns.map(pick), digits)),
  ];
  const beside = (label: string, other: 'native' | 'copy'): string[] => {
    const theirs = routes[other] ?? [];
    return [label, ...columns.map(({ name, turns }) => (name === other ? '' : spreadText(spread(ratios(turns, theirs)), 2)))];
  };
  const steps = [...new Set(columns.flatMap(({ turns }) => turns.flatMap(({ cpuPerRow }) => Object.keys(cpuPerRow))))];
  const ours = [...new Set(columns.flatMap(({ turns }) => turns.flatMap(({ peakBytes }) => Object.keys(peakBytes))))];
  return [
    ...headLines(result),
    `${number(rows, 0)} rows, ${number(tableBytes / rows, 0)} B each in the table; ${
      mapping === 'contacts' ? 'Changeover cleans them by rules' : 'every route copies them as they are'
    }.`,
    '',
    ...table([
      ['', ...columns.map(({ name }) => name)],
      line('rows/s, end to end', 0, ({ rowsPerSecond }) => rowsPerSecond),
      line('seconds', 1, ({ seconds }) => seconds),
      line('first row after, seconds', 1, ({ firstAfterSeconds }) => firstAfterSeconds),
      beside('÷ native', 'native'),
      beside('÷ COPY', 'copy'),
      line('compared afterwards, rows/s', 0, ({ verifySeconds }) => (verifySeconds === null ? null : rows / verifySeconds)),
      line('log, B a row', 0, ({ logBytes }) => (logBytes === null ? null : logBytes / rows)),
      line('log ÷ the table', 2, ({ logBytes }) => (logBytes === null ? null : logBytes / tableBytes)),
      line('state (LMDB), B a row', 0, ({ stateBytes }) => (stateBytes === null ? null : stateBytes / rows)),
    ]),
    '',
    'CPU per row in µs, by step.',
    '',
    ...table([
      ['', ...columns.map(({ name }) => name)],
      ...steps.map((step) => line(step, 1, ({ cpuPerRow }) => cpuPerRow[step] ?? null)),
      line('together', 1, ({ cpuPerRow }) => Object.values(cpuPerRow).reduce<number>((sum, value) => sum + (value ?? 0), 0)),
    ]),
    '',
    ...(ours.length === 0
      ? []
      : [
          'Anonymous memory in MB, at most.',
          '',
          ...table([
            ['', ...columns.map(({ name }) => name)],
            ...ours.map((step) => line(step, 0, ({ peakBytes }) => (peakBytes[step] === undefined ? null : peakBytes[step] / 1e6))),
          ]),
          '',
        ]),
    ...barsTable(bars),
    ...columns.flatMap(({ name, turns }) => profileLines(name, turns)),
  ].join('\n');
}

function figure(values: readonly (number | null)[], digits: number): string {
  const there = values.filter((value) => value !== null);
  const all: Spread = spread(there);
  return there.length === 0 ? '' : spreadText(all, digits);
}

/** Of the last turn. What a step takes is known from its CPU; the profile says how that is shared out, in a time that others interrupt. */
function profileLines(name: CopyRouteName, turns: readonly CopyTurn[]): string[] {
  const last = turns.at(-1);
  return Object.entries(last?.profiles ?? {}).flatMap(([step, times]) => {
    const all = times.reduce((sum, { micros }) => sum + micros, 0);
    const perRow = last?.cpuPerRow[step] ?? Number.NaN;
    return [
      '',
      `${name}, ${step}: where its main thread is.`,
      '',
      ...table([
        ['', 'of its time', 'CPU per row in µs'],
        ...times
          .slice(0, PROFILED)
          .map(({ where, micros }) => [where, `${number((100 * micros) / all, 0)} %`, number((perRow * micros) / all, 1)]),
      ]),
    ];
  });
}
