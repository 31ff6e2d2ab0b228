import { createHash } from 'node:crypto';

import type { TargetColumn, TargetTable } from './target-table.js';
import { isWider } from './wider-type.js';

/** What of a table is pinned when it is first loaded: short lines for people, and their hash. */
export type TableForm = { readonly hash: string; readonly parts: readonly string[] };

/** By `schema.table`. */
export type PinnedForms = Readonly<Record<string, TableForm>>;

/** The form that has to stay as it is: columns, unique indexes and foreign keys, each as one line. */
export function formOf(table: TargetTable): TableForm {
  const parts = [
    ...table.columns.map((column) => columnPart(column)),
    ...table.uniques.map((unique) => {
      const traits = [
        unique.predicate === null ? '' : ` where ${unique.predicate}`,
        unique.deferrable ? ' deferrable' : '',
        unique.nullsEqual ? ' nulls not distinct' : '',
      ];
      return `${unique.primary ? 'primary key' : 'unique index'} ${unique.name}: (${unique.keys.map((key) => key.sql).join(', ')})${traits.join('')}`;
    }),
    ...table.foreignKeys.map((key) => {
      const to = `${key.toSchema}.${key.toTable} (${key.toColumns.join(', ')})`;
      const traits = `on update ${key.onUpdate} on delete ${key.onDelete}${key.deferrable ? ' deferrable' : ''}`;
      return `foreign key ${key.name}: (${key.columns.join(', ')}) to ${to} ${traits}`;
    }),
  ].sort();
  return { hash: createHash('sha256').update(parts.join('\n')).digest('hex'), parts };
}

function columnPart(column: TargetColumn): string {
  const [head, tail] = aroundType(column);
  return head + column.type + tail;
}

function aroundType({ name, notNull, generated, identity }: TargetColumn): readonly [head: string, tail: string] {
  const traits = [
    notNull ? ' not null' : '',
    generated === null ? '' : ` generated as ${generated}`,
    identity === '' ? '' : ` identity ${identity}`,
  ];
  return [`column ${name}: `, traits.join('')];
}

/** Whether the table takes every row that its pinned form took: all that differs are new columns that fill themselves, and wider types. */
export function takesAllOf(pinned: TableForm, table: TargetTable): boolean {
  const { parts } = formOf(table);
  const gone = new Set(pinned.parts.filter((part) => !parts.includes(part)));
  const come = new Set(parts.filter((part) => !pinned.parts.includes(part)));
  for (const column of table.columns) {
    if (!come.delete(columnPart(column))) continue;
    const narrower = [...gone].find((part) => wasNarrower(part, column));
    if (narrower !== undefined) gone.delete(narrower);
    else if (needsValue(column)) return false;
  }
  return gone.size === 0 && come.size === 0;
}

/** The same of the columns alone. */
export function hasColumnsOf(pinned: TableForm, table: TargetTable): boolean {
  const columns = { ...pinned, parts: pinned.parts.filter((part) => part.startsWith('column ')) };
  return takesAllOf(columns, { ...table, uniques: [], foreignKeys: [] });
}

/** Whether it refuses a row that says nothing of this column. */
export function needsValue({ notNull, hasDefault, generated, identity }: TargetColumn): boolean {
  return notNull && !hasDefault && generated === null && identity === '';
}

function wasNarrower(part: string, column: TargetColumn): boolean {
  const [head, tail] = aroundType(column);
  return part.startsWith(head) && part.endsWith(tail) && isWider(part.slice(head.length, part.length - tail.length), column.type);
}

/** What differs, one line each: `- ` as it was, `+ ` as it is. */
export function formDifference(pinned: TableForm, now: TableForm | null): string[] {
  if (now === null) return ['- the table'];
  return [
    ...pinned.parts.filter((part) => !now.parts.includes(part)).map((part) => `- ${part}`),
    ...now.parts.filter((part) => !pinned.parts.includes(part)).map((part) => `+ ${part}`),
  ];
}
