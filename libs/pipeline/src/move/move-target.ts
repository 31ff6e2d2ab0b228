import { ChangeoverError, type Clock } from '@changeover/core';
import {
  decodeJsonBody,
  HOLD_MS,
  tableName,
  type Checkpoint,
  type Checkpoints,
  type EventLog,
  type LoadProgress,
  type LogEntry,
  type MoveOptions,
  type MoveReport,
  type StreamName,
  type TargetMove,
  type TargetMoves,
} from '@changeover/events';

import { readWritten } from './written-frames.js';

export type MoveTargetOptions = MoveOptions & {
  readonly writes: StreamName;
  readonly log: EventLog;
  readonly moves: TargetMoves;
  readonly checkpoints: Checkpoints;
  /** The name of a checkpoint; null: forward to where load had come. */
  readonly to: string | null;
  readonly clock: Clock;
  /** Records of `writes` that were read, of so many. */
  readonly onRead: (read: { readonly records: number; readonly of: number }) => void;
};

export type Moved = {
  readonly from: LoadProgress;
  readonly to: LoadProgress;
  /** The checkpoint where load is parked now; null: it goes on. */
  readonly parkedAt: string | null;
  /** Null: it was there already. */
  readonly report: MoveReport | null;
};

/**
 * Takes the target back to a checkpoint, on to another one, or forward to where load had come: the net of the writes that lie between, in one transaction of the target, while load
 * is held. Its cost follows what has changed in between, not what the tables hold.
 */
export async function moveTarget(options: MoveTargetOptions, signal: AbortSignal): Promise<Moved> {
  const { moves, checkpoints, to: name } = options;
  const checkpoint = name === null ? null : await checkpoints.find(name);
  if (checkpoint !== null) await requireInLog(options, checkpoint);
  const move = await whenFree(() => moves.take(), options, signal);
  if (move === null) throw new ChangeoverError('NOT_FOLLOWING', 'nothing was loaded yet');
  await using _move = move;
  const { progress: from, parked } = move.from;
  const to = checkpoint?.place ?? parked?.head ?? from;
  const moved = { from, to, parkedAt: checkpoint?.name ?? null };
  if (checkpoint !== null) requireReached(checkpoint, move);
  if (checkpoint?.name === parked?.at || (checkpoint === null && parked === null)) return { ...moved, report: null };
  const isBack = to.writes.seq < from.writes.seq;
  await gather(options, checkpoint !== null && isBack ? await inFormsOf(checkpoint, options, move) : move, { from, to }, signal);
  const { changedRows, dryRun } = options;
  const report = await (checkpoint === null ? move.toHead({ changedRows, dryRun }) : move.to(checkpoint, { changedRows, dryRun }));
  return { ...moved, report };
}

/** Whoever held load may have died; another one may be about to let it go. */
const PATIENCE_MS = 3 * HOLD_MS;
const PAUSE_MS = 250;

/** Tries again while somebody else holds load, for a while: then TARGET_BUSY. */
export async function whenFree<Taken>(
  take: () => Promise<Taken>,
  { clock }: { readonly clock: Clock },
  signal: AbortSignal,
): Promise<Taken> {
  const until = clock.monotonic() + PATIENCE_MS;
  for (;;) {
    signal.throwIfAborted();
    try {
      return await take();
    } catch (error) {
      if (!(error instanceof ChangeoverError) || error.code !== 'TARGET_BUSY' || clock.monotonic() > until) throw error;
    }
    await clock.sleep(PAUSE_MS, signal);
  }
}

type Gathering = Pick<TargetMove, 'add' | 'forget'>;

/**
 * Takes rows only in the forms that their tables were told in when the checkpoint was made. Where another mapping has come into force in between, the row before says nothing of a column that was left out, or that
 * nobody wrote before, so the net would not lead back to what was there.
 */
async function inFormsOf({ name, digests }: Checkpoint, { log, writes }: MoveTargetOptions, move: TargetMove): Promise<Gathering> {
  const hashes = new Map<string, string>();
  for (const [table, { form }] of Object.entries(digests))
    hashes.set(table, decodeJsonBody('schema', await log.fetch(writes, form)).table.hash);
  return {
    add: (record, schemas) => {
      for (const { schemaSeq } of record.frames) {
        const schema = schemas(schemaSeq);
        const table = tableName(schema);
        if ((hashes.get(table) ?? schema.hash) === schema.hash) continue;
        throw new ChangeoverError('REWIND_IMPOSSIBLE', `${table} was written in other columns when ${name} was made`, { facts: { table } });
      }
      move.add(record, schemas);
    },
    forget: () => {
      move.forget();
    },
  };
}

async function gather(
  { log, writes, onRead }: MoveTargetOptions,
  move: Gathering,
  { from, to }: Pick<Moved, 'from' | 'to'>,
  signal: AbortSignal,
): Promise<void> {
  const [first, last] = from.writes.seq < to.writes.seq ? [from, to] : [to, from];
  const of = last.writes.seq - first.writes.seq;
  const onRecord = (seq: number): void => {
    onRead({ records: seq - first.writes.seq, of });
  };
  await readWritten({ log, writes, after: first.writes, through: last.writes.seq, onRecord }, move, signal);
}

/** The log holds its barrier just where it should be. */
async function requireInLog({ log, writes }: MoveTargetOptions, { name, token, place }: Checkpoint): Promise<void> {
  const { seq, at, checksum, logId } = place.writes;
  const damaged = (why: string): ChangeoverError =>
    new ChangeoverError('CHECKPOINT_DAMAGED', `checkpoint ${name}: ${why}`, { facts: { name } });
  let entry: LogEntry;
  try {
    entry = await log.fetch(writes, { seq, at });
  } catch (error) {
    if (error instanceof ChangeoverError && error.code === 'LOG_GAP') throw damaged('the log does not hold its place any more');
    throw error;
  }
  const { header } = entry;
  if (
    header.logId !== logId ||
    header.kind !== 'barrier' ||
    entry.checksum !== checksum ||
    decodeJsonBody('barrier', entry).token !== token
  )
    throw damaged('the log holds something else at its place');
}

/** Where the target was restored from a backup it may never have come to a checkpoint that another line of it had. */
function requireReached({ name, place }: Checkpoint, { from: { progress, parked } }: TargetMove): void {
  const furthest = parked?.head ?? progress;
  if (place.writes.logId === furthest.writes.logId && place.writes.seq <= furthest.writes.seq) return;
  throw new ChangeoverError('CHECKPOINT_DAMAGED', `checkpoint ${name}: the target has not come to its place`, { facts: { name } });
}
