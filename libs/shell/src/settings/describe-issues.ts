import type { z } from 'zod';

import { knownKeys } from './describe-schema.js';
import type { Problem } from './environment.js';
import { nearest } from './nearest.js';

/** What zod found, in words for people, without any value of the file. */
export function describeIssues(schema: z.ZodType, error: z.ZodError, value: unknown): readonly Problem[] {
  return error.issues.flatMap((issue): Problem[] => {
    const path = issue.path.map(String);
    if (issue.code === 'unrecognized_keys') {
      const known = knownKeys(schema, issue.path, value);
      return issue.keys.map((key) => ({ path: [...path, key].join('.'), words: unknownWords(key, known) }));
    }
    if (valueAt(value, path) === undefined) return [{ path: path.join('.'), words: 'is missing' }];
    return [{ path: path.join('.') || 'the file', words: issue.message }];
  });
}

function unknownWords(key: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  return meant === null ? `is not an option here; there are ${known.join(', ')}` : `is not an option here; did you mean ${meant}?`;
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (node, key) => (typeof node === 'object' && node !== null ? (node as Readonly<Record<string, unknown>>)[key] : undefined),
    value,
  );
}
