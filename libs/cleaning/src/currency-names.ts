import { ConversionProblem } from '@changeover/mapping';

import { foldName } from './country-names.js';
import { currencies } from './libraries.js';

export const UNKNOWN_CURRENCY = new ConversionProblem('unknown currency');
export const AMBIGUOUS = new ConversionProblem('ambiguous currency');

/** Signs of one currency only. £, $, ¥ and kr are not: several countries write them. */
const SIGNS: Readonly<Record<string, string>> = {
  '€': 'EUR',
  '₹': 'INR',
  '₽': 'RUB',
  '₪': 'ILS',
  '₺': 'TRY',
  '₴': 'UAH',
  '₫': 'VND',
  '₱': 'PHP',
  '₦': 'NGN',
  '฿': 'THB',
  '₡': 'CRC',
  '₲': 'PYG',
  '₵': 'GHS',
  '₸': 'KZT',
  '₮': 'MNT',
  '₾': 'GEL',
  '₼': 'AZN',
  '֏': 'AMD',
  zł: 'PLN',
  kč: 'CZK',
  ft: 'HUF',
  'sfr.': 'CHF',
  us$: 'USD',
  c$: 'CAD',
  ca$: 'CAD',
  a$: 'AUD',
  au$: 'AUD',
  nz$: 'NZD',
  hk$: 'HKD',
  s$: 'SGD',
  nt$: 'TWD',
  mx$: 'MXN',
  r$: 'BRL',
  'cn¥': 'CNY',
  'jp¥': 'JPY',
};

const SHARED = new Set(['$', '£', '¥', 'kr', 'kr.', 'rs', 'rs.', '₨', '₩', '﷼', 'л.с.']);

export type CurrencyNames = (text: string) => string | ConversionProblem;

/** What a code, a sign or a name in one of these languages means; `signs` says it of those that several currencies share. */
export function currencyNames(languages: readonly string[], signs: Readonly<Record<string, string>>): CurrencyNames {
  const codes = currencies().codes();
  const known = new Map<string, string | null>();
  const names = new Map<string, string | null>();
  const named = (name: string, code: string): void => {
    const folded = foldName(name);
    const other = names.get(folded);
    names.set(folded, other === undefined || other === code ? code : null);
  };
  for (const language of languages) {
    const words = new Intl.DisplayNames(language, { type: 'currency', fallback: 'none' });
    for (const code of codes) named(words.of(code) ?? code, code);
  }
  for (const code of codes) {
    named(currencies().code(code)?.currency ?? code, code);
    known.set(code.toLowerCase(), code);
  }
  for (const [sign, code] of Object.entries(SIGNS)) known.set(sign, code);
  for (const sign of SHARED) known.set(sign, null);
  for (const [sign, code] of Object.entries(signs)) known.set(sign.toLowerCase(), code);
  return (text) => {
    const lower = text.toLowerCase();
    const found = known.get(lower) ?? (known.has(lower) ? null : names.get(foldName(text)));
    return found === undefined ? UNKNOWN_CURRENCY : (found ?? AMBIGUOUS);
  };
}

/** Digits of its minor unit by ISO 4217: 2 for EUR, 0 for JPY; null if there is no such currency. */
export function minorDigits(code: string): number | null {
  return currencies().code(code)?.digits ?? null;
}
