import { HELD_TABLE, parseRows, tableName, type EventLog, type StreamName, type TargetSnapshot } from '@changeover/events';
import { readWritten } from '@changeover/pipeline';

import { isNotTold } from './base.js';

/** Since when a row is held, as its entry in the list says it. */
export type Since = { readonly since_seq: string; readonly since_ms: string };

type Told = {
  readonly log: EventLog;
  readonly writes: StreamName;
  readonly snapshot: Pick<TargetSnapshot, 'progress'>;
};

const COLUMNS = HELD_TABLE.columns.map(({ name }) => name);
const PLACES = ['target', 'source_key', 'since_seq', 'since_ms'].map((name) => COLUMNS.indexOf(name)) as [number, number, number, number];

export function entryId(target: string, sourceKey: string): string {
  return JSON.stringify([target, sourceKey]);
}

/**
 * Since when rows are held whose entries are missing at the target, by {@link entryId}: what the last record of `writes` says that touched them, up to where the target is. Where the log
 * does not hold its beginning any more, or is damaged, nothing is said.
 */
export async function heldSince(
  entries: ReadonlySet<string>,
  { log, writes, snapshot }: Told,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Since>> {
  const told = new Map<string, Since>();
  if (entries.size === 0) return told;
  const hear = (lines: Buffer): void => {
    for (const row of parseRows(lines)) {
      const [target, key, since_seq, since_ms] = PLACES.map((place) => row[place] ?? '') as [string, string, string, string];
      const id = entryId(target, key);
      if (entries.has(id)) told.set(id, { since_seq, since_ms });
    }
  };
  try {
    await readWritten(
      { log, writes, after: null, through: snapshot.progress.writes.seq },
      {
        add: ({ frames }, schemas) => {
          for (const { schemaSeq, rows } of frames) if (tableName(schemas(schemaSeq)) === tableName(HELD_TABLE)) hear(rows);
        },
        forget: () => told.clear(),
      },
      signal,
    );
  } catch (error) {
    if (!isNotTold(error)) throw error;
    // What was told behind that may be another time.
    told.clear();
  }
  return told;
}
