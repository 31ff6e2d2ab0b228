import { formatRows } from '@changeover/events';
import { codeOf, testDatabase, textTable } from '@changeover/testing';

import { PostgresColumnTypes } from './postgres-column-types.js';

const COLUMNS = ['id', 'code', 'amount', 'born', 'kind', 'size', 'note', 'made', 'gone'];
const TABLE = { ...textTable('thing', COLUMNS), schema: 'new' };

const row = (change: Partial<Record<(typeof COLUMNS)[number], string | null>> = {}): (string | null)[] => {
  const whole = {
    id: '1',
    code: 'abc',
    amount: '1.5',
    born: '2024-02-29',
    kind: 'a',
    size: '3',
    note: '{}',
    made: '7',
    gone: 'x',
    ...change,
  };
  return COLUMNS.map((name) => whole[name as keyof typeof whole] ?? null);
};

for (const major of [14, 18] as const) {
  describe(`the column types of PostgreSQL ${String(major)}`, () => {
    it('refuse what they do not take, and nothing is written', async () => {
      await using database = await testDatabase({ major });
      const client = await database.connect();
      await client.query(`CREATE SCHEMA new; CREATE TYPE new.kind AS ENUM ('a', 'b'); CREATE DOMAIN new.size AS int CHECK (value > 0);
        CREATE TABLE new.thing (id bigint PRIMARY KEY, code varchar(3) NOT NULL, amount numeric(5,2), born date, kind new.kind, size new.size,
          note json, made bigint GENERATED ALWAYS AS (id * 2) STORED)`);
      const types = new PostgresColumnTypes({ url: database.url, migration: 'm' });
      const rows = [
        row(),
        row({ code: 'äöü', amount: null, note: '[1]' }),
        row({ code: 'abcd', born: '2023-02-29' }),
        row({ code: null, amount: '1000.00', kind: 'c', made: 'no number' }),
        row({ size: '0', note: '{' }),
        row({ code: 'abcd', kind: 'c', size: '1' }),
      ];
      const asked = await types.refusals(TABLE, formatRows(rows));
      expect(asked).toEqual([
        { column: 'code', type: 'character varying(3)', values: [2, 5], nulls: [3] },
        { column: 'amount', type: 'numeric(5,2)', values: [3], nulls: [] },
        { column: 'born', type: 'date', values: [2], nulls: [] },
        { column: 'kind', type: 'new.kind', values: [3, 5], nulls: [] },
        { column: 'size', type: 'new.size', values: [4], nulls: [] },
        { column: 'note', type: 'json', values: [4], nulls: [] },
      ]);
      // What was answered once is remembered.
      expect(await types.refusals(TABLE, formatRows(rows))).toEqual(asked);
      expect(await types.refusals(TABLE, formatRows([row()]))).toEqual([]);
      expect((await client.query('SELECT count(*)::int AS rows FROM new.thing')).rows).toEqual([{ rows: 0 }]);
      expect(await codeOf(types.refusals({ ...TABLE, table: 'other' }, formatRows([row()])))).toBe('TARGET_CHANGED');
      await types.stop();
    });
  });
}

it('a target that is not there is said to be', async () => {
  const types = new PostgresColumnTypes({ url: 'postgres://x@127.0.0.1:1/x', migration: 'm' });
  expect(await codeOf(types.refusals(TABLE, formatRows([row()])))).toBe('TARGET_UNREACHABLE');
  await types.stop();
});
