import { all, concat, constant, count, first, is, min, uuid, when, type Value } from '@changeover/mapping';

import { addresses, phones } from './composites.js';
import { fullName, KEYS, live, map, times, words, wordsOrNone, type Shared } from './crm.js';
import { personOf } from './leads.js';
import { ownerOf, remainder } from './remainders.js';

type People = 'public.contacts' | 'public.leads';

/** What contacts and leads have in common. */
function common<Row extends string>(row: Shared<People, Row>) {
  return {
    nameFirstName: words(row('first_name')),
    nameLastName: words(row('last_name')),
    jobTitle: wordsOrNone(row('title')),
    ...phones(row('primary_address_country'), row('phone_work'), row('phone_mobile'), row('phone_home'), row('phone_other')),
    city: wordsOrNone(row('primary_address_city')),
    createdBySource: constant('IMPORT'),
    ...times(row),
  } as const;
}

/** What Twenty has no columns for. */
function said<Row extends string>(
  row: Shared<People, Row>,
  owner: Value<string | null, Row>,
  mail: { readonly written: Value<string | null, Row>; readonly optedOut: Value<string | null, Row> },
) {
  return {
    'Assigned to': owner,
    Salutation: row('salutation'),
    Department: row('department'),
    'Lead source': row('lead_source'),
    'Do not call': when([[is(row('do_not_call'), '1'), constant('yes')]]),
    'E-mail': mail.written,
    'Opted out of e-mail': mail.optedOut,
    Birthday: row('birthdate'),
    Fax: row('phone_fax'),
    Assistant: concat(', ', words(row('assistant')), words(row('assistant_phone'))),
    Address: postal(row, 'primary'),
    'Other address': postal(row, 'alt'),
    Description: row('description'),
  } as const;
}

function postal<Row extends string>(row: Shared<People, Row>, which: 'primary' | 'alt'): Value<string | null, Row> {
  return concat(
    ', ',
    words(row(`${which}_address_street`)),
    words(row(`${which}_address_city`)),
    words(row(`${which}_address_state`)),
    words(row(`${which}_address_postalcode`)),
    words(row(`${which}_address_country`)),
  );
}

/** Several people have one address in SuiteCRM, and in Twenty one: who was there first. */
const unique = [
  {
    columns: ['emailsPrimaryEmail'],
    where: { not: { value: 'emailsPrimaryEmail', in: [''] } },
    order: [{ column: 'date_entered' }],
    otherwise: 'empty',
  },
] as const;

const contact = map.from('public.contacts');
/** Twenty knows one company of a person: of the links to accounts that are there the latest. */
const employment = contact.join('employment', 'public.accounts_contacts', {
  on: { contact_id: contact('id') },
  where: live,
  order: [{ column: 'date_modified', descending: true }],
});
const employer = contact.join('account', 'public.accounts', { on: { id: employment('account_id') }, where: live });
const contactMail = addresses(contact, contact('id'), 'Contacts');

const lead = map.from('public.leads');
const person = personOf(lead, lead);
const account = lead.join('account', 'public.accounts', { on: { id: lead('account_id') }, where: live });
/** A lead mostly only says what its company is called. Where one account has this name it is meant. */
const named = lead.joinAll('named', 'public.accounts', {
  on: { name: lead('account_name') },
  where: live,
  columns: (one) => ({ number: count(), id: min(one('id')) }),
});
const company = first(account('id'), when([[is(named('number'), '1'), named('id')]]));
const leadMail = addresses(lead, lead('id'), 'Leads');

/** What a lead is to Twenty, and its deal with it: one that is a contact by now is there already. */
export const open = { row: lead, company, where: all(live(lead), is(person.contact, null)) };

export const people = [
  map.table('workspace_new.person', {
    from: contact,
    name: 'contact',
    where: live(contact),
    columns: {
      id: uuid(KEYS.contacts, contact('id')),
      emailsPrimaryEmail: contactMail.primary,
      emailsAdditionalEmails: contactMail.additional,
      companyId: uuid(KEYS.accounts, employer('id')),
      ...common(contact),
    },
    key: ['id'],
    required: ['createdAt', 'updatedAt'],
    requires: [{ parent: 'workspace_new.company', key: [employer('id')] }],
    unique,
  }),
  map.table('workspace_new.person', {
    from: lead,
    name: 'lead',
    where: open.where,
    columns: {
      id: uuid(KEYS.leads, lead('id')),
      emailsPrimaryEmail: leadMail.primary,
      emailsAdditionalEmails: leadMail.additional,
      companyId: uuid(KEYS.accounts, company),
      ...common(lead),
    },
    key: ['id'],
    required: ['createdAt', 'updatedAt'],
    requires: [{ parent: 'workspace_new.company', key: [company] }],
    unique,
  }),
  ...remainder(
    contact,
    { contact: contact('id') },
    fullName(contact),
    said(contact, ownerOf(contact, contact('assigned_user_id')), contactMail),
  ),
  ...remainder(lead, { lead: person.lead, contact: person.contact }, fullName(lead), {
    Status: lead('status'),
    'Status description': lead('status_description'),
    'Lead source description': lead('lead_source_description'),
    'Referred by': lead('refered_by'),
    Company: lead('account_name'),
    'About the company': lead('account_description'),
    Website: lead('website'),
    Opportunity: lead('opportunity_name'),
    'Opportunity amount': lead('opportunity_amount'),
    ...said(lead, ownerOf(lead, lead('assigned_user_id')), leadMail),
  }),
];
