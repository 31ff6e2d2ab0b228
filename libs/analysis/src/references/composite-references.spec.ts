import { InMemoryColumnProfiler } from '@changeover/testing';

import type { ColumnsPlace } from '../column-profiler.port.js';
import { analysed, toldReferences, upTo, type Given } from '../test/analysed.js';
import { describeTable } from '../test/describe-table.js';

type Rows = Given['rows'];

const table = (name: string, columns: readonly string[], rows: Rows, change: Parameters<typeof describeTable>[2] = {}): Given => ({
  described: describeTable(name, columns, change),
  rows,
});

/** Three tenants with companies from 1 on: ten, ten and nine. */
const companies = table(
  'a.companies',
  ['tenant_id integer key', 'no integer key', 'parent_no integer'],
  upTo(29, (n) => [String(1 + Math.floor((n - 1) / 10)), String(1 + ((n - 1) % 10)), n % 10 === 1 ? null : '1']),
);
/** With keys that are called the same, and of which nothing is known here. */
const invoices = table(
  'a.invoices',
  ['tenant_id integer key', 'no integer key', 'total integer'],
  upTo(60, (n) => [String(1 + (n % 3)), String(Math.ceil(n / 3)), '1']),
);

describe('references of several columns', () => {
  it('are found by names and values, with orphans that no column alone shows', async () => {
    const contacts = table(
      'a.contacts',
      ['id integer key', 'tenant_id integer', 'company_no integer', 'level integer'],
      upTo(30, (n) => [
        String(n),
        String(1 + Math.floor((n - 1) / 10)),
        // The third tenant has no tenth company, and nobody has one with the number 99.
        n === 1 ? null : n === 2 ? '99' : String(1 + ((n - 1) % 10)),
        String(1 + (n % 9)),
      ]),
    );
    const { references } = await analysed([companies, invoices, contacts]);
    const several = references.filter(({ from }) => from.columns.length > 1);
    expect(several).toMatchObject([
      {
        from: { table: 'a.companies', columns: ['tenant_id', 'parent_no'] },
        to: { table: 'a.companies', columns: ['tenant_id', 'no'] },
        orphans: { rows: 26, orphans: 0 },
      },
      {
        from: { table: 'a.contacts', columns: ['tenant_id', 'company_no'] },
        to: { table: 'a.companies', columns: ['tenant_id', 'no'] },
        kind: 'found',
        because: 'the names, and 93.1 % of the values together are keys there',
        orphans: { rows: 29, orphans: 2 },
      },
    ]);
  });

  it('are none where columns are found one by one and not together, nor where names say nothing', async () => {
    // Each tenant has companies of its own numbers; here the tenants have changed places.
    const own = table(
      'a.companies',
      ['tenant_id integer key', 'no integer key'],
      upTo(30, (n) => [String(1 + (n % 3)), String(n)]),
    );
    const moved = table(
      'a.deals',
      ['id integer key', 'tenant_id integer', 'company_no integer'],
      upTo(30, (n) => [String(n), String(1 + ((n + 1) % 3)), String(n)]),
    );
    const numbers = table(
      'a.scores',
      ['id integer key', 'tenant_id integer', 'level integer', 'no integer'],
      upTo(30, (n) => [String(100 + n), String(1 + (n % 3)), String(n), String(n)]),
    );
    expect(toldReferences(await analysed([own, moved, numbers]))).toEqual([]);
    const right = { ...moved, rows: moved.rows.map(([id = '', , no = '']) => [id, String(1 + (Number(no) % 3)), no]) };
    expect(toldReferences(await analysed([own, right, numbers]))).toEqual(['tenant_id+company_no → a.companies: 0']);
  });

  it('lead to the table that is named, of two with the same keys', async () => {
    const key = ['tenant_id integer key', 'order_no integer key'];
    const rows = upTo(30, (n) => [String(1 + (n % 3)), String(n)]);
    const lines = table(
      'a.order_lines',
      [...key, 'line_no integer key'],
      rows.flatMap((row) => [
        [...row, '1'],
        [...row, '2'],
      ]),
    );
    const told = toldReferences(await analysed([table('a.orders', key, rows), table('a.order_totals', key, rows), lines]));
    // The totals of an order hang on it; nothing says that an order hangs on them.
    expect(told).toEqual(['tenant_id+order_no → a.orders: 0', 'tenant_id+order_no → a.orders: 0']);
  });

  it('of a key that is called the same are those of a table that is a part of the other', async () => {
    const key = ['tenant_id integer key', 'no integer key'];
    const [orders, custom, deals] = ['a.orders', 'a.orders_custom', 'a.deals'].map((name) =>
      table(
        name,
        key,
        companies.rows.map((row) => row.slice(0, 2)),
      ),
    );
    expect(toldReferences(await analysed([orders, custom, deals] as Given[]))).toEqual(['tenant_id+no → a.orders: 0']);
  });

  it('that are declared are counted, and not found once more', async () => {
    const contacts = table(
      'a.contacts',
      ['id integer key', 'tenant_id integer', 'company_no integer'],
      upTo(10, (n) => [String(n), '1', n === 10 ? '77' : String(n)]),
      {
        foreignKeys: [{ columns: ['company_no', 'tenant_id'], toSchema: 'a', toTable: 'companies', toColumns: ['no', 'tenant_id'] }],
      },
    );
    const { references } = await analysed([{ ...companies, whole: true }, contacts]);
    expect(references.filter(({ from }) => from.table === 'a.contacts')).toMatchObject([
      { kind: 'declared', from: { columns: ['company_no', 'tenant_id'] }, orphans: { rows: 10, orphans: 1 } },
    ]);
  });

  it('cost no more than so many questions, whatever there is', async () => {
    const asked: number[] = [];
    class Counting extends InMemoryColumnProfiler {
      override lookUp(from: ColumnsPlace, keys: readonly ColumnsPlace[]): ReturnType<InMemoryColumnProfiler['lookUp']> {
        if (from.table === 'a.many') asked.push(...keys.map(() => from.columns.length));
        return super.lookUp(from, keys);
      }
    }
    const key = ['region text key', 'branch text key'];
    const value = (n: number): string => `${'x'.repeat(20)}${String(n)}`;
    const parents = upTo(40, (n) =>
      table(
        `a.thing${String(n)}`,
        key,
        upTo(10, (row) => [value(row), value(row)]),
      ),
    );
    // All of them could be any column of any key: their values are that long.
    const columns = ['region text', ...upTo(40, (n) => `other${String(n)} text`)];
    const rows = upTo(10, (row) => columns.map(() => value(row)));
    const many = table('a.many', columns, rows);
    await analysed([...parents, many], null, new Counting());
    expect(asked.filter((count) => count === 2).length).toBeLessThanOrEqual(64);
    expect(asked.filter((count) => count === 1).length).toBeLessThanOrEqual(32 * 2 * 4);
    expect(asked.filter((count) => count === 2).length).toBeGreaterThan(0);
  });
});

