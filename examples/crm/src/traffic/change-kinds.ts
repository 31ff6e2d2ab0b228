/** What simulated users do, by what is hard about it for whoever follows the changes. Every run must show each of them. */
export const CHANGE_KINDS = {
  insert: 'rows inserted',
  update: 'rows updated',
  delete: 'rows deleted',
  'unique swap': 'two contacts exchanged their e-mail addresses (unique, checked at once) by way of null',
  'deferred swap': 'two accounts exchanged their codes (unique, not null, deferrable)',
  'unique hand-over': 'an e-mail address passed from one contact to another',
  'key change': 'the key of a lead corrected, cascading to its opportunities',
  'composite key change': 'one part of a two-column key changed',
  'delete and insert again': 'a row deleted and inserted again under the same key',
  'multi-table transaction': 'a new customer with contacts, opportunity and activities in one transaction',
  'cycle of references': 'an account and a contact that refer to each other',
  'self reference': 'an account put under another one',
  'cascading delete': 'a contact deleted, its activities with it',
  'customer removed': 'an account deleted with all that belongs to it',
  'large text': 'a text of many kilobytes written',
  'large text unchanged': 'a row updated whose large text stays as it is (the log of the database leaves it out)',
  'bulk update': 'many rows updated by one statement',
  'rolled back': 'a transaction rolled back after it wrote',
  'savepoint rolled back': 'a transaction committed after a part of it was rolled back',
  'asynchronous commit': 'committed with synchronous_commit=off, so commits become visible in another order than they are logged',
} as const satisfies Record<string, string>;

export type ChangeKind = keyof typeof CHANGE_KINDS;
