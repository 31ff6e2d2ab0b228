import { LoadBed } from '../test/load-bed.js';

describe.each([14, 18] as const)('on PostgreSQL %d', (major) => {
  const open = (ddl: string): Promise<LoadBed> => LoadBed.open(ddl, { major });

  describe('keys that change', () => {
    it('moves a row, and its children with it where the target cascades', async () => {
      await using bed = await open(`
        CREATE TABLE parents (id int PRIMARY KEY, name text);
        CREATE TABLE children (parent int REFERENCES parents ON UPDATE CASCADE, place int, name text, PRIMARY KEY (parent, place))`);
      const parents = bed.writes.table('parents', ['id', 'name']);
      const children = bed.writes.table('children', ['parent', 'place', 'name'], { keys: 2 });
      await bed.apply([parents.c(['1', 'a']), children.c(['1', '1', 'x'], ['1', '2', 'y'])]);
      const report = await bed.apply([
        parents.move([['1'], ['7', 'b']]),
        children.move(
          [
            ['1', '1'],
            ['7', '1', 'x2'],
          ],
          [
            ['1', '2'],
            ['7', '2', 'y'],
          ],
        ),
      ]);
      expect(report).toMatchObject({ updated: 3, refused: 0 });
      expect(await bed.rows('SELECT * FROM parents')).toEqual([[7, 'b']]);
      expect(await bed.rows('SELECT * FROM children ORDER BY 2')).toEqual([
        [7, 1, 'x2'],
        [7, 2, 'y'],
      ]);
    });

    it('exchanges keys in one transaction, keeping what did not change', async () => {
      await using bed = await open(`CREATE TABLE t (id int PRIMARY KEY, name text, big text)`);
      const t = bed.writes.table('t', ['id', 'name', 'big']);
      await bed.apply([t.c(['1', 'one', 'big one'], ['2', 'two', 'big two'])]);
      const swap = [t.move([['1'], ['-1', 'one', undefined]], [['2'], ['1', 'two!', undefined]], [['-1'], ['2', 'one', undefined]])];
      expect(await bed.apply(swap)).toMatchObject({ updated: 2, refused: 0 });
      expect(await bed.rows('SELECT * FROM t ORDER BY id')).toEqual([
        [1, 'two!', 'big two'],
        [2, 'one', 'big one'],
      ]);
    });

    it('shifts a whole column of keys', async () => {
      await using bed = await open(`CREATE TABLE t (id int PRIMARY KEY, name text)`);
      const t = bed.writes.table('t', ['id', 'name']);
      const ids = Array.from({ length: 500 }, (_, index) => index + 1);
      await bed.apply([t.c(...ids.map((id) => [String(id), `n${String(id)}`]))]);
      const shifted = ids.map((id) => [[String(id)], [String(id + 1), `n${String(id)}`]] as const).reverse();
      expect(await bed.apply([t.move(...shifted)])).toMatchObject({ updated: 500, refused: 0 });
      expect(await bed.rows('SELECT count(*), min(id), max(id), bool_and(name = $$n$$ || id - 1) FROM t')).toEqual([['500', 2, 501, true]]);
    });

    it('keeps the children of a row that is deleted and made again', async () => {
      await using bed = await open(`
        CREATE TABLE parents (id int PRIMARY KEY, name text);
        CREATE TABLE notes (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE CASCADE)`);
      const parents = bed.writes.table('parents', ['id', 'name']);
      await bed.apply([parents.c(['1', 'a'])]);
      await bed.sql.query('INSERT INTO notes VALUES (1, 1)');
      expect(await bed.apply([parents.d(['1'])], [parents.c(['1', 'b'])])).toMatchObject({ updated: 1 });
      expect(await bed.rows('SELECT * FROM notes')).toEqual([[1, 1]]);
      expect(await bed.rows('SELECT * FROM parents')).toEqual([[1, 'b']]);
    });

    it('knows a key again that comes in other words', async () => {
      await using bed = await open(`
        CREATE TABLE parents (id numeric PRIMARY KEY, name text);
        CREATE TABLE notes (id int PRIMARY KEY, parent numeric REFERENCES parents ON DELETE CASCADE);
        CREATE TABLE t (id numeric PRIMARY KEY, name text)`);
      const parents = bed.writes.table('parents', ['id', 'name']);
      const t = bed.writes.table('t', ['id', 'name']);
      await bed.apply([parents.c(['1.00', 'a']), t.c(['1.00', 'a'], ['3', 'c'])]);
      await bed.sql.query('INSERT INTO notes VALUES (1, 1)');
      // One is made again. Another takes the place of one that goes on, and is told of first.
      const report = await bed.apply(
        [parents.d(['1.00']), parents.c(['1', 'b'])],
        [t.move([['1.00'], ['2', 'a']], [['3'], ['1', 'c']], [['2'], ['5', 'a']])],
      );
      expect([report, await bed.openRefusals()]).toMatchObject([{ updated: 3, refused: 0 }, []]);
      expect(await bed.rows('SELECT p.id, name, n.id FROM parents p LEFT JOIN notes n ON parent = p.id')).toEqual([['1', 'b', 1]]);
      expect(await bed.rows('SELECT * FROM t ORDER BY id')).toEqual([
        ['1', 'c'],
        ['5', 'a'],
      ]);
      // Two exchange their keys.
      await bed.apply([t.move([['1'], ['9', 'c']], [['5'], ['1.0', 'a']], [['9'], ['5.0', 'c']])]);
      expect(await bed.rows('SELECT * FROM t ORDER BY id')).toEqual([
        ['1.0', 'a'],
        ['5.0', 'c'],
      ]);
    });

    it('leaves a child with the row that has its key now, when the target cascades from the one that had it before', async () => {
      await using bed = await open(`
        CREATE TABLE leads (code text PRIMARY KEY, name text);
        CREATE TABLE deals (id int PRIMARY KEY, lead text REFERENCES leads ON UPDATE CASCADE ON DELETE SET NULL)`);
      const leads = bed.writes.table('leads', ['code', 'name']);
      const deals = bed.writes.table('deals', ['id', 'lead']);
      await bed.apply([leads.c(['A', 'a'], ['D', 'd'], ['X', 'x']), deals.c(['1', 'A'], ['2', 'D'], ['3', 'X'])]);
      const report = await bed.apply(
        [leads.move([['A'], ['A2', 'a']]), deals.u(['1', 'A2'])],
        [leads.c(['A', 'new']), deals.u(['1', 'A'])],
        [leads.d(['D']), deals.u(['2', null])],
        [leads.move([['X'], ['D', 'x']]), deals.u(['3', 'D']), deals.u(['2', 'D'])],
      );
      expect(report).toMatchObject({ refused: 0 });
      expect(await bed.rows('SELECT * FROM deals ORDER BY id')).toEqual([
        [1, 'A'],
        [2, 'D'],
        [3, 'D'],
      ]);
      expect(await bed.rows('SELECT * FROM leads ORDER BY code')).toEqual([
        ['A', 'new'],
        ['A2', 'a'],
        ['D', 'x'],
      ]);
    });

    it('lets a row take the key of one that goes', async () => {
      await using bed = await open(`CREATE TABLE t (id int PRIMARY KEY, name text)`);
      const t = bed.writes.table('t', ['id', 'name']);
      await bed.apply([t.c(['1', 'a'], ['2', 'b'])]);
      await bed.apply([t.d(['1']), t.move([['2'], ['1', 'b']])], [t.c(['2', 'c'])]);
      expect(await bed.rows('SELECT * FROM t ORDER BY id')).toEqual([
        [1, 'b'],
        [2, 'c'],
      ]);
    });
  });

  describe('foreign keys', () => {
    it('fills two tables that require each other', async () => {
      await using bed = await open(`
        CREATE TABLE teams (id int PRIMARY KEY, lead int NOT NULL);
        CREATE TABLE people (id int PRIMARY KEY, team int NOT NULL REFERENCES teams);
        ALTER TABLE teams ADD FOREIGN KEY (lead) REFERENCES people`);
      const teams = bed.writes.table('teams', ['id', 'lead']);
      const people = bed.writes.table('people', ['id', 'team']);
      expect(await bed.apply([teams.c(['1', '10'], ['2', '20']), people.c(['10', '1'], ['20', '2'])])).toMatchObject({
        inserted: 4,
        refused: 0,
      });
      expect(await bed.apply([people.d(['10']), teams.d(['1'])])).toMatchObject({ deleted: 2, refused: 0 });
      expect(await bed.rows('SELECT p.id, t.id FROM people p JOIN teams t ON t.id = p.team')).toEqual([[20, 2]]);
    });

    it('still fills them around a row that is refused', async () => {
      await using bed = await open(`
        CREATE TABLE teams (id int PRIMARY KEY, lead int NOT NULL);
        CREATE TABLE people (id int PRIMARY KEY, team int NOT NULL REFERENCES teams, age int CHECK (age > 0));
        ALTER TABLE teams ADD FOREIGN KEY (lead) REFERENCES people`);
      const teams = bed.writes.table('teams', ['id', 'lead']);
      const people = bed.writes.table('people', ['id', 'team', 'age']);
      const ids = Array.from({ length: 20 }, (_, index) => String(index + 1));
      const report = await bed.apply([
        teams.c(...ids.map((id) => [id, id])),
        people.c(...ids.map((id) => [id, id, id === '13' ? '-1' : '5'])),
      ]);
      expect(report).toMatchObject({ inserted: 38, refused: 2 });
      expect((await bed.openRefusals()).map(({ table_name, key, sqlstate }) => [table_name, key, sqlstate])).toEqual(
        expect.arrayContaining([
          ['people', { id: '13' }, '23514'],
          ['teams', { id: '13' }, '23503'],
        ]),
      );
      expect(await bed.apply([people.u(['13', '13', '4'])])).toMatchObject({ inserted: 2, released: 2 });
    });

    it('writes a tree whose children come before their parents', async () => {
      await using bed = await open(`CREATE TABLE nodes (id int PRIMARY KEY, parent int REFERENCES nodes)`);
      const nodes = bed.writes.table('nodes', ['id', 'parent']);
      expect(await bed.apply([nodes.c(['3', '2'], ['2', '1'], ['1', null], ['4', '4'])])).toMatchObject({ inserted: 4, refused: 0 });
      expect(await bed.apply([nodes.d(['1']), nodes.d(['2']), nodes.d(['3'])])).toMatchObject({ deleted: 3, refused: 0 });
      expect(await bed.rows('SELECT * FROM nodes')).toEqual([[4, 4]]);
    });

    it('turns a child over to a new parent who takes the unique value of the old one', async () => {
      await using bed = await open(`
        CREATE TABLE firms (id int PRIMARY KEY, code text NOT NULL UNIQUE);
        CREATE TABLE contacts (id int PRIMARY KEY, firm int NOT NULL REFERENCES firms)`);
      const firms = bed.writes.table('firms', ['id', 'code']);
      const contacts = bed.writes.table('contacts', ['id', 'firm']);
      await bed.apply([firms.c(['1', 'acme']), contacts.c(['1', '1'])]);
      expect(await bed.apply([firms.u(['1', 'old']), firms.c(['2', 'acme']), contacts.u(['1', '2']), firms.d(['1'])])).toMatchObject({
        inserted: 1,
        updated: 1,
        deleted: 1,
        refused: 0,
      });
      expect(await bed.rows('SELECT c.*, f.code FROM contacts c JOIN firms f ON f.id = c.firm')).toEqual([[1, 2, 'acme']]);
      // The same beside a row that makes bisection necessary.
      const around = [firms.u(['2', 'old']), firms.c(['3', 'acme'], ['9', null]), contacts.u(['1', '3']), firms.d(['2'])];
      expect(await bed.apply(around)).toMatchObject({ inserted: 1, updated: 1, deleted: 1, refused: 1 });
      expect(await bed.rows('SELECT * FROM firms')).toEqual([[3, 'acme']]);
    });
  });

  describe('unique values', () => {
    const swap = async (bed: LoadBed, columns: string[] = ['id', 'email']) => {
      const t = bed.writes.table('t', columns);
      const rest = columns.slice(2).map(() => 'f');
      await bed.apply([t.c(['1', 'a', ...rest], ['2', 'b', ...rest], ['3', 'c', ...rest])]);
      return bed.apply([t.u(['1', 'tmp', ...rest], ['2', 'a', ...rest], ['1', 'b', ...rest])]);
    };

    it('takes over the value of a deleted row, and of one that gave it up', async () => {
      await using bed = await open(`CREATE TABLE t (id int PRIMARY KEY, email text NOT NULL UNIQUE)`);
      const t = bed.writes.table('t', ['id', 'email']);
      await bed.apply([t.c(['1', 'a'], ['2', 'b'])]);
      expect(await bed.apply([t.d(['1']), t.u(['2', 'c']), t.c(['3', 'a'], ['4', 'b'])])).toMatchObject({ refused: 0 });
      expect(await bed.rows('SELECT * FROM t ORDER BY id')).toEqual([
        [2, 'c'],
        [3, 'a'],
        [4, 'b'],
      ]);
    });

    it('exchanges values that may be null', async () => {
      await using bed = await open(`CREATE TABLE t (id int PRIMARY KEY, email text UNIQUE)`);
      expect(await swap(bed)).toMatchObject({ updated: 2, refused: 0 });
      expect(await bed.rows('SELECT * FROM t ORDER BY id')).toEqual([
        [1, 'b'],
        [2, 'a'],
        [3, 'c'],
      ]);
    });

    it.each([
      ['text', 'a', 'b', ', UNIQUE (v)'],
      ['varchar(2)', 'a', 'b', ', UNIQUE (v)'],
      ['char(3)', 'a  ', 'b  ', ', UNIQUE (v)'],
      ['smallint', '-5', '32000', ', UNIQUE (v)'],
      ['bigint', '9223372036854775', '-9223372036854775808', ', UNIQUE (v)'],
      ['uuid', '11111111-1111-1111-1111-111111111111', '22222222-2222-2222-2222-222222222222', ', UNIQUE (v)'],
      ['text', 'a', 'B', '); CREATE UNIQUE INDEX ON t (lower(v)'],
      ['text', 'a', 'b', '); CREATE DOMAIN code AS text; ALTER TABLE t ALTER v TYPE code; CREATE UNIQUE INDEX ON t (v'],
    ])('exchanges values of %s that may not be null (%s, %s%s)', async (type, a, b, unique) => {
      await using bed = await open(`CREATE TABLE t (id int PRIMARY KEY, name text, v ${type} NOT NULL${unique})`);
      const t = bed.writes.table('t', ['id', 'name', 'v']);
      await bed.apply([t.c(['1', 'x', a], ['2', 'x', b])]);
      const more = type.endsWith('int') ? [t.c(['3', 'x', '32001'], ['4', 'x', '-6'])] : [];
      expect(await bed.apply([t.u(['1', 'x', b], ['2', 'x', a]), ...more])).toMatchObject({ updated: 2, refused: 0 });
      expect(await bed.rows('SELECT v::text FROM t ORDER BY id LIMIT 2')).toEqual([[b.trim()], [a.trim()]]);
    });

    it('exchanges values of rows between which nulls are equal', async () => {
      if (major < 15) return;
      await using bed = await open(`CREATE TABLE t (id int PRIMARY KEY, email text, UNIQUE NULLS NOT DISTINCT (email))`);
      expect(await swap(bed)).toMatchObject({ updated: 2, refused: 0 });
    });

    it('leaves no row with a value that it was given in between, when a trigger keeps the right one out', async () => {
      await using bed = await open(`CREATE TABLE t (id int PRIMARY KEY, email text NOT NULL UNIQUE);
        CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.id = 1 AND NEW.email = 'b' THEN RETURN NULL; END IF; RETURN NEW; END $$;
        CREATE TRIGGER guard BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION guard()`);
      expect(await swap(bed)).toMatchObject({ updated: 0, refused: 2 });
      expect(await bed.openRefusals()).toMatchObject([
        { key: { id: '1' }, reason: 'ROW_SKIPPED' },
        { key: { id: '2' }, sqlstate: '23505' },
      ]);
      expect(await bed.rows('SELECT * FROM t ORDER BY id')).toEqual([
        [1, 'a'],
        [2, 'b'],
        [3, 'c'],
      ]);
    });

    it('exchanges values under a deferrable constraint', async () => {
      await using bed = await open(`CREATE TABLE t (id int PRIMARY KEY, email text NOT NULL UNIQUE DEFERRABLE)`);
      expect(await swap(bed)).toMatchObject({ updated: 2, refused: 0 });
    });

    it.each([
      ['NOT deleted', 'boolean NOT NULL'],
      ['deleted = false', 'boolean NOT NULL'],
    ])('exchanges values of a partial index on %s', async (condition, type) => {
      await using bed = await open(
        `CREATE TABLE t (id int PRIMARY KEY, email text NOT NULL, deleted ${type}); CREATE UNIQUE INDEX ON t (lower(email)) WHERE ${condition}`,
      );
      expect(await swap(bed, ['id', 'email', 'deleted'])).toMatchObject({ updated: 2, refused: 0 });
      expect(await bed.rows('SELECT * FROM t ORDER BY id')).toEqual([
        [1, 'b', false],
        [2, 'a', false],
        [3, 'c', false],
      ]);
    });

    it('exchanges values of a partial index on a time of deletion', async () => {
      await using bed = await open(`
        CREATE TABLE t (id int PRIMARY KEY, email text NOT NULL, deleted_at timestamptz); CREATE UNIQUE INDEX ON t (email) WHERE deleted_at IS NULL`);
      const t = bed.writes.table('t', ['id', 'email', 'deleted_at']);
      await bed.apply([t.c(['1', 'a', null], ['2', 'b', null])]);
      expect(await bed.apply([t.u(['1', 'b', null], ['2', 'a', null])])).toMatchObject({ refused: 0 });
      expect(await bed.rows('SELECT * FROM t ORDER BY id')).toEqual([
        [1, 'b', null],
        [2, 'a', null],
      ]);
    });

    it('refuses an exchange that the target gives no way to make, and says why', async () => {
      await using bed = await open(`CREATE TABLE t (id int PRIMARY KEY, email text NOT NULL UNIQUE CHECK (length(email) = 1))`);
      expect(await swap(bed)).toMatchObject({ updated: 0, refused: 2 });
      const refusals = await bed.openRefusals();
      expect(refusals).toMatchObject([
        { key: { id: '1' }, wanted: { email: 'b' }, stands: { id: '1', email: 'a' }, sqlstate: '23505', constraint_name: 't_email_key' },
        { key: { id: '2' }, wanted: { email: 'a' }, stands: { id: '2', email: 'b' } },
      ]);
      expect(refusals[0]?.reason).toBe(
        'duplicate key value violates unique constraint "t_email_key"; rows exchange its values: make it a constraint that is DEFERRABLE',
      );
      // One of the two leaves the circle: both get in.
      const t = bed.writes.table('t', ['id', 'email']);
      expect(await bed.apply([t.u(['1', 'x'])])).toMatchObject({ updated: 2, released: 2 });
      expect(await bed.rows('SELECT * FROM t ORDER BY id')).toEqual([
        [1, 'x'],
        [2, 'a'],
        [3, 'c'],
      ]);
    });

    it('does not set a value aside that children refer to', async () => {
      await using bed = await open(`
        CREATE TABLE t (id int PRIMARY KEY, email text UNIQUE);
        CREATE TABLE logins (id int PRIMARY KEY, email text REFERENCES t (email) ON UPDATE CASCADE)`);
      await bed.sql.query(
        `BEGIN; INSERT INTO t VALUES (5, 'z'); INSERT INTO logins VALUES (1, 'z'); DELETE FROM logins; DELETE FROM t; COMMIT`,
      );
      expect(await swap(bed)).toMatchObject({ updated: 0, refused: 2 });
    });

    it('follows a generated column and an expression', async () => {
      await using bed = await open(`
        CREATE TABLE t (id int PRIMARY KEY, first text, last text, whole text GENERATED ALWAYS AS (first || ' ' || last) STORED UNIQUE);
        CREATE UNIQUE INDEX ON t (lower(first), (coalesce(last, '')))`);
      const t = bed.writes.table('t', ['id', 'first', 'last']);
      await bed.apply([t.c(['1', 'Ada', 'L'], ['2', 'Alan', 'T'])]);
      expect(await bed.apply([t.u(['1', 'Kurt', 'G'], ['2', 'ada', 'L']), t.c(['3', 'Alan', 'T'])])).toMatchObject({ refused: 0 });
      expect(await bed.rows('SELECT id, whole FROM t ORDER BY id')).toEqual([
        [1, 'Kurt G'],
        [2, 'ada L'],
        [3, 'Alan T'],
      ]);
    });

    it('shifts positions, each taking the one its neighbour leaves', async () => {
      await using bed = await open(`CREATE TABLE t (id int PRIMARY KEY, position int NOT NULL UNIQUE)`);
      const t = bed.writes.table('t', ['id', 'position']);
      const ids = Array.from({ length: 300 }, (_, index) => index + 1);
      await bed.apply([t.c(...ids.map((id) => [String(id), String(id)]))]);
      expect(await bed.apply([t.u(...ids.map((id) => [String(id), String(id + 1)]))])).toMatchObject({ updated: 300, refused: 0 });
    });
  });

  it('waits with deferred constraints until the batch is through, and refuses what they refuse', async () => {
    await using bed = await open(`
      CREATE TABLE parents (id int PRIMARY KEY);
      CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents DEFERRABLE INITIALLY DEFERRED)`);
    const parents = bed.writes.table('parents', ['id']);
    const children = bed.writes.table('children', ['id', 'parent']);
    expect(await bed.apply([children.c(['1', '1'], ['2', '2']), parents.c(['1'])])).toMatchObject({ inserted: 2, refused: 1 });
    expect(await bed.openRefusals()).toMatchObject([{ table_name: 'children', key: { id: '2' }, sqlstate: '23503' }]);
  });

  it('empties tables in the middle of a batch, whoever refers to them', async () => {
    await using bed = await open(`
      CREATE TABLE firms (id int PRIMARY KEY); CREATE TABLE contacts (id int PRIMARY KEY, firm int REFERENCES firms);
      CREATE TABLE theirs (id int PRIMARY KEY, firm int REFERENCES firms)`);
    const firms = bed.writes.table('firms', ['id']);
    const contacts = bed.writes.table('contacts', ['id', 'firm']);
    await bed.apply([firms.c(['1'], ['2']), contacts.c(['1', '1'])]);
    await bed.apply([contacts.c(['2', '2'])], [firms.t(), contacts.t(), firms.c(['2'])], [contacts.c(['3', '2'])]);
    expect(await bed.rows('SELECT * FROM firms')).toEqual([[2]]);
    expect(await bed.rows('SELECT * FROM contacts')).toEqual([[3, 2]]);
  });
});
