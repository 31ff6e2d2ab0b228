import type { Connection } from '../connection.js';
import { statementFor, type Run } from '../sql/row-statements.js';
import { deleteWholeRows } from './fast-path.js';

/**
 * Applies runs as one statement: data-modifying CTEs, each of which reads the count of the one before it, so that they run in this order. Foreign keys
 * are checked when the statement ends and so see all of it; unique values are checked row by row and so see this order.
 *
 * Nobody promises the order of CTEs, but the count can only be had by running the one that it counts, and the condition has no columns,
 * so it is computed before the first row (`one-statement.int.spec.ts` holds PostgreSQL 14 to 18 to it).
 *
 * Gives for each run the numbers (from 1) of the rows that were updated, or for inserts and deletes as many ones.
 */
export async function runAsOneStatement(connection: Connection, runs: readonly Run[]): Promise<readonly (readonly number[])[]> {
  const parts: string[] = [];
  const values: unknown[] = [];
  runs.forEach((run, index) => {
    const statement = statementFor(run, {
      firstParameter: values.length + 1,
      returning: true,
      ...(index > 0 && { guard: `(SELECT count(*) FROM w${String(index - 1)}) >= 0` }),
    });
    values.push(...statement.values);
    parts.push(`w${String(index)} AS (${statement.text})`);
  });
  const results = runs.map((_, index) => `(SELECT coalesce(array_agg(ord::int), '{}') FROM w${String(index)}) AS w${String(index)}`);
  const sql = `WITH ${parts.join(',\n')}\nSELECT ${results.join(', ')}`;
  const run = (): Promise<Record<string, number[]>[]> => connection.query<Record<string, number[]>>(sql, values);
  const [row] = runs.some(({ plan, kind }) => kind === 'delete' && plan.addressing !== 'key')
    ? await deleteWholeRows(connection, run)
    : await run();
  return runs.map((_, index) => (row as Record<string, number[]>)[`w${String(index)}`] as number[]);
}
