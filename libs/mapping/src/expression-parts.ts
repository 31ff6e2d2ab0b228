import type { Comparison, Condition, Expression, JoinRule, Sequence, TableRule, ValidationRule } from './rule.js';

/** The expressions that an expression is made of, not those within these. */
export function inputsOf(value: Expression): readonly Expression[] {
  if ('input' in value) return [value.input];
  if ('first' in value) return value.first;
  if ('concat' in value) return value.concat;
  if ('object' in value) return Object.values(value.object);
  if ('array' in value) return value.array;
  if ('custom' in value) return value.inputs;
  if ('keyOf' in value) return value.key;
  if (!('when' in value)) return [];
  const otherwise = value.otherwise === undefined ? [] : [value.otherwise];
  return [...value.when.flatMap((one) => [...expressionsIn(one.if), one.then]), ...otherwise];
}

/** What a condition looks at. */
function expressionsIn(condition: Condition): readonly Expression[] {
  if ('is' in condition) return [condition.is];
  if ('not' in condition) return expressionsIn(condition.not);
  return ('all' in condition ? condition.all : condition.any).flatMap(expressionsIn);
}

/** The sequences that an expression takes numbers from: one for each time. */
export function sequencesOf(value: Expression): readonly Sequence[] {
  const own = 'allocated' in value ? [{ name: value.allocated, start: value.start, step: value.step }] : [];
  return [...own, ...inputsOf(value).flatMap(sequencesOf)];
}

/** Those of a rule, as often as they are named. */
export function sequencesIn({ columns }: Pick<TableRule, 'columns'>): readonly Sequence[] {
  return Object.values(columns).flatMap(sequencesOf);
}

/** The joins whose rows an expression reads; of the driving row nothing is said. */
export function aliasesOf(value: Expression): readonly string[] {
  if ('column' in value) return value.of === undefined ? [] : [value.of];
  return inputsOf(value).flatMap(aliasesOf);
}

/** The joins whose rows a condition reads. */
export function aliasesIn(condition: Condition): readonly string[] {
  return expressionsIn(condition).flatMap(aliasesOf);
}

/** The columns of the target's row that a validation rule looks at, its own first. */
export function columnsValidated(rule: ValidationRule): readonly string[] {
  return [rule.column, ...('check' in rule ? columnsCompared(rule.check) : [])];
}

/** The columns of the target's row that a comparison looks at. */
export function columnsCompared(comparison: Comparison): readonly string[] {
  if ('compare' in comparison) return [comparison.left, comparison.right];
  if ('value' in comparison) return [comparison.value];
  if ('not' in comparison) return columnsCompared(comparison.not);
  return ('all' in comparison ? comparison.all : comparison.any).flatMap(columnsCompared);
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
