import { RandomIdSource, SystemClock, type ErrorCode } from '@changeover/core';
import {
  HELD_COLUMNS,
  HELD_TABLE,
  encodeFrameHeader,
  encodeJsonBody,
  SequencedLog,
  type LogItem,
  type LogWriter,
  type ReadPosition,
  type RecordPart,
  type RecordRef,
  type TableSchema,
} from '@changeover/events';
import {
  codeOfEnd,
  deleted,
  inserted,
  InMemoryMessageStore,
  MemoryStorage,
  positionAt,
  RecordingTarget,
  textTable,
  updated,
  type RowsEvent,
} from '@changeover/testing';

import { SilentObserver } from '../ports.js';
import { LoadLoop, type LoadOptions } from './load-loop.js';

const WRITES = 'm.writes';
const PERSON = textTable('crm.person', ['id', 'name']);

/** Counts what is read of it. */
class CountingLog extends SequencedLog {
  readonly #count: () => void;

  constructor(storage: MemoryStorage, count: () => void) {
    super(new InMemoryMessageStore(storage), new RandomIdSource());
    this.#count = count;
  }

  override async *read(...how: Parameters<SequencedLog['read']>): AsyncIterable<readonly LogItem[]> {
    for await (const items of super.read(...how)) {
      for (const _ of items) this.#count();
      yield items;
    }
  }
}

/** `writes` as transform makes them, a target, and processes of load that come and go. */
class LoadBed implements AsyncDisposable {
  readonly storage = new MemoryStorage();
  readonly target = new RecordingTarget();
  /** Items that were read of `writes`. */
  read = 0;
  readonly #running = new Set<AbortController>();
  readonly #ended: Promise<unknown>[] = [];
  #writer: LogWriter | null = null;
  readonly #schemas = new Map<TableSchema, RecordRef>();
  #position = 0;
  #changes = 0;

  async fence(): Promise<void> {
    this.#writer = await this.#log().openWriter(WRITES, { writerId: 'transform', create: true });
  }

