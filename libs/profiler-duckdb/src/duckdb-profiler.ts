import { open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

import {
  BLANKS,
  ColumnProfiler,
  LEGAL_FORMS,
  type ColumnCondition,
  type ColumnCounts,
  type ColumnPlace,
  type ColumnsPlace,
  type NormalColumn,
  type NormalForm,
  type Orphans,
  type Repeats,
} from '@changeover/analysis';
import { ChangeoverError, invariant } from '@changeover/core';
import { DuckDBInstance, type DuckDBConnection, type DuckDBValue } from '@duckdb/node-api';

import { readableLines } from './readable-lines.js';

export type DuckDbOptions = {
  /** A folder of its own, which is there. Whoever made it takes it away: it holds the rows. */
  readonly folder: string;
  /** What DuckDB may use; what does not fit goes to the folder. */
  readonly memoryBytes: number;
  readonly threads: number;
  readonly signal: AbortSignal;
};

/** A longer line has its fields cut: DuckDB reads in buffers of some lines each. */
const LONGEST_LINE = 1024 * 1024;
const LONGEST_VALUE = 2_000;
const LOOKED_UP = 1_000;
const SPACES = Array.from(BLANKS, (character) => `chr(${String(character.codePointAt(0))})`).join(' || ');
const SPACE = `[${Array.from(BLANKS, (character) => `\\x{${character.codePointAt(0)?.toString(16) ?? ''}}`).join('')}]`;

/** What a backslash of COPY text and a letter stand for. A doubled one first, as what follows it is no letter of one. */
const ESCAPES = [
  ["'\\t'", 'chr(9)'],
  ["'\\n'", 'chr(10)'],
  ["'\\r'", 'chr(13)'],
  ["'\\b'", 'chr(8)'],
  ["'\\f'", 'chr(12)'],
  ["'\\v'", 'chr(11)'],
] as const;
/** Stands for a doubled backslash meanwhile. No text of PostgreSQL has it. */
const MEANWHILE = 'chr(1)';

/** Null where a value has no such form. */
const NORMAL_FORMS: Readonly<Record<NormalForm, (column: string) => string>> = {
  exact: (column) => column,
  trimmed: (column) => `nullif(trim(${column}, ${SPACES}), '')`,
  caseless: (column) => `nullif(lower(trim(${column}, ${SPACES})), '')`,
  email: (column) => `nullif(lower(regexp_replace(${column}, '${SPACE}', '', 'g')), '')`,
  phone: (column) => `nullif(right(regexp_extract(regexp_replace(${column}, '\\D', '', 'g'), '^\\d{7,}$'), 9), '')`,
  company: (column) => `nullif(regexp_replace(regexp_replace(lower(strip_accents(${column})),
    '\\b(${LEGAL_FORMS.join('|')})(\\W|$)', ' ', 'g'),
    '[^\\p{L}\\p{N}]', '', 'g'), '')`,
};

type Loaded = { readonly name: string; readonly columns: ReadonlyMap<string, string> };

/** Counts with DuckDB, in a database of one file that nobody else opens. Names of tables and columns never reach it: it knows them by number. */
export class DuckDbProfiler extends ColumnProfiler {
  readonly #options: DuckDbOptions;
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #tables = new Map<string, Loaded>();
  readonly #interrupt: () => void;
  #disposed = false;

  private constructor(options: DuckDbOptions, instance: DuckDBInstance, connection: DuckDBConnection) {
    super();
    this.#options = options;
    this.#instance = instance;
    this.#connection = connection;
    this.#interrupt = () => {
      if (!this.#disposed) connection.interrupt();
    };
    options.signal.addEventListener('abort', this.#interrupt);
  }

  static async open(options: DuckDbOptions): Promise<DuckDbProfiler> {
    const { folder, memoryBytes, threads } = options;
    const instance = await DuckDBInstance.create(join(folder, 'profile.duckdb'), {
      memory_limit: `${String(Math.floor(memoryBytes / 1024))}KiB`,
      threads: String(threads),
      temp_directory: join(folder, 'spilled'),
      preserve_insertion_order: 'false',
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    });
    return new DuckDbProfiler(options, instance, await instance.connect());
  }

  async add(table: string, columns: readonly string[], lines: AsyncIterable<Buffer>): Promise<void> {
    const { folder, signal } = this.#options;
    const name = `t${String(this.#tables.size)}`;
    const loaded: Loaded = { name, columns: new Map(columns.map((column, index) => [column, `c${String(index)}`])) };
    const file = join(folder, `${name}.copy`);
    try {
      await using handle = await open(file, 'wx', 0o600);
      for await (const piece of lines) {
        signal.throwIfAborted();
        await written(handle, readableLines(piece, columns.length, LONGEST_LINE));
      }
      await this.#run(
        `CREATE TABLE ${name} AS SELECT ${[...loaded.columns.values()].map(unescaped).join(', ')} FROM ${fileRows(file, Math.max(2, columns.length))}`,
      );
    } finally {
      await rm(file, { force: true });
    }
    this.#tables.set(table, loaded);
  }

  async count(place: ColumnPlace, most: number): Promise<ColumnCounts> {
    const { table, column } = this.#find(place);
    await this.#run(
      `CREATE OR REPLACE TEMP TABLE counted AS SELECT ${column} AS v, count(*) AS n FROM ${table} WHERE ${column} IS NOT NULL GROUP BY ${column}`,
    );
    const [facts = []] = await this.#run(`
      SELECT (SELECT count(*) FROM ${table}), coalesce(sum(n), 0)::BIGINT, coalesce(sum(n) FILTER (WHERE trim(v, ${SPACES}) = ''), 0)::BIGINT, count(*),
        min(length(v)), max(length(v)), left(min(v), ${String(LONGEST_VALUE)}), left(max(v), ${String(LONGEST_VALUE)}),
        count(TRY_CAST(v AS DOUBLE)) = count(*), arg_min(v, TRY_CAST(v AS DOUBLE)), arg_max(v, TRY_CAST(v AS DOUBLE)) FROM counted`);
    const [rows, values, blank, distinct, minLength, maxLength, minText, maxText, allNumbers, minNumber, maxNumber] = facts;
    const half = String(Math.ceil(most / 2));
    const chosen =
      Number(distinct) <= most
        ? 'SELECT v, n FROM counted'
        : `(SELECT v, n FROM counted ORDER BY n DESC, v LIMIT ${half}) UNION (SELECT v, n FROM counted ORDER BY hash(v), v LIMIT ${half})`;
    const found = await this.#run(`SELECT left(v, ${String(LONGEST_VALUE)}), n FROM (${chosen}) ORDER BY n DESC, v`);
    return {
      rows: Number(rows),
      nulls: Number(rows) - Number(values),
      blank: Number(blank),
      distinct: Number(distinct),
      minLength: numberOf(minLength),
      maxLength: numberOf(maxLength),
      min: textOf(allNumbers === true ? minNumber : minText),
      max: textOf(allNumbers === true ? maxNumber : maxText),
      values: found.map(([value, count]) => ({ value: String(value), rows: Number(count) })),
    };
  }

  async lookUp(from: ColumnsPlace, keys: readonly ColumnsPlace[]): Promise<{ readonly values: number; readonly found: readonly number[] }> {
    const { table, columns } = this.#findAll(from);
    const values = columns.map((_, index) => `v${String(index)}`).join(', ');
    await this.#run(`CREATE OR REPLACE TEMP TABLE wanted AS
      SELECT ${values} FROM (SELECT DISTINCT ${columns.map((column, index) => `${column} AS v${String(index)}`).join(', ')} FROM ${table} WHERE ${filled(columns)})
      ORDER BY hash(${values}), ${values} LIMIT ${String(LOOKED_UP)}`);
    const [[count] = [0n]] = await this.#run('SELECT count(*) FROM wanted');
    const found: number[] = [];
    for (const key of keys) {
      const at = this.#findAll(key);
      const equal = at.columns.map((column, index) => `k.${column} = wanted.v${String(index)}`).join(' AND ');
      const [[known] = [0n]] = await this.#run(`SELECT count(*) FROM wanted SEMI JOIN ${at.table} k ON ${equal}`);
      found.push(Number(known));
    }
    return { values: Number(count), found };
  }

  async orphans(from: ColumnsPlace, key: ColumnsPlace, when?: ColumnCondition): Promise<Orphans> {
    const { table, columns } = this.#findAll(from);
    const at = this.#findAll(key);
    const equal = at.columns.map((column, index) => `k.${column} = r.${columns[index] ?? ''}`).join(' AND ');
    const only = this.#condition(from.table, when);
    const [[rows, orphans] = [0n, 0n]] = await this.#run(
      `SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (SELECT 1 FROM ${at.table} k WHERE ${equal}))
       FROM (SELECT * FROM ${table} WHERE ${filled(columns)} AND ${only.sql}) r`,
      only.values,
    );
    return { rows: Number(rows), orphans: Number(orphans) };
  }

  async repeats(table: string, columns: readonly NormalColumn[], when?: ColumnCondition): Promise<Repeats> {
    const at = this.#findAll({ table, columns: columns.map(({ column }) => column) });
    const forms = columns.map(({ form }, index) => `${NORMAL_FORMS[form](at.columns[index] ?? '')} AS f${String(index)}`);
    const names = columns.map((_, index) => `f${String(index)}`);
    const only = this.#condition(table, when);
    const [[groups, surplus] = [0n, 0n]] = await this.#run(
      `SELECT count(*), coalesce(sum(n - 1), 0)::BIGINT FROM (
        SELECT count(*) AS n FROM (SELECT ${forms.join(', ')} FROM ${at.table} WHERE ${only.sql})
        WHERE ${names.map((name) => `${name} IS NOT NULL`).join(' AND ')} GROUP BY ${names.join(', ')} HAVING count(*) > 1)`,
      only.values,
    );
    return { groups: Number(groups), surplus: Number(surplus) };
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (!this.#disposed) {
      this.#disposed = true;
      this.#options.signal.removeEventListener('abort', this.#interrupt);
      this.#connection.closeSync();
      this.#instance.closeSync();
    }
    return Promise.resolve();
  }

  /** Rows of the answer. Who was told to stop gets the signal's reason, and not the words of DuckDB. */
  async #run(sql: string, values: readonly string[] = []): Promise<DuckDBValue[][]> {
    const { signal } = this.#options;
    signal.throwIfAborted();
    try {
      const reader = await this.#connection.runAndReadAll(sql, [...values]);
      return reader.getRows();
    } catch (error) {
      signal.throwIfAborted();
      throw failure(error);
    }
  }

  #find({ table, column }: ColumnPlace): { readonly table: string; readonly column: string } {
    const { table: name, columns } = this.#findAll({ table, columns: [column] });
    return { table: name, column: columns[0] ?? '' };
  }

  #findAll({ table, columns }: ColumnsPlace): ColumnsPlace {
    const loaded = this.#tables.get(table);
    const found = columns.flatMap((column) => loaded?.columns.get(column) ?? []);
    invariant(loaded !== undefined && found.length === columns.length, 'columns are counted of tables that were added');
    return { table: loaded.name, columns: found };
  }

  #condition(table: string, when: ColumnCondition | undefined): { readonly sql: string; readonly values: readonly string[] } {
    if (when === undefined) return { sql: 'true', values: [] };
    const { column } = this.#find({ table, column: when.column });
    const values = when.values.filter((value) => value !== null);
    const tests = [
      ...values.map((_, index) => `${column} = $${String(index + 1)}`),
      ...(when.values.includes(null) ? [`${column} IS NULL`] : []),
    ];
    return { sql: `(${tests.join(' OR ') || 'false'})`, values };
  }
}

/** More than white space stands in each of the columns. */
function filled(columns: readonly string[]): string {
  return columns.map((column) => `trim(${column}, ${SPACES}) <> ''`).join(' AND ');
}

/** ANALYSIS_FAILED where the disk takes no more. */
async function written(handle: FileHandle, bytes: Buffer): Promise<void> {
  try {
    await handle.writeFile(bytes);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'an error';
    throw new ChangeoverError('ANALYSIS_FAILED', `the rows that were read cannot be written to the disk: ${code}`, { cause });
  }
}

/** ANALYSIS_FAILED. What DuckDB says of its input may have a whole line of it, so only of memory and disk it is told in its own words. */
function failure(cause: unknown): ChangeoverError {
  const [said = ''] = String(cause instanceof Error ? cause.message : cause).split('\n');
  const [kind = ''] = said.split(':');
  const what = /^(?:IO|Out of Memory) Error$/u.test(kind)
    ? said
    : `DuckDB says ${/^[A-Za-z ]+ Error$/u.test(kind) ? kind : 'nothing that could be told'}`;
  // Without a cause: logs would tell it.
  return new ChangeoverError('ANALYSIS_FAILED', what);
}

/** Bytes as they are, fields between tabs: nothing is quoted, nothing is escaped for DuckDB. */
function fileRows(file: string, columns: number): string {
  const names = Array.from({ length: columns }, (_, index) => `'c${String(index)}': 'VARCHAR'`).join(', ');
  return `read_csv('${file.replaceAll("'", "''")}', columns = {${names}}, delim = '\t', quote = '', escape = '', comment = '', header = false,
    auto_detect = false, nullstr = '\\N', new_line = '\\n', max_line_size = ${String(LONGEST_LINE * 2)})`;
}

/** A field as the value that it stands for. Few have a backslash. */
function unescaped(column: string): string {
  const replaced = ESCAPES.reduce(
    (text, [escape, character]) => `replace(${text}, ${escape}, ${character})`,
    `replace(${column}, '\\\\', ${MEANWHILE})`,
  );
  return `CASE WHEN contains(${column}, '\\') THEN replace(${replaced}, ${MEANWHILE}, '\\') ELSE ${column} END AS ${column}`;
}

function numberOf(value: DuckDBValue | undefined): number | null {
  return value == null ? null : Number(value);
}

function textOf(value: DuckDBValue | undefined): string | null {
  return value == null ? null : String(value);
}
