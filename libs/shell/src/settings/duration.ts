import { z } from 'zod';

const UNITS: Readonly<Record<string, number>> = { s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time span in milliseconds, as `30s`, `15min`, `1h` or `1d`. */
export function duration(): z.ZodType<number, string> {
  const text = z.string().regex(/^[1-9][0-9]{0,5}(s|min|h|d)$/, { error: 'must be a time such as "15min" or "1h"' });
  return text.transform((span) => Number.parseInt(span, 10) * (UNITS[span.replace(/^\d+/, '')] ?? 1));
}
