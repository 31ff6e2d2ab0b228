import { ChangeoverError, NO_POSITION, noCrash, RandomIdSource, SystemClock } from '@changeover/core';
import {
  ALLOCATED_TABLE,
  encodeFrameHeader,
  encodeJsonBody,
  formatRows,
  HELD_NOW_TABLE,
  HELD_TABLE,
  parseRows,
  SequencedLog,
  tableName,
  type LoadHold,
  type LoadProgress,
  type LogWriter,
  type RecordPart,
  type RecordRef,
  type RepairOutcome,
  type RowRepair,
  type TableSchema,
  type TargetReader,
  type TargetSnapshot,
} from '@changeover/events';
import {
  deleted,
  InMemoryMessageStore,
  inserted,
  MemoryStorage,
  moved,
  positionAt,
  textTable,
  truncated,
  updated,
  type RowsEvent,
} from '@changeover/testing';

import type { DifferingRow, TableComparison } from './compare-table.js';
import { DifferingRows, repairRows, type RepairReport } from './repair.js';

const WRITES = 'm.writes';
const PERSON = textTable('app.person', ['id', 'name']);
const FIRM = textTable('app.firm', ['id', 'name']);
const HELD_NAME = tableName(HELD_TABLE);

type Row = readonly (string | null)[];
type Differing = { readonly found: Row | null; readonly expected: Row | null } & Partial<Pick<DifferingRow, 'id' | 'columns' | 'refused'>>;

/** `writes` as it grows, and a target whose words are lower case, that load has brought to where `writes` ends. */
class RepairBed {
  readonly log = new SequencedLog(new InMemoryMessageStore(new MemoryStorage()), new RandomIdSource());
  readonly differing = new DifferingRows(1e6);
  /** What was asked of the hold that was last asked. */
  asked: readonly RowRepair[] = [];
  outcome: () => RepairOutcome = () => ({ done: 'repaired' });
  /** Before load is held. */
  onHold: () => Promise<void> = () => Promise.resolve();
  unlooked = 0;
  numbersUnsure = false;
  tables = [PERSON, FIRM, HELD_NOW_TABLE];
  #writer: LogWriter | null = null;
  readonly #schemas = new Map<string, RecordRef>();
  #position = 0;

