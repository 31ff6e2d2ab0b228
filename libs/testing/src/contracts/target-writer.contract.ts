import { NO_POSITION } from '@changeover/core';
import {
  formatRows,
  HELD_COLUMNS,
  HELD_TABLE,
  type Before,
  type Frame,
  type LoadBatch,
  type LoadProgress,
  type Operation,
  type TableSchema,
  type TargetWriter,
} from '@changeover/events';

import { positionAt, textTable } from '../fakes/rows.js';
import { codeOf } from './change-source.contract.js';

/** An empty target with two tables: `parent(id, name)` and `child(id, parent)`, where a child's parent must exist. Keys are `id`, values text. */
export type TargetWriterBed = AsyncDisposable & {
  /** Another process that writes the migration `contract`. */
  writer(): TargetWriter;
  /** The table's rows, ordered by id. */
  rows(table: 'parent' | 'child'): Promise<readonly (readonly (string | null)[])[]>;
  /** How many rows the target has refused and not taken since. */
  openRefusals(): Promise<number>;
  /** Holds load of the migration at this record of `changes`; null: lets it go. */
  hold(through: number | null): Promise<void>;
};

const SCHEMAS: readonly TableSchema[] = [textTable('parent', ['id', 'name']), textTable('child', ['id', 'parent']), HELD_TABLE];
const schemaOf = (seq: number): TableSchema => SCHEMAS[seq - 1] as TableSchema;

