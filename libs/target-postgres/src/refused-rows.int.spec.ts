import type { Frame } from '@changeover/events';

import { LoadBed } from './test/load-bed.js';

const FIRMS = `
  CREATE TABLE firms (id int PRIMARY KEY, code text NOT NULL UNIQUE, size int CHECK (size > 0));
  CREATE TABLE contacts (id int PRIMARY KEY, firm int NOT NULL REFERENCES firms, born date);
  CREATE TABLE calls (id int PRIMARY KEY, contact int NOT NULL REFERENCES contacts)`;

function tablesOf(bed: LoadBed) {
  return {
    firms: bed.writes.table('firms', ['id', 'code', 'size']),
    contacts: bed.writes.table('contacts', ['id', 'firm', 'born']),
    calls: bed.writes.table('calls', ['id', 'contact']),
  };
}

describe('refused rows', () => {
  it('may be deletes of rows without a key, and go when the target lets them', async () => {
    await using bed = await LoadBed.open(`CREATE TABLE bag (a int, b text);
      CREATE FUNCTION stay() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF old.b = 'stays' THEN RAISE EXCEPTION 'no'; END IF; RETURN old; END $$;
      CREATE TRIGGER stay BEFORE DELETE ON bag FOR EACH ROW EXECUTE FUNCTION stay()`);
    const bag = bed.writes.table('bag', ['a', 'b'], { keys: 0, identity: 'full' });
    await bed.apply([bag.c(['1', 'stays'], ['2', 'x'])]);
    expect(await bed.apply([bag.d(['1', 'stays'], ['2', 'x'])])).toMatchObject({ deleted: 1, refused: 1 });
    expect(await bed.openRefusals()).toMatchObject([{ key: null, wanted: null, stands: { a: '1', b: 'stays' } }]);
    await bed.sql.query('DROP TRIGGER stay ON bag');
    expect(await bed.apply([bag.c(['3', 'y'])])).toMatchObject({ inserted: 1, released: 1 });
    expect(await bed.rows('SELECT * FROM bag')).toEqual([[3, 'y']]);
    expect(await bed.openRefusals()).toEqual([]);
  });

  it('stand beside the rest of the batch, with what was wanted and what stands', async () => {
    await using bed = await LoadBed.open(FIRMS);
    const { firms } = tablesOf(bed);
    await bed.apply([firms.c(['1', 'a', '1'], ['2', 'b', '2'])]);
    const report = await bed.apply([firms.u(['1', 'a2', '-1'], ['2', 'b2', undefined]), firms.c(['3', 'c', 'many'], ['4', 'd', '4'])]);
    expect(report).toEqual({ inserted: 1, updated: 1, deleted: 0, refused: 2, released: 0 });
    expect(await bed.rows('SELECT * FROM firms ORDER BY id')).toEqual([
      [1, 'a', 1],
      [2, 'b2', 2],
      [4, 'd', 4],
    ]);
    const refusals = await bed.openRefusals();
    expect(refusals).toHaveLength(2);
    expect(refusals).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ key: { id: '3' }, wanted: { id: '3', code: 'c', size: 'many' }, stands: null, sqlstate: '22P02' }),
        expect.objectContaining({
          key: { id: '1' },
          wanted: { id: '1', code: 'a2', size: '-1' },
          stands: { id: '1', code: 'a', size: '1' },
          sqlstate: '23514',
          constraint_name: 'firms_size_check',
          from_seq: '2',
        }),
      ]),
    );
    // No value of the row in the reason, although the server quotes it.
    expect(JSON.stringify(refusals.map(({ reason }) => reason))).not.toContain('many');
  });

  it('get in once they are corrected, also bit by bit, and are closed, not deleted', async () => {
    await using bed = await LoadBed.open(FIRMS);
    const { firms } = tablesOf(bed);
    await bed.apply([firms.c(['1', 'a', '-1'])]);
    expect(await bed.apply([firms.u(['1', 'b', undefined])])).toMatchObject({ refused: 0, released: 0 });
    expect(await bed.openRefusals()).toMatchObject([{ wanted: { id: '1', code: 'b', size: '-1' } }]);
    expect(await bed.apply([firms.u(['1', undefined, '5'])])).toMatchObject({ inserted: 1, released: 1 });
    expect(await bed.rows('SELECT * FROM firms')).toEqual([[1, 'b', 5]]);
    // What was wanted in between stays known as well.
    expect(await bed.rows(`SELECT from_seq, version_seq, to_seq, wanted ->> 'code' FROM changeover.refused ORDER BY version_seq`)).toEqual([
      ['1', '1', '2', 'a'],
      ['1', '2', '3', 'b'],
    ]);
  });

  it('follow their row through a change of key, and go with it', async () => {
    await using bed = await LoadBed.open(FIRMS);
    const { firms } = tablesOf(bed);
    await bed.apply([firms.c(['1', 'a', '1'], ['2', 'b', '2'])]);
    await bed.apply([firms.u(['1', 'a', '-1'])]);
    await bed.apply([firms.move([['1'], ['9', 'a', undefined]])]);
    expect(await bed.openRefusals()).toMatchObject([{ key: { id: '9' }, wanted: { id: '9', size: '-1' }, stands: { id: '1' } }]);
    expect(await bed.apply([firms.u(['9', 'a', '3'])])).toMatchObject({ updated: 1, released: 1 });
    expect(await bed.rows('SELECT * FROM firms ORDER BY id')).toEqual([
      [2, 'b', 2],
      [9, 'a', 3],
    ]);
    await bed.apply([firms.u(['9', 'a', '-3'])]);
    expect(await bed.apply([firms.d(['9'])])).toMatchObject({ deleted: 1, released: 1 });
    await bed.apply([firms.c(['5', 'e', '-5'])]);
    expect(await bed.apply([firms.d(['5'])])).toMatchObject({ deleted: 0, released: 1 });
    expect(await bed.rows('SELECT * FROM firms')).toEqual([[2, 'b', 2]]);
    expect(await bed.openRefusals()).toEqual([]);
  });

  it('are known by their key whatever the order of its columns, however often they were tried', async () => {
    await using bed = await LoadBed.open(
      'CREATE TABLE t (z int, a int, note text CHECK (length(note) < 3), PRIMARY KEY (z, a)); CREATE TABLE u (id int PRIMARY KEY)',
    );
    const t = bed.writes.table('t', ['z', 'a', 'note'], { keys: 2 });
    await bed.apply([t.c(['1', '2', 'long'], ['2', '1', 'long'])]);
    // Tried again, and refused for another reason.
    await bed.sql.query(`ALTER TABLE t ADD CONSTRAINT later CHECK (note <> 'long'); ALTER TABLE t DROP CONSTRAINT t_note_check`);
    await bed.apply([t.c(['3', '3', 'ok'])]);
    expect(await bed.openRefusals()).toMatchObject([{ constraint_name: 'later' }, { constraint_name: 'later' }]);
    expect(await bed.apply([t.u(['1', '2', 'x'])])).toMatchObject({ inserted: 1, released: 1 });
    expect(await bed.apply([t.d(['2', '1'])])).toMatchObject({ deleted: 0, released: 1 });
    expect(await bed.rows('SELECT * FROM t ORDER BY z')).toEqual([
      [1, 2, 'x'],
      [3, 3, 'ok'],
    ]);
  });

  it('hold all of a row that exchanged its key, of which the other half got in', async () => {
    await using bed = await LoadBed.open('CREATE TABLE t (id int PRIMARY KEY, name text, big text CHECK (id <> 2 OR name <> $$one$$))');
    const t = bed.writes.table('t', ['id', 'name', 'big']);
    await bed.apply([t.c(['1', 'one', 'big one'], ['2', 'two', 'big two'])]);
    const swap = [t.move([['1'], ['-1', 'one', undefined]], [['2'], ['1', 'two', undefined]], [['-1'], ['2', 'one', undefined]])];
    expect(await bed.apply(swap)).toMatchObject({ updated: 1, refused: 1 });
    expect(await bed.openRefusals()).toMatchObject([
      { wanted: { id: '2', name: 'one', big: 'big one' }, stands: { id: '2', name: 'two' } },
    ]);
    expect(await bed.apply([t.u(['2', 'uno', undefined])])).toMatchObject({ released: 1 });
    expect(await bed.rows('SELECT * FROM t ORDER BY id')).toEqual([
      [1, 'two', 'big two'],
      [2, 'uno', 'big one'],
    ]);
  });

  it('keep what they stand on, which a cascade of the target would take along with them and others', async () => {
    await using bed = await LoadBed.open(`CREATE TABLE firms (id int PRIMARY KEY);
      CREATE TABLE contacts (id int PRIMARY KEY, firm int NOT NULL REFERENCES firms ON DELETE CASCADE, name text CHECK (name <> 'bad'), big text);
      CREATE TABLE calls (id int PRIMARY KEY, contact int NOT NULL REFERENCES contacts ON DELETE CASCADE)`);
    const firms = bed.writes.table('firms', ['id']);
    const contacts = bed.writes.table('contacts', ['id', 'firm', 'name', 'big']);
    const calls = bed.writes.table('calls', ['id', 'contact']);
    await bed.apply([firms.c(['1'], ['2']), contacts.c(['1', '1', 'a', 'big']), calls.c(['7', '1'])]);
    // It moves to firm 2, which the target does not see, and firm 1 goes.
    await bed.apply([contacts.u(['1', '2', 'bad', undefined])]);
    expect(await bed.apply([firms.d(['1'])])).toMatchObject({ deleted: 0, refused: 1 });
    expect(await bed.openRefusals()).toMatchObject([
      { key: { id: '1' }, wanted: { firm: '2', name: 'bad' }, stands: { firm: '1', name: 'a' } },
      { key: { id: '1' }, wanted: null, stands: { id: '1' }, reason: 'ROW_REFERENCED', constraint_name: 'contacts_firm_fkey' },
    ]);
    expect(await bed.apply([contacts.u(['1', '2', 'good', undefined])])).toMatchObject({ updated: 1, deleted: 1, released: 2 });
    expect(await bed.rows('SELECT * FROM contacts')).toEqual([[1, 2, 'good', 'big']]);
    expect(await bed.rows('SELECT * FROM calls')).toEqual([[7, 1]]);
    expect(await bed.rows('SELECT * FROM firms')).toEqual([[2]]);
  });

  it('take their children along, and let them in all at once, also after a restart', async () => {
    await using bed = await LoadBed.open(FIRMS);
    const { firms, contacts, calls } = tablesOf(bed);
    expect(await bed.apply([firms.c(['1', 'a', '-1']), contacts.c(['1', '1', null])], [calls.c(['1', '1'])])).toMatchObject({
      inserted: 0,
      refused: 3,
    });
    bed.session = await bed.target.open();
    expect(await bed.apply([firms.u(['1', 'a', '1'])])).toMatchObject({ inserted: 3, released: 3 });
    expect(await bed.rows('SELECT * FROM calls')).toEqual([[1, 1]]);
  });

  it('get in when the row in their way goes', async () => {
    await using bed = await LoadBed.open(FIRMS);
    const { firms } = tablesOf(bed);
    await bed.apply([firms.c(['1', 'a', '1'])]);
    await bed.sql.query(`INSERT INTO firms VALUES (100, 'theirs', 1)`);
    expect(await bed.apply([firms.c(['2', 'theirs', '2'])])).toMatchObject({ refused: 1 });
    expect(await bed.apply([firms.u(['1', 'a', '7'])])).toMatchObject({ released: 0, updated: 1 });
    await bed.sql.query('DELETE FROM firms WHERE id = 100');
    expect(await bed.apply([firms.u(['1', 'a', '8'])])).toMatchObject({ released: 1, inserted: 1, updated: 1 });
  });

  it('are deletes too: a parent that may not go goes with its last child', async () => {
    await using bed = await LoadBed.open(FIRMS);
    const { firms, contacts } = tablesOf(bed);
    await bed.apply([firms.c(['1', 'a', '1'], ['2', 'b', '1']), contacts.c(['1', '1', null])]);
    await bed.sql.query('INSERT INTO contacts VALUES (50, 2, null)');
    expect(await bed.apply([firms.d(['2'])])).toMatchObject({ refused: 1, deleted: 0 });
    expect(await bed.openRefusals()).toMatchObject([{ wanted: null, stands: { id: '2', code: 'b' }, sqlstate: '23503' }]);
    await bed.sql.query('DELETE FROM contacts WHERE id = 50');
    expect(await bed.apply([contacts.u(['1', '1', '2000-01-01'])])).toMatchObject({ released: 1, deleted: 1 });
    // The source makes it again while it still stands: an update, not a second row.
    await bed.apply([firms.c(['3', 'c', '1'])]);
    await bed.sql.query('INSERT INTO contacts VALUES (51, 3, null)');
    await bed.apply([firms.d(['3'])]);
    expect(await bed.apply([firms.c(['3', 'c2', '2'])])).toMatchObject({ released: 1, updated: 1 });
    expect(await bed.rows('SELECT * FROM firms WHERE id = 3')).toEqual([[3, 'c2', 2]]);
  });

  it('are rows that somebody else has deleted: ROW_MISSING', async () => {
    await using bed = await LoadBed.open(FIRMS);
    const { firms } = tablesOf(bed);
    await bed.apply([firms.c(['1', 'a', '1'], ['2', 'b', '2'])]);
    await bed.sql.query('DELETE FROM firms WHERE id = 1');
    expect(await bed.apply([firms.u(['1', 'x', '5'], ['2', 'y', '6'])])).toMatchObject({ updated: 1, refused: 1 });
    expect(await bed.openRefusals()).toMatchObject([{ key: { id: '1' }, stands: null, sqlstate: null, reason: 'ROW_MISSING' }]);
    expect(await bed.apply([firms.u(['1', undefined, '9'])])).toMatchObject({ updated: 0, refused: 0 });
    await bed.sql.query(`INSERT INTO firms VALUES (1, 'back', 1)`);
    expect(await bed.apply([firms.u(['2', 'y', '7'])])).toMatchObject({ released: 1 });
    expect(await bed.rows('SELECT * FROM firms ORDER BY id')).toEqual([
      [1, 'x', 9],
      [2, 'y', 7],
    ]);
    // To delete what is not there is fine.
    await bed.sql.query('DELETE FROM firms WHERE id = 2');
    expect(await bed.apply([firms.d(['2'])])).toMatchObject({ refused: 0 });
  });

  it('are looked for by the key that they were missed by, whatever key the source gives them meanwhile', async () => {
    await using bed = await LoadBed.open(FIRMS);
    const { firms } = tablesOf(bed);
    await bed.apply([firms.c(['1', 'a', '1'], ['2', 'b', '2'])]);
    await bed.sql.query(`DELETE FROM firms WHERE id = 1; INSERT INTO firms VALUES (8, 'not ours', 8)`);
    for (const again of [false, true]) {
      if (again) bed.session = await bed.target.open();
      await bed.apply([firms.u(['1', 'x', '5'])]);
      await bed.apply([firms.move([['1'], ['8', 'x', '5']])]);
      expect(await bed.openRefusals()).toMatchObject([{ key: { id: '8' }, stands: null, reason: 'ROW_MISSING' }]);
      await bed.apply([firms.u(['2', 'b', again ? '4' : '3'])]);
      await bed.apply([firms.move([['8'], ['1', 'x', '5']])]);
      expect(await bed.rows('SELECT code FROM firms WHERE id = 8')).toEqual([['not ours']]);
    }
    await bed.apply([firms.move([['1'], ['9', 'x', '5']])]);
    await bed.sql.query(`INSERT INTO firms VALUES (1, 'back', 1)`);
    expect(await bed.apply([firms.u(['2', 'b', '7'])])).toMatchObject({ released: 1 });
    expect(await bed.rows('SELECT * FROM firms ORDER BY id')).toEqual([
      [2, 'b', 7],
      [8, 'not ours', 8],
      [9, 'x', 5],
    ]);
  });

  it('never take the row that came under their old key, however it comes and whatever becomes of theirs', async () => {
    await using bed = await LoadBed.open('CREATE TABLE k (id numeric PRIMARY KEY, v text CHECK (v <> $$bad$$))');
    const k = bed.writes.table('k', ['id', 'v']);
    const rows = () => bed.rows('SELECT id, v FROM k ORDER BY id');
    await bed.apply([k.c(['1.0', 'a'], ['2', 'b'], ['3', 'c'], ['4', 'd'])]);
    await bed.sql.query('DELETE FROM k WHERE id < 4');
    expect(await bed.apply([k.move([['1.0'], ['19', 'a']], [['2'], ['20', 'b']], [['3'], ['21', 'bad']])])).toMatchObject({ refused: 3 });
    // One comes by itself, one moves there, one is refused at first.
    await bed.apply([k.c(['1', 'new'], ['3', 'bad'])], [k.move([['4'], ['2', 'd']])]);
    await bed.apply([k.u(['3', 'good'])]);
    await bed.apply([k.u(['1', 'newer'])]);
    const there = [
      ['1', 'newer'],
      ['2', 'd'],
      ['3', 'good'],
    ];
    expect(await rows()).toEqual(there);
    // The rows that are missed are told of further, and move back to where another one has been meanwhile.
    await bed.apply([k.d(['1']), k.move([['19'], ['1', 'a2']], [['20'], ['22', 'b2']])]);
    expect(await rows()).toEqual(there.slice(1));
    expect((await bed.openRefusals()).map(({ key, stands, reason }) => [key, stands, reason])).toEqual([
      [{ id: '1' }, null, 'ROW_MISSING'],
      [{ id: '22' }, null, 'ROW_MISSING'],
      [{ id: '21' }, null, 'ROW_MISSING'],
    ]);
    await bed.apply([k.d(['1'], ['22'], ['21'])]);
    expect([await rows(), await bed.openRefusals()]).toEqual([there.slice(1), []]);
  });

  it('never take the row that came where theirs stood until somebody deleted it', async () => {
    await using bed = await LoadBed.open(FIRMS);
    const { firms, contacts } = tablesOf(bed);
    await bed.apply([firms.c(['1', 'a', '1'], ['2', 'b', '2'], ['3', 'c', '3'])]);
    await bed.sql.query('INSERT INTO contacts VALUES (50, 2, null)');
    expect(await bed.apply([firms.move([['1'], ['9', 'a', '-1']]), firms.d(['2'])])).toMatchObject({ refused: 2 });
    await bed.sql.query('DELETE FROM contacts; DELETE FROM firms WHERE id < 3');
    await bed.apply([firms.c(['1', 'new', '1']), firms.move([['3'], ['2', 'c', '3']])]);
    await bed.apply([firms.u(['9', 'a', '5'])]);
    await bed.apply([contacts.c(['1', '1', null], ['2', '2', null])]);
    expect(await bed.rows('SELECT * FROM firms ORDER BY id')).toEqual([
      [1, 'new', 1],
      [2, 'c', 3],
    ]);
    expect(await bed.openRefusals()).toMatchObject([{ key: { id: '9' }, wanted: { size: '5' }, stands: null, reason: 'ROW_MISSING' }]);
  });

  it('are missing for the whole batch, whoever else comes under their key in it', async () => {
    await using bed = await LoadBed.open('CREATE TABLE k (id int PRIMARY KEY, v text CHECK (v <> $$bad$$))');
    const k = bed.writes.table('k', ['id', 'v']);
    await bed.apply([k.c(['1', 'a'], ['2', 'b'], ['3', 'c'], ['4', 'd'])]);
    await bed.sql.query('DELETE FROM k WHERE id IN (1, 2)');
    const report = await bed.apply([
      k.move([['1'], ['19', 'a']]),
      k.d(['2']),
      k.c(['1', 'new'], ['30', 'bad']),
      k.move([['3'], ['2', 'c']], [['4'], ['40', 'bad']]),
    ]);
    expect(report).toMatchObject({ refused: 3 });
    expect(await bed.rows('SELECT * FROM k ORDER BY id')).toEqual([
      [1, 'new'],
      [2, 'c'],
      [4, 'd'],
    ]);
    expect((await bed.openRefusals()).map(({ key, stands }) => [key, stands])).toEqual(
      expect.arrayContaining([
        [{ id: '19' }, null],
        [{ id: '30' }, null],
        [{ id: '40' }, { id: '4', v: 'd' }],
      ]),
    );
  });

  it('do not lend their place to a row that exchanges its key with them', async () => {
    await using bed = await LoadBed.open('CREATE TABLE k (id int PRIMARY KEY, v text, big text)');
    const k = bed.writes.table('k', ['id', 'v', 'big']);
    await bed.apply([k.c(['1', 'a', 'big a'], ['2', 'b', 'big b'])]);
    await bed.sql.query('DELETE FROM k WHERE id = 1');
    await bed.apply([k.move([['1'], ['-1', 'a', undefined]], [['2'], ['1', 'b', undefined]], [['-1'], ['2', 'a', undefined]])]);
    expect(await bed.rows('SELECT * FROM k')).toEqual([[1, 'b', 'big b']]);
    expect(await bed.openRefusals()).toMatchObject([{ key: { id: '2' }, stands: null, reason: 'ROW_MISSING' }]);
  });

  it('are what triggers raise, and what they leave out without a word', async () => {
    await using bed = await LoadBed.open(`CREATE TABLE t (id int PRIMARY KEY, name text);
      CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF TG_OP = 'DELETE' THEN RETURN NULL; END IF;
          IF NEW.name = 'no' THEN RAISE EXCEPTION 'not this one'; END IF;
          IF NEW.name = 'hush' THEN RETURN NULL; END IF;
          IF NEW.name = 'broken' THEN PERFORM * FROM nowhere; END IF;
          RETURN NEW;
        END $$;
      CREATE TRIGGER guard BEFORE INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION guard()`);
    const t = bed.writes.table('t', ['id', 'name']);
    const report = await bed.apply([t.c(['1', 'a'], ['2', 'no'], ['3', 'hush'], ['4', 'broken'], ['5', 'e'])]);
    expect(report).toMatchObject({ inserted: 2, refused: 3 });
    expect((await bed.openRefusals()).map(({ key, sqlstate, reason }) => [key, sqlstate, reason])).toEqual(
      expect.arrayContaining([
        [{ id: '2' }, 'P0001', 'not this one'],
        [{ id: '3' }, null, 'ROW_SKIPPED'],
        [{ id: '4' }, '42P01', 'relation "nowhere" does not exist'],
      ]),
    );
    expect(await bed.apply([t.u(['1', 'hush'])])).toMatchObject({ updated: 0, refused: 1 });
    expect((await bed.openRefusals()).at(-1)).toMatchObject({ key: { id: '1' }, reason: 'ROW_SKIPPED', stands: { name: 'a' } });
    expect(await bed.apply([t.u(['1', 'b'])])).toMatchObject({ updated: 1, released: 1 });
    expect(await bed.apply([t.d(['1'])])).toMatchObject({ deleted: 0, refused: 1 });
  });

  it('are rows that an exclusion constraint keeps out', async () => {
    await using bed = await LoadBed.open(`CREATE TABLE t (id int PRIMARY KEY, during int4range, EXCLUDE USING gist (during WITH &&))`);
    const t = bed.writes.table('t', ['id', 'during']);
    expect(await bed.apply([t.c(['1', '[1,5)'], ['2', '[4,9)'], ['3', '[9,10)'])])).toMatchObject({ inserted: 2, refused: 1 });
    expect(await bed.apply([t.u(['1', '[1,2)'])])).toMatchObject({ released: 1 });
  });

  it('are closed when their table is emptied', async () => {
    await using bed = await LoadBed.open(FIRMS);
    const { firms } = tablesOf(bed);
    await bed.apply([firms.c(['1', 'a', '-1'])]);
    expect(await bed.apply([firms.t()])).toMatchObject({ released: 1 });
    expect(await bed.openRefusals()).toEqual([]);
  });

  it('stop the load when there are more than a hundred in a batch, and nothing of it is written', async () => {
    await using bed = await LoadBed.open(FIRMS);
    const { firms } = tablesOf(bed);
    const rows = (count: number, size: string) =>
      Array.from({ length: count }, (_, index) => [String(1000 + index), `c${String(index)}`, size]);
    await expect(bed.apply([firms.c(['1', 'fine', '1'], ...rows(101, '-77'))])).rejects.toMatchObject({
      code: 'TARGET_REFUSES',
      message: 'the target refused 101 or more rows of one batch: 101 × public.firms: SQLSTATE 23514 (firms_size_check)',
    });
    expect(await bed.rows('SELECT count(*) FROM firms')).toEqual([['0']]);
    expect(await bed.openRefusals()).toEqual([]);
    expect(await bed.committedSeq()).toBe(0);
    expect(await bed.apply([firms.c(['1', 'fine', '1'], ...rows(100, '-77'))])).toMatchObject({ inserted: 1, refused: 100 });
  });

  it.each(['at once', 'staged'] as const)(
    'are all written down where any may be refused, and get in when they are mended (%s)',
    async (how) => {
      const count = 110;
      await using bed = await LoadBed.open(FIRMS);
      const { firms } = tablesOf(bed);
      const rows = (size: string) => Array.from({ length: count }, (_, index) => [String(1000 + index), `c${String(index)}`, size]);
      const load = async (...frames: readonly Frame[]): Promise<unknown> => {
        if (how === 'at once') {
          const { transactions, ...batch } = bed.batch(frames);
          const any = transactions.map((transaction) => ({ ...transaction, refusals: 'any' as const }));
          return bed.session.apply({ ...batch, transactions: any }, bed.writes.lookup);
        }
        for (const frame of frames) await bed.session.stage([frame], bed.writes.lookup);
        return bed.session.applyStaged(bed.progress(), 'any');
      };
      expect(await load(firms.c(['1', 'fine', '1']), firms.c(...rows('-77')))).toMatchObject({ inserted: 1, refused: count });
      expect(await bed.rows('SELECT id FROM firms')).toEqual([[1]]);
      expect(await bed.openRefusals()).toHaveLength(count);
      expect(await load(firms.u(...rows('7')))).toMatchObject({ refused: 0 });
      expect(await bed.rows('SELECT count(*), min(size) FROM firms')).toEqual([[String(count + 1), 1]]);
      expect(await bed.openRefusals()).toEqual([]);
    },
    180_000,
  );

  it('stop the load where a table that nobody loads refers to one that is emptied, and say which', async () => {
    await using bed = await LoadBed.open(`${FIRMS}; CREATE SCHEMA app; CREATE TABLE app.theirs (id int, firm int REFERENCES firms)`);
    const { firms } = tablesOf(bed);
    await bed.apply([firms.c(['1', 'secret', '1'])]);
    await bed.sql.query('INSERT INTO app.theirs VALUES (1, 1)');
    await expect(bed.apply([firms.t()])).rejects.toMatchObject({
      code: 'TARGET_REFUSES',
      message: 'the target refuses the batch as a whole: SQLSTATE 23503, app.theirs (theirs_firm_fkey)',
    });
  });

  it('calls the crash point when it begins to search', async () => {
    const points: string[] = [];
    await using bed = await LoadBed.open(FIRMS, { crashPoint: (name) => void points.push(name) });
    const { firms } = tablesOf(bed);
    await bed.apply([firms.c(['1', 'a', '-1'], ['2', 'b', '1'])]);
    expect(points).toEqual(['load.in-bisection', 'load.before-commit', 'load.in-commit', 'load.after-commit']);
  });
});

