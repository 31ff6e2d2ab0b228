import { aliasesIn, aliasesOf, joinsRead, sequencesOf, type TableRule } from '@changeover/mapping';

/** What of a rule mentions texts that are given numbers, and which rows it makes; null: nothing of it does. */
export function numberingRule({ source, target, key, where, joins = [], ...rule }: TableRule): TableRule | null {
  const numbered = Object.entries(rule.columns).filter(([, value]) => sequencesOf(value).length > 0);
  if (numbered.length === 0) return null;
  const named = Object.entries(rule.columns).filter(([name]) => key.includes(name));
  const columns = Object.fromEntries([...named, ...numbered]);
  const read = [...Object.values(columns).flatMap(aliasesOf), ...(where === undefined ? [] : aliasesIn(where))];
  return { source, target, key, columns, joins: joinsRead(joins, read), ...(where && { where }) };
}
