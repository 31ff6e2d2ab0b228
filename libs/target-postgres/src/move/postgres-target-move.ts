import { ChangeoverError, countWords, invariant } from '@changeover/core';
import {
  HELD_TABLE,
  type Checkpoint,
  type Frame,
  type LoadHold,
  type LoadProgress,
  type MoveOptions,
  type MoveReport,
  type SchemaLookup,
  type TargetMove,
  type Whereabouts,
} from '@changeover/events';

import { CarefulPath, refusesTooMuch } from '../apply/careful-path.js';
import { applyFast } from '../apply/fast-path.js';
import { applyHeld } from '../apply/held-rows.js';
import { readKeyNames } from '../apply/key-names.js';
import type { Refusal, TargetOp } from '../apply/target-op.js';
import type { KnownTables } from '../catalogue/known-tables.js';
import type { PinnedForms } from '../catalogue/table-form.js';
import type { Connection } from '../connection.js';
import type { Holder } from '../load-holds.js';
import type { CrashPoint } from '../options.js';
import { isOurs, PLACE, placeValues } from '../own-schema.js';
import { TypeJudge } from '../snapshot/type-judge.js';
import { asTargetError, verdictOf } from '../sql-state.js';
import { describe, findChanged, nameRow, overwriting, rowName } from './changed-rows.js';
import { movingOps, turned } from './moving-rows.js';
import { impossible, NetBetween } from './net-between.js';
import { moveRefusals, readRefusalsBetween } from './refusals-between.js';

/** Rows of others' that are named. */
const NAMED_ROWS = 1000;

/** Rows that a message names. */
const SHOWN_ROWS = 10;

export type TargetMoveParts = {
  /** Of its own, for the transaction. */
  readonly connection: Connection;
  readonly holder: Holder;
  readonly hold: LoadHold;
  readonly from: Whereabouts;
  readonly known: KnownTables;
  readonly pinned: PinnedForms;
  readonly exchanges: number;
  readonly maxBytes: number;
  /** Another connection, in no transaction. */
  readonly openJudge: () => Promise<Connection>;
  readonly crashPoint: CrashPoint;
  readonly close: () => Promise<void>;
};

/** Where the target goes: its place, and the checkpoint where it is then parked; null: it is where load had come, and load goes on. */
type Destination = { readonly place: LoadProgress; readonly at: string | null };

/** One hold's worth of moving: what lies between is gathered, then done in one transaction. */
export class PostgresTargetMove implements TargetMove {
  readonly from: Whereabouts;
  readonly #parts: TargetMoveParts;
  #net: NetBetween;
  readonly #careful: CarefulPath;
  #judge: Promise<{ readonly connection: Connection; readonly judge: TypeJudge }> | null = null;

