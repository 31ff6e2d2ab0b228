export { startLoad } from './start-load.js';
