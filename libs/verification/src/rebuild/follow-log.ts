import type { Clock, CrashPoint, IdSource } from '@changeover/core';
import {
  HELD_TABLE,
  tableName,
  tableSchemaHash,
  type EventLog,
  type StateStore,
  type TableName,
  type TableSchema,
  type TargetReader,
  type TargetWriter,
} from '@changeover/events';
import { ruleSchemas, tableUse, type Converters, type Mapping } from '@changeover/mapping';
import {
  LoadLoop,
  SilentObserver,
  supervise,
  TransformLoop,
  type LoadLimits,
  type Retry,
  type StartRangeThreads,
  type TransformLimits,
} from '@changeover/pipeline';

import { FollowedChanges } from '../followed-changes.js';
import { placeOfTarget, untilThere } from '../one-place.js';

export type FollowOptions = {
  /** The id of the rebuild: its load has that for a migration, and its stream is `<id>.writes`. */
  readonly id: string;
  readonly changes: string;
  readonly writes: string;
  readonly log: EventLog;
  readonly openState: () => Promise<StateStore>;
  /** Starts threads for the first derivation of large tables; left out: all is done in this one. */
  readonly startThreads?: StartRangeThreads | undefined;
  readonly target: TargetWriter;
  readonly converters: Converters;
  /** Where the rows of a table go. */
  readonly placeOf: (table: TableName) => TableName;
  /** The last record of `changes` that is brought in; left out: it follows the log. */
  readonly through?: number;
  /** The record of `changes` that the rebuilt tables have come to, each time that they come further. */
  readonly onReached: (seq: number) => void;
  readonly onRetry: (retry: Retry) => void;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly crashPoint: CrashPoint;
  readonly limits: { readonly transform: TransformLimits; readonly load: LoadLimits };
};

/**
 * Derives everything from the log once more and keeps it in step: the same two loops as those that feed the live tables, over the same stream, with a state, an output and a progress
 * row of their own. So it goes on where it was when it is called again. Until `signal` aborts, or everything up to `through` is there.
 */
export async function followLog(options: FollowOptions, signal: AbortSignal): Promise<void> {
  const { id, changes, writes, log, openState, startThreads, target, converters, placeOf, through, onReached, onRetry } = options;
  const { clock, ids, crashPoint, limits } = options;
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  const transform = new TransformLoop({
    // The mapping of each record is that of the log.
    ...{ migration: id, changes, writes, log, openState, startThreads, converters, clock, ids, crashPoint },
    observer: new SilentObserver(),
    limits: limits.transform,
  });
  const load = new LoadLoop({
    writes,
    log,
    target,
    observer: new ReachedObserver(onReached),
    clock,
    ids,
    limits: limits.load,
    place: (table) => placed(table, placeOf),
    ...(through !== undefined && { through }),
  });
  const run = async (loop: TransformLoop | LoadLoop): Promise<void> => {
    try {
      await supervise({ run: (until) => loop.run(until) }, { signal: either, clock, ids, onRetry });
    } finally {
      // The one is of no use without the other.
      ended.abort();
    }
  };
  const ends = await Promise.allSettled([run(transform), run(load)]);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

/** Of our own list the rows name their migration, and need no other place. */
function placed(table: TableSchema, placeOf: (table: TableName) => TableName): TableSchema {
  if (table.schema === HELD_TABLE.schema) return table;
  const form = { ...table, ...placeOf({ schema: table.schema, table: table.table }) };
  return { ...form, hash: tableSchemaHash(form) };
}

class ReachedObserver extends SilentObserver {
  readonly #onReached: (seq: number) => void;

  constructor(onReached: (seq: number) => void) {
    super();
    this.#onReached = onReached;
  }

  override advanced({ changesSeq }: Parameters<SilentObserver['advanced']>[0]): void {
    this.#onReached(changesSeq);
  }
}

export type WrittenTablesOptions = {
  readonly changes: string;
  readonly writes: string;
  readonly log: EventLog;
  readonly live: TargetReader;
  /** That were activated, in their order. */
  readonly mappings: readonly Mapping[];
  readonly clock: Clock;
  readonly patienceMs: number;
};

/** The tables of the target that these mappings have written, as the last of them that did writes their rows, of those that the log has told. NOT_FOLLOWING where nothing was loaded yet. */
export async function writtenTables(options: WrittenTablesOptions, signal: AbortSignal): Promise<readonly TableSchema[]> {
  const { changes, log, live, mappings, clock } = options;
  const at = await untilThere(() => placeOfTarget({ ...options, target: live }), { ...options, began: clock.monotonic() }, signal);
  await using followed = await FollowedChanges.from(log, changes, at);
  const tables = mappings.flatMap((mapping) => [
    ...ruleSchemas(mapping.rules),
    ...followed.tables.flatMap((table) => tableUse(mapping, table).passed ?? []),
  ]);
  return [...new Map(tables.map((one) => [tableName(one), one])).values()];
}
