import type { Condition, Expression, JoinRule } from './rule.js';

/** The expressions that an expression is made of, not those within these. */
export function inputsOf(value: Expression): readonly Expression[] {
  if ('input' in value) return [value.input];
  if ('first' in value) return value.first;
  return 'concat' in value ? value.concat : [];
}

/** The joins whose rows an expression reads; of the driving row nothing is said. */
export function aliasesOf(value: Expression): readonly string[] {
  if ('column' in value) return value.of === undefined ? [] : [value.of];
  return inputsOf(value).flatMap(aliasesOf);
}

/** The joins whose rows a condition reads. */
export function aliasesIn(condition: Condition): readonly string[] {
  if ('is' in condition) return aliasesOf(condition.is);
  if ('not' in condition) return aliasesIn(condition.not);
  return ('all' in condition ? condition.all : condition.any).flatMap(aliasesIn);
}

/** Of these joins, in their order, those that are read, or that another of them looks up what it needs from. */
export function joinsRead(joins: readonly JoinRule[], aliases: Iterable<string>): readonly JoinRule[] {
  const read = new Set(aliases);
  // From the last on, for a join may look up what a join before it found.
  return joins
    .toReversed()
    .filter(({ as, on }) => {
      if (!read.has(as)) return false;
      for (const alias of Object.values(on).flatMap(aliasesOf)) read.add(alias);
      return true;
    })
    .reverse();
}
