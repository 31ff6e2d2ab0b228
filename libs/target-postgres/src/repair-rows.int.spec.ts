import { RandomIdSource, SystemClock } from '@changeover/core';
import { formatRows, type LoadHold, type RepairOutcome, type RowRepair } from '@changeover/events';

import { PostgresTargetReader } from './index.js';
import { Gate } from './test/gate.js';
import { LoadBed } from './test/load-bed.js';
import type { Row, TableRows } from './test/writes.js';

const REPAIRED: RepairOutcome = { done: 'repaired' };
const CHANGED: RepairOutcome = { done: 'changed' };

/** A target that load has filled, and whose rows somebody holds load to repair. */
class RepairBed implements AsyncDisposable {
  readonly bed: LoadBed;
  readonly #readers: PostgresTargetReader[] = [];

  private constructor(bed: LoadBed) {
    this.bed = bed;
  }

  static async open(ddl: string): Promise<RepairBed> {
    return new RepairBed(await LoadBed.open(ddl));
  }

  reader(gate?: Gate): PostgresTargetReader {
    const { url } = this.bed.database;
    const crashPoint = gate === undefined ? {} : { crashPoint: gate.crashPoint };
    const reader = new PostgresTargetReader({ url, migration: 'crm', clock: new SystemClock(), ids: new RandomIdSource(), ...crashPoint });
    this.#readers.push(reader);
    return reader;
  }

  /** The rows of a table, as a comparison finds them, by the first field. */
  async found(hold: LoadHold, { schema }: TableRows): Promise<ReadonlyMap<string, Buffer>> {
    await using snapshot = await hold.snapshot();
    const found = new Map<string, Buffer>();
    for await (const lines of snapshot.rows(schema))
      for (const line of lines.toString().split('\n').slice(0, -1)) found.set(line.split('\t')[0] as string, Buffer.from(`${line}\n`));
    return found;
  }

  /** Load waits for a lock. */
  async waiting(): Promise<void> {
    const waits = `SELECT count(*)::int FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name LIKE '%changeover-crm-load%'`;
    for (let count: unknown = 0; count !== 1;) [count] = (await this.bed.rows(waits))[0] as [unknown];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const reader of this.#readers) await reader.stop();
    await this.bed[Symbol.asyncDispose]();
  }
}

function repair({ schema: table }: TableRows, found: Row | Buffer | null, expected: Row | null): RowRepair {
  const line = (row: Row | Buffer | null): Buffer | null => (row === null || Buffer.isBuffer(row) ? row : formatRows([row]));
  return { table, found: line(found), expected: line(expected) };
}

