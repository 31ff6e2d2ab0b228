import { bytesWords, ChangeoverError, countWords } from '@changeover/core';
import type { LogFinding, LogReport, StreamFacts } from '@changeover/events';

import { inColumns } from '../status/columns.js';

/** Of the findings, in what is printed for people. */
const MOST_LINES = 50;

const OPERATIONS = { r: 'copied', c: 'inserted', u: 'updated', d: 'deleted', t: 'truncated' } as const;

/** What `log inspect` says of each stream. */
export function renderSummary(report: LogReport): string {
  const streams = report.streams.flatMap((facts) => [...summaryLines(facts), '']);
  return [...streams, ...missingLines(report), ...partialLines(report), ''].join('\n').replace(/\n+$/, '\n');
}

/** What `log verify` says. */
export function renderVerdict(report: LogReport): string {
  const { findings, found, streams } = report;
  const rows = inColumns([
    ['stream', 'records', 'messages', 'bytes', ''],
    ...streams.map((facts) => [
      facts.stream,
      countWords(sum(facts.records)),
      countWords(facts.messages),
      bytesWords(facts.bytes),
      verdictWords(facts),
    ]),
  ]);
  const shown = findings.slice(0, MOST_LINES).map(findingLine);
  const more =
    found > shown.length ? [`and ${countWords(found - shown.length)} more (--json names up to ${countWords(findings.length)})`] : [];
  return [...rows, ...(found > 0 ? ['', ...shown, ...more] : []), ...missingLines(report), ...partialLines(report), ''].join('\n');
}

/** With the code at which a reader would stop first. */
export function damaged({ findings, found }: LogReport): ChangeoverError | null {
  const [first] = findings;
  if (first === undefined) return null;
  const what = found === 1 ? '1 finding' : `${countWords(found)} findings`;
  const { code, stream, offset, seq } = first;
  return new ChangeoverError(code, `the log is not as it was written: ${what}, the first in ${stream} at offset ${String(offset)}`, {
    facts: { found, stream, offset, seq },
  });
}

/** One line: where, what a reader would stop with, and why. */
export function findingLine({ stream, code, check, offset, seq, what }: LogFinding): string {
  return `${stream} offset ${String(offset)}${seq === null ? '' : ` record ${String(seq)}`}: ${code} (${check}): ${what}`;
}

function verdictWords({ readTo, end, found }: StreamFacts): string {
  if (Object.keys(found).length > 0) return 'damaged';
  return readTo < end ? 'as far as it was read, as it was written' : 'as it was written';
}

function summaryLines(facts: StreamFacts): readonly string[] {
  const { stream, logId, start, end, records, parts, fences, uncounted, unfinished, messages, bytes, tables, largest, found } = facts;
  const kinds = Object.entries(records).map(([kind, count]) => `${countWords(count)} ${kind}`);
  const left = Object.entries({ ...uncounted, bytes: 0 }).filter(([, count]) => count > 0);
  const lines: readonly (readonly [string, string])[] = [
    ['log', logId ?? 'none'],
    ['offsets', start === end ? 'none' : `${countWords(start)} to ${countWords(end - 1)}`],
    ['stored', `${countWords(messages)} messages, ${bytesWords(bytes)} before the store compresses them`],
    ['first', endWords(facts.first)],
    ['last', endWords(facts.last)],
    ['records', `${countWords(sum(records))}${kinds.length === 0 ? '' : `: ${kinds.join(', ')}`}; in ${countWords(parts)} parts`],
    ['fences', `${countWords(fences.counted)}${fences.uncounted === 0 ? '' : `, and ${countWords(fences.uncounted)} that do not count`}`],
    ['largest', largest === null ? 'none' : largestWords(largest)],
    [
      'uncounted',
      left.length === 0
        ? 'none'
        : `${left.map(([why, count]) => `${countWords(count)} ${why}`).join(', ')} (${bytesWords(uncounted.bytes)}); no reader takes them`,
    ],
    [
      'gaps',
      Object.entries(found)
        .map(([code, count]) => `${countWords(count)} ${code}`)
        .join(', ') || 'none',
    ],
    ...(unfinished === null
      ? []
      : [['unfinished', `record ${String(unfinished.seq)}, ${countWords(unfinished.messages)} parts of it so far`] as const]),
  ];
  const rows = tables.map(({ table, rows: counts }) => [
    `  ${table ?? 'of a form that is not in the log'}`,
    Object.entries(OPERATIONS)
      .flatMap(([op, word]) => rowsWords(counts[op as keyof typeof OPERATIONS], word))
      .join(', '),
  ]);
  return [
    stream,
    ...inColumns(lines.map(([name, value]) => [`  ${name}`, value])),
    ...(rows.length === 0 ? [] : ['  rows by table', ...inColumns(rows).map((line) => `  ${line}`)]),
  ];
}

/** A truncation has no rows, and happened all the same. */
function rowsWords(count: number | undefined, word: string): readonly string[] {
  if (count === undefined) return [];
  return [word === OPERATIONS.t ? word : `${countWords(count)} ${word}`];
}

function largestWords({ seq, bytes, parts, rows }: NonNullable<StreamFacts['largest']>): string {
  return `record ${String(seq)}: ${bytesWords(bytes)}, ${countWords(rows)} rows, ${countWords(parts)} ${parts === 1 ? 'part' : 'parts'}`;
}

function endWords(end: StreamFacts['first']): string {
  if (end === null) return 'none';
  const { seq, position, ts_ms, offset } = end;
  const committed = ts_ms === null ? '' : `, committed ${new Date(ts_ms).toISOString()}`;
  return `record ${String(seq)} at offset ${String(offset)}${position === '' ? '' : `, position ${position}`}${committed}`;
}

function missingLines({ missing }: LogReport): readonly string[] {
  return missing.map((stream) => `${stream} is not there: transform makes it when it is first started`);
}

function partialLines({ complete, streams }: LogReport): readonly string[] {
  if (complete) return [];
  const read = streams.map(({ stream, readTo, end }) => `${stream} up to offset ${String(readTo)} of ${String(end)}`);
  return [`PARTIAL: it was told to stop. Read: ${read.join(', ')}`];
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((all, count) => all + count, 0);
}
