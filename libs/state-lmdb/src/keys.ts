import { invariant } from '@changeover/core';
import { MAX_STATE_KEY_BYTES } from '@changeover/events';

/** Bytes as a string that is equal, hashed and ordered as they are: each character is one byte. */
export function textOf(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString('latin1');
}

export function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** What every member of a set begins with. The length in front keeps ("a", "bc") and ("ab", "c") apart. */
export function setPrefix(set: string): string {
  return String.fromCharCode(set.length >> 8, set.length & 0xff) + set;
}

export function checkKey(length: number): void {
  invariant(length > 0 && length <= MAX_STATE_KEY_BYTES, `a key of ${String(length)} bytes`);
}

/** The first key behind all that begin with the prefix; undefined: there is none. */
export function behindPrefix(prefix: Uint8Array): Buffer | undefined {
  const length = prefix.findLastIndex((byte) => byte < 0xff) + 1;
  if (length === 0) return undefined;
  const key = Buffer.from(prefix.subarray(0, length));
  key[length - 1] = (key[length - 1] as number) + 1;
  return key;
}

const ZERO = Buffer.from([0]);

/** LMDB has no empty key. */
export const FIRST_KEY = ZERO;

/** The key that follows `key` with nothing between them. */
export function nextKey(key: Uint8Array): Buffer {
  return Buffer.concat([key, ZERO]);
}
