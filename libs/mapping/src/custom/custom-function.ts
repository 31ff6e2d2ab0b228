import { ConversionProblem } from '../compiled-rule.js';
import type { Expression } from '../rule.js';
import { pureFunction } from './pure-realm.js';

export type CustomExpression = Extract<Expression, { readonly custom: string }>;

/** Of its inputs, in their order. A pure function; a problem where it has no answer. */
export type CustomFunction = (values: readonly (string | null)[]) => string | null | ConversionProblem;

/** As of what is made of many rows: no column of a CRM needs more, and it stands in memory. */
const MOST_CHARACTERS = 1_000_000;

/** The text must have no {@link functionProblems}. A function that throws, or gives no text that a database could keep, never stops more than its row. */
export function customFunction({ custom: name, fn }: Pick<CustomExpression, 'custom' | 'fn'>): CustomFunction {
  const made = pureFunction(fn);
  // What it threw may hold what it was given: nobody is told.
  const failed = new ConversionProblem(`the function ${name} failed`);
  const noText = new ConversionProblem(`the function ${name} gave no text`);
  const tooLong = new ConversionProblem(`the function ${name} gave more than a million characters`);
  const notStorable = new ConversionProblem(`the function ${name} gave a character that no database can keep`);
  return (values) => {
    let value: unknown;
    try {
      value = made(...values);
    } catch {
      return failed;
    }
    if (value === null) return null;
    if (typeof value !== 'string') return noText;
    if (value.length > MOST_CHARACTERS) return tooLong;
    return value.includes('\0') || !value.isWellFormed() ? notStorable : value;
  };
}

/** What its inputs have to be for it to give this value, as far as its inverse says so; null: nobody knows. */
export function customInverse({
  inputs,
  inverse,
}: Pick<CustomExpression, 'inputs' | 'inverse'>): (value: string | null) => readonly (string | null)[] | null {
  if (inverse === undefined) return () => null;
  const made = pureFunction(inverse.fn);
  return (value) => {
    try {
      const given = made(value);
      // An array of the realm is an array, too. What is in it is looked at once.
      const values = Array.isArray(given) && given.length === inputs.length ? Array.from(given as unknown[]) : null;
      return values?.every(isText) === true ? values : null;
    } catch {
      return null;
    }
  };
}

function isText(value: unknown): value is string | null {
  return value === null || (typeof value === 'string' && !value.includes('\0') && value.isWellFormed());
}
