import { bytesWords, ChangeoverError, countWords, noCrash, type Clock, type IdSource } from '@changeover/core';
import { openControl, probeControl, type ControlDatabase, type LeaseView } from '@changeover/control-postgres';
import { createLog, emptyState, stateBytes, stateFolder, type CliSettings, type LogSettings } from '@changeover/shell';

/** What of a migration's state is there, and what it takes to build it anew. */
export type StateView = {
  readonly migration: string;
  readonly folder: string;
  /** Of its files; null: there is none. */
  readonly bytes: number | null;
  /** Records of `<m>.changes` that are read again, as the roles said last; null: they have not said. */
  readonly records: number | null;
  /** Whether transform runs: then it is not built anew. */
  readonly inUse: boolean;
};

export type RebuildContext = { readonly clock: Clock; readonly ids: IdSource; readonly signal: AbortSignal };

/** A log that holds records answers within this. */
const FIRST_RECORD_MS = 10_000;

/**
 * Looks; makes and changes nothing.
 *
 * @throws ChangeoverError LOG_TRUNCATED, LOG_MISSING …: the log does not begin with its first record, so the state could not be filled again
 */
export async function viewState(settings: CliSettings, context: RebuildContext): Promise<StateView> {
  const { migration, state } = settings;
  const folder = stateFolder(state, migration);
  const bytes = await stateBytes(state, migration);
  if (bytes === null) return { migration, folder, bytes, records: null, inUse: false };
  const roles = (await withControl(settings, context, (control) => control.leases.statuses(migration))) ?? [];
  const records = (await readFirstRecord(settings, context)) ? recordsOf(roles) : 0;
  return { migration, folder, bytes, records, inUse: roles.some(({ role, health }) => role === 'transform' && health === 'live') };
}

/**
 * Empties the state, under the lease of transform, so that none starts meanwhile. A transform whose lease has expired although it runs is fenced.
 *
 * @throws ChangeoverError STATE_IN_USE: transform runs
 */
export async function rebuildState(settings: CliSettings, context: RebuildContext): Promise<void> {
  const { migration, state } = settings;
  const { clock, ids } = context;
  const empty = (): Promise<void> => emptyState(state, { migration, clock, ids });
  const done = await withControl(settings, context, async (control) => {
    const last = (await control.leases.statuses(migration)).find(({ role }) => role === 'transform');
    // One that never ran has said nothing, and the first start is known by that.
    if (last !== undefined) {
      await using _lease = await acquire(control, last, { migration, owner: ids.uuid() });
      await empty();
    } else await empty();
    return 'done' as const;
  });
  if (done === null) await empty();
}

export function renderView({ migration, folder, bytes, records, inUse }: StateView, what: 'dry run' | 'done'): string {
  if (bytes === null) return `${migration} has no state in ${folder}: transform fills one from the log when it is started\n`;
  const again = records === null ? 'all records' : records === 1 ? '1 record' : `${countWords(records)} records`;
  const becomes = what === 'done' ? 'is empty now' : inUse ? 'would not be emptied, as transform runs (STATE_IN_USE)' : 'would be emptied';
  return [
    `the state of ${migration} in ${folder} (${bytesWords(bytes)}) ${becomes}`,
    `transform fills it again when it is started next: it reads ${again} of the log once more, and until then nothing new reaches the target`,
    '',
  ].join('\n');
}

/** Null: there is no control database yet, so no role has ever run. */
async function withControl<Result>(
  { control: { url } }: CliSettings,
  { clock }: RebuildContext,
  work: (control: ControlDatabase) => Promise<Result>,
): Promise<Result | null> {
  if (url === undefined || !(await probeControl(url)).hasSchema) return null;
  await using control = await openControl({ url, clock });
  return await work(control);
}

/** What transform said last stays as it was. */
async function acquire(
  { leases }: ControlDatabase,
  { status, renewedMsAgo }: LeaseView,
  { migration, owner }: { readonly migration: string; readonly owner: string },
): ReturnType<ControlDatabase['leases']['acquire']> {
  const nothing = (): void => undefined;
  try {
    return await leases.acquire(
      { migration, role: 'transform', owner, takeOver: false },
      { status: () => status, onLost: nothing, onTrouble: nothing },
    );
  } catch (cause) {
    if (!(cause instanceof ChangeoverError) || cause.code !== 'ALREADY_RUNNING') throw cause;
    const seen = `it renewed its lease ${countWords(renewedMsAgo)} ms ago`;
    throw new ChangeoverError('STATE_IN_USE', `transform of ${migration} runs: ${seen}`, { cause, facts: { migration } });
  }
}

function recordsOf(roles: readonly LeaseView[]): number | null {
  const seqs = roles.flatMap(({ role, status }) => (role === 'load' || status.seq === 0 ? [] : [status.seq]));
  return seqs.length === 0 ? null : Math.max(...seqs);
}

/** Whether there is one. Whoever reads a log from its first record refuses one that begins with another. */
async function readFirstRecord({ migration, limits, log: given }: CliSettings, { clock, ids, signal }: RebuildContext): Promise<boolean> {
  const stream = `${migration}.changes`;
  const { log, store } = await createLog(logOf(given, stream), { migration, limits, clock, ids, crashPoint: noCrash });
  try {
    const { start, end } = await store.bounds(stream);
    // Which tells an empty one from one of which everything was deleted.
    if (start === end) return (await log.head(stream)).header !== null;
    const ended = AbortSignal.any([signal, AbortSignal.timeout(FIRST_RECORD_MS)]);
    for await (const _ of log.read(stream, null, ended)) return true;
    // Who is told to stop ends without a word: that must not be taken for a log that holds nothing to fill the state with.
    throw new ChangeoverError('TIMED_OUT', `the log has not given the first record of ${stream}; the state is as it was`);
  } finally {
    await store.stop();
  }
}

function logOf(log: CliSettings['log'], stream: string): LogSettings {
  if (log.type === 'kafka') return log;
  if (log.url !== undefined) return { type: 'embedded', url: log.url };
  throw new ChangeoverError('LOG_MISSING', `the log that ${stream} was in is not there any more: nothing could fill the state again`);
}
