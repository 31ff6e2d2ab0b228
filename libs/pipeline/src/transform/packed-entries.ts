import type { StateEntry } from '@changeover/events';

import type { EvaluatedRow } from '../derive/derivation.js';
import { decodeEntry, encodeEntry, NO_ENTRY } from '../derive/derived-entry.js';
import { lineOfRow } from '../derive/row-text.js';

const HEADER_BYTES = 8;

/** Entries one behind the other, each with the lengths of its key and value in front: one piece of memory, which can be given to another thread. */
export function packEntries(entries: readonly StateEntry[]): Uint8Array {
  const length = entries.reduce((sum, { key, value }) => sum + HEADER_BYTES + key.length + value.length, 0);
  // Not out of Node's pool, which cannot be given away.
  const packed = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for (const { key, value } of entries) {
    at = packed.writeUInt32LE(key.length, at);
    at = packed.writeUInt32LE(value.length, at);
    at += key.copy(packed, at);
    at += value.copy(packed, at);
  }
  return packed;
}

export function unpackEntries({ buffer, byteOffset, byteLength }: Uint8Array): StateEntry[] {
  const packed = Buffer.from(buffer, byteOffset, byteLength);
  const entries: StateEntry[] = [];
  for (let at = 0; at < packed.length;) {
    const key = at + HEADER_BYTES;
    const value = key + packed.readUInt32LE(at);
    const end = value + packed.readUInt32LE(at + 4);
    entries.push({ key: packed.subarray(key, value), value: packed.subarray(value, end) });
    at = end;
  }
  return entries;
}

/** Rows in the same form: each as what would be remembered of it, if nothing had become of it. */
export function packRows(rows: readonly EvaluatedRow[]): Uint8Array {
  return packEntries(
    rows.map(({ key, evaluation }) => {
      const line = evaluation.version === null ? '' : lineOfRow(evaluation.version.values);
      return { key: Buffer.from(key), value: encodeEntry({ ...NO_ENTRY, ...evaluation }, line) };
    }),
  );
}

export function unpackRows(packed: Uint8Array): EvaluatedRow[] {
  return unpackEntries(packed).map(({ key, value }) => ({ key: key.toString(), evaluation: decodeEntry(value) }));
}
