import type { CrashPointName } from '@changeover/core';

/** Called at the points of load, so that a test can end the process there, or hold it. */
export type CrashPoint = (name: CrashPointName) => void | Promise<void>;

export type PostgresTargetOptions = {
  /** Connection string of the target database; TLS by its `sslmode`. */
  readonly url: string;
  /** The migration's id. */
  readonly migration: string;
  /** For batches that write rows. Progress alone is never waited for, barriers always are. Off is safe: progress is lost with the rows. */
  readonly synchronousCommit?: 'on' | 'off';
  readonly crashPoint?: CrashPoint;
};
