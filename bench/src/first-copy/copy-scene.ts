import type { Arrival } from './arrival.js';

/** What is copied. */
export type CopyScene = {
  readonly sourceUrl: string;
  /** The server of the databases to copy into; undefined: the stage's. */
  readonly targetServerUrl: string | undefined;
  /** Tables of the source, as `schema.table`, those first that others refer to. */
  readonly tables: readonly string[];
  /** Rows of the table that counts: others are few beside it. */
  readonly rows: number;
  /** Of all the tables, without their indexes. */
  readonly tableBytes: number;
  /** How the tables are at the target, and what has to arrive there: of those who copy rows as they are, and of Changeover. */
  readonly asTheyAre: TargetSide;
  readonly changeover: TargetSide & {
    /** As plain data; undefined: rows go over as they are. */
    readonly mapping: unknown;
    /** Rows that have to be in the list of held rows. */
    readonly held: number;
  };
};

export type TargetSide = { readonly ddl: string; readonly arrivals: readonly Arrival[] };
