import { number } from '@changeover/cleaning';
import { concat, constant, uuid } from '@changeover/mapping';

import { address, addresses, amount, links } from './composites.js';
import { KEYS, live, map, times, words } from './crm.js';
import { remainder } from './remainders.js';

const row = map.from('public.accounts');
const owner = row.join('owner', 'public.users', { on: { id: row('assigned_user_id') } });
const mail = addresses(row, row('id'), 'Accounts');
// People write anything here; what is no amount stands in the note for the rest.
const revenue = amount(row('annual_revenue'), { invalid: 'empty' });

const company = map.table('workspace_new.company', {
  from: row,
  where: live(row),
  columns: {
    id: uuid(KEYS.accounts, row('id')),
    name: words(row('name')),
    ...links(row('website')),
    employees: number(row('employees'), { range: 'low', invalid: 'empty' }),
    annualRecurringRevenueAmountMicros: revenue.micros,
    annualRecurringRevenueCurrencyCode: revenue.code,
    ...address(
      row('billing_address_street'),
      row('billing_address_city'),
      row('billing_address_state'),
      row('billing_address_postalcode'),
      row('billing_address_country'),
    ),
    accountOwnerId: uuid(KEYS.users, owner('id')),
    createdBySource: constant('IMPORT'),
    ...times(row),
  },
  key: ['id'],
  required: ['name', 'createdAt', 'updatedAt'],
  requires: [{ parent: 'workspace_new.workspaceMember', key: [owner('id')] }],
  // Of two accounts with one website the older one has it.
  unique: [
    {
      columns: ['domainNamePrimaryLinkUrl'],
      where: { not: { value: 'domainNamePrimaryLinkUrl', in: [''] } },
      order: [{ column: 'date_entered' }],
      otherwise: 'empty',
    },
  ],
});

export const companies = [
  company,
  ...remainder(row, { account: row('id') }, words(row('name')), {
    Type: row('account_type'),
    Industry: row('industry'),
    Rating: row('rating'),
    Ownership: row('ownership'),
    'Ticker symbol': row('ticker_symbol'),
    'SIC code': row('sic_code'),
    Website: row('website'),
    Employees: row('employees'),
    'Annual revenue': row('annual_revenue'),
    'Office phone': row('phone_office'),
    'Other phone': row('phone_alternate'),
    Fax: row('phone_fax'),
    'E-mail': mail.written,
    'Opted out of e-mail': mail.optedOut,
    'Shipping address': concat(
      ', ',
      words(row('shipping_address_street')),
      words(row('shipping_address_city')),
      words(row('shipping_address_state')),
      words(row('shipping_address_postalcode')),
      words(row('shipping_address_country')),
    ),
    Description: row('description'),
  }),
];
