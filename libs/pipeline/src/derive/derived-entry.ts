import type { Problem, Row } from '@changeover/mapping';

import { lineOfRow, rowOfLine } from './row-text.js';

/** A row of the target, as far as its own source rows decide. */
export type Version = {
  readonly values: Row;
  readonly parents: readonly ParentRef[];
  /** By unique rule of the table; null: it wants nothing there. */
  readonly claims: readonly (Claim | null)[];
};

type ParentRef = { readonly rule: number; readonly key: string };

export type Claim = { readonly values: string; readonly order: string };

/** What is remembered of a driving row: all that a later change needs to tell what becomes different. */
export type DerivedEntry = {
  /** What each join looked up. */
  readonly lookups: readonly (string | null)[];
  /** What should stand at the target, if its parents do and its rivals let it; null: nothing. */
  readonly version: Version | null;
  /** The version is the last good one of a row that is held. */
  readonly kept: boolean;
  readonly problems: readonly Problem[];
  /** The row as it stands at the target; null: it does not. */
  readonly written: Row | null;
  /** What the list of held rows says of it; null: it is not there. */
  readonly told: HeldStatus | null;
};

/** Why a row is not at the target, or not as its source rows are now. */
export type HeldStatus = {
  readonly state: 'held' | 'waiting';
  readonly problems: readonly Problem[];
  /** Whether the last good version stands at the target. */
  readonly kept: boolean;
};

export const NO_ENTRY: DerivedEntry = { lookups: [], version: null, kept: false, problems: [], written: null, told: null };

/**
 * One line each, in this order: counts, what was looked up, the version (values, parents, claims), problems, what stands at the target if that is
 * another row, what is told. No field holds a line end: values are COPY text, orders have none, JSON escapes them. (As JSON it took three times as long.)
 */
export function encodeEntry({ lookups, version, kept, problems, written, told }: DerivedEntry): Buffer {
  const sameRow = version !== null && isSameRow(version.values, written);
  const lines = [
    [
      kept ? 1 : 0,
      lookups.length,
      version?.parents.length ?? -1,
      version?.claims.length ?? 0,
      problems.length,
      sameRow ? 1 : written === null ? 0 : 2,
    ].join(' '),
  ];
  for (const lookup of lookups) lines.push(lookup ?? NONE);
  if (version !== null) {
    lines.push(lineOfRow(version.values));
    for (const { rule, key } of version.parents) lines.push(`${String(rule)} ${key}`);
    for (const claim of version.claims) lines.push(claim === null ? NONE : `${claim.order} ${claim.values}`);
  }
  for (const problem of problems) lines.push(JSON.stringify(problem));
  if (written !== null && !sameRow) lines.push(lineOfRow(written));
  if (told !== null) lines.push(JSON.stringify(told));
  return Buffer.from(lines.join('\n'));
}

export function decodeEntry(bytes: Buffer): DerivedEntry {
  const lines = bytes.toString().split('\n');
  const [kept, lookupCount, parentCount, claimCount, problemCount, writtenKind] = (lines[0] as string).split(' ').map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  let at = 1;
  const take = (count: number): string[] => lines.slice(at, (at += count));
  const lookups = take(lookupCount).map((line) => (line === NONE ? null : line));
  let version: Version | null = null;
  if (parentCount >= 0) {
    const values = rowOfLine(lines[at++] as string);
    const parents = take(parentCount).map((line) => ({ rule: Number(headOf(line)), key: tailOf(line) }));
    const claims = take(claimCount).map((line) => (line === NONE ? null : { order: headOf(line), values: tailOf(line) }));
    version = { values, parents, claims };
  }
  const problems = take(problemCount).map((line) => JSON.parse(line) as Problem);
  const written = writtenKind === 0 ? null : writtenKind === 1 ? (version as Version).values : rowOfLine(lines[at++] as string);
  const told = at < lines.length ? (JSON.parse(lines[at] as string) as HeldStatus) : null;
  return { lookups, version, kept: kept === 1, problems, written, told };
}

/** A mark that no COPY text is: a backslash stands before a letter that it escapes, and this is none. */
const NONE = '\\-';

function headOf(line: string): string {
  return line.slice(0, line.indexOf(' '));
}

function tailOf(line: string): string {
  return line.slice(line.indexOf(' ') + 1);
}

/** Null is a row that is not there. */
export function isSameRow(a: Row | null, b: Row | null): boolean {
  if (a === null || b === null || a === b) return a === b;
  return a.length === b.length && a.every((value, column) => value === b[column]);
}

/** Nothing about the row is worth remembering. */
export function isEmpty({ lookups, version, problems, written }: DerivedEntry): boolean {
  return version === null && written === null && problems.length === 0 && lookups.every((lookup) => lookup === null);
}
