import { derivationThreads } from '@changeover/app-transform';
import { CONVERTERS } from '@changeover/cleaning';
import { ChangeoverError, noCrash, type Clock, type IdSource } from '@changeover/core';
import { openControl } from '@changeover/control-postgres';
import type { TableSize } from '@changeover/events';
import {
  crashPointFrom,
  createLog,
  createSource,
  createSourceSnapshots,
  createTargetReader,
  loadMapping,
  lookAtState,
  openScratchState,
  type AllSettings,
} from '@changeover/shell';
import {
  nothingToResume,
  resumeVerification,
  verify,
  verifyAndRepair,
  verifyChosen,
  verifyMirror,
  type Choice,
  type ChosenReport,
  type MirrorOptions,
  type MirrorReport,
  type RepairReport,
  type ResumedReport,
  type VerificationOptions,
  type VerificationReport,
  type VerificationStep,
} from '@changeover/verification';

import { requireActiveMapping } from '../check/active-mapping.js';
import { openLeftFolder, openScratchFolder, removeLeftFolders, type ScratchFolder } from './scratch-state.js';

export type VerifyContext = {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly signal: AbortSignal;
  /** Tables of the target; left out: all. */
  readonly only?: ReadonlySet<string>;
  /** Differences of a table that are named. */
  readonly named: number;
  /** Whether they are told with their values. */
  readonly values: boolean;
  /** Whether what differs is brought in order, and whether rows that should not be there are deleted for that; left out: no. */
  readonly repair?: { readonly deleteExtra: boolean };
  /** How long it may take until both ends are at one place. */
  readonly patienceMs: number;
  /** Told once, before anything is read: what the source believes to be in its tables. */
  readonly onSizes: (sizes: ReadonlyMap<string, TableSize>) => void;
  readonly onStep: (step: VerificationStep) => void;
  /** Told where it ends early and {@link runVerifyResumed} can go on with it. */
  readonly onKept: () => void;
};

/** The memory of a comparison, about 3 MB for each table that is compared, one at a time. */
const PARTITIONS = 65_536;
const BYTES_LOOKED_AT = 64 * 1024 * 1024;

/** What a verification has found out, and what was done about it where that was asked for. */
export type VerifyOutcome = VerificationReport & { readonly repair?: RepairReport };

/** Composes a verification of the target from the settings, and runs it. */
export async function runVerify(settings: AllSettings, context: VerifyContext): Promise<VerifyOutcome> {
  const { migration, limits, state } = settings;
  const { clock, ids, signal, repair, only, onKept } = context;
  // What another one could go on with stays until the next of all rows has taken its place in the stream.
  const isWhole = repair === undefined && only === undefined;
  const folderOfSome = `${migration}.some`;
  if (isWhole) await removeLeftFolders(state, folderOfSome);
  await using scratch = await openScratchFolder(state, isWhole ? migration : folderOfSome);
  return await withBothEnds(settings, context, (ends) => {
    const options: VerificationOptions = {
      ...ends,
      converters: CONVERTERS,
      openState: async () => openScratchState(await scratch.empty(), { migration, clock, ids }),
      startThreads: derivationThreads(limits.derivationThreads),
      limits: { ...ends.limits, maxStateBytes: limits.stateBytes },
    };
    if (repair !== undefined) return verifyAndRepair(options, repair, signal);
    return isWhole
      ? keepingIt(scratch, onKept, (isResumable) => verify({ ...options, onResumable: isResumable }, signal))
      : verify(options, signal);
  });
}

