import { PostgresTarget } from './index.js';
import { LoadBed } from './test/load-bed.js';
import type { TableRows } from './test/writes.js';

const CONTACTS = 'CREATE TABLE contacts (id int PRIMARY KEY, email text, name varchar(10))';

function contactsOf(bed: LoadBed): TableRows {
  return bed.writes.table('contacts', ['id:integer', 'email', 'name']);
}

describe('a batch', () => {
  it('writes its rows and progress together, and a new session goes on from there', async () => {
    await using bed = await LoadBed.open(CONTACTS);
    const contacts = contactsOf(bed);
    expect(bed.session.progress).toBeNull();
    const report = await bed.apply(
      [contacts.c(['1', 'a@x', 'A'], ['2', null, 'B\tb\\'])],
      [contacts.u(['1', 'a2@x', 'A']), contacts.c(['3', '', 'C'])],
      [contacts.d(['2'])],
    );
    expect(report).toEqual({ inserted: 2, updated: 0, deleted: 0, refused: 0, released: 0 });
    expect(await bed.apply([contacts.u(['1', null, undefined]), contacts.d(['3'])])).toMatchObject({ updated: 1, deleted: 1 });
    expect(await bed.rows('SELECT * FROM contacts ORDER BY id')).toEqual([[1, null, 'A']]);
    const next = await bed.target.open();
    expect(next.progress).toEqual(bed.progress());
  });

  it('with no rows moves progress alone', async () => {
    await using bed = await LoadBed.open(CONTACTS);
    bed.seq = 7;
    await bed.session.apply({ transactions: [], progress: bed.progress(), barriers: [{ token: 'b1', seq: 7 }] }, bed.writes.lookup);
    expect(await bed.committedSeq()).toBe(7);
    expect(await bed.rows('SELECT token, writes_seq FROM changeover.barrier')).toEqual([['b1', '7']]);
  });

  it('does not cut off what is too long for its column, but refuses the row', async () => {
    await using bed = await LoadBed.open(CONTACTS);
    const contacts = contactsOf(bed);
    const report = await bed.apply([contacts.c(['1', 'a', 'ok'], ['2', 'b', 'eleven chars'])]);
    expect(report).toMatchObject({ inserted: 1, refused: 1 });
    expect(await bed.openRefusals()).toMatchObject([
      {
        key: { id: '2' },
        wanted: { id: '2', email: 'b', name: 'eleven chars' },
        stands: null,
        sqlstate: '22001',
        reason: 'the value is too long for the column',
      },
    ]);
  });
});

describe('a look for a barrier', () => {
  it('finds the target back after its connection broke', async () => {
    await using bed = await LoadBed.open(CONTACTS);
    await bed.session.apply({ transactions: [], progress: bed.progress(1), barriers: [{ token: 'b1', seq: 1 }] }, bed.writes.lookup);
    const reached = { seq: 1, position: bed.progress(1).position, held: 0, waiting: 0, refused: 0 };
    expect(await bed.target.findBarrier('b1')).toEqual(reached);
    const ended = await bed.rows(
      `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name LIKE '?changeover-crm-load'`,
    );
    expect(ended).toEqual([[true]]);
    await expect(bed.target.findBarrier('b1')).rejects.toMatchObject({ code: 'TARGET_UNREACHABLE' });
    expect(await bed.target.findBarrier('b1')).toEqual(reached);
  });

  it('tells nothing of another migration', async () => {
    await using bed = await LoadBed.open(CONTACTS);
    await bed.session.apply({ transactions: [], progress: bed.progress(1), barriers: [{ token: 'b1', seq: 1 }] }, bed.writes.lookup);
    const other = new PostgresTarget({ url: bed.database.url, migration: 'other' });
    expect(await other.findBarrier('b1')).toBeNull();
    await other.stop();
  });
});
