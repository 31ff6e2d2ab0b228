import { RandomIdSource, SystemClock } from '@changeover/core';
import { HELD_TABLE, type Checkpoint, type Frame, type LoadProgress, type MoveOptions, type MoveReport } from '@changeover/events';
import { codeOfEnd } from '@changeover/testing';
import fc from 'fast-check';
import type pg from 'pg';

import { PostgresCheckpoints, PostgresTargetMoves } from '../index.js';
import { LoadBed } from '../test/load-bed.js';
import type { Row } from '../test/writes.js';
import { contents, openBoth, PAIRS, randomBatch, type Pair } from '../test/random-history.js';

const OPTIONS: MoveOptions = { changedRows: 'refuse', dryRun: false };

/** A batch that was applied, with the barrier that ended it. */
type Batch = { readonly transactions: readonly (readonly Frame[])[]; readonly progress: LoadProgress };

/** A target with all that was ever written to it, so that it can be taken anywhere. */
class MoveBed implements AsyncDisposable {
  readonly bed: LoadBed;
  readonly moves: PostgresTargetMoves;
  readonly checkpoints: PostgresCheckpoints;
  readonly batches: Batch[] = [];

  constructor(bed: LoadBed, maxBytes = 1024 * 1024) {
    const how = { url: bed.database.url, migration: 'crm' };
    this.bed = bed;
    this.moves = new PostgresTargetMoves({ ...how, clock: new SystemClock(), ids: new RandomIdSource(), maxBytes });
    this.checkpoints = new PostgresCheckpoints(how);
  }

  /** Each batch ends with a barrier. */
  async apply(...transactions: readonly (readonly Frame[])[]): Promise<void> {
    const batch = this.bed.batch(...transactions);
    const seq = ++this.bed.seq;
    const progress = this.bed.progress(seq);
    await this.bed.session.apply({ ...batch, progress, barriers: [{ token: `t${String(seq)}`, seq }] }, this.bed.writes.lookup);
    this.batches.push({ transactions, progress });
  }

  /** Behind the last batch, or the one of this number. */
  async checkpoint(name: string, batch = this.batches.length - 1): Promise<Checkpoint> {
    const { progress } = this.batches[batch] as Batch;
    const place = await this.checkpoints.placeOf(`t${String(progress.writes.seq)}`);
    if (place === null || place === 'passed') throw new Error('the barrier is at the target');
    const checkpoint: Checkpoint = { ...place, name, token: 't', made_ms: 0, mapping: 'm', digests: {}, read: false };
    await this.checkpoints.add(checkpoint);
    return checkpoint;
  }

  async moveTo(checkpoint: Checkpoint | null, options: Partial<MoveOptions> = {}): Promise<MoveReport> {
    const move = await this.moves.take();
    if (move === null) throw new Error('something was loaded');
    await using _move = move;
    const { progress, parked } = move.from;
    const to = checkpoint?.place ?? parked?.head ?? progress;
    const [first, last] = [progress.writes.seq, to.writes.seq].sort((a, b) => a - b) as [number, number];
    for (const { transactions, progress: at } of this.batches) {
      if (at.writes.seq <= first || at.writes.seq > last) continue;
      for (const frames of transactions) move.add({ seq: at.writes.seq, frames }, this.bed.writes.lookup);
    }
    return await (checkpoint === null ? move.toHead({ ...OPTIONS, ...options }) : move.to(checkpoint, { ...OPTIONS, ...options }));
  }

  async reopen(): Promise<void> {
    await this.bed.session[Symbol.asyncDispose]();
    this.bed.session = await this.bed.target.open();
  }

  /** All that there is of ours: rows, those held, those refused. */
  async everything(): Promise<unknown> {
    const refused = await this.bed.rows(
      `SELECT table_schema, table_name, key, key_text, wanted, stands, from_seq, version_seq FROM changeover.refused WHERE to_seq IS NULL ORDER BY 1, 2, 4, 7, 8`,
    );
    const held = await this.bed.rows('SELECT * FROM changeover.held ORDER BY 1, 2, 3');
    return { held, refused };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.checkpoints.stop();
    await this.moves.stop();
    await this.bed[Symbol.asyncDispose]();
  }
}

const RULES = { firms: `name <> 'x'`, people: `name <> '' AND email <> 'b@x'`, links: `note <> ''`, slots: `note <> 'x'` };

/** What there is beside the history: nothing, rules that the source does not have, or somebody who deletes rows of the target that the source touches then. */
type Beside = 'nothing' | 'rules' | 'somebody';

