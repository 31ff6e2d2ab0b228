import { existsSync, readSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import { isDamage } from './damage.js';
import { formatOf, openDatabase, type StateDatabase } from './database.js';
import { FolderWriter } from './folder-writer.js';
import { FIRST_KEY } from './keys.js';
import { FRAME, FRAME_HEADER_BYTES, type FrameKind, type StateAnswer, type StateTask, type WriteTask } from './state-process.js';

/*
 * The only process that writes to a folder of the state. It is one of its own because LMDB waits for its lock without an end: a process can be
 * killed while it waits, a thread cannot. It can also die of a damaged file in place of whoever asks. It does one thing after the other and needs no event loop.
 */

function say(answer: StateAnswer): void {
  writeSync(1, `${JSON.stringify(answer)}\n`);
}

/** Blocks until all bytes are there; null: whoever started us is gone. */
function readBytes(length: number): Buffer | null {
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let at = 0; at < length;) {
    const read = readSync(0, bytes, at, length - at, null);
    if (read === 0) return null;
    at += read;
  }
  return bytes;
}

function readFrame(): { readonly kind: number; readonly content: Buffer } | null {
  const header = readBytes(FRAME_HEADER_BYTES);
  const content = header === null ? null : readBytes(header.readUInt32BE());
  return header === null || content === null ? null : { kind: header.readUInt8(4), content };
}

type Statistics = { readonly entryCount: number; readonly lastPageNumber: number; readonly root: { readonly pageSize: number } };

/** The length alone proves nothing: a commit may leave its last pages unwritten if it came not to need them. */
function isShort({ root }: StateDatabase, bytes: number): boolean {
  const { lastPageNumber, root: tree } = root.getStats() as Statistics;
  return bytes < (lastPageNumber + 1) * tree.pageSize;
}

/** Visits every page that holds keys, or all pages. One that is not there kills the process; an empty one ends the walk before its end. */
function isWhole({ root, entries, members, undo }: StateDatabase, pages: 'with keys' | 'all'): boolean {
  const whole = [entries, members, undo].every((table) => {
    let count = 0;
    if (pages === 'all') for (const _ of table.getRange({ start: FIRST_KEY })) count++;
    else count = table.getKeysCount({ start: FIRST_KEY });
    return count === (table.getStats() as Statistics).entryCount;
  });
  root.resetReadTxn();
  return whole;
}

function write(task: WriteTask): void {
  const path = join(task.base, String(task.number));
  const writer = existsSync(path) ? take(task, path) : 'replaced';
  if (writer instanceof FolderWriter) {
    say({ said: 'done' });
    obey(writer);
  } else {
    say({ said: 'unusable', why: writer });
  }
}

function take(task: WriteTask, path: string): FolderWriter | 'damaged' | 'other format' {
  const file = statSync(join(path, 'data.mdb'), { throwIfNoEntry: false });
  if (file === undefined) return 'damaged';
  const database = openDatabase(path, { readOnly: false });
  // Before anything is written: that would fill the gap with zeros.
  if (isShort(database, file.size) && !isWhole(database, 'all')) return 'damaged';
  const writer = new FolderWriter(task, database);
  const left = writer.claim();
  say({ said: 'opened' });
  if (left === 'damaged' || left === 'other format') return left;
  return left === 'closed' || isWhole(database, 'with keys') ? writer : 'damaged';
}

function obey(writer: FolderWriter): void {
  let pieces: Buffer[] = [];
  for (let frame = readFrame(); frame !== null; frame = readFrame()) {
    const { kind, content } = frame;
    if (kind === FRAME.changes) {
      pieces.push(content);
      continue;
    }
    if (kind === FRAME.forget) {
      const { isOurs, more } = writer.forget(content);
      say(isOurs ? { said: 'done', more } : { said: 'fenced' });
      continue;
    }
    const isOurs = obeyFrame(writer, kind as FrameKind, pieces, content);
    pieces = [];
    say({ said: isOurs ? 'done' : 'fenced' });
  }
}

function obeyFrame(writer: FolderWriter, kind: FrameKind, pieces: readonly Buffer[], content: Buffer): boolean {
  switch (kind) {
    case FRAME.commit:
      return writer.commit(pieces, content);
    case FRAME.spill:
      return writer.spill(pieces);
    case FRAME.discard:
      return writer.discard();
    case FRAME.clear:
      return writer.clear();
    default:
      return writer.close();
  }
}

function create(path: string, name: string): void {
  const { root, facts } = openDatabase(path, { readOnly: false });
  root.transactionSync(() => {
    facts.putSync('format', formatOf(name));
    facts.putSync('closed', Buffer.alloc(0));
  });
  say({ said: 'opened' });
  say({ said: 'done' });
}

/** Needs no writer's lock: it reads a snapshot. Compacting is what makes that so; LMDB's plain copy takes the lock for a moment. */
async function copy(from: string, path: string): Promise<void> {
  const { root } = openDatabase(from, { readOnly: true });
  say({ said: 'opened' });
  await root.backup(path, true);
  say({ said: 'done' });
}

/** Ctrl-C reaches us too; whoever started us still has something to commit then. */
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

const task = JSON.parse(process.argv[2] as string) as StateTask;
say({ said: 'started' });
try {
  if (task.task === 'write') write(task);
  else if (task.task === 'create') create(task.path, task.name);
  else await copy(task.from, task.path);
} catch (error) {
  if (isDamage(error)) say({ said: 'unusable', why: 'damaged' });
  else say({ said: 'failed', message: error instanceof Error ? error.message : String(error) });
}
process.exit();
