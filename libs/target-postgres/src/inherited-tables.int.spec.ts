import { LoadBed } from './test/load-bed.js';

/** Its own rows and those of the table that inherits from it have the same keys. */
const TABLES = `
  CREATE TABLE firms (id int PRIMARY KEY, code text UNIQUE);
  CREATE TABLE branches (town text, PRIMARY KEY (id)) INHERITS (firms)`;

async function filled() {
  const bed = await LoadBed.open(TABLES);
  const firms = bed.writes.table('firms', ['id', 'code']);
  const branches = bed.writes.table('branches', ['id', 'code', 'town']);
  await bed.apply([firms.c(['1', 'a'], ['2', 'b'], ['3', 'c']), branches.c(['1', 'a', 'Aarau'], ['2', 'b', 'Bern'])]);
  return { bed, firms, branches };
}

const BRANCHES = [
  [1, 'a', 'Aarau'],
  [2, 'b', 'Bern'],
];

describe('a table that others inherit from', () => {
  it.each([
    [
      'updated',
      { updated: 2 },
      [
        [1, 'x'],
        [2, 'y'],
        [3, 'c'],
      ],
    ],
    ['deleted', { deleted: 2 }, [[3, 'c']]],
    [
      'exchanged',
      { updated: 2 },
      [
        [1, 'b'],
        [2, 'a'],
        [3, 'c'],
      ],
    ],
    ['emptied', { deleted: 3 }, []],
  ] as const)('has its own rows %s, not theirs', async (change, report, rows) => {
    const { bed: opened, firms } = await filled();
    await using bed = opened;
    const frames = {
      updated: firms.u(['1', 'x'], ['2', 'y']),
      deleted: firms.d(['1'], ['2']),
      exchanged: firms.u(['1', 'b'], ['2', 'a']),
      emptied: firms.t(),
    };
    expect(await bed.apply([frames[change]])).toMatchObject({ ...report, refused: 0 });
    expect(await bed.rows('SELECT * FROM ONLY firms ORDER BY id')).toEqual(rows);
    expect(await bed.rows('SELECT * FROM branches ORDER BY id')).toEqual(BRANCHES);
  });

  it('lacks a row that only they have', async () => {
    const { bed: opened, firms } = await filled();
    await using bed = opened;
    await bed.sql.query('DELETE FROM ONLY firms WHERE id = 1');
    expect(await bed.apply([firms.u(['1', 'x'])])).toMatchObject({ updated: 0, refused: 1 });
    expect(await bed.openRefusals()).toMatchObject([{ reason: 'ROW_MISSING', stands: null }]);
    expect(await bed.rows('SELECT * FROM branches ORDER BY id')).toEqual(BRANCHES);
  });

  it('does not keep a row for the sake of what refers to another table', async () => {
    await using bed = await LoadBed.open(`
      CREATE TABLE firms (id int PRIMARY KEY);
      CREATE TABLE calls (id int PRIMARY KEY, firm int REFERENCES firms ON DELETE CASCADE);
      CREATE TABLE old_calls (PRIMARY KEY (id)) INHERITS (calls)`);
    const firms = bed.writes.table('firms', ['id']);
    const calls = bed.writes.table('calls', ['id', 'firm']);
    await bed.apply([firms.c(['1'], ['2']), calls.c(['1', '1'])]);
    await bed.sql.query('INSERT INTO old_calls VALUES (7, 2)');
    expect(await bed.apply([firms.d(['2'])])).toMatchObject({ deleted: 1, refused: 0 });
  });

  it('loses only its own row where rows are found by all their columns', async () => {
    await using bed = await LoadBed.open('CREATE TABLE notes (text text); CREATE TABLE old_notes () INHERITS (notes)');
    const notes = bed.writes.table('notes', ['text'], { keys: 0, identity: 'full' });
    await bed.apply([notes.c(['a'], ['b'])]);
    await bed.sql.query(`INSERT INTO old_notes VALUES ('a')`);
    await bed.apply([notes.d(['a'], ['a'])]);
    expect(await bed.rows('SELECT tableoid::regclass::text, text FROM notes ORDER BY text')).toEqual([
      ['old_notes', 'a'],
      ['notes', 'b'],
    ]);
  });

  it('is empty before its first load, whatever they hold', async () => {
    await using bed = await LoadBed.open(TABLES);
    await bed.sql.query(`INSERT INTO branches VALUES (1, 'a', 'Aarau')`);
    const firms = bed.writes.table('firms', ['id:integer', 'code']);
    expect(await bed.target.preflight([firms.schema])).toMatchObject([{ severity: 'ok' }]);
    expect(await bed.apply([firms.c(['1', 'a'])])).toMatchObject({ inserted: 1 });
  });
});

it('finds the rows of a partitioned table in its partitions', async () => {
  await using bed = await LoadBed.open(`
    CREATE TABLE firms (id int PRIMARY KEY, code text) PARTITION BY RANGE (id);
    CREATE TABLE small PARTITION OF firms FOR VALUES FROM (0) TO (10); CREATE TABLE large PARTITION OF firms DEFAULT`);
  const firms = bed.writes.table('firms', ['id', 'code']);
  await bed.apply([firms.c(['1', 'a'], ['2', 'b'], ['30', 'c'])]);
  expect(await bed.apply([firms.u(['1', 'x']), firms.d(['30'])])).toMatchObject({ updated: 1, deleted: 1, refused: 0 });
  expect(await bed.apply([firms.t()])).toMatchObject({ deleted: 2 });
});
