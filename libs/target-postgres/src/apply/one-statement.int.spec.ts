import { formatRows, lineOf } from '@changeover/events';
import { testDatabase } from '@changeover/testing';

import { readCatalogue } from '../catalogue/read-catalogue.js';
import type { TargetTable } from '../catalogue/target-table.js';
import { Connection } from '../connection.js';
import type { NetRow } from '../net/net-row.js';
import type { Run } from '../sql/row-statements.js';
import { planTable } from '../sql/table-plan.js';
import { Writes } from '../test/writes.js';
import { runAsOneStatement } from './one-statement.js';

function row(kind: NetRow['kind'], before: string | null, after: readonly string[] | null): NetRow {
  const line = after === null ? null : lineOf(formatRows([after]));
  const origin = before === null ? null : lineOf(formatRows([[before, undefined]]));
  return { kind, seq: 1, origin, originKey: before, line, key: after?.[0] ?? null };
}

describe.each([14, 16, 18] as const)('one statement on PostgreSQL %d', (major) => {
  it('runs its parts in order, whichever order that is', async () => {
    await using database = await testDatabase({ major });
    const sql = await database.connect();
    await sql.query(`CREATE TABLE t (id int PRIMARY KEY, code text NOT NULL UNIQUE);
      CREATE TABLE steps (n int GENERATED ALWAYS AS IDENTITY, what text);
      CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO steps (what) VALUES (TG_OP || ' ' || coalesce(NEW.id, OLD.id)); RETURN coalesce(NEW, OLD); END $$;
      CREATE TRIGGER note BEFORE INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION note();`);
    await using connection = await Connection.open(database.url, 'one-statement');
    const schema = new Writes().table('t', ['id', 'code']).schema;
    const [target] = await readCatalogue((text, values) => connection.query(text, values), [schema]);
    const plan = planTable(schema, target as TargetTable);
    const runs: Run[] = [
      { plan, kind: 'delete', rows: [row('delete', '1', null)] },
      { plan, kind: 'insert', rows: [row('insert', null, ['4', 'a'])] },
      { plan, kind: 'update', rows: [row('update', '2', ['2', 'z']), row('update', '3', ['3', 'b']), row('update', '9', ['9', 'nobody'])] },
      { plan, kind: 'insert', rows: [row('insert', null, ['5', 'c'])] },
    ];
    const steps = ['DELETE 1', 'INSERT 4', 'UPDATE 2', 'UPDATE 3', 'INSERT 5'];
    const fill = `TRUNCATE t; TRUNCATE steps RESTART IDENTITY; INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c'); TRUNCATE steps RESTART IDENTITY`;

    await sql.query(fill);
    expect(await runAsOneStatement(connection, runs)).toEqual([[1], [1], [1, 2], [1]]);
    expect((await sql.query<{ what: string }>('SELECT what FROM steps ORDER BY n')).rows.map(({ what }) => what)).toEqual(steps);
    expect((await sql.query({ text: 'SELECT * FROM t ORDER BY id', rowMode: 'array' })).rows).toEqual([
      [2, 'z'],
      [3, 'b'],
      [4, 'a'],
      [5, 'c'],
    ]);

    // The other way round each value is taken before it is free: the order is ours, not the planner's.
    await sql.query(fill);
    await expect(runAsOneStatement(connection, [...runs].reverse())).rejects.toMatchObject({ code: '23505' });
  });
});
