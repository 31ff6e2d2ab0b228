import { StateDraft, type StateChanges, type StateEntry } from '@changeover/events';

import { CommittedState, type SeenState } from './committed-state.js';
import { LayeredState } from './layered-state.js';
import { Uncommitted } from './uncommitted.js';

/** The {@link StateDraft} of an `LmdbStateStore`: LMDB read in whatever thread, and what would be changed kept beside it. */
export class LmdbStateDraft extends StateDraft {
  readonly #layers: LayeredState;
  readonly #close: () => Promise<void>;

  constructor(committed: SeenState, close: () => Promise<void> = () => Promise.resolve()) {
    super();
    this.#layers = new LayeredState(committed);
    this.#close = close;
  }

  /** `location`: of the store. */
  static open(location: string): LmdbStateDraft {
    const committed = new CommittedState(location);
    return new LmdbStateDraft(committed, () => committed[Symbol.asyncDispose]());
  }

  override get(key: Uint8Array): Buffer | undefined {
    return this.#layers.get(key);
  }

  override put(key: Uint8Array, value: Uint8Array): void {
    this.#layers.put(key, value);
  }

  override remove(key: Uint8Array): void {
    this.#layers.put(key, null);
  }

  override members(set: Uint8Array, after: Uint8Array | null, limit: number): readonly Buffer[] {
    return this.#layers.members(set, after, limit);
  }

  override addMember(set: Uint8Array, member: Uint8Array): void {
    this.#layers.changeMember(set, member, true);
  }

  override removeMember(set: Uint8Array, member: Uint8Array): void {
    this.#layers.changeMember(set, member, false);
  }

  override entries(prefix: Uint8Array, after: Uint8Array | null): Iterable<StateEntry> {
    return this.#layers.entries(prefix, after);
  }

  override restart(): void {
    this.#layers.dirty = new Uncommitted();
    this.#layers.committed.refresh();
  }

  override take(): StateChanges {
    const { dirty } = this.#layers;
    this.#layers.dirty = new Uncommitted();
    return { pieces: dirty.pieces().filter(({ length }) => length > 0), pendingBytes: dirty.pendingBytes };
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}
