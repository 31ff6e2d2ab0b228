import type { Line, StateEntry, StateView } from '@changeover/events';

import type { DerivationPlan, MirroredTable, PlannedRule } from './derivation-plan.js';
import type { Derivation, DerivedRound, MirroredRow } from './derivation.js';
import { keyOfEntry, stateKey } from './state-keys.js';

/** How far deriving all has come: the step, and the last key of it that was done. */
export type DeriveAllCursor = { readonly step: number; readonly after: string | null };

/** A source table whose rows go to the target as they are. */
export type PassedTable = {
  readonly name: string;
  /** Names it in the state. */
  readonly number: number;
  /** What the mirror holds of a row, as the target has it; null: it is not whole, and counts as absent. Throws where it would have to be. */
  readonly lineOf: (value: Buffer) => Line | null;
};

/** Rows of the mirror that are taken in one go. */
export type MirrorPiece = {
  readonly step: DeriveStep;
  readonly entries: readonly StateEntry[];
  /** To go on behind them; null: these were the last. */
  readonly next: DeriveAllCursor | null;
};

/** What came of a piece, or of one of the rounds that it takes: one of the two, by what its step is for. */
export type TakenPiece = DerivedRound & {
  /** Rows of a table that is passed on. */
  readonly lines: readonly Line[];
};

/** What the mirror holds of the rows of one piece, and rows: what is held for each of them in the meantime is still young when it is let go. */
const [PIECE_BYTES, PIECE_ROWS] = [1024 * 1024, 250];
/** The same of merged rows: what they are made of, if each is made of as many rows as it may be. */
const PIECE_PARTS = 10 * PIECE_ROWS;
/** What the mirror holds of all rows that become one record, but for the last piece of them: mostly that is one part then, which load applies as a whole. */
const RECORD_BYTES = 384 * 1024;

/**
 * What is done with a table's rows. `index`: they are put where joins look for them. `number`: what they mention is given numbers. `gather`: what they give to merged rows.
 * `derive`: what becomes of them; `childless`: nothing was derived yet of rows that could stand on these. `pass`: they go to the target as they are. A rule that stands for merged rows
 * derives those that were gathered; `table` is the first that they come from.
 */
export type DeriveStep =
  | { readonly what: 'index'; readonly table: MirroredTable }
  | { readonly what: 'number' | 'gather'; readonly rule: PlannedRule; readonly table: MirroredTable }
  | { readonly what: 'derive'; readonly rule: PlannedRule; readonly table: MirroredTable; readonly childless: boolean }
  | { readonly what: 'pass'; readonly table: PassedTable };

/** A table of the target, by what makes it. */
type Made = { readonly rule: PlannedRule } | { readonly passed: PassedTable };

export type DeriveAllParts = {
  readonly plan: DerivationPlan;
  readonly state: StateView;
  readonly passed?: readonly PassedTable[];
  /** The source tables that a source table's foreign keys refer to. */
  readonly referredBy?: (table: string) => readonly string[];
};

/**
 * The order in which every row of a mirror is derived of which nothing was derived yet, so that it comes to what deriving each change by itself would have come to,
 * with each row written once, but for those whose rivals come later. First rows are put where joins find them, texts are given numbers in the one order in which that is ever done, and what is to be
 * merged is gathered; then rows are derived parents first.
 * What waits for a row that comes later (in its own table, in a circle of tables) comes with it; what loses a unique value to one goes then, or goes on without it.
 */
