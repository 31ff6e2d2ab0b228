import fc from 'fast-check';

import { compileFormat, type DateFormat } from './date-format.js';

function formatOf(format: string): DateFormat {
  const compiled = compileFormat(format);
  if (typeof compiled === 'string') throw new Error(compiled);
  return compiled;
}

test('a format of nothing but digits at their places reads what its pattern reads', () => {
  const counts = { read: 0, zero: 0, none: 0 };
  const year = fc.constantFrom('YYYY', 'YY');
  const mark = fc.constantFrom('-', '/', '.', ' ', ':', 'T', '');
  const time = fc.constantFrom([], ['HH'], ['HH', 'mm'], ['HH', 'mm', 'ss']);
  const slip = fc.option(fc.tuple(fc.nat(20), fc.constantFrom('0', '9', '٣', 't', ' ', '', '00', '\u{1f600}')), { nil: null });
  fc.assert(
    fc.property(
      ...[year, fc.boolean(), fc.array(mark, { minLength: 6, maxLength: 6 }), time],
      ...[fc.constantFrom(0, 1, 70, 1900, 2000, 2023, 2024), fc.nat(13), fc.nat(32), fc.nat(24), fc.nat(60), fc.nat(60), slip],
      (years, isDayFirst, marks, times, y, month, day, hour, minute, second, slipped) => {
        const parts = [...(isDayFirst ? ['DD', 'MM', years] : [years, 'MM', 'DD']), ...times];
        const format = parts.map((part, index) => part + (index + 1 < parts.length ? (marks[index] ?? '') : '')).join('');
        const said: Readonly<Record<string, number>> = { YYYY: y, YY: y % 100, MM: month, DD: day, HH: hour, mm: minute, ss: second };
        const written = format.replace(/YYYY|YY|MM|DD|HH|mm|ss/gu, (part) => String(said[part]).padStart(part.length, '0'));
        const [at, by] = slipped ?? [written.length + 1, ''];
        const text = at > written.length ? written : written.slice(0, at) + by + written.slice(at + 1);
        const read = formatOf(format).read(text);
        // With a text of its own, though an empty one, it is read by its pattern.
        expect([format, text, read]).toEqual([format, text, formatOf(`${format}[]`).read(text)]);
        counts[read === null ? 'none' : read === 'zero' ? 'zero' : 'read'] += 1;
      },
    ),
    { numRuns: 20_000 },
  );
  console.log(`dates by places and by pattern: ${JSON.stringify(counts)}`);
  expect(counts.read).toBeGreaterThan(1000);
  expect(counts.none).toBeGreaterThan(1000);
  expect(counts.zero).toBeGreaterThan(0);
}, 120_000);
