import { ChangeoverError, type Clock, type CrashPoint, type ErrorCode } from '@changeover/core';
import {
  type EventLog,
  type LoadHold,
  type LoadProgress,
  type LogEntry,
  type ReadPosition,
  type RecordRef,
  type SourceSnapshot,
  type SourceSnapshots,
  type StreamName,
  type TableSchema,
  type TargetReader,
  type TargetSnapshot,
} from '@changeover/events';

import { FollowedChanges, notFollowing } from './followed-changes.js';
import { prefixShown } from './prefix.js';

/** So often a snapshot is taken while load is held once; then load goes on for a while. */
const TAKES = 5;
/** Between two holds. */
const PAUSE_MS = 100;
/** How long load may take to the place where the snapshot is, being held all but there. */
const ADVANCE_MS = 5_000;
/** How long a record may take through the stream: as nobody is held meanwhile, and while load is. */
const [ANSWER_MS, HELD_ANSWER_MS] = [10_000, 3_000];

export type OnePlaceOptions = {
  readonly changes: StreamName;
  readonly writes: StreamName;
  readonly log: EventLog;
  readonly snapshots: SourceSnapshots;
  readonly target: TargetReader;
  /** Hash of the mapping that the target is compared by. */
  readonly mapping: string;
  /** Whether the rows of this table are needed. */
  readonly isRead: (table: TableSchema) => boolean;
  /** Asks for a barrier, and gives the token under which `changes` will tell of it. */
  readonly requestBarrier: () => Promise<string>;
  /** Runs before each snapshot of the source, while load is held. */
  readonly beforeTake?: () => Promise<void>;
  readonly crashPoint: CrashPoint;
  readonly clock: Clock;
  /** How long it may take in all. */
  readonly patienceMs: number;
};

/** Both ends at the same record of `changes`. To be disposed of by whoever gets it. */
export type OnePlace = {
  readonly seq: number;
  /** Where that record lies. */
  readonly at: ReadPosition;
  readonly source: SourceSnapshot;
  readonly target: TargetSnapshot;
  /** The captured tables that are read, in their forms. */
  readonly tables: readonly TableSchema[];
  /** All tables that were ever told of. */
  readonly told: readonly TableSchema[];
  /** How long load was held, and snapshots of the source that were taken. */
  readonly heldMs: number;
  readonly takes: number;
};

/**
 * Takes a snapshot of the source that shows exactly what the records of `changes` up to one of them did, lets load run to exactly that record, and takes a snapshot of
 * the target there. Nobody has to stop writing: load alone is held, for as long as that takes.
 */
export async function takeOnePlace(options: OnePlaceOptions, signal: AbortSignal): Promise<OnePlace> {
  const { snapshots, log, changes } = options;
  const began = options.clock.monotonic();
  const patiently = <Result>(attempt: () => Promise<Result | ChangeoverError>): Promise<Result> =>
    untilThere(attempt, { ...options, began }, signal);
  await using followed = await FollowedChanges.from(log, changes, await patiently(() => placeOfTarget(options)));
  const source = await snapshots.open();
  const effort = { takes: 0, heldMs: 0 };
  try {
    const place = await patiently(
      async () => (await unanswered(options, followed, signal)) ?? (await hold({ ...options, source, followed, effort }, signal)),
    );
    return { ...place, ...effort, source };
  } catch (error) {
    await source[Symbol.asyncDispose]();
    throw error;
  }
}

/** What passes by itself: then it is tried again. */
const PASSING: ReadonlySet<ErrorCode> = new Set(['TARGET_BUSY', 'SOURCE_LOCKED', 'HOLD_LOST']);

type Patience = Pick<OnePlaceOptions, 'clock' | 'patienceMs'> & { readonly began: number };

/** Tries until it comes to something else than an error, or our patience ends: then with the last of these. */
export async function untilThere<Result>(
  attempt: () => Promise<Result | ChangeoverError>,
  { clock, patienceMs, began }: Patience,
  signal: AbortSignal,
): Promise<Result> {
  for (;;) {
    const outcome = await attempt().catch((error: unknown) => {
      if (error instanceof ChangeoverError && PASSING.has(error.code)) return error;
      throw error;
    });
    if (!(outcome instanceof ChangeoverError)) return outcome;
    if (clock.monotonic() - began > patienceMs) throw outcome;
    await clock.sleep(PAUSE_MS, signal);
    signal.throwIfAborted();
  }
}

/** Where the record of `changes` lies that the target has come to. */
export async function placeOfTarget({
  target,
  log,
  writes,
}: Pick<OnePlaceOptions, 'target' | 'log' | 'writes'>): Promise<RecordRef | ChangeoverError> {
  const header = await writtenAt({ log, writes }, await heldAt(target));
  return header instanceof ChangeoverError ? header : (header.from ?? nothingLoaded());
}

