import { HOLD_MS, type LoadProgress, type Whereabouts } from '@changeover/events';

import type { PinnedForms } from './catalogue/table-form.js';
import type { Connection } from './connection.js';
import { progressOf, type ProgressRow } from './own-schema.js';

/** Who holds load, of which migration. */
export type Holder = { readonly migration: string; readonly holdId: string };

/** Where load is, as the row says it that also says who holds it. */
export type HeldPlace = { readonly progress: LoadProgress | null };

/** Where it is parked: the checkpoint, and how far load had come. */
type Parked = Whereabouts['parked'];

/**
 * A statement that waits for a transaction of load may have reckoned its time before the wait, where that transaction is rolled back and the row is what it was.
 * What is left of the hold when the answer is made tells; below this it is set again.
 */
const LEAST_LEFT_MS = (HOLD_MS * 2) / 3;
const UNTIL = `clock_timestamp() + interval '${String(HOLD_MS)} ms'`;
const LEFT = `(extract(epoch FROM hold_until - clock_timestamp()) * 1000)::float8 AS left_ms`;

/** Also over a hold that has ended by itself: its holder died, or was too slow. */
const TAKE = `UPDATE changeover.progress SET hold_id = $2, hold_through = coalesce(changes_seq, 0), hold_until = ${UNTIL}
  WHERE migration = $1 AND (parked IS NULL OR $3) AND (hold_id IS NULL OR hold_id = $2 OR hold_until < clock_timestamp()) RETURNING *, ${LEFT}`;
const RENEW = `UPDATE changeover.progress SET hold_until = ${UNTIL} WHERE migration = $1 AND hold_id = $2 RETURNING *, ${LEFT}`;
const LET_ON = `UPDATE changeover.progress SET hold_through = $3, hold_until = ${UNTIL}
  WHERE migration = $1 AND hold_id = $2 RETURNING *, ${LEFT}`;
const RELEASE = `UPDATE changeover.progress SET hold_id = NULL, hold_through = NULL, hold_until = NULL WHERE migration = $1 AND hold_id = $2`;

/**
 * Holds load where it is. What comes back is final: the row's lock was waited for, so no transaction of load is under way any more, and the next one sees the
 * hold. `busy`: somebody else holds it. `parked`: it stays at a checkpoint, and that was not asked for. Null: there is no progress row, as load was never started.
 */
export async function takeHold(
  connection: Connection,
  holder: Holder,
  { alsoParked = false }: { readonly alsoParked?: boolean } = {},
): Promise<(HeldPlace & { readonly parked: Parked }) | 'busy' | 'parked' | null> {
  const place = await update(connection, TAKE, [holder.migration, holder.holdId, alsoParked]);
  if (place !== null) return place;
  const row = await readProgress(connection, holder.migration);
  if (row === null) return null;
  return row.parked !== null && !alsoParked ? 'parked' : 'busy';
}

/** False: the hold is not ours any more. */
export async function renewHold(connection: Connection, { migration, holdId }: Holder): Promise<boolean> {
  return (await update(connection, RENEW, [migration, holdId])) !== null;
}

/** Lets load go on up to the record `seq` of `changes`. Null: the hold is not ours any more. */
export async function letOn(connection: Connection, { migration, holdId }: Holder, seq: number): Promise<HeldPlace | null> {
  return update(connection, LET_ON, [migration, holdId, seq]);
}

/** Lets load go, unless somebody else holds it meanwhile. */
export async function releaseHold(connection: Connection, { migration, holdId }: Holder): Promise<void> {
  await connection.query(RELEASE, [migration, holdId]);
}

/** Where load is, and who holds it; null: there is no progress row. */
export async function readProgress(
  connection: Connection,
  migration: string,
): Promise<
  | (HeldPlace & { readonly holdId: string | null; readonly parked: Parked; readonly generation: string; readonly pinned: PinnedForms })
  | null
> {
  const [row] = await connection.query<ProgressRow & { hold_id: string | null; exchanges: number }>(
    'SELECT * FROM changeover.progress WHERE migration = $1',
    [migration],
  );
  if (row === undefined) return null;
  const generation = `${row.moves}.${String(row.exchanges)}`;
  return { progress: progressOf(row), holdId: row.hold_id, parked: parkedOf(row), generation, pinned: row.tables };
}

function parkedOf({ parked, head }: ProgressRow): Parked {
  return parked === null || head === null ? null : { at: parked, head };
}

async function update(
  connection: Connection,
  statement: string,
  values: readonly unknown[],
): Promise<(HeldPlace & { readonly parked: Parked }) | null> {
  for (;;) {
    const [row] = await connection.query<ProgressRow & { left_ms: number }>(statement, values);
    if (row === undefined) return null;
    if (row.left_ms >= LEAST_LEFT_MS) return { progress: progressOf(row), parked: parkedOf(row) };
  }
}
