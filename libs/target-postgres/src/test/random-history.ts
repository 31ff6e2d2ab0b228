import type { Frame } from '@changeover/events';
import type pg from 'pg';

import type { PostgresTargetOptions } from '../index.js';
import { LoadBed } from './load-bed.js';
import type { Row, TableRows } from './writes.js';

/** What foreign keys do: to those that must not be null, to others, and when. */
type Rules = { readonly required: string; readonly optional: string };

const IMMEDIATE: Rules = { required: '', optional: '' };
const DEFERRED: Rules = { required: 'DEFERRABLE INITIALLY DEFERRED', optional: 'DEFERRABLE INITIALLY DEFERRED' };
const CASCADES: Rules = { required: 'ON UPDATE CASCADE ON DELETE CASCADE', optional: 'ON UPDATE CASCADE ON DELETE SET NULL' };

/** A source and a target; where the source defers, it lets rows pass through states that the target would not have. */
export const PAIRS = {
  'without cascades': { source: DEFERRED, target: IMMEDIATE },
  'with cascades at both': { source: CASCADES, target: CASCADES },
  'with cascades at the target alone': { source: DEFERRED, target: CASCADES },
} as const;
export type Pair = keyof typeof PAIRS;

const ddl = ({ required, optional }: Rules): string => `
  CREATE TABLE firms (id int PRIMARY KEY, code text UNIQUE, name text, boss int);
  CREATE TABLE people (id int PRIMARY KEY, firm int NOT NULL REFERENCES firms ${required}, email text, name text, mentor int REFERENCES people ${optional});
  CREATE UNIQUE INDEX people_email ON people (lower(email));
  ALTER TABLE firms ADD FOREIGN KEY (boss) REFERENCES people ${optional};
  CREATE TABLE links (a int NOT NULL REFERENCES people ${required}, b int NOT NULL REFERENCES people ${required}, note text, PRIMARY KEY (a, b));
  CREATE TABLE slots (id int PRIMARY KEY, place int NOT NULL, active boolean NOT NULL, note text);
  CREATE UNIQUE INDEX slots_place ON slots (place) WHERE active;`;

/** Tells each row that changes, in the order of the write-ahead log: the name sorts before those of the foreign keys' own triggers. */
const TOLD = `
  CREATE TABLE told (n int GENERATED ALWAYS AS IDENTITY, tab text, before jsonb, after jsonb);
  CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO reference.told (tab, before, after) VALUES (TG_TABLE_NAME, CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END, CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
    RETURN NULL; END $$;`;

/** `between`: a value that a row may hold for a moment while two exchange theirs. */
type Column = {
  readonly name: string;
  readonly domain: readonly (string | null)[];
  readonly mayBeUntold?: boolean;
  readonly between?: string;
};
type Table = { readonly name: string; readonly keys: number; readonly columns: readonly Column[] };

const IDS = ['1', '2', '3', '4', '5', '6', '7'];
const NOTES = [null, '', 'x', 'tab\there', 'back\\slash\nline', 'ü€😀'];
export const TABLES: readonly Table[] = [
  {
    name: 'firms',
    keys: 1,
    columns: [
      { name: 'id', domain: IDS, between: '-1' },
      { name: 'code', domain: [null, 'a', 'b', 'c'], between: 'tmp' },
      { name: 'name', domain: NOTES, mayBeUntold: true },
      { name: 'boss', domain: [null, null, ...IDS] },
    ],
  },
  {
    name: 'people',
    keys: 1,
    columns: [
      { name: 'id', domain: IDS, between: '-1' },
      { name: 'firm', domain: IDS },
      { name: 'email', domain: [null, 'a@x', 'A@x', 'b@x', 'c@x'], between: 'tmp' },
      { name: 'name', domain: NOTES, mayBeUntold: true },
      { name: 'mentor', domain: [null, ...IDS] },
    ],
  },
  {
    name: 'links',
    keys: 2,
    columns: [
      { name: 'a', domain: IDS },
      { name: 'b', domain: IDS, between: '1' },
      { name: 'note', domain: NOTES, mayBeUntold: true },
    ],
  },
  {
    name: 'slots',
    keys: 1,
    columns: [
      { name: 'id', domain: IDS, between: '-1' },
      { name: 'place', domain: ['1', '2', '3'], between: '99' },
      { name: 'active', domain: ['t', 'f'] },
      { name: 'note', domain: NOTES, mayBeUntold: true },
    ],
  },
];

