import { invariant, unreachable } from '@changeover/core';
import { escapeIdentifier, type ClientBase } from 'pg';

import { Random } from './random.js';

const DAMAGES = ['column', 'extra row', 'missing row'] as const;

export type Damage = {
  readonly kind: (typeof DAMAGES)[number];
  /** As the new CRM calls it. */
  readonly table: string;
  readonly key: string;
  /** For damage in a column. */
  readonly column?: string;
};

type Target = {
  readonly schema: string;
  readonly table: string;
  readonly key: readonly string[];
  /** What can be damaged: column and SQL expression for a value that differs from the present one, null included. */
  readonly columns: readonly (readonly [column: string, expression: string])[];
  /** Columns of the extra row (copied from another one) that must change, with SQL expressions. */
  readonly renewed: readonly (readonly [column: string, expression: string])[];
};

const TEXT = "|| '.'";
const NEW_ID = ['id', '(SELECT max(id) + 1 FROM other)'] as const;

const TARGETS: readonly Target[] = [
  {
    schema: 'public',
    table: 'users',
    key: ['id'],
    columns: [
      ['full_name', `full_name ${TEXT}`],
      ['active', 'NOT active'],
      ['preferences', `preferences || '{"damaged": true}'`],
    ],
    renewed: [NEW_ID, ['login', "login || '.'"], ['email', 'NULL']],
  },
  {
    schema: 'crm',
    table: 'account',
    key: ['id'],
    columns: [
      ['title', `title ${TEXT}`],
      ['annual_revenue', 'coalesce(annual_revenue, 0) + 0.01'],
      ['customer_number', `customer_number ${TEXT}`],
      ['created_at', "created_at + interval '1 microsecond'"],
    ],
    renewed: [NEW_ID, ['customer_number', "customer_number || '.'"]],
  },
  {
    schema: 'crm',
    table: 'person',
    key: ['id'],
    columns: [
      ['given_name', "CASE WHEN given_name IS NULL THEN '' END"],
      ['family_name', `family_name ${TEXT}`],
      ['email', "CASE WHEN email IS NULL THEN 'damaged@example.com' END"],
    ],
    renewed: [NEW_ID, ['email', 'NULL']],
  },
  {
    schema: 'public',
    table: 'leads',
    key: ['code'],
    columns: [
      ['company', `company ${TEXT}`],
      ['status', "CASE status WHEN 'lost' THEN 'new' ELSE 'lost' END::lead_status"],
      ['score', 'coalesce(score, 0) + 1'],
    ],
    renewed: [['code', "code || '.'"]],
  },
  {
    schema: 'sales',
    table: 'deal',
    key: ['id'],
    columns: [
      ['amount', 'amount + 0.0001'],
      ['probability', '100 - probability + CASE probability WHEN 50 THEN 1 ELSE 0 END'],
      ['tags', "tags || 'damaged'::text"],
    ],
    renewed: [['id', 'gen_random_uuid()']],
  },
  {
    schema: 'public',
    table: 'activities',
    key: ['id'],
    columns: [
      ['done', 'NOT done'],
      ['subject', "CASE WHEN subject IS NULL THEN '' END"],
      ['duration', "coalesce(duration, '0') + interval '1 second'"],
    ],
    renewed: [NEW_ID],
  },
  {
    schema: 'public',
    table: 'notes',
    key: ['id'],
    columns: [
      ['pinned', 'NOT pinned'],
      ['body', `body ${TEXT}`],
    ],
    renewed: [NEW_ID],
  },
  {
    schema: 'public',
    table: 'opportunity_contacts',
    key: ['opportunity_id', 'contact_id'],
    columns: [['role', `role ${TEXT}`]],
    renewed: [['contact_id', '(SELECT max(contact_id) + 1 FROM other)']],
  },
];

/**
 * Damages one value, adds one row or removes one row in the new CRM, in a table chosen by the seed; three seeds in a row
 * show the three kinds. Foreign keys are off meanwhile, as they are when an administrator repairs by hand.
 */
export async function sabotage(modern: ClientBase, seed: number): Promise<Damage> {
  const random = new Random(seed);
  const kind = DAMAGES[Math.abs(seed) % DAMAGES.length] as Damage['kind'];
  const target = random.pick(TARGETS);
  await modern.query('BEGIN; SET LOCAL session_replication_role = replica');
  try {
    const damage = await inflict(modern, target, kind, random);
    await modern.query('COMMIT');
    return damage;
  } catch (error) {
    await modern.query('ROLLBACK');
    throw error;
  }
}

async function inflict(modern: ClientBase, target: Target, kind: Damage['kind'], random: Random): Promise<Damage> {
  const table = `${escapeIdentifier(target.schema)}.${escapeIdentifier(target.table)}`;
  const key = target.key.map((column) => `t.${escapeIdentifier(column)}::text`).join(" || ', ' || ");
  const name = `${target.schema}.${target.table}`;
  const count = await modern.query<{ count: string }>(`SELECT count(*) FROM ${table}`);
  const rows = Number(count.rows[0]?.count);
  invariant(rows > 0, `${name} has no rows to damage`);
  const chosen = `(SELECT ctid FROM ${table} ORDER BY ${target.key.map(escapeIdentifier).join(', ')} OFFSET ${String(random.integer(0, rows - 1))} LIMIT 1)`;

  const one = async (statement: string): Promise<string> => {
    const result = await modern.query<{ key: string }>(`${statement} RETURNING ${key} AS key`);
    const row = result.rows[0];
    invariant(row !== undefined && result.rows.length === 1, `sabotage wrote ${String(result.rows.length)} rows of ${name} instead of one`);
    return row.key;
  };
  switch (kind) {
    case 'column': {
      const [column, expression] = random.pick(target.columns);
      return {
        kind,
        table: name,
        column,
        key: await one(`UPDATE ${table} t SET ${escapeIdentifier(column)} = ${expression} WHERE ctid = ${chosen}`),
      };
    }
    case 'missing row':
      return { kind, table: name, key: await one(`DELETE FROM ${table} t WHERE ctid = ${chosen}`) };
    case 'extra row':
      return { kind, table: name, key: await one(await copyStatement(modern, target, table, chosen)) };
    default:
      return unreachable(kind);
  }
}

/** Inserts a copy of the chosen row with its key and unique values renewed. */
async function copyStatement(modern: ClientBase, target: Target, table: string, chosen: string): Promise<string> {
  const { rows } = await modern.query<{ column_name: string }>(
    'SELECT column_name FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2 ORDER BY ordinal_position',
    [target.schema, target.table],
  );
  const renewed = new Map(target.renewed);
  const columns = rows.map((row) => row.column_name);
  const values = columns.map((column) => renewed.get(column) ?? escapeIdentifier(column));
  return (
    `WITH other AS (SELECT * FROM ${table}) ` +
    `INSERT INTO ${table} AS t (${columns.map(escapeIdentifier).join(', ')}) SELECT ${values.join(', ')} FROM ${table} WHERE ctid = ${chosen}`
  );
}
