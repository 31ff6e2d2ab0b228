import { rm } from 'node:fs/promises';

import { derivationThreads } from '@changeover/app-transform';
import { CONVERTERS } from '@changeover/cleaning';
import { ChangeoverError, noCrash, NO_POSITION, type Clock, type CrashPoint, type IdSource } from '@changeover/core';
import { openControl, type ControlDatabase, type Lease, type RoleStatus } from '@changeover/control-postgres';
import { tableName, type RebuiltTables, type TableName, type TableSchema, type TargetReader, type TargetWriter } from '@changeover/events';
import { parseMapping, type Mapping } from '@changeover/mapping';
import {
  acquireLease,
  crashPointFrom,
  createLog,
  createRebuiltTables,
  createTarget,
  createTargetCatalogue,
  createTargetReader,
  loadMapping,
  openState,
  stateBytes,
  stateFolder,
  type AllSettings,
  type OpenLog,
} from '@changeover/shell';
import {
  compareTargets,
  digestTable,
  followLog,
  pairOf,
  swapTables,
  writtenTables,
  type TableDigest,
  type TablePair,
  type TargetsComparison,
} from '@changeover/verification';

import { notRefused } from '../activate/asked-for.js';
import { withCheckpoints } from '../checkpoint/checkpoint-context.js';
import { rebuildId, type RebuildPlace } from './rebuild-place.js';

export type RebuildContext = {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly signal: AbortSignal;
  readonly onStep: (step: RebuildStep) => void;
  /** How long it may take until both loads are at one place, and until nobody hinders an exchange. */
  readonly patienceMs: number;
};

/** What is being done. `reading`: the record of `changes` that the rebuilt tables have come to, of so many. */
export type RebuildStep =
  | { readonly doing: 'reading'; readonly reached: number; readonly head: number }
  | { readonly doing: 'comparing'; readonly table: string; readonly rows: number }
  | { readonly doing: 'waiting'; readonly why: string };

export type DigestReport = {
  readonly seq: number;
  readonly position: string;
  readonly tables: readonly (TableDigest & { readonly table: string; readonly refused: number })[];
};
export type SwapOutcome = {
  readonly lockedMs: number;
  readonly attempts: number;
  readonly swaps: number;
  readonly unvalidated: readonly string[];
};

/** The memory of a comparison, about 3 MB for each table that is compared, one at a time. */
const LIMITS = { partitions: 65_536, bytesLookedAt: 64 * 1024 * 1024, named: 100, values: false };
const LOOK_MS = 250;

/** What a rebuild consists of, composed from the settings. */
export class RebuildSession implements AsyncDisposable {
  readonly id: string;
  readonly #settings: AllSettings;
  readonly #place: RebuildPlace;
  readonly #context: RebuildContext;
  /** That were activated, in their order. */
  readonly #mappings: readonly Mapping[];
  readonly #log: OpenLog;
  readonly #control: ControlDatabase;
  readonly #live: TargetReader;
  readonly #rebuilt: TargetReader;
  readonly #target: TargetWriter;
  /** Null: they are in another database. */
  readonly #tables: RebuiltTables | null;
  readonly #crashPoint: CrashPoint;

