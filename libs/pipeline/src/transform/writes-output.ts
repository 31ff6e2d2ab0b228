import { invariant, type CrashPoint } from '@changeover/core';
import {
  readPositionOf,
  type Frame,
  type LastPartFacts,
  type LogEntry,
  type LogWriter,
  type ReadPosition,
  type RecordPart,
  type TableSchema,
} from '@changeover/events';

import type { PipelineObserver } from '../ports.js';
import { RecordAppender } from '../record-appender.js';
import { RecordBuilder } from '../record-builder.js';
import type { ToldSchemas } from '../told-schemas.js';

export type OutputOptions = {
  readonly writer: LogWriter;
  readonly told: ToldSchemas;
  readonly observer: PipelineObserver;
  readonly crashPoint: CrashPoint;
  readonly limits: { readonly maxQueuedBytes: number; readonly partBytes?: number };
};

/** What a record of `changes` became: its kind, the body of one that holds no frames, and what only some say. */
type Outcome = Pick<RecordPart, 'kind' | 'body'> & { readonly facts?: Pick<LastPartFacts, 'activation' | 'refused'> };

/**
 * `writes`, as the session adds to it. What the stream holds already, of records that are derived again after a crash, is not sent twice.
 */
export class WritesOutput {
  readonly #options: OutputOptions;
  readonly #appender: RecordAppender;
  /** What the stream held when we began. */
  readonly #tail: { readonly from: ReadPosition | null; readonly batch: number; readonly mapping: string | null };
  /** The last record of `changes` that is in what was queued, and how many records of the first derivation stand behind it. */
  #from: ReadPosition | null;
  #batch: number;
  /** The hash of the mapping in force; null: none is. */
  #mapping: string | null = null;
  /** What is derived stands in the stream already: forms that are told again meanwhile stand behind all of it, under the mapping of the tail. */
  #isRefilling: boolean;
  #builder: RecordBuilder | null = null;
  /** The record in hand stands in the stream already. */
  #silent = false;
  #holdsFrames = false;

  constructor(options: OutputOptions) {
    const { writer, crashPoint, limits } = options;
    const { header } = writer.tail;
    this.#options = options;
    this.#from = header?.from ?? null;
    this.#batch = header?.batch ?? 0;
    this.#tail = { from: this.#from, batch: this.#batch, mapping: header?.mapping ?? null };
    this.#isRefilling = this.#from !== null;
    this.#appender = new RecordAppender({
      writer,
      maxQueuedBytes: limits.maxQueuedBytes,
      onAppended: (endedInsideRecord) => {
        crashPoint(endedInsideRecord ? 'transform.between-parts' : 'transform.after-append');
      },
    });
  }

  /** The record of `changes` that the stream's tail came from, when we began. */
  get tail(): ReadPosition | null {
    return this.#tail.from;
  }

  /** The stream as it is now: what is on its way not included. */
  get reached(): { readonly logId: string; readonly seq: number } {
    const { logId, seq } = this.#options.writer.tail;
    return { logId, seq };
  }

  /** Rejects as soon as an append has failed; never resolves. */
  get failed(): Promise<never> {
    return this.#appender.failed;
  }

  /** From here on, which is at this record of `changes`, the records name this mapping. */
  activated(hash: string, seq: number): void {
    this.#mapping = hash;
    if (!this.holds(seq)) this.#isRefilling = false;
  }

  /** Whether the stream held what became of this record of `changes` when we began. */
  holds(seq: number): boolean {
    return seq <= (this.#tail.from?.seq ?? 0);
  }

  /** Tells the form of a target table, unless the stream knows it; resolves when frames may refer to it. Between records only. */
  async tell(target: TableSchema): Promise<void> {
    const { told } = this.#options;
    if (told.find(target) !== null) return;
    this.#appender.add([told.part(target, this.#facts())]);
    await this.#appender.drain();
  }

  /** A record begins that this one of `changes` becomes; with `batch`, one of the first derivation, which stands before that. */
  begin({ header }: LogEntry, batch: number | null = null): void {
    this.#silent = this.holds(header.seq) || (batch !== null && batch <= this.#tail.batch);
    if (this.#silent && this.#tail.from !== null) this.#options.observer.refilled({ seq: header.seq, through: this.#tail.from.seq });
    if (!this.#silent) this.#isRefilling = false;
    this.#builder = this.#silent ? null : new RecordBuilder('transaction', this.#options.limits.partBytes);
    this.#holdsFrames = false;
  }

  /** Frames of the record in hand. */
  add(frame: Omit<Frame, 'schemaSeq'>, target: TableSchema): void {
    this.#holdsFrames = true;
    if (this.#builder === null) {
      invariant(this.#silent, 'rows outside a record');
      return;
    }
    const schema = this.#options.told.find(target);
    invariant(schema !== null, `the form of ${target.schema}.${target.table} was told`);
    this.#builder.add(frame, schema);
    const part = this.#builder.takeFullPart();
    if (part !== null) this.#appender.add([{ part }]);
  }

  /** The record is complete; from then on a restart goes on behind `entry`. Without frames it is `otherwise`. */
  pass(entry: LogEntry, otherwise: Outcome): void {
    const builder = this.#builder;
    this.#builder = null;
    if (this.#silent) return;
    this.#from = readPositionOf(entry);
    this.#batch = 0;
    this.#end(entry, builder, otherwise);
  }

  /** A record of the first derivation is complete. */
  passBatch(entry: LogEntry, batch: number, otherwise: Outcome): void {
    const builder = this.#builder;
    this.#builder = null;
    if (this.#silent) return;
    this.#batch = batch;
    this.#end(entry, builder, otherwise);
  }

  /** Whether the record in hand holds frames, or would if it did not stand in the stream already. */
  get holdsFrames(): boolean {
    return this.#holdsFrames;
  }

  /** The record in hand was given up by its writer, or begins anew. */
  forget(): void {
    if ((this.#builder?.partsGiven ?? 0) > 0) this.#appender.abandon();
    this.#builder = null;
  }

  /** Resolves at once while there is room, else when there is room again. */
  ready(): Promise<void> {
    return this.#appender.ready();
  }

  drain(): Promise<void> {
    return this.#appender.drain();
  }

  #end(entry: LogEntry, builder: RecordBuilder | null, { facts: more, ...otherwise }: Outcome): void {
    const { header } = entry;
    const { txId, ts_ms, origin } = header;
    const facts: LastPartFacts = { ...this.#facts(), txId, ts_ms, origin, ...more };
    const part: RecordPart =
      builder === null || builder.isEmpty ? { ...otherwise, last: true, facts: { ...facts, rows: 0 } } : builder.takeLastPart(facts);
    const rows = part.facts?.rows ?? 0;
    this.#appender.add([
      {
        part,
        onDurable: () => {
          const { seq, pos, follows } = header;
          const position = pos ?? follows;
          this.#options.observer.advanced({
            records: 1,
            rows,
            bytes: entry.body.length,
            seq,
            changesSeq: seq,
            position,
            ts_ms: ts_ms ?? null,
          });
        },
      },
    ]);
  }

  #facts(): LastPartFacts {
    return {
      pos: this.#from?.pos,
      from: this.#from ?? undefined,
      mapping: (this.#isRefilling ? this.#tail.mapping : this.#mapping) ?? undefined,
      batch: this.#batch === 0 ? undefined : this.#batch,
    };
  }
}
