export { bytesWords, countWords, secondsWords } from './amounts.js';
export { CRASH_POINTS, noCrash, type CrashPoint, type CrashPointName } from './crash-points.js';
export { invariant, unreachable } from './asserts.js';
export { Clock, SystemClock } from './clock.js';
export { ERROR_PAGES, type ErrorCode, type ErrorPage, type ErrorPolicy } from './error-pages.js';
export { asChangeoverError, ChangeoverError, type ErrorFacts } from './errors.js';
export { IdSource, RandomIdSource } from './ids.js';
export { NO_POSITION, type Position } from './position.js';
