import { encodeFrameHeader, type Frame, type LastPartFacts, type RecordPart, type RecordRef } from '@changeover/events';

/** A part is closed when it holds this much: small enough to stream, large enough to be cheap. */
const PART_BYTES = 512 * 1024;

/**
 * Frames of one record, cut into parts as they grow, so that a transaction of any size passes in bounded memory.
 */
type RowsKind = 'transaction' | 'snapshot-chunk' | 'reference-data';

export class RecordBuilder {
  readonly #kind: RowsKind;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #schemas: RecordRef[] = [];
  #rows = 0;
  #partsGiven = 0;
  readonly #partBytes: number;

  constructor(kind: RowsKind, partBytes = PART_BYTES) {
    this.#kind = kind;
    this.#partBytes = partBytes;
  }

  /** Parts that {@link takeFullPart} gave: from the first on, nothing may come between. */
  get partsGiven(): number {
    return this.#partsGiven;
  }

  get isEmpty(): boolean {
    return this.#partsGiven === 0 && this.#pieces.length === 0;
  }

  add(frame: Omit<Frame, 'schemaSeq'>, schema: RecordRef): void {
    this.#pieces.push(encodeFrameHeader({ ...frame, schemaSeq: schema.seq }, frame.rows.length), frame.rows);
    this.#bytes += frame.rows.length;
    this.#rows += frame.rowCount;
    if (!this.#schemas.some((known) => known.seq === schema.seq)) this.#schemas.push(schema);
  }

  /** The frames so far as a part that is not the last, or null while they are few. */
  takeFullPart(): RecordPart | null {
    if (this.#bytes < this.#partBytes) return null;
    this.#partsGiven++;
    return { kind: this.#kind, body: this.#takeBody(), last: false, facts: { schemas: this.#takeSchemas() } };
  }

  takeLastPart(facts: LastPartFacts): RecordPart {
    const schemas = this.#takeSchemas();
    return { kind: this.#kind, body: this.#takeBody(), last: true, facts: { ...facts, rows: this.#rows, schemas } };
  }

  #takeBody(): Uint8Array[] {
    const body = this.#pieces;
    this.#pieces = [];
    this.#bytes = 0;
    return body;
  }

  #takeSchemas(): RecordRef[] {
    const refs = this.#schemas;
    this.#schemas = [];
    return refs;
  }
}