/** What the record of `writes` says that the target has come to: where it came from, and the mapping that made it. */
async function writtenAt(
  { log, writes }: Pick<OnePlaceOptions, 'log' | 'writes'>,
  progress: LoadProgress,
): Promise<LogEntry['header'] | ChangeoverError> {
  try {
    return (await log.fetch(writes, progress.writes)).header;
  } catch (error) {
    // A record in parts cannot be fetched; a progress record follows it within a second.
    if (error instanceof ChangeoverError && error.code === 'LOG_GAP') return error;
    throw error;
  }
}

export async function heldAt(target: TargetReader): Promise<LoadProgress> {
  await using held = await target.hold();
  return held.progress ?? nothingLoaded();
}

function nothingLoaded(): never {
  throw notFollowing('nothing was loaded yet');
}

/**
 * Null: capture has answered, and the log is read to its end. Before anybody is held up it is seen that all of them are there; and before it answers, capture looks
 * whether tables have changed.
 */
async function unanswered(
  { requestBarrier }: OnePlaceOptions,
  followed: FollowedChanges,
  signal: AbortSignal,
): Promise<ChangeoverError | null> {
  const token = await requestBarrier();
  const reached = await within(ANSWER_MS, signal, (soon) => followed.reached(token, soon));
  return reached === null ? notFollowing('capture does not answer, or there is very much to read') : null;
}

type HoldOptions = OnePlaceOptions & {
  readonly source: SourceSnapshot;
  readonly followed: FollowedChanges;
  /** Grows. */
  readonly effort: { takes: number; heldMs: number };
};

type Place = Omit<OnePlace, 'source' | 'takes' | 'heldMs'>;

async function hold(options: HoldOptions, signal: AbortSignal): Promise<Place | ChangeoverError> {
  const { target, effort, crashPoint } = options;
  const held = await target.hold();
  try {
    if (held.progress === null) return nothingLoaded();
    crashPoint('verify.holding');
    return await takeBoth(options, held, held.progress.changes.seq, signal);
  } finally {
    await held[Symbol.asyncDispose]();
    effort.heldMs += held.heldMs;
  }
}

async function takeBoth(options: HoldOptions, held: LoadHold, atLeast: number, signal: AbortSignal): Promise<Place | ChangeoverError> {
  const { source, followed, effort, isRead, requestBarrier, crashPoint } = options;
  for (let take = 1; take <= TAKES; take++) {
    effort.takes++;
    const tables = followed.tables.filter(isRead);
    await options.beforeTake?.();
    if ((await source.take(tables)) === 'moved')
      return notFollowing('a table of the source has changed, and the stream has not told so yet');
    const token = await requestBarrier();
    crashPoint('verify.taken');
    const reached = await within(HELD_ANSWER_MS, signal, (soon) => followed.reached(token, soon));
    if (reached === null) return notFollowing('capture does not answer');
    const { records, unseen } = followed.at(atLeast);
    const seq = prefixShown({ records, unseen, atLeast, shows: (txId) => source.shows(txId) });
    if (seq === null) continue;
    const { copying } = followed.at(seq);
    if (copying.length > 0) return notFollowing(`${copying.join(', ')} ${copying.length === 1 ? 'is' : 'are'} being copied`);
    const advanced = await within(ADVANCE_MS, signal, (soon) => held.advanceTo(seq, soon));
    if (advanced === null) return notFollowing('load is behind');
    const written = await writtenAt(options, advanced.done);
    if (written instanceof ChangeoverError) return written;
    requireMapping(options, written.mapping ?? null);
    return { seq, at: followed.placeOf(seq), target: await held.snapshot(), tables, told: followed.tables };
  }
  const what = `${String(effort.takes)} snapshots of the source, and each fell between two commits`;
  return new ChangeoverError('TIMED_OUT', what);
}

function requireMapping({ mapping: ours }: OnePlaceOptions, mapping: string | null): void {
  if (mapping === null) throw notFollowing('no mapping is active yet');
  if (mapping !== ours)
    throw new ChangeoverError(
      'MAPPING_NOT_ACTIVE',
      `the target was made by the mapping ${mapping.slice(0, 12)}, not by ${ours.slice(0, 12)}`,
    );
}

/** Null: it took longer. */
export async function within<Result>(
  ms: number,
  signal: AbortSignal,
  work: (soon: AbortSignal) => Promise<Result>,
): Promise<{ readonly done: Result } | null> {
  const timeout = AbortSignal.timeout(ms);
  try {
    return { done: await work(AbortSignal.any([signal, timeout])) };
  } catch (error) {
    if (timeout.aborted && !signal.aborted) return null;
    throw error;
  }
}