/** Goes on with one that was killed or interrupted. */
export async function runVerifyResumed(settings: AllSettings, context: VerifyContext): Promise<ResumedReport> {
  const { migration, limits, state } = settings;
  const { clock, ids, signal, onKept } = context;
  await using scratch = await openLeftFolder(state, migration);
  if (scratch === null) throw nothingToResume();
  return await keepingIt(scratch, onKept, (isResumable) => {
    isResumable();
    return withBothEnds(settings, context, async (ends) => {
      // Where the file is the wrong one, what was kept must not be taken for that of a mapping that is in force no more.
      await requireActiveMapping(ends.mapping, { migration, controlUrl: settings.control.url });
      return resumeVerification(
        {
          ...ends,
          converters: CONVERTERS,
          openState: () => openScratchState(scratch.path, { migration, clock, ids }),
          startThreads: derivationThreads(limits.derivationThreads),
          limits: { ...ends.limits, maxStateBytes: limits.stateBytes },
          lookAtState: () => lookAtState(state, migration),
        },
        signal,
      );
    });
  });
}

/** Keeps the folder where something can be gone on with that did not end. */
async function keepingIt<Report>(
  scratch: ScratchFolder,
  onKept: () => void,
  run: (isResumable: () => void) => Promise<Report>,
): Promise<Report> {
  let resumable = false;
  try {
    return await run(() => {
      resumable = true;
    });
  } catch (error) {
    if (resumable && !(error instanceof ChangeoverError && error.code === 'FULL_VERIFICATION_NEEDED')) {
      scratch.keep();
      onKept();
    }
    throw error;
  }
}

/** The same of what transform remembers of the source. */
export function runVerifyMirror(settings: AllSettings, context: VerifyContext): Promise<MirrorReport> {
  const { migration, state } = settings;
  return withBothEnds(settings, context, (ends) =>
    verifyMirror({ ...ends, lookAtState: () => lookAtState(state, migration) }, context.signal),
  );
}

/** The same of some of the rows, and of what transform remembers of them. */
export function runVerifyChosen(settings: AllSettings, choice: Choice, context: VerifyContext): Promise<ChosenReport> {
  const { migration, state } = settings;
  return withBothEnds(settings, context, (ends) =>
    verifyChosen({ ...ends, converters: CONVERTERS, lookAtState: () => lookAtState(state, migration) }, choice, context.signal),
  );
}

async function withBothEnds<Report>(
  settings: AllSettings,
  { clock, ids, only, named, values, patienceMs, onSizes, onStep }: VerifyContext,
  work: (ends: Omit<MirrorOptions, 'lookAtState'>) => Promise<Report>,
): Promise<Report> {
  const { migration, limits } = settings;
  const adapters = { migration, limits, clock };
  const mapping = await loadMapping(settings.mapping);
  const source = createSource(settings.source, adapters);
  const snapshots = createSourceSnapshots(settings.source, adapters);
  const target = createTargetReader(settings.target, { ...adapters, ids, crashPoint: crashPointFrom() });
  const { log, store } = await createLog(settings.log, { ...adapters, ids, crashPoint: noCrash });
  try {
    await using control = await openControl({ url: settings.control.url, clock });
    const captured = await source.tables();
    const names = captured.map(({ schema, table }) => `${schema}.${table}`);
    const sizes = await source.sizes(captured);
    onSizes(new Map(names.flatMap((name, index) => (sizes[index] == null ? [] : [[name, sizes[index]]]))));
    return await work({
      migration,
      changes: `${migration}.changes`,
      writes: `${migration}.writes`,
      log,
      snapshots,
      target,
      mapping,
      captured: new Set(names),
      ...(only && { only }),
      requestBarrier: async () => {
        const id = ids.uuid();
        await control.requests.submit({ migration, id, kind: 'barrier', payload: {} });
        return id;
      },
      onStep,
      crashPoint: crashPointFrom(),
      clock,
      limits: {
        partitions: PARTITIONS,
        bytesLookedAt: BYTES_LOOKED_AT,
        named,
        values,
        patienceMs,
        bytesPerSecond: settings.source.copy.bytesPerSecond ?? Infinity,
      },
    });
  } finally {
    await Promise.all([source.stop(), snapshots.stop(), target.stop(), store.stop()]);
  }
}
