import type { StateView } from '@changeover/events';

import type { AffectedRow } from './affected-row.js';
import type { DerivationPlan, PlannedRule } from './derivation-plan.js';
import { decodeEntry, mayBeTold, NO_ENTRY, type DerivedEntry, type Version } from './derived-entry.js';
import type { HeldSince } from './held-rows.js';
import { lastGood } from './kept-version.js';
import { BEFORE_PREFIX, keyOfEntry, numberOfEntry, stateKey } from './state-keys.js';

/** A row of the list of held rows, as it was before the record in hand and as it is now. `since`: when it was told so before; null: it was not. */
export type ToldRow = {
  readonly rule: PlannedRule;
  readonly key: string;
  readonly before: DerivedEntry;
  readonly since: HeldSince | null;
  readonly now: DerivedEntry;
};

const LF = Buffer.from('\n');
const NOTHING = Buffer.alloc(0);

/**
 * What was remembered before the record in hand of the rows that it has changed. A record that is derived in several rounds comes to what one round would have come to only if the last of them
 * knows it: what is kept of a held row, and since when it is held, is what stood before the record, whatever lay between.
 */
export class RowsBefore {
  readonly #state: StateView;
  #some = false;

  constructor(state: StateView) {
    this.#state = state;
  }

  /** Whether rows were put aside that were not forgotten yet. */
  get some(): boolean {
    return this.#some;
  }

  /** Before what is remembered of it changes; of a row that has changed before nothing is put. */
  put({ rule: { number }, key, stored, before }: AffectedRow): void {
    this.#some = true;
    const place = stateKey('before', number, key);
    if (this.#state.get(place) !== undefined) return;
    const since = before.told === null ? undefined : this.#state.get(stateKey('heldSince', number, key));
    this.#state.put(place, Buffer.concat([since ?? NOTHING, LF, stored ?? NOTHING]));
  }

  /** Null for each row that is not on the list of held rows now. */
  *told(plan: DerivationPlan): Generator<ToldRow | null> {
    for (const { key: place, value } of this.#state.entries(BEFORE_PREFIX, null)) {
      const [number, key] = [numberOfEntry(place), keyOfEntry(place)];
      const entry = this.#state.get(stateKey('derived', number, key));
      const now = entry === undefined || !mayBeTold(entry) ? NO_ENTRY : decodeEntry(entry);
      if (now.told === null) {
        yield null;
        continue;
      }
      const end = value.indexOf(LF);
      const [since, stored] = [value.toString('utf8', 0, end), value.subarray(end + 1)];
      yield {
        ...{ rule: plan.rule(number), key, now },
        before: stored.length === 0 ? NO_ENTRY : decodeEntry(stored),
        since: since === '' ? null : (JSON.parse(since) as HeldSince),
      };
    }
  }

  /** Behind the record. */
  *forget(): Generator<void> {
    for (const { key } of this.#state.entries(BEFORE_PREFIX, null)) {
      this.#state.remove(key);
      yield;
    }
    this.#some = false;
  }
}

/** Which version of a row stands while it is held, if its parents do: the last good one before the record. Undefined: the one that does, or it is not held by its own. */
export function keptInstead({ rule, before, now }: ToldRow): Version | null | undefined {
  const { problems, version, kept } = now;
  if (problems.length === 0 || !rule.compiled.keepsLast) return undefined;
  const good = lastGood({ before, rule });
  return JSON.stringify(good) === JSON.stringify(kept ? version : null) ? undefined : good;
}
