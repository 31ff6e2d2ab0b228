import type { DescribedTable, DescribedUnique } from '@changeover/events';

import type { ColumnProfiler, NormalColumn, NormalForm } from '../column-profiler.port.js';
import type { ProposedColumn, ProposedUnique, RuleWithoutUnique } from './proposal.js';

/** What an index is over: the columns, and whether capitals and small letters are the same in them. */
type Over = { readonly columns: readonly string[]; readonly caseless: boolean };

/** An expression that says no more than a column does, but for case. */
const CASELESS = /^(?:lower|upper)\(\(?(?:"([^"]+)"|([a-z_][a-z\d_$]*))\)?(?:::[a-z ]+)?\)$/u;

/**
 * What becomes of rows that want the same values of a unique index of the target, as far as the rule makes its columns. How many those are is counted over
 * the rows that the rule takes, by what its conversions make equal.
 */
export async function uniqueRules(
  rule: RuleWithoutUnique,
  target: DescribedTable,
  { profiler, isWhole }: { readonly profiler: ColumnProfiler; readonly isWhole: boolean },
): Promise<readonly ProposedUnique[]> {
  const rules: ProposedUnique[] = [];
  for (const index of target.uniques) {
    const over = columnsOver(index);
    const made = over?.columns.map((name) => rule.columns.find((column) => column.target === name && column.sources.length > 0));
    if (over === null || made === undefined || !made.every((column) => column !== undefined)) continue;
    // The key's values are each one row's already.
    if (over.columns.length === rule.key.length && over.columns.every((name) => rule.key.includes(name))) continue;
    const parts = made.flatMap((column) => countedAs(column, over.caseless, rule) ?? []);
    const surplus = parts.length < made.length ? null : (await profiler.repeats(rule.source, parts, rule.where ?? undefined)).surplus;
    const canBeEmpty = made.every((column) => !column.required && !rule.key.includes(column.target));
    rules.push({
      columns: over.columns,
      otherwise: canBeEmpty ? 'empty' : 'held',
      ...reasons(surplus, { index, over, canBeEmpty, isWhole }),
    });
  }
  return rules;
}

function columnsOver({ columns, expressions }: DescribedUnique): Over | null {
  if (columns !== null) return { columns, caseless: false };
  const names = expressions.flatMap((expression) => {
    const [, quoted, plain] = CASELESS.exec(expression) ?? [];
    return quoted ?? plain ?? (/^[a-z_][a-z\d_$]*$/u.test(expression) ? expression : []);
  });
  return names.length === expressions.length ? { columns: names, caseless: true } : null;
}

/** The column of the driving table, and the form in which two of its values become one of the target's; null: that cannot be counted there. */
function countedAs({ sources: [source], value }: ProposedColumn, caseless: boolean, { joins }: RuleWithoutUnique): NormalColumn | null {
  const form = formOf(value, caseless);
  if (source === undefined || form === null) return null;
  if (source.of === undefined) return { column: source.column, form };
  // A column that a join was made by says what the driving row says.
  const by = joins.find(({ as }) => as === source.of)?.on.find(({ column, of }) => column === source.column && of === undefined);
  return by === undefined ? null : { column: by.equals, form };
}

function formOf(value: ProposedColumn['value'], caseless: boolean): NormalForm | null {
  switch (value.how) {
    case 'same':
    case 'unchecked':
      return caseless ? 'caseless' : 'exact';
    case 'trim':
      return caseless ? 'caseless' : 'trimmed';
    case 'email':
    case 'phone':
      return value.how;
    case 'date':
    case 'timestamp':
      return value.formats.length > 1 ? null : 'trimmed';
    // Several spellings become one value.
    case 'country':
    case 'boolean':
    case 'enumeration':
    case 'words':
    case 'null':
      return null;
  }
}

type Facts = { readonly index: DescribedUnique; readonly over: Over; readonly canBeEmpty: boolean; readonly isWhole: boolean };

function reasons(surplus: number | null, { index, over, canBeEmpty, isWhole }: Facts): Pick<ProposedUnique, 'because' | 'open'> {
  const because = `the index ${index.name}${index.predicate === null ? '' : `, of rows where ${index.predicate}`}`;
  if (surplus === 0 && isWhole) return { because: [because, 'no two rows want the same'], open: [] };
  const open = [
    canBeEmpty ? `all but the first by key go without it ('held' would hold them)` : 'all but the first by key are held',
    ...(index.predicate === null ? [] : ['the index is over some of the rows alone, this is over all']),
    ...(over.caseless
      ? ['the index takes capitals and small letters for the same, this does only where the column above has been put into one case']
      : []),
  ];
  if (surplus === null)
    return {
      because: [because],
      open: ['how many rows want the same was not counted: they have the values by a join, or several spellings become one', ...open],
    };
  const many =
    surplus === 0
      ? 'no two rows want the same'
      : `${surplus === 1 ? '1 row wants' : `${String(surplus)} rows want`} what another has by its normal form`;
  return { because: [because, isWhole ? many : `${many}, of those that were read`], open };
}
