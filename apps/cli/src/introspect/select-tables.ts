import { ChangeoverError } from '@changeover/core';
import type { DescribedTable } from '@changeover/events';

import type { Ends } from './render-types.js';

/** The tables that the patterns name, of both ends. In a pattern `*` stands for any characters. BAD_SETTINGS names those that name no table. */
export function selectTables({ source, target }: Ends, patterns: readonly string[]): Ends {
  const wanted = patterns.map((pattern) => ({ pattern, matches: matcher(pattern) }));
  const select = (tables: readonly DescribedTable[]): readonly DescribedTable[] =>
    tables.filter((table) => wanted.some(({ matches }) => matches(table)));
  const all = [...(source ?? []), ...(target ?? [])];
  const idle = wanted.filter(({ matches }) => !all.some(matches)).map(({ pattern }) => pattern);
  if (idle.length > 0) throw new ChangeoverError('BAD_SETTINGS', `--table: there is no such table: ${idle.join(', ')}`);
  return { ...(source && { source: select(source) }), ...(target && { target: select(target) }) };
}

function matcher(pattern: string): (table: DescribedTable) => boolean {
  const parts = pattern.split('*').map((text) => text.replace(/[\\^$.|?*+()[\]{}/-]/gu, '\\$&'));
  const shape = new RegExp(`^${parts.join('.*')}$`, 'su');
  return ({ schema, table }) => shape.test(`${schema}.${table}`);
}
