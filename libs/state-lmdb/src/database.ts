import { open, type Database, type RootDatabase } from 'lmdb';

/** Raised with every change of what is in the folder: an older one is not read, but rebuilt. */
const STATE_FORMAT = 2;

/** Address space only; nothing is allocated. LMDB cannot enlarge a map that is in use. */
const MAP_BYTES = 2 ** 40;

type FactName = 'format' | 'owner' | 'place' | 'closed';

export type StateDatabase = {
  readonly root: RootDatabase<Buffer, Buffer>;
  readonly facts: Database<Buffer, FactName>;
  readonly entries: Database<Buffer, Buffer>;
  readonly members: Database<Buffer, Buffer>;
  /** See {@link UndoJournal}. */
  readonly undo: Database<Buffer, Buffer>;
};

/**
 * `overlappingSync`: a commit is visible at once, and flushed behind that; the state that was last flushed is kept beside it, whole. After a kill the
 * last commit is found, after a loss of power (another boot id) the last flushed one.
 */
export function openDatabase(path: string, options: { readonly readOnly: boolean }): StateDatabase {
  const root = open<Buffer, Buffer>({
    path,
    readOnly: options.readOnly,
    mapSize: MAP_BYTES,
    pageSize: 4096,
    encoding: 'binary',
    keyEncoding: 'binary',
    ...(options.readOnly ? {} : { overlappingSync: true }),
  });
  return {
    root,
    facts: root.openDB<Buffer, FactName>({ name: 'facts', encoding: 'binary' }),
    entries: root.openDB<Buffer, Buffer>({ name: 'entries', encoding: 'binary', keyEncoding: 'binary' }),
    members: root.openDB<Buffer, Buffer>({ name: 'members', encoding: 'binary', keyEncoding: 'binary' }),
    undo: root.openDB<Buffer, Buffer>({ name: 'undo', encoding: 'binary', keyEncoding: 'binary' }),
  };
}

/** The value of the fact `format`: whose state the folder holds, and in which form. */
export function formatOf(name: string): Buffer {
  return Buffer.from(JSON.stringify({ format: STATE_FORMAT, name }));
}
