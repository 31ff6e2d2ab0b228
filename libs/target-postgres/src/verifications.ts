import type { NumbersTold, Verified } from '@changeover/events';

import type { Connection } from './connection.js';

/** So many of a migration are kept, beside the last that another may begin from, and the last that knows numbers: with one every five minutes those of three days, in less than a megabyte. */
const KEPT = 1000;

const RECORD = `WITH older AS (
    DELETE FROM changeover.verification WHERE migration = $1
      AND id <= (SELECT id FROM changeover.verification WHERE migration = $1 ORDER BY id DESC OFFSET ${String(KEPT - 1)} LIMIT 1)
      AND id IS DISTINCT FROM (SELECT max(id) FROM changeover.verification WHERE migration = $1 AND is_base)
      AND id IS DISTINCT FROM (SELECT max(id) FROM changeover.verification WHERE migration = $1 AND numbers IS NOT NULL)),
    disproved AS (UPDATE changeover.verification SET is_base = false WHERE migration = $1 AND is_base AND $2 <> 'touched' AND $3 = 'different')
  INSERT INTO changeover.verification (migration, kind, outcome, is_base, changes, writes, generation, mapping, ended_ms, seconds, rows, numbers)
  VALUES ($1, $2, $3, $4::boolean AND NOT EXISTS (SELECT FROM changeover.verification
    WHERE migration = $1 AND kind <> 'touched' AND outcome = 'different' AND ended_ms >= $12), $5, $6, $7, $8, $9, $10, $11, $13)`;

const LAST = `SELECT kind, outcome, is_base AS "isBase", changes, writes, generation, mapping, ended_ms::float8 AS ended_ms, seconds, rows::float8 AS rows, numbers
  FROM changeover.verification WHERE migration = $1 AND (is_base OR NOT $2) ORDER BY id DESC LIMIT 1`;

/** Null where somebody has made something else of it. */
const SEQ = `CASE jsonb_typeof(writes->'seq') WHEN 'number' THEN (writes->>'seq')::numeric END`;

const NUMBERS = `SELECT writes, numbers FROM changeover.verification
  WHERE migration = $1 AND numbers IS NOT NULL AND writes->>'logId' = $2 AND ${SEQ} <= $3 ORDER BY ${SEQ} DESC LIMIT 1`;

/** What is known of a place from which rows were loaded is true only of that load: so it stands beside it, in the target. */
export async function recordVerified(connection: Connection, migration: string, verified: Verified, began_ms: number): Promise<void> {
  const { kind, outcome, isBase, changes, writes, generation, mapping, ended_ms, seconds, rows, numbers } = verified;
  const places = [JSON.stringify(changes), JSON.stringify(writes)];
  const known = numbers && JSON.stringify(numbers);
  await connection.query(RECORD, [
    migration,
    kind,
    outcome,
    isBase,
    ...places,
    generation,
    mapping,
    ended_ms,
    seconds,
    rows,
    began_ms,
    known,
  ]);
}

export async function lastVerified(connection: Connection, migration: string, which: 'any' | 'base'): Promise<Verified | null> {
  const [row] = await connection.query<Verified>(LAST, [migration, which === 'base']);
  return row ?? null;
}

export async function numbersTold(
  connection: Connection,
  migration: string,
  at: Pick<NumbersTold['writes'], 'logId' | 'seq'>,
): Promise<NumbersTold | null> {
  const [row] = await connection.query<NumbersTold>(NUMBERS, [migration, at.logId, at.seq]);
  return row ?? null;
}
