import { noCrash, NO_POSITION, SystemClock } from '@changeover/core';
import {
  CORRECTION_TABLE,
  REFERENCE_TABLE,
  formatRows,
  HELD_TABLE,
  tableName,
  TargetReader,
  type LoadHold,
  type LoadProgress,
  type RefusedVersion,
  type TableSchema,
  type TargetSnapshot,
} from '@changeover/events';
import { textTable } from '@changeover/testing';

import { compareTargets, pairOf, type PairComparison, type TargetsComparison } from './compare-targets.js';

type Row = readonly (string | null)[];
type Content = {
  readonly person: readonly Row[];
  readonly log?: readonly Row[];
  readonly held?: readonly Row[];
  readonly corrections?: readonly Row[];
  readonly references?: readonly Row[];
  readonly refused?: readonly RefusedVersion[];
};

const column = (name: string) => ({ name });
const TABLES = [
  pairOf({ schema: 'crm', table: 'person', columns: ['id', 'name', 'extra'].map(column) }, textTable('crm.person', ['id', 'name']), {
    schema: 'next',
    table: 'person',
  }),
  pairOf(
    { schema: 'crm', table: 'log', columns: ['line'].map(column) },
    { ...textTable('crm.log', ['line']), columns: textTable('crm.log', ['line']).columns.map((one) => ({ ...one, key: false })) },
    { schema: 'next', table: 'log' },
  ),
];
const BOTH = { clock: new SystemClock(), crashPoint: noCrash, patienceMs: 500 };
const LIMITS = { partitions: 4, bytesLookedAt: 1_000_000, named: 10, values: false };

/** A target that holds this at the record `seq`, and can go on to any other one. */
class TargetOf extends TargetReader {
  held = 0;

  constructor(
    readonly schema: string,
    readonly content: Content,
    readonly seq = 5,
    readonly canReach = Infinity,
  ) {
    super();
  }

