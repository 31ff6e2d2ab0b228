export { startCapture } from './start-capture.js';
