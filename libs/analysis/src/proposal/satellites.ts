import type { TablePair } from '../compare/match-tables.js';
import { senseOf, wordsOf } from '../names/words.js';
import { bare } from '../references/named-table.js';
import type { Reference } from '../references/find-references.js';
import type { TableProfile } from '../table-profile.js';
import type { ProposedCondition, ProposedJoin } from './proposal.js';
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
      const near = { as: bare(table.table), table, on: { column: reference.from.column, equals: reference.to.column } };
      const first = join(near, reference.when);
      const linked = references.flatMap(({ from, to: end, kind }): readonly Satellite[] => {
        const beyond = alone.get(end.table);
        if (from.table !== table.table || beyond === undefined || beyond === table || kind === 'polymorphic') return [];
        const second = join({ as: bare(end.table), table: beyond, on: { column: end.column, equals: from.column, of: first.as } });
        return [{ table: beyond, joins: [first, second], connects: new Set([end.column]) }];
      });
      return [{ table, joins: [first], connects: new Set([reference.from.column]) }, ...linked];
    });
}

/** Whether rows of a table are part of another's: links of theirs, custom fields. What only names somebody who looks after it is a thing of its own. */
function hangsOn(table: TableProfile, to: TableProfile, { kind }: Reference): boolean {
  return kind === 'polymorphic' || wordsOf(bare(table.table)).some((word) => word === wordsOf(bare(to.table)).at(-1));
}

type Place = Pick<ProposedJoin, 'as' | 'on'> & { readonly table: TableProfile };

function join({ as, table, on }: Place, when?: { readonly column: string; readonly value: string }): ProposedJoin {
  const deleted = notDeleted(table);
  const where: ProposedCondition[] = [
    ...(deleted === null ? [] : [deleted]),
    ...(when === undefined ? [] : [{ column: when.column, values: [when.value] }]),
  ];
  const isKey = table.described.key.length === 1 && table.described.key[0] === on.column;
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

function latestOf({ columns }: TableProfile, word: string): string | undefined {
  return columns.find(({ name, used }) => used === 'timestamp' && senseOf(name).words.at(-1) === word)?.name;
}
