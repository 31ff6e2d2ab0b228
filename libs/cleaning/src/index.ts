export { CLEANERS, CONVERTERS, convertersVersion } from './cleaners.js';
export type { Cleaner, CleanerOption, Example } from './cleaner.js';
