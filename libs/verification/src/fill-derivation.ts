import type { Clock } from '@changeover/core';
import { countLines, tableName, type SourceSnapshot, type TableSchema } from '@changeover/events';
import { isReference } from '@changeover/mapping';
import { ReadBudget, type SnapshotDerivation } from '@changeover/pipeline';

export type FillOptions = {
  readonly onStep: (step: { readonly doing: 'reading'; readonly table: string; readonly rows: number }) => void;
  /** Whole lines of one of the tables, as they are read. */
  readonly onLines?: (table: TableSchema, lines: Buffer) => void;
  readonly clock: Clock;
  /** The most that is read of the source; Infinity: no bound. */
  readonly limits: { readonly bytesPerSecond: number };
};

/** Reads all that is derived from and is of the source, no faster than it may. */
export async function fillDerivation(
  derivation: SnapshotDerivation,
  source: Pick<SourceSnapshot, 'rows'>,
  { onStep, onLines, clock, limits }: FillOptions,
  signal: AbortSignal,
): Promise<void> {
  const budget = new ReadBudget(clock, limits.bytesPerSecond);
  for (const table of derivation.sources) {
    if (isReference(tableName(table))) continue;
    let rows = 0;
    for await (const lines of source.rows(table)) {
      await derivation.fill(table, lines);
      onLines?.(table, lines);
      rows += countLines(lines);
      onStep({ doing: 'reading', table: tableName(table), rows });
      budget.spend(lines.length);
      await budget.ready(signal);
      signal.throwIfAborted();
    }
  }
}
