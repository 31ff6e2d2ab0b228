import type { Connection } from '../connection.js';
import { REFUSAL_COLUMNS, toRefusal, type RefusedRow } from '../apply/refused-rows.js';
import type { RefusalBetween } from './moving-rows.js';

/** Sequences of `writes`. `wasParked`: the target was taken to where it is, so that `to_seq` says what is open there, and `ended_seq` what came of it. */
type Places = { readonly from: number; readonly to: number; readonly wasParked: boolean };

/** Where a refusal ended by the line of `writes`, wherever on it the target is. */
function endOf(wasParked: boolean): string {
  return wasParked ? 'ended_seq' : 'to_seq';
}

function isOpenAt(place: string, ended: string): string {
  return `(version_seq <= ${place} AND (${ended} IS NULL OR ${ended} > ${place}))`;
}

/** Those that are open at one of the two places only. One that is open at both says the same at both. */
export async function readRefusalsBetween(
  connection: Connection,
  migration: string,
  { from, to, wasParked }: Places,
): Promise<readonly RefusalBetween[]> {
  const ended = endOf(wasParked);
  const [atFrom, atTo] = [isOpenAt('$2', ended), isOpenAt('$3', ended)];
  const rows = await connection.query<RefusedRow & { at_from: boolean }>(
    `SELECT ${REFUSAL_COLUMNS}, ${atFrom} AS at_from FROM changeover.refused WHERE migration = $1 AND ${atFrom} <> ${atTo} ORDER BY id`,
    [migration, from, to],
  );
  return rows.map((row) => ({ refusal: toRefusal(row), stoodAt: row.at_from ? 'from' : 'to' }));
}

/** Opens what was open at the place `to`, and closes all else; what has come of each is kept for as long as the target is parked. */
export async function moveRefusals(
  connection: Connection,
  migration: string,
  { to, wasParked, isParked }: Pick<Places, 'to' | 'wasParked'> & { readonly isParked: boolean },
): Promise<void> {
  const ended = endOf(wasParked);
  const set = isParked
    ? `ended_seq = ${ended}, to_seq = CASE WHEN ${isOpenAt('$2', ended)} THEN NULL ELSE coalesce(${ended}, version_seq) END`
    : `ended_seq = NULL, to_seq = ${ended}`;
  await connection.query(`UPDATE changeover.refused SET ${set} WHERE migration = $1${isParked ? '' : ' AND $2::bigint IS NOT NULL'}`, [
    migration,
    to,
  ]);
}
