export { startTransform } from './start-transform.js';
