import { ChangeoverError } from '@changeover/core';
import type { OperatorRequest, RequestQueue } from '@changeover/control-postgres';
import { tableName, UNCHANGED, type ReferenceRows, type TableSchema } from '@changeover/events';

/** Bytes of all rows of a table: they are held in memory here. */
const MOST_BYTES = 64 * 1024 * 1024;
/** Of a request, which becomes one record; a row may have as many. */
const REQUEST_BYTES = 256 * 1024;

/** Rows of one table of the target: by key, as COPY text of its form. */
export class ReferenceTable {
  readonly form: TableSchema;
  readonly rows = new Map<string, string>();
  /** All of them are known: the last request of a set was made. */
  isWhole = false;
  /** When something of it was asked for last, in ms since the epoch; null: it never was. */
  askedMs: number | null = null;
  readonly #keys: readonly number[];
  #bytes = 0;

  /** `before`: rows in another form with the same key, which stand until they are told in this one. */
  constructor(form: TableSchema, before: ReadonlyMap<string, string> = new Map()) {
    this.form = form;
    this.#keys = form.columns.flatMap(({ key }, place) => (key ? [place] : []));
    for (const [key, line] of before) this.#set(key, line);
  }

  /** COPY text. */
  get text(): string {
    return textOf([...this.rows.values()]);
  }

  get name(): string {
    return tableName(this.form);
  }

  /** Whole lines. REFERENCE_TOO_LARGE; `most`: bytes of all rows. */
  put(lines: string, most = MOST_BYTES): void {
    for (const line of linesOf(lines)) {
      const bytes = Buffer.byteLength(line);
      if (bytes > REQUEST_BYTES) throw tooLarge(this.form, `a row of ${String(bytes)} bytes; ${String(REQUEST_BYTES)} are the most`);
      this.#set(this.#keyOf(line), line);
      if (this.#bytes > most) throw tooLarge(this.form, `more than ${String(most)} bytes`);
    }
  }

  remove(lines: string): void {
    for (const line of linesOf(lines)) this.#set(this.#keyOf(line), undefined);
  }

  /** A line that tells nothing but the key. */
  keyLine(key: string): string {
    const fields = key.split('\t');
    return this.form.columns.map((_, place) => fields[this.#keys.indexOf(place)] ?? UNCHANGED).join('\t');
  }

  #set(key: string, line: string | undefined): void {
    this.#bytes += Buffer.byteLength(line ?? '') - Buffer.byteLength(this.rows.get(key) ?? '');
    if (line === undefined) this.rows.delete(key);
    else this.rows.set(key, line);
  }

  /** As COPY writes it: what separates columns stands in no value. */
  #keyOf(line: string): string {
    const fields = line.split('\t');
    return this.#keys.map((place) => fields[place]).join('\t');
  }
}

/**
 * What was asked to be recorded so far, by the names that joins call the tables by. The requests tell it, and not the target: what the log has taken of them, and load has written, may be less.
 */
export async function recordedTables(
  requests: Pick<RequestQueue, 'after'>,
  migration: string,
): Promise<ReadonlyMap<string, ReferenceTable>> {
  const tables = new Map<string, ReferenceTable>();
  for (let last = 0; ;) {
    const page = await requests.after(migration, last);
    if (page.length === 0) return tables;
    for (const request of page) if (request.kind === 'reference') take(tables, request);
    last = (page.at(-1) as OperatorRequest).ordinal;
  }
}

function take(tables: Map<string, ReferenceTable>, { payload, submittedMs }: OperatorRequest): void {
  const { table: form, put, gone, more } = payload as ReferenceRows;
  let table = tables.get(tableName(form));
  if (table?.form.hash !== form.hash) {
    // With another form all rows are told again, and those that went are told by their keys, which stay the same.
    table = new ReferenceTable(form, table?.rows);
    tables.set(table.name, table);
  }
  table.remove(gone);
  // What was asked for is not too large now; between two requests of a refresh there may be more than before it and behind it.
  table.put(put, Infinity);
  table.isWhole ||= !more;
  table.askedMs = submittedMs;
}

/** What differs, by key. */
export type ReferenceDifference = {
  readonly table: ReferenceTable;
  readonly added: readonly string[];
  /** Lines as they are now. */
  readonly changed: readonly string[];
  /** By key, lines as they were recorded. */
  readonly gone: ReadonlyMap<string, string>;
  /** There is something to be asked for, be it that the table is known to be whole. */
  readonly isNew: boolean;
};

export function differenceOf(table: ReferenceTable, recorded: ReferenceTable | undefined): ReferenceDifference {
  const added: string[] = [];
  const changed: string[] = [];
  for (const [key, line] of table.rows) {
    const was = recorded?.rows.get(key);
    if (was === undefined) added.push(line);
    else if (was !== line || recorded?.form.hash !== table.form.hash) changed.push(line);
  }
  const gone = new Map([...(recorded?.rows ?? [])].filter(([key]) => !table.rows.has(key)));
  const isNew = recorded?.isWhole !== true || recorded.form.hash !== table.form.hash || added.length + changed.length + gone.size > 0;
  return { table, added, changed, gone, isNew };
}

/** The requests that tell of it, in their order. */
export function* requestsOf({ table, added, changed, gone }: ReferenceDifference): Generator<ReferenceRows> {
  const { form } = table;
  let [put, left, bytes] = [[] as string[], [] as string[], 0];
  const request = (more: boolean): ReferenceRows => ({ table: form, put: textOf(put), gone: textOf(left), more });
  const told = [
    ...Array.from(gone.keys(), (key) => ({ line: table.keyLine(key), isGone: true })),
    ...[...added, ...changed].map((line) => ({ line, isGone: false })),
  ];
  for (const { line, isGone } of told) {
    const size = Buffer.byteLength(line);
    if (bytes > 0 && bytes + size > REQUEST_BYTES) {
      yield request(true);
      [put, left, bytes] = [[], [], 0];
    }
    (isGone ? left : put).push(line);
    bytes += size;
  }
  yield request(false);
}

function linesOf(text: string): readonly string[] {
  return text === '' ? [] : text.slice(0, -1).split('\n');
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

function tooLarge(form: TableSchema, why: string): ChangeoverError {
  return new ChangeoverError('REFERENCE_TOO_LARGE', `what is looked up of ${tableName(form)} has ${why}`, {
    facts: { table: tableName(form) },
  });
}
