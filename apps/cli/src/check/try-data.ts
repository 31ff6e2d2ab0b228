import { derivationThreads } from '@changeover/app-transform';
import { CONVERTERS } from '@changeover/cleaning';
import { asChangeoverError, ChangeoverError, RandomIdSource } from '@changeover/core';
import { tableName, type TableSchema, type TableSize } from '@changeover/events';
import { tableUse } from '@changeover/mapping';
import { createColumnTypes, createSource, loadMapping, openScratchState, type AdapterContext, type CliSettings } from '@changeover/shell';
import { tryMapping, type TrialOptions, type TrialReport, type TrialStep } from '@changeover/verification';

import { withSourceSnapshot } from '../source-snapshot.js';
import { referenceRows } from '../reference/read-references.js';
import { openScratchFolder } from '../verify/scratch-state.js';
import { dataFindings } from './data-findings.js';
import { failed, type Finding } from './finding.js';

export type DataCheck = {
  /** The captured tables. */
  readonly tables: readonly TableSchema[];
  readonly context: AdapterContext;
  readonly signal: AbortSignal;
  /** Told once, before anything is read: what the source believes to be in its tables. */
  readonly onSizes: (sizes: ReadonlyMap<string, TableSize>) => void;
  readonly onStep: (step: TrialStep) => void;
};

/** `file`: of the mapping; left out: that of the settings. */
export type RowsTried = DataCheck & Pick<TrialOptions, 'sample'> & { readonly file?: string };

/** Makes of all rows of the source what the mapping makes of them, and says what would become of them; writes nothing but into a folder that is gone when it ends. */
export async function tryData(settings: CliSettings, check: DataCheck): Promise<readonly Finding[]> {
  try {
    return dataFindings(await tryRows(settings, check));
  } catch (error) {
    check.signal.throwIfAborted();
    return failed('mapping', asChangeoverError(error));
  }
}

/** The same, and writes a sample of the rows where it is asked for. */
export async function tryRows(settings: CliSettings, check: RowsTried): Promise<TrialReport> {
  const { context, signal, onStep, sample } = check;
  const { migration, limits, state: place, source, target } = settings;
  const { clock } = context;
  const types = createColumnTypes(target, context);
  try {
    const mapping = await loadMapping(check.file ?? settings.mapping);
    const given = new Set(check.tables.map(tableName));
    const missing = Object.keys(mapping.tables).filter((name) => !given.has(name));
    if (missing.length > 0)
      throw new ChangeoverError('MAPPING_INVALID', `the source gives no table ${missing.join(', ')}: see \`changeover check\``);
    const tables = check.tables.filter((table) => {
      const { passed, read } = tableUse(mapping, table);
      return passed !== null || read;
    });
    check.onSizes(await sizesOf(settings, context, tables));
    const references = await referenceRows(settings, context, mapping);
    await using scratch = await openScratchFolder(place, `${migration}.check`);
    await using state = await openScratchState(await scratch.empty(), { migration, clock, ids: new RandomIdSource() });
    return await withSourceSnapshot(settings, context, { tables, signal }, (snapshot) =>
      tryMapping(
        {
          ...{ migration, mapping, converters: CONVERTERS, snapshot, tables, references, types, state, onStep, clock, sample },
          startThreads: derivationThreads(limits.derivationThreads),
          limits: { maxStateBytes: limits.stateBytes, bytesPerSecond: source.copy.bytesPerSecond ?? Infinity },
        },
        signal,
      ),
    );
  } finally {
    await types.stop();
  }
}

async function sizesOf(
  settings: CliSettings,
  context: AdapterContext,
  tables: readonly TableSchema[],
): Promise<ReadonlyMap<string, TableSize>> {
  const source = createSource(settings.source, context);
  try {
    const sizes = await source.sizes(tables);
    return new Map(tables.flatMap((table, at) => (sizes[at] == null ? [] : [[tableName(table), sizes[at]]])));
  } finally {
    await source.stop();
  }
}
