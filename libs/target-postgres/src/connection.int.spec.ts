import { LoadBed } from './test/load-bed.js';

/** A target whose database sets this for all its sessions. */
async function openWith(settings: Readonly<Record<string, string>>, ddl: string, major: 14 | 18 = 18): Promise<LoadBed> {
  const bed = await LoadBed.open(ddl, { major });
  for (const [name, value] of Object.entries(settings)) await bed.sql.query(`ALTER DATABASE ${bed.database.name} SET ${name} = ${value}`);
  bed.session = await bed.target.open();
  return bed;
}

describe.each([14, 18] as const)("settings of the target's database, PostgreSQL %d", (major) => {
  it('do not change what a text means', async () => {
    const settings = { array_nulls: 'off', xmloption: 'document', datestyle: "'SQL, DMY'", transform_null_equals: 'on' };
    await using bed = await openWith(settings, 'CREATE TABLE t (id int PRIMARY KEY, list text[], x xml, day date)', major);
    const t = bed.writes.table('t', ['id', 'list', 'x', 'day']);
    expect(await bed.apply([t.c(['1', '{a,NULL}', 'text <b>in</b> pieces', '2026-03-04'])])).toMatchObject({ inserted: 1, refused: 0 });
    expect(await bed.rows(`SELECT list[2] IS NULL, x::text, day = DATE '2026-03-04' FROM t`)).toEqual([
      [true, 'text <b>in</b> pieces', true],
    ]);
  });

  it('do not change how the catalogue is printed', async () => {
    const ddl = 'CREATE TABLE t (id int PRIMARY KEY, a text); CREATE UNIQUE INDEX ON t (lower(a)) WHERE a IS NOT NULL';
    await using bed = await LoadBed.open(ddl, { major });
    const t = bed.writes.table('t', ['id', 'a']);
    await bed.apply([t.c(['1', 'x'])]);
    await bed.sql.query(`ALTER DATABASE ${bed.database.name} SET quote_all_identifiers = on`);
    await expect(bed.target.open()).resolves.toBeDefined();
  });

  it('do not end the session or its transactions', async () => {
    const slow = `CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.4); RETURN NEW; END $$;
      CREATE TRIGGER slow BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION slow()`;
    const limits = {
      statement_timeout: '200',
      idle_session_timeout: '200',
      exit_on_error: 'on',
      default_transaction_isolation: 'serializable',
      ...(major === 18 && { transaction_timeout: '200' }),
    };
    await using bed = await openWith(limits, `CREATE TABLE t (id int PRIMARY KEY, n int CHECK (n > 0)); ${slow}`, major);
    const t = bed.writes.table('t', ['id', 'n']);
    expect(await bed.apply([t.c(['1', '1'], ['2', '-1'])])).toMatchObject({ inserted: 1, refused: 1 });
    // Idle for longer than a session may be, by the server's clock.
    await bed.sql.query('SET statement_timeout = 0; SET idle_session_timeout = 0; SELECT pg_sleep(0.4)');
    expect(await bed.apply([t.c(['3', '1'])])).toMatchObject({ inserted: 1 });
  });
});

it('reads a text as its type does, not as a cast from text would', async () => {
  await using bed = await LoadBed.open(`CREATE TYPE mood AS ENUM ('fine', 'so-so');
    CREATE FUNCTION from_text(text) RETURNS mood IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN 'so-so'; END $$;
    CREATE CAST (text AS mood) WITH FUNCTION from_text(text);
    CREATE TABLE t (m mood PRIMARY KEY, c regclass, p regproc, ch "char", n name, x xml, b bpchar, only_one int UNIQUE)`);
  const t = bed.writes.table('t', ['m', 'c', 'p', 'ch', 'n', 'x', 'b', 'only_one']);
  const row = (m: string, c: string, one: string) => [m, c, '-', 'q', 'nm', '<a/>', 'b  ', one] as const;
  await bed.apply([t.c(row('fine', 'pg_class', '1'))]);
  expect(await bed.apply([t.u(row('fine', '-', '3'))])).toMatchObject({ updated: 1, refused: 0 });
  // Beside a row that is refused it goes the careful way.
  expect(await bed.apply([t.u(row('fine', '-', '4')), t.c(row('so-so', '-', 'many'))])).toMatchObject({ updated: 1, refused: 1 });
  expect(await bed.rows(`SELECT m, c::text, p::text, ch, n, x::text, b FROM t WHERE m = 'fine'`)).toEqual([
    ['fine', '-', '-', 'q', 'nm', '<a/>', 'b  '],
  ]);
});

it("leaves a trigger of the target its database's search_path", async () => {
  await using bed = await openWith(
    { search_path: 'app' },
    `CREATE SCHEMA app; CREATE TABLE app.audit (id int); CREATE TABLE app.t (id int PRIMARY KEY);
     CREATE FUNCTION app.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit VALUES (NEW.id); RETURN NEW; END $$;
     CREATE TRIGGER note AFTER INSERT ON app.t FOR EACH ROW EXECUTE FUNCTION app.note()`,
  );
  const t = bed.writes.table('app.t', ['id']);
  expect(await bed.apply([t.c(['1'])])).toMatchObject({ inserted: 1, refused: 0 });
  expect(await bed.rows('SELECT id FROM app.audit')).toEqual([[1]]);
});
