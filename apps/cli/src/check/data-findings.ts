import { countWords } from '@changeover/core';
import type { RuleOutcome } from '@changeover/pipeline';
import type { Misfit, TrialReport, UnusedColumn } from '@changeover/verification';

import { rowsWords, valueWords } from '../verify/verify-view.js';
import type { Finding } from './finding.js';

/** Load stops at a batch of which the target refuses more rows: something is set up wrong then. */
const MOST_REFUSED = 100;

/** What would become of the rows of the source, as they are now. */
export function dataFindings({ outcomes, rows, misfits, unused }: TrialReport): readonly Finding[] {
  const made = new Set(outcomes.map(({ target }) => target));
  const passed = Object.entries(rows).filter(([table]) => !made.has(table));
  return [
    ...outcomes.map(outcomeFinding),
    ...passed.map(([table, count]): Finding => {
      return { part: 'mapping', severity: 'ok', check: 'data', message: `${table}: ${rowsWords(count)} that go over as they are` };
    }),
    ...misfits.map(misfitFinding),
    ...unusedFindings(unused),
  ];
}

function outcomeFinding(outcome: RuleOutcome): Finding {
  const { source, target, name, candidates, written, merged, shared, emptied, noted, kept, held, waiting, filtered, problems, contested } =
    outcome;
  const parts = [
    ...(merged === 0 ? [] : [`${countWords(merged)} merged into others`]),
    ...(filtered === 0 ? [] : [`${countWords(filtered)} left out`]),
    ...(held + kept === 0 ? [] : [`${countWords(held + kept)} held`]),
    ...(waiting === 0 ? [] : [`${countWords(waiting)} waiting for a parent`]),
  ];
  const of = [
    ...(emptied === 0 ? [] : [`${countWords(emptied)} without a unique value that another row has`]),
    ...(noted === 0 ? [] : [`${countWords(noted)} with a note`]),
  ];
  const without = of.length === 0 ? '' : ` (${of.join(', ')})`;
  const label = name === null ? target : `${target} (${name})`;
  return {
    ...{ part: 'mapping', check: 'data', severity: held + kept + waiting + emptied + noted === 0 ? 'ok' : 'warning' },
    message: `${label}: of ${rowsWords(candidates)} of ${source} ${[`${countWords(written)} are written${without}`, ...parts].join(', ')}`,
    notes: [
      ...(shared.rows === 0
        ? []
        : [`${rowsWords(shared.rows)} have a merge key that others have too: ${countWords(shared.keys)} of them stand for it`]),
      ...problems.map(({ state, reason, column, rows }) => {
        return state === 'waiting' ? `${rowsWords(rows)}: ${reason} ${column}` : `${rowsWords(rows)}: ${reason} (${column})`;
      }),
      ...contested.map(({ columns, otherwise, values, rows }) => {
        const rest = otherwise === 'empty' ? 'go without it' : 'are held';
        const wanted = values === 1 ? 'one value is' : `${countWords(values)} values are`;
        return `${columns.join(', ')}: ${wanted} wanted by ${rowsWords(rows)}, of which all but the first of each ${rest}`;
      }),
    ],
    outcome,
  };
}

function misfitFinding(misfit: Misfit): Finding {
  const { target, column, type, values, nulls, first } = misfit;
  const parts = [
    ...(values === 0 ? [] : [`${rowsWords(values)} with a value that does not fit ${type}`]),
    ...(nulls === 0 ? [] : [`${rowsWords(nulls)} without a value, where there must be one`]),
  ];
  const key = Object.entries(first).map(([name, value]) => `${name} ${valueWords(value)}`);
  const end = values + nulls > MOST_REFUSED ? `, and load stops where they are more than ${countWords(MOST_REFUSED)} at a time` : '';
  return {
    ...{ part: 'mapping', check: 'misfit', severity: values + nulls > MOST_REFUSED ? 'error' : 'warning', misfit },
    message: `${target}.${column}: ${parts.join(', ')}: such rows are refused${end}; the first has ${key.join(', ')}`,
  };
}

function unusedFindings(unused: readonly UnusedColumn[]): readonly Finding[] {
  const tables = [...new Set(unused.map(({ table }) => table))];
  return tables.map((table) => {
    const columns = unused.filter((one) => one.table === table).toSorted((a, b) => b.rows - a.rows);
    const told = columns.map(({ column, rows }) => `${column} (${rowsWords(rows)})`);
    return {
      ...{ part: 'mapping', check: 'unused', severity: 'warning', unused: columns },
      message: `columns of ${table} that hold something and go nowhere: ${told.join(', ')}`,
    };
  });
}
