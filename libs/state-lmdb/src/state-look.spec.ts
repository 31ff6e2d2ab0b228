import { join } from 'node:path';

import type { StateLook } from '@changeover/events';

import { lookAtStoredState } from './state-look.js';
import { StateBed } from './test/state-bed.js';

describe('a look at a stored state', () => {
  let bed: StateBed;
  beforeEach(async () => {
    bed = await StateBed.make();
  });
  afterEach(() => bed[Symbol.asyncDispose]());

  const look = (name = 'test'): Promise<StateLook | null> => lookAtStoredState({ folder: bed.folder, name });
  const content = (seen: StateLook): readonly string[] =>
    Array.from(seen.entries(Buffer.from('k'), null), ({ key, value }) => `${key.toString()}=${value.toString()}`);
  const key = Buffer.from('k1');

  it('makes none where there is none', async () => {
    expect(await look()).toBeNull();
    expect(await lookAtStoredState({ folder: join(bed.folder, 'none'), name: 'test' })).toBeNull();
  });

  it('sees one commit as a whole, place and entries, whatever the owner commits meanwhile', async () => {
    const owner = await bed.open();
    owner.put(key, Buffer.from('one'));
    await owner.commit(Buffer.from('first'));
    owner.put(key, Buffer.from('two'));
    const first = (await look()) as StateLook;
    expect([first.place?.toString(), first.isBetween, content(first)]).toEqual(['first', false, ['k1=one']]);
    await owner.commit(Buffer.from('second'));
    owner.remove(key);
    await owner.commit(Buffer.from('third'));
    const third = (await look()) as StateLook;
    expect([first.place?.toString(), content(first)]).toEqual(['first', ['k1=one']]);
    expect([third.place?.toString(), content(third)]).toEqual(['third', []]);
    await first[Symbol.asyncDispose]();
    await third[Symbol.asyncDispose]();
    // The owner goes on as if nobody had looked.
    owner.put(key, Buffer.from('four'));
    await owner.commit(Buffer.from('fourth'));
    await using fourth = (await look()) as StateLook;
    expect(content(fourth)).toEqual(['k1=four']);
  });

  it('says when it sees what is not committed', async () => {
    const owner = await bed.open();
    owner.put(key, Buffer.from('one'));
    await owner.commit(Buffer.from('first'));
    owner.put(key, Buffer.from('spilled'));
    await owner.spill();
    await using between = (await look()) as StateLook;
    expect([between.place?.toString(), between.isBetween]).toEqual(['first', true]);
    await owner.commit(Buffer.from('second'));
    await using after = (await look()) as StateLook;
    expect([after.place?.toString(), after.isBetween, content(after)]).toEqual(['second', false, ['k1=spilled']]);
  });

  it('can be laid over with changes that nobody else gets, over just what it sees', async () => {
    const [set, other] = [Buffer.from('set'), Buffer.from('k2')];
    const owner = await bed.open();
    owner.put(key, Buffer.from('one'));
    owner.addMember(set, key);
    await owner.commit(Buffer.from('first'));
    await using seen = (await look()) as StateLook;
    await using draft = seen.draft();
    owner.put(key, Buffer.from('later'));
    owner.put(other, Buffer.from('later'));
    owner.addMember(set, other);
    await owner.commit(Buffer.from('second'));
    const members = (): readonly string[] => draft.members(set, null, 10).map(String);
    const read = (): unknown => [draft.get(key)?.toString(), draft.get(other)?.toString(), members()];
    expect(read()).toEqual(['one', undefined, ['k1']]);
    draft.put(other, Buffer.from('draft'));
    draft.remove(key);
    draft.addMember(set, Buffer.from('k3'));
    expect(read()).toEqual([undefined, 'draft', ['k1', 'k3']]);
    expect(content(seen)).toEqual(['k1=one']);
    draft.restart();
    expect(read()).toEqual(['one', undefined, ['k1']]);
    expect([owner.get(key)?.toString(), owner.get(other)?.toString()]).toEqual(['later', 'later']);
  });

  it('is none at the state of another', async () => {
    await using _owner = await bed.open();
    await expect(look('another')).rejects.toMatchObject({ code: 'STATE_UNAVAILABLE' });
  });
});
