import { ChangeoverError, type Clock, type CrashPoint } from '@changeover/core';
import {
  type EventLog,
  type LoadProgress,
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

/** So often a snapshot is taken while load is held once; then it goes on for a while. */
const TAKES = 5;
/** Between two holds. */
const PAUSE_MS = 100;
/** How long load may take to the place where the snapshot is, being held all but there. */
const ADVANCE_MS = 5_000;
/** How often, and after how long, the record is looked for at which the target is. */
const [LOOKS, LOOK_AGAIN_MS] = [20, 250];
/** How long a record takes through the stream, at most. */
const ANSWER_MS = 10_000;

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
  readonly crashPoint: CrashPoint;
  readonly clock: Clock;
  /** How long it may take in all. */
  readonly patienceMs: number;
};

/** Both ends at the same record of `changes`. To be disposed of by whoever gets it. */
export type OnePlace = {
  readonly seq: number;
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
  await using followed = await FollowedChanges.from(log, changes, await placeOfTarget(options, signal));
  const source = await snapshots.open();
  try {
    return { ...(await untilHeld({ ...options, source, followed }, signal)), source };
  } catch (error) {
    await source[Symbol.asyncDispose]();
    throw error;
  }
}

async function untilHeld(options: HoldOptions, signal: AbortSignal): Promise<Omit<OnePlace, 'source'>> {
  const { clock, patienceMs } = options;
  const began = clock.monotonic();
  for (let takes = 0; ;) {
    const outcome = await holdOnce(options, signal);
    takes += outcome.takes;
    if (outcome.place !== null) return { ...outcome.place, takes };
    if (clock.monotonic() - began > patienceMs) {
      if (outcome.copying.length > 0)
        throw notFollowing(`${outcome.copying.join(', ')} ${outcome.copying.length === 1 ? 'is' : 'are'} being copied`);
      const what = `${String(takes)} snapshots of the source within ${String(Math.round(patienceMs / 1000))} s`;
      throw new ChangeoverError('TIMED_OUT', `${what} fell between two commits, or met a table that had changed`);
    }
    await clock.sleep(PAUSE_MS, signal);
    signal.throwIfAborted();
  }
}

/** Where the record of `changes` lies that the target has come to. */
async function placeOfTarget(options: OnePlaceOptions, signal: AbortSignal): Promise<RecordRef> {
  const { target, log, writes, clock } = options;
  for (let look = 1; ; look++) {
    const progress = await heldAt(target);
    try {
      const { from } = (await log.fetch(writes, progress.writes)).header;
      if (from === undefined) throw notFollowing('nothing was loaded yet');
      return from;
    } catch (error) {
      // A record in parts cannot be fetched; a progress record follows it within a second.
      if (!(error instanceof ChangeoverError) || error.code !== 'LOG_GAP' || look === LOOKS) throw error;
    }
    await clock.sleep(LOOK_AGAIN_MS, signal);
    signal.throwIfAborted();
  }
}

async function heldAt(target: TargetReader): Promise<LoadProgress> {
  await using hold = await target.hold();
  if (hold.progress === null) throw notFollowing('nothing was loaded yet');
  return hold.progress;
}

type HoldOptions = OnePlaceOptions & { readonly source: SourceSnapshot; readonly followed: FollowedChanges };
/** `copying`: tables whose copy is waited for. */
type Held = { readonly place: Omit<OnePlace, 'source' | 'takes'> | null; readonly takes: number; readonly copying: readonly string[] };

async function holdOnce(options: HoldOptions, signal: AbortSignal): Promise<Held> {
  const { source, followed, target, isRead, requestBarrier } = options;
  await using hold = await target.hold();
  if (hold.progress === null) throw notFollowing('nothing was loaded yet');
  options.crashPoint('verify.holding');
  const atLeast = hold.progress.changes.seq;
  for (let takes = 1; takes <= TAKES; takes++) {
    const tables = followed.tables.filter(isRead);
    if ((await source.take(tables)) === 'moved') return { place: null, takes, copying: [] };
    const token = await requestBarrier();
    options.crashPoint('verify.taken');
    await within(ANSWER_MS, signal, 'capture does not answer', (soon) => followed.reached(token, soon));
    const { records, unseen } = followed.at(atLeast);
    const seq = prefixShown({ records, unseen, atLeast, shows: (txId) => source.shows(txId) });
    if (seq === null) continue;
    const { mapping, copying } = followed.at(seq);
    requireMapping(options, mapping);
    if (copying.length > 0) return { place: null, takes, copying };
    await within(ADVANCE_MS, signal, 'load is behind', (soon) => hold.advanceTo(seq, soon));
    return { place: { seq, target: await hold.snapshot(), tables, told: followed.tables, heldMs: hold.heldMs }, takes, copying: [] };
  }
  return { place: null, takes: TAKES, copying: [] };
}

function requireMapping({ mapping: ours }: HoldOptions, mapping: string | null): void {
  if (mapping === null) throw notFollowing('no mapping is active yet');
  if (mapping !== ours)
    throw new ChangeoverError(
      'MAPPING_NOT_ACTIVE',
      `the target was made by the mapping ${mapping.slice(0, 12)}, not by ${ours.slice(0, 12)}`,
    );
}

async function within<Result>(ms: number, signal: AbortSignal, why: string, work: (soon: AbortSignal) => Promise<Result>): Promise<Result> {
  const timeout = AbortSignal.timeout(ms);
  try {
    return await work(AbortSignal.any([signal, timeout]));
  } catch (error) {
    if (timeout.aborted && !signal.aborted) throw notFollowing(why);
    throw error;
  }
}
