import { RandomIdSource } from '@changeover/core';
import type { SourceEvent } from '@changeover/events';
import { EventFollower, testDatabase, type TestDatabase } from '@changeover/testing';
import pg from 'pg';

import { PostgresSource } from './postgres-source.js';

/** Per type its edge values, as SQL expressions. Every list ends with a null of its own. */
const TYPES: Readonly<Record<string, readonly string[]>> = {
  smallint: ['-32768', '32767'],
  integer: ['-2147483648', '2147483647'],
  bigint: ['-9223372036854775808', '9223372036854775807', '0'],
  numeric: [
    "'NaN'",
    "'Infinity'",
    "'-Infinity'",
    '12345678901234567890123456789012345678',
    '-0.00000000000000000000000000000000000001',
    '1e308::numeric',
    '1.10',
  ],
  'numeric(12,2)': ['1.1', '-9999999999.99'],
  real: ["'NaN'", "'-Infinity'", '1.1', '3.4028235e38', '1e-45'],
  'double precision': ["'NaN'", "'Infinity'", '1.1', '1.7976931348623157e308', '5e-324', "'-0'", '0.1::float8 + 0.2::float8'],
  money: ["'-92233720368547758.08'", '1234.56'],
  boolean: ['true', 'false'],
  text: [
    "''",
    "E'tab\\there, line\\nbreak, return\\r, back\\\\slash, feed\\f, bell\\b, vertical\\x0b, one\\x01, del\\x7f'",
    "E'\\\\N'",
    "E'\\\\U'",
    "E'\\\\.'",
    "'𝄞 😀 日本 é ' || chr(65279)",
    "repeat('long ', 2000)",
  ],
  'character varying(5)': ["'ab'", "'ab   '", "'日本語日本'"],
  'character(5)': ["'ab'", "''"],
  '"char"': ["'a'", "''", "E'\\\\200'"],
  name: ["'a name'"],
  bytea: ["'\\x00ff5c0a09'", "''", "decode(repeat('00', 3000), 'hex')"],
  date: ["'infinity'", "'-infinity'", "'0044-03-15 BC'", "'4713-01-01 BC'", "'5874897-12-31'", "'2024-02-29'"],
  time: ["'00:00:00'", "'24:00:00'", "'12:34:56.123456'"],
  timetz: ["'12:34:56.123456+05:30'", "'00:00:00-15:59:59'"],
  timestamp: ["'infinity'", "'-infinity'", "'2024-02-29 12:34:56.123456'", "'4713-01-01 00:00:00 BC'", "'294276-12-31 23:59:59.999999'"],
  timestamptz: [
    "'infinity'",
    "'2024-10-27 02:30:00.000001 Europe/Berlin'",
    "'0001-01-01 00:00:00+00 BC'",
    "'1900-01-01 00:00:00 Asia/Kolkata'",
  ],
  interval: ["'1 year 2 mons -3 days 04:05:06.789'", "'-178000000 years'", "'0'", "'-00:00:00.000001'"],
  json: ['\'{"b" : 12345678901234567890.10,  "a":1, "a":2}\'', '\'[1e400, "\\u00e9", "tab\\t", null]\'', '\'"line\\nbreak"\''],
  jsonb: ['\'{"b" : 12345678901234567890.10,  "a":1, "a":2}\'', "'1e400'", "'null'", '\'"back\\\\slash \\" quote"\''],
  uuid: ["'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"],
  inet: ["'192.168.0.1/24'", "'::ffff:1.2.3.4'", "'2001:db8::1/64'"],
  cidr: ["'10.0.0.0/8'", "'2001:db8::/32'"],
  macaddr: ["'08-00-2b-01-02-03'"],
  macaddr8: ["'08:00:2b:01:02:03:04:05'"],
  'bit(8)': ["B'10101010'"],
  'bit varying': ["B''", "B'1'", "B'1010101010101'"],
  tsvector: ["'''it''''s'':1A fat:2 back\\\\slash'", "''"],
  tsquery: ["'fat & (rat | ''ca t'':*)'"],
  xml: ['\'<a b="1">é\n</a>\'', "'text only'"],
  point: ['point(1.1, -1e300)', "point('Infinity', 'NaN')"],
  box: ['box(point(0,0), point(1.5,2))'],
  path: ["'[(0,0),(1,1),(2,0)]'", "'((0,0),(1,1))'"],
  polygon: ["'((0,0),(1,1),(2,0))'"],
  circle: ["'<(1,2),3.5>'"],
  line: ["'{1,-1,0}'"],
  lseg: ["'[(0,0),(1,1)]'"],
  pg_lsn: ["'FFFFFFFF/FFFFFFFF'", "'0/0'"],
  txid_snapshot: ["'10:20:10,14,15'"],
  oid: ['4294967295'],
  regclass: ["'app.contact'::regclass"],
  'integer[]': ["'{}'", "'{1,NULL,3}'", "'{{1,2},{3,4}}'", "'[0:2]={7,8,9}'"],
  'text[]': ["ARRAY['comma,', 'quote\"', 'back\\slash', 'NULL', NULL, '', E'tab\\tline\\n', '{brace}', ' space ']", "'{{a,b},{c,NULL}}'"],
  'timestamptz[]': ["ARRAY['2024-10-27 02:30:00.000001 Europe/Berlin', 'infinity']::timestamptz[]"],
  'numeric[]': ["'{NaN,1.10,NULL}'"],
  'jsonb[]': ['ARRAY[\'{"a": "x,\\"y"}\']::jsonb[]'],
  int4range: ["'[1,5)'", "'empty'", "'(,)'"],
  numrange: ["'(1.10,2.2]'"],
  tstzrange: ["'[2024-01-01 00:00+01,)'"],
  int4multirange: ["'{[1,2),[5,9)}'", "'{}'"],
  'app.mood': ["'so so'", "'it''s, fine'"],
  'app.mood[]': ["'{so so,sad}'"],
  'app.positive': ['1', '99999.10'],
  'app.email': ["'a@b.example'"],
  'app.address': ["ROW('Main \"St\", 1', NULL, '{1,2}')", "ROW('', 'a\\b', '{}')"],
  'app.address[]': ["ARRAY[ROW('a,b', '(c)', '{1}')::app.address, NULL]"],
  'app.money_range': ["'[1.10,2.20)'"],
};

