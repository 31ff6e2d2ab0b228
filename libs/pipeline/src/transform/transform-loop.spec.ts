import { EventEmitter, on } from 'node:events';

import { ChangeoverError, noCrash, RandomIdSource, SystemClock, type CrashPoint, type ErrorCode } from '@changeover/core';
import {
  decodeMessage,
  encodeFrameHeader,
  encodeJsonBody,
  formatRows,
  FrameReader,
  parseRows,
  SequencedLog,
  tableSchemaHash,
  type CopyProgress,
  type Decision,
  type LogEntry,
  type LogWriter,
  type Operation,
  type ProgressBody,
  type RecordPart,
  type TableSchema,
} from '@changeover/events';
import { mappingHash, parseMapping, type Mapping } from '@changeover/mapping';
import {
  codeOfEnd,
  deleted,
  inserted,
  InMemoryMessageStore,
  InMemoryStateStore,
  MemoryStorage,
  positionAt,
  StateStorage,
  textTable,
  updated,
  type RowsEvent,
} from '@changeover/testing';

import { stateKey } from '../derive/state-keys.js';
import { SilentObserver, type PipelineObserver } from '../ports.js';
import { ThreadsInProcess } from '../test/transform/threads-in-process.js';
import { TransformLoop } from './transform-loop.js';

const CHANGES = 'm.changes';
const WRITES = 'm.writes';
const MAPPING: Mapping = parseMapping({ tables: { 'public.people': { to: 'crm.person', columns: { name: 'full_name' } } } });
const RULES: Mapping = parseMapping({
  rules: [{ source: 'public.people', target: 'crm.person', columns: { id: { column: 'id' }, full: { column: 'name' } }, key: ['id'] }],
});
const PEOPLE = textTable('people', ['id', 'name']);
/** Without a key. */
const NOTES = keyless(textTable('notes', ['a', 'b']));
const OTHER = textTable('later', ['id', 'what']);

/** `changes` as a capture writes them, and processes of transform that come and go. */
class TransformBed implements AsyncDisposable {
  readonly storage = new MemoryStorage();
  readonly maxStateBytes = 256 * 1024;
  state = new StateStorage();
  readonly #running = new Set<AbortController>();
  readonly #ended: Promise<unknown>[] = [];
  readonly #schemas = new Map<string, { readonly seq: number; readonly at: number }>();
  #writer: LogWriter | null = null;
  #position = 0;

  log(crashPoint: CrashPoint = noCrash): SequencedLog {
    return new SequencedLog(new InMemoryMessageStore(this.storage), new RandomIdSource(), crashPoint);
  }

  /** A new writer of `changes`, as after a crash of capture. */
  async fence(): Promise<void> {
    this.#writer = await this.log().openWriter(CHANGES, { writerId: 'capture', create: true });
  }

