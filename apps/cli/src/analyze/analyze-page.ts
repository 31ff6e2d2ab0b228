import { findingsOf, share, type ColumnProfile, type ScorePart, type TableProfile } from '@changeover/analysis';
import { bytesWords, countWords, secondsWords } from '@changeover/core';

import { isWorthTelling, referenceLine } from './analyze-view.js';
import type { AnalyzeReport } from './run-analyze.js';

const STYLE = `
  :root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
  body { max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
  table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
  th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8884; vertical-align: top; overflow-wrap: anywhere; }
  td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
  svg { display: block; } svg text { font-size: 12px; fill: currentColor; }
  .good { fill: #287a3c; } .none { fill: #8886; } .bad { fill: #b3261e; } .rows { fill: #3566a8; }
  details { margin: .5rem 0; } summary { cursor: pointer; font-weight: 600; }
  code { font-size: 13px; }`;

const [BAR, LINE] = [420, 22];

/** The analysis as one page: no script, nothing from elsewhere. `values`: with values of records in it, personal data included. */
export function renderAnalysisPage(migration: string, report: AnalyzeReport, values: boolean): string {
  const { tables, references, personal, repeated, softDeletes, proposal, score, estimate } = report;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${text(`${migration}: the source analysed`)}</title>
<style>${STYLE}
</style>
<h1>${text(migration)}: readiness ${String(score.points)} of 100</h1>
${scorePlot(score.parts)}
${rows(
  ['part', 'points', 'counts', 'says', 'what would raise it'],
  score.parts.map(({ part, points, weight, says, raise }) => [
    part,
    points.toFixed(1),
    `${String(weight)} times`,
    says,
    raise ?? 'nothing',
  ]),
)}
<h2>Size</h2>
${rows(
  ['rows', 'bytes', 'a first copy takes about', 'log', 'state'],
  [
    [
      countWords(estimate.rows),
      bytesWords(estimate.bytes),
      secondsWords(estimate.copySeconds),
      bytesWords(estimate.logBytes),
      bytesWords(estimate.stateBytes),
    ],
  ],
)}
<p>${text(estimate.basis)}.
${sizePlot(tables)}
${listed('References that nobody declared, and orphans', ['column', 'refers to', 'orphans', 'because'], references.filter(isWorthTelling).map(referenceLine))}
${listed(
  'Personal data',
  ['column', 'kind', 'found by', 'rows'],
  personal.map(({ table, column, kind, by, rows: count }) => [`${table}.${column}`, kind, by, countWords(count)]),
)}
${listed(
  'The same more than once',
  ['column', 'compared as', 'stand more than once', 'rows too many', 'of'],
  repeated.map(({ table, column, form, groups, surplus, rows: of }) => [
    `${table}.${column}`,
    form,
    countWords(groups),
    countWords(surplus),
    countWords(of),
  ]),
)}
${listed(
  'Rows that were thrown away and are still there',
  ['column', 'thrown away', 'of'],
  softDeletes.map(({ table, column, rows: of, deleted }) => [`${table}.${column}`, countWords(deleted), countWords(of)]),
)}
${listed(
  'Findings',
  ['column', 'about', 'says'],
  findingsOf(tables).map((one) => [`${one.table}.${one.column}`, one.finding, one.says]),
)}
${
  proposal === null
    ? ''
    : listed(
        'A first mapping',
        ['from', 'to', 'because', 'to decide'],
        proposal.rules.flatMap(({ source, target, columns, unique }) => [
          ...columns.map((column) => [
            column.sources.map((one) => `${one.of ?? source}.${one.column}`).join(', '),
            `${target}.${column.target}`,
            column.because.join('; '),
            column.open.join('; '),
          ]),
          ...unique.map((one) => [
            `unique, otherwise ${one.otherwise}`,
            `${target} (${one.columns.join(', ')})`,
            one.because.join('; '),
            one.open.join('; '),
          ]),
        ]),
      )
}
<h2>Tables</h2>
${tables.map((table) => tableOf(table, values)).join('\n')}
</html>
`;
}

function tableOf({ table, rows: count, whole, columns }: TableProfile, values: boolean): string {
  const heads = [
    'column',
    'declared',
    'in use',
    'filled, blank, null',
    'different',
    'length',
    'shapes',
    ...(values ? ['from', 'to', 'frequent'] : []),
  ];
  return `<details><summary>${text(table)}: ${countWords(count)} rows${whole ? '' : ', read in part'}</summary>
<table>
<tr>${heads.map((head) => `<th>${text(head)}`).join('')}
${columns.map((column) => `<tr>${columnCells(column, values)}`).join('\n')}
</table></details>`;
}

function columnCells(column: ColumnProfile, values: boolean): string {
  const { name, declared, used, usedShare, distinct, minLength, maxLength, shapes, matter, values: own } = column;
  const inUse =
    used === 'nothing' ? used : `${used}${usedShare < 1 ? ` (${share(usedShare)})` : ''}${matter === null ? '' : `, ${matter}`}`;
  const cells = [
    text(name),
    text(declared),
    text(inUse),
    filledPlot(column),
    countWords(distinct),
    minLength === null ? '' : `${countWords(minLength)} to ${countWords(maxLength ?? 0)}`,
    shapes.map(({ shape }) => `<code>${text(shape)}</code>`).join('<br>'),
    ...(values
      ? [
          text(own.min ?? ''),
          text(own.max ?? ''),
          own.frequent
            .slice(0, 5)
            .map(({ value }) => text(value))
            .join('<br>'),
        ]
      : []),
  ];
  return cells.map((cell) => `<td>${cell}`).join('');
}

function scorePlot(parts: readonly ScorePart[]): string {
  const bars = parts.map(({ part, points }, index) => {
    const y = index * LINE;
    return `<text x="0" y="${String(y + 15)}">${text(part)}</text><rect class="none" x="90" y="${String(y + 4)}" width="${String(BAR)}" height="14"/>
<rect class="${points >= 90 ? 'good' : 'bad'}" x="90" y="${String(y + 4)}" width="${width(points / 100, BAR)}" height="14"/><text x="${String(BAR + 98)}" y="${String(y + 15)}">${points.toFixed(1)}</text>`;
  });
  return svg(BAR + 140, parts.length * LINE, 'points of each part', bars);
}

function sizePlot(tables: readonly TableProfile[]): string {
  const sorted = tables.toSorted((one, other) => other.rows - one.rows).slice(0, 30);
  const most = Math.max(1, ...sorted.map((table) => table.rows));
  const bars = sorted.map(({ table, rows: count }, index) => {
    const y = index * LINE;
    return `<text x="0" y="${String(y + 15)}">${text(table)}</text><rect class="rows" x="260" y="${String(y + 4)}" width="${width(count / most, BAR)}" height="14"/><text x="${String(BAR + 268)}" y="${String(y + 15)}">${countWords(count)}</text>`;
  });
  return svg(BAR + 340, sorted.length * LINE, 'rows of the largest tables', bars);
}

function filledPlot({ rows: count, filled, blank, nulls }: ColumnProfile): string {
  if (count === 0) return '';
  const size = 120;
  let x = 0;
  const bars = (
    [
      ['good', filled],
      ['bad', blank],
      ['none', nulls],
    ] as const
  ).map(([name, part]) => {
    const bar = `<rect class="${name}" x="${x.toFixed(1)}" y="4" width="${width(part / count, size)}" height="12"/>`;
    x += (part / count) * size;
    return bar;
  });
  const words = `${countWords(filled)} filled, ${countWords(blank)} blank, ${countWords(nulls)} null`;
  return svg(size, 20, words, bars);
}

function width(part: number, size: number): string {
  return (Math.min(1, part) * size).toFixed(1);
}

function svg(w: number, h: number, title: string, parts: readonly string[]): string {
  return `<svg width="${String(w)}" height="${String(h)}" role="img" aria-label="${text(title)}"><title>${text(title)}</title>${parts.join('')}</svg>`;
}

function listed(title: string, heads: readonly string[], lines: readonly (readonly string[])[]): string {
  return lines.length === 0 ? '' : `<h2>${text(title)}</h2>\n${rows(heads, lines)}`;
}

function rows(heads: readonly string[], lines: readonly (readonly string[])[]): string {
  return `<table>
<tr>${heads.map((head) => `<th>${text(head)}`).join('')}
${lines.map((cells) => `<tr>${cells.map((cell) => `<td>${text(cell)}`).join('')}`).join('\n')}
</table>`;
}

/** Names and values are anything, and the page must not be more than it says. */
function text(value: string): string {
  return value.replace(/[&<>"']/g, (character) => `&#${String(character.charCodeAt(0))};`);
}
