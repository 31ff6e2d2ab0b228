import { analyze } from '@changeover/analysis';
import { formatRows, type DescribedColumn, type DescribedTable } from '@changeover/events';
import { InMemoryColumnProfiler } from '@changeover/testing';

import { renderMapping } from '../../apps/cli/src/analyze/render-mapping.js';
import { renderTypes } from '../../apps/cli/src/introspect/render-types.js';
import { compileFiles } from '../mapping/compile-files.js';

const column = (name: string, base: string, notNull = false): DescribedColumn => ({
  ...{ name, type: base, base, labels: null, notNull, fills: false, identity: null, generated: false, default: null, comment: null },
});
const table = (schema: string, name: string, columns: readonly DescribedColumn[], change: Partial<DescribedTable>): DescribedTable => ({
  ...{ schema, table: name, columns, key: [], uniques: [], foreignKeys: [], comment: null, ...change },
});
const upTo = (count: number, row: (n: number) => readonly string[]): readonly (readonly string[])[] =>
  Array.from({ length: count }, (_, index) => row(index + 1));

/** Companies of two tenants, and contacts of which two refer to nothing and two have the e-mail address of another. */
const SOURCE = [
  {
    described: table('old', 'companies', [column('tenant_id', 'integer', true), column('no', 'integer', true), column('name', 'text')], {
      key: ['tenant_id', 'no'],
    }),
    rows: upTo(20, (n) => [String(1 + (n % 2)), String(Math.ceil(n / 2)), `firm ${String(n)}`]),
  },
  {
    described: table(
      'old',
      'contacts',
      [column('id', 'integer', true), column('tenant_id', 'integer'), column('company_no', 'integer'), column('email', 'text')],
      { key: ['id'] },
    ),
    rows: upTo(30, (n) => [
      String(n),
      String(1 + (n % 2)),
      n < 3 ? '99' : String(1 + (Math.ceil(n / 2) % 10)),
      `p${String(Math.min(n, 28))}@example.com`,
    ]),
  },
];

const TARGET = [
  table('crm', 'company', [column('tenant_id', 'integer', true), column('number', 'integer', true), column('name', 'text', true)], {
    key: ['tenant_id', 'number'],
    uniques: [{ name: 'company_name', columns: ['tenant_id', 'name'], expressions: ['tenant_id', 'name'], predicate: null }],
  }),
  table(
    'crm',
    'contact',
    [column('id', 'integer', true), column('tenant_id', 'integer', true), column('company_number', 'integer'), column('email', 'text')],
    {
      key: ['id'],
      uniques: [{ name: 'contact_email', columns: null, expressions: ['lower(email)'], predicate: '(tenant_id > 0)' }],
      foreignKeys: [{ columns: ['tenant_id', 'company_number'], toSchema: 'crm', toTable: 'company', toColumns: ['tenant_id', 'number'] }],
    },
  ),
];

test('joins, parents and unique rules of several columns compile against the types of both databases', async () => {
  const profiler = new InMemoryColumnProfiler();
  for (const { described, rows } of SOURCE) {
    async function* lines(): AsyncGenerator<Buffer> {
      yield await Promise.resolve(formatRows(rows));
    }
    const names = described.columns.map(({ name }) => name);
    await profiler.add(`${described.schema}.${described.table}`, names, lines());
  }
  const tables = SOURCE.map(({ described }) => ({ described, whole: true }));
  const { proposal } = await analyze({ profiler, tables, targets: TARGET, onStep: () => undefined });
  const mapping = renderMapping(proposal ?? { rules: [], sourcesLeft: [], targetsLeft: [] });
  for (const line of [
    "on: { tenant_id: contactsRow('tenant_id'), no: contactsRow('company_no') },",
    "{ parent: 'crm.company', key: [contactsRow('tenant_id'), contactTenantCompanyNo('no')] },",
    "{ columns: ['tenant_id', 'name'], otherwise: 'held' },",
    "{ columns: ['email'], otherwise: 'empty' },",
    '2 rows want what another has',
    'TODO who refers to nothing refers to nobody then',
  ])
    expect(mapping).toContain(line);
  const types = renderTypes({ source: SOURCE.map(({ described }) => described), target: TARGET }, { comments: true });
  const wrong = {
    'join.ts': mapping.replace('{ tenant_id: contactsRow', '{ tenant: contactsRow'),
    'unique.ts': mapping.replace("['tenant_id', 'name'], otherwise: 'held'", "['tenant_id', 'name'], otherwise: 'empty'"),
  };
  const errors = compileFiles({ 'types.ts': types, 'mapping.ts': mapping, ...wrong });
  expect([...new Set(errors.map((error) => error.split(':')[0]))].sort()).toEqual(['join.ts', 'unique.ts']);
}, 120_000);
