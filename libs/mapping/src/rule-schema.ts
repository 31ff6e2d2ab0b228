import { z } from 'zod';

import type {
  Aggregate,
  Comparison,
  Condition,
  Expression,
  JoinRule,
  Json,
  MergeRule,
  Order,
  ParentRule,
  Survivor,
  TableRule,
  UniqueRule,
  ValidationRule,
} from './rule.js';

/** Of a column, or of a join: PostgreSQL has no longer ones. */
export const name = z.string().min(1).max(63);
export const qualified = z.string().regex(/^[^.]+\..+$/u, 'must be of the form schema.table; the first dot separates the two');

/** It stands before a colon in the list of held rows. */
const ruleName = z.string().regex(/^[a-z][a-z0-9_-]{0,62}$/u, 'must be a letter, then letters, digits, _ or -, all lower case');

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/u;

const text = z.string().nullable();
// What is in it was looked at before: it is plain data.
const json = z.unknown() as z.ZodType<Json>;
const invalid = z.enum(['held', 'empty']);
const arrayText = z.enum(['json', 'postgres']);
/** It stands in the reasons why rows are held. */
const functionName = z.string().regex(/^[A-Za-z_$][\w$]{0,62}$/u, 'must be a name as JavaScript has them');
const someExpressions = z.lazy(() => z.array(expression).min(1));

/** Which of them it is shows the one key that only this one has. A plain union would say of a slip in one that none of them fits. */
function byKey<T>(kinds: Readonly<Record<string, z.ZodType>>): z.ZodType<T> {
  const names = Object.keys(kinds);
  return z.unknown().check((context) => {
    const { value } = context;
    const found = typeof value === 'object' && value !== null ? names.find((key) => Object.hasOwn(value, key)) : undefined;
    const parsed = found === undefined ? undefined : kinds[found]?.safeParse(value);
    if (parsed === undefined) {
      context.issues.push({ code: 'custom', input: value, message: `must be an object with one of ${names.join(', ')}` });
    } else if (!parsed.success) {
      context.issues.push(...parsed.error.issues.map(({ path, message }) => ({ code: 'custom' as const, input: value, path, message })));
    }
  }) as unknown as z.ZodType<T>;
}

const expression: z.ZodType<Expression> = z.lazy(() => EXPRESSION);
const EXPRESSION = byKey<Expression>({
  column: z.strictObject({ column: name, of: name.optional() }),
  constant: z.strictObject({ constant: text }),
  convert: z.strictObject({
    convert: z.string().min(1),
    options: json.optional(),
    input: expression,
    invalid,
  }),
  first: z.strictObject({ first: someExpressions }),
  concat: z.strictObject({ concat: someExpressions, separator: z.string() }),
  uuid: z.strictObject({ uuid: z.string().regex(UUID, 'must be a UUID in lower case'), input: expression }),
  stride: z.strictObject({ stride: z.int().refine((by) => by !== 0, 'must not be 0'), offset: z.int(), input: expression, invalid }),
  allocated: z.strictObject({
    allocated: z.string().regex(/^[a-z][a-z0-9_.-]{0,62}$/u, 'must be a letter, then letters, digits, _, . or -, all lower case'),
    start: z.int(),
    step: z.int().min(1),
    input: expression,
  }),
  split: z.strictObject({
    split: z.string().min(1),
    part: z.int().refine((part) => part !== 0, 'counts from 1, or from -1 at the end'),
    input: expression,
  }),
  when: z.strictObject({
    when: z.lazy(() => z.array(z.strictObject({ if: condition, then: expression })).min(1)),
    otherwise: expression.optional(),
  }),
  field: z.strictObject({ field: z.array(z.union([z.string(), z.int().min(0)])).min(1), input: expression, invalid }),
  object: z.strictObject({ object: z.record(z.string(), expression) }),
  array: z.strictObject({ array: someExpressions, as: arrayText }),
  json: z.strictObject({ json: z.enum(['number', 'boolean', 'any']), input: expression, invalid }),
  custom: z.strictObject({
    custom: functionName,
    fn: z.string().min(1),
    inputs: someExpressions,
    invalid,
    inverse: z.strictObject({ fn: z.string().min(1), exact: z.boolean() }).optional(),
  }),
  keyOf: z.strictObject({ keyOf: qualified, rule: ruleName.optional(), keyColumn: name, key: someExpressions }),
});

const condition: z.ZodType<Condition> = z.lazy(() => CONDITION);
const someConditions = z.array(condition).min(1);
const CONDITION = byKey<Condition>({
  is: z.strictObject({ is: expression, in: z.array(text).min(1) }),
  not: z.strictObject({ not: condition }),
  all: z.strictObject({ all: someConditions }),
  any: z.strictObject({ any: someConditions }),
});

const order: z.ZodType<Order> = z.array(z.strictObject({ column: name, descending: z.boolean().optional() })) as z.ZodType<Order>;

