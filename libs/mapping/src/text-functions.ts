import { ConversionProblem, type Converter } from './compiled-rule.js';
import { isJson, NOT_JSON } from './json-field.js';

const NOT_AN_INTEGER = new ConversionProblem('not an integer');
const OUT_OF_RANGE = new ConversionProblem('out of range');
const NOT_A_NUMBER = new ConversionProblem('not a number');
const NOT_A_BOOLEAN = new ConversionProblem('not a boolean');
const NO_SUCH_KEY = new ConversionProblem('the key of no row');
const SEVERAL_PARTS = new ConversionProblem('more than one part');

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

/** The key that becomes this one. */
export function integerKeyBack(stride: number, offset: number): Converter {
  const [times, plus] = [BigInt(stride), BigInt(offset)];
  return (text) => {
    if (!INTEGER.test(text)) return NOT_AN_INTEGER;
    const product = BigInt(text) - plus;
    return product % times === 0n ? String(product / times) : NO_SUCH_KEY;
  };
}

/** The part with this number of what `separator` divides: from 1, or from -1 at the end; null where there are fewer. */
export function splitPart(separator: string, part: number): Converter {
  return (text) => text.split(separator).at(part > 0 ? part - 1 : part) ?? null;
}

/** The text in which this part is `value`, with the others as they are in `before`; parts that are missing between them are empty. A problem where the value has the separator in it. */
export function splitPartBack(
  separator: string,
  part: number,
  value: string | null,
  before: string | null,
): string | null | ConversionProblem {
  if (value?.includes(separator) === true) return SEVERAL_PARTS;
  const parts = before?.split(separator) ?? [];
  // From the end it is the same, turned round.
  const ordered = part > 0 ? parts : parts.toReversed();
  const place = Math.abs(part) - 1;
  const changed = value === null ? ordered.slice(0, place) : [...ordered];
  if (value !== null) {
    while (changed.length < place) changed.push('');
    changed[place] = value;
  }
  if (changed.length === 0) return null;
  return (part > 0 ? changed : changed.toReversed()).join(separator);
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

/** The text that JSON has this for. */
export function jsonValueBack(type: 'number' | 'boolean' | 'any'): Converter {
  return type === 'boolean' ? (text) => (text === 'true' ? 't' : text === 'false' ? 'f' : NOT_A_BOOLEAN) : (text) => text;
}
