import type { CrashPointName } from '@changeover/core';

import type { PreexistingPolicy } from './preexisting-rows.js';

/** Called at the points of load, so that a test can end the process there, or hold it. */
export type CrashPoint = (name: CrashPointName) => void | Promise<void>;

/** 1.3 to 1.5 times as fast as inserting from arrays at 200 to 1000 rows of ten columns. */
export const COPY_FROM_ROWS = 200;

export type PostgresTargetOptions = {
  /** Connection string of the target database; TLS by its `sslmode`. */
  readonly url: string;
  /** The migration's id. */
  readonly migration: string;
  /** For batches that write rows. Progress alone is never waited for, barriers always are. Off is safe: progress is lost with the rows. */
  readonly synchronousCommit?: 'on' | 'off';
  /** New rows of one table in a batch from which they go by COPY: where it is clearly faster, by default ({@link COPY_FROM_ROWS}). */
  readonly copyFromRows?: number;
  /** What becomes of rows that stand in a table when it is first loaded. Left out: `refuse`. */
  readonly existingRows?: PreexistingPolicy;
  readonly crashPoint?: CrashPoint;
};