/** Rows to which none refers, and which stand instead of no others, go at the target, and are touched at the source. */
async function goAndAreTouched(sql: pg.Client, reference: pg.Client, below: (count: number) => number): Promise<void> {
  for (const [name, keys] of [
    ['links', ['a', 'b']],
    ['slots', ['id']],
  ] as const) {
    const stands = keys.map((key) => `stands ->> '${key}' = t.${key}::text`).join(' AND ');
    const { rows } = await sql.query<{ row: string }>(
      `DELETE FROM ${name} WHERE ctid IN (
         SELECT ctid FROM ${name} AS t WHERE NOT EXISTS (SELECT FROM changeover.refused WHERE to_seq IS NULL AND table_name = '${name}' AND ${stands})
         OFFSET ${String(below(6))} LIMIT 1) RETURNING to_jsonb(${name})::text AS row`,
    );
    for (const { row } of rows) {
      const isIt = `(${keys.join()}) = (SELECT ${keys.join()} FROM jsonb_populate_record(NULL::${name}, $1::jsonb))`;
      const { rowCount } = await reference.query(`UPDATE ${name} SET note = coalesce(note, '') || 'y' WHERE ${isIt}`, [row]);
      expect(rowCount).toBe(1);
    }
  }
}

/** Goes back and forth between the ends of random batches, in random order: everything is as it was there. Gives how many rows were refused, and how many of them missed. */
async function sameAtEachPlace(seed: number, pair: Pair, beside: Beside): Promise<{ readonly refused: number; readonly missed: number }> {
  const { bed, reference, history } = await openBoth(seed, pair, {}, 'in full');
  await using target = new MoveBed(bed);
  if (beside !== 'nothing')
    for (const [table, rule] of Object.entries(RULES)) await bed.sql.query(`ALTER TABLE ${table} ADD CONSTRAINT rule CHECK (${rule})`);
  const known: { readonly checkpoint: Checkpoint; readonly everything: unknown }[] = [];
  const everything = async (): Promise<unknown> => ({ ours: await target.everything(), tables: await contents(bed.sql) });
  const step = async (frames: readonly (readonly Frame[])[]): Promise<void> => {
    await target.apply(...frames);
    known.push({ checkpoint: await target.checkpoint(`c${String(known.length)}`), everything: await everything() });
  };
  const next = async (): Promise<(readonly Frame[])[]> => {
    if (beside === 'somebody') await goAndAreTouched(bed.sql, reference, (count) => history.below(count));
    const batch = await randomBatch(history);
    // A transaction that was rolled back has told nothing.
    while ((await reference.query('SELECT FROM told')).rowCount !== 0) batch.push(await history.transaction());
    return batch;
  };
  await step([await history.start()]);
  for (let batch = 0; batch < 10; batch++) await step(await next());
  for (let move = 0; move < 8; move++) {
    const at = history.below(known.length);
    const { checkpoint, everything: wanted } = known[at] as (typeof known)[number];
    await target.moveTo(checkpoint);
    expect({ at, found: await everything() }).toEqual({ at, found: wanted });
    if (history.below(3) > 0) continue;
    await target.moveTo(null);
    expect({ at: 'head', found: await everything() }).toEqual({ at: 'head', found: known.at(-1)?.everything });
    await target.reopen();
    await step(await next());
  }
  await target.moveTo(null);
  expect({ at: 'head', found: await everything() }).toEqual({ at: 'head', found: known.at(-1)?.everything });
  const counts = await bed.rows(`SELECT count(*)::int, (count(*) FILTER (WHERE reason = 'ROW_MISSING'))::int FROM changeover.refused`);
  const [refused, missed] = counts[0] as [number, number];
  return { refused, missed };
}

describe.each(Object.keys(PAIRS) as Pair[])('a target with a random history %s', (pair) => {
  it.each<Beside>(['nothing', 'rules', 'somebody'])(
    'is at each place what it was there, beside %s',
    async (beside) => {
      let [refused, missed] = [0, 0];
      const property = fc.asyncProperty(fc.integer(), async (seed) => {
        const counts = await sameAtEachPlace(seed, pair, beside);
        refused += counts.refused;
        missed += counts.missed;
      });
      await fc.assert(property, { numRuns: 4, endOnFailure: true });
      expect(refused > 4).toBe(beside !== 'nothing');
      expect(missed > 4).toBe(beside === 'somebody');
    },
    300_000,
  );
});

