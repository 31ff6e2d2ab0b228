import { invariant } from '@changeover/core';
import { scanLine, type Frame, type Operation, type TableSchema, keyText, mergeLines, type Line } from '@changeover/events';

import { asItLies, KeyedNet, type KeepLine } from './keyed-net.js';
import { addressingOf, keyColumns, tableId, type Addressing, type Segment } from './net-row.js';
import { WholeRowNet } from './whole-row-net.js';

type TableNet = {
  readonly schema: TableSchema;
  readonly addressing: Addressing;
  readonly columns: number;
  readonly keys: readonly number[];
  readonly keyed: KeyedNet;
  readonly wholeRow: WholeRowNet;
  /** Field starts of the line before and after: scratch space, made once. */
  readonly beforeStarts: Int32Array;
  readonly afterStarts: Int32Array;
};

type OpenSegment = { readonly truncated: TableSchema[]; readonly tables: Map<string, TableNet> };

/**
 * Net change per row over the frames of a batch, in order. Works on the frames' bytes: per row one key string and one small object.
 *
 * A truncate, or another form of a table's rows, ends what can be netted and begins a new segment; segments are applied in order in
 * the same target transaction.
 */
export class NetChanges {
  readonly #segments: OpenSegment[] = [];
  readonly #keep: KeepLine;

  /** `keep`: where frames are not to stay in memory for their rows' sake. */
  constructor(keep: KeepLine = asItLies) {
    this.#keep = keep;
  }

  /** Bytes of the lines that are kept. */
  get bytes(): number {
    const nets = this.#segments.flatMap(({ tables }) => [...tables.values()]);
    return nets.reduce((sum, { keyed, wholeRow }) => sum + keyed.bytes + wholeRow.bytes, 0);
  }

  addFrame(seq: number, schema: TableSchema, frame: Frame): void {
    if (frame.op === 't') {
      this.truncate(schema);
      return;
    }
    checkCreated(schema, frame);
    const net = this.#table(schema);
    const { rows, before, op } = frame;
    let at = 0;
    for (let row = 0; row < frame.rowCount; row++) {
      let beforeLine: Line | null = null;
      let afterLine: Line | null = null;
      if (before !== 'none') {
        beforeLine = scan(rows, at, net.columns, net.beforeStarts);
        at = beforeLine.end + 1;
      }
      if (op !== 'd') {
        afterLine = scan(rows, at, net.columns, net.afterStarts);
        at = afterLine.end + 1;
      }
      change(net, seq, op, beforeLine, afterLine, frame.partial);
    }
    invariant(at === rows.length, `a frame of ${tableId(schema)} holds more bytes than rows`);
  }

  /** One row by itself, for rows that were staged. */
  addRow(seq: number, schema: TableSchema, op: Exclude<Operation, 't'>, before: Line | null, after: Line | null): void {
    const net = this.#table(schema);
    if (before !== null) scan(before.bytes, before.start, net.columns, net.beforeStarts);
    if (after !== null) scan(after.bytes, after.start, net.columns, net.afterStarts);
    change(net, seq, op, before, after, true);
  }

  segments(): Segment[] {
    return this.#segments.map(({ truncated, tables }) => ({
      truncated,
      changes: [...tables.values()].flatMap((net) => {
        const rows = net.addressing === 'key' ? net.keyed.rows() : net.wholeRow.rows();
        return rows.length === 0 ? [] : [{ schema: net.schema, addressing: net.addressing, rows }];
      }),
    }));
  }

  /** The table is emptied here. */
  truncate(schema: TableSchema): void {
    const open = this.#segments.at(-1);
    if (open?.tables.size === 0) open.truncated.push(schema);
    else this.#segments.push({ truncated: [schema], tables: new Map() });
  }

  #table(schema: TableSchema): TableNet {
    let open = this.#segments.at(-1);
    const id = tableId(schema);
    const known = open?.tables.get(id);
    if (known !== undefined && (known.schema === schema || known.schema.hash === schema.hash)) return known;
    if (open === undefined || known !== undefined) this.#segments.push((open = { truncated: [], tables: new Map() }));
    const columns = schema.columns.length;
    const net: TableNet = {
      schema,
      addressing: addressingOf(schema),
      columns,
      keys: keyColumns(schema),
      keyed: new KeyedNet(columns, this.#keep),
      wholeRow: new WholeRowNet(this.#keep),
      beforeStarts: new Int32Array(columns + 1),
      afterStarts: new Int32Array(columns + 1),
    };
    open.tables.set(id, net);
    return net;
  }
}

/** COPY would take the mark of a value that is not told for a value. */
export function checkCreated(schema: TableSchema, { op, partial }: Frame): void {
  invariant(!partial || (op !== 'c' && op !== 'r'), `the writes create rows of ${tableId(schema)} without all their values`);
}

/** `starts` has room for a line of the right width only; a wider one would write beyond it, which a typed array ignores. */
function scan(bytes: Buffer, start: number, columns: number, starts: Int32Array): Line {
  const { fields, end } = scanLine(bytes, start, starts);
  invariant(fields === columns, `a row has ${String(fields)} fields where its schema has ${String(columns)} columns`);
  return { bytes, start, end };
}

function change(net: TableNet, seq: number, op: Operation, before: Line | null, after: Line | null, partial: boolean): void {
  if (net.addressing === 'key') changeKeyed(net, seq, op, before, after, partial);
  else {
    invariant(
      net.addressing === 'whole-row' || (before === null && op !== 'u' && op !== 'd'),
      `${tableId(net.schema)} has no identity, yet a row of it changed`,
    );
    if (before !== null) net.wholeRow.add(seq, before, -1);
    if (after !== null) net.wholeRow.add(seq, before !== null && partial ? mergeLines(before, after, net.columns) : after, 1);
  }
}

function changeKeyed(net: TableNet, seq: number, op: Operation, before: Line | null, after: Line | null, partial: boolean): void {
  if (op === 'd') {
    invariant(before !== null, 'a delete without the row before');
    net.keyed.delete(seq, keyText(before.bytes, net.beforeStarts, net.keys), before);
    return;
  }
  invariant(after !== null, 'a change without the row after');
  const to = keyText(after.bytes, net.afterStarts, net.keys);
  if (op === 'u') {
    const from = before === null ? to : keyText(before.bytes, net.beforeStarts, net.keys);
    const line = before !== null && partial ? mergeLines(before, after, net.columns) : after;
    net.keyed.update(seq, from, before ?? after, to, line, partial);
  } else net.keyed.create(seq, to, after);
}
