import { ConversionProblem, type Converter } from '../compiled-rule.js';
import type { Json } from '../rule.js';

/**
 * Whether the source's text can be had back from what a converter gave.
 * - `exact`: `write` gives back each text that the converter takes, but for those that became null.
 * - `kept`: several texts become the same value, and `reason` says in what they differ; `write` gives one of them, so what the source had has to
 *   be kept beside the value.
 * - `lossy`: there is nothing to write, for the reason given.
 *
 * What `write` gives becomes the value again. Of a value that the converter never gives it says that it cannot be written, or gives any text.
 */
export type Inverse =
  | { readonly kind: 'exact'; readonly write: Converter }
  | {
      readonly kind: 'kept';
      readonly reason: string;
      readonly write: Converter;
      /** What any other converter writes becomes itself: so it takes nothing from those that are applied to what it gave. */
      readonly leavesWritten?: boolean;
    }
  | { readonly kind: 'lossy'; readonly reason: string };

/** The inverses of converters, by name, with the options that make them. */
export type Inverses = Readonly<Record<string, (options: Json | undefined) => Inverse>>;

const NOTHING_TO_WRITE = new ConversionProblem('nothing can be written for it');

/**
 * What the source has to hold for the target to have `value`: what it holds already (`before`), if that becomes the value, else one text that does.
 * A problem where there is none; null stands for null.
 */
export function putBack(
  { convert, inverse }: { readonly convert: Converter; readonly inverse: Inverse },
  value: string | null,
  before: string | null,
): string | null | ConversionProblem {
  if ((before === null ? null : convert(before)) === value) return before;
  if (value === null) return null;
  if (inverse.kind === 'lossy') return NOTHING_TO_WRITE;
  const written = inverse.write(value);
  return typeof written === 'string' && convert(written) !== value ? NOTHING_TO_WRITE : written;
}
