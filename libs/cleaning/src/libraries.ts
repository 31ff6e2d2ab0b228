/** The libraries whose code or data decides what comes out, as they are pinned: a test compares them with what is installed. */
export const LIBRARIES = {
  entities: '9.0.0',
  'i18n-iso-countries': '7.14.0',
  'libphonenumber-js': '1.13.16',
  validator: '13.15.35',
} as const;
