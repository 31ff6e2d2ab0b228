import { invariant, unreachable } from '@changeover/core';
import { escapeIdentifier, type ClientBase } from 'pg';

import { Random } from '../../random.js';
import { DAMAGES, HELD, VICTIMS, type Damage, type DamageKind, type Victim } from './damage.js';

/**
 * Damages one thing in the new CRM, chosen by the seed; eight seeds in a row show the eight kinds. Foreign keys are off meanwhile, as they are when an
 * administrator repairs by hand.
 */
export async function sabotage(modern: ClientBase, seed: number): Promise<Damage> {
  const random = new Random(seed);
  const kind = DAMAGES[Math.abs(seed) % DAMAGES.length] as DamageKind;
  await modern.query('BEGIN; SET LOCAL session_replication_role = replica');
  try {
    const damage = await inflict(modern, kind, random);
    await modern.query('COMMIT');
    return damage;
  } catch (error) {
    await modern.query('ROLLBACK');
    throw error;
  }
}

async function inflict(modern: ClientBase, kind: DamageKind, random: Random): Promise<Damage> {
  const victim = (able: (victim: Victim) => boolean): Victim => random.pick(VICTIMS.filter(able));
  switch (kind) {
    case 'column':
    case 'reason of a held row': {
      const chosen = kind === 'column' ? victim(({ columns }) => columns.length > 0) : HELD;
      const [column, expression] = random.pick(chosen.columns);
      return damaged(kind, chosen, [await change(modern, chosen, { column, expression, of: await one(modern, chosen, random) })], column);
    }
    case 'missing row':
    case 'missing held row': {
      const chosen = kind === 'missing row' ? victim(() => true) : HELD;
      const place = await one(modern, chosen, random);
      return damaged(kind, chosen, [await returningKey(modern, chosen, `DELETE FROM ${chosen.table} AS t WHERE ctid = '${place}'`)]);
    }
    case 'extra row':
    case 'extra held row': {
      const chosen = kind === 'extra row' ? victim(() => true) : HELD;
      return damaged(kind, chosen, [await copy(modern, chosen, await one(modern, chosen, random))]);
    }
    case 'swapped pair': {
      const chosen = victim(({ swapped }) => swapped.length > 0);
      const column = random.pick(chosen.swapped);
      return damaged(kind, chosen, await swap(modern, chosen, { column, random }), column);
    }
    case 'empty instead of null': {
      const chosen = victim(({ nullable }) => nullable.length > 0);
      const column = random.pick(chosen.nullable);
      const of = await one(modern, chosen, random, `${column} IS NULL`);
      return damaged(kind, chosen, [await change(modern, chosen, { column, expression: "''", of })], column);
    }
    default:
      return unreachable(kind);
  }
}

function damaged(kind: DamageKind, { table }: Victim, keys: readonly string[], column?: string): Damage {
  const how = kind.startsWith('missing') ? 'missing' : kind.startsWith('extra') ? 'extra' : 'different';
  return { kind, differences: keys.map((key) => ({ table, kind: how, key, columns: column === undefined ? [] : [column] })) };
}

/** Where a row is that the seed chose. */
async function one(modern: ClientBase, { table, key }: Victim, random: Random, condition = 'true'): Promise<string> {
  const { rows } = await modern.query<{ count: string }>(`SELECT count(*) FROM ${table} WHERE ${condition}`);
  const count = Number(rows[0]?.count);
  invariant(count > 0, `${table} has no row to damage`);
  const found = await modern.query<{ place: string }>(
    `SELECT ctid::text AS place FROM ${table} WHERE ${condition} ORDER BY ${key.join(', ')} OFFSET $1 LIMIT 1`,
    [random.integer(0, count - 1)],
  );
  return found.rows[0]?.place as string;
}

type Change = { readonly column: string; readonly expression: string; readonly of: string };

function change(modern: ClientBase, victim: Victim, { column, expression, of }: Change): Promise<string> {
  return returningKey(modern, victim, `UPDATE ${victim.table} AS t SET ${column} = ${expression} WHERE ctid = '${of}'`);
}

/** Two rows exchange what they have there; what may be null is null in between, for it may have to be unique. */
async function swap(
  modern: ClientBase,
  victim: Victim,
  { column, random }: { readonly column: string; readonly random: Random },
): Promise<readonly string[]> {
  const { table } = victim;
  const first = await one(modern, victim, random, `${column} IS NOT NULL`);
  const second = await one(modern, victim, random, `${column} <> (SELECT ${column} FROM ${table} WHERE ctid = '${first}')`);
  const { rows } = await modern.query<{ key: string; value: string; type: string; nullable: boolean }>(
    `SELECT ${keyText(victim)} AS key, ${column}::text AS value, format_type(atttypid, atttypmod) AS type, NOT attnotnull AS nullable
     FROM ${table} AS t JOIN pg_attribute ON attrelid = '${table}'::regclass AND attname = '${column}' WHERE t.ctid IN ('${first}', '${second}')`,
  );
  const [mine, other] = rows;
  invariant(mine !== undefined && other !== undefined, `two rows of ${table} are there to be swapped`);
  const where = `WHERE ${keyText(victim)} = $1`;
  if (mine.nullable) for (const { key } of rows) await modern.query(`UPDATE ${table} AS t SET ${column} = NULL ${where}`, [key]);
  const set = `UPDATE ${table} AS t SET ${column} = $2::text::${mine.type} ${where}`;
  await modern.query(set, [mine.key, other.value]);
  await modern.query(set, [other.key, mine.value]);
  return [mine.key, other.key];
}

/** Inserts a copy of the chosen row with its key and unique values renewed. */
async function copy(modern: ClientBase, victim: Victim, place: string): Promise<string> {
  const { rows } = await modern.query<{ name: string }>(
    'SELECT attname AS name FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum',
    [victim.table],
  );
  const columns = rows.map(({ name }) => name);
  const values = columns.map((column) => victim.renewed[column] ?? escapeIdentifier(column));
  return returningKey(
    modern,
    victim,
    `WITH other AS (SELECT * FROM ${victim.table})
     INSERT INTO ${victim.table} AS t (${columns.map(escapeIdentifier).join(', ')}) SELECT ${values.join(', ')} FROM ${victim.table} WHERE ctid = '${place}'`,
  );
}

async function returningKey(modern: ClientBase, victim: Victim, statement: string): Promise<string> {
  const { rows } = await modern.query<{ key: string }>(`${statement} RETURNING ${keyText(victim)} AS key`);
  const [row] = rows;
  invariant(row !== undefined && rows.length === 1, `sabotage wrote ${String(rows.length)} rows of ${victim.table} instead of one`);
  return row.key;
}

/** As the proof names a row. */
function keyText({ key }: Victim): string {
  return key.map((column) => `t.${escapeIdentifier(column)}::text`).join(" || ', ' || ");
}
