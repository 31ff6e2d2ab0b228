import { SystemClock, type ErrorCode, type Position } from '@changeover/core';
import type { RoleStatus } from '@changeover/control-postgres';
import type { HeldTotals } from '@changeover/events';

import { LiveStatus } from './live-status.js';

const STATUS: RoleStatus = {
  state: 'running',
  position: '0/1' as Position,
  seq: 7,
  rowsPerSecond: 0,
  recordsPerSecond: 0,
  lagMs: 5,
  lagRecords: 0,
  lastError: null,
  details: {},
};

/** What is shown first. */
async function shown(isTty: boolean, totals: HeldTotals | null, lastError: ErrorCode | null = null): Promise<string> {
  const stop = new AbortController();
  let screen = '';
  const out = (text: string): void => {
    screen += text;
    stop.abort();
  };
  const live = new LiveStatus({ isTty, columns: 120, out, err: () => undefined });
  const counts = { now: () => Promise.resolve(totals), lastError };
  await live.show({ roles: [{ role: 'load', status: () => STATUS }], counts }, { clock: new SystemClock(), signal: stop.signal });
  return screen;
}

const LINE = 'load running 0/1 writes 7 0 rows/s lag 5 ms';

test('rows that are held, wait or stand refused are counted beside the roles', async () => {
  const some = { held: 2, waiting: 0, refused: 1 };
  expect(await shown(true, some)).toContain('lag 5 ms\n2 held and 1 refused rows: changeover held list\n');
  expect(await shown(false, some)).toBe(`${LINE} | 2 held and 1 refused rows\n`);
});

test('where there are none only who watches is told so, and why it is not known', async () => {
  const none = { held: 0, waiting: 0, refused: 0 };
  expect(await shown(true, none)).toContain('no row is held, waits or is refused\n');
  expect(await shown(false, none)).toBe(`${LINE}\n`);
  expect(await shown(true, null, 'TARGET_UNREACHABLE')).toContain('not known (TARGET_UNREACHABLE)\n');
  expect(await shown(false, null)).toBe(`${LINE}\n`);
});
