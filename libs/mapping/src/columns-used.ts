import { columnsRead, columnsTested, type ColumnRead } from './print-rule.js';
import type { Aggregate, Expression, JoinRule, TableRule } from './rule.js';

/** Of each source table that rules read, the columns that they do anything with. */
export function columnsUsed(rules: readonly TableRule[]): ReadonlyMap<string, ReadonlySet<string>> {
  const used = new Map<string, Set<string>>();
  const use = (table: string, column: string): void => {
    const columns = used.get(table);
    if (columns === undefined) used.set(table, new Set([column]));
    else columns.add(column);
  };
  for (const rule of rules) {
    const tables = new Map([['', rule.source]]);
    const read = (columns: readonly ColumnRead[], home = ''): void => {
      for (const { of, column } of columns) {
        const table = tables.get(of ?? home);
        // A join of which one row is made has no columns of a table.
        if (table !== undefined) use(table, column);
      }
    };
    const join = ({ as, table, on, where, order = [] }: JoinRule, home: string): void => {
      for (const [column, value] of Object.entries(on)) {
        use(table, column);
        read(columnsRead(value), home);
      }
      tables.set(as, table);
      if (where !== undefined) read(columnsTested(where), as);
      for (const { column } of order) use(table, column);
    };
    for (const { all, ...one } of rule.joins ?? []) {
      join(one, '');
      if (all === undefined) continue;
      for (const inner of all.joins ?? []) join(inner, one.as);
      for (const aggregate of Object.values(all.columns)) for (const value of partsOf(aggregate)) read(columnsRead(value), one.as);
      for (const { as } of [one, ...(all.joins ?? [])]) tables.delete(as);
    }
    for (const value of Object.values(rule.columns)) read(columnsRead(value));
    if (rule.where !== undefined) read(columnsTested(rule.where));
    for (const { key } of rule.requires ?? []) for (const value of key) read(columnsRead(value));
    if (rule.merge !== undefined) read(columnsRead(rule.merge.by));
    for (const { order = [] } of [...(rule.unique ?? []), rule.merge ?? {}]) for (const { column } of order) use(rule.source, column);
  }
  return used;
}

function partsOf(aggregate: Aggregate): readonly Expression[] {
  return Object.values(aggregate).filter((part): part is Expression => typeof part === 'object');
}
