import { countWords, ChangeoverError } from '@changeover/core';
import {
  FrameReader,
  readPositionOf,
  SETTLE_MS,
  type EventLog,
  type Frame,
  type LogEntry,
  type ReadPosition,
  type TableSchema,
  type TargetSession,
} from '@changeover/events';

import { StoppingRows } from './stopping-rows.js';

/** How far `writes` was looked through, from a place where load stops, for what mends the rows that stop it. */
export type LookedThrough = {
  readonly from: number;
  /** Rows held since then or before. */
  readonly cutoff: number;
  readonly rows: StoppingRows;
  readonly to: ReadPosition | null;
};

export type StopWatchOptions = {
  readonly log: EventLog;
  readonly writes: string;
  readonly session: TargetSession;
  readonly signal: AbortSignal;
  /** Finds the forms that the entry's frames refer to. */
  readonly schemasOf: (entry: LogEntry) => Promise<(seq: number) => TableSchema>;
  /** Where an earlier session's look ended; null: nothing was looked through. */
  readonly looked: LookedThrough | null;
};

/**
 * Where load has to stop: before the first record whose commit time is the settle time behind that since which a rule that stops holds a row. It is decided by what the target and
 * the log hold. What mends the row comes behind that place, so the rest of the log is looked through: where a record of it has mended all of them, load goes on.
 */
export class StopWatch {
  /** For the next session, which begins at the same place where nothing has mended the rows. */
  looked: LookedThrough | null;
  readonly #options: StopWatchOptions;
  readonly #rows: StoppingRows;
  /** The last record that was taken. */
  #at: ReadPosition | null;
  /** Of rows held since the cutoff or before it is known that they are mended by the record `through`. */
  #mended = { cutoff: -Infinity, through: 0 };

  private constructor(options: StopWatchOptions, rows: StoppingRows) {
    this.#options = options;
    this.#rows = rows;
    this.#at = options.session.progress?.writes ?? null;
    this.looked = options.looked;
  }

  static async begin(options: StopWatchOptions): Promise<StopWatch> {
    const { bySince } = await options.session.stopping();
    return new StopWatch(options, new StoppingRows(bySince.map(({ sinceMs, rows }) => [sinceMs, rows])));
  }

  /** Frames of the record in hand. */
  add(frames: readonly Frame[], schemaOf: (seq: number) => TableSchema): void {
    for (const frame of frames) this.#rows.add(frame, schemaOf(frame.schemaSeq));
  }

  passed(entry: LogEntry): void {
    this.#rows.passed();
    this.#at = readPositionOf(entry);
  }

  forget(): void {
    this.#rows.forget();
  }

  /** Whether the record, of which this is the last part, is one before which load stops, as far as is known. */
  isDue({ header }: LogEntry): boolean {
    if (header.ts_ms === undefined) return false;
    const { cutoff, through } = this.#mended;
    return this.#rows.count(header.ts_ms - SETTLE_MS, header.seq <= through ? cutoff : -Infinity) > 0;
  }

  /**
   * Looks whether the log holds what mends the rows; what came before the record is at the target. VALIDATION_STOPPED where it does not: then it may be called again, when there is
   * more of it.
   */
  async requireMended({ header }: LogEntry): Promise<void> {
    const cutoff = (header.ts_ms ?? 0) - SETTLE_MS;
    const through = await this.#mendedBy(header.seq, cutoff);
    if (through === null) throw await this.#stopped(cutoff);
    this.#mended = { cutoff, through };
    this.looked = null;
  }

  /** The record by which none of the rows is held so any more. */
  async #mendedBy(seq: number, cutoff: number): Promise<number | null> {
    const { log, writes, schemasOf, signal } = this.#options;
    const head = await log.head(writes);
    const known = this.looked?.from === seq && this.looked.cutoff === cutoff ? this.looked : null;
    const rows = known?.rows ?? new StoppingRows([[cutoff, this.#rows.count(cutoff)]]);
    let to = known?.to ?? this.#at;
    const frames = new FrameReader();
    const restart = (): void => {
      frames.reset();
      rows.forget();
    };
    if ((to?.seq ?? 0) < head.seq)
      for await (const items of log.read(writes, to, signal)) {
        for (const item of items) {
          if (item.type === 'abandoned' || item.entry.header.part === 1) restart();
          if (item.type === 'abandoned') continue;
          const { entry } = item;
          if (entry.header.kind === 'transaction') {
            const schemaOf = await schemasOf(entry);
            for (const frame of frames.push(entry.body)) rows.add(frame, schemaOf(frame.schemaSeq));
          }
          if (!entry.header.last) continue;
          rows.passed();
          to = readPositionOf(entry);
          if (rows.count(cutoff) === 0) return to.seq;
          if (to.seq >= head.seq) break;
        }
        if (to !== null && to.seq >= head.seq) break;
      }
    restart();
    this.looked = { from: seq, cutoff, rows, to };
    return null;
  }

  async #stopped(cutoff: number): Promise<ChangeoverError> {
    const { bySince, first } = await this.#options.session.stopping();
    const rows = bySince.reduce((sum, one) => (one.sinceMs <= cutoff ? sum + one.rows : sum), 0);
    const { table = '', rule = '' } = first ?? {};
    return new ChangeoverError(
      'VALIDATION_STOPPED',
      `${countWords(rows)} ${rows === 1 ? 'row is' : 'rows are'} held by rules that stop, the first of ${table} by the rule “${rule}”`,
      { facts: { rows, table, rule } },
    );
  }
}
