import { parseRows, type SourceEvent } from '@changeover/events';

type Row = readonly (string | null | undefined)[];

/**
 * What a reader makes of the stream, with nothing but the stream: an oracle for it. A value that was never told is undefined. Rows are known by the key columns
 * of their form.
 */
export class Mirror {
  readonly #tables = new Map<string, Map<string, Row>>();
  /** Keys of rows that moved there incompletely: what has to be read again while their table is copied. */
  readonly moved = new Set<string>();

  of(table: string): ReadonlyMap<string, Row> {
    return this.#table(table);
  }

  takeMoved(): string[] {
    const moved = [...this.moved];
    this.moved.clear();
    return moved;
  }

  take(event: SourceEvent): void {
    if (event.type !== 'rows' && event.type !== 'chunk') return;
    const rows = this.#table(event.table.table);
    const keyOf = (row: Row): string =>
      event.table.columns.flatMap(({ key }, index) => (key ? [String(row[index])] : [])).join('\t') || JSON.stringify(row);
    const lines = parseRows(event.rows);
    if (event.type === 'chunk') for (const row of lines) rows.set(keyOf(row), row);
    else if (event.op === 't') rows.clear();
    else {
      const stride = event.op === 'u' && event.before !== 'none' ? 2 : 1;
      for (let at = 0; at < lines.length; at += stride) {
        const first = lines[at] as Row;
        if (event.op === 'd') rows.delete(keyOf(first));
        else if (event.op === 'c') rows.set(keyOf(first), first);
        else {
          const old = rows.get(keyOf(first));
          const now = (lines[at + stride - 1] as Row).map((value, index) => (value === undefined ? old?.[index] : value));
          rows.delete(keyOf(first));
          rows.set(keyOf(now), now);
          if (event.partial && keyOf(first) !== keyOf(now)) this.moved.add(keyOf(now));
        }
      }
    }
  }

  #table(name: string): Map<string, Row> {
    const rows = this.#tables.get(name) ?? new Map<string, Row>();
    this.#tables.set(name, rows);
    return rows;
  }
}
