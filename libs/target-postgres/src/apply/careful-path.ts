import { ChangeoverError, invariant } from '@changeover/core';
import type { RefusalLimit } from '@changeover/events';
import type pg from 'pg';

import type { Catalogue } from '../catalogue/catalogue.js';
import type { Connection } from '../connection.js';
import type { CrashPoint } from '../options.js';
import { addOrigins, keyEquals, type Run } from '../sql/row-statements.js';
import type { TablePlan } from '../sql/table-plan.js';
import { Unnest } from '../sql/unnest.js';
import { reasonOf, verdictOf } from '../sql-state.js';
import { findReferenced } from './cascades.js';
import { readClaims, type Claims } from './claims.js';
import { freeingEdges, units, usualOrder, type ClaimingOp } from './dependencies.js';
import { exchangeContents } from './exchanged-rows.js';
import { components, runsInOrder } from './graph.js';
import { keyedLines, nameByText, readKeyNames, type NameOf } from './key-names.js';
import { runAsOneStatement } from './one-statement.js';
import { breakCircles, runSetAside } from './set-aside.js';
import { ROW_MISSING, ROW_SKIPPED, type Refusal, type TargetOp } from './target-op.js';
import { parentsFirst } from './table-order.js';

/** More than this are not searched one by one: no single batch has that many bad rows by accident. */
const SEARCHED_REFUSALS = 1000;

/** Perhaps only for the type that we know: a cast to smallint fails although the column has become an integer. */
const OUT_OF_RANGE = '22003';

const UNIQUE_VIOLATION = '23505';

export type CarefulPathParts = {
  readonly connection: Connection;
  readonly catalogue: () => Catalogue;
  /** Looks whether the tables still take what they did: TARGET_CHANGED if not. */
  readonly recheck: () => Promise<void>;
  readonly crashPoint: CrashPoint;
};

/** `applied` are as they were done, each on the row that it was to write; they include those with nothing left to do. */
export type Applied = { readonly applied: readonly TargetOp[]; readonly refusals: readonly Refusal[] };

type Attempt = { readonly refusals: readonly Refusal[] } | { readonly error: Omit<Refusal, 'op'> };

const NO_CLAIMS: Claims = { frees: [], takes: [], requires: [], releases: [] };

/**
 * Applies ops where the usual order does not do, inside the caller's transaction.
 *
 * 1. See which rows are there ({@link CarefulPath.#standing}), and exchange contents where rows exchange keys ({@link exchangeContents}).
 * 2. Read who frees and takes which unique value, and who refers to whom ({@link readClaims}).
 * 3. Apply everything as one statement in the order of who frees what; circles of unique values are set aside first; what is
 *    deferrable is deferred until the statement is done.
 * 4. If the target still refuses, bisect over units (rows that need each other stay together) down to the rows it refuses,
 *    then try those again until nothing changes, because one may have waited for another.
 */
export class CarefulPath {
  readonly #parts: CarefulPathParts;
  #hasRechecked = false;
  /** Refusals beyond which it is given up. */
  #most = SEARCHED_REFUSALS;

  constructor(parts: CarefulPathParts) {
    this.#parts = parts;
  }

