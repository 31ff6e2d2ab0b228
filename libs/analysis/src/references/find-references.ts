import type { ColumnPlace, ColumnProfiler, ColumnsPlace, Orphans } from '../column-profiler.port.js';
import { isNumberType, isTextType, type ColumnProfile } from '../profile/column-profile.js';
import { columnOf, type TableProfile } from '../table-profile.js';
import { compositeKeys, compositeReferences } from './composite-references.js';
import { couldMeet } from './could-meet.js';
import { namedTable } from './named-table.js';

/** Columns whose values are keys of another table. */
export type Reference = {
  readonly from: ColumnsPlace;
  /** In the order of the columns of `from`. */
  readonly to: ColumnsPlace;
  /** Declared as a foreign key, told by the values alone or with the name, or one of several tables that another column names. */
  readonly kind: 'declared' | 'found' | 'polymorphic';
  /** Of a polymorphic one the column that names the table, and what stands in it for this one. */
  readonly when?: { readonly column: string; readonly value: string };
  /** What speaks for it, in words. */
  readonly because: string;
  /** Null where the other table was not read as a whole: nobody can say what is missing. */
  readonly orphans: Orphans | null;
};

/** Of the values looked up so many have to be keys there: the others are orphans, and a table of orphans is no reference. */
const FOUND = 0.8;
/** Keys that are as long as this meet by chance nowhere. */
const LONG_KEY = 16;
/** Of long values that many have to meet where the name says nothing. */
const ENOUGH = 5;
/** Columns that can name the table of another one: `parent_type` beside `parent_id`. */
const NAMES_TABLE = /^(.*?)_?(?:type|module|table|class|entity|object)$/iu;
const FEW_TABLES = 40;

type Key = ColumnsPlace & { readonly profile: ColumnProfile; readonly of: TableProfile };

/** The references between the tables, declared or not, in the order of tables and columns. */
export async function findReferences(
  tables: readonly TableProfile[],
  profiler: ColumnProfiler,
  onColumn: (place: ColumnPlace) => void,
): Promise<readonly Reference[]> {
  const keys = tables.flatMap((table) => singleKey(table));
  const composite = compositeKeys(tables);
  const found: Reference[] = [];
  for (const table of tables) {
    const declared = declaredOf(table);
    const taken = new Set(declared.flatMap(({ from: { columns } }) => (columns.length === 1 ? columns : [])));
    for (const reference of declared) found.push({ ...reference, orphans: await orphansOf(reference, tables, profiler) });
    for (const { typeColumn, idColumn } of polymorphicPairs(table)) {
      const references = await polymorphic(table, { typeColumn, idColumn, keys, profiler });
      if (references.length > 0) taken.add(idColumn.name);
      found.push(...references);
    }
    for (const column of table.columns) {
      if (taken.has(column.name) || !canRefer(column)) continue;
      onColumn({ table: table.table, column: column.name });
      const reference = await undeclared(table, column, keys, profiler);
      if (reference !== null) found.push({ ...reference, orphans: await orphansOf(reference, tables, profiler) });
    }
    for (const reference of await compositeReferences({ table, keys: composite, profiler, leastOf })) {
      const isDeclared = declared.some(({ from, to }) => to.table === reference.to.table && sameColumns(from, reference.from));
      if (!isDeclared) found.push({ ...reference, orphans: await orphansOf(reference, tables, profiler) });
    }
  }
  return found;
}

function singleKey(table: TableProfile): readonly Key[] {
  const [name, ...more] = table.described.key;
  const profile = name === undefined || more.length > 0 ? undefined : columnOf(table, name);
  if (profile === undefined || profile.distinct === 0) return [];
  return [{ table: table.table, columns: [profile.name], profile, of: table }];
}

/** Of a table that was read in part not even most of the keys are known. */
function leastOf({ whole }: TableProfile): number {
  return whole ? FOUND : FOUND / 4;
}

function sameColumns(one: ColumnsPlace, other: ColumnsPlace): boolean {
  return one.columns.length === other.columns.length && one.columns.every((column) => other.columns.includes(column));
}

type Unjudged = Omit<Reference, 'orphans'>;

function declaredOf({ table, described }: TableProfile): readonly Unjudged[] {
  return described.foreignKeys.map(({ columns, toSchema, toTable, toColumns }) => ({
    from: { table, columns },
    to: { table: `${toSchema}.${toTable}`, columns: toColumns },
    kind: 'declared',
    because: 'declared',
  }));
}

