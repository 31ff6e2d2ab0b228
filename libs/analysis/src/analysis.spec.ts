import { estimate } from './estimate.js';
import { findingsOf } from './findings.js';
import { analysed, toldReferences, upTo, type Given } from './test/analysed.js';
import { describeTable } from './test/describe-table.js';

const uuid = (table: string, index: number): string => `${table.repeat(8).slice(0, 8)}-0000-4000-8000-${String(index).padStart(12, '0')}`;

const users: Given = {
  described: describeTable('a.users', ['id integer key', 'name text']),
  rows: upTo(20, (n) => [String(n), `u${String(n)}`]),
};
const accounts: Given = {
  described: describeTable('a.accounts', ['id text key', 'name text']),
  rows: upTo(20, (n) => [uuid('a', n), `firm ${String(n)}`]),
};

describe('references', () => {
  it('of short keys need the name, those of long ones do not', async () => {
    const deals = describeTable('a.deals', [
      'id integer key',
      'assigned_user_id integer',
      'level integer',
      'user_count integer',
      'xref text',
    ]);
    const rows = upTo(40, (n) => [
      String(n),
      n === 7 ? '99' : String(1 + (n % 20)),
      String(1 + (n % 9)),
      String(1 + (n % 5)),
      uuid('a', 1 + (n % 20)),
    ]);
    expect(toldReferences(await analysed([users, accounts, { described: deals, rows }]))).toEqual([
      'assigned_user_id → a.users: 1',
      'xref → a.accounts: 0',
    ]);
  });

  it('are none where most values are no keys, and none of a table to itself by its own key', async () => {
    const deals = describeTable('a.deals', ['id text key', 'account_id text']);
    const rows = upTo(40, (n) => [uuid('d', n), n % 2 === 0 ? uuid('a', n / 2) : uuid('x', n)]);
    expect(toldReferences(await analysed([accounts, { described: deals, rows }]))).toEqual([]);
  });

  it('to a table that was read in part have orphans that nobody can count', async () => {
    const deals = describeTable('a.deals', ['id integer key', 'account_id text']);
    const rows = upTo(40, (n) => [String(n), uuid('a', 1 + (n % 60))]);
    expect(
      toldReferences(
        await analysed([
          { ...accounts, whole: false },
          { described: deals, rows },
        ]),
      ),
    ).toEqual(['account_id → a.accounts: undefined']);
  });

  it('of one column to several tables are told one by one', async () => {
    const notes = describeTable('a.notes', ['id integer key', 'parent_type text', 'parent_id text']);
    const rows = upTo(30, (n) => [
      String(n),
      ['Accounts', 'User', 'Bugs'][n % 3] ?? '',
      n % 3 === 0 ? uuid('a', n === 30 ? 999 : n / 3) : String(1 + (n % 20)),
    ]);
    expect([...toldReferences(await analysed([users, accounts, { described: notes, rows }]))].sort()).toEqual([
      'parent_id → a.accounts (Accounts): 1',
      'parent_id → a.users (User): 0',
    ]);
  });

  it('that are declared are not found once more', async () => {
    const foreignKeys = [{ columns: ['user_id'], toSchema: 'a', toTable: 'users', toColumns: ['id'] }];
    const deals = describeTable('a.deals', ['id integer key', 'user_id integer'], { foreignKeys });
    const { references } = await analysed([users, { described: deals, rows: upTo(5, (n) => [String(n), String(n)]) }]);
    expect(references.map(({ kind }) => kind)).toEqual(['declared']);
  });
});

