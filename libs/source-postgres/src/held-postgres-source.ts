import { asChangeoverError, ChangeoverError, invariant, RandomIdSource, type Clock, type Position } from '@changeover/core';
import type { ChunkRequest, HeldSource, SourceEvent } from '@changeover/events';

import type { Catalogue } from './catalogue.js';
import { EventQueue } from './event-queue.js';
import { tablesLost, type KeptAtSource, type PublicationWatch } from './kept-at-source.js';
import { readPosition } from './lsn.js';
import { PgoutputDecoder, type MissingForm } from './pgoutput-decoder.js';
import type { Relation } from './relation.js';
import type { ReplicationConnection } from './replication-connection.js';
import type { TableStorage } from './rewrites.js';
import type { SourceConfig } from './settings.js';
import { ChunkMerge } from './snapshot/chunk-merge.js';
import { ChunkReader } from './snapshot/chunk-reader.js';
import type { SqlSession } from './sql-session.js';
import { UpstreamAcker } from './upstream-acker.js';

const XLOG_DATA = 0x77; // w
const KEEPALIVE = 0x6b; // k
/** XLogData: letter, start, end, time, then pgoutput's message. */
const XLOG_HEADER_BYTES = 25;
/** After so long without a word we ask the server by SQL whether our walsender still lives. */
const SILENCE_MS = 5000;
/**
 * A source that shuts down asks for replies as fast as we give them, and waits, with all its other work ended, until it
 * is told that everything is safe (seen: `pg_ctl stop -m fast` hung for ever). A log that can be written has everything
 * within a second; after this long we let go.
 */
const SHUTDOWN_PATIENCE_MS = 3000;
/** Requests further apart than this are the ordinary ones, each half a wal_sender_timeout. */
const SHUTDOWN_PACE_MS = 500;
/** How often, at least, we look whether somebody changed the publication. */
const WATCH_MS = 10_000;
/** How often we ask whether a transaction that we were sent can be seen by now. */
const UNSEEN_POLL_MS = 5;
const RELEASE_TIMEOUT_MS = 2000;
const RELEASE_POLL_MS = 10;

export type HeldSourceParts = {
  readonly config: SourceConfig;
  readonly clock: Clock;
  readonly sql: SqlSession;
  readonly catalogue: Catalogue;
  readonly kept: KeptAtSource;
  readonly connection: ReplicationConnection;
};

type Watched = PublicationWatch & { readonly storage?: Readonly<Record<string, TableStorage>> };

type Begun = {
  readonly confirmed: Position;
  readonly watch: PublicationWatch;
  readonly statusIntervalMs: number;
  readonly backlog: Buffer[];
};

/**
 * One walsender's stream. The socket is read as long as the queue has room, whatever the reader does; the bytes of a
 * message live only during `#take`, so it decodes at once.
 *
 * ```
 *                        copy() ──▶ reader
 *                                     ▼
 * socket ──▶ #take ──▶ decoder ──▶ merge ──▶ queue ──▶ events()   (paused: the queue is full, or a table's form is looked up)
 *    ▲                                                   │
 *    └── status, by timer and on request ◀── acker ◀── acknowledge()
 * ```
 */
export class HeldPostgresSource implements HeldSource {
  readonly confirmed: Position;
  readonly #parts: HeldSourceParts;
  readonly #watch: PublicationWatch;
  #watched: number;
  readonly #acker: UpstreamAcker;
  readonly #queue: EventQueue;
  readonly #chunks: ChunkReader;
  #decoder: PgoutputDecoder | undefined;
  #merge: ChunkMerge | undefined;
  readonly #timer: NodeJS.Timeout;
  /**
   * Messages that arrived while nothing can be decoded: before {@link events}, or while a table's form is looked up. The
   * socket is paused meanwhile, so it is at most what had already been read from it.
   */
  #backlog: Buffer[] | undefined;
  #ended = false;
  /** What ended it, if it was not we: whatever fails after that fails for this reason. */
  #endedBy: ChangeoverError | null = null;
  #asking = false;
  #settling = false;
  /** When the requests for replies that follow each other closely began, and the last of them; `undefined`: none yet. */
  #asked: { readonly since: number; readonly last: number } | undefined;

