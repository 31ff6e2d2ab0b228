import { ConversionProblem, type Converter } from '@changeover/mapping';
import { z } from 'zod';

import { compileFormat, type DateFormat, type Moment, twoDigits } from './date-format.js';
import { trimmed } from './white-space.js';

export const ZERO_DATE = new ConversionProblem('zero date');

/** Longer than any date. */
const LONGEST = 100;

export const FORMATS_DOC =
  'Formats are made of YYYY, YY (70 to 99 are of the last century), MM, M, MMM (Jan), MMMM (January), DD, D, HH, H, hh, h, mm, ss, S (1 to 9 digits), A (am, pm) and Z (Z, +02, +0200, +02:00); other letters but T stand in [brackets]. The first format that fits decides. White space at both ends does not count, blank text gives null.';

export const formats = z
  .array(
    z.string().superRefine((format, context) => {
      const compiled = compileFormat(format);
      if (typeof compiled === 'string') context.addIssue({ code: 'custom', message: compiled });
    }),
  )
  .min(1)
  .describe('The formats that dates are written in. Where a text fits several, the first of them decides.');

export const zeroDate = z
  .enum(['null', 'problem'])
  .default('problem')
  .describe('What MySQL’s zero date (`0000-00-00`, in any of the formats) is: null, or a problem.');

/** What a text says by the first format that it fits. */
export function momentReader({
  formats: declared,
  zeroDate: zero,
  unreadable,
}: {
  readonly formats: readonly string[];
  readonly zeroDate: 'null' | 'problem';
  readonly unreadable: ConversionProblem;
}): (text: string) => Moment | null | ConversionProblem {
  const compiled = compiledFormats(declared);
  return (text) => {
    if (text.length > LONGEST) return unreadable;
    const written = trimmed(text);
    if (written === '') return null;
    for (const format of compiled) {
      const moment = format.read(written);
      if (moment === 'zero') return zero === 'null' ? null : ZERO_DATE;
      if (moment !== null) return moment;
    }
    return unreadable;
  };
}

/**
 * A moment in the first format that is read as `value` again: some have no place for all of it, two digits of a year may mean another one, and an
 * earlier format may read it in another way.
 */
export function writtenMoment(
  {
    formats: declared,
    convert,
    otherwise,
  }: { readonly formats: readonly string[]; readonly convert: Converter; readonly otherwise: ConversionProblem },
  moment: (format: DateFormat) => Moment,
  value: string,
): string | ConversionProblem {
  for (const format of compiledFormats(declared)) {
    const text = format.write(moment(format));
    if (convert(text) === value) return text;
  }
  return otherwise;
}

function compiledFormats(declared: readonly string[]): readonly DateFormat[] {
  return declared.map(compileFormat).filter((format): format is DateFormat => typeof format !== 'string');
}

/** As PostgreSQL writes it, without the ` BC` that stands behind all else. */
export function dateText(year: number, month: number, day: number): string {
  return `${String(year > 0 ? year : 1 - year).padStart(4, '0')}-${twoDigits(month)}-${twoDigits(day)}`;
}
