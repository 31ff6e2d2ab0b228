import { PENDING_CHANGE_BYTES, type StateChanges } from '@changeover/events';

import { KeyIndex, hashOf } from './key-index.js';
import { textOf } from './keys.js';
import { PackedChanges, type PackedChange } from './packed-changes.js';
import { SetChanges } from './set-changes.js';

const NOTHING = new Uint8Array(0);
const PIECE_BYTES = 256 * 1024;

/** What was changed of a set. Most of them nobody asks for before they are committed: until then it is only known where the changes are packed. */
type ChangedSet = { readonly locations: number[]; found: SetChanges | null };

/** Changes that belong to the same commit, as long as LMDB does not have them. */
export class Uncommitted {
  readonly #packed = new PackedChanges(PIECE_BYTES);
  readonly #entries = new KeyIndex((number, key) => this.#packed.hasKey(this.#locations[number] as number, key));
  /** Where the last change of a key is packed, by its number. */
  readonly #locations: number[] = [];
  readonly #sets = new KeyIndex((number, set) => this.#packed.hasSet((this.#changed[number] as ChangedSet).locations[0] as number, set));
  /** By the number of the set. */
  readonly #changed: ChangedSet[] = [];
  /** The first piece that was adopted and not looked into; null: there is none. Most are committed before anybody asks for what they hold. */
  #unread: number | null = null;
  #pendingBytes = 0;

  /** As {@link StateStore.pendingBytes} counts. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** null: removed; undefined: not changed. `hash`: of the key. */
  get(key: Uint8Array, hash: number): Buffer | null | undefined {
    this.#read();
    const number = this.#entries.find(key, hash);
    return number < 0 ? undefined : this.#packed.valueAt(this.#locations[number] as number);
  }

  /** Changed keys that begin with `prefix` and lie behind `after`, each with its value or null. */
  *entriesUnder(prefix: Uint8Array, after: Uint8Array | null): Generator<readonly [key: string, value: Buffer | null]> {
    this.#read();
    for (const location of this.#locations) {
      if (!this.#packed.isUnder(location, prefix)) continue;
      const { key, value } = this.#packed.at(location);
      if (after === null || key.compare(after) > 0) yield [textOf(key), value];
    }
  }

  put(key: Uint8Array, value: Uint8Array | null): void {
    this.#read();
    this.#pendingBytes += PENDING_CHANGE_BYTES + key.length + (value?.byteLength ?? 0);
    this.#enterEntry(key, this.#packed.add('entries', key, value));
  }

  changeMember(set: Uint8Array, member: Uint8Array, present: boolean): void {
    this.#read();
    this.#pendingBytes += PENDING_CHANGE_BYTES + set.length + member.length;
    this.#enterMember(set, this.#packed.addMember(set, member, present ? NOTHING : null))?.set(textOf(member), present);
  }

  membersOf(set: Uint8Array): SetChanges | undefined {
    this.#read();
    const changed = this.#changed[this.#sets.find(set, hashOf(set))];
    if (changed === undefined) return undefined;
    if (changed.found === null) {
      changed.found = new SetChanges();
      for (const location of changed.locations) {
        const { member, isPresent } = this.#packed.memberAt(location);
        changed.found.set(member, isPresent);
      }
    }
    return changed.found;
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
    if (table === 'entries') {
      this.#enterEntry(key, location);
      return;
    }
    const behindSet = 2 + key.readUInt16BE(0);
    this.#enterMember(key.subarray(2, behindSet), location)?.set(key.toString('latin1', behindSet), value !== null);
  }

  #enterEntry(key: Uint8Array, location: number): void {
    const hash = hashOf(key);
    const number = this.#entries.find(key, hash);
    this.#locations[number < 0 ? this.#entries.add(hash) : number] = location;
  }

  /** Gives what is to be told of the change, as somebody has asked for the set. */
  #enterMember(set: Uint8Array, location: number): SetChanges | null {
    const hash = hashOf(set);
    const number = this.#sets.find(set, hash);
    if (number < 0) this.#changed[this.#sets.add(hash)] = { locations: [location], found: null };
    else (this.#changed[number] as ChangedSet).locations.push(location);
    return number < 0 ? null : (this.#changed[number] as ChangedSet).found;
  }
}
