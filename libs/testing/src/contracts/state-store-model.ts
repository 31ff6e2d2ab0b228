import { unreachable } from '@changeover/core';
import type { StateStore, StateView } from '@changeover/events';

import type { StateChange, StateStep, StateStoreBed } from './state-store.contract.js';

type Content = { readonly entries: Map<string, string>; readonly sets: Map<string, Set<string>> };

/** What a state store is to do, in a few lines; takes each step with a real one, and compares. */
export class StateStoreModel {
  readonly #bed: StateStoreBed;
  #store: StateStore;
  #committed: Content = { entries: new Map(), sets: new Map() };
  #current: Content = copyOf(this.#committed);
  #place: string | null = null;
  #commits = 0;
  /** A commit, spill or discard, and what is committed when it has ended. */
  #underWay: { readonly done: Promise<void>; readonly committed: Content; readonly place: string | null } | undefined;

  constructor(bed: StateStoreBed, store: StateStore) {
    this.#bed = bed;
    this.#store = store;
  }

  async take(step: StateStep): Promise<void> {
    const { sets } = this.#current;
    switch (step.do) {
      case 'put':
      case 'remove':
      case 'add':
      case 'removeMember':
        change(this.#store, this.#current, step);
        return;
      case 'adopt': {
        const draft = this.#store.draft();
        for (const one of step.changes) change(draft, this.#current, one);
        this.#store.adopt(draft.take());
        await draft[Symbol.asyncDispose]();
        return;
      }
      case 'get':
        this.#compareEntry(hex(step.key));
        return;
      case 'members':
        expect(this.#store.members(step.set, step.after, step.limit).map(hex)).toEqual(
          [...(sets.get(hex(step.set)) ?? [])]
            .filter((member) => step.after === null || member > hex(step.after))
            .sort()
            .slice(0, step.limit),
        );
        return;
      case 'entries':
        this.#compareEntries(step.prefix, step.after);
        return;
      case 'beginCommit':
        this.#beginCommit();
        return;
      case 'beginSpill':
        this.#underWay ??= { done: this.#store.spill(), committed: this.#committed, place: this.#place };
        return;
      case 'end':
        await this.#end();
        return;
      case 'discard':
        await this.#discard(step.meanwhile);
        return;
      case 'reopen':
        await this.#reopen();
        return;
      case 'forget': {
        // Only what is committed may begin so.
        await this.#end();
        this.#beginCommit();
        await this.#end();
        while (await this.#store.forget(step.prefix));
        for (const content of [this.#committed, this.#current])
          for (const names of [content.entries, content.sets])
            for (const name of [...names.keys()].filter((one) => one.startsWith(hex(step.prefix)))) names.delete(name);
        return;
      }
      case 'clear':
        await this.#end();
        await this.#store.clear();
        this.#committed = { entries: new Map(), sets: new Map() };
        this.#current = copyOf(this.#committed);
        this.#place = null;
        return;
      default:
        unreachable(step);
    }
  }

  /** All that there is, before and after opening again. */
  async finish(): Promise<void> {
    await this.#end();
    this.#compare();
    await this.#reopen();
    this.#compare();
    expect(this.#store.pendingBytes).toBe(0);
  }

  #beginCommit(): void {
    if (this.#underWay !== undefined) return;
    const place = `place ${String(++this.#commits)}`;
    this.#underWay = { done: this.#store.commit(Buffer.from(place)), committed: copyOf(this.#current), place };
  }

  async #end(): Promise<void> {
    if (this.#underWay === undefined) return;
    await this.#underWay.done;
    this.#committed = this.#underWay.committed;
    this.#place = this.#underWay.place;
    this.#underWay = undefined;
  }

  async #discard(meanwhile: readonly StateStep[]): Promise<void> {
    await this.#end();
    const done = this.#store.discard();
    this.#current = copyOf(this.#committed);
    for (const step of meanwhile) await this.take(step);
    await done;
  }

  async #reopen(): Promise<void> {
    await this.#end();
    await this.#store[Symbol.asyncDispose]();
    this.#store = await this.#bed.open();
    this.#current = copyOf(this.#committed);
  }

  #compare(): void {
    expect(this.#store.place?.toString() ?? null).toBe(this.#place);
    this.#compareEntries(Buffer.alloc(0), null);
    for (const key of new Set([...this.#committed.entries.keys(), ...this.#current.entries.keys()])) this.#compareEntry(key);
    for (const [set, members] of this.#current.sets) {
      expect(this.#store.members(bytes(set), null, Infinity).map(hex)).toEqual([...members].sort());
    }
  }

  #compareEntry(key: string): void {
    const value = this.#store.get(bytes(key));
    expect(value === undefined ? undefined : hex(value)).toBe(this.#current.entries.get(key));
  }

  #compareEntries(prefix: Buffer, after: Buffer | null): void {
    const expected = [...this.#current.entries]
      .filter(([key]) => key.startsWith(hex(prefix)) && (after === null || key > hex(after)))
      .sort(([a], [b]) => (a < b ? -1 : 1));
    expect([...this.#store.entries(prefix, after)].map(({ key, value }) => [hex(key), hex(value)])).toEqual(expected);
  }
}

/** The same in the model. */
function change(state: StateView, { entries, sets }: Content, step: StateChange): void {
  switch (step.do) {
    case 'put':
      state.put(step.key, step.value);
      entries.set(hex(step.key), hex(step.value));
      return;
    case 'remove':
      state.remove(step.key);
      entries.delete(hex(step.key));
      return;
    case 'add':
      state.addMember(step.set, step.member);
      sets.set(hex(step.set), (sets.get(hex(step.set)) ?? new Set()).add(hex(step.member)));
      return;
    case 'removeMember':
      state.removeMember(step.set, step.member);
      sets.get(hex(step.set))?.delete(hex(step.member));
      return;
    default:
      unreachable(step);
  }
}

function copyOf({ entries, sets }: Content): Content {
  return { entries: new Map(entries), sets: new Map([...sets].map(([name, members]) => [name, new Set(members)])) };
}

function hex(content: Uint8Array): string {
  return Buffer.from(content).toString('hex');
}

function bytes(text: string): Buffer {
  return Buffer.from(text, 'hex');
}
