import type { StateStore } from '@changeover/events';

import type { DerivationPlan, PlannedRule } from './derivation-plan.js';
import type { Derivation, DerivedChange } from './derivation.js';
import { keyOfEntry, stateKey } from './state-keys.js';

/** How far deriving all has come: the step, and the last key of it that was done. */
export type DeriveAllCursor = { readonly step: number; readonly after: string | null };

export type DerivedBatch = {
  readonly changes: readonly DerivedChange[];
  /** To go on behind this batch; null: this was the last. */
  readonly next: DeriveAllCursor | null;
};

type Step = { readonly rule: PlannedRule; readonly what: 'claim' | 'derive' };

/**
 * Derives every row of a mirror of which nothing was derived yet: what deriving each change by itself would have come to, with each row
 * written once. First all that want unique values say so, then rows are derived parents first; what waits for a row that
 * comes later (in its own table, in a circle of tables) comes with it.
 *
 * Between two batches everything must be committed: the rows are read as the state has them committed.
 */
export class DeriveAll {
  readonly #state: StateStore;
  readonly #derivation: Derivation;
  readonly #steps: readonly Step[];

  constructor(plan: DerivationPlan, state: StateStore, derivation: Derivation) {
    this.#state = state;
    this.#derivation = derivation;
    const ordered = parentsFirst(plan);
    this.#steps = [
      ...ordered.filter(({ uniques }) => uniques.length > 0).map((rule) => ({ rule, what: 'claim' as const })),
      ...ordered.map((rule) => ({ rule, what: 'derive' as const })),
    ];
  }

  /** The next `rows` driving rows, or fewer at the end of a table. `cursor` null: from the beginning. */
  next(cursor: DeriveAllCursor | null, rows: number): DerivedBatch {
    const { step: index, after } = cursor ?? { step: 0, after: null };
    const step = this.#steps[index];
    if (step === undefined) return { changes: [], next: null };
    const keys = this.#keys(step.rule, after, rows);
    const changes = step.what === 'claim' ? [] : this.#derivation.deriveFirst(step.rule, keys);
    if (step.what === 'claim') this.#derivation.claim(step.rule, keys);
    if (keys.length === rows) return { changes, next: { step: index, after: keys.at(-1) as string } };
    return { changes, next: index + 1 < this.#steps.length ? { step: index + 1, after: null } : null };
  }

  /** How many driving rows there are to go through for a table, for those who show progress: once for each of these steps. */
  get tables(): readonly string[] {
    return this.#steps.map(({ rule }) => rule.table.name);
  }

  #keys(rule: PlannedRule, after: string | null, rows: number): string[] {
    const prefix = stateKey('mirror', rule.table.number, '');
    const behind = after === null ? null : stateKey('mirror', rule.table.number, after);
    const keys: string[] = [];
    for (const { key } of this.#state.entries(prefix, behind)) {
      keys.push(keyOfEntry(key));
      if (keys.length === rows) break;
    }
    return keys;
  }
}

/** Each rule behind those that make its parents, where there is no circle. */
function parentsFirst({ rules }: DerivationPlan): readonly PlannedRule[] {
  const ordered = new Set<PlannedRule>();
  const visiting = new Set<PlannedRule>();
  const visit = (rule: PlannedRule): void => {
    if (ordered.has(rule) || visiting.has(rule)) return;
    visiting.add(rule);
    for (const parent of rule.parents) visit(rules[parent.rule] as PlannedRule);
    ordered.add(rule);
  };
  rules.forEach(visit);
  return [...ordered];
}
