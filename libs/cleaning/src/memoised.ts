import { type Converter } from '@changeover/mapping';

/** Results kept in each of two generations. */
const KEPT = 4096;
/** A longer text is seldom seen twice, and would cost more to keep than to convert. */
const LONGEST = 64;

/**
 * Remembers what came out for texts seen lately. When one generation is full the one before it is forgotten: bounded, and
 * cheaper than to keep an order of use.
 */
export function memoised(convert: Converter): Converter {
  let young = new Map<string, ReturnType<Converter>>();
  let old = young;
  return (text) => {
    if (text.length > LONGEST) return convert(text);
    let result = young.get(text);
    if (result !== undefined) return result;
    result = old.get(text);
    if (result === undefined) result = convert(text);
    if (young.size === KEPT) {
      old = young;
      young = new Map();
    }
    young.set(ownCopy(text), result);
    return result;
  };
}

/** A text that was cut out of a longer one keeps all of that in memory. UTF-16, for not every text is valid as UTF-8. */
function ownCopy(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le');
}
