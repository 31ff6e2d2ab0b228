import { LoadBed } from './test/load-bed.js';
import { PostgresTarget } from './index.js';
import { Writes } from './test/writes.js';

const found = (findings: readonly { severity: string; check: string; message: string; fix?: readonly string[] }[], check: string) =>
  findings.filter((finding) => finding.check === check);

describe('preflight', () => {
  it('says that a good target is ready, before and after the first load', async () => {
    await using bed = await LoadBed.open('CREATE TABLE t (id int PRIMARY KEY, a text)');
    const t = bed.writes.table('t', ['id:integer', 'a']);
    expect(await bed.target.preflight([t.schema])).toMatchObject([{ severity: 'ok', check: 'target' }]);
    await bed.apply([t.c(['1', 'x'])]);
    expect(await bed.target.preflight([t.schema])).toMatchObject([{ severity: 'ok', check: 'target' }]);
    // It looks at what another session does not mind.
    expect(await bed.apply([t.c(['2', 'y'])])).toMatchObject({ inserted: 1 });
  });

  it('lists what is missing, table by table', async () => {
    await using bed = await LoadBed.open(`
      CREATE TABLE full_up (id int PRIMARY KEY); INSERT INTO full_up VALUES (1);
      CREATE TABLE odd (id bigint GENERATED ALWAYS AS IDENTITY, n int GENERATED ALWAYS AS (1) STORED, must text NOT NULL, a text);
      CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
      CREATE TRIGGER noisy BEFORE INSERT ON odd FOR EACH ROW EXECUTE FUNCTION f()`);
    const schemas = [
      bed.writes.table('nowhere', ['id']),
      bed.writes.table('full_up', ['id']),
      bed.writes.table('odd', ['id:integer', 'n', 'phone']),
      bed.writes.table('changeover.held', ['id']),
      bed.writes.table('odd', ['a'], { keys: 0 }),
    ];
    const findings = await bed.target.preflight(schemas.slice(0, 4).map(({ schema }) => schema));
    expect(findings.map(({ severity, check }) => `${severity} ${check}`).sort()).toEqual(
      [
        'error column',
        'error empty',
        'error key',
        'error ours',
        'error required',
        'error table',
        'warning generated',
        'warning identity',
        'warning key_type',
        'warning key_type',
        'warning triggers',
      ].sort(),
    );
    expect(found(findings, 'key')[0]?.fix).toEqual(['CREATE UNIQUE INDEX ON "public"."odd" ("id");']);
    expect(found(findings, 'triggers')[0]?.message).toContain('noisy');
  });

  it('names each column of another type once per table: the target may change such values without a word', async () => {
    await using bed =
      await LoadBed.open(`CREATE TABLE t (id int PRIMARY KEY, same numeric(20,6), price numeric(20,2), at timestamp(0), owner uuid,
      made numeric GENERATED ALWAYS AS (price * 2) STORED)`);
    const columns = [
      'id:bigint',
      'same:numeric(20,6)',
      'price:numeric(20,6)',
      'at:timestamp without time zone',
      'made:text',
      'gone:text',
      'owner:text',
    ];
    const findings = await bed.target.preflight([bed.writes.table('t', columns).schema]);
    expect(found(findings, 'type')).toMatchObject([
      {
        severity: 'warning',
        message: expect.stringMatching(
          /: price: numeric\(20,6\) → numeric\(20,2\); at: timestamp without time zone → timestamp\(0\) without time zone$/,
        ),
      },
      // It reads nothing as a UUID that is none.
      { message: expect.stringMatching(/; rows with values that do not fit are refused: owner: text → uuid$/) },
    ]);
    expect(found(findings, 'key_type')).toMatchObject([{ message: expect.stringContaining('t.id is bigint') }]);
  });

  it('says what a table without a key costs, most where the target cascades from it', async () => {
    await using bed = await LoadBed.open('CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE child (t int REFERENCES t ON DELETE CASCADE)');
    const findings = await bed.target.preflight([bed.writes.table('t', ['id:integer'], { keys: 0, identity: 'full' }).schema]);
    expect(found(findings, 'key')).toMatchObject([{ severity: 'warning', message: expect.stringMatching(/all their columns.*cascade/) }]);
    await bed.sql.query('DROP TABLE child');
    const without = await bed.target.preflight([bed.writes.table('t', ['id:integer'], { keys: 0, identity: 'full' }).schema]);
    expect(found(without, 'key')).toMatchObject([{ message: expect.not.stringContaining('cascade') }]);
  });

  it('prints the lines that grant what a role lacks, and they are enough', async () => {
    await using bed = await LoadBed.open('CREATE SCHEMA crm; CREATE TABLE crm.t (id int PRIMARY KEY, a text)');
    // A role may end its own sessions only.
    await bed.target.stop();
    await bed.sql.query('DROP SCHEMA changeover CASCADE');
    const role = `loader_${bed.database.name}`;
    await bed.sql.query(`CREATE ROLE ${role} LOGIN PASSWORD 'pw'; REVOKE TEMPORARY ON DATABASE ${bed.database.name} FROM PUBLIC`);
    try {
      const url = new URL(bed.database.url);
      url.username = role;
      url.password = 'pw';
      const target = new PostgresTarget({ url: url.href, migration: 'crm' });
      const writes = new Writes();
      const t = writes.table('crm.t', ['id:integer', 'a']);
      const findings = await target.preflight([t.schema]);
      expect(
        findings
          .filter(({ severity }) => severity === 'error')
          .map(({ check }) => check)
          .sort(),
      ).toEqual(['create', 'privileges', 'temporary', 'usage']);
      for (const line of findings.flatMap(({ fix }) => fix ?? [])) await bed.sql.query(line);
      expect(await target.preflight([t.schema])).toMatchObject([{ severity: 'ok' }]);
      const session = await target.open();
      expect(await session.apply(bed.batch([t.c(['1', 'x'])]), writes.lookup)).toMatchObject({ inserted: 1 });
      await session.stage([t.u(['1', 'y'])], writes.lookup);
      expect(await session.applyStaged(bed.progress(9))).toMatchObject({ updated: 1 });
      await target.stop();
      // Our schema, of a version before, is somebody else's.
      await bed.sql
        .query(`DROP TABLE changeover.held, changeover.preexisting, changeover.checkpoint, changeover.rebuild, changeover.verification, changeover.correction, changeover.reference, changeover.allocated;
        ALTER TABLE changeover.refused DROP from_ms, DROP missed_by, DROP version_seq, DROP ended_seq, DROP retry_id, DROP retry_due;
        ALTER TABLE changeover.barrier DROP place, DROP forms, DROP totals, DROP exchanges;
        ALTER TABLE changeover.progress DROP hold_id, DROP hold_through, DROP hold_until, DROP moves, DROP parked, DROP head, DROP exchanges;
        UPDATE changeover.version SET version = 1; ALTER SCHEMA changeover OWNER TO postgres; GRANT USAGE ON SCHEMA changeover TO ${role}`);
      const [finding, ...others] = await target.preflight([t.schema]);
      expect([finding, others]).toMatchObject([{ severity: 'error', check: 'create' }, []]);
      await bed.sql.query((finding?.fix ?? []).join());
      expect(await target.preflight([t.schema])).toMatchObject([{ severity: 'ok' }]);
      await target.open();
      await target.stop();
    } finally {
      await bed.sql.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });

  it('has the lines for a schema of ours that another role has made, as for another migration', async () => {
    await using bed = await LoadBed.open('CREATE TABLE t (id int PRIMARY KEY, a text)');
    const role = `other_${bed.database.name}`;
    await bed.sql.query(`CREATE ROLE "${role}" LOGIN PASSWORD 'x'; GRANT SELECT, INSERT, UPDATE, DELETE ON t TO "${role}"`);
    const url = new URL(bed.database.url);
    url.username = role;
    url.password = 'x';
    const target = new PostgresTarget({ url: url.href, migration: 'other' });
    const t = bed.writes.table('t', ['id', 'a']);
    const untyped = { ...t.schema, columns: t.schema.columns.map((column) => ({ ...column, type: '' })) };
    try {
      for (const revoked of ['', `REVOKE INSERT ON changeover.held FROM "${role}"`]) {
        await bed.sql.query(revoked);
        const findings = (await target.preflight([untyped])).filter(({ severity }) => severity === 'error');
        expect(findings).toMatchObject([
          {
            check: 'ours',
            message: expect.stringContaining(revoked === '' ? 'may not use the schema' : 'may not write held in') as string,
          },
        ]);
        for (const line of findings.flatMap(({ fix }) => fix ?? [])) await bed.sql.query(line);
        expect((await target.preflight([untyped])).map(({ severity }) => severity)).toEqual(['ok']);
      }
      const session = await target.open();
      expect(await session.apply(bed.batch([t.c(['1', 'x'])]), bed.writes.lookup)).toMatchObject({ inserted: 1 });
      await target.stop();
    } finally {
      await bed.sql.query(`DROP OWNED BY "${role}"; DROP ROLE "${role}"`);
    }
  });

  it('has a role that row-level security applies to let past it, and until then the load stops', async () => {
    await using bed = await LoadBed.open('CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (9, $$hidden$$)');
    await bed.target.stop();
    await bed.sql.query('DROP SCHEMA changeover CASCADE');
    const role = `loader_${bed.database.name}`;
    await bed.sql
      .query(`CREATE ROLE ${role} LOGIN PASSWORD 'pw'; GRANT CREATE ON DATABASE ${bed.database.name} TO ${role}; GRANT ALL ON t TO ${role};
      CREATE POLICY p ON t USING (a <> 'hidden'); ALTER TABLE t ENABLE ROW LEVEL SECURITY`);
    try {
      const url = new URL(bed.database.url);
      url.username = role;
      url.password = 'pw';
      const target = new PostgresTarget({ url: url.href, migration: 'crm' });
      const t = bed.writes.table('t', ['id:integer', 'a']);
      const findings = await target.preflight([t.schema]);
      expect(findings).toMatchObject([{ severity: 'error', check: 'row_security' }]);
      const session = await target.open();
      await expect(session.apply(bed.batch([t.c(['1', 'x'])]), bed.writes.lookup)).rejects.toMatchObject({
        code: 'TARGET_DENIED',
        message: expect.stringContaining('row-level security'),
      });
      for (const line of findings.flatMap(({ fix }) => fix ?? [])) await bed.sql.query(line);
      expect(await target.preflight([t.schema])).toMatchObject([{ severity: 'error', check: 'empty' }]);
      await bed.sql.query('DELETE FROM t');
      expect(await session.apply(bed.batch([t.c(['1', 'hidden'])]), bed.writes.lookup)).toMatchObject({ inserted: 1 });
      await bed.sql.query(`ALTER ROLE ${role} NOBYPASSRLS`);
      await expect(session.apply(bed.batch([t.d(['1'])]), bed.writes.lookup)).rejects.toMatchObject({ code: 'TARGET_DENIED' });
      await target.stop();
    } finally {
      await bed.sql.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });

  it('says why it cannot connect', async () => {
    const target = new PostgresTarget({ url: 'postgres://x:secret@127.0.0.1:1/x', migration: 'crm' });
    const findings = await target.preflight([]);
    expect(findings).toMatchObject([{ severity: 'error', check: 'connection' }]);
    expect(findings[0]?.message).toContain('TARGET_UNREACHABLE');
    expect(JSON.stringify(findings)).not.toContain('secret');
  });
});
