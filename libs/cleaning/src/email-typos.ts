/** Where most private addresses are; a domain that is one slip away from these is hardly another one. */
const COMMON: readonly string[] = [
  'aol.com',
  'comcast.net',
  'gmail.com',
  'googlemail.com',
  'hotmail.com',
  'hotmail.co.uk',
  'hotmail.fr',
  'icloud.com',
  'live.com',
  'msn.com',
  'orange.fr',
  'outlook.com',
  'protonmail.com',
  'sbcglobal.net',
  't-online.de',
  'verizon.net',
  'wanadoo.fr',
  'web.de',
  'yahoo.co.uk',
  'yahoo.com',
  'yahoo.de',
  'yahoo.fr',
  'yandex.ru',
];

/** Near to those above, and domains of their own. */
const OTHERS = new Set([
  'aol.de',
  'email.com',
  'gmx.com',
  'live.ca',
  'live.cn',
  'live.de',
  'live.dk',
  'live.fr',
  'live.it',
  'live.nl',
  'live.no',
  'live.se',
  'hotmail.be',
  'hotmail.ca',
  'hotmail.de',
  'hotmail.es',
  'hotmail.gr',
  'hotmail.it',
  'hotmail.nl',
  'hotmail.no',
  'hotmail.se',
  'mail.com',
  'mail.de',
  'me.com',
  'orange.es',
  'orange.pl',
  'outlook.de',
  'outlook.es',
  'outlook.fr',
  'outlook.it',
  'rocketmail.com',
  'yahoo.ca',
  'yahoo.es',
  'yahoo.gr',
  'yahoo.ie',
  'yahoo.in',
  'yahoo.it',
  'yahoo.no',
  'yahoo.pl',
  'yahoo.se',
  'yandex.by',
  'yandex.com',
  'yandex.kz',
  'yandex.ua',
  'ymail.com',
]);

/** Endings that do not exist, and what was meant. */
const ENDINGS: Readonly<Record<string, string>> = {
  cmo: 'com',
  coim: 'com',
  comm: 'com',
  con: 'com',
  cpm: 'com',
  ocm: 'com',
  vom: 'com',
  xom: 'com',
  nte: 'net',
  ent: 'net',
  ogr: 'org',
  rog: 'org',
};

/** Too near to too much for a letter to tell. */
const SHORTEST = 8;

const KNOWN = new Set(COMMON);

/** The domain (in lower case) that is meant by one with a slip of the pen; null where it may well be right. */
export function intendedDomain(domain: string): string | null {
  if (KNOWN.has(domain) || OTHERS.has(domain)) return null;
  const dot = domain.lastIndexOf('.');
  const ending = ENDINGS[domain.slice(dot + 1)];
  const ended = ending === undefined ? domain : `${domain.slice(0, dot)}.${ending}`;
  if (KNOWN.has(ended)) return ended;
  const near = COMMON.find((common) => common.length >= SHORTEST && isOneSlipFrom(common, ended));
  return near ?? (ending === undefined ? null : ended);
}

/** Whether a letter was left out, put in, exchanged for another, or for its neighbour. */
function isOneSlipFrom(right: string, written: string): boolean {
  if (Math.abs(right.length - written.length) > 1 || right === written) return false;
  let start = 0;
  while (start < right.length && right[start] === written[start]) start++;
  let [a, b] = [right.length, written.length];
  while (a > start && b > start && right[a - 1] === written[b - 1]) {
    a -= 1;
    b -= 1;
  }
  const [left, other] = [right.slice(start, a), written.slice(start, b)];
  if (left.length <= 1 && other.length <= 1) return true;
  return left.length === 2 && other.length === 2 && left[0] === other[1] && left[1] === other[0];
}
