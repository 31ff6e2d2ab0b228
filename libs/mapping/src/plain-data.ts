import type { MappingIssue } from './problems.js';

/** Deeper than any rule that somebody has written; what refers to itself is deeper. */
const DEEPEST = 100;

/**
 * A copy of what a file gave that has nothing but what JSON has, so that it means the same wherever the log is read: no functions, no
 * classes, no undefined, no names that JavaScript gives a meaning, no characters that a database cannot keep.
 */
export function plainData(input: unknown): { readonly data: unknown; readonly issues: readonly MappingIssue[] } {
  const issues: MappingIssue[] = [];
  return { data: copied(input, [], issues), issues };
}

function copied(value: unknown, path: readonly PropertyKey[], issues: MappingIssue[]): unknown {
  const wrong = (message: string): unknown => issues.push({ path, message });
  if (path.length > DEEPEST) return wrong('is nested too deep');
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'string') return isStorable(value) ? value : wrong('holds a character that a database cannot keep');
  if (typeof value === 'number') return Number.isFinite(value) ? value : wrong('is no number that JSON has');
  if (typeof value !== 'object') return wrong(`is no plain data (${typeof value})`);
  if (Array.isArray(value)) return Array.from(value, (item: unknown, index) => copied(item, [...path, index], issues));
  if (!isPlain(value)) return wrong('is no plain data (an object of a class)');
  const entries = Object.entries(value).flatMap(([name, item]: [string, unknown]) => {
    // As if it were not there: `where: condition` with a condition that is undefined.
    if (item === undefined) return [];
    if (name === '__proto__') issues.push({ path: [...path, name], message: 'is a name that JavaScript gives a meaning' });
    if (!isStorable(name)) issues.push({ path: [...path, name], message: 'holds a character that a database cannot keep' });
    return name === '__proto__' ? [] : [[name, copied(item, [...path, name], issues)] as const];
  });
  return Object.fromEntries(entries);
}

/** Of whatever realm. `{ __proto__: … }` in a file has another object between. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf'));
}

/** What PostgreSQL's jsonb takes. */
function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}

/** The same with the keys of every object in one order. */
export function sortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedKeys);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, item]) => [name, sortedKeys(item)]));
}
