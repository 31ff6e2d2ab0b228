import { ChangeoverError, type Clock, type IdSource, invariant, RandomIdSource, SystemClock } from '@changeover/core';
import { type StateChanges, type StateDraft, type StateEntry, StateStore } from '@changeover/events';

import { CommittedState } from './committed-state.js';
import { asBuffer, LayeredState } from './layered-state.js';
import { LmdbStateDraft } from './lmdb-state-draft.js';
import { FolderClaim, type LostState } from './owned-folder.js';
import { FRAME, type FrameKind, type StateProcess } from './state-process.js';
import { Uncommitted } from './uncommitted.js';

export type { LostState } from './owned-folder.js';

export type StateFolder = {
  readonly folder: string;
  /** Whose state it is, for example its stream: the state of another name is not used. */
  readonly name: string;
  readonly clock?: Clock;
  readonly ids?: IdSource;
  /** How long another process may keep us from the folder, in milliseconds. */
  readonly patience?: number;
};

const NOTHING = new Uint8Array(0);

/**
 * The state in LMDB. Our process reads, a process of its own writes (`state-process-main.ts`):
 *
 *     put ─▶ dirty ──commit, spill──▶ leaving ─▶ pipe ─▶ writer ─▶ transaction ─▶ LMDB
 *     get ◀─ dirty, else ◀─────────── leaving, else ◀────────── mapped file ◀───────┘
 *
 * **One commit is one LMDB transaction**, with the place in it: after a kill of either process it is there or not. It is visible when LMDB's root
 * page is written; LMDB syncs behind that (`overlappingSync`) and keeps the state last synced beside it, which is what is found after a loss of power.
 *
 * **A spill is several transactions**, each bounded and each with what undoes it ({@link UndoJournal}). So reading knows nothing of spills. The next commit forgets the
 * journal in its own transaction, whatever its size; {@link discard} and the next {@link open} go back by it, before anybody reads.
 *
 * **The owner** is an id in the same file. Whoever opens writes his, and each transaction looks whether it is still there; if not, it changes nothing
 * and the commit rejects. LMDB's lock knows no time-out, and a process that is stopped inside a transaction keeps it. So when the writer of an opener does
 * not get it within {@link StateFolder.patience}, it is killed, and the state goes on in the next numbered folder, filled from a snapshot of the one before (readers need no
 * lock), or empty where that fails. A transaction also changes nothing when there is a later folder. The earlier ones are removed once the
 * later is ours: whoever still has them open keeps what he sees, and the disk has them back when he ends.
 *
 * **A file that cannot be read** is met by the writer first: a format or name that is not ours, a damaged header, pages that are not there. After an end without
 * {@link Symbol.asyncDispose} it walks over all pages that hold keys. Then the state begins empty ({@link lost}). Not seen: bytes changed inside a page, as LMDB keeps no checksums.
 *
 * **A reader of {@link entries} costs space** while it is under way: pages freed by later commits are not used again, so the file grows by what they change.
 * It never shrinks; what was free is used again once the reader has ended. That also goes for a process that was stopped while it read.
 */
export class LmdbStateStore extends StateStore {
  /** Why it began empty although something was there. */
  readonly lost: LostState | null;
  override readonly location: string;
  readonly #layers: LayeredState<CommittedState>;
  readonly #writer: StateProcess;
  #place: Buffer | null;
  #failed: ChangeoverError | undefined;

  private constructor(location: string, writer: StateProcess, lost: LostState | null) {
    super();
    const committed = new CommittedState(location);
    this.location = location;
    this.#layers = new LayeredState(committed);
    this.#writer = writer;
    this.#place = committed.place;
    this.lost = lost;
  }

  /** Makes us the owner. `anew`: of an empty one, whatever is there. @throws ChangeoverError STATE_UNAVAILABLE */
  static async open(options: StateFolder, { anew = false } = {}): Promise<LmdbStateStore> {
    const { folder, name, clock = new SystemClock(), ids = new RandomIdSource(), patience = 5000 } = options;
    const unavailable = (cause: unknown): never => {
      throw cause instanceof ChangeoverError ? cause : new ChangeoverError('STATE_UNAVAILABLE', `cannot use ${folder}`, { cause });
    };
    const { path, writer, lost } = await new FolderClaim({ base: folder, name, clock, ids, patience }).claim({ anew }).catch(unavailable);
    try {
      return new LmdbStateStore(path, writer, lost);
    } catch (error) {
      await writer.kill();
      return unavailable(error);
    }
  }

  override get place(): Buffer | null {
    return this.#place;
  }

  override get pendingBytes(): number {
    return this.#layers.dirty.pendingBytes + (this.#layers.leaving?.pendingBytes ?? 0);
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

  override draft(): StateDraft {
    return new LmdbStateDraft(this.#layers.committed);
  }

  override adopt(changes: StateChanges): void {
    this.#layers.dirty.adopt(changes);
  }

  override async commit(place: Uint8Array): Promise<void> {
    await this.#handOver(FRAME.commit, this.#begin(), place);
    this.#place = asBuffer(place);
  }

  override async spill(): Promise<void> {
    await this.#handOver(FRAME.spill, this.#begin(), NOTHING);
  }

  override async discard(): Promise<void> {
    this.#begin();
    await this.#handOver(FRAME.discard, new Uncommitted(), NOTHING);
  }

  override async forget(prefix: Uint8Array): Promise<boolean> {
    this.#begin();
    // What was put so far is for the next commit: nothing of it leaves with this.
    return this.#leave(new Uncommitted(), FRAME.forget, prefix);
  }

  override async clear(): Promise<void> {
    this.#begin();
    await this.#handOver(FRAME.clear, new Uncommitted(), NOTHING);
    this.#place = null;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    if (this.#layers.leaving === null) await this.#tell(FRAME.close, NOTHING).catch(() => undefined);
    await this.#writer.kill();
    await this.#layers.committed[Symbol.asyncDispose]();
  }

  /** What was put so far. @throws ChangeoverError that of the first time that it failed: what it held is not in LMDB, so nothing later may be */
  #begin(): Uncommitted {
    if (this.#failed !== undefined) throw this.#failed;
    invariant(this.#layers.leaving === null, 'a commit, spill or discard of the state is under way');
    return this.#layers.dirty;
  }

  /** What is put from now on comes behind it. */
  async #handOver(kind: FrameKind, changes: Uncommitted, content: Uint8Array): Promise<void> {
    this.#layers.dirty = new Uncommitted();
    await this.#leave(changes, kind, content);
  }

  /** True: the writer says that there is more to do. */
  async #leave(changes: Uncommitted, kind: FrameKind, content: Uint8Array): Promise<boolean> {
    this.#layers.leaving = changes;
    for (const piece of changes.pieces()) await this.#writer.send(FRAME.changes, piece);
    const more = await this.#tell(kind, content);
    this.#layers.committed.refresh();
    this.#layers.leaving = null;
    return more;
  }

  async #tell(kind: FrameKind, content: Uint8Array): Promise<boolean> {
    await this.#writer.send(kind, content);
    const answer = await this.#writer.answer();
    if (answer.said === 'done') return answer.more === true;
    this.#failed = this.#writer.errorOf(answer);
    throw this.#failed;
  }
}
