import { compileAggregates } from './aggregate.js';
import {
  UNNUMBERED,
  type CompiledAll,
  type CompiledJoin,
  type CompiledMerge,
  type CompiledRule,
  type Converters,
  type DerivedRow,
  type JoinedRows,
  type Row,
  type SourceTable,
  type Waives,
} from './compiled-rule.js';
import { aliasesIn, aliasesOf, joinsRead } from './expression-parts.js';
import { columnsNaming, compileSurvivors, nameOfMerged } from './merge.js';
import { orderText, rowOrder } from './row-order.js';
import type { Expression, JoinRule, MergeRule, Order, TableRule, UniqueRule } from './rule.js';
import { keyText, Scope, wrong, type Problems, type Rows } from './scope.js';
import { compileComparison, compileValidations, validateRow } from './validation.js';

/**
 * Turns a rule into functions over rows of these tables. It is done once; the same functions serve the first derivation of
 * all rows and each change. MAPPING_INVALID with the first thing that does not fit.
 */
export function compileRule(
  rule: TableRule,
  tables: ReadonlyMap<string, SourceTable>,
  converters: Converters,
  numbering = UNNUMBERED,
): CompiledRule {
  const scope = new Scope(tables, converters, numbering);
  scope.enter('', rule.source);
  const joins = (rule.joins ?? []).map((join) => {
    const compiledJoin = compileJoin(join, scope, '', { tables, converters });
    if (join.all === undefined) {
      scope.enter(join.as, join.table);
      return compiledJoin;
    }
    scope.enterMade(join.as, Object.keys(join.all.columns));
    return { ...compiledJoin, all: compileAll(rule, join, join.all, { tables, converters }) };
  });
  const columns = Object.keys(rule.columns);
  const place = (column: string): number => {
    const index = columns.indexOf(column);
    return index === -1 ? wrong(`the rule for ${rule.target} makes no column ${column}`) : index;
  };
  const where = rule.where === undefined ? null : scope.test(rule.where);
  // By a key that is null no row is found.
  const whole = compileColumns(rule, scope, [...new Set([...rule.key, ...(rule.required ?? [])])].map(place));
  const merge = rule.merge === undefined ? null : compileMerge(rule, scope, whole, tables.get(rule.source));
  return {
    source: rule.source,
    target: rule.target,
    name: rule.name ?? null,
    columns,
    key: rule.key.map(place),
    joins,
    accepts: where ?? (() => true),
    // One that stands alone is a merged row of one.
    derive: merge === null ? whole.derive : (rows, waives) => deriveAlone(merge, rows, waives),
    requires: (rule.requires ?? []).map(({ parent, rule: name = null, key }) => {
      return { parent, rule: name, keyOf: keyText(key.map((value) => scope.evaluate(value))), columns: columnsNaming(key, rule) };
    }),
    keysOf: Object.values(rule.columns).flatMap((value, at) =>
      'keyOf' in value ? [{ place: at, parent: value.keyOf, rule: value.rule ?? null, column: value.keyColumn }] : [],
    ),
    uniques: uniqueRules(rule, tables.get(rule.source)?.key ?? []).map(({ columns: names, where: counted, order = [], otherwise }) => ({
      columns: names.map(place),
      counts: counted === undefined ? null : isTrue(compileComparison(counted, place)),
      otherwise,
      orderOf: orderText(scope.order([...order, ...numericKey(tables.get(rule.source))], '')),
    })),
    keepsLast: rule.whileHeld !== 'none',
    merge,
  };
}

/** What nobody can say is not. */
function isTrue(test: (values: Row) => boolean | null): (values: Row) => boolean {
  return (values) => test(values) === true;
}

type Given = { readonly tables: ReadonlyMap<string, SourceTable>; readonly converters: Converters };

/** Of the first row that is found; `scope` knows what it may look up, `home` whose columns need not say so. */
function compileJoin({ as, table, on, where, order = [] }: JoinRule, scope: Scope, home: string, given: Given): CompiledJoin {
  const alone = new Scope(given.tables, given.converters);
  alone.enter(as, table);
  const test = where === undefined ? null : alone.test(where, as);
  const rows: [Row | null] = [null];
  return {
    table,
    columns: Object.keys(on).map((column) => alone.column(column, as).index),
    lookup: keyText(Object.values(on).map((value) => scope.evaluate(value, home))),
    accepts:
      test === null
        ? () => true
        : (row) => {
            rows[0] = row;
            return test(rows);
          },
    compare: rowOrder(alone.order([...order, ...numericKey(given.tables.get(table))], as)),
    all: null,
  };
}

