import type { StateDraft, TableSchema } from '@changeover/events';
import type { Converters } from '@changeover/mapping';

import { takePiece, type DeriveStep } from '../derive/derive-all.js';
import type { WantedValues } from '../derive/derivation.js';
import type { MirroredTable } from '../derive/derivation-plan.js';
import { DerivedTables } from './derived-tables.js';
import { GenerationView } from './generation-view.js';
import { unpackEntries } from './packed-entries.js';
import type { RangeOutcome, RangeSetup, RangeStep, RangeTask } from './range-threads.js';
import { SourceTables } from './source-tables.js';

type RangeFrame = RangeOutcome['frames'][number];

/** Derives ranges of the first derivation over a draft of the state: what a thread does. */
export class RangeDerivation {
  readonly #draft: StateDraft;
  readonly #setup: RangeSetup;
  readonly #derived: DerivedTables;
  #frames: RangeFrame[] = [];

  constructor(setup: RangeSetup, draft: StateDraft, converters: Converters) {
    const { migration, rules, tables, partial, correctable, generation } = setup;
    this.#setup = setup;
    this.#draft = draft;
    const add = (frame: Omit<RangeFrame, 'target'>, target: TableSchema): void => {
      // Of its own, as it leaves the thread: what a copy of these bytes takes along is all of the memory that they lie in.
      const rows = new Uint8Array(frame.rows);
      this.#frames.push({ ...frame, rows, target: this.#derived.frameTargets.indexOf(target) });
    };
    this.#derived = new DerivedTables({
      migration,
      rules,
      converters,
      tables: new SourceTables(draft, tables),
      state: GenerationView.of(draft, generation),
      output: { add },
      isCopied: (name) => partial.includes(name),
      correctable: new Set(correctable),
      numbered: true,
    });
  }

  /** Over what is committed now. */
  derive({ step: task, pieces }: RangeTask): RangeOutcome {
    this.#draft.restart();
    this.#frames = [];
    const step = this.#step(task);
    const wanted: WantedValues[] = [];
    for (const piece of pieces) {
      const taken = takePiece(this.#derived.derivation, step, unpackEntries(piece));
      if (this.#setup.frames) this.#derived.give(taken.changes, this.#setup.at);
      wanted.push(...taken.wanted);
    }
    return { changes: this.#draft.take(), frames: this.#frames, wanted };
  }

  #step(task: RangeStep): DeriveStep {
    const { plan } = this.#derived;
    if (task.what === 'index') {
      const table = [...plan.tables].find(({ number }) => number === task.table) as MirroredTable;
      return { what: 'index', table };
    }
    const rule = plan.rule(task.rule);
    const { table } = rule;
    return task.what === 'derive' ? { what: 'derive', rule, table, childless: true } : { what: task.what, rule, table };
  }
}
