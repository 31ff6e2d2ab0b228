import type { ErrorCode, Position } from '@changeover/core';

/**
 * - `starting`: before its loop runs, or again after an error.
 * - `running`: the loop runs.
 * - `waiting`: an error of policy `retry` stands; it tries again with back-off.
 * - `stopping`: told to stop, drains.
 * - `stopped`: ended in order. - `failed`: ended by an error of policy `stop`.
 */
export type RoleState = 'starting' | 'running' | 'waiting' | 'stopping' | 'stopped' | 'failed';

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
};
