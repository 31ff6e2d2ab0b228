import { formatRows, parseRows, type SourceSnapshot, type SourceSnapshots, type TableSchema } from '@changeover/events';

import { codeOf } from './change-source.contract.js';

type Row = readonly [id: number, name: string | null];

/** A source of its own with the tables `item` and `other` (`id` integer key, `name` text), which hold no rows. */
export type SourceSnapshotsBed = AsyncDisposable & {
  /** The same each time. */
  snapshots(): SourceSnapshots;
  /** Of a source that does not answer. */
  nowhere(): SourceSnapshots;
  /** As the catalogue has it now. */
  form(table: 'item' | 'other'): Promise<TableSchema>;
  /** One transaction; gives its id as the stream writes it. */
  insert(table: 'item' | 'other', ...rows: readonly Row[]): Promise<string>;
  /** One that stays open until it is committed. */
  begin(table: 'item' | 'other', ...rows: readonly Row[]): Promise<{ readonly txId: string; readonly commit: () => Promise<void> }>;
  /** Gives the table another form, for which its rows are written anew. They look as before. */
  alter(table: 'item' | 'other'): Promise<void>;
  drop(table: 'item' | 'other'): Promise<void>;
  /** Locks the table against readers until what it gives is called. */
  lock(table: 'item' | 'other'): Promise<() => Promise<void>>;
};

async function read(snapshot: SourceSnapshot, table: TableSchema): Promise<readonly (string | null | undefined)[][]> {
  const lines: (string | null | undefined)[][] = [];
  for await (const piece of snapshot.rows(table)) lines.push(...parseRows(piece).map((row) => [...row]));
  return lines;
}

