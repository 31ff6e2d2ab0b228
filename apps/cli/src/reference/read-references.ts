import { ChangeoverError } from '@changeover/core';
import { tableSchemaHash, type ColumnSchema, type DescribedTable, type TableSchema, type WantedColumns } from '@changeover/events';
import { referencesRead, referenceName, referredTable, type Mapping } from '@changeover/mapping';
import { createTargetCatalogue, createTargetRows, type AdapterContext, type AllSettings } from '@changeover/shell';

import { ReferenceTable } from './recorded-tables.js';

/** What the mapping looks up at the target, as it is there now. MAPPING_INVALID where the target has no such table or column; REFERENCE_TOO_LARGE. */
export async function readReferences(
  { target }: Pick<AllSettings, 'target'>,
  context: AdapterContext,
  { mapping, recorded }: { readonly mapping: Mapping; readonly recorded: ReadonlyMap<string, Pick<ReferenceTable, 'form'>> },
): Promise<readonly ReferenceTable[]> {
  const read = referencesRead(mapping);
  if (read.size === 0) return [];
  const described = await createTargetCatalogue(target, context).tables();
  const tables = [...read].map(([name, used]) => new ReferenceTable(formOf(name, { used, described, recorded: recorded.get(name)?.form })));
  const wanted = new Map(tables.map((table) => [wantedOf(table.form), table]));
  await createTargetRows(target, context).read([...wanted.keys()], (table, lines) => wanted.get(table)?.put(lines.toString()));
  for (const table of tables) table.isWhole = true;
  return tables;
}

/** The same for who only tries the mapping, recorded or not: forms, each with all rows, COPY text. */
export async function referenceRows(
  settings: Pick<AllSettings, 'target'>,
  context: AdapterContext,
  mapping: Mapping,
): Promise<readonly { readonly table: TableSchema; readonly rows: Buffer }[]> {
  const tables = await readReferences(settings, context, { mapping, recorded: new Map() });
  return tables.map(({ form, text }) => ({ table: form, rows: Buffer.from(text) }));
}

type Known = {
  readonly used: ReadonlySet<string>;
  readonly described: readonly DescribedTable[];
  readonly recorded: TableSchema | undefined;
};

/**
 * The form of what is recorded of a table: its key, what the mapping reads of it, and what was recorded before, which the mapping in force may still read. All of it is text, whatever the target has.
 */
function formOf(name: string, { used, described, recorded }: Known): TableSchema {
  const target = referredTable(name);
  const table = described.find((one) => `${one.schema}.${one.table}` === target);
  if (table === undefined) throw impossible(`looks up ${target}, which the target does not have`);
  const there = new Set(table.columns.map((column) => column.name));
  const missing = [...used].filter((column) => !there.has(column));
  if (missing.length > 0) throw impossible(`looks up ${missing.join(', ')} of ${target}, which has no such column at the target`);
  const before = recorded?.columns.filter((column) => there.has(column.name)) ?? [];
  const known = before.filter(({ key }) => key).map((column) => column.name);
  const isKept = known.length > 0 && known.length === recorded?.columns.filter(({ key }) => key).length;
  if (recorded !== undefined && !isKept)
    throw impossible(`looks up ${target}, whose rows were recorded by a key that the target does not have any more`);
  const key = isKept ? known : table.key;
  if (key.length === 0) throw impossible(`looks up ${target}, whose rows have no key`);
  const names = [...new Set([...key, ...used, ...before.map((column) => column.name)])].sort();
  const columns = names.map((column): ColumnSchema => {
    return { name: column, type: 'text', typeOid: 25, typmod: -1, notNull: false, key: key.includes(column), fill: 'none' };
  });
  // `target:crm` and `app_user`: together what joins call it.
  const form = { schema: referenceName(table.schema), table: table.table, columns, identity: 'key' as const };
  return { ...form, hash: tableSchemaHash(form) };
}

function wantedOf({ schema, table, columns }: TableSchema): WantedColumns {
  return { schema: referredTable(schema), table, columns: columns.map(({ name }) => name) };
}

function impossible(what: string): ChangeoverError {
  return new ChangeoverError('MAPPING_INVALID', `the mapping ${what}`);
}
