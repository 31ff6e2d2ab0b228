import { setPrefix } from './keys.js';
import { PackedChanges } from './packed-changes.js';
import { SetChanges } from './set-changes.js';

const NOTHING = new Uint8Array(0);
const PIECE_BYTES = 256 * 1024;

/** Changes that belong to the same commit, as long as LMDB does not have them. */
export class Uncommitted {
  readonly #packed = new PackedChanges(PIECE_BYTES);
  /** Where the last change of a key is packed. */
  readonly #entries = new Map<string, number>();
  readonly #sets = new Map<string, SetChanges>();

  #bytes = 0;

  /** Of keys and values. */
  get bytes(): number {
    return this.#bytes;
  }

  /** null: removed; undefined: not changed. */
  get(key: string): Buffer | null | undefined {
    const location = this.#entries.get(key);
    return location === undefined ? undefined : this.#packed.valueAt(location);
  }

  /** Changed keys that begin with `prefix` and lie behind `after`, each with its value or null. */
  *entriesUnder(prefix: string, after: string | null): Generator<readonly [key: string, value: Buffer | null]> {
    for (const [key, location] of this.#entries) {
      if (key.startsWith(prefix) && (after === null || key > after)) yield [key, this.#packed.valueAt(location)];
    }
  }

  put(key: string, value: Uint8Array | null): void {
    this.#bytes += key.length + (value?.byteLength ?? 0);
    this.#entries.set(key, this.#packed.add('entries', key, value));
  }

  changeMember(set: string, member: string, present: boolean): void {
    let changes = this.#sets.get(set);
    if (changes === undefined) this.#sets.set(set, (changes = new SetChanges()));
    if (changes.get(member) === present) return;
    changes.set(member, present);
    this.#bytes += set.length + member.length;
    this.#packed.add('members', setPrefix(set) + member, present ? NOTHING : null);
  }

  membersOf(set: string): SetChanges | undefined {
    return this.#sets.get(set);
  }

  /** All changes in the order in which they were made. */
  pieces(): readonly Buffer[] {
    return this.#packed.pieces();
  }
}
