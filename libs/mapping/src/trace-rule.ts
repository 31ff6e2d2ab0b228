import { UNNUMBERED, type Converters, type JoinedRows, type Problem, type SourceTable, type Waives } from './compiled-rule.js';
import type { TableRule, ValidationRule } from './rule.js';
import { Scope, type Problems } from './scope.js';
import { compileValidations, validateRow } from './validation.js';

/** A column of the target, made by itself: its value, fixed where a validation rule does that, and why it holds its row, if it does. */
export type TracedColumn = { readonly column: string; readonly value: string | null; readonly problem: string | null };

/** What a validation rule says of a row whose columns can be made: nothing, a note, or why it is held. */
type TracedValidation = { readonly rule: ValidationRule; readonly problem: Problem | null };

export type TracedRow = { readonly columns: readonly TracedColumn[]; readonly validations: readonly TracedValidation[] };

/**
 * What each column of a rule comes to, whatever the others do: for those who explain a row. Where it is only about the row as a whole, `compileRule` is faster.
 * MAPPING_INVALID as there.
 */
export function traceRule(
  rule: TableRule,
  tables: ReadonlyMap<string, SourceTable>,
  converters: Converters,
  numbering = UNNUMBERED,
): (rows: JoinedRows, waives?: Waives) => TracedRow {
  const scope = new Scope(tables, converters, numbering);
  scope.enter('', rule.source);
  for (const { as, table, all } of rule.joins ?? []) {
    if (all === undefined) scope.enter(as, table);
    else scope.enterMade(as, Object.keys(all.columns));
  }
  const problems: Problems = { found: [] };
  const columns = Object.entries(rule.columns).map(([column, value]) => {
    return { column, evaluate: scope.evaluate(value, '', { column, problems }) };
  });
  const validations = compileValidations(rule);
  const needed = new Set([...rule.key, ...(rule.required ?? [])]);
  return (rows, waives) => {
    const made = columns.map(({ column, evaluate }) => {
      problems.found = [];
      const value = evaluate(rows);
      const [first] = problems.found;
      return { column, value, problem: first?.reason ?? (value === null && needed.has(column) ? 'empty' : null) };
    });
    const values = made.map(({ value }) => value);
    const said: Problem[] = [];
    if (made.some(({ problem }) => problem !== null)) return { columns: made, validations: [] };
    const notes = validateRow(validations, values, said, waives);
    const all = [...said, ...notes];
    return {
      columns: made.map(({ column, problem }, place) => {
        const held = said.find((one) => one.column === column);
        return { column, value: values[place] ?? null, problem: problem ?? held?.reason ?? null };
      }),
      validations: (rule.validate ?? []).map((one) => ({ rule: one, problem: all.find(({ rule: name }) => name === one.name) ?? null })),
    };
  };
}
