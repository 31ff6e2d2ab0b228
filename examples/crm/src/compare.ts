import { invariant } from '@changeover/core';
import { escapeIdentifier, type ClientBase } from 'pg';

import { checkTableList } from './compare-catalogue.js';
import { TABLE_PAIRS, type ColumnPair, type TablePair } from './crm-tables.js';

export type Difference = {
  /** `missing` in the new CRM, `extra` there, or `different` in the named columns. */
  readonly kind: 'missing' | 'extra' | 'different';
  readonly key: string;
  /** Names in the new CRM; empty unless different. */
  readonly columns: readonly string[];
};

export type TableComparison = {
  /** As the new CRM calls it. */
  readonly table: string;
  readonly legacyRows: number;
  readonly modernRows: number;
  readonly missing: number;
  readonly extra: number;
  readonly different: number;
  /** The first few, in key order. Keys only: values are people's data. */
  readonly examples: readonly Difference[];
};

export type Comparison = {
  readonly equal: boolean;
  readonly rows: number;
  readonly tables: readonly TableComparison[];
};

const FETCH_ROWS = 2_000;
const EXAMPLES = 5;

/** Both sides must print a value the same way, whatever their servers are set to. */
const SESSION = `
  SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL IntervalStyle = 'postgres';
  SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'; SET LOCAL lc_monetary = 'C'; SET LOCAL client_encoding = 'UTF8';
`;

/**
 * Compares every row and every column of both CRMs, in both directions, as text. It shares no code with Changeover and
 * knows the tables from its own list. Each side is one snapshot; nobody should be writing meanwhile.
 */
export async function compareCrms(legacy: ClientBase, modern: ClientBase): Promise<Comparison> {
  await openSnapshot(legacy);
  await openSnapshot(modern);
  try {
    await checkTableList(legacy, modern);
    const tables: TableComparison[] = [];
    for (const pair of TABLE_PAIRS) tables.push(await compareTable(legacy, modern, pair));
    return {
      equal: tables.every((table) => table.missing + table.extra + table.different === 0),
      rows: tables.reduce((sum, table) => sum + table.legacyRows, 0),
      tables,
    };
  } finally {
    await legacy.query('ROLLBACK');
    await modern.query('ROLLBACK');
  }
}

async function openSnapshot(client: ClientBase): Promise<void> {
  await client.query(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ${SESSION}`);
}

async function compareTable(legacy: ClientBase, modern: ClientBase, pair: TablePair): Promise<TableComparison> {
  const keyIndexes = pair.key.map(([name]) => pair.columns.findIndex(([column]) => column === name));
  invariant(!keyIndexes.includes(-1), `the key of ${pair.modern.join('.')} is not among its columns`);
  const left = new OrderedRows(legacy, selectText(pair.legacy, pair, 0));
  const right = new OrderedRows(modern, selectText(pair.modern, pair, 1));
  const examples: Difference[] = [];
  const counts = { missing: 0, extra: 0, different: 0 };
  const found = (kind: Difference['kind'], row: TextRow, columns: readonly string[] = []): void => {
    counts[kind]++;
    if (examples.length < EXAMPLES) examples.push({ kind, key: keyIndexes.map((index) => String(row[index])).join(', '), columns });
  };

  let [ours, theirs] = await Promise.all([left.next(), right.next()]);
  while (ours !== undefined || theirs !== undefined) {
    const order = ours === undefined ? 1 : theirs === undefined ? -1 : compareKeys(ours, theirs, keyIndexes);
    if (order < 0) {
      found('missing', ours as TextRow);
      ours = await left.next();
    } else if (order > 0) {
      found('extra', theirs as TextRow);
      theirs = await right.next();
    } else {
      const columns = differingColumns(ours as TextRow, theirs as TextRow, pair.columns);
      if (columns.length > 0) found('different', ours as TextRow, columns);
      ours = left.nextFetched() ?? (await left.next());
      theirs = right.nextFetched() ?? (await right.next());
    }
  }
  return { table: pair.modern.join('.'), legacyRows: left.count, modernRows: right.count, ...counts, examples };
}

type TextRow = readonly (string | null)[];

/** Rows as texts, ordered by the bytes of their key: the same order on every server, whatever its collation. */
function selectText([schema, table]: readonly [string, string], pair: TablePair, side: 0 | 1): string {
  const text = (column: ColumnPair): string => `${escapeIdentifier(column[side])}::text`;
  return (
    `SELECT ${pair.columns.map(text).join(', ')} FROM ${escapeIdentifier(schema)}.${escapeIdentifier(table)} ` +
    `ORDER BY ${pair.key.map((column) => `${text(column)} COLLATE "C"`).join(', ')}`
  );
}

function compareKeys(left: TextRow, right: TextRow, keyIndexes: readonly number[]): number {
  for (const index of keyIndexes) {
    if (left[index] === right[index]) continue;
    const order = Buffer.compare(Buffer.from(left[index] ?? ''), Buffer.from(right[index] ?? ''));
    if (order !== 0) return order;
  }
  return 0;
}

function differingColumns(left: TextRow, right: TextRow, columns: readonly ColumnPair[]): string[] {
  const names: string[] = [];
  for (let index = 0; index < columns.length; index++) {
    if (left[index] !== right[index]) names.push((columns[index] as ColumnPair)[1]);
  }
  return names;
}

/** A query's rows through a cursor of the open transaction, a few thousand in memory at a time. */
class OrderedRows {
  readonly #client: ClientBase;
  readonly #query: string;
  #rows: readonly TextRow[] = [];
  #next = 0;
  #state: 'new' | 'open' | 'ended' = 'new';
  count = 0;

  constructor(client: ClientBase, query: string) {
    this.#client = client;
    this.#query = query;
  }

  /** The next row if it is in memory. */
  nextFetched(): TextRow | undefined {
    const row = this.#rows[this.#next];
    if (row !== undefined) {
      this.#next++;
      this.count++;
    }
    return row;
  }

  async next(): Promise<TextRow | undefined> {
    const row = this.nextFetched();
    if (row !== undefined || this.#state === 'ended') return row;
    if (this.#state === 'new') {
      await this.#client.query(`DECLARE compared_rows NO SCROLL CURSOR FOR ${this.#query}`);
      this.#state = 'open';
    }
    const result = await this.#client.query<string[]>({ text: `FETCH ${String(FETCH_ROWS)} FROM compared_rows`, rowMode: 'array' });
    this.#rows = result.rows;
    this.#next = 0;
    if (result.rows.length === 0) {
      this.#state = 'ended';
      await this.#client.query('CLOSE compared_rows');
    }
    return this.nextFetched();
  }
}
