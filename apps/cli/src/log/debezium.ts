import type { ListedRecord, RowChange, RowValues } from '@changeover/events';

/** What Debezium writes for a large value that did not change and that the source did not tell. */
const UNAVAILABLE = '__debezium_unavailable_value';

type Place = { readonly migration: string; readonly total: number; readonly ofTable: number };

/**
 * A row change in the envelope that Debezium's PostgreSQL connector writes with its JSON converter and without schemas. Values are the source's text, not
 * numbers; `before` has the columns that the source told. Both times are the commit's, as the log keeps no other. Of rows that were copied `op` is `r`.
 */
export function debeziumEnvelope(header: ListedRecord['header'], change: RowChange, { migration, total, ofTable }: Place): object {
  const { table, op, before, after } = change;
  const { kind, pos, follows, txId, ts_ms } = header;
  const position = pos ?? follows;
  const isCopy = kind === 'snapshot-chunk';
  return {
    before,
    after: after === null ? null : whole(after),
    source: {
      connector: 'changeover',
      name: migration,
      ts_ms: ts_ms ?? null,
      snapshot: isCopy ? 'true' : 'false',
      schema: table.schema,
      table: table.table,
      txId: txId ?? null,
      position,
      sequence: header.seq,
    },
    op,
    ts_ms: ts_ms ?? null,
    transaction: isCopy
      ? null
      : {
          id: txId === undefined ? position : `${txId}:${position}`,
          total_order: total,
          data_collection_order: ofTable,
        },
  };
}

function whole(row: RowValues): Readonly<Record<string, string | null>> {
  return Object.fromEntries(Object.entries(row).map(([column, value]) => [column, value === undefined ? UNAVAILABLE : value]));
}
