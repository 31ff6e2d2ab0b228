import { ChangeoverError, invariant } from '@changeover/core';
import { countLines, parseRows, scanLine, type ChunkRequest, type TableSchema } from '@changeover/events';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';

import { quoted } from '../captured-tables.js';
import type { Catalogue } from '../catalogue.js';
import { destroySession, openSession, type SessionOptions } from '../session.js';
import { sourceError } from '../source-error.js';
import { PLAN_ONCE, prepared } from './prepared.js';
import { keyList, layoutOf, selectRows, type KeyColumn, type Layout } from './table-layout.js';
import { CURRENT_SNAPSHOT, Visibility } from './visibility.js';

/** Rows of a table as one snapshot shows them. */
export type ReadChunk = {
  readonly visibility: Visibility;
  readonly form: TableSchema;
  /** COPY text, in the order of the key. */
  readonly rows: Buffer;
  readonly rowCount: number;
  /** The key of the last row in that order, to go on behind; null: the table ends here, or nothing was asked for behind. */
  readonly last: string | null;
};

const NO_ROWS: Rows = { bytes: Buffer.alloc(0), count: 0, cutShort: false };
const LF = 0x0a;
const MOST_ROWS = 100_000;
const TYPICAL_ROW_BYTES = 250;
/** Of the bytes asked for: what goes beyond them costs a session, of which the server still sends the rest. */
const AIM = 0.9;

/**
 * Reads chunks over sessions of its own, as many as are read at a time; reading is all they do.
 *
 * The lock comes before the snapshot: to a snapshot that is older than a rewrite (ALTER … TYPE) the table looks empty.
 */
export class ChunkReader {
  readonly #session: SessionOptions;
  readonly #catalogue: Catalogue;
  readonly #idle: pg.Client[] = [];
  readonly #busy = new Set<pg.Client>();
  /** Bytes of a row in the last chunk of a table, as text. */
  readonly #rowBytes = new Map<string, number>();
  #closed = false;

  constructor(session: SessionOptions, catalogue: Catalogue) {
    this.#session = session;
    this.#catalogue = catalogue;
  }

