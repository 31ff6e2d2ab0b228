import { RE2JS } from 're2js';

import type { Problem, Row, Waives } from './compiled-rule.js';
import { columnsValidated } from './expression-parts.js';
import { momentText } from './moment.js';
import { exactNumber } from './number-text.js';
import { compareValues } from './row-order.js';
import type { Check, ComparedAs, Comparison, Severity, TableRule, ValidationRule } from './rule.js';
import { wrong } from './scope.js';

/** A validation rule over the values of a target row, in the order of its columns. */
export type CompiledValidation = {
  readonly severity: Severity;
  /** Of its column in the row. */
  readonly place: number;
  readonly accepts: (values: Row) => boolean;
  /** What takes the place of a value that it refuses, where that is fixed. */
  readonly fixed: (value: string) => string | null;
  /** What is said of a row that it refuses. */
  readonly problem: Problem;
  /** Of the columns that it looks at. */
  readonly looksAt: readonly number[];
  /** What is said of a row that it would hold, and that is accepted as it is. */
  readonly accepted: Problem;
};

/** Characters of a text that a pattern is held against: time grows with them, and with the pattern. */
const MATCHED = 10_000;

export function compileValidations({ target, columns, validate = [] }: TableRule): readonly CompiledValidation[] {
  const names = Object.keys(columns);
  const placeOf = (column: string): number => {
    const place = names.indexOf(column);
    return place === -1 ? wrong(`the rule for ${target} makes no column ${column}`) : place;
  };
  return validate.map((rule) => {
    const place = placeOf(rule.column);
    return {
      severity: rule.severity,
      place,
      accepts: compileCheck(rule, place, placeOf),
      fixed: fixedBy(rule),
      problem: { reason: reasonOf(rule), column: rule.column, rule: rule.name, severity: rule.severity },
      looksAt: [...new Set(columnsValidated(rule))].map(placeOf),
      accepted: { reason: `accepted: ${rule.name}`, column: rule.column, rule: rule.name, severity: 'warn' },
    };
  });
}

const NO_NOTES: readonly Problem[] = [];

/** Holds the row against all of them, fixes what they fix, and says what they hold back, but for what is waived. What they note is given. */
export function validateRow(
  validations: readonly CompiledValidation[],
  values: (string | null)[],
  found: Problem[],
  waives?: Waives,
): readonly Problem[] {
  let notes: Problem[] | null = null;
  for (const { severity, place, accepts, fixed, problem, looksAt, accepted } of validations) {
    if (accepts(values)) continue;
    if (severity === 'hold' || severity === 'stop') {
      const looked = (): Row => looksAt.map((one) => values[one] ?? null);
      if (waives?.(problem.rule ?? '', looked()) === true) (notes ??= []).push(accepted);
      else found.push(problem);
      continue;
    }
    (notes ??= []).push(problem);
    if (severity === 'fix') values[place] = fixed(values[place] ?? '');
  }
  return notes ?? NO_NOTES;
}

/** A pattern of RE2, which takes a time that grows with the text and no faster. Null: it is none; then `onError` is told why. */
export function compilePattern(pattern: string, onError: (why: string) => void): RE2JS | null {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    onError(error instanceof Error ? error.message : String(error));
    return null;
  }
}

/** Texts by which values are compared, as {@link compareValues} does it; null of what is no such value. */
export const COMPARABLE: Readonly<Record<ComparedAs, (value: string) => string | null>> = {
  number: exactNumber,
  date: momentText,
  text: (value) => value,
};

/** Whether a rule about one value refuses this one. What is about several columns, or is no rule at all, refuses nothing. */
export function refusesValue(rule: ValidationRule, value: string): boolean {
  if ('check' in rule || 'required' in rule) return false;
  const pattern = 'matches' in rule ? rule.matches : 'rejects' in rule ? rule.rejects : '';
  return compilePattern(pattern, () => undefined) !== null && !compileValueCheck(rule)(value);
}

function fixedBy(rule: ValidationRule): (value: string) => string | null {
  if ('atMost' in rule) return (value) => firstCharacters(value, rule.atMost);
  const instead = 'required' in rule ? (rule.with ?? null) : null;
  return () => instead;
}

