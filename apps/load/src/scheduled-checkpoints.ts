import type { RequestQueue } from '@changeover/control-postgres';
import type { Clock, CrashPoint, IdSource } from '@changeover/core';
import type { EventLog } from '@changeover/events';
import type { PipelineObserver } from '@changeover/pipeline';
import { createCheckpoints, createTargetReader, type LoadSettings } from '@changeover/shell';
import { createCheckpoint, makeByTime, type CheckpointSchedule } from '@changeover/verification';

type ScheduledParts = {
  readonly schedule: CheckpointSchedule;
  readonly settings: LoadSettings;
  readonly log: EventLog;
  readonly requests: RequestQueue;
  readonly observer: Pick<PipelineObserver, 'warning'>;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly crashPoint: CrashPoint;
};

/** Checkpoints that load makes by itself, beside its loop. */
export class ScheduledCheckpoints {
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>;

  constructor({ schedule, settings, log, requests, observer, clock, ids, crashPoint }: ScheduledParts) {
    const { migration, limits } = settings;
    const checkpoints = createCheckpoints(settings.target, { migration, limits, clock });
    const target = createTargetReader(settings.target, { migration, limits, clock, ids });
    const requestBarrier = async (): Promise<string> => {
      const id = ids.uuid();
      await requests.submit({ migration, id, kind: 'barrier', payload: {} });
      return id;
    };
    const parts = {
      ...{ changes: `${migration}.changes` as const, writes: `${migration}.writes` as const },
      ...{ log, target, checkpoints, requestBarrier, clock, crashPoint, read: false, onStep: () => undefined },
    };
    const onTrouble = observer.warning.bind(observer);
    const create = (name: string, signal: AbortSignal): Promise<unknown> => createCheckpoint({ ...parts, name }, signal);
    this.#running = makeByTime({ ...schedule, checkpoints, create, onTrouble, clock }, this.#stopped.signal).finally(async () => {
      await Promise.all([checkpoints.stop(), target.stop()]);
    });
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }
}
