import { ChangeoverError, invariant, type Position } from '@changeover/core';
import {
  ChangeSource,
  formatRows,
  type ChunkRequest,
  type HeldSource,
  type PreflightFinding,
  type SourceEvent,
  type SourceIdentity,
  type TableSchema,
  type TableSize,
} from '@changeover/events';

import { positionAt, type RowsEvent } from './rows.js';
import { ScriptedTables } from './scripted-tables.js';

type Transaction = { readonly txId: string; readonly rows: readonly RowsEvent[] };
/** `only`: the hold that asked for it; others have no use for it. */
type Unit = { readonly position: Position; readonly events: readonly SourceEvent[]; readonly only?: HeldSource };

type Slot = { confirmed: Position; holder: ScriptedHold | null };

/**
 * A source that a test writes into: it keeps what was committed, gives it to whoever holds it, and forgets what was acknowledged, as
 * PostgreSQL's slot does; also as PostgreSQL, it goes on at what was acknowledged when it is asked for something before.
 *
 * Its tables hold what was committed and can be seen. A chunk is what can be seen at one moment, and stands in the stream at that moment. It waits for
 * transactions that are hidden if this hold gave them or was told of them, as it must; it knows of no others.
 */
export class ScriptedSource extends ChangeSource {
  systemId = 'scripted';
  /** What {@link ChangeSource.create} says held rows before. */
  tablesWithRows: readonly string[] = [];
  /** The catalogue. */
  captured: readonly TableSchema[] = [];
  /** Tables that are said to hold no rows, as `schema.table`, whatever they hold. */
  emptyTables: readonly string[] = [];
  /** What {@link ChangeSource.leftOut} says. */
  notCaptured: readonly string[] = [];
  /** What a hold watches; holds that watched something else have missed changes. */
  watched = 'all';
  /** Called with each acknowledgement at the moment it comes. */
  onAcknowledge: (position: Position) => void = () => undefined;
  /** Thrown by `create`, behind what it did. */
  createFails: ChangeoverError | null = null;
  /** Tables that came since the hold before. */
  joined: readonly string[] = [];
  /** What can be seen. */
  readonly visible = new ScriptedTables();
  /** Requests for chunks, in their order. */
  readonly requests: ChunkRequest[] = [];
  /** Called with each request, before the chunk is read. */
  onCopy: (request: ChunkRequest) => void | Promise<void> = () => undefined;
  #hiding = false;
  #hidden: Transaction[] = [];
  #revealed: (() => void)[] = [];
  #units: Unit[] = [];
  #last = 0;
  #txId = 700;
  #slot: Slot | null = null;
  #onMark: () => void = () => undefined;
  #waiting: { readonly position: Position; readonly resolve: () => void }[] = [];

