import type { DescribedUnique } from '@changeover/events';

import type { Analysis } from '../analysis.js';
import { analysed, upTo, type Given } from '../test/analysed.js';
import { describeTable } from '../test/describe-table.js';
import type { ProposedUnique } from './proposal.js';

const index = (name: string, columns: readonly string[], change: Partial<DescribedUnique> = {}): DescribedUnique => ({
  name,
  columns,
  expressions: columns,
  predicate: null,
  ...change,
});

/** Of thirty people three have an address that another has, two of them written another way; one of the three was thrown away. All badges differ. */
const people: Given = {
  described: describeTable('a.people', [
    'id integer key',
    'tenant_id integer',
    'badge text',
    'email text',
    'login text',
    'nick text',
    'vip text',
    'deleted smallint',
  ]),
  rows: upTo(30, (n) => [
    String(n),
    String(1 + (n % 2)),
    // The same in each tenant, and only there.
    `B${String(Math.ceil(n / 2))}`,
    n === 28 ? 'P1@example.com' : n === 29 ? ' p2@example.com' : n === 30 ? 'p3@example.com' : n > 20 ? null : `p${String(n)}@example.com`,
    n === 30 ? 'L1' : `l${String(n)}`,
    `n${String(n)}`,
    n % 3 === 0 ? 'yes' : 'no',
    n === 30 ? '1' : '0',
  ]),
};

async function uniquesFor(uniques: readonly DescribedUnique[], given: Given = people): Promise<readonly ProposedUnique[]> {
  const columns = [
    'id integer key',
    'tenant_id integer required',
    'badge text required',
    'email text',
    'login text',
    'nick text',
    'vip boolean',
    'other text',
    'founded date required',
  ];
  const { proposal }: Analysis = await analysed([given], [describeTable('b.person', columns, { uniques })]);
  expect(proposal?.rules).toHaveLength(1);
  return proposal?.rules[0]?.unique ?? [];
}

describe('a unique index of the target', () => {
  it('is proposed without a question where no two rows want the same', async () => {
    expect(await uniquesFor([index('nick_u', ['nick']), index('mixed_u', ['tenant_id', 'nick'])])).toEqual([
      { columns: ['nick'], otherwise: 'empty', because: ['the index nick_u', 'no two rows want the same'], open: [] },
      { columns: ['tenant_id', 'nick'], otherwise: 'held', because: ['the index mixed_u', 'no two rows want the same'], open: [] },
    ]);
  });

  it('tells how many rows want what another has by its normal form, of those that are taken', async () => {
    expect(await uniquesFor([index('email_u', ['email']), index('badge_u', ['badge'])])).toEqual([
      {
        columns: ['email'],
        otherwise: 'empty',
        because: ['the index email_u', '2 rows want what another has by its normal form'],
        open: [`all but the first by key go without it ('held' would hold them)`],
      },
      {
        columns: ['badge'],
        otherwise: 'held',
        because: ['the index badge_u', '14 rows want what another has by its normal form'],
        open: ['all but the first by key are held'],
      },
    ]);
  });

  it('is asked about where not all rows were read', async () => {
    const [nick, email] = await uniquesFor([index('nick_u', ['nick']), index('email_u', ['email'])], { ...people, whole: false });
    expect(nick?.because).toContain('no two rows want the same, of those that were read');
    expect(nick?.open).toEqual([`all but the first by key go without it ('held' would hold them)`]);
    expect(email?.because).toContain('2 rows want what another has by its normal form, of those that were read');
  });

  it('is asked about where it is over some of the rows alone, and some want the same', async () => {
    const predicate = '(deleted_at IS NULL)';
    const [email, nick] = await uniquesFor([index('email_u', ['email'], { predicate }), index('nick_u', ['nick'], { predicate })]);
    expect(email?.because[0]).toBe('the index email_u, of rows where (deleted_at IS NULL)');
    expect(email?.open).toContain('the index is over some of the rows alone, this is over all');
    expect(nick?.open).toEqual([]);
  });

  it('over lower() takes what differs in case for the same', async () => {
    const lower = (column: string): DescribedUnique => ({
      name: `${column}_u`,
      columns: null,
      expressions: [`lower(${column})`],
      predicate: null,
    });
    // The one that was thrown away is not taken.
    expect(await uniquesFor([lower('login')])).toMatchObject([{ columns: ['login'], open: [] }]);
    const all: Given = { ...people, rows: people.rows.map((row) => [...row.slice(0, -1), '0']) };
    const [one] = await uniquesFor([lower('login')], all);
    expect(one?.because).toContain('1 row wants what another has by its normal form');
    expect(one?.open).toContain(
      'the index takes capitals and small letters for the same, this does only where the column above has been put into one case',
    );
    expect((await uniquesFor([index('login_u', ['login'])], all))[0]?.open).toEqual([]);
  });

  it('is not counted where several spellings become one value, and says so', async () => {
    const [vip] = await uniquesFor([index('vip_u', ['vip', 'nick'])]);
    expect(vip?.because).toEqual(['the index vip_u']);
    expect(vip?.open[0]).toMatch(/was not counted/u);
  });

  it('is not proposed over the key, over columns that nothing is made of, or over an expression', async () => {
    const expression = { columns: null, expressions: ['date_trunc(nick)'] };
    const made = [index('id_u', ['id']), index('other_u', ['nick', 'other']), index('founded_u', ['founded'])];
    expect(await uniquesFor([...made, index('x', [], expression)])).toEqual([]);
  });

  it('of what a join says again is counted where the row says it, and of what it says else is not', async () => {
    const firms: Given = {
      described: describeTable('a.firms', ['id text key', 'name text']),
      rows: upTo(20, (n) => [`firm-00000000000${String(n)}`, `firm ${String(n)}`]),
    };
    const contracts: Given = {
      described: describeTable('a.contracts', ['id integer key', 'firm_id text', 'title text']),
      // Two want the fifth firm, and one a firm that is not there.
      rows: upTo(20, (n) => [String(n), `firm-00000000000${String(n === 20 ? 99 : n === 19 ? 5 : n)}`, `t${String(n)}`]),
    };
    const foreignKeys = [{ columns: ['firm_id'], toSchema: 'b', toTable: 'firm', toColumns: ['id'] }];
    const targets = [
      describeTable('b.firm', ['id text key', 'name text', 'vat text'], { uniques: [index('vat_u', ['vat'])] }),
      describeTable('b.contract', ['id integer key', 'firm_id text', 'title text'], {
        foreignKeys,
        uniques: [index('firm_u', ['firm_id'])],
      }),
    ];
    const custom: Given = {
      described: describeTable('a.firms_custom', ['firm_id text key', 'vat text']),
      rows: firms.rows.map(([id = '']) => [id, 'x']),
    };
    const { proposal } = await analysed([firms, custom, contracts], targets);
    const [firm, contract] = proposal?.rules ?? [];
    expect(firm?.columns.find(({ target }) => target === 'vat')?.sources).toEqual([{ column: 'vat', of: 'firms_custom' }]);
    expect(firm?.unique[0]?.open[0]).toMatch(/was not counted/u);
    expect(contract?.columns.find(({ target }) => target === 'firm_id')?.sources).toMatchObject([{ column: 'id', of: 'firm' }]);
    expect(contract?.unique[0]?.because).toContain('1 row wants what another has by its normal form');
  });
});
