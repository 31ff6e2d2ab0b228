import { ChangeoverError, invariant, unreachable, type Position } from '@changeover/core';
import {
  countLines,
  tableName,
  decodeJsonBody,
  encodeJsonBody,
  type CorrectionBody,
  type HeldSource,
  type LogWriter,
  type ProgressBody,
  type ReferenceRows,
  type RecordPart,
  type RecordRef,
  type SourceEvent,
  type SourceIdentity,
  type TableSchema,
  type TableSize,
} from '@changeover/events';

import { changeWithoutRowEvents } from '../schema-change.js';
import type { PipelineObserver } from '../ports.js';
import { RecordAppender, type QueuedPart } from '../record-appender.js';
import { RecordBuilder } from '../record-builder.js';
import { ToldSchemas } from '../told-schemas.js';
import { CopyDriver } from './copies/copy-driver.js';
import { pieces } from './copies/pieces.js';
import { canBeCopied, type TableCopies } from './copies/table-copies.js';
import type { ChunkEvent, TableCopy } from './copies/table-copy.js';
import type { UnseenTransactions } from './copies/unseen-transactions.js';
import { PendingRequests } from './pending-requests.js';
import type { CaptureOptions } from './capture-loop.js';

/** Between two looks at the source: how much it keeps for us, and whether a table changed without a row. */
const INSPECT_MS = 10_000;
const PROGRESS_MS = 1_000;
const PROGRESS_BYTES = 8 * 1024 * 1024;

export type Copying = {
  readonly copies: TableCopies;
  readonly unseen: UnseenTransactions;
  /** Tables that came since the last progress, or came back: what they held then was not told. */
  readonly joined: readonly string[];
};

type SessionOptions = CaptureOptions & {
  readonly held: HeldSource;
  readonly writer: LogWriter;
  readonly identity: SourceIdentity;
  readonly progress: ProgressBody;
  readonly copying: Copying;
};

/** What a form says of the table's rows: that there are none, or that they are copied with it. */
type Judged = { readonly empty: boolean; readonly copy: { readonly estimate: TableSize | null } | null };

type OpenTransaction = { readonly txId: string; readonly ts_ms: number; readonly origin?: string; readonly builder: RecordBuilder };

/** One hold on the source: turns its events into records until it ends. */
export class CaptureSession implements AsyncDisposable {
  readonly #options: SessionOptions;
  readonly #appender: RecordAppender;
  readonly #told: ToldSchemas;
  readonly #requests: PendingRequests;
  readonly #abort = new AbortController();
  readonly #driver: CopyDriver;
  /** The source's events were asked for. */
  #following = false;
  /** A tick waits for the source; the next ones do not. */
  #looking = false;
  #open: OpenTransaction | null = null;
  /** The last position that is queued or durable. */
  #position: Position;
  #progressRef: RecordRef | undefined;
  /** The last that was told whole, but for its position. */
  #wholeProgress: { readonly text: string; readonly ref: RecordRef } | null = null;
  #bytesSinceProgress = 0;
  #mapping: string | null;
  #activated: (() => void) | null = null;
  #failed: ((error: unknown) => void) | null = null;

