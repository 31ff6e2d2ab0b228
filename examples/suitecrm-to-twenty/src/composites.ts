import { country, domain, email, money, phone, url } from '@changeover/cleaning';
import {
  all,
  any,
  concat,
  constant,
  field,
  first,
  is,
  jsonArray,
  jsonArrayOf,
  json,
  jsonObject,
  not,
  split,
  textOf,
  when,
  type Converted,
  type DrivingRow,
  type Invalid,
  type Text,
  type Value,
} from '@changeover/mapping';

import { BASE_CURRENCY, HOME_COUNTRY, live, there, words } from './crm.js';
import type { Source } from './types.js';

type Words<Row> = Value<string | null, Row>;
type Json<Row> = Value<Text<'jsonb'>, Row>;

/** Of one record; Twenty gets so many of them, and the note for the rest all. */
const MOST_ADDRESSES = 10;

/**
 * The addresses of a record, which stand in two tables of their own: the one that is marked as primary first, then the older one. What is no address is
 * neither `primary` nor `additional`; `written` and `optedOut` are in words.
 */
export function addresses<Name extends keyof Source>(
  row: DrivingRow<Source, Name>,
  id: Value<string, Name>,
  module: 'Accounts' | 'Contacts' | 'Leads' | 'Users',
): { readonly primary: Words<Name>; readonly additional: Json<Name>; readonly written: Words<Name>; readonly optedOut: Words<Name> } {
  const found = row.joinAll('addresses', 'public.email_addr_bean_rel', {
    on: { bean_id: id, bean_module: constant(module) },
    where: live,
    order: [{ column: 'primary_address', descending: true }, { column: 'date_created' }],
    columns: (link) => {
      const address = link.join('address', 'public.email_addresses', { on: { id: link('email_address_id') }, where: live });
      return {
        list: jsonArrayOf(email(address('email_address'), { lowerCase: 'all', invalid: 'empty' })),
        written: textOf(', ', words(address('email_address'))),
        optedOut: textOf(', ', when([[is(address('opt_out'), '1'), words(address('email_address'))]])),
      };
    },
  });
  const at = (place: number): Words<Name> => field(found('list'), [place], { invalid: 'empty' });
  return {
    primary: at(0),
    additional: jsonArray(at(1), ...Array.from({ length: MOST_ADDRESSES - 2 }, (_, index) => at(index + 2))),
    written: found('written'),
    optedOut: found('optedOut'),
  };
}

/**
 * Phone numbers in Twenty's parts: the first that is there, and the others. A number that is none, or whose country nobody knows, goes over as it was
 * written, without a code.
 */
export function phones<Row extends string>(
  home: Words<Row>,
  ...written: readonly [Words<Row>, ...Words<Row>[]]
): {
  readonly phonesPrimaryPhoneNumber: Words<Row>;
  readonly phonesPrimaryPhoneCountryCode: Words<Row>;
  readonly phonesPrimaryPhoneCallingCode: Words<Row>;
  readonly phonesAdditionalPhones: Json<Row>;
} {
  const countryFrom = country(home, { invalid: 'empty' });
  const part = (number: Words<Row>, give: 'national' | 'country' | 'callingCode'): Words<Row> =>
    phone(number, { countryFrom, country: HOME_COUNTRY, accept: 'possible', give, invalid: 'empty' });
  const parts = (number: Words<Row>): Readonly<Record<'number' | 'countryCode' | 'callingCode', Words<Row>>> => ({
    number: first(part(number, 'national'), number),
    countryCode: part(number, 'country'),
    callingCode: part(number, 'callingCode'),
  });
  const [one, ...others] = written.map(words) as [Words<Row>, ...Words<Row>[]];
  const primary = parts(first(one, ...others));
  const additional = others.map((number, index) => {
    const before = [one, ...others.slice(0, index)].map(there) as [ReturnType<typeof there<Row>>];
    return when([[all(there(number), any(...before)), jsonObject(parts(number))]]);
  });
  return {
    phonesPrimaryPhoneNumber: primary.number,
    phonesPrimaryPhoneCountryCode: primary.countryCode,
    phonesPrimaryPhoneCallingCode: primary.callingCode,
    // A list of one at least, as the function asks for; what is null is left out.
    phonesAdditionalPhones: jsonArray(constant(null), ...additional),
  };
}

/** An amount in millionths, and its currency: that of `currencyFrom`, else the base currency. */
export function amount<Row, const I extends Invalid>(
  value: Words<Row>,
  { currencyFrom = constant(null), invalid }: { readonly currencyFrom?: Words<Row>; readonly invalid: I },
): { readonly micros: Converted<`${number}` | null, Row, I>; readonly code: Converted<string | null, Row, I> } {
  const settings = {
    currency: BASE_CURRENCY,
    currencyFrom,
    signs: { $: 'USD' },
    exponent: 'expand',
    rounding: 'half-even',
    invalid,
  } as const;
  return { micros: money(value, { ...settings, give: 'micros' }), code: money(value, { ...settings, give: 'currency' }) };
}

/** The lines of a street: the first, and all others that anybody writes into 150 characters. */
export function address<Row>(
  street: Words<Row>,
  city: Words<Row>,
  state: Words<Row>,
  postcode: Words<Row>,
  countryName: Words<Row>,
): Readonly<
  Record<
    | 'addressAddressStreet1'
    | 'addressAddressStreet2'
    | 'addressAddressCity'
    | 'addressAddressState'
    | 'addressAddressPostcode'
    | 'addressAddressCountry',
    Words<Row>
  >
> {
  const line = (number: number): Words<Row> => words(split(street, '\n', number));
  return {
    addressAddressStreet1: line(1),
    addressAddressStreet2: concat(', ', line(2), line(3), line(4), line(5), line(6), line(7), line(8)),
    addressAddressCity: words(city),
    addressAddressState: words(state),
    addressAddressPostcode: words(postcode),
    addressAddressCountry: words(countryName),
  };
}

/** A website is a company's domain, unless it is its page on LinkedIn or X. */
export function links<Row extends string>(
  website: Words<Row>,
): Readonly<Record<'domainNamePrimaryLinkUrl' | 'linkedinLinkPrimaryLinkUrl' | 'xLinkPrimaryLinkUrl', Words<Row>>> {
  const site = domain(website, { invalid: 'empty' });
  const page = url(website, { upgrade: true, invalid: 'empty' });
  return {
    domainNamePrimaryLinkUrl: when([[not(is(site, 'linkedin.com', 'x.com', 'twitter.com', null)), concat('', constant('https://'), site)]]),
    linkedinLinkPrimaryLinkUrl: when([[is(site, 'linkedin.com'), page]]),
    xLinkPrimaryLinkUrl: when([[is(site, 'x.com', 'twitter.com'), page]]),
  };
}

/** A text as Twenty keeps it: as Markdown, and in the form of its editor, which shows nothing else. */
export function body<Row extends string>(text: Words<Row>): Readonly<Record<'bodyV2Markdown' | 'bodyV2Blocknote', Words<Row>>> {
  const line = jsonObject({ type: constant('text'), text, styles: json(constant('{}'), { invalid: 'empty' }) });
  const paragraph = jsonObject({ type: constant('paragraph'), content: jsonArray(line) });
  return { bodyV2Markdown: text, bodyV2Blocknote: when([[there(text), jsonArray(paragraph)]]) };
}
