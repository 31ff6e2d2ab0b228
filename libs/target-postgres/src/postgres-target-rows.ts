import { TargetRows, type WantedColumns } from '@changeover/events';
import { escapeIdentifier } from 'pg';

import { nameOf } from './catalogue/target-table.js';
import { Connection } from './connection.js';
import { LOOKING } from './held-row-list.js';
import { wholeLines } from './snapshot/whole-lines.js';
import { asTargetError } from './sql-state.js';

/** How much is given at a time. */
const PIECE_BYTES = 64 * 1024;

/** Reads tables of a PostgreSQL database in one transaction. */
export class PostgresTargetRows extends TargetRows {
  readonly #url: string;
  readonly #applicationName: string;

  constructor({ url, migration }: { readonly url: string; readonly migration: string }) {
    super();
    this.#url = url;
    this.#applicationName = `?changeover-${migration}-reference`;
  }

  override async read(
    tables: readonly WantedColumns[],
    take: (table: WantedColumns, lines: Buffer) => Promise<void> | void,
  ): Promise<void> {
    try {
      await using connection = await Connection.open(this.#url, this.#applicationName);
      await connection.query(LOOKING);
      for (const table of tables) {
        const columns = table.columns.map((name) => (name === null ? 'NULL' : escapeIdentifier(name))).join(', ');
        const rows = connection.copyOut(`COPY (SELECT ${columns} FROM ${nameOf(table)}) TO STDOUT`);
        for await (const lines of wholeLines(rows, PIECE_BYTES)) await take(table, lines);
      }
    } catch (error) {
      throw asTargetError(error);
    }
  }
}
