import { tableName, type TableSchema } from '@changeover/events';
import type { ParentRule, TableRule } from '@changeover/mapping';

/** A table whose rows pass by: as the source has it, and as the target does, column by column. */
export type PassingTable = { readonly source: TableSchema; readonly target: TableSchema };

/** Those tables whose rows may need, over foreign keys, rows of the same table: then no order of tables puts parents first. */
export function tablesInCircles(tables: ReadonlyMap<string, PassingTable>): readonly string[] {
  return [...tables.keys()].filter((name) => {
    const reached = new Set<string>();
    const next = [name];
    for (let one = next.pop(); one !== undefined; one = next.pop()) {
      for (const { table } of tables.get(one)?.source.foreignKeys ?? []) {
        if (table === name) return true;
        if (reached.has(table)) continue;
        reached.add(table);
        next.push(table);
      }
    }
    return false;
  });
}

/** The rule that does what passing by does, for one table of these circles, and lets its rows wait for their parents. */
export function circleRule(name: string, circles: ReadonlySet<string>, tables: ReadonlyMap<string, PassingTable>): TableRule {
  const { source, target } = tables.get(name) as PassingTable;
  const columns = Object.fromEntries(
    target.columns.map((column, place) => [column.name, { column: source.columns[place]?.name as string }]),
  );
  const requires = (source.foreignKeys ?? []).flatMap(({ columns: from, table, keyColumns }): ParentRule[] => {
    const parent = circles.has(table) ? tables.get(table) : undefined;
    if (parent === undefined) return [];
    const key = parent.source.columns.filter((column) => column.key).map((column) => from[keyColumns.indexOf(column.name)]);
    // A foreign key may refer to other columns than those that rows are known by; who stands on whom is not known then.
    return key.length === keyColumns.length && key.every((column) => column !== undefined)
      ? [{ parent: tableName(parent.target), key: key.map((column) => ({ column })) }]
      : [];
  });
  const key = target.columns.filter((column) => column.key).map((column) => column.name);
  return { source: name, target: tableName(target), columns, key, requires };
}
