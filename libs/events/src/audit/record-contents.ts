import { asChangeoverError } from '@changeover/core';

import type { Frame, Operation } from '../frame/frame.js';
import { FrameReader } from '../frame/frame-codec.js';
import { tableName, type TableSchema } from '../frame/table-schema.js';
import type { LogEntry } from '../log/event-log.port.js';
import type { ProgressBody, SameProgress, SchemaBody } from '../record/bodies.js';
import { holdsFrames, type RecordRef } from '../record/header.js';
import type { FindingCode, LogCheck, Problem } from './finding.js';
import { wrongLines } from './frame-lines.js';

/** Rows of a record. `table` is null where the form that they refer to is not in the log. */
export type RowCount = { readonly table: string | null; readonly op: Operation; readonly rows: number };

/** `rows`: of the whole record, with its last part. */
export type Contents = { readonly rows: readonly RowCount[]; readonly problems: readonly Problem[] };

type Form = RecordRef & { readonly table: TableSchema };
type References = { readonly schemas: readonly RecordRef[]; readonly same: RecordRef | null };

const NOTHING: Contents = { rows: [], problems: [] };
/** Of the `progress` records that were told last. */
const [KEPT_WHOLE, KEPT_PROGRESS] = [100, 1_000];

/**
 * Reads what counted records hold, in order from the beginning: whether rows can be taken apart, are as many as they should be and have the columns of
 * their form, and whether the records that they refer to lie where they say. Holds the forms of all tables, and what {@link FrameReader} holds.
 */
export class RecordContents {
  readonly #forms = new Map<number, Form>();
  /** Sequences that lead nowhere, each told once: every later record refers to them again. */
  readonly #nowhere = new Set<number>();
  readonly #frames = new FrameReader();
  readonly #rows = new Map<string, RowCount>();
  /** Those that others may refer to as the same. */
  readonly #wholeProgress = new LastRecords(KEPT_WHOLE);
  readonly #progress = new LastRecords(KEPT_PROGRESS);
  /** Pieces of a JSON body in parts. */
  #pieces: Buffer[] = [];
  /** The rest of the record cannot be read. */
  #skips = true;

