import { createHash } from 'node:crypto';

import { LoadBed } from '../test/load-bed.js';

const TABLES = `CREATE TABLE t (id int PRIMARY KEY, name varchar(5) CHECK (name <> 'bad'), n smallint, gone text);
  CREATE TABLE other (id int PRIMARY KEY)`;

async function open(): Promise<
  { readonly bed: LoadBed } & Record<'t' | 'grown', ReturnType<LoadBed['writes']['table']>> & { touch: () => ReturnType<LoadBed['apply']> }
> {
  const bed = await LoadBed.open(TABLES);
  const t = bed.writes.table('t', ['id', 'name', 'n', 'gone']);
  const grown = bed.writes.table('t', ['id', 'name', 'n', 'gone', 'extra']);
  const other = bed.writes.table('other', ['id']);
  let id = 0;
  await bed.apply([t.c(['1', 'a', '1', 'x']), other.c(['0'])]);
  return { bed, t, grown, touch: () => bed.apply([other.c([String(++id)])]) };
}

describe('a column that is added under way', () => {
  it.each([false, true])('at the source first: the load stops until the target has it (new session: %s)', async (again) => {
    const { bed: opened, grown } = await open();
    await using bed = opened;
    const batch = bed.batch([grown.u(['1', 'b', '1', 'x', 'new'])]);
    await expect(bed.session.apply(batch, bed.writes.lookup)).rejects.toMatchObject({
      code: 'TARGET_CHANGED',
      message: expect.stringContaining('lacks columns'),
    });
    await bed.sql.query('ALTER TABLE t ADD COLUMN extra text');
    if (again) bed.session = await bed.target.open();
    expect(await bed.session.apply(batch, bed.writes.lookup)).toMatchObject({ updated: 1 });
    expect(await bed.rows('SELECT name, extra FROM t')).toEqual([['b', 'new']]);
  });

  it.each([false, true])('at the target first: nothing stops (new session: %s)', async (again) => {
    const { bed: opened, t, grown } = await open();
    await using bed = opened;
    await bed.sql.query(`ALTER TABLE t ADD COLUMN extra text, ADD COLUMN must int NOT NULL DEFAULT 7,
      ADD COLUMN twice int GENERATED ALWAYS AS (n * 2) STORED, ADD COLUMN number int GENERATED ALWAYS AS IDENTITY`);
    if (again) bed.session = await bed.target.open();
    await bed.apply([t.u(['1', 'b', '1', 'x'])]);
    bed.seq += 1;
    await bed.session.stage([grown.c(['2', 'c', '1', 'x', 'new'])], bed.writes.lookup);
    await bed.session.applyStaged(bed.progress());
    expect(await bed.rows('SELECT name, extra, must, twice, number FROM t ORDER BY id')).toEqual([
      ['b', null, 7, 2, 1],
      ['c', 'new', 7, 2, 2],
    ]);
    // Pinned anew: from now on the target has to keep it.
    await bed.sql.query('ALTER TABLE t DROP COLUMN extra');
    await expect(bed.target.open()).rejects.toMatchObject({
      code: 'TARGET_CHANGED',
      message: expect.stringMatching(/\npublic\.t: - column extra: text$/),
    });
  });

  it.each([
    ['needs a value from us', 'ADD COLUMN extra int; ALTER TABLE t ALTER COLUMN extra SET NOT NULL', '+ column extra: integer not null'],
    ['has to be unique', 'ADD COLUMN extra int UNIQUE', '+ unique index t_extra_key: (extra)'],
    ['comes for another', 'DROP COLUMN gone; ALTER TABLE t ADD COLUMN extra text', '- column gone: text'],
    [
      'comes with a narrower one',
      'ADD COLUMN extra int; ALTER TABLE t ALTER COLUMN name TYPE varchar(2)',
      '+ column name: character varying(2)',
    ],
    ['comes with another type', 'ADD COLUMN extra int; ALTER TABLE t ALTER COLUMN n TYPE numeric', '- column n: smallint'],
  ])('stops the load if it %s', async (_, change, line) => {
    const { bed: opened, grown } = await open();
    await using bed = opened;
    await bed.sql.query('DELETE FROM t');
    await bed.sql.query(`ALTER TABLE t ${change}`);
    const error = { code: 'TARGET_CHANGED', message: expect.stringContaining(`public.t: ${line}`) as string };
    // One of these lacks no column of the rows that we know of.
    if (!change.startsWith('DROP')) await expect(bed.apply([grown.c(['3', 'c', '1', 'x', '1'])])).rejects.toMatchObject(error);
    await expect(bed.target.open()).rejects.toMatchObject(error);
  });
});

