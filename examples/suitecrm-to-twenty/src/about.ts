import { first, type DrivingRow, type Value } from '@changeover/mapping';

import { fullName, live, words } from './crm.js';
import { personOf } from './leads.js';
import type { Source } from './types.js';

/** Ids of what a row is about, each null where it is about none. */
export type About<Row> = Readonly<Partial<Record<'account' | 'opportunity' | 'contact' | 'lead', Value<string | null, Row>>>>;

/**
 * What a row is about. SuiteCRM says it by a type and an id (`parent_type`, `parent_id`); no two records have one id, so it is enough to look where the
 * id is found. `name` is what it is called there.
 */
export function about<Name extends keyof Source>(
  row: DrivingRow<Source, Name>,
  id: Value<string | null, Name>,
): Required<About<Name>> & { readonly name: Value<string | null, Name> } {
  const account = row.join('account', 'public.accounts', { on: { id }, where: live });
  const opportunity = row.join('opportunity', 'public.opportunities', { on: { id }, where: live });
  const contact = row.join('contact', 'public.contacts', { on: { id }, where: live });
  const lead = row.join('lead', 'public.leads', { on: { id }, where: live });
  const person = personOf(row, lead);
  return {
    account: account('id'),
    opportunity: opportunity('id'),
    contact: first(contact('id'), person.contact),
    lead: person.lead,
    name: first(words(account('name')), words(opportunity('name')), fullName(contact), fullName(lead)),
  };
}
