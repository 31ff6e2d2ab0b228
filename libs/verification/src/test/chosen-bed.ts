import { noCrash, RandomIdSource, SystemClock, type CrashPoint } from '@changeover/core';
import {
  decodeJsonBody,
  encodeFrameHeader,
  encodeJsonBody,
  formatRows,
  FrameReader,
  HELD_NOW_COLUMNS,
  HELD_COLUMNS,
  parseRows,
  readPositionOf,
  SequencedLog,
  tableName,
  type Frame,
  type Decision,
  type LoadHold,
  type LoadProgress,
  type LogEntry,
  type LogWriter,
  type ProgressBody,
  type ReadPosition,
  type RecordPart,
  type RecordRef,
  type RefusedVersion,
  type StateLook,
  type TableSchema,
  type TargetReader,
  type TargetSnapshot,
  type Verified,
} from '@changeover/events';
import { mappingHash, parseMapping } from '@changeover/mapping';
import { SilentObserver, TransformLoop } from '@changeover/pipeline';
import {
  deleted,
  InMemoryMessageStore,
  InMemoryStateStore,
  inserted,
  MemoryStorage,
  moved,
  positionAt,
  ScriptedSnapshots,
  StateStorage,
  textTable,
  truncated,
  updated,
  type RowsEvent,
} from '@changeover/testing';

import { resumeVerification, type ResumedReport } from '../resume-verification.js';
import { verify, type VerificationReport } from '../verification.js';
import { verifyChosen, type ChosenOptions, type ChosenReport, type Choice } from '../verify-chosen.js';

export const FIRM = textTable('crm.firm', ['id', 'name']);
export const PERSON = textTable('crm.person', ['id', 'firm', 'name']);
export const TAG = textTable('crm.tag', ['id', 'label']);
const TABLES = [FIRM, PERSON, TAG];
const MAPPING = parseMapping({
  tables: { 'crm.tag': { to: 'app.tag' } },
  rules: [
    {
      source: 'crm.person',
      target: 'app.person',
      joins: [{ as: 'f', table: 'crm.firm', on: { id: { column: 'firm' } } }],
      columns: { id: { column: 'id' }, firm: { column: 'name', of: 'f' }, name: { column: 'name' } },
      key: ['id'],
      required: ['name'],
    },
  ],
});
const [CHANGES, WRITES] = ['m.changes', 'm.writes'];
const LIMITS = { partitions: 16, bytesLookedAt: 1e6, named: 100, values: false, patienceMs: 500, bytesPerSecond: Infinity };
const NEVER = new AbortController().signal;

type Row = readonly (string | null)[];
type Rows = Map<string, Row>;

/** A source, its log, transform and a target, of which nothing goes on unless it is told to. */
export class ChosenBed {
  readonly snapshots = new ScriptedSnapshots();
  readonly verified: Verified[] = [];
  /** By table of the target and key: rows as load has brought them, or whoever. */
  readonly target = new Map<string, Rows>();
  refused: readonly RefusedVersion[] = [];
  generation = '0.0';
  mapping = MAPPING;
  /** Of the last verification of all rows, and whether it came so far that another one can go on with it. */
  scratch = new StateStorage();
  isResumable = false;
  /** Rows of the target that were asked for, by table. */
  readonly asked = new Map<string, number>();
  readonly #storage = new MemoryStorage();
  readonly #state = new StateStorage();
  readonly #source = new Map(TABLES.map((table) => [tableName(table), new Map() as Rows]));
  readonly #schemas = new Map<string, RecordRef>();
  readonly #forms = new Map<number, TableSchema>();
  #writer: LogWriter | null = null;
  #progressRef: RecordRef | undefined;
  #loaded: ReadPosition | null = null;
  #progress: LoadProgress | null = null;
  #from: ReadPosition | null = null;
  #position = 0;

  static async open(): Promise<ChosenBed> {
    const bed = new ChosenBed();
    for (const table of TABLES) await bed.#tell(table);
    await bed.progress();
    const body = encodeJsonBody('mapping-activated', { requestId: 'r', hash: mappingHash(MAPPING), mapping: MAPPING });
    await bed.#append({ kind: 'mapping-activated', body, last: true, facts: { progress: bed.#progressRef } });
    await bed.progress();
    return bed;
  }