const PEOPLE = `CREATE TABLE people (id int PRIMARY KEY, name text, points numeric(6,2), note text DEFAULT 'ours alone')`;

/** Two people; then the first has another name, the second goes, and a third comes. */
async function openPeople(ddl = PEOPLE) {
  const bed = new MoveBed(await LoadBed.open(ddl));
  const people = bed.bed.writes.table('people', ['id', 'name', 'points'], { identity: 'full' });
  await bed.apply([people.c(['1', 'Ann', '1.5'], ['2', 'Bob', null])]);
  const start = await bed.checkpoint('start');
  await bed.apply([
    people.move([
      ['1', 'Ann', '1.5'],
      ['1', 'Anna', '2.0'],
    ]),
    people.d(['2', 'Bob', null]),
    people.c(['3', 'Cid', '7']),
  ]);
  return { bed, people, start, rows: () => bed.bed.rows('SELECT id, name, points, note FROM people ORDER BY 1') };
}

const AT_START = [
  [1, 'Ann', '1.50', 'ours alone'],
  [2, 'Bob', null, 'ours alone'],
];
const AT_HEAD = [
  [1, 'Anna', '2.00', 'ours alone'],
  [3, 'Cid', '7.00', 'ours alone'],
];

describe('a target that is taken to a checkpoint', () => {
  it('is parked there: load may not go on, and learns where it is', async () => {
    const { bed, people, start, rows } = await openPeople();
    await using _bed = bed;
    expect(await bed.moveTo(start)).toEqual({ inserted: 1, updated: 1, deleted: 1, held: 0, changed: 0, changedRows: [] });
    expect(await rows()).toEqual(AT_START);
    expect(await bed.checkpoints.whereabouts()).toMatchObject({
      progress: start.place,
      parked: { at: 'start', head: { writes: { seq: 4 } } },
    });
    const next = (): Promise<unknown> => bed.bed.session.apply(bed.bed.batch([people.c(['4', 'Dee', null])]), bed.bed.writes.lookup);
    await expect(next()).rejects.toMatchObject({ code: 'TARGET_MOVED' });
    await bed.reopen();
    expect(bed.bed.session.progress).toEqual(start.place);
    expect(await next()).toEqual({ held: { through: start.place.changes.seq } });
    await bed.reopen();
    // Whoever comes after that takes it over, as any.
    expect(await next()).toEqual({ held: { through: start.place.changes.seq } });
    expect(await bed.moveTo(null)).toMatchObject({ inserted: 1, updated: 1, deleted: 1 });
    expect(await rows()).toEqual(AT_HEAD);
    await expect(next()).rejects.toMatchObject({ code: 'TARGET_MOVED' });
    await bed.reopen();
    expect(await next()).toMatchObject({ inserted: 1 });
  });

  it('does not hold the barriers behind it any more', async () => {
    const { bed, start } = await openPeople();
    await using _bed = bed;
    await bed.moveTo(start);
    expect([await bed.bed.target.findBarrier('t2'), await bed.bed.target.findBarrier('t4')]).toMatchObject([{ seq: 2 }, null]);
    await bed.moveTo(null);
    expect(await bed.bed.target.findBarrier('t4')).toMatchObject({ seq: 4 });
  });

  it('is where it was after a dry run', async () => {
    const { bed, start, rows } = await openPeople();
    await using _bed = bed;
    expect(await bed.moveTo(start, { dryRun: true })).toMatchObject({ inserted: 1, updated: 1, deleted: 1 });
    expect(await rows()).toEqual(AT_HEAD);
    expect(await bed.checkpoints.whereabouts()).toMatchObject({ parked: null, progress: { writes: { seq: 4 } } });
    expect(await bed.bed.session.apply(bed.bed.batch(), bed.bed.writes.lookup)).toMatchObject({ inserted: 0 });
  });

  it.each(['in-rows', 'before-commit'] as const)('has lost nothing when that ends %s', async (where) => {
    const { bed, start, rows } = await openPeople();
    await using _bed = bed;
    const crashing = new PostgresTargetMoves({
      ...{ url: bed.bed.database.url, migration: 'crm', clock: new SystemClock(), ids: new RandomIdSource(), maxBytes: 1000 },
      crashPoint: (name) => {
        if (name === `move.${where}`) throw new Error('ends here');
      },
    });
    const move = await crashing.take();
    move?.add({ seq: 4, frames: bed.batches[1]?.transactions[0] ?? [] }, bed.bed.writes.lookup);
    await expect(move?.to(start, OPTIONS)).rejects.toThrow('ends here');
    await move?.[Symbol.asyncDispose]();
    await crashing.stop();
    expect(await rows()).toEqual(AT_HEAD);
    await bed.moveTo(start);
    expect(await rows()).toEqual(AT_START);
  });

  it('asks what is to become of rows that somebody else has changed', async () => {
    const { bed, start, rows } = await openPeople();
    await using _bed = bed;
    await bed.bed.sql.query(
      `UPDATE people SET points = 9 WHERE id = 1; DELETE FROM people WHERE id = 3; INSERT INTO people VALUES (2, 'Bea')`,
    );
    const theirs = await rows();
    const refused = await bed.moveTo(start).then(
      () => null,
      (error: unknown) => error as Error,
    );
    expect(refused).toMatchObject({ code: 'ROWS_CHANGED', facts: { rows: 3 } });
    expect(refused?.message).toContain('people (1): changed');
    expect(refused?.message).toContain('people (2): taken');
    expect(refused?.message).toContain('people (3): gone');
    expect(refused?.message).not.toContain('Bea');
    expect(await rows()).toEqual(theirs);
    expect(await bed.moveTo(start, { changedRows: 'keep' })).toMatchObject({ inserted: 0, updated: 0, deleted: 0, changed: 3 });
    expect(await rows()).toEqual(theirs);
    await bed.moveTo(null, { changedRows: 'overwrite' });
    expect(await rows()).toEqual(AT_HEAD);
    await bed.bed.sql.query(
      `UPDATE people SET name = 'Eve' WHERE id = 1; DELETE FROM people WHERE id = 3; INSERT INTO people VALUES (2, 'Bea')`,
    );
    expect(await bed.moveTo(start, { changedRows: 'overwrite' })).toMatchObject({ inserted: 0, updated: 2, deleted: 0, changed: 3 });
    expect(await rows()).toEqual(AT_START);
  });

  it.each([
    ['id numeric PRIMARY KEY', '1.00', '1', '2'],
    ['id text COLLATE ci PRIMARY KEY', 'a', 'A', 'b'],
    ['id char(3) PRIMARY KEY', 'a  ', 'a', 'b'],
  ])('takes rows that take over a key in other words for ours (%s)', async (key, first, same, other) => {
    const ddl = `CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false); CREATE TABLE k (${key}, v text)`;
    await using bed = new MoveBed(await LoadBed.open(ddl));
    const k = bed.bed.writes.table('k', ['id', 'v'], { identity: 'full' });
    const rows = () => bed.bed.rows('SELECT trim(id::text), v FROM k ORDER BY v');
    await bed.apply([k.c([first, 'a'], ['9', 'c'])]);
    const start = await bed.checkpoint('start');
    await bed.apply([
      k.move([
        [first, 'a'],
        [other, 'a'],
      ]),
      k.c([same, 'b']),
    ]);
    const moved = await bed.checkpoint('moved');
    await bed.apply([k.d([same, 'b'])], [k.c([first, 'd'])]);
    // Two rows that exchange a key that each spells in its own words.
    await bed.apply([
      k.move([
        [first, 'd'],
        ['7', 'd'],
      ]),
      k.move([
        [other, 'a'],
        [same, 'a'],
      ]),
      k.move([
        ['7', 'd'],
        [other, 'd'],
      ]),
    ]);
    const end = await rows();
    expect(end).toEqual([
      [same, 'a'],
      ['9', 'c'],
      [other, 'd'],
    ]);
    expect(await bed.bed.openRefusals()).toEqual([]);
    for (const [to, found] of [
      [
        moved,
        [
          [other, 'a'],
          [same, 'b'],
          ['9', 'c'],
        ],
      ],
      [
        start,
        [
          [first.trim(), 'a'],
          ['9', 'c'],
        ],
      ],
      [
        moved,
        [
          [other, 'a'],
          [same, 'b'],
          ['9', 'c'],
        ],
      ],
      [null, end],
      [
        start,
        [
          [first.trim(), 'a'],
          ['9', 'c'],
        ],
      ],
      [null, end],
    ] as const) {
      expect(await bed.moveTo(to)).toMatchObject({ changed: 0 });
      expect(await rows()).toEqual(found);
    }
    // Somebody's row under that key is still somebody's, in whatever words.
    await bed.moveTo(moved);
    await bed.bed.sql.query(`UPDATE k SET v = 'theirs' WHERE id = '${first}'`);
    expect(await codeOfEnd(bed.moveTo(start))).toBe('ROWS_CHANGED');
  });

  it('does not take another spelling, nor columns that are not ours, for a change', async () => {
    const { bed, start, rows } = await openPeople();
    await using _bed = bed;
    await bed.bed.sql.query(`UPDATE people SET note = 'theirs'; UPDATE people SET points = 2.00 WHERE id = 1`);
    await bed.moveTo(start);
    expect(await rows()).toEqual([
      [1, 'Ann', '1.50', 'theirs'],
      [2, 'Bob', null, 'ours alone'],
    ]);
  });

  describe('where somebody has a row at the place of one that moves', () => {
    /** 500 becomes 600 and 501 500, 7 becomes 8; somebody brings a 7. */
    async function openMoved(ddl = 'CREATE TABLE k (id int PRIMARY KEY, v text)') {
      const bed = new MoveBed(await LoadBed.open(ddl));
      const k = bed.bed.writes.table('k', ['id', 'v'], { identity: 'full' });
      await bed.apply([k.c(['500', 'a'], ['501', 'b'], ['7', 'c'])]);
      const start = await bed.checkpoint('start');
      const move = (from: string, to: string, v: string) =>
        k.move([
          [from, v],
          [to, v],
        ]);
      await bed.apply([move('500', '600', 'a'), move('501', '500', 'b'), move('7', '8', 'c')]);
      await bed.bed.sql.query(`INSERT INTO k VALUES (7, 'theirs')`);
      return { bed, start, rows: () => bed.bed.rows('SELECT id, v FROM k ORDER BY v') };
    }
    const AT_END = [
      [600, 'a'],
      [500, 'b'],
      [8, 'c'],
    ];
    const MOVED_BACK = [
      [500, 'a'],
      [501, 'b'],
    ];

    it('names it and asks', async () => {
      const { bed, start, rows } = await openMoved();
      await using _bed = bed;
      await expect(bed.moveTo(start)).rejects.toMatchObject({
        code: 'ROWS_CHANGED',
        message: '1 row of the target was changed by somebody else: public.k (7): taken',
      });
      expect(await rows()).toEqual([...AT_END, [7, 'theirs']]);
    });

    it('keeps both, and comes forward again', async () => {
      const { bed, start, rows } = await openMoved();
      await using _bed = bed;
      expect(await bed.moveTo(start, { changedRows: 'keep' })).toMatchObject({ updated: 2, changed: 1 });
      expect(await rows()).toEqual([...MOVED_BACK, [8, 'c'], [7, 'theirs']]);
      expect(await bed.moveTo(null, { changedRows: 'keep' })).toMatchObject({ updated: 2, changed: 2 });
      expect(await rows()).toEqual([...AT_END, [7, 'theirs']]);
    });

    it('keeps who was to come where a kept row stays, and so on', async () => {
      const { bed, start, rows } = await openMoved();
      await using _bed = bed;
      await bed.bed.sql.query(`UPDATE k SET v = 'theirs, too' WHERE id = 500; DELETE FROM k WHERE id = 7`);
      expect(await bed.moveTo(start, { changedRows: 'keep' })).toMatchObject({
        updated: 1,
        changedRows: [
          { key: ['500'], how: 'changed' },
          { key: ['500'], how: 'taken' },
        ],
      });
      expect(await rows()).toEqual([
        [600, 'a'],
        [7, 'c'],
        [500, 'theirs, too'],
      ]);
    });

    it.each(['', 'ON UPDATE CASCADE ON DELETE CASCADE'])('overwrites it (%s)', async (cascades) => {
      const { bed, start, rows } = await openMoved(
        `CREATE TABLE k (id int PRIMARY KEY, v text)${cascades === '' ? '' : `; CREATE TABLE notes (k int REFERENCES k ${cascades})`}`,
      );
      await using _bed = bed;
      expect(await bed.moveTo(start, { changedRows: 'overwrite' })).toMatchObject({ changed: 1 });
      expect(await rows()).toEqual([...MOVED_BACK, [7, 'c']]);
      // Changed where it is, and another at its place; and gone, and another at its place.
      for (const theirs of [`UPDATE k SET v = 'z' WHERE id = 7`, 'DELETE FROM k WHERE id = 7']) {
        await bed.bed.sql.query(`${theirs}; INSERT INTO k VALUES (8, 'theirs')`);
        expect(await bed.moveTo(null, { changedRows: 'overwrite' })).toMatchObject({ changed: 2 });
        expect(await rows()).toEqual(AT_END);
        await bed.moveTo(start);
        expect(await rows()).toEqual([...MOVED_BACK, [7, 'c']]);
      }
    });
  });

  it('goes nowhere if it does not take its rows as they were', async () => {
    const { bed, start, rows } = await openPeople();
    await using _bed = bed;
    await bed.bed.sql.query(`ALTER TABLE people ADD CHECK (name <> 'Bob')`);
    const refused = await bed.moveTo(start).then(
      () => null,
      (error: unknown) => error as Error,
    );
    expect(refused).toMatchObject({ code: 'REWIND_REFUSED' });
    expect(refused?.message).toContain('people_name_check');
    // By its key; no other value of it.
    expect(refused?.message).toContain('public.people (2)');
    expect(refused?.message).not.toContain('Bob');
    expect(await rows()).toEqual(AT_HEAD);
    expect(await bed.checkpoints.whereabouts()).toMatchObject({ parked: null });
  });

  it('goes nowhere across another form of a table, a table that was emptied, or more than there is room for', async () => {
    const { bed, people, start } = await openPeople();
    await using _bed = bed;
    const codes: unknown[] = [];
    await bed.bed.sql.query('ALTER TABLE people ADD COLUMN size int');
    const wider = bed.bed.writes.table('people', ['id', 'name', 'points', 'size'], { identity: 'full' });
    await bed.apply([wider.c(['4', 'Dee', null, '3'])]);
    codes.push(await codeOfEnd(bed.moveTo(start)));
    await using move = await bed.moves.take();
    const forms = (...frames: readonly Frame[]) =>
      codeOfEnd(Promise.resolve().then(() => move?.add({ seq: 9, frames }, bed.bed.writes.lookup)));
    codes.push(await forms(people.t()), await forms(people.c(['5', '', null]), wider.c(['6', '', null, null])));
    const large = 'x'.repeat(600_000);
    codes.push(await forms(people.c(['7', large, null]), people.c(['8', large, null])));
    expect(codes).toEqual(['REWIND_IMPOSSIBLE', 'REWIND_IMPOSSIBLE', 'REWIND_IMPOSSIBLE', 'REWIND_TOO_LARGE']);
  });

  it('goes nowhere behind an exchange of its tables with rebuilt ones', async () => {
    const { bed, start, rows } = await openPeople();
    await using _bed = bed;
    await bed.bed.sql.query('UPDATE changeover.progress SET exchanges = exchanges + 1');
    expect(await codeOfEnd(bed.moveTo(start))).toBe('REWIND_IMPOSSIBLE');
    expect(await rows()).toEqual(AT_HEAD);
    await bed.apply([]);
    expect(await bed.checkpoint('behind it')).toMatchObject({ exchanges: 1 });
    expect((await bed.checkpoints.list()).map((one) => [one.name, 'exchanged' in one])).toEqual([
      ['start', true],
      ['behind it', false],
    ]);
  });

  it('takes rows along that change often, however large the changes are together', async () => {
    const { bed, people, start, rows } = await openPeople();
    await using _bed = bed;
    const large = 'x'.repeat(100_000);
    for (let change = 0; change < 40; change++)
      await bed.apply([
        people.move([
          ['1', change === 0 ? 'Anna' : `${large}${String(change - 1)}`, '2.0'],
          ['1', `${large}${String(change)}`, '2.0'],
        ]),
      ]);
    await bed.moveTo(start);
    expect(await rows()).toEqual(AT_START);
  });

  it('takes rows of tables without a key along, as often as they are there', async () => {
    await using bed = new MoveBed(await LoadBed.open('CREATE TABLE bag (a int, b text); CREATE TABLE lines (a int, b text)'));
    const bag = bed.bed.writes.table('bag', ['a', 'b'], { keys: 0, identity: 'full' });
    const lines = bed.bed.writes.table('lines', ['a', 'b'], { keys: 0, identity: 'none' });
    await bed.apply([bag.c(['1', 'x'], ['1', 'x'], ['2', null]), lines.c(['1', 'l'])]);
    const start = await bed.checkpoint('start');
    await bed.apply([
      bag.d(['1', 'x']),
      bag.move([
        ['2', null],
        ['2', ''],
      ]),
      lines.c(['1', 'l'], ['2', 'm']),
    ]);
    const all = (): Promise<unknown> =>
      Promise.all([bed.bed.rows('SELECT * FROM bag ORDER BY 1, 2'), bed.bed.rows('SELECT * FROM lines ORDER BY 1, 2')]);
    const head = await all();
    await bed.moveTo(start);
    expect(await all()).toEqual([
      [
        [1, 'x'],
        [1, 'x'],
        [2, null],
      ],
      [[1, 'l']],
    ]);
    await bed.moveTo(null);
    expect(await all()).toEqual(head);
  });

  it('takes the list of held rows along', async () => {
    await using bed = new MoveBed(await LoadBed.open(PEOPLE));
    const list = bed.bed.writes.table(
      'changeover.held',
      HELD_TABLE.columns.map(({ name }) => name),
      { keys: 3, identity: 'full' },
    );
    const row = (key: string, reason: string) => ['crm', 'public.people', key, 's', 'held', 'f', reason, null, '[]', '1', '1', null];
    await bed.apply([list.c(row('1', 'a'), row('2', 'b'))]);
    const start = await bed.checkpoint('start');
    expect(start.totals).toEqual({ held: 2, waiting: 0, refused: 0 });
    await bed.apply([list.move([row('1', 'a'), row('1', 'c')]), list.d(row('2', 'b')), list.c(row('3', 'd'))]);
    const listed = (): Promise<unknown> => bed.bed.rows('SELECT source_key, reason FROM changeover.held ORDER BY 1');
    expect(await bed.moveTo(start)).toMatchObject({ held: 3 });
    expect(await listed()).toEqual([
      ['1', 'a'],
      ['2', 'b'],
    ]);
    await bed.moveTo(null);
    expect(await listed()).toEqual([
      ['1', 'c'],
      ['3', 'd'],
    ]);
  });

  it('has the rows that it refused there as they stood, in whichever version they were refused', async () => {
    const { bed, people, start, rows } = await openPeople(`${PEOPLE}; ALTER TABLE people ADD CHECK (name NOT LIKE 'bad%')`);
    await using _bed = bed;
    await bed.apply([
      people.move([
        ['1', 'Anna', '2.0'],
        ['1', 'bad', '2.0'],
      ]),
      people.c(['9', 'bad', null]),
    ]);
    const first = await bed.checkpoint('first');
    const listed = (): Promise<unknown> =>
      bed.bed.rows(`SELECT key ->> 'id', wanted, stands FROM changeover.refused WHERE to_seq IS NULL ORDER BY 1`);
    const atFirst = [await listed(), await rows()];
    await bed.apply([
      people.move([
        ['1', 'bad', '2.0'],
        ['1', 'bad again', '3'],
      ]),
      people.move([
        ['9', 'bad', null],
        ['9', 'good', null],
      ]),
    ]);
    const second = await bed.checkpoint('second');
    const atSecond = [await listed(), await rows()];
    await bed.apply([
      people.move([
        ['1', 'bad again', '3'],
        ['1', 'Ann', '4'],
      ]),
      people.d(['9', 'good', null]),
    ]);
    const head = [await listed(), await rows()];
    expect([atFirst[0], atSecond[0]]).toMatchObject([
      [
        ['1', { name: 'bad' }, { name: 'Anna' }],
        ['9', { name: 'bad' }, null],
      ],
      [['1', { name: 'bad again' }, { name: 'Anna' }]],
    ]);
    for (const [checkpoint, wanted] of [
      [first, atFirst],
      [start, [[], AT_START]],
      [second, atSecond],
      [first, atFirst],
    ] as const) {
      await bed.moveTo(checkpoint);
      expect([await listed(), await rows()]).toEqual(wanted);
    }
    await bed.moveTo(null);
    expect([await listed(), await rows()]).toEqual(head);
  });

  it('is held by one at a time, and by nobody who is gone', async () => {
    const { bed, start } = await openPeople();
    await using _bed = bed;
    const first = await bed.moves.take();
    expect(await codeOfEnd(bed.moves.take())).toBe('TARGET_BUSY');
    await bed.bed.sql.query(`UPDATE changeover.progress SET hold_until = now() - interval '1 s'`);
    const second = await bed.moves.take();
    expect(await codeOfEnd(first?.to(start, OPTIONS) ?? Promise.resolve())).toBe('HOLD_LOST');
    await first?.[Symbol.asyncDispose]();
    await second?.[Symbol.asyncDispose]();
    await bed.moveTo(start);
  });
});