  override hold(): Promise<LoadHold> {
    this.held++;
    let progress = this.#at(this.seq);
    return Promise.resolve({
      get progress() {
        return progress;
      },
      heldMs: 1,
      advanceTo: (seq: number) =>
        seq <= this.canReach ? Promise.resolve((progress = this.#at(seq))) : Promise.reject(new Error('advanced beyond')),
      snapshot: () => Promise.resolve(this.#snapshot(progress)),
      repair: () => Promise.reject(new Error('nobody repairs here')),
      [Symbol.asyncDispose]: () => {
        this.held--;
        return Promise.resolve();
      },
    });
  }

  override record(): Promise<void> {
    return Promise.reject(new Error('nobody verifies here'));
  }

  override lastVerified(): Promise<null> {
    return Promise.resolve(null);
  }

  override numbersTold(): Promise<null> {
    return Promise.resolve(null);
  }

  override stop(): Promise<void> {
    return Promise.resolve();
  }

  #at(seq: number): LoadProgress {
    return {
      writes: { logId: 'w', epoch: 1, seq, pos: NO_POSITION, checksum: '', at: 0 },
      changes: { logId: 'c', seq },
      position: NO_POSITION,
      ts_ms: 0,
    };
  }

  #snapshot(progress: LoadProgress): TargetSnapshot {
    const rowsOf = ({ schema, table }: TableSchema): readonly Row[] => {
      const own: Readonly<Record<string, readonly Row[] | undefined>> = {
        [HELD_TABLE.table]: this.content.held,
        [CORRECTION_TABLE.table]: this.content.corrections,
        [REFERENCE_TABLE.table]: this.content.references,
      };
      if (schema === HELD_TABLE.schema) return own[table] ?? [];
      expect(schema).toBe(this.schema);
      return (table === 'person' ? this.content.person : this.content.log) ?? [];
    };
    return {
      progress,
      generation: '0.0',
      find: () => {
        throw new Error('whole tables are compared here');
      },
      count: () => Promise.reject(new Error('nobody counts here')),
      rows: async function* (table) {
        for (const row of rowsOf(table)) yield await Promise.resolve(formatRows([row]));
      },
      asCompared: (_table, lines) => Promise.resolve(lines),
      refused: ({ table }) => Promise.resolve(table === 'person' ? (this.content.refused ?? []) : []),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
}

async function compared(live: Content, rebuilt: Content): Promise<TargetsComparison> {
  const both = { live: new TargetOf('crm', live), rebuilt: new TargetOf('next', rebuilt, 3) };
  return compareTargets({ ...BOTH, ...both, tables: TABLES, limits: LIMITS, onRows: () => undefined }, new AbortController().signal);
}

const found = ({ tables }: TargetsComparison, name: string): PairComparison => tables.find(({ table }) => table === name) as PairComparison;
const PEOPLE: readonly Row[] = Array.from({ length: 20 }, (_, id) => [String(id), `name ${String(id)}`, null]);

describe('rebuilt tables, beside the live ones', () => {
  it('are equal where they hold the same rows, in whatever order; the digest says so', async () => {
    const lines: readonly Row[] = [['a'], ['a'], ['b']];
    const report = await compared({ person: PEOPLE, log: lines }, { person: PEOPLE.toReversed(), log: lines.toReversed() });
    expect(report).toMatchObject({ equal: true, seq: 5 });
    const { live, rebuilt } = found(report, 'crm.person');
    expect(live).toEqual({ rows: 20, digest: expect.stringMatching(/^[0-9a-f]{32}$/u) as string });
    expect(rebuilt).toEqual(live);
    expect(found(await compared({ person: PEOPLE.slice(1) }, { person: PEOPLE.slice(1) }), 'crm.person').live.digest).not.toBe(live.digest);
  });

  it.each<[what: string, rebuilt: Content, table: string, kind: string, columns: readonly string[]]>([
    ['a value', { person: PEOPLE.with(3, ['3', 'other', null]) }, 'crm.person', 'different', ['name']],
    ['a column that nothing of ours writes', { person: PEOPLE.with(3, ['3', 'name 3', 'by hand']) }, 'crm.person', 'different', ['extra']],
    ['an empty text for a null', { person: PEOPLE.with(3, ['3', 'name 3', '']) }, 'crm.person', 'different', ['extra']],
    ['a row that is missing', { person: PEOPLE.slice(1) }, 'crm.person', 'missing', []],
    ['a row too many', { person: [...PEOPLE, ['77', 'x', null]] }, 'crm.person', 'extra', []],
    ['a row without a key that is there twice', { person: PEOPLE, log: [['a']] }, 'crm.log', 'extra', []],
    ['a held row', { person: PEOPLE, held: [HELD_TABLE.columns.slice(1).map(({ name }) => name)] }, tableName(HELD_TABLE), 'extra', []],
    [
      'a correction',
      { person: PEOPLE, corrections: [CORRECTION_TABLE.columns.slice(1).map(({ name }) => name)] },
      tableName(CORRECTION_TABLE),
      'extra',
      [],
    ],
    ['a row that is looked up', { person: PEOPLE, references: [['crm.user', '7', '{}']] }, tableName(REFERENCE_TABLE), 'extra', []],
  ])('differ by %s, and it is named', async (_what, rebuilt, table, kind, columns) => {
    const report = await compared({ person: PEOPLE }, rebuilt);
    expect(report.equal).toBe(false);
    expect(found(report, table)).toMatchObject({ differing: 1, differences: [{ kind, columns }] });
    expect(report.tables.filter(({ differing }) => differing > 0)).toHaveLength(1);
  });

  const refused = (name: string, stands: RefusedVersion['stands'] = null): RefusedVersion => ({ wanted: { id: '3', name }, stands });
  const without3 = PEOPLE.filter(([id]) => id !== '3');
  const earlier: readonly Row[] = [...without3, ['3', 'earlier', 'e']];

  it.each<[what: string, live: Content, rebuilt: Content, refused: PairComparison['refused']]>([
    [
      'is refused on both sides, whatever stands',
      { person: earlier, refused: [refused('n', { id: '3', name: 'earlier' })] },
      { person: without3, refused: [refused('n')] },
      { rows: 1, differing: 0, otherwise: 1 },
    ],
    [
      'is refused on one side, and stands on the other',
      { person: [...without3, ['3', 'n', 'e']] },
      { person: without3, refused: [refused('n')] },
      { rows: 1, differing: 0, otherwise: 1 },
    ],
    [
      'is refused on one side, and stands otherwise on the other',
      { person: earlier },
      { person: without3, refused: [refused('n')] },
      { rows: 1, differing: 1, otherwise: 1 },
    ],
    [
      'should not be the same on both sides',
      { person: without3, refused: [refused('m')] },
      { person: without3, refused: [refused('n')] },
      { rows: 1, differing: 1, otherwise: 0 },
    ],
    [
      'should be gone, and is',
      { person: earlier, refused: [{ wanted: null, stands: { id: '3', name: 'earlier' } }] },
      { person: without3 },
      { rows: 1, differing: 0, otherwise: 1 },
    ],
    [
      'should be gone, and is not known to',
      { person: earlier, refused: [{ wanted: null, stands: { id: '3', name: 'earlier' } }] },
      { person: earlier },
      { rows: 1, differing: 1, otherwise: 0 },
    ],
    [
      'gets another key',
      { person: earlier, refused: [{ wanted: { id: '4', name: 'n' }, stands: { id: '3', name: 'earlier' } }] },
      { person: [...without3.filter(([id]) => id !== '4'), ['4', 'n', null]] },
      { rows: 2, differing: 0, otherwise: 2 },
    ],
  ])('a row that %s', async (_what, live, rebuilt, expected) => {
    const report = await compared(live, rebuilt);
    expect(found(report, 'crm.person')).toMatchObject({ differing: 0, refused: expected });
    expect(report.equal).toBe(expected.differing === 0);
  });

  it('are compared at no place where one of the loads does not come to', async () => {
    const [live, rebuilt] = [new TargetOf('crm', { person: [] }, 9), new TargetOf('next', { person: [] }, 3, 8)];
    const options = { ...BOTH, live, rebuilt, tables: TABLES, limits: LIMITS, onRows: () => undefined };
    await expect(compareTargets(options, new AbortController().signal)).rejects.toThrow('advanced beyond');
    expect([live.held, rebuilt.held]).toEqual([0, 0]);
  });
});
