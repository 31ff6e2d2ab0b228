import { fileURLToPath } from 'node:url';

/** The file with the mapping of the CRMs whose rows pass through, as settings name it. */
export const EXAMPLE_MAPPING = fileURLToPath(new URL('../../dist/mapping.js', import.meta.url));

/** The file with the mapping of the CRMs whose rows are derived. */
export const MOVE_MAPPING = fileURLToPath(new URL('../../dist/move/mapping.js', import.meta.url));
