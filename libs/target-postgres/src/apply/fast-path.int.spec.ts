import { LoadBed } from '../test/load-bed.js';

describe('the fast path', () => {
  it('never reads a table through, also with statements that were planned when it was empty', async () => {
    await using bed = await LoadBed.open(`
      CREATE TABLE firms (id int PRIMARY KEY, name text) WITH (autovacuum_enabled = off);
      CREATE TABLE links (a varchar(20), b uuid, note text, PRIMARY KEY (a, b)) WITH (autovacuum_enabled = off)`);
    const firms = bed.writes.table('firms', ['id', 'name']);
    const links = bed.writes.table('links', ['a', 'b', 'note'], { keys: 2 });
    const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
    const few = (from: number) => Array.from({ length: 3 }, (_, n) => from + n);
    await bed.apply([firms.c(['1', 'a'], ['2', 'b']), links.c(['x1', uuid(1), 'l'], ['x2', uuid(2), 'l'])]);
    for (const round of [1, 2]) {
      await bed.apply([firms.u(['1', 'a2']), links.u(['x1', uuid(1), 'm'])], [firms.d(['2']), links.d(['x2', uuid(2)])]);
      if (round === 2) break;
      await bed.sql.query(`INSERT INTO firms SELECT g, 'n' FROM generate_series(2, 20000) g;
        INSERT INTO links SELECT 'x' || g, ('00000000-0000-4000-8000-' || lpad(g::text, 12, '0'))::uuid, 'l' FROM generate_series(2, 20000) g`);
    }
    await bed.sql.query('SELECT pg_stat_force_next_flush()').catch(() => undefined);
    const read = async () => bed.rows(`SELECT relname, seq_tup_read::int FROM pg_stat_user_tables WHERE schemaname = 'public' ORDER BY 1`);
    const before = await read();
    for (let n = 3; n < 60; n += 3) {
      await bed.apply([
        firms.u(...few(n).map((id) => [String(id), 'u'])),
        links.u(...few(n).map((id) => [`x${String(id)}`, uuid(id), 'u'])),
      ]);
      await bed.apply([firms.d(...few(n).map((id) => [String(id)])), links.d(...few(n).map((id) => [`x${String(id)}`, uuid(id)]))]);
    }
    // Our session's counters arrive with its end.
    bed.session = await bed.target.open();
    expect(await read()).toEqual(before);
    expect(await bed.rows('SELECT (SELECT count(*)::int FROM firms), (SELECT count(*)::int FROM links)')).toEqual([[19_942, 19_942]]);
  });

  it('brings rows that have what others let go, and lets go what others have left, without a second try', async () => {
    // A number that was drawn stays drawn, whatever is rolled back.
    await using bed = await LoadBed.open(`
      CREATE SEQUENCE tries;
      CREATE FUNCTION draw() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM nextval(''tries''); RETURN NULL; END';
      CREATE TABLE firms (id int PRIMARY KEY, name text UNIQUE);
      CREATE TABLE people (id int PRIMARY KEY, email text UNIQUE, firm int REFERENCES firms, boss int REFERENCES people);
      CREATE TRIGGER drawn BEFORE INSERT ON people FOR EACH STATEMENT EXECUTE FUNCTION draw();
      CREATE TRIGGER drawn BEFORE INSERT ON firms FOR EACH STATEMENT EXECUTE FUNCTION draw()`);
    const firms = bed.writes.table('firms', ['id', 'name']);
    const people = bed.writes.table('people', ['id', 'email', 'firm', 'boss']);
    const tries = async () => bed.rows('SELECT last_value::int FROM tries');
    await bed.apply([firms.c(['1', 'x'], ['2', 'y']), people.c(['1', 'a', '1', null], ['2', 'b', '1', null], ['3', 'c', '2', '2'])]);
    expect(await tries()).toEqual([[2]]);
    await bed.apply([people.u(['1', null, '1', null]), people.c(['4', 'a', '1', '1'])]);
    expect(await tries()).toEqual([[3]]);
    await bed.apply([people.d(['3'], ['2']), people.c(['5', 'b', '1', '4'], ['6', 'c', '2', null])]);
    expect(await tries()).toEqual([[4]]);
    await bed.apply([firms.d(['2']), firms.c(['3', 'z']), people.u(['6', 'c', '3', null])]);
    expect(await tries()).toEqual([[5]]);
    expect(await bed.rows('SELECT id, email, firm, boss FROM people ORDER BY id')).toEqual([
      [1, null, 1, null],
      [4, 'a', 1, 1],
      [5, 'b', 1, 4],
      [6, 'c', 3, null],
    ]);
  });

  it('forgets statements beyond its bound', async () => {
    await using bed = await LoadBed.open('CREATE TABLE t (id int PRIMARY KEY, a text)');
    // Each form of the rows is a statement of its own.
    for (let n = 0; n < 70; n++) {
      await bed.sql.query(`CREATE TABLE t${String(n)} (id int PRIMARY KEY, a text)`);
      const t = bed.writes.table(`t${String(n)}`, ['id', 'a']);
      await bed.apply([t.c(['1', 'a'], ['2', 'b'])], []);
      await bed.apply([t.u(['1', 'x']), t.u(['2', undefined])]);
      await bed.apply([t.d(['1'])]);
    }
    const again = bed.writes.table('t0', ['id', 'a']);
    expect(await bed.apply([again.c(['7', 'a']), again.d(['2'])])).toMatchObject({ inserted: 1, deleted: 1 });
  });
});
