import {
  ConversionProblem,
  TOO_MANY_ROWS,
  type CompiledAll,
  type CompiledMerge,
  type CompiledRule,
  type JoinedRows,
  type Problem,
  type Row,
} from '@changeover/mapping';

import type { NumberingRule, PlannedJoin, PlannedRule } from './derivation-plan.js';
import type { ParentRef, Version } from './derived-entry.js';
import { lineOfRow } from './row-text.js';
import { wantedText, type SourceMirror } from './source-mirror.js';
import { bounded, lookupsText } from './state-keys.js';

/** What a row is by its own source rows and those joined to it. */
export type Evaluation = {
  readonly lookups: readonly (string | null)[];
  readonly version: Version | null;
  readonly problems: readonly Problem[];
};

/** Rows that are kept of each join. */
const FOUND = 10_000;
/** Characters of all rows together that one may be made of. */
const GATHERED = 1024 * 1024;

/** `decided`: whether the condition can be asked, though there are problems. */
type Joined = {
  readonly rows: JoinedRows;
  readonly lookups: readonly (string | null)[];
  readonly problems: readonly Problem[] | null;
  readonly decided: boolean;
};

/** What was looked up, what came of it, and what was looked up for each row of it. */
type Gathered = { readonly text: string | null; readonly row: Row | ConversionProblem; readonly lookups: readonly (string | null)[] };

const NO_PROBLEMS: readonly Problem[] = [];
const NO_ROW: Evaluation = { lookups: [], version: null, problems: NO_PROBLEMS };

/** Evaluates driving rows as long as the mirror does not change: what joins found is kept, as many rows are often joined to the same one. */
export class RowEvaluator {
  readonly #mirror: SourceMirror;
  /** By join, then by what was looked up. */
  readonly #found: Map<string, Row | null>[] = [];
  /** By join the last row that was made of others: it may be large. */
  readonly #gathered: Gathered[] = [];

  constructor(mirror: SourceMirror) {
    this.#mirror = mirror;
  }

  /** `key`: of the driving row. */
  evaluate(rule: PlannedRule, key: string, driving: Row | null): Evaluation {
    if (driving === null) return NO_ROW;
    const { rows, lookups, problems, decided } = this.join(rule, driving);
    if (decided && !rule.compiled.accepts(rows)) return { lookups, version: null, problems: NO_PROBLEMS };
    const name = rule.mergesInto === null ? null : (rule.compiled.merge?.nameOf(rows) ?? null);
    if (name !== null) return { lookups, ...partOf(rule, name, rows, problems ?? NO_PROBLEMS) };
    if (problems !== null) return { lookups, version: null, problems };
    const derived = this.#derive(rule, key, rows);
    return 'values' in derived
      ? { lookups, version: versionOf(rule, rows, derived), problems: NO_PROBLEMS }
      : { lookups, version: null, problems: derived.problems };
  }

  /** Mentions the texts of a row that are given numbers, if it is made; also those of one that is held for something else. */
  number(rule: NumberingRule, driving: Row | null): void {
    if (driving === null) return;
    const { rows, decided } = this.join(rule, driving);
    if (!decided || rule.compiled.accepts(rows)) rule.compiled.derive(rows);
  }

