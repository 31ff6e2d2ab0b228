import { allCopies } from './first-copy.js';

const finding = (table: string, rows: number | null, bytes: number) =>
  ({ severity: 'ok', check: 'rows', message: table, copy: { table, rows, bytes } }) as const;

test('copies are added up where there are several', () => {
  const one = finding('public.a', 1_000_000, 300 * 1024 ** 2);
  expect(allCopies([one, { severity: 'ok', check: 'other', message: 'x' }], { parallel: 2 })).toEqual([]);
  const two = [one, finding('public.b', 500, 1024 ** 2)];
  expect(allCopies(two, { parallel: 2 })).toEqual([
    { severity: 'ok', check: 'copies', message: '2 tables are copied: about 1,000,500 rows (301 MB), 2 at a time' },
  ]);
  const bounded = allCopies([...two, finding('public.c', null, 1024 ** 2)], { parallel: 4, bytesPerSecond: 1024 ** 2 });
  expect(bounded[0]?.message).toBe(
    '3 tables are copied: about 1,000,500 rows and those of 1 table that no ANALYZE has counted (302 MB), 4 at a time, in 6 min at 1.0 MB/s',
  );
  const uncounted = allCopies([finding('public.c', null, 1024 ** 2), finding('public.d', null, 1024 ** 2)], { parallel: 2 });
  expect(uncounted[0]?.message).toBe('2 tables are copied: the rows of 2 tables that no ANALYZE has counted (2.0 MB), 2 at a time');
});
