import { Clock, NO_POSITION, RandomIdSource, SystemClock } from '@changeover/core';
import type { LoadHold, Verified } from '@changeover/events';

import { PostgresTarget, PostgresTargetReader } from './index.js';
import { Gate } from './test/gate.js';
import { LoadBed } from './test/load-bed.js';
import type { TableRows } from './test/writes.js';

const NEVER = new AbortController().signal;
const LEFT_MS = 'SELECT (extract(epoch FROM hold_until - clock_timestamp()) * 1000)::float8 FROM changeover.progress';
const CONTENT = 'SELECT count(*)::int, max(id) FROM contacts';

/** Time goes on when the test says so. */
class TickedClock extends Clock {
  time = 0;
  #sleeping: (() => void)[] = [];

  now(): number {
    return this.time;
  }

  monotonic(): number {
    return this.time;
  }

  sleep(_ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#sleeping.push(resolve);
      signal?.addEventListener('abort', () => {
        resolve();
      });
    });
  }

  /** Wakes whoever sleeps. */
  tick(): void {
    for (const wake of this.#sleeping.splice(0)) wake();
  }
}

/** Waits as anybody does, but never until a hold is to be renewed. */
class StillClock extends SystemClock {
  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return super.sleep(ms < 1000 ? ms : 2 ** 30, signal);
  }
}

/** A target with load, of which each record of `changes` brings the row of its number, and somebody who may hold it. */
class HoldBed implements AsyncDisposable {
  readonly bed: LoadBed;
  readonly reader: PostgresTargetReader;
  readonly #contacts: TableRows;
  readonly #readers: PostgresTargetReader[] = [];

  private constructor(bed: LoadBed) {
    this.bed = bed;
    this.#contacts = bed.writes.table('contacts', ['id:integer']);
    this.reader = this.another();
  }

  static async open(gate?: Gate): Promise<HoldBed> {
    return new HoldBed(
      await LoadBed.open('CREATE TABLE contacts (id int PRIMARY KEY)', gate === undefined ? {} : { crashPoint: gate.crashPoint }),
    );
  }

  another(clock: Clock = new SystemClock(), migration = 'crm'): PostgresTargetReader {
    const reader = new PostgresTargetReader({ url: this.bed.database.url, migration, clock, ids: new RandomIdSource() });
    this.#readers.push(reader);
    return reader;
  }