describe("the target's own cascades", () => {
  const SCHEMA = `CREATE TABLE firms (id int PRIMARY KEY, code text UNIQUE);
    CREATE TABLE contacts (id int PRIMARY KEY, firm int REFERENCES firms ON DELETE CASCADE, code text REFERENCES firms (code) ON UPDATE CASCADE ON DELETE SET NULL);
    CREATE TABLE theirs (id int PRIMARY KEY, firm int NOT NULL REFERENCES firms ON DELETE CASCADE)`;
  const open = async (ddl = SCHEMA) => {
    const bed = await LoadBed.open(ddl);
    const firms = bed.writes.table('firms', ['id', 'code']);
    const contacts = bed.writes.table('contacts', ['id', 'firm', 'code']);
    await bed.apply([firms.c(['1', 'a'], ['2', 'b']), contacts.c(['10', '1', null], ['11', null, 'b'])]);
    return { bed, firms, contacts };
  };
  const referenced = (constraint: string) => ({ reason: 'ROW_REFERENCED', constraint_name: constraint });

  it('take no row that the source, which knows no such foreign key, still has', async () => {
    const { bed: opened, firms, contacts } = await open();
    await using bed = opened;
    expect(await bed.apply([firms.d(['1'], ['2'])])).toMatchObject({ deleted: 0, refused: 2 });
    expect(await bed.openRefusals()).toMatchObject([
      { key: { id: '1' }, ...referenced('contacts_firm_fkey') },
      { key: { id: '2' }, ...referenced('contacts_code_fkey') },
    ]);
    expect(await bed.rows('SELECT * FROM contacts ORDER BY id')).toEqual([
      [10, 1, null],
      [11, null, 'b'],
    ]);
    expect(await bed.apply([contacts.d(['10']), contacts.u(['11', null, null])])).toMatchObject({ deleted: 3, updated: 1, released: 2 });
    expect(await bed.rows('SELECT * FROM firms')).toEqual([]);
  });

  it('take no row that comes while its parent goes', async () => {
    const { bed: opened, firms, contacts } = await open();
    await using bed = opened;
    expect(await bed.apply([contacts.d(['10']), firms.d(['1']), contacts.c(['12', '1', null])])).toMatchObject({ inserted: 1, refused: 1 });
    expect(await bed.openRefusals()).toMatchObject([{ key: { id: '1' }, ...referenced('contacts_firm_fkey') }]);
    expect(await bed.rows('SELECT id FROM contacts ORDER BY id')).toEqual([[11], [12]]);
  });

  it('change no row through a value that is not the key', async () => {
    const { bed: opened, firms, contacts } = await open();
    await using bed = opened;
    expect(await bed.apply([firms.u(['2', 'c'])])).toMatchObject({ updated: 0, refused: 1 });
    expect(await bed.openRefusals()).toMatchObject([{ key: { id: '2' }, ...referenced('contacts_code_fkey') }]);
    // What the source's own cascade does comes as a change of the child.
    expect(await bed.apply([contacts.u(['11', null, 'c'])])).toMatchObject({ updated: 2, released: 1 });
    expect(await bed.rows('SELECT code FROM contacts WHERE id = 11')).toEqual([['c']]);
  });

  it('take nothing along when their table is emptied: the load stops', async () => {
    const { bed: opened, firms, contacts } = await open();
    await using bed = opened;
    await expect(bed.apply([firms.t()])).rejects.toMatchObject({ code: 'TARGET_REFUSES', facts: { constraint: 'contacts_code_fkey' } });
    expect(await bed.rows('SELECT count(*)::int FROM contacts')).toEqual([[2]]);
    expect(await bed.apply([firms.t(), contacts.t()])).toMatchObject({ deleted: 4 });
  });

  it('take nothing along with rows that are found by all their columns', async () => {
    await using bed = await LoadBed.open(SCHEMA);
    const firms = bed.writes.table('firms', ['id', 'code'], { keys: 0, identity: 'full' });
    const contacts = bed.writes.table('contacts', ['id', 'firm', 'code']);
    await bed.apply([firms.c(['1', 'a']), contacts.c(['10', '1', null])]);
    expect(await bed.apply([firms.d(['1', 'a'])])).toMatchObject({ deleted: 0, refused: 1 });
    expect(await bed.rows('SELECT id FROM contacts')).toEqual([[10]]);
  });

  it('are left alone in tables that are the target’s own', async () => {
    const { bed: opened, firms, contacts } = await open();
    await using bed = opened;
    await bed.sql.query('INSERT INTO theirs VALUES (1, 1), (2, 2)');
    expect(await bed.apply([contacts.d(['10']), firms.d(['1'])])).toMatchObject({ deleted: 2, refused: 0 });
    expect(await bed.rows('SELECT id FROM theirs')).toEqual([[2]]);
  });
});

