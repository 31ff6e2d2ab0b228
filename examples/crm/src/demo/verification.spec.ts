import type { Damage } from '../move/sabotage/damage.js';
import { hasFound } from './verification.js';

const DAMAGE: Damage = {
  kind: 'swapped pair',
  differences: [
    { table: 'crm.contact', kind: 'different', key: 'a', columns: ['email', 'account_id'] },
    { table: 'crm.contact', kind: 'different', key: 'b', columns: ['email', 'account_id'] },
  ],
};

const DIFFERENT = { table: 'crm.contact', kind: 'different', columns: ['account_id', 'email'] };

const found = (...differences: (typeof DIFFERENT)[]): Parameters<typeof hasFound>[0] => {
  return { equal: differences.length === 0, seq: 1, rows: 10, heldMs: 70, differences };
};

test('damage is found when each of its rows is, whatever else is', () => {
  const held = { table: 'changeover.held', kind: 'missing', columns: [] };
  expect(hasFound(found(DIFFERENT, DIFFERENT), DAMAGE)).toBe(true);
  expect(hasFound(found(held, DIFFERENT, DIFFERENT), DAMAGE)).toBe(true);
});

test.each([
  ['nothing', []],
  ['one of two rows', [DIFFERENT]],
  ['another column', [DIFFERENT, { ...DIFFERENT, columns: ['email'] }]],
  ['another table', [DIFFERENT, { ...DIFFERENT, table: 'crm.lead' }]],
  ['something else of them', [DIFFERENT, { ...DIFFERENT, kind: 'missing', columns: [] }]],
])('damage is not found by who finds %s', (_, differences) => {
  expect(hasFound(found(...differences), DAMAGE)).toBe(false);
});
