import { ChangeoverError, invariant } from '@changeover/core';
import type { ApplyReport, RefusalLimit } from '@changeover/events';

import type { KnownTables } from '../catalogue/known-tables.js';
import type { Connection } from '../connection.js';
import type { Segment } from '../net/net-row.js';
import { netRows } from '../net/segments.js';
import { isOurs } from '../own-schema.js';
import type { CrashPoint } from '../options.js';
import type { TablePlan } from '../sql/table-plan.js';
import { bulkRows, takesBulk, type BulkRows } from './bulk-rows.js';
import { standingOnTable } from './cascades.js';
import { isMissed, reasonWords, refusedTooOften, type CarefulPath } from './careful-path.js';
import { applyFast, type FastWork } from './fast-path.js';
import { applyHeld } from './held-rows.js';
import { opOf, schemaOf, type RefusedRows } from './refused-rows.js';
import { related } from './table-order.js';
import type { Refusal, TargetOp } from './target-op.js';

/** No batch of which few may be refused leaves more rows refused than this. */
const REFUSED_PER_BATCH = 100;
/** Rows still refused beyond which nothing more is tried with them: those that were on the list before must never be what is too much. A round adds at most 200. */
const MOST_CARRIED = 800;

export type BatchRunParts = {
  readonly connection: Connection;
  readonly known: KnownTables;
  readonly refused: RefusedRows;
  readonly careful: CarefulPath;
  readonly migration: string;
  readonly copyFromRows: number;
  readonly crashPoint: CrashPoint;
  /** The last record of `writes` in the batch. */
  readonly seq: number;
  /** How many rows of it the target may refuse. */
  readonly refusals: RefusalLimit;
  /** Rows that were refused are tried again after each segment, or once {@link BatchRun.retry} is called. */
  readonly retries?: 'each time' | 'when told';
};

/** `fast` gives up at the first thing out of the ordinary; `careful` goes through with it. */
export type Mode = 'fast' | 'careful';

/** Applies the segments of one batch inside the caller's transaction, and keeps `changeover.refused`. */
export class BatchRun {
  readonly #parts: BatchRunParts;
  readonly #done = { insert: 0, update: 0, delete: 0 };
  /** Closed in this batch, and not refused in it. */
  readonly #released = new Set<string>();
  /** Refused in this batch and still open, by id: why. */
  readonly #refused = new Map<string, string>();
  readonly #touched = new Set<string>();

  constructor(parts: BatchRunParts) {
    this.#parts = parts;
  }

