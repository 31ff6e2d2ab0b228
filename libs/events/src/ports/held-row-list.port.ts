/**
 * Why the target does not have a row as its source rows are now: a rule holds it back (`held`), it waits for a row that it needs (`waiting`), or the
 * target itself refuses it (`refused`). Or it does have it, and its validation has something to say of it (`noted`).
 */
export type HeldState = 'held' | 'waiting' | 'refused' | 'noted';

/**
 * How long a row has to be held before anybody is told, or anything is stopped, in ms of the source's commit times: programs save one record in several transactions.
 */
export const SETTLE_MS = 5_000;

/** Which rows; what is left out narrows nothing, but that rows which are only noted are not among them unless they are asked for by their state. */
export type HeldFilter = {
  /** `schema.table` at the target. */
  readonly table?: string;
  readonly state?: HeldState;
  /** As {@link ListedRow} has it. */
  readonly reason?: string;
  /**
   * Only rows that stood so when the source committed something so many milliseconds after them, by the source's own time: what is on its way will
   * not settle them. Those count too of which nobody knows since when they stand so.
   */
  readonly settledMs?: number;
};

export type HeldTotals = {
  readonly held: number;
  readonly waiting: number;
  readonly refused: number;
  /** Only where they are asked for. */
  readonly noted?: number;
};

/** Rows that share table, state, reason and column. */
export type HeldGroup = Pick<ListedRow, 'table' | 'state' | 'reason' | 'column'> & {
  readonly rows: number;
  /** Of how many an earlier version stands at the target. */
  readonly kept: number;
};

/** A row of the list. Nothing of it but its key is a value. */
export type ListedRow = {
  readonly state: HeldState;
  /** `schema.table` at the target. */
  readonly table: string;
  /**
   * Held and waiting: the key of the source row that it comes from, in the order of the source's key (a very long one as `sha256:` and its hash).
   * Refused: its key at the target; null where the table has none.
   */
  readonly key: readonly (string | null)[] | null;
  /** By which a refused row is found that has no key; null: it is not refused. */
  readonly refusal: string | null;
  /** A word or a sentence about the rule or constraint, never about the value. */
  readonly reason: string;
  /** The target's column, of a waiting row the table it waits for; null: no column by itself. */
  readonly column: string | null;
  /** An earlier version of it stands at the target: of a held row the last good one. (Of one that is only noted the row itself does.) */
  readonly kept: boolean;
  /** The record since which it is so: of `changes`; of `writes` for a refused row. */
  readonly sinceSeq: number;
  /** That record's commit time at the source, of a refused row that of the last one beside it, in ms since the epoch; null: not known. */
  readonly sinceMs: number | null;
};

export type HeldPage = {
  readonly rows: readonly ListedRow[];
  /** Where the next page begins; null: this was the last. */
  readonly next: string | null;
};

/** Column to text; a column left out was not told. */
export type RowText = Readonly<Record<string, string | null>>;

/** All that the target knows of one row. Holds values: for who asks for this row, and for no log. */
export type HeldRow = ListedRow & {
  /** All that is wrong, the first of which is the row's reason; `rule`: where a validation rule says so, its name. */
  readonly problems: readonly { readonly reason: string; readonly column: string | null; readonly rule?: string }[];
  /** `schema.table` at the source; null of a refused row. */
  readonly source: string | null;
  /** What the target says of a refused row. */
  readonly refused: {
    readonly sqlstate: string | null;
    readonly constraint: string | null;
    /** The target's own words, which may hold values where a trigger of the target says them. */
    readonly message: string;
    /** What the row should be; null: gone. */
    readonly wanted: RowText | null;
    /** What stands instead; null: nothing. */
    readonly stands: RowText | null;
  } | null;
};

/** By what one row is found: its key, as {@link ListedRow} has it, or the number of its refusal. */
export type HeldPlace = { readonly key: readonly (string | null)[] } | { readonly refusal: string };

/**
 * The rows of one migration that its target lists as held, waiting and refused. Looks, changes nothing, disturbs no owner and keeps nothing open. Each
 * call is one look at what is committed; load goes on between them, and calls may overlap. Where nothing was ever loaded there are no rows. A call that
 * fails (TARGET_UNREACHABLE …) may be made again.
 */
export abstract class HeldRowList {
  abstract totals(filter?: HeldFilter): Promise<HeldTotals>;

  /** The largest first, at most `limit`. */
  abstract groups(filter: HeldFilter, limit: number): Promise<readonly HeldGroup[]>;

  /** Held and waiting rows by table and key, then refused ones as they came; `after` is an earlier page's `next`. */
  abstract page(filter: HeldFilter, options: { readonly limit: number; readonly after?: string | null }): Promise<HeldPage>;

  /** Usually one or none; a row may be held and an earlier version of it refused. Also one that is only noted. */
  abstract find(table: string, place: HeldPlace): Promise<readonly HeldRow[]>;
}
