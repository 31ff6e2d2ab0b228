import type { TablePlan } from '../sql/table-plan.js';
import { Writes, type Row } from '../test/writes.js';
import { bulkRows } from './bulk-rows.js';

test('what goes to COPY is all that came: small frames together, large ones by themselves', () => {
  const writes = new Writes();
  const table = writes.table('t', ['id', 'note']);
  const frames = [10, 100, 5, 30_000, 70_000, 90_000, 1, 40_000, 40_000, 7].map((size, at) =>
    table.c(...[0, 1].map((row): Row => [`${String(at)}-${String(row)}`, 'x'.repeat(size / 2)])),
  );
  const { count, pieces } = bulkRows(
    {} as TablePlan,
    frames.map((frame, seq) => ({ seq, schema: table.schema, frame })),
  );
  expect(count).toBe(20);
  expect(Buffer.concat(pieces)).toEqual(Buffer.concat(frames.map(({ rows }) => rows)));
  expect(pieces).toHaveLength(5);
  // Not copied.
  expect(pieces.some((piece) => piece === frames[4]?.rows)).toBe(true);
});
