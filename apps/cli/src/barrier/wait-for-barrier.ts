import { ChangeoverError, type Clock } from '@changeover/core';
import pg from 'pg';

/** Where the target stands when it holds a barrier. */
export type BarrierReached = {
  /** The barrier's sequence in `<m>.writes`. */
  readonly seq: number;
  /** The source position that the target has reached: the barrier's own, or one behind it. */
  readonly position: string;
  /** Rows that the target does not have because it refuses them, all of them, whenever they came. */
  readonly refused: number;
};

type Target = { readonly url: string };
type Barrier = { readonly migration: string; readonly token: string };

const LOOK_AGAIN_MS = 100;
const CONNECT_TIMEOUT_MS = 5_000;

/** What the target's own tables say, committed with the rows: nobody else can tell that a barrier was passed. */
const REACHED = `
  SELECT barrier.writes_seq::float8 AS seq, progress.source_position AS position,
    (SELECT count(*)::int FROM changeover.refused WHERE refused.migration = $1 AND to_seq IS NULL) AS refused
  FROM changeover.barrier JOIN changeover.progress USING (migration)
  WHERE migration = $1 AND token = $2`;

/** No load has begun: the tables are not there. */
const NOT_THERE = new Set(['42P01', '3F000']);
const DENIED = new Set(['28000', '28P01', '3D000', '42501']);

/**
 * Resolves when the target holds the barrier, with null if `signal` aborts first. A target that cannot be reached at first
 * is an error (TARGET_UNREACHABLE, TARGET_DENIED); one that goes away meanwhile is waited for.
 */
export async function waitForBarrier(
  { url }: Target,
  barrier: Barrier,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<BarrierReached | null> {
  let client = await connect(url);
  try {
    while (!signal.aborted) {
      try {
        const reached = await look(client, barrier);
        if (reached !== null) return reached;
      } catch (error) {
        if (stateOf(error) !== null) throw targetError(error);
        // The connection broke: another one may tell.
        await client.end().catch(() => undefined);
        client = await connect(url).catch(() => client);
      }
      await clock.sleep(LOOK_AGAIN_MS, signal);
    }
    return null;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function look(client: pg.Client, { migration, token }: Barrier): Promise<BarrierReached | null> {
  try {
    const { rows } = await client.query<BarrierReached>(REACHED, [migration, token]);
    return rows[0] ?? null;
  } catch (error) {
    if (NOT_THERE.has(stateOf(error) ?? '')) return null;
    throw error;
  }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'changeover-barrier',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  // A break is seen by the next query.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw targetError(error);
  }
}

function targetError(cause: unknown): ChangeoverError {
  const state = stateOf(cause);
  const code = state !== null && DENIED.has(state) ? 'TARGET_DENIED' : 'TARGET_UNREACHABLE';
  return new ChangeoverError(code, `the target does not tell whether it holds the barrier (${state ?? 'no answer'})`, { cause });
}

/** Five characters, of which the first is never E (as in EPIPE); a shutdown (class 57P) is a connection that broke. */
function stateOf(error: unknown): string | null {
  const code = error instanceof pg.DatabaseError ? error.code : undefined;
  return code === undefined || code.startsWith('57P') ? null : code;
}
