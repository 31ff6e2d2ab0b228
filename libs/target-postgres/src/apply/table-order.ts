import type { TargetTable } from '../catalogue/target-table.js';
import { tableId } from '../net/net-row.js';
import { components } from './graph.js';

/** The tables' ranks, parents before the children that refer to them; in a cycle the order is arbitrary. */
export function parentsFirst(ids: readonly string[], tables: ReadonlyMap<string, TargetTable>): ReadonlyMap<string, number> {
  const place = new Map(ids.map((id, index) => [id, index]));
  const children: number[][] = ids.map(() => []);
  ids.forEach((id, child) => {
    for (const key of tables.get(id)?.foreignKeys ?? []) {
      const parent = place.get(tableId({ schema: key.toSchema, table: key.toTable }));
      if (parent !== undefined && parent !== child) (children[parent] as number[]).push(child);
    }
  });
  return new Map(
    components(children)
      .flat()
      .map((index, rank) => [ids[index] as string, rank]),
  );
}

/** The tables that a change of `ids` may let a refused row of theirs in or out: themselves, their parents and their children. */
export function related(ids: Iterable<string>, tables: ReadonlyMap<string, TargetTable>): ReadonlySet<string> {
  const all = new Set<string>();
  for (const id of ids) {
    all.add(id);
    const table = tables.get(id);
    for (const key of table?.foreignKeys ?? []) all.add(tableId({ schema: key.toSchema, table: key.toTable }));
    for (const child of table?.referencedBy ?? []) all.add(tableId(child));
  }
  return all;
}
