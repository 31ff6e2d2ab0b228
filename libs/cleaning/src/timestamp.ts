import { ConversionProblem, type Converter } from '@changeover/mapping';
import { z } from 'zod';

import { defineCleaner } from './cleaner.js';
import { compileFormat, type Moment, twoDigits } from './date-format.js';
import { dateText, formats, FORMATS_DOC, momentReader, writtenMoment, ZERO_DATE, zeroDate } from './dates.js';
import { dateOf, daysSince1970, TimeZone } from './time-zone.js';

const NOT_A_TIMESTAMP = new ConversionProblem('not a timestamp');
const IN_A_GAP = new ConversionProblem('time does not exist');
const IN_AN_OVERLAP = new ConversionProblem('ambiguous time');

const DAY = 86_400;

const schema = z
  .strictObject({
    formats,
    zone: z
      .string()
      .refine((name) => zoneNamed(name) !== null, 'is not a time zone')
      .optional()
      .describe(
        'The time zone (IANA, such as Europe/Berlin) of what is written without an offset. With it the result is UTC; without it, the time as written.',
      ),
    gap: z
      .enum(['later', 'earlier', 'problem'])
      .default('later')
      .describe('A time that clocks leave out in spring: moved on by what they skip, moved back by it, or a problem.'),
    overlap: z
      .enum(['earlier', 'later', 'problem'])
      .default('earlier')
      .describe('A time that clocks show twice in autumn: the first one, the second one, or a problem.'),
    zeroDate,
  })
  .superRefine((options, context) => {
    if (options.zone !== undefined) return;
    const offsets = options.formats.map((format) => offsetIn(format));
    if (offsets.includes(true) && offsets.includes(false)) {
      context.addIssue({ code: 'custom', path: ['zone'], message: 'is needed, for only some of the formats have an offset' });
    }
  });

export const timestamp = defineCleaner({
  name: 'timestamp',
  version: 1,
  doc: `A day and a time of day, written in one of the declared formats, as PostgreSQL prints it: in UTC with \`+00\` where a zone is declared or the format has an offset, else as written. A format without a time of day means midnight. Of a fraction, what is finer than a microsecond is cut off. ${FORMATS_DOC}`,
  problems: [NOT_A_TIMESTAMP.reason, ZERO_DATE.reason, IN_A_GAP.reason, IN_AN_OVERLAP.reason],
  options: schema,
  examples: [
    { options: { formats: ['MM/DD/YYYY HH:mm'] }, from: '07/04/2019 18:30', to: '2019-07-04 18:30:00' },
    { options: { formats: ['M/D/YYYY h:mm A'] }, from: '7/4/2019 6:30 pm', to: '2019-07-04 18:30:00' },
    { options: { formats: ['M/D/YYYY h:mm A'] }, from: '7/4/2019 12:05 AM', to: '2019-07-04 00:05:00' },
    { options: { formats: ['M/D/YYYY h:mm A'] }, from: '7/4/2019 12:05 PM', to: '2019-07-04 12:05:00' },
    { options: { formats: ['YYYY-MM-DD HH:mm:ss'], zone: 'Europe/Berlin' }, from: '2019-07-04 18:30:00', to: '2019-07-04 16:30:00+00' },
    { options: { formats: ['YYYY-MM-DD'], zone: 'Europe/Berlin' }, from: '2019-01-01', to: '2018-12-31 23:00:00+00' },
    { options: { formats: ['YYYY-MM-DDTHH:mm:ss.SZ'] }, from: '2019-07-04T18:30:00.250+02:00', to: '2019-07-04 16:30:00.25+00' },
    { options: { formats: ['YYYY-MM-DD HH:mm'], zone: 'Europe/Berlin' }, from: '2019-03-31 02:30', to: '2019-03-31 01:30:00+00' },
    { options: { formats: ['YYYY-MM-DD HH:mm'], zone: 'Europe/Berlin' }, from: '2019-10-27 02:30', to: '2019-10-27 00:30:00+00' },
    { options: { formats: ['YYYY-MM-DD HH:mm:ss'], zeroDate: 'null' }, from: '0000-00-00 00:00:00', to: null },
    {
      options: { formats: ['YYYY-MM-DD HH:mm'], zone: 'Europe/Berlin', gap: 'problem' },
      from: '2019-03-31 02:30',
      problem: 'time does not exist',
    },
    {
      options: { formats: ['YYYY-MM-DD HH:mm'], zone: 'Europe/Berlin', overlap: 'problem' },
      from: '2019-10-27 02:30',
      problem: 'ambiguous time',
    },
    { options: { formats: ['YYYY-MM-DD HH:mm:ss'] }, from: '0000-00-00 00:00:00', problem: 'zero date' },
    { options: { formats: ['YYYY-MM-DD HH:mm'] }, from: '2019-07-04 24:30', problem: 'not a timestamp' },
  ],
  inverse: (options) => {
    const convert = reader(options);
    const zone = options.zone === undefined ? null : zoneNamed(options.zone);
    return {
      kind: 'kept',
      reason: 'the format, the offset, and what is finer than a microsecond',
      write: (value) => {
        const instant = readTimestamp(value);
        if (instant === null) return NOT_A_TIMESTAMP;
        const local = zone === null ? instant.second : zone.localOf(instant.second, dateOf(Math.floor(instant.second / DAY)).year);
        return writtenMoment(
          { ...options, convert, otherwise: NOT_A_TIMESTAMP },
          ({ hasOffset }) => momentOf(hasOffset ? instant.second : local, instant.fraction),
          value,
        );
      },
    };
  },
  convert: reader,
});

