import { CopyTextWriter, lineOf, type Frame, type Line } from '@changeover/events';

export const STAGED_TABLE = 'pg_temp.changeover_staged';

/** A slice is what the client holds at once. */
const SLICE_ROWS = 5000;
const SLICE_BYTES = 4 * 1024 * 1024;
/** What a slice may come to if it happens to hold only the largest entries. */
const WORST_SLICE_BYTES = 32 * 1024 * 1024;

/** What stands in the temporary table: a row, or a whole frame of new rows (`whole`: their number), lines in `after`. */
export type StagedEntry = {
  /** Number of the row in the record, or of the frame's first. */
  ord: number;
  tab: number;
  op: Frame['op'];
  whole: number | null;
  key: string;
  before: string | null;
  after: string | null;
};

type Place = { readonly ord: number; readonly tab: number };
type Row = { readonly op: Frame['op']; readonly key: string; readonly before: Line | null; readonly after: Line | null };

/** How much was staged of a table. */
export class Extent {
  entries = 0;
  rows = 0;
  bytes = 0;
  largest = 0;

  static ofAll(extents: readonly Extent[]): Extent {
    const all = new Extent();
    for (const { entries, rows, bytes, largest } of extents) {
      all.entries += entries;
      all.rows += rows;
      all.bytes += bytes;
      all.largest = Math.max(all.largest, largest);
    }
    return all;
  }

  count(rows: number, bytes: number): void {
    this.entries += 1;
    this.rows += rows;
    this.bytes += bytes;
    this.largest = Math.max(this.largest, bytes);
  }

  /** Gives what it is, and begins anew. */
  take(): Extent {
    const taken = Extent.ofAll([this]);
    this.entries = this.rows = this.bytes = this.largest = 0;
    return taken;
  }
}

export function entriesPerSlice({ entries, rows, bytes, largest }: Extent): number {
  if (entries === 0) return 1;
  const [rowsEach, bytesEach] = [rows / entries, bytes / entries];
  return Math.max(1, Math.floor(Math.min(SLICE_ROWS / rowsEach, SLICE_BYTES / bytesEach, WORST_SLICE_BYTES / largest)));
}

/** Makes the lines of the temporary table. Lines and keys are escaped once more: to COPY they are values like any other. */
export class StagedWriter {
  readonly #writer = new CopyTextWriter(1024 * 1024);

  get length(): number {
    return this.#writer.length;
  }

  take(): Buffer {
    return this.#writer.take();
  }

  truncate(place: Place, extent: Extent): void {
    this.row(place, { op: 't', key: '', before: null, after: null }, extent);
  }

  row(place: Place, { op, key, before, after }: Row, extent: Extent): void {
    const start = this.#begin(place, op, null);
    const keyBytes = Buffer.from(key, 'latin1');
    this.#writer.value(keyBytes, 0, keyBytes.length);
    for (const line of [before, after]) {
      this.#writer.tab();
      if (line === null) this.#writer.null();
      else this.#writer.value(line.bytes, line.start, line.end);
    }
    this.#end(start, 1, extent);
  }

  frame(place: Place, { op, rowCount, rows }: Frame, extent: Extent): void {
    const start = this.#begin(place, op, rowCount);
    this.#writer.tab();
    this.#writer.null();
    this.#writer.tab();
    this.#writer.value(rows, 0, rows.length);
    this.#end(start, rowCount, extent);
  }

  #begin({ ord, tab }: Place, op: Frame['op'], whole: number | null): number {
    const start = this.#writer.length;
    const head = Buffer.from(`${String(ord)}\t${String(tab)}\t${op}\t${whole === null ? '\\N' : String(whole)}\t`);
    this.#writer.raw(head, 0, head.length);
    return start;
  }

  #end(start: number, rows: number, extent: Extent): void {
    this.#writer.endRow();
    extent.count(rows, this.#writer.length - start);
  }
}

export function lineFrom(text: string | null): Line | null {
  return text === null ? null : lineOf(Buffer.from(`${text}\n`, 'utf8'));
}

/** The frame of new rows that an entry holds. */
export function frameOf({ op, whole, after }: StagedEntry): Frame {
  return { op, before: 'none', partial: false, schemaSeq: 0, rowCount: whole ?? 0, rows: Buffer.from(after ?? '', 'utf8') };
}
