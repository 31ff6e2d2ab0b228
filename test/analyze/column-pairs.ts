import type { Expression, TableRule } from '@changeover/mapping';

/** A column of the source and the one of the target that has something of it, as one text. */
export type ColumnPair = string;

/** All pairs of some rules. A column of a join that only says again what the join was made by counts as the column that it was made by. */
export function columnPairs(rules: readonly TableRule[]): ReadonlySet<ColumnPair> {
  return new Set(
    rules.flatMap((rule) =>
      Object.entries(rule.columns).flatMap(([target, value]) =>
        sourcesOf(value, rule).map((source) => `${source} → ${rule.target}.${target}`),
      ),
    ),
  );
}

function sourcesOf(value: Expression, rule: TableRule): readonly string[] {
  if ('column' in value) {
    const join = rule.joins?.find(({ as }) => as === value.of);
    if (join === undefined) return [`${rule.source}.${value.column}`];
    const by = join.on[value.column];
    return by === undefined ? [`${join.table}.${value.column}`] : sourcesOf(by, rule);
  }
  if ('convert' in value) return sourcesOf(value.input, rule);
  if ('first' in value) return value.first.flatMap((one) => sourcesOf(one, rule));
  if ('concat' in value) return value.concat.flatMap((one) => sourcesOf(one, rule));
  return [];
}

/** How much of what is right was found, and how much of what was found is right. */
export function agreement(
  found: ReadonlySet<ColumnPair>,
  right: ReadonlySet<ColumnPair>,
): { readonly recall: number; readonly precision: number } {
  const both = [...found].filter((pair) => right.has(pair)).length;
  return { recall: both / right.size, precision: found.size === 0 ? 0 : both / found.size };
}