  private constructor(
    settings: AllSettings,
    place: RebuildPlace,
    context: RebuildContext,
    { mappings, log, control }: { readonly mappings: readonly Mapping[]; readonly log: OpenLog; readonly control: ControlDatabase },
  ) {
    const { migration, limits } = settings;
    const { clock, ids } = context;
    this.id = rebuildId(migration, place);
    this.#settings = settings;
    this.#place = place;
    this.#context = context;
    this.#mappings = mappings;
    this.#log = log;
    this.#control = control;
    this.#crashPoint = crashPointFrom();
    const target = { ...settings.target, existingRows: 'refuse' as const, ...(place.kind === 'database' && { url: place.url }) };
    const ours = { migration: this.id, limits, clock, ids, crashPoint: this.#crashPoint };
    this.#live = createTargetReader(settings.target, { migration, limits, clock, ids });
    this.#rebuilt = createTargetReader(target, ours);
    this.#target = createTarget(target, ours);
    const where = place.kind === 'schema' ? { id: this.id, schema: place.schema, crashPoint: this.#crashPoint } : null;
    this.#tables = where && createRebuiltTables(settings.target, { migration, limits, clock }, where);
  }

  static async open(settings: AllSettings, place: RebuildPlace, context: RebuildContext): Promise<RebuildSession> {
    const { migration, limits } = settings;
    const log = await createLog(settings.log, { migration: rebuildId(migration, place), limits, ...context, crashPoint: noCrash });
    try {
      const control = await openControl({ url: settings.control.url, clock: context.clock });
      const asked = (await notRefused(control, migration)).map(({ mapping }) => mapping);
      // Where the control database was lost, the file is all that is known.
      const mappings = asked.length === 0 ? [await loadMapping(settings.mapping)] : asked.map((one) => parseMapping(one, CONVERTERS));
      return new RebuildSession(settings, place, context, { mappings, log, control });
    } catch (error) {
      await log.store.stop();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tables?.stop();
    await Promise.all([this.#live.stop(), this.#rebuilt.stop(), this.#target.stop(), this.#log.store.stop()]);
    await this.#control[Symbol.asyncDispose]();
  }

  /** Makes the tables, unless they are there. */
  async make(options: { readonly fireTriggers: boolean }): Promise<void> {
    await this.#tables?.make(
      (await this.#written()).map(({ schema, table }) => ({ schema, table })),
      options,
    );
    await this.#tables?.validate();
    this.#crashPoint('rebuild.made');
  }

  /** Where a checkpoint of the live tables is, as a record of `changes`. */
  async recordOf(checkpoint: string): Promise<number> {
    const { place } = await withCheckpoints(this.#settings, this.#context, (checkpoints) => checkpoints.find(checkpoint));
    return place.changes.seq;
  }

  /** BAD_SETTINGS where the log does not have this record of `changes`. To be asked before anything is made. */
  async expectRecord(record: number): Promise<void> {
    const { seq } = await this.#log.log.head(this.#changes);
    if (record > seq) throw new ChangeoverError('BAD_SETTINGS', `--to-record ${String(record)}: the log ends at record ${String(seq)}`);
  }

  /** Builds them up to this record of `changes`, which is there, and no further, and says what they hold then. */
  async buildTo(record: number): Promise<DigestReport> {
    const { signal } = this.#context;
    await using _lease = await this.#acquire();
    await this.#follow(signal, { through: record, head: record });
    signal.throwIfAborted();
    await using hold = await this.#rebuilt.hold();
    await using snapshot = await hold.snapshot();
    const { changes, position } = snapshot.progress;
    if (changes.seq > record)
      throw new ChangeoverError(
        'BAD_SETTINGS',
        `the rebuilt tables are at record ${String(changes.seq)} of changes already, and cannot go back to record ${String(record)}; drop them, or build others`,
      );
    const tables = [];
    for (const { live, rebuilt } of await this.#pairs())
      tables.push({ table: tableName(live), ...(await digestTable(snapshot, rebuilt, signal)) });
    return { seq: changes.seq, position, tables };
  }

  /** Keeps the rebuilt tables in step while `work` is done, unless another process does; `work` begins when they have caught up. */
  async whileFollowing<Result>(work: () => Promise<Result>, others: 'refused' | 'welcome'): Promise<Result> {
    if (this.#tables !== null && (await this.#tables.find()) === null) throw this.#missing();
    const lease = await this.#acquire().catch((error: unknown) => {
      if (others === 'welcome' && error instanceof ChangeoverError && error.code === 'ALREADY_RUNNING') return null;
      throw error;
    });
    if (lease === null) return work();
    await using _lease = lease;
    const { signal } = this.#context;
    const ended = new AbortController();
    let reached = await this.#reached();
    const following = this.#follow(AbortSignal.any([signal, ended.signal]), { onReached: (seq) => (reached = seq) });
    const failed = following.then(() => new Promise<never>(() => undefined));
    try {
      await Promise.race([this.#untilCaughtUp(() => reached), failed]);
      this.#crashPoint('rebuild.caught-up');
      return await Promise.race([work(), failed]);
    } finally {
      ended.abort();
      await following.catch(() => undefined);
    }
  }

  async compare(): Promise<TargetsComparison> {
    const { clock, signal, patienceMs, onStep } = this.#context;
    const tables = await this.#pairs();
    const both = { live: this.#live, rebuilt: this.#rebuilt, clock, crashPoint: this.#crashPoint, patienceMs };
    const onRows = (table: string, rows: number): void => onStep({ doing: 'comparing', table, rows });
    return compareTargets({ ...both, tables, limits: LIMITS, onRows }, signal);
  }

  /** Exchanges the tables, which have been compared. */
  async swap(): Promise<SwapOutcome> {
    const { clock, signal, patienceMs } = this.#context;
    const tables = this.#inSchema();
    const both = { live: this.#live, rebuilt: this.#rebuilt, clock, crashPoint: this.#crashPoint, patienceMs };
    const report = await swapTables(tables, both, signal);
    const unvalidated = await tables.validate();
    return { ...report, unvalidated, swaps: (await tables.find())?.swaps ?? 0 };
  }

  /** Takes tables, stream and state away; REBUILD_MISSING where none of them is there. What a killed one left goes with the next. */
  async drop(): Promise<void> {
    const { migration, state } = { ...this.#settings, migration: this.id };
    await using _lease = await this.#acquire();
    const found = (await this.#tables?.find()) ?? null;
    const stream = await this.#log.store.bounds(this.#writes).catch(missingOnly);
    if (found === null && stream === null && (await stateBytes(state, migration)) === null) throw this.#missing();
    if (found !== null) {
      // With the rebuild goes what is known of foreign keys that were not validated.
      await this.#tables?.validate();
      await this.#tables?.drop();
    }
    await this.#log.store.remove(this.#writes);
    await rm(stateFolder(state, migration), { recursive: true, force: true });
  }

  #missing(): ChangeoverError {
    return new ChangeoverError('REBUILD_MISSING', `there is no rebuild ${this.id}`);
  }

  #inSchema(): RebuiltTables {
    if (this.#tables !== null) return this.#tables;
    throw new ChangeoverError(
      'BAD_SETTINGS',
      'tables of two databases cannot be exchanged: give the new CRM the connection string of the other one',
    );
  }

  get #changes(): string {
    return `${this.#settings.migration}.changes`;
  }

  get #writes(): string {
    return `${this.id}.writes`;
  }

  #written(): Promise<readonly TableSchema[]> {
    const { clock, signal, patienceMs } = this.#context;
    const { migration } = this.#settings;
    const where = { changes: this.#changes, writes: `${migration}.writes`, log: this.#log.log, live: this.#live };
    return writtenTables({ ...where, mappings: this.#mappings, clock, patienceMs }, signal);
  }

  async #pairs(): Promise<readonly TablePair[]> {
    const { migration, limits, target } = this.#settings;
    const described = await createTargetCatalogue(target, { migration, limits, clock: this.#context.clock }).tables();
    const byName = new Map(described.map((table) => [tableName(table), table]));
    return (await this.#written()).map((written) => {
      const table = byName.get(tableName(written));
      if (table === undefined) throw new ChangeoverError('TARGET_CHANGED', `the target has no table ${tableName(written)}`);
      return pairOf(table, written, this.#placeOf(written));
    });
  }

  #placeOf(table: TableName): TableName {
    return { table: table.table, schema: this.#place.kind === 'schema' ? this.#place.schema : table.schema };
  }

  async #follow(
    signal: AbortSignal,
    {
      through,
      head,
      onReached = () => undefined,
    }: { readonly through?: number; readonly head?: number; readonly onReached?: (seq: number) => void },
  ): Promise<void> {
    const { clock, ids, onStep } = this.#context;
    const { limits, state } = this.#settings;
    await followLog(
      {
        id: this.id,
        changes: this.#changes,
        writes: this.#writes,
        log: this.#log.log,
        openState: () =>
          openState(state, { migration: this.id, clock, ids, onLost: ({ message }) => onStep({ doing: 'waiting', why: message }) }),
        startThreads: derivationThreads(this.#settings.limits.derivationThreads),
        target: this.#target,
        converters: CONVERTERS,
        placeOf: (table) => this.#placeOf(table),
        ...(through !== undefined && { through }),
        onReached: (seq) => {
          onReached(seq);
          if (head !== undefined) onStep({ doing: 'reading', reached: seq, head });
        },
        onRetry: ({ error }) => onStep({ doing: 'waiting', why: `${error.code}: ${error.message}` }),
        clock,
        ids,
        crashPoint: this.#crashPoint,
        limits: {
          transform: { maxQueuedBytes: limits.readAheadBytes, maxStateBytes: limits.stateBytes },
          load: { maxBatchRows: limits.batchRows, maxBatchBytes: limits.batchBytes, maxQueuedBytes: limits.readAheadBytes },
        },
      },
      signal,
    );
  }

  /** The log grows meanwhile: caught up is who has come to where its end was a moment ago. */
  async #untilCaughtUp(reached: () => number): Promise<void> {
    const { clock, signal, onStep } = this.#context;
    for (let end = Infinity; reached() < end;) {
      try {
        end = (await this.#log.log.head(this.#changes)).seq;
        onStep({ doing: 'reading', reached: reached(), head: end });
      } catch (error) {
        if (!(error instanceof ChangeoverError) || error.policy !== 'retry') throw error;
        onStep({ doing: 'waiting', why: `${error.code}: ${error.message}` });
      }
      await clock.sleep(LOOK_MS, signal);
      signal.throwIfAborted();
    }
  }

  async #reached(): Promise<number> {
    await using hold = await this.#rebuilt.hold();
    return hold.progress?.changes.seq ?? 0;
  }

  /** ALREADY_RUNNING where another process works on the same rebuild. */
  async #acquire(): Promise<Lease> {
    const { clock, ids, signal } = this.#context;
    const nothing = (): void => undefined;
    const claim = { migration: this.id, role: 'load', owner: ids.uuid(), takeOver: false } as const;
    return acquireLease(this.#control.leases, {
      claim,
      callbacks: { status: () => STATUS, onLost: nothing, onTrouble: nothing },
      clock,
      signal,
    });
  }
}

/** Nobody asks how far it is: whoever rebuilds says so himself. */
const STATUS: RoleStatus = {
  state: 'running',
  position: NO_POSITION,
  seq: 0,
  rowsPerSecond: 0,
  recordsPerSecond: 0,
  lagMs: null,
  lagRecords: null,
  lastError: null,
  details: {},
};

function missingOnly(error: unknown): null {
  if (error instanceof ChangeoverError && error.code === 'LOG_MISSING') return null;
  throw error;
}
