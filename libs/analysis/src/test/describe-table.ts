import type { DescribedColumn, DescribedTable } from '@changeover/events';

const UNTOLD = { identity: null, default: null, comment: null } as const;

/** `id bigint key`, `name text`: columns, each with its type; those of the key say so. */
export function describeTable(name: string, columns: readonly string[], change: Partial<DescribedTable> = {}): DescribedTable {
  const [schema = '', table = ''] = name.split('.');
  const parsed = columns.map((column) => {
    const [, own = '', type = '', key] = /^(\S+) (.+?)( key| required)?$/u.exec(column) ?? [];
    return { name: own, type, key };
  });
  return {
    schema,
    table,
    columns: parsed.map(({ name: own, type, key }): DescribedColumn => {
      return { name: own, type, base: type, labels: null, notNull: key !== undefined, fills: false, generated: false, ...UNTOLD };
    }),
    key: parsed.filter(({ key }) => key === ' key').map(({ name: own }) => own),
    uniques: [],
    foreignKeys: [],
    comment: null,
    ...change,
  };
}