  /** What is accepted is looked for only where a validation rule holds the row: of all others nothing need be known. */
  #derive({ compiled }: PlannedRule, key: string, rows: JoinedRows): ReturnType<CompiledRule['derive']> {
    const derived = compiled.derive(rows);
    if ('values' in derived || !derived.problems.some(({ rule }) => rule !== undefined)) return derived;
    const waives = this.#mirror.corrections.waives(compiled, key);
    return waives === null ? derived : compiled.derive(rows, waives);
  }

  /** The row with those joined to it, what was looked up for that, and why they are too many. */
  join(rule: Pick<PlannedRule, 'joins'>, driving: Row): Joined {
    const lookups: (string | null)[] = [];
    const rows: [Row, ...(Row | null)[]] = [driving];
    let problems: Problem[] | null = null;
    let decided = true;
    for (const join of rule.joins) {
      const values = join.join.lookup(rows);
      const text = values === null ? null : bounded(lineOfRow(values));
      lookups.push(text);
      const { all } = join.join;
      if (all === null) {
        rows.push(values === null || text === null ? null : this.#find(join, values, text));
        continue;
      }
      const { row, lookups: inner } = this.#gather(join, all, values, text);
      lookups.push(...inner);
      rows.push(row instanceof ConversionProblem ? null : row);
      if (!(row instanceof ConversionProblem)) continue;
      (problems ??= []).push({ reason: row.reason, column: all.column });
      decided &&= !all.decides;
    }
    return { rows, lookups, problems, decided };
  }

  #find(join: PlannedJoin, values: readonly string[], text: string): Row | null {
    const found = (this.#found[join.number] ??= new Map<string, Row | null>());
    let row = found.get(text);
    if (row !== undefined) return row;
    if (found.size >= FOUND) found.clear();
    found.set(text, (row = this.#mirror.find(join, values)));
    return row;
  }

  /** The row that is made of all that the join finds for these values; null finds nothing. */
  #gather(join: PlannedJoin, all: CompiledAll, values: readonly string[] | null, text: string | null): Gathered {
    const last = this.#gathered[join.number];
    if (last?.text === text) return last;
    const rows: [Row, ...(Row | null)[]][] = [];
    const lookups = join.inner.map(() => new Set<string>());
    let size = 0;
    let tooMany = false;
    for (const found of values === null ? [] : this.#mirror.matches(join, values)) {
      const joined: [Row, ...(Row | null)[]] = [found];
      for (const [index, inner] of join.inner.entries()) {
        const innerValues = inner.join.lookup(joined);
        const innerText = innerValues === null ? null : bounded(lineOfRow(innerValues));
        if (innerText !== null) lookups[index]?.add(innerText);
        joined.push(innerValues === null || innerText === null ? null : this.#find(inner, innerValues, innerText));
      }
      rows.push(joined);
      for (const row of joined) for (const value of row ?? []) size += value?.length ?? 0;
      tooMany = rows.length > all.atMost || size > GATHERED;
      if (tooMany) break;
    }
    const row = tooMany ? TOO_MANY_ROWS : all.rowOf(rows.sort(([a], [b]) => join.join.compare(a, b)));
    return (this.#gathered[join.number] = { text, row, lookups: lookups.map(lookupsText) });
  }
}

/** What the row gives to the merged row of this name. `tooMany`: why some of what it joins is not known. */
function partOf(rule: PlannedRule, name: string, rows: JoinedRows, tooMany: readonly Problem[]): Omit<Evaluation, 'lookups'> {
  const { uniques, compiled, mergesInto } = rule;
  const { partOf: partly, orderOf } = compiled.merge as CompiledMerge;
  const { values, problems } = partly(rows);
  const orders = [orderOf(rows[0]), ...uniques.map((unique) => unique.orderOf(rows[0]))];
  const part = { orders, needs: parentsOf(rule, rows) };
  const parents = [{ rule: mergesInto as number, key: name }];
  return { version: { values, parents, claims: uniques.map(() => null), notes: NO_PROBLEMS, part }, problems: [...tooMany, ...problems] };
}

function parentsOf(rule: PlannedRule, rows: JoinedRows): readonly (ParentRef | null)[] {
  return rule.parents.map(({ rule: parent, keyOf }) => {
    const key = keyOf(rows);
    return key === null ? null : { rule: parent, key: bounded(lineOfRow(key)) };
  });
}

function versionOf(rule: PlannedRule, rows: JoinedRows, { values, notes }: Pick<Version, 'values' | 'notes'>): Version {
  const parents = parentsOf(rule, rows).filter((parent) => parent !== null);
  const claims = rule.uniques.map((unique) => {
    const wanted = wantedText(values, unique);
    return wanted === null ? null : { values: wanted, order: unique.orderOf(rows[0]) };
  });
  return { values, parents, claims, notes };
}
