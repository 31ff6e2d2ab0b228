import { ChangeoverError, invariant, unreachable } from '@changeover/core';
import {
  decodeJsonBody,
  encodeJsonBody,
  FrameReader,
  readPositionOf,
  type LastPartFacts,
  type LogEntry,
  type LogItem,
  type LogWriter,
  type ReadPosition,
  type RecordPart,
  type RecordRef,
  type TableSchema,
} from '@changeover/events';
import { targetSchema } from '@changeover/mapping';

import { RecordAppender } from '../record-appender.js';
import { RecordBuilder } from '../record-builder.js';
import type { ToldSchemas } from '../told-schemas.js';
import { otherMapping } from './other-mapping.js';
import { requireHarmless } from '../schema-change.js';
import type { TransformOptions } from './transform-loop.js';

type SessionOptions = TransformOptions & {
  readonly writer: LogWriter;
  readonly hash: string;
  /** Whether the log says already that our mapping is the active one. */
  readonly active: boolean;
  readonly told: ToldSchemas;
};

/** One fence's worth of transforming. */
export class TransformSession {
  readonly #options: SessionOptions;
  readonly #appender: RecordAppender;
  /** Target form by the sequence of the source's schema record. */
  readonly #targets = new Map<number, TableSchema>();
  readonly #sources = new Map<number, TableSchema>();
  readonly #frames = new FrameReader();
  #builder: RecordBuilder | null = null;
  #active: boolean;
  /** The last record of `changes` that is in what was queued. */
  #from: ReadPosition | null;

