import type { Frame } from '@changeover/events';

import { LoadBed } from '../test/load-bed.js';
import type { Row } from '../test/writes.js';

const TABLES = `
  CREATE TABLE firms (id int PRIMARY KEY, code text UNIQUE);
  CREATE TABLE contacts (id int PRIMARY KEY, firm int NOT NULL REFERENCES firms, name text CHECK (name <> 'bad'))`;

const numbers = (from: number, count: number): string[] => Array.from({ length: count }, (_, at) => String(from + at));
const firmRows = (from: number, count: number): Row[] => numbers(from, count).map((id) => [id, `c${id}`]);
const contactRows = (from: number, count: number, firm = '1'): Row[] => numbers(from, count).map((id) => [id, firm, `n${id}\t\\`]);

async function open(ddl = TABLES) {
  const points: string[] = [];
  const bed = await LoadBed.open(ddl, { crashPoint: (name) => void points.push(name) });
  const firms = bed.writes.table('firms', ['id', 'code']);
  const contacts = bed.writes.table('contacts', ['id', 'firm', 'name']);
  /** How the batch was done: each of these points once for each COPY, and for each step of the search for refused rows. */
  const wayOf = async (...transactions: readonly (readonly Frame[])[]) => {
    points.length = 0;
    const report = await bed.apply(...transactions);
    const count = (point: string): number => points.filter((name) => name === point).length;
    return { ...report, copies: count('load.in-copy'), searched: count('load.in-bisection') > 0 };
  };
  return { bed, firms, contacts, wayOf };
}

const DONE = { updated: 0, deleted: 0, refused: 0, released: 0, searched: false };

