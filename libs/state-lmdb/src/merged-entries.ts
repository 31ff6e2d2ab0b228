import type { StateEntry } from '@changeover/events';

import { bytesOf, textOf } from './keys.js';

/** What is stored, with the changes laid over it: by key, null where it was removed. Both in the order of keys. */
export function* mergedEntries(stored: Iterable<StateEntry>, changes: ReadonlyMap<string, Buffer | null>): Generator<StateEntry> {
  const changed = [...changes.keys()].sort();
  let next = 0;
  function* changedBefore(key: string | null): Generator<StateEntry> {
    for (; next < changed.length; next++) {
      const text = changed[next] as string;
      if (key !== null && text >= key) return;
      const value = changes.get(text);
      if (value != null) yield { key: bytesOf(text), value };
    }
  }
  for (const entry of stored) {
    if (next === changed.length) {
      yield entry;
      continue;
    }
    const key = textOf(entry.key);
    yield* changedBefore(key);
    // A changed one comes in its turn, with what it holds now.
    if (!changes.has(key)) yield entry;
  }
  yield* changedBefore(null);
}
