import { columnsUsed } from './columns-used.js';
import type { Mapping } from './mapping.js';

/** Stands before the name of a table of the target that a join reads: no table of a source is called so, as capture refuses such a schema. */
const OF_TARGET = 'target:';

/** What a join calls a table of the target (`schema.table`), of which it reads the rows that the log has recorded. */
export function referenceName(target: string): string {
  return `${OF_TARGET}${target}`;
}

export function isReference(name: string): boolean {
  return name.startsWith(OF_TARGET);
}

/** The table of the target that is meant, `schema.table`. */
export function referredTable(name: string): string {
  return name.slice(OF_TARGET.length);
}

/** The tables of the target that rules look up, by what joins call them, with the columns that they do anything with. */
export function referencesRead({ rules }: Pick<Mapping, 'rules'>): ReadonlyMap<string, ReadonlySet<string>> {
  return new Map([...columnsUsed(rules)].filter(([name]) => isReference(name)));
}
