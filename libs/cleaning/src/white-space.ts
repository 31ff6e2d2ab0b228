/** Zero-width characters, and the marks that only turn the direction of writing: nobody sees them, and pasting brings them along. */
const INVISIBLE = /[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/gu;

/** White space of Unicode, the no-break kinds included, and characters of no width. */
function isBlank(code: number): boolean {
  if (code < 0xa0) return code === 0x20 || (code >= 0x09 && code <= 0x0d) || code === 0x85;
  if (code < 0x1680) return code === 0xa0;
  if (code === 0x1680 || code === 0x180e || code === 0x3000 || code === 0xfeff) return true;
  if (code < 0x2000 || code > 0x2060) return false;
  return code <= 0x200d || code === 0x2028 || code === 0x2029 || code === 0x202f || code >= 0x205f;
}

/** Without white space at both ends. By hand, for a pattern that looks for the end takes the square of a long run of spaces. */
export function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return end - start === text.length ? text : text.slice(start, end);
}

/** The same for values in which an invisible character means nothing anywhere, such as an address. */
export function visible(text: string): string {
  return trimmed(text.replace(INVISIBLE, ''));
}

/** Runs of white space as one space. A run of millions comes in parts, for V8's engine runs out of stack. */
export function singleSpaced(text: string): string {
  const spaced = trimmed(text).replace(/[\s\u0085\u180e\u200b-\u200d\u2060]{1,1000}/gu, ' ');
  return spaced.includes('  ') ? singleSpaced(spaced) : spaced;
}
