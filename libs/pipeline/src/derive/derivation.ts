import type { StateView } from '@changeover/events';
import type { Row } from '@changeover/mapping';

import type { DerivationPlan, MirroredTable, PlannedRule } from './derivation-plan.js';
import { decodeEntry } from './derived-entry.js';
import { RowEvaluator, type Evaluation } from './row-evaluator.js';
import type { KeptVersion, NothingKept } from './kept-version.js';
import { membersOf } from './members.js';
import { AffectedRow } from './affected-row.js';
import { mergedOf, Round, type DerivedChange, type DrivingRow, type LeftChildren, type RoundParts } from './round.js';
import { RowsBefore } from './rows-before.js';
import { SourceMirror, valuesText } from './source-mirror.js';
import { stateKey } from './state-keys.js';
import { UniqueClaims } from './unique-claims.js';

export type { DerivedChange, DrivingRow } from './round.js';

/** `roundRows`: rows of a round, of which all is in memory. Left out: 10,000. */
export type DerivationOptions = { readonly mirror?: SourceMirror; readonly roundRows?: number };

/** More than most transactions concern; about 10 MB, and half a second in which nobody else has a turn. */
const ROUND_ROWS = 10_000;

/** A source row as it was before the transaction, and as it is behind it; null: it was, or is, not there. */
export type TouchedRow = { readonly table: MirroredTable; readonly key: string; readonly before: Row | null; readonly after: Row | null };

/** What came of one of several rounds. `isLast`: none comes behind it. */
export type DerivedRound = { readonly changes: readonly DerivedChange[]; readonly isLast: boolean };

/** What rounds have in common. `childless`: of whatever could stand on rows of this rule nothing was derived yet. `goesOn`: their record does, behind the last of them. */
type RoundsOptions = Pick<RoundParts, 'before' | 'undecided'> & { readonly childless?: PlannedRule | null; readonly goesOn?: boolean };

/** A row's key, and what the mirror holds of it. */
export type MirroredRow = { readonly key: string; readonly value: Buffer };

/** A driving row's key, and what the row is by its own source rows. */
export type EvaluatedRow = { readonly key: string; readonly evaluation: Evaluation };

/**
 * Derives the target's rows from the mirror, as far as a source transaction may have changed them.
 *
 * What becomes of a row is decided in layers, so that it depends on what is, not on the order in which it came:
 *
 * 1. its own rows and those joined to it give a version, or problems (then the last good version may stay: it is *kept*). Where rows are merged they give a
 *    part of one, and a merged row is made of its parts; a row that is part of one has that as its parent, so it comes and goes with it,
 * 2. of the versions that want the same unique values the first has them (kept ones before all others, because they
 *    stand at the target; a row that waits still wants them),
 * 3. of what is left, the largest set in which every row has its parents is at the target: rows that need each other come together.
 */
export class Derivation {
  /** Of the record in hand, where it takes several rounds. */
  readonly before: RowsBefore;
  readonly #plan: DerivationPlan;
  readonly #state: StateView;
  readonly #mirror: SourceMirror;
  readonly #claims: UniqueClaims;
  readonly #roundRows: number;

  constructor(
    plan: DerivationPlan,
    state: StateView,
    { mirror = new SourceMirror(state), roundRows = ROUND_ROWS }: DerivationOptions = {},
  ) {
    this.#roundRows = roundRows;
    this.#plan = plan;
    this.#state = state;
    this.#mirror = mirror;
    this.#claims = new UniqueClaims(state);
    this.before = new RowsBefore(state);
  }

  get mirror(): SourceMirror {
    return this.#mirror;
  }

  /**
   * In rounds of a bounded size, each of which begins when the one before was taken. The mirror holds the rows as they are behind the transaction, or where it `goesOn` behind a part of it. Where it takes
   * several rounds, {@link before} says behind the last what the rows were, until that is told to forget.
   */
  derive(touched: Iterable<TouchedRow>, goesOn = false): Generator<DerivedRound> {
    const take = (round: Round, { rule, key }: DrivingRow): void => {
      round.evaluate(rule, key);
    };
    return this.#inRounds(this.#drivenBy(touched), take, { before: this.before, goesOn });
  }

