import { ChangeoverError, type Clock, type CrashPoint } from '@changeover/core';
import {
  decodeJsonBody,
  formatRows,
  tableName,
  type BarrierPlace,
  type Checkpoint,
  type Checkpoints,
  type EventLog,
  type ReadPosition,
  type StreamName,
  type RowsDigest,
  type TableDigest,
  type TableSchema,
  type TargetReader,
  type TargetSnapshot,
} from '@changeover/events';
import { readWritten, whenFree, WrittenForms } from '@changeover/pipeline';

import { RowDigest, TableDigests, type Digests } from '../table-digests.js';

/** Between two looks for the barrier. */
const LOOK_AGAIN_MS = 50;
/** A barrier at which load did not stop is asked for again, so often. */
const BARRIERS = 3;
const PATIENCE_MS = 60_000;

export type CreateCheckpointOptions = {
  readonly name: string;
  readonly changes: StreamName;
  readonly writes: StreamName;
  readonly log: EventLog;
  readonly target: TargetReader;
  readonly checkpoints: Checkpoints;
  /** Whether the target is read as well, and compared with what it should hold. */
  readonly read: boolean;
  /** How long the barrier may take to the target. What comes behind it takes as long as the stream since the checkpoint before is long. Left out: a minute. */
  readonly patienceMs?: number | undefined;
  /** Asks for a barrier, and gives its token. */
  readonly requestBarrier: () => Promise<string>;
  readonly onStep: (step: CheckpointStep) => void;
  readonly crashPoint: CrashPoint;
  readonly clock: Clock;
};

/** `of`: of so many, where that is known. */
export type CheckpointStep = {
  readonly doing: 'marking' | 'summing' | 'reading';
  readonly table: string | null;
  readonly done: number;
  readonly of: number | null;
};

/** Tables that do not hold what was written, with the rows that there should be, and are. */
type TableOff = { readonly table: string; readonly expected: number; readonly found: number };

/**
 * Makes a checkpoint: a barrier goes through both streams, and where load commits it is the place. Nobody waits for that. What the target should hold there is kept from the
 * checkpoint before: the digests of its tables, by the rows before and after each change since. With `read` load is held at the barrier for a moment, so that a snapshot of
 * the target is taken there, which is read and compared; NOT_EQUAL if it holds something else, and no checkpoint is made. TIMED_OUT where the barrier does not come.
 */
export async function createCheckpoint(options: CreateCheckpointOptions, signal: AbortSignal): Promise<Checkpoint> {
  const { name, checkpoints, log, writes, read, onStep, crashPoint } = options;
  const listed = await checkpoints.list();
  if (listed.some((one) => one.name === name))
    throw new ChangeoverError('CHECKPOINT_EXISTS', `there is a checkpoint ${name} already`, { facts: { name } });
  requireFollowing(await checkpoints.whereabouts());
  onStep({ doing: 'marking', table: null, done: 0, of: null });
  const { token, place, snapshot } = await inTime(options, signal, (until) => (read ? markHolding(options, until) : mark(options, until)));
  await using _snapshot = snapshot;
  crashPoint('checkpoint.marked');
  const { mapping } = (await log.fetch(writes, place.place.writes)).header;
  const before = listed.findLast(
    (one): one is Checkpoint =>
      !('damaged' in one) && one.place.writes.logId === place.place.writes.logId && one.place.writes.seq <= place.place.writes.seq,
  );
  const expected = await digestsAt(options, { before, place, snapshot }, signal);
  const digests = read ? await readDigests(options, { expected, snapshot }, signal) : expected;
  crashPoint('checkpoint.summed');
  const checkpoint: Checkpoint = { ...place, name, token, made_ms: options.clock.now(), mapping: mapping ?? '', digests, read };
  await checkpoints.add(checkpoint);
  return checkpoint;
}

function requireFollowing(where: Awaited<ReturnType<Checkpoints['whereabouts']>>): void {
  if (where === null) throw new ChangeoverError('NOT_FOLLOWING', 'nothing was loaded yet');
  if (where.parked !== null)
    throw new ChangeoverError('TARGET_PARKED', `the target is parked at ${where.parked.at}: a checkpoint is made of what load brings`);
}

async function inTime(
  { name, clock, patienceMs = PATIENCE_MS }: CreateCheckpointOptions,
  signal: AbortSignal,
  mark: (until: AbortSignal) => Promise<Marked>,
): Promise<Marked> {
  const [marked, late] = [new AbortController(), new AbortController()];
  void clock.sleep(patienceMs, AbortSignal.any([signal, marked.signal])).then(() => {
    late.abort(new ChangeoverError('TIMED_OUT', `the barrier of checkpoint ${name} has not come to the target`, { facts: { name } }));
  });
  try {
    return await mark(AbortSignal.any([signal, late.signal]));
  } finally {
    marked.abort();
  }
}

type Marked = { readonly token: string; readonly place: BarrierPlace; readonly snapshot: TargetSnapshot };

async function mark(options: CreateCheckpointOptions, signal: AbortSignal): Promise<Marked> {
  const { requestBarrier, target } = options;
  for (let barrier = 1; barrier <= BARRIERS; barrier++) {
    const token = await requestBarrier();
    const place = await reached(options, token, signal);
    if (place === null) continue;
    // Of any place: it only says how the target spells values.
    await using hold = await whenFree(() => target.hold(), options, signal);
    return { token, place, snapshot: await hold.snapshot() };
  }
  throw new ChangeoverError('HOLD_LOST', 'load did not stop at the barrier');
}