  async append(...parts: readonly RecordPart[]): Promise<RecordRef> {
    if (this.#writer === null) await this.fence();
    return (await (this.#writer as LogWriter).append(parts)).at(-1) as RecordRef;
  }

  async tell(table = PERSON): Promise<void> {
    const body = encodeJsonBody('schema', { table, previous: null });
    this.#schemas.set(table, await this.append({ kind: 'schema', body, last: true }));
  }

  parts(events: readonly RowsEvent[], unfinished = false, ts_ms?: number): readonly RecordPart[] {
    return events.map((event, index): RecordPart => {
      const schema = this.#schemas.get(event.table) as RecordRef;
      const last = !unfinished && index === events.length - 1;
      const ended = (): RecordPart['facts'] => ({
        pos: positionAt(++this.#position),
        rows: 1,
        ts_ms: ts_ms ?? this.#position,
        from: cameFrom(++this.#changes),
      });
      const facts = { schemas: [schema], ...(last ? ended() : {}) };
      return {
        kind: 'transaction',
        body: [encodeFrameHeader({ ...event, schemaSeq: schema.seq }, event.rows.length), event.rows],
        last,
        facts,
      };
    });
  }

  async transaction(...events: readonly RowsEvent[]): Promise<RecordRef | undefined> {
    let ref: RecordRef | undefined;
    for (const part of this.parts(events)) ref = await this.append(part);
    return ref;
  }

  /** With this commit time, in ms. */
  async transactionAt(ts_ms: number, ...events: readonly RowsEvent[]): Promise<number> {
    const refs: RecordRef[] = [];
    for (const part of this.parts(events, false, ts_ms)) refs.push(await this.append(part));
    return refs.at(-1)?.seq ?? 0;
  }

  /** Of the record of `changes` that came before it. */
  async tellAgain(): Promise<RecordRef> {
    const body = encodeJsonBody('schema', { table: PERSON, previous: null });
    return this.append({ kind: 'schema', body, last: true, facts: { pos: positionAt(this.#position), from: cameFrom(this.#changes) } });
  }

  async barrier(token: string): Promise<RecordRef> {
    const body = encodeJsonBody('barrier', { requestId: 'r', token });
    const facts = { pos: positionAt(++this.#position), from: cameFrom(++this.#changes) };
    return this.append({ kind: 'barrier', body, last: true, facts });
  }

  /** Resolves when load has been held back a few times where it is. */
  async heldAt(changes: number): Promise<void> {
    await this.target.until(() => this.target.progress?.changes.seq === changes && this.target.heldBack > 2);
  }

  loop(how: Pick<LoadOptions, 'place' | 'through'> = {}): LoadLoop {
    return new LoadLoop({
      ...how,
      writes: WRITES,
      log: new CountingLog(this.storage, () => this.read++),
      target: this.target,
      observer: new SilentObserver(),
      clock: new SystemClock(),
      ids: new RandomIdSource(),
      limits: { maxBatchRows: 3, maxBatchBytes: 1024 * 1024, maxQueuedBytes: 64 * 1024 },
    });
  }

  /** Until the bed is no more, or it is aborted. */
  run(loop: LoadLoop, abort = new AbortController()): Promise<ErrorCode | null> {
    const ended = codeOfEnd(loop.run(abort.signal));
    this.#running.add(abort);
    this.#ended.push(ended);
    return ended;
  }

  start(how: Pick<LoadOptions, 'place' | 'through'> = {}): {
    readonly ended: Promise<ErrorCode | null>;
    stop(): Promise<ErrorCode | null>;
  } {
    const abort = new AbortController();
    const ended = this.run(this.loop(how), abort);
    return {
      ended,
      stop: () => {
        abort.abort();
        return ended;
      },
    };
  }

  async loaded(seq: number): Promise<void> {
    await this.target.until(() => (this.target.progress?.writes.seq ?? 0) >= seq);
  }

  /** The records applied, in order, over all batches. */
  get applied(): readonly number[] {
    return this.target.batches.flatMap((batch) => batch.transactions);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const abort of this.#running) abort.abort();
    await Promise.allSettled(this.#ended);
  }

  #log(): SequencedLog {
    return new SequencedLog(new InMemoryMessageStore(this.storage), new RandomIdSource());
  }
}

/** A record of `changes`. */
function cameFrom(seq: number): ReadPosition {
  return { logId: 'c', epoch: 1, seq, pos: positionAt(seq), checksum: 'x', at: seq };
}

/** What the list of held rows says of a row since then. */
function held(key: string, sinceMs: number, { severity = 'stop', state = 'held', reason = 'too long: the rule' } = {}): (string | null)[] {
  const values: Readonly<Partial<Record<string, string>>> = {
    ...{ migration: 'm', target: 'crm.person', source_key: key, source: 's', state, kept: 'f', reason, problem_column: 'name' },
    problems: JSON.stringify([{ reason, column: 'name', rule: 'the rule', severity }]),
    ...{ since_seq: '1', since_ms: String(sinceMs) },
  };
  return HELD_COLUMNS.map((column) => values[column] ?? null);
}

const holds = (...rows: (string | null)[][]): RowsEvent => inserted(HELD_TABLE, ...rows);
const mends = (...rows: (string | null)[][]): RowsEvent => ({ ...inserted(HELD_TABLE, ...rows), op: 'd', before: 'full' });
const says = (before: (string | null)[], after: (string | null)[]): RowsEvent => {
  return { ...inserted(HELD_TABLE, before, after), op: 'u', before: 'full', rowCount: 1 };
};

const person = (id: number, name = 'n'): RowsEvent => inserted(PERSON, [String(id), name]);

describe('load', () => {
  it('applies runs of records in order, with the progress they reach, and no batch beyond its limit', async () => {
    await using bed = new LoadBed();
    await bed.tell();
    for (let id = 1; id <= 8; id++) await bed.transaction(person(id));
    await bed.transaction(updated(PERSON, ['1', 'new']), deleted(PERSON, '2'));
    const last = await bed.append({ kind: 'barrier', body: encodeJsonBody('barrier', { requestId: 'r', token: 't' }), last: true });
    bed.start();
    await bed.loaded(last.seq);
    expect(bed.applied).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(Math.max(...bed.target.batches.map((batch) => batch.transactions.length))).toBe(3);
    expect(bed.target.rows('crm.person')).toEqual([
      ['1', 'new'],
      ['3', 'n'],
      ['4', 'n'],
      ['5', 'n'],
      ['6', 'n'],
      ['7', 'n'],
      ['8', 'n'],
    ]);
    expect(bed.target.barriers).toEqual([{ token: 't', seq: last.seq }]);
    expect(bed.target.progress).toMatchObject({ writes: { seq: last.seq }, position: positionAt(9) });
    for (const { transactions, progress } of bed.target.batches) expect(progress.writes.seq >= (transactions.at(-1) ?? 0)).toBe(true);
  });

  it.each(['before', 'after'] as const)('goes on where the target is, when the connection was lost %s the commit', async (when) => {
    await using bed = new LoadBed();
    await bed.tell();
    bed.target.failNext = when;
    await bed.transaction(person(1));
    expect(await bed.start().ended).toBe('TARGET_UNREACHABLE');
    // The target refuses a row that is there already, so what is applied twice ends this one.
    const second = bed.start();
    const ref = await bed.transaction(person(2));
    await Promise.race([bed.loaded(ref?.seq ?? 0), second.ended]);
    expect(bed.applied).toEqual([2, 3]);
    expect(bed.target.rows('crm.person')).toHaveLength(2);
  });

  it('brings rows to another place', async () => {
    await using bed = new LoadBed();
    await bed.tell();
    await bed.transaction(person(1));
    const first = bed.start({ place: (table) => ({ ...table, schema: 'next' }) });
    await bed.loaded((await bed.transaction(person(2)))?.seq ?? 0);
    await first.stop();
    // The form is fetched by the next one, as it was told before it began.
    bed.start({ place: (table) => ({ ...table, schema: 'next' }) });
    await bed.loaded((await bed.transaction(person(3)))?.seq ?? 0);
    expect([bed.target.rows('next.person').length, bed.target.rows('crm.person')]).toEqual([3, []]);
  });

  it('ends behind the last record of changes that it is to bring in, and is nowhere else when it begins again', async () => {
    await using bed = new LoadBed();
    await bed.tell();
    for (let id = 1; id <= 5; id++) await bed.transaction(person(id));
    // The sixth in many parts, of which only the last says that it is the sixth.
    await bed.transaction(person(6), person(7), person(8));
    await bed.transaction(person(9));
    for (const _ of ['first', 'again']) {
      expect(await bed.start({ through: 2 }).ended).toBeNull();
      expect([bed.target.progress?.changes.seq, bed.target.rows('crm.person').length]).toEqual([2, 2]);
    }
    expect(await bed.start({ through: 5 }).ended).toBeNull();
    expect([bed.target.progress?.changes.seq, bed.target.rows('crm.person').length]).toEqual([5, 5]);
    expect(await bed.start({ through: 6 }).ended).toBeNull();
    expect([bed.target.progress?.changes.seq, bed.target.rows('crm.person').length]).toEqual([6, 8]);
  });

  it('stages a record of many parts and applies it whole', async () => {
    await using bed = new LoadBed();
    bed.start();
    await bed.tell();
    await bed.transaction(person(1));
    await bed.transaction(person(2), person(3), person(4));
    const ref = await bed.transaction(person(5));
    await bed.loaded(ref?.seq ?? 0);
    expect(bed.target.batches.find((batch) => batch.staged)?.transactions).toEqual([3]);
    expect(bed.target.rows('crm.person')).toHaveLength(5);
  });

  it('lets the target refuse any of the rows that another mapping changes, in a batch of its own or staged, and of no others', async () => {
    await using bed = new LoadBed();
    await bed.tell();
    await bed.transaction(person(1));
    const activations: number[] = [];
    for (const events of [[person(2)], [person(3), person(4)]]) {
      const parts = bed.parts(events);
      for (const [index, part] of parts.entries()) {
        const ref = await bed.append(index < parts.length - 1 ? part : { ...part, facts: { ...part.facts, activation: true } });
        if (index === parts.length - 1) activations.push(ref.seq);
      }
      await bed.transaction(person(10 + events.length));
    }
    const last = await bed.transaction(person(5));
    bed.start();
    await bed.loaded(last?.seq ?? 0);
    const any = bed.target.batches.filter(({ refusals }) => refusals === 'any');
    expect(any.map(({ transactions, staged }) => ({ transactions, staged }))).toEqual([
      { transactions: [activations[0]], staged: false },
      { transactions: [activations[1]], staged: true },
    ]);
    expect(bed.target.rows('crm.person')).toHaveLength(7);
  });

  it('forgets staged parts that were given up by a fence, or begun anew', async () => {
    await using bed = new LoadBed();
    bed.start();
    await bed.tell();
    for (const part of bed.parts([person(1), person(2)], true)) await bed.append(part);
    await bed.fence();
    await bed.transaction(person(3), person(4));
    for (const part of bed.parts([person(5), person(6)], true)) await bed.append(part);
    await bed.fence();
    const ref = await bed.transaction(person(7));
    await bed.loaded(ref?.seq ?? 0);
    expect(bed.target.rows('crm.person').map((row) => row[0])).toEqual(['3', '4', '7']);
  });

  it('goes on in the middle of a stream whose schemas it has not read', async () => {
    await using bed = new LoadBed();
    await bed.tell();
    const first = bed.start();
    const ref = await bed.transaction(person(1));
    await bed.loaded(ref?.seq ?? 0);
    expect(await first.stop()).toBeNull();
    bed.start();
    const next = await bed.transaction(person(2));
    await bed.loaded(next?.seq ?? 0);
    expect(bed.applied).toEqual([2, 3]);
  });

  it('stops as FENCED when another load owns the target', async () => {
    await using bed = new LoadBed();
    await bed.tell();
    const first = bed.start();
    await bed.loaded((await bed.transaction(person(1)))?.seq ?? 0);
    bed.start();
    const ref = await bed.transaction(person(2));
    expect(await first.ended).toBe('FENCED');
    await bed.loaded(ref?.seq ?? 0);
    expect(bed.applied).toEqual([2, 3]);
  });

  it('stops as LOG_MISSING when what it reads is deleted, though it has read it from the beginning', async () => {
    await using bed = new LoadBed();
    await bed.tell();
    const running = bed.start();
    await bed.loaded((await bed.transaction(person(1)))?.seq ?? 0);
    bed.storage.drop(WRITES);
    expect(await running.ended).toBe('LOG_MISSING');
  });

  it('ends a batch with a barrier, so that the target is once just there', async () => {
    await using bed = new LoadBed();
    await bed.tell();
    await bed.transaction(person(1));
    const barrier = await bed.barrier('b');
    const last = await bed.transaction(person(2));
    bed.start();
    await bed.loaded(last?.seq ?? 0);
    expect(bed.target.batches.map(({ progress }) => progress.writes.seq)).toEqual([barrier.seq, last?.seq]);
  });

  it('that is held applies what it may, waits, and goes on as far as it is let', async () => {
    await using bed = new LoadBed();
    await bed.tell();
    for (let id = 1; id <= 3; id++) await bed.transaction(person(id));
    const told = await bed.tellAgain();
    await bed.barrier('b');
    const last = await bed.transaction(person(5), person(6));
    bed.target.holdThrough = 2;
    bed.start();
    await bed.heldAt(2);
    expect(bed.target.batches.map(({ transactions }) => transactions)).toEqual([[2, 3]]);
    // Two records of writes came of the third of changes: both, and nothing of the barrier behind them.
    bed.target.holdThrough = 3;
    await bed.heldAt(3);
    expect(bed.applied).toEqual([2, 3, 4]);
    expect([bed.target.progress?.writes.seq, bed.target.barriers]).toEqual([told.seq, []]);
    bed.target.holdThrough = 4;
    await bed.heldAt(4);
    expect(bed.target.barriers).toEqual([{ token: 'b', seq: told.seq + 1 }]);
    bed.target.holdThrough = null;
    const behind = await bed.transaction(person(7));
    await bed.loaded(behind?.seq ?? 0);
    expect(bed.applied).toEqual([2, 3, 4, last?.seq, behind?.seq]);
    for (const { transactions, progress } of bed.target.batches) expect(progress.writes.seq >= (transactions.at(-1) ?? 0)).toBe(true);
  });

  it('that is held between two records of writes that came of one of changes has not to be let on for the second', async () => {
    await using bed = new LoadBed();
    await bed.tell();
    await bed.transaction(person(1));
    bed.target.holdThrough = 1;
    bed.start();
    await bed.target.until(() => bed.target.progress?.changes.seq === 1);
    const told = await bed.tellAgain();
    await bed.transaction(person(2));
    await bed.heldAt(1);
    expect([bed.applied, bed.target.progress?.writes.seq]).toEqual([[2], told.seq]);
  });

  it('that is held reads no further ahead than its bound', async () => {
    await using bed = new LoadBed();
    await bed.tell();
    await bed.transaction(person(1));
    bed.target.holdThrough = 1;
    bed.start();
    const large = 'x'.repeat(16 * 1024);
    for (let id = 2; id <= 40; id++) await bed.transaction(person(id, large));
    await bed.heldAt(1);
    const before = bed.target.heldBack;
    await bed.target.until(() => bed.target.heldBack > before + 5);
    // Of 64 kB, twice: what is in hand, and what is ahead.
    expect(bed.read).toBeLessThan(20);
    bed.target.holdThrough = null;
    await bed.loaded(41);
    expect(bed.applied).toEqual(Array.from({ length: 40 }, (_, index) => index + 2));
  });

  it('that is held stops in order when it is told to, and another one goes on where the target is', async () => {
    await using bed = new LoadBed();
    await bed.tell();
    bed.target.holdThrough = 1;
    for (let id = 1; id <= 7; id++) await bed.transaction(person(id));
    const first = bed.start();
    await bed.heldAt(1);
    expect(await first.stop()).toBeNull();
    expect(bed.applied).toEqual([2]);
    const second = bed.start();
    await bed.target.until(() => bed.target.heldBack > 0);
    bed.target.holdThrough = null;
    await bed.loaded(8);
    expect(await second.stop()).toBeNull();
    expect(bed.applied).toEqual([2, 3, 4, 5, 6, 7, 8]);
  });

  it('that is held and told to stop takes nothing more, though it is let go in the same moment', async () => {
    await using bed = new LoadBed();
    await bed.tell();
    bed.target.holdThrough = 1;
    await bed.transaction(person(1));
    await bed.transaction(person(2));
    await bed.transaction(person(3), person(4), person(5));
    await bed.transaction(person(6));
    const first = bed.start();
    await bed.heldAt(1);
    bed.target.holdThrough = null;
    expect(await first.stop()).toBeNull();
    expect(bed.applied).toEqual([2]);
    bed.start();
    await bed.loaded(5);
    expect(bed.applied).toEqual([2, 3, 4, 5]);
    expect(bed.target.rows('crm.person')).toHaveLength(6);
  });

  it('that is held tries a staged record again as a whole', async () => {
    await using bed = new LoadBed();
    await bed.tell();
    bed.target.holdThrough = 1;
    await bed.transaction(person(1));
    await bed.transaction(person(2), person(3), person(4));
    const last = await bed.transaction(person(5));
    const first = bed.start();
    await bed.heldAt(1);
    expect(await first.stop()).toBeNull();
    bed.start();
    await bed.target.until(() => bed.target.heldBack > 5);
    expect(bed.target.rows('crm.person')).toHaveLength(1);
    bed.target.holdThrough = 2;
    await bed.heldAt(2);
    expect(bed.target.rows('crm.person').map((row) => row[0])).toEqual(['1', '2', '3', '4']);
    bed.target.holdThrough = null;
    await bed.loaded(last?.seq ?? 0);
    expect(bed.applied).toEqual([2, 3, 4]);
    expect(bed.target.batches.filter((batch) => batch.staged)).toHaveLength(1);
  });
});

describe('load, where a rule that stops holds a row', () => {
  const begun = async (): Promise<LoadBed> => {
    const bed = new LoadBed();
    await bed.tell();
    await bed.tell(HELD_TABLE);
    return bed;
  };
  const standing = (bed: LoadBed): readonly unknown[] => bed.target.rows('crm.person').map(([id]) => id);

  it('stops before the first record that the source committed the settle time later, each time, and goes on when the row is mended', async () => {
    await using bed = await begun();
    await bed.transactionAt(1_000, person(1), holds(held('7', 1_000)));
    await bed.transactionAt(5_999, person(2));
    await bed.transactionAt(6_000, person(3));
    for (const _ of ['first', 'again']) {
      expect(await bed.start().ended).toBe('VALIDATION_STOPPED');
      expect([standing(bed), bed.target.rows('changeover.held').length]).toEqual([['1', '2'], 1]);
    }
    await bed.transactionAt(8_000, person(4));
    expect(await bed.start().ended).toBe('VALIDATION_STOPPED');
    expect(standing(bed)).toEqual(['1', '2']);
    const last = await bed.transactionAt(9_000, mends(held('7', 1_000)), person(5));
    bed.start();
    await bed.loaded(last);
    expect([standing(bed), bed.target.rows('changeover.held')]).toEqual([['1', '2', '3', '4', '5'], []]);
  });

  it('does not stop where the row is mended within the settle time, or in the log already; nor for rows that are only held, wait or are noted', async () => {
    await using bed = await begun();
    await bed.transactionAt(1_000, holds(held('7', 1_000)));
    await bed.transactionAt(5_000, mends(held('7', 1_000)));
    await bed.transactionAt(
      6_000,
      holds(held('8', 6_000), held('9', 6_000, { severity: 'hold' }), held('10', 6_000, { state: 'noted', severity: 'warn' })),
    );
    await bed.transactionAt(7_000, holds(held('11', 7_000, { reason: 'says "severity":"stop"', severity: 'hold' })));
    await bed.transactionAt(20_000, person(1));
    await bed.transactionAt(21_000, says(held('8', 6_000), held('8', 21_000, { severity: 'hold' })));
    const last = await bed.transactionAt(50_000, person(2));
    bed.start();
    await bed.loaded(last);
    expect(standing(bed)).toEqual(['1', '2']);
  });

  it('needs all of them mended, and stops again for one that comes in between', async () => {
    await using bed = await begun();
    await bed.transactionAt(1_000, holds(held('7', 1_000), held('8', 1_000)));
    await bed.transactionAt(2_000, holds(held('9', 2_000)));
    await bed.transactionAt(6_500, person(1));
    await bed.transactionAt(6_600, mends(held('7', 1_000)));
    expect(await bed.start().ended).toBe('VALIDATION_STOPPED');
    expect(standing(bed)).toEqual([]);
    await bed.transactionAt(6_700, mends(held('8', 1_000)));
    const at = await bed.transactionAt(6_900, person(2));
    await bed.transactionAt(7_000, person(3));
    expect(await bed.start().ended).toBe('VALIDATION_STOPPED');
    expect([standing(bed), bed.target.progress?.writes.seq]).toEqual([['1', '2'], at]);
    const last = await bed.transactionAt(8_000, mends(held('9', 2_000)));
    bed.start();
    await bed.loaded(last);
    expect(standing(bed)).toEqual(['1', '2', '3']);
  });

  it('stops at a record of many parts too, and is neither stopped nor mended by one that was given up', async () => {
    await using bed = await begun();
    await bed.transactionAt(1_000, person(1));
    for (const part of bed.parts([holds(held('6', 1_000)), person(2)], true)) await bed.append(part);
    await bed.fence();
    await bed.transactionAt(10_000, person(3), holds(held('7', 10_000)), person(4));
    await bed.transactionAt(15_000, person(5), person(6), holds(held('8', 15_000, { severity: 'hold' })));
    for (const part of bed.parts([mends(held('7', 10_000)), person(7)], true)) await bed.append(part);
    await bed.fence();
    await bed.transactionAt(15_500, person(9));
    expect(await bed.start().ended).toBe('VALIDATION_STOPPED');
    expect(standing(bed)).toEqual(['1', '3', '4']);
    const last = await bed.transactionAt(16_000, person(8), mends(held('7', 10_000)));
    bed.start();
    await bed.loaded(last);
    expect(standing(bed)).toEqual(['1', '3', '4', '5', '6', '8', '9']);
  });

  it('looks only through what has come since it looked last', async () => {
    await using bed = await begun();
    await bed.transactionAt(1_000, holds(held('7', 1_000)));
    for (let id = 1; id <= 40; id++) await bed.transactionAt(7_000, person(id));
    const loop = bed.loop();
    const run = async (): Promise<number> => {
      const before = bed.read;
      expect(await bed.run(loop)).toBe('VALIDATION_STOPPED');
      return bed.read - before;
    };
    const first = await run();
    const again = await run();
    await bed.transactionAt(8_000, person(41));
    const behind = await run();
    expect(first).toBeGreaterThan(75);
    expect([again <= first - 40, behind <= first - 38]).toEqual([true, true]);
    await bed.transactionAt(9_000, mends(held('7', 1_000)));
    const last = await bed.transactionAt(9_001, person(42));
    void bed.run(loop);
    await bed.loaded(last);
    expect(standing(bed)).toHaveLength(42);
  });
});
