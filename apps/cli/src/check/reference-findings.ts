import { tableName, type DescribedTable } from '@changeover/events';
import { isReference, referencesRead, referredTable, type Mapping, type SourceTable } from '@changeover/mapping';

import type { ReferenceTable } from '../reference/recorded-tables.js';
import type { Finding } from './finding.js';

/** What rules may know of the tables of the target that they look up; where the target could not be looked at (null), what they themselves say of them. */
export function referenceTables(mapping: Mapping, described: readonly DescribedTable[] | null): ReadonlyMap<string, SourceTable> {
  return new Map(
    [...referencesRead(mapping)].map(([name, used]) => {
      const table = find(name, described);
      // Of one that is not there it is told once, and not of each of its columns.
      return [name, { columns: table?.columns.map((column) => column.name) ?? [...used], key: table?.key ?? [...used] }];
    }),
  );
}

/** Tables that the target does not have, and rows that may be found in several ways: then whoever looks them up is held. */
export function referenceFindings(mapping: Mapping, described: readonly DescribedTable[]): readonly Finding[] {
  const missing = [...referencesRead(mapping).keys()]
    .filter((name) => find(name, described) === undefined)
    .map((name) => finding('error', `the mapping looks up ${referredTable(name)}, which the target does not have`));
  const ambiguous = mapping.rules.flatMap(({ target, joins = [] }) =>
    joins.flatMap(({ as, table: name, on }) => {
      const table = isReference(name) ? find(name, described) : undefined;
      const columns = Object.keys(on);
      if (table === undefined || isUnique(table, columns)) return [];
      const what = `several rows of ${referredTable(name)} may have the same ${columns.join(', ')}`;
      return [finding('warning', `${what}, by which the rule for ${target} looks up ${as}: where they do, its row is held`)];
    }),
  );
  return [...missing, ...ambiguous];
}

/**
 * Tables of the target that rules look up, and that nobody has asked to be recorded yet with all columns that they read: without them nothing is derived. A warning, as they cannot be before there is
 * a control database, and all else goes on without them.
 */
export function unrecordedFindings(
  mapping: Mapping,
  recorded: ReadonlyMap<string, Pick<ReferenceTable, 'form' | 'isWhole'>>,
): readonly Finding[] {
  const missing = [...referencesRead(mapping)].filter(([name, used]) => {
    const table = recorded.get(name);
    const columns = new Set(table?.form.columns.map((column) => column.name));
    return table?.isWhole !== true || [...used].some((column) => !columns.has(column));
  });
  if (missing.length === 0) return [];
  const tables = missing.map(([name]) => referredTable(name)).join(', ');
  const message = `the mapping looks up rows of ${tables}, which are not recorded yet, or not with all columns that it reads: it makes no row until they are; once the migration runs, run`;
  return [{ ...finding('warning', message), fix: ['changeover reference refresh'] }];
}

function find(name: string, described: readonly DescribedTable[] | null): DescribedTable | undefined {
  return described?.find((table) => tableName(table) === referredTable(name));
}

function isUnique({ key, uniques }: DescribedTable, columns: readonly string[]): boolean {
  const whole = uniques.flatMap((unique) => (unique.columns === null || unique.predicate !== null ? [] : [unique.columns]));
  return [key, ...whole].some((names) => names.length > 0 && names.every((name) => columns.includes(name)));
}

function finding(severity: 'error' | 'warning', message: string): Finding {
  return { part: 'mapping', severity, check: 'reference', message };
}
