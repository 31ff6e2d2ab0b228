import type { ColumnCondition, ColumnsPlace } from '../column-profiler.port.js';
import type { TablePair } from '../compare/match-tables.js';
import { senseOf, wordsOf } from '../names/words.js';
import { bare } from '../references/named-table.js';
import type { Reference } from '../references/find-references.js';
import type { TableProfile } from '../table-profile.js';
import type { ProposedJoin } from './proposal.js';
import { notDeleted } from './soft-delete.js';

/** A table whose rows hang on those of another, with the joins that lead there. */
export type Satellite = {
  readonly table: TableProfile;
  readonly joins: readonly ProposedJoin[];
  /** Its columns by which it hangs there. */
  readonly connects: ReadonlySet<string>;
};

type Known = { readonly pairs: readonly TablePair[]; readonly sources: readonly TableProfile[]; readonly references: readonly Reference[] };

/** Tables that refer to `to` and become none of the target's, and those that such a one links to it. */
export function satellitesOf(to: TableProfile, { pairs, sources, references }: Known): readonly Satellite[] {
  const alone = new Map(sources.filter((source) => !pairs.some((pair) => pair.source === source)).map((source) => [source.table, source]));
  return references
    .filter((reference) => reference.to.table === to.table)
    .flatMap((reference) => {
      const table = alone.get(reference.from.table);
      if (table === undefined || !hangsOn(table, to, reference)) return [];
      const first = join({ as: bare(table.table), table, on: matching(reference.from, reference.to) }, reference.when);
      const linked = references.flatMap(({ from, to: end, kind }): readonly Satellite[] => {
        const beyond = alone.get(end.table);
        if (from.table !== table.table || beyond === undefined || beyond === table || kind === 'polymorphic') return [];
        const on = matching(end, from).map((pair) => ({ ...pair, of: first.as }));
        const second = join({ as: bare(end.table), table: beyond, on });
        return [{ table: beyond, joins: [first, second], connects: new Set(end.columns) }];
      });
      return [{ table, joins: [first], connects: new Set(reference.from.columns) }, ...linked];
    });
}

/** Whether rows of a table are part of another's: links of theirs, custom fields. What only names somebody who looks after it is a thing of its own. */
function hangsOn(table: TableProfile, to: TableProfile, { kind }: Reference): boolean {
  return kind === 'polymorphic' || wordsOf(bare(table.table)).some((word) => word === wordsOf(bare(to.table)).at(-1));
}

/** What a join by a reference is on: the columns of the table that is joined, and what they equal. */
function matching({ columns }: ColumnsPlace, equal: ColumnsPlace): ProposedJoin['on'] {
  return columns.map((column, index) => ({ column, equals: equal.columns[index] ?? '' }));
}

type Place = Pick<ProposedJoin, 'as' | 'on'> & { readonly table: TableProfile };

function join({ as, table, on }: Place, when?: { readonly column: string; readonly value: string }): ProposedJoin {
  const deleted = notDeleted(table);
  const where: ColumnCondition[] = [
    ...(deleted === null ? [] : [deleted]),
    ...(when === undefined ? [] : [{ column: when.column, values: [when.value] }]),
  ];
  const { key } = table.described;
  const isKey = key.length > 0 && key.every((name) => on.some(({ column }) => column === name));
  const latest = isKey ? undefined : (latestOf(table, 'updated') ?? latestOf(table, 'created'));
  return {
    as,
    table: table.table,
    on,
    where,
    ...(latest !== undefined && { latest }),
    because: isKey ? 'at most one' : latest === undefined ? 'the first by its key' : `of several the latest by ${latest}`,
    open: isKey ? [] : ['which one counts where there are several?'],
  };
}

/** Leads to what a reference names, and to nothing for an orphan. `of`: the join that has the columns that refer; left out: the driving row. */
export function joinParent({ from, to, kind }: Reference, parent: TableProfile, of?: string): ProposedJoin {
  const name = [...from.columns.join('_').matchAll(/[A-Za-z\d]+/gu)].map(([word]) => word).filter((word) => word !== 'id');
  const deleted = notDeleted(parent);
  return {
    as: kind === 'polymorphic' ? bare(to.table) : name.join('_') || bare(to.table),
    table: to.table,
    on: matching(to, from).map((pair) => ({ ...pair, ...(of !== undefined && { of }) })),
    where: deleted === null ? [] : [deleted],
    because: 'null where there is none',
    open: [],
  };
}

/** How many rows refer to nothing, where that was counted. */
export function lostWords({ orphans }: Reference): readonly string[] {
  return orphans === null ? [] : [`${String(orphans.orphans)} of ${String(orphans.rows)} rows refer to nothing`];
}

function latestOf({ columns }: TableProfile, word: string): string | undefined {
  return columns.find(({ name, used }) => used === 'timestamp' && senseOf(name).words.at(-1) === word)?.name;
}
