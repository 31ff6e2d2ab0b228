import type { CorrectableRows, HeldByRules } from '@changeover/pipeline';

import { acceptanceIfHeld, acceptanceOf, requireRule, type Accepting } from './accept.js';

const WANTED: Accepting = { target: 'crm.person', key: ['7'], rule: undefined, why: null };
const HELD: HeldByRules = {
  ...{ target: 'crm.person', key: '7', table: 'old.kontakt', otherwise: null },
  rules: [{ rule: 'age', column: 'born', from: '1800' }],
};
const rowsWith = (waivable: readonly string[], held: HeldByRules = HELD): CorrectableRows =>
  ({ heldBy: () => held, sourceOf: () => held.table, waivable: () => waivable }) as unknown as CorrectableRows;
const refused = (message: RegExp): Error =>
  expect.objectContaining({ code: 'ACCEPTANCE_IMPOSSIBLE', message: expect.stringMatching(message) as string }) as Error;

test('a rule that there is not is told with those that there are', () => {
  const rows = rowsWith(['age', 'no secrets']);
  const unknown = refused(/no validation rule "nix" .* holds rows of crm\.person; there are "age", "no secrets"$/u);
  expect(() => requireRule(rows, 'crm.person', 'nix')).toThrow(unknown);
  expect(() => acceptanceOf(rows, { ...WANTED, rule: 'nix' })).toThrow(unknown);
  expect(() => requireRule(rowsWith([]), 'crm.person', 'nix')).toThrow(refused(/; none does$/u));
});

test('one that holds other rows, and not this one, is none for it', () => {
  const rows = rowsWith(['age', 'no secrets']);
  const other = { ...WANTED, rule: 'no secrets' };
  expect(() => acceptanceOf(rows, other)).toThrow(refused(/what holds it is "age", not "no secrets"$/u));
  expect(acceptanceIfHeld(rows, other)).toBeNull();
  expect(acceptanceOf(rows, WANTED).decision).toMatchObject({ what: 'accept', rule: 'age', table: 'old.kontakt', from: '1800' });
});
