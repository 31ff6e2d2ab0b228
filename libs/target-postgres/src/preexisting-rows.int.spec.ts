import { LoadBed } from './test/load-bed.js';
import { PostgresTarget } from './index.js';
import { MOST_LEFT_ROWS } from './preexisting-rows.js';

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
const left = (bed: LoadBed) => bed.rows('SELECT table_name, key FROM changeover.preexisting ORDER BY 1, 2');
const NOT_EMPTY = {
  code: 'TARGET_NOT_EMPTY',
  message: expect.stringContaining('has the key (id) of one that stood in public.firms') as string,
};

describe('rows that stand in a table before its first load, left where they are', () => {
  it.each([1, 200])('stay, beside ours; ours that want a unique value of theirs are refused (COPY from %i rows)', async (copyFromRows) => {
    const { bed: opened, firms, contacts } = await open();
    await using bed = opened;
    bed.session = await new PostgresTarget({ url: bed.database.url, migration: 'crm', existingRows: 'leave', copyFromRows }).open();
    const report = await bed.apply([firms.c(['1', 'one'], ['3', 'seven'], ['4', 'four'])]);
    expect(report).toMatchObject({ inserted: 2, refused: 1 });
    expect(await bed.openRefusals()).toMatchObject([
      { key: { id: '3' }, wanted: { id: '3', code: 'seven' }, stands: null, sqlstate: '23505', constraint_name: 'firms_code_key' },
    ]);
    await bed.apply([contacts.c(['1', '1', 'a']), firms.u(['4', '4'])], [firms.d(['4'])]);
    expect([await theirs(bed), await left(bed)]).toEqual([
      THEIRS,
      [
        ['contacts', [70]],
        ['firms', [2]],
        ['firms', [7]],
      ],
    ]);
    await bed.session[Symbol.asyncDispose]();
  });

  it.each([
    ['comes', (t: Tables) => [t.firms.c(['1', 'one'], ['2', 'ours'])]],
    ['comes at their unique value, too', (t: Tables) => [t.firms.c(['2', 'two'])]],
    ['takes their key', (t: Tables) => [t.firms.move([['9'], ['7', 'nine']])]],
    ['is changed', (t: Tables) => [t.firms.u(['7', 'changed'])]],
    ['goes', (t: Tables) => [t.firms.d(['7'])]],
    ['leaves their key', (t: Tables) => [t.firms.move([['7'], ['8', 'eight']])]],
  ])('stop the load where a row of the source with their key %s, and nothing of the batch is written', async (_, framesOf) => {
    const { bed: opened, ...tables } = await open();
    await using bed = opened;
    await bed.apply([tables.firms.c(['9', 'nine'])]);
    await expect(bed.apply([tables.firms.c(['5', 'five'])], framesOf(tables))).rejects.toMatchObject(NOT_EMPTY);
    // As one record that is too large for memory, too.
    bed.seq += 1;
    await bed.session.stage([tables.firms.c(['5', 'five']), ...framesOf(tables)], bed.writes.lookup);
    await expect(bed.session.applyStaged(bed.progress())).rejects.toMatchObject(NOT_EMPTY);
    await bed.session.discardStaged();
    expect(await bed.rows('SELECT id, code FROM firms ORDER BY id')).toEqual([
      [2, 'two'],
      [7, 'seven'],
      [9, 'nine'],
    ]);
    expect(await bed.openRefusals()).toEqual([]);
  });

  it('stop the very first batch, too, before anything is written', async () => {
    const { bed: opened, firms } = await open();
    await using bed = opened;
    await expect(bed.apply([firms.c(['1', 'one'], ['2', 'ours'])])).rejects.toMatchObject(NOT_EMPTY);
    expect([await theirs(bed), await left(bed), await bed.committedSeq()]).toEqual([THEIRS, [], 0]);
  });

  it('are held against rows whose keys the target spells in another way', async () => {
    await using bed = await LoadBed.open(
      `CREATE TABLE t (day date, n numeric, v text, PRIMARY KEY (day, n)); INSERT INTO t VALUES ('2026-03-04', 1.50, 'theirs')`,
      { existingRows: 'leave' },
    );
    const t = bed.writes.table('t', ['day', 'n', 'v'], { keys: 2 });
    await bed.apply([t.c(['2026-03-04', '2', 'ours'])]);
    await expect(bed.apply([t.c(['20260304', '1.5', 'ours'])])).rejects.toMatchObject({ code: 'TARGET_NOT_EMPTY' });
  });

  it('give their key free when they have gone: to ours, which may change then', async () => {
    const { bed: opened, firms } = await open();
    await using bed = opened;
    await bed.apply([firms.c(['1', 'one'])]);
    await expect(bed.apply([firms.c(['2', 'ours'])])).rejects.toMatchObject(NOT_EMPTY);
    await bed.sql.query('DELETE FROM firms WHERE id = 2');
    bed.session = await bed.target.open();
    await bed.apply([firms.c(['2', 'ours'])]);
    expect(await left(bed)).toEqual([['firms', [7]]]);
    await bed.apply([firms.u(['2', 'changed'])], [firms.d(['2'])], [firms.c(['2', 'again'])]);
    expect(await bed.rows('SELECT id, code FROM firms ORDER BY id')).toEqual([
      [1, 'one'],
      [2, 'again'],
      [7, 'seven'],
    ]);
  });

  it('are held against all rows of a batch but those that the target refuses for their keys', async () => {
    const { bed: opened, firms } = await open();
    await using bed = opened;
    await bed.apply([firms.c(['1', 'one'])]);
    expect(await bed.apply([firms.c(['3', 'three'], ['no number', 'x'], ['4', 'four'])])).toMatchObject({ inserted: 2, refused: 1 });
    await expect(bed.apply([firms.c(['5', 'five'], ['no number either', 'x'], ['7', 'ours'])])).rejects.toMatchObject(NOT_EMPTY);
    expect(await theirs(bed)).toEqual(THEIRS);
  });

  it('are not taken along where they refer to ours, also from tables of which no row came', async () => {
    const { bed: opened, firms } = await open();
    await using bed = opened;
    await bed.sql.query('CREATE TABLE apart (contact int PRIMARY KEY REFERENCES contacts ON DELETE CASCADE)');
    for (const again of [false, true]) {
      if (again) bed.session = await bed.target.open();
      else await bed.apply([firms.c(['1', 'one'])]);
      await bed.sql.query('UPDATE contacts SET firm = 1 WHERE id = 70');
      const report = await bed.apply([again ? firms.u(['1', 'changed']) : firms.d(['1'])]);
      if (!again) expect(report).toMatchObject({ deleted: 0, refused: 1 });
      expect(await bed.rows('SELECT id, firm FROM contacts')).toEqual([[70, 1]]);
    }
  });

  it('are compared as the target would spell the keys, before and behind a change each by itself', async () => {
    await using bed = await LoadBed.open(
      `CREATE TABLE t (code char(5), n numeric(10, 2), v text, PRIMARY KEY (code, n)); INSERT INTO t VALUES ('ab', 1.5, 'theirs');
       CREATE TABLE s (id int PRIMARY KEY, v text); INSERT INTO s VALUES (7, 'theirs');
       CREATE TABLE u (id int UNIQUE, v text); INSERT INTO u VALUES (NULL, 'theirs'), (NULL, 'theirs'), (1, 'theirs')`,
      { existingRows: 'leave' },
    );
    const t = bed.writes.table('t', ['code', 'n', 'v'], { keys: 2 });
    const [s, u] = [bed.writes.table('s', ['id', 'v']), bed.writes.table('u', ['id', 'v'])];
    await bed.apply([t.c(['cd', '1', 'ours']), s.c(['1', 'ours']), u.c(['2', 'ours'])]);
    await expect(bed.apply([t.c(['ab', '1.499', 'ours'])])).rejects.toMatchObject({ code: 'TARGET_NOT_EMPTY' });
    await expect(bed.apply([u.c(['1', 'ours'])])).rejects.toMatchObject({ code: 'TARGET_NOT_EMPTY' });
    expect(await bed.apply([s.c(['no number', 'ours'])])).toMatchObject({ refused: 1 });
    await expect(bed.apply([s.move([['no number'], ['7', 'ours']])])).rejects.toMatchObject({ code: 'TARGET_NOT_EMPTY' });
    await bed.sql.query('DELETE FROM t WHERE v = $$theirs$$');
    await bed.apply([t.c(['ab', '1.5', 'ours'])]);
    expect(await bed.apply([t.u(['ab', '1.5', 'changed'])])).toMatchObject({ updated: 1 });
  });

  it('cost little, however many they are, before anything is known of them', async () => {
    const { bed: opened, firms } = await open(`CREATE TABLE firms (id int PRIMARY KEY, code text);
      INSERT INTO firms SELECT n, 'theirs' FROM generate_series(1, 50000) n`);
    await using bed = opened;
    const started = performance.now();
    const ours = Array.from({ length: 10_000 }, (__, at) => [String(-1 - at), 'ours']);
    expect(await bed.apply([firms.c(...ours)])).toMatchObject({ inserted: 10_000 });
    // Each of ours against each of theirs would be half a billion.
    expect(performance.now() - started).toBeLessThan(15_000);
  }, 60_000);

  it('are not taken along where they refer to ours', async () => {
    const { bed: opened, firms, contacts } = await open();
    await using bed = opened;
    await bed.apply([firms.c(['1', 'one']), contacts.c(['20', '1', 'ours'])]);
    await bed.sql.query('UPDATE contacts SET firm = 1 WHERE id = 70');
    expect(await bed.apply([contacts.d(['20']), firms.d(['1'])])).toMatchObject({ deleted: 1, refused: 1 });
    expect(await bed.rows('SELECT id, firm FROM contacts ORDER BY id')).toEqual([[70, 1]]);
  });

  it('are known to the next owner, whatever the settings say then', async () => {
    const { bed: opened, firms } = await open();
    await using bed = opened;
    await bed.apply([firms.c(['1', 'one'])]);
    bed.session = await new PostgresTarget({ url: bed.database.url, migration: 'crm' }).open();
    await expect(bed.apply([firms.c(['2', 'ours'])])).rejects.toMatchObject(NOT_EMPTY);
    await bed.session[Symbol.asyncDispose]();
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
      message: expect.stringContaining(why) as string,
    });
    const findings = await bed.target.preflight([t.schema]);
    expect(findings).toContainEqual(
      expect.objectContaining({ severity: 'error', check: 'empty', message: expect.stringContaining(why) as string }),
    );
    await bed.sql.query('DELETE FROM t');
    expect(await bed.apply([t.c(['2', 'ours'])])).toMatchObject({ inserted: 1 });
  });

  it('have to be few enough to be known by their keys', async () => {
    const { bed: opened, firms } = await open(`CREATE TABLE firms (id int PRIMARY KEY, code text);
      INSERT INTO firms SELECT n, 'theirs' FROM generate_series(1, ${String(MOST_LEFT_ROWS + 1)}) n`);
    await using bed = opened;
    const tooMany = { code: 'TARGET_NOT_EMPTY', message: expect.stringContaining('more than 100,000 cannot be left') as string };
    await expect(bed.apply([firms.c(['-1', 'ours'])])).rejects.toMatchObject(tooMany);
    await bed.sql.query('DELETE FROM firms WHERE id = 1');
    await bed.apply([firms.c(['-1', 'ours'])]);
    expect(await bed.rows('SELECT count(*)::int FROM changeover.preexisting')).toEqual([[MOST_LEFT_ROWS]]);
  });
});

