import { bytesWords, countWords, secondsWords } from '@changeover/core';
import type { PreflightFinding } from '@changeover/events';
import type { SourceSettings } from '@changeover/shell';

/** What all copies come to, where there are several: nobody wants to add up two hundred lines. */
export function allCopies(
  findings: readonly PreflightFinding[],
  { parallel, bytesPerSecond }: Pick<SourceSettings['copy'], 'parallel' | 'bytesPerSecond'>,
): readonly PreflightFinding[] {
  const copies = findings.flatMap(({ copy }) => copy ?? []);
  if (copies.length < 2) return [];
  const bytes = copies.reduce((sum, copy) => sum + copy.bytes, 0);
  const counted = copies.reduce((sum, copy) => sum + (copy.rows ?? 0), 0);
  const uncounted = copies.filter(({ rows }) => rows === null).length;
  const known = uncounted === copies.length ? [] : [`about ${countWords(counted)} ${counted === 1 ? 'row' : 'rows'}`];
  const unknown =
    uncounted === 0
      ? []
      : [
          `${known.length === 0 ? 'the rows' : 'those'} of ${countWords(uncounted)} ${uncounted === 1 ? 'table' : 'tables'} that no ANALYZE has counted`,
        ];
  const rows = [...known, ...unknown].join(' and ');
  const least = bytesPerSecond === undefined ? '' : `, in ${secondsWords(bytes / bytesPerSecond)} at ${bytesWords(bytesPerSecond)}/s`;
  const message = `${countWords(copies.length)} tables are copied: ${rows} (${bytesWords(bytes)}), ${String(parallel)} at a time${least}`;
  return [{ severity: 'ok', check: 'copies', message }];
}
