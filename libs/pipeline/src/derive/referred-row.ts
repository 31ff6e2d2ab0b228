import { readKeyOf } from '@changeover/mapping';

import { labelOf, type DerivationPlan } from './derivation-plan.js';
import type { ParentRef, Version } from './derived-entry.js';
import { lineOfRow } from './row-text.js';
import { bounded } from './state-keys.js';

/** What the row that a reference names has in the column that is asked for, or the merged row that it is part of; null: there is no such row. `versionOf`: what is to stand. */
export function keyReferredTo(plan: DerivationPlan, text: string, versionOf: (row: ParentRef) => Version | null): string | null {
  const referred = referredRow(plan, text);
  if (referred === null) return null;
  const version = versionOf(referred);
  const standing = version?.part === undefined ? version : versionOf(version.parents[0] as ParentRef);
  return standing?.values[referred.place] ?? null;
}

/** The row that a reference names, and the place in it of the column that is asked for; null: the text names none that the plan knows. */
export function referredRow(plan: DerivationPlan, text: string): (ParentRef & { readonly place: number }) | null {
  const reference = readKeyOf(text);
  const rule = reference === null ? undefined : plan.labelled(labelOf(reference.parent, reference.rule));
  const place = rule?.compiled.columns.indexOf(reference?.column ?? '') ?? -1;
  return reference === null || rule === undefined || place === -1
    ? null
    : { rule: rule.number, key: bounded(lineOfRow(reference.key)), place };
}
