import type { CompiledRule } from './compiled-rule.js';
import { sortedKeys } from './plain-data.js';
import type { Expression, ParentRule } from './rule.js';

/** A row of the target, named by the source row that makes it, or is merged into it; and the column of its key that is asked for. */
export type KeyOf = {
  readonly parent: string;
  readonly rule: string | null;
  readonly column: string;
  readonly key: readonly string[];
};

/** Whether the row whose key is asked for is the one that a rule requires. */
export function isKeyOf({ keyOf: parent, rule, key }: Extract<Expression, { readonly keyOf: string }>, required: ParentRule): boolean {
  return JSON.stringify(sortedKeys({ parent, rule, key })) === JSON.stringify(sortedKeys(required));
}

/** What a column holds of which nobody knows the value before the row that it refers to stands. */
export function keyOfText({ parent, rule, column }: Omit<CompiledRule['keysOf'][number], 'place'>, key: readonly string[]): string {
  return JSON.stringify([parent, rule, column, ...key]);
}

/** Null: the text is none of {@link keyOfText}. */
export function readKeyOf(text: string): KeyOf | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!Array.isArray(value)) return null;
  const [parent, rule, column, ...key] = value as unknown[];
  const isWhole = typeof parent === 'string' && (rule === null || typeof rule === 'string') && typeof column === 'string';
  if (!isWhole || key.length === 0 || !key.every((one) => typeof one === 'string')) return null;
  return { parent, rule, column, key };
}
