import { ChangeoverError, type Clock } from '@changeover/core';

import type { SqlSession } from './sql-session.js';

const FIRST_MS = 2000;
const LONGEST_MS = 60_000;
const MOST_NAMED = 3;

type OpenTransaction = { readonly pid: number | null; readonly application: string | null; readonly seconds: number | null };

/**
 * Those of the whole server, if our walsender waits for one of them now. By their locks: who may not see others' activity still sees these. A prepared
 * transaction has no process. Never the text of a query: it may hold values.
 */
const OPEN = `
  SELECT l.pid, a.application_name AS application, extract(epoch FROM clock_timestamp() - a.xact_start)::int AS seconds
    FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
   WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid()
     AND EXISTS (SELECT FROM pg_locks w JOIN pg_stat_activity ours ON ours.pid = w.pid
                  WHERE w.locktype = 'transactionid' AND NOT w.granted AND ours.backend_type = 'walsender' AND ours.application_name = $1)
   ORDER BY a.xact_start NULLS FIRST, l.pid`;

/** While a slot is made, which waits for every transaction that writes: says which are open, soon and then ever more sparsely, until `signal` aborts. */
export async function tellOpenTransactions(
  sql: SqlSession,
  { applicationName, clock, signal, tell }: OpenTransactionOptions,
): Promise<void> {
  for (let wait = FIRST_MS; ; wait = Math.min(wait * 2, LONGEST_MS)) {
    await clock.sleep(wait, signal);
    if (signal.aborted) return;
    const open = await sql.query<OpenTransaction>(OPEN, [applicationName]);
    if (open.length > 0) tell(waitsFor(open));
  }
}

export type OpenTransactionOptions = {
  readonly applicationName: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly tell: (warning: ChangeoverError) => void;
};

function waitsFor(open: readonly OpenTransaction[]): ChangeoverError {
  const oldest = open.slice(0, MOST_NAMED).map(({ pid, application, seconds }) => {
    if (pid === null) return 'a prepared transaction';
    const named = application === null || application === '' ? '' : ` (${application})`;
    return `process ${String(pid)}${named}${seconds === null ? '' : `, open for ${String(seconds)} s`}`;
  });
  return new ChangeoverError(
    'SOURCE_WAITS',
    `the slot waits for ${String(open.length)} open transaction${open.length === 1 ? '' : 's'} of the source to end, the oldest: ${oldest.join('; ')}`,
    { facts: { transactions: open.length } },
  );
}
