import {
  aliasesIn,
  aliasesOf,
  columnsCompared,
  columnsValidated,
  inputsOf,
  isKeyOf,
  joinsRead,
  type Expression,
  type TableRule,
} from '@changeover/mapping';

/**
 * What of a rule decides which unique values a row wants: whether it is accepted, whether anything holds it back, and the values. Columns that can do
 * neither are left out, and joins that only they read: some converters take longer than all else, and every row is gone through for this.
 */
export function claimingRule(rule: TableRule): TableRule {
  // What only notes decides nothing; a value that is fixed may be what another rule looks at.
  const validate = (rule.validate ?? []).filter(({ severity }) => severity !== 'warn');
  const unique = (rule.unique ?? []).flatMap(({ columns, where }) => [...columns, ...(where === undefined ? [] : columnsCompared(where))]);
  const needed = new Set([...rule.key, ...(rule.required ?? []), ...unique, ...validate.flatMap(columnsValidated)]);
  const columns = Object.fromEntries(Object.entries(rule.columns).filter(([name, value]) => needed.has(name) || canHold(value)));
  const joins = rule.joins ?? [];
  const read = [
    ...Object.values(columns).flatMap(aliasesOf),
    ...(rule.where === undefined ? [] : aliasesIn(rule.where)),
    ...(rule.merge === undefined ? [] : aliasesOf(rule.merge.by)),
  ];
  // Too many rows hold a row, whoever reads what is made of them.
  const holding = joins.filter(({ all }) => all !== undefined).map(({ as }) => as);
  const merge = rule.merge && { ...rule.merge, columns: pickedFrom(rule.merge.columns ?? {}, columns) };
  // Only what a column says whose key it has is still named.
  const requires = (rule.requires ?? []).filter((one) => Object.values(columns).some((value) => 'keyOf' in value && isKeyOf(value, one)));
  return { ...rule, columns, joins: joinsRead(joins, [...read, ...holding]), requires, ...(merge && { merge }), validate };
}

function pickedFrom<Value>(values: Readonly<Record<string, Value>>, names: object): Readonly<Record<string, Value>> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => Object.hasOwn(names, name)));
}

function canHold(value: Expression): boolean {
  return ('invalid' in value && value.invalid === 'held') || inputsOf(value).some(canHold);
}
