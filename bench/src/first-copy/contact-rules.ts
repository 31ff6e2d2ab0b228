import type { Expression, TableRule } from '@changeover/mapping';

const from = (column: string): Expression => ({ column });
const trimmed = (column: string): Expression => ({ convert: 'trim', input: from(column), invalid: 'held' });
const country: Expression = { convert: 'country', input: from('country'), invalid: 'empty' };

/** Words as people typed them: case and spaces do not count. */
function oneOf(column: string, values: Readonly<Record<string, string>>): Expression {
  return { convert: 'enum', options: { values, ignoreCase: true, ignoreSpace: true }, input: from(column), invalid: 'held' };
}

/**
 * As much as the demo's mapping does to a contact: two dates, two enums, a flag, an e-mail address that has to be unique, a phone number, a country,
 * texts, a join, and an account that has to be there.
 */
export const CONTACT_RULES: readonly TableRule[] = [
  {
    source: 'public.accounts',
    target: 'crm.account',
    columns: { id: from('id'), name: trimmed('name'), country },
    key: ['id'],
    required: ['name'],
  },
  {
    source: 'public.contacts',
    target: 'crm.person',
    joins: [{ as: 'account', table: 'public.accounts', on: { id: from('account_id') } }],
    columns: {
      id: from('id'),
      account_id: from('account_id'),
      account_name: { column: 'name', of: 'account' },
      given_name: trimmed('first_name'),
      family_name: trimmed('last_name'),
      email: { convert: 'email', input: from('email'), invalid: 'held' },
      phone: { convert: 'phone', options: { country: 'DE' }, input: from('phone'), invalid: 'empty' },
      country: { first: [country, { column: 'country', of: 'account' }] },
      status: oneOf('status', { new: 'new', working: 'working', qualified: 'qualified', lost: 'lost' }),
      lead_source: oneOf('lead_source', {
        'web form': 'web',
        'trade show': 'event',
        referral: 'referral',
        'cold call': 'call',
        partner: 'partner',
      }),
      birth_date: { convert: 'date', options: { formats: ['YYYY-MM-DD', 'DD.MM.YYYY'] }, input: from('birth_date'), invalid: 'held' },
      created_at: { convert: 'timestamp', options: { formats: ['MM/DD/YYYY HH:mm:ss'] }, input: from('created_at'), invalid: 'held' },
      do_not_call: { convert: 'boolean', input: from('do_not_call'), invalid: 'held' },
      city: from('city'),
      remark: { convert: 'htmlEntities', input: from('remark'), invalid: 'held' },
    },
    key: ['id'],
    required: ['family_name'],
    requires: [{ parent: 'crm.account', key: [from('account_id')] }],
    unique: [{ columns: ['email'], order: [{ column: 'created_at' }], otherwise: 'empty' }],
  },
];
