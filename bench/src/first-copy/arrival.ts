import { ChangeoverError, type Clock } from '@changeover/core';
import { connectTo, type Deadline } from '@changeover/example-crm';
import { escapeIdentifier, type ClientBase } from 'pg';

/** Rows that have to arrive in a table of the target. */
export type Arrival = {
  /** `schema.table` */
  readonly table: string;
  readonly key: readonly string[];
  /** Keys of some of the rows, the first and the last among them. */
  readonly samples: readonly (readonly string[])[];
  readonly rows: number;
};

const ENDS = 16;
const BETWEEN = 32;
const LOOK_AGAIN_MS = 50;

/** Keys to look for: those of the first and the last rows, and of some between. `where`: which rows arrive. */
export async function sampleKeys(
  source: ClientBase,
  { table, key, where = 'true' }: { readonly table: string; readonly key: readonly string[]; readonly where?: string },
): Promise<readonly (readonly string[])[]> {
  const columns = key.map((column) => `${escapeIdentifier(column)}::text`).join();
  const order = (direction: 'ASC' | 'DESC'): string => key.map((column) => `${escapeIdentifier(column)} ${direction}`).join();
  const from = `FROM ${quoted(table)}`;
  const some = `SELECT ${columns} ${from} TABLESAMPLE SYSTEM (1) REPEATABLE (1) WHERE ${where} LIMIT ${String(BETWEEN)}`;
  const ends = (['ASC', 'DESC'] as const).map(
    (direction) => `SELECT ${columns} ${from} WHERE ${where} ORDER BY ${order(direction)} LIMIT ${String(ENDS)}`,
  );
  const { rows } = await source.query<string[]>({ text: [some, ...ends].map((one) => `(${one})`).join(' UNION '), rowMode: 'array' });
  return rows;
}

/**
 * Resolves when all rows are there, with the moment at which they were first seen. To count them takes as long as a few thousand rows
 * take to arrive: it is done only when all the samples are there.
 */
export async function untilArrived(options: {
  readonly targetUrl: string;
  readonly arrivals: readonly Arrival[];
  readonly deadline: Deadline;
  readonly clock: Clock;
}): Promise<{ readonly firstAt: number; readonly lastAt: number }> {
  const { targetUrl, arrivals, deadline, clock } = options;
  await using client = await connectTo(targetUrl);
  let firstAt: number | undefined;
  for (;;) {
    const lookedAt = clock.monotonic();
    const missing = await missingSamples(client, arrivals);
    if (missing.some(({ found }) => found > 0)) firstAt ??= lookedAt;
    if (missing.every(({ found, wanted }) => found === wanted) && (await areThere(client, arrivals)))
      return { firstAt: firstAt ?? lookedAt, lastAt: lookedAt };
    if (deadline.signal.aborted) throw late(missing);
    await clock.sleep(LOOK_AGAIN_MS, deadline.signal);
  }
}

type Sampled = { readonly table: string; readonly found: number; readonly wanted: number };

async function missingSamples(client: ClientBase, arrivals: readonly Arrival[]): Promise<readonly Sampled[]> {
  const sampled: Sampled[] = [];
  for (const { table, key, samples } of arrivals) {
    const { rows } = await client.query<[string]>({
      name: `samples of ${table}`,
      text: `SELECT count(*) FROM ${quoted(table)} WHERE ${samplesCondition(key, samples.length)}`,
      values: samples.flat(),
      rowMode: 'array',
    });
    sampled.push({ table, found: Number(rows[0]?.[0]), wanted: samples.length });
  }
  return sampled;
}

/** Of a key of one column a list, which is one search of the index after the other. */
function samplesCondition(key: readonly string[], samples: number): string {
  const [only] = key;
  const parameters = (from: number, count: number): string =>
    Array.from({ length: count }, (_, index) => `$${String(from + index)}`).join();
  if (key.length === 1) return `${escapeIdentifier(only as string)} IN (${parameters(1, samples)})`;
  const columns = key.map((column) => escapeIdentifier(column)).join();
  const rows = Array.from({ length: samples }, (_, index) => `(${columns}) = (${parameters(1 + index * key.length, key.length)})`);
  return rows.join(' OR ');
}

async function areThere(client: ClientBase, arrivals: readonly Arrival[]): Promise<boolean> {
  for (const { table, rows: wanted } of arrivals) {
    const { rows } = await client.query<[string]>({ text: `SELECT count(*) FROM ${quoted(table)}`, rowMode: 'array' });
    const found = Number(rows[0]?.[0]);
    if (found > wanted)
      throw new ChangeoverError('INTERNAL', `${table} holds ${String(found)} rows where there should be ${String(wanted)}`);
    if (found < wanted) return false;
  }
  return true;
}

function late(sampled: readonly Sampled[]): ChangeoverError {
  const words = sampled.map(({ table, found, wanted }) => `${table} ${String(found)} of ${String(wanted)}`).join(', ');
  return new ChangeoverError('INTERNAL', `the rows did not all arrive in time; of those looked for were there: ${words}`);
}

/** Of the tables with what is stored out of line, without indexes. */
export async function bytesOf(client: ClientBase, tables: readonly string[]): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(
    'SELECT sum(pg_table_size(name::regclass)) AS bytes FROM unnest($1::text[]) AS name',
    [tables.map(quoted)],
  );
  return Number(rows[0]?.bytes);
}

/** `schema.table` with its parts quoted. */
export function quoted(table: string): string {
  const dot = table.indexOf('.');
  return `${escapeIdentifier(table.slice(0, dot))}.${escapeIdentifier(table.slice(dot + 1))}`;
}
