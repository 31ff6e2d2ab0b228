import { ChangeoverError } from '@changeover/core';
import type { SourceSnapshot, TableSchema } from '@changeover/events';
import { createSourceSnapshots, type AdapterContext, type CliSettings } from '@changeover/shell';

/** Of a snapshot whose tables changed their form while it was taken. */
const TAKES = 3;

/** Gives a snapshot that shows these tables, and closes it: as long as it is held nobody can alter them. */
export async function withSourceSnapshot<T>(
  settings: Pick<CliSettings, 'source'>,
  context: AdapterContext,
  { tables, signal }: { readonly tables: readonly TableSchema[]; readonly signal: AbortSignal },
  read: (snapshot: SourceSnapshot) => Promise<T>,
): Promise<T> {
  const snapshots = createSourceSnapshots(settings.source, context);
  try {
    await using snapshot = await snapshots.open();
    for (let take = 1; (await snapshot.take(tables)) === 'moved'; take++) {
      signal.throwIfAborted();
      if (take === TAKES) throw new ChangeoverError('SOURCE_LOCKED', 'tables of the source change their form while they are read');
    }
    return await read(snapshot);
  } finally {
    await snapshots.stop();
  }
}
