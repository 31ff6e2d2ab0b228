import { ChangeoverError } from '@changeover/core';

import { customFunction, customInverse } from '../custom/custom-function.js';
import { functionProblems } from '../custom/function-problems.js';
import { expressionOf, unchecked, type AnyValue, type Converted, type Invalid, type RowOf, type Value } from './value.js';

type Words = readonly (string | null)[];

/** A function of values, as those of this library are. */
export type CustomFunction<Given extends Words, Result extends string | null, I extends Invalid> = <
  const Values extends { readonly [Place in keyof Given]: Value<Given[Place], unknown> } & readonly AnyValue[],
>(
  ...values: Values
) => Converted<Result, RowOf<Values[number]>, I>;

/**
 * A function of your own, for what no other expresses: pure, of texts and nulls as the rows have them. It is kept as its text, so it must need nothing from around it: no import, no constant of
 * the file, no clock. One that throws, or gives something else than a text or null, holds the row.
 *
 * MAPPING_INVALID where an example comes out differently, or the inverse of what came of one does not become the same.
 */
export function custom<Given extends Words, Result extends string | null, const I extends Invalid = 'held'>(options: {
  /** What people call it: in reasons, explanations and checks. */
  readonly name: string;
  readonly fn: (...values: Given) => Result;
  /** A list of what the values were that this result came of, or that it would come of as well. */
  readonly inverse?: (result: NoInfer<Result>) => readonly [...NoInfer<Given>];
  /** Values, and what must come of them; they are tried whenever the mapping is loaded. An inverse that gives back the values of all of them counts as exact. */
  readonly examples?: readonly (readonly [values: NoInfer<Given>, result: NoInfer<Result>])[];
  readonly invalid?: I;
}): CustomFunction<Given, Result, I> {
  const { name, examples = [], invalid } = options;
  const fn = textOf(options.fn);
  const inverse = options.inverse === undefined ? undefined : textOf(options.inverse);
  // Of a text that is no such function the mapping as a whole is told.
  const isWritten = [fn, inverse].every((text) => text === undefined || functionProblems(text).length === 0);
  const exact = isWritten && tried(name, { fn, inverse, examples });
  return (...values) => {
    const inputs = values.map(expressionOf);
    const inverted = inverse !== undefined && { inverse: { fn: inverse, exact } };
    const value: AnyValue = unchecked({ custom: name, fn, inputs, invalid: invalid ?? 'held', ...inverted });
    return value as never;
  };
}

type AnyFunction = (...values: readonly never[]) => unknown;
type Tried = {
  readonly fn: string;
  readonly inverse: string | undefined;
  readonly examples: readonly (readonly [values: Words, result: string | null])[];
};

/** Whether the inverse gives back the values of every example, and there is one. */
function tried(name: string, { fn, inverse, examples }: Tried): boolean {
  const given = customFunction({ custom: name, fn });
  let exact = examples.length > 0;
  for (const [index, [values, result]] of examples.entries()) {
    const wrong = (what: string): never => {
      throw new ChangeoverError('MAPPING_INVALID', `the custom function ${name}, example ${String(index + 1)}: ${what}`);
    };
    const came = given(values);
    if (came !== result)
      wrong(
        `${came === null || typeof came === 'string' ? `it gives ${JSON.stringify(came)}` : came.reason}, not ${JSON.stringify(result)}`,
      );
    if (inverse === undefined) continue;
    const back = customInverse({ inputs: values.map(() => ({ constant: null })), inverse: { fn: inverse, exact } })(result);
    if (back === null) return wrong(`the inverse gives no list of ${String(values.length)} values`);
    if (given(back) !== result) wrong(`the inverse gives ${JSON.stringify(back)}, of which that does not come`);
    exact &&= back.every((value, place) => value === values[place]);
  }
  return exact;
}

/** As an expression: the text of a method is none. */
function textOf(fn: AnyFunction): string {
  const text = Function.prototype.toString.call(fn);
  return /^(?!(?:function|async)\b)[\w$]+\s*\(/u.test(text) ? `function ${text}` : text;
}
