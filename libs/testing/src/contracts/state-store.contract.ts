import { MAX_STATE_KEY_BYTES, PENDING_CHANGE_BYTES, type StateStore } from '@changeover/events';
import fc from 'fast-check';

import { codeOf } from './change-source.contract.js';
import { StateStoreModel } from './state-store-model.js';

/** A state that nobody has written yet. */
export type StateStoreBed = AsyncDisposable & {
  /** As another process would: from then on it is the owner. The bed closes what it opened. */
  open(): Promise<StateStore>;
};

const ALL = Buffer.alloc(0);

/** Few, so that they meet: one is another's beginning, and the bytes at both ends of the order are among them. */
const shortBytes = fc
  .array(fc.constantFrom(0x00, 0x01, 0x61, 0xfe, 0xff), { minLength: 1, maxLength: 3 })
  .map((bytes) => Buffer.from(bytes));
const anyBytes = fc.oneof(
  { weight: 9, arbitrary: shortBytes },
  { weight: 1, arbitrary: fc.tuple(shortBytes, fc.integer({ min: 4, max: 900 })).map(([bytes, length]) => Buffer.alloc(length, bytes)) },
);
/** Fewer still: a member has to be changed before, during and after a commit to tell apart who has the last word. */
const anySet = fc.constantFrom('s', 's\0').map((name) => Buffer.from(name));
const anyMember = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom('', 'a', 'a\0', 'b', '\0').map((name) => Buffer.from(name)) },
  { weight: 1, arbitrary: anyBytes },
);
const orNull = fc.option(anyBytes, { nil: null });

const anyChange = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('put' as const), key: anyBytes, value: fc.uint8Array({ maxLength: 20 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('remove' as const), key: anyBytes }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('add' as const), set: anySet, member: anyMember }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('removeMember' as const), set: anySet, member: anyMember }) },
);
export type StateChange = typeof anyChange extends fc.Arbitrary<infer Change> ? Change : never;
const anyRead = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('get' as const), key: anyBytes }) },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('members' as const),
      set: anySet,
      after: fc.option(anyMember, { nil: null }),
      limit: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('entries' as const), prefix: fc.oneof(fc.constant(ALL), shortBytes), after: orNull }),
  },
);

/** A step; weights keep what is slow (opening again) rare. */
const anyStep = fc.oneof(
  { weight: 24, arbitrary: anyChange },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('adopt' as const), changes: fc.array(anyChange, { maxLength: 5 }) }) },
  { weight: 17, arbitrary: anyRead },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('beginCommit' as const) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('beginSpill' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('end' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('discard' as const), meanwhile: fc.array(anyChange, { maxLength: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('forget' as const),
      prefix: fc.oneof(
        shortBytes,
        fc.constantFrom('s', 's\0').map((name) => Buffer.from(name)),
      ),
    }),
  },
);
export type StateStep = typeof anyStep extends fc.Arbitrary<infer Step> ? Step : never;

