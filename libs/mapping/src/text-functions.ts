import { ConversionProblem, type Converter } from './compiled-rule.js';
import { isJson, NOT_JSON } from './json-field.js';

const NOT_AN_INTEGER = new ConversionProblem('not an integer');
const OUT_OF_RANGE = new ConversionProblem('out of range');
const NOT_A_NUMBER = new ConversionProblem('not a number');
const NOT_A_BOOLEAN = new ConversionProblem('not a boolean');

/** As PostgreSQL prints integers of any size that has a `bigint` near it. */
const INTEGER = /^-?\d{1,20}$/u;
const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?$/iu;

/** A key times `stride` plus `offset`: what `bigint` holds. */
export function integerKey(stride: number, offset: number): Converter {
  const [times, plus] = [BigInt(stride), BigInt(offset)];
  return (text) => {
    if (!INTEGER.test(text)) return NOT_AN_INTEGER;
    const key = BigInt(text) * times + plus;
    return BigInt.asIntN(64, key) === key ? String(key) : OUT_OF_RANGE;
  };
}

/** The part with this number of what `separator` divides: from 1, or from -1 at the end; null where there are fewer. */
export function splitPart(separator: string, part: number): Converter {
  return (text) => text.split(separator).at(part > 0 ? part - 1 : part) ?? null;
}

/** What JSON has for this text. */
export function jsonValue(type: 'number' | 'boolean' | 'any'): Converter {
  switch (type) {
    case 'number':
      return (text) => (JSON_NUMBER.test(text) ? text : NOT_A_NUMBER);
    case 'boolean':
      return (text) => (text === 't' ? 'true' : text === 'f' ? 'false' : NOT_A_BOOLEAN);
    case 'any':
      return (text) => (isJson(text) ? text : NOT_JSON);
  }
}
