/** A table by its name. */
export type TableName = { readonly schema: string; readonly table: string };

/** A rebuild as it stands in the target. */
export type FoundRebuild = {
  /** The tables that people use. Ours have the same names, in the schema of the rebuild. */
  readonly tables: readonly TableName[];
  /** How often the two were exchanged. */
  readonly swaps: number;
};

export type SwapReport = {
  /** How long the tables were locked, in milliseconds: so long everybody who used them had to wait. */
  readonly lockedMs: number;
};

/**
 * Tables of a migration that are made once more beside the live ones, in a schema of their own, filled by a load of their own, and exchanged with them. Live is what has the
 * live names, whatever it once was. Every call is one transaction: a process that dies leaves it done or not begun.
 */
export abstract class RebuiltTables {
  /** Null: there is none in this schema. REBUILD_REFUSED where the schema is somebody else's. */
  abstract find(): Promise<FoundRebuild | null>;

  /**
   * Makes empty tables like these, with all that belongs to them: indexes, constraints, triggers, privileges. Foreign keys among them lead to the new ones. May be called again.
   * REBUILD_REFUSED, with a name for each, where something cannot be made, or could not be moved later; and where triggers would fire for each row unless `fireTriggers`.
   */
  abstract make(tables: readonly TableName[], options: { readonly fireTriggers: boolean }): Promise<'made' | 'there'>;

  /**
   * Exchanges them with the live ones, with all that depends on either: what reads or refers to a table by its name finds the other one from then on. Both loads have to be at the
   * same record of `changes`, else HOLD_LOST. TARGET_BUSY where somebody uses a table for too long: nobody is kept waiting behind us for more than `patienceMs`, and it may be
   * tried again. TARGET_CHANGED if the live tables are not any more what ours were made like.
   */
  abstract swap(patienceMs: number): Promise<SwapReport>;

  /**
   * Validates foreign keys of other tables, which {@link swap} makes anew without looking at the rows that are there; also those that a process left that died. Gives what could not
   * be, and why; new rows are held to those as well.
   */
  abstract validate(): Promise<readonly string[]>;

  /** Takes the tables away, and all that the target knows of their load. Never the live ones. */
  abstract drop(): Promise<void>;

  abstract stop(): Promise<void>;
}
