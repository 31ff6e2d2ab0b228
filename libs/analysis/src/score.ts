import type { Repeated } from './analysis.js';
import type { Proposal } from './proposal/proposal.js';
import type { Reference } from './references/find-references.js';
import type { TableProfile } from './table-profile.js';
import { isTextType } from './profile/column-profile.js';

export type ScorePart = {
  readonly part: 'keys' | 'values' | 'references' | 'duplicates' | 'text' | 'mapping';
  /** From 0 to 100. */
  readonly points: number;
  /** How much it counts. */
  readonly weight: number;
  readonly says: string;
  /** What would raise it; null: nothing, it is 100. */
  readonly raise: string | null;
};

export type Score = { readonly points: number; readonly parts: readonly ScorePart[] };

export type Scored = {
  readonly tables: readonly TableProfile[];
  readonly references: readonly Reference[];
  readonly repeated: readonly Repeated[];
  readonly proposal: Proposal | null;
};

/** How ready a source is to be moved: the weighted mean of parts that each are a share of something counted. What there is none of does not count. */
export function readiness({ tables, references, repeated, proposal }: Scored): Score {
  const parts = [
    keys(tables),
    values(tables),
    linked(references),
    unique(repeated),
    clean(tables),
    ...(proposal === null ? [] : [mapped(proposal)]),
  ].filter((part) => part !== null);
  const weight = parts.reduce((sum, part) => sum + part.weight, 0);
  const points = weight === 0 ? 0 : parts.reduce((sum, part) => sum + part.points * part.weight, 0) / weight;
  return { points: Math.floor(points), parts };
}

type Counted = Pick<ScorePart, 'part' | 'weight'> & {
  readonly good: number;
  readonly of: number;
  readonly says: string;
  readonly raise: string;
};

function part({ part: name, weight, good, of, says, raise }: Counted): ScorePart | null {
  if (of === 0) return null;
  // Rounded down: 100 means all.
  const points = Math.floor((good / of) * 1000) / 10;
  return { part: name, points, weight, says, raise: points === 100 ? null : raise };
}

function keys(tables: readonly TableProfile[]): ScorePart | null {
  const good = tables.filter(({ described }) => described.key.length > 0).length;
  return part({
    part: 'keys',
    weight: 3,
    good,
    of: tables.length,
    says: `${String(good)} of ${String(tables.length)} tables have a key`,
    raise: 'give the others a primary key: rows of a table without one cannot be copied while people write',
  });
}

function values(tables: readonly TableProfile[]): ScorePart | null {
  const columns = tables
    .flatMap((table) => table.columns)
    .filter(({ base, labels, used, looked }) => isTextType(base) && labels === null && used !== 'text' && looked > 0);
  const of = columns.reduce((sum, { looked }) => sum + looked, 0);
  const good = columns.reduce((sum, { looked, usedShare }) => sum + looked * usedShare, 0);
  return part({
    part: 'values',
    weight: 2,
    good,
    of,
    says: `${(of === 0 ? 100 : (good / of) * 100).toFixed(2)} % of what text columns hold in the place of dates, numbers or flags is one`,
    raise: 'correct the values that are none in the old CRM, or say in the mapping what becomes of them',
  });
}

function linked(references: readonly Reference[]): ScorePart | null {
  const judged = references.flatMap(({ orphans }) => orphans ?? []);
  const of = judged.reduce((sum, { rows }) => sum + rows, 0);
  const lost = judged.reduce((sum, { orphans }) => sum + orphans, 0);
  return part({
    part: 'references',
    weight: 2,
    good: of - lost,
    of,
    says: `${String(lost)} of ${String(of)} references lead nowhere`,
    raise: 'bring back what the orphans refer to, or say in the mapping that they refer to nobody',
  });
}

function unique(repeated: readonly Repeated[]): ScorePart | null {
  const of = repeated.reduce((sum, { rows }) => sum + rows, 0);
  const surplus = repeated.reduce((sum, one) => sum + one.surplus, 0);
  return part({
    part: 'duplicates',
    weight: 1,
    good: of - surplus,
    of,
    says: `${String(surplus)} of ${String(of)} addresses, numbers and companies are there once more`,
    raise: 'merge what is meant once, or say in the mapping which row has the better right to it',
  });
}

function clean(tables: readonly TableProfile[]): ScorePart | null {
  const columns = tables.flatMap((table) => table.columns).filter(({ base, looked }) => isTextType(base) && looked > 0);
  const of = columns.reduce((sum, { looked }) => sum + looked, 0);
  // A text with two things wrong is one text.
  const damaged = columns.reduce(
    (sum, { damage, looked }) => sum + Math.min(looked, Math.max(0, damage.entities ?? 0, damage.mojibake ?? 0, damage.invisible ?? 0)),
    0,
  );
  return part({
    part: 'text',
    weight: 1,
    good: of - damaged,
    of,
    says: `${String(damaged)} of ${String(of)} texts looked at have HTML entities, broken characters or characters of no width`,
    raise: 'htmlEntities() and trim() in the mapping mend the first and the last; broken characters have to be mended in the old CRM',
  });
}

function mapped({ rules, targetsLeft }: Proposal): ScorePart | null {
  const parts = rules.flatMap(({ columns, unique: uniques }) => [...columns, ...uniques]);
  const good = parts.filter(({ open }) => open.length === 0).length;
  const of = parts.length + targetsLeft.length;
  return part({
    part: 'mapping',
    weight: 3,
    good,
    of,
    says: `${String(good)} of ${String(parts.length)} columns and unique values are proposed with nothing left to decide, ${String(targetsLeft.length)} tables of the target have no proposal`,
    raise: 'go through the open lines of the proposed mapping (--propose)',
  });
}
