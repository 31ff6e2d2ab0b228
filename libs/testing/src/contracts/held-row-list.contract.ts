import { NO_POSITION } from '@changeover/core';
import {
  formatRows,
  HELD_TABLE,
  type Frame,
  type HeldRowList,
  type LoadProgress,
  type TableSchema,
  type TargetSession,
  type TargetWriter,
} from '@changeover/events';

import { positionAt, textTable } from '../fakes/rows.js';
import { codeOf } from './change-source.contract.js';

/** An empty target with the tables `parent(id, name)` and `child(id, parent)`, texts, where a child's parent must exist. */
export type HeldRowListBed = AsyncDisposable & {
  /** Who writes the migration. */
  writer(migration?: string): TargetWriter;
  /** Who looks at it. */
  list(migration?: string): HeldRowList;
  /** Who looks where there is nobody. */
  nowhere(): HeldRowList;
};

type Line = readonly (string | null)[];

const CHILDREN = textTable('child', ['id', 'parent']);
const SCHEMAS: readonly TableSchema[] = [HELD_TABLE, CHILDREN];
const schemaOf = (seq: number): TableSchema => SCHEMAS[seq - 1] as TableSchema;
const BEGUN_MS = 1_700_000_000_000;

const HELD_7 = {
  state: 'held',
  table: 'public.person',
  key: ['7'],
  refusal: null,
  reason: 'bad phone',
  column: 'phone',
  kept: false,
} as const;
const HELD_8 = { ...HELD_7, key: ['a\tb', '8'], reason: 'missing', column: 'name', kept: true } as const;
const WAITING_9 = { ...HELD_7, state: 'waiting', table: 'public.note', key: ['9'], reason: 'waits for', column: 'public.person' } as const;
const REFUSED_10 = { state: 'refused', table: 'public.child', key: ['10'], column: null, kept: false, sinceMs: BEGUN_MS + 10_000 } as const;

