import type { Decision } from '@changeover/events';

import type { View } from './told-rows.js';

/** What was decided and stands, by what the log says. */
export type Decided = Exclude<Decision, { what: 'withdraw' }> & { readonly id: string; readonly seq: number; readonly ms: number };

/** What the log says up to a record. */
export type Place = { readonly view: View; readonly decided: readonly Decided[] };

const MEANT = ['table', 'key', 'column', 'from', 'target', 'rule'] as const;

/** They are about the same: the later takes the place of the other. */
export function isSameDecision(a: Decision, b: Decision): boolean {
  const [one, other]: Readonly<Record<string, unknown>>[] = [a, b];
  return MEANT.every((name) => one?.[name] === other?.[name]);
}

export function isCorrection(one: Decided): one is Extract<Decided, { what: 'correct' }> {
  return one.what === 'correct';
}