  /** One transaction; gives its position. */
  commit(...rows: readonly RowsEvent[]): Position {
    const position = this.#next();
    const txId = String(this.#txId++);
    if (this.#hiding) this.#hidden.push({ txId, rows });
    else for (const event of rows) this.visible.apply(event);
    this.#add({
      position,
      events: [{ type: 'begin', txId, ts_ms: 1_700_000_000_000 + this.#last }, ...rows, { type: 'commit', position }],
    });
    return position;
  }

  /** Rows from before the slot: nothing tells of them. */
  fill(...rows: readonly RowsEvent[]): void {
    for (const event of rows) this.visible.apply(event);
  }

  /** What is committed from now on is given, and cannot be seen until {@link reveal}. */
  hide(): void {
    this.#hiding = true;
  }

  reveal(): void {
    this.#hiding = false;
    for (const { rows } of this.#hidden) for (const event of rows) this.visible.apply(event);
    this.#hidden = [];
    for (const resolve of this.#revealed) resolve();
    this.#revealed = [];
  }

  /** The source's position moves on without anything for us. */
  keepalive(): Position {
    const position = this.#next();
    this.#add({ position, events: [{ type: 'keepalive', position }] });
    return position;
  }

  get confirmed(): Position | null {
    return this.#slot?.confirmed ?? null;
  }

  /** Resolves when a mark is written from now on. */
  async marked(): Promise<void> {
    await new Promise<void>((resolve) => (this.#onMark = resolve));
  }

  /** Resolves once everything up to `position` was acknowledged. */
  async acknowledged(position: Position): Promise<void> {
    if ((this.#slot?.confirmed ?? positionAt(0)) >= position) return;
    await new Promise<void>((resolve) => this.#waiting.push({ position, resolve }));
  }

  /** As an administrator would. */
  loseSlot(): void {
    this.#slot?.holder?.end(new ChangeoverError('SOURCE_LOST', 'the slot was dropped'));
    this.#slot = null;
  }

  override preflight(): Promise<readonly PreflightFinding[]> {
    return Promise.resolve([]);
  }

  override identity(): Promise<SourceIdentity> {
    return Promise.resolve({ systemId: this.systemId, timeline: 1 });
  }

  override tables(): Promise<readonly TableSchema[]> {
    return Promise.resolve(this.captured);
  }

  override isEmpty({ schema, table }: Pick<TableSchema, 'schema' | 'table'>): Promise<boolean> {
    const name = `${schema}.${table}`;
    return Promise.resolve(this.emptyTables.includes(name) || this.visible.of(name).length === 0);
  }

  override sizes(tables: readonly Pick<TableSchema, 'schema' | 'table'>[]): Promise<readonly (TableSize | null)[]> {
    return Promise.resolve(tables.map(({ schema, table }) => ({ rows: this.visible.of(`${schema}.${table}`).length, bytes: 1000 })));
  }

  override leftOut(): Promise<readonly string[]> {
    return Promise.resolve(this.notCaptured);
  }

  override kept(): Promise<{ readonly confirmed: Position } | null> {
    return Promise.resolve(this.#slot === null ? null : { confirmed: this.#slot.confirmed });
  }

  override create(): Promise<{ readonly start: Position; readonly tablesWithRows: readonly string[] }> {
    const start = this.#next();
    this.#slot = { confirmed: start, holder: null };
    if (this.createFails !== null) return Promise.reject(this.createFails);
    return Promise.resolve({ start, tablesWithRows: this.tablesWithRows });
  }

  override drop(): Promise<void> {
    this.#slot = null;
    return Promise.resolve();
  }

  override hold({ takeOver }: { readonly takeOver: boolean }): Promise<HeldSource> {
    const slot = this.#slot;
    if (slot === null) return Promise.reject(new ChangeoverError('SOURCE_LOST', 'there is no slot'));
    if (slot.holder !== null && !takeOver) return Promise.reject(new ChangeoverError('SOURCE_BUSY', 'somebody holds the slot'));
    slot.holder?.end(new ChangeoverError('SOURCE_UNREACHABLE', 'the session was terminated'));
    const hold: ScriptedHold = new ScriptedHold({
      confirmed: slot.confirmed,
      units: (after) => this.#units.filter(({ position, only = hold }) => position > after && position > slot.confirmed && only === hold),
      acknowledge: (position) => {
        this.#acknowledge(slot, position);
      },
      mark: (token) => {
        const position = this.#next();
        this.#add({ position, events: [{ type: 'mark', token, position, ts_ms: 1_700_000_000_000 + this.#last }] });
        this.#onMark();
      },
      copy: (request, known) => this.#copy(hold, request, known),
      hidden: () => this.#hidden.map(({ txId }) => txId),
      watched: () => this.watched,
      joined: this.joined,
      released: () => {
        if (slot.holder === hold) slot.holder = null;
      },
    });
    slot.holder = hold;
    return Promise.resolve(hold);
  }

  override stop(): Promise<void> {
    return Promise.resolve();
  }

  async #copy(only: HeldSource, request: ChunkRequest, known: (txId: string) => boolean): Promise<void> {
    this.requests.push(request);
    await this.onCopy(request);
    while (this.#hidden.some(({ txId }) => known(txId))) await new Promise<void>((resolve) => this.#revealed.push(resolve));
    const { form, rows, last } = this.visible.read(request);
    const position = this.#next();
    const ts_ms = 1_700_000_000_000 + this.#last;
    this.#add({
      only,
      position,
      events: [{ type: 'chunk', table: form, rowCount: rows.length, rows: formatRows(rows), last, position, ts_ms }],
    });
  }

  #acknowledge(slot: Slot, position: Position): void {
    this.onAcknowledge(position);
    if (position > slot.confirmed) slot.confirmed = position;
    const reached = this.#waiting.filter((wait) => wait.position <= position);
    this.#waiting = this.#waiting.filter((wait) => wait.position > position);
    for (const { resolve } of reached) resolve();
  }

  #next(): Position {
    return positionAt(++this.#last);
  }

  #add(unit: Unit): void {
    this.#units.push(unit);
    this.#slot?.holder?.wake();
  }
}

type HoldOptions = {
  readonly confirmed: Position;
  readonly units: (after: Position) => readonly Unit[];
  readonly acknowledge: (position: Position) => void;
  readonly mark: (token: string) => void;
  /** `known`: whether the hold has to wait for a transaction that is hidden. */
  readonly copy: (request: ChunkRequest, known: (txId: string) => boolean) => Promise<void>;
  readonly hidden: () => readonly string[];
  readonly watched: () => string;
  readonly joined: readonly string[];
  readonly released: () => void;
};

class ScriptedHold implements HeldSource {
  readonly confirmed: Position;
  readonly watched: string;
  readonly #options: HoldOptions;
  #ended: { readonly error: ChangeoverError | null } | null = null;
  #wake: (() => void) | null = null;
  /** Transactions that this hold or one before it gave; null: nobody asked for events. */
  #given: Set<string> | null = null;

  constructor(options: HoldOptions) {
    this.confirmed = options.confirmed;
    this.watched = options.watched();
    this.#options = options;
  }

  wake(): void {
    this.#wake?.();
  }

  end(error: ChangeoverError | null): void {
    this.#ended ??= { error };
    this.wake();
  }

  events(after: Position, signal: AbortSignal, unseen: readonly string[] = []): AsyncIterable<readonly SourceEvent[]> {
    this.#given = new Set(unseen);
    return this.#batches(after, signal, this.#given);
  }

  /** One event a batch: the smallest steps a source can make. */
  async *#batches(after: Position, signal: AbortSignal, given: Set<string>): AsyncIterable<readonly SourceEvent[]> {
    const onAbort = (): void => {
      this.wake();
    };
    signal.addEventListener('abort', onAbort);
    try {
      let sent = after;
      for (;;) {
        const units = this.#options.units(sent);
        for (const unit of units) {
          for (const event of unit.events) {
            if (this.#over(signal)) return;
            if (event.type === 'begin') given.add(event.txId);
            yield [event];
          }
          sent = unit.position;
        }
        if (this.#over(signal)) return;
        if (this.#options.units(sent).length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  acknowledge(position: Position): void {
    invariant(this.#given !== null, 'acknowledged before the source knows where we go on');
    if (this.#ended === null) this.#options.acknowledge(position);
  }

  mark(token: string): Promise<void> {
    this.#options.mark(token);
    return Promise.resolve();
  }

  requireNothingMissed(watched = this.watched): Promise<readonly string[]> {
    return watched === this.#options.watched()
      ? Promise.resolve(this.#options.joined)
      : Promise.reject(new ChangeoverError('SOURCE_LOST', 'a table was not watched for a while'));
  }

  copy(request: ChunkRequest): Promise<void> {
    const given = this.#given;
    if (given === null) return Promise.reject(new ChangeoverError('INTERNAL', 'a copy is asked for before the events'));
    return this.#options.copy(request, (txId) => given.has(txId));
  }

  unseen(): Promise<readonly string[]> {
    return Promise.resolve(this.#options.hidden().filter((txId) => this.#given?.has(txId)));
  }

  retained(): Promise<{ readonly bytes: number; readonly lost: boolean }> {
    return Promise.resolve({ bytes: 0, lost: false });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.end(null);
    this.#options.released();
    return Promise.resolve();
  }

  #over(signal: AbortSignal): boolean {
    if (signal.aborted) return true;
    if (this.#ended === null) return false;
    if (this.#ended.error !== null) throw this.#ended.error;
    return true;
  }
}
