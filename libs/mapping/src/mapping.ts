import { invariant } from '@changeover/core';
import { z } from 'zod';

import { ruleIssues } from './check-rules.js';
import type { Converters } from './compiled-rule.js';
import { plainData, sortedKeys } from './plain-data.js';
import { invalidMapping, type MappingIssue } from './problems.js';
import { isReference, referenceName, referencesRead, referredTable } from './reference.js';
import { name, qualified, rule } from './rule-schema.js';
import { MERGED, type JoinRule, type MergeRule, type Order, type TableRule } from './rule.js';

const passed = z
  .strictObject({
    to: qualified.optional().describe('The target table, as schema.table. Default: the same name.'),
    columns: z.record(name, name).optional().describe('Source column to target column, for those whose names differ.'),
  })
  .readonly();

const mappingSchema = z
  .strictObject({
    tables: z
      .record(qualified, passed)
      .default({})
      .describe(
        'Tables whose rows pass through as they are, by source table. Without `rules` a table that is not named here passes through under its own names; with `rules` it does not.',
      ),
    rules: z.array(rule).readonly().default([]).describe('How the rows of target tables come from rows of the source.'),
  })
  .readonly();

/** What a mapping file gives. */
export type MappingInput = Omit<z.input<typeof mappingSchema>, 'rules'> & { readonly rules?: readonly TableRule[] | undefined };

/** A mapping as plain data: hashed, told by `mapping-activated`, compiled by the pipeline. */
export type Mapping = z.output<typeof mappingSchema>;

/** Types and completes a mapping in its file: `export default defineMapping({ … })`. */
export function defineMapping(input: MappingInput): MappingInput {
  return input;
}

/** The mapping that passes everything through under its own names. */
export const IDENTITY: Mapping = { tables: {}, rules: [] };

/**
 * Checks what a mapping file gave; with `converters` the options of those that it names too. MAPPING_INVALID names each problem with its
 * place. The result is in its one form: keys in order (so the columns of a target are in the order of their names), defaults left out.
 */
export function parseMapping(input: unknown, converters?: Converters): Mapping {
  const { data, issues } = plainData(input);
  if (issues.length > 0) throw invalidMapping(issues, data);
  const parsed = mappingSchema.safeParse(data);
  if (!parsed.success) {
    const shapes = parsed.error.issues.map((issue) => ({
      path: issue.path,
      // Of a key, zod says in the issue itself only that it is wrong.
      message: issue.code === 'invalid_key' ? issue.issues.map(({ message }) => message).join(', ') : issue.message,
    }));
    throw invalidMapping(shapes, data);
  }
  const mapping = parsed.data;
  const problems = [...ruleIssues(mapping.rules, { converters }), ...madeTwice(mapping), ...madeAndReferred(mapping)];
  if (problems.length > 0) throw invalidMapping(problems, data);
  return { tables: mapping.tables, rules: mapping.rules.map(oneForm) };
}

/** Tables and columns of the target that more than one thing goes to: their rows would overwrite each other. */
function madeTwice({ tables, rules }: Mapping): readonly MappingIssue[] {
  const issues: MappingIssue[] = [];
  const makers = new Map<string, string>();
  const made = (target: string, maker: string, path: readonly PropertyKey[]): void => {
    const other = makers.get(target);
    if (other !== undefined) issues.push({ path, message: `${other} and ${maker} both go to ${target}` });
    else makers.set(target, maker);
  };
  for (const [source, { to = source, columns = {} }] of Object.entries(tables)) {
    made(to, source, ['tables', source]);
    const targets = Object.values(columns);
    const twice = targets.find((column, index) => targets.indexOf(column) !== index);
    if (twice !== undefined) {
      issues.push({ path: ['tables', source, 'columns'], message: `two columns of ${source} go to ${to}.${twice}` });
    }
  }
  const firstOf = new Map<string, TableRule>();
  for (const [index, rule] of rules.entries()) {
    const { target, source, name: own } = rule;
    const first = firstOf.get(target);
    if (first === undefined || own === undefined || first.name === undefined)
      made(target, `the rule for ${source}`, ['rules', index, 'target']);
    else {
      const same = rules.findIndex((other) => other.target === target && other.name === own);
      if (same !== index) issues.push({ path: ['rules', index, 'name'], message: `${own} is the name of another rule for ${target} too` });
      const merges = first.merge !== undefined || rule.merge !== undefined;
      for (const part of merges ? SHARED_BY_MERGED : SHARED) {
        if (sharedPart(first, part) === sharedPart(rule, part)) continue;
        issues.push({ path: ['rules', index, part], message: `must be those of the rule ${first.name}, which makes ${target} too` });
      }
    }
    if (first === undefined) firstOf.set(target, rule);
    if (rule.merge !== undefined && (own === undefined || own === MERGED))
      issues.push({ path: ['rules', index, 'name'], message: `must be there, and not be ${MERGED}, as rows of ${target} are merged` });
  }
  return issues;
}

