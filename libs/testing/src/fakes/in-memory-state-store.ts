import { ChangeoverError, invariant } from '@changeover/core';
import { MAX_STATE_KEY_BYTES, PENDING_CHANGE_BYTES, StateDraft, StateStore, type StateChanges, type StateEntry } from '@changeover/events';

/** By hexadecimal text, which is ordered as the bytes are. */
type Content = { readonly entries: ReadonlyMap<string, Buffer>; readonly sets: ReadonlyMap<string, ReadonlySet<string>> };

const EMPTY: Content = { entries: new Map(), sets: new Map() };

/** What outlives a process: several stores over it are one that is opened again and again. */
export class StateStorage {
  place: Buffer | null = null;
  committed: Content = EMPTY;
  owner: InMemoryStateStore | undefined;
}

/** The {@link StateStore} of tests that need no file. */
export class InMemoryStateStore extends StateStore {
  readonly #storage: StateStorage;
  #entries: Map<string, Buffer>;
  #sets: Map<string, Set<string>>;
  #dirtyBytes = 0;
  /** Of what is under way; null: nothing is. */
  #leavingBytes: number | null = null;
  #place: Buffer | null;

  constructor(storage: StateStorage = new StateStorage()) {
    super();
    this.#storage = storage;
    storage.owner = this;
    ({ entries: this.#entries, sets: this.#sets } = copyOf(storage.committed));
    this.#place = storage.place;
  }

  /** Entries and members there are. */
  get size(): number {
    return this.#entries.size + [...this.#sets.values()].reduce((sum, members) => sum + members.size, 0);
  }

  override get place(): Buffer | null {
    return this.#place;
  }

  override get pendingBytes(): number {
    return this.#dirtyBytes + (this.#leavingBytes ?? 0);
  }

  override get(key: Uint8Array): Buffer | undefined {
    return this.#entries.get(hexOf(key));
  }

  override put(key: Uint8Array, value: Uint8Array): void {
    this.#count(key.byteLength, value.byteLength);
    this.#entries.set(hexOf(key), Buffer.from(value));
  }

  override remove(key: Uint8Array): void {
    this.#count(key.byteLength);
    this.#entries.delete(hexOf(key));
  }

  override members(set: Uint8Array, after: Uint8Array | null, limit: number): readonly Buffer[] {
    const from = after === null ? '' : hexOf(after);
    const members = [...(this.#sets.get(hexOf(set)) ?? [])].filter((member) => after === null || member > from);
    return members.sort().slice(0, limit).map(bytesOf);
  }

  override addMember(set: Uint8Array, member: Uint8Array): void {
    this.#count(set.byteLength + member.byteLength);
    const name = hexOf(set);
    this.#sets.set(name, (this.#sets.get(name) ?? new Set()).add(hexOf(member)));
  }

  override removeMember(set: Uint8Array, member: Uint8Array): void {
    this.#count(set.byteLength + member.byteLength);
    this.#sets.get(hexOf(set))?.delete(hexOf(member));
  }

  override *entries(prefix: Uint8Array, after: Uint8Array | null): Generator<StateEntry> {
    const entries = new Map(this.#entries);
    const [begin, from] = [hexOf(prefix), after === null ? '' : hexOf(after)];
    for (const key of [...entries.keys()].filter((name) => name.startsWith(begin) && name > from).sort()) {
      yield { key: bytesOf(key), value: entries.get(key) as Buffer };
    }
  }

  override get location(): string {
    return 'memory';
  }

  override draft(): StateDraft {
    return new InMemoryStateDraft(this.#storage);
  }

  override adopt({ pieces }: StateChanges): void {
    for (const piece of pieces) applyTo(this, JSON.parse(Buffer.from(piece).toString()) as readonly Change[]);
  }

  override async commit(place: Uint8Array): Promise<void> {
    this.#begin();
    const content = copyOf({ entries: this.#entries, sets: this.#sets });
    await this.#end(() => this.#keep(content, Buffer.from(place)));
  }

  /** There is nowhere else to put it. */
  override async spill(): Promise<void> {
    this.#begin();
    await this.#end(() => undefined);
  }

  override async discard(): Promise<void> {
    this.#begin();
    this.#goBackTo(this.#storage.committed);
    await this.#end(() => undefined);
  }

  /** One key at a time, so that there may always be more. */
  override async forget(prefix: Uint8Array): Promise<boolean> {
    this.#checkOwner();
    invariant(this.#leavingBytes === null, 'a commit, spill or discard of the state is under way');
    this.#leavingBytes = 0;
    const begin = hexOf(prefix);
    const { entries, sets } = copyOf(this.#storage.committed);
    const entry = [...entries.keys()].find((key) => key.startsWith(begin));
    const set = [...sets.keys()].find((name) => name.startsWith(begin));
    for (const content of [
      { entries, sets },
      { entries: this.#entries, sets: this.#sets },
    ]) {
      if (entry !== undefined) content.entries.delete(entry);
      else if (set !== undefined) content.sets.delete(set);
    }
    await this.#end(() => this.#keep({ entries, sets }, this.#storage.place));
    return entry !== undefined || set !== undefined;
  }

  override async clear(): Promise<void> {
    this.#begin();
    this.#goBackTo(EMPTY);
    await this.#end(() => this.#keep(EMPTY, null));
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await Promise.resolve();
  }

  #begin(): void {
    this.#checkOwner();
    invariant(this.#leavingBytes === null, 'a commit, spill or discard of the state is under way');
    this.#leavingBytes = this.#dirtyBytes;
    this.#dirtyBytes = 0;
  }

  /** As with a file, nothing happens in the caller's own turn. */
  async #end(change: () => void): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#checkOwner();
    change();
    this.#leavingBytes = null;
  }

  #goBackTo(content: Content): void {
    ({ entries: this.#entries, sets: this.#sets } = copyOf(content));
    this.#leavingBytes = 0;
  }

  #keep(content: Content, place: Buffer | null): void {
    this.#storage.committed = content;
    this.#storage.place = this.#place = place;
  }

  #checkOwner(): void {
    if (this.#storage.owner !== this) throw new ChangeoverError('STATE_FENCED', 'somebody else has opened the state in memory');
  }

  #count(keyBytes: number, valueBytes = 0): void {
    invariant(keyBytes > 0 && keyBytes <= MAX_STATE_KEY_BYTES, `a key of ${String(keyBytes)} bytes`);
    this.#dirtyBytes += PENDING_CHANGE_BYTES + keyBytes + valueBytes;
  }
}

/** What was put, with its arguments in hexadecimal. */
type Change = readonly ['put' | 'addMember' | 'removeMember', string, string] | readonly ['remove', string];

/** Every change is made at once in a store of its own, and written down for the owner. */
class InMemoryStateDraft extends StateDraft {
  readonly #storage: StateStorage;
  #seen: InMemoryStateStore;
  #changes: Change[] = [];

  constructor(storage: StateStorage) {
    super();
    this.#storage = storage;
    this.#seen = seenIn(storage);
  }

  override get(key: Uint8Array): Buffer | undefined {
    return this.#seen.get(key);
  }

  override put(key: Uint8Array, value: Uint8Array): void {
    this.#change(['put', hexOf(key), hexOf(value)]);
  }

  override remove(key: Uint8Array): void {
    this.#change(['remove', hexOf(key)]);
  }

  override members(set: Uint8Array, after: Uint8Array | null, limit: number): readonly Buffer[] {
    return this.#seen.members(set, after, limit);
  }

  override addMember(set: Uint8Array, member: Uint8Array): void {
    this.#change(['addMember', hexOf(set), hexOf(member)]);
  }

  override removeMember(set: Uint8Array, member: Uint8Array): void {
    this.#change(['removeMember', hexOf(set), hexOf(member)]);
  }

  override entries(prefix: Uint8Array, after: Uint8Array | null): Iterable<StateEntry> {
    return this.#seen.entries(prefix, after);
  }

  override restart(): void {
    this.#seen = seenIn(this.#storage);
    this.#changes = [];
  }

  override take(): StateChanges {
    const { pendingBytes } = this.#seen;
    const pieces = this.#changes.length === 0 ? [] : [Buffer.from(JSON.stringify(this.#changes))];
    this.restart();
    return { pieces, pendingBytes };
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await Promise.resolve();
  }

  #change(change: Change): void {
    applyTo(this.#seen, [change]);
    this.#changes.push(change);
  }
}

/** Of nobody: the owner stays who it is. */
function seenIn({ committed, place }: StateStorage): InMemoryStateStore {
  const copy = new StateStorage();
  copy.committed = committed;
  copy.place = place;
  return new InMemoryStateStore(copy);
}

function applyTo(store: InMemoryStateStore, changes: readonly Change[]): void {
  for (const [what, name, text] of changes) {
    if (what === 'remove') store.remove(bytesOf(name));
    else store[what](bytesOf(name), bytesOf(text));
  }
}

function copyOf({ entries, sets }: Content): { entries: Map<string, Buffer>; sets: Map<string, Set<string>> } {
  return { entries: new Map(entries), sets: new Map([...sets].map(([name, members]) => [name, new Set(members)])) };
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

function bytesOf(hex: string): Buffer {
  return Buffer.from(hex, 'hex');
}
