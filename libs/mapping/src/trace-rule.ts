import type { Converters, JoinedRows, SourceTable } from './compiled-rule.js';
import type { TableRule } from './rule.js';
import { Scope, type Problems } from './scope.js';

/** A column of the target, made by itself: its value, and why it holds its row, if it does. */
export type TracedColumn = { readonly column: string; readonly value: string | null; readonly problem: string | null };

/**
 * What each column of a rule comes to, whatever the others do: for those who explain a row. Where it is only about the row as a whole, `compileRule` is faster.
 * MAPPING_INVALID as there.
 */
export function traceRule(
  rule: TableRule,
  tables: ReadonlyMap<string, SourceTable>,
  converters: Converters,
): (rows: JoinedRows) => readonly TracedColumn[] {
  const scope = new Scope(tables, converters);
  scope.enter('', rule.source);
  for (const { as, table, all } of rule.joins ?? []) {
    if (all === undefined) scope.enter(as, table);
    else scope.enterMade(as, Object.keys(all.columns));
  }
  const problems: Problems = { found: [] };
  const columns = Object.entries(rule.columns).map(([column, value]) => {
    return { column, evaluate: scope.evaluate(value, '', { column, problems }) };
  });
  const needed = new Set([...rule.key, ...(rule.required ?? [])]);
  return (rows) =>
    columns.map(({ column, evaluate }) => {
      problems.found = [];
      const value = evaluate(rows);
      const [first] = problems.found;
      return { column, value, problem: first?.reason ?? (value === null && needed.has(column) ? 'empty' : null) };
    });
}
