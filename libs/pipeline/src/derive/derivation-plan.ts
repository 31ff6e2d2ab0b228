import { invariant } from '@changeover/core';
import { MERGED, type CompiledJoin, type CompiledRule } from '@changeover/mapping';

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
  /** Columns of which a value can be corrected, with their places: none of the key, which names the row. */
  readonly correctable: ReadonlyMap<string, number>;
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
  /** Of a join of which all rows are taken: what is joined to each of these. */
  readonly inner: readonly PlannedJoin[];
};

export type PlannedUnique = CompiledRule['uniques'][number] & { readonly number: number };

export type PlannedRule = {
  readonly number: number;
  /** Its target, and its name where others make it too: means the same in another plan of the mapping. */
  readonly label: string;
  /** Other rules make rows of the target too. */
  readonly isShared: boolean;
  readonly compiled: CompiledRule;
  readonly table: MirroredTable;
  readonly joins: readonly PlannedJoin[];
  /** Those and what is joined to their rows, each join before its own: what a row is remembered to have looked up is in this order. */
  readonly lookedUp: readonly PlannedJoin[];
  readonly parents: readonly {
    readonly rule: number;
    readonly target: string;
    readonly keyOf: CompiledRule['requires'][number]['keyOf'];
  }[];
  readonly uniques: readonly PlannedUnique[];
  /** Rows have its rows' keys: where one gets another key they change with it. */
  readonly isReferred: boolean;
  /** What mentions texts that are given numbers, and nothing else of the rule; null: nothing does. */
  readonly numbering: NumberingRule | null;
  /** Number of the rule that stands for the rows of the target that its rows are merged into; null: they are not. */
  readonly mergesInto: number | null;
  /** Of a rule that stands for merged rows: those whose rows they are made of. It has no source rows of its own: its keys are the names of merged rows. */
  readonly mergedOf: readonly PlannedRule[] | null;
};

/** What it takes to say which texts of a row are given numbers. */
export type NumberingRule = Pick<PlannedRule, 'compiled' | 'table' | 'joins'>;

/** A join without what the state knows of it. */
type PlacedJoin = Pick<PlannedJoin, 'join' | 'table' | 'lookup' | 'keyOrder'>;

/** Rules that stand for merged rows are numbered from here downwards: those of a mapping keep their numbers, and tables in circles may join them. */
const MERGED_FROM = 0x7fff;

/** What the rules need of the state: which changes of which tables touch which rows, and how to find them. */
export class DerivationPlan {
  /** Of the mapping and of circles, by number. */
  readonly rules: readonly PlannedRule[];
  /** Those, and behind them the rules that stand for merged rows. */
  readonly made: readonly PlannedRule[];
  readonly #tables: ReadonlyMap<string, MirroredTable>;
  readonly #labelled: ReadonlyMap<string, PlannedRule>;

