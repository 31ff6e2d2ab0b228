import type { UserActivity } from './crew.js';
import * as customer from './customer-work.js';
import * as daily from './daily-work.js';
import * as keys from './key-work.js';

export const USER_ACTIVITIES: readonly UserActivity[] = [
  { kinds: ['insert'], weight: 12, run: daily.addContact },
  { kinds: ['insert'], weight: 8, run: daily.addLead },
  { kinds: ['insert'], weight: 12, run: daily.addActivity },
  { kinds: ['insert'], weight: 6, run: daily.linkContact },
  { kinds: ['update'], weight: 14, run: daily.updateContact },
  { kinds: ['update'], weight: 12, run: daily.updateOpportunity },
  { kinds: ['update'], weight: 8, run: daily.finishActivity },
  { kinds: ['update'], weight: 6, run: daily.qualifyLead },
  { kinds: ['delete'], weight: 4, run: daily.deleteActivity },
  { kinds: ['delete'], weight: 2, run: daily.deleteLead },
  { kinds: ['delete'], weight: 2, run: daily.unlinkContact },
  { kinds: ['delete', 'cascading delete'], weight: 1, run: daily.deleteContact },
  { kinds: ['large text'], weight: 3, run: daily.writeNote },
  { kinds: ['large text unchanged'], weight: 4, run: daily.pinNote },
  { kinds: ['bulk update'], weight: 1, run: daily.handOverAccounts },
  { kinds: ['rolled back'], weight: 3, run: daily.changeMind },
  { kinds: ['savepoint rolled back'], weight: 2, run: daily.changeMindInPart },
  { kinds: ['unique swap'], weight: 3, run: keys.swapEmails },
  { kinds: ['deferred swap'], weight: 3, run: keys.swapAccountCodes },
  { kinds: ['unique hand-over'], weight: 2, run: keys.passEmailOn },
  { kinds: ['key change'], weight: 3, run: keys.correctLeadCode },
  { kinds: ['composite key change'], weight: 2, run: keys.moveLink },
  { kinds: ['delete and insert again'], weight: 2, run: keys.replaceNote },
  { kinds: ['multi-table transaction', 'cycle of references'], weight: 5, run: customer.addCustomer },
  { kinds: ['self reference'], weight: 2, run: customer.moveAccount },
  { kinds: ['customer removed'], weight: 1, run: customer.removeCustomer },
];
