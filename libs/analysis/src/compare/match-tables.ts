import type { DescribedTable } from '@changeover/events';

import { likeness, senseOf } from '../names/words.js';
import { bare } from '../references/named-table.js';
import type { TableProfile } from '../table-profile.js';
import { convertInto } from './convert-into.js';

export type TablePair = { readonly source: TableProfile; readonly target: DescribedTable; readonly because: string };

/** Names count for more than columns, as every table has an `id` and a `name`. */
const [BY_NAME, BY_COLUMNS] = [0.65, 0.35];
const ENOUGH = 0.5;

/** Each table of the target with the one of the source whose rows it takes, if there is one: names by their words, columns by name and type. */
export function matchTables(sources: readonly TableProfile[], targets: readonly DescribedTable[]): readonly TablePair[] {
  const rated = sources.flatMap((source) =>
    targets.map((target) => {
      const name = likeness(senseOf(bare(source.table)).words, senseOf(target.table).words);
      const columns = name === 0 ? 0 : commonColumns(source, target);
      return { source, target, name, columns, rating: BY_NAME * name + BY_COLUMNS * columns };
    }),
  );
  const pairs: TablePair[] = [];
  const taken = new Set<unknown>();
  for (const { source, target, name, columns, rating } of rated.toSorted((one, other) => other.rating - one.rating)) {
    if (rating < ENOUGH || taken.has(source) || taken.has(target)) continue;
    taken.add(source).add(target);
    const how = name === 1 ? 'the names say the same' : 'the names are alike';
    pairs.push({ source, target, because: `${how}, and ${(columns * 100).toFixed(0)} % of the columns` });
  }
  return pairs;
}

/** The share of the target's columns for which the source has one of a like name that could become one. */
function commonColumns(source: TableProfile, target: DescribedTable): number {
  const columns = target.columns.filter(({ generated }) => !generated);
  const found = columns.filter((column) => {
    const words = senseOf(column.name, target.table).words;
    return source.columns.some(
      (one) => likeness(senseOf(one.name, bare(source.table)).words, words) >= 0.6 && convertInto(one, column) !== null,
    );
  });
  return columns.length === 0 ? 0 : found.length / columns.length;
}
