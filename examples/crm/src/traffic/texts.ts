import type { Random } from '../random.js';

const FIRST_NAMES = [
  'Ana',
  'Bjørn',
  'Çağla',
  'Dmitri',
  'Élodie',
  'Fatima',
  'Giovanni',
  'Hana',
  '伊藤',
  'Józef',
  'Kwame',
  'Lê',
  'Marie-Claire',
  'Никита',
];
const LAST_NAMES = [
  "O'Brien",
  'Müller',
  'van der Berg',
  'Nguyễn',
  'Γεωργίου',
  'Smith',
  'de la Cruz',
  'Østergård',
  '山田',
  'Al-Sayed',
  'Łukaszewicz',
];
const WORDS = [
  'follow up',
  'renewal',
  'Q3',
  'on hold',
  'call back',
  'discount 5%',
  'ask legal',
  'demo',
  '🚀',
  'très urgent',
  'C:\\offers\\new',
  'tab\there',
];
const COMPANY_FORMS = ['Ltd', 'GmbH & Co. KG', 'S.A.', '"Quoted" Inc.', 'AB', 'Oy'];

/** Text as people type it: several scripts, quotes, backslashes, tabs and line breaks included. */
export const texts = {
  firstName: (random: Random): string => random.pick(FIRST_NAMES),
  lastName: (random: Random): string => random.pick(LAST_NAMES),
  company: (random: Random): string => `${random.pick(LAST_NAMES)} ${random.pick(COMPANY_FORMS)}`,
  subject: (random: Random): string | null =>
    random.oneIn(8) ? null : random.oneIn(20) ? '' : `${random.pick(WORDS)}, ${random.pick(WORDS)}`,
  lines: (random: Random): string => Array.from({ length: random.integer(1, 4) }, () => random.pick(WORDS)).join('\n'),
  phone: (random: Random): string => `+${String(random.integer(1, 99))} ${String(random.integer(100_000, 99_999_999))}`,
  amount: (random: Random): string => `${String(random.integer(0, 999_999_999))}.${random.hex(4).replaceAll(/[a-f]/gu, '7')}`,
  date: (random: Random): string =>
    `${String(random.integer(1935, 2035))}-${String(random.integer(1, 12)).padStart(2, '0')}-${String(random.integer(1, 28)).padStart(2, '0')}`,
  tags: (random: Random): string[] => Array.from({ length: random.integer(0, 3) }, () => random.pick(WORDS)),
  /** As text, since no JavaScript number holds these digits. */
  json: (random: Random): string =>
    `{"tier": "${random.pick(['gold', 'silver', 'none'])}", "rating": 1${random.hex(3).replaceAll(/[a-f]/gu, '0')}.90071992547409930, "tags": ${JSON.stringify(texts.tags(random))}, "parent": null}`,
  /** Long enough to be stored out of line. */
  large: (random: Random): string => `${texts.lines(random)}\n${random.hex(random.integer(3_000, 20_000))}`,
} as const;
