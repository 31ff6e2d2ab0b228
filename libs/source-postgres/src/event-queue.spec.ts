import { ChangeoverError, type Position } from '@changeover/core';
import type { SourceEvent } from '@changeover/events';

import { EventQueue } from './event-queue.js';

const commit = (n: number): SourceEvent => ({ type: 'commit', position: String(n) as Position });
const keepalive = (n: number): SourceEvent => ({ type: 'keepalive', position: String(n) as Position });
const rows = (bytes: number): SourceEvent => ({
  type: 'rows',
  table: { schema: 's', table: 't', columns: [], identity: 'key', hash: 'h' },
  op: 'c',
  before: 'none',
  partial: false,
  rowCount: 1,
  rows: Buffer.alloc(bytes),
});
const never = new AbortController().signal;

describe('the queue between the socket and the reader', () => {
  it('wakes a reader that waits, and gives all that came in one turn', async () => {
    const queue = new EventQueue(1000, () => undefined);
    const taken = queue.take(never);
    queue.push(commit(1));
    queue.push(commit(2));
    expect(await taken).toEqual([commit(1), commit(2)]);
  });

  it('is full at its limit, and says once when there is room again', async () => {
    let room = 0;
    const queue = new EventQueue(3_000_000, () => room++);
    for (let n = 0; n < 4; n++) queue.push(rows(1_000_000));
    expect(queue.full).toBe(true);
    while (queue.full) await queue.take(never);
    expect(room).toBe(1);
    await queue.take(never);
    expect(room).toBe(1);
  });

  it('keeps only the last of keepalives that nobody takes', async () => {
    const queue = new EventQueue(1000, () => undefined);
    for (let n = 0; n < 100; n++) queue.push(keepalive(n));
    queue.push(commit(100));
    queue.push(keepalive(101));
    expect(await queue.take(never)).toEqual([keepalive(99), commit(100), keepalive(101)]);
  });

  it('rejects at once when the stream failed, and goes on rejecting', async () => {
    const queue = new EventQueue(1000, () => undefined);
    const error = new ChangeoverError('SOURCE_UNREACHABLE', 'gone');
    const taken = queue.take(never);
    queue.fail(error);
    await expect(taken).rejects.toBe(error);
    queue.push(commit(1));
    await expect(queue.take(never)).rejects.toBe(error);
  });

  it('ends for a reader that aborts, and for all when it is closed', async () => {
    const queue = new EventQueue(1000, () => undefined);
    const abort = new AbortController();
    const taken = queue.take(abort.signal);
    abort.abort();
    expect(await taken).toBeNull();
    const waiting = queue.take(never);
    queue.close();
    expect(await waiting).toBeNull();
  });
});
