import { invariant } from '@changeover/core';
import type { ChunkRequest, CopyProgress, SourceEvent, TableSchema, TableSize } from '@changeover/events';

import { movedKeys, type Touch } from './moved-keys.js';

export type ChunkEvent = Extract<SourceEvent, { type: 'chunk' }>;

/**
 * ```
 * new ──▶ placing ──▶ ready ──▶ asked ──▶ logging ──▶ done
 *  ▲         │          ▲──────────┴─────────┘
 *  └─────────┴── begun anew, from any of them
 * ```
 * placing: its mark is on the way through the stream; asked: a chunk is; logging: no more is read before a chunk is in the log.
 */
type State = 'new' | 'placing' | 'ready' | 'asked' | 'logging' | 'done';

/** Chunks that may be on their way into the log: the next is read meanwhile, and waits in memory. */
const MOST_UNLOGGED = 2;
/** Rows of these keys may be large: that is why values of them were not told. */
const MOST_AGAIN = 32;
/** Beyond so many characters of keys it is less to read the table from its beginning. */
const MOST_AGAIN_LENGTH = 64 * 1024;

/**
 * How far the copy of one table is. What is read, and when, is the driver's to say.
 *
 * Before its first chunk a mark of ours goes through the stream. Behind it stands everything that is not yet committed, before it every change of the table's form
 * that we have heard of: so rows which went without a row event can't be touched any more behind the mark, and `since` can be the record before it.
 */
export class TableCopy {
  readonly schema: string;
  readonly table: string;
  estimate: TableSize | null;
  #state: State;
  #since: number;
  #after: string | null;
  #ended: boolean;
  #again: Set<string>;
  /** Those of `again` that the chunk on its way reads. */
  #handed: readonly string[] = [];
  #rows: number;
  #bytes: number;
  /** Hash of the form that the log was told last, to which `after` and `again` belong. */
  #form: string | undefined;
  #askedForm: string | undefined;
  /** The chunk on its way was asked for before the copy was begun anew. */
  #stale = false;
  /** Chunks of this turn that have come and are not in the log. */
  #unlogged = 0;
  #mark: string | null = null;
  #placed: boolean;
  /** Counts the beginnings. */
  #turn = 0;
  #changed: Promise<void>;
  #tellChange: () => void = () => undefined;

  /** As it stood in the log. */
  constructor(name: string, progress: Omit<CopyProgress, 'left'>, form?: string) {
    const dot = name.indexOf('.');
    this.schema = name.slice(0, dot);
    this.table = name.slice(dot + 1);
    this.estimate = progress.estimate;
    this.#since = progress.since;
    this.#after = progress.after;
    this.#ended = progress.ended === true;
    this.#again = new Set(progress.again);
    this.#rows = progress.rows;
    this.#bytes = progress.bytes;
    this.#form = form;
    this.#placed = progress.after !== null || this.#ended;
    this.#state = this.#placed ? 'ready' : 'new';
    this.#changed = this.#nextChange();
  }

  get name(): string {
    return `${this.schema}.${this.table}`;
  }

  get state(): State {
    return this.#state;
  }

  /** Resolves when the state changes. */
  get changed(): Promise<void> {
    return this.#changed;
  }

  get turn(): number {
    return this.#turn;
  }

  /** Every row was read. */
  get finished(): boolean {
    return this.#ended && this.#again.size === 0 && this.#handed.length === 0;
  }