  /** SNAPSHOT_NEEDED for a table without a key: nobody could go on in its middle, nor tell which of its rows a change concerns. */
  async read(request: ChunkRequest): Promise<ReadChunk> {
    const client = this.#idle.pop() ?? (await openReader(this.#session));
    this.#busy.add(client);
    try {
      if (this.#closed) throw new ChangeoverError('SOURCE_UNREACHABLE', 'the source was let go');
      const { cutShort, ...chunk } = await this.#read(client, request);
      // The server is still sending the rest of it.
      if (cutShort) destroySession(client);
      else {
        await client.query('COMMIT');
        this.#idle.push(client);
      }
      return chunk;
    } catch (error) {
      destroySession(client);
      throw sourceError(error, 'sql');
    } finally {
      this.#busy.delete(client);
    }
  }

  /** Ends what is being read: it rejects. */
  close(): void {
    this.#closed = true;
    for (const client of [...this.#idle, ...this.#busy]) destroySession(client);
    this.#idle.length = 0;
  }

  async #read(client: pg.Client, request: ChunkRequest): Promise<ReadChunk & { readonly cutShort: boolean }> {
    const { schema, table, after, again, maxBytes, onlyAgain = false } = request;
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await client.query(`LOCK TABLE ${quoted(request)} IN ACCESS SHARE MODE`);
    const { snapshot } = (await client.query<{ snapshot: string }>(CURRENT_SNAPSHOT)).rows[0] as { snapshot: string };
    const query = prepared(client);
    const layout = await layoutOf(request, query);
    const [form] = await this.#catalogue.forms([layout.oid], query);
    invariant(form !== undefined, 'a table that is locked has a form');
    const visibility = Visibility.of(snapshot);
    // A key of another form means nothing here.
    if (request.form !== undefined && request.form !== form.hash)
      return { visibility, form, rows: NO_ROWS.bytes, rowCount: 0, last: after, cutShort: false };
    const { keys } = layout;
    if (keys.length === 0)
      throw new ChangeoverError('SNAPSHOT_NEEDED', `${schema}.${table} has no key by which its rows could be copied`, {
        facts: { tables: `${schema}.${table}` },
      });
    const limit = this.#mostRows(request, layout);
    // Those first: once a chunk was cut short its session is of no more use.
    const named =
      again.length === 0 ? NO_ROWS : await readRows(client, selectRows(request, layout, form, isOneOf(keys, form, again)), Infinity);
    const behind = `${after === null ? '' : isBehind(keys, form, after)} ORDER BY ${keyList(keys)} LIMIT ${String(limit)}`;
    const rows = onlyAgain ? NO_ROWS : await readRows(client, selectRows(request, layout, form, behind), maxBytes);
    if (rows.count > 0) this.#rowBytes.set(`${schema}.${table}`, rows.bytes.length / rows.count);
    const ended = onlyAgain || (!rows.cutShort && rows.count < limit);
    return {
      visibility,
      form,
      rows: named.count === 0 ? rows.bytes : Buffer.concat([rows.bytes, named.bytes]),
      rowCount: rows.count + named.count,
      last: ended ? null : keyOfLast(rows.bytes, form),
      cutShort: rows.cutShort,
    };
  }

  /** How many rows probably come to the bytes asked for, so that the server need not read what nobody takes. */
  #mostRows({ schema, table, maxBytes }: ChunkRequest, { typical }: Layout): number {
    const rowBytes = this.#rowBytes.get(`${schema}.${table}`) ?? (typical || TYPICAL_ROW_BYTES);
    return Math.min(MOST_ROWS, Math.max(1, Math.floor((AIM * maxBytes) / rowBytes)));
  }
}

async function openReader(options: SessionOptions): Promise<pg.Client> {
  const client = await openSession(options);
  await client.query(PLAN_ONCE);
  return client;
}

function isBehind(keys: readonly KeyColumn[], form: TableSchema, after: string): string {
  return `WHERE (${keyList(keys)}) > (${literals(keys, form, after)})`;
}

function isOneOf(keys: readonly KeyColumn[], form: TableSchema, wanted: readonly string[]): string {
  return `WHERE (${keyList(keys)}) IN (${wanted.map((key) => `(${literals(keys, form, key)})`).join(', ')})`;
}

/**
 * The values of a key in the order of its index. COPY takes no parameters, so they become literals; of the column's type with its modifier, because
 * a bare `character` would cut the value to one.
 */
function literals(keys: readonly KeyColumn[], form: TableSchema, key: string): string {
  const [values] = parseRows(Buffer.from(`${key}\n`));
  const names = form.columns.flatMap((column) => (column.key ? [column.name] : []));
  invariant(values?.length === keys.length && names.length === keys.length, 'a key has a value for each of its columns');
  return keys.map(({ name, type }) => `${pg.escapeLiteral(values[names.indexOf(name)] as string)}::${type}`).join(', ');
}

/** The key of the last row, as COPY text of the key columns in the order of the form. */
function keyOfLast(rows: Buffer, form: TableSchema): string {
  const start = rows.lastIndexOf(LF, rows.length - 2) + 1;
  const starts = new Int32Array(form.columns.length + 1);
  scanLine(rows, start, starts);
  const fields = form.columns.flatMap(({ key }, column) =>
    key ? [rows.toString('utf8', starts[column], (starts[column + 1] as number) - 1)] : [],
  );
  return fields.join('\t');
}

type Rows = { readonly bytes: Buffer; readonly count: number; readonly cutShort: boolean };

/**
 * The query's rows, or the first of them when they grow beyond `maxBytes` (one row at least). They are counted here: the stream ends with the last
 * row, when what the server says of their number may still be on its way.
 */
async function readRows(client: pg.Client, query: string, maxBytes: number): Promise<Rows> {
  const pieces: Buffer[] = [];
  let length = 0;
  let end = 0;
  const copy = client.query(copyTo(`COPY (${query}) TO STDOUT`));
  for await (const piece of copy as AsyncIterable<Buffer>) {
    const lastEnd = piece.lastIndexOf(LF) + 1;
    if (lastEnd > 0) end = length + lastEnd;
    pieces.push(piece);
    length += piece.length;
    if (length > maxBytes && end > 0) {
      const bytes = Buffer.concat(pieces, length).subarray(0, end);
      return { bytes, count: countLines(bytes), cutShort: true };
    }
  }
  const bytes = Buffer.concat(pieces, length);
  return { bytes, count: countLines(bytes), cutShort: false };
}
