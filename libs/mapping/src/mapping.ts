import { ChangeoverError, invariant } from '@changeover/core';
import { z } from 'zod';

const name = z.string().min(1).max(63);
const qualified = z.string().regex(/^[^.]+\..+$/u, 'must be of the form schema.table; the first dot separates the two');

const tableRule = z
  .strictObject({
    to: qualified.optional().describe('The target table, as schema.table. Default: the same name.'),
    columns: z.record(name, name).optional().describe('Source column to target column, for those whose names differ.'),
  })
  .readonly();

const mappingSchema = z
  .strictObject({
    tables: z
      .record(qualified, tableRule)
      .default({})
      .describe('Rules by source table. A table without a rule passes through under its own names.'),
  })
  .readonly();

/** What a mapping file gives. */
export type MappingInput = z.input<typeof mappingSchema>;

/** A mapping as plain data: hashed, told by `mapping-activated`, compiled by the pipeline. */
export type Mapping = z.output<typeof mappingSchema>;

/** Types and completes a mapping in its file: `export default defineMapping({ … })`. */
export function defineMapping(input: MappingInput): MappingInput {
  return input;
}

/** The mapping that passes everything through under its own names. */
export const IDENTITY: Mapping = { tables: {} };

/** Checks what a mapping file gave. MAPPING_INVALID names each problem with its place. */
export function parseMapping(input: unknown): Mapping {
  const parsed = mappingSchema.safeParse(input);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => {
      // Of a key, zod says in the issue itself only that it is wrong.
      const words = issue.code === 'invalid_key' ? issue.issues.map(({ message }) => message).join(', ') : issue.message;
      return `${issue.path.join('.') || 'mapping'}: ${words}`;
    });
    throw new ChangeoverError('MAPPING_INVALID', `the mapping has ${String(problems.length)} problem(s): ${problems.join('; ')}`);
  }
  const { tables } = parsed.data;
  const sources = new Map<string, string>();
  for (const [source, rule] of Object.entries(tables)) {
    const target = rule.to ?? source;
    const other = sources.get(target);
    if (other !== undefined) throw new ChangeoverError('MAPPING_INVALID', `${other} and ${source} both go to ${target}`);
    sources.set(target, source);
    const targets = Object.values(rule.columns ?? {});
    const twice = targets.find((column, index) => targets.indexOf(column) !== index);
    if (twice !== undefined) throw new ChangeoverError('MAPPING_INVALID', `two columns of ${source} go to ${target}.${twice}`);
  }
  return parsed.data;
}

/** The same mapping in one order of keys, which its hash is taken of. */
export function canonicalMapping(mapping: Mapping): string {
  const sorted = <T>(record: Readonly<Record<string, T>>, value: (item: T) => unknown): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(record)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, item]) => [key, value(item)]),
    );
  return JSON.stringify({
    tables: sorted(mapping.tables, (rule) => ({ to: rule.to ?? null, columns: sorted(rule.columns ?? {}, (column) => column) })),
  });
}

/** `schema.table` in its two halves: a table may have dots in its name, a schema may not. */
export function splitQualified(qualifiedName: string): readonly [schema: string, table: string] {
  const dot = qualifiedName.indexOf('.');
  invariant(dot > 0, `${qualifiedName} is not schema.table`);
  return [qualifiedName.slice(0, dot), qualifiedName.slice(dot + 1)];
}
