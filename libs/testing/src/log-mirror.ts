import { decodeJsonBody, FrameReader, parseRows, type CopyProgress, type Frame, type LogEntry, type TableSchema } from '@changeover/events';

import { keyOf, type Row } from './fakes/scripted-tables.js';

type Held = { readonly row: Row; readonly touched: number };

/**
 * What the log alone says that the source's tables hold: an oracle for it. Rows are known by the key columns of their form; a value that was never told
 * is undefined. When the copy of a table has ended, what nothing touched since it began is gone.
 */
export class LogMirror {
  /** Tables whose copies ended, in that order. */
  readonly finished: string[] = [];
  readonly #tables = new Map<string, Map<string, Held>>();
  readonly #forms = new Map<number, TableSchema>();
  readonly #frames = new FrameReader();
  #copies: Readonly<Record<string, CopyProgress>> = {};
  #open: Frame[] = [];

  rows(table: string): readonly Row[] {
    return [...this.#table(table)].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { row }]) => row);
  }

  get copies(): Readonly<Record<string, CopyProgress>> {
    return this.#copies;
  }

  take(entry: LogEntry): void {
    const { header, body } = entry;
    switch (header.kind) {
      case 'schema':
        this.#forms.set(header.seq, decodeJsonBody('schema', entry).table);
        break;
      case 'progress': {
        const body = decodeJsonBody('progress', entry);
        if (!('same' in body)) this.#progress(body.copies ?? {});
        break;
      }
      case 'transaction':
      case 'snapshot-chunk':
        if (header.part === 1) {
          this.#frames.reset();
          this.#open = [];
        }
        this.#open.push(...this.#frames.push(body));
        if (!header.last) break;
        for (const frame of this.#open) this.#apply(frame, header.seq);
        break;
      default:
    }
  }

  #progress(copies: Readonly<Record<string, CopyProgress>>): void {
    for (const [name, { since, left }] of Object.entries(this.#copies)) {
      if (name in copies || left === true) continue;
      const rows = this.#table(name);
      for (const [key, { touched }] of rows) if (touched <= since) rows.delete(key);
      this.finished.push(name);
    }
    this.#copies = copies;
  }

  #apply({ op, before, schemaSeq, rows }: Frame, seq: number): void {
    const form = this.#forms.get(schemaSeq);
    if (form === undefined) throw new TypeError(`record ${String(seq)} refers to form ${String(schemaSeq)}, which was not told`);
    const held = this.#table(`${form.schema}.${form.table}`);
    if (op === 't') held.clear();
    const lines = parseRows(rows);
    const stride = op === 'u' && before !== 'none' ? 2 : 1;
    for (let at = 0; at < lines.length; at += stride) {
      const old = lines[at] as Row;
      const now = lines[at + stride - 1] as Row;
      const was = held.get(keyOf(form, old));
      if (op === 'd' || op === 'u') held.delete(keyOf(form, old));
      if (op === 'd') continue;
      const row = now.map((value, index) => (value === undefined ? was?.row[index] : value));
      held.set(keyOf(form, now), { row, touched: seq });
    }
  }

  #table(name: string): Map<string, Held> {
    const rows = this.#tables.get(name) ?? new Map<string, Held>();
    this.#tables.set(name, rows);
    return rows;
  }
}
