import { ChangeoverError, invariant } from '@changeover/core';
import { ColumnTypes, fieldText, isNull, isUnchanged, scanLine, type ColumnRefusals, type TableSchema } from '@changeover/events';

import { readCatalogue } from './catalogue/read-catalogue.js';
import type { TargetColumn } from './catalogue/target-table.js';
import { Connection } from './connection.js';
import { tableId } from './net/net-row.js';
import { comparedColumn, type ComparedColumn } from './snapshot/compared-table.js';
import { TypeJudge } from './snapshot/type-judge.js';
import { asTargetError } from './sql-state.js';

/** A column of the rows; null: the target lacks it, or makes it itself. */
type Tried = { readonly target: TargetColumn; readonly read: ComparedColumn; readonly taken: Map<string, boolean> } | null;

type Session = { readonly connection: Connection; readonly judge: TypeJudge; readonly tables: Map<string, readonly Tried[]> };

/** Answers that are remembered of a column: labels, states. Short ones, so that they stay few bytes. */
const MOST_REMEMBERED = 1000;
const LONGEST_REMEMBERED = 64;

/** Asks the database's own types, where the look of a value does not tell. Connects when it is first asked. */
export class PostgresColumnTypes extends ColumnTypes {
  readonly #url: string;
  readonly #applicationName: string;
  #session: Promise<Session> | null = null;

  constructor({ url, migration }: { readonly url: string; readonly migration: string }) {
    super();
    this.#url = url;
    this.#applicationName = `?changeover-${migration}-load`;
  }

  async refusals(table: TableSchema, lines: Buffer): Promise<readonly ColumnRefusals[]> {
    const session = await (this.#session ??= this.#open());
    const columns = await this.#columns(session, table);
    const nulls = columns.map((): number[] => []);
    const doubtful = columns.map(() => new Map<string, { readonly value: string; readonly lines: number[] }>());
    this.#each(table, lines, (line, at, start, end) => {
      const column = columns[at] ?? null;
      if (column === null || isUnchanged(lines, start, end)) return;
      if (isNull(lines, start, end)) {
        if (column.target.notNull) nulls[at]?.push(line);
        return;
      }
      const field = lines.toString('latin1', start, end);
      if (column.read.spelling(field) !== null) return;
      const known = doubtful[at] as Map<string, { readonly value: string; readonly lines: number[] }>;
      const same = known.get(field);
      if (same === undefined) known.set(field, { value: fieldText(lines.subarray(start, end), 0, end - start) as string, lines: [line] });
      else same.lines.push(line);
    });
    const values = await Promise.all(columns.map((column, at) => refusedLines(session.judge, column, doubtful[at])));
    return columns.flatMap((column, at) => {
      const refused = { values: values[at] as readonly number[], nulls: nulls[at] as readonly number[] };
      if (column === null || refused.values.length + refused.nulls.length === 0) return [];
      return [{ column: column.target.name, type: column.target.type, ...refused }];
    });
  }

  async stop(): Promise<void> {
    const session = await this.#session?.catch(() => null);
    await session?.connection[Symbol.asyncDispose]();
  }

  async #open(): Promise<Session> {
    try {
      const connection = await Connection.open(this.#url, this.#applicationName);
      await connection.query('SET default_transaction_read_only = on; SET search_path = pg_catalog');
      return { connection, judge: new TypeJudge(connection), tables: new Map() };
    } catch (error) {
      throw asTargetError(error);
    }
  }

  async #columns({ connection, tables }: Session, schema: TableSchema): Promise<readonly Tried[]> {
    const id = tableId(schema);
    const known = tables.get(id);
    if (known !== undefined) return known;
    const [target] = await readCatalogue((sql, values) => connection.query(sql, values), [schema]).catch((error: unknown) => {
      throw asTargetError(error);
    });
    if (target === undefined) throw new ChangeoverError('TARGET_CHANGED', `the target has no table ${id}`, { facts: { table: id } });
    const byName = new Map(target.columns.map((column) => [column.name, column]));
    const columns = schema.columns.map(({ name }): Tried => {
      const column = byName.get(name);
      return column === undefined || column.generated !== null ? null : { target: column, read: comparedColumn(column), taken: new Map() };
    });
    tables.set(id, columns);
    return columns;
  }

  #each(
    { columns, ...table }: TableSchema,
    lines: Buffer,
    visit: (line: number, column: number, start: number, end: number) => void,
  ): void {
    const starts = new Int32Array(columns.length + 1);
    for (let at = 0, line = 0; at < lines.length; line++) {
      const { fields, end } = scanLine(lines, at, starts);
      invariant(fields === columns.length, `a line of ${tableId(table)} has a field for each of its columns`);
      for (let column = 0; column < fields; column++) visit(line, column, starts[column] as number, (starts[column + 1] as number) - 1);
      at = end + 1;
    }
  }
}

async function refusedLines(
  judge: TypeJudge,
  column: Tried,
  doubtful: ReadonlyMap<string, { readonly value: string; readonly lines: readonly number[] }> = new Map(),
): Promise<readonly number[]> {
  if (column === null) return [];
  const { read, taken } = column;
  const asked = [...doubtful].filter(([field]) => !taken.has(field));
  const answers = await judge.ask(asked.map(([, { value }]) => ({ column: read, value })));
  const now = new Map(asked.map(([field], at) => [field, answers[at] !== null]));
  const refused = [...doubtful].flatMap(([field, { lines }]) => ((taken.get(field) ?? now.get(field)) === true ? [] : lines));
  for (const [field, is] of now) {
    if (field.length > LONGEST_REMEMBERED) continue;
    if (taken.size >= MOST_REMEMBERED) taken.clear();
    taken.set(field, is);
  }
  return refused.sort((a, b) => a - b);
}