describe('rows that a batch only adds', () => {
  it('go into their tables as they came, parents first, from several frames and records', async () => {
    const { bed: opened, firms, contacts, wayOf } = await open();
    await using bed = opened;
    const first = await wayOf([contacts.c(...contactRows(1, 250))], [firms.c(...firmRows(1, 150))], [firms.c(...firmRows(151, 150))]);
    expect(first).toEqual({ ...DONE, inserted: 550, copies: 2 });
    // Beside changes of another table; too few rows are not worth a COPY.
    const singles = contactRows(1001, 300).map((row) => contacts.c(row));
    const second = await wayOf(singles, [firms.c(['400', 'x']), firms.d(['300'])]);
    expect(second).toEqual({ ...DONE, inserted: 301, deleted: 1, copies: 1 });
    expect(await bed.rows(`SELECT count(*)::int, bool_and(name = 'n' || id || E'\\t\\\\') FROM contacts`)).toEqual([[550, true]]);
    expect(await bed.rows('SELECT count(*)::int FROM firms')).toEqual([[300]]);
  });

  it('are found by bisection where the target refuses them, and the others are there', async () => {
    const { bed: opened, firms, contacts, wayOf } = await open();
    await using bed = opened;
    await bed.apply([firms.c(['1', 'a'])]);
    const rows = contactRows(1, 1000).map((row, at): Row =>
      at === 400 ? ['401', '1', 'bad'] : at === 700 ? ['701', '99', 'orphan'] : row,
    );
    expect(await wayOf([contacts.c(...rows.slice(0, 500))], [contacts.c(...rows.slice(500))])).toEqual({
      ...DONE,
      inserted: 998,
      refused: 2,
      // The whole, a slice of a thousand, and its tenths.
      copies: 1 + 1 + 10,
      searched: true,
    });
    expect(await bed.rows(`SELECT key_text, sqlstate, from_seq FROM changeover.refused ORDER BY id`)).toEqual([
      ['401', '23514', '2'],
      ['701', '23503', '3'],
    ]);
    // The next bulk of the table is none the worse, and what waits is tried with it.
    expect(await wayOf([firms.c(['99', 'z']), contacts.c(...contactRows(2000, 300))])).toMatchObject({
      inserted: 302,
      released: 1,
      copies: 1,
    });
  });

  it('wait for each other in whatever slice they come, and for what an earlier batch refused', async () => {
    const {
      bed: opened,
      firms,
      contacts,
      wayOf,
    } = await open(`CREATE TABLE firms (id int PRIMARY KEY, code text UNIQUE CHECK (code <> 'bad'));
      CREATE TABLE contacts (id int PRIMARY KEY, firm int NOT NULL REFERENCES firms, name text); CREATE TABLE notes (id int PRIMARY KEY)`);
    await using bed = opened;
    expect(await wayOf([contacts.c(['1', '3000', 'x'])])).toMatchObject({ refused: 1 });
    const many = firmRows(1, 4000).map((row): Row => (row[0] === '2500' ? ['2500', 'bad'] : row));
    const both = [contacts.c(...contactRows(10, 2000, '2400')), contacts.c(['5000', '2500', 'orphan']), firms.c(...many)];
    expect(await wayOf(both)).toMatchObject({ inserted: 6000, refused: 2, released: 1, searched: true });
    expect(await bed.rows('SELECT table_name, key_text FROM changeover.refused WHERE to_seq IS NULL ORDER BY id')).toEqual([
      ['firms', '2500'],
      ['contacts', '5000'],
    ]);
    await bed.apply([contacts.c(['6000', '9100', 'x'])]);
    const notes = bed.writes.table('notes', ['id']);
    const elsewhere = [notes.c(...numbers(1, 300).map((id): Row => [id === '7' ? 'bad' : id])), firms.c(...firmRows(9000, 300))];
    expect(await wayOf(elsewhere)).toMatchObject({ inserted: 600, refused: 1, released: 1 });
  });

  it('of a table that refers to itself come however they are ordered', async () => {
    const { bed: opened, wayOf } = await open(
      'CREATE TABLE people (id int PRIMARY KEY, boss int REFERENCES people, age int CHECK (age > 0))',
    );
    await using bed = opened;
    const people = bed.writes.table('people', ['id', 'boss', 'age']);
    // Everybody's boss comes behind him.
    const rows = numbers(1, 2500).map((id): Row => [id, id === '2500' ? null : String(Number(id) + 1), id === '100' ? '-1' : '1']);
    expect(await wayOf([people.c(...rows)])).toMatchObject({ inserted: 2400, refused: 100, searched: true });
    expect(await bed.rows('SELECT min(id), count(*)::int FROM people')).toEqual([[101, 2400]]);
  });

  it('stop as TARGET_REFUSES where more than a hundred are refused, and nothing is there', async () => {
    const { bed: opened, firms, contacts } = await open();
    await using bed = opened;
    await bed.apply([firms.c(['1', 'a'])]);
    const rows = contactRows(1, 5000).map((row, at): Row => (at % 49 === 0 ? [row[0] ?? null, '1', 'bad'] : row));
    await expect(bed.apply([contacts.c(...rows)])).rejects.toMatchObject({ code: 'TARGET_REFUSES' });
    expect(await bed.rows('SELECT (SELECT count(*)::int FROM contacts), (SELECT count(*)::int FROM changeover.refused)')).toEqual([[0, 0]]);
  });

  it('survive a refusal in the middle of what is being sent', async () => {
    const { bed: opened, firms, contacts, wayOf } = await open();
    await using bed = opened;
    await bed.apply([firms.c(['1', 'a'])]);
    const frames = numbers(0, 40).map((part) =>
      contacts.c(...numbers(Number(part) * 300, 300).map((id): Row => [id, '1', id === '7' ? 'bad' : 'x'.repeat(2000)])),
    );
    expect(await wayOf(frames)).toMatchObject({ inserted: 11_999, refused: 1 });
    expect(await wayOf([contacts.c(...contactRows(50_000, 300))])).toMatchObject({ inserted: 300, refused: 0, copies: 1 });
  });

  it.each<[string, (rows: readonly Row[]) => readonly Row[]]>([
    ['twice in one batch', (rows) => [...rows, rows[0] as Row]],
    ['without a value', (rows) => [...rows, ['1000', '1', undefined]]],
    ['with a field too few', (rows) => [...rows.slice(0, -1), ['1000', '1']]],
    ['with a field too many', (rows) => [...rows.slice(0, -1), ['1000', '1', 'x', 'y']]],
  ])('stop as INTERNAL if one comes %s', async (_, change) => {
    const { bed: opened, firms, contacts } = await open();
    await using bed = opened;
    await bed.apply([firms.c(['1', 'a'])]);
    await expect(bed.apply([contacts.c(...change(contactRows(1, 300)))])).rejects.toMatchObject({ code: 'INTERNAL' });
    const counted = { ...contacts.c(...contactRows(1, 300)), rowCount: 299 };
    await expect(bed.apply([counted])).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(await bed.rows('SELECT FROM contacts')).toEqual([]);
    expect(await bed.committedSeq()).toBe(1);
  });

  it('are netted where the target would not notice one that comes twice, and where it makes a column itself', async () => {
    const { bed: opened, wayOf } = await open(`CREATE TABLE loose (id int, a text); CREATE UNIQUE INDEX ON loose (id) WHERE a <> '';
      CREATE TABLE maybe (id int UNIQUE, a text); CREATE TABLE made (id int PRIMARY KEY, a text, b text GENERATED ALWAYS AS (a || a) STORED)`);
    await using bed = opened;
    const rows = numbers(1, 300).map((id): Row => [id, 'x']);
    for (const name of ['loose', 'maybe']) {
      const table = bed.writes.table(name, ['id', 'a']);
      await expect(bed.apply([table.c(...rows, [null, 'x'], [null, 'y'])])).rejects.toMatchObject({ code: 'INTERNAL' });
      await expect(bed.apply([table.c(...rows, ['1', ''])])).rejects.toMatchObject({ code: 'INTERNAL' });
      // COPY still, but of net rows.
      expect(await wayOf([table.c(...rows)])).toEqual({ ...DONE, inserted: 300, copies: 1 });
    }
    const made = bed.writes.table('made', ['id', 'a', 'b']);
    expect(await wayOf([made.c(...rows.map((row) => [...row, 'old']))])).toEqual({ ...DONE, inserted: 300, copies: 0 });
    expect(await bed.rows('SELECT DISTINCT b FROM made')).toEqual([['xx']]);
  });

  it('without a key come as often as they are told', async () => {
    const { bed: opened, wayOf } = await open('CREATE TABLE notes (a text)');
    await using bed = opened;
    const notes = bed.writes.table('notes', ['a'], { keys: 0, identity: 'none' });
    expect(await wayOf([notes.c(...numbers(1, 300).map((): Row => ['same']), [''], ['\\.'])])).toEqual({
      ...DONE,
      inserted: 302,
      copies: 1,
    });
    expect(await bed.rows('SELECT a, count(*)::int FROM notes GROUP BY 1 ORDER BY 1')).toEqual([
      ['', 1],
      ['\\.', 1],
      ['same', 300],
    ]);
  });

  it('come back over a row that was to go and still stands', async () => {
    const {
      bed: opened,
      firms,
      wayOf,
    } = await open(`CREATE TABLE firms (id int PRIMARY KEY, code text);
      CREATE TABLE branches (id int PRIMARY KEY, firm int REFERENCES firms ON DELETE CASCADE)`);
    await using bed = opened;
    const branches = bed.writes.table('branches', ['id', 'firm']);
    await bed.apply([firms.c(['1', 'a']), branches.c(['1', '1'])]);
    expect(await wayOf([firms.d(['1'])])).toMatchObject({ refused: 1 });
    expect(await wayOf([firms.c(...firmRows(1, 300))])).toMatchObject({ inserted: 299, updated: 1, refused: 0, released: 1 });
    // Gone by hand: then nothing is in the way of the row that comes, and the delete must not take it later.
    expect(await wayOf([firms.d(['1'])])).toMatchObject({ refused: 1 });
    await bed.sql.query('DELETE FROM branches; DELETE FROM firms');
    await bed.apply([firms.c(...firmRows(1, 300))]);
    bed.session = await bed.target.open();
    await bed.apply([branches.c(['2', '2'])]);
    expect(await bed.rows('SELECT count(*)::int FROM firms')).toEqual([[299]]);
    expect(await bed.openRefusals()).toMatchObject([{ key: { id: '1' }, wanted: { code: 'c1' }, reason: 'ROW_MISSING' }]);
  });

  it('are not taken for the row that was missed under the key of one of them', async () => {
    await using bed = await LoadBed.open('CREATE TABLE k (id int PRIMARY KEY, v text)', { copyFromRows: 1 });
    const k = bed.writes.table('k', ['id', 'v']);
    await bed.apply([k.c(['1', 'a'])]);
    await bed.sql.query('DELETE FROM k');
    await bed.apply([k.move([['1'], ['19', 'a']])]);
    await bed.apply([k.c(['1', 'new'], ['2', 'b'])]);
    await bed.apply([k.u(['2', 'b2'])]);
    expect(await bed.rows('SELECT * FROM k ORDER BY id')).toEqual([
      [1, 'new'],
      [2, 'b2'],
    ]);
    expect(await bed.openRefusals()).toMatchObject([{ key: { id: '19' }, reason: 'ROW_MISSING' }]);
  });

  it('leave the table as it was where a trigger of the target leaves one out: it is refused', async () => {
    const {
      bed: opened,
      firms,
      wayOf,
    } = await open(`CREATE TABLE firms (id int PRIMARY KEY, code text);
      CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN CASE WHEN NEW.id = 7 THEN NULL ELSE NEW END; END $$;
      CREATE TRIGGER skip BEFORE INSERT ON firms FOR EACH ROW EXECUTE FUNCTION skip()`);
    await using bed = opened;
    expect(await wayOf([firms.c(...firmRows(1, 300))])).toMatchObject({ inserted: 299, refused: 1 });
    expect(await bed.openRefusals()).toMatchObject([{ key: { id: '7' }, reason: 'ROW_SKIPPED' }]);
  });
});
