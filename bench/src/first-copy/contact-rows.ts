import { hash } from 'node:crypto';

/** `ordered`: numbers, in the order in which rows are made. `uuid`: without any order, which is what a B-tree likes least. */
export type KeyKind = 'ordered' | 'uuid';

/** A row's columns as text; no value needs an escape in COPY text, and none is null. */
export type TextRow = readonly string[];

export const ACCOUNT_COLUMNS = ['id', 'name', 'country'] as const;
export const CONTACT_COLUMNS = [
  'id',
  'account_id',
  'first_name',
  'last_name',
  'email',
  'phone',
  'country',
  'status',
  'lead_source',
  'birth_date',
  'created_at',
  'do_not_call',
  'city',
  'remark',
] as const;

const CONTACTS_PER_ACCOUNT = 20;
/** One in so many has an e-mail address that another has too, a phone that is none, a birthday that does not exist, an account that does not exist. */
const SHARED_EMAIL = 100;
const BAD_PHONE = 50;
const BAD_DATE = 1000;
const ORPHAN = 2000;

const COUNTRIES = ['Germany', 'U.S.A.', 'Österreich', 'FR', 'United Kingdom', 'Côte d’Ivoire', 'espagne', 'NLD'];
const STATUSES = ['NEW', 'Working', 'QUALIFIED ', 'lost'];
const LEAD_SOURCES = ['Web Form', 'TRADE SHOW', 'referral', 'Cold  Call', 'Partner'];

export function accountsFor(contacts: number): number {
  return Math.ceil(contacts / CONTACTS_PER_ACCOUNT);
}

export function accountRow(number: number, keys: KeyKind): TextRow {
  return [keyText('account', number, keys), `Account No. ${String(number)}`, pick(COUNTRIES, number)];
}

/** Contact `number`, from 0: always the same one. About 250 bytes, dirty as such rows are. */
export function contactRow(number: number, keys: KeyKind): TextRow {
  const shared = number % SHARED_EMAIL === 3;
  const account = number % ORPHAN === 9 ? -1 : Math.floor(number / CONTACTS_PER_ACCOUNT);
  const year = 1940 + (number % 65);
  const [day, month] = [two((number % 28) + 1), two((Math.floor(number / 28) % 12) + 1)];
  const seconds = (number * 7_919) % 86_400;
  const time = `${two(Math.floor(seconds / 3_600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  const noise = hash('md5', String(number));
  return [
    keyText('contact', number, keys),
    keyText('account', account, keys),
    `First ${String(number % 997)}`,
    `Last ${String(number % 4_999)}`,
    `Person.${String(shared ? number - 1 : number)}@Example-${String(Math.floor(number / 2) % 500)}.com`,
    number % BAD_PHONE === 1 ? 'call the desk' : `030 / ${String(20_000_000 + (number % 80_000_000))}`,
    pick(COUNTRIES, number),
    pick(STATUSES, number),
    pick(LEAD_SOURCES, number),
    number % BAD_DATE === 7
      ? `30.02.${String(year)}`
      : number % 2 === 0
        ? `${String(year)}-${month}-${day}`
        : `${day}.${month}.${String(year)}`,
    `${month}/${day}/${String(2005 + (number % 20))} ${time}`,
    number % 3 === 0 ? 'Y' : 'N',
    `City ${String(number % 300)}`,
    `${noise} &amp; ${hash('md5', noise)} since ${noise.slice(0, 20)}`,
  ];
}

/** What becomes of the first `contacts` of them under the mapping. */
export function expectedOf(contacts: number): { readonly held: number; readonly waiting: number } {
  const among = (every: number, at: number): number => Math.floor((contacts - at - 1 + every) / every);
  return { held: among(BAD_DATE, 7), waiting: among(ORPHAN, 9) };
}

function keyText(kind: 'account' | 'contact', number: number, keys: KeyKind): string {
  if (keys === 'ordered') return String(number + 1_000_000_000);
  const hex = hash('md5', `${kind} ${String(number)}`);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}

function pick(texts: readonly string[], number: number): string {
  return texts[number % texts.length] as string;
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}
