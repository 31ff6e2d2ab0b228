import type { ClientBase } from 'pg';

/** How many rows the new CRM's own list says are held, and wait. */
export async function heldNow(modern: ClientBase): Promise<{ readonly held: number; readonly waiting: number }> {
  const { rows } = await modern.query<{ state: string; rows: number }>(
    'SELECT state, count(*)::integer AS rows FROM changeover.held GROUP BY state',
  );
  const count = (state: string): number => rows.find((row) => row.state === state)?.rows ?? 0;
  return { held: count('held'), waiting: count('waiting') };
}

export type HeldReason = {
  readonly target: string;
  readonly reason: string;
  readonly column: string | null;
  readonly rows: number;
  readonly kept: number;
};

/** The same by what is wrong, the most frequent first. */
export async function heldReasons(modern: ClientBase): Promise<readonly HeldReason[]> {
  const { rows } = await modern.query<HeldReason>(
    `SELECT target, reason, problem_column AS column, count(*)::integer AS rows, count(*) FILTER (WHERE kept)::integer AS kept
     FROM changeover.held WHERE state <> 'noted' GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3`,
  );
  return rows;
}
