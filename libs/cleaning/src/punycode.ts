const PREFIX = 'xn--';
const BASE = 36;
const FIRST_POINT = 0x80;
const LAST_POINT = 0x10ffff;

/** A domain with letters of all scripts instead of `xn--`. What is written wrong stays as it is. */
export function unicodeDomain(domain: string): string {
  return domain
    .split('.')
    .map((label) => (label.startsWith(PREFIX) ? (decoded(label.slice(PREFIX.length)) ?? label) : label))
    .join('.');
}

/** By RFC 3492: letters of ASCII first, then how far it is to the next of the others, and where it stands. Null for what is written wrong. */
function decoded(text: string): string | null {
  if (text === '') return null;
  const end = text.lastIndexOf('-');
  const points = Array.from(text.slice(0, Math.max(end, 0)), (letter) => letter.charCodeAt(0));
  let point = FIRST_POINT;
  let bias = 72;
  let place = 0;
  for (let next = end + 1; next < text.length;) {
    const before = place;
    for (let weight = 1, k = BASE; ; k += BASE) {
      const digit = Number.parseInt(turned(text.charAt(next)), BASE);
      next += 1;
      if (Number.isNaN(digit) || weight > LAST_POINT * BASE) return null;
      place += digit * weight;
      const threshold = Math.min(Math.max(k - bias, 1), 26);
      if (digit < threshold) break;
      weight *= BASE - threshold;
    }
    const length = points.length + 1;
    bias = adapted(place - before, length, before === 0);
    point += Math.floor(place / length);
    if (point > LAST_POINT) return null;
    place %= length;
    points.splice(place, 0, point);
    place += 1;
  }
  return String.fromCodePoint(...points);
}

/** Here letters are the first digits, and 0 to 9 the last. */
function turned(character: string): string {
  const code = character.charCodeAt(0);
  if (code >= 0x61 && code <= 0x7a) return (code - 0x61).toString(BASE);
  return code >= 0x30 && code <= 0x39 ? (code - 0x30 + 26).toString(BASE) : '?';
}

function adapted(delta: number, length: number, isFirst: boolean): number {
  let rest = isFirst ? Math.floor(delta / 700) : Math.floor(delta / 2);
  rest += Math.floor(rest / length);
  let k = 0;
  for (; rest > 455; k += BASE) rest = Math.floor(rest / 35);
  return k + Math.floor((36 * rest) / (rest + 38));
}
