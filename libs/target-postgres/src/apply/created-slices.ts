import { invariant } from '@changeover/core';
import type { TableSchema } from '@changeover/events';

import type { KnownTables } from '../catalogue/known-tables.js';
import { addressingOf, tableId, type PlacedFrame, type Segment } from '../net/net-row.js';
import { takesBulk } from './bulk-rows.js';
import { parentsFirst } from './table-order.js';

/** New rows of one table, as they came. */
export type Created = { readonly schema: TableSchema; readonly frames: readonly PlacedFrame[] };

const LF = 0x0a;

/**
 * The tables of a batch that does nothing but add rows, parents first; null if it does anything else, or if rows of it may need rows that come later in it
 * (a table that refers to itself, a circle). Such a batch may be applied in slices, so that what the target refuses is looked for in a small one.
 */
export function createdTables(segments: readonly Segment[], known: KnownTables): readonly Created[] | null {
  const [segment] = segments;
  if (segment === undefined || segments.length > 1 || segment.truncated.length > 0) return null;
  const tables: Created[] = [];
  for (const { schema, created } of segment.changes) {
    if (created === undefined || !takesBulk(known.plan(schema))) return null;
    tables.push({ schema, frames: created });
  }
  const all = known.catalogue.tables;
  const ranks = parentsFirst(
    tables.map(({ schema }) => tableId(schema)),
    all,
  );
  const rankOf = ({ schema }: Created): number => ranks.get(tableId(schema)) as number;
  const mayNeedLater = (table: Created): boolean =>
    (all.get(tableId(table.schema))?.foreignKeys ?? []).some(
      ({ toSchema, toTable }) => (ranks.get(tableId({ schema: toSchema, table: toTable })) ?? -1) >= rankOf(table),
    );
  return tables.some(mayNeedLater) ? null : tables.sort((a, b) => rankOf(a) - rankOf(b));
}

export function segmentOf({ schema, frames }: Created): Segment {
  return { truncated: [], changes: [{ schema, addressing: addressingOf(schema), rows: [], created: frames }] };
}

export function rowsIn({ frames }: Created): number {
  return frames.reduce((sum, { frame }) => sum + frame.rowCount, 0);
}

/** The same rows in pieces of at most so many. */
export function cut({ schema, frames }: Created, rows: number): Created[] {
  const pieces: PlacedFrame[][] = [];
  let room = 0;
  for (const { seq, frame } of frames) {
    let at = 0;
    for (let done = 0; done < frame.rowCount;) {
      if (room === 0) {
        pieces.push([]);
        room = rows;
      }
      const count = Math.min(room, frame.rowCount - done);
      const end = endOfRows(frame.rows, at, count);
      pieces.at(-1)?.push({ seq, schema, frame: { ...frame, rowCount: count, rows: frame.rows.subarray(at, end) } });
      at = end;
      done += count;
      room -= count;
    }
    invariant(at === frame.rows.length, `a frame of ${tableId(schema)} holds more bytes than rows`);
  }
  return pieces.map((piece) => ({ schema, frames: piece }));
}

/** An LF inside of a value is escaped. */
function endOfRows(bytes: Buffer, start: number, count: number): number {
  let end = start;
  for (let row = 0; row < count; row++) {
    const at = bytes.indexOf(LF, end);
    invariant(at !== -1, 'a frame holds fewer lines than rows');
    end = at + 1;
  }
  return end;
}
