import { ChangeoverError, invariant } from '@changeover/core';
import type {
  ApplyReport,
  Frame,
  Held,
  LoadBatch,
  LoadProgress,
  RefusalLimit,
  SchemaLookup,
  Stopping,
  TableSchema,
  TargetSession,
} from '@changeover/events';
import type pg from 'pg';

import { BatchRun, type Mode } from './apply/batch-run.js';
import { CarefulPath } from './apply/careful-path.js';
import { createdTables, cut, rowsIn, segmentOf, type Created } from './apply/created-slices.js';
import { RefusedRows } from './apply/refused-rows.js';
import { KnownTables } from './catalogue/known-tables.js';
import type { PinnedForms } from './catalogue/table-form.js';
import type { Connection } from './connection.js';
import type { PlacedFrame, Segment } from './net/net-row.js';
import { netRows, segmentsOf } from './net/segments.js';
import type { CrashPoint } from './options.js';
import { advance, pinTables, recordBarrier, type Owner, type Ownership } from './own-schema.js';
import { PreexistingRows, type PreexistingPolicy } from './preexisting-rows.js';
import { asTargetError, verdictOf } from './sql-state.js';
import { Staging } from './staging.js';
import { readStopping } from './stopping-rows.js';

/** New rows of which the target refuses some are applied in slices of so many, each of these in tenths, and these row by row. */
const CREATED_SLICE_ROWS = 1000;
const SLICES_OF_SLICE = 10;
const SEARCHED_ROWS = CREATED_SLICE_ROWS / SLICES_OF_SLICE;

const NOTHING: ApplyReport = { inserted: 0, updated: 0, deleted: 0, refused: 0, released: 0 };

export type SessionParts = {
  readonly connection: Connection;
  readonly migration: string;
  readonly ownership: Ownership;
  readonly synchronousCommit: 'on' | 'off';
  readonly copyFromRows: number;
  readonly existingRows: PreexistingPolicy;
  readonly crashPoint: CrashPoint;
};

/** Up to where a run goes, and how many rows of it the target may refuse. */
type RunWay = { readonly progress: LoadProgress; readonly refusals: RefusalLimit };
/** `inOrder`: in that of the record, else in passes. */
type StagedWay = RunWay & { readonly inOrder: boolean };

/** What a transaction does between moving progress and its commit. `null`: roll back, and try again carefully. */
type Work = (mode: Mode) => Promise<ApplyReport | null>;

/**
 * The owner's session. Each transaction begins by moving progress (and so proves the ownership), then writes, then commits.
 * A batch is first tried the fast way; if the target refuses anything, the whole transaction is rolled back and done the careful way.
 */
export class PostgresSession implements TargetSession {
  readonly progress: LoadProgress | null;
  readonly #parts: SessionParts;
  readonly #owner: Owner;
  readonly #known: KnownTables;
  readonly #refused: RefusedRows;
  readonly #careful: CarefulPath;
  readonly #staging: Staging;
  #isBusy = false;

  private constructor(parts: SessionParts, preexisting: PreexistingRows) {
    const { connection, migration, ownership, copyFromRows, crashPoint } = parts;
    this.progress = ownership.progress;
    this.#parts = parts;
    this.#owner = { migration, owner: ownership.owner, moves: ownership.moves };
    this.#known = new KnownTables(connection, ownership.tables, preexisting);
    this.#refused = new RefusedRows(connection, migration);
    this.#careful = new CarefulPath({ connection, catalogue: () => this.#known.catalogue, recheck: () => this.#recheck(), crashPoint });
    this.#staging = new Staging(connection, copyFromRows);
  }

  static async begin(parts: SessionParts): Promise<PostgresSession> {
    const { connection, migration, existingRows } = parts;
    const session = new PostgresSession(parts, await PreexistingRows.read(connection, migration, existingRows));
    await session.#known.check();
    await session.#refused.count();
    return session;
  }

