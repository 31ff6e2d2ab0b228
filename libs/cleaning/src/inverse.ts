import { ConversionProblem, type Converter } from '@changeover/mapping';

import { type Inverse } from './cleaner.js';

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