function compileCheck(rule: ValidationRule, place: number, placeOf: (column: string) => number): (values: Row) => boolean {
  if ('required' in rule) return (values) => (values[place] ?? null) !== null;
  if ('check' in rule) {
    const test = compileComparison(rule.check, placeOf);
    return (values) => test(values) !== false;
  }
  const test = compileValueCheck(rule);
  return (values) => {
    const value = values[place] ?? null;
    return value === null || test(value);
  };
}

/** Of one value. */
type ValueCheck = Exclude<Check, { readonly check: Comparison } | { readonly required: true }>;

function compileValueCheck(check: ValueCheck): (value: string) => boolean {
  if ('atMost' in check) {
    const { atMost } = check;
    // A character has one or two halves.
    return (value) => value.length <= atMost || (value.length <= 2 * atMost && firstCharacters(value, atMost) === value);
  }
  if ('range' in check) {
    const comparable = COMPARABLE[check.range];
    const [from, to] = [check.from, check.to].map((end) => (end === undefined ? null : comparable(end)));
    return (value) => {
      const compared = comparable(value);
      if (compared === null) return false;
      return (from == null || compareValues(compared, from, false) >= 0) && (to == null || compareValues(compared, to, false) <= 0);
    };
  }
  if ('oneOf' in check) {
    const accepted = new Set(check.oneOf);
    return (value) => accepted.has(value);
  }
  const [source, wanted] = 'matches' in check ? [check.matches, true] : [check.rejects, false];
  const pattern = compilePattern(source, (why) => wrong(`${source} is no pattern: ${why}`)) as RE2JS;
  return (value) => value.length <= MATCHED && pattern.test(value) === wanted;
}

/** Null: it cannot be said, as something is null. */
type Tested = (values: Row) => boolean | null;

export function compileComparison(comparison: Comparison, placeOf: (column: string) => number): Tested {
  if ('compare' in comparison) {
    const [left, right] = [placeOf(comparison.left), placeOf(comparison.right)];
    const comparable = COMPARABLE[comparison.compare];
    const holds = HOLDS[comparison.is];
    return (values) => {
      const [a, b] = [values[left] ?? null, values[right] ?? null];
      if (a === null || b === null) return null;
      const [first, second] = [comparable(a), comparable(b)];
      return first !== null && second !== null && holds(compareValues(first, second, false));
    };
  }
  if ('value' in comparison) {
    const place = placeOf(comparison.value);
    const accepted = new Set(comparison.in);
    return (values) => {
      const value = values[place] ?? null;
      return value === null && !accepted.has(null) ? null : accepted.has(value);
    };
  }
  if ('not' in comparison) {
    const inner = compileComparison(comparison.not, placeOf);
    return (values) => {
      const holds = inner(values);
      return holds === null ? null : !holds;
    };
  }
  const decided = 'any' in comparison;
  const inner = (decided ? comparison.any : comparison.all).map((one) => compileComparison(one, placeOf));
  return (values) => {
    let unknown = false;
    for (const test of inner) {
      const holds = test(values);
      if (holds === decided) return decided;
      unknown ||= holds === null;
    }
    return unknown ? null : !decided;
  };
}

const HOLDS: Readonly<Record<Extract<Comparison, { readonly compare: string }>['is'], (difference: number) => boolean>> = {
  '<': (difference) => difference < 0,
  '<=': (difference) => difference <= 0,
  '=': (difference) => difference === 0,
  '<>': (difference) => difference !== 0,
  '>=': (difference) => difference >= 0,
  '>': (difference) => difference > 0,
};

function reasonOf(rule: ValidationRule): string {
  if (rule.severity === 'fix') return `${'atMost' in rule ? 'cut' : 'required' in rule ? 'filled in' : 'left empty'}: ${rule.name}`;
  if ('required' in rule) return `empty: ${rule.name}`;
  if ('atMost' in rule) return `too long: ${rule.name}`;
  if ('range' in rule) return `out of range: ${rule.name}`;
  if ('oneOf' in rule) return `not among the values: ${rule.name}`;
  return 'check' in rule ? `does not hold: ${rule.name}` : `not as the pattern has it: ${rule.name}`;
}

/** At most so many code points; half of a pair that stands alone is one. */
function firstCharacters(text: string, most: number): string {
  let end = 0;
  for (let count = 0; count < most && end < text.length; count++) end += (text.codePointAt(end) as number) > 0xffff ? 2 : 1;
  return text.slice(0, end);
}
