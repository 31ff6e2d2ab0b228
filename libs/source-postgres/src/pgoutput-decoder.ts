import { isNativeError } from 'node:util/types';

import { ChangeoverError, invariant, NO_POSITION, type Position } from '@changeover/core';
import { CopyTextWriter, type Before, type Operation, type SourceEvent, type TableSchema } from '@changeover/events';

import { readPosition } from './lsn.js';
import { readRelation, TextReader, type Relation } from './relation.js';

/** A `rows` event is closed at this size. */
const ROWS_BYTES = 64 * 1024;
/** Microseconds since 2000-01-01, as PostgreSQL counts, begin here in ours. */
const POSTGRES_EPOCH_MS = 946_684_800_000;

const BEGIN = 0x42; // B
const COMMIT = 0x43; // C
const ORIGIN = 0x4f; // O
const RELATION = 0x52; // R
const TYPE = 0x59; // Y
const INSERT = 0x49; // I
const UPDATE = 0x55; // U
const DELETE = 0x44; // D
const TRUNCATE = 0x54; // T
const MESSAGE = 0x4d; // M

const OLD_KEY = 0x4b; // K
const OLD_ROW = 0x4f; // O
const NEW_ROW = 0x4e; // N

const VALUE_NULL = 0x6e; // n
const VALUE_UNCHANGED = 0x75; // u
const VALUE_TEXT = 0x74; // t

const NO_ROWS = Buffer.alloc(0);

/** A relation and, once it is known, the form of the table that it belongs to. */
type KnownRelation = { readonly relation: Relation; readonly inIdentity: Uint8Array; form: TableSchema | undefined };

type OpenTransaction = {
  readonly txId: string;
  readonly ts_ms: number;
  /** It ended at or before the position to go on from: the log has it. */
  readonly skip: boolean;
  origin: string | undefined;
  /** `begin` was emitted. It waits for the first row, so that a transaction without any leaves no trace. */
  begun: boolean;
  readonly marks: string[];
};

/** The form of the relation's table has to be looked up, as the transaction `txId` saw it. */
export type MissingForm = { readonly relation: Relation; readonly txId: string };

export type DecoderOptions = {
  /** Transactions that end at or before it are dropped. */
  readonly after: Position;
  /** Marks with another prefix are not ours. */
  readonly markPrefix: string;
  readonly emit: (event: SourceEvent) => void;
};

/**
 * Decodes pgoutput's messages, protocol version 1
 * (https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html), into source events.
 *
 * Values never become strings: they go from the message's bytes into COPY text, and rows of one kind collect in one
 * buffer. So a message's bytes need to live only as long as the call.
 *
 * A transaction in which nothing was published shows as a `keepalive` at its end. A transaction that holds only our
 * mark shows as the `mark` alone; one that holds rows too as `commit`, then `mark`, at the same position.
 */
export class PgoutputDecoder {
  readonly #options: DecoderOptions;
  readonly #relations = new Map<number, KnownRelation>();
  readonly #rows = new CopyTextWriter(ROWS_BYTES * 2);
  #transaction: OpenTransaction | undefined;
  /** The highest position emitted, so that a keepalive never says what is known. */
  #reached: Position;

  // The rows collected and not yet emitted; #relation is undefined if there are none.
  #relation: KnownRelation | undefined;
  #op: 'c' | 'u' | 'd' = 'c';
  #before: Before = 'none';
  #partial = false;
  #rowCount = 0;

  /** Where the values of the last whole old row lie in its message: `start` and `end` per column, -1 for null. */
  #oldRow: Int32Array = new Int32Array(0);

  constructor(options: DecoderOptions) {
    this.#options = options;
    this.#reached = options.after;
  }

