import { countWords, secondsWords } from '@changeover/core';
import {
  isEqual,
  isEqualChosen,
  isEqualResumed,
  type ChosenReport,
  type Difference,
  type RepairReport,
  type ResumedReport,
  type TableComparison,
} from '@changeover/verification';

import type { VerifyOutcome } from './run-verify.js';
import {
  CHOSEN_PARTS,
  choiceWords,
  differingRows,
  KINDS,
  keyWords,
  RESULTS,
  resumedWords,
  unsettledWords,
  valueWords,
} from './verify-view.js';

const STYLE = `
  :root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
  body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
  table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
  th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
  td.number { text-align: right; font-variant-numeric: tabular-nums; }
  .equal { color: #287a3c; } .differs { color: #b3261e; font-weight: 600; }
  code { overflow-wrap: anywhere; }`;

/** What a page says besides what it says of all verifications. */
type More = {
  readonly equal: boolean;
  readonly facts: readonly (readonly [name: string, text: string])[];
  /** Tables under titles of their own, before those of the target. */
  readonly parts: readonly (readonly [title: string, tables: readonly TableComparison[]])[];
};

/** A verification of chosen rows as one page. */
export function renderChosenHtml(report: ChosenReport): string {
  const { remembered, derived, rowCounts, unsettled } = report;
  const [what, not] = choiceWords(report);
  return page(report, {
    equal: isEqualChosen(report),
    facts: [
      ['not a full verification', `${what}. ${not}`],
      ...(unsettled === 0 ? [] : [['not settled', unsettledWords(unsettled)] as const]),
      ...rowCounts.map(
        ({ end, table, expected, found }) =>
          [`all rows of ${table} (${end})`, `should be ${countWords(expected)}, are ${countWords(found)}`] as const,
      ),
    ],
    parts: [
      [CHOSEN_PARTS.remembered, remembered],
      [CHOSEN_PARTS.derived, derived],
    ],
  });
}

/** One that went on with a verification that did not end. */
export function renderResumedHtml(report: ResumedReport): string {
  const { touched } = report.resumed;
  const [what, not] = resumedWords(report);
  return page(report, {
    equal: isEqualResumed(report),
    facts: [
      ['gone on with', `${what}. ${not}`],
      ...report.tables.map(({ table, seq }) => [`${table} compared at`, `record ${countWords(seq)} of changes`] as const),
      ...(touched.unsettled === 0 ? [] : [['not settled', unsettledWords(touched.unsettled)] as const]),
    ],
    parts: (['remembered', 'derived', 'tables'] as const).map((part) => [`Touched rows: ${CHOSEN_PARTS[part]}`, touched[part]]),
  });
}

/** The report as one page: no script, nothing from elsewhere. */
export function renderHtml(report: VerifyOutcome): string {
  return page(report, { equal: isEqual(report), facts: [], parts: [] });
}

function page(report: VerifyOutcome, { equal, facts: more, parts }: More): string {
  const { migration, seq, position, ts_ms, mapping, heldMs, takes, seconds, tables, notCompared, repair } = report;
  const rows = tables.reduce((sum, { found }) => sum + found, 0);
  const facts = [
    ...more,
    ['compared at', `record ${countWords(seq)} of changes, ${position}, committed at the source ${new Date(ts_ms).toISOString()}`],
    ['mapping', mapping],
    ['rows', `${countWords(rows)} in ${secondsWords(seconds)}`],
    ['load was held for', `${countWords(heldMs)} ms`],
    ['snapshots of the source', countWords(takes)],
    ...(notCompared.length === 0 ? [] : [['not compared, as they are not captured any more', notCompared.join(', ')]]),
  ] as const;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${text(`${migration}: ${equal ? 'equal' : 'not equal'}`)}</title>
<style>${STYLE}
</style>
<h1>${text(migration)}: <span class="${equal ? 'equal' : 'differs'}">${equal ? 'equal' : 'not equal'}</span></h1>
<table>
${facts.map(([name, value]) => `<tr><th>${text(name)}<td>${text(value)}`).join('\n')}
</table>
${repair === undefined ? '' : repairOf(repair)}
${[...parts, ['Tables', tables] as const].map(([title, some]) => tablesOf(title, some)).join('\n')}
</html>
`;
}

function tablesOf(title: string, tables: readonly TableComparison[]): string {
  return `<h2>${text(title)}</h2>
<table>
<tr><th>table<th>should be<th>are<th>refused<th>
${tables.map(tableRow).join('\n')}
</table>
${tables
  .filter(({ differences }) => differences.length > 0)
  .map(differencesOf)
  .join('\n')}`;
}

function repairOf({ seq, rows, counts }: RepairReport): string {
  const others = Object.values(counts).reduce((sum, count) => sum + count, 0) - rows.length;
  return `<h2>Repaired before that, at record ${countWords(seq)}</h2>
<table>
<tr><th>table<th>row<th>what became of it
${rows.map(({ table, key, result, reason }) => `<tr><td>${text(table)}<td><code>${text(keyWords(key))}</code><td>${text(reason === undefined ? RESULTS[result] : `${RESULTS[result]}: ${reason}`)}`).join('\n')}
</table>${others > 0 ? `\n<p>and ${countWords(others)} more.` : ''}`;
}

function tableRow(comparison: TableComparison): string {
  const { table, expected, found, refused, unlooked } = comparison;
  const differing = differingRows(comparison);
  const verdict =
    differing === 0
      ? '<span class="equal">equal</span>'
      : `<span class="differs">${unlooked > 0 ? 'at least ' : ''}${countWords(differing)} differ</span>`;
  const numbers = [expected, found, refused].map((number) => `<td class="number">${countWords(number)}`).join('');
  return `<tr><td>${text(table)}${numbers}<td>${verdict}`;
}

function differencesOf(comparison: TableComparison): string {
  const { table, differences } = comparison;
  const others = differingRows(comparison) - differences.length;
  return `<h2>${text(table)}</h2>
<table>
<tr><th>row<th>what is wrong<th>columns
${differences.map((one) => `<tr><td><code>${text(keyWords(one.key))}</code><td>${KINDS[one.kind]}<td>${columnsOf(one)}`).join('\n')}
</table>${others > 0 ? `\n<p>and ${countWords(others)} more.` : ''}`;
}

function columnsOf({ columns, values }: Difference): string {
  if (values === undefined) return text(columns.join(', '));
  const { expected, found } = values;
  const of = (row: typeof expected, column: string): string => (row === null ? 'no row' : valueWords(row[column] ?? null));
  return Object.keys(expected ?? found ?? {})
    .map((column) => text(`${column}: should be ${of(expected, column)}, is ${of(found, column)}`))
    .join('<br>');
}

/** Keys and values are anything, and the page must not be more than it says. */
function text(value: string): string {
  return value.replace(/[&<>"']/g, (character) => `&#${String(character.charCodeAt(0))};`);
}
