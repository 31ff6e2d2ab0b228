import type { ChangeKind } from './change-kinds.js';

export type JournalSummary<Kind extends string = ChangeKind> = {
  /** Transactions whose COMMIT returned. */
  readonly committed: number;
  /** Rows that they wrote, without what foreign keys cascaded. */
  readonly rows: number;
  /** Transactions that the database refused because users got in each other's way (deadlock, unique, foreign key). */
  readonly conflicts: number;
  /** Transactions whose connection broke in COMMIT: they may have happened. */
  readonly ambiguous: number;
  readonly kinds: Readonly<Record<Kind, number>>;
  /** Kinds that did not happen. A run that left one out has not shown what it claims. */
  readonly missing: readonly Kind[];
};

/** What the users committed, written after their COMMIT returned. */
export class Journal<Kind extends string = ChangeKind> {
  readonly #kinds: Record<Kind, number>;
  #committed = 0;
  #rows = 0;
  #conflicts = 0;
  #ambiguous = 0;

  /** `kinds`: those that every run must show. */
  constructor(kinds: readonly Kind[]) {
    this.#kinds = Object.fromEntries(kinds.map((kind) => [kind, 0])) as Record<Kind, number>;
  }

  commit(kinds: Iterable<Kind>, rows: number): void {
    for (const kind of kinds) this.#kinds[kind]++;
    this.#committed++;
    this.#rows += rows;
  }

  rollback(kind: Kind): void {
    this.#kinds[kind]++;
  }

  conflict(): void {
    this.#conflicts++;
  }

  maybe(): void {
    this.#ambiguous++;
  }

  get rows(): number {
    return this.#rows;
  }

  get committed(): number {
    return this.#committed;
  }

  summary(): JournalSummary<Kind> {
    const kinds = { ...this.#kinds };
    return {
      committed: this.#committed,
      rows: this.#rows,
      conflicts: this.#conflicts,
      ambiguous: this.#ambiguous,
      kinds,
      missing: (Object.keys(kinds) as Kind[]).filter((kind) => kinds[kind] === 0),
    };
  }
}
