import { countWords } from '@changeover/core';
import { parseRows } from '@changeover/events';
import { referredTable } from '@changeover/mapping';

import { visible } from '../held/words.js';
import { inColumns } from '../status/columns.js';
import type { ReferenceTable } from './recorded-tables.js';
import type { Refreshed } from './refresh.js';

type Values = Readonly<Record<string, string | null>>;

type RefreshedTable = {
  /** `schema.table` at the target. */
  readonly table: string;
  readonly rows: number;
  readonly added: number;
  readonly changed: number;
  readonly gone: number;
  /** Something of it is to be recorded, be it that it is known to be empty. */
  readonly differs: boolean;
  /** Columns that were recorded, and that the table does not have any more: they are recorded as null. */
  readonly absent: readonly string[];
  /** Only where values are asked for. */
  readonly values?: { readonly added: readonly Values[]; readonly changed: readonly Values[]; readonly gone: readonly Values[] };
};

/** What `reference refresh` has to say. */
type Told = {
  readonly dryRun: boolean;
  /** The target has what comes of it. */
  readonly reached: boolean;
  readonly tables: readonly RefreshedTable[];
  readonly requests: readonly string[];
};

export function refreshedOf({ differences, requests }: Refreshed, values: boolean): Pick<Told, 'tables' | 'requests'> {
  const tables = differences.map(({ table, added, changed, gone, isNew, absent }) => {
    const columns = table.form.columns.map(({ name }) => name);
    const named = (lines: Iterable<string>, names = columns): Values[] =>
      Array.from(lines, (line) =>
        Object.fromEntries(parseRows(Buffer.from(`${line}\n`)).flatMap((row) => names.map((name, place) => [name, row[place] ?? null]))),
      );
    // Those that are gone may have been recorded with fewer columns: their keys say which they are.
    const keys = columns.filter((_, place) => table.form.columns[place]?.key);
    return {
      table: referredTable(table.name),
      ...{ rows: table.rows.size, added: added.length, changed: changed.length, gone: gone.size, differs: isNew, absent },
      ...(values && { values: { added: named(added), changed: named(changed), gone: named(gone.keys(), keys) } }),
    };
  });
  return { tables, requests };
}

export function renderRefreshed({ dryRun, reached, tables }: Omit<Told, 'requests'>): string {
  if (tables.length === 0) return 'the mapping looks nothing up in the new database\n';
  const counted = inColumns([
    ['table', 'rows', 'new', 'changed', 'gone'],
    ...tables.map(({ table, rows, added, changed, gone }) => [table, ...[rows, added, changed, gone].map(countWords)]),
  ]);
  const values = tables.flatMap(({ table, values: of }) =>
    Object.entries(of ?? {}).flatMap(([what, rows]) =>
      rows.map((row) => `  ${what === 'added' ? 'new' : what} ${table} ${visible(JSON.stringify(row))}`),
    ),
  );
  const warnings = tables.flatMap(({ table, absent }) =>
    absent.length === 0
      ? []
      : [`warning: ${table} does not have ${absent.join(', ')} any more, which rules may still look up: null from here on`],
  );
  return `${[...counted, ...values, ...warnings, outcomeOf({ dryRun, reached, tables })].join('\n')}\n`;
}

function outcomeOf({ dryRun, reached, tables }: Pick<Told, 'dryRun' | 'reached' | 'tables'>): string {
  if (!tables.some(({ differs }) => differs))
    return `nothing has changed${reached ? ', and what comes of all that was asked for is in the new database' : ''}`;
  if (dryRun) return 'nothing was asked for: without --dry-run it is recorded';
  if (reached) return 'recorded, and what comes of it is in the new database';
  return 'asked for: capture records it, and the rows that look it up are made again';
}

type ListedTable = {
  readonly table: string;
  readonly rows: number;
  readonly columns: readonly string[];
  readonly key: readonly string[];
  readonly whole: boolean;
  /** When something of it was asked for last, in ms since the epoch. */
  readonly askedMs: number | null;
};

export function listedOf({ name, form, rows, isWhole, askedMs }: ReferenceTable): ListedTable {
  const names = (some: typeof form.columns): readonly string[] => some.map((column) => column.name);
  return {
    table: referredTable(name),
    rows: rows.size,
    columns: names(form.columns),
    key: names(form.columns.filter(({ key }) => key)),
    whole: isWhole,
    askedMs,
  };
}

export function renderListed(tables: readonly ListedTable[]): string {
  if (tables.length === 0) return 'nothing is recorded: changeover reference refresh records what the mapping looks up\n';
  const lines = inColumns([
    ['table', 'rows', 'key', 'columns', 'last asked for', ''],
    ...tables.map(({ table, rows, key, columns, whole, askedMs }) => [
      ...[table, countWords(rows), key.join(', '), columns.join(', '), askedMs === null ? '' : new Date(askedMs).toISOString()],
      whole ? '' : 'not whole: run reference refresh again',
    ]),
  ]);
  return `${lines.join('\n')}\n`;
}