  /** The driving rows that such rows concern, some more than once: but of those that looked up one text each once, though many rows were touched that have it. */
  *#drivenBy(touched: Iterable<TouchedRow>): Generator<DrivingRow> {
    const gone = new Set<string>();
    for (const { table, key, before, after } of touched) {
      for (const rule of table.drives) yield { rule, key };
      for (const { number, rule, join } of table.joinedBy) {
        const planned = this.#plan.rule(rule);
        const values = new Set([before, after].map((row) => (row === null ? null : valuesText(row, join.columns))));
        for (const text of values) {
          const set = `${String(number)} ${text ?? ''}`;
          if (text === null || gone.has(set)) continue;
          gone.add(set);
          for (const member of membersOf(this.#state, stateKey('dependants', number, text)))
            yield { rule: planned, key: member.toString() };
        }
      }
    }
  }

  /** Puts rows of the mirror where joins look for them. */
  index(table: MirroredTable, rows: readonly MirroredRow[]): void {
    for (const { key, value } of rows) this.#mirror.moved(table, key, null, this.#mirror.rowOf(table, key, value));
  }

  /** Gives the texts that rows mention their numbers, in the order of the rows. */
  number({ table, numbering }: PlannedRule, rows: readonly MirroredRow[]): void {
    if (numbering === null) return;
    const evaluator = new RowEvaluator(this.#mirror);
    for (const { key, value } of rows) evaluator.number(numbering, this.#mirror.rowOf(table, key, value));
  }

  /**
   * What rows are by their own of which nothing was derived yet, but for those that were gathered. It depends on nothing that comes of other rows, so whoever
   * has the mirror can do it.
   */
  evaluate(rule: PlannedRule, rows: readonly MirroredRow[]): readonly EvaluatedRow[] {
    const evaluator = new RowEvaluator(this.#mirror);
    return rows
      .filter(({ key }) => !this.#isGathered(rule, key))
      .map(({ key, value }) => ({ key, evaluation: evaluator.evaluate(rule, key, this.#mirror.rowOf(rule.table, key, value)) }));
  }

  /**
   * Derives rows of which nothing was derived yet; the others may not all be known. A row that was derived before changes, too, where one of these has what it wants alone, or needs it:
   * of those that have waited for one there may be any number, so this takes rounds, as {@link derive} does. What lies between two of them must not be committed, as nothing says there
   * who is left. `childless`: of rows that could stand on these nothing was derived yet either.
   */
  deriveFirst(rule: PlannedRule, rows: Iterable<EvaluatedRow>, childless = false): Generator<DerivedRound> {
    const take = (round: Round, { key, evaluation }: EvaluatedRow): void => {
      round.deriveFirst(rule, key, evaluation);
    };
    return this.#inRounds(rows, take, { before: null, childless: childless ? rule : null });
  }

  /** Gathers what rows give to the merged rows that they are part of, before anything is derived of either. */
  gather(rule: PlannedRule, rows: readonly MirroredRow[]): void {
    const round = this.#round({ before: null });
    for (const { key, value } of rows) round.gatherFirst(rule, key, this.#mirror.rowOf(rule.table, key, value));
  }

  /** As {@link deriveFirst}, of merged rows with these names. */
  mergeFirst(rule: PlannedRule, names: Iterable<string>): Generator<DerivedRound> {
    const take = (round: Round, name: string): void => {
      round.mergeFirst(rule, name);
    };
    return this.#inRounds(names, take, { before: null });
  }

  /** Derives these driving rows once more, though none of their source rows may have changed: where all that is remembered is right, nothing comes of it. */
  again(rows: Iterable<DrivingRow>): readonly DerivedChange[] {
    const round = this.#round({ before: this.#history });
    for (const { rule, key } of rows) round.evaluate(rule, key);
    return round.finish();
  }

  /** The driving rows of which something may be different when this row is: those that it drives, and those that look it up as it is. */
  *concerned(table: MirroredTable, key: string, row: Row | null): Generator<DrivingRow> {
    for (const rule of table.drives) yield* this.#withMerged(rule, key);
    if (row === null) return;
    for (const { number, rule, join } of table.joinedBy) {
      const text = valuesText(row, join.columns);
      if (text === null) continue;
      for (const member of membersOf(this.#state, stateKey('dependants', number, text)))
        yield* this.#withMerged(this.#plan.rule(rule), member.toString());
    }
  }

  /** The row itself, and the merged row that it is part of. */
  *#withMerged(rule: PlannedRule, key: string): Generator<DrivingRow> {
    yield { rule, key };
    const entry = rule.mergesInto === null ? undefined : this.#state.get(stateKey('derived', rule.number, key));
    const into = entry === undefined ? null : mergedOf(decodeEntry(entry));
    if (into !== null) yield { rule: this.#plan.rule(into.rule), key: into.key };
  }

  /**
   * Lays over rows that were derived what only history knows: which version of a held row stands. All of them in one call, as one may make room for another, or
   * want what another has; of a row that is not held, nothing is kept. In rounds, as {@link deriveFirst}; in memory are also the names of those that wait for a parent.
   */
  *keep(versions: Iterable<KeptVersion | NothingKept>): Generator<DerivedRound> {
    const before = this.#history;
    let undecided: DrivingRow[] = [];
    const take = (round: Round, { rule, key, version }: KeptVersion | NothingKept): void => {
      round.keep(rule, key, version);
    };
    yield* this.#inRounds(versions, take, { before, undecided });
    // Together, as if one round had done it all: what one of them no longer wants could let the parent of another come.
    for (let dropped; (dropped = undecided.filter((row) => this.#isKeptInVain(row))).length > 0;) {
      undecided = [];
      const drop = (round: Round, row: DrivingRow): void => {
        round.drop(row);
      };
      yield* this.#inRounds(dropped, drop, { before, undecided });
    }
  }

  /** What it wants, and what becomes of it, is that of the merged row that it is part of. Of others of these rows nothing is remembered yet. */
  #isGathered({ number, mergesInto }: PlannedRule, key: string): boolean {
    return mergesInto !== null && this.#state.get(stateKey('derived', number, key)) !== undefined;
  }

  #isKeptInVain({ rule, key }: DrivingRow): boolean {
    const { now, present } = new AffectedRow(rule, key, this.#state.get(stateKey('derived', rule.number, key)));
    return now.kept && !present;
  }

  /** Where the record in hand has taken several rounds, those behind them go on with what was before it. */
  get #history(): RowsBefore | null {
    return this.before.some ? this.before : null;
  }

  /** In each as many rows as one may have to do with: first children that those before have left, then the next of `rows`. */
  *#inRounds<T>(rows: Iterable<T>, take: (round: Round, row: T) => void, options: RoundsOptions): Generator<DerivedRound> {
    const { childless = null, goesOn = false, ...parts } = options;
    const iterator = rows[Symbol.iterator]();
    const left: LeftChildren[] = [];
    try {
      let next = iterator.next();
      for (let isLast = false; !isLast;) {
        const round = this.#round({ ...parts, most: this.#roundRows }, childless);
        // The last first, so that no more of them wait than are on the way down to the last child.
        for (let from; !round.isFull && (from = left.pop()) !== undefined;) round.follow(from);
        for (; !round.isFull && next.done !== true; next = iterator.next()) take(round, next.value);
        const changes = round.finish(goesOn || left.length > 0 || next.done !== true);
        for (const one of round.left) left.push(one);
        isLast = left.length === 0 && next.done === true;
        yield { changes, isLast };
      }
    } finally {
      iterator.return?.();
    }
  }

  #round(options: Pick<RoundParts, 'before' | 'undecided' | 'most'>, childless: PlannedRule | null = null): Round {
    const evaluator = new RowEvaluator(this.#mirror);
    const parts = { plan: this.#plan, state: this.#state, mirror: this.#mirror, claims: this.#claims, evaluator };
    return new Round({ ...parts, ...options }, childless);
  }
}