describe('a table of a million rows', () => {
  it('is taken back over a thousand changes, and forward, each in less than two seconds', async () => {
    await using bed = new MoveBed(
      await LoadBed.open(`CREATE TABLE contacts (id int PRIMARY KEY, email text NOT NULL UNIQUE, name text, firm int, since timestamptz);
        CREATE INDEX ON contacts (name); CREATE INDEX ON contacts (firm)`),
    );
    const contacts = bed.bed.writes.table('contacts', ['id', 'email', 'name', 'firm', 'since'], { identity: 'full' });
    const row = (id: number, name: string): Row => [
      String(id),
      `c${String(id)}@example.com`,
      name,
      String(id % 1000),
      '2024-05-06 07:08:09+00',
    ];
    await bed.apply([contacts.c(row(0, 'first'))]);
    await bed.bed.sql.query(`INSERT INTO contacts SELECT id, 'c' || id || '@example.com', 'name ' || id, id % 1000, '2024-05-06 07:08:09+00'
      FROM generate_series(1, 1000000) AS id; ANALYZE contacts`);
    const start = await bed.checkpoint('start');
    const named = (id: number): Row => row(id, `name ${String(id)}`);
    for (let batch = 0; batch < 10; batch++) {
      const ids = Array.from({ length: 100 }, (_, at) => 1 + (batch * 100 + at) * 997);
      await bed.apply(
        ...ids.map((id) =>
          id % 3 === 0
            ? [contacts.d(named(id))]
            : id % 3 === 1
              ? [contacts.move([named(id), row(id, 'another')])]
              : [contacts.c(row(id + 1_000_000, 'new'))],
        ),
      );
    }
    const sum = (): Promise<unknown[][]> => bed.bed.rows(`SELECT count(*)::int, sum(hashtextextended(contacts::text, 0)) FROM contacts`);
    const head = await sum();
    const took: number[] = [];
    const timed = async (to: Checkpoint | null): Promise<void> => {
      const began = performance.now();
      await bed.moveTo(to);
      took.push(Math.round(performance.now() - began));
    };
    await timed(start);
    expect((await sum())[0]?.[0]).toBe(1_000_001);
    await timed(null);
    expect(await sum()).toEqual(head);
    console.log(`back and forward over 1,000 changes of 1,000,000 rows: ${took.join(' and ')} ms`);
    expect(Math.max(...took)).toBeLessThan(2_000);
  }, 120_000);
});

