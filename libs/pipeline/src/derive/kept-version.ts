import type { Row, TableRule } from '@changeover/mapping';

import type { DerivationPlan, PlannedRule } from './derivation-plan.js';
import type { Claim, DerivedEntry, Version } from './derived-entry.js';
import { referredRow } from './referred-row.js';
import { valuesText } from './source-mirror.js';

/** The version of a held row that stands at the target. */
export type KeptVersion = { readonly rule: PlannedRule; readonly key: string; readonly version: Version };
export type NothingKept = Omit<KeptVersion, 'version'> & { readonly version: null };

/** As it is written down: parents by their rule's label, as its number may be another one day. */
type Written = {
  readonly values: Row;
  readonly parents: readonly (readonly [label: string, key: string])[];
  readonly claims: readonly (Claim | null)[];
};

/** What stands at the target, with what it has there; null where nothing does. */
export function lastGood({ before, rule }: { readonly before: DerivedEntry; readonly rule: PlannedRule }): Version | null {
  const { written, version } = before;
  if (written === null || version === null) return null;
  const claims = version.claims.map((claim, index) => {
    const columns = rule.uniques[index]?.columns ?? [];
    return claim !== null && valuesText(written, columns) === claim.values ? claim : null;
  });
  const named = new Set(rule.compiled.keysOf.map(({ place }) => place));
  // Whose key it has it still has, whatever that becomes.
  const values =
    named.size === 0 ? written : written.map((value, column) => (named.has(column) ? (version.values[column] ?? null) : value));
  // What is noted of a version goes with the row being held.
  return { values, parents: version.parents, claims, notes: [] };
}

/**
 * Whether a version of a row that these rules made may stand while the row is held under the others: they have the same columns, and stand on and want the same. One rule each,
 * but of a merged row all that its rows are made by.
 */
export function keepsVersions(some: readonly TableRule[], others: readonly TableRule[]): boolean {
  const shape = ({ source, columns, key, unique = [], requires = [] }: TableRule): unknown => [
    source,
    // What has the key of another row says in the version whose.
    Object.entries(columns).map(([column, value]) => ('keyOf' in value ? [column, value] : column)),
    key,
    unique,
    requires,
  ];
  return JSON.stringify(some.map(shape)) === JSON.stringify(others.map(shape));
}

/** The rules of a mapping that make the rows of one of a plan. */
export function makersOf(rule: PlannedRule, rules: readonly TableRule[]): readonly TableRule[] {
  return (rule.mergedOf ?? [rule]).map(({ number }) => rules[number] as TableRule);
}

export function keptVersionText(plan: DerivationPlan, { values, parents, claims }: Version): string {
  const named = parents.map(({ rule, key }) => [plan.rule(rule).label, key] as const);
  return JSON.stringify({ values, parents: named, claims } satisfies Written);
}

/** Null where the text is not one of {@link keptVersionText}, or does not fit the rule: it has been where others can write. */
export function readKeptVersion(plan: DerivationPlan, rule: PlannedRule, text: string): Version | null {
  const written = parsed(text);
  if (written?.values.length !== rule.compiled.columns.length || written.claims.length !== rule.uniques.length) return null;
  const parents = written.parents.map(([label, key]) => ({ rule: plan.labelled(label)?.number ?? -1, key }));
  const isNeeded = (reference: string): boolean => {
    const referred = referredRow(plan, reference);
    return referred !== null && parents.some((parent) => parent.rule === referred.rule && parent.key === referred.key);
  };
  const references = rule.compiled.keysOf.map(({ place }) => written.values[place] ?? null);
  const fits = references.every((reference) => reference === null || isNeeded(reference));
  if (!fits || parents.some(({ rule: parent }) => parent === -1)) return null;
  return { values: written.values, parents, claims: written.claims, notes: [] };
}

function parsed(text: string): Written | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { values, parents, claims } = value as Partial<Record<keyof Written, unknown>>;
  return isListOf(values, isText) && isListOf(parents, isPair) && isListOf(claims, isClaim)
    ? { values: values as Row, parents: parents as Written['parents'], claims: claims as Written['claims'] }
    : null;
}

function isListOf(value: unknown, is: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(is);
}

function isText(value: unknown): boolean {
  return value === null || typeof value === 'string';
}

function isPair(value: unknown): boolean {
  return isListOf(value, (item) => typeof item === 'string') && (value as unknown[]).length === 2;
}

function isClaim(value: unknown): boolean {
  if (value === null) return true;
  const { values, order } = value as Partial<Record<keyof Claim, unknown>>;
  return typeof value === 'object' && typeof values === 'string' && typeof order === 'string';
}