  /** What was held of a record that does not go on. */
  #forget(): void {
    this.#frames.reset();
    this.#rows.clear();
    this.#pieces = [];
    this.#skips = true;
  }

  /** Where a part is missing, nothing more of its record is given. */
  take(entry: LogEntry): Contents {
    const { header } = entry;
    if (header.part === 1) {
      this.#forget();
      this.#skips = false;
    }
    if (this.#skips) return NOTHING;
    const problems = [
      ...this.#references(header.schemas ?? [], entry),
      ...this.#lastProgress(header.progress ?? null, this.#progress, entry),
    ];
    const more = holdsFrames(header.kind) ? this.#rowsOf(entry) : this.#jsonOf(entry, header.kind);
    const rows = header.last ? [...this.#rows.values()] : [];
    return { rows, problems: [...problems, ...more] };
  }

  #rowsOf(entry: LogEntry): readonly Problem[] {
    const { header, body } = entry;
    const problems: Problem[] = [];
    try {
      for (const frame of this.#frames.push(body)) problems.push(...this.#frame(frame, entry));
      if (!header.last) return problems;
      this.#frames.end();
    } catch (error) {
      this.#forget();
      return [...problems, at(entry, 'LOG_CORRUPT', 'frames', asChangeoverError(error, 'LOG_CORRUPT').message)];
    }
    const found = [...this.#rows.values()].reduce((sum, { rows }) => sum + rows, 0);
    if (header.rows === undefined || header.rows === found) return problems;
    const what = `record ${String(header.seq)} says that it has ${String(header.rows)} rows, and has ${String(found)}`;
    return [...problems, at(entry, 'LOG_CORRUPT', 'frames', what)];
  }

  #frame(frame: Frame, entry: LogEntry): readonly Problem[] {
    const form = this.#forms.get(frame.schemaSeq);
    const table = form === undefined ? null : tableName(form.table);
    const key = `${frame.op} ${table ?? ''}`;
    this.#rows.set(key, { table, op: frame.op, rows: (this.#rows.get(key)?.rows ?? 0) + frame.rowCount });
    if (form === undefined) return this.#nowhereOnce(frame.schemaSeq, entry, 'no schema record of that sequence stands before it');
    const wrong = wrongLines(frame, form.table.columns.length);
    if (wrong === null) return [];
    return [at(entry, 'LOG_CORRUPT', 'frames', `rows of ${table ?? ''} in record ${String(entry.header.seq)}: ${wrong}`)];
  }

  #jsonOf(entry: LogEntry, kind: LogEntry['header']['kind']): readonly Problem[] {
    const { header, body } = entry;
    if (header.part > 1 || !header.last) {
      // A copy: a view would keep the whole batch alive while we wait.
      this.#pieces.push(Buffer.from(body));
      if (!header.last) return [];
    }
    const whole = header.part === 1 ? body : Buffer.concat(this.#pieces);
    this.#pieces = [];
    // One that only passes a place on, as those of writes do.
    if (kind === 'progress' && whole.length === 0) return [];
    let references: References;
    try {
      references = this.#json(kind, JSON.parse(whole.toString('utf8')), entry);
    } catch {
      return [at(entry, 'LOG_CORRUPT', 'body', `the body of record ${String(header.seq)} (${kind}) is not what its kind has`)];
    }
    const { schemas, same } = references;
    return [...this.#references(schemas, entry), ...this.#lastProgress(same, this.#wholeProgress, entry)];
  }

  /** Keeps what later records refer to; throws where the body has another shape. */
  #json(kind: LogEntry['header']['kind'], body: unknown, { header, at: offset }: LogEntry): References {
    const ref: RecordRef = { seq: header.seq, at: offset };
    if (kind === 'schema') {
      const { table, previous } = body as SchemaBody;
      // One in parts cannot be fetched, so nothing may refer to it.
      if (table.columns.length >= 0 && header.part === 1) this.#forms.set(header.seq, { ...ref, table });
      return { schemas: previous === null ? [] : [previous], same: null };
    }
    if (kind !== 'progress') return { schemas: [], same: null };
    this.#progress.add(ref);
    const progress = body as Partial<ProgressBody> & Partial<SameProgress>;
    if (progress.same !== undefined) return { schemas: [], same: progress.same };
    this.#wholeProgress.add(ref);
    return { schemas: Object.values(progress.schemas ?? {}).flat(), same: null };
  }

  #references(schemas: readonly RecordRef[], entry: LogEntry): readonly Problem[] {
    return schemas.flatMap(({ seq, at: offset }) => {
      const form = this.#forms.get(seq);
      if (form?.at === offset) return [];
      const there =
        form === undefined ? 'no schema record of that sequence stands before it' : `that record lies at offset ${String(form.at)}`;
      return this.#nowhereOnce(seq, entry, there);
    });
  }

  #lastProgress(ref: RecordRef | null, known: LastRecords, entry: LogEntry): readonly Problem[] {
    if (ref === null || known.mayHold(ref)) return [];
    return this.#nowhereOnce(
      ref.seq,
      entry,
      known === this.#progress ? 'no progress record lies there' : 'no whole progress record lies there',
    );
  }

  #nowhereOnce(seq: number, entry: LogEntry, there: string): readonly Problem[] {
    if (this.#nowhere.has(seq)) return [];
    this.#nowhere.add(seq);
    const what = `record ${String(entry.header.seq)} refers to record ${String(seq)}, which is not where it says: ${there}`;
    return [at(entry, 'LOG_GAP', 'reference', what)];
  }
}

function at(entry: LogEntry, code: FindingCode, check: LogCheck, what: string): Problem {
  return { code, check, offset: entry.at, seq: entry.header.seq, what };
}

/** The last of many: what was forgotten may have been among them. */
class LastRecords {
  readonly #at = new Map<number, number>();
  readonly #most: number;
  #forgotten = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add({ seq, at: offset }: RecordRef): void {
    this.#at.set(seq, offset);
    const [oldest = 0] = this.#at.keys();
    if (this.#at.size <= this.#most) return;
    this.#at.delete(oldest);
    this.#forgotten = oldest;
  }

  mayHold({ seq, at: offset }: RecordRef): boolean {
    return seq <= this.#forgotten || this.#at.get(seq) === offset;
  }
}
