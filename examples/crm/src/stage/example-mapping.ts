import { fileURLToPath } from 'node:url';

/** The file with the mapping from the old CRM to the new one, as settings name it. */
export const EXAMPLE_MAPPING = fileURLToPath(new URL('../../dist/mapping.js', import.meta.url));