describe('refused rows that the target has come to take', () => {
  it('get in with the next batch after a restart, whatever it touches, and only then', async () => {
    const { bed: opened, t, touch } = await open();
    await using bed = opened;
    expect(await bed.apply([t.c(['2', 'bad', '1', 'x'], ['3', 'long name', '1', 'x'], ['4', 'c', '1', 'x'])])).toMatchObject({
      refused: 2,
    });
    await bed.sql.query('ALTER TABLE t DROP CONSTRAINT t_name_check');
    expect(await touch()).toMatchObject({ released: 0 });
    bed.session = await bed.target.open();
    expect(await touch()).toMatchObject({ inserted: 2, refused: 0, released: 1 });
    await bed.sql.query('ALTER TABLE t ALTER COLUMN name TYPE text');
    bed.session = await bed.target.open();
    expect(await touch()).toMatchObject({ inserted: 2, refused: 0, released: 1 });
    expect(await bed.rows('SELECT id, name FROM t ORDER BY id')).toEqual([
      [1, 'a'],
      [2, 'bad'],
      [3, 'long name'],
      [4, 'c'],
    ]);
    expect(await bed.openRefusals()).toEqual([]);
    bed.session = await bed.target.open();
    expect(await touch()).toMatchObject({ inserted: 1, released: 0 });
  });

  it('all have their turn, more of them than one batch tries, also where a batch is rolled back', async () => {
    const { bed: opened, t, touch } = await open();
    await using bed = opened;
    const bad = (from: number, count: number) => Array.from({ length: count }, (_, at) => [String(from + at), 'bad', '1', 'x']);
    await bed.apply([t.c(...bad(100, 100))]);
    await bed.apply([t.c(...bad(200, 50))]);
    // The first of them stay refused, so that nothing that gets in leads on to the others.
    await bed.sql.query(`ALTER TABLE t DROP CONSTRAINT t_name_check; ALTER TABLE t ADD CHECK (id NOT BETWEEN 100 AND 199)`);
    bed.session = await bed.target.open();
    expect(await touch()).toMatchObject({ inserted: 1, released: 0 });
    await bed.sql.query('INSERT INTO other VALUES (2)');
    // Refused the fast way, and so done twice.
    expect(await touch()).toMatchObject({ inserted: 50, refused: 1, released: 50 });
    expect(await bed.openRefusals()).toHaveLength(101);
  });

  it('of a number too large for what the column was need no restart', async () => {
    const { bed: opened, t, touch } = await open();
    await using bed = opened;
    await bed.apply([t.c(['2', 'b', '70000', 'x'])]);
    await bed.sql.query('ALTER TABLE t ALTER COLUMN n TYPE bigint');
    // It learns of the type from the error.
    await bed.apply([t.u(['1', 'a', '80000', 'x'])]);
    expect(await touch()).toMatchObject({ refused: 0 });
    expect(await bed.rows('SELECT n FROM t ORDER BY id')).toEqual([['80000'], ['70000']]);
    expect(await bed.openRefusals()).toEqual([]);
  });
});

describe('names of the target in what is pinned', () => {
  const TYPED = `CREATE SCHEMA app; CREATE TYPE app.mood AS ENUM ('fine'); CREATE DOMAIN app.short AS varchar(5);
    CREATE FUNCTION app.plain(t text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT t';
    CREATE TABLE app.t (id int PRIMARY KEY, m app.mood, s app.short, e text); CREATE UNIQUE INDEX ON app.t (app.plain(e))`;
  const setPath = (bed: LoadBed, path: string) => bed.sql.query(`ALTER DATABASE ${bed.database.name} SET search_path = ${path}`);

  it('do not depend on the search_path', async () => {
    await using bed = await LoadBed.open(TYPED);
    const t = bed.writes.table('app.t', ['id:integer', 'm:app.mood', 's:app.short', 'e']);
    await bed.apply([t.c(['1', 'fine', 'a', 'e'])]);
    await setPath(bed, 'app, public');
    bed.session = await bed.target.open();
    expect(await bed.apply([t.u(['1', 'fine', 'b', 'e'])])).toMatchObject({ updated: 1, refused: 0 });
    // As the source prints them.
    expect(await bed.target.preflight([t.schema])).toMatchObject([{ severity: 'ok' }]);
  });

  it('may be pinned as the path had them, and are pinned anew', async () => {
    await using bed = await LoadBed.open(TYPED);
    await setPath(bed, 'app, public');
    bed.session = await bed.target.open();
    const t = bed.writes.table('app.t', ['id', 'm', 's', 'e']);
    await bed.apply([t.c(['1', 'fine', 'a', 'e'])]);
    const pinned = `SELECT tables->'app.t' FROM changeover.progress`;
    const [[now]] = (await bed.rows(pinned)) as [[{ parts: string[] }]];
    expect(now.parts).toEqual(expect.arrayContaining(['column m: app.mood', 'unique index t_plain_idx: (app.plain(e))']));
    const parts = now.parts.map((part) => part.replaceAll(' app.', ' ').replaceAll('(app.', '(')).sort();
    const hash = createHash('sha256').update(parts.join('\n')).digest('hex');
    await bed.sql.query(`UPDATE changeover.progress SET tables = $1`, [{ 'app.t': { hash, parts } }]);
    bed.session = await bed.target.open();
    await bed.apply([t.u(['1', 'fine', 'b', 'e'])]);
    expect(await bed.rows(pinned)).toEqual([[now]]);
    // What differs besides is told without all the names.
    await bed.sql.query(`UPDATE changeover.progress SET tables = $1`, [{ 'app.t': { hash, parts } }]);
    await bed.sql.query('ALTER TABLE app.t ALTER COLUMN e SET NOT NULL');
    await expect(bed.target.open()).rejects.toMatchObject({
      message: expect.stringMatching(/began:\napp\.t: - column e: text\napp\.t: \+ column e: text not null$/),
    });
  });
});
