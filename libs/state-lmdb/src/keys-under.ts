import type { StateDatabase } from './database.js';
import { behindPrefix, bytesOf, FIRST_KEY, setPrefix, textOf } from './keys.js';

/** At most `limit` keys of entries that begin with `prefix`. */
export function entryKeysUnder({ entries }: StateDatabase, prefix: Buffer, limit: number): readonly Buffer[] {
  const end = behindPrefix(prefix);
  return [...entries.getKeys({ start: prefix.length === 0 ? FIRST_KEY : prefix, ...(end === undefined ? {} : { end }), limit })];
}

/**
 * At most `limit` keys of members of sets whose names begin with `prefix`. They lie by the length of their sets' names first, so they are
 * looked for length by length: where a length has none, the next key that is there says which length comes next.
 */
export function memberKeysUnder({ members }: StateDatabase, prefix: Buffer, limit: number): readonly Buffer[] {
  const name = textOf(prefix);
  const found: Buffer[] = [];
  for (let length = Math.max(1, name.length); found.length < limit;) {
    const start = bytesOf(setPrefix(name.padEnd(length, '\0')).slice(0, 2) + name);
    const end = behindPrefix(start);
    found.push(...members.getKeys({ start, ...(end === undefined ? {} : { end }), limit: limit - found.length }));
    if (end === undefined) break;
    const [next] = members.getKeys({ start: end, limit: 1 });
    if (next === undefined) break;
    const there = next.readUInt16BE(0);
    length = there > length ? there : length + 1;
  }
  return found;
}
