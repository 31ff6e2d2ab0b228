import { type Converter } from '@changeover/mapping';

/** Results kept at most: a power of two. */
const KEPT = 8192;
/** A longer text is seldom seen twice, and would cost more to keep than to convert. */
const LONGEST = 64;

/**
 * Remembers what came out for texts seen lately: each has one place, by its hash, which it shares with others. Only what comes a second time is kept, so
 * that texts that are all different cost next to nothing.
 */
export function memoised(convert: Converter): Converter {
  const texts = new Array<string | undefined>(KEPT).fill(undefined);
  const results = new Array<ReturnType<Converter>>(KEPT).fill(null);
  const seen = new Int32Array(KEPT);
  return (text) => {
    if (text.length > LONGEST) return convert(text);
    const hash = hashOf(text);
    const place = hash & (KEPT - 1);
    if (texts[place] === text) return results[place] as ReturnType<Converter>;
    const result = convert(text);
    if (seen[place] === hash) {
      texts[place] = ownCopy(text);
      results[place] = result;
    }
    seen[place] = hash;
    return result;
  };
}

/** Not 0, which no text was seen with. */
function hashOf(text: string): number {
  let hash = text.length;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x0100_0193);
  return (hash ^ (hash >>> 15)) | 0x4000_0000;
}

/** A text that was cut out of a longer one keeps all of that in memory. UTF-16, for not every text is valid as UTF-8. */
function ownCopy(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le');
}
