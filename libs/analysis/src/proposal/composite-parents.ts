import type { DescribedForeignKey, DescribedTable } from '@changeover/events';

import { convertInto } from '../compare/convert-into.js';
import type { Reference } from '../references/find-references.js';
import { columnOf, type TableProfile } from '../table-profile.js';
import type { ProposedColumn, ProposedSource, RuleWithoutUnique } from './proposal.js';
import { joinParent, lostWords } from './satellites.js';

type Known = {
  readonly sources: readonly TableProfile[];
  readonly references: readonly Reference[];
  readonly rules: readonly RuleWithoutUnique[];
};

/** A foreign key of the target of which each column has a source column, with the reference that these are. */
type Found = {
  readonly parent: RuleWithoutUnique;
  readonly from: TableProfile;
  readonly reference: Reference;
  /** By the column of the parent's key: the column that refers to it, there and in the target. */
  readonly by: ReadonlyMap<string, { readonly source: ProposedSource; readonly target: string }>;
};

/** A rule with what it requires by foreign keys of several columns. Which column becomes which has to be known of both rules, so it comes after them. */
export function withCompositeParents(rule: RuleWithoutUnique, target: DescribedTable, known: Known): RuleWithoutUnique {
  return target.foreignKeys
    .flatMap((foreign) => parentBy(foreign, rule, known) ?? [])
    .reduce((changed, found) => requiring(changed, found, target), rule);
}

function parentBy({ columns, toSchema, toTable, toColumns }: DescribedForeignKey, rule: RuleWithoutUnique, known: Known): Found | null {
  const parent = known.rules.find((one) => one.target === `${toSchema}.${toTable}`);
  const from = known.sources.find(({ table }) => table === parent?.source);
  if (columns.length < 2 || parent === undefined || from === undefined) return null;
  const pairs = columns.flatMap((name, index) => {
    const [source, to] = [onlySource(rule, name), onlySource(parent, toColumns[index] ?? '')];
    return source === undefined || to === undefined || to.of !== undefined ? [] : [{ source, to: to.column, target: name }];
  });
  const by = new Map(pairs.map(({ source, to, target }) => [to, { source, target }]));
  const [of, ...others] = new Set(pairs.map(({ source }) => source.of));
  if (by.size < columns.length || others.length > 0) return null;
  const table = rule.joins.find(({ as }) => as === of)?.table ?? rule.source;
  const reference = known.references.find(
    (one) =>
      one.from.table === table &&
      one.to.table === parent.source &&
      one.to.columns.length === by.size &&
      one.to.columns.every((column, index) => by.get(column)?.source.column === one.from.columns[index]),
  );
  // What is required is named by its key.
  const { key } = from.described;
  return reference === undefined || key.length !== by.size || !key.every((column) => by.has(column))
    ? null
    : { parent, from, reference, by };
}

function onlySource(rule: RuleWithoutUnique, target: string): ProposedSource | undefined {
  const sources = rule.columns.find((column) => column.target === target)?.sources ?? [];
  return sources.length === 1 ? sources[0] : undefined;
}

function requiring(rule: RuleWithoutUnique, { parent, from, reference, by }: Found, target: DescribedTable): RuleWithoutUnique {
  const orphans = reference.orphans?.orphans ?? 0;
  const canBeEmpty = (name: string): boolean =>
    !rule.key.includes(name) && target.columns.some((column) => column.name === name && !column.notNull);
  const emptied = orphans > 0 ? [...by].filter(([, { target: name }]) => canBeEmpty(name)) : [];
  const [{ source: first } = { source: undefined }] = by.values();
  const join = joinParent(reference, from, first?.of);
  const joined = new Map(emptied.map(([column, { target: name }]) => [name, { column, of: join.as }]));
  const names = [...by.values()].map((one) => one.target);
  const columns = rule.columns.map((column): ProposedColumn => {
    if (!names.includes(column.target)) return column;
    const because = [
      ...column.because,
      `${names.join(' and ')} refer to ${from.table}, which becomes ${parent.target}`,
      ...lostWords(reference),
    ];
    const other = joined.get(column.target);
    if (other === undefined)
      return { ...column, because, open: [...column.open, ...(orphans > 0 && joined.size === 0 ? ['who refers to nothing waits'] : [])] };
    const [key, described] = [columnOf(from, other.column), target.columns.find(({ name }) => name === column.target)];
    const value = (key && described && convertInto(key, described))?.value ?? column.value;
    return { ...column, sources: [other], value, because, open: [...column.open, 'who refers to nothing refers to nobody then'] };
  });
  const key = from.described.key.flatMap((column) => {
    const one = by.get(column);
    return one === undefined ? [] : [joined.get(one.target) ?? one.source];
  });
  return {
    ...rule,
    columns,
    joins: joined.size === 0 ? rule.joins : [...rule.joins, join],
    requires: [...rule.requires, { parent: parent.target, key }],
  };
}
