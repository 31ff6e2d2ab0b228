import { CaptureLoop } from '@changeover/pipeline';
import { crashPointFrom, createLog, createSource, type CaptureSettings } from '@changeover/shell';
import { startRole, type StartRole } from '@changeover/shell/role';

import { CaptureModule } from './capture.module.js';
import { ControlRequests } from './control-requests.js';

/** Captures the source's changes into `<m>.changes`. */
export const startCapture: StartRole<CaptureSettings> = (settings, options) =>
  startRole('capture', settings, options, async ({ telemetry, requests, clock, ids }) => {
    const { migration, limits } = settings;
    const { maxRetainedBytes, copy } = settings.source;
    const crashPoint = crashPointFrom();
    const { log, store } = await createLog(settings.log, { migration, limits, clock, ids, crashPoint });
    const source = createSource(settings.source, { migration, limits, clock });
    const loop = new CaptureLoop({
      stream: `${migration}.changes`,
      source,
      log,
      requests: new ControlRequests({
        queue: requests,
        migration,
        onTrouble: (error) => {
          telemetry.warning(error);
        },
      }),
      observer: telemetry,
      clock,
      ids,
      crashPoint,
      limits: {
        maxQueuedBytes: limits.readAheadBytes,
        retainedBytes: maxRetainedBytes,
        copies: { ...copy, bytesPerSecond: copy.bytesPerSecond ?? Infinity },
      },
    });
    return {
      module: CaptureModule,
      moves: { loop },
      stop: async () => {
        await source.stop();
        await store.stop();
      },
    };
  });