/** What every target promises; each adapter runs it against the real thing. */
export function targetWriterContract(name: string, open: () => Promise<TargetWriterBed>): void {
  describe(`target writer: ${name}`, () => {
    let bed: TargetWriterBed;
    beforeEach(async () => {
      bed = await open();
    }, 60_000);
    afterEach(() => bed[Symbol.asyncDispose]());

    it('has no progress before the first load, and afterwards that of the last commit', async () => {
      const writer = bed.writer();
      {
        await using session = await writer.open();
        expect(session.progress).toBeNull();
        await session.apply(batch(1, parents('c', ['1', 'a'])), schemaOf);
        await session.apply(batch(2), schemaOf);
      }
      await using again = await writer.open();
      expect(again.progress).toEqual(progressAt(2));
      expect(await bed.rows('parent')).toEqual([['1', 'a']]);
      await writer.stop();
    });

    it('says how many rows are held by rules that stop, since when, and which is the first', async () => {
      const row = (key: string, since: string, problems: readonly object[], state = 'held'): (string | null)[] => {
        const values: Readonly<Partial<Record<string, string>>> = {
          ...{ migration: 'contract', target: `t.${key}`, source_key: key, source: 's.t', state, kept: 'f', reason: 'r' },
          ...{ problems: JSON.stringify(problems), since_seq: '1', since_ms: since },
        };
        return HELD_COLUMNS.map((column) => values[column] ?? null);
      };
      const stops = { reason: 'r', column: 'c', rule: 'it’s a rule', severity: 'stop' };
      const other = { ...stops, rule: 'another', severity: 'hold' };
      const writer = bed.writer();
      await using session = await writer.open();
      expect(await session.stopping()).toEqual({ bySince: [], first: null });
      const rows = [
        row('a', '7000', [stops]),
        row('b', '3000', [other, stops]),
        row('c', '7000', [stops]),
        row('d', '1', [other]),
        row('e', '2', [{ ...stops, severity: 'warn' }], 'noted'),
      ];
      await session.apply(batch(1, frame(3, 'c', 'none', rows)), schemaOf);
      const told = {
        bySince: [
          { sinceMs: 3_000, rows: 1 },
          { sinceMs: 7_000, rows: 2 },
        ],
        first: { table: 't.b', rule: 'it’s a rule' },
      };
      expect(await session.stopping()).toEqual(told);
      await using next = await bed.writer().open();
      await next.apply(batch(2, frame(3, 'd', 'full', rows.slice(1, 3))), schemaOf);
      expect(await next.stopping()).toEqual({ bySince: [{ sinceMs: 7_000, rows: 1 }], first: { table: 't.a', rule: 'it’s a rule' } });
      await writer.stop();
    });

    it('nets a batch: what came and went leaves nothing, the last value stays, a key that moves moves the row', async () => {
      const writer = bed.writer();
      await using session = await writer.open();
      await session.apply(batch(1, parents('c', ['1', 'a'], ['2', 'b'])), schemaOf);
      const report = await session.apply(
        batch(
          3,
          parents('c', ['9', 'gone']),
          parents('u', ['1', 'x']),
          parents('u', ['1', 'y']),
          frame(1, 'd', 'key', [['9', undefined]]),
          frame(1, 'u', 'key', [
            ['2', undefined],
            ['3', 'b'],
          ]),
        ),
        schemaOf,
      );
      expect(report).toMatchObject({ inserted: 0, updated: 2, deleted: 0, refused: 0 });
      expect(await bed.rows('parent')).toEqual([
        ['1', 'y'],
        ['3', 'b'],
      ]);
      await writer.stop();
    });

    it('does not depend on the order of tables in a batch', async () => {
      const writer = bed.writer();
      await using session = await writer.open();
      await session.apply(batch(1, children('c', ['10', '1']), parents('c', ['1', 'a'])), schemaOf);
      await session.apply(batch(2, frame(1, 'd', 'key', [['1', undefined]]), frame(2, 'd', 'key', [['10', undefined]])), schemaOf);
      expect([await bed.rows('parent'), await bed.rows('child')]).toEqual([[], []]);
      await writer.stop();
    });

    it('goes on around a row that is refused, keeps it, and takes it when it can', async () => {
      const writer = bed.writer();
      await using session = await writer.open();
      const report = await session.apply(batch(1, children('c', ['10', '1']), parents('c', ['2', 'b'])), schemaOf);
      expect(report).toMatchObject({ inserted: 1, refused: 1 });
      expect([await bed.rows('child'), await bed.openRefusals()]).toEqual([[], 1]);
      expect(await session.apply(batch(2, parents('c', ['1', 'a'])), schemaOf)).toMatchObject({ released: 1 });
      expect([await bed.rows('child'), await bed.openRefusals()]).toEqual([[['10', '1']], 0]);
      await writer.stop();
    });

    it('stops with TARGET_REFUSES where too much is refused, and has written nothing', async () => {
      const writer = bed.writer();
      await using session = await writer.open();
      await session.apply(batch(1, parents('c', ['1', 'a'])), schemaOf);
      const orphans = Array.from({ length: 101 }, (_, index) => [String(index), 'nobody']);
      expect(await codeOf(session.apply(batch(2, parents('c', ['2', 'b']), children('c', ...orphans)), schemaOf))).toBe('TARGET_REFUSES');
      expect([await bed.rows('parent'), await bed.openRefusals()]).toEqual([[['1', 'a']], 0]);
      await using again = await writer.open();
      expect(again.progress?.writes.seq).toBe(1);
      await writer.stop();
    });

    it('is written by one owner: the one before can write nothing more', async () => {
      const first = bed.writer();
      const second = bed.writer();
      const old = await first.open();
      await old.apply(batch(1, parents('c', ['1', 'a'])), schemaOf);
      await using session = await second.open();
      expect(['FENCED', 'TARGET_UNREACHABLE']).toContain(await codeOf(old.apply(batch(2, parents('c', ['2', 'zombie'])), schemaOf)));
      await session.apply(batch(2, parents('c', ['2', 'b'])), schemaOf);
      expect(await bed.rows('parent')).toEqual([
        ['1', 'a'],
        ['2', 'b'],
      ]);
      await first.stop();
      await second.stop();
    });

    it('shows a staged record as a whole or not at all', async () => {
      const writer = bed.writer();
      await using session = await writer.open();
      await session.stage([parents('c', ['1', 'given up'])], schemaOf);
      await session.discardStaged();
      await session.stage([parents('c', ['1', 'a'])], schemaOf);
      await session.stage([children('c', ['10', '1']), parents('u', ['1', 'b'])], schemaOf);
      expect(await bed.rows('parent')).toEqual([]);
      await session.applyStaged(progressAt(1));
      expect([await bed.rows('parent'), await bed.rows('child')]).toEqual([[['1', 'b']], [['10', '1']]]);
      await using again = await writer.open();
      expect(again.progress).toEqual(progressAt(1));
      await writer.stop();
    });

    it('writes nothing beyond the place where load is held, and all of it when it is tried again', async () => {
      const writer = bed.writer();
      await using session = await writer.open();
      await session.apply(batch(1, parents('c', ['1', 'a'])), schemaOf);
      await bed.hold(2);
      const beyond: LoadBatch = { ...batch(3, parents('c', ['2', 'b']), parents('c', ['3', 'c'])), barriers: [{ token: 'token', seq: 3 }] };
      expect(await session.apply(beyond, schemaOf)).toEqual({ held: { through: 2 } });
      expect(await session.apply(batch(3), schemaOf)).toEqual({ held: { through: 2 } });
      expect([await bed.rows('parent'), await writer.findBarrier('token')]).toEqual([[['1', 'a']], null]);
      expect(await session.apply(batch(2, parents('c', ['2', 'b'])), schemaOf)).toMatchObject({ inserted: 1 });
      await session.stage([parents('c', ['3', 'c']), children('c', ['10', '1'])], schemaOf);
      expect(await session.applyStaged(progressAt(3))).toEqual({ held: { through: 2 } });
      expect(await session.applyStaged(progressAt(3))).toEqual({ held: { through: 2 } });
      await bed.hold(null);
      expect(await session.applyStaged(progressAt(3))).toMatchObject({ inserted: 2 });
      expect([await bed.rows('parent'), await bed.rows('child')]).toEqual([
        [
          ['1', 'a'],
          ['2', 'b'],
          ['3', 'c'],
        ],
        [['10', '1']],
      ]);
      await bed.hold(3);
      await using next = await writer.open();
      // Whoever comes after him is held as well, and he is told that he is not the owner any more, not that he is held.
      expect([next.progress, await next.apply(batch(4), schemaOf)]).toEqual([progressAt(3), { held: { through: 3 } }]);
      expect(['FENCED', 'TARGET_UNREACHABLE']).toContain(await codeOf(session.apply(batch(4), schemaOf)));
      await writer.stop();
    });

    it('tells a barrier when everything before it is there, to whoever looks, with where it stands and what it lacks', async () => {
      const onlooker = bed.writer();
      expect(await onlooker.findBarrier('token')).toBeNull();
      const writer = bed.writer();
      await using session = await writer.open();
      await session.apply(batch(1, parents('c', ['1', 'a'])), schemaOf);
      expect(await onlooker.findBarrier('token')).toBeNull();
      const last = batch(3, parents('c', ['2', 'b']), children('c', ['10', 'nobody']));
      await session.apply({ ...last, barriers: [{ token: 'token', seq: 2 }] }, schemaOf);
      expect(await onlooker.findBarrier('token')).toEqual({ seq: 2, position: positionAt(3), held: 0, waiting: 0, refused: 1 });
      expect(await onlooker.findBarrier('another')).toBeNull();
      expect(await bed.rows('parent')).toEqual([
        ['1', 'a'],
        ['2', 'b'],
      ]);
      // The onlooker took nothing over; and what he is told moves on.
      const heldRows = frame(3, 'c', 'none', [heldRow('1', 'held'), heldRow('2', 'held'), heldRow('3', 'waiting')]);
      await session.apply(batch(5, parents('c', ['nobody', 'n']), heldRows), schemaOf);
      expect(await onlooker.findBarrier('token')).toEqual({ seq: 2, position: positionAt(5), held: 2, waiting: 1, refused: 0 });
      await writer.stop();
      await onlooker.stop();
    });

    it('takes one call at a time', async () => {
      const writer = bed.writer();
      await using session = await writer.open();
      const first = session.apply(batch(1, parents('c', ['1', 'a'])), schemaOf);
      expect(await codeOf(session.apply(batch(2), schemaOf))).toBe('INTERNAL');
      await first;
      await writer.stop();
    });
  });
}

