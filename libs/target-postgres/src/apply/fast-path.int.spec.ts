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
