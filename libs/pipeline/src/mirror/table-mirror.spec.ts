import { formatRows, parseRows, UNCHANGED, type Before, type Frame, type Line, type Operation } from '@changeover/events';
import { InMemoryStateStore, textTable } from '@changeover/testing';
import fc from 'fast-check';

import { stateKey } from '../derive/state-keys.js';
import { TableMirror } from './table-mirror.js';

const TABLE = textTable('t', ['id', 'a', 'b']);
const WIDER = textTable('t', ['id', 'a', 'b', 'c']);

type Cells = readonly (string | null | undefined)[];

function frame(op: Operation, before: Before, ...rows: readonly Cells[]): Frame {
  const perRow = op === 'u' && before !== 'none' ? 2 : 1;
  const partial = rows.some((row) => row.includes(undefined));
  return { op, before, partial, schemaSeq: 1, rowCount: rows.length / perRow, rows: formatRows(rows) };
}

const cellsOf = (line: Line | null): Cells | null =>
  line === null ? null : (parseRows(Buffer.from(line.bytes.subarray(line.start, line.end + 1)))[0] as Cells);

class Bed {
  readonly #state = new InMemoryStateStore();
  readonly mirror = new TableMirror(this.#state, 1, 't');
  readonly target = new Map<string, Cells>();
  #seq = 0;

  constructor() {
    this.mirror.addForm(TABLE);
  }

  layer(change: Frame, form = 0): void {
    if (change.op === 't') Array.from(this.mirror.truncate(form, this.#follow));
    else this.mirror.layer(change, form, ++this.#seq, this.#follow);
  }

  readonly #follow = (before: Line | null, after: Line | null, from: Buffer, to: Buffer): void => {
    const [old, now] = [cellsOf(before), cellsOf(after)];
    if (old !== null) {
      expect(this.target.get(String(old[0]))).toEqual(old);
      expect(from.toString('utf8', 3)).toBe(
        formatRows([[old[0]]])
          .toString('utf8')
          .slice(0, -1),
      );
      this.target.delete(String(old[0]));
    }
    if (now === null) return;
    expect(this.target.has(String(now[0]))).toBe(false);
    expect(to.toString('utf8', 3)).toBe(
      formatRows([[now[0]]])
        .toString('utf8')
        .slice(0, -1),
    );
    this.target.set(String(now[0]), now);
  };

  /** As text they are the same. */
  rows(form = 0): Cells[] {
    const texts = Array.from(this.#state.entries(stateKey('mirror', 1, ''), null), ({ value }) => [
      this.mirror.textOf(value),
      cellsOf(this.mirror.lineOf(value)),
    ]);
    for (const [text, cells] of texts) expect(text === null ? null : parseRows(Buffer.from(`${String(text)}\n`))[0]).toEqual(cells);
    return [...this.mirror.rows(null, form)].map(({ line }) => cellsOf(line) as Cells);
  }
}

const id = fc.constantFrom('1', '2', '3', '4', 'tab\t', 'back\\slash');
const cell = fc.option(fc.constantFrom('x', '', '\\N', 'a\tb', 'line\n', UNCHANGED));
type Step =
  | { readonly how: 'put'; readonly row: readonly [string, string | null, string | null] }
  | {
      readonly how: 'update';
      readonly id: string;
      readonly to: string | null;
      readonly a: string | null;
      readonly b: string | null | undefined;
      readonly before: Before;
    }
  | { readonly how: 'delete'; readonly id: string; readonly before: 'key' | 'full' }
  | { readonly how: 'truncate' };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ how: fc.constant('put' as const), row: fc.tuple(id, cell, cell) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      how: fc.constant('update' as const),
      id,
      to: fc.option(id, { freq: 2 }),
      a: cell,
      b: fc.option(cell, { nil: undefined, freq: 2 }),
      before: fc.constantFrom<Before>('none', 'key', 'full'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ how: fc.constant('delete' as const), id, before: fc.constantFrom('key' as const, 'full' as const) }),
  },
  { weight: 1, arbitrary: fc.record({ how: fc.constant('truncate' as const) }) },
);

