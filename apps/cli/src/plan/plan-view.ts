import { countWords, secondsWords } from '@changeover/core';
import { changesNothing, type HeldCounts, type PlannedRow, type PlannedTable, type PlanStep } from '@changeover/pipeline';

import { visible } from '../held/words.js';
import { inColumns } from '../status/columns.js';
import { keyWords, rowsWords, valueWords } from '../verify/verify-view.js';
import type { PlanOutcome } from './run-plan.js';

const SIGNS = { comes: '+', goes: '-', changes: '~' } as const satisfies Record<PlannedRow['what'], string>;

/** What another mapping would change, for people. */
export function renderPlan(plan: PlanOutcome): string {
  const { active, proposed, read, tables, withoutKey, seconds } = plan;
  const isNone = changesNothing(plan);
  const header = [
    `what mapping ${proposed.slice(0, 12)} would change of what is written under ${active.slice(0, 12)}, at record ${countWords(read.seq)} of changes`,
    `${countWords(tables.reduce((sum, { after }) => sum + after, 0))} rows derived and compared in ${secondsWords(seconds)}; nothing was written`,
  ];
  const cells = tables.map((one) => [
    one.table,
    ...[one.before, one.after, one.comes, one.goes, one.changes].map(countWords),
    fromTo(one, ({ held, kept }) => held + kept),
    fromTo(one, ({ waiting }) => waiting),
    STATES[one.state],
  ]);
  const unkeyed = withoutKey.map(
    ({ table, state }) => `${table}: rows without a key, not compared${state === 'stays' ? '' : `; ${STATES[state]}`}`,
  );
  return [
    ...header,
    '',
    ...inColumns([['table', 'rows', 'then', 'come', 'go', 'change', 'held', 'waiting', ''], ...cells]),
    ...unkeyed,
    ...tables.flatMap(tableLines),
    '',
    isNone ? 'nothing would change' : 'a row that is held or waiting is on the list of held rows; a row that goes is deleted',
    '',
  ].join('\n');
}

const STATES = {
  stays: '',
  comes: 'not written until now',
  goes: 'written no longer',
  rekeyed: 'another key: each row goes, and comes anew',
} as const satisfies Record<PlannedTable['state'], string>;

function fromTo({ held: { before, after } }: PlannedTable, of: (counts: HeldCounts) => number): string {
  return of(before) === of(after) ? countWords(of(after)) : `${countWords(of(before))} -> ${countWords(of(after))}`;
}

function tableLines({ table, columns, newColumns, leftColumns, sharedKeys, reasons, rows }: PlannedTable): readonly string[] {
  const changed = reasons.filter(({ before, after }) => before !== after);
  const lines = [
    ...columns.map(({ column, rows: count }) => `  ${column}: other values in ${rowsWords(count)}`),
    ...(newColumns.length === 0 ? [] : [`  not written until now: ${newColumns.join(', ')}`]),
    ...(leftColumns.length === 0 ? [] : [`  written no longer, and left as they are: ${leftColumns.join(', ')}`]),
    ...changed.map(({ reason, column, before, after }) => {
      const where = column === null ? '' : ` ${column}`;
      return `  ${visible(reason)}${where}: ${countWords(before)} -> ${rowsWords(after)}`;
    }),
    ...(sharedKeys.after === 0 ? [] : [`  ! ${rowsWords(sharedKeys.after)} under the key of another row: only one of them can stand`]),
    ...rows.flatMap(rowLines),
  ];
  return lines.length === 0 ? [] : ['', `${table}:`, ...lines];
}

function rowLines({ what, key, columns, values }: PlannedRow): readonly string[] {
  const line = `  ${SIGNS[what]} ${keyWords(key)}${columns.length === 0 ? '' : `: ${columns.join(', ')}`}`;
  if (values === undefined) return [line];
  const { before, after } = values;
  const words = (column: string): string => {
    const [was, is] = [before, after].map((row) => valueWords(row?.[column] ?? null));
    return before === null ? String(is) : after === null ? String(was) : `${String(was)} -> ${String(is)}`;
  };
  return [line, ...Object.keys(after ?? before ?? {}).map((column) => `      ${column}: ${words(column)}`)];
}

/** What is being done, in one line, and how long the rest of it takes. */
export class PlanProgress {
  #doing: string | null = null;
  #began = 0;

  /** `now`: milliseconds of a clock that only goes forward. */
  line({ doing, table, rows, expected }: PlanStep, now: number): string {
    const step = `${doing} ${table}`;
    if (this.#doing !== step) [this.#doing, this.#began] = [step, now];
    const rate = now > this.#began ? (rows * 1000) / (now - this.#began) : 0;
    const left = expected > rows && rate > 0 ? `, ${secondsWords((expected - rows) / rate)} left` : '';
    const of = expected > rows ? ` of about ${countWords(expected)}` : '';
    const what = table === '' ? '' : ` ${table}`;
    return `${doing}${what}: ${countWords(rows)}${of} rows${left}`;
  }
}
