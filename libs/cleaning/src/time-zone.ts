/** What to do with a time of day that the clocks leave out (gap) or show twice (overlap). */
export type ClockChanges = { readonly gap: 'later' | 'earlier' | 'problem'; readonly overlap: 'earlier' | 'later' | 'problem' };

const DAY = 86_400;

/** From `start` (seconds since 1970, UTC) on, clocks show UTC plus `offset` seconds. */
type Span = { readonly start: number; readonly offset: number };

/**
 * Where a zone's clocks stand to UTC, by tables that are taken from Intl once for each year that turns up: asking it for
 * every value takes tens of microseconds. Years and not one table, for nobody knows which ones a source holds (9999 is common).
 */
export class TimeZone {
  readonly #format: Intl.DateTimeFormat;
  readonly #years = new Map<number, readonly Span[]>();

  /** Throws a RangeError if there is no such zone. */
  constructor(name: string) {
    this.#format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
  }

  /** The instant, in seconds, at which clocks show `local` (seconds as if they showed UTC); or in which way there is none. */
  instantOf(local: number, year: number, { gap, overlap }: ClockChanges): number | 'gap' | 'overlap' {
    const spans = this.#spans(year);
    let first: number | null = null;
    for (let index = 0; index < spans.length; index++) {
      const { start, offset } = spans[index] as Span;
      const instant = local - offset;
      if (instant < start || instant >= (spans[index + 1]?.start ?? Infinity)) continue;
      if (overlap === 'earlier') return instant;
      if (first !== null) return overlap === 'later' ? instant : 'overlap';
      first = instant;
    }
    if (first !== null) return first;
    if (gap === 'problem') return 'gap';
    // The gap lies before the first span in which the time would be too late for the one before it.
    const next = spans.findIndex(({ start, offset }, index) => index > 0 && local - offset < start);
    // The offset from before the gap gives what clocks show behind it, and the other way round.
    return local - (spans[gap === 'later' ? next - 1 : next] as Span).offset;
  }

  /** What clocks show at an instant of the year (by UTC), as seconds as if they showed UTC. */
  localOf(instant: number, year: number): number {
    const spans = this.#spans(year);
    return instant + (spans.findLast(({ start }) => start <= instant) as Span).offset;
  }

  /** All spans that a local time of the year can lie in. */
  #spans(year: number): readonly Span[] {
    const known = this.#years.get(year);
    if (known !== undefined) return known;
    // A local year begins and ends up to a day from that of UTC.
    const begin = daysSince1970(year, 1, 1) * DAY - 2 * DAY;
    const end = daysSince1970(year + 1, 1, 1) * DAY + 2 * DAY;
    const spans: Span[] = [{ start: -Infinity, offset: this.#offsetAt(begin) }];
    let offset = this.#offsetAt(begin);
    for (let day = begin; day < end; day += DAY) {
      const after = this.#offsetAt(day + DAY);
      if (after === offset) continue;
      spans.push({ start: this.#changeBetween(day, day + DAY, after), offset: after });
      offset = after;
    }
    this.#years.set(year, spans);
    return spans;
  }

  /** The first second in (`before`, `at`] from which the offset is `after`. */
  #changeBetween(before: number, at: number, after: number): number {
    let low = before;
    let high = at;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.#offsetAt(middle) === after) high = middle;
      else low = middle;
    }
    return high;
  }

  /** In seconds. Intl writes `…, GMT+05:30`, with seconds for the mean times of old. */
  #offsetAt(second: number): number {
    const text = this.#format.format(second * 1000);
    const [, sign, hours = '0', minutes = '0', seconds = '0'] = OFFSET.exec(text) ?? [];
    const size = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
    return sign === '-' ? -size : size;
  }
}

const OFFSET = /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/u;

/** Of the Gregorian calendar, also before it was made, as PostgreSQL counts. */
export function daysSince1970(year: number, month: number, day: number): number {
  const years = month > 2 ? year : year - 1;
  const era = Math.floor(years / 400);
  const yearOfEra = years - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468;
}

/** The other way round. */
export function dateOf(days: number): { readonly year: number; readonly month: number; readonly day: number } {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  return { year: yearOfEra + era * 400 + (month > 2 ? 0 : 1), month, day };
}