const SETUP = `
  CREATE SCHEMA app;
  CREATE TABLE app.contact (id int);
  CREATE TYPE app.mood AS ENUM ('so so', 'sad', 'it''s, fine');
  CREATE DOMAIN app.positive AS numeric CHECK (VALUE > 0);
  CREATE DOMAIN app.email AS text DEFAULT 'nobody@example.org';
  CREATE TYPE app.address AS (street text, city text, numbers int[]);
  CREATE TYPE app.money_range AS RANGE (subtype = numeric);`;

/** What a role, a database or a server may have set, each of which would change the text of values. */
const CONTRARY: Readonly<Record<string, string>> = {
  TimeZone: 'Asia/Kolkata',
  DateStyle: 'German, DMY',
  IntervalStyle: 'iso_8601',
  extra_float_digits: '-3',
  bytea_output: 'escape',
  search_path: 'app, public',
};

/** As the architecture says, written here anew. */
const AGREED = `SET TimeZone='UTC'; SET DateStyle='ISO, YMD'; SET IntervalStyle='postgres'; SET extra_float_digits=1; SET bytea_output='hex';
  SET lc_monetary='C'; SET client_encoding='UTF8'; SET search_path=pg_catalog`;

type Bed = AsyncDisposable & { readonly client: pg.Client; readonly follower: EventFollower; readonly source: PostgresSource };

async function openBed(database: TestDatabase): Promise<Bed> {
  const client = await database.connect();
  await client.query(SETUP);
  const columns = Object.keys(TYPES).map((type, index) => `c${String(index)} ${type}`);
  await client.query(`CREATE TABLE public.every (id int PRIMARY KEY, ${columns.join(', ')})`);
  for (const [name, value] of Object.entries(CONTRARY)) {
    await client.query(
      `ALTER DATABASE ${pg.escapeIdentifier(database.name)} SET ${name} = ${name === 'search_path' ? value : pg.escapeLiteral(value)}`,
    );
  }
  await client.query(AGREED);
  const source = new PostgresSource({ url: database.url, migration: new RandomIdSource().uuid() });
  await source.create();
  const held = await source.hold({ takeOver: false });
  const follower = new EventFollower(held);
  return {
    client,
    follower,
    source,
    [Symbol.asyncDispose]: async () => {
      await follower[Symbol.asyncDispose]();
      await held[Symbol.asyncDispose]();
      await source.stop();
    },
  };
}

