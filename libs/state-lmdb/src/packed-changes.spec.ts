import { lastChanges, PackedChanges, unpackChanges } from './packed-changes.js';

const PIECE_BYTES = 40;

function told(changes: Iterable<{ readonly table: string; readonly key: Buffer; readonly value: Buffer | null }>): string[] {
  return [...changes].map(({ table, key, value }) => `${table} ${key.toString('latin1')}=${value?.toString() ?? 'removed'}`);
}

describe('packed changes', () => {
  let packed: PackedChanges;
  beforeEach(() => {
    packed = new PackedChanges(PIECE_BYTES);
  });
  const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
  const add = (key: string, value: string | null): number => packed.add('entries', bytes(key), value === null ? null : bytes(value));
  const addMember = (set: string, member: string): number => packed.addMember(bytes(set), bytes(member), bytes(''));

  it('come back in the order in which they were made, whatever piece they lie in', () => {
    const long = 'long '.repeat(20);
    const locations = [add('b', '1'), addMember('s', 'a'), add('b', long), add('c\xff', null)];
    expect(packed.pieces().flatMap((piece) => told(unpackChanges(piece)))).toEqual([
      'entries b=1',
      'members \0\x01sa=',
      `entries b=${long}`,
      'entries c\xff=removed',
    ]);
    expect(packed.pieces().length).toBeGreaterThan(1);
    expect(locations.map((location) => packed.valueAt(location)?.toString())).toEqual(['1', '', long, undefined]);
  });

  it('are found by what they are of', () => {
    const long = 'long '.repeat(50);
    const entries = ['a', 'ab', 'ac', long].map((key) => [key, add(key, 'value')] as const);
    const members = [
      ['a', 'bc'],
      ['ab', 'c'],
      [long, long],
    ].map(([set, member]) => ({ set, member, at: addMember(set as string, member as string) }));
    for (const [key, location] of entries) {
      expect(entries.filter(([, other]) => packed.hasKey(other, bytes(key)))).toEqual([[key, location]]);
      expect(packed.at(location)).toMatchObject({ table: 'entries', key: bytes(key), value: bytes('value') });
    }
    expect(entries.filter(([, location]) => packed.isUnder(location, bytes('a'))).map(([key]) => key)).toEqual(['a', 'ab', 'ac']);
    for (const { set, member, at } of members) {
      expect(members.filter((other) => packed.hasSet(other.at, bytes(set as string)))).toEqual([{ set, member, at }]);
      expect(packed.memberAt(at)).toEqual({ member, isPresent: true });
    }
    expect(packed.memberAt(packed.addMember(bytes('a'), bytes('b'), null))).toEqual({ member: 'b', isPresent: false });
  });

  it('are told in the order of their keys, of each key the last', () => {
    for (let i = 9; i >= 0; i--) add(`key ${String(i)}`, 'first');
    addMember('s', 'key 3');
    add('key', 'shorter');
    add('key 3', 'second');
    add('key 3', null);
    add('key 3\xff', 'longer');
    add('key 7', 'last');
    expect(told(lastChanges(packed.pieces()))).toEqual([
      'entries key=shorter',
      'entries key 0=first',
      'entries key 1=first',
      'entries key 2=first',
      'entries key 3=removed',
      'entries key 3\xff=longer',
      'entries key 4=first',
      'entries key 5=first',
      'entries key 6=first',
      'entries key 7=last',
      'entries key 8=first',
      'entries key 9=first',
      'members \0\x01skey 3=',
    ]);
    expect(told(lastChanges(new PackedChanges(PIECE_BYTES).pieces()))).toEqual([]);
  });
});
