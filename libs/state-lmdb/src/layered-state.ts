import type { StateEntry } from '@changeover/events';

import type { SeenState } from './committed-state.js';
import { hashOf } from './key-index.js';
import { bytesOf, checkKey, textOf } from './keys.js';
import { mergedEntries } from './merged-entries.js';
import { mergedMembers } from './merged-members.js';
import { Uncommitted } from './uncommitted.js';

/** What LMDB holds, and what it does not hold yet laid over it: {@link leaving} first, then {@link dirty}. */
export class LayeredState<Seen extends SeenState = SeenState> {
  readonly committed: Seen;
  dirty = new Uncommitted();
  /** What is on its way to LMDB. If that fails it stays: it is not there. */
  leaving: Uncommitted | null = null;

  constructor(committed: Seen) {
    this.committed = committed;
  }

  get(key: Uint8Array): Buffer | undefined {
    checkKey(key.byteLength);
    const hash = hashOf(key);
    let value = this.dirty.get(key, hash);
    if (value === undefined) value = this.leaving?.get(key, hash);
    if (value === undefined) return this.committed.get(asBuffer(key));
    return value ?? undefined;
  }

  /** null: removes it. */
  put(key: Uint8Array, value: Uint8Array | null): void {
    checkKey(key.byteLength);
    this.dirty.put(key, value);
  }

  changeMember(set: Uint8Array, member: Uint8Array, present: boolean): void {
    checkKey(set.byteLength + member.byteLength);
    this.dirty.changeMember(set, member, present);
  }

  members(set: Uint8Array, after: Uint8Array | null, limit: number): readonly Buffer[] {
    const from = after === null ? null : textOf(after);
    const changes = [this.leaving, this.dirty].flatMap((uncommitted) => uncommitted?.membersOf(set) ?? []);
    return mergedMembers({ stored: this.committed.members(textOf(set), from), changes, after: from, limit }).map(bytesOf);
  }

  *entries(prefix: Uint8Array, after: Uint8Array | null): Generator<StateEntry> {
    const changed = new Map<string, Buffer | null>();
    for (const uncommitted of [this.leaving, this.dirty]) {
      for (const [key, value] of uncommitted?.entriesUnder(prefix, after) ?? []) changed.set(key, value);
    }
    yield* mergedEntries(this.committed.entries(prefix, after), changed);
  }
}

/** The same bytes. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
