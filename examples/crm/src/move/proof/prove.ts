import { ChangeoverError } from '@changeover/core';
import { escapeIdentifier, type ClientBase } from 'pg';

import { compareSides, openSnapshot, type TableComparison } from '../../compare-sides.js';
import { EXPECTED_COMPANIES } from './expected-companies.js';
import { EXPECTED_PEOPLE } from './expected-people.js';
import { EXPECTED_SALES } from './expected-sales.js';
import { NOTEBOOK } from './notebook.js';
import { READINGS } from './readings.js';

/** How many rows the old CRM's data keeps out of the new one, or are noted of those that are in it, and why. */
type HeldCount = {
  readonly table: string;
  readonly state: 'held' | 'waiting' | 'noted';
  readonly reason: string;
  readonly column: string;
  readonly rows: number;
  /** Of these, those of which the last good version stands. */
  readonly kept: number;
};

export type Proof = {
  readonly equal: boolean;
  /** Rows that the new CRM must hold. */
  readonly rows: number;
  readonly tables: readonly TableComparison[];
  readonly held: readonly HeldCount[];
  readonly noted: readonly HeldCount[];
};

/** The new CRM's tables, those first that others belong to, and what a row is found by. */
const TABLES = [
  { schema: 'crm', table: 'app_user', key: ['id'] },
  { schema: 'crm', table: 'account', key: ['id'] },
  { schema: 'crm', table: 'contact', key: ['id'] },
  { schema: 'crm', table: 'lead', key: ['id'] },
  { schema: 'crm', table: 'deal', key: ['id'] },
  { schema: 'crm', table: 'deal_contact', key: ['deal_id', 'contact_id'] },
  { schema: 'crm', table: 'activity', key: ['id'] },
  { schema: 'crm', table: 'note', key: ['id'] },
  { schema: 'public', table: 'probes', key: ['id'] },
] as const;

/** What the list of held rows must say (problems in the order of the columns' names, what is missing last); when it was said only Changeover knows. */
const HELD_COLUMNS = ['target', 'source_key', 'source', 'state', 'kept', 'reason', 'problem_column', 'problems'];

const BEGIN = [
  'CREATE TEMP TABLE expected_held (target text, source_key text, source text, state text, kept boolean, problems jsonb[])',
  'CREATE TEMP TABLE expected_probes AS SELECT id, sent_by FROM probes',
];

/** Makes the judge's own schema in the old CRM's database. From then on it notes what it will need. */
export async function createJudge(legacy: ClientBase): Promise<void> {
  await legacy.query(`${READINGS} ${NOTEBOOK}`);
}

/**
 * Computes from the old CRM, in SQL, what each table of the new one must hold and which rows must be held for which reasons, and compares both with
 * what is there: every row and every column, in both directions. It shares no code with Changeover and knows nothing of the mapping. Each side
 * is one snapshot; nobody should be writing meanwhile.
 */
export async function prove(legacy: ClientBase, modern: ClientBase): Promise<Proof> {
  // Temporary tables count as writing; they end with the transaction.
  await openSnapshot(legacy, 'READ WRITE');
  await openSnapshot(modern);
  try {
    await expectRows(legacy);
    await checkTables(legacy, modern);
    const tables: TableComparison[] = [];
    for (const table of TABLES) tables.push(await compareTable(legacy, modern, table));
    tables.push(await compareHeld(legacy, modern));
    const counts = await countHeld(legacy);
    return {
      equal: tables.every((table) => table.missing + table.extra + table.different === 0),
      rows: tables.slice(0, -1).reduce((sum, table) => sum + table.legacyRows, 0),
      tables,
      held: counts.filter(({ state }) => state !== 'noted'),
      noted: counts.filter(({ state }) => state === 'noted'),
    };
  } finally {
    await legacy.query('ROLLBACK');
    await modern.query('ROLLBACK');
  }
}