  constructor(options: SessionOptions) {
    const { writer, crashPoint, progress, limits, copying } = options;
    this.#options = options;
    this.#driver = new CopyDriver({
      ...options,
      ...copying,
      limits: limits.copies,
      onError: (error) => this.#failed?.(error),
    });
    this.#appender = new RecordAppender({
      writer,
      maxQueuedBytes: limits.maxQueuedBytes,
      onAppended: (endedInsideRecord) => {
        crashPoint(endedInsideRecord ? 'capture.between-parts' : 'capture.after-append');
      },
    });
    this.#told = ToldSchemas.from(progress.schemas);
    this.#requests = new PendingRequests(progress.requests);
    this.#position = writer.tail.pos;
    this.#mapping = progress.mapping;
    const { header, seq, at } = writer.tail;
    this.#progressRef = header?.kind === 'progress' ? { seq, at } : header?.progress;
  }

  /** `again`: the source must be read again from the last commit (a table's form was told in between). */
  async run(signal: AbortSignal): Promise<'stopped' | 'again'> {
    const failure = new Promise<never>((_, reject) => (this.#failed = reject));
    failure.catch(() => undefined);
    const ended = AbortSignal.any([signal, this.#abort.signal]);
    const timers = [
      setInterval(() => this.#background(this.#tick()), PROGRESS_MS),
      setInterval(() => this.#background(this.#inspect()), INSPECT_MS),
    ];
    try {
      await this.#tellAtStart();
      this.#background(this.#takeRequests(ended));
      this.#addProgress();
      this.#background(this.#inspectLeftOut());
      // A source that is silent must not keep us from hearing that the log failed.
      const outcome = await Promise.race([failure, this.#appender.failed, this.#follow(ended)]);
      await this.#appender.drain();
      return outcome;
    } finally {
      timers.forEach(clearInterval);
      this.#abort.abort();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    // An append may be under way; its outcome no longer matters to us, but it must not outlive us.
    await this.#appender.drain().catch(() => undefined);
  }

  async #follow(signal: AbortSignal): Promise<'stopped' | 'again'> {
    const { held, writer, copying } = this.#options;
    const events = held.events(writer.tail.pos, signal, copying.unseen.toJSON());
    this.#following = true;
    this.#startCopying();
    for await (const batch of events) {
      for (const event of batch) {
        const wait = this.#handle(event, signal);
        if (wait !== null && (await wait) === 'again') return 'again';
      }
      await this.#appender.ready();
    }
    return 'stopped';
  }

  /** Null where nothing has to be waited for, which is nearly always. */
  #handle(event: SourceEvent, signal: AbortSignal): Promise<'again' | undefined> | null {
    switch (event.type) {
      case 'begin': {
        const { txId, ts_ms, origin } = event;
        this.#open = { txId, ts_ms, ...(origin === undefined ? {} : { origin }), builder: new RecordBuilder('transaction') };
        // Without a mapping there is nothing that these rows mean yet: the source keeps them until there is one.
        return this.#mapping === null ? this.#activation(signal).then(() => undefined) : null;
      }
      case 'rows':
        return this.#rows(event);
      case 'commit':
        this.#commit(event.position);
        return null;
      case 'keepalive':
        // Told to the source only when the next progress record, which names it, is durable.
        if (event.position > this.#position) this.#position = event.position;
        return null;
      case 'mark':
        return this.#mark(event.token, event.position, event.ts_ms);
      case 'chunk':
        return this.#chunk(event);
      default:
        return unreachable(event);
    }
  }

  #rows(event: Extract<SourceEvent, { type: 'rows' }>): Promise<'again' | undefined> | null {
    const open = this.#open;
    invariant(open !== null, 'rows outside a transaction');
    const schema = this.#told.find(event.table);
    if (schema === null) return this.#tellInside(open, event);
    open.builder.add(event, schema);
    this.#options.copying.copies.find(event.table)?.touched(event, event.table);
    this.#bytesSinceProgress += event.rows.length;
    const part = open.builder.takeFullPart();
    if (part === null) return null;
    this.#appender.add([{ part }]);
    return this.#appender.ready().then(() => undefined);
  }

  /**
   * A form that the log does not know yet. Its record must stand before the transaction's; where parts of that are stored
   * already, they are given up, and the source sends the transaction again.
   */
  async #tellInside(open: OpenTransaction, event: Extract<SourceEvent, { type: 'rows' }>): Promise<'again' | undefined> {
    const again = open.builder.partsGiven > 0;
    if (again) this.#appender.abandon();
    await this.#tellChanged(event.table);
    await this.#appender.drain();
    if (!again) return this.#rows(event) ?? undefined;
    // So that the next hold knows the form from the start.
    this.#open = null;
    this.#addProgress();
    return 'again';
  }

  async #tellChanged(table: TableSchema): Promise<void> {
    const change = await this.#judge(table);
    this.#tell(table, change);
  }

  /** What the log has to be told beside the form. */
  async #judge(table: TableSchema): Promise<Judged> {
    const { source, copying, log, stream } = this.#options;
    const latest = this.#told.latest(table);
    const empty = latest !== null && (await source.isEmpty(table));
    const copied = copying.copies.find(table) !== undefined;
    const needed =
      latest === null
        ? !copied // Nobody knew it when this hold began, nor what it held.
        : (!empty || copied) && changeWithoutRowEvents(decodeJsonBody('schema', await log.fetch(stream, latest)).table, table) !== null;
    return { empty, copy: needed && canBeCopied(table) ? { estimate: (await source.sizes([table]))[0] ?? null } : null };
  }

  /** A copy that begins with the form is named before: whoever finds the form in the log finds the copy. */
  #tell(table: TableSchema, { empty, copy }: Judged): void {
    const { copies } = this.#options.copying;
    if (copy === null) copies.find(table)?.formTold(table.hash);
    else {
      this.#tellCopied(copies.begin(table, this.#options.writer.tail.seq, copy.estimate));
      this.#addProgress();
      this.#driver.lookForWork();
    }
    const flags = { ...(empty ? { empty } : {}), ...(copy === null ? {} : { copy: true as const }) };
    this.#appender.add([this.#told.part(table, this.#facts(), flags)]);
  }

  /** The form of each table stands before its first row, so that a change of it is noticed though it comes while we are away. */
  async #tellAtStart(): Promise<void> {
    const tables = await this.#options.source.tables();
    await this.#nameCopies(tables);
    for (const table of tables) if (this.#told.latest(table) === null) this.#appender.add([this.#told.part(table, this.#facts())]);
    await this.#appender.drain();
  }

  /** Before the tables are told: a table that was told, holds rows and is not copied must never be left behind. */
  async #nameCopies(tables: readonly TableSchema[]): Promise<void> {
    const { source, copying, writer } = this.#options;
    const { copies, joined } = copying;
    copies.keepOnly(new Set(tables.map(tableName)));
    for (const table of tables) {
      const name = tableName(table);
      const came = joined.includes(name) || copies.wasLeft(name);
      if (!canBeCopied(table)) {
        // What the log has of it is of an earlier time, and nothing would tell what has gone since.
        if (came && this.#told.latest(table) !== null) throw cameBack(name);
        continue;
      }
      const untold = this.#told.latest(table) === null && copies.find(table) === undefined;
      if (came || (untold && !(await source.isEmpty(table)))) copies.begin(table, writer.tail.seq, null);
    }
    const unknown = [...copies].filter((copy) => copy.estimate === null);
    const sizes = await source.sizes(unknown);
    unknown.forEach((copy, index) => (copy.estimate = sizes[index] ?? null));
    if (!copies.isEmpty) this.#addProgress();
    for (const copy of copies) this.#tellCopied(copy);
  }

  #commit(position: Position): void {
    const open = this.#open;
    invariant(open !== null, 'a commit outside a transaction');
    this.#open = null;
    this.#position = position;
    if (!open.builder.isEmpty) {
      const { txId, ts_ms, origin, builder } = open;
      const part = builder.takeLastPart({ pos: position, txId, ts_ms, origin, progress: this.#progressRef });
      this.#appender.add([{ part, onDurable: (ref) => this.#durable(part, position, ref) }]);
      this.#options.copying.unseen.took(txId);
    }
    this.#betweenTransactions();
  }

  /** Copying begins as transactions do: once there is a mapping, so that it is known what rows mean. */
  #startCopying(): void {
    if (this.#following && this.#mapping !== null) this.#driver.start(this.#abort.signal);
  }

  async #chunk(event: ChunkEvent): Promise<undefined> {
    const { copying, crashPoint } = this.#options;
    crashPoint('capture.chunk-read');
    const copy = copying.copies.find(event.table);
    if (copy === undefined) throw new ChangeoverError('INTERNAL', 'a chunk that nobody asked for');
    this.#position = event.position;
    this.#driver.received(event);
    if (this.#told.find(event.table) === null) {
      await this.#tellChanged(event.table);
      await this.#appender.drain();
    }
    if (!copy.arrived(event)) return;
    const schema = this.#told.find(event.table);
    invariant(schema !== null, 'the form of a chunk was told');
    const builder = new RecordBuilder('snapshot-chunk');
    for (const { rows, rowCount } of pieces(event.rows)) {
      builder.add({ op: 'r', before: 'none', partial: false, rowCount, rows }, schema);
      const part = builder.takeFullPart();
      if (part !== null) this.#appender.add([{ part }]);
    }
    if (copy.finished) copying.copies.finish(copy);
    this.#appender.add(this.#chunkParts(event, copy, builder));
    await this.#appender.ready();
  }

  /** The chunk before the progress that leads on behind it, in one append if they fit one: the chunk alone does no harm, it is read again. */
  #chunkParts({ position, ts_ms }: ChunkEvent, copy: TableCopy, builder: RecordBuilder): readonly QueuedPart[] {
    const part = builder.takeLastPart({ ...this.#facts(), ts_ms });
    const progress = this.#progressPart();
    const { turn } = copy;
    // As it is with this chunk; by the time it is durable the next may have come.
    const told = copiedSoFar(copy);
    return [
      { part, onDurable: (ref) => this.#durable(part, position, ref) },
      {
        part: progress.part,
        onDurable: (ref) => {
          progress.onDurable?.(ref);
          this.#options.crashPoint('capture.after-chunk');
          this.#options.observer.copied(told);
          copy.logged(turn);
        },
      },
    ];
  }

  /** The stream has reached the mark before which all changes of the table's form stand; what came before it must be in the log first. */
  async #place(copy: TableCopy, token: string): Promise<undefined> {
    await this.#appender.drain();
    if (!copy.isMarkedBy(token)) return;
    copy.place(this.#options.writer.tail.seq);
    this.#addProgress();
  }

  #tellCopied(copy: TableCopy): void {
    this.#options.observer.copied(copiedSoFar(copy));
  }

  /** A transaction that has added nothing yet, as one that waits for the first mapping, begins behind whatever comes now. */
  get #isBetween(): boolean {
    return this.#open === null || this.#open.builder.isEmpty;
  }

  /** Whatever waited for a place between two transactions. */
  #betweenTransactions(): void {
    for (const parts of this.#requests.takeReady()) this.#appender.add(parts());
    if (this.#bytesSinceProgress > PROGRESS_BYTES) this.#addProgress();
  }

  /** Once a second: says that we are alive and where, so that a reader knows how late it is. */
  async #tick(): Promise<void> {
    const { copying, held } = this.#options;
    if (this.#following && !this.#looking) {
      this.#looking = true;
      await copying.unseen.look(held);
      this.#looking = false;
    }
    if (this.#open === null) this.#addProgress();
  }

  #addProgress(): void {
    this.#appender.add([this.#progressPart()]);
  }

  #progressPart(): QueuedPart {
    const { identity } = this.#options;
    const position = this.#position;
    const whole: Omit<ProgressBody, 'position'> = {
      phase: 'streaming',
      ...identity,
      schemas: this.#told.toJSON(),
      requests: this.#requests.taken,
      mapping: this.#mapping,
      watched: this.#options.held.watched,
      ...this.#copyingBody(),
    };
    const text = JSON.stringify(whole);
    const same = this.#wholeProgress?.text === text ? this.#wholeProgress.ref : null;
    // Only the last whole one is referred to, and that is on its way.
    if (same === null) this.#wholeProgress = null;
    const part: RecordPart = {
      kind: 'progress',
      body: encodeJsonBody('progress', same === null ? { ...whole, position } : { position, same }),
      last: true,
      facts: { ...this.#facts(), ts_ms: this.#options.clock.now() },
    };
    this.#bytesSinceProgress = 0;
    return {
      part,
      onDurable: (ref) => {
        this.#progressRef = ref;
        if (same === null) this.#wholeProgress = { text, ref };
        this.#options.crashPoint('capture.after-progress');
        this.#durable(part, position, ref);
      },
    };
  }

  #copyingBody(): Pick<ProgressBody, 'copies' | 'unseen'> {
    const { copying } = this.#options;
    const copies = copying.copies.toJSON();
    const unseen = copying.unseen.toJSON();
    return { ...(Object.keys(copies).length === 0 ? {} : { copies }), ...(unseen.length === 0 ? {} : { unseen }) };
  }

  #facts(): { readonly pos: Position; readonly progress?: RecordRef } {
    return { pos: this.#position, ...(this.#progressRef === undefined ? {} : { progress: this.#progressRef }) };
  }

  #durable(part: RecordPart, position: Position, ref: RecordRef): void {
    // Only here, where the log has said that it is durable and counts. Before the source knows where we go on there is nothing new to say.
    if (this.#following) this.#options.held.acknowledge(position);
    const bytes = part.body.reduce((sum, piece) => sum + piece.length, 0);
    this.#options.observer.advanced({
      records: 1,
      rows: part.facts?.rows ?? 0,
      bytes,
      seq: ref.seq,
      changesSeq: ref.seq,
      position,
      ts_ms: part.facts?.ts_ms ?? null,
    });
  }

  #activation(signal: AbortSignal): Promise<undefined> {
    return new Promise((resolve) => {
      const done = (): void => {
        resolve(undefined);
      };
      this.#activated = done;
      signal.addEventListener('abort', done, { once: true });
    });
  }

  async #takeRequests(signal: AbortSignal): Promise<void> {
    const { requests, held } = this.#options;
    for await (const request of requests.after(this.#requests.taken.through, signal)) {
      if (this.#requests.isTaken(request.ordinal)) continue;
      switch (request.kind) {
        case 'activate-mapping': {
          const { hash, mapping } = request.payload as { readonly hash: string; readonly mapping: unknown };
          const part: RecordPart = {
            kind: 'mapping-activated',
            body: encodeJsonBody('mapping-activated', { requestId: request.id, hash, mapping }),
            last: true,
          };
          this.#requests.ready(() => {
            this.#mapping = hash;
            this.#activated?.();
            this.#startCopying();
            return this.#requestParts(request.ordinal, part);
          });
          if (this.#isBetween) this.#betweenTransactions();
          break;
        }
        case 'correct': {
          const { decisions } = request.payload as Pick<CorrectionBody, 'decisions'>;
          const body = encodeJsonBody('correction', { requestId: request.id, decisions });
          this.#requests.ready(() => {
            const part: RecordPart = { kind: 'correction', body, last: true, facts: { ts_ms: this.#options.clock.now() } };
            return this.#requestParts(request.ordinal, part);
          });
          if (this.#open === null) this.#betweenTransactions();
          break;
        }
        case 'reference':
          await this.#reference(request.ordinal, request.payload as ReferenceRows);
          break;
        case 'barrier':
          // It says that all before it has been told, so we look whether it has.
          await held.requireNothingMissed();
          await this.#inspectTables();
          this.#requests.marked(request);
          await held.mark(request.id);
          break;
        default:
          unreachable(request.kind);
      }
    }
  }

  /** Rows of the target that a mapping looks up. Their form is told before them, as that of any table. */
  async #reference(ordinal: number, { table, put, gone, more }: ReferenceRows): Promise<void> {
    if (this.#told.find(table) === null) {
      await new Promise<void>((resolve) => {
        this.#requests.ready(() => {
          const { part, onDurable } = this.#told.part(table, this.#facts());
          const told = (ref: RecordRef): void => {
            onDurable?.(ref);
            resolve();
          };
          return [{ part, onDurable: told }];
        });
        if (this.#isBetween) this.#betweenTransactions();
      });
    }
    this.#requests.ready(() => {
      const schema = this.#told.find(table);
      invariant(schema !== null, 'the form of these rows was told');
      const builder = new RecordBuilder('reference-data');
      const [now, left] = [Buffer.from(put), Buffer.from(gone)];
      // Also without rows, as its frames say which table a record is of.
      builder.add({ op: 'c', before: 'none', partial: false, rowCount: countLines(now), rows: now }, schema);
      if (left.length > 0) builder.add({ op: 'd', before: 'key', partial: false, rowCount: countLines(left), rows: left }, schema);
      const facts = { ...this.#facts(), ts_ms: this.#options.clock.now(), ...(more && { more }) };
      return this.#requestParts(ordinal, builder.takeLastPart(facts));
    });
    if (this.#isBetween) this.#betweenTransactions();
  }

  #mark(token: string, position: Position, ts_ms: number): Promise<undefined> | null {
    this.#position = position;
    for (const copy of this.#options.copying.copies) if (copy.isMarkedBy(token)) return this.#place(copy, token);
    const request = this.#requests.reached(token);
    // Somebody else's, or one from before a restart, which is asked for again.
    if (request === null) return null;
    const part: RecordPart = {
      kind: 'barrier',
      body: encodeJsonBody('barrier', { requestId: request.id, token: request.id }),
      last: true,
      facts: { ts_ms },
    };
    this.#appender.add(this.#requestParts(request.ordinal, part));
    return null;
  }

  /** The record and the progress that says it was taken, in one append: both or none. */
  #requestParts(ordinal: number, part: RecordPart): readonly QueuedPart[] {
    this.#requests.take(ordinal);
    return [{ part: { ...part, facts: { ...part.facts, ...this.#facts() } } }, this.#progressPart()];
  }

  async #inspect(): Promise<void> {
    const { held, observer, limits, source } = this.#options;
    const { bytes, lost } = await held.retained();
    observer.retained(bytes);
    const { warn, release } = limits.retainedBytes;
    if (lost || bytes > release) {
      await held[Symbol.asyncDispose]();
      if (!lost) await source.drop();
      throw new ChangeoverError(
        lost ? 'SOURCE_LOST' : 'SOURCE_RETENTION',
        `the source keeps ${String(bytes)} bytes of its log for us; ${lost ? 'it has given up on them' : 'it was let go to protect it'}`,
        {
          facts: { bytes, release },
        },
      );
    }
    if (bytes > warn)
      observer.warning(
        new ChangeoverError('SOURCE_RETENTION', `the source keeps ${String(bytes)} bytes of its log for us`, { facts: { bytes, warn } }),
      );
    await this.#inspectTables();
    await this.#inspectLeftOut();
  }

  /** Told when it is new, and again with each start. */
  #leftOut = '';

  async #inspectLeftOut(): Promise<void> {
    const tables = (await this.#options.source.leftOut()).join(', ');
    if (tables === this.#leftOut) return;
    this.#leftOut = tables;
    if (tables === '') return;
    const message = `not captured, though the settings select them: ${tables}. They came later, and have no key and hold rows, or lack what \`changeover check\` names`;
    this.#options.observer.warning(new ChangeoverError('SNAPSHOT_NEEDED', message, { facts: { tables } }));
  }

  /** Forms that {@link #inspectTables} found: told, or about to be. */
  readonly #noticed = new Set<string>();

  /** A change of a table that brought no row (so no word in the stream) is told here, at the next place between two transactions. */
  async #inspectTables(): Promise<void> {
    for (const table of await this.#options.source.tables()) {
      const latest = this.#told.latest(table);
      if (latest === null || latest.hash === table.hash || this.#told.find(table) !== null || this.#noticed.has(table.hash)) continue;
      this.#noticed.add(table.hash);
      this.#options.observer.warning(
        new ChangeoverError('SCHEMA_NEEDS_MAPPING', `${tableName(table)} has changed at the source`, {
          facts: { table: tableName(table) },
        }),
      );
      const judged = await this.#judge(table);
      this.#requests.ready(() => {
        if (this.#told.find(table) === null) this.#tell(table, judged);
        return [];
      });
      if (this.#open === null) this.#betweenTransactions();
    }
  }

  #background(work: Promise<void>): void {
    work.catch((error: unknown) => this.#failed?.(error));
  }
}

function copiedSoFar(copy: TableCopy): Parameters<PipelineObserver['copied']>[0] {
  const { rows, bytes, estimate } = copy.toJSON();
  return { table: copy.name, rows, bytes, estimate, finished: copy.finished };
}

function cameBack(table: string): ChangeoverError {
  return new ChangeoverError(
    'SNAPSHOT_NEEDED',
    `${table} is captured again, and has no key by which its rows could be compared with the log`,
    {
      facts: { tables: table },
    },
  );
}