/** Which values of a row its changes tell: those that they must, or all, before and after, as transform does. */
type Told = 'sparsely' | 'in full';

/** mulberry32: https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
function random(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Makes random transactions at the reference, which rejects what is impossible, and tells them as frames. */
export class History {
  readonly #reference: pg.Client;
  readonly #tables: ReadonlyMap<string, TableRows>;
  readonly #below: (below: number) => number;
  readonly #isFull: boolean;

  constructor(reference: pg.Client, tables: ReadonlyMap<string, TableRows>, seed: number, told: Told) {
    this.#isFull = told === 'in full';
    this.#reference = reference;
    this.#tables = tables;
    this.#below = random(seed);
  }

  below(count: number): number {
    return this.#below(count);
  }

  /** Rows enough for something to happen among them. */
  async start(): Promise<readonly Frame[]> {
    await this.#reference.query('BEGIN');
    for (const id of IDS.slice(0, 5)) {
      for (const [table, values] of [
        ['firms', [id, ['a', 'b', 'c', null, null][Number(id) - 1] ?? null, null, null]],
        ['people', [id, id, ['a@x', 'b@x', null, 'c@x', null][Number(id) - 1] ?? null, 'n', null]],
        ['slots', [id, String(((Number(id) - 1) % 3) + 1), id < '4' ? 't' : 'f', 's']],
      ] as const) {
        await this.#execute(`INSERT INTO ${table} VALUES`, values);
      }
    }
    for (const id of IDS.slice(0, 5)) {
      await this.#execute('INSERT INTO links VALUES', [id, String((Number(id) % 5) + 1), 'l']);
      await this.#reference.query('UPDATE firms SET boss = $1 WHERE id = $1', [id]);
    }
    const frames = await this.#told();
    await this.#reference.query('COMMIT');
    return frames;
  }

  async transaction(): Promise<readonly Frame[]> {
    await this.#reference.query('BEGIN');
    for (let op = this.#below(9) + 1; op > 0; op--) {
      await this.#reference.query('SAVEPOINT op');
      const done = await this.#op().then(
        () => true,
        () => false,
      );
      await this.#reference.query(done ? 'RELEASE op' : 'ROLLBACK TO op');
    }
    const frames = await this.#told();
    try {
      await this.#reference.query('COMMIT');
      return frames;
    } catch {
      return [];
    }
  }

  /** All changes of the transaction so far, those that cascades made included. */
  async #told(): Promise<Frame[]> {
    type Change = { tab: string; before: Record<string, Json> | null; after: Record<string, Json> | null };
    const { rows } = await this.#reference.query<Change>('SELECT tab, before, after FROM told ORDER BY n');
    await this.#reference.query('DELETE FROM told');
    return rows.map(({ tab, before, after }) => {
      const table = TABLES.find(({ name }) => name === tab) as Table;
      const values = (row: Record<string, Json>) => table.columns.map(({ name }) => asTold(row[name]));
      if (before === null) return this.#rowsOf(table).c(values(after ?? {}));
      const old = values(before);
      const key = old.slice(0, table.keys);
      if (after === null) return this.#rowsOf(table).d(this.#isFull ? old : key);
      const now = values(after);
      if (this.#isFull) return this.#rowsOf(table).move([old, now]);
      const told: Row = now.map((value, index) =>
        table.columns[index]?.mayBeUntold === true && value === old[index] && this.#below(2) === 0 ? undefined : value,
      );
      const moved = key.some((value, index) => value !== now[index]);
      return moved || this.#below(3) === 0 ? this.#rowsOf(table).move([key, told]) : this.#rowsOf(table).u(told);
    });
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[this.#below(items.length)] as Item;
  }

  async #op(): Promise<void> {
    const table = this.#pick(TABLES);
    const choice = this.#below(10);
    if (choice < 3) {
      const values = table.columns.map(({ domain }) => this.#pick(domain));
      return this.#execute(`INSERT INTO ${table.name} VALUES`, values);
    }
    const row = await this.#row(table);
    if (row === null) return;
    if (choice < 4) await this.#reference.query(`DELETE FROM ${table.name} WHERE ${whereKey(table)}`, row.slice(0, table.keys));
    else if (choice < 7) await this.#exchange(table, row);
    else {
      const changed = row.map((value, index) =>
        this.#below(index < table.keys ? 4 : 2) === 0 ? this.#pick((table.columns[index] as Column).domain) : value,
      );
      await this.#update(table, row, changed);
    }
  }

  async #row({ name, columns }: Table): Promise<readonly (string | null)[] | null> {
    const names = columns.map((column) => column.name);
    const text = names.map((column) => `${column}::text`).join(', ');
    const found = await this.#reference.query<(string | null)[]>({
      text: `SELECT ${text} FROM ${name} ORDER BY ${names.join(', ')}`,
      rowMode: 'array',
    });
    return found.rows.length === 0 ? null : this.#pick(found.rows);
  }

  async #execute(insert: string, values: readonly (string | null)[]): Promise<void> {
    await this.#reference.query(`${insert} (${values.map((_, index) => `$${String(index + 1)}`).join(', ')})`, [...values]);
  }

  async #update(table: Table, before: readonly (string | null)[], after: readonly (string | null)[]): Promise<void> {
    const set = table.columns.map(({ name }, index) => `${name} = $${String(table.keys + index + 1)}`).join(', ');
    await this.#reference.query(`UPDATE ${table.name} SET ${set} WHERE ${whereKey(table)}`, [...before.slice(0, table.keys), ...after]);
  }

  /** Two rows exchange a value of one column, as an application does it: by way of a third value. */
  async #exchange(table: Table, first: readonly (string | null)[]): Promise<void> {
    const second = await this.#row(table);
    const at = this.#pick(table.columns.flatMap((column, index) => (column.between === undefined ? [] : [index])));
    if (second === null || second[at] === first[at]) return;
    const { name, between } = table.columns[at] as Column;
    const set = async (row: readonly (string | null)[], from: string | null | undefined, to: string | null | undefined): Promise<void> => {
      const key = row.slice(0, table.keys).map((value, index) => (index === at ? (from ?? null) : value));
      await this.#reference.query(`UPDATE ${table.name} SET ${name} = $${String(table.keys + 1)} WHERE ${whereKey(table)}`, [
        ...key,
        to ?? null,
      ]);
    };
    await set(first, first[at], between);
    await set(second, second[at], first[at]);
    await set(first, between, second[at]);
  }

  #rowsOf(table: Table): TableRows {
    return this.#tables.get(table.name) as TableRows;
  }
}

