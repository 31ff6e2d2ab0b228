/** The longest key that {@link StateStore} takes, in bytes; a set's name and member together count as one. */
export const MAX_STATE_KEY_BYTES = 1900;

export type StateEntry = { readonly key: Buffer; readonly value: Buffer };

/**
 * What each change counts in {@link StateStore.pendingBytes} beside its bytes. To find it again takes about half of that in our memory; the rest is for a store that writes a page for
 * each, where keys have no order.
 */
export const PENDING_CHANGE_BYTES = 200;

/**
 * Bytes by key, and sets of bytes by name. What was put is seen at once. Keys are not empty, and compared byte by byte.
 * What is given is copied; what is returned must not be changed.
 */
export abstract class StateView {
  abstract get(key: Uint8Array): Buffer | undefined;

  abstract put(key: Uint8Array, value: Uint8Array): void;

  abstract remove(key: Uint8Array): void;

  /** At most `limit` members of the set, those behind `after` (null: from the first), in their order. */
  abstract members(set: Uint8Array, after: Uint8Array | null, limit: number): readonly Buffer[];

  abstract addMember(set: Uint8Array, member: Uint8Array): void;

  abstract removeMember(set: Uint8Array, member: Uint8Array): void;

  /**
   * Entries whose keys begin with `prefix`, behind `after` (null: from the first), in the order of their keys, as they were when the first was
   * asked for, whatever is put or committed meanwhile. The reader may stop at any time, but must say so (`return`, as `for … of` does by
   * itself): until then the store keeps what it reads. To begin costs a look at everything that is not committed: it is for going through many.
   */
  abstract entries(prefix: Uint8Array, after: Uint8Array | null): Iterable<StateEntry>;
}

/** What was put into a {@link StateDraft}, in the store's own packing: plain data that can be sent to another thread. */
export type StateChanges = { readonly pieces: readonly Uint8Array[]; readonly pendingBytes: number };

/**
 * The state as it was committed last, with changes that nobody else sees until the owner adopts them: so work on it can be shared out among threads, where none
 * depends on what the others put. What the owner spilled and has not committed may be seen, too.
 */
export abstract class StateDraft extends StateView implements AsyncDisposable {
  /** Forgets what was put and not taken, and from here on sees what is committed now. No reading of entries may be under way. */
  abstract restart(): void;

  /** What was put since the last time. It is not seen here any more. */
  abstract take(): StateChanges;

  abstract [Symbol.asyncDispose](): Promise<void>;
}

/**
 * The state of a {@link StateStore} as one commit left it, seen from beside its owner, who is not disturbed: what he commits later is not seen. Until it is disposed of the store keeps what is seen.
 */
export interface StateLook extends AsyncDisposable {
  /** What the commit named; null: nothing was ever committed. */
  readonly place: Buffer | null;
  /** The owner has spilled what he has not committed, and the entries show it: they are of no place. */
  readonly isBetween: boolean;
  /** As {@link StateView.entries}. */
  entries(prefix: Uint8Array, after: Uint8Array | null): Iterable<StateEntry>;
  /** What is seen here, with changes laid over it that nobody ever gets; to be disposed of before the look. */
  draft(): StateDraft;
}

/**
 * What a role remembers beside the log, committed together with the place in the log that it belongs to. All of it can be derived again from the
 * log, so losing it costs time and nothing else.
 *
 * One owner at a time: opening it makes the opener the owner, and from then on the commit of an owner before (a process that
 * was stopped and woke up) rejects with STATE_FENCED and changes nothing.
 */
export abstract class StateStore extends StateView implements AsyncDisposable {
  /** What the last {@link commit} named; null: nothing was ever committed, or what was cannot be used. */
  abstract readonly place: Buffer | null;

  /**
   * About what is still in memory of what was put, that of a commit or spill under way included: bytes of keys and values, and
   * {@link PENDING_CHANGE_BYTES} for each change. A key that is put twice counts twice.
   */
  abstract readonly pendingBytes: number;

  /**
   * Commits everything put so far with the place in one transaction, without keeping the event loop; what is put meanwhile belongs to
   * the next one. One at a time, and not during a {@link spill} or {@link discard}. When it has resolved the process may die; after a loss of
   * power an older commit may stand, whole. Once one of them has rejected so do all that follow; a commit that rejects with anything but
   * STATE_FENCED may have been made all the same.
   */
  abstract commit(place: Uint8Array): Promise<void>;

  /**
   * Takes what was put so far out of memory without committing it, for what does not fit there: it is seen as before and belongs to the next
   * commit; {@link place} stays. If the process ends before that, or somebody opens the store anew, it never was. What is put meanwhile
   * comes behind it. One at a time, and not during a commit or discard. Rejects as {@link commit} does.
   */
  abstract spill(): Promise<void>;

  /**
   * Forgets what was put since the last commit, spilled or not. What is put meanwhile comes behind it; what is read before it has
   * resolved may be from before or after. One at a time, and not during a commit or spill. Rejects as {@link commit} does.
   */
  abstract discard(): Promise<void>;

  /**
   * Forgets entries whose keys begin with `prefix`, and members of sets whose names do: a bounded number of them, at once and for good, whatever becomes of what is not
   * committed; {@link place} stays. Nothing that is not committed may begin so. One at a time, and not during a commit, spill or discard. Rejects as {@link commit} does.
   * True: there may be more of them.
   */
  abstract forget(prefix: Uint8Array): Promise<boolean>;

  /** Forgets everything, place included. Not during a commit, spill or discard. Rejects as {@link commit} does. */
  abstract clear(): Promise<void>;

  /** Where a draft in another thread finds it. */
  abstract readonly location: string;

  /** A draft in this thread; to be disposed of before the store. */
  abstract draft(): StateDraft;

  /** Puts what a draft took, in its order, as if it were put here. The bytes belong to the store from then on. */
  abstract adopt(changes: StateChanges): void;

  /** What was not committed is gone. */
  abstract [Symbol.asyncDispose](): Promise<void>;
}