  constructor(parts: TargetMoveParts) {
    const { connection, known, crashPoint } = parts;
    this.from = parts.from;
    this.#parts = parts;
    this.#net = new NetBetween(parts.maxBytes);
    const recheck = async (): Promise<void> => {
      await known.check();
    };
    this.#careful = new CarefulPath({
      connection,
      catalogue: () => known.catalogue,
      recheck,
      crashPoint,
    });
  }

  add({ seq, frames }: { readonly seq: number; readonly frames: readonly Frame[] }, schemas: SchemaLookup): void {
    this.#net.add(seq, frames, schemas);
  }

  forget(): void {
    this.#net = new NetBetween(this.#parts.maxBytes);
  }

  async to({ name, place, forms, exchanges }: Checkpoint, options: MoveOptions): Promise<MoveReport> {
    const { pinned } = this.#parts;
    if (exchanges !== this.#parts.exchanges)
      throw new ChangeoverError('REWIND_IMPOSSIBLE', `the tables of the target were exchanged with rebuilt ones since ${name} was made`);
    const other = Object.entries(forms).find(([table, hash]) => pinned[table]?.hash !== hash);
    if (other !== undefined) throw impossible(`${other[0]} of the target had another form when ${name} was made`, other[0]);
    return this.#move({ place, at: name }, options);
  }

  async toHead(options: MoveOptions): Promise<MoveReport> {
    return this.#move({ place: this.from.parked?.head ?? this.from.progress, at: null }, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { hold, close } = this.#parts;
    await hold[Symbol.asyncDispose]();
    const judging = await this.#judge?.catch(() => null);
    await judging?.connection[Symbol.asyncDispose]();
    await close();
  }

  async #move(to: Destination, options: MoveOptions): Promise<MoveReport> {
    const { connection, crashPoint } = this.#parts;
    try {
      // Whoever has asked for it wants it to be there after a crash.
      await connection.query('BEGIN; SET LOCAL synchronous_commit = on');
      await this.#setPlace(to);
      const report = await this.#rows(to, options);
      await crashPoint('move.before-commit');
      if (options.dryRun) await connection.query('ROLLBACK');
      else await this.#commit();
      return report;
    } catch (error) {
      if (!connection.lost) await connection.query('ROLLBACK').catch(() => undefined);
      throw asTargetError(error);
    }
  }

  async #commit(): Promise<void> {
    const { connection, crashPoint } = this.#parts;
    const answer = connection.commit();
    // Awaited below; until then a failure must not count as unhandled.
    answer.catch(() => undefined);
    await crashPoint('move.in-commit');
    await answer;
    await crashPoint('move.after-commit');
  }

  /** As the first statement, by which nobody else gets at the row: who loads learns at his next batch that the target is elsewhere. */
  async #setPlace({ place, at }: Destination): Promise<void> {
    const { connection, holder } = this.#parts;
    const { progress, parked } = this.from;
    const head = at === null ? null : (parked?.head ?? progress);
    const moved = await connection.execute({
      text: `UPDATE changeover.progress SET ${PLACE}, owner = owner + 1, moves = moves + 1, parked = $13, head = $14,
          hold_id = NULL, hold_through = NULL, hold_until = NULL
        WHERE migration = $1 AND hold_id = $2 AND writes_log_id = $15 AND writes_seq = $16`,
      values: [
        holder.migration,
        holder.holdId,
        ...placeValues(place),
        at,
        head === null ? null : JSON.stringify(head),
        progress.writes.logId,
        progress.writes.seq,
      ],
    });
    if (moved !== 1) throw new ChangeoverError('HOLD_LOST', `load of migration ${holder.migration} was not held as long as it should`);
  }

  async #rows(to: Destination, { changedRows }: MoveOptions): Promise<MoveReport> {
    const { connection, holder, known } = this.#parts;
    const { migration } = holder;
    const { progress, parked } = this.from;
    const places = { from: progress.writes.seq, to: to.place.writes.seq };
    const direction = places.to < places.from ? 'back' : 'forth';
    const between = this.#net.tables();
    const refusals = await readRefusalsBetween(connection, migration, { ...places, wasParked: parked !== null });
    const ours = between.filter(({ schema }) => isOurs(schema));
    const [planOf, namesOf] = [known.plan.bind(known), readKeyNames.bind(null, connection)];
    let ops: readonly TargetOp[] = await movingOps(
      between.filter((table) => !ours.includes(table)),
      direction,
      refusals,
      { planOf, namesOf },
    );
    const changed = await findChanged({ connection, migration, judge: () => this.#openJudge() }, ops, { kept: changedRows === 'keep' });
    const named = changed.slice(0, NAMED_ROWS).map(describe);
    if (changed.length > 0 && changedRows === 'refuse') throw rowsChanged(changed.length, named);
    const theirs = new Set(changed.map(({ op }) => op));
    ops = ops.filter((op) => !theirs.has(op));
    if (changedRows === 'overwrite') ops = [...ops, ...overwriting(changed)];
    await this.#parts.crashPoint('move.in-rows');
    await this.#apply(ops, places.to);
    let held = 0;
    for (const { schema, rows } of ours) {
      await applyHeld(connection, known.plan(schema), { rows: direction === 'back' ? rows.map(turned) : rows, migration });
      if (schema.table === HELD_TABLE.table) held += rows.length;
    }
    await moveRefusals(connection, migration, { to: places.to, wasParked: parked !== null, isParked: to.at !== null });
    const count = (kind: TargetOp['row']['kind']): number => ops.filter(({ row }) => row.kind === kind).length;
    return {
      inserted: count('insert'),
      updated: count('update'),
      deleted: count('delete'),
      held,
      changed: changed.length,
      changedRows: named,
    };
  }

  /** REWIND_REFUSED where the target does not take all of it. */
  async #apply(ops: readonly TargetOp[], seq: number): Promise<void> {
    if (ops.length === 0 || (await this.#triedFast(ops))) return;
    const { refusals } = await this.#careful.apply(ops, seq).catch((error: unknown) => {
      if (error instanceof ChangeoverError && error.code === 'TARGET_REFUSES') throw new ChangeoverError('REWIND_REFUSED', error.message);
      throw error;
    });
    if (refusals.length > 0) throw refusedRows(refusals);
  }

  async #triedFast(ops: readonly TargetOp[]): Promise<boolean> {
    const { connection, known, crashPoint } = this.#parts;
    await connection.query('SET CONSTRAINTS ALL IMMEDIATE; SAVEPOINT fast');
    try {
      if (await applyFast({ connection, copyFromRows: Infinity, crashPoint, catalogue: known.catalogue }, { ops, bulk: [] })) {
        await connection.query('RELEASE SAVEPOINT fast');
        return true;
      }
    } catch (error) {
      const verdict = verdictOf(error);
      if (verdict !== 'row' && verdict !== 'form') throw error;
    }
    await connection.query('ROLLBACK TO SAVEPOINT fast');
    return false;
  }

  async #openJudge(): Promise<TypeJudge> {
    this.#judge ??= this.#parts.openJudge().then((connection) => ({ connection, judge: new TypeJudge(connection) }));
    return (await this.#judge).judge;
  }
}

function rowsChanged(count: number, rows: MoveReport['changedRows']): ChangeoverError {
  invariant(rows.length > 0, 'rows that were changed are named');
  const shown = rows.slice(0, SHOWN_ROWS).map(({ table, key, how }) => `${rowName(table, key)}: ${how}`);
  const more = count > shown.length ? `, and ${countWords(count - shown.length)} more` : '';
  const what = count === 1 ? '1 row of the target was' : `${countWords(count)} rows of the target were`;
  return new ChangeoverError('ROWS_CHANGED', `${what} changed by somebody else: ${shown.join('; ')}${more}`, { facts: { rows: count } });
}

function refusedRows(refusals: readonly Refusal[]): ChangeoverError {
  const shown = refusals.slice(0, SHOWN_ROWS).map(({ op }) => nameRow(op));
  const more = refusals.length > shown.length ? `, and ${countWords(refusals.length - shown.length)} more` : '';
  return new ChangeoverError('REWIND_REFUSED', `${refusesTooMuch(refusals).message}: ${shown.join('; ')}${more}`, {
    facts: { rows: refusals.length },
  });
}
