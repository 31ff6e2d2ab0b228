import { inputsOf } from './expression-parts.js';
import type { Condition, Expression, Json } from './rule.js';

/** A column as an expression reads it; `of`: the join whose column it is, null: the driving row. */
export type ColumnRead = { readonly of: string | null; readonly column: string };

/** An expression as a person would write it, such as `first(trim(name), mail.address)`. The same expression gives the same text. */
export function printExpression(expression: Expression): string {
  if ('column' in expression) return columnText({ of: expression.of ?? null, column: expression.column });
  if ('constant' in expression) return valueText(expression.constant);
  if ('first' in expression) return `first(${expression.first.map(printExpression).join(', ')})`;
  if ('concat' in expression) return `concat(${[valueText(expression.separator), ...expression.concat.map(printExpression)].join(', ')})`;
  if ('uuid' in expression) return `uuid(${valueText(expression.uuid)}, ${printExpression(expression.input)})`;
  const { convert, options, input, invalid } = expression;
  const told = [
    ...Object.entries((options ?? {}) as Readonly<Record<string, Json>>),
    ...(invalid === 'empty' ? [['invalid', invalid] as const] : []),
  ];
  const settings = told.map(([name, value]) => `${name}: ${jsonText(value)}`);
  return `${convert}(${[printExpression(input), ...(settings.length === 0 ? [] : [`{ ${settings.join(', ')} }`])].join(', ')})`;
}

/** The same of a condition, such as `not(is(deleted, 't'))`. */
export function printCondition(condition: Condition): string {
  if ('is' in condition) return `is(${[printExpression(condition.is), ...condition.in.map(valueText)].join(', ')})`;
  if ('not' in condition) return `not(${printCondition(condition.not)})`;
  return 'all' in condition
    ? `all(${condition.all.map(printCondition).join(', ')})`
    : `any(${condition.any.map(printCondition).join(', ')})`;
}

/** Each column that an expression reads, once, in the order in which they stand in it. */
export function columnsRead(expression: Expression): readonly ColumnRead[] {
  const read = new Map(allRead(expression).map((column) => [columnText(column), column]));
  return [...read.values()];
}

/** The same of a condition. */
export function columnsTested(condition: Condition): readonly ColumnRead[] {
  if ('is' in condition) return columnsRead(condition.is);
  if ('not' in condition) return columnsTested(condition.not);
  return ('all' in condition ? condition.all : condition.any).flatMap(columnsTested);
}

export function columnText({ of, column }: ColumnRead): string {
  return of === null ? column : `${of}.${column}`;
}

function allRead(expression: Expression): readonly ColumnRead[] {
  if ('column' in expression) return [{ of: expression.of ?? null, column: expression.column }];
  return inputsOf(expression).flatMap(allRead);
}

function valueText(value: string | null): string {
  return value === null ? 'null' : `'${value.replace(/[\\']/gu, '\\$&')}'`;
}

function jsonText(value: Json): string {
  if (value === null || typeof value === 'string') return valueText(value);
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `[${value.map(jsonText).join(', ')}]`;
  return `{ ${Object.entries(value)
    .map(([name, inner]) => `${/^[A-Za-z_$][\w$]*$/u.test(name) ? name : valueText(name)}: ${jsonText(inner)}`)
    .join(', ')} }`;
}
