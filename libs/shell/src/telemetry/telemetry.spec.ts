import { readFile, writeFile } from 'node:fs/promises';

import { ChangeoverError } from '@changeover/core';

import { Log } from '../logging/log.js';
import { SetClock } from '../test/set-clock.js';
import { METRICS, renderMetricsReference } from './metrics.js';
import { RoleTelemetry } from './role-telemetry.js';

const REFERENCE = new URL('../../../../docs/reference/metrics.md', import.meta.url);

function setUp() {
  const clock = new SetClock(1_000_000);
  const lines: string[] = [];
  const log = Log.open({ level: 'info', migration: 'crm', role: 'load', destination: { write: (line) => lines.push(line) } });
  const telemetry = new RoleTelemetry({ migration: 'crm', role: 'load', log, clock });
  const advance = (rows: number, overrides: { seq?: number; changesSeq?: number; ts_ms?: number | null } = {}): void => {
    telemetry.advanced({ records: 1, rows, bytes: 10 * rows, seq: 1, changesSeq: 1, position: '0/1', ts_ms: clock.time, ...overrides });
  };
  const metric = async (key: keyof typeof METRICS): Promise<number | undefined> => {
    const text = await telemetry.registry.metrics();
    const value = new RegExp(`^${METRICS[key].name}\\{migration="crm",role="load"\\} (.*)$`, 'm').exec(text)?.[1];
    return value === undefined ? undefined : Number(value);
  };
  return { clock, lines, telemetry, advance, metric };
}

test('lag is what the last commit took, and its age once nothing is finished any more; unknown before the first', async () => {
  const { clock, telemetry, advance, metric } = setUp();
  expect(telemetry.status()).toMatchObject({ state: 'starting', lagMs: null, lagRecords: null, seq: 0, position: '' });
  expect(await metric('lagSeconds')).toBeUndefined();
  telemetry.captured(10);
  expect(telemetry.status().lagRecords).toBeNull();
  advance(5, { seq: 7, changesSeq: 4, ts_ms: clock.time - 3_000 });
  expect(telemetry.status()).toMatchObject({ lagMs: 3_000, lagRecords: 6, seq: 7, position: '0/1' });
  expect([await metric('lagSeconds'), await metric('lagRecords')]).toEqual([3, 6]);
  clock.time += 1_000;
  expect(telemetry.status().lagMs).toBe(3_000);
  clock.time += 9_000;
  expect(telemetry.status().lagMs).toBe(13_000);
  // A record without a time at the source says nothing about how late we are.
  advance(0, { changesSeq: 10, ts_ms: null });
  expect(telemetry.status()).toMatchObject({ lagMs: 13_000, lagRecords: 0 });
});

test('an idle role is told once a second how late it is, so lag stays what that takes', () => {
  const { clock, telemetry, advance } = setUp();
  for (let changesSeq = 1; changesSeq <= 10; changesSeq++) {
    clock.time += 1_000;
    advance(0, { changesSeq, ts_ms: clock.time - 20 });
    telemetry.captured(changesSeq);
    clock.time += 900;
    expect(telemetry.status()).toMatchObject({ lagMs: 20, lagRecords: 0 });
  }
});

test('a role that hangs in a batch, or behind one that does, is as late as what it finished last', async () => {
  const { clock, telemetry, advance, metric } = setUp();
  advance(1, { changesSeq: 4, ts_ms: clock.time });
  for (let second = 1; second <= 36; second++) {
    clock.time += 1_000;
    telemetry.captured(4 + second);
  }
  expect(telemetry.status()).toMatchObject({ lagMs: 36_000, lagRecords: 36 });
  expect([await metric('lagSeconds'), await metric('lagRecords')]).toEqual([36, 36]);
});

test('in trouble lag grows, and the error is told until it goes on', () => {
  const { clock, telemetry, advance } = setUp();
  advance(5, { changesSeq: 4 });
  clock.time += 1_000;
  telemetry.retrying({
    error: new ChangeoverError('TARGET_UNREACHABLE', 'away'),
    attempt: 1,
    delayMs: 500,
    troubledMs: 0,
    loudness: 'info',
  });
  telemetry.captured(6);
  clock.time += 20_000;
  expect(telemetry.status()).toMatchObject({ lagMs: 21_000, lagRecords: 2, lastError: 'TARGET_UNREACHABLE' });
  advance(1, { changesSeq: 6 });
  expect(telemetry.status()).toMatchObject({ lagMs: 0, lagRecords: 0, lastError: null });
  clock.time += 5_000;
  telemetry.failed(new ChangeoverError('FENCED', 'other'));
  expect(telemetry.status()).toMatchObject({ lagMs: 5_000, lastError: 'FENCED' });
});

test('a target that was taken elsewhere on purpose is no trouble to tell of, however long nothing is written to it', async () => {
  const { telemetry, advance, metric } = setUp();
  advance(5, { changesSeq: 4 });
  const moved = new ChangeoverError('TARGET_MOVED', 'elsewhere');
  telemetry.retrying({ error: moved, attempt: 1, delayMs: 500, troubledMs: 0, loudness: 'info' });
  telemetry.entered('running');
  expect(telemetry.status()).toMatchObject({ state: 'running', lastError: null, details: {} });
  expect(await metric('retries')).toBe(0);
});

