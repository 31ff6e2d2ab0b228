/** Amounts as people read them. */

export function countWords(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const;

/** Units are powers of 1024, as in settings: `1.5 MB`. */
export function bytesWords(bytes: number): string {
  let unit = 0;
  let value = bytes;
  for (; value >= 1000 && unit < UNITS.length - 1; unit++) value /= 1024;
  return `${value < 10 && unit > 0 ? value.toFixed(1) : value.toFixed(0)} ${UNITS[unit] ?? ''}`;
}

/** `40 s`, `12 min`, `3 h 20 min`. */
export function secondsWords(seconds: number): string {
  if (seconds < 100) return `${String(Math.ceil(seconds))} s`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 100) return `${String(minutes)} min`;
  return `${countWords(Math.floor(minutes / 60))} h ${String(minutes % 60)} min`;
}