/** What a mapping writes itself it cannot look up as it was read one day. Nor is a row of the target one that rows are made of. */
function madeAndReferred({ tables, rules }: Mapping): readonly MappingIssue[] {
  const made = new Set([...rules.map(({ target }) => target), ...Object.entries(tables).map(([source, { to = source }]) => to)]);
  const referred = referencesRead({ rules });
  const read = (name: string): boolean => referred.has(referenceName(name));
  return [
    ...[...made]
      .filter(read)
      .map((table) => ({ path: ['rules'], message: `${table} is written by the mapping, so its rows cannot be looked up at the target` })),
    ...rules.flatMap(({ source }, index) =>
      isReference(source)
        ? [
            {
              path: ['rules', index, 'source'],
              message: `rows are made of the source's, not of ${referredTable(source)}, which is of the target`,
            },
          ]
        : [],
    ),
  ];
}

const SHARED = ['columns', 'key', 'unique'] as const;
const SHARED_BY_MERGED = [...SHARED, 'merge', 'required', 'validate', 'whileHeld'] as const;

/** What is the same in all rules for one target: the names of the columns, the key, which values are unique; where rows are merged, all that is asked of a merged row. */
function sharedPart(rule: TableRule, part: (typeof SHARED_BY_MERGED)[number]): string {
  const { columns, key, required = [], unique = [], merge, validate = [], whileHeld = 'last' } = rule;
  switch (part) {
    case 'columns':
      return JSON.stringify(Object.keys(columns).sort());
    case 'key':
      return JSON.stringify(key);
    case 'unique':
      return JSON.stringify(unique.map((one) => [one.columns, one.otherwise, sortedKeys(one.where ?? null)]));
    case 'merge':
      return JSON.stringify(merge === undefined ? null : sortedKeys({ ...mergeForm(merge), by: null, order: null }));
    case 'required':
      return JSON.stringify(required.toSorted());
    case 'validate':
      return JSON.stringify(validate.map(sortedKeys));
    case 'whileHeld':
      return whileHeld;
  }
}

/** The same mapping in one form, which its hash is taken of: neither the order of keys nor a default that is written out makes another. */
export function canonicalMapping(mapping: Mapping): string {
  const tables = Object.fromEntries(
    Object.entries(mapping.tables).map(([source, { to, columns }]) => [source, { to: to ?? null, columns: columns ?? {} }]),
  );
  const rules = mapping.rules.map(oneForm);
  // Without rules as it was before there were any: a migration that has begun keeps its hash.
  return JSON.stringify({ tables: canonical(tables), ...(rules.length > 0 && { rules }) });
}

function canonical(tables: Readonly<Record<string, { readonly to: string | null; readonly columns: object }>>): unknown {
  return Object.fromEntries(
    Object.entries(tables)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([source, { to, columns }]) => [source, { to, columns: sortedKeys(columns) }]),
  );
}

/**
 * Of all that can be written in several ways the shortest, keys sorted. The order of a target's columns is that of their names, for what
 * goes through a database as JSON comes back in another one.
 */
function oneForm({
  joins = [],
  required = [],
  requires = [],
  unique = [],
  merge,
  validate = [],
  whileHeld,
  ...rule
}: TableRule): TableRule {
  return sortedKeys({
    ...rule,
    ...some('joins', joins.map(joinForm)),
    ...some('required', required),
    ...some('requires', requires),
    ...some('unique', unique.map(withOrder)),
    ...(merge !== undefined && { merge: mergeForm(merge) }),
    ...some('validate', validate),
    ...(whileHeld === 'none' && { whileHeld }),
  }) as TableRule;
}

function joinForm({ all, ...join }: JoinRule): object {
  if (all === undefined) return withOrder(join);
  const { joins = [], ...made } = all;
  return { ...withOrder(join), all: { ...made, ...some('joins', joins.map(withOrder)) } };
}

function mergeForm({ columns = {}, ...merge }: MergeRule): object {
  const others = Object.entries(columns).filter(([, survivor]) => survivor !== 'first');
  return { ...withOrder(merge), ...(others.length > 0 && { columns: Object.fromEntries(others) }) };
}

function withOrder({ order = [], ...rest }: { readonly order?: Order }): object {
  const short = order.map(({ column, descending }) => (descending === true ? { column, descending } : { column }));
  return { ...rest, ...some('order', short) };
}

function some(key: string, list: readonly unknown[]): object {
  return list.length === 0 ? {} : { [key]: list };
}

/** `schema.table` in its two halves: a table may have dots in its name, a schema may not. */
export function splitQualified(qualifiedName: string): readonly [schema: string, table: string] {
  const dot = qualifiedName.indexOf('.');
  invariant(dot > 0, `${qualifiedName} is not schema.table`);
  return [qualifiedName.slice(0, dot), qualifiedName.slice(dot + 1)];
}
