import { parseRows, type Frame, type Line } from '@changeover/events';
import fc from 'fast-check';

import { Writes, type TableRows } from '../test/writes.js';
import { NetChanges } from './net-changes.js';
import type { Segment } from './net-row.js';

const fields = (line: Line | null) => (line === null ? null : parseRows(line.bytes.subarray(line.start, line.end + 1))[0]);

function net(writes: Writes, ...frames: readonly Frame[]): Segment[] {
  const changes = new NetChanges();
  frames.forEach((frame, index) => {
    changes.addFrame(index + 1, writes.lookup(frame.schemaSeq), frame);
  });
  return changes.segments();
}

/** Net rows as `kind key-before row-after`. */
function rowsOf(segments: readonly Segment[]) {
  return segments.flatMap(({ changes }) => changes.flatMap(({ rows }) => rows.map((row) => [row.kind, row.originKey, fields(row.line)])));
}

describe('the net change of a row', () => {
  const writes = new Writes();
  const t = writes.table('t', ['id', 'a', 'b']);
  const netOf = (...frames: readonly Frame[]) => rowsOf(net(writes, ...frames));

  it.each<[string, readonly Frame[], unknown[]]>([
    ['an insert and its updates is an insert', [t.c(['1', 'x', 'y']), t.u(['1', undefined, 'z'])], [['insert', null, ['1', 'x', 'z']]]],
    ['an insert that goes again is nothing', [t.c(['1', 'x', 'y']), t.move([['1'], ['2', 'x', 'y']]), t.d(['2'])], []],
    ['updates add up column by column', [t.u(['1', 'x', undefined]), t.u(['1', undefined, 'y'])], [['update', '1', ['1', 'x', 'y']]]],
    [
      'what no update told stays untold',
      [t.u(['1', undefined, 'x']), t.u(['1', undefined, 'y'])],
      [['update', '1', ['1', undefined, 'y']]],
    ],
    ['an update that goes is a delete of the first key', [t.move([['1'], ['2', 'x', 'y']]), t.d(['2'])], [['delete', '1', null]]],
    ['deleted and made again is an update', [t.d(['1']), t.c(['1', 'n', null])], [['update', '1', ['1', 'n', null]]]],
    [
      'a key there and back has not moved',
      [t.move([['1'], ['9', 'x', 'y']]), t.move([['9'], ['1', 'x', 'z']])],
      [['update', '1', ['1', 'x', 'z']]],
    ],
    [
      'a key taken over after its row moved',
      [t.move([['1'], ['5', 'x', 'y']]), t.c(['1', 'n', 'n'])],
      [
        ['update', '1', ['5', 'x', 'y']],
        ['insert', null, ['1', 'n', 'n']],
      ],
    ],
    [
      'keys that changed places',
      [t.move([['1'], ['-', 'one', undefined]]), t.move([['2'], ['1', 'two', 'b2']]), t.move([['-'], ['2', 'one', undefined]])],
      [
        ['update', '2', ['1', 'two', 'b2']],
        ['update', '1', ['2', 'one', undefined]],
      ],
    ],
  ])('%s', (_, frames, expected) => {
    expect(netOf(...frames)).toEqual(expected);
  });

  it('fills what an update does not tell from the row before, where that is told', () => {
    const full = writes.table('full', ['id', 'a', 'b'], { identity: 'full' });
    expect(
      netOf(
        full.move([
          ['1', 'x', 'big'],
          ['1', 'y', undefined],
        ]),
      ),
    ).toEqual([['update', '1', ['1', 'y', 'big']]]);
  });

  it('counts copies where there is no key', () => {
    const bag = writes.table('bag', ['a', 'b'], { keys: 0, identity: 'full' });
    expect(
      netOf(
        bag.c(['1', 'x'], ['1', 'x'], ['2', 'y']),
        bag.d(['1', 'x']),
        bag.move([
          ['2', 'y'],
          ['3', undefined],
        ]),
        bag.d(['7', 'z']),
      ),
    ).toEqual([
      ['insert', null, ['1', 'x']],
      ['insert', null, ['3', 'y']],
      ['delete', null, null],
    ]);
  });

  it('begins anew at a truncate, and where the form of the rows changes', () => {
    const wider = writes.table('t', ['id', 'a', 'b', 'c']);
    const other = writes.table('other', ['id']);
    const segments = net(writes, t.c(['1', 'x', 'y']), t.t(), other.t(), t.c(['1', 'x', 'z']), wider.u(['1', 'x', 'z', 'w']));
    expect(
      segments.map(({ truncated, changes }) => [
        truncated.map(({ table }) => table),
        changes.flatMap(({ rows }) => rows.map(({ kind }) => kind)),
      ]),
    ).toEqual([
      [[], ['insert']],
      [['t', 'other'], ['insert']],
      [[], ['update']],
    ]);
  });

  it.each<[string, readonly Frame[]]>([
    ['creates a row twice', [t.c(['1', 'x', 'y']), t.c(['1', 'x', 'y'])]],
    ['deletes a row twice', [t.d(['1']), t.d(['1'])]],
    ['updates a row that is gone', [t.d(['1']), t.u(['1', 'x', 'y'])]],
    ['moves a row onto another', [t.u(['2', 'x', 'y']), t.move([['1'], ['2', 'x', 'y']])]],
    ['has too few fields', [{ ...t.c(['1', 'x', 'y']), rows: Buffer.from('1\tx\n') }]],
    ['has too many fields', [{ ...t.c(['1', 'x', 'y']), rows: Buffer.from('1\tx\ty\tz\n') }]],
    ['has more bytes than rows', [{ ...t.c(['1', 'x', 'y']), rowCount: 0 }]],
  ])('stops at a stream that %s', (_, frames) => {
    expect(() => net(writes, ...frames)).toThrow(expect.objectContaining({ code: 'INTERNAL' }) as Error);
  });
});

