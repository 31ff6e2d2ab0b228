const MOMENT =
  /^(\d{4,7})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?)?(?:(Z)|([+-])(\d\d)(?::?(\d\d)(?::?(\d\d))?)?)?( BC)?$/u;
const [MINUTE, HOUR, DAY] = [60, 3_600, 86_400];

/** More seconds than there are from the epoch to any date that PostgreSQL has. */
const SECONDS = 1e15;

/**
 * A text that sorts, byte by byte, as the moment does that a date or a time with a date means, as PostgreSQL prints it or ISO 8601 has it: a date is its midnight, and what
 * has no zone is taken as UTC. Null of what is none.
 */
export function momentText(text: string): string | null {
  if (text === 'infinity') return '2';
  if (text === '-infinity') return '0';
  const found = MOMENT.exec(text);
  if (found === null) return null;
  const [, years, months, days, hours = 0, minutes = 0, seconds = 0, fraction = '', , sign, ...rest] = found;
  const [zoneHours = 0, zoneMinutes = 0, zoneSeconds = 0, era] = rest;
  const [year, month, day] = [era === undefined ? Number(years) : 1 - Number(years), Number(months), Number(days)];
  if (Number(years) === 0 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return null;
  const time = Number(hours) * HOUR + Number(minutes) * MINUTE + Number(seconds);
  // PostgreSQL prints neither, but takes the end of a day and a leap second.
  if (time > DAY || Number(minutes) > 59 || Number(seconds) > 60) return null;
  const zone = (sign === '-' ? -1 : 1) * (Number(zoneHours) * HOUR + Number(zoneMinutes) * MINUTE + Number(zoneSeconds));
  const sinceEpoch = dayNumber(year, month, day) * DAY + time - zone;
  return `1${String(SECONDS + sinceEpoch).padStart(16, '0')}${fraction.padEnd(6, '0')}`;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return isLeap(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

/** Days since the epoch, in the calendar that PostgreSQL has for all times. A year is taken to begin in March, so that the leap day is its last. */
function dayNumber(year: number, month: number, day: number): number {
  const shifted = month > 2 ? year : year - 1;
  const ofYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  return shifted * 365 + Math.floor(shifted / 4) - Math.floor(shifted / 100) + Math.floor(shifted / 400) + ofYear - 719_468;
}
