import type { ChangeoverError } from '@changeover/core';
import {
  scanLine,
  tableName,
  type EventLog,
  type Frame,
  type ReadPosition,
  type StreamName,
  type TableSchema,
  type TargetSnapshot,
} from '@changeover/events';

import { idOf } from './row-sums.js';
import { StreamFrames } from './stream-frames.js';
import { fieldsOf, keysOf } from './touched-rows.js';

/** What a word takes in memory beside its line. */
const WORD_BYTES = 300;
const COUNT_BYTES = 60;

/** What the last record of `writes` that touches a row says of it. */
type Word = {
  /** A line of COPY text, in the source's words; null: it is gone. */
  readonly line: Buffer | null;
  /** The record of `changes` that it came of. */
  readonly seq: number;
};

type LastWordsOptions = {
  readonly log: EventLog;
  readonly stream: StreamName;
  /** Records behind this one are looked at. */
  readonly from: ReadPosition;
  /** Tables with keys, in the forms that their rows have. */
  readonly tables: readonly TableSchema[];
  /** Puts keys into the words in which ids have them. */
  readonly asCompared: TargetSnapshot['asCompared'];
  /** Bytes of what may be remembered, and what it means that there is more. */
  readonly mostBytes: number;
  readonly tooMany: () => ChangeoverError;
};

type Watched = ReturnType<typeof keysOf> & { readonly table: TableSchema; readonly words: Map<string, Word> };
type Said = { readonly watched: Watched; readonly id: string; readonly line: Buffer | null };

/** What `writes` says of the rows that its records touch from a place on: what the target should hold of them where it has come to the end of what was read. */
export class LastWords {
  readonly #options: LastWordsOptions;
  readonly #watched: ReadonlyMap<string, Watched>;
  readonly #frames: StreamFrames;
  readonly #whole = new Set<string>();
  /** Of the record in hand. */
  #said: Said[] = [];
  #counted: { readonly name: string; readonly rows: number }[] = [];
  /** Of each record that made rows come or go, how many more there are. */
  readonly #counts: { readonly name: string; readonly rows: number; readonly seq: number }[] = [];
  #room: number;

  constructor(options: LastWordsOptions) {
    this.#options = options;
    this.#room = options.mostBytes;
    this.#frames = new StreamFrames(options);
    const watched = options.tables.map((table): Watched => ({ table, words: new Map<string, Word>(), ...keysOf(table) }));
    this.#watched = new Map(watched.map((one) => [tableName(one.table), one]));
  }

  /** By id; `all`: any row of the table may have been touched. */
  of(table: TableSchema): ReadonlyMap<string, Word> | 'all' {
    const name = tableName(table);
    if (this.#frames.hasGoneBack || this.#whole.has(name)) return 'all';
    return this.#watched.get(name)?.words ?? new Map<string, Word>();
  }

  /** How many rows of the table came, less those that went, with what came of records of `changes` behind this one. */
  net(table: TableSchema, behind: number): number {
    return this.#counts.reduce((sum, { name, rows, seq }) => (name === tableName(table) && seq > behind ? sum + rows : sum), 0);
  }

  /** Reads on up to this record, which the stream holds. */
  async readTo(end: Pick<ReadPosition, 'logId' | 'seq'>, signal: AbortSignal): Promise<void> {
    for await (const step of this.#frames.to(end, signal)) {
      switch (step.what) {
        case 'given-up':
          [this.#said, this.#counted] = [[], []];
          break;
        case 'form': {
          const known = this.#watched.get(tableName(step.form));
          if (known !== undefined && known.table.hash !== step.form.hash) this.#whole.add(tableName(step.form));
          break;
        }
        case 'frame':
          await this.#hear(step.form, step.frame);
          break;
        // There are none in `writes`.
        case 'decision':
          break;
        case 'end':
          this.#keep(step.header.from?.seq ?? Infinity);
          break;
      }
    }
  }

  async #hear(form: TableSchema, { op, before, rowCount, rows }: Frame): Promise<void> {
    const name = tableName(form);
    const watched = this.#watched.get(name);
    if (watched === undefined) return;
    if (op === 't' || form.hash !== watched.table.hash) {
      this.#whole.add(name);
      return;
    }
    if (op === 'c' || op === 'd') this.#counted.push({ name, rows: op === 'c' ? rowCount : -rowCount });
    const { keys, places, table } = watched;
    const keyColumns = table.columns.flatMap(({ key }, place) => (key ? [place] : []));
    const told = await this.#options.asCompared(keys, fieldsOf(rows, table.columns.length, keyColumns));
    const starts = new Int32Array(table.columns.length + 1);
    let [at, nth] = [0, 0];
    for (const { key } of places.of(told)) {
      const { end } = scanLine(rows, at, starts);
      const isGone = op === 'd' || (op === 'u' && before !== 'none' && nth % 2 === 0);
      const line = isGone ? null : Buffer.from(rows.subarray(at, end + 1));
      this.#room -= WORD_BYTES + (line?.length ?? 0);
      if (this.#room < 0) throw this.#options.tooMany();
      this.#said.push({ watched, id: idOf(told, key), line });
      at = end + 1;
      nth++;
    }
  }

  #keep(seq: number): void {
    for (const { watched, id, line } of this.#said) {
      const before = watched.words.get(id);
      if (before !== undefined) this.#room += WORD_BYTES + (before.line?.length ?? 0);
      watched.words.set(id, { line, seq });
    }
    for (const counted of this.#counted) this.#counts.push({ ...counted, seq });
    this.#room -= COUNT_BYTES * this.#counted.length;
    [this.#said, this.#counted] = [[], []];
  }
}