describe('tables without a key', () => {
  it('only grow, or are found by all their columns', async () => {
    await using bed = await LoadBed.open('CREATE TABLE log (at text, what char(5)); CREATE TABLE bag (a int, b text)');
    const log = bed.writes.table('log', ['at', 'what'], { keys: 0, identity: 'none' });
    const bag = bed.writes.table('bag', ['a', 'b'], { keys: 0, identity: 'full' });
    await bed.apply([log.c(['1', 'x'], ['1', 'x']), bag.c(['1', 'x'], ['1', 'x'], ['1', 'x'], ['2', null])]);
    expect(
      await bed.apply([
        bag.d(['1', 'x'], ['1', 'x']),
        bag.move([
          ['2', null],
          ['2', ''],
        ]),
      ]),
    ).toMatchObject({ deleted: 3, inserted: 1 });
    expect(await bed.rows('SELECT * FROM bag ORDER BY a')).toEqual([
      [1, 'x'],
      [2, ''],
    ]);
    expect(await bed.rows('SELECT count(*) FROM log')).toEqual([['2']]);
    // A refused row that is deleted at the source does not come back.
    await bed.sql.query('ALTER TABLE bag ADD CHECK (a < 10) NOT VALID');
    expect(await bed.apply([bag.c(['11', 'y'], ['12', 'z'])])).toMatchObject({ refused: 2 });
    expect(await bed.apply([bag.d(['11', 'y'])])).toMatchObject({ released: 1 });
    await bed.sql.query('ALTER TABLE bag DROP CONSTRAINT bag_a_check');
    expect(await bed.apply([bag.c(['5', 'w'])])).toMatchObject({ released: 1 });
    expect(await bed.rows('SELECT a FROM bag ORDER BY a')).toEqual([[1], [2], [5], [12]]);
  });
});
