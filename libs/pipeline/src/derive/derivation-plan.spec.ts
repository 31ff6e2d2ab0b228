import { compileRules, type TableRule } from '@changeover/mapping';

import { DerivationPlan } from './derivation-plan.js';

const RULES: readonly TableRule[] = [
  {
    source: 's',
    target: 't.t',
    joins: [
      { as: 'j', table: 'j', on: { id: { column: 'a' } } },
      { as: 'k', table: 'k', on: { code: { column: 'b' } } },
      { as: 'other', table: 'k', on: { code: { column: 'a' } } },
    ],
    columns: { id: { column: 'id' }, x: { column: 'a', of: 'j' }, y: { column: 'id', of: 'k' }, z: { column: 'id', of: 'other' } },
    key: ['id'],
  },
];
const COLUMNS = new Map([
  ['s', ['id', 'a', 'b']],
  ['j', ['id', 'a']],
  ['k', ['id', 'code']],
]);

function planOf(keyOfJ: string): DerivationPlan {
  const compiled = compileRules(
    { rules: RULES },
    new Map([...COLUMNS].map(([name, columns]) => [name, { columns, key: [name === 'j' ? keyOfJ : 'id'] }])),
    {},
  );
  const sources = [...COLUMNS].map(
    ([name, columns], number) => [name, { number, key: [columns.indexOf(name === 'j' ? keyOfJ : 'id')] }] as const,
  );
  return new DerivationPlan(compiled, new Map(sources));
}

/** Of each join the number under which the state finds rows for it; null: by their key. */
function lookupsOf(plan: DerivationPlan): readonly (number | null)[] {
  return (plan.rules[0]?.joins ?? []).map(({ lookup }) => lookup?.number ?? null);
}

test('what is looked up keeps its number in the state when the key of another table changes', () => {
  const [, byCode, again] = lookupsOf(planOf('id'));
  expect(lookupsOf(planOf('id'))).toEqual([null, byCode, byCode]);
  const [byId, ...others] = lookupsOf(planOf('a'));
  expect(others).toEqual([byCode, again]);
  expect(typeof byId).toBe('number');
  expect(byId).not.toBe(byCode);
});
