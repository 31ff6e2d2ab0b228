import { LoadBed } from './test/load-bed.js';
import { PostgresTarget } from './index.js';

const TABLES = `
  CREATE TABLE firms (id int PRIMARY KEY, code text UNIQUE, theirs text);
  CREATE TABLE contacts (id int PRIMARY KEY, firm int REFERENCES firms ON DELETE CASCADE, name text);
  INSERT INTO firms VALUES (2, 'two', 'x'), (7, 'seven', 'x');
  INSERT INTO contacts VALUES (70, 7, 'theirs')`;

const THEIRS = [
  [2, 'two', 'x'],
  [7, 'seven', 'x'],
];

async function open(ddl = TABLES) {
  const bed = await LoadBed.open(ddl, { existingRows: 'leave' });
  return { bed, firms: bed.writes.table('firms', ['id', 'code']), contacts: bed.writes.table('contacts', ['id', 'firm', 'name']) };
}

const theirs = (bed: LoadBed) => bed.rows('SELECT * FROM firms WHERE theirs IS NOT NULL ORDER BY id');

describe('rows that stand in a table before its first load, left where they are', () => {
  it.each([1, 200])('refuse ours with their key or a unique value of theirs, and no other (COPY from %i rows)', async (copyFromRows) => {
    const { bed: opened, firms } = await open();
    await using bed = opened;
    bed.session = await new PostgresTarget({ url: bed.database.url, migration: 'crm', existingRows: 'leave', copyFromRows }).open();
    const report = await bed.apply([firms.c(['1', 'one'], ['2', 'ours'], ['3', 'seven'])]);
    expect(report).toMatchObject({ inserted: 1, refused: 2 });
    expect(await bed.openRefusals()).toMatchObject([
      { key: { id: '2' }, wanted: { id: '2', code: 'ours' }, stands: null, sqlstate: '23505', constraint_name: 'firms_pkey' },
      { key: { id: '3' }, wanted: { id: '3', code: 'seven' }, stands: null, sqlstate: '23505', constraint_name: 'firms_code_key' },
    ]);
    expect(await theirs(bed)).toEqual(THEIRS);
    await bed.session[Symbol.asyncDispose]();
  });

  it('are not changed, deleted or moved by what comes later for ours of the same key', async () => {
    const { bed: opened, firms } = await open();
    await using bed = opened;
    await bed.apply([firms.c(['1', 'one'], ['2', 'ours'])]);
    await bed.apply([firms.u(['2', 'ours, changed'])]);
    expect(await bed.openRefusals()).toMatchObject([{ wanted: { id: '2', code: 'ours, changed' }, stands: null }]);
    // Ours gives its key to another of ours, which is refused for it as well.
    await bed.apply([firms.move([['2'], ['5', 'moved']], [['1'], ['2', 'one']])]);
    expect(await bed.openRefusals()).toMatchObject([{ key: { id: '2' }, stands: { id: '1', code: 'one' } }]);
    await bed.apply([firms.d(['2'], ['5'])]);
    expect(await bed.openRefusals()).toEqual([]);
    await bed.apply([firms.c(['2', 'again'])]);
    bed.session = await bed.target.open();
    await bed.apply([firms.d(['2'])], [firms.c(['2', 'and again'])]);
    bed.seq += 1;
    await bed.session.stage([firms.u(['2', 'staged']), firms.d(['2'])], bed.writes.lookup);
    await bed.session.applyStaged(bed.progress());
    expect(await bed.openRefusals()).toEqual([]);
    expect(await bed.rows('SELECT * FROM firms ORDER BY id')).toEqual(THEIRS);
  });

  it('let ours in once they are gone', async () => {
    const { bed: opened, firms } = await open();
    await using bed = opened;
    await bed.apply([firms.c(['2', 'ours'], ['3', 'seven'])]);
    await bed.sql.query('DELETE FROM contacts; DELETE FROM firms WHERE theirs IS NOT NULL');
    expect(await bed.apply([firms.c(['9', 'nine'])])).toMatchObject({ inserted: 3, released: 2 });
    expect(await bed.rows('SELECT id, code FROM firms ORDER BY id')).toEqual([
      [2, 'ours'],
      [3, 'seven'],
      [9, 'nine'],
    ]);
  });

  it('are referred to by ours that refer to a refused row of their key, and are not taken along where they refer to ours', async () => {
    const { bed: opened, firms, contacts } = await open();
    await using bed = opened;
    expect(await bed.apply([firms.c(['1', 'one'], ['2', 'ours']), contacts.c(['20', '2', 'of ours'])])).toMatchObject({ refused: 1 });
    expect(await bed.rows('SELECT f.theirs FROM contacts c JOIN firms f ON f.id = c.firm WHERE c.id = 20')).toEqual([['x']]);
    await bed.sql.query('UPDATE contacts SET firm = 1 WHERE id = 70');
    expect(await bed.apply([firms.d(['1'])])).toMatchObject({ deleted: 0, refused: 1 });
    expect(await bed.rows('SELECT id, firm FROM contacts ORDER BY id')).toEqual([
      [20, 2],
      [70, 1],
    ]);
  });

  it('are not deleted with ours when the source empties its table', async () => {
    const { bed: opened, firms } = await open();
    await using bed = opened;
    await bed.apply([firms.c(['1', 'one'])]);
    await expect(bed.apply([firms.t()])).rejects.toMatchObject({
      code: 'TARGET_REFUSES',
      message: expect.stringContaining('existingRows'),
    });
    expect(await theirs(bed)).toEqual(THEIRS);
  });

  it.each([
    ['without a key', 'id int PRIMARY KEY', { keys: 0, identity: 'full' }, 'without a key'],
    ['that only grow', 'id int PRIMARY KEY', { keys: 0, identity: 'none' }, 'without a key'],
    ['without a unique index on the key', 'id int', { keys: 1 }, 'without a unique index on the key (id)'],
    ['with one of some rows only', `id int, UNIQUE (id, v)`, { keys: 1 }, 'without a unique index on the key (id)'],
  ] as const)('have to go from tables %s', async (_, columns, options, why) => {
    const { bed: opened } = await open(`CREATE TABLE t (v text, ${columns}); INSERT INTO t VALUES ('theirs', 1)`);
    await using bed = opened;
    const t = bed.writes.table('t', ['id', 'v'], options);
    await expect(bed.apply([t.c(['2', 'ours'])])).rejects.toMatchObject({
      code: 'TARGET_NOT_EMPTY',
      message: expect.stringContaining(why),
    });
    const findings = await bed.target.preflight([t.schema]);
    expect(findings).toContainEqual(
      expect.objectContaining({ severity: 'error', check: 'empty', message: expect.stringContaining(why) as string }),
    );
    await bed.sql.query('DELETE FROM t');
    expect(await bed.apply([t.c(['2', 'ours'])])).toMatchObject({ inserted: 1 });
  });

  it('stop the load where there are too many of them for a mistake', async () => {
    const { bed: opened, firms } = await open(`CREATE TABLE firms (id int PRIMARY KEY, code text);
      INSERT INTO firms SELECT n, 'theirs' FROM generate_series(1, 101) n`);
    await using bed = opened;
    const ours = Array.from({ length: 101 }, (__, at) => [String(at + 1), 'ours']);
    await expect(bed.apply([firms.c(...ours)])).rejects.toMatchObject({ code: 'TARGET_REFUSES' });
    expect(await bed.rows('SELECT DISTINCT code FROM firms')).toEqual([['theirs']]);
  });
});

