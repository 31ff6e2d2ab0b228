import { ChangeoverError } from '@changeover/core';
import type { CorrectableRows, HeldByRules } from '@changeover/pipeline';

import { checked, type Deciding } from './decide.js';

/** What an operator takes as it is. */
export type Accepting = {
  /** `schema.table` at the target, and the key as the list of held rows has it. */
  readonly target: string;
  readonly key: readonly (string | null)[];
  /** The validation rule; undefined: the one that holds it. */
  readonly rule: string | undefined;
  readonly why: string | null;
};

/** The row, and the decision that waives the rule for it. ACCEPTANCE_IMPOSSIBLE where that does not hold it, or several do and none is named, or there is no such rule. */
export function acceptanceOf(rows: CorrectableRows, wanted: Accepting): Deciding {
  const held = rows.heldBy(wanted.target, wanted.key);
  if (wanted.rule !== undefined) requireRule(rows, wanted.target, wanted.rule);
  return waiving(held, wanted);
}

/** ACCEPTANCE_IMPOSSIBLE where nothing of this name holds rows of the table. A rule that holds none now is one all the same. */
export function requireRule(rows: CorrectableRows, target: string, rule: string): void {
  const names = rows.waivable(target);
  if (names.includes(rule)) return;
  const known = names.length === 0 ? 'none does' : `there are ${namesOf(names)}`;
  const message = `no validation rule ${JSON.stringify(rule)} of the mapping in force holds rows of ${target}; ${known}`;
  throw new ChangeoverError('ACCEPTANCE_IMPOSSIBLE', message, { facts: { table: target } });
}

function waiving(held: HeldByRules, { target, key, rule, why }: Accepting): Deciding {
  const [first, second] = held.rules;
  const waived = rule === undefined ? first : held.rules.find((one) => one.rule === rule);
  if (waived === undefined) throw impossible(held, rule);
  if (rule === undefined && second !== undefined) {
    const names = namesOf(held.rules.map((one) => one.rule));
    throw new ChangeoverError('ACCEPTANCE_IMPOSSIBLE', `several rules hold the row: --rule says which is accepted, one of ${names}`);
  }
  const decision = checked({ what: 'accept', table: held.table, key: held.key, target, ...waived, why }, [why]);
  return { row: { key: held.key, made: [{ target, key }] }, decision };
}

/** The same of a row that is one of many; null: the rule does not hold it, as that is of the list and what is remembered may be further. */
export function acceptanceIfHeld(rows: CorrectableRows, wanted: Accepting): Deciding | null {
  if (rows.sourceOf(wanted.target, wanted.key) === null) return null;
  const held = rows.heldBy(wanted.target, wanted.key);
  return held.rules.some(({ rule }) => rule === wanted.rule) ? waiving(held, wanted) : null;
}

const OTHERWISE: Readonly<Record<Exclude<HeldByRules['otherwise'], null>, string>> = {
  values: 'a column of it cannot be made, so there is no row to accept: `changeover held correct` has another value read',
  unique: 'another row has the better right to a unique value, which the rule decides: change it in one of the two',
  merged: 'it is made of several rows: correct one of them, `changeover explain` names them',
  parent: 'it waits for a row that it needs, and comes with that',
  nothing: 'no rule of its validation holds it: it is there, is left out, or is accepted already',
};

function impossible({ target, rules, otherwise }: HeldByRules, rule: string | undefined): ChangeoverError {
  const names = namesOf(rules.map((one) => one.rule));
  const why = otherwise === null ? `what holds it is ${names}, not ${JSON.stringify(rule)}` : OTHERWISE[otherwise];
  return new ChangeoverError('ACCEPTANCE_IMPOSSIBLE', `this row of ${target} cannot be accepted: ${why}`, { facts: { table: target } });
}

function namesOf(rules: readonly string[]): string {
  return rules.map((rule) => JSON.stringify(rule)).join(', ');
}
