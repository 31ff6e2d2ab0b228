import type { ChangeoverError, Position } from '@changeover/core';
import type { SourceEvent, TableSchema } from '@changeover/events';

import type { ReadChunk } from './chunk-reader.js';
import { ChunkRows, type RowsEvent } from './chunk-rows.js';
import type { Visibility } from './visibility.js';

/** What may be remembered for a chunk while it is being read: beyond it, the chunk is read again when the transaction can be seen. */
const REMEMBERED_BYTES = 16 * 1024 * 1024;

/** Transactions that have to be seen before the chunk is read again; none: it is in the stream. */
type Hidden = readonly string[];

/** A chunk on its way: being read, then waiting for the stream to reach its mark. */
type ComingChunk = {
  readonly table: string;
  /** Transactions given before this began were not watched for it. */
  readonly since: number;
  /** Changes of the table, until it is known which of them the snapshot shows. */
  readonly touches: { readonly txId: string; readonly event: RowsEvent }[];
  touchedBytes: number;
  read: {
    readonly token: string;
    readonly form: TableSchema;
    readonly visibility: Visibility;
    readonly rows: ChunkRows;
    readonly last: string | null;
  } | null;
  hidden: string[];
  readonly done: Deferred<Hidden>;
};

class Deferred<T> {
  readonly promise: Promise<T>;
  resolve: (value: T) => void = () => undefined;
  reject: (error: unknown) => void = () => undefined;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Whoever waits hears of it; nobody has to.
    this.promise.catch(() => undefined);
  }
}

/**
 * Brings chunks into the stream. A chunk was read at some moment; it stands in the stream where a mark does that was written after
 * that moment. So everything that the snapshot shows lies before it. What else lies before it must not be undone by it:
 *
 * - transactions that were given since the chunk was asked for are laid over its rows, if the snapshot does not show them;
 * - with any given before, of which nothing is remembered, the chunk cannot be used: it is read again once they can be seen.
 *
 * The idea is DBLog's (https://arxiv.org/abs/2010.12597), with the decision by transaction id instead of by position, and with rows laid over
 * instead of dropped.
 */
export class ChunkMerge {
  readonly #emit: (event: SourceEvent) => void;
  /** Transactions that were given and may not be visible yet, with their ordinals. */
  readonly #given: Map<string, number>;
  #ordinal = 0;
  #txId = '';
  readonly #coming = new Map<string, ComingChunk>();

  constructor(emit: (event: SourceEvent) => void, unseen: readonly string[]) {
    this.#emit = emit;
    this.#given = new Map(unseen.map((txId) => [txId, 0]));
  }

  /** Transactions that were given and were not seen when somebody looked last. */
  get unseen(): readonly string[] {
    return [...this.#given.keys()];
  }

  get unseenCount(): number {
    return this.#given.size;
  }

  /** Forgets the transactions that can be seen. */
  settle(visibility: Visibility): void {
    for (const txId of this.#given.keys()) if (txId !== this.#txId && visibility.sees(txId)) this.#given.delete(txId);
  }

  /** Takes every event of the stream, in order, and passes it on. */
  pass(event: SourceEvent): void {
    switch (event.type) {
      case 'begin':
        this.#txId = event.txId;
        this.#given.set(event.txId, ++this.#ordinal);
        break;
      case 'rows':
        if (this.#coming.size > 0) this.#touch(event);
        break;
      case 'commit':
        this.#txId = '';
        break;
      case 'mark':
        for (const coming of this.#coming.values()) {
          if (coming.read?.token !== event.token) continue;
          this.#arrive(coming, event);
          return;
        }
        break;
      default:
    }
    this.#emit(event);
  }

  /** From now on changes of the table are remembered for a chunk that is about to be read. */
  expect(table: string): ComingChunk {
    const coming: ComingChunk = {
      table,
      since: this.#ordinal,
      touches: [],
      touchedBytes: 0,
      read: null,
      hidden: [],
      done: new Deferred<Hidden>(),
    };
    this.#coming.set(table, coming);
    return coming;
  }

  /**
   * The chunk was read. With nothing hidden it waits for its mark, which has to be written now, and then resolves `done`;
   * otherwise it is forgotten.
   */
  offer(coming: ComingChunk, { visibility, form, rows, rowCount, last }: ReadChunk, token: string): Hidden {
    this.settle(visibility);
    for (const [txId, ordinal] of this.#given) if (ordinal <= coming.since && !visibility.sees(txId)) coming.hidden.push(txId);
    const read = { token, form, visibility, rows: new ChunkRows(form, rows, rowCount), last };
    coming.read = read;
    for (const { txId, event } of coming.touches) lay(coming, read, txId, event);
    coming.touches.length = 0;
    if (coming.hidden.length > 0) this.forget(coming);
    return coming.hidden;
  }

  forget(coming: ComingChunk): void {
    if (this.#coming.get(coming.table) === coming) this.#coming.delete(coming.table);
  }

  /** Nothing arrives any more. */
  close(error: ChangeoverError): void {
    for (const { done } of this.#coming.values()) done.reject(error);
    this.#coming.clear();
  }

  #touch(event: RowsEvent): void {
    const coming = this.#coming.get(`${event.table.schema}.${event.table.table}`);
    if (coming === undefined) return;
    if (coming.read !== null) {
      lay(coming, coming.read, this.#txId, event);
      return;
    }
    coming.touchedBytes += event.rows.length;
    if (coming.touchedBytes > REMEMBERED_BYTES) {
      coming.touches.length = 0;
      coming.hidden.push(this.#txId);
    } else coming.touches.push({ txId: this.#txId, event });
  }

  #arrive(coming: ComingChunk, { position, ts_ms }: { readonly position: Position; readonly ts_ms: number }): void {
    this.forget(coming);
    if (coming.read === null || coming.hidden.length > 0) this.#emit({ type: 'keepalive', position });
    else {
      const { form, rows, last } = coming.read;
      this.#emit({ type: 'chunk', table: form, ...rows.take(), last, position, ts_ms });
    }
    coming.done.resolve(coming.hidden);
  }
}

function lay(coming: ComingChunk, { form, visibility, rows }: NonNullable<ComingChunk['read']>, txId: string, event: RowsEvent): void {
  if (visibility.sees(txId)) return;
  // Rows of another form cannot be laid over these: the table was changed in between.
  if (event.table.hash !== form.hash) coming.hidden.push(txId);
  else rows.apply(event);
}
