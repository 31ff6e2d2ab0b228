import { CHANGE_KINDS, type ChangeKind } from './change-kinds.js';

export type JournalSummary = {
  /** Transactions whose COMMIT returned. */
  readonly committed: number;
  /** Rows that they wrote, without what foreign keys cascaded. */
  readonly rows: number;
  /** Transactions that the database refused because users got in each other's way (deadlock, unique, foreign key). */
  readonly conflicts: number;
  /** Transactions whose connection broke in COMMIT: they may have happened. */
  readonly ambiguous: number;
  readonly kinds: Readonly<Record<ChangeKind, number>>;
  /** Kinds that did not happen. A run that left one out has not shown what it claims. */
  readonly missing: readonly ChangeKind[];
};

/** What the users committed, written after their COMMIT returned. */
export class Journal {
  readonly #kinds = Object.fromEntries(Object.keys(CHANGE_KINDS).map((kind) => [kind, 0])) as Record<ChangeKind, number>;
  #committed = 0;
  #rows = 0;
  #conflicts = 0;
  #ambiguous = 0;

  commit(kinds: Iterable<ChangeKind>, rows: number): void {
    for (const kind of kinds) this.#kinds[kind]++;
    this.#committed++;
    this.#rows += rows;
  }

  rollback(kind: ChangeKind): void {
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

  summary(): JournalSummary {
    const kinds = { ...this.#kinds };
    return {
      committed: this.#committed,
      rows: this.#rows,
      conflicts: this.#conflicts,
      ambiguous: this.#ambiguous,
      kinds,
      missing: (Object.keys(kinds) as ChangeKind[]).filter((kind) => kinds[kind] === 0),
    };
  }
}