  async append(...parts: readonly RecordPart[]): Promise<RecordRef> {
    this.#writer ??= await this.log.openWriter(WRITES, { writerId: 'transform', create: true });
    return (await this.#writer.append(parts)).at(-1) as RecordRef;
  }

  /** One record of so many parts. */
  async loaded(...events: readonly RowsEvent[]): Promise<void> {
    const parts: RecordPart[] = [];
    for (const [index, event] of events.entries()) {
      const schema = await this.#schemaOf(event.table);
      const last = index === events.length - 1;
      parts.push({
        kind: 'transaction',
        body: [encodeFrameHeader({ ...event, schemaSeq: schema.seq }, event.rows.length), event.rows],
        last,
        facts: { schemas: [schema], ...(last && { pos: positionAt(++this.#position), rows: 1 }) },
      });
    }
    await this.append(...parts);
  }

  async progress(): Promise<LoadProgress> {
    const { header: _, ...writes } = await this.log.head(WRITES);
    return { writes, changes: { logId: 'c', seq: writes.seq }, position: NO_POSITION, ts_ms: 1000 };
  }

  differs(table: TableSchema, { found, expected, ...over }: Differing): void {
    const line = (row: Row | null): Buffer | null => (row === null ? null : formatRows([row]));
    const row = (found ?? expected) as Row;
    const id = formatRows([row.filter((_, place) => table.columns[place]?.key)]).toString('latin1');
    const kind = found === null ? 'missing' : expected === null ? 'extra' : 'different';
    this.differing.add({
      table,
      kind,
      columns: [],
      id: id.slice(0, -1).toLowerCase(),
      found: line(found),
      expected: line(expected),
      refused: 'no',
      ...over,
    });
  }

  async repair(from: LoadProgress, { deleteExtra = false, patienceMs = 1 } = {}): Promise<RepairReport> {
    const snapshot = {
      progress: from,
      asCompared: (_: TableSchema, lines: Buffer) => Promise.resolve(Buffer.from(lines.toString().toLowerCase())),
    } as unknown as TargetSnapshot;
    const hold = async (): Promise<LoadHold> => {
      await this.onHold();
      return {
        progress: await this.progress(),
        repair: (rows: readonly RowRepair[]) => {
          this.asked = rows;
          return Promise.resolve(rows.map(this.outcome));
        },
        [Symbol.asyncDispose]: () => Promise.resolve(),
      } as unknown as LoadHold;
    };
    return repairRows(
      {
        log: this.log,
        writes: WRITES,
        target: { hold } as unknown as TargetReader,
        snapshot,
        differing: this.differing,
        tables: this.tables.map((table) => ({ table: tableName(table), unlooked: this.unlooked }) as TableComparison),
        numbersUnsure: this.numbersUnsure,
        deleteExtra,
        named: 100,
        clock: new SystemClock(),
        patienceMs,
        crashPoint: noCrash,
      },
      new AbortController().signal,
    );
  }

  async #schemaOf(table: TableSchema): Promise<RecordRef> {
    const name = tableName(table);
    const ref =
      this.#schemas.get(name) ??
      (await this.append({ kind: 'schema', body: encodeJsonBody('schema', { table, previous: null }), last: true }));
    this.#schemas.set(name, ref);
    return ref;
  }
}

function results({ rows }: RepairReport): readonly string[] {
  return rows.map(({ table, key, result, reason }) => [table, key?.join(',') ?? '-', result, reason].join(' ').trim());
}

describe('repair', () => {
  let bed: RepairBed;
  let from: LoadProgress;

  beforeEach(async () => {
    bed = new RepairBed();
    await bed.loaded(inserted(PERSON, ['a', 'x'], ['b', 'x'], ['c', 'x'], ['d', 'x'], ['e', 'x']));
    from = await bed.progress();
  });

  it.each<readonly [string, readonly RowsEvent[]]>([
    ['was changed', [updated(PERSON, ['A', 'y'])]],
    ['was made', [inserted(PERSON, ['A', 'y'])]],
    ['went', [deleted(PERSON, 'A')]],
    ['got another key', [moved(PERSON, 'A', ['z', 'y'])]],
    ['got this key', [moved(PERSON, 'z', ['A', 'y'])]],
    ['was changed in a part of a large record', [updated(PERSON, ['z', 'y']), updated(PERSON, ['A', 'y']), updated(PERSON, ['y', 'y'])]],
    ['went with all of its table', [truncated(PERSON)]],
  ])('leaves a row that %s since it was compared, and repairs the others', async (_, events) => {
    bed.differs(PERSON, { found: ['a', 'x'], expected: ['A', 'right'] });
    bed.differs(FIRM, { found: ['a', 'x'], expected: ['A', 'right'] });
    await bed.loaded(...events);
    expect(results(await bed.repair(from))).toEqual(['app.person a loaded', 'app.firm a repaired']);
    expect(bed.asked.map(({ table }) => tableName(table))).toEqual(['app.firm']);
  });

  it('looks up to where load is held, not to where it was before', async () => {
    bed.differs(PERSON, { found: ['a', 'x'], expected: ['a', 'right'] });
    bed.differs(PERSON, { found: ['b', 'x'], expected: ['b', 'right'] });
    let holds = 0;
    bed.onHold = async () => {
      if (++holds === 2) await bed.loaded(updated(PERSON, ['b', 'x']));
    };
    expect(results(await bed.repair(from))).toEqual(['app.person a repaired', 'app.person b loaded']);
  });

  it('leaves everything where load has gone back', async () => {
    await bed.loaded(updated(FIRM, ['a', 'x']));
    bed.differs(PERSON, { found: ['a', 'x'], expected: ['a', 'right'] });
    const later = await bed.progress();
    const { seq } = later.writes;
    expect(results(await bed.repair({ ...later, writes: { ...later.writes, seq: seq + 1 } }))).toEqual(['app.person a loaded']);
    expect(results(await bed.repair({ ...later, writes: { ...later.writes, logId: 'other' } }))).toEqual(['app.person a loaded']);
  });

  it('writes what the source says, word for word, and tells what the target says of it', async () => {
    bed.differs(PERSON, { found: ['a', 'x'], expected: ['A', 'Right'] });
    bed.outcome = () => ({ done: 'refused', reason: 'SQLSTATE 23514' });
    const report = await bed.repair(from);
    expect(results(report)).toEqual(['app.person a refused SQLSTATE 23514']);
    expect(report.counts).toMatchObject({ repaired: 0, refused: 1 });
    expect(bed.asked).toEqual([{ table: PERSON, found: formatRows([['a', 'x']]), expected: formatRows([['A', 'Right']]) }]);
  });

  it('leaves rows of which the target refuses a version, as load may bring that at any time', async () => {
    bed.differs(PERSON, { found: ['a', 'x'], expected: ['a', 'y'], refused: 'yes' });
    bed.differs(PERSON, { found: ['b', 'x'], expected: null, refused: 'yes' });
    expect(results(await bed.repair(from, { deleteExtra: true }))).toEqual(['app.person a listed', 'app.person b listed']);
    expect(bed.asked).toEqual([]);
  });

  it('brings back a row that load was to change and did not find', async () => {
    bed.differs(PERSON, { found: null, expected: ['a', 'y'], refused: 'missed' });
    bed.differs(PERSON, { found: null, expected: ['b', 'y'] });
    expect(results(await bed.repair(from))).toEqual(['app.person a repaired', 'app.person b repaired']);
    expect(bed.asked.map(({ isMissed }) => isMissed === true)).toEqual([true, false]);
  });

  it('deletes nothing unless it is told to', async () => {
    bed.differs(PERSON, { found: ['a', 'x'], expected: null });
    expect(results(await bed.repair(from))).toEqual(['app.person a unwanted']);
    expect(results(await bed.repair(from, { deleteExtra: true }))).toEqual(['app.person a repaired']);
  });

  it('leaves rows that nothing finds, and tells of those that there were too many of', async () => {
    bed.differs(PERSON, { found: ['a', 'x'], expected: ['a', 'y'], id: null });
    bed.differs(PERSON, { found: ['b', 'x'], expected: ['b', 'y'.repeat(1e6)] });
    const report = await bed.repair(from);
    expect(results(report)).toEqual(['app.person - no-key']);
    expect(report.counts).toMatchObject({ 'no-key': 1, beyond: 1 });
    expect(bed.asked).toEqual([]);
  });

  it('leaves everything where texts have lost their numbers, as nobody knows what rows should be then', async () => {
    bed.differs(PERSON, { found: ['a', 'x'], expected: ['a', '1007'] });
    bed.differs(ALLOCATED_TABLE, { found: null, expected: ['m', 'person', '1007', 'a'] });
    bed.numbersUnsure = true;
    const report = await bed.repair(from);
    expect([results(report), report.counts.unnumbered]).toEqual([
      ['app.person a unnumbered', 'changeover.allocated m,person,1007 unnumbered'],
      2,
    ]);
    expect(bed.asked).toEqual([]);
  });

  it('tries again what passes by itself', async () => {
    bed.differs(PERSON, { found: ['a', 'x'], expected: ['a', 'right'] });
    let tries = 0;
    bed.onHold = async () => {
      if (++tries < 3) throw new ChangeoverError('TARGET_BUSY', 'somebody else holds load');
      await Promise.resolve();
    };
    expect(results(await bed.repair(from, { patienceMs: 10_000 }))).toEqual(['app.person a repaired']);
    tries = 0;
    await expect(bed.repair(from, { patienceMs: -1 })).rejects.toMatchObject({ code: 'TARGET_BUSY' });
  });

  describe('of the list of held rows', () => {
    const held = (over: Readonly<Record<string, string | null>> = {}): Row => {
      const all: Readonly<Record<string, string | null>> = {
        migration: 'm',
        target: 'app.person',
        source_key: '1',
        source: 's',
        state: 'held',
        kept: 'f',
        ...over,
      };
      return HELD_NOW_TABLE.columns.map(({ name }) => all[name] ?? null);
    };

    it('an entry that is missing is held since what the stream last said of it, up to the comparison', async () => {
      const told = (key: string, seq: string): Row =>
        HELD_TABLE.columns.map(
          ({ name }) => ({ migration: 'm', target: 'app.person', source_key: key, since_seq: seq, since_ms: `${seq}0` })[name] ?? null,
        );
      await bed.loaded(inserted(HELD_TABLE, told('1', '3'), told('a\tb', '4'), told('2', '5')));
      await bed.loaded(updated(HELD_TABLE, told('1', '7')), deleted(HELD_TABLE, 'm', 'app.person', '2'));
      const there = await bed.progress();
      await bed.loaded(updated(HELD_TABLE, told('3', '9')));
      for (const key of ['1', 'a\tb', '4']) bed.differs(HELD_NOW_TABLE, { found: null, expected: held({ source_key: key }) });
      await bed.repair(there);
      const since = bed.asked.map(({ expected }) => {
        const [values] = parseRows(expected as Buffer);
        const named = Object.fromEntries(HELD_TABLE.columns.map(({ name }, place) => [name, values?.[place]]));
        return [named['source_key'], named['since_seq'], named['since_ms']];
      });
      expect(since).toEqual([
        ['1', '7', '70'],
        ['a\tb', '4', '40'],
        ['4', String(there.changes.seq), '1000'],
      ]);
    });

    it('an entry of which the stream says nothing is held since the comparison', async () => {
      bed.differs(HELD_NOW_TABLE, { found: null, expected: held() });
      expect(results(await bed.repair(from))).toEqual([`${HELD_NAME} m,app.person,1 repaired`]);
      const [asked] = bed.asked as readonly [RowRepair];
      expect(asked.table).toBe(HELD_TABLE);
      const [values] = parseRows(asked.expected as Buffer);
      const named = Object.fromEntries(HELD_TABLE.columns.map(({ name }, place) => [name, values?.[place]]));
      expect(named).toMatchObject({ source_key: '1', state: 'held', since_seq: String(from.changes.seq), since_ms: '1000' });
    });

    it.each([
      ['missing', null, []],
      ['of another version', held(), ['kept', 'kept_version']],
    ])('where an entry is %s, no row of its table is taken for one that should not be there', async (_, found, columns) => {
      bed.differs(HELD_NOW_TABLE, { found, expected: held(), columns });
      bed.differs(PERSON, { found: ['a', 'x'], expected: null });
      bed.differs(FIRM, { found: ['a', 'x'], expected: null });
      expect(results(await bed.repair(from, { deleteExtra: true }))).toEqual([
        `${HELD_NAME} m,app.person,1 maybe-kept`,
        'app.person a maybe-kept',
        'app.firm a repaired',
      ]);
    });

    it('another word about a held row is no doubt', async () => {
      bed.differs(HELD_NOW_TABLE, { found: held({ reason: 'x' }), expected: held({ reason: 'y' }), columns: ['reason'] });
      bed.differs(PERSON, { found: ['a', 'x'], expected: null });
      expect(results(await bed.repair(from, { deleteExtra: true }))).toEqual([
        `${HELD_NAME} m,app.person,1 repaired`,
        'app.person a repaired',
      ]);
    });

    it.each(['not compared', 'not compared to its end', 'of too many rows'])('%s, it is a doubt of all', async (why) => {
      bed.differs(PERSON, { found: ['a', 'x'], expected: null });
      if (why === 'not compared') bed.tables = [PERSON];
      else if (why === 'not compared to its end') bed.unlooked = 1;
      else bed.differs(HELD_NOW_TABLE, { found: null, expected: held({ reason: 'y'.repeat(1e6) }) });
      expect(results(await bed.repair(from, { deleteExtra: true }))).toEqual(['app.person a maybe-kept']);
    });
  });
});
