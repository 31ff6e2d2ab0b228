/** The libraries whose code or data decides what comes out, as they are pinned: a test compares them with what is installed. */
export const LIBRARIES = {
  'currency-codes': '2.2.0',
  entities: '9.0.0',
  'i18n-iso-countries': '7.14.0',
  'iso-3166': '4.4.0',
  'libphonenumber-js': '1.13.16',
  validator: '13.15.35',
} as const;