async function orphansOf({ from, to }: Unjudged, tables: readonly TableProfile[], profiler: ColumnProfiler): Promise<Orphans | null> {
  const parent = tables.find(({ table }) => table === to.table);
  const child = tables.find(({ table }) => table === from.table);
  if (parent?.whole !== true || child === undefined) return null;
  // Not every column that is declared was read.
  if (to.columns.some((name) => !columnOf(parent, name)) || from.columns.some((name) => !columnOf(child, name))) return null;
  return profiler.orphans(from, to);
}

/** Whole numbers, UUIDs and short texts that say no date and no yes or no. */
function canRefer({ used, base, labels, filled, maxLength, notNull, key, distinct, rows }: ColumnProfile): boolean {
  if (filled === 0 || labels !== null || (maxLength ?? 0) > 64) return false;
  if (used === 'boolean' || used === 'date' || used === 'timestamp' || used === 'decimal') return false;
  // A number of its own in each row is the row's own number, as all tables have them.
  if (key && notNull && used === 'integer' && distinct === rows) return false;
  return isNumberType(base) || isTextType(base) || base === 'uuid';
}

async function undeclared(
  table: TableProfile,
  column: ColumnProfile,
  keys: readonly Key[],
  profiler: ColumnProfiler,
): Promise<Unjudged | null> {
  const from = { table: table.table, columns: [column.name] };
  const candidates = keys.filter((key) => key.profile !== column && couldMeet(column, key.profile));
  if (candidates.length === 0) return null;
  const { values, found } = await profiler.lookUp(from, candidates);
  const meeting = candidates.flatMap((key, index) => {
    const share = values === 0 ? 0 : (found[index] ?? 0) / values;
    return share >= leastOf(key.of) ? [{ key, share, found: found[index] ?? 0 }] : [];
  });
  if (meeting.length === 0) return null;
  const named = namedTable(
    column.name,
    table.table,
    meeting.map(({ key }) => key.table),
  );
  const byName = meeting.find(({ key }) => key.table === named);
  if (byName !== undefined) {
    return { from, to: placeOf(byName.key), kind: 'found', because: `its name, and ${percent(byName.share)} of its values are keys there` };
  }
  // Numbers count from one in every table, so that they meet says nothing; and of keys that are equal in two tables nobody can say which is meant.
  const [first, second] = meeting.toSorted((one, other) => other.share - one.share);
  if (first === undefined || second?.share === first.share) return null;
  if ((column.minLength ?? 0) < LONG_KEY || first.found < ENOUGH) return null;
  return { from, to: placeOf(first.key), kind: 'found', because: `${percent(first.share)} of its values are keys there` };
}

const placeOf = ({ table, columns }: ColumnsPlace): ColumnsPlace => ({ table, columns });

type Pair = { readonly typeColumn: ColumnProfile; readonly idColumn: ColumnProfile };

/** `parent_type` and `parent_id`, `bean_module` and `bean_id`: one says of which table, the other which row. */
function polymorphicPairs(table: TableProfile): readonly Pair[] {
  return table.columns.flatMap((typeColumn) => {
    const [, stem = ''] = NAMES_TABLE.exec(typeColumn.name) ?? [];
    const words = isTextType(typeColumn.base) || typeColumn.labels !== null;
    if (stem === '' || !words || typeColumn.distinct === 0 || typeColumn.distinct > FEW_TABLES) return [];
    const idColumn = table.columns.find(
      ({ name }) => name.toLowerCase() === `${stem}_id`.toLowerCase() || name.toLowerCase() === `${stem}id`.toLowerCase(),
    );
    return idColumn === undefined || idColumn.filled === 0 ? [] : [{ typeColumn, idColumn }];
  });
}

async function polymorphic(
  table: TableProfile,
  { typeColumn, idColumn, keys, profiler }: Pair & { readonly keys: readonly Key[]; readonly profiler: ColumnProfiler },
): Promise<readonly Reference[]> {
  const from = { table: table.table, columns: [idColumn.name] };
  const references: Reference[] = [];
  for (const { value } of typeColumn.values.frequent) {
    const named = namedTable(
      value,
      '',
      keys.map((key) => key.table),
    );
    const key = keys.find((one) => one.table === named);
    if (key === undefined) continue;
    const when = { column: typeColumn.name, value };
    const orphans = key.of.whole ? await profiler.orphans(from, key, { column: when.column, values: [value] }) : null;
    references.push({ from, to: placeOf(key), kind: 'polymorphic', when, because: `${typeColumn.name} names the table`, orphans });
  }
  // Of a kind of something all rows may be orphans; of all kinds they are not.
  const rows = references.reduce((sum, { orphans }) => sum + (orphans?.rows ?? 0), 0);
  const lost = references.reduce((sum, { orphans }) => sum + (orphans?.orphans ?? 0), 0);
  return rows > 0 && lost / rows > 1 - FOUND / 2 ? [] : references;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share === 1 ? 0 : 1)} %`;
}
