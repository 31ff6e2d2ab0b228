/** What a first copy takes, by what was measured elsewhere. */
export type Estimate = {
  readonly rows: number;
  /** As the source believes them to be. */
  readonly bytes: number;
  readonly copySeconds: number;
  readonly logBytes: number;
  readonly stateBytes: number;
  /** What the figures rest on. */
  readonly basis: string;
};

/** Measured, see docs/performance.md, "Verification" and "First copy"; of the embedded log. */
const [ROWS_PER_SECOND, LOG_SHARE, STATE_BYTES_A_ROW] = [10_653, 0.6, 1_157];

/** `bytesPerSecond`: the most that may be read of the source; Infinity: no bound. */
export function estimate(rows: number, bytes: number, bytesPerSecond: number): Estimate {
  return {
    rows,
    bytes,
    copySeconds: Math.max(rows / ROWS_PER_SECOND, bytes / bytesPerSecond),
    logBytes: Math.round(bytes * LOG_SHARE),
    stateBytes: rows * STATE_BYTES_A_ROW,
    basis: `${String(ROWS_PER_SECOND)} rows/s, ${String(LOG_SHARE)} of the tables for the log and ${String(STATE_BYTES_A_ROW)} bytes a row for the state, as measured on two cores (docs/performance.md); your machine and mapping differ`,
  };
}