describe('the repair of rows', () => {
  const DDL = `CREATE TABLE firm (id int PRIMARY KEY, name text);
    CREATE TABLE person (id int PRIMARY KEY, firm int NOT NULL REFERENCES firm, email text UNIQUE, note text CHECK (note <> 'no'))`;
  let bed: RepairBed;
  let firms: TableRows;
  let people: TableRows;

  beforeEach(async () => {
    bed = await RepairBed.open(DDL);
    firms = bed.bed.writes.table('firm', ['id:integer', 'name']);
    people = bed.bed.writes.table('person', ['id:integer', 'firm:integer', 'email', 'note']);
    await bed.bed.apply([firms.c(['1', 'a'], ['2', 'b']), people.c(['1', '1', 'x', null], ['2', '1', 'y', ''], ['3', '2', 'z', 'k'])]);
  });

  afterEach(async () => {
    await bed[Symbol.asyncDispose]();
  });

  const content = async (): Promise<unknown[][]> =>
    bed.bed.rows(`SELECT 'f', id, name FROM firm UNION ALL SELECT 'p', id, concat_ws('|', firm, email, note) FROM person ORDER BY 1, 2`);

  it('brings missing, altered and unwanted rows in order, in whatever order they come, as foreign keys and unique values need it', async () => {
    await bed.bed.sql.query(`DELETE FROM person WHERE id = 3; DELETE FROM firm WHERE id = 2; UPDATE person SET email = 'z' WHERE id = 2;
      INSERT INTO firm VALUES (9, 'nobody'); INSERT INTO person VALUES (9, 9, 'y', NULL)`);
    await using hold = await bed.reader().hold();
    expect(
      await hold.repair([
        repair(people, null, ['3', '2', 'z', 'k']),
        repair(firms, ['9', 'nobody'], null),
        repair(people, ['2', '1', 'z', ''], ['2', '1', 'y', '']),
        repair(people, ['9', '9', 'y', null], null),
        repair(firms, null, ['2', 'b']),
      ]),
    ).toEqual([REPAIRED, REPAIRED, REPAIRED, REPAIRED, REPAIRED]);
    expect(await content()).toEqual([
      ['f', 1, 'a'],
      ['f', 2, 'b'],
      ['p', 1, '1|x'],
      ['p', 2, '1|y|'],
      ['p', 3, '2|z|k'],
    ]);
  });

  it('leaves rows that are not as they were found', async () => {
    await using hold = await bed.reader().hold();
    expect(
      await hold.repair([
        repair(people, ['1', '1', 'x', ''], ['1', '1', 'x', 'new']),
        repair(people, null, ['2', '1', 'y', 'new']),
        repair(people, ['3', '2', 'z', 'other'], null),
        repair(people, ['7', '2', 'q', null], ['7', '2', 'q', 'new']),
        repair(firms, ['1', 'a'], ['1', 'new']),
      ]),
    ).toEqual([CHANGED, CHANGED, CHANGED, CHANGED, REPAIRED]);
    expect(await content()).toEqual([
      ['f', 1, 'new'],
      ['f', 2, 'b'],
      ['p', 1, '1|x'],
      ['p', 2, '1|y|'],
      ['p', 3, '2|z|k'],
    ]);
  });

  it('says of each row that the target refuses why, without its values, and writes the others', async () => {
    await bed.bed.sql.query(`CREATE FUNCTION shy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
      CREATE TRIGGER shy BEFORE UPDATE ON firm FOR EACH ROW WHEN (new.name = 'shy') EXECUTE FUNCTION shy()`);
    await using hold = await bed.reader().hold();
    expect(
      await hold.repair([
        repair(people, ['1', '1', 'x', null], ['1', '1', 'x', 'no']),
        repair(people, ['2', '1', 'y', ''], ['2', '5', 'y', '']),
        repair(people, ['3', '2', 'z', 'k'], ['3', '2', 'z', 'l']),
        repair(firms, ['1', 'a'], null),
        repair(firms, ['2', 'b'], ['2', 'shy']),
        repair(people, null, ['no number', '1', null, null]),
      ]),
    ).toEqual([
      { done: 'refused', reason: 'SQLSTATE 23514 (person_note_check)' },
      { done: 'refused', reason: 'SQLSTATE 23503 (person_firm_fkey)' },
      REPAIRED,
      { done: 'refused', reason: 'SQLSTATE 23503 (person_firm_fkey)' },
      { done: 'refused', reason: 'ROW_SKIPPED' },
      { done: 'refused', reason: 'SQLSTATE 22P02' },
    ]);
    expect((await content())[4]).toEqual(['p', 3, '2|z|l']);
  });

  it('ends what load refuses because the row was not there, and load goes on with it', async () => {
    await bed.bed.sql.query('DELETE FROM person WHERE id IN (1, 2)');
    expect(await bed.bed.apply([people.u(['1', '1', 'x', 'new'], ['2', '1', 'y', 'new'])])).toMatchObject({ refused: 2 });
    const hold = await bed.reader().hold();
    await using snapshot = await hold.snapshot();
    const wanted = (id: string, email: string): unknown => ({
      wanted: { id, firm: '1', email, note: 'new' },
      stands: null,
      isMissed: true,
    });
    expect(await snapshot.refused(people.schema)).toEqual([wanted('1', 'x'), wanted('2', 'y')]);
    const missed = { ...repair(people, null, ['1', '1', 'x', 'new']), isMissed: true };
    const refused = { ...repair(people, null, ['2', '1', 'y', 'no']), isMissed: true };
    expect(await hold.repair([missed, refused])).toEqual([REPAIRED, { done: 'refused', reason: 'SQLSTATE 23514 (person_note_check)' }]);
    await hold[Symbol.asyncDispose]();
    expect(await bed.bed.openRefusals()).toMatchObject([{ key: { id: '2' }, reason: 'ROW_MISSING' }]);
    expect(await bed.bed.apply([people.u(['1', '1', 'x', 'newer'])])).toMatchObject({ updated: 1, refused: 0 });
    expect((await content()).slice(2)).toEqual([
      ['p', 1, '1|x|newer'],
      ['p', 3, '2|z|k'],
    ]);
  });

  it('of a row under whose key load misses another: that one does not take it', async () => {
    await bed.bed.sql.query(`DELETE FROM person WHERE id = 3; ALTER TABLE person ADD CONSTRAINT later CHECK (note <> 'later')`);
    await bed.bed.apply([people.move([['3'], ['7', '2', 'z', 'moved']]), people.c(['3', '1', 'q', 'later'])]);
    await bed.bed.sql.query('ALTER TABLE person DROP CONSTRAINT later');
    const hold = await bed.reader().hold();
    expect(await hold.repair([repair(people, null, ['3', '1', 'q', 'later'])])).toEqual([REPAIRED]);
    await hold[Symbol.asyncDispose]();
    await bed.bed.apply([people.u(['1', '1', 'x', 'new'])]);
    expect((await content()).slice(2)).toEqual([
      ['p', 1, '1|x|new'],
      ['p', 2, '1|y|'],
      ['p', 3, '1|q|later'],
    ]);
    expect(await bed.bed.openRefusals()).toContainEqual(expect.objectContaining({ key: { id: '7' }, reason: 'ROW_MISSING' }));
  });

  it('writes nothing when load is not where it is held any more', async () => {
    await using hold = await bed.reader().hold();
    await bed.bed.sql.query(`UPDATE changeover.progress SET hold_until = clock_timestamp() - interval '1 ms'`);
    await bed.bed.apply([firms.u(['1', 'by load'])]);
    await expect(hold.repair([repair(firms, ['2', 'b'], ['2', 'late'])])).rejects.toMatchObject({ code: 'HOLD_LOST' });
    await using other = await bed.reader().hold();
    await expect(hold.repair([repair(firms, ['2', 'b'], ['2', 'late'])])).rejects.toMatchObject({ code: 'HOLD_LOST' });
    expect(await other.repair([repair(firms, ['2', 'b'], ['2', 'in time'])])).toEqual([REPAIRED]);
    expect((await content()).slice(0, 2)).toEqual([
      ['f', 1, 'by load'],
      ['f', 2, 'in time'],
    ]);
  });

  it('is done before load goes on, even if the hold ends meanwhile', async () => {
    const gate = new Gate('verify.repairing');
    await using hold = await bed.reader(gate).hold();
    await bed.bed.sql.query(`UPDATE changeover.progress SET hold_until = clock_timestamp() - interval '1 ms'`);
    const repaired = hold.repair([repair(firms, ['1', 'a'], ['1', 'repaired'])]);
    await gate.reached;
    // Another row: what load waits for is its own progress.
    const loaded = bed.bed.apply([firms.u(['2', 'loaded'])]);
    await bed.waiting();
    gate.open();
    expect(await repaired).toEqual([REPAIRED]);
    await loaded;
    expect((await content()).slice(0, 2)).toEqual([
      ['f', 1, 'repaired'],
      ['f', 2, 'loaded'],
    ]);
  });

  it('gives up where somebody keeps a row locked, and has written nothing', async () => {
    const other = await bed.bed.database.connect();
    await other.query('BEGIN; SELECT FROM firm WHERE id = 2 FOR UPDATE');
    await using hold = await bed.reader().hold();
    await expect(
      hold.repair([repair(people, ['1', '1', 'x', null], ['1', '1', 'x', 'new']), repair(firms, ['2', 'b'], ['2', 'new'])]),
    ).rejects.toMatchObject({ code: 'TARGET_BUSY' });
    await other.query('ROLLBACK');
    expect((await content())[2]).toEqual(['p', 1, '1|x']);
  }, 20_000);

  it('gives up where a table is not what it was when it was loaded', async () => {
    await bed.bed.sql.query('ALTER TABLE person ALTER COLUMN note TYPE varchar(3)');
    await using hold = await bed.reader().hold();
    await expect(hold.repair([repair(firms, ['2', 'b'], ['2', 'new'])])).rejects.toMatchObject({ code: 'TARGET_CHANGED' });
  });
});

