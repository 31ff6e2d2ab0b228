/** Debezium's words: create, update, delete, read (snapshot), truncate. */
export type Operation = 'c' | 'u' | 'd' | 'r' | 't';

/** What a row says of the row before the change. */
export type Before = 'none' | 'key' | 'full';

/**
 * Rows of one table and operation, one behind the other in commit order, as PostgreSQL COPY text lines
 * (`value TAB value … LF`; `\N` null; `\b \f \n \r \t \v \\` escaped).
 *
 * Per row: with `before` none one line (c, u: after; d: not allowed); with key or full: c: not allowed, u: a line before, then a
 * line after; d: one line before. Columns that a line does not tell hold {@link UNCHANGED} (`\U`): in an
 * after line a large value that did not change, in a `key` before line every column outside the key; `partial` says that
 * after lines of this frame may hold it. t: no rows.
 */
export type Frame = {
  readonly op: Operation;
  readonly before: Before;
  readonly partial: boolean;
  /** Sequence of the schema record that names the columns. */
  readonly schemaSeq: number;
  readonly rowCount: number;
  readonly rows: Buffer;
};

/** Bytes of a frame's own header: op(1) flags(1) schemaSeq(6) rowCount(4) byteLength(4), big-endian. */
export const FRAME_HEADER_BYTES = 16;
