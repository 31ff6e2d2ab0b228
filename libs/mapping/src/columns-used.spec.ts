import { columnsUsed } from './columns-used.js';
import type { TableRule } from './rule.js';

const RULE: TableRule = {
  source: 'a.person',
  target: 'b.person',
  joins: [
    {
      ...{ as: 'mail', table: 'a.mail', on: { owner: { column: 'id' } } },
      where: { not: { is: { column: 'kind' }, in: ['x'] } },
      order: [{ column: 'rank' }],
    },
    {
      ...{ as: 'calls', table: 'a.call', on: { person: { column: 'alias', of: 'mail' } } },
      all: {
        joins: [{ as: 'line', table: 'a.line', on: { id: { column: 'line_id' } }, where: { is: { column: 'open' }, in: ['t'] } }],
        columns: { n: { count: 'rows' }, last: { latest: { column: 'number', of: 'line' }, by: { column: 'at' } } },
        atMost: 5,
      },
    },
  ],
  where: { any: [{ is: { column: 'deleted' }, in: ['f'] }] },
  columns: {
    id: { column: 'id' },
    mail: {
      first: [
        { column: 'address', of: 'mail' },
        { concat: [{ column: 'login' }, { constant: '@x' }], separator: '' },
      ],
    },
    calls: { column: 'n', of: 'calls' },
  },
  key: ['id'],
  requires: [{ parent: 'b.office', key: [{ column: 'office' }] }],
  unique: [{ columns: ['mail'], order: [{ column: 'made' }], otherwise: 'empty' }],
};

test('the columns that rules do anything with, by table', () => {
  const used = columnsUsed([RULE, { source: 'a.line', target: 'b.line', columns: { id: { column: 'id' } }, key: ['id'] }]);
  const sorted = Object.fromEntries([...used].map(([table, columns]) => [table, [...columns].sort()]));
  expect(sorted).toEqual({
    'a.person': ['deleted', 'id', 'login', 'made', 'office'],
    'a.mail': ['address', 'alias', 'kind', 'owner', 'rank'],
    'a.call': ['at', 'line_id', 'person'],
    'a.line': ['id', 'number', 'open'],
  });
});
