import { defineMapping } from '@changeover/mapping';

import { RULES } from './rules/rules.js';

/** From the old CRM to the new one. The markers that measure the lag pass through as they are. */
export default defineMapping({ tables: { 'public.probes': {} }, rules: RULES });
