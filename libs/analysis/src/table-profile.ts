import type { DescribedTable } from '@changeover/events';

import type { ColumnProfile } from './profile/column-profile.js';

export type TableProfile = {
  /** `schema.table`. */
  readonly table: string;
  readonly described: DescribedTable;
  readonly rows: number;
  /** Whether all rows were read, and not the first ones alone. */
  readonly whole: boolean;
  readonly columns: readonly ColumnProfile[];
};

export function columnOf(table: TableProfile, name: string): ColumnProfile | undefined {
  return table.columns.find((column) => column.name === name);
}
