import { CONVERTERS } from '@changeover/cleaning';
import type { Mapping } from '@changeover/mapping';
import { TransformLoop } from '@changeover/pipeline';
import { crashPointFrom, createLog, loadMapping, openState, type TransformSettings } from '@changeover/shell';
import { LogTransport, startRole, type StartRole } from '@changeover/shell/role';

import { activateFirstMapping, mappingsAskedFor } from './activate-first-mapping.js';
import { derivationThreads } from './derivation-threads.js';
import { TransformModule } from './transform.module.js';

/** Transforms `<m>.changes` into `<m>.writes` under the mapping. */
export const startTransform: StartRole<TransformSettings> = (settings, options) =>
  startRole('transform', settings, options, async ({ telemetry, requests, task, clock, ids }) => {
    const { migration, limits } = settings;
    const crashPoint = crashPointFrom();
    const mapping = (): Promise<Mapping> => loadMapping(settings.mapping);
    await activateFirstMapping(requests, migration, await mapping());
    const { log, store } = await createLog(settings.log, { migration, limits, clock, ids, crashPoint });
    const onLost = telemetry.warning.bind(telemetry);
    const loop = new TransformLoop({
      migration,
      openState: () => openState(settings.state, { migration, clock, ids, onLost }),
      startThreads: derivationThreads(limits.derivationThreads),
      converters: CONVERTERS,
      changes: `${migration}.changes`,
      writes: `${migration}.writes`,
      log,
      mapping,
      isAskedFor: async (hash) => (await mappingsAskedFor(requests, migration)).at(-1)?.hash === hash,
      observer: telemetry,
      clock,
      ids,
      crashPoint,
      limits: { maxQueuedBytes: limits.readAheadBytes, maxStateBytes: limits.stateBytes },
    });
    const transport = new LogTransport({ run: (handler, signal) => loop.run(signal, handler) }, task);
    return { module: TransformModule, moves: { transport }, stop: () => store.stop() };
  });
