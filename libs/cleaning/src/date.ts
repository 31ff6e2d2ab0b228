import { ConversionProblem, type Converter } from '@changeover/mapping';
import { z } from 'zod';

import { defineCleaner } from './cleaner.js';
import { dateText, formats, FORMATS_DOC, momentReader, writtenMoment, ZERO_DATE, zeroDate } from './dates.js';

const WRITTEN = /^(?<year>\d{4})-(?<month>\d{2})-(?<day>\d{2})$/u;

const NOT_A_DATE = new ConversionProblem('not a date');

const schema = z.strictObject({ formats, zeroDate });

export const date = defineCleaner({
  name: 'date',
  version: 1,
  doc: `A day, written in one of the declared formats, as \`YYYY-MM-DD\`. A format may have a time of day, which is left out. ${FORMATS_DOC}`,
  problems: [NOT_A_DATE.reason, ZERO_DATE.reason],
  options: schema,
  examples: [
    { options: { formats: ['DD.MM.YYYY'] }, from: '24.12.2019', to: '2019-12-24' },
    { options: { formats: ['MM/DD/YYYY', 'DD/MM/YYYY'] }, from: '03/04/2019', to: '2019-03-04' },
    { options: { formats: ['MM/DD/YYYY', 'DD/MM/YYYY'] }, from: '24/12/2019', to: '2019-12-24' },
    { options: { formats: ['D MMM YY'] }, from: '2 Jan 98', to: '1998-01-02' },
    { options: { formats: ['YYYY-MM-DD HH:mm:ss'] }, from: '2019-12-24 18:30:00', to: '2019-12-24' },
    { options: { formats: ['YYYY-MM-DD'], zeroDate: 'null' }, from: '0000-00-00', to: null },
    { options: { formats: ['YYYY-MM-DD'] }, from: '', to: null },
    { options: { formats: ['YYYY-MM-DD'] }, from: '0000-00-00', problem: 'zero date' },
    { options: { formats: ['YYYY-MM-DD'] }, from: '2019-02-29', problem: 'not a date' },
  ],
  inverse: (options) => ({
    kind: 'kept',
    reason: 'the format, and a time of day',
    write: (value) => {
      const { year, month, day } = WRITTEN.exec(value)?.groups ?? {};
      const moment = { year: Number(year), month: Number(month), day: Number(day), secondOfDay: 0, fraction: '', offset: 0 };
      if (year === undefined) return NOT_A_DATE;
      return writtenMoment({ ...options, convert: convert(options), otherwise: NOT_A_DATE }, () => moment, value);
    },
  }),
  convert,
});

function convert(options: z.output<typeof schema>): Converter {
  const read = momentReader({ ...options, unreadable: NOT_A_DATE });
  return (text) => {
    const moment = read(text);
    if (moment === null || moment instanceof ConversionProblem) return moment;
    return dateText(moment.year, moment.month, moment.day);
  };
}