  /**
   * `sources`: by source table the number that names it in the state, the places of its key columns, and which columns can be corrected (left out: none). `numbering`: of each rule what
   * `numberingRule` leaves.
   */
  constructor(
    compiled: readonly CompiledRule[],
    sources: ReadonlyMap<string, Pick<MirroredTable, 'number' | 'key'> & Partial<Pick<MirroredTable, 'correctable'>>>,
    numbering: readonly (CompiledRule | null)[] = [],
  ) {
    type Growing = MirroredTable & { readonly drives: PlannedRule[]; readonly joinedBy: PlannedJoin[]; readonly lookups: Lookup[] };
    const tables = new Map<string, Growing>();
    for (const [name, { number, key, correctable = new Map() }] of sources)
      tables.set(name, { number, name, key, drives: [], joinedBy: [], lookups: [], correctable });
    const table = (name: string): Growing => {
      const found = tables.get(name);
      invariant(found !== undefined, `the plan has no table ${name}`);
      return found;
    };
    let joins = 0;
    /** By what is looked up; also where it is the key, so that the others keep their numbers in the state when a table's key changes. */
    const lookups = new Map<string, number>();
    let uniques = 0;
    /** By target, for rules of the same one share them. */
    const uniquesOf = new Map<string, readonly number[]>();
    const placed = (join: CompiledJoin): PlacedJoin & { readonly table: Growing } => {
      const joined = table(join.table);
      const byKey = join.columns.length === joined.key.length && joined.key.every((column) => join.columns.includes(column));
      const lookedUp = `${join.table} ${join.columns.join()}`;
      const number = lookups.get(lookedUp) ?? lookups.size;
      lookups.set(lookedUp, number);
      let lookup = byKey ? null : joined.lookups.find((one) => one.number === number);
      if (lookup === undefined) joined.lookups.push((lookup = { number, columns: join.columns }));
      return { join, table: joined, lookup, keyOrder: byKey ? joined.key.map((column) => join.columns.indexOf(column)) : [] };
    };
    /** Looks up for itself: nobody is remembered to depend on it. */
    const numberingPart = (number: number, rule: CompiledRule): NumberingRule => {
      let known = 0;
      const plan = (join: CompiledJoin): PlannedJoin => ({
        number: known++,
        rule: number,
        ...placed(join),
        inner: (join.all?.joins ?? []).map(plan),
      });
      return { compiled: rule, table: table(rule.source), joins: rule.joins.map(plan) };
    };
    const merging = [...new Set(compiled.flatMap(({ target, merge }) => (merge === null ? [] : [target])))];
    const mergesInto = ({ target }: CompiledRule): number | null => {
      const index = merging.indexOf(target);
      return index === -1 ? null : MERGED_FROM - index;
    };
    this.rules = compiled.map((rule, number) => {
      const plan = (join: CompiledJoin): PlannedJoin => {
        const found = placed(join);
        const plannedJoin = { number: joins++, rule: number, ...found, inner: (join.all?.joins ?? []).map(plan) };
        found.table.joinedBy.push(plannedJoin);
        return plannedJoin;
      };
      const plannedJoins = rule.joins.map(plan);
      const numbers = uniquesOf.get(rule.target) ?? rule.uniques.map(() => uniques++);
      uniquesOf.set(rule.target, numbers);
      const numbered = rule.uniques.map((unique, index) => ({ ...unique, number: numbers[index] as number }));
      const planned: PlannedRule = {
        number,
        label: labelOf(rule.target, rule.name),
        isShared: rule.name !== null,
        compiled: rule,
        table: table(rule.source),
        joins: plannedJoins,
        lookedUp: plannedJoins.flatMap((join) => [join, ...join.inner]),
        parents: rule.requires.map(({ parent, rule: name, keyOf }) => {
          const parentRule = compiled.findIndex((other) => other.target === parent && other.name === name);
          invariant(parentRule !== -1, `no rule makes ${parent}`);
          return { rule: parentRule, target: parent, keyOf };
        }),
        uniques: numbered,
        numbering: numbering[number] == null ? null : numberingPart(number, numbering[number]),
        isReferred: compiled.some(({ keysOf }) => keysOf.some(({ parent, rule: name }) => parent === rule.target && name === rule.name)),
        mergesInto: mergesInto(rule),
        mergedOf: null,
      };
      table(rule.source).drives.push(planned);
      return planned;
    });
    const merged = merging.map((target, index) =>
      mergedRule(
        MERGED_FROM - index,
        this.rules.filter(({ compiled: of }) => of.target === target),
      ),
    );
    this.made = [...this.rules, ...merged];
    this.#labelled = new Map(this.made.map((rule) => [rule.label, rule]));
    this.#tables = tables;
  }

  /** The rule with this number. */
  rule(number: number): PlannedRule {
    const rule = this.rules[number] ?? this.made[this.rules.length + MERGED_FROM - number];
    invariant(rule !== undefined, `no rule has the number ${String(number)}`);
    return rule;
  }

  /** Undefined: there is none with this label. */
  labelled(label: string): PlannedRule | undefined {
    return this.#labelled.get(label);
  }

  get tables(): Iterable<MirroredTable> {
    return this.#tables.values();
  }

  /** Undefined: no rule reads it. */
  table(name: string): MirroredTable | undefined {
    return this.#tables.get(name);
  }
}

/** Stands for the merged rows of a target: they have the table's columns and unique rules, and what they need is what their rows need. */
function mergedRule(number: number, mergedOf: readonly PlannedRule[]): PlannedRule {
  const [first] = mergedOf as readonly [PlannedRule];
  const parents = mergedOf.flatMap((rule) => rule.parents);
  return {
    ...first,
    number,
    label: labelOf(first.compiled.target, MERGED),
    compiled: {
      ...first.compiled,
      name: MERGED,
      joins: [],
      requires: [],
      keysOf: mergedOf.flatMap(({ compiled }) => compiled.keysOf),
    },
    joins: [],
    lookedUp: [],
    parents: parents.filter(({ rule }, index) => parents.findIndex((other) => other.rule === rule) === index),
    isReferred: mergedOf.some((rule) => rule.isReferred),
    mergesInto: null,
    mergedOf,
  };
}

/** A table's name has no line end that anybody would want. */
export function labelOf(target: string, name: string | null): string {
  return name === null ? target : `${target}\n${name}`;
}
