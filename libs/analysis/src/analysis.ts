import type { DescribedTable } from '@changeover/events';

import type { ColumnPlace, ColumnProfiler, NormalForm, Repeats } from './column-profiler.port.js';
import { senseOf, wordsOf } from './names/words.js';
import { isTextType, profileColumn, type ColumnProfile } from './profile/column-profile.js';
import { personalData, type Personal } from './profile/personal.js';
import type { Proposal } from './proposal/proposal.js';
import { propose } from './proposal/propose.js';
import { notDeleted } from './proposal/soft-delete.js';
import { findReferences, type Reference } from './references/find-references.js';
import { bare } from './references/named-table.js';
import { readiness, type Score } from './score.js';
import type { TableProfile } from './table-profile.js';

/** A column in which the same thing stands more than once, written one way or another. */
export type Repeated = ColumnPlace & Repeats & { readonly form: NormalForm; readonly rows: number };

export type PersonalColumn = ColumnPlace & Personal & { readonly rows: number };

export type Analysis = {
  readonly tables: readonly TableProfile[];
  readonly references: readonly Reference[];
  readonly personal: readonly PersonalColumn[];
  readonly repeated: readonly Repeated[];
  /** Flags of rows that were thrown away, and how many those are; null where values do not tell. */
  readonly softDeletes: readonly (ColumnPlace & { readonly rows: number; readonly deleted: number })[];
  /** Null where the source was looked at alone. */
  readonly proposal: Proposal | null;
  readonly score: Score;
};

/** A table that the profiler has taken in. */
export type AddedTable = { readonly described: DescribedTable; readonly whole: boolean };

export type AnalysisOptions = {
  readonly profiler: ColumnProfiler;
  readonly tables: readonly AddedTable[];
  /** Null: the source alone. */
  readonly targets: readonly DescribedTable[] | null;
  /** Told before each column is looked at. */
  readonly onStep: (step: { readonly phase: 'profiling' | 'references' | 'duplicates'; readonly place: ColumnPlace }) => void;
};

/** Different values of a column that are looked at one by one. */
const LOOKED_AT = 10_000;

/** Says what is in tables that were read, how they hang together, and what could become of them. */
export async function analyze({ profiler, tables: added, targets, onStep }: AnalysisOptions): Promise<Analysis> {
  const tables: TableProfile[] = [];
  for (const { described, whole } of added) {
    const table = `${described.schema}.${described.table}`;
    const columns: ColumnProfile[] = [];
    for (const column of described.columns) {
      const place = { table, column: column.name };
      onStep({ phase: 'profiling', place });
      columns.push(profileColumn(column, described.key.includes(column.name), await profiler.count(place, LOOKED_AT)));
    }
    tables.push({ table, described, whole, rows: columns[0]?.rows ?? 0, columns });
  }
  const references = await findReferences(tables, profiler, (place) => onStep({ phase: 'references', place }));
  const repeated = await findRepeated(tables, profiler, (place) => onStep({ phase: 'duplicates', place }));
  const proposal = targets === null ? null : await propose({ sources: tables, references, targets, profiler });
  return {
    tables,
    references,
    personal: tables.flatMap((table) => personalOf(table)),
    repeated,
    softDeletes: tables.flatMap((table) => softDeletesOf(table)),
    proposal,
    score: readiness({ tables, references, repeated, proposal }),
  };
}

function personalOf({ table, columns }: TableProfile): readonly PersonalColumn[] {
  const found = personalData(table, columns);
  return columns.flatMap(({ name, filled }) => {
    const personal = found.get(name);
    return personal === undefined ? [] : [{ table, column: name, rows: filled, ...personal }];
  });
}

async function findRepeated(
  tables: readonly TableProfile[],
  profiler: ColumnProfiler,
  onColumn: (place: ColumnPlace) => void,
): Promise<readonly Repeated[]> {
  const found: Repeated[] = [];
  for (const { table, columns } of tables) {
    for (const column of columns) {
      const form = formOf(table, column);
      if (form === null) continue;
      const place = { table, column: column.name };
      onColumn(place);
      found.push({ ...place, form, rows: column.filled, ...(await profiler.repeats(table, [{ column: column.name, form }])) });
    }
  }
  return found;
}

/** What people take for the same although it is written in two ways. */
function formOf(table: string, { name, base, matter, used, distinct }: ColumnProfile): NormalForm | null {
  if (!isTextType(base) || distinct < 2) return null;
  if (matter === 'email' || matter === 'phone') return matter;
  if (used !== 'text') return null;
  // A company's own name, in its table or beside somebody who works there.
  const words = senseOf(name, bare(table)).words;
  const isOfCompanies = wordsOf(bare(table)).at(-1) === 'account' && words.join('') === 'name';
  return isOfCompanies || (words.join('') === 'account' && wordsOf(name).length > 1) ? 'company' : null;
}

function softDeletesOf(profile: TableProfile): Analysis['softDeletes'] {
  const alive = notDeleted(profile);
  const column = profile.columns.find(({ name }) => name === alive?.column);
  if (alive === null || column === undefined) return [];
  const kept = column.values.frequent.filter(({ value }) => alive.values.includes(value)).reduce((sum, { rows }) => sum + rows, 0);
  const rows = kept + (alive.values.includes(null) ? column.nulls : 0);
  return [{ table: profile.table, column: column.name, rows: profile.rows, deleted: profile.rows - rows }];
}