/** What every source's snapshots promise (see the port). */
export function sourceSnapshotsContract(name: string, open: () => Promise<SourceSnapshotsBed>): void {
  describe(`${name} as source snapshots`, () => {
    let bed: SourceSnapshotsBed;
    beforeEach(async () => {
      bed = await open();
    }, 60_000);
    afterEach(async () => {
      await bed.snapshots().stop();
      await bed[Symbol.asyncDispose]();
    });

    it('has the rows that were there when it was taken, in the order of the key, and says of which transactions', async () => {
      const [item, other] = [await bed.form('item'), await bed.form('other')];
      const before = await bed.insert('item', [12, 'twelve\t\\'], [11, null]);
      await using snapshot = await bed.snapshots().open();
      expect(await snapshot.take([item, other])).toBe('taken');
      const after = await bed.insert('item', [10, 'later']);
      const otherAfter = await bed.insert('other', [10, 'later']);
      expect(await read(snapshot, item)).toEqual([
        ['11', null],
        ['12', 'twelve\t\\'],
      ]);
      expect(await read(snapshot, other)).toEqual([]);
      expect([before, after, otherAfter].map((txId) => snapshot.shows(txId))).toEqual([true, false, false]);
    });

    it('is another one when it is taken again', async () => {
      const item = await bed.form('item');
      await using snapshot = await bed.snapshots().open();
      await snapshot.take([item]);
      const txId = await bed.insert('item', [11, 'eleven']);
      expect([snapshot.shows(txId), await read(snapshot, item)]).toEqual([false, []]);
      expect(await snapshot.take([item, await bed.form('other')])).toBe('taken');
      const again = await bed.insert('item', [12, 'twelve']);
      expect([snapshot.shows(txId), snapshot.shows(again), await read(snapshot, item)]).toEqual([true, false, [['11', 'eleven']]]);
      expect(await snapshot.take([item])).toBe('taken');
      expect([snapshot.shows(again), (await read(snapshot, item)).length]).toEqual([true, 2]);
    });

    it('does not show a transaction that is open, though younger ones were committed', async () => {
      const item = await bed.form('item');
      await using snapshot = await bed.snapshots().open();
      const { txId, commit } = await bed.begin('item', [11, 'open']);
      const younger = await bed.insert('item', [12, 'committed']);
      await snapshot.take([item]);
      await commit();
      expect([snapshot.shows(txId), snapshot.shows(younger), await read(snapshot, item)]).toEqual([false, true, [['12', 'committed']]]);
      await snapshot.take([item]);
      expect([snapshot.shows(txId), (await read(snapshot, item)).length]).toEqual([true, 2]);
    });

    it('is not taken of a table that has another form by now, or is gone', async () => {
      const [item, other] = [await bed.form('item'), await bed.form('other')];
      await bed.insert('item', [11, 'eleven']);
      await using snapshot = await bed.snapshots().open();
      expect(await snapshot.take([other])).toBe('taken');
      await bed.alter('item');
      expect(await snapshot.take([other, item])).toBe('moved');
      expect(() => snapshot.shows('700')).toThrow();
      // Nothing is held.
      await bed.drop('other');
      const now = await bed.form('item');
      expect(now.hash).not.toBe(item.hash);
      expect(await snapshot.take([now, other])).toBe('moved');
      expect(await snapshot.take([now])).toBe('taken');
      expect(await read(snapshot, now)).toEqual([['11', 'eleven']]);
    });

    it('says that a table is locked, and can be taken when it is free again', async () => {
      const [item, other] = [await bed.form('item'), await bed.form('other')];
      await using snapshot = await bed.snapshots().open();
      expect(await snapshot.take([other])).toBe('taken');
      const unlock = await bed.lock('item');
      expect(await codeOf(snapshot.take([other, item]))).toBe('SOURCE_LOCKED');
      expect(await codeOf(snapshot.take([item]))).toBe('SOURCE_LOCKED');
      // Nothing is held.
      await bed.alter('other');
      await unlock();
      const txId = await bed.insert('item', [11, 'eleven']);
      expect(await snapshot.take([item, await bed.form('other')])).toBe('taken');
      expect([snapshot.shows(txId), await read(snapshot, item)]).toEqual([true, [['11', 'eleven']]]);
    });

    it('gives large tables in pieces of whole lines, and no more than is asked for', async () => {
      const item = await bed.form('item');
      const large = 'x'.repeat(300_000);
      const rows = Array.from({ length: 200 }, (_, index): Row => [100 + index, index === 50 ? large : 'y'.repeat(5_000)]);
      await bed.insert('item', ...rows);
      await using snapshot = await bed.snapshots().open();
      await snapshot.take([item]);
      const pieces: Buffer[] = [];
      for await (const piece of snapshot.rows(item)) pieces.push(piece);
      expect(pieces.every((piece) => piece.at(-1) === 0x0a)).toBe(true);
      const [last, ...others] = pieces.map(({ length }) => length).reverse();
      expect(last).toBeGreaterThan(0);
      expect(Math.min(...others)).toBeGreaterThan(50_000);
      expect(others.filter((bytes) => bytes > 200_000).length).toBe(1);
      expect(parseRows(Buffer.concat(pieces)).map(([id, text]) => [Number(id), text])).toEqual(rows);
      // Those who stop early leave the way free for others, however many they are.
      for (let times = 0; times < 10; times++) for await (const piece of snapshot.rows(item)) if (piece.length > 0) break;
      expect((await read(snapshot, item)).length).toBe(rows.length);
    });

    it('gives several tables at a time, one also twice', async () => {
      const [item, other] = [await bed.form('item'), await bed.form('other')];
      await bed.insert('item', ...Array.from({ length: 50 }, (_, index): Row => [10 + index, 'y'.repeat(5_000)]));
      await bed.insert('other', [11, 'eleven']);
      await using snapshot = await bed.snapshots().open();
      await snapshot.take([item, other]);
      const all = await Promise.all([item, other, item, other, item, other, item].map((table) => read(snapshot, table)));
      expect(all.map(({ length }) => length)).toEqual([50, 1, 50, 1, 50, 1, 50]);
    });

    it('finds rows by their keys, and counts them, as they were when it was taken', async () => {
      const [item, other] = [await bed.form('item'), await bed.form('other')];
      await bed.insert('item', [11, 'eleven\t\\'], [12, null], [13, ''], [-14, 'ü€']);
      await using snapshot = await bed.snapshots().open();
      await snapshot.take([item, other]);
      await bed.insert('item', [15, 'later']);
      const found = async (...keys: readonly string[]): Promise<unknown> => {
        const pieces: Buffer[] = [];
        for await (const piece of snapshot.find(item, formatRows(keys.map((key) => [key])))) pieces.push(piece);
        return parseRows(Buffer.concat(pieces)).toSorted(([a], [b]) => Number(a) - Number(b));
      };
      expect(await found('12', '11', '15', '99', '-14', '11')).toEqual([
        ['-14', 'ü€'],
        ['11', 'eleven\t\\'],
        ['12', null],
      ]);
      expect(await found('99')).toEqual([]);
      expect([await snapshot.count(item), await snapshot.count(other)]).toEqual([4, 0]);
    });

    it('ends, also for those who are reading', async () => {
      const item = await bed.form('item');
      await bed.insert('item', ...Array.from({ length: 500 }, (_, index): Row => [100 + index, 'y'.repeat(5_000)]));
      const snapshots = bed.snapshots();
      const snapshot = await snapshots.open();
      await snapshot.take([item]);
      const readers = Array.from({ length: 3 }, () => snapshot.rows(item)[Symbol.asyncIterator]());
      for (const reader of readers) expect((await reader.next()).done).toBe(false);
      // More of them than are served at a time: these may have to wait.
      const waiting = Array.from({ length: 2 }, () => codeOf(rest(snapshot.rows(item)[Symbol.asyncIterator]())));
      await snapshot[Symbol.asyncDispose]();
      for (const end of [...waiting, ...readers.map((reader) => codeOf(rest(reader)))]) expect(await end).toBe('SOURCE_UNREACHABLE');
      await snapshots.stop();
    });

    it('says that the source does not answer', async () => {
      expect(await codeOf(bed.nowhere().open())).toBe('SOURCE_UNREACHABLE');
    });
  });
}

async function rest(reader: AsyncIterator<Buffer>): Promise<void> {
  while ((await reader.next()).done !== true);
}
