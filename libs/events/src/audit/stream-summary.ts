import type { Position } from '@changeover/core';

import type { Operation } from '../frame/frame.js';
import type { StreamName } from '../log/message-store.port.js';
import type { RecordHeader, RecordKind } from '../record/header.js';
import type { AuditedBatch, AuditedMessage } from './audit-stream.js';
import type { FindingCode } from './finding.js';

/** One end of a stream. */
export type StreamEnd = { readonly seq: number; readonly position: Position; readonly ts_ms: number | null; readonly offset: number };

type TableRows = { readonly table: string | null; readonly rows: Readonly<Partial<Record<Operation, number>>> };

/** What a stream holds, as far as it was read. Counts of records, parts and rows are of those that count. */
export type StreamFacts = {
  readonly stream: StreamName;
  readonly logId: string | null;
  /** Offsets that it kept when it was looked at: `[start, end)`. */
  readonly start: number;
  readonly end: number;
  /** Up to where it was read; less than `end`: it is not all. */
  readonly readTo: number;
  readonly first: StreamEnd | null;
  readonly last: StreamEnd | null;
  readonly records: Readonly<Partial<Record<RecordKind, number>>>;
  readonly parts: number;
  readonly messages: number;
  readonly bytes: number;
  readonly fences: { readonly counted: number; readonly uncounted: number };
  /**
   * Messages that no reader takes: `late`, of a writer that was fenced; `repeated`; `abandoned`, of records that were never finished; `cut`, of records
   * of which a part is lost; `unreadable`, damaged or not given by the store.
   */
  readonly uncounted: {
    readonly late: number;
    readonly repeated: number;
    readonly abandoned: number;
    readonly cut: number;
    readonly unreadable: number;
    readonly bytes: number;
  };
  /** The record that had not ended where reading did. */
  readonly unfinished: { readonly seq: number; readonly messages: number } | null;
  readonly tables: readonly TableRows[];
  readonly largest: { readonly seq: number; readonly bytes: number; readonly parts: number; readonly rows: number } | null;
  /** How often each code was found. */
  readonly found: Readonly<Partial<Record<FindingCode, number>>>;
};

/** Adds up what is in a stream. Its memory is that of the list of tables. */
export class StreamSummary {
  readonly #records = new Map<RecordKind, number>();
  readonly #tables = new Map<string | null, Map<Operation, number>>();
  readonly #found = new Map<FindingCode, number>();
  readonly #uncounted = { late: 0, repeated: 0, abandoned: 0, cut: 0, unreadable: 0, bytes: 0 };
  readonly #fences = { counted: 0, uncounted: 0 };
  #first: StreamEnd | null = null;
  #last: StreamEnd | null = null;
  #largest: StreamFacts['largest'] = null;
  #parts = 0;
  #messages = 0;
  #bytes = 0;
  #readTo = 0;
  /** Of the record under way. */
  #open = { bytes: 0, messages: 0 };

  found(code: FindingCode): void {
    add(this.#found, code, 1);
  }

  take({ messages, lost, reached }: AuditedBatch): void {
    for (const message of messages) this.#message(message);
    // What lies before the beginning is no part of the stream any more.
    if (messages.length === 0 && reached > this.#readTo && this.#readTo > 0) this.#uncounted.unreadable += lost;
    this.#readTo = reached;
  }

  facts(of: {
    readonly stream: StreamName;
    readonly start: number;
    readonly end: number;
    readonly logId: string | null;
    readonly unfinished: StreamFacts['unfinished'];
  }): StreamFacts {
    const tables = [...this.#tables].map(([table, rows]) => ({ table, rows: Object.fromEntries(rows) }));
    return {
      ...of,
      readTo: Math.max(this.#readTo, of.start),
      first: this.#first,
      last: this.#last,
      records: Object.fromEntries(this.#records),
      parts: this.#parts,
      messages: this.#messages,
      bytes: this.#bytes,
      fences: { ...this.#fences },
      uncounted: { ...this.#uncounted },
      tables: tables.sort((a, b) => ((a.table ?? '') < (b.table ?? '') ? -1 : 1)),
      largest: this.#largest,
      found: Object.fromEntries(this.#found),
    };
  }

  #message({ offset, bytes, verdict, abandoned, rows }: AuditedMessage): void {
    this.#messages++;
    this.#bytes += bytes;
    if (abandoned > 0) {
      this.#uncounted.abandoned += abandoned;
      this.#uncounted.bytes += this.#open.bytes;
      this.#open = { bytes: 0, messages: 0 };
    }
    switch (verdict.type) {
      case 'entry':
        this.#open = { bytes: this.#open.bytes + bytes, messages: this.#open.messages + 1 };
        if (verdict.entry.header.last) this.#record(verdict.entry.header, offset, rows);
        return;
      case 'fence':
        this.#fences[verdict.counts ? 'counted' : 'uncounted']++;
        return;
      case 'uncounted':
        this.#uncounted[verdict.why]++;
        break;
      case 'unreadable':
        this.#uncounted.unreadable++;
    }
    this.#uncounted.bytes += bytes;
  }

  #record(header: RecordHeader, offset: number, rows: AuditedMessage['rows']): void {
    const { kind, seq, pos, follows, ts_ms } = header;
    add(this.#records, kind, 1);
    for (const { table, op, rows: count } of rows) {
      const ofTable = this.#tables.get(table) ?? new Map<Operation, number>();
      this.#tables.set(table, ofTable);
      add(ofTable, op, count);
    }
    const { bytes, messages: parts } = this.#open;
    this.#open = { bytes: 0, messages: 0 };
    this.#parts += parts;
    if (bytes > (this.#largest?.bytes ?? 0)) this.#largest = { seq, bytes, parts, rows: header.rows ?? 0 };
    const end: StreamEnd = { seq, position: pos ?? follows, ts_ms: ts_ms ?? null, offset };
    this.#first ??= end;
    this.#last = end;
  }
}

function add<K>(counts: Map<K, number>, key: K, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