type Json = string | number | boolean | null;

/** A value of a row as JSON, as COPY writes it. */
function asTold(value: Json | undefined): string | null {
  if (typeof value === 'boolean') return value ? 't' : 'f';
  return value == null ? null : String(value);
}

function whereKey({ columns, keys }: Table): string {
  return columns
    .slice(0, keys)
    .map(({ name }, index) => `${name} = $${String(index + 1)}`)
    .join(' AND ');
}

export async function contents(client: pg.Client): Promise<unknown> {
  const found: Record<string, unknown> = {};
  for (const { name, columns } of TABLES) {
    const list = columns.map((column) => column.name).join(', ');
    found[name] = (await client.query({ text: `SELECT ${list} FROM ${name} ORDER BY ${list}`, rowMode: 'array' })).rows;
  }
  return found;
}

export async function openBoth(seed: number, pair: Pair, options: Partial<PostgresTargetOptions> = {}, told: Told = 'sparsely') {
  // Every other history has all its new rows go by COPY, as they came where it can.
  const bed = await LoadBed.open(ddl(PAIRS[pair].target), { ...options, ...(seed % 2 === 0 && { copyFromRows: 1 }) });
  const reference = await bed.database.connect();
  const tell = TABLES.map(
    ({ name }) => `CREATE TRIGGER "AA_tell" AFTER INSERT OR UPDATE OR DELETE ON ${name} FOR EACH ROW EXECUTE FUNCTION tell();`,
  );
  await reference.query(`CREATE SCHEMA reference; SET search_path = reference; ${ddl(PAIRS[pair].source)} ${TOLD} ${tell.join(' ')}`);
  const tables = new Map(
    TABLES.map(({ name, keys, columns }) => [
      name,
      bed.writes.table(
        name,
        columns.map((column) => column.name),
        { keys, identity: told === 'in full' ? 'full' : 'key' },
      ),
    ]),
  );
  const history = new History(reference, tables, seed, told);
  return { bed, reference, tables, history };
}

export async function randomBatch(history: History): Promise<(readonly Frame[])[]> {
  const transactions: (readonly Frame[])[] = [];
  for (let count = history.below(6) + 1; count > 0; count--) transactions.push(await history.transaction());
  return transactions;
}
