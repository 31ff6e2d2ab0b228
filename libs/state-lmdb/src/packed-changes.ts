export type ChangedTable = 'entries' | 'members';
export type PackedChange = { readonly table: ChangedTable; readonly key: Buffer; readonly value: Buffer | null };

const HEADER_BYTES = 7;
const PIECE_BYTES = 256 * 1024;
/** A location is the index of a piece times this, and the offset in it. */
const PIECES_APART = 2 ** 32;

/**
 * Changes as they go to the writer's process, one behind the other: table and whether it is removed (1), length of key (2) and of value (4), both.
 * They are packed when they are made: kept as small buffers they take several times their bytes, and a commit would have to pack them.
 */
export class PackedChanges {
  /** A change that is larger than a piece gets one of its own. */
  readonly #pieces: Buffer[] = [];
  #last: Buffer = Buffer.alloc(0);
  #length = 0;

  /** Gives the location of the change. */
  add(table: ChangedTable, key: string, value: Uint8Array | null): number {
    const valueBytes = value?.byteLength ?? 0;
    const size = HEADER_BYTES + key.length + valueBytes;
    if (this.#length + size > this.#last.length) this.#begin(Math.max(size, PIECE_BYTES));
    const start = this.#length;
    let at = this.#last.writeUInt8((table === 'members' ? 2 : 0) + (value === null ? 1 : 0), start);
    at = this.#last.writeUInt16BE(key.length, at);
    at = this.#last.writeUInt32BE(valueBytes, at);
    at += this.#last.write(key, at, 'latin1');
    if (value !== null) this.#last.set(value, at);
    this.#length = at + valueBytes;
    return this.#pieces.length * PIECES_APART + start;
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
  for (let at = 0; at < piece.length;) {
    const change = unpack(piece, at);
    yield change;
    at += HEADER_BYTES + change.key.length + (change.value?.length ?? 0);
  }
}

function unpack(piece: Buffer, at: number): PackedChange {
  const flags = piece.readUInt8(at);
  const value = at + HEADER_BYTES + piece.readUInt16BE(at + 1);
  return {
    table: (flags & 2) === 0 ? 'entries' : 'members',
    key: piece.subarray(at + HEADER_BYTES, value),
    value: (flags & 1) === 0 ? piece.subarray(value, value + piece.readUInt32BE(at + 3)) : null,
  };
}