  async append(...parts: readonly RecordPart[]): Promise<{ readonly seq: number; readonly at: number } | undefined> {
    if (this.#writer === null) await this.fence();
    return (await (this.#writer as LogWriter).append(parts)).at(-1);
  }

  /** What capture says of the copies under way: tables, each with its `since`. */
  async progress(copies: Readonly<Record<string, number>> = {}): Promise<void> {
    const named = Object.entries(copies).map(([name, since]) => [
      name,
      { since, after: null, again: [], rows: 0, bytes: 0, estimate: null } satisfies CopyProgress,
    ]);
    const body: ProgressBody = {
      phase: 'streaming',
      position: positionAt(this.#position),
      systemId: 's',
      timeline: 1,
      schemas: {},
      requests: { through: 0, beyond: [] },
      mapping: null,
      ...(named.length === 0 ? {} : { copies: Object.fromEntries(named) as Record<string, CopyProgress> }),
    };
    await this.append({ kind: 'progress', body: encodeJsonBody('progress', body), last: true });
  }

  async activate(mapping: Mapping = MAPPING, copies: Readonly<Record<string, number>> = {}): Promise<void> {
    await this.progress(copies);
    await this.append({
      kind: 'mapping-activated',
      body: encodeJsonBody('mapping-activated', { requestId: 'r', hash: mappingHash(mapping), mapping }),
      last: true,
    });
  }

  async tell(table: TableSchema, previous: TableSchema | null = null, empty = false): Promise<void> {
    const before = previous === null ? null : (this.#schemas.get(previous.hash) ?? null);
    const body = encodeJsonBody('schema', { table, previous: before, ...(empty ? { empty } : {}) });
    this.#schemas.set(table.hash, (await this.append({ kind: 'schema', body, last: true })) as { seq: number; at: number });
  }

  /** Rows as a copy has found them. */
  async chunk(event: RowsEvent): Promise<void> {
    await this.#record('snapshot-chunk', [{ ...event, op: 'r' }], false);
  }

  /** One transaction of these rows, each event in a part of its own; `unfinished`: without the last. */
  async transaction(events: readonly RowsEvent[], unfinished = false): Promise<void> {
    await this.#record('transaction', events, unfinished);
  }

  /** The same in one part. */
  async uncut(events: readonly (Omit<RowsEvent, 'op'> & { readonly op: Operation })[]): Promise<void> {
    await this.#record('transaction', events, false, { uncut: true });
  }

  /** Rows of the target as they are recorded, and keys of those that are gone; `more`: others follow. */
  async reference(table: TableSchema, rows: readonly (readonly string[])[], gone: readonly string[] = [], more = false): Promise<void> {
    const left = gone.map((key) => deleted(table, key));
    await this.#record('reference-data', [inserted(table, ...rows), ...left], false, { uncut: true, ...(more && { more }) });
  }

  async #record(
    kind: 'transaction' | 'snapshot-chunk' | 'reference-data',
    events: readonly (Omit<RowsEvent, 'op'> & { readonly op: Operation })[],
    unfinished: boolean,
    { uncut = false, ...more }: { readonly more?: true; readonly uncut?: boolean } = {},
  ): Promise<void> {
    const parts = events.map((event, index): RecordPart => {
      const schema = this.#schemas.get(event.table.hash) as { seq: number; at: number };
      const last = !unfinished && index === events.length - 1;
      const facts = {
        schemas: [schema],
        ...(last
          ? { pos: positionAt(++this.#position), txId: '7', ts_ms: 1, rows: events.reduce((sum, { rowCount }) => sum + rowCount, 0) }
          : {}),
      };
      return {
        kind,
        body: [encodeFrameHeader({ ...event, schemaSeq: schema.seq }, event.rows.length), event.rows],
        last,
        facts,
      };
    });
    if (!uncut) {
      for (const part of parts) await this.append(part);
      return;
    }
    const rows = events.reduce((sum, { rowCount }) => sum + rowCount, 0);
    await this.append({
      kind,
      body: parts.flatMap(({ body }) => [...body]),
      last: true,
      facts: { ...parts[0]?.facts, ...parts.at(-1)?.facts, ts_ms: 1, rows, ...more },
    });
  }

  start(
    options: {
      readonly mapping?: Mapping;
      /** Its activation has been asked for. */
      readonly asked?: true;
      readonly crashPoint?: CrashPoint;
      readonly recordRows?: number;
      readonly roundRows?: number;
      /** Where it remembers: made by the bed if it is left out. */
      readonly openState?: () => InMemoryStateStore;
      readonly observer?: PipelineObserver;
      /** Derives in other threads, and tells of each task. */
      readonly threaded?: () => void;
    } = {},
  ): {
    readonly ended: Promise<ErrorCode | null>;
    stop(): Promise<ErrorCode | null>;
  } {
    const abort = new AbortController();
    const { crashPoint = noCrash, threaded, recordRows, roundRows, observer = new SilentObserver() } = options;
    const { openState = () => new InMemoryStateStore(this.state) } = options;
    let state: InMemoryStateStore | undefined;
    const loop = new TransformLoop({
      migration: 'm',
      openState: () => Promise.resolve((state = openState())),
      ...(threaded && {
        startThreads: (setup) => new ThreadsInProcess(() => state as InMemoryStateStore, setup, {}, threaded),
      }),
      converters: {},
      changes: CHANGES,
      writes: WRITES,
      log: this.log(crashPoint),
      mapping: () => Promise.resolve(options.mapping ?? MAPPING),
      isAskedFor: () => Promise.resolve(options.asked === true),
      observer,
      clock: new SystemClock(),
      ids: new RandomIdSource(),
      crashPoint,
      limits: {
        ...{ maxQueuedBytes: 256 * 1024, maxStateBytes: this.maxStateBytes, threadedRows: 100 },
        ...(recordRows && { recordRows }),
        ...(roundRows && { roundRows }),
      },
    });
    const ended = codeOfEnd(loop.run(abort.signal));
    this.#running.add(abort);
    this.#ended.push(ended);
    return {
      ended,
      stop: () => {
        abort.abort();
        return ended;
      },
    };
  }

  /**
   * `writes` up to the record that came from the last of `changes`, or from one before it: entries, the first field of each row by transaction, and the whole
   * rows behind their operation.
   */
  async written(through?: number): Promise<{
    readonly entries: readonly LogEntry[];
    readonly transactions: readonly (readonly string[])[];
    readonly rows: readonly (readonly string[])[];
  }> {
    const last = through ?? (await this.log().head(CHANGES)).seq;
    const entries: LogEntry[] = [];
    const whole: string[][] = [];
    const transactions: string[][] = [];
    const frames = new FrameReader();
    let rows: string[] = [];
    let told: string[] = [];
    // It may not be there yet.
    this.storage.create(WRITES);
    for await (const batch of this.log().read(WRITES, null, new AbortController().signal)) {
      for (const item of batch) {
        if (item.type === 'abandoned') continue;
        const { header, body } = item.entry;
        entries.push(item.entry);
        if (header.kind === 'transaction') {
          if (header.part === 1) {
            rows = [];
            told = [];
            frames.reset();
          }
          for (const frame of frames.push(body)) {
            const lines = parseRows(frame.rows);
            rows.push(...lines.map((row) => String(row[0])));
            if (frame.op === 't') told.push('t');
            told.push(...lines.map((row) => [frame.op, ...row.map((value) => value ?? 'N')].join(' ')));
          }
          if (header.last) {
            transactions.push(rows);
            whole.push(told);
          }
        }
        if (header.last && header.kind !== 'schema' && (header.from?.seq ?? 0) >= last) return { entries, transactions, rows: whole };
      }
    }
    return { entries, transactions, rows: whole };
  }

  async stopAll(): Promise<void> {
    for (const abort of this.#running) abort.abort();
    await Promise.allSettled(this.#ended);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopAll();
  }
}

function keyless(table: TableSchema): TableSchema {
  const form = { ...table, identity: 'full' as const, columns: table.columns.map((column) => ({ ...column, key: false })) };
  return { ...form, hash: tableSchemaHash(form) };
}

/** An update that tells the key alone: the rest did not change, and is large. */
function leftOut(table: TableSchema, key: string): RowsEvent {
  return { ...updated(table, [key]), partial: true, rows: formatRows([[key, ...table.columns.slice(1).map(() => undefined)]]) };
}

function crashAt(point: string, k: number): CrashPoint {
  let reached = 0;
  return (name) => {
    if (name === point && ++reached === k) throw new ChangeoverError('INTERNAL', `crash at ${point}`);
  };
}

const person = (id: number, bytes = 10): RowsEvent => inserted(PEOPLE, [String(id), 'x'.repeat(bytes)]);

describe('transform', () => {
  it("passes transactions on under the mapping's names, each with where it came from", async () => {
    await using bed = new TransformBed();
    bed.start();
    await bed.activate();
    await bed.tell(PEOPLE);
    await bed.transaction([person(1), person(2)]);
    await bed.transaction([person(3)]);
    const { entries, transactions } = await bed.written();
    expect(transactions).toEqual([['1', '2'], ['3']]);
    const told = entries
      .filter((entry) => entry.header.kind === 'schema')
      .map((entry) => JSON.parse(entry.body.toString()) as { table: TableSchema })
      .filter(({ table }) => table.schema !== 'changeover');
    expect(told).toHaveLength(1);
    expect(told[0]?.table).toMatchObject({ schema: 'crm', table: 'person' });
    expect(told[0]?.table.columns.map((column) => column.name)).toEqual(['id', 'full_name']);
    const last = entries.at(-1)?.header;
    expect(last).toMatchObject({ pos: positionAt(2), mapping: mappingHash(MAPPING), from: { pos: positionAt(2) } });
  });

  it.each([1, 2, 3, 4, 5, 6])('after a crash behind append %i it appends nothing again and leaves nothing out', async (k) => {
    await using bed = new TransformBed();
    await bed.activate();
    await bed.tell(PEOPLE);
    await bed.transaction([person(1)]);
    const crashed = bed.start({ crashPoint: crashAt('transform.after-append', k) });
    let ended = false;
    void crashed.ended.then(() => (ended = true));
    for (let id = 2; !ended; id++) {
      await bed.transaction([person(id)]);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await crashed.ended).toBe('INTERNAL');
    bed.start();
    await bed.transaction([person(1_000)]);
    const { transactions } = await bed.written();
    const ids = transactions.flat().map(Number);
    expect(ids).toEqual([...ids.slice(0, -1).map((_, index) => index + 1), 1_000]);
  });

  it('commits what it remembers of the last record soon, though nothing follows it', async () => {
    await using bed = new TransformBed();
    const places = new EventEmitter();
    class TellingStore extends InMemoryStateStore {
      override async commit(place: Buffer): Promise<void> {
        await super.commit(place);
        places.emit('committed', (JSON.parse(place.toString()) as { read: { seq: number } | null }).read?.seq);
      }
    }
    bed.start({ openState: () => new TellingStore(bed.state) });
    await bed.activate();
    await bed.tell(PEOPLE);
    await bed.transaction([person(1)]);
    await bed.written();
    const committed = on(places, 'committed');
    await bed.transaction([person(2)]);
    const { seq } = await bed.log().head(CHANGES);
    for await (const [place] of committed) if (place === seq) break;
    expect(bed.state.committed.entries.size).toBe(2);
  });

  it('tells how far it is when what it remembers is filled from the log again, and only then', async () => {
    await using bed = new TransformBed();
    await bed.activate();
    await bed.tell(PEOPLE);
    for (let id = 1; id <= 5; id++) await bed.transaction([person(id)]);
    const { seq: through } = await bed.log().head(CHANGES);
    const observed = async (): Promise<readonly { readonly seq: number; readonly through: number }[]> => {
      const places: { readonly seq: number; readonly through: number }[] = [];
      const observer = Object.assign(new SilentObserver(), { refilled: (place: (typeof places)[number]) => void places.push(place) });
      const running = bed.start({ observer });
      await bed.written();
      await running.stop();
      return places;
    };
    expect(await observed()).toEqual([]);
    await using state = new InMemoryStateStore(bed.state);
    await state.clear();
    await bed.transaction([person(6)]);
    const places = await observed();
    expect(new Set(places.map((place) => place.through))).toEqual(new Set([through]));
    expect(places.map(({ seq }) => seq)).toEqual(places.map(({ seq }) => seq).toSorted((a, b) => a - b));
    expect(places.at(-1)).toEqual({ seq: through, through });
    expect(places.length).toBeGreaterThanOrEqual(5);
  });

  it('a large record comes out whole after a crash in its middle', async () => {
    await using bed = new TransformBed();
    await bed.activate();
    await bed.tell(PEOPLE);
    const crashed = bed.start({ crashPoint: crashAt('transform.between-parts', 2) });
    const many = Array.from({ length: 8 }, (_, index) => person(index, 400_000));
    await bed.transaction(many);
    expect(await crashed.ended).toBe('INTERNAL');
    bed.start();
    await bed.transaction([person(99)]);
    expect((await bed.written()).transactions).toEqual([many.map((_, index) => String(index)), ['99']]);
  });

  it('forgets a record that its writer gave up, also when its beginning was passed on', async () => {
    await using bed = new TransformBed();
    bed.start();
    await bed.activate();
    await bed.tell(PEOPLE);
    await bed.transaction([person(1, 600_000), person(2, 600_000)], true);
    await bed.fence();
    await bed.transaction([person(3, 600_000), person(4)]);
    await bed.transaction([person(5)]);
    expect((await bed.written()).transactions).toEqual([['3', '4'], ['5']]);
  });

  it('tells a form that comes up in the middle of a large record before that record', async () => {
    await using bed = new TransformBed();
    bed.start();
    await bed.activate();
    await bed.tell(PEOPLE);
    await bed.tell(OTHER);
    const many = Array.from({ length: 4 }, (_, index) => person(index, 400_000));
    await bed.transaction([...many, inserted(OTHER, ['a', 'b'])]);
    const { entries, transactions } = await bed.written();
    expect(transactions).toEqual([['0', '1', '2', '3', 'a']]);
    const headers = bed.storage.get(WRITES).messages.map(({ bytes, offset }) => decodeMessage(bytes, offset).header);
    expect(headers.some((header) => header.kind === 'transaction' && !header.last)).toBe(true);
    expect(entries.filter((entry) => entry.header.kind === 'schema')).toHaveLength(3);
  });

  it('refuses rows before a mapping was activated, and another mapping than the active one', async () => {
    await using bed = new TransformBed();
    await bed.tell(PEOPLE);
    await bed.transaction([person(1)]);
    expect(await bed.start().ended).toBe('MAPPING_NOT_ACTIVE');
    await using other = new TransformBed();
    await other.activate();
    const first = other.start();
    await other.written();
    await first.stop();
    expect(await other.start({ mapping: parseMapping({}) }).ended).toBe('MAPPING_NOT_ACTIVE');
  });

  it('gives numbers in an order that stays the same from version to version, as a later one may have to fill a lost state again', async () => {
    const [company, person] = [textTable('company', ['code', 'name']), textTable('person', ['id', 'company', 'deputy'])];
    const number = (allocated: string, column: string, step = 1) => ({ allocated, start: 1, step, input: { column } });
    const mapping = parseMapping({
      rules: [
        {
          source: 'public.person',
          target: 'crm.contact',
          columns: { id: number('contact', 'id', 10), account: number('account', 'company'), deputy: number('contact', 'deputy', 10) },
          key: ['id'],
          requires: [{ parent: 'crm.account', key: [{ column: 'company' }] }],
        },
        {
          source: 'public.company',
          target: 'crm.account',
          columns: { id: number('account', 'code'), name: { column: 'name' } },
          key: ['id'],
        },
      ],
    });
    await using bed = new TransformBed();
    const running = bed.start({ mapping });
    await bed.activate(mapping, { 'public.company': 1, 'public.person': 1 });
    await bed.tell(person);
    await bed.tell(company);
    await bed.chunk(inserted(person, ['7', 'z', '3'], ['3', 'b', '9'], ['5', 'nobody', '5']));
    await bed.chunk(inserted(company, ['b', 'Bo'], ['a', 'Ada'], ['z', 'Zoe']));
    await bed.progress();
    await bed.uncut([inserted(person, ['11', 'y', '12'], ['10', 'x', '13']), inserted(company, ['x', 'X'], ['w', 'W'], ['y', 'Y'])]);
    await bed.transaction([inserted(company, ['v', 'V']), inserted(person, ['12', 'u', '14'])]);
    const { rows } = await bed.written();
    const given = rows.map((record) => record.filter((row) => /^c m (?:account|contact) /u.test(row)).map((row) => row.slice(4)));
    expect(given.filter((numbers) => numbers.length > 0)).toEqual([
      ['contact 1 3', 'account 1 b', 'contact 11 9', 'contact 21 5', 'account 2 nobody', 'contact 31 7', 'account 3 z'],
      ['account 4 a'],
      ['account 5 y', 'contact 41 12', 'contact 51 11', 'account 6 x', 'contact 61 13', 'contact 71 10', 'account 7 w'],
      ['account 8 v', 'account 9 u', 'contact 81 14'],
    ]);
    expect(await running.stop()).toBeNull();
  });

  describe('where rules look up rows of the target', () => {
    const USERS = textTable('target:crm.user', ['id', 'mail']);
    const owner = {
      as: 'owner',
      table: 'target:crm.user',
      on: { mail: { column: 'name' } },
      all: { columns: { id: { max: { column: 'id', of: 'owner' } } }, atMost: 1 },
    };
    const looking = (more: object = {}): Mapping =>
      parseMapping({
        rules: [
          {
            ...{ source: 'public.people', target: 'crm.person', joins: [owner], key: ['id'] },
            columns: { id: { column: 'id' }, owner: { column: 'id', of: 'owner' } },
            ...more,
          },
        ],
      });
    const LOOKING = looking();
    /** Reads a column more. */
    const NAMED = textTable('target:crm.user', ['id', 'mail', 'name']);
    const { all } = owner;
    const NAMING = looking({
      joins: [{ ...owner, all: { ...all, columns: { ...all.columns, name: { max: { column: 'name', of: 'owner' } } } } }],
      columns: { id: { column: 'id' }, owner: { column: 'id', of: 'owner' }, named: { column: 'name', of: 'owner' } },
    });
    const recorded = (id: string, mail: string): string => `m crm.user ${id} {"id":"${id}","mail":"${mail}"}`;

    /** People a, b and c, and what is told of rows of the target. */
    const begun = async (): Promise<{ readonly bed: TransformBed; readonly warned: readonly string[] }> => {
      const bed = new TransformBed();
      await bed.tell(PEOPLE);
      await bed.activate(LOOKING);
      await bed.transaction(['a', 'b', 'c'].map((name, index) => inserted(PEOPLE, [String(index + 1), name])));
      const warned: string[] = [];
      const observer = Object.assign(new SilentObserver(), { warning: ({ code }: ChangeoverError) => void warned.push(code) });
      bed.start({ mapping: LOOKING, observer });
      await bed.progress();
      await bed.tell(USERS);
      await bed.reference(
        USERS,
        [
          ['7', 'a'],
          ['8', 'b'],
        ],
        [],
        true,
      );
      await bed.progress();
      expect((await bed.written()).rows).toEqual([]);
      return { bed, warned };
    };

    it('derives nothing until all of a table is recorded, and then again what a refresh concerns', async () => {
      const { bed, warned } = await begun();
      await using _ = bed;
      expect(warned).toEqual(['REFERENCE_MISSING']);
      await bed.reference(USERS, [['9', 'c']]);
      const rows = ['7', '8', '9'].map((id, index) => `c ${recorded(id, 'abc'.charAt(index))}`);
      expect((await bed.written()).rows).toEqual([['c 1 7', 'c 2 8', 'c 3 9'], rows]);
      // The one that is gone is found no longer; of two nobody can say which is meant.
      await bed.reference(USERS, [['10', 'b']], ['7']);
      const [, , refreshed = []] = (await bed.written()).rows;
      expect(refreshed.filter((row) => row.includes('crm.user') || row.startsWith('u'))).toEqual([
        `c ${recorded('10', 'b')}`,
        `d ${recorded('7', 'a')}`,
        'u 1 7',
        'u 1 N',
      ]);
      expect(refreshed.filter((row) => row.includes('too many rows'))).toHaveLength(1);
      // What is recorded as it was concerns nobody.
      await bed.reference(USERS, [
        ['9', 'c'],
        ['8', 'b'],
      ]);
      await bed.reference(USERS, [], ['10']);
      expect(
        (await bed.written()).rows
          .slice(3)
          .flat()
          .filter((row) => !row.startsWith('d m ')),
      ).toEqual([]);
    });

    it('comes to the same where the state was lost', async () => {
      const { bed } = await begun();
      await using _ = bed;
      await bed.reference(USERS, [['9', 'c']]);
      await bed.reference(USERS, [['9', 'a']], ['7']);
      await bed.written();
      await bed.stopAll();
      await using state = new InMemoryStateStore(bed.state);
      await state.clear();
      bed.start({ mapping: LOOKING });
      await bed.reference(USERS, [
        ['9', 'b'],
        ['8', 'c'],
      ]);
      expect((await bed.written()).rows.at(-1)?.filter((row) => row.startsWith('u '))).toEqual([
        ...[`u ${recorded('9', 'a')}`, `u ${recorded('9', 'b')}`, `u ${recorded('8', 'b')}`, `u ${recorded('8', 'c')}`],
        ...['u 1 9', 'u 1 N', 'u 2 8', 'u 2 9', 'u 3 N', 'u 3 8'],
      ]);
    });

    it('waits for columns that are recorded later, until all rows were told with them, also in another process', async () => {
      await using bed = new TransformBed();
      await bed.tell(PEOPLE);
      await bed.activate(NAMING);
      await bed.transaction(['a', 'b'].map((name, index) => inserted(PEOPLE, [String(index + 1), name])));
      await bed.tell(USERS);
      await bed.reference(USERS, [
        ['7', 'a'],
        ['8', 'b'],
      ]);
      const warned: string[] = [];
      const observer = Object.assign(new SilentObserver(), { warning: ({ code }: ChangeoverError) => void warned.push(code) });
      const first = bed.start({ mapping: NAMING, observer });
      await bed.tell(NAMED, USERS);
      await bed.reference(NAMED, [['7', 'a', 'Ada']], [], true);
      expect((await bed.written()).rows).toEqual([]);
      expect(warned).toEqual(['REFERENCE_MISSING']);
      await first.stop();
      bed.start({ mapping: NAMING });
      await bed.progress();
      expect((await bed.written()).rows).toEqual([]);
      await bed.reference(NAMED, [['8', 'b', 'Bo']]);
      expect((await bed.written()).rows[0]).toEqual(['c 1 Ada 7', 'c 2 Bo 8']);
    });

    it('refuses another mapping that looks up what is not recorded, or not all of it yet; a lost state comes to the same', async () => {
      const { bed } = await begun();
      await using _ = bed;
      await bed.reference(USERS, [['9', 'c']]);
      await bed.written();
      await bed.stopAll();
      const refused = async (): Promise<readonly unknown[]> =>
        (await bed.written()).entries.flatMap(({ header }) => (header.refused === undefined ? [] : [header.refused.code]));
      const second = bed.start({ mapping: NAMING, asked: true });
      await bed.activate(NAMING);
      expect(await refused()).toEqual(['REFERENCE_MISSING']);
      await bed.tell(NAMED, USERS);
      await bed.reference(NAMED, [['7', 'a', 'Ada']], [], true);
      await bed.activate(NAMING);
      expect(await refused()).toEqual(['REFERENCE_MISSING', 'REFERENCE_MISSING']);
      await bed.reference(NAMED, [
        ['8', 'b', 'Bo'],
        ['9', 'c', 'Cy'],
      ]);
      await bed.activate(NAMING);
      const { rows } = await bed.written();
      expect(await refused()).toHaveLength(2);
      expect(rows.at(-1)).toEqual(['u 1 N 7', 'u 1 Ada 7', 'u 2 N 8', 'u 2 Bo 8', 'u 3 N 9', 'u 3 Cy 9']);
      await second.stop();
      bed.state = new StateStorage();
      bed.start({ mapping: NAMING });
      await bed.reference(NAMED, [['9', 'c', 'Cleo']]);
      const again = await bed.written();
      expect(again.rows.slice(0, -1)).toEqual(rows);
      expect(again.rows.at(-1)?.filter((row) => !row.includes('crm.user'))).toEqual(['u 3 Cy 9', 'u 3 Cleo 9']);
    });
  });

  describe('where another mapping is activated', () => {
    const named = (full: object, more: object = {}): Mapping =>
      parseMapping({
        rules: [
          {
            source: 'public.people',
            target: 'crm.person',
            columns: { id: { column: 'id' }, full },
            key: ['id'],
            required: ['full'],
            ...more,
          },
        ],
      });
    const one = named({ column: 'name' });
    const two = named(
      { when: [{ if: { is: { column: 'name' }, in: ['b'] }, then: { constant: 'B' } }], otherwise: { column: 'name' } },
      { where: { not: { is: { column: 'id' }, in: ['3'] } } },
    );
    const begun = async (): Promise<TransformBed> => {
      const bed = new TransformBed();
      await bed.tell(PEOPLE);
      await bed.activate(one);
      await bed.transaction(['a', 'b', 'c', 'd'].map((name, index) => inserted(PEOPLE, [String(index + 1), name])));
      // Held, and what stands is kept.
      await bed.transaction([updated(PEOPLE, ['4', null])]);
      const first = bed.start({ mapping: one });
      await bed.written();
      expect(await first.stop()).toBeNull();
      return bed;
    };

    it('writes what differs, with the row before and no other, and goes on under that', async () => {
      await using bed = await begun();
      const running = bed.start({ mapping: two, asked: true });
      const { seq } = await bed.log().head(CHANGES);
      await bed.activate(two);
      await bed.transaction([inserted(PEOPLE, ['5', 'b'])]);
      await bed.activate(one);
      expect((await bed.written(seq + 3)).rows.slice(-2)).toEqual([['d c 3', 'u b 2', 'u B 2'], ['c B 5']]);
      // The file is read again.
      expect(await running.ended).toBe('MAPPING_NOT_ACTIVE');
      bed.start({ mapping: one, asked: true });
      const { rows, entries } = await bed.written();
      expect(rows.at(-1)).toEqual(['u B 2', 'u b 2', 'u B 5', 'u b 5', 'c c 3']);
      expect(entries.at(-1)?.header.mapping).toBe(mappingHash(one));
    });

    it.each([1, 2])('a crash on the way leaves nothing out and sends nothing twice (%i)', async (k) => {
      await using bed = await begun();
      await bed.activate(two);
      const killed = bed.start({ mapping: two, asked: true, crashPoint: crashAt('transform.in-activation', k) });
      expect(await killed.ended).toBe('INTERNAL');
      bed.start({ mapping: two, asked: true });
      const { rows } = await bed.written();
      expect(rows.slice(2)).toEqual([['d c 3', 'u b 2', 'u B 2']]);
    });

    it('goes over all of them again, without their files, where what it remembered is lost', async () => {
      await using bed = await begun();
      await bed.activate(two);
      const second = bed.start({ mapping: two, asked: true });
      const before = await bed.written();
      await second.stop();
      bed.state = new StateStorage();
      await bed.transaction([updated(PEOPLE, ['4', 'b'])]);
      bed.start({ mapping: two });
      const { rows, entries } = await bed.written();
      expect(rows.slice(0, -1)).toEqual(before.rows);
      expect(rows.at(-1)?.slice(0, 2)).toEqual(['u d 4', 'u B 4']);
      // Whatever is told again meanwhile stands behind all that: who looks at the end finds the mapping in force there.
      const since = entries.slice(before.entries.length);
      expect(since.filter(({ header }) => header.kind === 'schema').length).toBeGreaterThan(1);
      expect(new Set(since.map(({ header }) => header.mapping))).toEqual(new Set([mappingHash(two)]));
    });

    it.each([0, 1, 2])(
      'gives texts numbers that they keep: for a row that comes back, another mapping and a lost state (%i)',
      async (k) => {
        await using bed = await begun();
        const number = { allocated: 'keys', start: 10, step: 5, input: { column: 'name' } };
        const numbering = parseMapping({ rules: [{ ...one.rules[0], columns: { ...one.rules[0]?.columns, number } }] });
        await bed.activate(numbering);
        if (k > 0) {
          const killed = bed.start({ mapping: numbering, asked: true, crashPoint: crashAt('transform.in-activation', k) });
          expect(await killed.ended).toBe('INTERNAL');
        }
        const running = bed.start({ mapping: numbering, asked: true });
        const numbersIn = (rows: readonly (readonly string[])[]): readonly string[] =>
          rows.flat().filter((row) => row.startsWith('c m keys'));
        const given = ['c m keys 10 a', 'c m keys 15 b', 'c m keys 20 c'];
        expect(numbersIn((await bed.written()).rows)).toEqual(given);
        await bed.transaction([deleted(PEOPLE, '2'), inserted(PEOPLE, ['5', 'e']), inserted(PEOPLE, ['6', 'a'])]);
        await bed.transaction([inserted(PEOPLE, ['2', 'b'])]);
        const { rows } = await bed.written();
        expect(rows.at(-2)).toEqual(['d b 2 15', 'c e 5 25', 'c m keys 25 e', 'c a 6 10']);
        expect(rows.at(-1)).toEqual(['c b 2 15']);
        await running.stop();
        await bed.activate(one);
        await bed.transaction([updated(PEOPLE, ['5', 'f'])]);
        const without = bed.start({ mapping: one, asked: true });
        await bed.written();
        await without.stop();
        await bed.activate(numbering);
        const back = bed.start({ mapping: numbering, asked: true });
        const whole = (await bed.written()).rows;
        expect(numbersIn(whole)).toEqual([...given, 'c m keys 25 e', 'c m keys 30 f']);
        await back.stop();
        bed.state = new StateStorage();
        await bed.transaction([inserted(PEOPLE, ['7', 'g'])]);
        bed.start({ mapping: numbering });
        const again = (await bed.written()).rows;
        expect(again.slice(0, -1)).toEqual(whole);
        expect(again.at(-1)).toEqual(['c g 7 35', 'c m keys 35 g']);
      },
    );

    it.each([
      ['a rule', named({ column: 'gone' }), 'MAPPING_INVALID'],
      [
        'a table that passes by',
        parseMapping({ rules: one.rules, tables: { 'public.people': { to: 'crm.people', columns: { gone: 'alias' } } } }),
        'SCHEMA_NEEDS_MAPPING',
      ],
    ])('passes by one of which %s does not fit at its record, and goes on; a lost state comes to the same', async (_, misfit, code) => {
      await using bed = await begun();
      const told: unknown[] = [];
      const observer = Object.assign(new SilentObserver(), { mapped: (mapping: unknown) => told.push(mapping) });
      const second = bed.start({ mapping: misfit, asked: true, observer });
      await bed.activate(misfit);
      const { seq } = await bed.log().head(CHANGES);
      await bed.transaction([updated(PEOPLE, ['4', 'e'])]);
      const { entries, rows } = await bed.written();
      expect(rows.at(-1)?.slice(0, 2)).toEqual(['u d 4', 'u e 4']);
      const refused = entries.filter(({ header }) => header.refused !== undefined).map(({ header }) => header);
      expect(refused).toEqual([
        expect.objectContaining({
          ...{ kind: 'progress', mapping: mappingHash(one), from: expect.objectContaining({ seq }) as unknown },
          refused: { code, reason: expect.stringContaining('gone') as unknown },
        }),
      ]);
      const known = { seq, hash: mappingHash(misfit), requestId: 'r', code };
      expect(told.at(-1)).toMatchObject({ hash: mappingHash(one), refused: [known] });
      await second.stop();
      await bed.activate(two);
      const third = bed.start({ mapping: two, asked: true, observer });
      expect((await bed.written()).rows.at(-1)).toEqual(['d c 3', 'u b 2', 'u B 2']);
      expect(told.at(-1)).toMatchObject({ hash: mappingHash(two), refused: [known] });
      await third.stop();
      bed.state = new StateStorage();
      await bed.transaction([updated(PEOPLE, ['4', 'b'])]);
      bed.start({ mapping: two });
      expect((await bed.written()).rows.at(-1)).toEqual(['u e 4', 'u B 4']);
    });
  });

  it('stops before the first row of a form whose rows need a copy, with all before it passed on', async () => {
    await using bed = new TransformBed();
    await bed.activate();
    await bed.tell(PEOPLE);
    await bed.transaction([person(1)]);
    const wider = textTable('people', ['id', 'name', 'added'], { fill: 'default' });
    await bed.tell(wider, PEOPLE);
    expect(await bed.start().ended).toBe('SCHEMA_NEEDS_COPY');
    const { header } = await bed.log().head(WRITES);
    expect(header).toMatchObject({ kind: 'transaction', pos: positionAt(1) });
  });

  it('goes on where the table was empty when it changed', async () => {
    await using bed = new TransformBed();
    await bed.activate();
    await bed.tell(PEOPLE);
    const wider = textTable('people', ['id', 'name', 'added'], { fill: 'default' });
    await bed.tell(wider, PEOPLE, true);
    await bed.transaction([inserted(wider, ['1', 'Ada', 'x'])]);
    const process = bed.start();
    await bed.written();
    expect(await process.stop()).toBeNull();
  });

  it('stops as FENCED when another transform has begun', async () => {
    await using bed = new TransformBed();
    await bed.activate();
    await bed.tell(PEOPLE);
    await bed.transaction([person(1)]);
    const first = bed.start();
    await bed.written();
    bed.start();
    await bed.transaction([person(2)]);
    await bed.written();
    await bed.transaction([person(3)]);
    // It had the first of the two in its hands, or hears of the fence with the second.
    expect(await first.ended).toBe('FENCED');
    expect((await bed.written()).transactions).toEqual([['1'], ['2'], ['3']]);
  });

  it('stops as LOG_MISSING when what it reads is deleted, though it has read it from the beginning', async () => {
    await using bed = new TransformBed();
    await bed.activate();
    const running = bed.start();
    await bed.written();
    bed.storage.drop(CHANGES);
    expect(await running.ended).toBe('LOG_MISSING');
  });

  describe('while tables are copied', () => {
    const COPIED = { 'public.people': 1 };

    it('writes no row, then everything once, and from there on each change with the row before it', async () => {
      await using bed = new TransformBed();
      bed.start();
      await bed.activate(MAPPING, COPIED);
      await bed.tell(PEOPLE);
      await bed.transaction([inserted(PEOPLE, ['7', 'new'])]);
      await bed.chunk(inserted(PEOPLE, ['1', 'Ada'], ['2', 'Bo']));
      await bed.transaction([deleted(PEOPLE, '2')]);
      expect((await bed.written(1)).transactions).toEqual([]);
      await bed.progress();
      await bed.transaction([updated(PEOPLE, ['1', 'Eve'])]);
      expect((await bed.written()).rows).toEqual([
        ['c 1 Ada', 'c 7 new'],
        ['u 1 Ada', 'u 1 Eve'],
      ]);
    });

    it('lays a change of a row that was not copied yet under what the copy tells of it', async () => {
      await using bed = new TransformBed();
      bed.start();
      await bed.activate(MAPPING, COPIED);
      await bed.tell(PEOPLE);
      await bed.transaction([leftOut(PEOPLE, '1')]);
      await bed.chunk(inserted(PEOPLE, ['1', 'large']));
      await bed.progress();
      await bed.transaction([inserted(PEOPLE, ['2', 'x'])]);
      expect((await bed.written()).rows[0]).toEqual(['c 1 large']);
    });

    it.each([MAPPING, RULES])('stops as SOURCE_DATA where a row never became whole (%#)', async (mapping) => {
      await using bed = new TransformBed();
      const running = bed.start({ mapping });
      await bed.activate(mapping, COPIED);
      await bed.tell(PEOPLE);
      await bed.transaction([leftOut(PEOPLE, '1')]);
      await bed.progress();
      expect(await running.ended).toBe('SOURCE_DATA');
    });

    it('takes for gone what a copy that was begun anew did not find', async () => {
      await using bed = new TransformBed();
      bed.start();
      await bed.activate(MAPPING, COPIED);
      await bed.tell(PEOPLE);
      await bed.chunk(inserted(PEOPLE, ['1', 'Ada'], ['2', 'Bo']));
      const { seq } = await bed.log().head(CHANGES);
      await bed.progress({ 'public.people': seq });
      await bed.chunk(inserted(PEOPLE, ['2', 'Bo']));
      await bed.progress();
      await bed.transaction([inserted(PEOPLE, ['3', 'x'])]);
      expect((await bed.written()).rows).toEqual([['c 2 Bo'], ['c 3 x']]);
    });

    it('lets others go on between two pieces of the first derivation, also where nothing is written', async () => {
      const joins = [{ as: 'namesake', table: 'public.people', on: { name: { column: 'name' } } }];
      const mapping = parseMapping({ rules: RULES.rules.map((rule) => ({ ...rule, joins })) });
      await using bed = new TransformBed();
      const turns: number[] = [];
      let turn = 0;
      bed.start({
        mapping,
        crashPoint: (name) => {
          if (name !== 'transform.in-derive-all') return;
          turns.push(turn);
          setImmediate(() => turn++);
        },
      });
      await bed.activate(mapping, COPIED);
      await bed.tell(PEOPLE);
      await bed.chunk(inserted(PEOPLE, ...Array.from({ length: 5_000 }, (_, id) => [String(id), `name ${String(id)}`])));
      await bed.progress();
      await bed.transaction([inserted(PEOPLE, ['x', 'late'])]);
      await bed.written();
      // Three pieces of those who are found by their name, three of the rows, and the end.
      expect(turns).toEqual([0, 1, 2, 3, 4, 5, 6]);
    });

    it('lets a barrier wait until everything was derived', async () => {
      await using bed = new TransformBed();
      bed.start();
      await bed.activate(MAPPING, COPIED);
      await bed.tell(PEOPLE);
      await bed.chunk(inserted(PEOPLE, ['1', 'Ada']));
      await bed.append({ kind: 'barrier', body: encodeJsonBody('barrier', { requestId: 'b', token: 'here' }), last: true });
      await bed.progress(COPIED);
      await bed.progress();
      const kinds = (await bed.written()).entries.map(({ header }) => header.kind).filter((kind) => kind !== 'schema');
      expect(kinds.slice(-3)).toEqual(['transaction', 'barrier', 'progress']);
    });

    it('derives with what operators decided before and after: told once, in force while the source holds what was corrected, also after a restart', async () => {
      const correct = async (id: string, from: string, to: string): Promise<void> => {
        const decision = { what: 'correct' as const, table: 'public.people', key: '1', column: 'name', from, to, why: null };
        const body = encodeJsonBody('correction', { requestId: id, decisions: [decision] });
        await bed.append({ kind: 'correction', body, last: true, facts: { ts_ms: 5 } });
      };
      await using bed = new TransformBed();
      const first = bed.start({ mapping: RULES });
      await bed.activate(RULES, COPIED);
      await bed.tell(PEOPLE);
      await correct('early', 'Ada', 'Ada L.');
      await bed.chunk(inserted(PEOPLE, ['1', 'Ada'], ['2', 'Bo']));
      await bed.progress();
      const told = (id: string, from: string, to: string, seq: number): string =>
        `m ${id}.1 public.people 1 name ${from} ${to} N ${String(seq)} 5 N N`;
      expect((await bed.written()).rows).toEqual([['c Ada L. 1', 'c Bo 2'], [`c ${told('early', 'Ada', 'Ada L.', 4)}`]]);
      await bed.transaction([updated(PEOPLE, ['1', 'Eve'])]);
      await correct('late', 'Eve', 'Eva');
      await bed.written();
      await first.stop();
      bed.start({ mapping: RULES });
      await bed.transaction([updated(PEOPLE, ['1', 'Ada'])]);
      await bed.transaction([updated(PEOPLE, ['2', 'Eve'])]);
      expect((await bed.written()).rows.slice(2)).toEqual([
        ['u Ada L. 1', 'u Eve 1'],
        [`c ${told('late', 'Eve', 'Eva', 8)}`, 'u Eve 1', 'u Eva 1'],
        ['u Eva 1', 'u Ada L. 1'],
        ['u Bo 2', 'u Eve 2'],
      ]);
    });

    it('accepts a row that a rule holds, by what the rule looks at: decided before and after, out of force and in force again, withdrawn', async () => {
      const validate = [{ name: 'short', column: 'full', atMost: 3, severity: 'stop' as const }];
      const mapping = parseMapping({ rules: RULES.rules.map((rule) => ({ ...rule, validate, whileHeld: 'none' })) });
      const row = { table: 'public.people', column: 'full', target: 'crm.person', rule: 'short' };
      const decide = async (id: string, decision: Decision): Promise<void> => {
        const body = encodeJsonBody('correction', { requestId: id, decisions: [decision] });
        await bed.append({ kind: 'correction', body, last: true, facts: { ts_ms: 5 } });
      };
      const accept = (key: string, from: string): Decision => ({ what: 'accept', key, from, why: null, ...row });
      await using bed = new TransformBed();
      bed.start({ mapping });
      await bed.activate(mapping, COPIED);
      await bed.tell(PEOPLE);
      await decide('early', accept('1', 'Ada L.'));
      await bed.chunk(inserted(PEOPLE, ['1', 'Ada L.'], ['2', 'Benny']));
      await bed.progress();
      await bed.transaction([updated(PEOPLE, ['1', 'Ada K.'])]);
      await bed.transaction([updated(PEOPLE, ['1', 'Ada L.'])]);
      await decide('late', accept('2', 'Benny'));
      await decide('gone', { what: 'withdraw', id: 'late.1', key: '2', from: 'Benny', ...row });
      await decide('other', accept('2', 'Bennie'));
      const { rows } = await bed.written();
      // Rows of our own tables begin with the migration.
      const people = rows.map((record) => record.filter((one) => !/^[cud] m /.test(one)));
      expect(people.filter((record) => record.length > 0)).toEqual([
        ['c Ada L. 1'],
        ['d Ada L. 1'],
        ['c Ada L. 1'],
        ['c Benny 2'],
        ['d Benny 2'],
      ]);
      const listed = rows.flat().filter((one) => / (held|noted) /.test(one));
      expect(
        listed.map((one) =>
          /^(.) m crm.person (\d) .* (held|noted) [tf] (accepted: short|too long: short) full/.exec(one)?.slice(1).join(' '),
        ),
      ).toEqual([
        ...['c 1 noted accepted: short', 'c 2 held too long: short'],
        ...['u 1 noted accepted: short', 'u 1 held too long: short', 'u 1 held too long: short', 'u 1 noted accepted: short'],
        ...['u 2 held too long: short', 'u 2 noted accepted: short', 'u 2 noted accepted: short', 'u 2 held too long: short'],
      ]);
    });

    it('passes rows without a key on behind the others, as a copy of them has it', async () => {
      await using bed = new TransformBed();
      bed.start();
      await bed.activate(MAPPING, { ...COPIED, 'public.notes': 1 });
      await bed.tell(NOTES);
      await bed.tell(PEOPLE);
      await bed.transaction([inserted(NOTES, ['x', 'early'])]);
      await bed.chunk(inserted(NOTES, ['x', 'early'], ['y', 'old']));
      await bed.transaction([inserted(NOTES, ['z', 'late'])]);
      await bed.chunk(inserted(PEOPLE, ['1', 'Ada']));
      await bed.progress();
      await bed.transaction([inserted(NOTES, ['w', 'now'])]);
      expect((await bed.written()).rows).toEqual([['c 1 Ada'], ['c x early', 't', 'c x early', 'c y old', 'c z late'], ['c w now']]);
    });

    it('puts parents first: over foreign keys, and within a table that refers to itself', async () => {
      const refers = (column: string) => [{ columns: [column], table: 'public.a_tree', keyColumns: ['id'] }];
      const tree: TableSchema = { ...textTable('a_tree', ['id', 'parent']), foreignKeys: refers('parent') };
      const leaf: TableSchema = { ...textTable('a_leaf', ['id', 'of']), foreignKeys: refers('of') };
      await using bed = new TransformBed();
      bed.start();
      await bed.activate(MAPPING, { 'public.a_tree': 1, 'public.a_leaf': 1 });
      await bed.tell(leaf);
      await bed.tell(tree);
      await bed.chunk(inserted(leaf, ['9', '2']));
      await bed.chunk(inserted(tree, ['1', '2'], ['2', null]));
      await bed.progress();
      await bed.transaction([inserted(tree, ['3', '1'])]);
      const { rows } = await bed.written();
      expect(rows.at(-1)).toEqual(['c 3 1']);
      expect(rows.slice(0, -1).flat().sort()).toEqual(['c 1 2', 'c 2 N', 'c 9 2']);
      expect(rows.slice(0, -1).at(-1)).toEqual(['c 9 2']);
    });

    it('copies a table again while people go on: what differs is written, what was not found goes', async () => {
      await using bed = new TransformBed();
      bed.start();
      await bed.activate();
      await bed.tell(PEOPLE);
      await bed.transaction([inserted(PEOPLE, ['1', 'Ada'], ['2', 'Bo'], ['3', 'Cy'])]);
      const { seq } = await bed.log().head(CHANGES);
      await bed.progress({ 'public.people': seq });
      await bed.chunk(inserted(PEOPLE, ['1', 'Ada'], ['2', 'Bob']));
      await bed.progress();
      const { rows } = await bed.written();
      expect(rows.slice(1)).toEqual([['u 2 Bo', 'u 2 Bob'], ['d 3 Cy']]);
    });
  });

  describe('where a row is held, and a transaction has several parts', () => {
    const FIRMS = textTable('firms', ['id', 'name']);
    const STAFF = textTable('staff', ['id', 'name', 'firm']);
    const [id, name, firm] = ['id', 'name', 'firm'].map((column) => ({ column }));
    const mapping = parseMapping({
      rules: [
        { source: 'public.firms', target: 'crm.firm', columns: { id, name }, key: ['id'] },
        {
          ...{ source: 'public.staff', target: 'crm.person', columns: { id, name, firm }, key: ['id'], required: ['name'] },
          unique: [{ columns: ['name'], otherwise: 'held' }],
          requires: [{ parent: 'crm.firm', key: [firm] }],
        },
      ],
    });
    const staff = (key: string, called: string | null): RowsEvent => updated(STAFF, [key, called, '1']);
    const [goes, comes] = [deleted(FIRMS, '1'), inserted(FIRMS, ['1', 'Acme'])];

    it.each<{
      what: string;
      before?: readonly RowsEvent[];
      events: readonly RowsEvent[];
      stands: readonly string[];
      since: readonly string[];
    }>([
      {
        what: 'whose parent goes and comes back',
        before: [staff('1', null)],
        events: [goes, comes],
        stands: ['1 1 Ada'],
        since: ['1 t 7'],
      },
      { what: 'that becomes so while its parent is gone', events: [goes, staff('1', null), comes], stands: ['1 1 Ada'], since: ['1 t 8'] },
      {
        what: 'that is good in between',
        before: [staff('1', null)],
        events: [staff('1', 'Eve'), staff('1', null)],
        stands: ['1 1 Ada'],
        since: ['1 t 7'],
      },
      {
        what: 'that was never there before',
        events: [inserted(STAFF, ['2', 'Bo', '1']), staff('2', null)],
        stands: ['1 1 Ada'],
        since: ['2 f 8'],
      },
      {
        what: 'whose name another has in between',
        events: [staff('1', null), goes, inserted(STAFF, ['0', 'Ada', '1']), comes],
        stands: ['1 1 Ada'],
        since: ['0 f 8', '1 t 8'],
      },
      { what: 'whose parent stays gone', before: [staff('1', null)], events: [goes, staff('1', null)], stands: [], since: ['1 f 7'] },
    ])('one $what: what stands, and since when, is that of the whole', async ({ before = [staff('1', 'Ada')], events, stands, since }) => {
      for (const cut of [false, true]) {
        await using bed = new TransformBed();
        bed.start({ mapping });
        await bed.activate(mapping, { 'public.firms': 1 });
        await bed.tell(FIRMS);
        await bed.tell(STAFF);
        await bed.uncut([comes, inserted(STAFF, ['1', 'Ada', '1'])]);
        await bed.progress();
        await bed.transaction(before);
        if (cut) await bed.transaction(events);
        else await bed.uncut(events);
        const told = new Set<string>();
        for (const [op, ...row] of (await bed.written()).rows.flat().map((one) => one.split(' '))) {
          const text = row.join(' ');
          // An update is told as the row before it, then the row behind it.
          if (op === 'd' || (op === 'u' && told.has(text))) told.delete(text);
          else told.add(text);
        }
        const held = [...told].flatMap(
          (row) => /^m crm.person (\d) public.staff held ([tf]) .* (\d+) 1 /.exec(row)?.slice(1).join(' ') ?? [],
        );
        expect({ cut, stands: [...told].filter((row) => /^1 \d \w+$/.test(row)).sort(), held: held.sort() }).toEqual({
          cut,
          stands,
          held: since,
        });
      }
    });
  });

  it('lets others have a turn in the middle of a change that concerns many rows, and of a truncated table; what is kept is that of the whole', async () => {
    const [firms, staff] = [textTable('firms', ['id', 'name']), textTable('staff', ['id', 'name', 'firm'])];
    const [id, name, firm] = ['id', 'name', 'firm'].map((column) => ({ column }));
    const mapping = parseMapping({
      rules: [
        { source: 'public.firms', target: 'crm.firm', columns: { id, name }, key: ['id'] },
        {
          ...{ source: 'public.staff', target: 'crm.person', columns: { id, name, firm }, key: ['id'], required: ['name'] },
          requires: [{ parent: 'crm.firm', key: [firm] }],
        },
      ],
    });
    const acme = inserted(firms, ['1', 'Acme']);
    const people = (called: string | null): readonly (readonly (string | null)[])[] =>
      Array.from({ length: 3_000 }, (_, row) => [String(row), row === 0 ? called : 'Eve', '1']);
    let inTurn = 0;
    let most = 0;
    const count = ([space]: Uint8Array): void => {
      if (space !== stateKey('derived', 0, '')[0]) return;
      if (inTurn++ === 0) setImmediate(() => (inTurn = 0));
      most = Math.max(most, inTurn);
    };
    class CountingStore extends InMemoryStateStore {
      override put(key: Uint8Array, value: Uint8Array): void {
        count(key);
        super.put(key, value);
      }

      override remove(key: Uint8Array): void {
        count(key);
        super.remove(key);
      }
    }
    await using bed = new TransformBed();
    bed.start({ mapping, roundRows: 100, recordRows: 100, openState: () => new CountingStore(bed.state) });
    await bed.activate(mapping, { 'public.firms': 1 });
    await bed.tell(firms);
    await bed.tell(staff);
    await bed.uncut([acme, inserted(staff, ...people('Ada'))]);
    await bed.progress();
    await bed.uncut([deleted(firms, '1')]);
    await bed.uncut([acme]);
    await bed.uncut([{ ...inserted(staff), op: 't' }, inserted(staff, ...people(null))]);
    const [goes, comes, again] = (await bed.written()).rows.slice(-3) as [string[], string[], string[]];
    const ofPeople = (rows: readonly string[], op: string): readonly string[] => rows.filter((row) => row.startsWith(`${op} 1 `));
    expect([goes, comes].map((rows) => rows.filter((row) => /^[cd] 1 \d+ \w+$/.test(row)).length)).toEqual([3_000, 3_000]);
    expect(again.at(-1)).toMatch(/ held t empty name /);
    expect(ofPeople(again, 'c').filter((row) => row.endsWith('Ada'))).toHaveLength(1);
    expect(most).toBeLessThanOrEqual(100);
  });

  it.each(['one thread', 'several'])(
    'lets rows wait for those of their own table that come later, and the first of rivals win: in %s',
    async (where) => {
      const tree = textTable('tree', ['id', 'parent', 'name']);
      const [id, parent, name] = ['id', 'parent', 'name'].map((column) => ({ column }));
      const mapping = parseMapping({
        rules: [
          {
            source: 'public.people',
            target: 'crm.person',
            columns: { id, name },
            key: ['id'],
            unique: [{ columns: ['name'], otherwise: 'held' }],
          },
          {
            source: 'public.tree',
            target: 'crm.tree',
            columns: { id, parent, name },
            key: ['id'],
            requires: [{ parent: 'crm.tree', key: [parent] }],
          },
        ],
      });
      await using bed = new TransformBed();
      let tasks = 0;
      bed.start({ mapping, recordRows: 100, ...(where === 'several' && { threaded: () => tasks++ }) });
      await bed.activate(mapping, { 'public.people': 1, 'public.tree': 1 });
      await bed.tell(PEOPLE);
      await bed.tell(tree);
      const number = (row: number): string => String(row).padStart(3, '0');
      await bed.chunk(inserted(tree, ...Array.from({ length: 350 }, (_, row) => [number(row), row < 349 ? number(349) : null, 'x'])));
      await bed.chunk(inserted(PEOPLE, ...Array.from({ length: 350 }, (_, row) => [number(row), `name ${String(row % 175)}`])));
      await bed.progress();
      const { rows } = await bed.written();
      const all = rows.flat();
      expect(all.filter((row) => row.startsWith('c m crm.person'))).toHaveLength(175);
      expect(all.filter((row) => /^c \d+ name/.test(row)).map((row) => row.slice(2, 5))).toEqual(
        Array.from({ length: 175 }, (_, row) => number(row)),
      );
      expect(all.filter((row) => /^c \d+ x /.test(row))).toHaveLength(350);
      // The records before that of the parent tell that its children wait, and that one that they do no more.
      expect(all.length).toBe(175 + 175 + 350 + 2 * 300);
      expect(tasks).toBe(where === 'several' ? 8 : 0);
    },
  );

  describe('where many rows wait for one that comes last in the first derivation', () => {
    const TREE = textTable('tree', ['id', 'parent']);
    const [id, parent] = ['id', 'parent'].map((column) => ({ column }));
    const ROWS = 1_000;
    const ROUND = 50;
    /** Rounds in which they are derived, and wait. */
    const BEFORE = ROWS / ROUND;
    const tree = (target: string): Mapping =>
      parseMapping({
        rules: [{ source: 'public.tree', target, columns: { id, parent }, key: ['id'], requires: [{ parent: target, key: [parent] }] }],
      });
    const mapping = tree('crm.tree');

    /** Most entries of driving rows that were put in one turn, and most bytes that were in memory then. */
    class Most {
      entries = 0;
      bytes = 0;
      #inTurn = 0;

      over(storage: StateStorage): InMemoryStateStore {
        const saw = (space: number | undefined, bytes: number): void => {
          if (space !== stateKey('derived', 0, '')[0]) return;
          this.bytes = Math.max(this.bytes, bytes);
          if (this.#inTurn++ === 0) setImmediate(() => (this.#inTurn = 0));
          this.entries = Math.max(this.entries, this.#inTurn);
        };
        class SeenStore extends InMemoryStateStore {
          override put(key: Uint8Array, value: Uint8Array): void {
            super.put(key, value);
            saw(key[0], this.pendingBytes);
          }
        }
        return new SeenStore(storage);
      }
    }

    async function treeBed(): Promise<TransformBed> {
      const bed = new TransformBed();
      await bed.activate(mapping, { 'public.tree': 1 });
      await bed.tell(TREE);
      const rows = Array.from({ length: ROWS }, (_, row) => [String(row).padStart(4, '0'), 'root']);
      for (let from = 0; from < ROWS; from += 500) await bed.chunk(inserted(TREE, ...rows.slice(from, from + 500)));
      await bed.chunk(inserted(TREE, ['root', null]));
      await bed.progress();
      return bed;
    }

    it.each(['one thread', 'several'])(
      'they come in rounds, between which others have a turn and nothing stays in memory: in %s',
      async (where) => {
        await using bed = await treeBed();
        const most = new Most();
        const threaded = (): unknown => undefined;
        const limits = { recordRows: 100, roundRows: ROUND, ...(where === 'several' && { threaded }) };
        bed.start({ mapping, ...limits, openState: () => most.over(bed.state) });
        const { rows } = await bed.written();
        expect(rows).toHaveLength(ROWS / 100 + 1);
        expect(rows.at(-1)?.filter((row) => /^c (\d+ root|root N)$/.test(row))).toHaveLength(ROWS + 1);
        expect(rows.at(-1)?.filter((row) => / waiting /.test(row))).toHaveLength(ROWS);
        expect(most.entries).toBeGreaterThan(0);
        expect(most.entries).toBeLessThanOrEqual(ROUND + 1);
        // What may be there, and what one round puts.
        expect(most.bytes).toBeLessThan(bed.maxStateBytes + ROUND * 2_000);
      },
    );

    it.each([1, 5, 15])(
      'a crash behind round %i, with and without what was remembered, leaves nothing out and sends nothing twice',
      async (round) => {
        await using undisturbed = await treeBed();
        undisturbed.start({ mapping, recordRows: 100, roundRows: ROUND });
        const { rows: expected } = await undisturbed.written();
        for (const lost of [false, true]) {
          await using bed = await treeBed();
          const crashPoint = crashAt('transform.in-derive-all', BEFORE + round);
          const ended = await bed.start({ mapping, recordRows: 100, roundRows: ROUND, crashPoint, threaded: () => undefined }).ended;
          expect(ended).toBe('INTERNAL');
          if (lost) bed.state = new StateStorage();
          bed.start({ mapping, recordRows: 100, roundRows: ROUND });
          expect((await bed.written()).rows).toEqual(expected);
          await bed.transaction([deleted(TREE, 'root')]);
          expect((await bed.written()).rows.at(-1)?.filter((row) => /^d (\d+ root|root N)$/.test(row))).toHaveLength(ROWS + 1);
        }
      },
    );

    it.each([1, 5, 15])('told to stop behind round %i it does, in the middle of a record, and goes on from there', async (round) => {
      await using undisturbed = await treeBed();
      undisturbed.start({ mapping, recordRows: 100, roundRows: ROUND });
      const { rows: expected } = await undisturbed.written();
      for (const lost of [false, true]) {
        await using bed = await treeBed();
        let passed = 0;
        const running = bed.start({
          ...{ mapping, recordRows: 100, roundRows: ROUND },
          crashPoint: (name) => {
            if (name === 'transform.in-derive-all' && ++passed === BEFORE + round) void running.stop();
          },
        });
        expect(await running.ended).toBeNull();
        expect(passed).toBe(BEFORE + round);
        if (lost) bed.state = new StateStorage();
        bed.start({ mapping, recordRows: 100, roundRows: ROUND });
        expect((await bed.written()).rows).toEqual(expected);
      }
    });

    it.each([1, 5, 15])('so does a crash behind round %i of an activation', async (round) => {
      const other = tree('crm.other');
      await using bed = await treeBed();
      const first = bed.start({ mapping, recordRows: 100, roundRows: ROUND });
      await bed.written();
      await first.stop();
      await bed.activate(other);
      const limits = { mapping: other, asked: true, recordRows: 100, roundRows: ROUND } as const;
      const crashPoint = crashAt('transform.in-derive-all', BEFORE + round);
      expect(await bed.start({ ...limits, crashPoint }).ended).toBe('INTERNAL');
      bed.start(limits);
      const { rows } = await bed.written();
      expect(rows.at(-1)?.filter((row) => /^[cd] (\d+ root|root N)$/.test(row)).length).toBe(2 * (ROWS + 1));
    });
  });

  describe('where a rival comes later in the first derivation', () => {
    const TREE = textTable('tree', ['id', 'parent', 'name']);
    const [id, parent, name] = ['id', 'parent', 'name'].map((column) => ({ column }));
    const number = (row: number): string => String(row).padStart(3, '0');

    /** Rows with names, then rows that stand on these, then some that have the names before the first. */
    async function treeOf(otherwise: 'empty' | 'held'): Promise<{ readonly bed: TransformBed; readonly mapping: Mapping }> {
      const mapping = parseMapping({
        rules: [
          {
            source: 'public.tree',
            target: 'crm.tree',
            columns: { id, parent, name },
            key: ['id'],
            unique: [{ columns: ['name'], order: [{ column: 'id', descending: true }], otherwise }],
            requires: [{ parent: 'crm.tree', key: [parent] }],
          },
        ],
      });
      const bed = new TransformBed();
      await bed.activate(mapping, { 'public.tree': 1 });
      await bed.tell(TREE);
      const rows = Array.from({ length: 250 }, (_, row): (string | null)[] => {
        if (row >= 100 && row < 200) return [number(row), number(row - 100), null];
        return [number(row), null, `name ${String(row % 200)}`];
      });
      await bed.chunk(inserted(TREE, ...rows));
      await bed.progress();
      return { bed, mapping };
    }

    it.each(['held', 'empty'] as const)(
      'the row goes with those that stand on it, or goes on without the value (%s)',
      async (otherwise) => {
        const { bed, mapping } = await treeOf(otherwise);
        await using _ = bed;
        bed.start({ mapping, recordRows: 100 });
        const { rows } = await bed.written();
        expect(rows).toHaveLength(3);
        const third = rows[2] as readonly string[];
        const count = (pattern: RegExp): number => third.filter((row) => pattern.test(row)).length;
        // Those with the names, and those that stand on them.
        expect(count(/^d 0[0-4]\d name \d+ N$/)).toBe(otherwise === 'held' ? 50 : 0);
        expect(count(/^d 1[0-4]\d N 0[0-4]\d$/)).toBe(otherwise === 'held' ? 50 : 0);
        expect(count(/^u 0[0-4]\d (name \d+|N) N$/)).toBe(otherwise === 'empty' ? 100 : 0);
        expect(count(/^c m crm.tree .* held .*not unique/)).toBe(otherwise === 'held' ? 50 : 0);
        expect(count(/^c m crm.tree .* waiting /)).toBe(otherwise === 'held' ? 50 : 0);
        expect(count(/^c 2[0-4]\d name \d+ N$/)).toBe(50);
        // What goes, or changes, stands before what takes the value.
        const firstOf = (pattern: RegExp): number => third.findIndex((row) => pattern.test(row));
        expect(firstOf(/^[du] 0/)).toBeLessThan(firstOf(/^c 2/));
        expect(firstOf(/^[du] 0/)).not.toBe(-1);
      },
    );

    it.each([1, 2, 3])(
      'the records are the same in threads and in none, after a crash and without what was remembered (%i)',
      async (piece) => {
        const { bed: alone, mapping } = await treeOf('held');
        await using _ = alone;
        alone.start({ mapping, recordRows: 100 });
        const { rows: expected } = await alone.written();
        expect(expected).toHaveLength(3);
        for (const lost of [false, true]) {
          for (const threadsFirst of [false, true]) {
            const { bed } = await treeOf('held');
            await using __ = bed;
            let tasks = 0;
            const threaded = (): number => tasks++;
            const crashPoint = crashAt('transform.in-derive-all', piece);
            expect(await bed.start({ mapping, recordRows: 100, crashPoint, ...(threadsFirst && { threaded }) }).ended).toBe('INTERNAL');
            if (lost) bed.state = new StateStorage();
            bed.start({ mapping, recordRows: 100, ...(!threadsFirst && { threaded }) });
            expect((await bed.written()).rows).toEqual(expected);
            expect(tasks).toBeGreaterThan(0);
          }
        }
      },
    );
  });

  it.each(['all', 'none'])('goes on from the log alone when what it remembered is lost (%s of it was sent)', async (sent) => {
    await using bed = new TransformBed();
    await bed.activate(MAPPING, { 'public.people': 1 });
    await bed.tell(PEOPLE);
    await bed.chunk(inserted(PEOPLE, ...Array.from({ length: 50 }, (_, id) => [String(id), 'x'])));
    await bed.progress();
    await bed.transaction([updated(PEOPLE, ['7', 'y'])]);
    if (sent === 'all') {
      const first = bed.start();
      await bed.written();
      await first.stop();
      bed.state = new StateStorage();
    }
    bed.start();
    await bed.transaction([updated(PEOPLE, ['7', 'z'])]);
    const { rows } = await bed.written();
    expect(rows.map((record) => record.length)).toEqual([50, 2, 2]);
    expect(rows.at(-1)).toEqual(['u 7 y', 'u 7 z']);
  });

  it.each([1, 2, 3, 4])(
    'a crash in the middle of deriving everything leaves nothing out and sends nothing twice (piece %i)',
    async (piece) => {
      await using bed = new TransformBed();
      await bed.activate(MAPPING, { 'public.people': 1 });
      await bed.tell(PEOPLE);
      for (let chunk = 0; chunk < 5; chunk++) {
        await bed.chunk(inserted(PEOPLE, ...Array.from({ length: 1000 }, (_, id) => [String(chunk * 1000 + id), 'x'])));
      }
      await bed.progress();
      expect(await bed.start({ crashPoint: crashAt('transform.in-derive-all', piece) }).ended).toBe('INTERNAL');
      bed.start();
      await bed.transaction([inserted(PEOPLE, ['a', 'b'])]);
      const { rows } = await bed.written();
      expect(new Set(rows.flat()).size).toBe(5001);
      expect(rows.flat()).toHaveLength(5001);
    },
  );
});
