import type { Line } from '@changeover/events';

/** Rows that are compared at once. */
const CHUNK_ROWS = 500;

export function* inChunks<Item>(items: Iterable<Item>): Generator<Item[]> {
  let chunk: Item[] = [];
  for (const item of items) {
    if (chunk.push(item) < CHUNK_ROWS) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

/** Lines of the key's columns. */
export function keysFrom(ids: Iterable<string>): Buffer {
  return Buffer.from(Array.from(ids, (id) => `${id}\n`).join(''), 'latin1');
}

/** These lines, one behind the other. */
export function joined(lines: readonly Line[]): Buffer {
  return Buffer.concat(lines.map(({ bytes, start, end }) => bytes.subarray(start, end + 1)));
}

export function copyOf({ bytes, start, end }: Line): Buffer {
  return Buffer.from(bytes.subarray(start, end + 1));
}