export class DeriveAll {
  readonly #state: StateView;
  readonly #steps: readonly DeriveStep[];
  /** The mirror's rows behind the last piece, as long as nobody says {@link release}. */
  #reading: {
    readonly step: number;
    readonly after: string | null;
    readonly from: StateView;
    readonly entries: Iterator<StateEntry>;
  } | null = null;

  constructor({ plan, state, passed = [], referredBy = () => [] }: DeriveAllParts) {
    this.#state = state;
    const made = parentsFirst(plan, passed, referredBy);
    const rules = made.flatMap((one) => ('rule' in one ? [one.rule] : []));
    // On merged rows stand those that they are made of.
    const childless = new Set(
      rules.filter((rule, index) => rule.mergedOf === null && !rules.slice(0, index + 1).some((other) => standsOn(other, rule))),
    );
    this.#steps = [
      ...[...plan.tables].filter(({ lookups }) => lookups.length > 0).map((table) => ({ what: 'index' as const, table })),
      ...plan.rules.filter(({ numbering }) => numbering !== null).map((rule) => ({ what: 'number' as const, rule, table: rule.table })),
      ...rules.filter(({ mergesInto }) => mergesInto !== null).map((rule) => ({ what: 'gather' as const, rule, table: rule.table })),
      ...made.map((one) =>
        'rule' in one
          ? { what: 'derive' as const, rule: one.rule, table: one.rule.table, childless: childless.has(one.rule) }
          : { what: 'pass' as const, table: one.passed },
      ),
    ];
  }

  get steps(): readonly DeriveStep[] {
    return this.#steps;
  }

  /**
   * The next `most` driving rows, piece by piece, or fewer: at the end of a step, and behind rows that are large. The same ones, whenever they are asked
   * for from the same cursor. `from`: where the mirror is read, if not in the state itself.
   */
  *pieces(cursor: DeriveAllCursor | null, most: number, from = this.#state): Generator<MirrorPiece> {
    let at = cursor ?? { step: 0, after: null };
    for (let [gone, bytes] = [0, 0]; gone < most && bytes < RECORD_BYTES;) {
      const asked = Math.min(most - gone, rowsOf(this.#steps[at.step] as DeriveStep));
      const piece = this.#piece(at, asked, from);
      yield piece;
      gone += piece.entries.length;
      for (const { value } of piece.entries) bytes += value.length;
      // Fewer than asked for are the end of the table, or large ones.
      if (piece.entries.length < asked || piece.next?.step !== at.step) return;
      at = piece.next;
    }
  }

  /** Lets the state go: until then it keeps what is being read. Going on takes it again. */
  release(): void {
    this.#reading?.entries.return?.();
    this.#reading = null;
  }

  #piece({ step: index, after }: DeriveAllCursor, rows: number, from: StateView): MirrorPiece {
    const step = this.#steps[index] as DeriveStep;
    const { entries, ended } = this.#read(index, after, rows, from);
    const last = entries.at(-1);
    if (last !== undefined && !ended) {
      const next = { step: index, after: keyOfEntry(last.key) };
      if (this.#reading !== null) this.#reading = { ...this.#reading, after: next.after };
      return { step, entries, next };
    }
    this.release();
    return { step, entries, next: index + 1 < this.#steps.length ? { step: index + 1, after: null } : null };
  }

  /** At most `rows`, and not many more bytes than {@link PIECE_BYTES}: one row may have more. */
  #read(
    step: number,
    after: string | null,
    rows: number,
    from: StateView,
  ): { readonly entries: readonly StateEntry[]; readonly ended: boolean } {
    if (this.#reading?.step !== step || this.#reading.after !== after || this.#reading.from !== from) {
      this.release();
      const keyOf = placesOf(this.#steps[step] as DeriveStep);
      const prefix = keyOf('');
      const behind = after === null ? null : keyOf(after);
      this.#reading = { step, after, from, entries: from.entries(prefix, behind)[Symbol.iterator]() };
    }
    const { entries } = this.#reading;
    const read: StateEntry[] = [];
    for (let bytes = 0; read.length < rows && bytes < PIECE_BYTES;) {
      const entry = entries.next();
      if (entry.done === true) return { entries: read, ended: true };
      read.push(entry.value);
      bytes += entry.value.value.length;
    }
    return { entries: read, ended: false };
  }
}

/** Of a piece, whatever rows there are. */
function rowsOf(step: DeriveStep): number {
  const merge = 'rule' in step ? step.rule.mergedOf?.[0]?.compiled.merge : null;
  return merge == null ? PIECE_ROWS : Math.min(PIECE_ROWS, Math.max(1, Math.floor(PIECE_PARTS / merge.atMost)));
}

/** Where what a step goes through lies: rows of the mirror, or the merged rows that were gathered. */
function placesOf(step: DeriveStep): (key: string) => Buffer {
  if ('rule' in step && step.rule.mergedOf !== null) return (key) => stateKey('derived', step.rule.number, key);
  return (key) => stateKey('mirror', step.table.number, key);
}

/** Does with rows of the mirror what the step is for. Where they are derived that takes rounds; nothing may be committed before the last of them was taken. */
export function* takePiece(derivation: Derivation, step: DeriveStep, entries: readonly StateEntry[]): Generator<TakenPiece> {
  switch (step.what) {
    case 'index':
      derivation.index(step.table, mirroredRows(entries));
      break;
    case 'number':
      derivation.number(step.rule, mirroredRows(entries));
      break;
    case 'gather':
      derivation.gather(step.rule, mirroredRows(entries));
      break;
    case 'derive':
      for (const round of deriveFirst(derivation, step, entries)) yield { ...round, lines: [] };
      return;
    case 'pass':
      yield { changes: [], lines: entries.map(({ value }) => step.table.lineOf(value)).filter((line) => line !== null), isLast: true };
      return;
  }
  yield { changes: [], lines: [], isLast: true };
}

export function mirroredRows(entries: readonly StateEntry[]): readonly MirroredRow[] {
  return entries.map(({ key, value }) => ({ key: keyOfEntry(key), value }));
}

function deriveFirst(
  derivation: Derivation,
  { rule, childless }: Extract<DeriveStep, { readonly what: 'derive' }>,
  entries: readonly StateEntry[],
): Generator<DerivedRound> {
  const rows = mirroredRows(entries);
  if (rule.mergedOf === null) return derivation.deriveFirst(rule, derivation.evaluate(rule, rows), childless);
  return derivation.mergeFirst(
    rule,
    rows.map(({ key }) => key),
  );
}

function standsOn(child: PlannedRule, parent: PlannedRule): boolean {
  return child.parents.some(({ rule }) => rule === parent.number);
}

/** The rules whose rows those of a rule stand on: of one whose rows are merged also what stands for the merged rows. */
function parentsOf(plan: DerivationPlan, { parents, mergesInto }: PlannedRule): readonly PlannedRule[] {
  return [...parents.map(({ rule }) => rule), ...(mergesInto === null ? [] : [mergesInto])].map((number) => plan.rule(number));
}

/** What makes each of the target's tables, behind what makes those that its rows refer to, where there is no circle. */
function parentsFirst(
  plan: DerivationPlan,
  passed: readonly PassedTable[],
  referredBy: (table: string) => readonly string[],
): readonly Made[] {
  const all: readonly Made[] = [...plan.made.map((rule) => ({ rule })), ...passed.map((table) => ({ passed: table }))];
  const sourceOf = (made: Made): string => ('rule' in made ? made.rule.table.name : made.passed.name);
  const ordered = new Set<Made>();
  const visiting = new Set<Made>();
  const visit = (made: Made): void => {
    if (ordered.has(made) || visiting.has(made)) return;
    visiting.add(made);
    if ('rule' in made) for (const parent of parentsOf(plan, made.rule)) visit(all[plan.made.indexOf(parent)] as Made);
    const referred = referredBy(sourceOf(made));
    for (const other of all) if (referred.includes(sourceOf(other))) visit(other);
    ordered.add(made);
  };
  all.forEach(visit);
  return [...ordered];
}
