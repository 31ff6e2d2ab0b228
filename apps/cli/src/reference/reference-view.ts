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
  const tables = differences.map(({ table, added, changed, gone }) => {
    const columns = table.form.columns.map(({ name }) => name);
    const named = (lines: Iterable<string>, names = columns): Values[] =>
      Array.from(lines, (line) =>
        Object.fromEntries(parseRows(Buffer.from(`${line}\n`)).flatMap((row) => names.map((name, place) => [name, row[place] ?? null]))),
      );
    // Those that are gone may have been recorded with fewer columns: their keys say which they are.
    const keys = columns.filter((_, place) => table.form.columns[place]?.key);
    return {
      table: referredTable(table.name),
      ...{ rows: table.rows.size, added: added.length, changed: changed.length, gone: gone.size },
      ...(values && { values: { added: named(added), changed: named(changed), gone: named(gone.keys(), keys) } }),
    };
  });
  return { tables, requests };
}

export function renderRefreshed({ dryRun, reached, tables, requests }: Told): string {
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
  const differs = tables.some(({ added, changed, gone }) => added + changed + gone > 0);
  const outcome = dryRun
    ? differs
      ? 'nothing was asked for: without --dry-run it is recorded'
      : 'nothing has changed'
    : requests.length === 0
      ? 'nothing has changed'
      : reached
        ? 'recorded, and what comes of it is in the new database'
        : 'asked for: capture records it, and the rows that look it up are made again';
  return `${[...counted, ...values, outcome].join('\n')}\n`;
}

type ListedTable = {
  readonly table: string;
  readonly rows: number;
  readonly columns: readonly string[];
  readonly key: readonly string[];
  readonly whole: boolean;
};

export function listedOf({ name, form, rows, isWhole }: ReferenceTable): ListedTable {
  const names = (some: typeof form.columns): readonly string[] => some.map((column) => column.name);
  return {
    table: referredTable(name),
    rows: rows.size,
    columns: names(form.columns),
    key: names(form.columns.filter(({ key }) => key)),
    whole: isWhole,
  };
}

export function renderListed(tables: readonly ListedTable[]): string {
  if (tables.length === 0) return 'nothing is recorded: changeover reference refresh records what the mapping looks up\n';
  const lines = inColumns([
    ['table', 'rows', 'key', 'columns', ''],
    ...tables.map(({ table, rows, key, columns, whole }) => [
      ...[table, countWords(rows), key.join(', '), columns.join(', ')],
      whole ? '' : 'not whole: run reference refresh again',
    ]),
  ]);
  return `${lines.join('\n')}\n`;
}
