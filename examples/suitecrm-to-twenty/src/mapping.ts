import { defineMapping } from '@changeover/mapping';

import { activities } from './activities.js';
import { companies } from './companies.js';
import { events } from './events.js';
import { member } from './members.js';
import { opportunities } from './opportunities.js';
import { people } from './people.js';

export default defineMapping({ rules: [member, ...companies, ...people, ...opportunities, ...activities, ...events] });
