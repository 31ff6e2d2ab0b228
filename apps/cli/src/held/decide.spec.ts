import type { Decision } from '@changeover/events';
import type { CorrectableRow, CorrectableRows } from '@changeover/pipeline';

import type { WantedCorrection } from './correction-lines.js';
import { correctionOf, DecisionSummary, inRequests } from './decide.js';

const ROW: CorrectableRow = { key: '7', holds: () => 'held', made: [{ target: 'crm.person', key: ['7'] }] };
/** Every row is there, and holds the same. */
const ROWS = { row: () => ROW } as unknown as CorrectableRows;
const WANTED: WantedCorrection = { table: 'old.kontakt', key: ['7'], column: 'tel', from: undefined, to: 'secret', why: null };
const made = (wanted: Partial<WantedCorrection>): unknown => correctionOf(ROWS, { ...WANTED, ...wanted }).decision;

test('a correction is of what the source holds, unless it says of what', () => {
  const decision = { what: 'correct', table: 'old.kontakt', key: '7', column: 'tel', from: 'held', to: 'secret', why: null };
  expect(made({})).toEqual(decision);
  expect(made({ from: null, to: '' })).toEqual({ ...decision, from: null, to: '' });
});

test.each<[string, string, Partial<WantedCorrection>]>([
  ['reads what it holds', 'BAD_SETTINGS', { to: 'held' }],
  ['has a zero byte', 'BAD_SETTINGS', { to: 'a\0secret' }],
  ['is half a character', 'BAD_SETTINGS', { why: '\ud800' }],
  ['is too large', 'CORRECTION_TOO_LARGE', { to: 'secret'.repeat(50_000) }],
])('one that %s is none, and no value is told', (_what, code, wanted) => {
  expect(() => made(wanted)).toThrow(expect.objectContaining({ code, message: expect.not.stringContaining('secret') as string }) as Error);
});

test('requests hold 500 decisions, or 256 kB, all of them in their order', async () => {
  const sizesOf = async (count: number, length: number): Promise<readonly number[]> => {
    const sizes: number[] = [];
    const all = Array.from({ length: count }, (_, index): Decision => ({
      ...(made({ to: 'x'.repeat(length) }) as Decision),
      key: String(index),
    }));
    const seen: string[] = [];
    for await (const some of inRequests(all)) {
      sizes.push(some.length);
      seen.push(...some.map(({ key }) => key));
    }
    expect(seen).toEqual(all.map(({ key }) => key));
    return sizes;
  };
  expect(await sizesOf(0, 1)).toEqual([]);
  expect(await sizesOf(1_200, 1)).toEqual([500, 500, 200]);
  expect(await sizesOf(5, 100_000)).toEqual([2, 2, 1]);
  expect(await sizesOf(2, 260_000)).toEqual([1, 1]);
});

test('decisions are counted by table and column; of the first rows it is told what became of them, of each once', () => {
  const summary = new DecisionSummary();
  const decision = made({}) as Decision;
  for (let key = 0; key < 100; key++) for (const _ of [1, 2]) summary.add(decision, { ...ROW, key: String(key) });
  summary.add({ ...decision, column: 'fax' }, null);
  summary.add({ ...decision, what: 'accept', target: 'crm.person', rule: 'r', from: '1', why: null }, null);
  expect(summary.rows.map(({ key }) => key)).toEqual(Array.from({ length: 20 }, (_, key) => String(key)));
  // Two of each of the other 80 rows, and two of no row.
  expect(summary.more).toBe(162);
  expect(summary.columns).toEqual([
    { table: 'old.kontakt', column: 'tel', decisions: 200 },
    { table: 'old.kontakt', column: 'fax', decisions: 1 },
    { table: 'crm.person', column: 'tel', decisions: 1 },
  ]);
});
