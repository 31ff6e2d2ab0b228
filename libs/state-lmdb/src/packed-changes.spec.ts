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
  const add = (table: 'entries' | 'members', key: string, value: string | null): number =>
    packed.add(table, key, value === null ? null : Buffer.from(value));

  it('come back in the order in which they were made, whatever piece they lie in', () => {
    const long = 'long '.repeat(20);
    const locations = [add('entries', 'b', '1'), add('members', 'a', ''), add('entries', 'b', long), add('entries', 'c\xff', null)];
    expect(packed.pieces().flatMap((piece) => told(unpackChanges(piece)))).toEqual([
      'entries b=1',
      'members a=',
      `entries b=${long}`,
      'entries c\xff=removed',
    ]);
    expect(packed.pieces().length).toBeGreaterThan(1);
    expect(locations.map((location) => packed.valueAt(location)?.toString())).toEqual(['1', '', long, undefined]);
  });

  it('are told in the order of their keys, of each key the last', () => {
    for (let i = 9; i >= 0; i--) add('entries', `key ${String(i)}`, 'first');
    add('members', 'key 3', '');
    add('entries', 'key', 'shorter');
    add('entries', 'key 3', 'second');
    add('entries', 'key 3', null);
    add('entries', 'key 3\xff', 'longer');
    add('entries', 'key 7', 'last');
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
      'members key 3=',
    ]);
    expect(told(lastChanges(new PackedChanges(PIECE_BYTES).pieces()))).toEqual([]);
  });
});