/** Fills a temporary table `expected_…` for each table of the new CRM, and `expected_held`. Within a transaction. */
export async function expectRows(legacy: ClientBase): Promise<void> {
  // Room to look up a hundred thousand keys in memory.
  await legacy.query("SET LOCAL work_mem = '256MB'; SET LOCAL jit = off");
  for (const statement of [...BEGIN, ...EXPECTED_COMPANIES, ...EXPECTED_PEOPLE, ...EXPECTED_SALES]) await legacy.query(statement);
}

/** Refuses to judge by tables or columns that are not those of the new CRM: what is not compared proves nothing. */
async function checkTables(legacy: ClientBase, modern: ClientBase): Promise<void> {
  const columns = async (client: ClientBase, condition: string): Promise<readonly string[]> => {
    const { rows } = await client.query<{ name: string }>(
      `SELECT regexp_replace(c.relname, '^expected_', '') || '.' || a.attname AS name
       FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND ${condition}`,
    );
    return rows.map(({ name }) => name).sort();
  };
  const expected = await columns(
    legacy,
    "c.relnamespace = pg_my_temp_schema() AND c.relname ~ '^expected_' AND c.relname <> 'expected_held'",
  );
  const actual = await columns(modern, "c.relnamespace IN ('crm'::regnamespace, 'public'::regnamespace)");
  const odd = [...expected.filter((name) => !actual.includes(name)), ...actual.filter((name) => !expected.includes(name))];
  if (odd.length > 0) throw new ChangeoverError('INTERNAL', `the judge and the new CRM do not know the same columns: ${odd.join(', ')}`);
}

type Table = { readonly schema: string; readonly table: string; readonly key: readonly string[] };

async function compareTable(legacy: ClientBase, modern: ClientBase, { schema, table, key }: Table): Promise<TableComparison> {
  const name = `${schema}.${table}`;
  const { rows } = await modern.query<{ name: string }>(
    'SELECT attname AS name FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum',
    [name],
  );
  const columns = rows.map(({ name }) => name);
  const select = (from: string): string => orderedTexts(columns, key, from);
  return compareSides({
    table: name,
    columns,
    key: key.map((name) => columns.indexOf(name)),
    legacy: { client: legacy, query: select(`pg_temp.expected_${table}`) },
    modern: { client: modern, query: select(name) },
  });
}

async function compareHeld(legacy: ClientBase, modern: ClientBase): Promise<TableComparison> {
  const key = ['target', 'source_key'];
  const expected = `(SELECT target, source_key, source, state, kept, problems[1]->>'reason' AS reason, problems[1]->>'column' AS problem_column,
    to_jsonb(problems) AS problems FROM pg_temp.expected_held) AS held`;
  return compareSides({
    table: 'changeover.held',
    columns: HELD_COLUMNS,
    key: [0, 1],
    legacy: { client: legacy, query: orderedTexts(HELD_COLUMNS, key, expected) },
    modern: { client: modern, query: orderedTexts(HELD_COLUMNS, key, 'changeover.held') },
  });
}

/** Rows as texts, ordered by the bytes of their key: the same order on every server, whatever its collation. */
function orderedTexts(columns: readonly string[], key: readonly string[], from: string): string {
  const text = (column: string): string => `${escapeIdentifier(column)}::text`;
  return `SELECT ${columns.map(text).join(', ')} FROM ${from} ORDER BY ${key.map((column) => `${text(column)} COLLATE "C"`).join(', ')}`;
}

async function countHeld(legacy: ClientBase): Promise<readonly HeldCount[]> {
  const { rows } = await legacy.query<HeldCount>(
    `SELECT target AS table, state, problems[1]->>'reason' AS reason, problems[1]->>'column' AS column, count(*)::integer AS rows,
       count(*) FILTER (WHERE kept)::integer AS kept
     FROM pg_temp.expected_held GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 1, 2, 3, 4`,
  );
  return rows;
}