function compileAll(rule: TableRule, { as, table }: JoinRule, all: NonNullable<JoinRule['all']>, given: Given): CompiledAll {
  const { joins = [], where, columns, key } = rule;
  const isRead = (aliases: readonly string[]): boolean => joinsRead(joins, aliases).some((join) => join.as === as);
  const scope = new Scope(given.tables, given.converters);
  scope.enter(as, table);
  return {
    joins: (all.joins ?? []).map((join) => {
      const compiledJoin = compileJoin(join, scope, as, given);
      scope.enter(join.as, join.table);
      return compiledJoin;
    }),
    atMost: all.atMost,
    rowOf: compileAggregates(all.columns, scope, as),
    column: Object.keys(columns).find((column) => isRead(aliasesOf(columns[column] as Expression))) ?? (key[0] as string),
    decides: where !== undefined && isRead(aliasesIn(where)),
  };
}

/** The key, where it holds numbers: of equals the first by key comes first, and keys as they stand in the state are in the order of their text. */
function numericKey(table: SourceTable | undefined): Order {
  const { key = [], numbers = [] } = table ?? {};
  return key.some((column) => numbers.includes(column)) ? key.map((column) => ({ column })) : [];
}

/** A rule's columns: made, and then asked what is asked of them; both at once, or one after the other. */
type CompiledColumns = Pick<CompiledMerge, 'partOf' | 'complete'> & Pick<CompiledRule, 'derive'>;

function compileColumns(rule: TableRule, scope: Scope, required: readonly number[]): CompiledColumns {
  const columns = Object.keys(rule.columns);
  const validations = compileValidations(rule);
  const problems: Problems = { found: [] };
  const evaluators = Object.entries(rule.columns).map(([column, value]) => scope.evaluate(value, '', { column, problems }));
  const make = (rows: Rows): (string | null)[] => {
    // Of a row whose converter threw.
    if (problems.found.length > 0) problems.found = [];
    const values: (string | null)[] = [];
    for (const evaluate of evaluators) values.push(evaluate(rows));
    return values;
  };
  const ask = (values: (string | null)[], waives?: Waives): DerivedRow => {
    const { found } = problems;
    for (const index of required) {
      if (values[index] !== null) continue;
      const column = columns[index] as string;
      if (!found.some((problem) => problem.column === column)) found.push({ reason: 'empty', column });
    }
    // Of a row that cannot be made there is nothing to validate.
    const notes = found.length === 0 ? validateRow(validations, values, found, waives) : [];
    if (found.length === 0) return { values, notes };
    problems.found = [];
    return { problems: found };
  };
  return {
    derive: (rows, waives) => ask(make(rows), waives),
    partOf: (rows) => {
      const values = make(rows);
      const { found } = problems;
      problems.found = [];
      return { values, problems: found };
    },
    complete: ask,
  };
}

function compileMerge(
  rule: TableRule,
  scope: Scope,
  { partOf, complete }: CompiledColumns,
  source: SourceTable | undefined,
): CompiledMerge {
  const { by, order = [], atMost } = rule.merge as MergeRule;
  const key = scope.evaluate(by);
  return {
    nameOf: (rows) => {
      const text = key(rows);
      return text === null ? null : nameOfMerged(text);
    },
    orderOf: orderText(scope.order([...order, ...numericKey(source)], '')),
    atMost,
    partOf,
    survivors: compileSurvivors(rule),
    complete,
  };
}

function deriveAlone({ partOf, survivors, complete }: CompiledMerge, rows: JoinedRows, waives?: Waives): DerivedRow {
  const { values, problems } = partOf(rows);
  return problems.length > 0 ? { problems } : complete(survivors([values]).values, waives);
}

/** With one for the target's key, unless different source rows cannot but have different ones, and no other rule makes rows of the target. */
function uniqueRules({ key, columns, unique = [], name }: TableRule, sourceKey: readonly string[]): readonly UniqueRule[] {
  const copied = key.flatMap((column) => {
    const value = columns[column];
    return value !== undefined && 'column' in value && value.of === undefined ? [value.column] : [];
  });
  const distinct = name === undefined && sourceKey.length > 0 && sourceKey.every((column) => copied.includes(column));
  return distinct ? unique : [{ columns: key, otherwise: 'held' }, ...unique];
}
