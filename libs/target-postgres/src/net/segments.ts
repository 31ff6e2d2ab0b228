import type { TableSchema } from '@changeover/events';

import { isOurs } from '../own-schema.js';
import { NetChanges } from './net-changes.js';
import { addressingOf, tableId, type NetRow, type PlacedFrame, type Segment } from './net-row.js';

/** What a batch does to a table, as its frames say it. */
type TableFrames = { readonly schema: TableSchema; readonly frames: PlacedFrame[]; rows: number; onlyCreates: boolean };

/**
 * The net change of a batch. Tables to which it does nothing but add rows, `bulkFrom` of them or more, keep the frames as they came: netting costs each row
 * a key and an entry in a map, and would find in them only what must not be, a row that is made twice. The unique index on the key finds that as well;
 * then they are netted after all.
 */
export function segmentsOf(placed: readonly PlacedFrame[], bulkFrom: number): Segment[] {
  const tables = tablesOf(placed);
  const isBulk = ({ rows, onlyCreates, schema }: TableFrames): boolean => onlyCreates && rows >= bulkFrom && !isOurs(schema);
  const bulk = tables === null ? [] : tables.filter(isBulk);
  if (bulk.length === 0) return netOf(placed).segments();
  const left = new Set(bulk.map(({ schema }) => tableId(schema)));
  // With no truncate, and one form per table, this is one segment at most.
  const [rest] = netOf(placed.filter(({ schema }) => !left.has(tableId(schema)))).segments();
  const created = bulk.map(({ schema, frames }) => ({ schema, addressing: addressingOf(schema), rows: [], created: frames }));
  return [{ truncated: [], changes: [...created, ...(rest?.changes ?? [])] }];
}

/** The net rows of frames of one table. */
export function netRows(frames: readonly PlacedFrame[]): readonly NetRow[] {
  return netOf(frames)
    .segments()
    .flatMap(({ changes }) => changes.flatMap(({ rows }) => rows));
}

function netOf(placed: readonly PlacedFrame[]): NetChanges {
  const net = new NetChanges();
  for (const { seq, schema, frame } of placed) net.addFrame(seq, schema, frame);
  return net;
}

/** Null: the batch is more than one segment. */
function tablesOf(placed: readonly PlacedFrame[]): readonly TableFrames[] | null {
  const tables = new Map<string, TableFrames>();
  for (const one of placed) {
    const { schema, frame } = one;
    if (frame.op === 't') return null;
    const creates = (frame.op === 'c' || frame.op === 'r') && !frame.partial;
    const known = tables.get(tableId(schema));
    if (known === undefined) {
      tables.set(tableId(schema), { schema, frames: [one], rows: frame.rowCount, onlyCreates: creates });
      continue;
    }
    if (known.schema.hash !== schema.hash) return null;
    known.frames.push(one);
    known.rows += frame.rowCount;
    known.onlyCreates &&= creates;
  }
  return [...tables.values()];
}
