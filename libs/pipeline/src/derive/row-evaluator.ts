import type { JoinedRows, Problem, Row } from '@changeover/mapping';

import type { EvaluatedRule, PlannedJoin } from './derivation-plan.js';
import type { Version } from './derived-entry.js';
import { lineOfRow } from './row-text.js';
import { valuesText, type SourceMirror } from './source-mirror.js';
import { bounded } from './state-keys.js';

/** What a row is by its own source rows and those joined to it. */
export type Evaluation = {
  readonly lookups: readonly (string | null)[];
  readonly version: Version | null;
  readonly problems: readonly Problem[];
};

const NO_PROBLEMS: readonly Problem[] = [];
const NO_ROW: Evaluation = { lookups: [], version: null, problems: NO_PROBLEMS };

/**
 * Evaluates driving rows as long as the mirror does not change: what joins found is kept, as many rows are often joined to the same one. Of rules whole, or
 * of what they want to be unique; not of both.
 */
export class RowEvaluator {
  readonly #mirror: SourceMirror;
  /** By join, then by what was looked up. */
  readonly #found: Map<string, Row | null>[] = [];

  constructor(mirror: SourceMirror) {
    this.#mirror = mirror;
  }

  evaluate(rule: EvaluatedRule, driving: Row | null): Evaluation {
    if (driving === null) return NO_ROW;
    const lookups: (string | null)[] = [];
    const rows: [Row, ...(Row | null)[]] = [driving];
    for (const join of rule.joins) {
      const values = join.join.lookup(rows);
      const text = values === null ? null : bounded(lineOfRow(values));
      lookups.push(text);
      rows.push(values === null || text === null ? null : this.#find(join, values, text));
    }
    if (!rule.compiled.accepts(rows)) return { lookups, version: null, problems: NO_PROBLEMS };
    const derived = rule.compiled.derive(rows);
    return 'values' in derived
      ? { lookups, version: versionOf(rule, rows, derived.values), problems: NO_PROBLEMS }
      : { lookups, version: null, problems: derived.problems };
  }

  #find(join: PlannedJoin, values: readonly string[], text: string): Row | null {
    const found = (this.#found[join.number] ??= new Map<string, Row | null>());
    let row = found.get(text);
    if (row === undefined) found.set(text, (row = this.#mirror.find(join, values)));
    return row;
  }
}

function versionOf(rule: EvaluatedRule, rows: JoinedRows, values: Row): Version {
  const parents: { readonly rule: number; readonly key: string }[] = [];
  for (const { rule: parent, keyOf } of rule.parents) {
    const key = keyOf(rows);
    if (key !== null) parents.push({ rule: parent, key: bounded(lineOfRow(key)) });
  }
  const claims = rule.uniques.map(({ columns, orderOf }) => {
    const wanted = valuesText(values, columns);
    return wanted === null ? null : { values: wanted, order: orderOf(rows[0]) };
  });
  return { values, parents, claims };
}
