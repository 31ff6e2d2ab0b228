import type { StateDraft } from '@changeover/events';
import type { Converters } from '@changeover/mapping';

import { mirroredRows } from '../derive/derive-all.js';
import type { MirroredTable } from '../derive/derivation-plan.js';
import { DerivedTables } from './derived-tables.js';
import { GenerationView } from './generation-view.js';
import { packRows, unpackEntries } from './packed-entries.js';
import type { RangeOutcome, RangeSetup, RangeTask } from './range-threads.js';
import { SourceTables } from './source-tables.js';

/** Does with ranges what does not depend on others, over a draft of the state: what a thread does for the first derivation. */
export class RangeDerivation {
  readonly #draft: StateDraft;
  readonly #derived: DerivedTables;

  constructor(setup: RangeSetup, draft: StateDraft, converters: Converters) {
    const { migration, rules, tables, partial, correctable, generation } = setup;
    this.#draft = draft;
    this.#derived = new DerivedTables({
      migration,
      rules,
      converters,
      tables: new SourceTables(draft, tables),
      state: GenerationView.of(draft, generation),
      output: { add: () => undefined },
      isCopied: (name) => partial.includes(name),
      correctable: new Set(correctable),
      numbered: true,
    });
  }

  /** Over what is committed now. */
  derive({ step, pieces }: RangeTask): RangeOutcome {
    this.#draft.restart();
    const { derivation, plan } = this.#derived;
    const evaluated: Uint8Array[] = [];
    for (const entries of pieces.map(unpackEntries)) {
      if (step.what === 'index') {
        const table = [...plan.tables].find(({ number }) => number === step.table) as MirroredTable;
        derivation.index(table, mirroredRows(entries));
        continue;
      }
      const rule = plan.rule(step.rule);
      if (step.what === 'gather') derivation.gather(rule, mirroredRows(entries));
      else evaluated.push(packRows(derivation.evaluate(rule, mirroredRows(entries))));
    }
    return { changes: this.#draft.take(), evaluated };
  }
}
