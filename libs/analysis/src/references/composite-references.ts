import type { ColumnProfiler, ColumnsPlace } from '../column-profiler.port.js';
import { wordsOf } from '../names/words.js';
import type { ColumnProfile } from '../profile/column-profile.js';
import { columnOf, type TableProfile } from '../table-profile.js';
import { couldMeet } from './could-meet.js';
import type { Reference } from './find-references.js';
import { bare, namedTable } from './named-table.js';

/** A key of several columns. */
export type CompositeKey = { readonly of: TableProfile; readonly columns: readonly ColumnProfile[] };

type Search = {
  readonly table: TableProfile;
  readonly keys: readonly CompositeKey[];
  readonly profiler: ColumnProfiler;
  /** What share of the different values has to be in a key. */
  readonly leastOf: (key: TableProfile) => number;
};

/** That a column refers to one of a key: its name says of which table, or the same as the key's column, or its values are too long to meet by chance. */
const EVIDENCE = ['table', 'column', 'values'] as const;
type Evidence = (typeof EVIDENCE)[number];
type Part = { readonly column: ColumnProfile; readonly evidence: Evidence };
/** Columns that could refer to a key, in the order of its columns. */
type Candidate = { readonly key: CompositeKey; readonly parts: readonly Part[] };

/** What bounds the work: columns of a key, keys that a table is held against, columns for one of a key's, and combinations that are counted. */
const [MOST_COLUMNS, MOST_KEYS, MOST_FOR_ONE, MOST_CANDIDATES] = [3, 32, 4, 64];
/** Values that are as long as this meet by chance nowhere; longer ones than that are no keys. */
const [LONG_VALUE, LONGEST_VALUE] = [16, 64];
const OF_FORM = new Set(['id', 'uuid', 'key', 'fk', 'ref', 'c']);
/** What columns of many tables are called, and each time something else is meant. */
const SAYS_NOTHING = new Set([...OF_FORM, 'number', 'position', 'line', 'sequence', 'seq', 'index', 'row']);

/** The keys of two or three columns. */
export function compositeKeys(tables: readonly TableProfile[]): readonly CompositeKey[] {
  return tables.flatMap((of) => {
    const { key } = of.described;
    const columns = key.flatMap((name) => columnOf(of, name) ?? []);
    return of.rows > 0 && key.length > 1 && key.length <= MOST_COLUMNS && columns.length === key.length ? [{ of, columns }] : [];
  });
}

/**
 * References of several columns that nobody declared. That numbers meet says little, and that pairs of them do says not much more: so there has to be
 * evidence for each column. Then each has to be found in its column of the key by itself, and only what is left is counted together.
 */
export async function compositeReferences(search: Search): Promise<readonly Omit<Reference, 'orphans'>[]> {
  const { table, profiler, leastOf } = search;
  const found: (Candidate & { readonly share: number })[] = [];
  for (const candidate of await candidates(search)) {
    const { parts, key } = candidate;
    const { values, found: known } = await profiler.lookUp(placeOf(table, columnsOf(parts)), [placeOf(key.of, key.columns)]);
    const share = values === 0 ? 0 : (known[0] ?? 0) / values;
    if (share >= leastOf(key.of)) found.push({ ...candidate, share });
  }
  return found
    .filter((one) => !found.some((other) => other !== one && sameColumns(one, other) && !isBetter(one, other)))
    .map(({ parts, key, share }) => ({
      from: placeOf(table, columnsOf(parts)),
      to: placeOf(key.of, key.columns),
      kind: 'found',
      because: `the names, and ${(share * 100).toFixed(share === 1 ? 0 : 1)} % of the values together are keys there`,
    }));
}

/** What names and each column by itself allow: those that name a table first. */
async function candidates(search: Search): Promise<readonly Candidate[]> {
  const { table } = search;
  const possible = search.keys
    .map((key) => ({ key, choices: key.columns.map((part) => choicesFor(part, key, search)) }))
    .filter(({ choices }) => choices.every((some) => some.length > 0))
    .toSorted((one, other) => namesIn(other.choices.flat()) - namesIn(one.choices.flat()))
    .slice(0, MOST_KEYS);
  const meeting = await meetingAlone(possible, search);
  return possible
    .flatMap(({ key, choices }) => {
      const left = choices.map((some, index) => some.filter(({ column }) => meeting.get(column)?.has(key.columns[index]) === true));
      return combinations(left).map((parts) => ({ key, parts }));
    })
    .filter((candidate) => isReference(candidate, table))
    .toSorted((one, other) => namesIn(other.parts) - namesIn(one.parts))
    .slice(0, MOST_CANDIDATES);
}