describe('preflight', () => {
  const wordsOf = async (bed: LoadBed, existingRows: 'refuse' | 'leave', ...schemas: Parameters<PostgresTarget['preflight']>[0]) => {
    const target = new PostgresTarget({ url: bed.database.url, migration: 'crm', existingRows });
    const findings = await target.preflight(schemas);
    await target.stop();
    return findings.map(({ severity, message }) => `${severity}: ${message}`);
  };

  it('counts the rows that are there, and says what becomes of them, until the first load', async () => {
    const { bed: opened, firms, contacts } = await open();
    await using bed = opened;
    const schemas = [firms.schema, contacts.schema];
    const untyped = schemas.map((schema) => ({ ...schema, columns: schema.columns.map((column) => ({ ...column, type: '' })) }));
    const must = 'before the first load it must be empty, unless target.existingRows leaves them where they are';
    expect(await wordsOf(bed, 'refuse', ...untyped)).toEqual([
      `error: public.firms of the target holds 2 rows; ${must}`,
      `error: public.contacts of the target holds 1 row; ${must}`,
    ]);
    const stay = 'which stay as they are; a row of ours with the key or a unique value of one of them is refused';
    expect(await wordsOf(bed, 'leave', ...untyped)).toEqual([
      `warning: public.firms of the target holds 2 rows, ${stay}, and until it gets in, what refers to such a key refers to the row that was there (public.contacts)`,
      `ok: public.contacts of the target holds 1 row, ${stay}`,
      expect.stringContaining('ok: the target is ready: 2 tables'),
    ]);
    await bed.sql.query(`INSERT INTO contacts SELECT n, 7, 'theirs' FROM generate_series(1000, 101000) n`);
    expect((await wordsOf(bed, 'leave', ...untyped))[1]).toContain('holds more than 100,000 rows');
    await bed.apply([firms.c(['1', 'one']), contacts.c(['1', '1', 'c'])]);
    for (const policy of ['refuse', 'leave'] as const) expect(await wordsOf(bed, policy, ...untyped)).toHaveLength(1);
  });
});
