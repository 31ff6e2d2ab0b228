import type { ErrorCode, Position } from '@changeover/core';

/**
 * - `starting`: before its loop runs, or again after an error.
 * - `running`: the loop runs.
 * - `waiting`: an error of policy `retry` stands; it tries again with back-off.
 * - `stopping`: told to stop, drains.
 * - `stopped`: ended in order. - `failed`: ended by an error of policy `stop`.
 */
export type RoleState = 'starting' | 'running' | 'waiting' | 'stopping' | 'stopped' | 'failed';

/** How far the copy of a table is. */
export type CopyStatus = {
  /** `schema.table`. */
  readonly table: string;
  /** In the log so far. */
  readonly rows: number;
  readonly bytes: number;
  /** What the source believed when the copy began; null: it has no idea. */
  readonly estimatedRows: number | null;
  /** Mean over the last half minute; 0 also for a table that waits for others. */
  readonly rowsPerSecond: number;
  /** At that rate; null: nobody can say. */
  readonly secondsLeft: number | null;
};

/** Which mapping is in force, and which were refused. */
export type MappingStatus = {
  readonly hash: string;
  /** Sequence of the record of `<m>.changes` that activated it. */
  readonly record: number;
  /** In the order of their records. `reason`: names and counts only. */
  readonly refused: readonly {
    readonly requestId: string;
    readonly hash: string;
    readonly record: number;
    readonly code: ErrorCode;
    readonly reason: string;
  }[];
};

/** What a process tells about itself, in its lease row, every two seconds. Names, counts and positions only. */
export type RoleStatus = {
  readonly state: RoleState;
  /** The source position behind the last record that this role finished; empty: none yet. */
  readonly position: Position;
  /** Sequence of that record: in `<m>.changes` for capture and transform, in `<m>.writes` for load. 0: none. */
  readonly seq: number;
  /** Means over the last few seconds. */
  readonly rowsPerSecond: number;
  readonly recordsPerSecond: number;
  /** Milliseconds from the last finished record's commit until it was finished; its age now while nothing moves although more waits; null: not known yet. */
  readonly lagMs: number | null;
  /** Records that are there and not finished; null: not known. */
  readonly lagRecords: number | null;
  /** The last error since the start, also one that was overcome. */
  readonly lastError: ErrorCode | null;
  /** What only this role has, by name: `retainedBytes`, `refusedRows` … */
  readonly details: Readonly<Record<string, string | number>>;
  /** Tables whose copies are not finished, by name; left out where there are none. Only capture has any. */
  readonly copies?: readonly CopyStatus[];
  /** As far as it has read the log; left out where it knows none. Only transform has it. */
  readonly mapping?: MappingStatus;
};