  /** The rows may have changed without row events. */
  beginAnew(since: number): void {
    this.#since = since;
    this.#mark = null;
    this.#placed = false;
    this.#readAnew();
    // While a chunk is on its way no other can be asked for.
    if (!this.#stale) this.#enter('new');
  }

  /** `token` is written into the source's order. */
  placing(token: string): void {
    this.#mark = token;
    this.#enter('placing');
  }

  isMarkedBy(token: string): boolean {
    return this.#mark === token;
  }

  /** The stream has reached the mark; everything before it is in the log, up to the record `since`. */
  place(since: number): void {
    this.#mark = null;
    this.#since = since;
    this.#placed = true;
    this.#enter('ready');
  }

  ask(maxBytes: number): ChunkRequest {
    invariant(this.#state === 'ready', 'one chunk of a table at a time');
    const handed = [...this.#again].slice(0, MOST_AGAIN);
    for (const key of handed) this.#again.delete(key);
    this.#handed = handed;
    this.#askedForm = this.#after === null && handed.length === 0 ? undefined : this.#form;
    this.#enter('asked');
    return {
      schema: this.schema,
      table: this.table,
      after: this.#after,
      again: handed,
      maxBytes,
      ...(this.#ended ? { onlyAgain: true as const } : {}),
      ...(this.#askedForm === undefined ? {} : { form: this.#askedForm }),
    };
  }

  /** Whether the chunk's rows are to go into the log. */
  arrived({ table, last, rowCount, rows }: ChunkEvent): boolean {
    invariant(this.#state === 'asked', 'a chunk that nobody asked for');
    if (this.#stale) {
      this.#stale = false;
      this.#enter(this.#placed ? 'ready' : 'new');
      return false;
    }
    if (this.#askedForm !== undefined && this.#askedForm !== table.hash) {
      this.#otherForm(table.hash);
      return false;
    }
    if (this.#askedForm === undefined) this.#form = table.hash;
    this.#handed = [];
    this.#after = last ?? this.#after;
    this.#ended ||= last === null;
    this.#rows += rowCount;
    this.#bytes += rows.length;
    this.#unlogged++;
    this.#enter(this.finished || this.#unlogged === MOST_UNLOGGED ? 'logging' : 'ready');
    return true;
  }

  /** The chunk of this turn and how far the copy is with it are in the log. */
  logged(turn: number): void {
    if (turn !== this.#turn) return;
    this.#unlogged--;
    if (this.#state !== 'logging') return;
    if (!this.finished) this.#enter('ready');
    else if (this.#unlogged === 0) this.#enter('done');
  }

  /** The log was told another form of the table, by which no row changed. */
  formTold(hash: string): void {
    this.#form = hash;
  }

  /** Changes of the table, in the order of the stream. */
  touched(touch: Touch, form: TableSchema): void {
    if (touch.op === 't') {
      this.#again.clear();
      this.#handed = [];
      return;
    }
    for (const { from, to } of movedKeys(touch, form)) {
      // Where all rows were read, only one that is to be read again can be incomplete. (So the copy ends, however many rows move.)
      if (this.#ended && !this.#again.has(from) && !this.#handed.includes(from)) continue;
      this.#again.add(to);
    }
    if (this.#again.size > MOST_AGAIN && [...this.#again].reduce((sum, key) => sum + key.length, 0) > MOST_AGAIN_LENGTH) this.#readAnew();
  }

  toJSON(): CopyProgress {
    return {
      since: this.#since,
      after: this.#after,
      again: [...this.#handed, ...this.#again],
      ...(this.#ended ? { ended: true as const } : {}),
      rows: this.#rows,
      bytes: this.#bytes,
      estimate: this.estimate,
    };
  }

  /** `after` is a key of another form: that which the log was told last has the same keys, of any other nobody knows. */
  #otherForm(hash: string): void {
    if (hash === this.#form) this.#again = new Set([...this.#handed, ...this.#again]);
    else this.#readAnew();
    this.#handed = [];
    this.#stale = false;
    this.#form = hash;
    this.#enter('ready');
  }

  #readAnew(): void {
    this.#turn++;
    this.#unlogged = 0;
    this.#after = null;
    this.#ended = false;
    this.#again.clear();
    this.#handed = [];
    this.#rows = 0;
    this.#bytes = 0;
    this.#stale = this.#state === 'asked';
    // The chunks on their way into the log do not lead on any more.
    if (this.#state === 'logging') this.#enter('ready');
  }

  #enter(state: State): void {
    this.#state = state;
    this.#tellChange();
    this.#changed = this.#nextChange();
  }

  #nextChange(): Promise<void> {
    return new Promise((resolve) => (this.#tellChange = resolve));
  }
}
