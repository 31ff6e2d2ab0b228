import type { Position } from '@changeover/core';

import { renderFindings, summary, type Finding } from '../check/finding.js';
import { LiveBlock } from './live-block.js';
import { renderLine, renderRoles, roleViews } from './role-view.js';

const STATUS = {
  state: 'running',
  position: '00000000/0263AF60' as Position,
  seq: 2835,
  rowsPerSecond: 1243,
  recordsPerSecond: 40,
  lagMs: 27,
  lagRecords: 12,
  lastError: null,
  details: { refusedRows: 2 },
} as const;

const LEASE = { role: 'transform', owner: 'o', health: 'live', renewedMsAgo: 1, acquiredMsAgo: 2, status: STATUS } as const;

test('every role has its line, whether it runs, has died or never ran', () => {
  const dead = { ...LEASE, role: 'load', health: 'silent', status: { ...STATUS, lastError: 'TARGET_BUSY' } } as const;
  const views = roleViews([LEASE, dead]);
  expect(renderRoles(views)).toEqual([
    'capture    never ran',
    'transform  running    00000000/0263AF60  seq 2,835  1,243 rows/s  lag 27 ms (12 records)  refusedRows 2',
    'load       silent     00000000/0263AF60  seq 2,835                                        refusedRows 2, last error TARGET_BUSY',
  ]);
  expect(renderLine(views.slice(0, 2))).toBe(
    'capture never ran | transform running 00000000/0263AF60 seq 2,835 1,243 rows/s lag 27 ms (12 records) refusedRows 2',
  );
});

test('findings: a sign each, the lines to run below, and what it comes to', () => {
  const findings: readonly Finding[] = [
    { part: 'source', severity: 'ok', check: 'a', message: 'fine' },
    {
      part: 'log',
      severity: 'error',
      check: 'b',
      message: 'wal_level is replica',
      fix: ["ALTER SYSTEM SET wal_level = 'logical';"],
      restart: true,
    },
    { part: 'target', severity: 'warning', check: 'c', message: 'hm' },
  ];
  expect(renderFindings(findings)).toBe(
    [
      '✓ source  fine',
      '✗ log     wal_level is replica (the server must be restarted after this)',
      "              ALTER SYSTEM SET wal_level = 'logical';",
      '! target  hm',
      '',
    ].join('\n'),
  );
  expect([findings, findings.filter(({ part }) => part !== 'log'), findings.slice(0, 1)].map(summary)).toEqual([
    '1 to resolve before the start, 1 warning\n',
    'ready to start, 1 warning\n',
    'ready to start\n',
  ]);
});

test('a live block is rewritten in place, under the lines that stay, and never wraps', () => {
  let screen = '';
  const block = new LiveBlock({ isTty: true, columns: 21, out: (text) => (screen += text), err: () => undefined });
  block.update(['one', 'x'.repeat(50)]);
  expect(screen).toBe(`one\n${'x'.repeat(20)}\n`);
  screen = '';
  block.above('stays\n');
  expect(screen).toBe(`\u001B[2F\u001B[0Jstays\none\n${'x'.repeat(20)}\n`);
  screen = '';
  block.update(['two']);
  expect(screen).toBe('\u001B[2F\u001B[0Jtwo\n');
});
