import { SystemClock } from '@changeover/core';
import { createSampleTables, createSource, type AdapterContext, type CliSettings } from '@changeover/shell';
import type { Sample, TrialReport } from '@changeover/verification';

import { tryRows, type RowsTried } from '../check/try-data.js';

export type SampleRequest = Sample &
  Pick<RowsTried, 'signal' | 'onSizes' | 'onStep'> & {
    /** The file of the mapping; left out: that of the settings. */
    readonly file?: string;
    /** Of the target. */
    readonly schema: string;
    readonly replace: boolean;
  };

export type SampleOutcome = Sample & { readonly migration: string; readonly schema: string } & TrialReport;

/** Asks nobody but the two databases: neither a log nor transform has to be there. What operators have decided about single rows does not count here. */
export async function runSample(settings: CliSettings, request: SampleRequest): Promise<SampleOutcome> {
  const { migration, limits } = settings;
  const { share, seed, schema, replace } = request;
  const context: AdapterContext = { migration, limits, clock: new SystemClock() };
  const tables = createSampleTables(settings.target, context, schema);
  const source = createSource(settings.source, context);
  try {
    const captured = await source.tables();
    const report = await tryRows(settings, { ...request, context, tables: captured, sample: { share, seed, replace, tables } });
    return { migration, schema, share, seed, ...report };
  } finally {
    await source.stop();
    await tables.stop();
  }
}
