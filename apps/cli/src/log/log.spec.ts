import type { Position } from '@changeover/core';
import type { ListedRecord, LogFinding, LogReport, RowChange, StreamFacts } from '@changeover/events';
import { textTable } from '@changeover/testing';

import { debeziumEnvelope } from './debezium.js';
import { recordJson, recordLine, rowLine } from './record-view.js';
import { damaged, renderSummary, renderVerdict } from './report-view.js';
import { progressWords } from './run-audit.js';
import { nothingListed } from './run-list.js';

const FACTS: StreamFacts = {
  stream: 'm.changes',
  logId: 'the-log',
  start: 0,
  end: 2_000,
  readTo: 2_000,
  first: { seq: 1, position: '' as Position, ts_ms: null, offset: 1 },
  last: { seq: 1_990, position: '00000000/01' as Position, ts_ms: 0, offset: 1_999 },
  records: { schema: 2, transaction: 1_988 },
  parts: 1_992,
  messages: 2_000,
  bytes: 3_000_000,
  fences: { counted: 3, uncounted: 1 },
  uncounted: { late: 2, repeated: 0, abandoned: 2, cut: 0, unreadable: 0, bytes: 2_000 },
  unfinished: { seq: 1_991, messages: 2 },
  tables: [
    { table: 'crm.person', rows: { r: 10, c: 1, t: 0 } },
    { table: null, rows: { d: 3 } },
  ],
  largest: { seq: 7, bytes: 900_000, parts: 3, rows: 5_000 },
  found: { LOG_GAP: 1 },
};
const FINDING: LogFinding = { stream: 'm.changes', code: 'LOG_GAP', check: 'order', offset: 12, seq: 9, what: 'record 9 follows record 7' };
const REPORT: LogReport = { complete: true, streams: [FACTS], missing: [], findings: [FINDING], found: 60 };

const TABLE = textTable('crm.person', ['id', 'name', 'note']);
const RECORD: ListedRecord = {
  header: {
    kind: 'transaction',
    logId: 'the-log',
    epoch: 1,
    seq: 7,
    part: 1,
    last: true,
    follows: '' as Position,
    prev: '',
    fenceAt: 0,
    pos: '00000000/02' as Position,
    txId: '742',
    ts_ms: 0,
    rows: 2,
    from: { logId: 'the-log', epoch: 1, seq: 5, pos: '' as Position, checksum: '', at: 3 },
  },
  offset: 9,
  bytes: 300,
  parts: 1,
  tables: ['crm.person'],
  // eslint-disable-next-line require-yield -- none is asked for
  async *changes() {
    await Promise.resolve();
  },
};
const MOVED: RowChange = {
  table: TABLE,
  op: 'u',
  before: { id: '1', name: undefined, note: undefined },
  after: { id: '2', name: 'a "b"\u202e', note: undefined },
};

test('why nothing is listed', () => {
  expect(nothingListed({ stream: 'changes', table: 'crm.nix' }, { from: 13, seq: 12 })).toBe(
    'nothing is listed: changes ends with record 12',
  );
  expect(nothingListed({ stream: 'writes', table: 'crm.nix', kind: 'schema' }, { from: 12, seq: 12 })).toContain(
    'no record of kind schema about crm.nix from record 12 to 12 of writes; ',
  );
});

test('a summary, in words', () => {
  expect(renderSummary(REPORT).split('\n')).toEqual([
    'm.changes',
    '  log         the-log',
    '  offsets     0 to 1,999',
    '  stored      2,000 messages, 2.9 MB before the store compresses them',
    '  first       record 1 at offset 1',
    '  last        record 1990 at offset 1999, position 00000000/01, committed 1970-01-01T00:00:00.000Z',
    '  records     1,990: 2 schema, 1,988 transaction; in 1,992 parts',
    '  fences      3, and 1 that do not count',
    '  largest     record 7: 879 kB, 5,000 rows, 3 parts',
    '  uncounted   2 late, 2 abandoned (2.0 kB); no reader takes them',
    '  gaps        1 LOG_GAP',
    '  unfinished  record 1991, 2 parts of it so far',
    '  rows by table',
    '    crm.person                        10 copied, 1 inserted, truncated',
    '    of a form that is not in the log  3 deleted',
    '',
  ]);
});

test('a summary that was ended early says so, and a stream that is not there', () => {
  const said = renderSummary({ ...REPORT, complete: false, streams: [{ ...FACTS, readTo: 500 }], missing: ['m.writes'] });
  expect(said).toContain('PARTIAL: it was told to stop. Read: m.changes up to offset 500 of 2000\n');
  expect(said).toContain('m.writes is not there: transform makes it when it is first started\n');
});

test('a verdict names what was found, and how much more there is', () => {
  expect(renderVerdict(REPORT).split('\n')).toEqual([
    'stream     records  messages  bytes',
    'm.changes  1,990    2,000     2.9 MB  damaged',
    '',
    'm.changes offset 12 record 9: LOG_GAP (order): record 9 follows record 7',
    'and 59 more (--json names up to 1)',
    '',
  ]);
  expect(damaged(REPORT)).toMatchObject({ code: 'LOG_GAP', facts: { found: 60, offset: 12, seq: 9 } });
  expect(damaged({ ...REPORT, findings: [], found: 0 })).toBeNull();
  const partial = renderVerdict({ ...REPORT, complete: false, streams: [{ ...FACTS, readTo: 500, found: {} }], findings: [], found: 0 });
  expect(partial).toContain('as far as it was read, as it was written');
});

test('how long the rest takes', () => {
  const progress = { stream: 'm.changes', done: 250, all: 1_000 };
  expect(progressWords(progress, 10)).toBe('reading the log, 25 %: m.changes, 250 of 1,000 messages, 30 s left');
  expect(progressWords({ ...progress, done: 0 }, 0)).toBe('reading the log, 0 %: m.changes, 0 of 1,000 messages');
});

test('a record in a line, without values; a row with those that were told', () => {
  expect(recordLine(RECORD)).toBe(
    '#7  transaction  at 9  00000000/02  1970-01-01T00:00:00.000Z  tx 742  2 rows  300 bytes  1 part  from changes #5  crm.person',
  );
  expect(recordJson(RECORD)).toMatchObject({ seq: 7, position: '00000000/02', rows: 2, from: 5 });
  expect(rowLine(MOVED)).toBe('  u crm.person (id="1") -> (id="2", name="a \\"b\\"\\u202e")');
  expect(rowLine({ table: TABLE, op: 't', before: null, after: null })).toBe('  t crm.person');
});

test("a row in Debezium's envelope", () => {
  const place = { migration: 'm', total: 4, ofTable: 2 };
  expect(JSON.parse(JSON.stringify(debeziumEnvelope(RECORD.header, MOVED, place)))).toEqual({
    before: { id: '1' },
    after: { id: '2', name: 'a "b"\u202e', note: '__debezium_unavailable_value' },
    source: {
      connector: 'changeover',
      name: 'm',
      ts_ms: 0,
      snapshot: 'false',
      schema: 'crm',
      table: 'person',
      txId: '742',
      position: '00000000/02',
      sequence: 7,
    },
    op: 'u',
    ts_ms: 0,
    transaction: { id: '742:00000000/02', total_order: 4, data_collection_order: 2 },
  });
  const copied: RowChange = { table: TABLE, op: 'r', before: null, after: { id: '1', name: null, note: null } };
  expect(debeziumEnvelope({ ...RECORD.header, kind: 'snapshot-chunk' }, copied, place)).toMatchObject({
    op: 'r',
    before: null,
    source: { snapshot: 'true' },
    transaction: null,
  });
});