describe('a proposal', () => {
  const companies = describeTable('b.company', ['id text key', 'name text required', 'founded date required']);
  const people = describeTable('b.person', ['id text key', 'company_id text', 'email text', 'vip boolean required'], {
    foreignKeys: [{ columns: ['company_id'], toSchema: 'b', toTable: 'company', toColumns: ['id'] }],
  });
  const contacts: Given = {
    described: describeTable('a.contacts', ['id text key', 'is_vip smallint', 'deleted smallint']),
    rows: upTo(20, (n) => [uuid('c', n), String(n % 2), n === 1 ? '1' : '0']),
  };
  const links: Given = {
    described: describeTable('a.accounts_contacts', [
      'id text key',
      'account_id text',
      'contact_id text',
      'mail text',
      'date_modified timestamp without time zone',
    ]),
    rows: upTo(20, (n) => [
      uuid('l', n),
      uuid('a', n),
      uuid('c', n),
      `p${String(n)}@example.com`,
      `2020-01-${String(n).padStart(2, '0')} 00:00:00`,
    ]),
  };

  it('takes what lies in a table between, leaves what was thrown away, and says what it has nothing for', async () => {
    const { proposal, score } = await analysed([accounts, contacts, links], [companies, people]);
    const [company, person] = proposal?.rules ?? [];
    expect(company).toMatchObject({ source: 'a.accounts', target: 'b.company', where: null, left: [] });
    expect(company?.columns.find(({ target }) => target === 'founded')).toMatchObject({
      sources: [],
      value: { how: 'null' },
      required: true,
    });
    expect(person).toMatchObject({
      source: 'a.contacts',
      where: { column: 'deleted', values: ['0'] },
      joins: [{ as: 'accounts_contacts', on: [{ column: 'contact_id', equals: 'id' }], latest: 'date_modified' }],
      requires: [{ parent: 'b.company', key: [{ column: 'account_id', of: 'accounts_contacts' }] }],
    });
    expect(person?.columns.map(({ target, sources, value }) => [target, sources[0]?.column, value.how])).toEqual([
      ['id', 'id', 'same'],
      ['company_id', 'account_id', 'same'],
      ['email', 'mail', 'email'],
      ['vip', 'is_vip', 'boolean'],
    ]);
    expect(proposal?.sourcesLeft).toEqual([{ table: 'a.accounts_contacts', joined: true }]);
    expect(score.parts.find(({ part }) => part === 'mapping')?.points).toBeLessThan(100);
  });

  it('takes nothing from things of their own, nor a country for that of a telephone number', async () => {
    const leads: Given = {
      described: describeTable('a.leads', ['id integer key', 'assigned_user_id integer', 'email text']),
      rows: upTo(20, (n) => [String(n), String(n), `p${String(n)}@example.com`]),
    };
    const staff: Given = {
      described: describeTable('a.users', ['id integer key', 'name text', 'address_country text', 'phone text']),
      rows: upTo(20, (n) => [String(n), `u${String(n)}`, n % 2 === 0 ? 'Germany' : 'France', `+49 30 9018${String(n)}`]),
    };
    const member = describeTable('b.user', ['id uuid key', 'name text', 'email text', 'phonesPhoneCountryCode text']);
    const { proposal } = await analysed([staff, leads], [member]);
    // A number becomes no UUID: the key is there, for somebody to decide.
    expect(proposal?.rules[0]?.columns).toMatchObject([
      { target: 'id', sources: [], value: { how: 'null' }, open: [expect.stringContaining('every row is held')] },
      { target: 'name', sources: [{ column: 'name' }] },
    ]);
    expect(proposal?.sourcesLeft).toEqual([{ table: 'a.leads', joined: false }]);
  });

  it('is none for tables that have nothing to do with each other', async () => {
    const { proposal } = await analysed([users], [describeTable('b.invoice_line', ['id integer key', 'amount numeric'])]);
    expect(proposal).toMatchObject({ rules: [], targetsLeft: ['b.invoice_line'], sourcesLeft: [{ table: 'a.users', joined: false }] });
  });
});

describe('readiness', () => {
  it('is 100 where nothing is wrong, and less by what is', async () => {
    const good = await analysed([accounts]);
    expect(good.score.points).toBe(100);
    expect(good.score.parts.map(({ raise }) => raise)).toEqual(good.score.parts.map(() => null));
    const broken: Given = {
      described: describeTable('a.accounts', ['id text', 'name text']),
      rows: upTo(20, (n) => [uuid('a', n), 'M&uuml;ller']),
    };
    const { score } = await analysed([broken]);
    expect(Object.fromEntries(score.parts.map(({ part, points }) => [part, points]))).toMatchObject({ keys: 0, text: 50 });
    expect(score.points).toBeLessThan(50);
  });

  it('counts orphans and what is there twice', async () => {
    const contacts = describeTable('a.contacts', ['id integer key', 'account_id text', 'email text']);
    const rows = upTo(10, (n) => [String(n), uuid('a', n === 10 ? 999 : n), n === 2 ? 'P1@example.com' : `p${String(n)}@example.com`]);
    const { score, repeated } = await analysed([accounts, { described: contacts, rows }]);
    expect(repeated.filter(({ groups }) => groups > 0)).toMatchObject([{ column: 'email', form: 'email', groups: 1, surplus: 1 }]);
    expect(score.parts.find(({ part }) => part === 'references')?.points).toBe(90);
  });
});

test('columns that nobody uses, that never differ, and that lead outside are told', async () => {
  const table = describeTable('a.files', ['id integer key', 'gone text', 'kind text', 'path text', 'size text']);
  const { tables } = await analysed([
    { described: table, rows: upTo(10, (n) => [String(n), n > 5 ? '' : null, 'x', `up/${String(n)}.pdf`, String(n)]) },
  ]);
  expect(findingsOf(tables).map(({ column, finding }) => [column, finding])).toEqual([
    ['gone', 'unused'],
    ['kind', 'constant'],
    ['path', 'files'],
    ['size', 'type'],
  ]);
  expect(findingsOf((await analysed([{ described: table, rows: [] }])).tables)).toEqual([]);
});

test('a first copy takes as long as rows or bytes do', () => {
  expect(estimate(106_530, 1e6, Infinity).copySeconds).toBeCloseTo(10);
  expect(estimate(106_530, 1e6, 1e4).copySeconds).toBeCloseTo(100);
});
