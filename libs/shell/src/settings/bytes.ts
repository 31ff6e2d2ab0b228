import { z } from 'zod';

const UNITS: Readonly<Record<string, number>> = { kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 };

/** A size: bytes as a number, or as PostgreSQL writes sizes (`64MB`; units are powers of 1024). */
export function bytes(): z.ZodType<number, number | string> {
  const text = z.string().regex(/^[1-9][0-9]*(kB|MB|GB|TB)$/, { error: 'must be a size such as "64MB", or a number of bytes' });
  return z.union([z.int().positive(), text]).transform(toBytes);
}

function toBytes(size: number | string): number {
  if (typeof size === 'number') return size;
  return Number.parseInt(size, 10) * (UNITS[size.slice(-2)] ?? 1);
}