  /** Applies what the target takes; `seq` is the last record of the batch. TARGET_REFUSES where `limit` is `few` and it refuses many. */
  async apply(all: readonly TargetOp[], seq: number, limit: RefusalLimit = 'few'): Promise<Applied> {
    if (all.length === 0) return { applied: [], refusals: [] };
    this.#hasRechecked = false;
    this.#most = limit === 'any' ? Infinity : SEARCHED_REFUSALS;
    const { standing, absent } = await this.#standing(all);
    const missing = absent.filter(({ row }) => row.line !== null).map(missed);
    if (missing.length > this.#most) throw refusesTooMuch(missing);
    const { ops, idle } = await exchangeContents(this.#parts.connection, standing, { seq, nameOf: await this.#keyNames(standing) });
    const { usable, refusals: unreadable } = await this.#claims(usualOrder(ops, this.#parts.catalogue().tables));
    let refusals = await this.#applyUnits(units(usable));
    const byOp = new Map(usable.map((claiming) => [claiming.op, claiming]));
    const claimingOf = ({ op }: Refusal): ClaimingOp => byOp.get(op) as ClaimingOp;
    // Also a single one: it may have waited for a value that is the same in other words, which its claims do not tell.
    for (let before = usable.length; refusals.length > 0 && refusals.length < before;) {
      before = refusals.length;
      // A row that has gone on the way does not come back: what stands there by now is another one.
      const [gone, again] = [refusals.filter(isMissed), refusals.filter((refusal) => !isMissed(refusal))];
      refusals = [...gone, ...(await this.#applyUnits(units(again.map(claimingOf))))];
    }
    const refused = [...missing, ...unreadable, ...explainCircles(refusals, refusals.map(claimingOf))];
    const out = new Set(refused.map(({ op }) => op));
    const nothingToDelete = absent.filter(({ row }) => row.line === null);
    return { applied: [...ops.filter((op) => !out.has(op)), ...idle, ...nothingToDelete], refusals: refused };
  }

  /** Those of the ops' keys, where any of them moves. */
  async #keyNames(ops: readonly TargetOp[]): Promise<NameOf> {
    const { connection } = this.#parts;
    const read = await this.#guarded(async () => ({ nameOf: await readKeyNames(connection, keyedLines(ops)) }));
    // A key that does not fit its column's type is refused further on.
    return 'error' in read ? nameByText : read.nameOf;
  }

  /**
   * What an op comes from names a row that is there before any of the ops is applied. A row that comes under that key while they are applied is another one, so
   * that who is not there at first is never looked for again: `absent`. The others are locked, and nobody but us takes them away.
   */
  async #standing(ops: readonly TargetOp[]): Promise<{ readonly standing: readonly TargetOp[]; readonly absent: readonly TargetOp[] }> {
    const byPlan = new Map<TablePlan, TargetOp[]>();
    const absent = new Set<TargetOp>();
    for (const op of ops) {
      const { plan, row } = op;
      if (plan.addressing !== 'key' || row.kind === 'insert') continue;
      if (row.origin === null) absent.add(op);
      else {
        const some = byPlan.get(plan);
        if (some === undefined) byPlan.set(plan, [op]);
        else some.push(op);
      }
    }
    for (const [plan, some] of byPlan) {
      const found = await this.#guarded(async () => ({ there: await this.#stillThere({ plan, rows: some.map(({ row }) => row) }) }));
      // A key that does not fit its column's type: reading the claims finds out whose.
      if ('error' in found) continue;
      const there = new Set(found.there);
      some.forEach((op, index) => {
        if (!there.has(index + 1)) absent.add(op);
      });
    }
    return { standing: ops.filter((op) => !absent.has(op)), absent: [...absent] };
  }

  /** Applies the units as a whole if possible, else each half for itself, down to single rows. */
  async #applyUnits(all: readonly (readonly ClaimingOp[])[]): Promise<Refusal[]> {
    const refusals: Refusal[] = [];
    const pending: (readonly (readonly ClaimingOp[])[])[] = all.length === 0 ? [] : [all];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const ops = next.flat();
      const attempt = await this.#attempt(ops);
      if ('refusals' in attempt) refusals.push(...attempt.refusals);
      else if (ops.length === 1) refusals.push({ op: (ops[0] as ClaimingOp).op, ...attempt.error });
      else {
        await this.#parts.crashPoint('load.in-bisection');
        const parts = next.length > 1 ? next : ops.map((op) => [op]);
        const middle = parts.length >> 1;
        pending.push(parts.slice(middle), parts.slice(0, middle));
      }
      if (refusals.length > this.#most) throw refusesTooMuch(refusals);
    }
    return refusals;
  }

  async #attempt(ops: readonly ClaimingOp[]): Promise<Attempt> {
    const { connection } = this.#parts;
    const { setAside, freed } = breakCircles(ops);
    const runs = this.#runs(ops, freed);
    return this.#guarded(async () => {
      const referenced = await findReferenced(connection, ops, this.#parts.catalogue());
      if (referenced !== null) return { error: referenced };
      await connection.query('SET CONSTRAINTS ALL DEFERRED');
      await runSetAside(connection, setAside);
      const done = await runAsOneStatement(connection, runs);
      const refusals: Refusal[] = [];
      for (const [index, run] of runs.entries()) {
        const changed = done[index] as readonly number[];
        if (changed.length === run.rows.length) continue;
        if (run.kind === 'insert') return { error: { sqlstate: null, constraint: null, reason: ROW_SKIPPED } };
        const there = await this.#stillThere(run);
        const left = run.kind === 'delete' ? there : missing(run.rows.length, changed);
        for (const ordinal of left) {
          const reason = there.includes(ordinal) ? ROW_SKIPPED : ROW_MISSING;
          refusals.push({ op: run.ops[ordinal - 1] as TargetOp, sqlstate: null, constraint: null, reason });
        }
      }
      // It would keep the value that it was given in between.
      const kept = refusals.find(({ op }) => setAside.some((aside) => aside.op === op));
      if (kept !== undefined) return { error: kept };
      await connection.query('SET CONSTRAINTS ALL IMMEDIATE');
      return { refusals };
    });
  }

  /** Ops in runs that one statement can hold, in the order of who frees what; within that, deletes first and inserts last. */
  #runs(ops: readonly ClaimingOp[], freed: ReadonlySet<string>): (Run & { readonly ops: readonly TargetOp[] })[] {
    const ranks = parentsFirst([...new Set(ops.map(({ op }) => op.plan.id))], this.#parts.catalogue().tables);
    // Rows of one table may come in several forms (refused ones hold what they were told), each of which is a run of its own.
    const plans = [...new Set(ops.map(({ op }) => op.plan))];
    const groups = ops.map(({ op }) => {
      const rank = ranks.get(op.plan.id) as number;
      const place = op.row.kind === 'delete' ? ranks.size - rank : (op.row.kind === 'update' ? 2 : 3) * ranks.size + rank;
      return place * plans.length + plans.indexOf(op.plan);
    });
    const edges = freeingEdges(ops, freed);
    // Circles that could not be broken: any order is as wrong as another, but each op has to be in a run.
    for (const component of components(edges))
      if (component.length > 1)
        for (const node of component) edges[node] = (edges[node] as number[]).filter((to) => !component.includes(to));
    return runsInOrder(edges, groups).map(({ nodes }) => {
      const run = nodes.map((node) => (ops[node] as ClaimingOp).op);
      const { plan, row } = run[0] as TargetOp;
      return { plan, kind: row.kind, rows: run.map((op) => op.row), ops: run };
    });
  }

  /** The numbers of the rows that are there, from 1; they are locked, though not against those who refer to them. */
  async #stillThere({ plan, rows }: Pick<Run, 'plan' | 'rows'>): Promise<number[]> {
    if (plan.addressing !== 'key') return [];
    const unnest = new Unnest();
    addOrigins(plan, rows, unnest);
    const found = await this.#parts.connection.query<{ ord: string }>(
      `SELECT r.ord FROM ${unnest.from} JOIN ${plan.from} AS t ON ${keyEquals(plan)} FOR NO KEY UPDATE OF t`,
      unnest.values,
    );
    return found.map(({ ord }) => Number(ord));
  }

  /** Reads the claims table by table; a row whose text does not even fit the columns' types is refused here. */
  async #claims(ops: readonly TargetOp[]): Promise<{ readonly usable: ClaimingOp[]; readonly refusals: Refusal[] }> {
    const claims = new Map<TargetOp, Claims>();
    const refusals: Refusal[] = [];
    const byPlan = new Map<TablePlan, TargetOp[]>();
    for (const op of ops) {
      const list = byPlan.get(op.plan);
      if (list === undefined) byPlan.set(op.plan, [op]);
      else list.push(op);
    }
    const pending = [...byPlan.values()];
    const readAll = async (lists: readonly (readonly TargetOp[])[]): Promise<{ claims: [TargetOp, Claims][] }> => {
      const read: [TargetOp, Claims][] = [];
      for (const some of lists) {
        const found = await readClaims(this.#parts.connection, some, this.#parts.catalogue().tables);
        some.forEach((op, index) => read.push([op, found[index] ?? NO_CLAIMS]));
      }
      return { claims: read };
    };
    // Nearly always every text fits its type, so all tables are read under one savepoint; if not, the row is looked for.
    const all = await this.#guarded(() => readAll(pending));
    if ('claims' in all) {
      for (const [op, found] of all.claims) claims.set(op, found);
      pending.length = 0;
    }
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const some = next;
      const read = await this.#guarded(() => readAll([some]));
      if ('claims' in read) for (const [op, found] of read.claims) claims.set(op, found);
      else if (some.length === 1) refusals.push({ op: some[0] as TargetOp, ...read.error });
      else pending.push(some.slice(some.length >> 1), some.slice(0, some.length >> 1));
      if (refusals.length > this.#most) throw refusesTooMuch(refusals);
    }
    const usable = ops.flatMap((op) => {
      const found = claims.get(op);
      return found === undefined ? [] : [{ op, claims: found }];
    });
    return { usable, refusals };
  }

  /** Runs `work` under a savepoint: what it did stays, unless the target refuses a row of it. */
  async #guarded<Done extends object>(
    work: () => Promise<Done | { readonly error: Omit<Refusal, 'op'> }>,
  ): Promise<Done | { readonly error: Omit<Refusal, 'op'> }> {
    const { connection } = this.#parts;
    await connection.query('SAVEPOINT careful');
    let result: Done | { readonly error: Omit<Refusal, 'op'> };
    try {
      result = await work();
      if (!('error' in result)) {
        await connection.query('RELEASE SAVEPOINT careful');
        return result;
      }
    } catch (error) {
      const verdict = verdictOf(error);
      if (verdict !== 'row' && verdict !== 'form') throw error;
      await connection.query('ROLLBACK TO SAVEPOINT careful');
      const { code, constraint } = error as pg.DatabaseError;
      if (verdict === 'form' || (code === OUT_OF_RANGE && !this.#hasRechecked)) {
        this.#hasRechecked = true;
        await this.#parts.recheck();
      }
      return { error: { sqlstate: code ?? null, constraint: constraint ?? null, reason: reasonOf(error as pg.DatabaseError) } };
    }
    await connection.query('ROLLBACK TO SAVEPOINT careful');
    return result;
  }
}