/** Each column with those of the keys in which most of its values are. It is read once. */
async function meetingAlone(
  possible: readonly { readonly key: CompositeKey; readonly choices: readonly (readonly Part[])[] }[],
  { table, profiler, leastOf }: Search,
): Promise<ReadonlyMap<ColumnProfile, ReadonlySet<ColumnProfile | undefined>>> {
  const asked = new Map<ColumnProfile, { readonly of: TableProfile; readonly part: ColumnProfile }[]>();
  for (const { key, choices } of possible)
    for (const [index, part] of key.columns.entries())
      for (const { column } of choices[index] ?? []) asked.set(column, [...(asked.get(column) ?? []), { of: key.of, part }]);
  const meeting = new Map<ColumnProfile, ReadonlySet<ColumnProfile>>();
  for (const [column, parts] of asked) {
    const { values, found } = await profiler.lookUp(
      placeOf(table, [column]),
      parts.map(({ of, part }) => placeOf(of, [part])),
    );
    const isMet = ({ of }: (typeof parts)[number], index: number): boolean => values > 0 && (found[index] ?? 0) / values >= leastOf(of);
    meeting.set(column, new Set(parts.filter(isMet).map(({ part }) => part)));
  }
  return meeting;
}

/** The columns of a table that could be one of a key, the best evidence first. */
function choicesFor(part: ColumnProfile, key: CompositeKey, search: Search): readonly Part[] {
  return search.table.columns
    .flatMap((column) => {
      const evidence = evidenceFor(column, part, key, search);
      return evidence === null ? [] : [{ column, evidence }];
    })
    .toSorted((one, other) => EVIDENCE.indexOf(one.evidence) - EVIDENCE.indexOf(other.evidence))
    .slice(0, MOST_FOR_ONE);
}

function evidenceFor(column: ColumnProfile, part: ColumnProfile, key: CompositeKey, { table, keys }: Search): Evidence | null {
  if (column.filled === 0 || column.labels !== null || (column.maxLength ?? 0) > LONGEST_VALUE || !couldMeet(column, part)) return null;
  const [own, asked, ofTable] = [wordsOf(column.name), wordsOf(part.name), wordsOf(bare(key.of.table))];
  // `order_no` says what `no` says, and that it is that of orders.
  const matter = asked.filter((word) => !OF_FORM.has(word) && !ofTable.includes(word));
  const others = own.filter((word) => !matter.includes(word));
  const tables = keys.map(({ of }) => of.table);
  if (matter.every((word) => own.includes(word)) && namedTable(others.join('_'), table.table, tables) === key.of.table) return 'table';
  const saysTheSame = own.join('_') === asked.join('_');
  if (saysTheSame && (asked.some((word) => !SAYS_NOTHING.has(word)) || extendsTable(table, key.of))) return 'column';
  return Math.min(column.minLength ?? 0, part.minLength ?? 0) >= LONG_VALUE ? 'values' : null;
}

/** Not a key to itself; and what is a table's own key refers only where it says so, or the table is a part of the other. */
function isReference({ key, parts }: Candidate, table: TableProfile): boolean {
  const columns = columnsOf(parts);
  if (new Set(columns).size < columns.length || columns.every((column, index) => column === key.columns[index])) return false;
  const isOwnKey = columns.length === table.described.key.length && columns.every(({ name }) => table.described.key.includes(name));
  return !isOwnKey || namesIn(parts) > 0 || extendsTable(table, key.of);
}

/** `orders_custom` of `orders`. */
function extendsTable(table: TableProfile, other: TableProfile): boolean {
  const [own, extended] = [wordsOf(bare(table.table)), wordsOf(bare(other.table))];
  return own.length > extended.length && extended.every((word) => own.includes(word));
}

/** Of the same columns in the keys of two tables: the one that is named is meant, else that which has more of the values; of equals nobody can say. */
function isBetter(one: Candidate & { readonly share: number }, other: Candidate & { readonly share: number }): boolean {
  const names = namesIn(one.parts) - namesIn(other.parts);
  return names === 0 ? one.share > other.share : names > 0;
}

function sameColumns(one: Candidate, other: Candidate): boolean {
  const columns = columnsOf(other.parts);
  return one.parts.length === columns.length && columnsOf(one.parts).every((column) => columns.includes(column));
}

function namesIn(parts: readonly Part[]): number {
  return parts.filter(({ evidence }) => evidence === 'table').length;
}

const columnsOf = (parts: readonly Part[]): readonly ColumnProfile[] => parts.map(({ column }) => column);

function placeOf({ table }: TableProfile, columns: readonly ColumnProfile[]): ColumnsPlace {
  return { table, columns: columns.map(({ name }) => name) };
}

/** One of each, in all ways. */
function combinations<T>(choices: readonly (readonly T[])[]): readonly (readonly T[])[] {
  return choices.reduce<readonly (readonly T[])[]>((made, some) => made.flatMap((one) => some.map((next) => [...one, next])), [[]]);
}