it('a row of any type is known again as it was found, and written as it was told', async () => {
  const types: readonly (readonly [type: string, value: string | null])[] = [
    ['numeric', '1.500'],
    ['numeric(9,3)', '2.100'],
    ['json', '{"b": 1, "a": [1, 2]}'],
    ['jsonb', '{"a": 1}'],
    ['char(5)', 'ab'],
    ['varchar(9)', 'tab\tbed'],
    ['bytea', '\\x00ff'],
    ['timestamptz(3)', '2024-02-29 10:00:00.5+00'],
    ['interval', '1 day 02:03:04'],
    ['double precision', '0.1'],
    ['text[]', '{a,NULL,"b \\"c\\""}'],
    ['int4range', '[1,5)'],
    ['point', '(1,2)'],
    ['xml', '<a/>'],
    ['text', ''],
    ['text', null],
    ['boolean', 't'],
    ['record_like', '(,)'],
  ];
  const columns = types.map(([type], index) => `c${String(index)} ${type}`);
  await using bed = await RepairBed.open(
    `CREATE TYPE record_like AS (a int, b int); CREATE TABLE all_types (id numeric(6,2) PRIMARY KEY, ${columns.join(', ')}, twice numeric GENERATED ALWAYS AS (id * 2) STORED)`,
  );
  const table = bed.bed.writes.table('all_types', ['id', ...types.map((_, index) => `c${String(index)}`), 'twice']);
  const values = types.map(([, value]) => value);
  await bed.bed.apply([table.c(['1.50', ...values, '3'], ['2', ...values.map(() => null), '4'])]);
  const before = await bed.bed.rows('SELECT row_to_json(t)::text, c0::text, c2::text FROM all_types t ORDER BY id');
  await using hold = await bed.reader().hold();
  const found = await bed.found(hold, table);
  expect([...found.keys()]).toEqual(['1.5', '2']);
  const swapped = [
    repair(table, found.get('1.5') as Buffer, ['1.50', ...values.map(() => null), null]),
    repair(table, found.get('2') as Buffer, ['2', ...values, null]),
  ];
  expect(await hold.repair(swapped)).toEqual([REPAIRED, REPAIRED]);
  // The rows are exchanged, and a second time they are not as they were found.
  expect(await bed.bed.rows(`SELECT c0::text, c2::text FROM all_types ORDER BY id`)).toEqual([
    [null, null],
    [before[0]?.[1], before[0]?.[2]],
  ]);
  expect(await hold.repair(swapped)).toEqual([CHANGED, CHANGED]);
  const now = await bed.found(hold, table);
  expect(
    await hold.repair([repair(table, now.get('2') as Buffer, null), repair(table, now.get('1.5') as Buffer, ['1.50', ...values, null])]),
  ).toEqual([REPAIRED, REPAIRED]);
  expect(await bed.bed.rows('SELECT row_to_json(t)::text, c0::text, c2::text FROM all_types t ORDER BY id')).toEqual(before.slice(0, 1));
});
