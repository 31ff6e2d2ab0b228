import { countWords } from '@changeover/core';
import type { Checkpoint, ListedCheckpoint, MoveReport, Whereabouts } from '@changeover/events';
import type { Moved } from '@changeover/pipeline';
import type { CheckpointStep } from '@changeover/verification';

import { totalsWords, visible } from '../held/words.js';
import { inColumns } from '../status/columns.js';

/** Rows of others' that are named to people. */
const MOST_LINES = 10;

/** One in a few lines. */
export function renderCheckpoint(checkpoint: Checkpoint): string {
  const { name, made_ms, place, mapping, totals, digests, read } = checkpoint;
  const tables = Object.entries(digests).sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    `checkpoint ${name}`,
    ...inColumns([
      ['  made', new Date(made_ms).toISOString()],
      ['  source', `${place.position}, committed ${new Date(place.ts_ms).toISOString()}`],
      ['  record', `${countWords(place.changes.seq)} of changes, ${countWords(place.writes.seq)} of writes`],
      ['  mapping', mapping],
      ['  not there', totalsWords(totals) ?? 'no row is held, waits or is refused'],
      ['  read', read ? 'the target held just this' : 'no: what the target should hold, by what was written to it'],
    ]),
    ...inColumns([
      ['  table', 'rows', 'digest'],
      ...tables.map(([table, { content }]) => [
        `  ${table}`,
        content === null ? 'not known' : countWords(content.rows),
        content?.sum ?? 'its form has changed: create one with --read',
      ]),
    ]),
    '',
  ].join('\n');
}

/** All of them, with where the target is among them. */
export function renderList(list: readonly ListedCheckpoint[], where: Whereabouts | null): string {
  if (list.length === 0) return `there is no checkpoint${where === null ? ': nothing was loaded yet' : ''}\n`;
  const rows = list.map((listed): readonly string[] => {
    if ('damaged' in listed) return [listed.name, 'damaged', listed.damaged, '', ''];
    const { name, made_ms, place, totals, exchanged = false } = listed;
    const here = where?.parked?.at === name ? 'the target is here' : exchanged ? 'no way back: the tables were exchanged since' : '';
    return [name, new Date(made_ms).toISOString(), `record ${countWords(place.changes.seq)}`, totalsWords(totals) ?? '', here];
  });
  return `${inColumns([['checkpoint', 'made', 'place', 'not there', ''], ...rows]).join('\n')}\n`;
}

export function renderMoved({ to, parkedAt, report }: Moved, dryRun: boolean): string {
  const place = `record ${countWords(to.changes.seq)} of changes, committed at the source ${new Date(to.ts_ms).toISOString()}`;
  if (report === null)
    return parkedAt === null ? 'load follows the stream: there is nothing to go forward to\n' : `the target is at ${parkedAt} already\n`;
  const lines = [
    `${dryRun ? 'dry run, nothing was changed: ' : ''}the target ${dryRun ? 'would be' : 'is'} at ${parkedAt ?? 'where load had come'} (${place})`,
    `rows: ${rowsWords(report)}`,
    ...changedLines(report),
  ];
  if (!dryRun) lines.push(parkedAt === null ? 'load goes on from there' : 'load stays there: `changeover forward` lets it go on');
  return `${lines.join('\n')}\n`;
}

function rowsWords({ inserted, updated, deleted, held }: MoveReport): string {
  const parts = [
    [inserted, 'inserted'],
    [updated, 'updated'],
    [deleted, 'deleted'],
    [held, 'of the list of held rows'],
  ] as const;
  const words = parts.flatMap(([count, what]) => (count === 0 ? [] : [`${countWords(count)} ${what}`]));
  return words.length === 0 ? 'none differ' : words.join(', ');
}

function changedLines({ changed, changedRows }: MoveReport): readonly string[] {
  if (changed === 0) return [];
  const shown = changedRows.slice(0, MOST_LINES);
  return [
    `changed by somebody else: ${countWords(changed)}`,
    ...shown.map(
      ({ table, key, how }) => `  ${table} (${key.map((value) => (value === null ? 'null' : visible(value))).join(', ')}): ${how}`,
    ),
    ...(changed > shown.length ? [`  and ${countWords(changed - shown.length)} more (--json names more)`] : []),
  ];
}

export function stepLine({ doing, table, done, of }: CheckpointStep): string {
  switch (doing) {
    case 'marking':
      return 'waiting for the barrier at the target';
    case 'summing':
      return `summing up what was written: ${countWords(done)}${of === null ? '' : ` of ${countWords(of)}`} records`;
    case 'reading':
      return `reading ${table ?? ''}: ${countWords(done)} rows`;
  }
}