  async apply(batch: LoadBatch, schemas: SchemaLookup): Promise<ApplyReport | Held> {
    return this.#alone(async () => {
      const placed = batch.transactions.flatMap(({ seq, frames }) =>
        frames.map((frame): PlacedFrame => ({ seq, schema: schemas(frame.schemaSeq), frame })),
      );
      const segments = segmentsOf(placed, this.#parts.copyFromRows);
      const refusals = batch.transactions.some((one) => one.refusals === 'any') ? 'any' : 'few';
      const settings = this.#durability(segments.length > 0, batch.barriers.length > 0);
      return this.#transaction(settings, batch.progress, async (mode) => {
        const report = segments.length === 0 ? NOTHING : await this.#applySegments({ progress: batch.progress, refusals }, segments, mode);
        if (report === null || batch.barriers.length === 0) return report;
        const retried = this.#refused.open > 0 ? await this.#retryAsked(batch.progress) : NOTHING;
        for (const barrier of batch.barriers) await recordBarrier(this.#parts.connection, this.#owner, barrier, batch.progress);
        return sumOf(report, retried);
      });
    });
  }

  async stage(frames: readonly Frame[], schemas: SchemaLookup): Promise<void> {
    await this.#alone(async () => {
      await this.#staging.add(frames, schemas);
      await this.#parts.crashPoint('load.in-staging');
    });
  }

  async applyStaged(progress: LoadProgress, refusals: RefusalLimit = 'few'): Promise<ApplyReport | Held> {
    return this.#alone(async () => {
      invariant(!this.#staging.isEmpty, 'nothing was staged');
      await this.#staging.prepare();
      // A value may go from a row of one pass to a row of an earlier one; the source managed in the order of the record. Only what the target refuses even then may be much.
      const ways: readonly StagedWay[] = [
        ...(this.#staging.inOrderOnly ? [] : [{ progress, inOrder: false, refusals: 'few' } as const]),
        { progress, inOrder: true, refusals: 'few' },
        // Then it is worth more that parents come before their children: whoever waited for a value is tried again behind it.
        ...(refusals === 'any' ? [{ progress, inOrder: this.#staging.inOrderOnly, refusals } as const] : []),
      ];
      const report = await this.#applyInOneOf(ways);
      // Held, it is tried again with what is staged.
      if (!('held' in report)) await this.#staging.discard();
      return report;
    });
  }

  /** The first that does. */
  async #applyInOneOf([way, ...others]: readonly StagedWay[]): Promise<ApplyReport | Held> {
    invariant(way !== undefined, 'there is a way');
    try {
      // The fast way is inside: a slice that the target refuses is rolled back and done carefully, not the whole record.
      return await this.#transaction(this.#durability(true, false), way.progress, () => this.#applySlices(way));
    } catch (error) {
      if (others.length === 0 || !(error instanceof ChangeoverError) || error.code !== 'TARGET_REFUSES') throw error;
      return this.#applyInOneOf(others);
    }
  }

  async discardStaged(): Promise<void> {
    await this.#alone(() => this.#staging.discard());
  }

  stopping(): Promise<Stopping> {
    return this.#alone(() => readStopping(this.#parts.connection, this.#parts.migration));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.connection[Symbol.asyncDispose]();
  }

  #durability(writesRows: boolean, hasBarriers: boolean): string {
    const synchronous = hasBarriers || (writesRows && this.#parts.synchronousCommit === 'on');
    return `SET LOCAL synchronous_commit = ${synchronous ? 'on' : 'off'}`;
  }

  async #applySegments(way: RunWay, segments: readonly Segment[], mode: Mode): Promise<ApplyReport | null> {
    const schemas = segments.flatMap(({ truncated, changes }) => [...truncated, ...changes.map(({ schema }) => schema)]);
    await this.#meet(schemas);
    const created = mode === 'careful' ? createdTables(segments, this.#known) : null;
    if (created !== null) return this.#applyCreated(way, created);
    const run = this.#run(way);
    return (await run.apply(segments, mode)) ? run.report() : null;
  }

  async #retryAsked(progress: LoadProgress): Promise<ApplyReport> {
    const run = this.#run({ progress, refusals: 'few' });
    await run.retryAsked();
    return run.report();
  }

  /** New rows, some of which the target refuses: slice by slice, so that only a small one has to be searched. */
  async #applyCreated(way: RunWay, tables: readonly Created[]): Promise<ApplyReport> {
    await this.#parts.connection.query('SET CONSTRAINTS ALL IMMEDIATE');
    const run = this.#run(way, 'when told');
    // A row that comes twice would be refused in one slice for what another brought; it is no row's fault.
    for (const { frames } of tables) netRows(frames);
    const narrow = async (slice: Created): Promise<void> => {
      const rows = rowsIn(slice);
      if (await this.#tryFast(run, [segmentOf(slice)])) return;
      if (rows <= SEARCHED_ROWS) await run.apply([segmentOf(slice)], 'careful');
      else for (const part of cut(slice, Math.ceil(rows / SLICES_OF_SLICE))) await narrow(part);
    };
    for (const table of tables) for (const slice of cut(table, CREATED_SLICE_ROWS)) await narrow(slice);
    await run.retry();
    return run.report();
  }

  async #applySlices({ inOrder, ...way }: StagedWay): Promise<ApplyReport> {
    const { connection } = this.#parts;
    await this.#meet(this.#staging.schemas);
    await connection.query('SET CONSTRAINTS ALL IMMEDIATE');
    const run = this.#run(way);
    for await (const segments of this.#staging.slices(way.progress.writes.seq, this.#known.catalogue.tables, inOrder)) {
      if (!(await this.#tryFast(run, segments))) await run.apply(segments, 'careful');
    }
    return run.report();
  }

  async #tryFast(run: BatchRun, segments: readonly Segment[]): Promise<boolean> {
    const { connection } = this.#parts;
    const attempt = run.attempt();
    await connection.query('SAVEPOINT slice');
    try {
      if (await attempt.apply(segments, 'fast')) {
        await connection.query('RELEASE SAVEPOINT slice');
        run.accept(attempt);
        return true;
      }
    } catch (error) {
      const verdict = verdictOf(error);
      if (verdict !== 'row' && verdict !== 'form') throw error;
    }
    await connection.query('ROLLBACK TO SAVEPOINT slice');
    await this.#refused.count();
    return false;
  }

  #run({ progress, refusals }: RunWay, retries: 'each time' | 'when told' = 'each time'): BatchRun {
    const { connection, migration, copyFromRows, crashPoint } = this.#parts;
    return new BatchRun({
      connection,
      migration,
      copyFromRows,
      crashPoint,
      known: this.#known,
      refused: this.#refused,
      careful: this.#careful,
      seq: progress.writes.seq,
      refusals,
      retries,
    });
  }

  /** TARGET_CHANGED if a table no longer takes what it did. One that takes more than it did may take rows that it refused. */
  async #recheck(): Promise<void> {
    if (await this.#known.check()) this.#refused.tryAll();
  }

  /** Forms that the transaction under way pins. */
  #met: PinnedForms = {};

  async #meet(schemas: readonly TableSchema[]): Promise<void> {
    if (this.#known.lacksColumns(schemas)) await this.#recheck();
    this.#met = await this.#known.meet(schemas);
    if (Object.keys(this.#met).length > 0) await pinTables(this.#parts.connection, this.#owner, this.#met);
  }

  async #transaction(settings: string, progress: LoadProgress, work: Work): Promise<ApplyReport | Held> {
    const report = (await this.#attempt(settings, progress, work, 'fast')) ?? (await this.#attempt(settings, progress, work, 'careful'));
    invariant(report !== null, 'the careful way gave up');
    return report;
  }

  async #attempt(settings: string, progress: LoadProgress, work: Work, mode: Mode): Promise<ApplyReport | Held | null> {
    const { connection } = this.#parts;
    try {
      await connection.query(`BEGIN; ${settings}`);
      const held = await advance(connection, this.#owner, progress);
      if (held !== null) {
        // Often, while it lasts; and of the refused rows nothing was touched.
        await connection.query('ROLLBACK');
        return held;
      }
      const report = await work(mode);
      if (report !== null) {
        await this.#commit();
        this.#known.keep(this.#met);
        this.#refused.keep();
        return report;
      }
      await this.#rollback();
      return null;
    } catch (error) {
      await this.#rollback();
      const verdict = verdictOf(error);
      if (verdict === 'form') await this.#recheck();
      if (verdict !== 'row' && verdict !== 'form') throw error;
      if (mode === 'fast') return null;
      throw refusesAll(error as pg.DatabaseError);
    } finally {
      this.#met = {};
    }
  }

  async #commit(): Promise<void> {
    const { connection, crashPoint } = this.#parts;
    await crashPoint('load.before-commit');
    const answer = connection.commit();
    // Awaited below; until then a failure must not count as unhandled.
    answer.catch(() => undefined);
    await crashPoint('load.in-commit');
    await answer;
    await crashPoint('load.after-commit');
  }

  async #rollback(): Promise<void> {
    const { connection } = this.#parts;
    if (connection.lost) return;
    try {
      await connection.query('ROLLBACK');
      await this.#refused.count();
    } catch {
      // The connection is gone, and the transaction with it; the error that brought us here is the one to tell.
    }
  }

  /** One call at a time; whatever goes wrong comes out as one of our errors. */
  async #alone<Result>(call: () => Promise<Result>): Promise<Result> {
    invariant(!this.#isBusy, 'two calls to one target session at once');
    this.#isBusy = true;
    try {
      return await call();
    } catch (error) {
      throw asTargetError(error);
    } finally {
      this.#isBusy = false;
    }
  }
}

function sumOf(a: ApplyReport, b: ApplyReport): ApplyReport {
  return {
    inserted: a.inserted + b.inserted,
    updated: a.updated + b.updated,
    deleted: a.deleted + b.deleted,
    refused: a.refused + b.refused,
    released: a.released + b.released,
  };
}

/** TARGET_REFUSES for what no row of the batch is to blame for, such as rows of a table that is not mapped and refers to one that is emptied. */
function refusesAll({ code, schema, table, constraint }: Partial<pg.DatabaseError>): ChangeoverError {
  const place = table === undefined ? '' : `, ${schema === undefined ? '' : `${schema}.`}${table}`;
  const message = `the target refuses the batch as a whole: SQLSTATE ${code ?? 'none'}${place}${constraint === undefined ? '' : ` (${constraint})`}`;
  return new ChangeoverError('TARGET_REFUSES', message, {
    facts: { sqlstate: code ?? null, constraint: constraint ?? null, table: table ?? null },
  });
}
