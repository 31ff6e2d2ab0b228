import { createHash } from 'node:crypto';

import { type Converters, type Inverses } from '@changeover/mapping';

import { base64Decode, base64Encode } from './base64.js';
import { boolean } from './boolean.js';
import { type Cleaner } from './cleaner.js';
import { country } from './country.js';
import { currency } from './currency.js';
import { date } from './date.js';
import { domain } from './domain.js';
import { email } from './email.js';
import { enumeration } from './enumeration.js';
import { htmlEntities } from './html-entities.js';
import { json } from './json.js';
import { LIBRARIES } from './libraries.js';
import { mojibake } from './mojibake.js';
import { money } from './money.js';
import { multiEnum } from './multi-enum.js';
import { nameCase } from './name-case.js';
import { number } from './number.js';
import { personName } from './person-name.js';
import { phone } from './phone.js';
import { phpSerialized } from './php-serialized.js';
import { region } from './region.js';
import { timestamp } from './timestamp.js';
import { trim } from './trim.js';
import { truncate } from './truncate.js';
import { unicode } from './unicode.js';
import { url } from './url.js';

/** All of them, in the order of the reference. */
export const CLEANERS: readonly Cleaner[] = [
  trim,
  unicode,
  mojibake,
  htmlEntities,
  truncate,
  enumeration,
  multiEnum,
  boolean,
  number,
  money,
  currency,
  date,
  timestamp,
  nameCase,
  personName,
  email,
  phone,
  url,
  domain,
  country,
  region,
  json,
  phpSerialized,
  base64Decode,
  base64Encode,
];

/** What a mapping's `convert` can name. */
export const CONVERTERS: Converters = byName(({ make }) => make);

/** The way back of each of them. */
export const INVERSES: Inverses = byName(({ inverse }) => inverse);

/** Without a prototype, so that nobody can name what every object has. */
function byName<T>(of: (cleaner: Cleaner) => T): Readonly<Record<string, T>> {
  const named = Object.fromEntries(CLEANERS.map((cleaner) => [cleaner.name, of(cleaner)]));
  return Object.freeze(Object.assign(Object.create(null) as Record<string, T>, named));
}

/**
 * A hash of all that decides what the converters give: their versions, those of the libraries, and what Node brings
 * along (time zones, Unicode, how URLs are read). Two processes with the same one derive the same rows.
 */
export function convertersVersion(cleaners: readonly Cleaner[] = CLEANERS, platform: Platform = process.versions): string {
  const { ada, icu, tz, unicode: characters } = platform;
  const versions = cleaners.map(({ name, version }) => [name, version]);
  return createHash('sha256')
    .update(JSON.stringify({ versions, libraries: LIBRARIES, ada, icu, tz, unicode: characters }))
    .digest('hex');
}

/** Of `process.versions`. */
type Platform = Readonly<Record<string, string | undefined>>;
