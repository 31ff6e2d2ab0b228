export type ChangedTable = 'entries' | 'members';
export type PackedChange = { readonly table: ChangedTable; readonly key: Buffer; readonly value: Buffer | null };

const HEADER_BYTES = 7;
const NO_PIECE = Buffer.alloc(0);
/** In the first byte of a change. */
const [REMOVED, MEMBERS] = [1, 2];
/** A location is the index of a piece times this, and the offset in it. */
const PIECES_APART = 2 ** 32;

/**
 * Changes as they go to the writer's process, one behind the other: table and whether it is removed (1), length of key (2) and of value (4), both.
 * They are packed when they are made: kept as small buffers they take several times their bytes, and a commit would have to pack them.
 */
export class PackedChanges {
  readonly #pieceBytes: number;
  readonly #pieces: Buffer[] = [];
  #last: Buffer = NO_PIECE;
  #length = 0;

  /** A change that is larger than a piece gets one of its own. */
  constructor(pieceBytes: number) {
    this.#pieceBytes = pieceBytes;
  }

  /** Gives the location of the change. */
  add(table: ChangedTable, key: string, value: Uint8Array | null): number {
    const valueBytes = value?.byteLength ?? 0;
    const size = HEADER_BYTES + key.length + valueBytes;
    if (this.#length + size > this.#last.length) this.#begin(Math.max(size, this.#pieceBytes));
    const start = this.#length;
    let at = this.#last.writeUInt8((table === 'members' ? MEMBERS : 0) + (value === null ? REMOVED : 0), start);
    at = this.#last.writeUInt16BE(key.length, at);
    at = this.#last.writeUInt32BE(valueBytes, at);
    at += this.#last.write(key, at, 'latin1');
    if (value !== null) this.#last.set(value, at);
    this.#length = at + valueBytes;
    return this.#pieces.length * PIECES_APART + start;
  }

  /** Changes that were packed elsewhere come behind those so far, as pieces of their own; gives the index of the first. */
  adopt(pieces: readonly Buffer[]): number {
    if (this.#length > 0) this.#pieces.push(this.#last.subarray(0, this.#length));
    this.#last = NO_PIECE;
    this.#length = 0;
    return this.#pieces.push(...pieces) - pieces.length;
  }

  /** The changes of the pieces from `first` on, each with its location. */
  *from(first: number): Generator<readonly [change: PackedChange, location: number]> {
    for (const [index, piece] of this.pieces().entries()) {
      if (index < first) continue;
      for (const start of startsIn(piece)) yield [unpack(piece, start), index * PIECES_APART + start];
    }
  }

  /** The value at a location; null: removed there. */
  valueAt(location: number): Buffer | null {
    const piece = this.#pieces[Math.floor(location / PIECES_APART)] ?? this.#last;
    return unpack(piece, location % PIECES_APART).value;
  }

  pieces(): readonly Buffer[] {
    return [...this.#pieces, this.#last.subarray(0, this.#length)];
  }

  #begin(size: number): void {
    if (this.#length > 0) this.#pieces.push(this.#last.subarray(0, this.#length));
    this.#last = Buffer.allocUnsafeSlow(size);
    this.#length = 0;
  }
}

export function* unpackChanges(piece: Buffer): Generator<PackedChange> {
  for (const start of startsIn(piece)) yield unpack(piece, start);
}

/**
 * The last change of each key, in the order of the keys: so LMDB writes a page that several of them lie in only once, even if they are made
 * in several transactions. What is sorted is where they begin: as objects, many small ones would take ten times their bytes.
 */
export function* lastChanges(pieces: readonly Buffer[]): Generator<PackedChange> {
  const changes = Buffer.concat(pieces);
  const starts = Uint32Array.from(startsIn(changes)).sort((a, b) => compareKeys(changes, a, b) || a - b);
  for (let i = 0; i < starts.length; i++) {
    const [start, next] = [starts[i] as number, starts[i + 1]];
    if (next === undefined || compareKeys(changes, start, next) !== 0) yield unpack(changes, start);
  }
}

function* startsIn(changes: Buffer): Generator<number> {
  for (let at = 0; at < changes.length; at = endOf(changes, at)) yield at;
}

function compareKeys(changes: Buffer, a: number, b: number): number {
  const tables = (changes.readUInt8(a) & MEMBERS) - (changes.readUInt8(b) & MEMBERS);
  return tables || changes.compare(changes, b + HEADER_BYTES, endOfKey(changes, b), a + HEADER_BYTES, endOfKey(changes, a));
}

function endOfKey(piece: Buffer, at: number): number {
  return at + HEADER_BYTES + piece.readUInt16BE(at + 1);
}

function endOf(piece: Buffer, at: number): number {
  return endOfKey(piece, at) + piece.readUInt32BE(at + 3);
}

function unpack(piece: Buffer, at: number): PackedChange {
  const flags = piece.readUInt8(at);
  const value = endOfKey(piece, at);
  return {
    table: (flags & MEMBERS) === 0 ? 'entries' : 'members',
    key: piece.subarray(at + HEADER_BYTES, value),
    value: (flags & REMOVED) === 0 ? piece.subarray(value, endOf(piece, at)) : null,
  };
}
