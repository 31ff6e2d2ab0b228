import { ConversionProblem, type Converters, type JoinedRows, type Problem, type Row, type SourceTable } from '../compiled-rule.js';
import { inputsOf } from '../expression-parts.js';
import { columnsRead } from '../print-rule.js';
import type { Expression, TableRule } from '../rule.js';
import { Scope } from '../scope.js';
import { compileValidations, validateRow } from '../validation.js';
import type { Inverses } from './inverse.js';
import { lensOf, wayBack, worst, type Lens, type WayBack } from './way-back.js';

export type InvertedRule = {
  /** Of each column of the target. */
  readonly columns: ReadonlyMap<string, WayBack>;
  /**
   * The driving row as it has to be for the rule to make this row of it, with the rows that are joined to it as they are: where the rule makes it already nothing
   * changes, and what the target does not tell stays as it is. A column that is lossy follows what it is made of, unless somebody changed it. Of one that has
   * the key of another row `target` holds what names that row, as the rule derives it. A problem of each column to which there is no way back.
   */
  readonly put: (target: Row, rows: JoinedRows) => { readonly driving: Row } | { readonly problems: readonly Problem[] };
};

type Column = { readonly column: string; readonly place: number; readonly lens: Lens; readonly way: WayBack };

/** The rule the other way. MAPPING_INVALID as `compileRule`. */
export function invertRule(
  rule: TableRule,
  tables: ReadonlyMap<string, SourceTable>,
  converters: Converters,
  inverses: Inverses,
): InvertedRule {
  const scope = new Scope(tables, converters);
  scope.enter('', rule.source);
  const joined = new Map<string, string>();
  for (const { as, table, all } of rule.joins ?? []) {
    if (all === undefined) scope.enter(as, table);
    else scope.enterMade(as, Object.keys(all.columns));
    joined.set(as, all === undefined ? `it is a row of ${table} that holds it` : `it is made of many rows of ${table}`);
  }
  const parts = { scope, converters, inverses, ofJoin: (alias: string) => joined.get(alias) ?? '' };
  const nothing: Row = [];
  const alone = Object.entries(rule.columns).map(([column, value], place) => ({
    column,
    place,
    lens: mended(lensOf(value, parts), column, rule, nothing),
  }));
  const columns = besideEachOther(rule, alone);
  const validations = compileValidations(rule);
  /** As it is written: undefined where a value holds the row. */
  const made = (rows: JoinedRows): { readonly values: readonly (string | null | undefined)[]; readonly problems: readonly Problem[] } => {
    const read = columns.map(({ lens }) => lens.get(rows));
    const values = read.map((value) => (value instanceof ConversionProblem ? null : value));
    const problems: Problem[] = [];
    validateRow(validations, values, problems);
    return { values: values.map((value, place) => (read[place] instanceof ConversionProblem ? undefined : value)), problems };
  };
  // What comes back from its value alone says what the columns beside it can be.
  const order = columns.toSorted((a, b) => rank(a) - rank(b));
  return {
    columns: new Map(columns.map(({ column, way }) => [column, way])),
    put: (target, rows) => {
      const driving = [...rows[0]];
      const now: JoinedRows = [driving, ...rows.slice(1)];
      const problems = new Set<string>();
      const was = made(rows);
      // What nobody changed, and has no way back, follows what it is made of.
      const told = order.filter(({ place, way }) => way.kind !== 'lossy' || was.values[place] !== (target[place] ?? null));
      for (const { column, place, lens } of told) {
        const value = target[place] ?? null;
        const edits = made(now).values[place] === value ? [] : lens.put(value, now);
        if (edits === null) problems.add(column);
        else for (const [index, text] of edits) driving[index] = text;
      }
      const is = made(now);
      for (const { column, place } of told) if (is.values[place] !== (target[place] ?? null)) problems.add(column);
      for (const { column } of is.problems) problems.add(column);
      return problems.size === 0 ? { driving } : { problems: [...problems].map((column) => ({ reason: 'no way back', column })) };
    },
  };
}

/** A value may have been cut, or taken away, before it was written. `nothing`: a driving row in which everything is null. */
function mended(lens: Lens, column: string, { merge, validate = [] }: TableRule, nothing: Row): Lens {
  const fixes = validate.filter((one) => one.severity === 'fix' && one.column === column);
  const ways: WayBack[] = [];
  if (merge !== undefined) ways.push(wayBack('lossy', 'rows are merged, and it may be of another of them'));
  // A piece of what a conversion gave may be nothing that it gives; and what is never null cannot be left empty.
  if (fixes.some((one) => 'atMost' in one)) ways.push(wayBack(lens.takes === 'any' ? 'kept' : 'lossy', 'what is cut off'));
  if (fixes.some((one) => 'check' in one)) ways.push(wayBack('lossy', 'it is left empty for what others hold'));
  if (fixes.some((one) => 'required' in one)) ways.push(wayBack('kept', 'what is filled in where nothing is'));
  if (fixes.some((one) => !('atMost' in one || 'check' in one || 'required' in one)))
    ways.push(wayBack(lens.get([nothing]) === null ? 'kept' : 'lossy', 'what is left out as wrong'));
  return ways.length === 0 ? lens : { ...lens, wayBack: worst(lens.wayBack, ...ways) };
}

function rank({ lens }: Column): number {
  return ['exact', 'kept', 'lossy'].indexOf(lens.wayBack.kind);
}

/** With what columns have to do with each other that are made of the same one. */
function besideEachOther(rule: TableRule, alone: readonly Omit<Column, 'way'>[]): readonly Column[] {
  let columns = alone.map((one): Column => ({ ...one, way: one.lens.wayBack }));
  // One without a way back may take another's away, and what is taken stays so: it comes to an end.
  for (;;) {
    const known = columns;
    columns = known.map((one) => ({ ...one, way: beside(rule, one, known) }));
    if (columns.every(({ way }, place) => way.kind === known[place]?.way.kind)) return columns;
  }
}

function beside(rule: TableRule, one: Column, columns: readonly Column[]): WayBack {
  if (one.way.kind === 'lossy') return one.way;
  const { wayBack: own } = one.lens;
  const expressionOf = (column: string): Expression => rule.columns[column] as Expression;
  const read = sourceColumns(expressionOf(one.column));
  const needed = [...rule.key, ...(rule.required ?? [])];
  const holding = (rule.validate ?? []).flatMap(({ severity, column }) => (severity === 'hold' || severity === 'stop' ? [column] : []));
  // What has no way back follows, whatever it becomes; unless it could hold the row.
  const counts = ({ column, way }: Column): boolean =>
    way.kind !== 'lossy' || needed.includes(column) || holding.includes(column) || mayHold(expressionOf(column));
  const others = columns.filter(
    (other) =>
      other.column !== one.column && counts(other) && sourceColumns(expressionOf(other.column)).some((name) => read.includes(name)),
  );
  if (others.length === 0) return own;
  const made = `made of the same column as ${others.map(({ column }) => column).join(', ')}`;
  const decides = [one, ...others].find(({ lens }) => lens.wayBack.kind === 'exact');
  const isDecided = decides !== undefined && read.length === 1 && others.every(({ way }) => way.kind !== 'lossy');
  return worst(own, wayBack(isDecided ? 'kept' : 'lossy', made));
}

function mayHold(expression: Expression): boolean {
  return ('invalid' in expression && expression.invalid === 'held') || inputsOf(expression).some(mayHold);
}

function sourceColumns(expression: Expression): readonly string[] {
  return columnsRead(expression).flatMap(({ of, column }) => (of === null ? [column] : []));
}
