import { formatRows, type DescribedTable } from '@changeover/events';
import { InMemoryColumnProfiler } from '@changeover/testing';

import { analyze, type Analysis } from '../analysis.js';

/** A table with its rows; `whole`: whether those are all that the source has. */
export type Given = {
  readonly described: DescribedTable;
  readonly rows: readonly (readonly (string | null)[])[];
  readonly whole?: boolean;
};

/** What is said of these tables. */
export async function analysed(
  tables: readonly Given[],
  targets: readonly DescribedTable[] | null = null,
  profiler: InMemoryColumnProfiler = new InMemoryColumnProfiler(),
): Promise<Analysis> {
  for (const { described, rows } of tables) {
    async function* lines(): AsyncGenerator<Buffer> {
      yield await Promise.resolve(formatRows(rows));
    }
    await profiler.add(
      `${described.schema}.${described.table}`,
      described.columns.map(({ name }) => name),
      lines(),
    );
  }
  return await analyze({
    profiler,
    tables: tables.map(({ described, whole = true }) => ({ described, whole })),
    targets,
    onStep: () => undefined,
  });
}

export const upTo = <T>(count: number, row: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => row(index + 1));

/** The references that were found, with their orphans. */
export function toldReferences({ references }: Analysis): readonly string[] {
  return references.map(
    ({ from, to, when, orphans }) =>
      `${from.columns.join('+')} → ${to.table}${when === undefined ? '' : ` (${when.value})`}: ${String(orphans?.orphans)}`,
  );
}
