import { DateTime, FixedOffsetZone } from 'luxon';

import { dateOf, daysSince1970, TimeZone } from './time-zone.js';
import { timestamp } from './timestamp.js';

const ZONES = [
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Africa/Casablanca',
  'Pacific/Apia',
  'America/Sao_Paulo',
  'Asia/Kathmandu',
];
const FORMAT = { formats: ['YYYY-MM-DD HH:mm:ss'] };
const HOUR = 3600;

/** Instants around each change of the clocks, found by luxon, and some of each year without one. */
function edges(zone: string): readonly number[] {
  const found: number[] = [];
  const offsetAt = (second: number): number => DateTime.fromSeconds(second, { zone }).offset;
  for (let day = daysSince1970(1900, 1, 1); day < daysSince1970(2060, 1, 1); day += 7) {
    const from = day * 86_400;
    if (offsetAt(from) !== offsetAt(from + 7 * 86_400)) {
      let [low, high] = [from, from + 7 * 86_400];
      const before = offsetAt(from);
      while (high - low > 1) {
        const middle = Math.floor((low + high) / 2);
        if (offsetAt(middle) === before) low = middle;
        else high = middle;
      }
      for (const beside of [-25 * HOUR, -2 * HOUR, -HOUR, -1800, -1, 0, 1, 1800, HOUR, 2 * HOUR, 25 * HOUR]) found.push(high + beside);
    } else if (day % 10 === 0) found.push(from + 12_345);
  }
  return found;
}

test.each(ZONES)('%s around each change of its clocks, as luxon has it', (zone) => {
  const earlier = timestamp.make({ ...FORMAT, zone, overlap: 'earlier', gap: 'problem' });
  const later = timestamp.make({ ...FORMAT, zone, overlap: 'later', gap: 'problem' });
  const counts = { plain: 0, twice: 0 };
  for (const second of edges(zone)) {
    const instant = DateTime.fromSeconds(second, { zone });
    // Whether the same clock time comes again within a day is seen at the offsets around it.
    const local = instant.toFormat('yyyy-MM-dd HH:mm:ss');
    const same = [-24, 24]
      .map((hours) => instant.plus({ seconds: hours * HOUR }).offset)
      .flatMap((offset) => {
        const other = DateTime.fromFormat(local, 'yyyy-MM-dd HH:mm:ss', { zone: FixedOffsetZone.instance(offset) }).setZone(zone);
        return other.toFormat('yyyy-MM-dd HH:mm:ss') === local ? [other.toSeconds()] : [];
      });
    const all = [...new Set([second, ...same])].sort((a, b) => a - b);
    counts[all.length === 1 ? 'plain' : 'twice'] += 1;
    expect([local, earlier(local), later(local)]).toEqual([local, utc(all[0] as number), utc(all.at(-1) as number)]);
  }
  console.log(`${zone}: ${String(counts.plain)} times, ${String(counts.twice)} that clocks show twice`);
  expect(counts.plain).toBeGreaterThan(100);
});

describe('a time that clocks leave out', () => {
  test.each([
    ['Europe/Berlin', '2024-03-31 02:30:00', '2024-03-31 01:30:00+00', '2024-03-31 00:30:00+00'],
    ['America/New_York', '2024-03-10 02:00:00', '2024-03-10 07:00:00+00', '2024-03-10 06:00:00+00'],
    ['Australia/Lord_Howe', '2023-10-01 02:15:00', '2023-09-30 15:45:00+00', '2023-09-30 15:15:00+00'],
    ['America/Sao_Paulo', '2018-11-04 00:30:00', '2018-11-04 03:30:00+00', '2018-11-04 02:30:00+00'],
    // A whole day that Samoa left out.
    ['Pacific/Apia', '2011-12-30 12:00:00', '2011-12-30 22:00:00+00', '2011-12-29 22:00:00+00'],
  ])('%s %s', (zone, local, later, earlier) => {
    expect(timestamp.make({ ...FORMAT, zone, gap: 'later' })(local)).toBe(later);
    expect(timestamp.make({ ...FORMAT, zone, gap: 'earlier' })(local)).toBe(earlier);
    expect(timestamp.make({ ...FORMAT, zone, gap: 'problem' })(local)).toEqual({ reason: 'time does not exist' });
    expect(timestamp.make({ ...FORMAT, zone, overlap: 'problem', gap: 'later' })(local)).toBe(later);
  });
});

test.each([
  ['0001-01-01 00:00:00', 'Europe/Berlin', '0001-12-31 23:06:32+00 BC'],
  ['1890-01-01 00:00:00', 'Europe/Berlin', '1889-12-31 23:06:32+00'],
  ['9999-12-31 23:59:59', 'America/New_York', '10000-01-01 04:59:59+00'],
  ['9999-07-01 00:00:00', 'Europe/Berlin', '9999-06-30 22:00:00+00'],
  ['2024-02-29 00:00:00', 'UTC', '2024-02-29 00:00:00+00'],
])('%s in %s is %s', (local, zone, result) => {
  expect(timestamp.make({ ...FORMAT, zone })(local)).toBe(result);
});

test('the calendar, each day of two cycles', () => {
  const first = daysSince1970(1600, 1, 1);
  const wrong: number[] = [];
  for (let day = first; day < first + 2 * 146_097; day++) {
    const { year, month, day: ofMonth } = dateOf(day);
    const js = new Date(day * 86_400_000);
    if (year !== js.getUTCFullYear() || month !== js.getUTCMonth() + 1 || ofMonth !== js.getUTCDate()) wrong.push(day);
    if (daysSince1970(year, month, ofMonth) !== day) wrong.push(day);
  }
  expect(wrong).toEqual([]);
});

test('a zone that does not exist throws', () => {
  expect(() => new TimeZone('Europe/Nowhere')).toThrow(RangeError);
});

function utc(second: number): string {
  return `${DateTime.fromSeconds(second, { zone: 'utc' }).toFormat('yyyy-MM-dd HH:mm:ss')}+00`;
}