  /** The next record is loaded; null: load is held before it. */
  async next(session = this.bed.session): Promise<number | null> {
    const { bed } = this;
    const seq = bed.seq + 1;
    const transactions = [{ seq, frames: [this.#contacts.c([String(seq)])] }];
    const outcome = await session.apply({ transactions, progress: bed.progress(seq), barriers: [] }, bed.writes.lookup);
    if ('held' in outcome) return null;
    return (bed.seq = seq);
  }

  /** Loads one record after the other, as fast as it can, until `stop`. */
  busy(): { stop(): Promise<void> } {
    const { signal, abort } = abortable();
    const run = (async () => {
      while (!signal.aborted) await this.next();
    })();
    return {
      stop: async () => {
        abort();
        await run;
      },
    };
  }

  /** So many of the sessions of load, and of the readers, wait for a lock. */
  async waiting(count: number): Promise<void> {
    const waits = `SELECT count(*)::int FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name LIKE '%changeover-crm-%'`;
    await this.until(waits, ([waiting]) => waiting === count);
  }

  async until(sql: string, holds: (row: readonly unknown[]) => boolean): Promise<void> {
    for (;;) {
      const [row] = await this.bed.rows(sql);
      if (row !== undefined && holds(row)) return;
    }
  }

  async expire(): Promise<void> {
    await this.bed.sql.query(`UPDATE changeover.progress SET hold_until = clock_timestamp() - interval '1 ms'`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const reader of this.#readers) await reader.stop();
    await this.bed[Symbol.asyncDispose]();
  }
}

function abortable(): { readonly signal: AbortSignal; abort(): void } {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    abort: () => {
      controller.abort();
    },
  };
}

const seqOf = ({ progress }: Pick<LoadHold, 'progress'>): number => progress?.changes.seq ?? 0;

describe('load that is held', () => {
  it('goes no further than it is let, and on when it is let go', async () => {
    await using held = await HoldBed.open();
    const { bed, reader } = held;
    await held.next();
    const load = held.busy();
    try {
      for (let round = 0; round < 5; round++) {
        await using hold = await reader.hold();
        const first = seqOf(hold);
        expect([await bed.rows(CONTENT), await bed.committedSeq()]).toEqual([[[first, first]], first]);
        let seq = first;
        for (let step = 1; step <= 20; step++) {
          seq += step % 4;
          expect(await hold.advanceTo(seq, NEVER)).toEqual(bed.progress(seq));
          expect(await bed.rows(CONTENT)).toEqual([[seq, seq]]);
          expect(seqOf(hold)).toBe(seq);
        }
        await using snapshot = await hold.snapshot();
        expect(snapshot.progress).toEqual(bed.progress(seq));
        await hold[Symbol.asyncDispose]();
        await held.until(CONTENT, ([count]) => Number(count) > seq + 5);
        expect(snapshot.progress).toEqual(bed.progress(seq));
      }
    } finally {
      await load.stop();
    }
  });

  it('is waited for while a transaction is under way, which counts', async () => {
    const gate = new Gate('load.before-commit');
    await using held = await HoldBed.open(gate);
    const applied = held.next();
    await gate.reached;
    const holding = held.reader.hold();
    await held.waiting(1);
    gate.open();
    expect(await applied).toBe(1);
    await using hold = await holding;
    expect(seqOf(hold)).toBe(1);
    expect(await held.next()).toBeNull();
  });

  it('looks at the hold that was set while it waited for the progress row', async () => {
    await using held = await HoldBed.open();
    const { bed, reader } = held;
    await held.next();
    // Whoever asks first has the row first.
    const other = await bed.database.connect();
    await other.query('BEGIN; SELECT FROM changeover.progress FOR UPDATE');
    const holding = reader.hold();
    await held.waiting(1);
    const applied = held.next();
    await held.waiting(2);
    await other.query('ROLLBACK');
    await using hold = await holding;
    expect([seqOf(hold), await applied]).toEqual([1, null]);
    expect(await bed.rows(CONTENT)).toEqual([[1, 1]]);
  });

  it('stays held for whoever comes after it', async () => {
    await using held = await HoldBed.open();
    await held.next();
    await using hold = await held.reader.hold();
    await using session = await new PostgresTarget({ url: held.bed.database.url, migration: 'crm' }).open();
    expect(await held.next(session)).toBeNull();
    const advanced = hold.advanceTo(2, NEVER);
    await held.until('SELECT hold_through::int FROM changeover.progress', ([through]) => through === 2);
    expect([await held.next(session), await held.next(session), seqOf({ progress: await advanced })]).toEqual([2, null, 2]);
  });
});

describe('a hold', () => {
  it('that nobody renews ends by itself', async () => {
    await using held = await HoldBed.open();
    await held.next();
    await using hold = await held.reader.hold();
    await held.bed.sql.query(
      `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = '?changeover-crm-read'`,
    );
    expect(await held.next()).toBeNull();
    while ((await held.next()) === null) await held.bed.rows('SELECT pg_sleep(0.05)');
    expect(await held.bed.rows(CONTENT)).toEqual([[2, 2]]);
    await expect(hold.advanceTo(2, NEVER)).rejects.toMatchObject({ code: 'TARGET_UNREACHABLE' });
  }, 20_000);

  it('is renewed, however long it lasts', async () => {
    await using held = await HoldBed.open();
    await held.next();
    const clock = new TickedClock();
    await using hold = await held.another(clock).hold();
    for (let round = 0; round < 3; round++) {
      await held.bed.sql.query(`UPDATE changeover.progress SET hold_until = clock_timestamp() + interval '1 s'`);
      clock.tick();
      await held.until(LEFT_MS, ([left]) => Number(left) > 4000);
    }
    expect([await held.next(), seqOf(hold)]).toEqual([null, 1]);
  });

  it('lasts from when it is set, though its time was reckoned before a wait', async () => {
    await using held = await HoldBed.open();
    await held.next();
    // Who had the row changes nothing, so that the statement that waits is not reckoned again.
    const other = await held.bed.database.connect();
    await other.query('BEGIN; SELECT FROM changeover.progress FOR UPDATE');
    const holding = held.another(new TickedClock()).hold();
    await held.waiting(1);
    await other.query('SELECT pg_sleep(3)');
    await other.query('ROLLBACK');
    await using _hold = await holding;
    const [[left] = []] = await held.bed.rows(LEFT_MS);
    expect(left).toBeGreaterThan(3000);
  }, 20_000);

  it('belongs to one: another one is told to come back, until it is released', async () => {
    await using held = await HoldBed.open();
    await held.next();
    const first = await held.reader.hold();
    const another = held.another();
    await expect(another.hold()).rejects.toMatchObject({ code: 'TARGET_BUSY' });
    await expect(held.reader.hold()).rejects.toMatchObject({ code: 'TARGET_BUSY' });
    await using other = await new PostgresTarget({ url: held.bed.database.url, migration: 'other' }).open();
    await using ofOther = await held.another(new SystemClock(), 'other').hold();
    expect([other.progress, ofOther.progress]).toEqual([null, null]);
    await first[Symbol.asyncDispose]();
    await using second = await another.hold();
    await first[Symbol.asyncDispose]();
    expect([await held.next(), seqOf(second)]).toEqual([null, 1]);
  });

  it('that was lost releases nobody else’s, and says so', async () => {
    await using held = await HoldBed.open();
    await held.next();
    const lost = await held.reader.hold();
    await held.expire();
    await using hold = await held.another().hold();
    await expect(lost.advanceTo(2, NEVER)).rejects.toMatchObject({ code: 'HOLD_LOST' });
    await lost[Symbol.asyncDispose]();
    expect([await held.next(), seqOf(hold)]).toEqual([null, 1]);
  });

  it('that is lost while load is waited for says so', async () => {
    await using held = await HoldBed.open();
    await held.next();
    await using lost = await held.another(new StillClock()).hold();
    const advanced = expect(lost.advanceTo(2, NEVER)).rejects.toMatchObject({ code: 'HOLD_LOST' });
    await held.until('SELECT hold_through::int FROM changeover.progress', ([through]) => through === 2);
    await held.expire();
    await using hold = await held.another().hold();
    await advanced;
    expect(seqOf(hold)).toBe(1);
  });

  it('has ended where load has gone on: no snapshot is given, and no advance', async () => {
    await using held = await HoldBed.open();
    await held.next();
    await using hold = await held.another(new TickedClock()).hold();
    await held.expire();
    // Nothing has happened yet.
    await using snapshot = await hold.snapshot();
    expect(snapshot.progress).toEqual(held.bed.progress(1));
    expect([await held.next(), await held.next()]).toEqual([2, 3]);
    await expect(hold.snapshot()).rejects.toMatchObject({ code: 'HOLD_LOST' });
    await expect(hold.advanceTo(2, NEVER)).rejects.toMatchObject({ code: 'HOLD_LOST' });
  });

  it('waits for load until it is told not to', async () => {
    await using held = await HoldBed.open();
    await held.next();
    await using hold = await held.reader.hold();
    const { signal, abort } = abortable();
    const advanced = expect(hold.advanceTo(3, signal)).rejects.toMatchObject({ name: 'AbortError' });
    await held.until('SELECT hold_through::int FROM changeover.progress', ([through]) => through === 3);
    expect(await held.next()).toBe(2);
    abort();
    await advanced;
  });

  it('says how long it has lasted', async () => {
    await using held = await HoldBed.open();
    await held.next();
    const clock = new TickedClock();
    const hold = await held.another(clock).hold();
    clock.time = 40;
    expect(hold.heldMs).toBe(40);
    clock.time = 70;
    await hold[Symbol.asyncDispose]();
    clock.time = 100;
    expect(hold.heldMs).toBe(70);
  });

  it('holds load that has not loaded anything yet; where there is none there is nothing to hold', async () => {
    await using held = await HoldBed.open();
    const hold = await held.reader.hold();
    expect([hold.progress, await held.next()]).toEqual([null, null]);
    await expect(hold.snapshot()).rejects.toMatchObject({ code: 'HOLD_LOST' });
    await hold[Symbol.asyncDispose]();
    expect(await held.next()).toBe(1);
    for (const ddl of ['SELECT', 'DROP SCHEMA changeover CASCADE']) {
      await held.bed.sql.query(ddl);
      await using nothing = await held.another(new SystemClock(), 'nobody').hold();
      expect(nothing.progress).toBeNull();
      await expect(nothing.advanceTo(1, NEVER)).rejects.toMatchObject({ code: 'HOLD_LOST' });
      await expect(nothing.snapshot()).rejects.toMatchObject({ code: 'HOLD_LOST' });
    }
  });

  it('is released, and what was opened for it closed, when its reader stops', async () => {
    await using held = await HoldBed.open();
    await held.next();
    await held.reader.hold();
    await held.reader.stop();
    expect(await held.next()).toBe(2);
    await held.until(`SELECT count(*)::int FROM pg_stat_activity WHERE application_name = '?changeover-crm-read'`, ([open]) => open === 0);
  });
});

describe('what verifications came to', () => {
  /** When the fourth ended, and when nobody had for a while. */
  const [ENDED_MS, LATER] = [1_700_000_000_004, 1_700_000_001_000];
  const place = (seq: number): Verified['changes'] => ({ logId: 'l', epoch: 1, seq, pos: NO_POSITION, checksum: 'abc', at: seq * 10 });
  const verified = (seq: number, over: Partial<Verified> = {}): Verified => ({
    ...{ kind: 'full', outcome: 'equal', isBase: true, changes: place(seq), writes: place(seq + 1), generation: '0.0', mapping: 'm' },
    ...{ ended_ms: 1_700_000_000_000 + seq, seconds: 1.5, rows: 7_000_000_000, numbers: null },
    ...over,
  });
  const readerOf = (bed: LoadBed, migration = 'crm'): PostgresTargetReader =>
    new PostgresTargetReader({ url: bed.database.url, migration, clock: new SystemClock(), ids: new RandomIdSource() });

  it('is there as it was written down: the last of each migration, and the last that another may begin from', async () => {
    await using bed = await LoadBed.open('CREATE TABLE contacts (id int PRIMARY KEY)');
    const [reader, other] = [readerOf(bed), readerOf(bed, 'other')];
    expect([await reader.lastVerified('any'), await reader.lastVerified('base')]).toEqual([null, null]);
    await reader.record(verified(1), LATER);
    await other.record(verified(5), LATER);
    await reader.record(verified(2, { kind: 'touched', outcome: 'different', isBase: false }), LATER);
    expect(await reader.lastVerified('base')).toEqual(verified(1));
    expect(await reader.lastVerified('any')).toEqual(verified(2, { kind: 'touched', outcome: 'different', isBase: false }));
    expect(await other.lastVerified('any')).toEqual(verified(5));
    for (const kind of ['full', 'tables', 'sample'] as const) {
      await reader.record(verified(3), LATER);
      await reader.record(verified(4, { kind, isBase: false }), LATER);
      expect(await reader.lastVerified('base')).toEqual(verified(3));
      await reader.record(verified(4, { kind, outcome: 'different', isBase: false }), LATER);
      // One that was under way then has not seen what that one saw.
      await reader.record(verified(5), ENDED_MS);
      expect([await reader.lastVerified('base'), await other.lastVerified('base')]).toEqual([null, verified(5)]);
    }
    for (const one of [reader, other]) await one.stop();
  });

  it('is kept of the last thousand alone, of the last that another may begin from, and of the last that knows numbers', async () => {
    await using bed = await LoadBed.open('CREATE TABLE contacts (id int PRIMARY KEY)');
    const [reader, other] = [readerOf(bed), readerOf(bed, 'other')];
    await other.record(verified(5), LATER);
    const numbers = { form: { seq: 3, at: 30 }, content: { rows: 2, sum: 'ab' } };
    for (const seq of [1, 2]) await reader.record(verified(seq, seq === 1 ? { numbers } : {}), LATER);
    await bed.sql.query(`UPDATE changeover.verification SET is_base = false WHERE numbers IS NOT NULL`);
    await bed.sql
      .query(`INSERT INTO changeover.verification (migration, kind, outcome, is_base, changes, writes, generation, mapping, ended_ms, seconds, rows)
      SELECT migration, kind, outcome, false, changes, writes, generation, mapping, n, seconds, rows FROM changeover.verification, generate_series(1, 1100) n WHERE migration = 'crm' AND (changes->>'seq')::int = 2`);
    await reader.record(verified(3, { isBase: false }), LATER);
    const kept = `SELECT count(*)::int, min(ended_ms)::float8 AS first FROM changeover.verification WHERE migration = 'crm' AND NOT is_base`;
    expect((await bed.sql.query(kept)).rows).toEqual([{ count: 1001, first: 102 }]);
    expect(await reader.numbersTold(place(100))).toEqual({ writes: place(2), numbers });
    expect([await reader.lastVerified('base'), await reader.lastVerified('any')]).toEqual([verified(2), verified(3, { isBase: false })]);
    expect((await bed.sql.query('SELECT count(*)::int AS rows FROM changeover.verification WHERE is_base')).rows).toEqual([{ rows: 2 }]);
    expect(await other.lastVerified('base')).toEqual(verified(5));
    for (const one of [reader, other]) await one.stop();
  });

  it('says what was told of numbers, as far as somebody knows it at a place', async () => {
    await using bed = await LoadBed.open('CREATE TABLE contacts (id int PRIMARY KEY)');
    const [reader, other] = [readerOf(bed), readerOf(bed, 'other')];
    const numbers = { form: { seq: 3, at: 30 }, content: { rows: 2, sum: 'ab' } };
    expect(await reader.numbersTold(place(100))).toBeNull();
    for (const seq of [1, 10, 5]) await reader.record(verified(seq, { numbers }), LATER);
    await reader.record(verified(7), LATER);
    const known: unknown[] = [];
    for (const seq of [1, 2, 10, 11, 100]) known.push(await reader.numbersTold(place(seq)));
    expect(known).toEqual([null, ...[2, 6, 11, 11].map((seq) => ({ writes: place(seq), numbers }))]);
    for (const altered of ['null', '[]', '{"logId": "l", "seq": "abc"}', '{"logId": "l", "seq": 1e30}']) {
      await bed.sql.query(`UPDATE changeover.verification SET writes = $1 WHERE (changes->>'seq')::int = 10`, [altered]);
      expect(await reader.numbersTold(place(100))).toEqual({ writes: place(6), numbers });
    }
    expect([await other.numbersTold(place(100)), await reader.numbersTold({ logId: 'another', seq: 100 })]).toEqual([null, null]);
    expect(await reader.lastVerified('any')).toEqual(verified(7));
    for (const one of [reader, other]) await one.stop();
  });

  it('is nothing where nothing was ever loaded', async () => {
    await using bed = await LoadBed.open('');
    await bed.sql.query('DROP SCHEMA changeover CASCADE');
    const reader = readerOf(bed);
    expect(await reader.lastVerified('any')).toBeNull();
    await reader.stop();
  });

  it('is of a generation, which another one follows when the target was moved or exchanged', async () => {
    await using bed = await LoadBed.open('CREATE TABLE contacts (id int PRIMARY KEY)');
    await bed.apply([]);
    const reader = readerOf(bed);
    const generation = async (): Promise<string> => {
      await using hold = await reader.hold();
      await using snapshot = await hold.snapshot();
      return snapshot.generation;
    };
    const first = await generation();
    expect(await generation()).toBe(first);
    await bed.sql.query('UPDATE changeover.progress SET moves = moves + 1');
    const second = await generation();
    await bed.sql.query('UPDATE changeover.progress SET exchanges = exchanges + 1');
    expect(new Set([first, second, await generation()]).size).toBe(3);
    await reader.stop();
  });
});
