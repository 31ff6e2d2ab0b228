import type { CopyStatus } from '@changeover/control-postgres';
import type { Position } from '@changeover/core';

import { renderFindings, summary, type Finding } from '../check/finding.js';
import { copiesInWords, renderCopies } from './copy-view.js';
import { heldLine, mappingLines, verifiedLine } from './held-line.js';
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
    'transform  running    00000000/0263AF60  changes 2,835  1,243 rows/s  lag 27 ms (12 records)  refusedRows 2',
    'load       silent     00000000/0263AF60  writes 2,835                                         refusedRows 2, last error TARGET_BUSY',
  ]);
  expect(renderLine(views.slice(0, 2))).toBe(
    'capture never ran | transform running 00000000/0263AF60 changes 2,835 1,243 rows/s lag 27 ms (12 records) refusedRows 2',
  );
});

test('rows that are not there have a line, also where nobody knows of any', () => {
  expect(heldLine({ held: 2, waiting: 0, refused: 1 }, null)).toBe('2 held and 1 refused rows: changeover held list');
  expect(heldLine({ held: 0, waiting: 0, refused: 0 }, null)).toBe('no row is held, waits or is refused');
  expect(heldLine(null, 'TARGET_UNREACHABLE')).toBe('rows held, waiting and refused: not known (TARGET_UNREACHABLE)');
  expect(heldLine(null, null)).toBe('rows held, waiting and refused: not known yet');
});

test('the last verification has a line, where there was one', () => {
  const place = { logId: 'l', epoch: 1, seq: 1, pos: '0' as Position, checksum: 'c', at: 1 };
  const last = {
    kind: 'touched',
    outcome: 'different',
    isBase: false,
    changes: place,
    writes: place,
    generation: '0.0',
    numbers: null,
    mapping: 'm',
  } as const;
  const told = { ...last, ended_ms: 0, seconds: 1, rows: 2 };
  expect(verifiedLine(told)).toEqual(['last verification, 1970-01-01T00:00:00.000Z: the rows touched since the one before not all equal']);
  expect(verifiedLine({ ...told, kind: 'full', outcome: 'equal' })).toEqual([
    'last verification, 1970-01-01T00:00:00.000Z: all rows equal',
  ]);
  expect(verifiedLine({ ...told, kind: 'tables' })).toEqual([
    'last verification, 1970-01-01T00:00:00.000Z: all rows of some tables not all equal',
  ]);
  expect(verifiedLine(null)).toEqual([]);
});

test('copies have a line each, those that have begun first, and one for all', () => {
  const copy = (table: string, rows: number, estimatedRows: number | null, rowsPerSecond: number) =>
    ({ table, rows, bytes: rows, estimatedRows, rowsPerSecond, secondsLeft: null }) as const;
  const capture = (copies: readonly CopyStatus[], health: 'live' | 'silent' = 'live') =>
    roleViews([{ ...LEASE, role: 'capture', health, status: { ...STATUS, copies } }]);
  const three = [copy('public.a', 0, 30_000, 0), copy('public.b', 400_000, 1_000_000, 12_000), copy('public.c', 5_000, 4_000, 500)];
  expect(renderCopies(capture(three))).toEqual([
    'copying public.b  40 %  400,000 of about 1,000,000 rows  12,000 rows/s  50 s left',
    'copying public.c  99 %  5,000 of about 5,000 rows        500 rows/s     0 s left',
    'copying public.a  0 %   0 of about 30,000 rows           waiting',
    'copying all       39 %  405,000 of about 1,035,000 rows  12,500 rows/s  51 s left',
  ]);
  expect(copiesInWords(capture(three))).toBe('copying 3 tables 39 % 405,000 of about 1,035,000 rows 12,500 rows/s 51 s left');
  // Whoever said so has gone.
  expect(renderCopies(capture(three, 'silent'))[0]).toBe('copying public.b  40 %  400,000 of about 1,000,000 rows');
  expect(renderCopies(capture([copy('public.d', 10, null, 0)]))).toEqual(['copying public.d    10 rows']);
  const many = renderCopies(capture(Array.from({ length: 30 }, (_, index) => copy(`public.t${String(index)}`, 0, 1, 0))));
  expect([many.length, many.at(-1)]).toEqual([12, 'and 20 more tables']);
  expect([renderCopies(roleViews([LEASE])), copiesInWords(roleViews([LEASE]))]).toEqual([[], '']);
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

test('the mapping in force, one that is pending, and the last one that was refused since', () => {
  const refusal = { requestId: 'r', hash: 'c'.repeat(64), code: 'MAPPING_INVALID', reason: 'no column gone' } as const;
  const told = { hash: 'a'.repeat(64), record: 1_200, pending: null, refused: [] };
  const inForce = 'mapping aaaaaaaaaaaa in force since record 1,200 of changes';
  expect(mappingLines(null)).toEqual([]);
  expect(mappingLines({ ...told, refused: [{ ...refusal, record: 7 }] })).toEqual([inForce]);
  expect(mappingLines({ ...told, pending: 'b'.repeat(64), refused: [{ ...refusal, record: 1_300 }] })).toEqual([
    inForce,
    'mapping cccccccccccc refused at record 1,300 of changes: MAPPING_INVALID: no column gone',
    'mapping bbbbbbbbbbbb asked for, and not in force yet: changeover activate follows it',
  ]);
});