  /**
   * Takes one message, which begins at `at`. If a form is missing, nothing was taken: {@link provide} it, then decode
   * the message again. SOURCE_DATA for what the protocol does not know.
   */
  decode(message: Buffer, at: number): MissingForm | undefined {
    const tag = message[at];
    try {
      switch (tag) {
        case INSERT:
          return this.#insert(message, at + 1);
        case UPDATE:
          return this.#update(message, at + 1);
        case DELETE:
          return this.#delete(message, at + 1);
        case BEGIN:
          this.#begin(message, at + 1);
          return undefined;
        case COMMIT:
          this.#commit(message, at + 1);
          return undefined;
        case RELATION:
          this.#announce(readRelation(message, at + 1));
          return undefined;
        case TRUNCATE:
          return this.#truncate(message, at + 1);
        case ORIGIN:
          this.#origin(message, at + 1);
          return undefined;
        case MESSAGE:
          this.#mark(message, at + 1);
          return undefined;
        case TYPE:
          // The types of a table's columns come from the catalogue, with the form.
          return undefined;
        default:
          throw new ChangeoverError('SOURCE_DATA', `the source sent a message of the unknown kind ${String(tag)}`);
      }
    } catch (error) {
      if (!isNativeError(error) || error.name !== 'RangeError') throw error;
      throw new ChangeoverError('SOURCE_DATA', `a message of kind ${String.fromCharCode(tag ?? 0)} ends too early`, { cause: error });
    }
  }

  /** Tells the form of a relation that {@link decode} asked for. */
  provide(relation: Relation, form: TableSchema): void {
    const known = this.#relations.get(relation.oid);
    // Announced anew while the form was looked up: the next row asks again.
    if (known?.relation === relation) known.form = form;
  }

  /** The source has nothing more for us up to `position`. Means nothing inside a transaction. */
  keepalive(position: Position): void {
    if (this.#transaction === undefined) this.#quiet(position);
  }

  #begin(message: Buffer, at: number): void {
    if (this.#transaction !== undefined) throw new ChangeoverError('SOURCE_DATA', 'a transaction begins inside another');
    // "Final LSN" is where the commit record begins; its end, which is the transaction's position, lies behind it. Both
    // it and `after` are boundaries of records, so it ends at or before `after` if and only if it begins before.
    const commitStart = readPosition(message, at);
    this.#transaction = {
      ts_ms: readTimestamp(message, at + 8),
      txId: String(message.readUInt32BE(at + 16)),
      skip: this.#options.after !== NO_POSITION && commitStart < this.#options.after,
      origin: undefined,
      begun: false,
      marks: [],
    };
  }

