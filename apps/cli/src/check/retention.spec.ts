import { NO_POSITION } from '@changeover/core';
import type { Checkpoint } from '@changeover/events';

import { retentionFindings } from './retention.js';

const DAY_MS = 86_400_000;

function checkpoint(name: string, at: number, made_ms: number): Checkpoint {
  const writes = { logId: 'w', epoch: 1, seq: at, pos: NO_POSITION, checksum: 'x', at };
  const place = { writes, changes: { logId: 'c', seq: at }, position: NO_POSITION, ts_ms: 0 };
  return {
    name,
    token: 't',
    made_ms,
    place,
    forms: {},
    totals: { held: 0, waiting: 0, refused: 0 },
    exchanges: 0,
    mapping: 'm',
    digests: {},
    read: false,
  };
}

const KEPT = { stream: 'crm.writes', retention: { ms: null, bytes: null }, start: 0 };

test('of a stream that keeps everything there is nothing to say', () => {
  expect(retentionFindings(KEPT, [checkpoint('a', 5, 0), { name: 'b', damaged: 'altered' }], DAY_MS)).toEqual([]);
});

test('of one that does not it is said what it keeps, and until when the oldest checkpoint can be gone to', () => {
  const limited = { ...KEPT, retention: { ms: 7 * DAY_MS, bytes: 1_000_000 } };
  const [finding, ...others] = retentionFindings(limited, [checkpoint('a', 5, DAY_MS), checkpoint('b', 9, 2 * DAY_MS)], 3 * DAY_MS);
  expect(finding).toMatchObject({ severity: 'warning', check: 'retention' });
  expect(finding?.message).toContain('a can be gone to until 1970-01-09T00:00:00.000Z only');
  expect(finding?.fix?.join()).toContain('retention.ms=-1');
  expect(others).toEqual([]);
  expect(retentionFindings({ ...KEPT, retention: { ms: null, bytes: 5 } }, [], 0)).toMatchObject([{ severity: 'warning' }]);
});

test('a checkpoint whose place is gone is an error, by name', () => {
  const found = retentionFindings({ ...KEPT, start: 6 }, [checkpoint('a', 5, 0), checkpoint('b', 9, 0)], 0);
  expect(found).toMatchObject([{ severity: 'error', check: 'checkpoints', fix: ['changeover checkpoint delete a'] }]);
  expect(found[0]?.message).toMatch(/: a$/);
});
