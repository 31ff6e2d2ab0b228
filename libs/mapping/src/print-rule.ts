import { inputsOf } from './expression-parts.js';
import type { Comparison, Condition, Expression, Json, Survivor, ValidationRule } from './rule.js';

/** A column as an expression reads it; `of`: the join whose column it is, null: the driving row. */
export type ColumnRead = { readonly of: string | null; readonly column: string };

/** An expression as a person would write it, such as `first(trim(name), mail.address)`. The same expression gives the same text. */
export function printExpression(expression: Expression): string {
  if ('column' in expression) return columnText({ of: expression.of ?? null, column: expression.column });
  if ('constant' in expression) return valueText(expression.constant);
  if ('first' in expression) return `first(${expression.first.map(printExpression).join(', ')})`;
  if ('concat' in expression) return `concat(${[valueText(expression.separator), ...expression.concat.map(printExpression)].join(', ')})`;
  if ('input' in expression) return printFunction(expression);
  if ('object' in expression) {
    const members = Object.entries(expression.object).map(([name, value]) => `${nameText(name)}: ${printExpression(value)}`);
    return `jsonObject(${inBraces(members)})`;
  }
  if ('array' in expression)
    return `${expression.as === 'json' ? 'jsonArray' : 'array'}(${expression.array.map(printExpression).join(', ')})`;
  if ('custom' in expression) {
    const settings = expression.invalid === 'empty' ? [inBraces(["invalid: 'empty'"])] : [];
    return `${expression.custom}(${[...expression.inputs.map(printExpression), ...settings].join(', ')})`;
  }
  if ('keyOf' in expression) {
    const { keyOf: parent, rule, keyColumn, key } = expression;
    const named = rule === undefined ? parent : `${parent} (${rule})`;
    return `keyOf(${[valueText(named), valueText(keyColumn), ...key.map(printExpression)].join(', ')})`;
  }
  const cases = expression.when.map((one) => `[${printCondition(one.if)}, ${printExpression(one.then)}]`);
  const otherwise = expression.otherwise === undefined ? [] : [printExpression(expression.otherwise)];
  return `when(${[`[${cases.join(', ')}]`, ...otherwise].join(', ')})`;
}

/** Of one value. */
function printFunction(expression: Extract<Expression, { readonly input: Expression }>): string {
  const input = printExpression(expression.input);
  if ('uuid' in expression) return `uuid(${valueText(expression.uuid)}, ${input})`;
  if ('split' in expression) return `split(${input}, ${valueText(expression.split)}, ${String(expression.part)})`;
  if ('allocated' in expression) {
    const { allocated, start, step } = expression;
    const settings = [...(start === 1 ? [] : [`start: ${String(start)}`]), ...(step === 1 ? [] : [`step: ${String(step)}`])];
    return `allocated(${[valueText(allocated), input, ...(settings.length === 0 ? [] : [inBraces(settings)])].join(', ')})`;
  }
  const invalid: readonly (readonly [string, Json])[] = expression.invalid === 'empty' ? [['invalid', 'empty']] : [];
  const called = (name: string, settings: readonly (readonly [string, Json])[]): string => {
    const told = settings.map(([setting, value]) => `${nameText(setting)}: ${jsonText(value)}`);
    return `${name}(${[input, ...(told.length === 0 ? [] : [inBraces(told)])].join(', ')})`;
  };
  if ('stride' in expression) return called('stride', [['stride', expression.stride], ['offset', expression.offset], ...invalid]);
  if ('field' in expression) {
    const settings = invalid.length === 0 ? '' : `, ${inBraces(["invalid: 'empty'"])}`;
    return `field(${input}, ${jsonText(expression.field)}${settings})`;
  }
  if ('json' in expression) return called({ number: 'jsonNumber', boolean: 'jsonBoolean', any: 'json' }[expression.json], invalid);
  return called(expression.convert, [...Object.entries((expression.options ?? {}) as Readonly<Record<string, Json>>), ...invalid]);
}

/** The same of a condition, such as `not(is(deleted, 't'))`. */
export function printCondition(condition: Condition): string {
  if ('is' in condition) return `is(${[printExpression(condition.is), ...condition.in.map(valueText)].join(', ')})`;
  if ('not' in condition) return `not(${printCondition(condition.not)})`;
  return 'all' in condition
    ? `all(${condition.all.map(printCondition).join(', ')})`
    : `any(${condition.any.map(printCondition).join(', ')})`;
}

/** What a validation rule asks for, such as `range of age: age from 0 to 150`. */
export function printValidation(rule: ValidationRule): string {
  return `${rule.name}: ${printCheck(rule)}`;
}

function printCheck(rule: ValidationRule): string {
  const { column } = rule;
  if ('required' in rule) return `${column} is there${rule.with === undefined ? '' : `, else ${valueText(rule.with)}`}`;
  if ('atMost' in rule) return `${column} of at most ${String(rule.atMost)} characters`;
  if ('range' in rule) {
    const [from, to] = [rule.from === undefined ? '' : ` from ${rule.from}`, rule.to === undefined ? '' : ` to ${rule.to}`];
    return `${column}${from}${to}`;
  }
  if ('matches' in rule) return `${column} matches ${rule.matches}`;
  if ('rejects' in rule) return `${column} does not match ${rule.rejects}`;
  if ('oneOf' in rule) return `${column} one of ${rule.oneOf.map(valueText).join(', ')}`;
  return printComparison(rule.check);
}

/** The same of a comparison of columns of the target, such as `begins <= ends`. */
export function printComparison(comparison: Comparison): string {
  if ('compare' in comparison) return `${comparison.left} ${comparison.is} ${comparison.right}`;
  if ('value' in comparison) return `is(${[comparison.value, ...comparison.in.map(valueText)].join(', ')})`;
  if ('not' in comparison) return `not(${printComparison(comparison.not)})`;
  return 'all' in comparison
    ? `all(${comparison.all.map(printComparison).join(', ')})`
    : `any(${comparison.any.map(printComparison).join(', ')})`;
}

/** Which value of several rows a column has, such as `the greatest (number)`. */
export function printSurvivor(survivor: Survivor): string {
  if (typeof survivor === 'string')
    return { first: 'the first', last: 'the last', longest: 'the longest', 'most-frequent': 'the most frequent' }[survivor];
  if ('least' in survivor) return `the least (${survivor.least})`;
  if ('greatest' in survivor) return `the greatest (${survivor.greatest})`;
  return 'text' in survivor ? `all, with ${valueText(survivor.text)} between` : 'all, as an array';
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
  return inBraces(Object.entries(value).map(([name, inner]) => `${nameText(name)}: ${jsonText(inner)}`));
}

function nameText(name: string): string {
  return /^[A-Za-z_$][\w$]*$/u.test(name) ? name : valueText(name);
}

function inBraces(members: readonly string[]): string {
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
}
