import { bytesWords, countWords } from '@changeover/core';
import { tableName, type ListedRecord, type RowChange, type RowValues } from '@changeover/events';

import { visible } from '../held/words.js';

/** One record in one line. Holds no value of a row. */
export function recordLine({ header, offset, bytes, parts, tables }: ListedRecord): string {
  const { seq, kind, pos, follows, ts_ms, txId, rows, from, refused } = header;
  const position = pos ?? follows;
  return [
    `#${String(seq)}`,
    kind,
    `at ${String(offset)}`,
    ...(position === '' ? [] : [position]),
    ...(ts_ms === undefined ? [] : [new Date(ts_ms).toISOString()]),
    ...(txId === undefined ? [] : [`tx ${txId}`]),
    ...(rows === undefined ? [] : [`${countWords(rows)} ${rows === 1 ? 'row' : 'rows'}`]),
    bytesWords(bytes),
    `${countWords(parts)} ${parts === 1 ? 'part' : 'parts'}`,
    ...(from === undefined ? [] : [`from changes #${String(from.seq)}`]),
    ...(tables.length === 0 ? [] : [tables.join(', ')]),
    ...(refused === undefined ? [] : [`refused: ${refused.code}: ${visible(refused.reason)}`]),
  ].join('  ');
}

export function recordJson({ header, offset, bytes, parts, tables }: ListedRecord): object {
  const { seq, kind, epoch, pos, follows, ts_ms, txId, origin, rows, from, refused } = header;
  return {
    seq,
    kind,
    offset,
    epoch,
    position: pos ?? follows,
    ts_ms: ts_ms ?? null,
    txId: txId ?? null,
    ...(origin !== undefined && { origin }),
    rows: rows ?? null,
    bytes,
    parts,
    ...(from !== undefined && { from: from.seq }),
    ...(refused !== undefined && { refused }),
    tables,
  };
}

/** A row with its values: only for who asked for them. */
export function rowLine({ table, op, before, after }: RowChange): string {
  const name = tableName(table);
  if (op === 't') return `  t ${name}`;
  return `  ${op} ${name} ${[before, after].flatMap((row) => (row === null ? [] : [valuesWords(row)])).join(' -> ')}`;
}

export function rowJson(seq: number, { table, op, before, after }: RowChange): object {
  return { seq, table: tableName(table), op, before, after };
}

function valuesWords(row: RowValues): string {
  const told = Object.entries(row).flatMap(([column, value]) =>
    value === undefined ? [] : [`${column}=${value === null ? 'null' : visible(JSON.stringify(value))}`],
  );
  return `(${told.join(', ')})`;
}
