import { createHash } from 'node:crypto';

import { type Converters } from '@changeover/mapping';

import { boolean } from './boolean.js';
import { type Cleaner } from './cleaner.js';
import { country } from './country.js';
import { date } from './date.js';
import { email } from './email.js';
import { enumeration } from './enumeration.js';
import { htmlEntities } from './html-entities.js';
import { LIBRARIES } from './libraries.js';
import { phone } from './phone.js';
import { timestamp } from './timestamp.js';
import { trim } from './trim.js';

/** All of them, in the order of the reference. */
export const CLEANERS: readonly Cleaner[] = [trim, htmlEntities, enumeration, boolean, date, timestamp, email, phone, country];

/** What a mapping's `convert` can name. Without a prototype, so that it cannot name what every object has. */
export const CONVERTERS: Converters = Object.freeze(
  Object.assign(Object.create(null) as Record<string, Cleaner['make']>, Object.fromEntries(CLEANERS.map(({ name, make }) => [name, make]))),
);

/**
 * A hash of all that decides what the converters give: their versions, those of the libraries, and the data that Node brings
 * along (time zones, Unicode). Two processes with the same one derive the same rows.
 */
export function convertersVersion(cleaners: readonly Cleaner[] = CLEANERS, platform: Platform = process.versions): string {
  const { icu, tz, unicode } = platform;
  const versions = cleaners.map(({ name, version }) => [name, version]);
  return createHash('sha256')
    .update(JSON.stringify({ versions, libraries: LIBRARIES, icu, tz, unicode }))
    .digest('hex');
}

/** Of `process.versions`. */
type Platform = Readonly<Record<string, string | undefined>>;
