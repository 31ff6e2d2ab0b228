import { type Converter } from '@changeover/mapping';

/** Places for results: few at first, as most converters see few texts. Powers of two. */
const [FEWEST, MOST] = [256, 8192];
/** A longer text is seldom seen twice, and would cost more to keep than to convert. */
const LONGEST = 64;

/**
 * Remembers what came out for texts seen lately: each has one place, by its hash, which it shares with others. Only what comes a second time is kept, so
 * that texts that are all different cost next to nothing.
 */
export function memoised(convert: Converter): Converter {
  let kept = new Array<Kept | null>(FEWEST).fill(null);
  let taken = 0;
  /** Hashes of texts that came. */
  const seen = new Int32Array(MOST);
  const grow = (): void => {
    const before = kept;
    kept = new Array<Kept | null>(2 * before.length).fill(null);
    for (const one of before) if (one !== null) kept[hashOf(one.text) & (kept.length - 1)] = one;
  };
  return (text) => {
    if (text.length > LONGEST) return convert(text);
    const hash = hashOf(text);
    const place = hash & (kept.length - 1);
    const known = kept[place] as Kept | null;
    if (known?.text === text) return known.result;
    const result = convert(text);
    if (seen[hash & (MOST - 1)] !== hash) {
      seen[hash & (MOST - 1)] = hash;
      return result;
    }
    kept[place] = { text: ownCopy(text), result };
    if (known === null) taken++;
    if (2 * taken > kept.length && kept.length < MOST) grow();
    return result;
  };
}

type Kept = { readonly text: string; readonly result: ReturnType<Converter> };

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
