import { createRequire } from 'node:module';

import type Currencies from 'currency-codes';
import type Countries from 'i18n-iso-countries';
import type * as PhoneNumbers from 'libphonenumber-js/max';
import type EmailAddresses from 'validator/lib/isEmail.js';

import { lazy } from './lazy.js';

/** The libraries whose code or data decides what comes out, as they are pinned: a test compares them with what is installed. */
export const LIBRARIES = {
  'currency-codes': '2.2.0',
  entities: '9.0.0',
  'i18n-iso-countries': '7.14.0',
  'iso-3166': '4.4.0',
  'libphonenumber-js': '1.13.16',
  validator: '13.15.35',
} as const;

/** Converters cannot wait, so a library that is read when it is first needed is required, not imported. */
const require = createRequire(import.meta.url);

export const countries = lazy(() => require('i18n-iso-countries') as typeof Countries);
export const currencies = lazy(() => require('currency-codes') as typeof Currencies);
export const phoneNumbers = lazy(() => require('libphonenumber-js/max') as typeof PhoneNumbers);
export const numberingPlans = lazy(() => require('libphonenumber-js/max/metadata') as object);
export const emailAddresses = lazy(() => require('validator/lib/isEmail.js') as typeof EmailAddresses);
