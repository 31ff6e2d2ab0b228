import type { Line, StateEntry, StateStore } from '@changeover/events';

import type { DerivationPlan, MirroredTable, PlannedRule } from './derivation-plan.js';
import type { Derivation, DerivedChange } from './derivation.js';
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

export type DerivedBatch = {
  readonly changes: readonly DerivedChange[];
  /** Rows of a table that is passed on. */
  readonly passed: { readonly table: PassedTable; readonly lines: readonly Line[] } | null;
  /** Rows of the source that were gone through. */
  readonly rows: number;
  /** To go on behind this batch; null: this was the last. */
  readonly next: DeriveAllCursor | null;
};

/** What the mirror holds of the rows of one batch. */
const BATCH_BYTES = 1024 * 1024;

type Step =
  | { readonly what: 'index'; readonly table: MirroredTable }
  | { readonly what: 'claim' | 'derive'; readonly rule: PlannedRule; readonly table: MirroredTable }
  | { readonly what: 'pass'; readonly table: PassedTable };

/** A table of the target, by what makes it. */
type Made = { readonly rule: PlannedRule } | { readonly passed: PassedTable };

export type DeriveAllParts = {
  readonly plan: DerivationPlan;
  readonly state: StateStore;
  readonly derivation: Derivation;
  readonly passed?: readonly PassedTable[];
  /** The source tables that a source table's foreign keys refer to. */
  readonly referredBy?: (table: string) => readonly string[];
};

/**
 * Derives every row of a mirror of which nothing was derived yet: what deriving each change by itself would have come to, with each row
 * written once. First rows are put where joins find them, and all that want unique values say so; then rows are derived parents first;
 * what waits for a row that comes later (in its own table, in a circle of tables) comes with it.
 */
export class DeriveAll {
  readonly #state: StateStore;
  readonly #derivation: Derivation;
  readonly #steps: readonly Step[];
  /** The mirror's rows behind the last batch, as long as nobody says {@link release}. */
  #reading: { readonly step: number; readonly after: string | null; readonly entries: Iterator<StateEntry> } | null = null;
  /** Rules on whose rows only rows stand that are derived later. */
  readonly #childless: ReadonlySet<PlannedRule>;

  constructor({ plan, state, derivation, passed = [], referredBy = () => [] }: DeriveAllParts) {
    this.#state = state;
    this.#derivation = derivation;
    const made = parentsFirst(plan, passed, referredBy);
    const rules = made.flatMap((one) => ('rule' in one ? [one.rule] : []));
    this.#childless = new Set(rules.filter((rule, index) => !rules.slice(0, index + 1).some((other) => standsOn(other, rule))));
    this.#steps = [
      ...[...plan.tables].filter(({ lookups }) => lookups.length > 0).map((table) => ({ what: 'index' as const, table })),
      ...rules.filter(({ uniques }) => uniques.length > 0).map((rule) => ({ what: 'claim' as const, rule, table: rule.table })),
      ...made.map((one) =>
        'rule' in one ? { what: 'derive' as const, rule: one.rule, table: one.rule.table } : { what: 'pass' as const, table: one.passed },
      ),
    ];
  }

  /** Source tables that are gone through, once for each of these: for those who show progress. */
  get tables(): readonly string[] {
    return this.#steps.map(({ table }) => table.name);
  }

  /** The next `rows` driving rows, or fewer where they are large and at the end of a table. `cursor` null: from the beginning. */
  next(cursor: DeriveAllCursor | null, rows: number): DerivedBatch {
    const { step: index, after } = cursor ?? { step: 0, after: null };
    const step = this.#steps[index];
    if (step === undefined) return { changes: [], passed: null, rows: 0, next: null };
    const { entries, ended } = this.#read(index, step.table.number, after, rows);
    const batch = { ...this.#take(step, entries), rows: entries.length };
    const last = entries.at(-1);
    if (last !== undefined && !ended) {
      const next = { step: index, after: keyOfEntry(last.key) };
      if (this.#reading !== null) this.#reading = { ...this.#reading, after: next.after };
      return { ...batch, next };
    }
    this.release();
    return { ...batch, next: index + 1 < this.#steps.length ? { step: index + 1, after: null } : null };
  }

  /** Lets the state go: until then it keeps what is being read. Going on takes it again. */
  release(): void {
    this.#reading?.entries.return?.();
    this.#reading = null;
  }

  #take(step: Step, entries: readonly StateEntry[]): Pick<DerivedBatch, 'changes' | 'passed'> {
    if (step.what === 'pass') {
      const lines = entries.map(({ value }) => step.table.lineOf(value)).filter((line) => line !== null);
      return { changes: [], passed: { table: step.table, lines } };
    }
    const rows = entries.map(({ key, value }) => ({ key: keyOfEntry(key), value }));
    switch (step.what) {
      case 'index':
        this.#derivation.index(step.table, rows);
        return { changes: [], passed: null };
      case 'claim':
        this.#derivation.claim(step.rule, rows);
        return { changes: [], passed: null };
      case 'derive':
        return { changes: this.#derivation.deriveFirst(step.rule, rows, this.#childless.has(step.rule)), passed: null };
    }
  }

  /** At most `rows`, and not many more bytes than {@link BATCH_BYTES}: one row may have more. */
  #read(
    step: number,
    table: number,
    after: string | null,
    rows: number,
  ): { readonly entries: readonly StateEntry[]; readonly ended: boolean } {
    if (this.#reading?.step !== step || this.#reading.after !== after) {
      this.release();
      const prefix = stateKey('mirror', table, '');
      const behind = after === null ? null : stateKey('mirror', table, after);
      this.#reading = { step, after, entries: this.#state.entries(prefix, behind)[Symbol.iterator]() };
    }
    const { entries } = this.#reading;
    const read: StateEntry[] = [];
    for (let bytes = 0; read.length < rows && bytes < BATCH_BYTES;) {
      const entry = entries.next();
      if (entry.done === true) return { entries: read, ended: true };
      read.push(entry.value);
      bytes += entry.value.value.length;
    }
    return { entries: read, ended: false };
  }
}

function standsOn(child: PlannedRule, parent: PlannedRule): boolean {
  return child.parents.some(({ rule }) => rule === parent.number);
}

/** What makes each of the target's tables, behind what makes those that its rows refer to, where there is no circle. */
function parentsFirst(
  { rules }: DerivationPlan,
  passed: readonly PassedTable[],
  referredBy: (table: string) => readonly string[],
): readonly Made[] {
  const all: readonly Made[] = [...rules.map((rule) => ({ rule })), ...passed.map((table) => ({ passed: table }))];
  const sourceOf = (made: Made): string => ('rule' in made ? made.rule.table.name : made.passed.name);
  const ordered = new Set<Made>();
  const visiting = new Set<Made>();
  const visit = (made: Made): void => {
    if (ordered.has(made) || visiting.has(made)) return;
    visiting.add(made);
    if ('rule' in made) for (const { rule } of made.rule.parents) visit(all[rule] as Made);
    const referred = referredBy(sourceOf(made));
    for (const other of all) if (referred.includes(sourceOf(other))) visit(other);
    ordered.add(made);
  };
  all.forEach(visit);
  return [...ordered];
}
