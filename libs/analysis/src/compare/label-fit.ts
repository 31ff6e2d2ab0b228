import { likeness, wordsOf } from '../names/words.js';
import { sumOf, type ColumnProfile } from '../profile/column-profile.js';

/** For each spelling the label that it means; null: none. */
export type LabelFit = { readonly values: Readonly<Record<string, string | null>>; readonly share: number };

const ALIKE = 0.45;

/**
 * The labels of an enum that a column's spellings mean. Spellings that differ in case and space alone are told once. Null where the column has too many
 * different values to be one of a few.
 */
export function fitLabels({ values, labels: own, blank }: ColumnProfile, labels: readonly string[]): LabelFit | null {
  if (!values.areAll) return null;
  const spelled = values.frequent.filter(({ value }) => value.trim() !== '');
  const folded = new Map<string, { readonly value: string; rows: number }>();
  for (const { value, rows } of spelled) {
    const key = own === null ? foldSpelling(value) : value;
    const known = folded.get(key);
    if (known === undefined) folded.set(key, { value: key, rows });
    else known.rows += rows;
  }
  for (const label of own ?? []) if (!folded.has(label)) folded.set(label, { value: label, rows: 0 });
  const fitting = [...folded.values()].map(({ value, rows }) => ({ value, rows, label: labelOf(value, labels) }));
  const total = sumOf(fitting);
  return {
    // Of blank text nobody has to decide what it means.
    values: Object.fromEntries([
      ...fitting.map(({ value, label }) => [value, label] as const),
      ...(blank > 0 && own === null ? [['', null] as const] : []),
    ]),
    share: total === 0 ? 0 : sumOf(fitting.filter(({ label }) => label !== null)) / total,
  };
}

/** As the cleaner `enum` compares with `ignoreCase` and `ignoreSpace`. */
export function foldSpelling(value: string): string {
  return value.trim().replace(/\s+/gu, ' ').toLowerCase();
}

function labelOf(value: string, labels: readonly string[]): string | null {
  const words = wordsOf(value);
  const rated = labels
    .map((label) => ({ label, rating: foldSpelling(label) === foldSpelling(value) ? 2 : likeness(words, wordsOf(label)) }))
    .filter(({ rating }) => rating >= ALIKE)
    .sort((one, other) => other.rating - one.rating);
  const [first, second] = rated;
  return first === undefined || second?.rating === first.rating ? null : first.label;
}
