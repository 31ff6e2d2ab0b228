import { defineMapping } from '@changeover/mapping';

import { call } from './calls.js';
import { company } from './companies.js';
import { calendarEvent, participant } from './meetings.js';
import { member } from './members.js';
import { note, noteTarget } from './notes.js';
import { opportunity } from './opportunities.js';
import { person } from './people.js';
import { task, taskTarget } from './tasks.js';

export default defineMapping({
  rules: [member, company, person, opportunity, note, noteTarget, task, taskTarget, calendarEvent, participant, call],
});