  constructor(options: SessionOptions) {
    const { writer, crashPoint, limits, active } = options;
    this.#options = options;
    this.#active = active;
    this.#from = writer.tail.header?.from ?? null;
    this.#appender = new RecordAppender({
      writer,
      maxQueuedBytes: limits.maxQueuedBytes,
      onAppended: (endedInsideRecord) => crashPoint(endedInsideRecord ? 'transform.between-parts' : 'transform.after-append'),
    });
  }

  /** `again`: read again behind the tail (a table's form had to be told in the middle of a large record). */
  async take(batch: readonly LogItem[]): Promise<'taken' | 'again'> {
    try {
      for (const item of batch) {
        if (item.type === 'abandoned') this.#forget();
        else if ((await this.#entry(item.entry)) === 'again') return 'again';
      }
    } catch (error) {
      // What came before the record that cannot be passed on is right: it goes out first.
      await this.#appender.drain();
      throw error;
    }
    await this.#appender.ready();
    return 'taken';
  }

  /** Rejects as soon as an append has failed; never resolves. */
  get failed(): Promise<never> {
    return this.#appender.failed;
  }

  drain(): Promise<void> {
    return this.#appender.drain();
  }

  /** Waits for the append under way, whatever becomes of it. */
  async settle(): Promise<void> {
    await this.#appender.drain().catch(() => undefined);
  }

  async #entry(entry: LogEntry): Promise<'taken' | 'again'> {
    const { header } = entry;
    switch (header.kind) {
      case 'transaction': {
        const outcome = await this.#transaction(entry);
        if (outcome === 'again') return 'again';
        break;
      }
      case 'snapshot-chunk':
        throw new ChangeoverError(
          'SNAPSHOT_NEEDED',
          `record ${String(header.seq)} holds rows that were copied, of which this version makes nothing yet`,
        );
      case 'schema':
        await this.#schema(entry);
        break;
      case 'mapping-activated': {
        const { hash } = decodeJsonBody('mapping-activated', entry);
        if (hash !== this.#options.hash) throw otherMapping(hash, this.#options.hash);
        this.#active = true;
        this.#pass(entry, { kind: 'progress', body: [], last: true });
        break;
      }
      case 'progress':
        this.#pass(entry, { kind: 'progress', body: [], last: true });
        break;
      case 'barrier':
        this.#pass(entry, { kind: 'barrier', body: encodeJsonBody('barrier', decodeJsonBody('barrier', entry)), last: true });
        break;
      default:
        return unreachable(header.kind);
    }
    return 'taken';
  }

  async #transaction(entry: LogEntry): Promise<'taken' | 'again'> {
    const { header } = entry;
    if (!this.#active)
      throw new ChangeoverError('MAPPING_NOT_ACTIVE', `record ${String(header.seq)} comes before any mapping was activated`);
    if (header.part === 1) this.#forget();
    for (const ref of header.schemas ?? []) if (!this.#targets.has(ref.seq)) await this.#fetchSchema(ref);
    const builder = (this.#builder ??= new RecordBuilder('transaction'));
    for (const frame of this.#frames.push(entry.body)) {
      const target = this.#targets.get(frame.schemaSeq);
      invariant(target !== undefined, `record ${String(header.seq)} refers to schema ${String(frame.schemaSeq)}, which it does not name`);
      let told = this.#options.told.find(target);
      if (told === null) {
        const again = builder.partsGiven > 0;
        if (again) this.#appender.abandon();
        this.#appender.add([this.#options.told.part(target, this.#facts())]);
        await this.#appender.drain();
        if (again) return 'again';
        told = this.#options.told.find(target);
        invariant(told !== null, 'a form was told');
      }
      builder.add(frame, told);
      const part = builder.takeFullPart();
      if (part !== null) this.#appender.add([{ part }]);
    }
    if (!header.last) {
      await this.#appender.ready();
      return 'taken';
    }
    this.#frames.end();
    this.#builder = null;
    const { txId, ts_ms, origin } = header;
    this.#pass(entry, builder.takeLastPart({ txId, ts_ms, origin }));
    return 'taken';
  }

  async #fetchSchema(ref: RecordRef): Promise<void> {
    const { log, changes } = this.#options;
    const { table } = decodeJsonBody('schema', await log.fetch(changes, ref));
    this.#know(ref.seq, table);
  }

  async #schema(entry: LogEntry): Promise<void> {
    const { table, previous, empty, copy } = decodeJsonBody('schema', entry);
    if (previous !== null) {
      if (!this.#sources.has(previous.seq)) await this.#fetchSchema(previous);
      requireHarmless(this.#sources.get(previous.seq) as TableSchema, table, empty === true || copy === true);
    }
    this.#know(entry.header.seq, table);
    this.#from = readPositionOf(entry);
  }

  #know(seq: number, source: TableSchema): void {
    this.#sources.set(seq, source);
    this.#targets.set(seq, targetSchema(this.#options.mapping, source));
  }

  /** Appends what `entry` became; from then on a restart goes on behind `entry`. */
  #pass(entry: LogEntry, part: RecordPart): void {
    const { header } = entry;
    this.#from = readPositionOf(entry);
    const rows = part.facts?.rows ?? 0;
    const pos = header.pos ?? header.follows;
    const ts_ms = header.ts_ms;
    const { from, mapping } = this.#facts();
    const facts: LastPartFacts = { ...part.facts, pos, ts_ms, from, mapping };
    this.#appender.add([
      {
        part: { kind: part.kind, body: part.body, last: true, facts },
        onDurable: () => {
          this.#options.observer.advanced({
            records: 1,
            rows,
            bytes: entry.body.length,
            seq: header.seq,
            changesSeq: header.seq,
            position: pos,
            ts_ms: ts_ms ?? null,
          });
        },
      },
    ]);
  }

  #facts(): LastPartFacts {
    return { pos: this.#from?.pos, from: this.#from ?? undefined, mapping: this.#active ? this.#options.hash : undefined };
  }

  /** The record in hand was given up by its writer, or begins anew. */
  #forget(): void {
    this.#frames.reset();
    if (this.#builder !== null && this.#builder.partsGiven > 0) this.#appender.abandon();
    this.#builder = null;
  }
}
