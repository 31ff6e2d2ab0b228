import type { OperatorRequest } from '@changeover/control-postgres';
import type { ReferenceRows } from '@changeover/events';
import { textTable } from '@changeover/testing';

import { differenceOf, recordedTables, ReferenceTable, requestsOf } from './recorded-tables.js';

const USERS = textTable('target:crm.user', ['id', 'mail']);
const WIDER = textTable('target:crm.user', ['id', 'mail', 'name']);

const tableOf = (lines: string, form = USERS): ReferenceTable => {
  const table = new ReferenceTable(form);
  table.put(lines);
  return table;
};

/** What is recorded once these were taken; a page at a time, as the queue gives them. */
const recorded = async (payloads: readonly ReferenceRows[]): Promise<ReferenceTable | undefined> => {
  const requests = payloads.map((payload, index): OperatorRequest => {
    return { migration: 'm', id: String(index), kind: 'reference', payload, ordinal: index + 1, submittedMs: 1_000 + index };
  });
  const after = (_: string, ordinal: number) => Promise.resolve(requests.slice(ordinal, ordinal + 2));
  return (await recordedTables({ after }, 'm')).get('target:crm.user');
};

test('what differs is asked for, and then nothing differs any more', async () => {
  const first = [...requestsOf(differenceOf(tableOf('1\ta\n2\tb\\tb\n'), undefined))];
  expect(first).toEqual([{ table: USERS, put: '1\ta\n2\tb\\tb\n', gone: '', more: false }]);
  const then = differenceOf(tableOf('2\tc\n3\t\\N\n'), await recorded(first));
  expect(then).toMatchObject({ added: ['3\t\\N'], changed: ['2\tc'], gone: new Map([['1', '1\ta']]), isNew: true });
  const second = [...requestsOf(then)];
  expect(second).toEqual([{ table: USERS, put: '3\t\\N\n2\tc\n', gone: '1\t\\U\n', more: false }]);
  expect(differenceOf(tableOf('3\t\\N\n2\tc\n'), await recorded([...first, ...second])).isNew).toBe(false);
  expect([(await recorded(first))?.askedMs, (await recorded([...first, ...second]))?.askedMs]).toEqual([1_000, 1_001]);
});

test('an empty table is recorded as one, and so is one of which not all was asked for', async () => {
  const empty = [...requestsOf(differenceOf(tableOf(''), undefined))];
  expect(empty).toEqual([{ table: USERS, put: '', gone: '', more: false }]);
  expect(differenceOf(tableOf(''), await recorded(empty)).isNew).toBe(false);
  const broken = await recorded([{ table: USERS, put: '1\ta\n', gone: '', more: true }]);
  expect(broken?.isWhole).toBe(false);
  expect([...requestsOf(differenceOf(tableOf('1\ta\n'), broken))]).toEqual(empty);
});

test('in another form all rows are told again, and by their keys those that are gone', async () => {
  const before = await recorded([{ table: USERS, put: '1\ta\n2\tb\n', gone: '', more: false }]);
  const wider = differenceOf(tableOf('2\tb\tBob\n', WIDER), before);
  expect([...requestsOf(wider)]).toEqual([{ table: WIDER, put: '2\tb\tBob\n', gone: '1\t\\U\t\\U\n', more: false }]);
});

test('of which not all was told in another form is not whole, though it was in the form before', async () => {
  const before = { table: USERS, put: '1\ta\n2\tb\n', gone: '', more: false };
  const half = await recorded([before, { table: WIDER, put: '1\ta\tAda\n', gone: '', more: true }]);
  expect(half?.isWhole).toBe(false);
  const rest = [...requestsOf(differenceOf(tableOf('1\ta\tAda\n2\tb\tBob\n', WIDER), half))];
  expect(rest).toEqual([{ table: WIDER, put: '2\tb\tBob\n', gone: '', more: false }]);
  expect((await recorded([before, ...rest]))?.isWhole).toBe(true);
});

test('many rows go in several requests, of which the last makes the table whole', async () => {
  const lines = Array.from({ length: 10 }, (_, id) => `${String(id)}\t${'x'.repeat(100_000)}\n`);
  const requests = [...requestsOf(differenceOf(tableOf(lines.join('')), undefined))];
  expect(requests.map(({ put, more }) => [put.split('\n').length - 1, more])).toEqual([
    [2, true],
    [2, true],
    [2, true],
    [2, true],
    [2, false],
  ]);
  expect((await recorded(requests))?.rows.size).toBe(10);
});

test('what counts is what a table has, not what it had', async () => {
  const line = (id: string, length: number): string => `${id}\t${'x'.repeat(length)}\n`;
  const table = new ReferenceTable(USERS);
  for (let time = 0; time < 300; time++) table.put(line('1', 250_000));
  for (let id = 0; id < 300; id++) {
    table.put(line(String(id), 250_000));
    table.remove(line(String(id), 0));
  }
  expect(table.rows.size).toBe(0);
  // Half-way through a refresh there may be rows from before and rows from behind it.
  const many = (first: number): ReferenceRows[] =>
    Array.from({ length: 200 }, (_, id) => ({ table: USERS, put: line(String(first + id), 200_000), gone: '', more: true }));
  expect((await recorded([...many(0), ...many(200)]))?.rows.size).toBe(400);
});

test.each([
  ['a row', [`1\t${'x'.repeat(300_000)}\n`]],
  ['a table', Array.from({ length: 300 }, (_, id) => `${String(id)}\t${'x'.repeat(250_000)}\n`)],
])('%s that is too large is none to be looked up', (_, lines) => {
  const table = new ReferenceTable(USERS);
  expect(() => {
    for (const line of lines) table.put(line);
  }).toThrow(expect.objectContaining({ code: 'REFERENCE_TOO_LARGE', message: expect.not.stringContaining('xx') as string }) as Error);
});
