import type { Position } from '@changeover/core';
import { HELD_NOW_TABLE, HELD_TABLE, tableName, type TargetReader, type TargetSnapshot } from '@changeover/events';
import { mappingHash } from '@changeover/mapping';
import { SnapshotDerivation } from '@changeover/pipeline';

import { fullNeeded, requireSameTarget, sinceBase } from './base.js';
import { compareTable } from './compare-table.js';
import { notFollowing } from './followed-changes.js';
import { untilThere } from './one-place.js';
import type { LookOptions } from './state-looks.js';
import { TouchedRows } from './touched-rows.js';
import { decodeUnfinished, encodeUnfinished, type PlacedComparison, type Unfinished } from './unfinished.js';
import { comparable, deriveRest, isEqual, numbersUnlooked, type VerificationOptions, type VerificationReport } from './verification.js';
import { compareChosen, isEqualChosen, MOST_ROWS, type ChosenReport } from './verify-chosen.js';

/** `openState`: the state that the one before has left. */
export type ResumeOptions = Omit<VerificationOptions, 'only' | 'onResumable'> & LookOptions;

/** What `seq` and the like say is where what was touched meanwhile was compared. */
export type ResumedReport = Omit<VerificationReport, 'tables'> & {
  /** Each with the record of `changes` at which it was compared. */
  readonly tables: readonly PlacedComparison[];
  /** Where the one that did not end had taken both ends. */
  readonly resumed: {
    readonly seq: number;
    readonly position: Position;
    readonly ts_ms: number;
    /** What has become of the rows that the log touched since then. */
    readonly touched: ChosenReport;
  };
};

/** What was found before, as this one tells it: no values where nobody asks for them now. */
function within({ named, values: wanted }: VerificationOptions['limits'], comparison: PlacedComparison): PlacedComparison {
  const differences = comparison.differences.slice(0, named).map(({ values, ...difference }) => {
    return wanted && values !== undefined ? { ...difference, values } : difference;
  });
  return { ...comparison, differences };
}

export function isEqualResumed({ tables, resumed }: Pick<ResumedReport, 'tables' | 'resumed'>): boolean {
  return isEqual({ tables }) && isEqualChosen(resumed.touched);
}

/**
 * Goes on with a verification of all rows that did not end, but had read the source: its state holds that, and names what was done. Its snapshots are gone, and the target has gone on. So the tables that are left are compared with what
 * the target holds now, without the rows that a record of `writes` has touched since: those that none has touched should be what they were. All that was touched since then, of any table, is compared as by a verification of touched rows.
 *
 * So each row was either compared, and touched by no record since, or is compared as it is now. What is not seen is what a verification of touched rows does not see: a row of a table that was compared before, altered
 * afterwards by somebody else. FULL_VERIFICATION_NEEDED where there is nothing to go on with, or what lies between is not on record; then the state is of no use.
 */
