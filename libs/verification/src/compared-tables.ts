import { compareTable, summed, type CompareLimits, type CompareParts, type TableComparison } from './compare-table.js';

const CHUNK_PARTITIONS = 256;

/** What comparisons have come to, by table: of rows that are compared a few at a time. */
export class ComparedTables {
  readonly #limits: CompareLimits;
  readonly #tables = new Map<string, TableComparison>();

  constructor(limits: CompareLimits) {
    this.#limits = limits;
  }

  get all(): readonly TableComparison[] {
    return [...this.#tables.values()];
  }

  async compare(parts: Pick<CompareParts, 'table' | 'expected' | 'snapshot' | 'signal'>): Promise<void> {
    const limits = { ...this.#limits, partitions: CHUNK_PARTITIONS };
    const compared = await compareTable({ ...parts, limits, onRows: () => undefined });
    this.#tables.set(compared.table, summed(this.#tables.get(compared.table), compared, limits.named));
  }
}
