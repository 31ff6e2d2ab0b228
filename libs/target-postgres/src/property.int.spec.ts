import type { Frame } from '@changeover/events';
import fc from 'fast-check';
import type pg from 'pg';

import type { PostgresTargetOptions } from './index.js';
import { LoadBed } from './test/load-bed.js';
import type { Row, TableRows } from './test/writes.js';

/** What foreign keys do: to those that must not be null, to others, and when. */
type Rules = { readonly required: string; readonly optional: string };

const IMMEDIATE: Rules = { required: '', optional: '' };
const DEFERRED: Rules = { required: 'DEFERRABLE INITIALLY DEFERRED', optional: 'DEFERRABLE INITIALLY DEFERRED' };
const CASCADES: Rules = { required: 'ON UPDATE CASCADE ON DELETE CASCADE', optional: 'ON UPDATE CASCADE ON DELETE SET NULL' };

/** A source and a target; where the source defers, it lets rows pass through states that the target would not have. */
const PAIRS = {
  'without cascades': { source: DEFERRED, target: IMMEDIATE },
  'with cascades at both': { source: CASCADES, target: CASCADES },
  'with cascades at the target alone': { source: DEFERRED, target: CASCADES },
} as const;
type Pair = keyof typeof PAIRS;

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
const TABLES: readonly Table[] = [
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
class History {
  readonly #reference: pg.Client;
  readonly #tables: ReadonlyMap<string, TableRows>;
  readonly #below: (below: number) => number;

  constructor(reference: pg.Client, tables: ReadonlyMap<string, TableRows>, seed: number) {
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
    type Told = { tab: string; before: Record<string, Json> | null; after: Record<string, Json> | null };
    const { rows } = await this.#reference.query<Told>('SELECT tab, before, after FROM told ORDER BY n');
    await this.#reference.query('DELETE FROM told');
    return rows.map(({ tab, before, after }) => {
      const table = TABLES.find(({ name }) => name === tab) as Table;
      const values = (row: Record<string, Json>) => table.columns.map(({ name }) => asTold(row[name]));
      if (before === null) return this.#rowsOf(table).c(values(after ?? {}));
      const old = values(before);
      const key = old.slice(0, table.keys);
      if (after === null) return this.#rowsOf(table).d(key);
      const now = values(after);
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

async function contents(client: pg.Client): Promise<unknown> {
  const found: Record<string, unknown> = {};
  for (const { name, columns } of TABLES) {
    const list = columns.map((column) => column.name).join(', ');
    found[name] = (await client.query({ text: `SELECT ${list} FROM ${name} ORDER BY ${list}`, rowMode: 'array' })).rows;
  }
  return found;
}

async function openBoth(seed: number, pair: Pair, options: Partial<PostgresTargetOptions> = {}) {
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
        { keys },
      ),
    ]),
  );
  const history = new History(reference, tables, seed);
  return { bed, reference, tables, history };
}

async function randomBatch(history: History): Promise<(readonly Frame[])[]> {
  const transactions: (readonly Frame[])[] = [];
  for (let count = history.below(6) + 1; count > 0; count--) transactions.push(await history.transaction());
  return transactions;
}

async function applyStaged(bed: LoadBed, transactions: readonly (readonly Frame[])[]): Promise<void> {
  if (transactions.every((frames) => frames.length === 0)) return;
  bed.seq += 1;
  for (const frames of transactions) await bed.session.stage(frames, bed.writes.lookup);
  await bed.session.applyStaged(bed.progress());
}

/** Any change of a table is an occasion to try its refused rows again. */
async function touchAll(target: LoadBed, tables: ReadonlyMap<string, TableRows>): Promise<void> {
  const [firms, people, slots] = ['firms', 'people', 'slots'].map((name) => tables.get(name) as TableRows) as [
    TableRows,
    TableRows,
    TableRows,
  ];
  await target.apply([firms.c(['99', null, null, null]), people.c(['99', '99', null, null, null]), slots.c(['99', '99', 't', null])]);
  await target.apply([people.d(['99']), firms.d(['99']), slots.d(['99'])]);
}

/** Applies a random history both ways, and compares after each batch. */
async function sameEitherWay(seed: number, pair: Pair, stage: boolean): Promise<void> {
  const { bed, reference, history } = await openBoth(seed, pair);
  await using target = bed;
  await target.apply(await history.start());
  for (let batch = 0; batch < 15; batch++) {
    const transactions = await randomBatch(history);
    await (stage ? applyStaged(target, transactions) : target.apply(...transactions));
    const refused = await target.openRefusals();
    expect({ batch, refused, tables: await contents(target.sql) }).toEqual({ batch, refused: [], tables: await contents(reference) });
  }
}

/**
 * The same with a target that refuses some rows by a rule the source does not have. Once the rule is gone, everything that was kept out, and everything
 * that was kept out because of that, has to come in as it is by then.
 */
async function sameOnceAllowed(seed: number, pair: Pair, stage: boolean): Promise<number> {
  const { bed, reference, tables, history } = await openBoth(seed, pair);
  await using target = bed;
  const rules = { firms: `name <> 'x'`, people: `name <> '' AND email <> 'b@x'`, links: `note <> ''`, slots: `note <> 'x'` };
  for (const [table, rule] of Object.entries(rules)) await target.sql.query(`ALTER TABLE ${table} ADD CONSTRAINT rule CHECK (${rule})`);
  await target.apply(await history.start());
  for (let batch = 0; batch < 12; batch++) {
    const transactions = await randomBatch(history);
    await (stage ? applyStaged(target, transactions) : target.apply(...transactions));
  }
  const refused = (await target.rows('SELECT count(*)::int FROM changeover.refused'))[0]?.[0] as number;
  for (const table of Object.keys(rules)) await target.sql.query(`ALTER TABLE ${table} DROP CONSTRAINT rule`);
  await touchAll(target, tables);
  expect({ refused: await target.openRefusals(), tables: await contents(target.sql) }).toEqual({
    refused: [],
    tables: await contents(reference),
  });
  return refused;
}

/** Rows of other keys, with unique values that ours want, too. Ours never fill the column `theirs`. */
const THEIRS = `
  INSERT INTO firms VALUES (52, 'x', 'theirs', NULL, 't'), (56, 'a', NULL, NULL, 't');
  INSERT INTO people VALUES (54, 52, 'y', NULL, NULL, 't'), (57, 56, 'B@x', NULL, 54, 't'); UPDATE firms SET boss = 57 WHERE id = 52;
  INSERT INTO links VALUES (54, 57, NULL, 't'); INSERT INTO slots VALUES (51, 52, true, NULL, 't'), (56, 53, false, NULL, 't');`;

async function theirs(client: pg.Client): Promise<unknown> {
  const found: unknown[] = [];
  for (const { name } of TABLES) found.push((await client.query(`SELECT * FROM ${name} WHERE theirs IS NOT NULL ORDER BY 1, 2`)).rows);
  return found;
}

/** A target that holds rows before the first load: none of them is ever touched, and once they are gone it is as the source. */
async function sameBesideTheirs(seed: number, pair: Pair, stage: boolean): Promise<number> {
  const { bed, reference, tables, history } = await openBoth(seed, pair, { existingRows: 'leave' });
  await using target = bed;
  for (const { name } of TABLES) await target.sql.query(`ALTER TABLE ${name} ADD COLUMN theirs text`);
  await target.sql.query(THEIRS);
  const before = await theirs(target.sql);
  await target.apply(await history.start());
  for (let batch = 0; batch < 12; batch++) {
    const transactions = await randomBatch(history);
    await (stage ? applyStaged(target, transactions) : target.apply(...transactions));
    expect({ batch, theirs: await theirs(target.sql) }).toEqual({ batch, theirs: before });
  }
  const refused = (await target.rows('SELECT count(*)::int FROM changeover.refused'))[0]?.[0] as number;
  await target.sql.query('SET session_replication_role = replica');
  for (const { name } of TABLES) await target.sql.query(`DELETE FROM ${name} WHERE theirs IS NOT NULL`);
  await target.sql.query('RESET session_replication_role');
  await touchAll(target, tables);
  expect({ refused: await target.openRefusals(), tables: await contents(target.sql) }).toEqual({
    refused: [],
    tables: await contents(reference),
  });
  return refused;
}

describe.each(Object.keys(PAIRS) as Pair[])('a random history %s', (pair) => {
  it('ends the same in batches as transaction by transaction', async () => {
    const property = fc.asyncProperty(fc.integer(), (seed) => sameEitherWay(seed, pair, false));
    await fc.assert(property, { numRuns: 12, endOnFailure: true });
  }, 120_000);

  it('ends the same when its batches are staged', async () => {
    const property = fc.asyncProperty(fc.integer(), (seed) => sameEitherWay(seed, pair, true));
    await fc.assert(property, { numRuns: 8, endOnFailure: true });
  }, 120_000);
});

describe.each(Object.keys(PAIRS) as Pair[])('a random history %s, through a target that refuses rows,', (pair) => {
  it('ends the same once the target takes what it refused', async () => {
    let refused = 0;
    const property = fc.asyncProperty(fc.integer(), fc.boolean(), async (seed, stage) => {
      refused += await sameOnceAllowed(seed, pair, stage);
    });
    await fc.assert(property, { numRuns: 12, endOnFailure: true });
    expect(refused).toBeGreaterThan(12);
  }, 120_000);
});

describe.each(Object.keys(PAIRS) as Pair[])('a random history %s, beside rows that were there,', (pair) => {
  it('leaves them as they are, and ends the same once they are gone', async () => {
    let refused = 0;
    const property = fc.asyncProperty(fc.integer(), fc.boolean(), async (seed, stage) => {
      refused += await sameBesideTheirs(seed, pair, stage);
    });
    await fc.assert(property, { numRuns: 5, endOnFailure: true });
    expect(refused).toBeGreaterThan(5);
  }, 120_000);
});
