import type { Problem } from '@changeover/mapping';

import type { PlannedRule } from './derivation-plan.js';
import { decodeEntry, isAtTarget, NO_ENTRY, type DerivedEntry, type Version } from './derived-entry.js';

/** What a row comes to by its own, as far as it is known. */
export type Standing = {
  readonly lookups: readonly (string | null)[];
  readonly version: Version | null;
  readonly kept: boolean;
  readonly problems: readonly Problem[];
};

/** A driving row that a round of deriving has to do with. Of most that others only stand on, nobody needs to know more than whether they are at the target. */
export class AffectedRow {
  readonly rule: PlannedRule;
  readonly key: string;
  /** What was remembered of it, in bytes. */
  readonly stored: Buffer | undefined;
  /** Whether what becomes of it may change. */
  concerned = false;
  evaluated = false;
  present: boolean;
  /** Places of the unique rules that it lost; null: not looked at since its version or a winner changed. */
  lost: readonly number[] | null = null;
  #before: DerivedEntry | undefined;
  #now: Standing | undefined;

  constructor(rule: PlannedRule, key: string, stored: Buffer | undefined) {
    this.rule = rule;
    this.key = key;
    this.stored = stored;
    this.present = stored !== undefined && isAtTarget(stored);
  }

  get before(): DerivedEntry {
    return (this.#before ??= this.stored === undefined ? NO_ENTRY : decodeEntry(this.stored));
  }

  get now(): Standing {
    return this.#now ?? this.before;
  }

  become(now: Standing): void {
    this.#now = now;
    this.lost = null;
  }
}