/** What every state store promises. */
export function stateStoreContract(name: string, open: () => Promise<StateStoreBed>): void {
  describe(`state store: ${name}`, () => {
    let bed: StateStoreBed;
    let store: StateStore;
    beforeEach(async () => {
      bed = await open();
      store = await bed.open();
    });
    afterEach(() => bed[Symbol.asyncDispose]());

    const put = (key: string, value: string): void => store.put(Buffer.from(key), Buffer.from(value));
    const get = (key: string): string | undefined => store.get(Buffer.from(key))?.toString();
    const commit = (place: string): Promise<void> => store.commit(Buffer.from(place));
    const entries = (of: StateStore = store): string[] =>
      [...of.entries(ALL, null)].map(({ key, value }) => `${String(key)}=${String(value)}`);
    const members = (set: string): string[] => store.members(Buffer.from(set), null, 100).map(String);
    const reopen = async (): Promise<void> => {
      await store[Symbol.asyncDispose]();
      store = await bed.open();
    };

    it('does what a model of it does, whatever comes in whatever order', async () => {
      const seed = Math.trunc(globalThis.crypto.getRandomValues(new Uint32Array(1))[0] as number) % 2 ** 31;
      console.log(`state store ${name}: seed ${String(seed)}`);
      await fc.assert(
        fc.asyncProperty(fc.array(anyStep, { minLength: 20, maxLength: 300, size: 'max' }), async (steps) => {
          await using ofRun = await open();
          const model = new StateStoreModel(ofRun, await ofRun.open());
          for (const step of steps) await model.take(step);
          await model.finish();
        }),
        { seed, numRuns: 12, endOnFailure: true },
      );
    }, 120_000);

    it('has nothing at first', () => {
      expect(store.place).toBeNull();
      expect(store.pendingBytes).toBe(0);
      expect(get('a')).toBeUndefined();
      expect(entries()).toEqual([]);
    });

    it('keeps what was committed with its place, and forgets what was not', async () => {
      put('a', '1');
      await commit('first');
      put('a', '2');
      store.addMember(Buffer.from('s'), Buffer.from('m'));
      expect(get('a')).toBe('2');
      await reopen();
      expect(store.place?.toString()).toBe('first');
      expect(get('a')).toBe('1');
      expect(members('s')).toEqual([]);
    });

    it('gives what is put during a commit to the next one', async () => {
      put('a', '1');
      put('gone', 'x');
      store.addMember(Buffer.from('s'), Buffer.from('first'));
      const committed = commit('first');
      put('a', '2');
      store.remove(Buffer.from('gone'));
      store.addMember(Buffer.from('s'), Buffer.from('second'));
      store.removeMember(Buffer.from('s'), Buffer.from('first'));
      expect([get('a'), get('gone'), members('s')]).toEqual(['2', undefined, ['second']]);
      await committed;
      expect(store.place?.toString()).toBe('first');
      expect(entries()).toEqual(['a=2']);
      expect([get('a'), get('gone'), members('s')]).toEqual(['2', undefined, ['second']]);
      await reopen();
      expect([get('a'), get('gone'), members('s')]).toEqual(['1', 'x', ['first']]);
    });

    it('counts what is not committed yet', async () => {
      put('key', 'value');
      expect(store.pendingBytes).toBe(8 + PENDING_CHANGE_BYTES);
      const committed = commit('first');
      store.addMember(Buffer.from('set'), Buffer.from('m'));
      expect(store.pendingBytes).toBe(12 + 2 * PENDING_CHANGE_BYTES);
      await committed;
      expect(store.pendingBytes).toBe(4 + PENDING_CHANGE_BYTES);
      await commit('second');
      expect(store.pendingBytes).toBe(0);
    });

    it('adopts what was put into a draft over what is committed, and nobody saw before', async () => {
      put('a', '1');
      put('gone', 'x');
      store.addMember(Buffer.from('s'), Buffer.from('first'));
      await commit('first');
      put('a', 'of the owner');
      await using draft = store.draft();
      const read = (): unknown => [
        draft.get(Buffer.from('a'))?.toString(),
        draft.get(Buffer.from('gone'))?.toString(),
        draft.members(Buffer.from('s'), null, 9).map(String),
        [...draft.entries(ALL, null)].map(({ key, value }) => `${String(key)}=${String(value)}`),
      ];
      const asCommitted = ['1', 'x', ['first'], ['a=1', 'gone=x']];
      expect(read()).toEqual(asCommitted);
      draft.put(Buffer.from('a'), Buffer.from('2'));
      draft.put(Buffer.from('a'), Buffer.from('3'));
      draft.remove(Buffer.from('gone'));
      draft.removeMember(Buffer.from('s'), Buffer.from('first'));
      draft.addMember(Buffer.from('s'), Buffer.from('second'));
      const asChanged = ['3', undefined, ['second'], ['a=3']];
      expect(read()).toEqual(asChanged);
      expect([get('a'), get('gone'), members('s'), entries()]).toEqual(['of the owner', 'x', ['first'], ['a=of the owner', 'gone=x']]);
      const { pendingBytes } = store;
      // As it comes from another thread.
      const changes = structuredClone(draft.take());
      expect(read()).toEqual(asCommitted);
      expect(draft.take()).toEqual({ pieces: [], pendingBytes: 0 });
      store.adopt(changes);
      expect(store.pendingBytes).toBe(pendingBytes + changes.pendingBytes);
      expect(changes.pendingBytes).toBe(21 + 5 * PENDING_CHANGE_BYTES);
      expect([get('a'), get('gone'), members('s'), entries()]).toEqual(asChanged);
      draft.put(Buffer.from('a'), Buffer.from('forgotten'));
      await commit('second');
      draft.restart();
      expect(read()).toEqual(asChanged);
      await reopen();
      expect([get('a'), get('gone'), members('s'), entries()]).toEqual(asChanged);
    });

    it('puts what comes behind an adopted change over it, and it over what came before', async () => {
      const adopt = (key: string, value: string, present: boolean): void => {
        const draft = store.draft();
        draft.put(Buffer.from(key), Buffer.from(value));
        if (present) draft.addMember(Buffer.from('s'), Buffer.from('m'));
        else draft.removeMember(Buffer.from('s'), Buffer.from('m'));
        store.adopt(draft.take());
      };
      put('a', '1');
      store.addMember(Buffer.from('s'), Buffer.from('m'));
      adopt('a', '2', false);
      adopt('b', '1', false);
      // Nobody has looked in between.
      store.addMember(Buffer.from('s'), Buffer.from('m'));
      put('b', '2');
      expect([entries(), members('s')]).toEqual([['a=2', 'b=2'], ['m']]);
      const committed = commit('first');
      adopt('c', '1', false);
      expect([entries(), members('s')]).toEqual([['a=2', 'b=2', 'c=1'], []]);
      await committed;
      await commit('second');
      await reopen();
      expect([entries(), members('s')]).toEqual([['a=2', 'b=2', 'c=1'], []]);
    });

    it('sees what was spilled, and keeps it with the next commit', async () => {
      put('a', '1');
      put('gone', 'x');
      store.addMember(Buffer.from('s'), Buffer.from('first'));
      await commit('first');
      put('a', '2');
      store.remove(Buffer.from('gone'));
      store.addMember(Buffer.from('s'), Buffer.from('second'));
      store.removeMember(Buffer.from('s'), Buffer.from('first'));
      await store.spill();
      expect([store.place?.toString(), store.pendingBytes]).toEqual(['first', 0]);
      expect([get('a'), get('gone'), members('s'), entries()]).toEqual(['2', undefined, ['second'], ['a=2']]);
      put('b', '1');
      await store.spill();
      put('c', '1');
      await commit('second');
      await reopen();
      expect(store.place?.toString()).toBe('second');
      expect([get('a'), get('gone'), members('s'), entries()]).toEqual(['2', undefined, ['second'], ['a=2', 'b=1', 'c=1']]);
    });

    it('forgets what was spilled, if it was not committed, when it is opened again', async () => {
      put('a', '1');
      put('gone', 'x');
      store.addMember(Buffer.from('s'), Buffer.from('first'));
      await commit('first');
      for (const value of ['2', '3']) {
        put('a', value);
        put(`new ${value}`, value);
        store.remove(Buffer.from('gone'));
        store.removeMember(Buffer.from('s'), Buffer.from('first'));
        store.addMember(Buffer.from('s'), Buffer.from(value));
        await store.spill();
      }
      await reopen();
      expect(store.place?.toString()).toBe('first');
      expect([get('a'), get('gone'), members('s'), entries()]).toEqual(['1', 'x', ['first'], ['a=1', 'gone=x']]);
      // Nothing of it is left that the next one could meet.
      put('b', '1');
      await commit('second');
      await reopen();
      expect([members('s'), entries()]).toEqual([['first'], ['a=1', 'b=1', 'gone=x']]);
    });

    it('discards what was put since the last commit, spilled or not', async () => {
      put('a', '1');
      store.addMember(Buffer.from('s'), Buffer.from('first'));
      await commit('first');
      for (const value of ['2', '3']) {
        put('a', value);
        put('b', value);
        store.removeMember(Buffer.from('s'), Buffer.from('first'));
        store.addMember(Buffer.from('s'), Buffer.from(value));
        if (value === '2') await store.spill();
      }
      await store.discard();
      expect([store.place?.toString(), store.pendingBytes]).toEqual(['first', 0]);
      expect([get('a'), get('b'), members('s'), entries()]).toEqual(['1', undefined, ['first'], ['a=1']]);
      put('c', '1');
      await commit('second');
      // What is committed stays, however it came.
      put('a', '4');
      await store.discard();
      await reopen();
      expect([store.place?.toString(), members('s'), entries()]).toEqual(['second', ['first'], ['a=1', 'c=1']]);
    });

    it('gives what is put during a spill or a discard to what comes behind it', async () => {
      put('a', '1');
      const spilled = store.spill();
      put('a', '2');
      expect([get('a'), entries(), store.pendingBytes]).toEqual(['2', ['a=2'], 4 + 2 * PENDING_CHANGE_BYTES]);
      await spilled;
      expect([get('a'), entries(), store.pendingBytes]).toEqual(['2', ['a=2'], 2 + PENDING_CHANGE_BYTES]);
      const discarded = store.discard();
      put('b', '1');
      store.addMember(Buffer.from('s'), Buffer.from('m'));
      const pending = 4 + 2 * PENDING_CHANGE_BYTES;
      expect(store.pendingBytes).toBe(pending);
      await discarded;
      expect([get('a'), members('s'), entries(), store.pendingBytes]).toEqual([undefined, ['m'], ['b=1'], pending]);
      await commit('first');
      await reopen();
      expect([members('s'), entries()]).toEqual([['m'], ['b=1']]);
    });

    it.each(['commit', 'spill', 'discard', 'clear', 'forget'] as const)('does nothing else during a %s', async (what) => {
      const all = {
        commit: () => commit('x'),
        spill: () => store.spill(),
        discard: () => store.discard(),
        clear: () => store.clear(),
        forget: () => store.forget(Buffer.from('z')),
      };
      put('a', '1');
      const underWay = all[what]();
      for (const other of Object.values(all)) expect(await codeOf(other())).toBe('INTERNAL');
      await underWay;
      put('b', '1');
      await commit('later');
      expect(entries()).toEqual(what === 'discard' || what === 'clear' ? ['b=1'] : ['a=1', 'b=1']);
    });

    it('copies what it is given', async () => {
      const [key, value] = [Buffer.from('key'), Buffer.from('value')];
      store.put(key, value);
      key.fill(0);
      value.fill(0);
      expect(get('key')).toBe('value');
      await commit('first');
      expect(entries()).toEqual(['key=value']);
    });

    it('takes keys of every length, in the order of their bytes', async () => {
      // Each is the beginning of the next.
      const keys = Array.from({ length: MAX_STATE_KEY_BYTES }, (_, i) => Buffer.alloc(i + 1, 0xff));
      const smallest = Buffer.from([0x00]);
      for (const [i, key] of [smallest, ...keys].entries()) store.put(key, Buffer.from(String(i)));
      await commit('first');
      await reopen();
      const read = [...store.entries(ALL, null)];
      // Comparing them by `toEqual` takes seconds.
      expect(read.length).toBe(keys.length + 1);
      expect([smallest, ...keys].findIndex((key, i) => read[i]?.key.equals(key) !== true)).toBe(-1);
      expect(keys.every((key, i) => store.get(key)?.toString() === String(i + 1))).toBe(true);
      expect([...store.entries(ALL, keys[1897] as Buffer)].map(({ key }) => key.length)).toEqual([1899, 1900]);
      const tooLong = Buffer.alloc(MAX_STATE_KEY_BYTES + 1);
      expect(() => store.put(tooLong, ALL)).toThrow();
      expect(() => store.put(ALL, ALL)).toThrow();
    });

    it('takes values of nothing and of 20 MB', async () => {
      const large = Buffer.alloc(20_000_000, 'a large value ');
      store.put(Buffer.from('large'), large);
      put('empty', '');
      expect(store.get(Buffer.from('large'))?.equals(large)).toBe(true);
      await commit('first');
      await reopen();
      expect(store.get(Buffer.from('large'))?.equals(large)).toBe(true);
      expect(get('empty')).toBe('');
      expect([...store.entries(ALL, null)].map(({ value }) => value.length)).toEqual([0, 20_000_000]);
      put('large', 'small');
      store.put(Buffer.from('empty'), large);
      await store.spill();
      expect([get('large'), store.get(Buffer.from('empty'))?.equals(large)]).toEqual(['small', true]);
      await store.discard();
      expect([store.get(Buffer.from('large'))?.equals(large), get('empty')]).toEqual([true, '']);
    });

    it('keeps sets apart whose names and members run together', async () => {
      const pairs = [
        ['a', 'bc'],
        ['ab', 'c'],
        ['abc', ''],
        ['', 'abc'],
        ['a\0', 'bc'],
        ['a', '\0bc'],
      ] as const;
      for (const [set, member] of pairs) store.addMember(Buffer.from(set), Buffer.from(member));
      const found = (): unknown => ['a', 'ab', 'abc', '', 'a\0'].map(members);
      const expected = [['\0bc', 'bc'], ['c'], [''], ['abc'], ['bc']];
      expect(found()).toEqual(expected);
      await commit('first');
      expect(found()).toEqual(expected);
      const [longest, one] = [Buffer.alloc(MAX_STATE_KEY_BYTES - 1, 0xff), Buffer.from([0xff])];
      store.addMember(longest, one);
      store.addMember(one, longest);
      await commit('second');
      expect([store.members(longest, null, 2), store.members(one, null, 2)]).toEqual([[one], [longest]]);
      expect(() => store.addMember(longest, Buffer.from('ab'))).toThrow();
    });

    it('pages through a set of which each third member is committed, added or removed', async () => {
      const set = Buffer.from('set');
      const member = (i: number): Buffer => Buffer.from(`member ${String(i).padStart(5, '0')}`);
      for (let i = 0; i < 3000; i += 3) {
        store.addMember(set, member(i));
        store.addMember(set, member(i + 1));
      }
      await commit('first');
      for (let i = 2999; i > 0; i -= 3) {
        store.addMember(set, member(i));
        store.removeMember(set, member(i - 1));
      }
      const pages: Buffer[][] = [];
      for (let after: Buffer | null = null; ;) {
        const page: readonly Buffer[] = store.members(set, after, 300);
        pages.push([...page]);
        if (page.length < 300) break;
        after = page.at(-1) as Buffer;
      }
      expect(pages.map((page) => page.length)).toEqual([300, 300, 300, 300, 300, 300, 200]);
      const expected = Array.from({ length: 3000 }, (_, i) => i).filter((i) => i % 3 !== 1);
      expect(pages.flat()).toEqual(expected.map(member));
    });

    it('reads entries as they were when it began, whatever is put and committed meanwhile', async () => {
      for (let i = 0; i < 500; i++) put(`key ${String(i).padStart(3, '0')}`, i % 3 === 0 ? 'old' : 'older');
      put('key gone', 'older');
      await commit('first');
      store.remove(Buffer.from('key gone'));
      for (let i = 0; i < 500; i++) if (i % 3 === 1) put(`key ${String(i).padStart(3, '0')}`, 'old');
      const committed = commit('second');
      for (let i = 0; i < 500; i++) if (i % 3 === 2) put(`key ${String(i).padStart(3, '0')}`, 'old');
      expect(entries()).toEqual(Array.from({ length: 500 }, (_, i) => `key ${String(i).padStart(3, '0')}=old`));
      await committed;
      const read: string[] = [];
      for (const { value } of store.entries(Buffer.from('key '), null)) {
        read.push(value.toString());
        if (read.length % 100 !== 50) continue;
        for (let i = 0; i < 500; i++) put(`key ${String(i).padStart(3, '0')}`, `new ${String(read.length)}`);
        put(`key 9${String(read.length)}`, 'came later');
        await commit('later');
      }
      expect(read).toEqual(Array.from({ length: 500 }, () => 'old'));
      // A reader that stops early gives back what it held, so that this can go on.
      for (let i = 0; i < 300; i++) for (const entry of store.entries(ALL, null)) if (entry.value.length > 0) break;
      expect([...store.entries(Buffer.from('key 0'), Buffer.from('key 097'))].map(({ key }) => String(key))).toEqual([
        'key 098',
        'key 099',
      ]);
      expect([...store.entries(Buffer.from('key 1'), Buffer.from('a'))]).toHaveLength(100);
    });

    it('reads entries as they were when it began, whatever is spilled and discarded meanwhile', async () => {
      const key = (i: number): string => `key ${String(i).padStart(3, '0')}`;
      for (let i = 0; i < 500; i++) put(key(i), 'committed');
      await commit('first');
      for (let i = 0; i < 500; i += 2) put(key(i), 'spilled');
      await store.spill();
      for (let i = 0; i < 500; i += 5) store.remove(Buffer.from(key(i)));
      const expected = Array.from({ length: 500 }, (_, i) => `${key(i)}=${i % 2 === 0 ? 'spilled' : 'committed'}`).filter(
        (_, i) => i % 5 > 0,
      );
      const spilled = store.spill();
      expect(entries()).toEqual(expected);
      await spilled;
      expect(entries()).toEqual(expected);
      const read: string[] = [];
      for (const { key: name, value } of store.entries(ALL, null)) {
        read.push(`${String(name)}=${String(value)}`);
        if (read.length === 100) for (let i = 0; i < 500; i++) put(key(i), 'spilled later');
        if (read.length === 100 || read.length === 150) await store.spill();
        if (read.length === 200) await store.discard();
      }
      expect(read).toEqual(expected);
      expect(entries()).toEqual(Array.from({ length: 500 }, (_, i) => `${key(i)}=committed`));
    });

    it('refuses the spill of an owner before, which changes nothing', async () => {
      put('a', 'committed');
      await commit('first');
      put('a', 'spilled in time');
      store.addMember(Buffer.from('s'), Buffer.from('spilled in time'));
      await store.spill();
      put('b', 'too late');
      const second = await bed.open();
      expect(entries(second)).toEqual(['a=committed']);
      second.put(Buffer.from('a'), Buffer.from('new owner'));
      await second.spill();
      expect(await codeOf(store.spill())).toBe('STATE_FENCED');
      expect(await codeOf(commit('second'))).toBe('STATE_FENCED');
      expect([second.place?.toString(), ...entries(second)]).toEqual(['first', 'a=new owner']);
      await second.commit(Buffer.from('of the second'));
      expect([entries(second), second.members(Buffer.from('s'), null, 1)]).toEqual([['a=new owner'], []]);
    });

    it('refuses the discard of an owner before, which changes nothing', async () => {
      put('a', 'committed');
      await commit('first');
      put('a', 'spilled in time');
      await store.spill();
      const second = await bed.open();
      second.put(Buffer.from('a'), Buffer.from('new owner'));
      await second.spill();
      expect(await codeOf(store.discard())).toBe('STATE_FENCED');
      expect(entries(second)).toEqual(['a=new owner']);
    });

    it('refuses the commit of an owner before, which changes nothing', async () => {
      put('a', 'committed');
      await commit('first');
      put('a', 'too late');
      store.addMember(Buffer.from('s'), Buffer.from('too late'));
      const second = await bed.open();
      expect(await codeOf(commit('second'))).toBe('STATE_FENCED');
      expect(second.place?.toString()).toBe('first');
      expect(entries(second)).toEqual(['a=committed']);
      second.put(Buffer.from('b'), Buffer.from('new owner'));
      await second.commit(Buffer.from('of the second'));
      expect(await codeOf(commit('third'))).toBe('STATE_FENCED');
      expect(entries(second)).toEqual(['a=committed', 'b=new owner']);
      expect(second.members(Buffer.from('s'), null, 1)).toEqual([]);
    });

    it('refuses an owner before that would forget everything', async () => {
      put('a', 'committed');
      await commit('first');
      const second = await bed.open();
      expect(await codeOf(store.clear())).toBe('STATE_FENCED');
      expect(entries(second)).toEqual(['a=committed']);
    });

    it('forgets what begins so, for good and beside what is not committed', async () => {
      for (const key of ['a', 'ab', 'b']) put(key, '1');
      for (const set of ['a', 'abc', 'abcd', 'b', 'bcd']) store.addMember(Buffer.from(set), Buffer.from(`in ${set}`));
      await commit('first');
      put('c', 'later');
      while (await store.forget(Buffer.from('a')));
      const sets = (): readonly string[] => ['a', 'abc', 'abcd', 'b', 'bcd'].flatMap((set) => members(set));
      expect([entries(), sets(), store.place?.toString()]).toEqual([['b=1', 'c=later'], ['in b', 'in bcd'], 'first']);
      await reopen();
      expect([entries(), sets(), store.place?.toString()]).toEqual([['b=1'], ['in b', 'in bcd'], 'first']);
      const second = await bed.open();
      expect(await codeOf(store.forget(Buffer.from('b')))).toBe('STATE_FENCED');
      expect(entries(second)).toEqual(['b=1']);
    });

    it('forgets everything, and begins anew', async () => {
      put('a', '1');
      store.addMember(Buffer.from('s'), Buffer.from('m'));
      await commit('first');
      put('b', '2');
      await store.spill();
      put('b', '3');
      await store.clear();
      expect([store.place, store.pendingBytes, get('a'), get('b'), members('s'), entries()]).toEqual([
        null,
        0,
        undefined,
        undefined,
        [],
        [],
      ]);
      put('c', '3');
      await commit('second');
      await reopen();
      expect(entries()).toEqual(['c=3']);
      put('c', '4');
      await store.spill();
      await store.clear();
      await reopen();
      expect([store.place, entries()]).toEqual([null, []]);
    });
  });
}