describe('a proposal', () => {
  const target = [
    describeTable('b.company', ['tenant_id integer key', 'number integer key', 'name text', 'vat text']),
    describeTable('b.person', ['id integer key', 'tenant_id integer required', 'company_number integer', 'name text'], {
      foreignKeys: [{ columns: ['tenant_id', 'company_number'], toSchema: 'b', toTable: 'company', toColumns: ['tenant_id', 'number'] }],
    }),
  ];
  const named = table(
    'a.companies',
    ['tenant_id integer key', 'no integer key', 'name text'],
    companies.rows.map(([tenant = '', no = '']) => [tenant, no, `firm ${no ?? ''}`]),
  );
  const custom = table(
    'a.companies_custom',
    ['tenant_id integer key', 'company_no integer key', 'vat text'],
    companies.rows.map(([tenant = '', no = '']) => [tenant, no, `DE${String(100_000 + Number(no))}`]),
  );
  const contacts = (orphans: number): Given =>
    table(
      'a.contacts',
      ['id integer key', 'tenant_id integer', 'company_no integer', 'name text'],
      upTo(20, (n) => [String(n), String(1 + (n % 2)), n <= orphans ? '99' : String(1 + (n % 10)), `p ${String(n)}`]),
    );

  it('joins and requires by several columns', async () => {
    const { proposal } = await analysed([named, custom, contacts(2)], target);
    const [company, person] = proposal?.rules ?? [];
    expect(company).toMatchObject({
      source: 'a.companies',
      joins: [
        {
          as: 'companies_custom',
          on: [
            { column: 'tenant_id', equals: 'tenant_id' },
            { column: 'company_no', equals: 'no' },
          ],
          because: 'at most one',
          open: [],
        },
      ],
    });
    expect(company?.columns.find(({ target: name }) => name === 'vat')?.sources).toEqual([{ column: 'vat', of: 'companies_custom' }]);
    // Who refers to nothing refers to nobody: the number comes from the company that is there.
    expect(person).toMatchObject({
      source: 'a.contacts',
      joins: [
        {
          as: 'tenant_company_no',
          table: 'a.companies',
          on: [
            { column: 'tenant_id', equals: 'tenant_id' },
            { column: 'no', equals: 'company_no' },
          ],
        },
      ],
      requires: [{ parent: 'b.company', key: [{ column: 'tenant_id' }, { column: 'no', of: 'tenant_company_no' }] }],
    });
    const number = person?.columns.find(({ target: name }) => name === 'company_number');
    expect(number?.sources).toEqual([{ column: 'no', of: 'tenant_company_no' }]);
    expect(number?.because).toContain('2 of 20 rows refer to nothing');
    expect(number?.open).toEqual(['who refers to nothing refers to nobody then']);
  });

  it('takes the columns as they are where each refers to something', async () => {
    const { proposal } = await analysed([named, custom, contacts(0)], target);
    const person = proposal?.rules[1];
    expect(person).toMatchObject({
      joins: [],
      requires: [{ parent: 'b.company', key: [{ column: 'tenant_id' }, { column: 'company_no' }] }],
    });
    expect(person?.columns.flatMap(({ open }) => open)).toEqual([]);
  });
});
