import { type Converter } from '@changeover/mapping';
import { z } from 'zod';

/**
 * What stands between a text and what its own row says about it: its country, its currency. ASCII's unit separator, which is there for this. The
 * mapping puts the two together (`conversions.ts`), so that a converter needs no second input.
 */
export const BESIDE = '\u001f';

export function follows(what: string): z.ZodDefault<z.ZodBoolean> {
  return z
    .boolean()
    .default(false)
    .describe(
      `Whether each text says its ${what} itself, behind a unit separator (U+001F). \`${what}From\` in a mapping file writes it so.`,
    );
}

/** `reader` makes a converter for what stands beside a text. One is made for each that turns up, up to `kept` of them. */
export function besides(reader: (beside: string) => Converter, kept: number): Converter {
  const made = new Map<string, Converter>();
  return (text) => {
    const end = text.lastIndexOf(BESIDE);
    const beside = end === -1 ? '' : text.slice(end + BESIDE.length);
    let convert = made.get(beside);
    if (convert === undefined) {
      convert = reader(beside);
      if (made.size < kept) made.set(beside, convert);
    }
    return convert(end === -1 ? text : text.slice(0, end));
  };
}
