import { countWords } from '@changeover/core';

import { dataFindings } from '../check/data-findings.js';
import { renderFindings } from '../check/finding.js';
import { visible } from '../held/words.js';
import { inColumns } from '../status/columns.js';
import { keyWords, rowsWords } from '../verify/verify-view.js';
import type { SampleOutcome } from './run-sample.js';

/** What stands in the schema of a sample, and what would become of all rows, for people. */
export function renderSample(outcome: SampleOutcome): string {
  const { schema, share, seed, sampled } = outcome;
  const cells = sampled.map(({ table, rows, chosen, written, refused }) => {
    return [table, ...[rows, chosen, written, refused.reduce((sum, one) => sum + one.rows, 0)].map(countWords)];
  });
  return [
    `${percent(share)} % of the rows that the mapping makes stand in the schema ${schema} of the new database (seed ${String(seed)})`,
    'foreign keys, triggers and sequences are left out there: a row may refer to one that is not in the sample',
    '',
    ...inColumns([['table', 'rows', 'chosen', 'written', 'refused'], ...cells]),
    ...sampled.flatMap(({ table, refused }) => refusedLines(table, refused)),
    '',
    'of all rows:',
    renderFindings(dataFindings(outcome)),
  ].join('\n');
}

function refusedLines(table: string, refused: SampleOutcome['sampled'][number]['refused']): readonly string[] {
  if (refused.length === 0) return [];
  return [
    '',
    `${table}:`,
    ...refused.map(
      ({ reason, rows, first }) => `  ! ${rowsWords(rows)} refused: ${visible(reason)}; the first is ${keyWords(Object.values(first))}`,
    ),
  ];
}

/** Without the digits that only the way back from a share makes. */
function percent(share: number): string {
  return String(Number((share * 100).toPrecision(12)));
}