  get log(): SequencedLog {
    return new SequencedLog(new InMemoryMessageStore(this.#storage), new RandomIdSource());
  }

  /** The source commits this, and capture tells of it. */
  async commit(...events: readonly RowsEvent[]): Promise<void> {
    for (const event of events) this.#atSource(event);
    const txId = String(700 + ++this.#position);
    const rows = events.reduce((sum, { rowCount }) => sum + rowCount, 0);
    const schemas = events.map(({ table }) => this.#schemas.get(tableName(table)) as RecordRef);
    const body = events.flatMap((event, index) => [
      encodeFrameHeader({ ...event, schemaSeq: (schemas[index] as RecordRef).seq }, event.rows.length),
      event.rows,
    ]);
    const facts = { schemas, pos: positionAt(this.#position), txId, ts_ms: 5, rows, progress: this.#progressRef };
    await this.#append({ kind: 'transaction', body, last: true, facts });
    this.snapshots.visible.add(txId);
  }

  /** Somebody has decided that something else is read of a row. */
  async correct(...decisions: readonly Decision[]): Promise<void> {
    const body = encodeJsonBody('correction', { requestId: new RandomIdSource().uuid(), decisions });
    await this.#append({ kind: 'correction', body, last: true, facts: { progress: this.#progressRef } });
  }

  /** Of the source alone. */
  alterSource(table: TableSchema, id: string, row: Row | null): void {
    this.#atSource(row === null ? deleted(table, id) : inserted(table, row));
  }

  async progress(): Promise<void> {
    const schemas = Object.fromEntries(
      TABLES.map((table) => [tableName(table), [{ hash: table.hash, ...this.#schemas.get(tableName(table)) }]]),
    );
    const body = {
      ...{ phase: 'streaming', position: positionAt(this.#position), systemId: 's', timeline: 1, schemas },
      ...{ requests: { through: 0, beyond: [] }, mapping: mappingHash(MAPPING) },
    } as ProgressBody;
    this.#progressRef = await this.#append({ kind: 'progress', body: encodeJsonBody('progress', body), last: true });
  }

  /** Transform takes all that the log holds, and commits its state. */
  async transform(): Promise<void> {
    const { seq } = await this.log.head(CHANGES);
    const abort = new AbortController();
    const observer = new SilentObserver();
    observer.advanced = ({ changesSeq }) => {
      if (changesSeq >= seq) abort.abort();
    };
    await new TransformLoop({
      migration: 'm',
      changes: CHANGES,
      writes: WRITES,
      log: this.log,
      openState: () => Promise.resolve(new InMemoryStateStore(this.#state)),
      mapping: () => Promise.resolve(MAPPING),
      converters: {},
      observer,
      clock: new SystemClock(),
      ids: new RandomIdSource(),
      crashPoint: noCrash,
      limits: { maxQueuedBytes: 1e6, maxStateBytes: 1e6 },
    }).run(abort.signal);
  }

  /** Load brings what `writes` holds, of records of `changes` up to this one. */
  async load(through = Infinity): Promise<void> {
    const { seq } = await this.log.head(WRITES);
    const frames = new FrameReader();
    if (this.#loaded?.seq === seq) return;
    for await (const items of this.log.read(WRITES, this.#loaded, NEVER)) {
      for (const item of items) {
        if (item.type !== 'entry') continue;
        const { entry } = item;
        if ((entry.header.from?.seq ?? 0) > through) return;
        this.#apply(entry, frames);
        this.#loaded = readPositionOf(entry);
        if (entry.header.from === undefined) continue;
        this.#from = entry.header.from;
        const { logId, seq: at, pos } = this.#from;
        this.#progress = { writes: this.#loaded, changes: { logId, seq: at }, position: pos, ts_ms: 5 };
      }
      if ((this.#loaded?.seq ?? 0) >= seq) return;
    }
  }

  async follow(): Promise<void> {
    await this.transform();
    await this.load();
  }

  /** As a full verification leaves it, now. */
  base(over: Partial<Verified> = {}): void {
    const { writes } = this.#progress as LoadProgress;
    this.verified.push({
      ...{
        kind: 'full',
        outcome: 'equal',
        isBase: true,
        changes: this.#from as ReadPosition,
        writes,
        generation: this.generation,
        numbers: null,
        mapping: mappingHash(MAPPING),
      },
      ...{ ended_ms: 0, seconds: 1, rows: 1 },
      ...over,
    });
  }

  /** In what transform remembers in one of its spaces (`m` the mirror, `e` what was derived). */
  async alterState(space: 'm' | 'e', from: string, to: string): Promise<void> {
    const store = new InMemoryStateStore(this.#state);
    for (const { key, value } of store.entries(Buffer.from(space), null))
      if (value.includes(from)) store.put(key, Buffer.from(value.toString().replace(from, to)));
    await store.commit(store.place as Buffer);
  }

  async verify(choice: Choice, only?: ReadonlySet<string>): Promise<ChosenReport> {
    return verifyChosen({ ...this.#ends(noCrash), ...(only && { only }) }, choice, NEVER);
  }

  /** Of all rows, over a state that outlives it. `crashPoint`: throws where it is to end early; `only`: of some tables. */
  async verifyAll(crashPoint: CrashPoint = noCrash, only?: ReadonlySet<string>): Promise<VerificationReport> {
    this.scratch = new StateStorage();
    const isKept = (): void => void (this.isResumable = true);
    this.isResumable = false;
    return verify({ ...this.#ends(crashPoint), ...this.#scratch(), onResumable: isKept, ...(only && { only }) }, NEVER);
  }

  /** Goes on with it. */
  async resume(crashPoint: CrashPoint = noCrash): Promise<ResumedReport> {
    return resumeVerification({ ...this.#ends(crashPoint), ...this.#scratch() }, NEVER);
  }

  #scratch() {
    const openState = () => Promise.resolve(new InMemoryStateStore(this.scratch));
    return { openState, limits: { ...LIMITS, maxStateBytes: 500 } };
  }

  #ends(crashPoint: CrashPoint): ChosenOptions {
    return {
      migration: 'm',
      changes: CHANGES,
      writes: WRITES,
      log: this.log,
      snapshots: this.snapshots,
      target: this.#reader(),
      mapping: this.mapping,
      converters: {},
      captured: new Set(TABLES.map(tableName)),
      lookAtState: () => Promise.resolve(this.#look()),
      requestBarrier: async () => {
        const token = new RandomIdSource().uuid();
        await this.#append({
          kind: 'barrier',
          body: encodeJsonBody('barrier', { requestId: token, token }),
          last: true,
          facts: { progress: this.#progressRef },
        });
        return token;
      },
      onStep: () => undefined,
      crashPoint,
      clock: new SystemClock(),
      limits: LIMITS,
    };
  }

  async #tell(table: TableSchema): Promise<void> {
    const ref = await this.#append({ kind: 'schema', body: encodeJsonBody('schema', { table, previous: null }), last: true });
    this.#schemas.set(tableName(table), ref);
    this.snapshots.set(table, []);
  }

  async #append(part: RecordPart): Promise<RecordRef> {
    this.#writer ??= await this.log.openWriter(CHANGES, { writerId: 'capture', create: true });
    return (await this.#writer.append([part]))[0] as RecordRef;
  }

  #atSource({ table, op, before, rows }: RowsEvent): void {
    const held = this.#source.get(tableName(table)) as Rows;
    if (op === 't') held.clear();
    (parseRows(rows) as Row[]).forEach((row, nth) => {
      if (isBefore(op, before, nth)) held.delete(row[0] as string);
      else held.set(row[0] as string, row);
    });
    this.snapshots.set(table, [...held.values()]);
  }

  #apply(entry: LogEntry, reader: FrameReader): void {
    if (entry.header.kind === 'schema') this.#forms.set(entry.header.seq, decodeJsonBody('schema', entry).table);
    if (entry.header.kind !== 'transaction') return;
    if (entry.header.part === 1) reader.reset();
    for (const frame of reader.push(entry.body)) this.#bring(frame, this.#forms.get(frame.schemaSeq) as TableSchema);
  }

  #bring({ op, before, rows }: Frame, form: TableSchema): void {
    const name = tableName(form);
    const table = this.target.get(name) ?? new Map<string, Row>();
    this.target.set(name, table);
    if (op === 't') table.clear();
    (parseRows(rows) as Row[]).forEach((row, nth) => {
      const key = keyIn(form, row);
      if (isBefore(op, before, nth)) table.delete(key);
      else table.set(key, row);
    });
  }

  #look(): StateLook {
    const copy = new StateStorage();
    copy.committed = this.#state.committed;
    copy.place = this.#state.place;
    const store = new InMemoryStateStore(copy);
    return {
      place: copy.place,
      isBetween: false,
      entries: (prefix, after) => store.entries(prefix, after),
      draft: () => store.draft(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  #reader(): TargetReader {
    const hold = (): LoadHold => {
      const where = (): LoadProgress => this.#progress as LoadProgress;
      return {
        get progress() {
          return where();
        },
        heldMs: 0,
        advanceTo: async (seq: number) => {
          if (where().changes.seq < seq) {
            await this.transform();
            await this.load(seq);
          }
          expect(where().changes.seq).toBe(seq);
          return where();
        },
        snapshot: () => Promise.resolve(this.#snapshot()),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      } as unknown as LoadHold;
    };
    return {
      hold: () => Promise.resolve(hold()),
      record: (verified: Verified, began_ms: number) => {
        expect(began_ms).toBeLessThanOrEqual(verified.ended_ms);
        if (verified.kind !== 'touched' && verified.outcome === 'different')
          for (const [place, one] of this.verified.entries()) this.verified[place] = { ...one, isBase: false };
        this.verified.push(verified);
        return Promise.resolve();
      },
      lastVerified: (which: 'any' | 'base') => Promise.resolve(this.verified.findLast(({ isBase }) => isBase || which === 'any') ?? null),
      numbersTold: () => Promise.resolve(null),
    } as unknown as TargetReader;
  }

  #snapshot(): TargetSnapshot {
    const tables = new Map([...this.target].map(([name, rows]) => [name, new Map(rows)]));
    const of = (table: TableSchema): Row[] => {
      // Without since when: the list as it is compared.
      const names = tableName(table) === 'changeover.held' && table.columns.length === HELD_NOW_COLUMNS.length ? HELD_NOW_COLUMNS : null;
      const rows = [...(tables.get(tableName(table))?.values() ?? [])];
      return names === null ? rows : rows.map((row) => names.map((name) => row[HELD_COLUMNS.indexOf(name)] ?? null));
    };
    const find = async function* (table: TableSchema, keys: Buffer): AsyncGenerator<Buffer> {
      const wanted = new Set(parseRows(keys).map((key) => JSON.stringify(key)));
      yield await Promise.resolve(formatRows(of(table).filter((row) => wanted.has(keyIn(table, row)))));
    };
    return {
      progress: this.#progress as LoadProgress,
      generation: this.generation,
      rows: async function* (table: TableSchema): AsyncGenerator<Buffer> {
        yield await Promise.resolve(formatRows(of(table)));
      },
      find: (table: TableSchema, keys: Buffer) => {
        this.asked.set(tableName(table), (this.asked.get(tableName(table)) ?? 0) + parseRows(keys).length);
        return find(table, keys);
      },
      count: (table: TableSchema) => Promise.resolve(of(table).length),
      asCompared: (_: TableSchema, lines: Buffer) => Promise.resolve(lines),
      refused: (table: TableSchema) => Promise.resolve(tableName(table) === 'app.person' ? this.refused : []),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
}

/** Whether the n-th line says what the row was. */
function isBefore(op: Frame['op'], before: Frame['before'], nth: number): boolean {
  return op === 'd' || (op === 'u' && before !== 'none' && nth % 2 === 0);
}

function keyIn({ columns }: TableSchema, row: Row): string {
  return JSON.stringify(columns.flatMap(({ key }, place) => (key ? [row[place] ?? null] : [])));
}

export { deleted, inserted, moved, truncated, updated };