function reader(options: z.output<typeof schema>): Converter {
  const read = momentReader({ ...options, unreadable: NOT_A_TIMESTAMP });
  const zone = options.zone === undefined ? null : zoneNamed(options.zone);
  return (text) => {
    const moment = read(text);
    if (moment === null || moment instanceof ConversionProblem) return moment;
    const { year, month, day, secondOfDay, fraction, offset } = moment;
    if (offset === null && zone === null) return timestampText(moment, secondOfDay, fraction, '');
    const local = daysSince1970(year, month, day) * DAY + secondOfDay;
    if (offset !== null || zone === null) return instantText(local - (offset ?? 0), fraction);
    const instant = zone.instantOf(local, year, options);
    if (instant === 'gap') return IN_A_GAP;
    return instant === 'overlap' ? IN_AN_OVERLAP : instantText(instant, fraction);
  };
}

/** As PostgreSQL prints one. */
const PRINTED =
  /^(?<year>\d{4,6})-(?<month>\d{2})-(?<day>\d{2}) (?<hour>\d{2}):(?<minute>\d{2}):(?<second>\d{2})(?:\.(?<fraction>\d{1,6}))?(?:\+00)?(?<era> BC)?$/u;

function readTimestamp(value: string): { readonly second: number; readonly fraction: string } | null {
  const { year, month, day, hour, minute, second, fraction = '', era } = PRINTED.exec(value)?.groups ?? {};
  if (year === undefined) return null;
  const days = daysSince1970(era === undefined ? Number(year) : 1 - Number(year), Number(month), Number(day));
  return { second: days * DAY + Number(hour) * 3600 + Number(minute) * 60 + Number(second), fraction };
}

function momentOf(second: number, fraction: string): Moment {
  const days = Math.floor(second / DAY);
  return { ...dateOf(days), secondOfDay: second - days * DAY, fraction, offset: 0 };
}

function zoneNamed(name: string): TimeZone | null {
  try {
    return new TimeZone(name);
  } catch {
    return null;
  }
}

/** False too for what is no format: that has an issue of its own. */
function offsetIn(format: string): boolean {
  const compiled = compileFormat(format);
  return typeof compiled !== 'string' && compiled.hasOffset;
}

function instantText(second: number, fraction: string): string {
  const days = Math.floor(second / DAY);
  return timestampText(dateOf(days), second - days * DAY, fraction, '+00');
}

function timestampText(
  { year, month, day }: Pick<Moment, 'year' | 'month' | 'day'>,
  secondOfDay: number,
  fraction: string,
  offset: string,
): string {
  const digits = fraction === '' ? '' : fraction.slice(0, 6).replace(/0+$/u, '');
  const time = `${twoDigits(Math.floor(secondOfDay / 3600))}:${twoDigits(Math.floor(secondOfDay / 60) % 60)}:${twoDigits(secondOfDay % 60)}`;
  return `${dateText(year, month, day)} ${time}${digits === '' ? '' : `.${digits}`}${offset}${year > 0 ? '' : ' BC'}`;
}
