import type { ChangeoverError } from '@changeover/core';
import type { PreflightFinding } from '@changeover/events';
import type { WayBack } from '@changeover/mapping';
import type { RuleOutcome } from '@changeover/pipeline';
import type { Misfit, UnusedColumn } from '@changeover/verification';

import type { Disagreement } from '../determinism/compare-derived.js';
import type { Influence } from '../determinism/surroundings.js';

/** What a finding is about. */
export type Part = 'settings' | 'mapping' | 'source' | 'target' | 'log' | 'control';

export type Finding = PreflightFinding & {
  readonly part: Part;
  /** More of it, a line each. */
  readonly notes?: readonly string[];
  /** What would become of the rows of a rule, of the values of a column, and what nothing is made of. */
  readonly outcome?: RuleOutcome;
  readonly misfit?: Misfit;
  readonly unused?: readonly UnusedColumn[];
  /** Of a rule, by column of the target. */
  readonly wayBack?: Readonly<Record<string, WayBack>>;
  /** Of NOT_DETERMINISTIC: what came out differently, where it was first seen, and what it depends on. */
  readonly disagreement?: Omit<Disagreement, 'values'> & Partial<Pick<Disagreement, 'values'>> & { readonly causes: readonly Influence[] };
};

export function about(part: Part, findings: readonly PreflightFinding[]): readonly Finding[] {
  return findings.map((finding) => ({ part, ...finding }));
}

/** An error of the part as a finding: what happened, and what to do. */
export function failed(part: Part, error: ChangeoverError): readonly Finding[] {
  // What is wrong with a mapping is in the message; the page is for a migration that runs. Not so where that is what is wrong.
  const hint = part === 'mapping' && error.code !== 'MAPPING_NOT_ACTIVE' ? '' : `. ${error.nextStep}`;
  return [{ part, severity: 'error', check: error.code, message: `${error.message}${hint}` }];
}

export function hasErrors(findings: readonly Finding[]): boolean {
  return findings.some(({ severity }) => severity === 'error');
}

const SIGNS = { ok: '✓', warning: '!', error: '✗' } as const;

/** A line per finding, with more of it and the exact lines to run below it. */
export function renderFindings(findings: readonly Finding[]): string {
  const width = Math.max(0, ...findings.map(({ part }) => part.length));
  const lines = findings.flatMap(({ severity, part, message, notes = [], fix = [], restart = false }) => [
    `${SIGNS[severity]} ${part.padEnd(width)}  ${message}${restart ? ' (the server must be restarted after this)' : ''}`,
    ...notes.map((line) => `  ${' '.repeat(width)}    - ${line}`),
    ...fix.map((line) => `  ${' '.repeat(width)}      ${line}`),
  ]);
  return `${lines.join('\n')}\n`;
}

/** The last line of a check. */
export function summary(findings: readonly Finding[]): string {
  const count = (severity: Finding['severity']): number => findings.filter((finding) => finding.severity === severity).length;
  const [errors, warnings] = [count('error'), count('warning')];
  const also = warnings === 0 ? '' : `, ${String(warnings)} ${warnings === 1 ? 'warning' : 'warnings'}`;
  return errors > 0 ? `${String(errors)} to resolve before the start${also}\n` : `ready to start${also}\n`;
}