  #commit(message: Buffer, at: number): void {
    const transaction = this.#open();
    this.#flush();
    const position = readPosition(message, at + 9);
    this.#transaction = undefined;
    if (transaction.skip) return;
    if (position <= this.#reached) {
      throw new ChangeoverError('SOURCE_DATA', `a transaction ends at ${position}, but the stream had reached ${this.#reached}`);
    }
    if (!transaction.begun && transaction.marks.length === 0) {
      this.#quiet(position);
      return;
    }
    this.#reached = position;
    if (transaction.begun) this.#options.emit({ type: 'commit', position });
    for (const token of transaction.marks) this.#options.emit({ type: 'mark', token, position, ts_ms: transaction.ts_ms });
  }

  #announce(relation: Relation): void {
    const inIdentity = Uint8Array.from(relation.columns, (column) => (column.inIdentity ? 1 : 0));
    this.#relations.set(relation.oid, { relation, inIdentity, form: undefined });
  }

  #insert(message: Buffer, at: number): MissingForm | undefined {
    if (this.#open().skip) return undefined;
    const known = this.#known(message.readUInt32BE(at));
    if (known.form === undefined) return this.#missing(known);
    this.#collect(known, 'c', 'none');
    this.#complete(message, this.#tuple(message, this.#expect(message, at + 4, NEW_ROW), known, false));
    return undefined;
  }

  #update(message: Buffer, at: number): MissingForm | undefined {
    if (this.#open().skip) return undefined;
    const known = this.#known(message.readUInt32BE(at));
    if (known.form === undefined) return this.#missing(known);
    const kind = message[at + 4];
    let next = at + 4;
    if (kind === OLD_KEY) {
      this.#collect(known, 'u', 'key');
      next = this.#keyTuple(message, at + 5, known);
    } else if (kind === OLD_ROW) {
      this.#collect(known, 'u', 'full');
      this.#oldRow = new Int32Array(known.inIdentity.length * 2);
      next = this.#tuple(message, at + 5, known, false, this.#oldRow);
    } else {
      this.#collect(known, 'u', 'none');
    }
    this.#complete(message, this.#tuple(message, this.#expect(message, next, NEW_ROW), known, kind === OLD_ROW));
    return undefined;
  }

  #delete(message: Buffer, at: number): MissingForm | undefined {
    if (this.#open().skip) return undefined;
    const known = this.#known(message.readUInt32BE(at));
    if (known.form === undefined) return this.#missing(known);
    const whole = message[at + 4] === OLD_ROW;
    this.#collect(known, 'd', whole ? 'full' : 'key');
    this.#complete(
      message,
      whole ? this.#tuple(message, at + 5, known, false) : this.#keyTuple(message, this.#expect(message, at + 4, OLD_KEY), known),
    );
    return undefined;
  }

  #truncate(message: Buffer, at: number): MissingForm | undefined {
    if (this.#open().skip) return undefined;
    const text = new TextReader(message, at);
    const count = text.int32();
    text.uint8(); // CASCADE, RESTART IDENTITY: what else they truncated is in the list; sequences are not captured.
    const tables = Array.from({ length: count }, () => this.#known(text.uint32()));
    const unknown = tables.find((table) => table.form === undefined);
    if (unknown !== undefined) return this.#missing(unknown);
    this.#flush();
    this.#emitBegin();
    for (const { form } of tables) {
      invariant(form !== undefined, 'a table without form is truncated');
      this.#options.emit({ type: 'rows', table: form, op: 't', before: 'none', partial: false, rowCount: 0, rows: NO_ROWS });
    }
    return undefined;
  }

  #missing({ relation }: KnownRelation): MissingForm {
    return { relation, txId: this.#open().txId };
  }

  #origin(message: Buffer, at: number): void {
    const text = new TextReader(message, at);
    text.skip(8);
    this.#open().origin = text.string();
  }

  #mark(message: Buffer, at: number): void {
    const text = new TextReader(message, at);
    const transactional = (text.uint8() & 1) !== 0;
    text.skip(8);
    if (!transactional || text.string() !== this.#options.markPrefix) return;
    this.#open().marks.push(text.text(text.uint32()));
  }

  /** Makes room for a row of this kind: rows of another kind that were collected are emitted first. */
  #collect(known: KnownRelation, op: 'c' | 'u' | 'd', before: Before): void {
    if (this.#relation === known && this.#op === op && this.#before === before) return;
    this.#flush();
    this.#relation = known;
    this.#op = op;
    this.#before = before;
  }

  #complete(message: Buffer, end: number): void {
    if (end !== message.length) throw new ChangeoverError('SOURCE_DATA', 'a row is not as long as its message');
    this.#rowCount++;
    if (this.#rows.length >= ROWS_BYTES) this.#flush();
  }

  #flush(): void {
    const known = this.#relation;
    if (known === undefined) return;
    this.#relation = undefined;
    const { form } = known;
    invariant(form !== undefined, 'rows of a table without form');
    this.#emitBegin();
    const op: Operation = this.#op;
    this.#options.emit({
      type: 'rows',
      table: form,
      op,
      before: this.#before,
      partial: this.#partial,
      rowCount: this.#rowCount,
      rows: this.#rows.take(),
    });
    this.#partial = false;
    this.#rowCount = 0;
  }

  #emitBegin(): void {
    const transaction = this.#open();
    if (transaction.begun) return;
    transaction.begun = true;
    const { txId, ts_ms, origin } = transaction;
    this.#options.emit({ type: 'begin', txId, ts_ms, ...(origin === undefined ? {} : { origin }) });
  }

  #quiet(position: Position): void {
    if (position <= this.#reached) return;
    this.#reached = position;
    this.#options.emit({ type: 'keepalive', position });
  }

  /**
   * Writes the row at `at` as one line and gives where it ends. With `oldKnown` an unchanged value is taken from
   * {@link #oldRow}, which REPLICA IDENTITY FULL gives whole; with `places` the row's own places are noted.
   */
  #tuple(message: Buffer, at: number, known: KnownRelation, oldKnown: boolean, places?: Int32Array): number {
    const rows = this.#rows;
    const columns = this.#columnCount(message, at, known);
    let next = at + 2;
    for (let column = 0; column < columns; column++) {
      if (column > 0) rows.tab();
      const kind = message[next++];
      if (kind === VALUE_TEXT) {
        const start = next + 4;
        next = start + readLength(message, next);
        rows.value(message, start, next);
        if (places !== undefined) {
          places[column * 2] = start;
          places[column * 2 + 1] = next;
        }
      } else if (kind === VALUE_NULL) {
        rows.null();
        if (places !== undefined) places[column * 2] = -1;
      } else if (kind === VALUE_UNCHANGED && oldKnown) {
        const start = this.#oldRow[column * 2] as number;
        if (start === -1) rows.null();
        else rows.value(message, start, this.#oldRow[column * 2 + 1] as number);
      } else if (kind === VALUE_UNCHANGED && places === undefined && this.#op === 'u') {
        rows.unchanged();
        this.#partial = true;
      } else {
        throw new ChangeoverError('SOURCE_DATA', `a value of the unknown kind ${String(kind)} in ${tableName(known)}`);
      }
    }
    rows.endRow();
    return next;
  }

  /** An old key: pgoutput sends null for columns outside it, which is not what they held. */
  #keyTuple(message: Buffer, at: number, known: KnownRelation): number {
    const rows = this.#rows;
    const columns = this.#columnCount(message, at, known);
    let next = at + 2;
    for (let column = 0; column < columns; column++) {
      if (column > 0) rows.tab();
      const kind = message[next++];
      const end = kind === VALUE_TEXT ? next + 4 + readLength(message, next) : next;
      if (known.inIdentity[column] !== 1) rows.unchanged();
      else if (kind === VALUE_TEXT) rows.value(message, next + 4, end);
      else if (kind === VALUE_NULL) rows.null();
      else throw new ChangeoverError('SOURCE_DATA', `a key value of the unknown kind ${String(kind)} in ${tableName(known)}`);
      next = end;
    }
    rows.endRow();
    return next;
  }

  #columnCount(message: Buffer, at: number, known: KnownRelation): number {
    const columns = message.readUInt16BE(at);
    if (columns !== known.inIdentity.length) {
      throw new ChangeoverError(
        'SOURCE_DATA',
        `a row of ${tableName(known)} has ${String(columns)} columns instead of ${String(known.inIdentity.length)}`,
      );
    }
    return columns;
  }

  #expect(message: Buffer, at: number, kind: number): number {
    if (message[at] !== kind) throw new ChangeoverError('SOURCE_DATA', `a row of the unknown kind ${String(message[at])}`);
    return at + 1;
  }

  #known(oid: number): KnownRelation {
    const known = this.#relations.get(oid);
    if (known === undefined) throw new ChangeoverError('SOURCE_DATA', `a row of relation ${String(oid)}, which was not announced`);
    return known;
  }

  #open(): OpenTransaction {
    if (this.#transaction === undefined) throw new ChangeoverError('SOURCE_DATA', 'a change outside a transaction');
    return this.#transaction;
  }
}

/** By hand, because `readUInt32BE` checks its range for every value of every row. What it reads past the end makes a row that {@link PgoutputDecoder} refuses by its length. */
function readLength(message: Buffer, at: number): number {
  return (
    ((message[at] as number) << 24) | ((message[at + 1] as number) << 16) | ((message[at + 2] as number) << 8) | (message[at + 3] as number)
  );
}

/** In ms since the Unix epoch. Two numbers instead of a BigInt: microseconds since 2000 stay below 2^53 until 2285. */
function readTimestamp(message: Buffer, at: number): number {
  return Math.floor((message.readInt32BE(at) * 2 ** 32 + message.readUInt32BE(at + 4)) / 1000) + POSTGRES_EPOCH_MS;
}

function tableName(known: KnownRelation): string {
  return `${known.relation.schema}.${known.relation.table}`;
}