describe('the mirror of a table', () => {
  it('says that a row has gone whose key another one takes', () => {
    const bed = new Bed();
    bed.layer(frame('c', 'none', ['1', 'x', 'y'], ['2', 'went without a word', 'z']));
    bed.layer(frame('u', 'key', ['1', undefined, undefined], ['2', 'x', 'y']));
    expect([bed.rows(), [...bed.target.values()]]).toEqual([[['2', 'x', 'y']], [['2', 'x', 'y']]]);
  });

  it('holds the rows that the frames tell, and tells each as it was and as it is, whole', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const bed = new Bed();
        const model = new Map<string, [string, string | null, string | null]>();
        for (const one of steps) {
          if (one.how === 'put') {
            if (model.has(one.row[0])) continue;
            bed.layer(frame('c', 'none', one.row));
            model.set(one.row[0], [...one.row]);
          } else if (one.how === 'truncate') {
            bed.layer(frame('t', 'none'));
            model.clear();
          } else {
            const old = model.get(one.id);
            if (old === undefined) continue;
            const key: Cells = [one.id, undefined, undefined];
            if (one.how === 'delete') {
              bed.layer(frame('d', one.before, one.before === 'full' ? old : key));
              model.delete(one.id);
              continue;
            }
            const to = one.to !== null && !model.has(one.to) ? one.to : one.id;
            const before = to !== one.id && one.before === 'none' ? 'key' : one.before;
            const after: Cells = [to, one.a, one.b];
            bed.layer(frame('u', before, ...(before === 'none' ? [after] : [before === 'full' ? old : key, after])));
            model.delete(one.id);
            model.set(to, [to, one.a, one.b === undefined ? old[2] : one.b]);
          }
          const expected = [...model.values()].sort();
          expect(bed.rows().sort()).toEqual(expected);
          expect([...bed.target.values()].sort()).toEqual(expected);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('keeps what is not whole until the copy tells the rest, and says nothing of it', () => {
    const bed = new Bed();
    bed.layer(frame('u', 'none', ['1', 'new', undefined]));
    expect([bed.rows(), bed.target.size]).toEqual([[], 0]);
    expect(() => {
      bed.mirror.requireWhole();
    }).toThrow(expect.objectContaining({ code: 'SOURCE_DATA' }));
    // It moves; still nobody knows the rest.
    bed.layer(frame('u', 'key', ['1', undefined, undefined], ['2', 'newer', undefined]));
    bed.layer(frame('r', 'none', ['2', 'newer', 'large'], ['3', 'c', 'd']));
    expect([...bed.target.values()]).toEqual([
      ['2', 'newer', 'large'],
      ['3', 'c', 'd'],
    ]);
    bed.mirror.requireWhole();
    // A row that the log never told goes: there was nothing of it at the target.
    bed.layer(frame('d', 'key', ['9', undefined, undefined]));
    expect(bed.target.size).toBe(2);
  });

  it('gives rows of an older form as the newer has them', () => {
    const bed = new Bed();
    bed.layer(frame('c', 'none', ['1', 'a', 'b'], ['2', 'a', null]));
    const form = bed.mirror.addForm(WIDER);
    expect(bed.rows(form)).toEqual([
      ['1', 'a', 'b', null],
      ['2', 'a', null, null],
    ]);
    bed.target.clear();
    bed.target.set('1', ['1', 'a', 'b', null]);
    bed.layer({ ...frame('u', 'none', ['1', 'a', 'b', 'c']) }, form);
    expect([...bed.target.values()]).toEqual([['1', 'a', 'b', 'c']]);
  });

  it('sweeps what a copy did not find', () => {
    const bed = new Bed();
    bed.layer(frame('c', 'none', ['1', 'a', 'b'], ['2', 'a', 'b'], ['3', 'a', 'b']));
    bed.layer(frame('r', 'none', ['1', 'a', 'b']));
    bed.layer(frame('u', 'none', ['2', 'changed', 'b']));
    const gone: (Cells | null)[] = [];
    Array.from(bed.mirror.sweep(1, 0, (before, after) => gone.push(cellsOf(before), cellsOf(after))));
    expect(gone).toEqual([['3', 'a', 'b'], null]);
    expect(bed.rows().map(([key]) => key)).toEqual(['1', '2']);
  });
});

test('a key whose first column is an empty text is its own, whatever memory it is written into', () => {
  const columns = textTable('t', ['id', 'a', 'b']).columns.map((column) => ({ ...column, key: column.name !== 'b' }));
  const table = { ...textTable('t', ['id', 'a', 'b']), columns };
  const mirror = new TableMirror(new InMemoryStateStore(), 1, 't');
  mirror.addForm(table);
  const keys = new Set<string>();
  for (const filled of [0x00, 0x41, 0xff]) {
    // What is handed out next was in use before.
    for (let page = 0; page < 8; page++) Buffer.allocUnsafe(1024).fill(filled);
    mirror.layer(frame('c', 'none', ['', '7', 'x']), 0, 1, (_before, _after, _from, to) => void keys.add(to.toString('latin1', 3)));
    mirror.layer(frame('d', 'key', ['', '7', null]), 0, 2, (_before, _after, from) => void keys.add(from.toString('latin1', 3)));
  }
  expect([...keys]).toEqual(['\t7']);
});