  /** `false` (fast only): roll back and be careful. */
  async apply(segments: readonly Segment[], mode: Mode): Promise<boolean> {
    for (const segment of segments) if (!(await this.#segment(segment, mode))) return false;
    return true;
  }

  /** Tries again what the run's changes may have opened the way for. */
  async retry(): Promise<void> {
    if (this.#parts.refused.open > 0) await this.#retry(this.#touched, [], []);
  }

  /** Tries again what somebody has asked for, and goes on from what gets in. */
  async retryAsked(): Promise<void> {
    const { known, refused, careful, seq } = this.#parts;
    const asked = await refused.takeAsked();
    if (asked.length === 0) return;
    const ops = asked.map((refusal) => opOf(known.plan(schemaOf(refusal)), refusal));
    const { applied, refusals } = await careful.apply(ops, seq, this.#parts.refusals);
    await this.#retry(new Set(applied.map(({ plan }) => plan.id)), applied, refusals);
  }

  /** A run for a part of the batch that may yet be rolled back; {@link accept} it if it was not. */
  attempt(): BatchRun {
    return new BatchRun(this.#parts);
  }

  accept(part: BatchRun): void {
    for (const kind of ['insert', 'update', 'delete'] as const) this.#done[kind] += part.#done[kind];
    for (const [id, why] of part.#refused) this.#refused.set(id, why);
    this.#forget([...part.#released]);
    for (const id of part.#touched) this.#touched.add(id);
  }

  /** TARGET_REFUSES if too many rows stayed refused. */
  report(): ApplyReport {
    this.#requireFew(REFUSED_PER_BATCH);
    const { insert, update, delete: deleted } = this.#done;
    return { inserted: insert, updated: update, deleted, refused: this.#refused.size, released: this.#released.size };
  }

  async #segment({ truncated, changes }: Segment, mode: Mode): Promise<boolean> {
    const { connection, known, migration } = this.#parts;
    invariant(!truncated.some(isOurs), 'the writes empty a table of ours');
    const held = changes.filter(({ schema }) => isOurs(schema));
    if (!(await this.#rows({ truncated, changes: changes.filter((change) => !held.includes(change)) }, mode))) return false;
    for (const { schema, rows } of held) await applyHeld(connection, known.plan(schema), { rows, migration });
    return true;
  }

  async #rows({ truncated, changes }: Segment, mode: Mode): Promise<boolean> {
    const { connection, known, refused, careful, copyFromRows, crashPoint, seq } = this.#parts;
    await this.#requireApart(changes, mode);
    if (truncated.length > 0) await this.#empty(truncated.map((schema) => known.plan(schema)));
    if (refused.open > 0) for (const schema of truncated) this.#forget(await refused.closeTable(schema, seq));
    const { bulk, ops: netted } = await this.#work(changes, mode);
    let ops = netted;
    const tables = new Set([...truncated, ...changes.map(({ schema }) => schema)].map((schema) => known.plan(schema).id));
    if (refused.open > 0) {
      const settled = await refused.settle(ops);
      if (mode === 'fast' && settled.ops !== ops) return false;
      ops = settled.ops;
      await this.#close(settled.closed);
    }
    let refusals: readonly Refusal[] = [];
    if (mode === 'fast') {
      if (!(await applyFast({ connection, copyFromRows, crashPoint, catalogue: known.catalogue }, { ops, bulk }))) return false;
      for (const { count } of bulk) this.#done.insert += count;
    } else {
      const done = await careful.apply(ops, seq, this.#parts.refusals);
      ops = done.applied;
      refusals = done.refusals;
    }
    for (const id of tables) this.#touched.add(id);
    const retries = refused.open > 0 && this.#parts.retries !== 'when told';
    await (retries ? this.#retry(tables, ops, refusals) : this.#finish(ops, refusals));
    return true;
  }

  /** Of no row that was there before the first load anything is written. */
  async #requireApart(changes: Segment['changes'], mode: Mode): Promise<void> {
    const { known } = this.#parts;
    for (const { schema, rows, created } of changes) {
      const plan = known.plan(schema);
      if (!known.preexisting.isLeftIn(plan)) continue;
      await known.preexisting.requireApart(plan, created === undefined ? rows : netRows(created), mode === 'careful');
    }
  }

  /** What was left as it came stays so where COPY can take it, and where no open refusal is of a row that it may settle or come in place of; else it is netted. */
  async #work(changes: Segment['changes'], mode: Mode): Promise<FastWork> {
    const { known, refused } = this.#parts;
    const bulk: BulkRows[] = [];
    const ops: TargetOp[] = [];
    for (const { schema, rows, created } of changes) {
      const plan = known.plan(schema);
      if (created === undefined) for (const row of rows) ops.push({ plan, row, refusal: null });
      else if (mode === 'fast' && takesBulk(plan) && !(await refused.knowRowsOf(schema))) bulk.push(bulkRows(plan, created));
      else for (const row of netRows(created)) ops.push({ plan, row, refusal: null });
    }
    return { bulk, ops };
  }

  /**
   * DELETE, not TRUNCATE: TRUNCATE fails where any other table refers to one of these, needs a privilege of its own, and locks out who reads. All in one
   * statement, so that foreign keys among them don't ask for an order.
   */
  async #empty(plans: readonly TablePlan[]): Promise<void> {
    const { connection, known } = this.#parts;
    const tables = new Map(plans.map(({ id, from }) => [id, from]));
    for (const plan of plans) {
      const { id, target } = plan;
      known.preexisting.requireNoneIn(plan);
      const foreignKey = await standingOnTable(connection, target, new Set(tables.keys()), known.catalogue);
      if (foreignKey === null) continue;
      throw new ChangeoverError(
        'TARGET_REFUSES',
        `${id} was emptied at the source, but rows of the target refer to it (${foreignKey.name})`,
        {
          facts: { table: id, constraint: foreignKey.name },
        },
      );
    }
    const parts = [...tables.values()].map((table, index) => `w${String(index)} AS (DELETE FROM ${table} RETURNING 1)`);
    const counts = parts.map((_, index) => `(SELECT count(*) FROM w${String(index)})`);
    const [row] = await connection.query<{ deleted: string }>(`WITH ${parts.join(', ')} SELECT ${counts.join(' + ')} AS deleted`);
    this.#done.delete += Number(row?.deleted ?? 0);
  }

  /**
   * Tries again the open rows of tables that these changes may have opened the way for, together with what was refused just now (they may need each
   * other), and goes on from what got in: a parent lets in its children, and those theirs.
   */
  async #retry(touched: ReadonlySet<string>, applied: readonly TargetOp[], refusals: readonly Refusal[]): Promise<void> {
    const { known, refused, careful, seq } = this.#parts;
    const through = [...applied];
    const tried = new Set([...applied, ...refusals.map(({ op }) => op)].flatMap(({ refusal }) => (refusal === null ? [] : [refusal.id])));
    // Never those that are missing: what has come under their keys meanwhile is another row.
    const missing = refusals.filter(isMissed);
    let out = refusals.filter((refusal) => !isMissed(refusal));
    let [from, came]: [ReadonlySet<string>, readonly TargetOp[]] = [touched, applied];
    while (from.size > 0 && out.length <= MOST_CARRIED) {
      await this.#displace(came, through);
      const candidates = await refused.candidates(related(from, known.catalogue.tables), tried);
      if (candidates.length === 0) break;
      for (const { id } of candidates) tried.add(id);
      const more = candidates.map((refusal) => opOf(known.plan(schemaOf(refusal)), refusal));
      const again = await careful.apply([...out.map(({ op }) => op), ...more], seq, this.#parts.refusals);
      missing.push(...again.refusals.filter(isMissed));
      out = again.refusals.filter((refusal) => !isMissed(refusal));
      came = again.applied;
      through.push(...came);
      from = new Set(came.map((op) => op.plan.id));
    }
    await this.#finish(through, [...out, ...missing]);
  }

  /** Writes down what was refused, and closes the refusals of what got in. */
  async #finish(through: readonly TargetOp[], refusals: readonly Refusal[]): Promise<void> {
    for (const { row } of through) this.#done[row.kind] += 1;
    await this.#close(through.flatMap(({ refusal }) => (refusal === null ? [] : [refusal.id])));
    for (const refusal of refusals) {
      // Tried again in vain, with nothing new to write down.
      if (refusal.op.row.seq === 0 && refusal.op.refusal?.reason === refusal.reason) continue;
      const id = await this.#parts.refused.record(refusal, this.#parts.seq);
      if (refusal.op.refusal === null) this.#refused.set(id, reasonWords(refusal));
    }
    await this.#displace(through, through);
    this.#requireFew(REFUSED_PER_BATCH * 10);
  }

  #requireFew(most: number): void {
    if (this.#parts.refusals !== 'any' && this.#refused.size > most) throw refusedTooOften([...this.#refused.values()]);
  }

  /** The rows that open refusals are of are not those that came; `through` are ops whose own refusals are about to be closed. */
  async #displace(came: readonly TargetOp[], through: readonly TargetOp[]): Promise<void> {
    const { refused, seq } = this.#parts;
    if (refused.open === 0) return;
    const own = through.flatMap(({ refusal }) => (refusal === null ? [] : [refusal.id]));
    await this.#close(await refused.displace(came, { except: own, seq }));
  }

  async #close(ids: readonly string[]): Promise<void> {
    await this.#parts.refused.close(ids, this.#parts.seq);
    this.#forget(ids);
  }

  #forget(ids: readonly string[]): void {
    for (const id of ids) if (!this.#refused.delete(id)) this.#released.add(id);
  }
}
