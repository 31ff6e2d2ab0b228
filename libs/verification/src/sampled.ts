import { hash } from 'node:crypto';

/** Some of the rows: `share` of all, above 0 and up to 1. The same seed chooses the same rows. */
export type Sample = { readonly share: number; readonly seed: number };

/** Whether the row with this key is among them. */
export function isSampled(key: string, { share, seed }: Sample): boolean {
  return hash('md5', `${String(seed)}\t${key}`, 'buffer').readUInt32BE(0) < share * 2 ** 32;
}
