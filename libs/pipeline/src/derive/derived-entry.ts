import type { Problem, Row } from '@changeover/mapping';

import { lineOfRow, rowOfLine } from './row-text.js';

/** A row of the target, as far as its own source rows decide. */
export type Version = {
  readonly values: Row;
  readonly parents: readonly ParentRef[];
  /** By unique rule of the table; null: it wants nothing there. */
  readonly claims: readonly (Claim | null)[];
  /** What its validation says of it, though it is written. */
  readonly notes: readonly Problem[];
  /** It is not a row of its own: its only parent is the merged row that it is part of, it wants nothing itself, and its problems are those of that row. */
  readonly part?: Part;
};

/** What the merged row has to know of a row that is part of it, besides its values. */
export type Part = {
  /** The text by which the parts are ordered, then that of each unique rule of the table. */
  readonly orders: readonly string[];
  /** By parent that its rule names; null: the row needs none there. */
  readonly needs: readonly (ParentRef | null)[];
};

export type ParentRef = { readonly rule: number; readonly key: string };

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
  /** The row as it stands at the target; null: it does not, or not as a row of its own. */
  readonly written: Row | null;
  /** The merged row that it is part of stands at the target. */
  readonly merged: boolean;
  /** What the list of held rows says of it; null: it is not there. */
  readonly told: HeldStatus | null;
};

/** Why a row is not at the target, or not as its source rows are now; or what is noted of one that is (`noted`). */
export type HeldStatus = {
  readonly state: 'held' | 'waiting' | 'noted';
  readonly problems: readonly Problem[];
  /** Whether the last good version stands at the target. */
  readonly kept: boolean;
  /** That version, as {@link keptVersionText} writes it; left out where none is kept. */
  readonly version?: string;
};

export const NO_ENTRY: DerivedEntry = { lookups: [], version: null, kept: false, problems: [], written: null, merged: false, told: null };

/** What stands at the target: nothing, the version's row, another one, or the merged row that it is part of. It begins the entry. */
const [NO_ROW, SAME_ROW, OTHER_ROW, MERGED_ROW] = [0, 1, 2, 3] as const;
const [LINE_END, OBJECT] = ['\n', '{'].map((text) => text.charCodeAt(0)) as [number, number];
const [NO_ROW_CODE, MERGED_ROW_CODE] = [NO_ROW, MERGED_ROW].map((code) => String(code).charCodeAt(0)) as [number, number];

/**
 * One line each, in this order: counts, what was looked up, the version (values, parents, claims, notes, what it is a part by), problems, what stands at the target if that is
 * another row, what is told. `versionLine`: the version's values. No field holds a line end: values are COPY text, orders have none, JSON escapes them. (As JSON it took three times as long.)
 */
export function encodeEntry({ lookups, version, kept, problems, written, merged, told }: DerivedEntry, versionLine: string): Buffer {
  const sameRow = version !== null && isSameRow(version.values, written);
  const atTarget = merged ? MERGED_ROW : sameRow ? SAME_ROW : written === null ? NO_ROW : OTHER_ROW;
  const [parents, claims] = [version?.parents.length ?? -1, version?.claims.length ?? 0];
  let text = `${String(atTarget)} ${kept ? '1' : '0'} ${String(lookups.length)} ${String(parents)} ${String(claims)} ${String(problems.length)}`;
  if (version !== null && (version.notes.length > 0 || version.part !== undefined)) text += ` ${String(version.notes.length)}`;
  if (version?.part !== undefined) text += ' 1';
  for (const lookup of lookups) text += `\n${lookup ?? NONE}`;
  if (version !== null) {
    text += `\n${versionLine}`;
    for (const { rule, key } of version.parents) text += `\n${String(rule)} ${key}`;
    for (const claim of version.claims) text += claim === null ? `\n${NONE}` : `\n${claim.order} ${claim.values}`;
    for (const note of version.notes) text += `\n${JSON.stringify(note)}`;
    if (version.part !== undefined) text += `\n${JSON.stringify(version.part)}`;
  }
  for (const problem of problems) text += `\n${JSON.stringify(problem)}`;
  if (written !== null && !sameRow) text += `\n${lineOfRow(written)}`;
  if (told !== null) text += `\n${JSON.stringify(told)}`;
  return Buffer.from(text);
}

export function decodeEntry(bytes: Buffer): DerivedEntry {
  const lines = bytes.toString().split('\n');
  const [atTarget, kept, lookupCount, parentCount, claimCount, problemCount, noteCount = 0, partCount = 0] = (lines[0] as string)
    .split(' ')
    .map(Number) as [number, number, number, number, number, number, number?, number?];
  let at = 1;
  const take = (count: number): string[] => lines.slice(at, (at += count));
  const lookups = take(lookupCount).map((line) => (line === NONE ? null : line));
  let version: Version | null = null;
  if (parentCount >= 0) {
    const values = rowOfLine(lines[at++] as string);
    const parents = take(parentCount).map((line) => ({ rule: Number(headOf(line)), key: tailOf(line) }));
    const claims = take(claimCount).map((line) => (line === NONE ? null : { order: headOf(line), values: tailOf(line) }));
    const notes = take(noteCount).map((line) => JSON.parse(line) as Problem);
    const [part] = take(partCount).map((line) => JSON.parse(line) as Part);
    version = { values, parents, claims, notes, ...(part && { part }) };
  }
  const problems = take(problemCount).map((line) => JSON.parse(line) as Problem);
  const merged = atTarget === MERGED_ROW;
  const written =
    atTarget === NO_ROW || merged ? null : atTarget === SAME_ROW ? (version as Version).values : rowOfLine(lines[at++] as string);
  const told = at < lines.length ? (JSON.parse(lines[at] as string) as HeldStatus) : null;
  return { lookups, version, kept: kept === 1, problems, written, merged, told };
}

/** Whether the row stands at the target, or is part of one that does, without reading the rest. */
export function isAtTarget(entry: Buffer): boolean {
  return entry[0] !== NO_ROW_CODE;
}

/** A mark that no COPY text is: a backslash stands before a letter that it escapes, and this is none. */
const NONE = '\\-';

function headOf(line: string): string {
  return line.slice(0, line.indexOf(' '));
}

function tailOf(line: string): string {
  return line.slice(line.indexOf(' ') + 1);
}

/** Whether a row of its own stands at the target. */
export function isWritten(entry: Buffer): boolean {
  return isAtTarget(entry) && entry[0] !== MERGED_ROW_CODE;
}

/** False: the list of held rows says nothing of the row; to know more, the rest is to be read. */
export function mayBeTold(entry: Buffer): boolean {
  return entry[entry.lastIndexOf(LINE_END) + 1] === OBJECT;
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
