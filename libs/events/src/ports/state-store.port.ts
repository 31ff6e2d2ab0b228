/** The longest key that {@link StateStore} takes, in bytes; a set's name and member together count as one. */
export const MAX_STATE_KEY_BYTES = 1900;

export type StateEntry = { readonly key: Buffer; readonly value: Buffer };

/**
 * What a role remembers beside the log: bytes by key, and sets of bytes by name, committed together with the place in the log that
 * they belong to. All of it can be derived again from the log, so losing it costs time and nothing else.
 *
 * One owner at a time: opening it makes the opener the owner, and from then on the commit of an owner before (a process that
 * was stopped and woke up) rejects with STATE_FENCED and changes nothing.
 *
 * What was put is seen at once. Keys are not empty, and compared byte by byte.
 * What is given is copied; what is returned must not be changed.
 */
export abstract class StateStore implements AsyncDisposable {
  /** What the last {@link commit} named; null: nothing was ever committed, or what was cannot be used. */
  abstract readonly place: Buffer | null;

  /** Bytes of keys and values put and still in memory, those of a commit or spill under way included. A key that is put twice counts twice. */
  abstract readonly pendingBytes: number;

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

  /** Forgets everything, place included. Not during a commit, spill or discard. Rejects as {@link commit} does. */
  abstract clear(): Promise<void>;

  /** What was not committed is gone. */
  abstract [Symbol.asyncDispose](): Promise<void>;
}