/** A table as a plain map, to which operations and net rows are applied alike. */
type Model = Map<string, readonly [string, string, string]>;

const KEYS = ['1', '2', '3', '4', '5'];
const START: Model = new Map(['1', '2', '3'].map((id) => [id, [id, `a${id}`, `b${id}`] as const]));
const operation = fc.record({
  kind: fc.constantFrom('c', 'u', 'd'),
  key: fc.constantFrom(...KEYS),
  to: fc.constantFrom(...KEYS),
  value: fc.constantFrom('', 'x', '\t\\N', 'ü'),
  tell: fc.boolean(),
});

/** The operations that are possible, one after the other, as frames. */
function play(
  model: Model,
  t: TableRows,
  operations: readonly { kind: string; key: string; to: string; value: string; tell: boolean }[],
): Frame[] {
  return operations.flatMap(({ kind, key, to, value, tell }) => {
    const row = model.get(key);
    if (kind === 'c') {
      if (row !== undefined) return [];
      model.set(key, [key, value, value]);
      return [t.c([key, value, value])];
    }
    if (row === undefined) return [];
    if (kind === 'd') {
      model.delete(key);
      return [t.d([key])];
    }
    if (to !== key && model.has(to)) return [];
    model.delete(key);
    model.set(to, [to, value, tell ? value : row[2]]);
    const after = [to, value, tell ? value : undefined];
    return [to === key ? t.u(after) : t.move([[key], after])];
  });
}

/** Net rows happen all at once: each reads the table as it was before. */
function applyNet(model: Model, segments: readonly Segment[]): Model {
  const rows = segments.flatMap(({ changes }) => changes.flatMap((change) => change.rows));
  const after = new Map(model);
  for (const row of rows) if (row.originKey !== null) after.delete(row.originKey);
  for (const row of rows) {
    if (row.line === null) continue;
    const told = fields(row.line) as (string | undefined)[];
    const old = row.originKey === null ? undefined : model.get(row.originKey);
    after.set(row.key as string, told.map((value, index) => value ?? old?.[index] ?? '?') as unknown as readonly [string, string, string]);
  }
  return after;
}

it('the net of any history does what the history does', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 25 }), (operations) => {
      const writes = new Writes();
      const expected = new Map(START);
      const frames = play(expected, writes.table('t', ['id', 'a', 'b']), operations);
      const sorted = (model: Model) => [...model].sort(([a], [b]) => (a < b ? -1 : 1));
      expect(sorted(applyNet(START, net(writes, ...frames)))).toEqual(sorted(expected));
    }),
    { numRuns: 500 },
  );
});
