import { ChangeoverError, type Position } from '@changeover/core';
import {
  ChangeSource,
  type HeldSource,
  type PreflightFinding,
  type SourceEvent,
  type SourceIdentity,
  type TableSchema,
} from '@changeover/events';

import { positionAt, type RowsEvent } from './rows.js';

type Unit = { readonly position: Position; readonly events: readonly SourceEvent[] };

type Slot = { confirmed: Position; holder: ScriptedHold | null };

/**
 * A source that a test writes into: it keeps what was committed, gives it to whoever holds it, and forgets what was acknowledged, as
 * PostgreSQL's slot does; also as PostgreSQL, it goes on at what was acknowledged when it is asked for something before.
 */
export class ScriptedSource extends ChangeSource {
  systemId = 'scripted';
  /** What {@link ChangeSource.create} says held rows before. */
  tablesWithRows: readonly string[] = [];
  /** The catalogue. */
  captured: readonly TableSchema[] = [];
  /** Tables that hold no rows, as `schema.table`. */
  emptyTables: readonly string[] = [];
  /** What {@link ChangeSource.leftOut} says. */
  notCaptured: readonly string[] = [];
  /** What a hold watches; holds that watched something else have missed changes. */
  watched = 'all';
  /** Called with each acknowledgement at the moment it comes. */
  onAcknowledge: (position: Position) => void = () => undefined;
  /** Thrown by `create`, behind what it did. */
  createFails: ChangeoverError | null = null;
  #units: Unit[] = [];
  #last = 0;
  #txId = 700;
  #slot: Slot | null = null;
  #onMark: () => void = () => undefined;
  #waiting: { readonly position: Position; readonly resolve: () => void }[] = [];

  /** One transaction; gives its position. */
  commit(...rows: readonly RowsEvent[]): Position {
    const position = this.#next();
    this.#add({
      position,
      events: [{ type: 'begin', txId: String(this.#txId++), ts_ms: 1_700_000_000_000 + this.#last }, ...rows, { type: 'commit', position }],
    });
    return position;
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
    return Promise.resolve(this.emptyTables.includes(`${schema}.${table}`));
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
    const hold = new ScriptedHold({
      confirmed: slot.confirmed,
      units: (after) => this.#units.filter((unit) => unit.position > after && unit.position > slot.confirmed),
      acknowledge: (position) => {
        this.#acknowledge(slot, position);
      },
      mark: (token) => {
        const position = this.#next();
        this.#add({ position, events: [{ type: 'mark', token, position, ts_ms: 1_700_000_000_000 + this.#last }] });
        this.#onMark();
      },
      watched: () => this.watched,
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
  readonly watched: () => string;
  readonly released: () => void;
};

class ScriptedHold implements HeldSource {
  readonly confirmed: Position;
  readonly watched: string;
  readonly #options: HoldOptions;
  #ended: { readonly error: ChangeoverError | null } | null = null;
  #wake: (() => void) | null = null;

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

  /** One event a batch: the smallest steps a source can make. */
  async *events(after: Position, signal: AbortSignal): AsyncIterable<readonly SourceEvent[]> {
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
    if (this.#ended === null) this.#options.acknowledge(position);
  }

  mark(token: string): Promise<void> {
    this.#options.mark(token);
    return Promise.resolve();
  }

  requireNothingMissed(watched = this.watched): Promise<void> {
    return watched === this.#options.watched()
      ? Promise.resolve()
      : Promise.reject(new ChangeoverError('SOURCE_LOST', 'a table was not watched for a while'));
  }

  copy(): Promise<void> {
    return Promise.reject(new ChangeoverError('INTERNAL', 'a scripted source has no rows of its own'));
  }

  unseen(): Promise<readonly string[]> {
    return Promise.resolve([]);
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
