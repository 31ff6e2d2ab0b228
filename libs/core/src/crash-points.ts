/** Every place at which a test kills a process. One test at least dies at each. */
export const CRASH_POINTS = [
  /** Capture holds the source, but has not fenced the log. */
  'capture.after-hold',
  /** The fence is in the log, its writer has not looked for its tail. */
  'log.after-fence',
  /** A record's first part is in the log, the next is not. */
  'capture.between-parts',
  /** Records are durable, the source was not told. */
  'capture.after-append',
  /** A progress record is durable, nothing else has happened since. */
  'capture.after-progress',
  /** A piece of a table was read and has come; nothing of it is in the log. */
  'capture.chunk-read',
  /** A piece of a table is in the log, and how far the copy is with it. */
  'capture.after-chunk',
  /** Some of what is derived for the first time is on its way to `writes`. */
  'transform.in-derive-all',
  /** Another mapping is coming into force: everything is derived under it, what differs is not in `writes`, or may just have come there. */
  'transform.in-activation',
  /** The state is being committed. */
  'transform.in-state-commit',
  /** Writes are durable, transform has not gone on. */
  'transform.after-append',
  /** Some parts of a large record are in `writes`, the last is not. */
  'transform.between-parts',
  'load.before-commit',
  /** COMMIT was sent, its answer has not been read. */
  'load.in-commit',
  'load.after-commit',
  /** Rows were sent by COPY, its end was not told. */
  'load.in-copy',
  /** Refused rows are being looked for under savepoints. */
  'load.in-bisection',
  /** Part of a large record is in the temporary table. */
  'load.in-staging',
  /** Load is held, nothing else was done. */
  'verify.holding',
  /** A snapshot of the source was taken and the mark asked for, load is still held. */
  'verify.taken',
  /** Both ends are at one place, load was let go. */
  'verify.placed',
  /** All that is derived from was read. */
  'verify.read',
  /** All was derived, nothing is compared. */
  'verify.derived',
  /** A table was compared. */
  'verify.compared',
  /** A checkpoint's barrier is at the target. */
  'checkpoint.marked',
  /** What the target should hold at it is known, nothing is written down. */
  'checkpoint.summed',
  /** The target is being taken to another place: its place is set, no row is written. */
  'move.in-rows',
  'move.before-commit',
  /** COMMIT was sent, its answer has not been read. */
  'move.in-commit',
  'move.after-commit',
  /** Tables beside the live ones are made, in a transaction that is not committed. */
  'rebuild.making',
  /** They are there, and empty. */
  'rebuild.made',
  /** The log was read to its end once. */
  'rebuild.caught-up',
  /** Both loads are held. */
  'rebuild.holding',
  /** A table was compared with the live one; both loads were let go. */
  'rebuild.compared',
  /** The tables are exchanged, in a transaction that is not committed. */
  'rebuild.in-swap',
  /** They are exchanged; foreign keys of other tables are not validated yet. */
  'rebuild.swapped',
  /** The tables are gone, in a transaction that is not committed. */
  'rebuild.in-drop',
  /** The tables are gone; stream and state are still there. */
  'rebuild.dropped',
  /** Rows were brought in order at the target, and nothing is committed. */
  'verify.repairing',
  /** They are committed, and were not compared again. */
  'verify.repaired',
] as const;

export type CrashPointName = (typeof CRASH_POINTS)[number];

/** Called at each point; does nothing except in tests. */
export type CrashPoint = (name: CrashPointName) => void;

export const noCrash: CrashPoint = () => undefined;
