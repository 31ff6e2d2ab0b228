import * as common from './common-work.js';
import * as company from './company-work.js';
import type { Activity } from './known-crm.js';
import * as people from './people-work.js';
import * as sales from './sales-work.js';

/** What users do all day. */
export const MOVE_ACTIVITIES: readonly Activity[] = [
  { kinds: ['saved in parts', 'insert'], weight: 8, run: people.saveContactInParts },
  { kinds: ['update'], weight: 12, run: people.updateContact },
  { kinds: ['address swapped'], weight: 4, run: people.swapAddresses },
  { kinds: ['address shared'], weight: 4, run: people.shareAddress },
  { kinds: ['address freed'], weight: 4, run: people.freeAddress },
  { kinds: ['first address'], weight: 4, run: people.preferAnotherAddress },
  { kinds: ['address edited'], weight: 4, run: people.editAddress },
  { kinds: ['other company'], weight: 4, run: people.changeCompany },
  { kinds: ['insert'], weight: 4, run: company.addAccount },
  { kinds: ['update'], weight: 6, run: company.updateAccount },
  { kinds: ['number swapped'], weight: 3, run: company.swapNumbers },
  { kinds: ['number shared'], weight: 3, run: company.shareNumber },
  { kinds: ['number freed'], weight: 3, run: company.freeNumber },
  { kinds: ['new parent'], weight: 3, run: company.moveAccount },
  { kinds: ['ring of parents'], weight: 1, run: company.makeRing },
  { kinds: ['update'], weight: 1, run: company.editUser },
  { kinds: ['insert'], weight: 6, run: sales.addLead },
  { kinds: ['update'], weight: 6, run: sales.updateLead },
  { kinds: ['lead converted'], weight: 4, run: sales.convertLead },
  { kinds: ['delete'], weight: 1, run: sales.deleteLead },
  { kinds: ['insert'], weight: 6, run: sales.addDeal },
  { kinds: ['update'], weight: 8, run: sales.updateDeal },
  { kinds: ['link moved'], weight: 4, run: sales.moveLink },
  { kinds: ['update'], weight: 8, run: sales.finishActivity },
  { kinds: ['bulk update'], weight: 1, run: sales.handOverActivities },
  { kinds: ['insert'], weight: 4, run: sales.addNote },
  { kinds: ['large text unchanged'], weight: 4, run: sales.pinNote },
  { kinds: ['rolled back'], weight: 2, run: sales.changeMind },
  ...(['accounts', 'contacts', 'leads', 'opportunities', 'activities'] as const).flatMap((table): Activity[] => [
    { kinds: ['thrown away'], weight: 2, run: common.throwAway(table) },
    { kinds: ['taken back'], weight: 2, run: common.takeBack(table) },
  ]),
  ...(['accounts', 'contacts', 'opportunities', 'activities'] as const).flatMap((table): Activity[] => [
    { kinds: ['made unreadable'], weight: 2, run: common.makeUnreadable(table) },
    { kinds: ['made readable'], weight: 2, run: common.makeReadable(table) },
  ]),
  { kinds: ['parent deleted', 'delete'], weight: 1, run: common.deleteForGood('accounts', 'parent deleted') },
  { kinds: ['parent back', 'insert'], weight: 1, run: common.bringBack('accounts', 'parent back') },
  { kinds: ['person deleted', 'delete'], weight: 1, run: common.deleteForGood('contacts', 'person deleted') },
  { kinds: ['person back', 'insert'], weight: 1, run: common.bringBack('contacts', 'person back') },
];

/**
 * What they do only when the new CRM has got its first rows: of a lead that is broken then, the last good version stays; of one that was broken before,
 * there is none, and the judge cannot know which of both it was.
 */
export const LATER_ACTIVITIES: readonly Activity[] = [
  { kinds: ['lead made unreadable'], weight: 4, run: common.makeUnreadable('leads', 'lead made unreadable') },
  { kinds: ['lead made readable'], weight: 3, run: common.makeReadable('leads', 'lead made readable') },
];
