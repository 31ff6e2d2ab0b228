export { CLEANERS, CONVERTERS, convertersVersion } from './cleaners.js';
export type { Cleaner, CleanerOption, Example, Inverse } from './cleaner.js';
export { putBack } from './inverse.js';
export { boolean, country, date, email, enumeration, htmlEntities, phone, timestamp, trim } from './conversions.js';