test('that rows to look up are missing is told until they are there', () => {
  const { telemetry, advance } = setUp();
  telemetry.warning(new ChangeoverError('REFERENCE_MISSING', 'not recorded'));
  advance(0, { changesSeq: 4 });
  expect(telemetry.status().lastError).toBe('REFERENCE_MISSING');
  telemetry.derived({ table: 'public.a', rows: 0, expected: 4000, finished: false });
  expect(telemetry.status().lastError).toBeNull();
});

test('rates are means over the last five seconds', () => {
  const { clock, telemetry, advance } = setUp();
  telemetry.status();
  for (let second = 0; second < 10; second++) {
    clock.time += 1_000;
    advance(second < 5 ? 0 : 200);
    telemetry.status();
  }
  expect(telemetry.status()).toMatchObject({ rowsPerSecond: 200, recordsPerSecond: 1 });
});

test('counters, batches and memory as Prometheus reads them, again and again the same', async () => {
  const { telemetry, advance, metric } = setUp();
  advance(7);
  telemetry.applied({ transactions: 1, rows: 7, seconds: 0.02, report: { inserted: 5, updated: 0, deleted: 0, refused: 2, released: 1 } });
  telemetry.retained(4_096);
  for (const _ of [1, 2]) {
    expect([await metric('rows'), await metric('bytes'), await metric('refusedRows'), await metric('retainedBytes')]).toEqual([
      7, 70, 2, 4_096,
    ]);
  }
  expect(await metric('memoryBytes')).toBeGreaterThan(1_000_000);
  expect(await telemetry.registry.metrics()).toContain('changeover_batch_rows_bucket{le="10",migration="crm",role="load"} 1');
  expect(telemetry.status().details).toEqual({ retainedBytes: 4_096, refusedRows: 2, releasedRows: 1 });
});

test('a copy is in the status until it ended, which is worth a line', async () => {
  const { telemetry, lines } = setUp();
  const copy = { table: 'public.a', rows: 10, bytes: 100, estimate: { rows: 20, bytes: 200 }, finished: false };
  telemetry.copied(copy);
  expect(telemetry.status().copies).toMatchObject([{ table: 'public.a', rows: 10, estimatedRows: 20 }]);
  telemetry.copied({ ...copy, rows: 21, bytes: 210, finished: true });
  expect(telemetry.status()).not.toHaveProperty('copies');
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([{ rows: 21, bytes: 210, facts: { table: 'public.a' } }]);
  expect(await telemetry.registry.metrics()).toContain('changeover_copied_rows_total{migration="crm",role="load"} 11');
});

test('what is filled from the log again says how far it is, until it is there', () => {
  const { telemetry, advance } = setUp();
  expect(telemetry.status().details).toEqual({});
  telemetry.refilled({ seq: 1_234, through: 56_789 });
  expect(telemetry.status().details).toEqual({ filling: 'record 1,234 of 56,789 of changes, 2 %' });
  telemetry.refilled({ seq: 56_789, through: 56_789 });
  expect(telemetry.status().details).toEqual({});
  // The last of them may be one of which nothing is made.
  telemetry.refilled({ seq: 56_788, through: 56_789 });
  advance(0, { changesSeq: 56_790 });
  expect(telemetry.status().details).toEqual({});
});

test('trouble: state, last error, log lines', async () => {
  const { telemetry, lines, metric } = setUp();
  telemetry.entered('running');
  expect(await metric('running')).toBe(1);
  telemetry.retrying({
    error: new ChangeoverError('TARGET_UNREACHABLE', 'away'),
    attempt: 2,
    delayMs: 500,
    troubledMs: 10,
    loudness: 'warn',
  });
  expect(telemetry.status()).toMatchObject({ state: 'waiting', lastError: 'TARGET_UNREACHABLE' });
  telemetry.warning(new ChangeoverError('SOURCE_RETENTION', 'much'));
  telemetry.failed(new ChangeoverError('FENCED', 'other'));
  expect(telemetry.status()).toMatchObject({ state: 'failed', lastError: 'FENCED' });
  expect(lines.map((line) => (JSON.parse(line) as { level: string; code?: string }).code)).toEqual([
    undefined,
    'TARGET_UNREACHABLE',
    'SOURCE_RETENTION',
    'FENCED',
  ]);
  expect([await metric('retries'), await metric('warnings'), await metric('running')]).toEqual([1, 1, 0]);
});

test('docs/reference/metrics.md is what the code says (write it anew with UPDATE_REFERENCE=1)', async () => {
  const rendered = renderMetricsReference();
  if (process.env['UPDATE_REFERENCE'] === '1') await writeFile(REFERENCE, rendered);
  expect(await readFile(REFERENCE, 'utf8')).toBe(rendered);
});

test('the mapping in force and the refused ones are told as they were told last', () => {
  const { telemetry } = setUp();
  expect(telemetry.status()).not.toHaveProperty('mapping');
  const refusal = { requestId: 'r', hash: 'other', code: 'MAPPING_INVALID', reason: 'no column gone' } as const;
  telemetry.mapped({ hash: 'one', seq: 5, refused: [] });
  telemetry.mapped({ hash: 'one', seq: 5, refused: [{ ...refusal, seq: 9, at: 90 }] });
  expect(telemetry.status().mapping).toEqual({ hash: 'one', record: 5, refused: [{ ...refusal, record: 9 }] });
});