describe('checkpoints', () => {
  it('are listed in the order of the stream, and found by name', async () => {
    const { bed } = await openPeople();
    await using _bed = bed;
    await bed.checkpoint('a later one');
    expect((await bed.checkpoints.list()).map(({ name }) => name)).toEqual(['start', 'a later one']);
    expect(await bed.checkpoints.find('start')).toMatchObject({
      name: 'start',
      place: { writes: { seq: 2 } },
      forms: { 'public.people': /./ },
    });
    await bed.checkpoints.delete('start');
    expect(await codeOfEnd(bed.checkpoints.find('start'))).toBe('CHECKPOINT_UNKNOWN');
    expect(await codeOfEnd(bed.checkpoints.delete('start'))).toBe('CHECKPOINT_UNKNOWN');
    expect(await codeOfEnd(bed.checkpoint('a later one'))).toBe('CHECKPOINT_EXISTS');
  });

  it.each([
    ['its contents', `contents = replace(contents, '"seq":2', '"seq":4')`],
    ['its name', `name = 'other'`],
    ['its migration', `migration = 'crm', contents = contents || ' '`],
  ])('are not relied on where somebody has altered %s', async (_what, change) => {
    const { bed } = await openPeople();
    await using _bed = bed;
    await bed.bed.sql.query(`UPDATE changeover.checkpoint SET ${change}`);
    const name = (await bed.checkpoints.list())[0]?.name ?? '';
    expect(await bed.checkpoints.list()).toEqual([{ name, damaged: expect.any(String) as string }]);
    expect(await codeOfEnd(bed.checkpoints.find(name))).toBe('CHECKPOINT_DAMAGED');
    await bed.checkpoints.delete(name);
    expect(await bed.checkpoints.list()).toEqual([]);
  });

  it('are of barriers that were committed by themselves', async () => {
    const { bed, people } = await openPeople();
    await using _bed = bed;
    const batch = bed.bed.batch([people.c(['4', 'Dee', null])]);
    await bed.bed.session.apply({ ...batch, barriers: [{ token: 'inside', seq: bed.bed.seq - 1 }] }, bed.bed.writes.lookup);
    expect([await bed.checkpoints.placeOf('inside'), await bed.checkpoints.placeOf('other')]).toEqual(['passed', null]);
  });
});
