import type { ClientBase } from 'pg';

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

/** One side of a table: a query that gives its columns as texts, ordered by the bytes of the key. */
type Side = { readonly client: ClientBase; readonly query: string };

type Sides = {
  /** As the new CRM calls it. */
  readonly table: string;
  readonly columns: readonly string[];
  /** Places of the key among the columns. */
  readonly key: readonly number[];
  readonly legacy: Side;
  readonly modern: Side;
};

const FETCH_ROWS = 2_000;
const EXAMPLES = 5;

/** Both sides must print a value the same way, whatever their servers are set to. */
const SESSION = `
  SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL IntervalStyle = 'postgres';
  SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'; SET LOCAL lc_monetary = 'C'; SET LOCAL client_encoding = 'UTF8';
`;

/** Begins a transaction that sees one snapshot and prints values as the other side does. */
export async function openSnapshot(client: ClientBase, access: 'READ ONLY' | 'READ WRITE' = 'READ ONLY'): Promise<void> {
  await client.query(`BEGIN ISOLATION LEVEL REPEATABLE READ ${access}; ${SESSION}`);
}

/** Goes through both sides in the order of their keys, a few thousand rows in memory at a time. */
export async function compareSides({ table, columns, key, legacy, modern }: Sides): Promise<TableComparison> {
  const left = new OrderedRows(legacy);
  const right = new OrderedRows(modern);
  const examples: Difference[] = [];
  const counts = { missing: 0, extra: 0, different: 0 };
  const found = (kind: Difference['kind'], row: TextRow, differing: readonly string[] = []): void => {
    counts[kind]++;
    if (examples.length < EXAMPLES) examples.push({ kind, key: key.map((index) => String(row[index])).join(', '), columns: differing });
  };

  let [ours, theirs] = await Promise.all([left.next(), right.next()]);
  while (ours !== undefined || theirs !== undefined) {
    const order = ours === undefined ? 1 : theirs === undefined ? -1 : compareKeys(ours, theirs, key);
    if (order < 0) {
      found('missing', ours as TextRow);
      ours = await left.next();
    } else if (order > 0) {
      found('extra', theirs as TextRow);
      theirs = await right.next();
    } else {
      const differing = differingColumns(ours as TextRow, theirs as TextRow, columns);
      if (differing.length > 0) found('different', ours as TextRow, differing);
      ours = left.nextFetched() ?? (await left.next());
      theirs = right.nextFetched() ?? (await right.next());
    }
  }
  return { table, legacyRows: left.count, modernRows: right.count, ...counts, examples };
}

type TextRow = readonly (string | null)[];

function compareKeys(left: TextRow, right: TextRow, keyIndexes: readonly number[]): number {
  for (const index of keyIndexes) {
    if (left[index] === right[index]) continue;
    const order = Buffer.compare(Buffer.from(left[index] ?? ''), Buffer.from(right[index] ?? ''));
    if (order !== 0) return order;
  }
  return 0;
}

function differingColumns(left: TextRow, right: TextRow, columns: readonly string[]): string[] {
  return columns.filter((_, index) => left[index] !== right[index]);
}

/** A query's rows through a cursor of the open transaction, a few thousand in memory at a time. */
class OrderedRows {
  readonly #client: ClientBase;
  readonly #query: string;
  #rows: readonly TextRow[] = [];
  #next = 0;
  #state: 'new' | 'open' | 'ended' = 'new';
  count = 0;

  constructor({ client, query }: Side) {
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
