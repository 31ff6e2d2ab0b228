import { defineMapping } from '@changeover/mapping';

/** From the old CRM's names to the new one's. Tables that are not named here keep their names. */
export default defineMapping({
  tables: {
    'public.accounts': {
      to: 'crm.account',
      columns: { name: 'title', external_code: 'customer_number', parent_id: 'parent_account_id', primary_contact_id: 'primary_person_id' },
    },
    'public.contacts': { to: 'crm.person', columns: { first_name: 'given_name', last_name: 'family_name' } },
    'public.opportunities': { to: 'sales.deal', columns: { name: 'title' } },
  },
});
