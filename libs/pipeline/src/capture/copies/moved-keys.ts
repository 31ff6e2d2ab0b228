import { scanLine, type Before, type Operation, type TableSchema } from '@changeover/events';

/** Rows of one table and operation, as the source or the log gives them. */
export type Touch = {
  readonly op: Operation;
  readonly before: Before;
  readonly partial: boolean;
  readonly rows: Buffer;
};

/** Keys as COPY text of the key columns, which is how a source is asked for them. */
export type MovedKey = { readonly from: string; readonly to: string };

/** Rows that moved to another key without all of their values being told. */
export function* movedKeys({ op, before, partial, rows }: Touch, table: TableSchema): Iterable<MovedKey> {
  if (op !== 'u' || !partial || before === 'none') return;
  const keys = table.columns.flatMap(({ key }, index) => (key ? [index] : []));
  const starts = new Int32Array(table.columns.length + 1);
  const keyAt = (start: number): { readonly key: string; readonly end: number } => {
    const { end } = scanLine(rows, start, starts);
    const fields = keys.map((column) => rows.toString('utf8', starts[column], (starts[column + 1] as number) - 1));
    return { key: fields.join('\t'), end };
  };
  for (let at = 0; at < rows.length;) {
    const old = keyAt(at);
    const now = keyAt(old.end + 1);
    at = now.end + 1;
    if (old.key !== now.key) yield { from: old.key, to: now.key };
  }
}
