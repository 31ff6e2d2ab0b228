import type { StateView } from '@changeover/events';

import type { DerivationPlan } from '../derive/derivation-plan.js';
import { heldRowOf } from '../derive/held-rows.js';
import { readKeptVersion, type KeptVersion } from '../derive/kept-version.js';
import { stateKey } from '../derive/state-keys.js';

/** What the list of held rows says of a version that is kept, `source_key` and `kept_version` as they are there. */
export type ToldVersion = { readonly target: string; readonly sourceKey: string; readonly text: string };

/** Versions that are kept, put into the state until all else is derived: there are as many as there are held rows. */
export class ToldVersions implements Iterable<ToldVersion> {
  readonly #state: StateView;
  #count = 0;

  /** What was put there before is gone, or all that there is. */
  constructor(state: StateView) {
    this.#state = state;
  }

  put(version: ToldVersion): void {
    this.#state.put(stateKey('keptVersion', 0, String(this.#count++).padStart(12, '0')), Buffer.from(JSON.stringify(version)));
  }

  /** In the order in which they were put. */
  *[Symbol.iterator](): Generator<ToldVersion> {
    for (const { value } of this.#state.entries(stateKey('keptVersion', 0, ''), null)) yield JSON.parse(value.toString()) as ToldVersion;
  }
}

/** As a plan takes them; what cannot be read, or is of no row of it, is left out. */
export function* keptVersions(plan: DerivationPlan, told: Iterable<ToldVersion>): Generator<KeptVersion> {
  for (const { target, sourceKey, text } of told) {
    const row = heldRowOf(plan, target, sourceKey);
    const version = row === undefined ? null : readKeptVersion(plan, row.rule, text);
    if (row !== undefined && version !== null) yield { ...row, version };
  }
}
