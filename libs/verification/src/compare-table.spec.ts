import { formatRows, lineOf, type RefusedVersion, type TableSchema, type TargetSnapshot } from '@changeover/events';
import fc from 'fast-check';

import { compareTable, type CompareLimits, type DifferingRow, type TableComparison } from './compare-table.js';

type Cell = string | null;
type Row = readonly Cell[];

const LIMITS: CompareLimits = { partitions: 16, bytesLookedAt: 1e6, named: 1000, values: false };

function tableOf(columns: readonly string[], keys: readonly string[]): TableSchema {
  const form = columns.map((name) => {
    return { name, type: 'text', typeOid: 25, typmod: -1, notNull: false, key: keys.includes(name), fill: 'none' as const };
  });
  return { schema: 'public', table: 't', columns: form, identity: 'full', hash: '' };
}

/** A target in memory whose words for a value are lower case. */
class Rows implements Pick<TargetSnapshot, 'rows' | 'asCompared' | 'refused'> {
  readonly #rows: readonly Row[];
  readonly #refused: readonly RefusedVersion[];

  constructor(rows: readonly Row[], refused: readonly RefusedVersion[] = []) {
    this.#rows = rows;
    this.#refused = refused;
  }

  async *rows(): AsyncGenerator<Buffer> {
    for (const row of this.#rows) yield formatRows([row]);
    await Promise.resolve();
  }

  asCompared(_: TableSchema, lines: Buffer): Promise<Buffer> {
    // The marks of null are upper case, and no value.
    return Promise.resolve(Buffer.from(lines.toString().toLowerCase().replaceAll('\\n\t', '\\N\t').replaceAll('\\n\n', '\\N\n')));
  }

  refused(): Promise<readonly RefusedVersion[]> {
    return Promise.resolve(this.#refused);
  }
}

function compare(
  expected: readonly Row[],
  found: readonly Row[],
  {
    table = tableOf(['id', 'a', 'b'], ['id']),
    refused = [],
    limits = LIMITS,
  }: {
    readonly table?: TableSchema;
    readonly refused?: readonly RefusedVersion[];
    readonly limits?: CompareLimits;
  } = {},
): Promise<TableComparison> {
  return compareTable({
    table,
    snapshot: new Rows(found, refused),
    expected: () => expected.map((row) => lineOf(formatRows([row]))),
    limits,
    onRows: () => undefined,
    signal: new AbortController().signal,
  });
}

const cell = fc.constantFrom<Cell>('x', 'y', '', null, 'tab\tbed', 'line\nend', 'back\\slash', 'ü€😀');
const rows = fc
  .uniqueArray(fc.tuple(fc.constantFrom('1', '2', '3', '4', '5', '6', '7\t', '8\\'), cell, cell), { selector: ([id]) => id, maxLength: 8 })
  .map((some): readonly Row[] => some);

describe('a table compared with what it should hold', () => {
  it('is equal to itself in any order, in whatever words', async () => {
    await fc.assert(
      fc.asyncProperty(rows, async (some) => {
        const found = await compare(
          some.map(([id, a, b]) => [id as Cell, a?.toUpperCase() ?? null, b as Cell]),
          some.toReversed(),
        );
        expect(found).toMatchObject({ expected: some.length, found: some.length, differences: [], unlooked: 0 });
      }),
    );
  });

  it('differs by exactly what was done to it', async () => {
    await fc.assert(
      fc.asyncProperty(rows, rows, async (before, after) => {
        const { differences, counts } = await compare(before, after);
        const said = differences.map(({ kind, key, columns }) => [kind, key?.[0], columns.join()].join(' ')).sort();
        const true_: string[] = [];
        for (const [id, a, b] of before) {
          const other = after.find(([otherId]) => otherId === id);
          const columns = other === undefined ? [] : [...(other[1] === a ? [] : ['a']), ...(other[2] === b ? [] : ['b'])];
          if (other === undefined) true_.push(`missing ${id as string} `);
          else if (columns.length > 0) true_.push(`different ${id as string} ${columns.join()}`);
        }
        for (const [id] of after) if (!before.some(([otherId]) => otherId === id)) true_.push(`extra ${id as string} `);
        expect(said).toEqual(true_.sort());
        expect(counts.missing + counts.extra + counts.different).toBe(true_.length);
      }),
    );
  });

  it('without a key by how often each row is there', async () => {
    const table = tableOf(['a'], []);
    const { counts, differences } = await compare([['x'], ['x'], ['y']], [['x'], ['y'], ['y'], [null]], { table });
    expect(counts).toEqual({ missing: 1, extra: 2, different: 0, refused: 0 });
    expect(differences.every(({ key }) => key === null)).toBe(true);
  });

  it('tells a null from an empty text', async () => {
    expect((await compare([['1', '', 'x']], [['1', null, 'x']])).differences).toEqual([{ kind: 'different', key: ['1'], columns: ['a'] }]);
  });

  describe('of which the target refuses rows', () => {
    const wanted = { id: '1', a: 'new', b: 'x' };
    const stands = { id: '1', a: 'old', b: 'x' };

    it.each<[string, readonly Row[], readonly Row[], RefusedVersion]>([
      ['an earlier version stands', [['1', 'new', 'x']], [['1', 'old', 'x']], { wanted, stands }],
      ['nothing stands', [['1', 'new', 'x']], [], { wanted, stands: null }],
      ['one that should be gone stands', [], [['1', 'old', 'x']], { wanted: null, stands }],
    ])('is equal where %s', async (_, expected, found, refused) => {
      expect(await compare(expected, found, { refused: [refused] })).toMatchObject({ refused: 1, differences: [] });
    });

    it.each<[string, readonly Row[], readonly Row[], RefusedVersion, TableComparison['differences']]>([
      [
        'the version refused is another than should be there',
        [['1', 'other', 'x']],
        [['1', 'old', 'x']],
        { wanted, stands },
        [{ kind: 'refused', key: ['1'], columns: ['a'] }],
      ],
      ['no such row should be there', [], [['1', 'old', 'x']], { wanted, stands }, [{ kind: 'refused', key: ['1'], columns: [] }]],
      [
        'what stands is another',
        [['1', 'new', 'x']],
        [['1', 'old', 'y']],
        { wanted, stands },
        [{ kind: 'different', key: ['1'], columns: ['b'] }],
      ],
      ['nothing stands', [['1', 'new', 'x']], [], { wanted, stands }, [{ kind: 'missing', key: ['1'], columns: [] }]],
    ])('differs where %s', async (_, expected, found, refused, differences) => {
      expect((await compare(expected, found, { refused: [refused] })).differences).toEqual(differences);
    });
  });

  it('tells values where they are asked for', async () => {
    const limits = { ...LIMITS, values: true };
    const { differences } = await compare(
      [
        ['1', 'x', 'tab\tbed'],
        ['2', null, ''],
      ],
      [
        ['1', 'x', 'y'],
        ['3', 'x', null],
      ],
      { limits },
    );
    expect(differences.map(({ kind, values }) => [kind, values?.expected, values?.found]).sort()).toEqual([
      ['different', { b: 'tab\tbed' }, { b: 'y' }],
      ['extra', null, { id: '3', a: 'x', b: null }],
      ['missing', { id: '2', a: null, b: '' }, null],
    ]);
  });

  it('says how much it did not look at', async () => {
    const some = Array.from({ length: 200 }, (_, id): Row => [String(id), 'x', 'y']);
    const limits = { partitions: 64, bytesLookedAt: 2100, named: 3, values: false };
    const { counts, differences, unlooked } = await compare(some, [], { limits });
    expect(differences).toHaveLength(3);
    expect(counts.missing).toBeGreaterThan(3);
    expect(counts.missing).toBeLessThanOrEqual(13);
    expect(unlooked).toBeGreaterThan(40);
  });
});

describe('rows that differ', () => {
  it('are told whole: what should be there as the source says it, what is as it is compared', async () => {
    const told: DifferingRow[] = [];
    const table = tableOf(['id', 'a', 'b'], ['id']);
    await compareTable({
      table,
      snapshot: new Rows(
        [
          ['k1', 'x', null],
          ['k2', 'y', 'tab\tbed'],
          ['k4', 'x', 'x'],
          ['k4', 'x', 'y'],
          ['k5', 'x', 'x'],
        ],
        [
          { wanted: { id: 'K5', a: 'y', b: 'y' }, stands: { id: 'k5', a: 'z', b: 'z' } },
          { wanted: { id: 'K6', a: 'y', b: 'y' }, stands: null, isMissed: true },
          { wanted: { id: 'K7', a: 'y', b: 'y' }, stands: null, isMissed: false },
        ],
      ),
      expected: () =>
        [
          ['K1', 'X', null],
          ['K2', 'X', 'Tab\tBed'],
          ['K3', 'New', 'line\nend'],
          ['K4', 'X', 'X'],
          ['K5', 'y', 'y'],
          ['K6', 'y', 'y'],
          ['K7', 'y', 'y'],
        ].map((row) => lineOf(formatRows([row]))),
      limits: LIMITS,
      onRows: () => undefined,
      onDiffering: (row) => told.push(row),
      signal: new AbortController().signal,
    });
    const line = (...row: Row): Buffer => formatRows([row]);
    const [no, differs] = [
      { table, refused: 'no', columns: [] },
      { kind: 'different', columns: ['a'] },
    ];
    expect(told.toSorted((one, other) => ((one.id ?? '') < (other.id ?? '') ? -1 : 1))).toEqual([
      { ...no, id: null, kind: 'extra', expected: null, found: line('k4', 'x', 'y') },
      { ...no, ...differs, id: 'k2', expected: line('K2', 'X', 'Tab\tBed'), found: line('k2', 'y', 'tab\tbed') },
      { ...no, id: 'k3', kind: 'missing', expected: line('K3', 'New', 'line\nend'), found: null },
      { ...no, ...differs, columns: ['a', 'b'], refused: 'yes', id: 'k5', expected: line('k5', 'z', 'z'), found: line('k5', 'x', 'x') },
      { ...no, refused: 'missed', id: 'k6', kind: 'missing', expected: line('K6', 'y', 'y'), found: null },
    ]);
  });
});