/** A row for itself is refused for the value that another still has; that none of them can go first is seen only from all of them. */
function explainCircles(refusals: readonly Refusal[], ops: readonly ClaimingOp[]): Refusal[] {
  const inCircle = new Set(components(freeingEdges(ops, new Set())).flatMap((component) => (component.length > 1 ? component : [])));
  return refusals.map((refusal, at) => {
    if (refusal.sqlstate !== UNIQUE_VIOLATION || !inCircle.has(at)) return refusal;
    return { ...refusal, reason: `${refusal.reason}; rows exchange its values: make it a constraint that is DEFERRABLE` };
  });
}

function missed(op: TargetOp): Refusal {
  return { op, sqlstate: null, constraint: null, reason: ROW_MISSING };
}

export function isMissed({ reason }: Refusal): boolean {
  return reason === ROW_MISSING;
}

function missing(count: number, found: readonly number[]): number[] {
  const there = new Set(found);
  return Array.from({ length: count }, (_, index) => index + 1).filter((ordinal) => !there.has(ordinal));
}

/** TARGET_REFUSES, with how often each reason occurred. */
export function refusesTooMuch(refusals: readonly Refusal[]): ChangeoverError {
  return refusedTooOften(refusals.map(reasonWords));
}

/** The same of what {@link reasonWords} said of each. */
export function refusedTooOften(reasons: readonly string[]): ChangeoverError {
  invariant(reasons.length > 0, 'nothing was refused');
  const counts = new Map<string, number>();
  for (const why of reasons) counts.set(why, (counts.get(why) ?? 0) + 1);
  const list = [...counts].map(([why, count]) => `${String(count)} × ${why}`).join('; ');
  return new ChangeoverError('TARGET_REFUSES', `the target refused ${String(reasons.length)} or more rows of one batch: ${list}`, {
    facts: { refused: reasons.length },
  });
}

/** Table, and SQLSTATE and constraint, never a message that a trigger made up. */
export function reasonWords({ op, sqlstate, constraint, reason }: Refusal): string {
  return `${op.plan.id}: ${sqlstate === null ? reason : `SQLSTATE ${sqlstate}`}${constraint === null ? '' : ` (${constraint})`}`;
}
