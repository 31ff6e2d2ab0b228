import type { Condition, Expression, TableRule } from '@changeover/mapping';

/**
 * What of a rule decides which unique values a row wants: whether it is accepted, whether anything holds it back, and the values. Columns that can do
 * neither are left out, and joins that only they read: some converters take longer than all else, and every row is gone through for this.
 */
export function claimingRule(rule: TableRule): TableRule {
  const needed = new Set([...rule.key, ...(rule.required ?? []), ...(rule.unique ?? []).flatMap(({ columns }) => columns)]);
  const columns = Object.fromEntries(Object.entries(rule.columns).filter(([name, value]) => needed.has(name) || canHold(value)));
  const read = new Set(Object.values(columns).flatMap(aliasesOf));
  if (rule.where !== undefined) for (const alias of aliasesIn(rule.where)) read.add(alias);
  // A join may look up what a join before it found.
  const joins = (rule.joins ?? []).toReversed().filter(({ as, on }) => {
    if (!read.has(as)) return false;
    for (const alias of Object.values(on).flatMap(aliasesOf)) read.add(alias);
    return true;
  });
  return { ...rule, columns, joins: joins.toReversed(), requires: [] };
}

function canHold(value: Expression): boolean {
  if ('convert' in value) return value.invalid === 'held' || canHold(value.input);
  return inputsOf(value).some(canHold);
}

function aliasesOf(value: Expression): readonly string[] {
  if ('column' in value) return value.of === undefined ? [] : [value.of];
  if ('convert' in value) return aliasesOf(value.input);
  return inputsOf(value).flatMap(aliasesOf);
}

function inputsOf(value: Expression): readonly Expression[] {
  if ('first' in value) return value.first;
  return 'concat' in value ? value.concat : [];
}

function aliasesIn(condition: Condition): readonly string[] {
  if ('is' in condition) return aliasesOf(condition.is);
  if ('not' in condition) return aliasesIn(condition.not);
  return ('all' in condition ? condition.all : condition.any).flatMap(aliasesIn);
}
