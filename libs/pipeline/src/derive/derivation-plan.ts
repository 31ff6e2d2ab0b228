import { invariant } from '@changeover/core';
import type { CompiledJoin, CompiledRule } from '@changeover/mapping';

/** A source table as the rules use it; `number` names it in the state. */
export type MirroredTable = {
  readonly number: number;
  readonly name: string;
  readonly key: readonly number[];
  /** Rules that it drives. */
  readonly drives: readonly PlannedRule[];
  /** Joins that read it. */
  readonly joinedBy: readonly PlannedJoin[];
  /** Columns other than the key by which its rows are looked up. */
  readonly lookups: readonly Lookup[];
};

type Lookup = { readonly number: number; readonly columns: readonly number[] };

export type PlannedJoin = {
  readonly number: number;
  readonly rule: number;
  readonly join: CompiledJoin;
  readonly table: MirroredTable;
  /** Null: by the key; for each of its columns the place among the join's. */
  readonly lookup: Lookup | null;
  readonly keyOrder: readonly number[];
};

export type PlannedUnique = CompiledRule['uniques'][number] & { readonly number: number };

export type PlannedRule = {
  readonly number: number;
  readonly compiled: CompiledRule;
  readonly table: MirroredTable;
  readonly joins: readonly PlannedJoin[];
  readonly parents: readonly {
    readonly rule: number;
    readonly target: string;
    readonly keyOf: CompiledRule['requires'][number]['keyOf'];
  }[];
  readonly uniques: readonly PlannedUnique[];
};

/** What the rules need of the state: which changes of which tables touch which rows, and how to find them. */
export class DerivationPlan {
  readonly rules: readonly PlannedRule[];
  readonly #tables: ReadonlyMap<string, MirroredTable>;

  /** `sources`: by source table the number that names it in the state, and the places of its key columns. */
  constructor(compiled: readonly CompiledRule[], sources: ReadonlyMap<string, Pick<MirroredTable, 'number' | 'key'>>) {
    type Growing = MirroredTable & { readonly drives: PlannedRule[]; readonly joinedBy: PlannedJoin[]; readonly lookups: Lookup[] };
    const tables = new Map<string, Growing>();
    for (const [name, { number, key }] of sources) tables.set(name, { number, name, key, drives: [], joinedBy: [], lookups: [] });
    const table = (name: string): Growing => {
      const found = tables.get(name);
      invariant(found !== undefined, `the plan has no table ${name}`);
      return found;
    };
    let joins = 0;
    let lookups = 0;
    let uniques = 0;
    this.rules = compiled.map((rule, number) => {
      const planned: PlannedRule = {
        number,
        compiled: rule,
        table: table(rule.source),
        joins: rule.joins.map((join) => {
          const joined = table(join.table);
          const byKey = join.columns.length === joined.key.length && joined.key.every((column) => join.columns.includes(column));
          let lookup = byKey ? null : joined.lookups.find(({ columns }) => columns.join() === join.columns.join());
          if (lookup === undefined) joined.lookups.push((lookup = { number: lookups++, columns: join.columns }));
          const keyOrder = byKey ? joined.key.map((column) => join.columns.indexOf(column)) : [];
          const plannedJoin: PlannedJoin = { number: joins++, rule: number, join, table: joined, lookup, keyOrder };
          joined.joinedBy.push(plannedJoin);
          return plannedJoin;
        }),
        parents: rule.requires.map(({ parent, keyOf }) => {
          const parentRule = compiled.findIndex(({ target }) => target === parent);
          invariant(parentRule !== -1, `no rule makes ${parent}`);
          return { rule: parentRule, target: parent, keyOf };
        }),
        uniques: rule.uniques.map((unique) => ({ ...unique, number: uniques++ })),
      };
      table(rule.source).drives.push(planned);
      return planned;
    });
    this.#tables = tables;
  }

  get tables(): Iterable<MirroredTable> {
    return this.#tables.values();
  }

  /** Undefined: no rule reads it. */
  table(name: string): MirroredTable | undefined {
    return this.#tables.get(name);
  }
}