type Line = readonly (string | null | undefined)[];

function frame(schemaSeq: number, op: Operation, before: Before, lines: readonly Line[]): Frame {
  const perRow = before !== 'none' && op === 'u' ? 2 : 1;
  return { op, before, partial: false, schemaSeq, rowCount: lines.length / perRow, rows: formatRows(lines) };
}

const heldRow = (key: string, state: string): Line => [
  'contract',
  'public.parent',
  key,
  'old',
  state,
  'f',
  'wrong',
  null,
  '[]',
  '1',
  '1',
  null,
];
const parents = (op: 'c' | 'u', ...lines: readonly Line[]): Frame => frame(1, op, 'none', lines);
const children = (op: 'c' | 'u', ...lines: readonly Line[]): Frame => frame(2, op, 'none', lines);

function progressAt(seq: number): LoadProgress {
  return {
    writes: { logId: 'w', epoch: 1, seq, pos: NO_POSITION, checksum: 'abc', at: seq * 10 },
    changes: { logId: 'c', seq },
    position: positionAt(seq),
    ts_ms: 1_700_000_000_000 + seq,
  };
}

/** One transaction per frame, the last with sequence `seq`. */
function batch(seq: number, ...frames: readonly Frame[]): LoadBatch {
  const first = seq - frames.length + 1;
  return { transactions: frames.map((one, index) => ({ seq: first + index, frames: [one] })), progress: progressAt(seq), barriers: [] };
}
