import { noCrash, type Clock, type CrashPoint, type IdSource } from '@changeover/core';
import { openControl } from '@changeover/control-postgres';
import type { Checkpoint, Checkpoints } from '@changeover/events';
import { moveTarget, type Moved, type MoveTargetOptions } from '@changeover/pipeline';
import { crashPointFrom, createCheckpoints, createLog, createTargetMoves, createTargetReader, type AllSettings } from '@changeover/shell';
import { createCheckpoint, type CheckpointStep } from '@changeover/verification';

export type CheckpointContext = { readonly clock: Clock; readonly ids: IdSource; readonly signal: AbortSignal };

/** Asks the checkpoints of the settings' target. */
export async function withCheckpoints<Answer>(
  { target, migration, limits }: AllSettings,
  { clock }: Pick<CheckpointContext, 'clock'>,
  ask: (checkpoints: Checkpoints) => Promise<Answer>,
): Promise<Answer> {
  const checkpoints = createCheckpoints(target, { migration, limits, clock });
  try {
    return await ask(checkpoints);
  } finally {
    await checkpoints.stop();
  }
}

export type CreateContext = CheckpointContext & {
  readonly name: string;
  /** Whether the target is read as well. */
  readonly read: boolean;
  /** How long the barrier may take to the target. */
  readonly patienceMs: number;
  readonly onStep: (step: CheckpointStep) => void;
};

/** Composes the making of a checkpoint from the settings, and makes it. */
export async function runCreate(settings: AllSettings, context: CreateContext): Promise<Checkpoint> {
  const { migration, limits } = settings;
  const { clock, ids, signal, ...how } = context;
  const adapters = { migration, limits, clock };
  const { log, store } = await createLog(settings.log, { ...adapters, ids, crashPoint: noCrash });
  const target = createTargetReader(settings.target, { ...adapters, ids });
  try {
    await using control = await openControl({ url: settings.control.url, clock });
    const requestBarrier = async (): Promise<string> => {
      const id = ids.uuid();
      await control.requests.submit({ migration, id, kind: 'barrier', payload: {} });
      return id;
    };
    return await withCheckpoints(settings, { clock }, (checkpoints) =>
      createCheckpoint(
        { ...how, ...streamsOf(migration), log, target, checkpoints, requestBarrier, clock, crashPoint: crashPointFrom() },
        signal,
      ),
    );
  } finally {
    await Promise.all([target.stop(), store.stop()]);
  }
}

export type MoveContext = CheckpointContext & Pick<MoveTargetOptions, 'to' | 'changedRows' | 'dryRun' | 'onRead'>;

/** Composes a move of the target from the settings, and makes it. */
export async function runMove(settings: AllSettings, context: MoveContext): Promise<Moved> {
  const { migration, limits } = settings;
  const { clock, ids, signal, ...how } = context;
  const adapters = { migration, limits, clock };
  const crashPoint: CrashPoint = crashPointFrom();
  const { log, store } = await createLog(settings.log, { ...adapters, ids, crashPoint: noCrash });
  const moves = createTargetMoves(settings.target, { ...adapters, ids, crashPoint });
  const { writes } = streamsOf(migration);
  try {
    return await withCheckpoints(settings, { clock }, (checkpoints) =>
      moveTarget({ ...how, clock, writes, log, moves, checkpoints }, signal),
    );
  } finally {
    await Promise.all([moves.stop(), store.stop()]);
  }
}

function streamsOf(migration: string) {
  return { changes: `${migration}.changes` as const, writes: `${migration}.writes` as const };
}