/** What every list of held rows tells, written by the target's own writer. */
export function heldRowListContract(name: string, open: () => Promise<HeldRowListBed>): void {
  describe(`list of held rows: ${name}`, () => {
    let bed: HeldRowListBed;
    beforeEach(async () => {
      bed = await open();
    }, 60_000);
    afterEach(() => bed[Symbol.asyncDispose]());

    /** Person 7 and 8 held since the 1st second, note 9 waiting since the 9th, child 10 refused; and a row of another migration. */
    const fill = async (): Promise<HeldRowList> => {
      await write(bed.writer('other'), 1, [held('other', { key: 'x', ms: 0 })]);
      const rows = [
        held('m', { key: '7', ms: 1_000 }),
        held('m', { key: 'a\\tb\t8', reason: 'missing', column: 'name', kept: 't', ms: 1_000 }),
        held('m', { target: 'public.note', key: '9', state: 'waiting', reason: 'waits for', column: 'public.person', ms: 9_000 }),
      ];
      await write(bed.writer('m'), 10, rows, [['10', 'no such parent']]);
      return bed.list('m');
    };

    it('is empty where nothing was ever loaded, and says where nobody answers', async () => {
      const list = bed.list();
      expect(await list.totals()).toEqual({ held: 0, waiting: 0, refused: 0 });
      expect([await list.groups({}, 10), await list.find('public.person', { key: ['7'] })]).toEqual([[], []]);
      expect(await list.page({}, { limit: 10 })).toEqual({ rows: [], next: null });
      expect(await codeOf(bed.nowhere().totals())).toBe('TARGET_UNREACHABLE');
    });

    it('has the rows of its migration, in order, without their values', async () => {
      const list = await fill();
      const { rows, next } = await list.page({}, { limit: 10 });
      expect(next).toBeNull();
      expect(rows).toMatchObject([WAITING_9, HELD_7, HELD_8, REFUSED_10]);
      expect(rows.map(({ sinceSeq, sinceMs }) => [sinceSeq, sinceMs])).toEqual([
        [109, BEGUN_MS + 9_000],
        [101, BEGUN_MS + 1_000],
        [101, BEGUN_MS + 1_000],
        [10, BEGUN_MS + 10_000],
      ]);
      expect(JSON.stringify(rows)).not.toContain('no such parent');
      expect(await list.totals()).toEqual({ held: 2, waiting: 1, refused: 1 });
      expect(await bed.list('other').totals()).toEqual({ held: 1, waiting: 0, refused: 0 });
    });

    it('has those that are only noted where they are asked for, or one of them is', async () => {
      const list = await fill();
      const whole = await list.page({}, { limit: 10 });
      expect(await list.totals({ state: 'noted' })).toEqual({ held: 0, waiting: 0, refused: 0, noted: 0 });
      const noted = held('m', { key: '70', state: 'noted', reason: 'cut: length', column: 'name', ms: 1_000 });
      await write(bed.writer('m'), 11, [noted]);
      expect(await list.page({}, { limit: 10 })).toEqual(whole);
      expect([await list.totals(), await list.groups({}, 10).then((groups) => groups.length)]).toEqual([
        { held: 2, waiting: 1, refused: 1 },
        4,
      ]);
      expect(await list.totals({ state: 'noted' })).toEqual({ held: 0, waiting: 0, refused: 0, noted: 1 });
      const { rows } = await list.page({ state: 'noted' }, { limit: 10 });
      expect(rows).toMatchObject([{ ...HELD_7, key: ['70'], state: 'noted', reason: 'cut: length', column: 'name' }]);
      expect(await list.groups({ state: 'noted' }, 10)).toMatchObject([{ rows: 1, state: 'noted', reason: 'cut: length' }]);
      expect(await list.find('public.person', { key: ['70'] })).toMatchObject(rows);
    });

    it('counts by table, state, reason and column, the largest first, no more than asked for', async () => {
      const list = await fill();
      await write(bed.writer('m'), 11, [held('m', { key: '77' })], [['11', 'nobody']], [['12', 'nobody']]);
      const groups = await list.groups({}, 10);
      expect(groups.map(({ rows }) => rows)).toEqual([3, 2, 1, 1]);
      expect(groups[0]).toMatchObject({ state: 'refused', table: 'public.child', column: null });
      expect(groups[1]).toEqual({ state: 'held', table: 'public.person', reason: 'bad phone', column: 'phone', rows: 2, kept: 0 });
      expect(groups.map(({ kept }) => kept)).toEqual([0, 0, ...groups.slice(2).map(({ reason }) => Number(reason === 'missing'))]);
      expect(await list.groups({}, 2)).toEqual(groups.slice(0, 2));
    });

    it('gives any page size the same rows, each once', async () => {
      const list = await fill();
      await write(bed.writer('m'), 13, [], [['11', 'nobody']], [['12', 'nobody']], [['13', 'nobody']]);
      const whole = (await list.page({}, { limit: 100 })).rows;
      expect(whole).toHaveLength(7);
      for (const limit of [1, 2, 3, 4, 6, 7]) {
        const rows = [];
        let after: string | null = null;
        do {
          const page = await list.page({}, { limit, after });
          expect(page.rows.length).toBeLessThanOrEqual(limit);
          rows.push(...page.rows);
          after = page.next;
        } while (after !== null);
        expect(rows).toEqual(whole);
      }
    });

    it('takes every filter, alone and with others, everywhere', async () => {
      const list = await fill();
      const keys = async (filter: Parameters<HeldRowList['page']>[0]): Promise<unknown[]> => {
        const { rows } = await list.page(filter, { limit: 10 });
        const totals = await list.totals(filter);
        const groups = await list.groups(filter, 10);
        const sum = groups.reduce((all, group) => all + group.rows, 0);
        expect([totals.held + totals.waiting + totals.refused, sum]).toEqual([rows.length, rows.length]);
        return rows.map(({ key }) => key?.at(-1));
      };
      expect(await keys({ table: 'public.person' })).toEqual(['7', '8']);
      expect(await keys({ table: 'public.child' })).toEqual(['10']);
      expect(await keys({ table: "public.o'b" })).toEqual([]);
      expect(await keys({ state: 'held' })).toEqual(['7', '8']);
      expect(await keys({ state: 'waiting' })).toEqual(['9']);
      expect(await keys({ state: 'refused' })).toEqual(['10']);
      expect(await keys({ reason: 'missing' })).toEqual(['8']);
      // Load is at the 10th second: the 9th is too near.
      expect(await keys({ settledMs: 0 })).toEqual(['9', '7', '8', '10']);
      expect(await keys({ settledMs: 1 })).toEqual(['9', '7', '8']);
      expect(await keys({ settledMs: 5_000 })).toEqual(['7', '8']);
      expect(await keys({ settledMs: 9_001 })).toEqual([]);
      expect(await keys({ settledMs: 9_000, state: 'held', reason: 'bad phone', table: 'public.person' })).toEqual(['7']);
      const [refused] = (await list.page({ state: 'refused' }, { limit: 1 })).rows;
      expect(await keys({ reason: refused?.reason ?? '' })).toEqual(['10']);
    });

    it('tells all of one row: what is wrong, what stands, what was wanted', async () => {
      const list = await fill();
      const problems = [{ reason: 'missing', column: 'name' }];
      expect(await list.find('public.person', { key: ['a\tb', '8'] })).toEqual([
        { ...HELD_8, sinceSeq: 101, sinceMs: BEGUN_MS + 1_000, problems, source: 'old.person', refused: null },
      ]);
      expect(await list.find('public.note', { key: ['9'] })).toMatchObject([{ ...WAITING_9, kept: false, source: 'old.person' }]);
      const [refused, ...others] = await list.find('public.child', { key: ['10'] });
      expect(others).toEqual([]);
      expect(refused).toMatchObject({
        ...REFUSED_10,
        kept: false,
        source: null,
        refused: { wanted: { id: '10', parent: 'no such parent' }, stands: null },
      });
      expect(await list.find('public.child', { refusal: refused?.refusal ?? '' })).toEqual([refused]);
      for (const place of [{ key: ['8'] }, { key: [''] }, { key: ['7', '7'] }, { refusal: '10000' }, { refusal: "x'" }])
        expect(await list.find('public.person', place)).toEqual([]);
      expect(await list.find('person', { key: ['7'] })).toEqual([]);
    });

    it('forgets a row that came', async () => {
      const list = await fill();
      await using session = await bed.writer('m').open();
      const gone = held('m', { key: '7', ms: 1_000 });
      await session.apply({ ...batch(11, []), transactions: [{ seq: 11, frames: [frame(1, 'd', 'full', [gone])] }] }, schemaOf);
      expect(await list.totals()).toEqual({ held: 1, waiting: 1, refused: 1 });
      expect(await list.find('public.person', { key: ['7'] })).toEqual([]);
    });
  });
}