async function markHolding(options: CreateCheckpointOptions, signal: AbortSignal): Promise<Marked> {
  const { requestBarrier, target, log, changes, checkpoints } = options;
  for (let barrier = 1; barrier <= BARRIERS; barrier++) {
    await using hold = await whenFree(() => target.hold(), options, signal);
    const from = await log.head(changes);
    const token = await requestBarrier();
    await hold.advanceTo(await barrierIn(log, changes, { from, token }, signal), signal);
    const snapshot = await hold.snapshot();
    const place = await checkpoints.placeOf(token);
    if (place !== null && place !== 'passed') return { token, place, snapshot };
    await snapshot[Symbol.asyncDispose]();
  }
  throw new ChangeoverError('HOLD_LOST', 'load did not stop at the barrier');
}

/** Null: load did not stop there. */
async function reached({ checkpoints, clock }: CreateCheckpointOptions, token: string, signal: AbortSignal): Promise<BarrierPlace | null> {
  for (;;) {
    const place = await checkpoints.placeOf(token);
    if (place === 'passed') return null;
    if (place !== null) return place;
    await clock.sleep(LOOK_AGAIN_MS, signal);
    signal.throwIfAborted();
    requireFollowing(await checkpoints.whereabouts());
  }
}

/** The record of `changes` in which it stands. */
async function barrierIn(
  log: EventLog,
  changes: StreamName,
  { from, token }: { readonly from: ReadPosition; readonly token: string },
  signal: AbortSignal,
): Promise<number> {
  const abort = new AbortController();
  try {
    for await (const items of log.read(changes, from, AbortSignal.any([signal, abort.signal])))
      for (const item of items)
        if (item.type === 'entry' && item.entry.header.kind === 'barrier' && decodeJsonBody('barrier', item.entry).token === token)
          return item.entry.header.seq;
  } finally {
    abort.abort();
  }
  signal.throwIfAborted();
  throw new ChangeoverError('NOT_FOLLOWING', 'the stream of changes has ended');
}

type Known = { readonly before: Checkpoint | undefined; readonly place: BarrierPlace; readonly snapshot: TargetSnapshot };

async function digestsAt(
  { log, writes, onStep }: CreateCheckpointOptions,
  { before, place, snapshot }: Known,
  signal: AbortSignal,
): Promise<Digests> {
  const after = before?.place.writes ?? null;
  const through = place.place.writes.seq;
  const start = after?.seq ?? 0;
  const forms = new WrittenForms({ log, writes });
  const begin = (): TableDigests => new TableDigests(stillKnown(before, place), snapshot, (form) => forms.fetch(form));
  let digests = begin();
  const onRecord = (seq: number): void => {
    onStep({ doing: 'summing', table: null, done: seq - start, of: through - start });
  };
  await readWritten(
    { log, writes, after, through, onRecord },
    {
      add: ({ frames }, schemas, refOf) => digests.add(frames, schemas, refOf),
      forget: () => {
        digests = begin();
      },
    },
    signal,
  );
  return digests.digests();
}

/** A table of the target that has got another form since may spell the same values otherwise. */
function stillKnown(before: Checkpoint | undefined, { forms }: BarrierPlace): Digests {
  const same = (table: string): boolean => before?.forms[table] === forms[table];
  const digests = Object.entries(before?.digests ?? {});
  return Object.fromEntries(digests.map(([table, { form, content }]) => [table, { form, content: same(table) ? content : null }]));
}

type Reading = { readonly expected: Digests; readonly snapshot: TargetSnapshot };

/** What the target holds, which is what it should, or NOT_EQUAL. Where that is not known, what it holds is taken for it. */
async function readDigests(options: CreateCheckpointOptions, { expected, snapshot }: Reading, signal: AbortSignal): Promise<Digests> {
  const forms = new WrittenForms(options);
  const all: Record<string, TableDigest> = {};
  const off: TableOff[] = [];
  for (const [table, { form, content }] of Object.entries(expected)) {
    const found = await digestOf(options, await forms.fetch(form), snapshot, signal);
    if (content !== null && (found.rows !== content.rows || found.sum !== content.sum))
      off.push({ table, expected: content.rows, found: found.rows });
    all[table] = { form, content: found };
  }
  if (off.length > 0) throw notEqual(off);
  return all;
}

/** Of the rows in a table, with those that the target refused as they should be. */
async function digestOf(
  { onStep }: Pick<CreateCheckpointOptions, 'onStep'>,
  schema: TableSchema,
  snapshot: TargetSnapshot,
  signal: AbortSignal,
): Promise<RowsDigest> {
  const digest = new RowDigest();
  const table = tableName(schema);
  for await (const lines of snapshot.rows(schema)) {
    signal.throwIfAborted();
    digest.add(lines);
    onStep({ doing: 'reading', table, done: digest.value.rows, of: null });
  }
  const line = (row: Readonly<Record<string, string | null>>): Buffer => formatRows([schema.columns.map(({ name }) => row[name] ?? null)]);
  for (const { wanted, stands } of await snapshot.refused(schema)) {
    if (stands !== null) digest.add(await snapshot.asCompared(schema, line(stands)), -1);
    if (wanted !== null) digest.add(await snapshot.asCompared(schema, line({ ...stands, ...wanted })));
  }
  return digest.value;
}

function notEqual(off: readonly TableOff[]): ChangeoverError {
  const tables = off.map(({ table, expected, found }) => `${table} (${String(found)} rows, ${String(expected)} expected)`).join(', ');
  return new ChangeoverError('NOT_EQUAL', `the target does not hold what was written to it: ${tables}; no checkpoint was made`, {
    facts: { tables: off.length },
  });
}