type Tables = Omit<Awaited<ReturnType<typeof open>>, 'bed'>;

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
    const must = 'before the first load it must be empty, unless target.existingRows leaves them as they are';
    expect(await wordsOf(bed, 'refuse', ...untyped)).toEqual([
      `error: public.firms of the target holds 2 rows; ${must}`,
      `error: public.contacts of the target holds 1 row; ${must}`,
    ]);
    const stay = 'which stay as they are; load stops if a row of the source has the key of one of them';
    expect(await wordsOf(bed, 'leave', ...untyped)).toEqual([
      `ok: public.firms of the target holds 2 rows, ${stay}`,
      `ok: public.contacts of the target holds 1 row, ${stay}`,
      expect.stringContaining('ok: the target is ready: 2 tables'),
    ]);
    await bed.sql.query(`INSERT INTO contacts SELECT n, 7, 'theirs' FROM generate_series(1000, 101000) n`);
    expect((await wordsOf(bed, 'leave', ...untyped))[1]).toContain(
      'holds more than 100,000 rows; before the first load it must be empty: more than',
    );
    await bed.sql.query('DELETE FROM contacts WHERE id > 1000');
    await bed.apply([firms.c(['1', 'one']), contacts.c(['1', '1', 'c'])]);
    for (const policy of ['refuse', 'leave'] as const) expect(await wordsOf(bed, policy, ...untyped)).toHaveLength(1);
  });
});
