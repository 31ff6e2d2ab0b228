export type ChangedTable = 'entries' | 'members';
export type PackedChange = { readonly table: ChangedTable; readonly key: Buffer; readonly value: Buffer | null };

const HEADER_BYTES = 7;
const NO_PIECE = Buffer.alloc(0);
/** In the first byte of a change. */
const [REMOVED, MEMBERS] = [1, 2];
const FEW_BYTES = 64;
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

  /** Gives the location of the change. null: the key is removed. */
  add(table: ChangedTable, key: Uint8Array, value: Uint8Array | null): number {
    const start = this.#header(table === 'members' ? MEMBERS : 0, key.length, value);
    this.#end(copy(key, this.#last, start + HEADER_BYTES), value);
    return this.#pieces.length * PIECES_APART + start;
  }

  /** The same of a member of a set. The length in front of the set's name keeps ("a", "bc") and ("ab", "c") apart. */
  addMember(set: Uint8Array, member: Uint8Array, value: Uint8Array | null): number {
    const start = this.#header(MEMBERS, 2 + set.length + member.length, value);
    const name = this.#last.writeUInt16BE(set.length, start + HEADER_BYTES);
    this.#end(copy(member, this.#last, copy(set, this.#last, name)), value);
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

  /** The change at a location. */
  at(location: number): PackedChange {
    return unpack(this.#pieceOf(location), startOf(location));
  }

  /** The value at a location; null: removed there. */
  valueAt(location: number): Buffer | null {
    const [piece, start] = [this.#pieceOf(location), startOf(location)];
    if (((piece[start] as number) & REMOVED) !== 0) return null;
    return piece.subarray(endOfKey(piece, start), endOf(piece, start));
  }

  /** The member of which the change at a location is, each of its bytes a character. */
  memberAt(location: number): { readonly member: string; readonly isPresent: boolean } {
    const [piece, start] = [this.#pieceOf(location), startOf(location)];
    const set = start + HEADER_BYTES + 2;
    const member = piece.toString('latin1', set + piece.readUInt16BE(set - 2), endOfKey(piece, start));
    return { member, isPresent: ((piece[start] as number) & REMOVED) === 0 };
  }

  /** Whether the change at a location is of the entry with this key. */
  hasKey(location: number, key: Uint8Array): boolean {
    const [piece, start] = [this.#pieceOf(location), startOf(location)];
    return lengthAt(piece, start + 1) === key.length && isAt(key, piece, start + HEADER_BYTES);
  }

  /** Whether the change at a location is of the set with this name. */
  hasSet(location: number, set: Uint8Array): boolean {
    const [piece, name] = [this.#pieceOf(location), startOf(location) + HEADER_BYTES];
    return lengthAt(piece, name) === set.length && isAt(set, piece, name + 2);
  }

  /** Whether the change at a location is of a key that begins with these bytes. */
  isUnder(location: number, prefix: Uint8Array): boolean {
    const [piece, start] = [this.#pieceOf(location), startOf(location)];
    return lengthAt(piece, start + 1) >= prefix.length && isAt(prefix, piece, start + HEADER_BYTES);
  }

  pieces(): readonly Buffer[] {
    return [...this.#pieces, this.#last.subarray(0, this.#length)];
  }

  /** Gives where the change begins: behind it the key is to be written, and the value. */
  #header(flags: number, keyBytes: number, value: Uint8Array | null): number {
    const valueBytes = value?.byteLength ?? 0;
    const size = HEADER_BYTES + keyBytes + valueBytes;
    if (this.#length + size > this.#last.length) this.#begin(Math.max(size, this.#pieceBytes));
    const start = this.#length;
    this.#last[start] = flags + (value === null ? REMOVED : 0);
    this.#last.writeUInt32BE(valueBytes, this.#last.writeUInt16BE(keyBytes, start + 1));
    return start;
  }

  #end(at: number, value: Uint8Array | null): void {
    this.#length = value === null ? at : copy(value, this.#last, at);
  }

  #pieceOf(location: number): Buffer {
    return this.#pieces[Math.floor(location / PIECES_APART)] ?? this.#last;
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

function startOf(location: number): number {
  return location - Math.floor(location / PIECES_APART) * PIECES_APART;
}

/** Gives where the bytes end. Few bytes, as most keys have, are copied and compared faster here than Node is called. */
function copy(bytes: Uint8Array, to: Buffer, at: number): number {
  if (bytes.length > FEW_BYTES) to.set(bytes, at);
  else for (let index = 0; index < bytes.length; index++) to[at + index] = bytes[index] as number;
  return at + bytes.length;
}

function isAt(bytes: Uint8Array, piece: Buffer, at: number): boolean {
  if (bytes.length > FEW_BYTES) return piece.compare(bytes, 0, bytes.length, at, at + bytes.length) === 0;
  for (let index = 0; index < bytes.length; index++) if (piece[at + index] !== bytes[index]) return false;
  return true;
}

function lengthAt(piece: Buffer, at: number): number {
  return ((piece[at] as number) << 8) | (piece[at + 1] as number);
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