export async function resumeVerification(options: ResumeOptions, signal: AbortSignal): Promise<ResumedReport> {
  const { migration, mapping, target, clock, limits } = options;
  const began = clock.monotonic();
  await using state = await options.openState();
  const unfinished = decodeUnfinished(state.place);
  if (unfinished === null) throw nothingToResume();
  const hash = mappingHash(mapping);
  if (unfinished.mapping !== hash) throw fullNeeded('the one that did not end was of another mapping');
  const compared = unfinished.compared.map((one) => within(limits, one));
  const seconds = (): number => unfinished.seconds + (clock.monotonic() - began) / 1000;
  const derivation = new SnapshotDerivation({
    ...options,
    tables: unfinished.tables,
    state,
    maxStateBytes: limits.maxStateBytes,
    from: unfinished.derived,
    placeOf: (derived) => encodeUnfinished({ ...unfinished, seconds: seconds(), compared, derived }),
  });
  await deriveRest(derivation, options, signal);
  await compareRest({ ...options, derivation, unfinished, compared }, signal);
  if (unfinished.numbersDiffer) compared.push({ ...numbersUnlooked(compared), seq: unfinished.seq });
  const { changes, writes, generation, placed_ms: ended_ms } = unfinished;
  const base = { kind: 'full' as const, changes, writes, generation, ended_ms };
  const { report: touched, place } = await compareChosen(options, { kind: 'touched' }, base, signal);
  const resumed = { seq: unfinished.seq, position: unfinished.position, ts_ms: unfinished.ts_ms, touched };
  const report: ResumedReport = {
    migration,
    seq: touched.seq,
    position: touched.position,
    ts_ms: touched.ts_ms,
    mapping: hash,
    heldMs: unfinished.heldMs + touched.heldMs,
    takes: unfinished.takes + touched.takes,
    seconds: seconds(),
    tables: compared,
    notCompared: [...new Set([...unfinished.notCompared, ...touched.notCompared])],
    resumed,
  };
  const equal = isEqualResumed(report);
  const rows = compared.reduce((sum, { found }) => sum + found, 0);
  const outcome = equal ? ('equal' as const) : ('different' as const);
  const isBase = equal && touched.unsettled === 0;
  const verified = {
    kind: 'full' as const,
    outcome,
    isBase,
    ...place,
    mapping: hash,
    numbers: null,
    ended_ms: clock.now(),
    seconds: report.seconds,
    rows,
  };
  await target.record(verified, unfinished.placed_ms);
  return report;
}

export function nothingToResume(): Error {
  return fullNeeded('none was killed or interrupted after it had read the source');
}

type RestOptions = ResumeOptions & {
  readonly derivation: SnapshotDerivation;
  readonly unfinished: Unfinished;
  /** Grows. */
  readonly compared: PlacedComparison[];
};

/** Compares the tables that are left, but for what was touched since. */
async function compareRest(options: RestOptions, signal: AbortSignal): Promise<void> {
  const { derivation, unfinished, compared, log, writes, target, limits, onStep, crashPoint } = options;
  const rest = comparable(derivation).filter(({ table }) => compared.every((one) => one.table !== tableName(table)));
  if (rest.length === 0) return;
  await using snapshot = await untilThere(() => snapshotNow(target), { ...options, ...limits, began: options.clock.monotonic() }, signal);
  const { progress, generation } = snapshot;
  requireSameTarget(unfinished, { generation, logId: progress.changes.logId });
  const inStream = rest.map(({ table }) => ({ table: table === HELD_NOW_TABLE ? HELD_TABLE : table, ids: null }));
  const touched = new TouchedRows({
    log,
    stream: writes,
    from: unfinished.writes,
    rows: inStream,
    asCompared: (table, lines) => snapshot.asCompared(table, lines),
    most: MOST_ROWS,
    tooMany: () => fullNeeded('more rows were touched since the one that did not end than fit into memory'),
  });
  await sinceBase(() => touched.readTo(progress.writes, signal));
  for (const { table, expected } of rest) {
    const since = touched.of(table === HELD_NOW_TABLE ? HELD_TABLE : table);
    if (since === 'all') throw fullNeeded(`${tableName(table)} was emptied, copied or told in another form since`);
    let rows = 0;
    const onRows = (some: number): void => onStep({ doing: 'comparing', table: tableName(table), rows: (rows += some) });
    const isDue = since.size === 0 ? undefined : (id: string): boolean => !since.has(id);
    const comparison = await compareTable({ table, snapshot, expected, limits, onRows, isDue, signal });
    compared.push({ ...comparison, seq: progress.changes.seq });
    await derivation.mark();
    crashPoint('verify.compared');
  }
}

/** Of where load is. */
async function snapshotNow(target: TargetReader): Promise<TargetSnapshot> {
  await using hold = await target.hold();
  if (hold.progress === null) throw notFollowing('nothing was loaded yet');
  return await hold.snapshot();
}
