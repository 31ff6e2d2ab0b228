import type { Expression } from './rule.js';

type As = 'json' | 'postgres';

/** Writes what an expression gives into JSON: as it is, where it is JSON by its kind, else as a text. */
export function jsonWriter(value: Expression): (text: string) => string {
  return isJsonText(value) ? (text) => text : (text) => JSON.stringify(text);
}

/** Writes what an expression gives into an array. */
export function itemWriter(value: Expression, as: As): (text: string) => string {
  // Between quotes PostgreSQL takes an item of any type.
  return as === 'json' ? jsonWriter(value) : (text) => `"${text.replace(/["\\]/gu, '\\$&')}"`;
}

/** The array of items that are written. */
export function arrayText(items: readonly string[], as: As): string {
  return as === 'json' ? `[${items.join(', ')}]` : `{${items.join(',')}}`;
}

/** Of alternatives only if all of them are. */
function isJsonText(value: Expression): boolean {
  if ('first' in value) return value.first.every(isJsonText);
  if ('when' in value)
    return [...value.when.map(({ then }) => then), ...(value.otherwise === undefined ? [] : [value.otherwise])].every(isJsonText);
  return 'object' in value || 'json' in value || ('array' in value && value.as === 'json');
}
