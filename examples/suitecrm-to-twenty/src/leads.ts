import { is, when, type DrivingRow, type Value } from '@changeover/mapping';

import { live } from './crm.js';
import type { Source } from './types.js';

/**
 * Who a lead is in Twenty. One that was converted to a contact that is there is that contact, and everything about the lead is about him; all others are
 * people of their own. `status` does not count: people set it by hand. Each is the id of that row, or null.
 */
export function personOf<Name extends keyof Source>(
  row: DrivingRow<Source, Name>,
  lead: {
    (column: 'id' | 'contact_id'): Value<string | null, Name>;
    (column: 'converted'): Value<`${number}` | null, Name>;
  },
): { readonly contact: Value<string | null, Name>; readonly lead: Value<string | null, Name> } {
  const contact = row.join('converted', 'public.contacts', {
    on: { id: when([[is(lead('converted'), '1'), lead('contact_id')]]) },
    where: live,
  })('id');
  return { contact, lead: when([[is(contact, null), lead('id')]]) };
}