async function insertEdges(client: pg.Client): Promise<void> {
  const rows = Math.max(...Object.values(TYPES).map((values) => values.length)) + 1;
  for (let row = 0; row < rows; row++) {
    const values = Object.entries(TYPES).map(([type, edges]) => (row < edges.length ? `(${edges[row] ?? ''})::${type}` : 'NULL'));
    await client.query(`INSERT INTO public.every VALUES (${String(row)}, ${values.join(', ')})`);
  }
}

/** COPY's own bytes, through a file of the server. */
async function copied(client: pg.Client): Promise<Buffer> {
  const file = await client.query<{ path: string }>("SELECT current_setting('data_directory') || '/' || gen_random_uuid() AS path");
  const path = file.rows[0]?.path ?? '';
  await client.query(`COPY (SELECT * FROM public.every ORDER BY id) TO ${pg.escapeLiteral(path)}`);
  const bytes = await client.query<{ bytes: Buffer }>('SELECT pg_read_binary_file($1) AS bytes', [path]);
  return bytes.rows[0]?.bytes ?? Buffer.alloc(0);
}

function rowsOf(events: readonly SourceEvent[], op: string): Buffer {
  return Buffer.concat(events.flatMap((event) => (event.type === 'rows' && event.op === op ? [event.rows] : [])));
}

describe.each([14, 16, 18] as const)('values of PostgreSQL %d', (major) => {
  it(`of ${String(Object.keys(TYPES).length)} types come out byte for byte as COPY writes them, whatever the database has set`, async () => {
    await using database = await testDatabase({ major });
    await using bed = await openBed(database);
    await bed.client.query('BEGIN');
    await insertEdges(bed.client);
    await bed.client.query('COMMIT');
    const expected = await copied(bed.client);
    const streamed = rowsOf(await bed.follower.commits(1), 'c');
    expect(streamed.toString('latin1').split('\n')).toEqual(expected.toString('latin1').split('\n'));
    // It would notice: a session without the settings writes the same rows otherwise.
    await bed.client.query("SET TimeZone='Asia/Kolkata'");
    expect((await copied(bed.client)).equals(streamed)).toBe(false);
  });

  it('keep their text in the old row of a table with REPLICA IDENTITY FULL, and large ones that did not change are in the new one too', async () => {
    await using database = await testDatabase({ major });
    await using bed = await openBed(database);
    await bed.client.query('ALTER TABLE public.every REPLICA IDENTITY FULL');
    const text = Object.keys(TYPES).indexOf('text');
    await bed.client.query(`ALTER TABLE public.every ALTER COLUMN c${String(text)} SET STORAGE EXTERNAL`);
    await bed.client.query('BEGIN');
    await insertEdges(bed.client);
    await bed.client.query('COMMIT');
    const before = (await copied(bed.client)).toString('latin1').split('\n');
    await bed.client.query('UPDATE public.every SET id = id + 1000');
    const after = (await copied(bed.client)).toString('latin1').split('\n');
    const events = await bed.follower.commits(2);
    const lines = rowsOf(events, 'u').toString('latin1').split('\n').slice(0, -1);
    expect(lines.filter((_, index) => index % 2 === 0)).toEqual(before.slice(0, -1));
    expect(lines.filter((_, index) => index % 2 === 1)).toEqual(after.slice(0, -1));
    expect(events.flatMap((event) => (event.type === 'rows' && event.op === 'u' ? [event.before, event.partial] : []))).not.toContain(true);
  });

  it('have types with names that say their schema', async () => {
    await using database = await testDatabase({ major });
    await using bed = await openBed(database);
    await bed.client.query('INSERT INTO public.every VALUES (1)');
    const rows = (await bed.follower.commits(1)).find((event) => event.type === 'rows');
    const [every] = await bed.source.tables();
    expect(rows?.table).toBe(every);
    const types = every?.columns.slice(1).map((column) => column.type);
    const named = [
      'numeric(12,2)',
      'character varying(5)',
      'timestamp with time zone',
      'app.mood',
      'app.mood[]',
      'app.positive',
      'app.money_range',
      'txid_snapshot',
    ];
    expect(types).toEqual(expect.arrayContaining(named));
    expect(every?.columns.find((column) => column.type === 'app.email')?.fill).toBe('default');
  });
});
