import { LoadLoop } from '@changeover/pipeline';
import { crashPointFrom, createHeldRowList, createLog, createTarget, HeldCounts, type LoadSettings } from '@changeover/shell';
import { LogTransport, startRole, type StartRole } from '@changeover/shell/role';

import { LoadModule } from './load.module.js';
import { ScheduledCheckpoints } from './scheduled-checkpoints.js';

/** Brings `<m>.writes` into the target. */
export const startLoad: StartRole<LoadSettings> = (settings, options) =>
  startRole('load', settings, options, async ({ telemetry, task, requests, clock, ids }) => {
    const { migration, limits } = settings;
    const crashPoint = crashPointFrom();
    const { log, store } = await createLog(settings.log, { migration, limits, clock, ids, crashPoint });
    const target = createTarget(settings.target, { migration, limits, clock, crashPoint });
    telemetry.heldCounts = new HeldCounts(createHeldRowList(settings.target, { migration, limits, clock }), clock);
    const loop = new LoadLoop({
      writes: `${migration}.writes`,
      log,
      target,
      observer: telemetry,
      clock,
      ids,
      limits: { maxBatchRows: limits.batchRows, maxBatchBytes: limits.batchBytes, maxQueuedBytes: limits.readAheadBytes },
    });
    const { checkpoints } = settings.target;
    const scheduled =
      checkpoints &&
      new ScheduledCheckpoints({
        schedule: { everyMs: checkpoints.every, keep: checkpoints.keep },
        ...{ settings, log, requests, observer: telemetry, clock, ids, crashPoint },
      });
    const transport = new LogTransport({ run: (handler, signal) => loop.run(signal, handler) }, task);
    return {
      module: LoadModule,
      moves: { transport },
      stop: async () => {
        await scheduled?.stop();
        await target.stop();
        await store.stop();
      },
    };
  });
