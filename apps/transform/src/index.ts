export { mappingsAskedFor, type AskedFor } from './activate-first-mapping.js';
export { derivationThreads } from './derivation-threads.js';
export { startTransform } from './start-transform.js';