type Told = {
  readonly target?: string;
  readonly key: string;
  readonly state?: string;
  readonly reason?: string;
  readonly column?: string;
  readonly kept?: string;
  readonly ms?: number;
};

/** A row of the list as the stream tells it; `key` is COPY text. */
function held(
  migration: string,
  { target = 'public.person', key, state = 'held', reason = 'bad phone', column = 'phone', kept = 'f', ms = 0 }: Told,
): Line {
  const problems = JSON.stringify([{ reason, column }]);
  return [
    migration,
    target,
    key,
    'old.person',
    state,
    kept,
    reason,
    column,
    problems,
    String(100 + ms / 1_000),
    String(BEGUN_MS + ms),
    null,
  ];
}

/** One batch, of which each argument is a transaction. Its last record was committed in that second. */
async function write(
  writer: TargetWriter,
  seq: number,
  heldRows: readonly Line[],
  ...children: readonly (readonly Line[])[]
): Promise<void> {
  await using session: TargetSession = await writer.open();
  const frames = [
    ...(heldRows.length === 0 ? [] : [frame(1, 'c', 'none', heldRows)]),
    ...children.map((rows) => frame(2, 'c', 'none', rows)),
  ];
  await session.apply(batch(seq, frames), schemaOf);
  await writer.stop();
}

function batch(seq: number, frames: readonly Frame[]): Parameters<TargetSession['apply']>[0] {
  const progress: LoadProgress = {
    writes: { logId: 'w', epoch: 1, seq, pos: NO_POSITION, checksum: 'abc', at: seq * 10 },
    changes: { logId: 'c', seq },
    position: positionAt(seq),
    ts_ms: BEGUN_MS + seq * 1_000,
  };
  return { transactions: frames.map((one) => ({ seq, frames: [one] })), progress, barriers: [] };
}

function frame(schemaSeq: number, op: Frame['op'], before: Frame['before'], lines: readonly Line[]): Frame {
  return { op, before, partial: false, schemaSeq, rowCount: lines.length, rows: formatRows(lines) };
}
