import { createHash } from 'node:crypto';

import type { TargetTable } from './target-table.js';

/** What of a table is pinned when it is first loaded: short lines for people, and their hash. */
export type TableForm = { readonly hash: string; readonly parts: readonly string[] };

/** By `schema.table`. */
export type PinnedForms = Readonly<Record<string, TableForm>>;

/** The form that has to stay as it is: columns, unique indexes and foreign keys, each as one line. */
export function formOf(table: TargetTable): TableForm {
  const parts = [
    ...table.columns.map((column) => {
      const traits = [
        column.notNull ? ' not null' : '',
        column.generated === null ? '' : ` generated as ${column.generated}`,
        column.identity === '' ? '' : ` identity ${column.identity}`,
      ];
      return `column ${column.name}: ${column.type}${traits.join('')}`;
    }),
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

/** What differs, one line each: `- ` as it was, `+ ` as it is. */
export function formDifference(pinned: TableForm, now: TableForm | null): string[] {
  if (now === null) return ['- the table'];
  return [
    ...pinned.parts.filter((part) => !now.parts.includes(part)).map((part) => `- ${part}`),
    ...now.parts.filter((part) => !pinned.parts.includes(part)).map((part) => `+ ${part}`),
  ];
}
