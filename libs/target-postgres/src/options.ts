/** Called by name at the points of {@link CRASH_POINTS}, so that a test can end or hold the process there. */
export type CrashPoint = (name: string) => void | Promise<void>;

export const CRASH_POINTS = ['load.before-commit', 'load.in-commit', 'load.after-commit', 'load.in-bisection', 'load.in-staging'] as const;

export type PostgresTargetOptions = {
  /** Connection string of the target database; TLS by its `sslmode`. */
  readonly url: string;
  /** The migration's id. */
  readonly migration: string;
  /** For batches that write rows. Progress alone is never waited for, barriers always are. Off is safe: progress is lost with the rows. */
  readonly synchronousCommit?: 'on' | 'off';
  readonly crashPoint?: CrashPoint;
};
