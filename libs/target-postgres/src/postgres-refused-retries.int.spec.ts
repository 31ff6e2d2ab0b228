import type { ApplyReport, RefusedFilter } from '@changeover/events';

import { PostgresRefusedRetries } from './postgres-refused-retries.js';
import { LoadBed } from './test/load-bed.js';

/** Rows of `part` stand on a box, and a trigger refuses those that are broken. */
const TABLES = `CREATE TABLE box (id int PRIMARY KEY, label text CHECK (label <> 'bad'));
  CREATE TABLE part (id int PRIMARY KEY, box int NOT NULL REFERENCES box);
  CREATE FUNCTION whole() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF new.label LIKE 'broken%' THEN RAISE EXCEPTION 'no'; END IF; RETURN new; END $$;
  CREATE TRIGGER whole BEFORE INSERT OR UPDATE ON box FOR EACH ROW EXECUTE FUNCTION whole()`;

class RetryBed implements AsyncDisposable {
  readonly bed: LoadBed;
  readonly retries: PostgresRefusedRetries;
  #barriers = 0;

  constructor(bed: LoadBed) {
    this.bed = bed;
    this.retries = new PostgresRefusedRetries({ url: bed.database.url, migration: 'crm' });
  }

  /** Boxes 1 to 3 are refused by the trigger, box 4 by its check, and part 10, which stands on box 1. */
  static async open(): Promise<RetryBed> {
    const bed = await LoadBed.open(TABLES);
    const box = bed.writes.table('box', ['id', 'label']);
    const part = bed.writes.table('part', ['id', 'box']);
    await bed.apply([box.c(['1', 'broken 1'], ['2', 'broken 2'], ['3', 'broken 3'], ['4', 'bad'], ['5', 'good'])]);
    await bed.apply([part.c(['10', '1'])]);
    expect(await bed.openRefusals()).toHaveLength(5);
    return new RetryBed(bed);
  }

  /** A batch of a barrier alone. */
  async barrier(): Promise<ApplyReport> {
    const seq = ++this.bed.seq;
    const barriers = [{ token: `b${String(++this.#barriers)}`, seq }];
    return (await this.bed.session.apply(
      { transactions: [], progress: this.bed.progress(), barriers },
      this.bed.writes.lookup,
    )) as ApplyReport;
  }

  /** The trigger takes what it refused, or only this of it. */
  async mend(label = 'broken%'): Promise<void> {
    await this.bed.sql.query(
      `CREATE OR REPLACE FUNCTION whole() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         IF new.label LIKE 'broken%' AND new.label NOT LIKE '${label}' THEN RAISE EXCEPTION 'no'; END IF; RETURN new; END $$`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bed[Symbol.asyncDispose]();
  }
}

describe('refused rows that somebody asks for', () => {
  it('are tried with the next barrier, and with them what stands on them; nothing else, and nothing before', async () => {
    await using it = await RetryBed.open();
    const { retries, bed } = it;
    await it.mend('broken 1');
    // Each batch that writes rows would try rows of its table; one that writes none tries nothing.
    expect(await it.barrier()).toMatchObject({ inserted: 0, released: 0 });
    expect(await retries.ask('first', { table: 'public.box', key: ['1'] })).toBe(1);
    expect(await retries.outcome('first')).toEqual({ due: 1, released: 0, refused: [] });
    expect(await it.barrier()).toMatchObject({ inserted: 2, released: 2, refused: 0 });
    expect(await retries.outcome('first')).toEqual({ due: 0, released: 1, refused: [] });
    expect(await bed.rows('SELECT id FROM box UNION ALL SELECT id FROM part ORDER BY 1')).toEqual([[1], [5], [10]]);
    expect((await bed.openRefusals()).map(({ key }) => key)).toEqual([{ id: '2' }, { id: '3' }, { id: '4' }]);
  });

  it('are told when they are refused still, with the reason; to ask twice is to ask once, for who asked last', async () => {
    await using it = await RetryBed.open();
    const { retries } = it;
    expect(await retries.ask('first', {})).toBe(5);
    expect(await retries.ask('second', {})).toBe(5);
    expect(await retries.outcome('first')).toEqual({ due: 0, released: 0, refused: [] });
    expect(await it.barrier()).toMatchObject({ inserted: 0, refused: 0, released: 0 });
    expect(await retries.outcome('second')).toEqual({
      due: 0,
      released: 0,
      refused: [
        { table: 'public.box', reason: 'SQLSTATE P0001', rows: 3 },
        { table: 'public.box', reason: 'violates box_label_check', rows: 1 },
        { table: 'public.part', reason: 'violates part_box_fkey', rows: 1 },
      ],
    });
    await it.mend();
    // They were tried, and are not again until somebody asks.
    expect(await it.barrier()).toMatchObject({ inserted: 0, released: 0 });
    expect(await retries.ask('third', { reason: 'SQLSTATE P0001' })).toBe(3);
    expect(await it.barrier()).toMatchObject({ inserted: 4, released: 4 });
    expect(await retries.outcome('third')).toEqual({ due: 0, released: 3, refused: [] });
  });

  it('are never too much, however many are refused still', async () => {
    await using it = await RetryBed.open();
    const { retries, bed } = it;
    const box = bed.writes.table('box', ['id', 'label']);
    for (let first = 100; first < 1300; first += 80)
      await bed.apply([box.c(...Array.from({ length: 80 }, (_, n) => [String(first + n), `broken ${String(first + n)}`]))]);
    await it.mend('broken 1');
    const asked = await retries.ask('all', {});
    expect(asked).toBeGreaterThan(1200);
    for (let due = asked, barriers = 0; due > 0; { due } = await retries.outcome('all')) {
      expect(++barriers).toBeLessThan(5);
      await it.barrier();
    }
    expect(await retries.outcome('all')).toMatchObject({ due: 0, released: 2 });
  }, 180_000);

  it.each<[number, RefusedFilter]>([
    [4, { table: 'public.box' }],
    [0, { table: 'public.box', key: ['10'] }],
    [0, { table: 'other.box' }],
    [1, { table: 'public.part' }],
    [1, { reason: 'violates box_label_check' }],
    [0, { reason: 'bad' }],
  ])('are these %i of %j', async (rows, filter) => {
    await using it = await RetryBed.open();
    expect(await it.retries.ask('one', filter)).toBe(rows);
    expect((await it.retries.outcome('one')).due).toBe(rows);
  });

  it('are none of another migration, or where nothing was ever loaded', async () => {
    await using it = await RetryBed.open();
    const other = new PostgresRefusedRetries({ url: it.bed.database.url, migration: 'other' });
    expect([await other.ask('one', {}), await other.outcome('one')]).toEqual([0, { due: 0, released: 0, refused: [] }]);
    await it.bed.sql.query('DROP SCHEMA changeover CASCADE');
    expect([await it.retries.ask('one', {}), (await it.retries.outcome('one')).due]).toEqual([0, 0]);
  });
});