const aggregate = byKey<Aggregate>({
  count: z.strictObject({ count: z.union([z.literal('rows'), expression]) }),
  sum: z.strictObject({ sum: expression }),
  min: z.strictObject({ min: expression }),
  max: z.strictObject({ max: expression }),
  latest: z.strictObject({ latest: expression, by: expression }),
  text: z.strictObject({ text: expression, separator: z.string() }),
  array: z.strictObject({ array: expression, as: arrayText }),
});

const toOne = {
  as: name,
  table: qualified,
  on: z.record(name, expression).refine((on) => Object.keys(on).length > 0, 'names no column'),
  where: condition.optional(),
  order: order.optional(),
};

const join = z.strictObject({
  ...toOne,
  all: z
    .strictObject({
      joins: z.array(z.strictObject(toOne)).optional(),
      columns: z.record(name, aggregate).refine((columns) => Object.keys(columns).length > 0, 'makes no column'),
      // All of them are in memory at once.
      atMost: z.int().min(1).max(10_000),
    })
    .optional(),
}) as z.ZodType<JoinRule>;

const parent = z.strictObject({ parent: qualified, rule: ruleName.optional(), key: z.array(expression).min(1) }) as z.ZodType<ParentRule>;

const comparedAs = z.enum(['number', 'date', 'text']);
const comparison: z.ZodType<Comparison> = z.lazy(() => COMPARISON);
const someComparisons = z.array(comparison).min(1);
const COMPARISON = byKey<Comparison>({
  compare: z.strictObject({ compare: comparedAs, left: name, is: z.enum(['<', '<=', '=', '<>', '>=', '>']), right: name }),
  value: z.strictObject({ value: name, in: z.array(text).min(1) }),
  not: z.strictObject({ not: comparison }),
  all: z.strictObject({ all: someComparisons }),
  any: z.strictObject({ any: someComparisons }),
});

const unique = z.strictObject({
  columns: z.array(name).min(1),
  where: comparison.optional(),
  order: order.optional(),
  otherwise: z.enum(['empty', 'held']),
}) as z.ZodType<UniqueRule>;

const validated = {
  // People read it in lists, and it names the rule's counts.
  name: z.string().regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,100}$/u, 'must be of 1 to 100 characters that can be seen'),
  column: name,
  severity: z.enum(['fix', 'warn', 'hold', 'stop']),
};

const validation = byKey<ValidationRule>({
  required: z
    .strictObject({ ...validated, required: z.literal(true), with: z.string().optional() })
    .refine((rule) => (rule.severity === 'fix') === (rule.with !== undefined), {
      path: ['with'],
      message: 'is what the severity fix writes instead of null: it has to be given there, and nowhere else',
    }),
  atMost: z.strictObject({ ...validated, atMost: z.int().min(1) }),
  range: z
    .strictObject({ ...validated, range: comparedAs, from: z.string().optional(), to: z.string().optional() })
    .refine(({ from, to }) => from !== undefined || to !== undefined, 'must say from where, or to where'),
  matches: z.strictObject({ ...validated, matches: z.string().min(1) }),
  rejects: z.strictObject({ ...validated, rejects: z.string().min(1) }),
  oneOf: z.strictObject({ ...validated, oneOf: z.array(z.string()).min(1) }),
  check: z.strictObject({ ...validated, check: comparison }),
});

const MERGED_AS_WORDS = ['first', 'last', 'longest', 'most-frequent'] as const;
const survivor: z.ZodType<Survivor> = z.union(
  [
    z.enum(MERGED_AS_WORDS),
    z.strictObject({ least: comparedAs }),
    z.strictObject({ greatest: comparedAs }),
    z.strictObject({ text: z.string() }),
    z.strictObject({ array: arrayText }),
  ],
  `must be one of ${MERGED_AS_WORDS.join(', ')}, or an object with one of least, greatest, text, array`,
);

const merge = z.strictObject({
  by: expression,
  order: order.optional(),
  columns: z.record(name, survivor).optional(),
  // All of them are in memory at once.
  atMost: z.int().min(2).max(1000),
}) as z.ZodType<MergeRule>;

/** The shape of a rule. What its parts say of each other is in check-rules.ts. */
export const rule = z.strictObject({
  source: qualified,
  target: qualified,
  name: ruleName.optional(),
  joins: z.array(join).optional(),
  where: condition.optional(),
  columns: z.record(name, expression).refine((columns) => Object.keys(columns).length > 0, 'makes no column'),
  key: z.array(name).min(1),
  required: z.array(name).optional(),
  requires: z.array(parent).optional(),
  unique: z.array(unique).optional(),
  merge: merge.optional(),
  validate: z.array(validation).optional(),
  whileHeld: z.enum(['last', 'none']).optional(),
}) as z.ZodType<TableRule>;
