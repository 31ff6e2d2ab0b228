import type { TableRule } from '@changeover/mapping';

import { account, appUser } from './companies.js';
import { contact, lead } from './people.js';
import { activity, deal, dealContact, note } from './sales.js';

/** How the new CRM's tables come from the old one's. */
export const RULES: readonly TableRule[] = [appUser, account, contact, lead, deal, dealContact, activity, note];
