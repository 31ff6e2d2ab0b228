export { CLEANERS, CONVERTERS, convertersVersion } from './cleaners.js';
export type { Cleaner, CleanerOption, Example } from './cleaner.js';
export { boolean, country, date, email, enumeration, htmlEntities, phone, timestamp, trim } from './conversions.js';