  private constructor(parts: HeldSourceParts, { confirmed, watch, statusIntervalMs, backlog }: Begun) {
    this.#parts = parts;
    this.#watch = watch;
    this.#watched = parts.clock.monotonic();
    this.confirmed = confirmed;
    this.#backlog = backlog;
    this.#acker = new UpstreamAcker(confirmed);
    this.#chunks = new ChunkReader(parts.config, parts.catalogue);
    this.#queue = new EventQueue(parts.config.readAheadBytes, () => {
      this.#readOn();
    });
    this.#timer = setInterval(() => {
      this.#tick();
    }, statusIntervalMs);
    this.#tick();
  }

  /** Takes the slot. SOURCE_BUSY while it is somebody else's, SOURCE_LOST if it is gone or cannot go on. */
  static async start(parts: HeldSourceParts): Promise<HeldPostgresSource> {
    const { connection, config, kept, sql } = parts;
    const statusIntervalMs = await statusInterval(sql, config);
    const watch = await kept.watch();
    const early: Buffer[] = [];
    const begun: { held?: HeldPostgresSource; error?: ChangeoverError } = {};
    await connection.start({
      slot: config.slot,
      publication: config.slot,
      onMessage: (message) => {
        if (begun.held === undefined) early.push(Buffer.from(message));
        else begun.held.#take(message);
      },
      onEnd: (error) => {
        begun.error = error;
        if (begun.held !== undefined) begun.held.#end(error);
      },
    });
    connection.pause();
    // From here on only we move the slot, so what it says now is what the source believes.
    const slot = await kept.slot();
    if (slot?.activePid !== connection.processId) {
      throw begun.error ?? new ChangeoverError('SOURCE_UNREACHABLE', 'the replication connection ended as soon as it had begun');
    }
    const held = new HeldPostgresSource(parts, { confirmed: slot.confirmed, watch, statusIntervalMs, backlog: early });
    begun.held = held;
    if (begun.error !== undefined) held.#end(begun.error);
    return held;
  }

  events(after: Position, signal: AbortSignal, unseen: readonly string[] = []): AsyncIterable<readonly SourceEvent[]> {
    invariant(this.#decoder === undefined, 'the events of one hold are asked for twice');
    if (after < this.confirmed) this.#end(cannotGoBack(this.confirmed, after));
    this.#acker.delivered(after);
    const merge = new ChunkMerge((event) => {
      this.#queue.push(event);
    }, unseen);
    this.#merge = merge;
    this.#decoder = new PgoutputDecoder({
      after,
      markPrefix: this.#parts.config.slot,
      emit: (event) => {
        merge.pass(event);
      },
    });
    if (!this.#ended) this.#takeBacklog();
    return this.#batches(signal);
  }

  get watched(): string {
    const { rewrites } = this.#parts.catalogue;
    const watched: Watched = { ...this.#watch, storage: rewrites.toJSON() };
    return JSON.stringify(watched);
  }

  async requireNothingMissed(watched?: string): Promise<readonly string[]> {
    if (watched === undefined) {
      await this.#parts.kept.requireUnchanged(this.#watch);
      return [];
    }
    const { storage, ...watch } = JSON.parse(watched) as Watched;
    await this.#parts.kept.requireUnchanged(watch);
    if (storage !== undefined) this.#parts.catalogue.rewrites.restore(storage);
    const { entries } = this.#watch;
    return Object.keys(entries).filter((table) => entries[table]?.entry !== watch.entries[table]?.entry);
  }

  acknowledge(position: Position): void {
    this.#acker.acknowledge(position);
  }

  async copy(request: ChunkRequest): Promise<void> {
    const merge = this.#merge;
    invariant(merge !== undefined, 'a copy is asked for before the events');
    for (;;) {
      const coming = merge.expect(`${request.schema}.${request.table}`);
      try {
        const token = new RandomIdSource().uuid();
        const chunk = await this.#chunks.read(request);
        let hidden = merge.offer(coming, chunk, token);
        if (hidden.length === 0) {
          await this.mark(token);
          hidden = await coming.done.promise;
        }
        if (hidden.length === 0) return;
        for (const txId of hidden) await this.#untilSeen(txId);
      } catch (error) {
        merge.forget(coming);
        throw this.#endedBy ?? error;
      }
    }
  }

  async unseen(): Promise<readonly string[]> {
    const merge = this.#merge;
    if (merge === undefined || merge.unseenCount === 0) return [];
    merge.settle(await this.#parts.catalogue.visibility());
    return merge.unseen;
  }

  async mark(token: string): Promise<void> {
    await this.#parts.sql.query('SELECT pg_logical_emit_message(true, $1, $2)', [this.#parts.config.slot, token]);
  }

  async retained(): Promise<{ readonly bytes: number; readonly lost: boolean }> {
    const slot = await this.#parts.kept.slot();
    if (slot === null) throw slotGone(this.#parts.config.slot);
    return { bytes: slot.keptBytes, lost: slot.walStatus === 'unreserved' || slot.walStatus === 'lost' };
  }

  /** Transactions that are remembered because they may not be seen yet. */
  get remembered(): number {
    return this.#merge?.unseenCount ?? 0;
  }

  /** The most bytes of rows that ever waited for the reader. */
  get mostBytesAhead(): number {
    return this.#queue.mostBytes;
  }

  /** Tells the source the last of what is safe, ends the stream, and waits a moment until the slot is free for the next holder. */
  async [Symbol.asyncDispose](): Promise<void> {
    const wasEnded = this.#stop();
    this.#queue.close();
    const { connection, kept, clock } = this.#parts;
    if (!wasEnded) connection.sendStatus(this.#acker.acknowledged, false);
    await connection.close();
    const deadline = clock.monotonic() + RELEASE_TIMEOUT_MS;
    while (!wasEnded && clock.monotonic() < deadline) {
      const slot = await kept.slot().catch(() => null);
      if (slot?.activePid !== connection.processId) return;
      await clock.sleep(RELEASE_POLL_MS);
    }
  }

  async *#batches(signal: AbortSignal): AsyncGenerator<readonly SourceEvent[]> {
    for (;;) {
      const batch = await this.#queue.take(signal);
      if (batch === null) return;
      const last = batch.findLast((event) => 'position' in event);
      if (last !== undefined) this.#acker.delivered(last.position);
      yield batch;
    }
  }

  #take(message: Buffer): void {
    if (message[0] === KEEPALIVE && message[17] === 1) this.#reply();
    if (this.#backlog !== undefined || this.#decoder === undefined) (this.#backlog ??= []).push(Buffer.from(message));
    else this.#decode(this.#decoder, message);
  }

  #end(error: ChangeoverError): void {
    this.#endedBy ??= error;
    this.#stop();
    this.#queue.fail(error);
  }

  #decode(decoder: PgoutputDecoder, message: Buffer): void {
    if (message[0] === XLOG_DATA) {
      const missing = decoder.decode(message, XLOG_HEADER_BYTES);
      if (missing !== undefined) {
        this.#parts.connection.pause();
        this.#backlog = [Buffer.from(message)];
        void this.#fetchForm(decoder, missing);
      } else if (this.#queue.full) this.#parts.connection.pause();
    } else if (message[0] === KEEPALIVE) {
      decoder.keepalive(readPosition(message, 1));
    } else {
      throw new ChangeoverError('SOURCE_DATA', `the stream holds a message of the unknown kind ${String(message[0])}`);
    }
  }

  async #fetchForm(decoder: PgoutputDecoder, { relation, txId }: MissingForm): Promise<void> {
    try {
      this.#requireName(relation);
      await this.#untilSeen(txId);
      decoder.provide(relation, await this.#parts.catalogue.formOf(relation));
    } catch (error) {
      await this.#give(asChangeoverError(error));
      return;
    }
    if (!this.#ended) this.#takeBacklog();
  }

  /** What we watch may look as before when a table has been another's name and got its own back; the stream tells what it was called meanwhile. */
  #requireName({ oid, schema, table }: Relation): void {
    const said = `${schema}.${table}`;
    const known = Object.entries(this.#watch.entries).find(([, entry]) => entry.table === oid)?.[0];
    if (known !== undefined && known !== said) throw tablesLost([known, said]);
  }

  /** A commit comes to us when it is on disk, and to everybody else a little later: with synchronous replication, much later. */
  async #untilSeen(txId: string): Promise<void> {
    const { catalogue, clock } = this.#parts;
    while (!(await catalogue.visibility()).sees(txId)) {
      await clock.sleep(UNSEEN_POLL_MS);
      if (this.#ended) throw letGo();
    }
  }

  #takeBacklog(): void {
    const backlog = this.#backlog ?? [];
    this.#backlog = undefined;
    try {
      for (const message of backlog) this.#take(message);
    } catch (error) {
      void this.#give(asChangeoverError(error));
    }
    this.#readOn();
  }

  #readOn(): void {
    if (!this.#ended && this.#backlog === undefined && !this.#queue.full) this.#parts.connection.resume();
  }

  #reply(): void {
    this.#parts.connection.sendStatus(this.#acker.acknowledged, false);
    const now = this.#parts.clock.monotonic();
    const before = this.#asked;
    const since = before !== undefined && now - before.last < SHUTDOWN_PACE_MS ? before.since : now;
    this.#asked = { since, last: now };
    if (now - since > SHUTDOWN_PATIENCE_MS) throw new ChangeoverError('SOURCE_UNREACHABLE', 'the source shuts down and waits only for us');
  }

  #tick(): void {
    const { connection, clock } = this.#parts;
    const reading = this.#backlog === undefined && !this.#queue.full;
    connection.sendStatus(this.#acker.acknowledged, reading && connection.silentMs > SILENCE_MS / 2);
    if (this.remembered > 0 && !this.#settling) void this.#settle();
    if (connection.silentMs > SILENCE_MS || clock.monotonic() - this.#watched > WATCH_MS) void this.#askWhetherAlive();
  }

  /** Forgets transactions that can be seen, so that what is remembered of them is bounded by a moment's work, not by the life of the stream. */
  async #settle(): Promise<void> {
    this.#settling = true;
    // Whether the source answers is looked after elsewhere.
    await this.unseen().catch(() => undefined);
    this.#settling = false;
  }

  /**
   * A walsender that decodes a large transaction of other tables may be silent for minutes; a dead network always is. And
   * while our reader pauses we do not read what a source that shuts down asks, but it no longer answers SQL. The same
   * question tells whether we are still told everything: without a publication PostgreSQL 18 sends nothing, and no error.
   */
  async #askWhetherAlive(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    try {
      const { kept, connection, clock } = this.#parts;
      await kept.requireUnchanged(this.#watch);
      this.#watched = clock.monotonic();
      const slot = await kept.slot();
      if (slot?.activePid !== connection.processId) {
        await this.#give(new ChangeoverError('SOURCE_UNREACHABLE', 'the source no longer knows our replication connection'));
      }
    } catch (error) {
      await this.#give(asChangeoverError(error));
    } finally {
      this.#asking = false;
    }
  }

  /** Ends the stream from our side because of `error`. */
  async #give(error: ChangeoverError): Promise<void> {
    this.#end(error);
    await this.#parts.connection.close();
  }

  /** Whether it had ended before. */
  #stop(): boolean {
    const was = this.#ended;
    this.#ended = true;
    clearInterval(this.#timer);
    this.#merge?.close(letGo());
    this.#chunks.close();
    return was;
  }
}

function cannotGoBack(confirmed: Position, after: Position): ChangeoverError {
  const message = `the source was told that everything up to ${confirmed} is safe, and cannot go back to ${after || 'the start'}`;
  return new ChangeoverError('SOURCE_LOST', message);
}

function letGo(): ChangeoverError {
  return new ChangeoverError('SOURCE_UNREACHABLE', 'the source was let go');
}

export function slotGone(slot: string): ChangeoverError {
  return new ChangeoverError('SOURCE_LOST', `the source has no slot ${slot} any more`);
}

/** Three times within the server's patience, which may be set for this role or database alone. */
async function statusInterval(sql: SqlSession, config: SourceConfig): Promise<number> {
  const [row] = await sql.query<{ ms: number }>("SELECT setting::int AS ms FROM pg_settings WHERE name = 'wal_sender_timeout'");
  return row === undefined || row.ms === 0
    ? config.statusIntervalMs
    : Math.min(config.statusIntervalMs, Math.max(1, Math.floor(row.ms / 3)));
}
