import { CRASH_POINTS, ChangeoverError, noCrash, type CrashPoint, type CrashPointName } from '@changeover/core';

import { ENVIRONMENT, type Environment } from '../settings/environment.js';

/**
 * For tests with real processes: `CHANGEOVER_CRASH_AT=<point>` kills this process (SIGKILL, so nothing is cleaned up) when it first passes the
 * point, `<point>:<n>` when it passes it for the n-th time. Without the variable nothing happens.
 */
export function crashPointFrom(environment: Environment = ENVIRONMENT): CrashPoint {
  const given = environment['CHANGEOVER_CRASH_AT'];
  if (given === undefined || given === '') return noCrash;
  const [name, pass = '1'] = given.split(':');
  const point = CRASH_POINTS.find((known) => known === name);
  let left = Number(pass);
  if (point === undefined || !Number.isInteger(left) || left < 1) {
    throw new ChangeoverError('BAD_SETTINGS', `CHANGEOVER_CRASH_AT names no crash point: there are ${CRASH_POINTS.join(', ')}`);
  }
  return (passed: CrashPointName) => {
    if (passed === point && --left === 0) process.kill(process.pid, 'SIGKILL');
  };
}
