import { ChangeoverError } from '@changeover/core';
import { tableName, tableSchemaHash, textColumn, type DescribedTable, type TableSchema, type WantedColumns } from '@changeover/events';
import { referencesRead, referenceName, referredTable, type Mapping } from '@changeover/mapping';
import { createTargetCatalogue, createTargetRows, type AdapterContext, type AllSettings } from '@changeover/shell';

import { ReferenceTable } from './recorded-tables.js';

/** `absent`: columns that were recorded and that the target does not have any more; they are null in all rows. */
export type TargetReferences = { readonly table: ReferenceTable; readonly absent: readonly string[] };

/**
 * What the mapping looks up at the target, as it is there now. MAPPING_INVALID where the target has no such table or column, or another key than that by which rows are recorded; REFERENCE_TOO_LARGE.
 */
export async function readReferences(
  { target }: Pick<AllSettings, 'target'>,
  context: AdapterContext,
  { mapping, recorded }: { readonly mapping: Mapping; readonly recorded: ReadonlyMap<string, Pick<ReferenceTable, 'form'>> },
): Promise<readonly TargetReferences[]> {
  const read = referencesRead(mapping);
  if (read.size === 0) return [];
  const described = await createTargetCatalogue(target, context).tables();
  const known = [...read].map(([name, used]) => formOf(name, { used, described, recorded: recorded.get(name)?.form }));
  const wanted = new Map(known.map(({ form, absent }) => [wantedOf(form, absent), { table: new ReferenceTable(form), absent }]));
  await createTargetRows(target, context).read([...wanted.keys()], (columns, lines) => wanted.get(columns)?.table.put(lines.toString()));
  const all = [...wanted.values()];
  for (const { table } of all) table.isWhole = true;
  return all;
}

/** The same for who only tries the mapping, recorded or not: forms, each with all rows, COPY text. */
export async function referenceRows(
  settings: Pick<AllSettings, 'target'>,
  context: AdapterContext,
  mapping: Mapping,
): Promise<readonly { readonly table: TableSchema; readonly rows: Buffer }[]> {
  const tables = await readReferences(settings, context, { mapping, recorded: new Map() });
  return tables.map(({ table: { form, text } }) => ({ table: form, rows: Buffer.from(text) }));
}

type Known = {
  readonly used: ReadonlySet<string>;
  readonly described: readonly DescribedTable[];
  readonly recorded: TableSchema | undefined;
};

/**
 * The form of what is recorded of a table: its key, what the mapping reads of it, and all that was recorded before, which the mapping in force may still read: a form never becomes narrower. All of it
 * is text, whatever the target has. `absent`: columns that were recorded and that the target does not have any more.
 */
export function formOf(
  name: string,
  { used, described, recorded }: Known,
): { readonly form: TableSchema; readonly absent: readonly string[] } {
  const target = referredTable(name);
  const table = described.find((one) => tableName(one) === target);
  if (table === undefined) throw impossible(`looks up ${target}, which the target does not have`);
  const { key } = table;
  const there = new Set(table.columns.map((column) => column.name));
  const missing = [...used].filter((column) => !there.has(column));
  if (missing.length > 0) throw impossible(`looks up ${missing.join(', ')} of ${target}, which has no such column at the target`);
  if (key.length === 0) throw impossible(`looks up ${target}, whose rows have no key`);
  const before = recorded?.columns.map((column) => column.name) ?? [];
  const keyBefore = recorded?.columns.filter((column) => column.key).map((column) => column.name) ?? key;
  if (keyBefore.length !== key.length || keyBefore.some((column) => !key.includes(column))) {
    const [was, is] = [keyBefore, key].map((columns) => columns.join(', '));
    throw impossible(
      `looks up ${target}, whose rows were recorded by their key ${String(was)}, which is ${String(is)} at the target now: give the table its key back, or look up another one`,
    );
  }
  const names = [...new Set([...key, ...used, ...before])].sort();
  const columns = names.map((column) => textColumn(column, key.includes(column)));
  // `target:crm` and `app_user`: together what joins call it.
  const form = { schema: referenceName(table.schema), table: table.table, columns, identity: 'key' as const };
  return { form: { ...form, hash: tableSchemaHash(form) }, absent: before.filter((column) => !there.has(column)) };
}

function wantedOf({ schema, table, columns }: TableSchema, absent: readonly string[]): WantedColumns {
  return { schema: referredTable(schema), table, columns: columns.map(({ name }) => (absent.includes(name) ? null : name)) };
}

function impossible(what: string): ChangeoverError {
  return new ChangeoverError('MAPPING_INVALID', `the mapping ${what}`);
}
