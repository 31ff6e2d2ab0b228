import { PENDING_CHANGE_BYTES, type StateChanges } from '@changeover/events';

import { setPrefix } from './keys.js';
import { PackedChanges, type PackedChange } from './packed-changes.js';
import { SetChanges } from './set-changes.js';

const NOTHING = new Uint8Array(0);
const PIECE_BYTES = 256 * 1024;

/** Changes that belong to the same commit, as long as LMDB does not have them. */
export class Uncommitted {
  readonly #packed = new PackedChanges(PIECE_BYTES);
  /** Where the last change of a key is packed. */
  readonly #entries = new Map<string, number>();
  readonly #sets = new Map<string, SetChanges>();
  /** The first piece that was adopted and not looked into; null: there is none. Most are committed before anybody asks for what they hold. */
  #unread: number | null = null;
  #pendingBytes = 0;

  /** As {@link StateStore.pendingBytes} counts. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** null: removed; undefined: not changed. */
  get(key: string): Buffer | null | undefined {
    this.#read();
    const location = this.#entries.get(key);
    return location === undefined ? undefined : this.#packed.valueAt(location);
  }

  /** Changed keys that begin with `prefix` and lie behind `after`, each with its value or null. */
  *entriesUnder(prefix: string, after: string | null): Generator<readonly [key: string, value: Buffer | null]> {
    this.#read();
    for (const [key, location] of this.#entries) {
      if (key.startsWith(prefix) && (after === null || key > after)) yield [key, this.#packed.valueAt(location)];
    }
  }

  put(key: string, value: Uint8Array | null): void {
    this.#read();
    this.#pendingBytes += PENDING_CHANGE_BYTES + key.length + (value?.byteLength ?? 0);
    this.#entries.set(key, this.#packed.add('entries', key, value));
  }

  changeMember(set: string, member: string, present: boolean): void {
    this.#read();
    const changes = this.#changesOf(set);
    if (changes.get(member) === present) return;
    changes.set(member, present);
    this.#pendingBytes += PENDING_CHANGE_BYTES + set.length + member.length;
    this.#packed.add('members', setPrefix(set) + member, present ? NOTHING : null);
  }

  membersOf(set: string): SetChanges | undefined {
    this.#read();
    return this.#sets.get(set);
  }

  adopt({ pieces, pendingBytes }: StateChanges): void {
    const first = this.#packed.adopt(pieces.map((piece) => Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)));
    this.#unread ??= first;
    this.#pendingBytes += pendingBytes;
  }

  /** All changes in the order in which they were made. */
  pieces(): readonly Buffer[] {
    return this.#packed.pieces();
  }

  #read(): void {
    if (this.#unread === null) return;
    const first = this.#unread;
    this.#unread = null;
    for (const [change, location] of this.#packed.from(first)) this.#find(change, location);
  }

  #find({ table, key, value }: PackedChange, location: number): void {
    const text = key.toString('latin1');
    if (table === 'entries') {
      this.#entries.set(text, location);
      return;
    }
    const behindSet = 2 + key.readUInt16BE(0);
    this.#changesOf(text.slice(2, behindSet)).set(text.slice(behindSet), value !== null);
  }

  #changesOf(set: string): SetChanges {
    let changes = this.#sets.get(set);
    if (changes === undefined) this.#sets.set(set, (changes = new SetChanges()));
    return changes;
  }
}
