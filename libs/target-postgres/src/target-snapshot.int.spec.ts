import { formatRows, HELD_COLUMNS, HELD_TABLE, parseRows, type TableSchema, type TargetSnapshot } from '@changeover/events';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

import type { PinnedForms } from './catalogue/table-form.js';
import { Connection } from './connection.js';
import { openTargetSnapshot } from './target-snapshot.js';
import { LoadBed } from './test/load-bed.js';
import { Writes, type Row } from './test/writes.js';

const NAME = 'snapshot-of-test';

async function snapshotOf(bed: LoadBed): Promise<TargetSnapshot> {
  const open = () => Connection.open(bed.database.url, NAME);
  const connection = await open();
  await connection.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  const [row] = await connection.query<{ tables: PinnedForms }>('SELECT tables FROM changeover.progress');
  return openTargetSnapshot(connection, { migration: 'crm', progress: bed.progress(), generation: '0.0', pinned: row?.tables ?? {}, open });
}

async function bytesOf(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

async function rowsOf(snapshot: TargetSnapshot, table: TableSchema): Promise<Row[]> {
  return parseRows(await bytesOf(snapshot.rows(table)));
}

async function compared(snapshot: TargetSnapshot, table: TableSchema, rows: readonly Row[]): Promise<Row[]> {
  return parseRows(await snapshot.asCompared(table, formatRows(rows)));
}

async function copyInto(sql: pg.Client, table: string, lines: Buffer): Promise<void> {
  const copy = sql.query(copyFrom(`COPY ${table} FROM STDIN`));
  await new Promise<void>((resolve, reject) => {
    copy.on('finish', resolve);
    copy.on('error', reject);
    copy.end(lines);
  });
}

async function openSessions(bed: LoadBed): Promise<number> {
  const [[count]] = (await bed.rows(
    `SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND application_name = '${NAME}'`,
  )) as [[number]];
  return count;
}

/** mulberry32: https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
function random(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const TYPES = `
  CREATE SCHEMA app;
  CREATE TYPE app.mood AS ENUM ('fine', 'Sad one', 'a,b');
  CREATE TYPE app.pair AS (a int, b text);
  CREATE DOMAIN app.amount AS numeric(8,2) CHECK (VALUE >= 0);
  CREATE DOMAIN app.code AS varchar(4);
  CREATE DOMAIN app.doc AS json;
  CREATE DOMAIN app.docb AS jsonb`;

const TEXTS = [
  '',
  ' ',
  'a',
  'abc',
  'abcde',
  'abcdef',
  'abc  ',
  'abcde   ',
  ' abcd',
  'ü€😀',
  '😀😀😀😀😀',
  '😀😀😀😀😀😀',
  'a\tb',
  'a\tbc',
  'a\\bcd',
  'a\nbcde',
  '\\',
  '\\N',
  '\\.',
  'a\nb',
  '\r',
  '\u0001\b\v\f',
  'ABC',
  'NULL',
  '"',
];
const NUMBERS = [
  '0',
  '-0',
  '1',
  '+7',
  '007',
  '-1',
  '1.5',
  '1.50',
  '1.500',
  '10',
  '100',
  '100.00',
  '.5',
  '5.',
  '-0.00',
  '-0.5',
  '1e3',
  '1E-2',
  ' 12 ',
  'NaN',
  'nan',
  'Infinity',
  '-inf',
  '123456.78',
  '999999.994',
  '999999.999',
  '12345678901234567890.5',
  '1.005',
  '0.0001',
  '0.00001',
  '1.5.0',
  '10.',
  '00',
  '1_000',
  'x',
  '',
];
const INTEGERS = [
  '0',
  '-0',
  '1',
  '+7',
  '007',
  ' 12 ',
  '-1',
  '9999',
  '10000',
  '29999',
  '32767',
  '32768',
  '-32768',
  '40000',
  '999999999',
  '1999999999',
  '2147483647',
  '2147483648',
  '-2147483648',
  '999999999999999999',
  '8999999999999999999',
  '9223372036854775807',
  '9223372036854775808',
  '0x10',
  '1.0',
  '',
];
const FLOATS = [
  '0',
  '-0',
  '1',
  '1.50',
  '0.1',
  '0.0001',
  '0.00012345',
  '0.00001',
  '123456789012345',
  '12345678901234',
  '1234567890123456',
  '0.123456789012345',
  '0.1234567890123456',
  '0.10000000000000001',
  '12345678901234.12345',
  '9007199254740993',
  '1e10',
  '1e300',
  '1e-320',
  '1e999',
  'NaN',
  '-Infinity',
  '3.4028236e38',
  '33.333333333333',
  '-12.3456789',
  '+1',
  '1.',
  '99999999999999.9',
];
const DATES = [
  '2024-01-01',
  '2024-02-29',
  '2023-02-29',
  '2023-02-28',
  '2024-04-30',
  '2024-04-31',
  '2024-12-31',
  '0001-01-01',
  '0000-01-01',
  '0044-03-15 BC',
  'infinity',
  '-infinity',
  '20240102',
  '2024-1-2',
  '12345-01-01',
  'Jan 5 2024',
  '2024-01-01 10:00:00',
  '',
];
const TIMES = [
  '10:00:00',
  '10:00',
  '23:59:60',
  '24:00:00',
  '10:00:00.120000',
  '10:00:00.12',
  '10:00:00.1234567',
  '10:00:00.123',
  '10:00:00.999999',
  '04:05 PM',
  '25:00:00',
];
const STAMPS = [
  ...DATES,
  ...DATES.slice(0, 8).flatMap((date) => TIMES.map((time) => `${date} ${time}`)),
  '2024-01-01T10:00:00',
  '2024-01-01 10:00:00 BC',
  'epoch',
];
const ZONED = [
  ...STAMPS,
  ...STAMPS.slice(18, 60).flatMap((stamp) => [`${stamp}+00`, `${stamp}+02`, `${stamp}-03:30`, `${stamp} Europe/Berlin`]),
  '2024-01-01 10:00:00.120000+02',
  '2024-01-01 10:00:00+00 BC',
];
const UUIDS = [
  'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
  'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11',
  '{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}',
  'a0eebc999c0b4ef8bb6d6bb9bd380a11',
  'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1',
  'g0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
];
const JSONS = [
  '{}',
  ' { } ',
  '{"a":1,"b":2}',
  '{"b": 2, "a":1}',
  '{"a":1,"a":2}',
  '{"a":1.50}',
  '[1, 2,3]',
  '"x"',
  'null',
  '1',
  '"\\u0000"',
  '"\\ud800"',
  '"\\u00e9"',
  '"é"',
  '1e99',
  '1e999999',
  '1'.repeat(300),
  '{"t":"a\\tb\\n\\\\"}',
  '{',
  '',
  '{"😀": "\\""}',
  '"null"',
];
const BYTES = ['\\x', '\\x00ff', '\\x00FF', '\\x0', 'abc', '\\001\\\\', '\\x 00 ff'];
const LISTS = [
  '{}',
  '{1,2}',
  '{1, 2}',
  '{ 1 ,NULL}',
  '{null}',
  '{"1"}',
  '[0:1]={1,2}',
  '[1:2]={1,2}',
  '{{1,2},{3,4}}',
  '{1,2',
  '1,2',
  '{1.50,2}',
];
const BOOLS = ['t', 'f', 'true', 'yes', 'no', 'on', '1', '0', ' t', 'T', 'x', ''];

/** What may stand in columns of a type. */
const COLUMNS: readonly (readonly [type: string, values: readonly string[]])[] = [
  ['text', TEXTS],
  ['varchar', TEXTS],
  ['varchar(5)', TEXTS],
  ['char(5)', TEXTS],
  ['bpchar', TEXTS],
  ['name', TEXTS],
  ['"char"', ['a', 'ab', '', '\\101']],
  ['smallint', INTEGERS],
  ['int', INTEGERS],
  ['bigint', INTEGERS],
  ['numeric', NUMBERS],
  ['numeric(8,2)', NUMBERS],
  ['numeric(3)', NUMBERS],
  ['numeric(4,4)', NUMBERS],
  ['numeric(40,10)', NUMBERS],
  ['numeric[]', LISTS],
  ['real', FLOATS],
  ['double precision', FLOATS],
  ['bool', BOOLS],
  ['date', DATES],
  ['time', TIMES],
  ['time(2)', TIMES],
  ['timetz', [...TIMES, '10:00:00+02']],
  ['timestamp', STAMPS],
  ['timestamp(3)', STAMPS],
  ['timestamp(0)', STAMPS],
  ['timestamptz', ZONED],
  ['timestamptz(2)', ZONED],
  ['interval', ['1 day', '24 hours', 'P1D', '1 mon -1 day', '00:00:01.5', 'x']],
  ['interval(0)', ['00:00:01.5', '1 day']],
  ['uuid', UUIDS],
  ['json', JSONS],
  ['jsonb', JSONS],
  ['json[]', ['{"1", "{\\"b\\": 1}"}', '{NULL}']],
  ['bytea', BYTES],
  ['int[]', LISTS],
  ['varchar(2)[]', ['{a,bc}', '{abc}', '{"a  "}', '{"a,"," b"}', '{NULL,"NULL"}']],
  ['app.mood', ['fine', 'Sad one', 'a,b', 'sad', ' fine', '']],
  ['app.mood[]', ['{fine}', '{ "Sad one" , fine }', '{sad}']],
  ['app.pair', ['(1,x)', '( 1 ,x)', '(,)', '(,"")', '(x,1)', '(1,"a b")', '1']],
  ['app.amount', NUMBERS],
  ['app.code', TEXTS],
  ['app.doc', JSONS],
  ['app.docb', JSONS],
  ['int4range', ['[1,3)', '[1,2]', '(0,3]', 'empty', '[3,1]', '[1,)']],
  ['numrange', ['[1.50,2)', '[1.5,2)']],
  ['point', ['(1,2)', '1,2', '( 1.50 , 2 )', '(1']],
  ['inet', ['10.0.0.1', '10.0.0.1/32', '10.0.0.0/8', '::1', '0:0::1', '10.1']],
  ['cidr', ['10.0.0.0/8', '10', '10.0.0.1/8']],
  ['macaddr', ['08:00:2b:01:02:03', '08-00-2B-01-02-03', '08002b:010203']],
  ['money', ['$1.00', '1', '1,000.5', '-1', '(1)', 'x']],
  ['bit(3)', ['101', '1', '10101', 'B101', 'x5']],
  ['varbit(3)', ['', '1', '1010', '101']],
  ['xml', ['<a/>', '<a  b="1"/>', 'text', '<a>', '<?xml version="1.0"?><a/>', '']],
  ['tsvector', ['a b', "'b' 'a'", 'b:1 a:2']],
  ['regclass', ['pg_class', '-', 'no_such_table', 'pg_catalog.pg_class']],
];

const NAMES = COLUMNS.map((_, at) => `c${String(at)}`);
const ALL_TYPES = `${TYPES}; CREATE TABLE typed (n int PRIMARY KEY, ${COLUMNS.map(([type], at) => `c${String(at)} ${type}`).join(', ')})`;

/** A random spelling: one of those listed, or a random number or text. */
function valueOf(below: (below: number) => number, values: readonly string[]): string | null {
  const chance = below(12);
  if (chance === 0) return null;
  if (chance > 1) return values[below(values.length)] as string;
  const digits = Array.from({ length: 1 + below(18) }, () => String(below(10))).join('');
  const point = below(digits.length + 1);
  return (below(2) === 0 ? '' : '-') + (below(2) === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`);
}

describe.each([14, 18] as const)('rows of PostgreSQL %i as they are compared', (major) => {
  it('are what becomes of the source’s text when it is stored, whatever its spelling', async () => {
    const seed = (Date.now() ^ (major << 8)) >>> 0;
    console.log(`seed ${String(seed)}`);
    const below = random(seed);
    await using bed = await LoadBed.open(ALL_TYPES, { major });
    // As load reads what it writes: what a date such as 3.259 is depends on it.
    await bed.sql.query(`SET DateStyle = 'ISO, YMD'`);
    const typed = new Writes().table('typed', ['n', ...NAMES]).schema;
    // One value in each row, so that it is told which of them the table takes; and a number that does not stay as it is where it does.
    const cells = COLUMNS.flatMap(([, values], at) => [
      ...values.map((value) => [at, value] as const),
      ...Array.from({ length: 20 }, () => [at, valueOf(below, values)] as const),
    ]);
    const rows = cells.map(([at, value], n): Row => [`+${String(n)}`, ...NAMES.map((_, column) => (column === at ? value : null))]);
    const taken: Row[] = [];
    const refused: Row[] = [];
    for (const row of rows) {
      const copied = await copyInto(bed.sql, 'typed', formatRows([row])).then(
        () => true,
        () => false,
      );
      (copied ? taken : refused).push(row);
    }
    expect(refused.length).toBeGreaterThan(100);
    // Rows of many values, of those that each by itself is taken.
    const good = COLUMNS.map((_, at) => taken.map((row) => row[at + 1]).filter((value) => value !== null));
    const mixed = Array.from({ length: 60 }, (_, n): Row => [
      `+${String(100_000 + n)}`,
      ...good.map((values) => (below(8) === 0 ? null : (values[below(values.length)] as string))),
    ]);
    await copyInto(bed.sql, 'typed', formatRows(mixed));

    await using snapshot = await snapshotOf(bed);
    const stored = new Map((await rowsOf(snapshot, typed)).map((row) => [row[0], row]));
    const wanted = [...rows, ...mixed].map((row) => stored.get(row[0]?.slice(1)) ?? row);
    const got = await compared(snapshot, typed, [...rows, ...mixed]);
    for (const [n, row] of got.entries())
      expect([seed, rows[n] ?? mixed[n - rows.length], row]).toEqual([seed, rows[n] ?? mixed[n - rows.length], wanted[n]]);
    // And what is so already stays so, byte for byte.
    const again = await bytesOf(snapshot.rows(typed));
    expect((await snapshot.asCompared(typed, again)).equals(again)).toBe(true);
  }, 120_000);
});

describe('a snapshot of the target', () => {
  it('takes values that a type takes to be equal to be so, and no others', async () => {
    await using bed = await LoadBed.open(
      `${TYPES}; CREATE TABLE typed (n int PRIMARY KEY, a numeric, b json, c app.amount, d timestamptz, e char(5), f text, g app.doc)`,
    );
    const typed = new Writes().table('typed', ['n', 'a', 'b', 'c', 'd', 'e', 'f', 'g']).schema;
    await using snapshot = await snapshotOf(bed);
    const one = ['1', '1.50', '{"a":1, "b":2}', '7.00', '2024-01-01 12:00:00+02', 'ab', 'x', '[1, 2]'];
    const like = ['1', '1.5', '{"b":2,"a":1}', '7', '2024-01-01 10:00:00+00', 'ab   ', 'x', '[1,2]'];
    const others = ['2', '1.51', '{"a":1,"b":3}', '7.01', '2024-01-01 10:00:01+00', 'Ab', 'X', '[2,1]'];
    const each = others.map((other, at) => one.map((value, column) => (column === at ? other : value)));
    const nulls = one.map((_, at) => one.map((value, column) => (column === at ? null : value)));
    const empty = one.map((value, column) => (column === 6 ? '' : value));
    const [first, second, ...rest] = await compared(snapshot, typed, [one, like, ...each, ...nulls, empty]);
    expect(second).toEqual(first);
    expect(first).toEqual(['1', '1.5', '{"a": 1, "b": 2}', '7', '2024-01-01 10:00:00+00', 'ab   ', 'x', '[1, 2]']);
    expect(new Set([first, ...rest].map((row) => JSON.stringify(row))).size).toBe(1 + rest.length);
    // The target's own.
    await bed.sql.query(
      'INSERT INTO typed VALUES (9, NULL, NULL, NULL, NULL, NULL, $1, NULL), (10, 1, NULL, NULL, NULL, NULL, NULL, NULL)',
      [''],
    );
    await using later = await snapshotOf(bed);
    expect(await rowsOf(later, typed)).toEqual([
      ['9', null, null, null, null, null, '', null],
      ['10', '1', null, null, null, null, null, null],
    ]);
  });

  it('leaves a line that the types do not take as it is, and the others of the same call are right', async () => {
    await using bed = await LoadBed.open(`${TYPES}; CREATE TABLE typed (n int PRIMARY KEY, a numeric(4,1), b varchar(3), c app.amount)`);
    const typed = new Writes().table('typed', ['n', 'a', 'b', 'c']).schema;
    await using snapshot = await snapshotOf(bed);
    const lines = Array.from({ length: 200 }, (_, n): Row => [
      `0${String(n)}`,
      '1.25',
      n % 10 === 3 ? 'long' : 'b   ',
      n % 10 === 7 ? '-1' : '1.00',
    ]);
    const wanted = lines.map((line, n): Row => (n % 10 === 3 || n % 10 === 7 ? line : [String(n), '1.3', 'b  ', '1']));
    expect(await compared(snapshot, typed, lines)).toEqual(wanted);
    // As it was answered before, and by several calls at a time.
    expect(await Promise.all([0, 1, 2].map(() => compared(snapshot, typed, lines)))).toEqual([wanted, wanted, wanted]);
    expect(await compared(snapshot, typed, [])).toEqual([]);
    expect(await rowsOf(snapshot, typed)).toEqual([]);
  });

  it('shows one instant, in pieces of whole lines, of several tables at once', async () => {
    await using bed = await LoadBed.open(`CREATE TABLE a (id int PRIMARY KEY, t text); CREATE TABLE b (id int PRIMARY KEY, t text);
      CREATE TABLE c (id int PRIMARY KEY, n numeric); CREATE TABLE d (id int PRIMARY KEY);
      INSERT INTO a SELECT n, repeat('a', 100) FROM generate_series(1, 20000) n; INSERT INTO a VALUES (0, repeat('x', 1000000));
      INSERT INTO b SELECT n, repeat('b', 100) FROM generate_series(1, 20000) n`);
    const tables = ['a', 'b'].map((name) => new Writes().table(name, ['id', 't']).schema);
    const c = new Writes().table('c', ['id', 'n']).schema;
    await using snapshot = await snapshotOf(bed);
    await bed.sql.query('DELETE FROM a WHERE id > 0; UPDATE b SET t = NULL; INSERT INTO c VALUES (1, 1)');
    const readings = tables.map((table) => snapshot.rows(table)[Symbol.asyncIterator]());
    const counts = [0, 0];
    // In turns, and others meanwhile: none may wait for another.
    for (let open = [...readings.keys()]; open.length > 0;) {
      for (const at of open) {
        const next = await readings[at]?.next();
        if (next?.done !== false) {
          open = open.filter((other) => other !== at);
          continue;
        }
        const piece = next.value;
        expect(piece.at(-1)).toBe(0x0a);
        const rows = parseRows(piece);
        expect(piece.length < 200_000 || rows.some(([id]) => id === '0')).toBe(true);
        counts[at] = (counts[at] as number) + rows.length;
        expect(await compared(snapshot, c, [['1', `1.${String(counts[at])}`.padEnd(9, '0')]])).toHaveLength(1);
        expect(await compared(snapshot, c, [['1', `1e${String(counts[at] % 9)}`]])).toHaveLength(1);
      }
      expect(await rowsOf(snapshot, c)).toEqual([]);
    }
    expect(counts).toEqual([20_001, 20_000]);
  });

  it.each(['stopped', 'disposed of'])('ends its sessions when the reading of a table is %s early', async (way) => {
    await using bed = await LoadBed.open(`CREATE TABLE a (id int PRIMARY KEY, t text);
      INSERT INTO a SELECT n, repeat('a', 1000) FROM generate_series(1, 50000) n`);
    const a = new Writes().table('a', ['id', 't']).schema;
    const snapshot = await snapshotOf(bed);
    if (way === 'stopped') {
      for await (const piece of snapshot.rows(a)) {
        expect(piece.length).toBeGreaterThan(0);
        break;
      }
      // Still of use.
      expect((await bytesOf(snapshot.rows(a))).length).toBe(50_000 * 1002 + 238_894);
      await snapshot[Symbol.asyncDispose]();
    } else {
      const reading = snapshot.rows(a)[Symbol.asyncIterator]();
      await reading.next();
      await snapshot[Symbol.asyncDispose]();
      await expect(
        (async () => {
          while ((await reading.next()).done !== true);
        })(),
      ).rejects.toMatchObject({ code: 'TARGET_UNREACHABLE' });
      await expect(rowsOf(snapshot, a)).rejects.toMatchObject({ code: 'TARGET_UNREACHABLE' });
    }
    // A server process that is writing to nobody learns it soon.
    await expect(gone(bed)).resolves.toBe(true);
  });

  it.each(['the one that keeps it', 'the one that reads'])('ends a reading when the server ends %s of its sessions', async (which) => {
    await using bed = await LoadBed.open(`CREATE TABLE a (id int PRIMARY KEY, t text); CREATE TABLE b (id int PRIMARY KEY);
      INSERT INTO a SELECT n, repeat('a', 1000) FROM generate_series(1, 50000) n`);
    const a = new Writes().table('a', ['id', 't']).schema;
    const b = new Writes().table('b', ['id']).schema;
    await using snapshot = await snapshotOf(bed);
    expect(await compared(snapshot, b, [['+1']])).toEqual([['1']]);
    await compared(snapshot, a, []);
    const reading = snapshot.rows(a)[Symbol.asyncIterator]();
    await reading.next();
    const end = (condition: string) =>
      bed.sql.query(
        `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = '${NAME}' AND datname = current_database() AND ${condition}`,
      );
    const reads = `query LIKE 'COPY%'`;
    const toTheEnd = async (): Promise<void> => {
      while ((await reading.next()).done !== true);
    };
    if (which === 'the one that reads') {
      await end(reads);
      await expect(toTheEnd()).rejects.toMatchObject({ code: 'TARGET_UNREACHABLE' });
      expect(await rowsOf(snapshot, b)).toEqual([]);
    } else {
      await end(`backend_xmin IS NOT NULL AND NOT ${reads}`);
      // What is being read has the snapshot as well.
      await toTheEnd();
      await reading.return?.();
      const fresh = [snapshot.rows(b), snapshot.rows(b)].map((rows) => bytesOf(rows));
      await expect(Promise.all(fresh)).rejects.toMatchObject({ code: 'TARGET_UNREACHABLE' });
      await Promise.allSettled(fresh);
    }
  });

  it('has the rows of a table itself, of a partitioned one those of its partitions; of what the target makes itself nothing', async () => {
    await using bed = await LoadBed.open(`
      CREATE TABLE firms (id int PRIMARY KEY, code text, twice int GENERATED ALWAYS AS (id * 2) STORED, own text DEFAULT 'own');
      CREATE TABLE branches (PRIMARY KEY (id)) INHERITS (firms);
      CREATE TABLE parts (id int PRIMARY KEY, "the code" text) PARTITION BY RANGE (id);
      CREATE TABLE small PARTITION OF parts FOR VALUES FROM (0) TO (10); CREATE TABLE large PARTITION OF parts DEFAULT;
      INSERT INTO firms (id, code) VALUES (1, 'a'); INSERT INTO branches (id, code) VALUES (1, 'b'), (2, 'b');
      INSERT INTO parts VALUES (1, 'a'), (30, 'c')`);
    const firms = new Writes().table('firms', ['twice', 'code', 'id'], { keys: 0, identity: 'full' }).schema;
    await using snapshot = await snapshotOf(bed);
    expect(await rowsOf(snapshot, firms)).toEqual([[null, 'a', '1']]);
    expect(await compared(snapshot, firms, [['5', 'a', '1']])).toEqual([[null, 'a', '1']]);
    const parts = new Writes().table('parts', ['the code', 'id']).schema;
    expect(await rowsOf(snapshot, parts)).toEqual([
      ['a', '1'],
      ['c', '30'],
    ]);
    const nowhere = new Writes().table('nowhere', ['id']).schema;
    await expect(rowsOf(snapshot, nowhere)).rejects.toMatchObject({ code: 'TARGET_CHANGED' });
    await expect(compared(snapshot, new Writes().table('parts', ['id', 'more']).schema, [])).rejects.toMatchObject({
      code: 'TARGET_CHANGED',
    });
    expect(await rowsOf(snapshot, firms)).toHaveLength(1);
  });

  it('is none of a table of which somebody has made a column narrower since it was loaded; wider ones, more columns and indexes are no matter', async () => {
    await using bed = await LoadBed.open('CREATE TABLE t (id int PRIMARY KEY, amount numeric(12,3)); CREATE TABLE u (id int PRIMARY KEY)');
    const [t, u] = [bed.writes.table('t', ['id', 'amount']), bed.writes.table('u', ['id'])];
    await bed.apply([t.c(['1', '1.234']), u.c(['1'])]);
    await bed.sql.query('ALTER TABLE t ALTER amount TYPE numeric(14,3), ADD note text; CREATE UNIQUE INDEX ON t (amount)');
    {
      await using snapshot = await snapshotOf(bed);
      expect(await rowsOf(snapshot, t.schema)).toEqual([['1', '1.234']]);
    }
    await bed.sql.query('ALTER TABLE t ALTER amount TYPE numeric(12,1)');
    await using snapshot = await snapshotOf(bed);
    const narrower = {
      code: 'TARGET_CHANGED',
      message: expect.stringMatching(/- column amount: numeric\(12,3\)\n.*\+ column amount: numeric\(12,1\)/u) as string,
    };
    await expect(rowsOf(snapshot, t.schema)).rejects.toMatchObject(narrower);
    await expect(compared(snapshot, t.schema, [['1', '1.234']])).rejects.toMatchObject(narrower);
    expect(await rowsOf(snapshot, u.schema)).toEqual([['1']]);
  });

  it('leaves out rows that were there before the first load, of this migration', async () => {
    await using bed = await LoadBed.open(
      `CREATE TABLE t (a numeric, b text, c text, PRIMARY KEY (a, b)); CREATE TABLE u (id int PRIMARY KEY);
       INSERT INTO t VALUES (1.50, 'it''s', 'old'), (2, '\\', 'old'); INSERT INTO u VALUES (1)`,
      { existingRows: 'leave' },
    );
    const t = bed.writes.table('t', ['a', 'b', 'c'], { keys: 2 });
    await bed.apply([t.c(['3', 'x', 'new'], ['1.5', 'x', 'new'])]);
    await bed.sql.query(`INSERT INTO changeover.preexisting VALUES ('other', 'public', 't', '[3, "x"]'), ('crm', 'public', 'v', '[3, "x"]'),
      ('other', 'public', 'u', '[1]')`);
    await using snapshot = await snapshotOf(bed);
    const rows = await rowsOf(snapshot, t.schema);
    expect(new Set(rows.map(String))).toEqual(new Set(['3,x,new', '1.5,x,new']));
    expect(await rowsOf(snapshot, new Writes().table('u', ['id']).schema)).toEqual([['1']]);
  });

  it('has of the list of held rows those of its migration', async () => {
    await using bed = await LoadBed.open('CREATE TABLE t (id int PRIMARY KEY)');
    await bed.sql.query(`ALTER TABLE changeover.held ADD COLUMN later text DEFAULT 'x'`);
    const held = `INSERT INTO changeover.held (kept_version, since_ms, since_seq, problems, problem_column, reason, kept, state, source, source_key, target, migration)`;
    await bed.sql.query(
      `${held} VALUES ('{"values":[]}', 5, 4, '[{"b": 1,"a":2}]', NULL, 'r', true, 'held', 'public.s', 'a', 'public.t', 'crm')`,
    );
    await bed.sql.query(`${held} VALUES (NULL, 5, 4, '[]', NULL, 'r', true, 'held', 'public.s', 'b', 'public.t', 'crm''2')`);
    await using snapshot = await snapshotOf(bed);
    const row = ['crm', 'public.t', 'a', 'public.s', 'held', 't', 'r', null, '[{"a": 2, "b": 1}]', '4', '5', '{"values":[]}'];
    expect(row).toHaveLength(HELD_COLUMNS.length);
    expect(await rowsOf(snapshot, HELD_TABLE)).toEqual([row]);
    expect(await compared(snapshot, HELD_TABLE, [row.with(8, '[{"b":1,"a":2}]')])).toEqual([row]);
  });

  it("finds rows by their keys, in whatever words, and counts them; a key that the type does not take is no row's", async () => {
    await using bed = await LoadBed.open(
      `CREATE TABLE t (a numeric(6,2), b char(3), c text, PRIMARY KEY (a, b)); INSERT INTO t VALUES (7, 'old', 'left');
       CREATE TABLE u (id int PRIMARY KEY, "o'dd" json)`,
      { existingRows: 'leave' },
    );
    const keyed = bed.writes.table('t', ['a', 'b', 'c'], { keys: 2 });
    const u = bed.writes.table('u', ['id', "o'dd"]);
    await bed.apply([keyed.c(['1.50', "it'", 'x\ty'], ['2', '\\', null], ['3', 'abc', ''])]);
    await bed.apply([u.c(['1', '{"b":1, "a":2}'], ['2', null])]);
    await using snapshot = await snapshotOf(bed);
    await bed.apply([keyed.c(['4', 'new', 'later'])]);
    const find = async (table: TableSchema, ...keys: readonly Row[]): Promise<Row[]> =>
      parseRows(await bytesOf(snapshot.find(table, formatRows(keys)))).toSorted(([a], [b]) => Number(a) - Number(b));
    expect(await find(keyed.schema, ['1.5', "it'"], ['2.000', '\\'], ['3', 'abd'], ['4', 'new'], ['7', 'old'], ['2', '\\'])).toEqual([
      ['1.5', "it'", 'x\ty'],
      ['2', '\\  ', null],
    ]);
    expect(await find(keyed.schema, ['no number', 'abc'], ['3', 'abc'], ['1e9', 'x'], ['', ''])).toEqual([['3', 'abc', '']]);
    expect([await find(keyed.schema, ['no number', 'abc']), await find(keyed.schema)]).toEqual([[], []]);
    // One after the other, and those that are found as they are compared.
    expect(await Promise.all([find(u.schema, ['1']), find(u.schema, ['2'], ['99999999999']), find(u.schema, ['1'], ['2'])])).toEqual([
      [['1', '{"a": 2, "b": 1}']],
      [['2', null]],
      [
        ['1', '{"a": 2, "b": 1}'],
        ['2', null],
      ],
    ]);
    expect([await snapshot.count(keyed.schema), await snapshot.count(u.schema)]).toEqual([3, 2]);
    const one = await bytesOf(snapshot.rows(u.schema));
    expect((await bytesOf(snapshot.find(u.schema, formatRows([['1'], ['2']])))).equals(one)).toBe(true);
  });

  it('tells the versions that the target refuses', async () => {
    await using bed = await LoadBed.open(
      `CREATE TABLE t (id int PRIMARY KEY, name text CHECK (name <> 'bad')); CREATE TABLE u (id int PRIMARY KEY)`,
    );
    const t = bed.writes.table('t', ['id', 'name']);
    const u = bed.writes.table('u', ['id']);
    await bed.apply([t.c(['1', 'a'], ['2', 'bad'], ['3', 'bad'])]);
    await bed.apply([t.u(['1', 'bad']), t.d(['3']), u.c(['x'])]);
    await bed.sql.query(
      `INSERT INTO changeover.refused (migration, table_schema, table_name, key_text, reason, from_seq, version_seq) VALUES ('other', 'public', 't', '', '', 1, 1)`,
    );
    await using snapshot = await snapshotOf(bed);
    expect(snapshot.progress.changes.seq).toBe(2);
    await bed.apply([t.u(['2', 'good'])]);
    expect(await snapshot.refused(t.schema)).toEqual([
      { wanted: { id: '2', name: 'bad' }, stands: null, isMissed: false },
      { wanted: { id: '1', name: 'bad' }, stands: { id: '1', name: 'a' }, isMissed: false },
    ]);
    expect(await snapshot.refused(u.schema)).toEqual([{ wanted: { id: 'x' }, stands: null, isMissed: false }]);
  });

  it.each(['TRUNCATE t', 'ALTER TABLE t ALTER COLUMN n TYPE bigint', 'TRUNCATE part', 'DROP TABLE t', 'ALTER TABLE t DROP COLUMN n'])(
    'does not take a table for empty that was not, after %s',
    async (change) => {
      await using bed = await LoadBed.open(`CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 2);
        CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE part PARTITION OF parts DEFAULT; INSERT INTO parts VALUES (1)`);
      const of = change.endsWith('part') ? new Writes().table('parts', ['id']).schema : new Writes().table('t', ['id', 'n']).schema;
      await using snapshot = await snapshotOf(bed);
      await bed.sql.query(change);
      await expect(rowsOf(snapshot, of)).rejects.toMatchObject({ code: expect.stringMatching(/^TARGET_(BUSY|CHANGED)$/) });
    },
  );
});

/** Whether all sessions of snapshots have ended; asks until it is so, at most for the time of the test. */
async function gone(bed: LoadBed): Promise<boolean> {
  while ((await openSessions(bed)) > 0) await bed.sql.query('SELECT pg_sleep(0.02)');
  return true;
}
