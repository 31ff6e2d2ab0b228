export { derivationThreads } from './derivation-threads.js';
export { startTransform } from './start-transform.js';
